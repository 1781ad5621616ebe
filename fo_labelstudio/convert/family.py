"""The Family record: what a label family says of itself, and what families share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.convert.schema import LabelField, MediaInfo
from fo_labelstudio.errors import RegionError

Region = dict[str, Any]
"""One item of a prediction's or an annotation's result."""


class Aspect(NamedTuple):
    """One thing about a label that a person can change by itself.

    Attributes:
        attributes: the attributes of the FiftyOne label that it governs -> the value that absence stands for
        permission: the flag of the label schema that allows the change
    """

    attributes: Mapping[str, Any]
    permission: str


class ParsedLabel(NamedTuple):
    """What regions say of one label, checked, in Label Studio's units.

    Attributes:
        key: what tells the label from the others of its field in its task
        values: aspect -> JSON value, rounded where the editor adds noise
        media: size of the image that the values refer to, in pixels
    """

    key: str
    values: dict[str, Any]
    media: MediaInfo


@dataclass(frozen=True)
class Family:
    """One kind of label, both directions.

    Law: ``[to_label(p, field) for p in parse_regions(to_regions(labels, field, media), field, media)]`` equals
    ``labels`` in all that regions express: classes exactly, coordinates within 1e-9.

    Attributes:
        label_types: FiftyOne's name of each label type served -> class of the label field's value
        region_types: the ``type`` of the regions that are understood
        is_drawn: whether its regions are drawn on the medium
        one_region: whether one region holds all labels of a field
        aspects: what a person can change, by name
        control_tags: the tags that annotate a field
        check: says what keeps a label from being sent, or None
        key_of: what tells a label from the others of its field on its sample; None if regions cannot express it
        to_regions: the regions of a field's labels on one sample
        parse_regions: the regions that share one id -> the labels in them; raises RegionError
        to_label: a parsed label -> FiftyOne label without id
    """

    label_types: Mapping[str, type[fol.Label]]
    region_types: tuple[str, ...]
    is_drawn: bool
    one_region: bool
    aspects: Mapping[str, Aspect]
    control_tags: Callable[[LabelField], list[Element]]
    check: Callable[[fol.Label, LabelField], str | None]
    key_of: Callable[[fol.Label, LabelField], str | None]
    to_regions: Callable[[Sequence[fol.Label], LabelField, MediaInfo], list[Region]]
    parse_regions: Callable[[Sequence[Region], LabelField, MediaInfo], list[ParsedLabel]]
    to_label: Callable[[ParsedLabel, LabelField], fol.Label]


def labels_of(value: fol.Label | None) -> list[fol.Label]:
    """The labels in the value of a label field: none, one, or those of a list."""
    if value is None:
        return []
    if isinstance(value, fol._HasLabelList):
        return list(value[value._LABEL_LIST_FIELD] or ())
    return [value]


def new_region(region_id: str, region_type: str, field: LabelField, value: dict[str, Any]) -> Region:
    """A region of a field, without what only some types have."""
    return {
        "id": region_id,
        "from_name": field.control,
        "to_name": OBJECT_TAG,
        "type": region_type,
        "value": value,
    }


def score_of(label: fol.Label) -> float | None:
    """The confidence of a label as a score in [0, 1], or None; a hint for the annotator, never read back."""
    confidence = getattr(label, "confidence", None)
    if not is_number(confidence) or not math.isfinite(confidence):
        return None
    return min(max(float(confidence), 0.0), 1.0)


def is_number(value: Any) -> bool:
    """Whether a value is a number; JSON and Python tell booleans from numbers differently."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
        raise RegionError(f"{key} is {number!r}, expected a number")
    if not low <= number <= high:
        raise RegionError(f"{key} is {number!r}, expected a number from {low:g} to {high:g}")
    return float(number)


def class_of(names: Any, field: LabelField) -> str:
    """The one class that a region names.

    Raises:
        RegionError: there is none, more than one, or one outside the field's classes
    """
    if not isinstance(names, list) or len(names) != 1:
        raise RegionError(f"its label is {names!r}, expected a list of one class")
    return known_class(names[0], field)


def known_class(name: Any, field: LabelField) -> str:
    """A class name, checked to be one of the field's.

    Raises:
        RegionError: it is not
    """
    if not isinstance(name, str) or name not in field.class_set:
        raise RegionError(f"class {name!r} is not one of the field's classes")
    return name


def unknown_class(label: fol.Label, field: LabelField) -> str | None:
    """What keeps a label's class from being sent, or None."""
    if label.label in field.class_set:
        return None
    return (
        f"its class {label.label!r} is not among the classes of the label schema; add it to `classes`, or leave such "
        f"labels out with filter_labels({field.name!r}, F('label').is_in(classes), only_matches=False)"
    )
