"""What a task says of where it came from, and what was sent with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.media import MEDIA
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.convert.records import LabelField, lists_of
from fo_labelstudio.convert.shapes.ranges import numbers_in, to_ranges
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

SAMPLE_ID = "sample_id"


META = "fiftyone"


SENT_ANNOTATION = "annotation"
"""The key of what a task's meta says of the annotation that was sent with it: the number that it is known by."""

HIDDEN = "hidden"
"""The key of what a record of a label says of its frames that were not sent with it, as ``first-last first-last``."""

LISTS = "lists"
"""The key of what a task's meta says of the lists of files that it shows: key in its data -> what is known of them."""

_OF = "of"
"""The key of the digest of the paths of such a list."""

_RANGES = re.compile(r"[0-9]{1,9}-[0-9]{1,9}( [0-9]{1,9}-[0-9]{1,9})*")
_LAST_FRAME = 10**7
_NO_ASPECTS = ("ids", HIDDEN)

FORMAT = 1


def parse_origin(task: Mapping[str, Any], run: str, medium: Medium) -> tuple[str, MediaInfo, Mapping[str, Any]]:
    """What the data and the meta of a task say.

    Args:
        task: the task
        run: the token of the annotation run
        medium: the medium of the sample

    Returns:
        the id of the sample that it shows, what its regions refer to, and what was sent

    Raises:
        RegionError: another run made it, or somebody has changed them
    """
    data, meta = task.get("data"), task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(origin, Mapping) or origin.get("run") != run:
        raise RegionError("it was not made by this annotation run; its annotation was left alone")
    if origin.get("version") != FORMAT:
        raise RegionError(
            f"its meta has format {quoted(origin.get('version'))}, expected {FORMAT}; update fo-labelstudio"
        )
    sample_id, media, sent = data.get(SAMPLE_ID), medium.parse_meta(origin), origin.get("sent")
    if not (isinstance(sample_id, str) and media is not None and is_sent(sent)):
        raise RegionError("its data or meta was changed; its annotation was left alone")
    return sample_id, media, sent


class ShownList(NamedTuple):
    """A list of files that a task shows.

    Attributes:
        media: what regions on it refer to
        digest: of the paths that the sample listed
    """

    media: MediaInfo
    digest: str


def to_lists(lists: Mapping[str, MediaInfo], shown: Mapping[str, Any], fields: Iterable[LabelField]) -> dict[str, Any]:
    """What the meta of a task says of the lists of files that it shows.

    Args:
        lists: key in its data -> what is known of the files
        shown: key in its data -> their paths
        fields: the label fields of the run
    """
    return {
        key: {_OF: digest_of(shown[key]), **field.medium.to_meta(lists[key])} for key, field in lists_of(fields).items()
    }


def parse_lists(task: Mapping[str, Any], fields: Iterable[LabelField]) -> dict[str, ShownList]:
    """What the meta of a task says of the lists of files that it shows: key in its data -> the list.

    Args:
        task: a task of which :func:`parse_origin` has read the rest
        fields: the label fields of the run

    Raises:
        RegionError: somebody has changed it
    """
    found: dict[str, ShownList] = {}
    lists = task["meta"][META].get(LISTS)
    for key, field in lists_of(fields).items():
        said = lists.get(key) if isinstance(lists, Mapping) else None
        media = field.medium.parse_meta(said) if isinstance(said, Mapping) else None
        if media is None or not isinstance(said, Mapping) or not isinstance(said.get(_OF), str):
            raise RegionError(f"its meta no longer says what {key!r} lists; its annotation was left alone")
        found[key] = ShownList(media, said[_OF])
    return found


def digest_of_lists(origin: Mapping[str, Any]) -> str:
    """The digest of the paths of all lists of files that a task shows, by what its meta records."""
    lists = origin.get(LISTS)
    rows = lists.items() if isinstance(lists, Mapping) else ()
    return digest_of({key: said.get(_OF) if isinstance(said, Mapping) else None for key, said in rows})


def is_sent_annotation(annotation: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    """Whether an annotation is the one that was sent with its task, edited or not.

    Source: Label Studio 1.23.2, tasks/serializers.py: ``import_id`` is the id that an annotation had when it came
    """
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    number = origin.get(SENT_ANNOTATION) if isinstance(origin, Mapping) else None
    return type(number) is int and annotation.get("import_id") == number


def is_sent(sent: Any) -> TypeGuard[Mapping[str, Mapping[str, Mapping[str, Any]]]]:
    """Whether something is a record of what was sent, as :func:`to_task` writes it; people may have changed it."""
    return isinstance(sent, Mapping) and all(
        isinstance(entries, Mapping) and all(map(_is_entry, entries.values())) for entries in sent.values()
    )


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, Mapping) and all(_is_row(aspect, value) for aspect, value in entry.items())


def _is_row(aspect: str, value: Any) -> bool:
    if aspect == "ids":
        return isinstance(value, list) and bool(value) and all(isinstance(label_id, str) for label_id in value)
    return isinstance(value, str) and (aspect != HIDDEN or _RANGES.fullmatch(value) is not None)


def aspects_in(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a record of a label says of its aspects: aspect -> digest of what was sent."""
    return {name: value for name, value in entry.items() if name not in _NO_ASPECTS}


def to_hidden(numbers: Iterable[int]) -> str:
    """Numbers of frames as a record of a label says them."""
    return " ".join(f"{first}-{last}" for first, last in to_ranges(numbers))


def hidden_in(text: str) -> set[int]:
    """The numbers of frames that :func:`to_hidden` has written; of many, none beyond what a video can have."""
    ranges = (tuple(map(int, part.split("-"))) for part in text.split(" "))
    return set(numbers_in(ranges, _LAST_FRAME))


def has_prediction(origin: Mapping[str, Any]) -> bool:
    """Whether a task was sent with a prediction, by what its meta records."""
    return any(aspects_in(entry) for entries in origin["sent"].values() for entry in entries.values())


def digest_of_origin(origin: Mapping[str, Any]) -> str:
    """The digest of what a task was made from, but for its media, by what its meta records."""
    keys = [key for medium in MEDIA for key in medium.meta_keys if key in origin]
    made_from = [origin.get(key) for key in (*keys, "sent", *([LISTS] if LISTS in origin else []))]
    return digest_of([*made_from, origin["fields"]] if "fields" in origin else made_from)
