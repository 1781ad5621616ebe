"""The Family record: what a label family says of itself, and what families share."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from typing import Any, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.convert.numbers import is_finite, is_number
from fo_labelstudio.convert.records import Aspect, Edit, LabelField, MediaInfo, ParsedLabel, Region
from fo_labelstudio.convert.stored import StoredLabels, list_name
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

L = TypeVar("L", bound=fol.Label)


Revision = tuple[fol.Label | None, Sequence[str]]
"""A label as an edit leaves it, None if nothing is left of it, and notes on what had to be decided."""


class Grouping(Enum):
    """Which regions of a field are read together."""

    REGION = "each region is a label"
    PARTS = "the regions of one label share the beginning of their ids, or name it as their parent"
    FIELD = "all regions of a field, which hold all of its labels"


@dataclass(frozen=True)
class Family:
    """One kind of label, both directions.

    Law: ``[to_label(p, field) for p in parse_regions(to_regions(labels, field, media), field, media)]`` equals
    ``labels`` in all that regions express: classes exactly, coordinates within 1e-9.

    Attributes:
        label_types: FiftyOne's name of each label type served -> class of the label field's value, None for a scalar
        region_types: the ``type`` of the regions that are understood
        is_drawn: whether its regions are drawn on the medium
        grouping: which regions of a field are read together
        aspects: what a person can change, by name
        control_tags: the tags that annotate a field
        check: says what keeps a label from being sent, or None
        key_of: what tells a label from the others of its field on its sample; None if regions cannot express it
        to_regions: the regions of a field's labels on one sample
        parse_regions: regions that are read together -> the labels in them; raises RegionError
        to_label: a parsed label -> FiftyOne label without id
        revise: the label as stored and an edit -> the label as it is to be, and notes; where None, of each aspect that
            changed what ``to_label`` says
        is_edited_when_empty: whether a label without regions may have something left that regions do not show
        tools: names of the control tags that can draw its regions, the default first, where there is a choice
        files_as: the name under which FiftyOne expects its labels, where that is not the last of its label types
        claims: ``type`` of a region that no label field expects -> label type that it becomes
        leaves_out: FiftyOne takes its label type for a field of its class where nothing is said: the labels of such a
            field that are of another type, as a view expression
        has_attributes: whether its labels can have attributes
        has_joints: whether the dataset may have a skeleton for a field
        not_held: what regions do not hold of a label, besides what they hold of none
    """

    label_types: Mapping[str, type[fol.Label] | None]
    region_types: tuple[str, ...]
    is_drawn: bool
    grouping: Callable[[LabelField], Grouping]
    aspects: Mapping[str, Aspect]
    control_tags: Callable[[LabelField], list[Element]]
    check: Callable[[fol.Label, LabelField], str | None]
    key_of: Callable[[fol.Label, LabelField], str | None]
    to_regions: Callable[[Sequence[fol.Label], LabelField, MediaInfo], list[Region]]
    parse_regions: Callable[[Sequence[Region], LabelField, MediaInfo], list[ParsedLabel]]
    to_label: Callable[[ParsedLabel, LabelField], fol.Label]
    revise: Callable[[fol.Label, Edit, LabelField], Revision] | None = None
    tools: tuple[str, ...] = ()
    is_edited_when_empty: bool = False
    files_as: str = ""
    claims: Mapping[str, str] = dataclass_field(default_factory=dict)
    leaves_out: Any = None
    has_attributes: bool = True
    has_joints: bool = False
    not_held: tuple[str, ...] = ()

    def aspect_of(self, name: str) -> Aspect:
        """The aspect of a name in a parsed label's values."""
        return self.aspects[name.partition("/")[0]]

    @property
    def filed_as(self) -> str:
        """The name under which FiftyOne expects its labels (1.22.1, ``_RETURN_TYPES_MAP``)."""
        return self.files_as or [*self.label_types][-1]

    def holds_list(self, label_type: str) -> bool:
        """Whether a field of a label type holds a list of labels."""
        return list_name(self.label_types[label_type]) is not None


class ScalarValue(NamedTuple):
    """The value of a scalar field, where labels are expected.

    Attributes:
        value: the value, as FiftyOne keeps it
        id: the same for all, for a field holds only one
    """

    value: Any
    id: str = "value"


