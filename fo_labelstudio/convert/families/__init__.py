"""The table of label families, a module per row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fo_labelstudio.convert.families import (
    classification,
    detections,
    frame_classes,
    instances,
    keypoints,
    moments,
    polygons,
    polylines,
    scalar,
    segmentation,
    spans,
    tracks,
)
from fo_labelstudio.convert.family import Family
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import list_name

FAMILIES = (
    classification.FAMILY,  # Classification(s)  <Choices>
    detections.FAMILY,  # Detection(s)       <RectangleLabels>
    instances.FAMILY,  # Detection(s)       <BrushLabels> <BitmaskLabels>
    polygons.FAMILY,  # Polyline(s)        <PolygonLabels>
    polylines.FAMILY,  # Polyline(s)        <VectorLabels> <PolygonLabels>
    keypoints.FAMILY,  # Keypoint(s)        <VectorLabels> <KeyPointLabels>
    segmentation.FAMILY,  # Segmentation       <BrushLabels> <BitmaskLabels>
    moments.FAMILY,  # TemporalDetection(s) <TimelineLabels>
    tracks.FAMILY,  # Detection(s)       <VideoRectangle> <Labels>, in frames
    frame_classes.FAMILY,  # Classification(s)  <TimelineLabels>, in frames
    *spans.FAMILIES,  # Classifications    <Labels> on <Text> and its kin
    scalar.FAMILY,  # field values       <Number> <TextArea> <Choices> <DateTime>
)

LABEL_TYPES = {label_type: cls for family in FAMILIES for label_type, cls in family.label_types.items()}
"""FiftyOne's name of each label type that can be annotated -> class of the label field's value."""

_FAMILY_OF = {
    (scope, label_type): family for family in FAMILIES for scope in family.scopes for label_type in family.label_types
}

_FAMILY_OF_TYPE = {label_type: family for family in reversed(FAMILIES) for label_type in family.label_types}


def family_of(field: LabelField) -> Family:
    """The family that serves a label field: by where its labels live, and their label type."""
    return _FAMILY_OF[field.scope, field.label_type]


def is_served(scope: str, label_type: str) -> bool:
    """Whether labels of a label type can be annotated where they live."""
    return (scope, label_type) in _FAMILY_OF


def family_in(scope: str, label_type: str) -> Family:
    """The family that serves a label type where its labels live."""
    return _FAMILY_OF[scope, label_type]


def family_of_type(label_type: str) -> Family:
    """The first family that serves a label type, for what is the same wherever its labels live."""
    return _FAMILY_OF_TYPE[label_type]


def has_several(field: LabelField) -> bool:
    """Whether a sample can have several labels of a field."""
    return field.is_of_frames or holds_list(field.label_type)


def holds_list(label_type: str) -> bool:
    """Whether a field of a label type holds a list of labels."""
    return family_of_type(label_type).holds_list(label_type)


def has_masks(label_type: str) -> bool:
    """Whether the labels of a label type have masks."""
    return "mask" in family_of_type(label_type).aspects


def holds_moments(label_type: str) -> bool:
    """Whether the labels of a label type are ranges of the frames of a video."""
    return "support" in family_of_type(label_type).aspects


@lru_cache(None)
def label_class_of(label_type: str) -> Any:
    """FiftyOne's class of the labels of a label type, which is no scalar's."""
    container: Any = LABEL_TYPES[label_type]
    name = list_name(container)
    return container if name is None else container._fields[name].field.document_type


def empty_label(label_type: str) -> Any:
    """A label of a label type, which is no scalar's, of which nothing is known."""
    return (family_of_type(label_type).empty or label_class_of(label_type))()
