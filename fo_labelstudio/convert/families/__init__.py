"""The table of label families, a module per row."""

from __future__ import annotations

import fiftyone.core.labels as fol

from fo_labelstudio.convert.families import classification, detections
from fo_labelstudio.convert.family import Family

FAMILIES = (
    classification.FAMILY,  # Classification(s)  <Choices>
    detections.FAMILY,  # Detection(s)       <RectangleLabels>
)

LABEL_TYPES = {label_type: cls for family in FAMILIES for label_type, cls in family.label_types.items()}
"""FiftyOne's name of each label type that can be annotated -> class of the label field's value."""

_FAMILY_OF = {label_type: family for family in FAMILIES for label_type in family.label_types}


def family_of(label_type: str) -> Family:
    """The family that serves a label type."""
    return _FAMILY_OF[label_type]


def holds_list(label_type: str) -> bool:
    """Whether a field of a label type holds a list of labels."""
    return issubclass(LABEL_TYPES[label_type], fol._HasLabelList)
