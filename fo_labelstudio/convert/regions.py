"""The regions of labels: what they carry, their ids, and which of them are read together."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import fiftyone.core.labels as fol

from fo_labelstudio.convert.family import Grouping, region_type_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.records import LabelField, Region

_MAX_PART_DIGITS = 6

PART_SEPARATOR = "."
"""Not in ids that the editor makes, nor in those of labels."""


def new_region(
    region_id: str, region_type: str, field: LabelField, value: dict[str, Any], control: str | None = None
) -> Region:
    """A region of a field, without what only some types have.

    Args:
        region_id: its id
        region_type: its ``type``
        field: the field
        value: its ``value``
        control: name of its control tag, where it is not the field's own
    """
    return {
        "id": region_id,
        "from_name": control or field.control,
        "to_name": field.to_name,
        "type": region_type,
        "value": value,
    }


def placed_region(
    region_id: str, region_type: str, field: LabelField, media: MediaInfo, value: dict[str, Any]
) -> Region:
    """A region that is drawn on the medium, with what each of these carries."""
    return {**new_region(region_id, region_type, field, value), **field.medium.marks(media)}


def drawn_region(
    region_id: str, region_type: str, label: fol.Label, field: LabelField, media: MediaInfo, value: dict[str, Any]
) -> Region:
    """A region that is drawn on the medium, with its label's class, if it has one, and score."""
    if field.classes:
        value = {**value, region_type: [] if label.label is None else [label.label]}
    return scored(placed_region(region_id, region_type_of(field, region_type), field, media, value), score_of(label))


def scored(region: Region, score: float | None) -> Region:
    """A region that was just made, which gets a score in [0, 1], if there is one."""
    if score is not None:
        region["score"] = score
    return region


def score_of(label: fol.Label) -> float | None:
    """The confidence of a label as a score in [0, 1], or None; a hint for the annotator, never read back."""
    confidence = getattr(label, "confidence", None)
    if not is_finite(confidence):
        return None
    return min(max(float(confidence), 0.0), 1.0)


def part_id(label_id: str, number: int) -> str:
    """The id of one of the regions of a label; the first one's is the label's own."""
    return label_id if number == 0 else f"{label_id}{PART_SEPARATOR}{number + 1}"


def whole_id(region_id: str) -> str:
    """The id of the label that a region is a part of."""
    return region_id.partition(PART_SEPARATOR)[0]


def part_number(region: Region, key: str) -> int | None:
    """The place of a region in the label of a key, from 0; None for one that was drawn since."""
    whole, _, number = region["id"].partition(PART_SEPARATOR)
    if whole != key:
        return None
    if not number:
        return 0
    is_sent = number.isascii() and number.isdecimal() and len(number) <= _MAX_PART_DIGITS and int(number) > 1
    return int(number) - 1 if is_sent else None


def group_regions(
    regions: Sequence[Region], grouping: Grouping, known: Collection[str] = ()
) -> dict[str, list[Region]]:
    """The regions of a field that are read together, by the id that they have in common, in the order of the parts.

    Args:
        regions: the regions
        grouping: which of them are read together
        known: ids of labels, whose regions stay theirs wherever somebody moves them in the tree of regions
    """
    if grouping is Grouping.FIELD:
        return {regions[0]["id"]: list(regions)} if regions else {}
    groups: dict[str, list[Region]] = {}
    if grouping is Grouping.REGION:
        for region in regions:
            groups.setdefault(region["id"], []).append(region)
        return groups
    parents = {
        whole: None if whole in known else region.get("parentID")
        for region in regions
        for whole in (whole_id(region["id"]),)
    }
    roots: dict[str, str] = {}
    for region in regions:
        groups.setdefault(_root(whole_id(region["id"]), parents, roots), []).append(region)
    return {key: sorted(group, key=lambda region: _part_order(region, key)) for key, group in groups.items()}


def _root(whole: str, parents: Mapping[str, Any], roots: dict[str, str]) -> str:
    """The topmost parent of a region; of those that are each other's parents, one.

    Args:
        whole: the id of the region's label
        parents: id -> what is said to be the parent
        roots: what was found already; receives what is found
    """
    path: dict[str, None] = {whole: None}
    while whole not in roots:
        parent = parents[whole]
        above = whole_id(parent) if isinstance(parent, str) else None
        if above is None or above not in parents or above in path:
            roots[whole] = whole
        else:
            whole = above
            path[whole] = None
    roots.update(dict.fromkeys(path, roots[whole]))
    return roots[whole]


def _part_order(region: Region, key: str) -> float:
    """Where a region stands in its label; what was drawn since comes last."""
    number = part_number(region, key)
    return math.inf if number is None else number