def labels_of(value: Any) -> list[Any]:
    """The labels in the value of a label field: none, one, or those of a list."""
    if value is None:
        return []
    if isinstance(value, StoredLabels):
        return value
    if not isinstance(value, fol.Label):
        return [ScalarValue(value)]
    if (name := list_name(type(value))) is not None:
        return list(value[name] or ())
    return [value]


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
        "to_name": OBJECT_TAG,
        "type": region_type,
        "value": value,
    }


def drawn_region(
    region_id: str, region_type: str, label: fol.Label, field: LabelField, media: MediaInfo, value: dict[str, Any]
) -> Region:
    """A region that is drawn on an image, with its label's class and score."""
    region = new_region(region_id, region_type, field, {**value, region_type: [label.label]})
    region["original_width"], region["original_height"] = media
    region["image_rotation"] = 0
    score = score_of(label)
    if score is not None:
        region["score"] = score
    return region


_MOST_DIGITS = 6

_PART = "."
"""Not in ids that the editor makes, nor in those of labels."""


def part_id(label_id: str, number: int) -> str:
    """The id of one of the regions of a label; the first one's is the label's own."""
    return label_id if number == 0 else f"{label_id}{_PART}{number + 1}"


def whole_id(region_id: str) -> str:
    """The id of the label that a region is a part of."""
    return region_id.partition(_PART)[0]


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
    return {key: sorted(group, key=lambda region: _place(region, key)) for key, group in groups.items()}


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


def _place(region: Region, key: str) -> float:
    """Where a region stands in its label; what was drawn since comes last."""
    number = part_number(region, key)
    return math.inf if number is None else number


def part_number(region: Region, key: str) -> int | None:
    """The place of a region in the label of a key, from 0; None for one that was drawn since."""
    whole, _, number = region["id"].partition(_PART)
    if whole != key:
        return None
    if not number:
        return 0
    is_sent = number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS and int(number) > 1
    return int(number) - 1 if is_sent else None


def score_of(label: fol.Label) -> float | None:
    """The confidence of a label as a score in [0, 1], or None; a hint for the annotator, never read back."""
    confidence = getattr(label, "confidence", None)
    if not is_finite(confidence):
        return None
    return min(max(float(confidence), 0.0), 1.0)


def copy_of(label: L) -> L:
    """A copy of a label that keeps its id, which FiftyOne's own copies do not."""
    copy: L = label.copy()
    copy.id = label.id
    return copy


def only_region(regions: Sequence[Region]) -> Region:
    """The one region that has its id.

    Raises:
        RegionError: others share it
    """
    if len(regions) != 1:
        raise RegionError(f"{len(regions)} results share its id, expected one")
    return regions[0]


def number_of(value: Mapping[str, Any], key: str, low: float, high: float) -> float:
    """A finite number of a region's value, within [low, high].

    Raises:
        RegionError: it is missing, of another type, or out of range
    """
    number = value.get(key)
    if not is_number(number):
        raise RegionError(f"{key} is {quoted(number)}, expected a number")
    if not low <= number <= high:
        raise RegionError(f"{key} is {quoted(number)}, expected a number from {low:g} to {high:g}")
    return float(number)


def class_of(names: Any, field: LabelField) -> str:
    """The one class that a region names.

    Raises:
        RegionError: there is none, more than one, or one outside the field's classes
    """
    if not isinstance(names, list) or len(names) != 1:
        raise RegionError(f"its label is {quoted(names)}, expected a list of one class")
    return known_class(names[0], field)


def class_of_parts(regions: Sequence[Region], field: LabelField) -> tuple[str, tuple[str, ...]]:
    """The class of a label of several regions, the first one's, and a note where they disagree.

    Raises:
        RegionError: one of them names none, more than one, or one outside the field's classes
    """
    classes = [class_of(region["value"].get(region["type"]), field) for region in regions]
    others = sorted({name for name in classes if name != classes[0]})
    notes = [f"its regions have several classes; took {classes[0]!r} rather than {others}"] if others else []
    return classes[0], tuple(notes)


def known_class(name: Any, field: LabelField) -> str:
    """A class name, checked to be one that the field takes.

    Raises:
        RegionError: it is not
    """
    if not field.takes_class(name):
        raise RegionError(f"class {quoted(name)} is not one of the field's classes")
    return name


def unknown_class(label: fol.Label, field: LabelField) -> str | None:
    """What keeps a label's class from being sent, or None."""
    if field.takes_class(label.label):
        return None
    return (
        f"its class {label.label!r} is not among the classes of the label schema; add it to `classes`, or leave such "
        f"labels out with filter_labels({field.name!r}, F('label').is_in(classes), only_matches=False)"
    )
