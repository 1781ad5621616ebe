"""What a result is about: an object of the sample, or another one that somebody added to the labeling config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.messages import quoted

ANSWERS = frozenset(("choices", "textarea", "number", "rating", "datetime", "taxonomy", "pairwise", "ranker"))
"""The ``type`` of results that have no place of their own: they are about a region, or about the whole object."""


def other_object(result: Any, objects: Mapping[str, Medium]) -> str | None:
    """The object that a result is about, as messages name it; None where that is one of the sample.

    Args:
        result: the result
        objects: the objects that the sample's task shows: name of the object tag -> medium

    Source: Label Studio 1.23.2: ``to_name`` is the name of the object tag; where that shows several images,
    ``item_index`` is the place of one of them, from 0
    """
    if not isinstance(result, Mapping):
        return None
    name, place = result.get("to_name"), result.get("item_index")
    # What is no name may not even have a hash.
    names = [own for own in objects if name in (None, own)]
    if not names:
        return quoted(name)
    medium = objects[names[0]]
    return (
        None if medium.item or place in (None, 0) else f"{medium.noun} {quoted(place)} of {names[0]!r}, counted from 0"
    )


def split(result: Sequence[Any], objects: Mapping[str, Medium]) -> tuple[list[Any], list[tuple[str, Any]]]:
    """The results that are about the objects of the sample, and the others, each with the object that it is about.

    An answer that shares the id of a region is about the object of that region.

    Args:
        result: the results
        objects: the objects that the sample's task shows: name of the object tag -> medium
    """
    names = tuple(objects)
    # Nearly all results are of this kind, and telling so first takes a third of the time.
    rest = [
        item for item in result if type(item) is not dict or item.get("to_name") not in names or "item_index" in item
    ]
    others = [(name, item) for item in rest if (name := other_object(item, objects))]
    if not others:
        return list(result), []
    ours = [item for item in result if not other_object(item, objects)]
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
