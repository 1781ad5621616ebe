"""The Family record: what a label family says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from types import MappingProxyType
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.box_columns import BoxColumns
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.shapes.ranges import Range
from fo_labelstudio.convert.stored import LabelDoc, list_name

Revision = tuple[fol.Label | None, Sequence[str]]
"""A label as an edit leaves it, None if nothing is left of it, and notes on what had to be decided."""

Frames = Mapping[int, Sequence[LabelDoc]]
"""Frame number -> the labels of the frame, as the database stores them."""

FrameRanges = Mapping[str, Sequence[Range]]
"""What a label of several frames is known by -> the frames that it has."""


class Grouping(Enum):
    """Which regions of a field are read together."""

    REGION = "each region is a label"
    PARTS = "the regions of one label share the beginning of their ids, or name it as their parent"
    FIELD = "all regions of a field, which hold all of its labels"


_CLASSES = "labels"
"""Ends the ``type`` of regions that have classes; what is before it is that of the same shapes without."""


def shape_of(region_type: str) -> str:
    """The ``type`` of regions without a class that have the shape of those of a type."""
    return region_type.removesuffix(_CLASSES)


def region_type_of(field: LabelField, region_type: str) -> str:
    """The ``type`` of the regions of a field.

    Args:
        field: the field
        region_type: their ``type`` where the field has classes
    """
    return region_type if field.classes else shape_of(region_type)


@dataclass(frozen=True)
class Family:
    """One kind of label, both directions.

    Law: ``[to_label(p, field) for p in parse_regions(to_regions(labels, field, media), field, media)]`` equals
    ``labels`` in all that regions express: classes exactly, coordinates within 1e-9.

    Attributes:
        scopes: where its labels may live, of the scopes of a medium
        label_types: FiftyOne's name of each label type served -> class of the label field's value, None for a scalar
        region_types: the ``type`` of the regions that are understood, where they have classes
        is_drawn: whether its regions are drawn on the medium
        is_drawn_with_first: whether the editor draws all regions of their type with the first control tag of its kind
        grouping: which regions of a field are read together
        aspects: what a person can change, by name
        control_tags: the tags that annotate a field
        check: says what keeps a label from being sent, or None
        told: how messages name a label that cannot be sent, so that a person finds it in the dataset
        key_of: what tells a label from the others of its field on its sample; None if regions cannot express it
        to_regions: the regions of a field's labels on one sample
        parse_regions: regions that are read together -> the labels in them; raises RegionError
        to_label: a parsed label -> FiftyOne label without id
        to_values: what ``to_label`` gives its label, as the database stores it; None where that differs
        revise: the label as stored and an edit -> the label as it is to be, and notes; where None, of each aspect that
            changed what ``to_label`` says
        is_edited_when_empty: whether a label without regions may have something left that regions do not show
        tools: names of the control tags that can draw its regions, the default first, where there is a choice
        files_as: the name under which FiftyOne expects its labels, where that is not the last of its label types
        claims: ``type`` of a region that no label field expects -> label type that it becomes
        reshapes: ``type`` of a region that it claims -> what makes one of its own types of it; raises RegionError
        leaves_out: FiftyOne takes its label type for a field of its class where nothing is said: the labels of such a
            field that are of another type, as a view expression
        governs: attributes that regions show by themselves, besides those of its aspects
        class_control: the name of the control tag that has the classes of a field
        has_attributes: whether its labels can have attributes
        can_lack_class: whether its labels may be without a class
        has_joints: whether the dataset may have a skeleton for a field
        not_held: what regions do not hold of a label, besides what they hold of none
        compose: for labels of single frames: frame number -> labels, the id of their sample, and the id of a label ->
            what is known by which it belongs to, and the frames of what is known to be in no others -> the labels that
            people see, each of which goes over some frames
        compose_columns: the same of boxes that are kept as columns; returns None where that takes their documents
        empty: makes a label of which nothing is known, where its class alone makes none
        is_new_to_annotate: whether FiftyOne's ``annotate()`` does not know its label types (1.22.1)
    """

    scopes: tuple[str, ...]
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
    to_values: Callable[[ParsedLabel, LabelField], dict[str, Any]] | None = None
    told: Callable[[Any], str] = lambda label: f"label {label.id}"
    revise: Callable[[fol.Label, LabelAnswer, LabelField], Revision] | None = None
    tools: tuple[str, ...] = ()
    is_edited_when_empty: bool = False
    files_as: str = ""
    claims: Mapping[str, str] = dataclass_field(default_factory=dict)
    reshapes: Mapping[str, Callable[[Region, MediaInfo], Region]] = dataclass_field(default_factory=dict)
    leaves_out: Any = None
    is_drawn_with_first: bool = False
    governs: tuple[str, ...] = ()
    class_control: Callable[[LabelField], str] = lambda field: field.control
    has_attributes: bool = True
    can_lack_class: bool = False
    has_joints: bool = False
    not_held: tuple[str, ...] = ()
    compose: Callable[[Frames, str, Mapping[str, str], FrameRanges], list[LabelDoc]] | None = None
    compose_columns: Callable[[BoxColumns, str], list[LabelDoc] | None] | None = None
    empty: Callable[[], fol.Label] | None = None
    is_new_to_annotate: bool = False

    def aspect_of(self, name: str) -> Aspect:
        """The aspect of a name in a parsed label's values."""
        return self.aspects[name.partition("/")[0]]

    def region_types_of(self, field: LabelField) -> tuple[str, ...]:
        """The ``type`` of the regions of a field that are understood."""
        return tuple(region_type_of(field, region_type) for region_type in self.region_types)

    def composed(
        self,
        frames: Frames,
        sample_id: str,
        known: Mapping[str, str] = MappingProxyType({}),
        ranges: FrameRanges = MappingProxyType({}),
    ) -> list[LabelDoc]:
        """The labels that people see in those of the frames of a sample; see ``compose``.

        Raises:
            TypeError: its labels are not those of frames
        """
        if self.compose is None:
            raise TypeError("only labels of frames are composed")
        return self.compose(frames, sample_id, known, ranges)

    @property
    def filed_as(self) -> str:
        """The name under which FiftyOne expects its labels (1.22.1, ``_RETURN_TYPES_MAP``)."""
        return self.files_as or [*self.label_types][-1]

    def holds_list(self, label_type: str) -> bool:
        """Whether a field of a label type holds a list of labels."""
        return list_name(self.label_types[label_type]) is not None
