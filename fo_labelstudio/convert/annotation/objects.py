"""What a result is about: the image of the sample, or another object that somebody added to the labeling config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.messages import quoted

ANSWERS = frozenset(("choices", "textarea", "number", "rating", "datetime", "taxonomy", "pairwise", "ranker"))
"""The ``type`` of results that have no place of their own: they are about a region, or about the whole object."""


def other_object(result: Any) -> str | None:
    """The object that a result is about, as messages name it; None where that is the image of the sample.

    Source: Label Studio 1.23.2: ``to_name`` is the name of the object tag; where that shows several images,
    ``item_index`` is the place of one of them, from 0
    """
    if not isinstance(result, Mapping):
        return None
    name, place = result.get("to_name"), result.get("item_index")
    if name not in (None, OBJECT_TAG):
        return quoted(name)
    return None if place in (None, 0) else f"image {quoted(place)} of {OBJECT_TAG!r}, counted from 0"


def split(result: Sequence[Any]) -> tuple[list[Any], list[tuple[str, Any]]]:
    """The results that are about the image of the sample, and the others, each with the object that it is about.

    An answer that shares the id of a region is about the object of that region.
    """
    # Nearly all results are of this kind, and telling so first takes a third of the time.
    rest = [
        item for item in result if type(item) is not dict or item.get("to_name") != OBJECT_TAG or "item_index" in item
    ]
    others = [(name, item) for item in rest if (name := other_object(item))]
    if not others:
        return list(result), []
    ours = [item for item in result if not other_object(item)]
    here = {item["id"] for item in ours if is_region(item)}
    elsewhere = {item["id"]: name for name, item in others if is_region(item) and item["id"] not in here}
    if elsewhere:
        followers = [item for item in ours if _id_of(item) in elsewhere]
        others += [(elsewhere[item["id"]], item) for item in followers]
        ours = [item for item in ours if _id_of(item) not in elsewhere]
    return ours, others


def is_region(result: Any) -> bool:
    """Whether a result has an id and a place on its object."""
    return _id_of(result) is not None and not is_answer(result) and result.get("type") != "relation"


def is_answer(result: Mapping[str, Any]) -> bool:
    """Whether a result is about a region, or about the whole object."""
    kind = result.get("type")
    return isinstance(kind, str) and kind in ANSWERS


def _id_of(result: Any) -> str | None:
    region_id = result.get("id") if type(result) is dict or isinstance(result, Mapping) else None
    return region_id if isinstance(region_id, str) else None
