"""What a task says of where it came from, and what was sent with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from fo_labelstudio.convert.records import MediaInfo
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

SAMPLE_ID = "sample_id"


META = "fiftyone"


FORMAT = 1


_LONGEST = 2**31 - 1
"""Pixels of the longest side that any format of images can have."""


def parse_origin(task: Mapping[str, Any], run: str) -> tuple[str, MediaInfo, Mapping[str, Any]]:
    data, meta = task.get("data"), task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(origin, Mapping) or origin.get("run") != run:
        raise RegionError("it was not made by this annotation run; its annotation was left alone")
    if origin.get("version") != FORMAT:
        raise RegionError(
            f"its meta has format {quoted(origin.get('version'))}, expected {FORMAT}; update fo-labelstudio"
        )
    sample_id, size, sent = data.get(SAMPLE_ID), origin.get("size"), origin.get("sent")
    if not (isinstance(sample_id, str) and _is_size(size) and is_sent(sent)):
        raise RegionError("its data or meta was changed; its annotation was left alone")
    return sample_id, MediaInfo(*size), sent


def _is_size(size: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int and 0 < side <= _LONGEST for side in size)
    )


def is_sent(sent: Any) -> TypeGuard[Mapping[str, Mapping[str, Mapping[str, Any]]]]:
    """Whether something is a record of what was sent, as :func:`to_task` writes it; people may have changed it."""
    return isinstance(sent, Mapping) and all(
        isinstance(entries, Mapping) and all(map(_is_entry, entries.values())) for entries in sent.values()
    )


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, Mapping) and all(
        (isinstance(value, list) and value and all(isinstance(label_id, str) for label_id in value))
        if aspect == "ids"
        else isinstance(value, str)
        for aspect, value in entry.items()
    )


def has_prediction(origin: Mapping[str, Any]) -> bool:
    """Whether a task was sent with a prediction, by what its meta records."""
    return any(aspect != "ids" for entries in origin["sent"].values() for entry in entries.values() for aspect in entry)
