"""What a person did to one label -> the FiftyOne label that comes of it."""

from __future__ import annotations

from typing import Any

import fiftyone.core.labels as fol
from bson import ObjectId

from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.records import Attribute, Edit, LabelField
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def to_label(edit: Edit, field: LabelField, with_defaults: bool = True) -> Any:
    """The label as the regions of an edit now say it.

    Args:
        edit: the edit
        field: its label field
        with_defaults: whether attributes that nobody answered get their defaults

    Raises:
        RegionError: its mask is damaged, or its id cannot be that of a label
    """
    label = family_of(field).to_label(edit.parsed, field)
    if isinstance(label, fol.Label):
        if not ObjectId.is_valid(edit.label_id):
            raise RegionError(f"its id {quoted(edit.label_id)} is not that of a label")
        label.id = edit.label_id
        for attribute in field.attributes:
            value = attribute_value(edit, attribute)
            if value is None and with_defaults and attribute.is_of(edit.parsed.values.get("label")):
                value = attribute.default
            if value is not None:
                label.set_attribute_value(attribute.name, value)
    return label


def attribute_value(edit: Edit, attribute: Attribute) -> Any:
    """The value of an attribute that an edit holds, or None where there is none."""
    answer = edit.parsed.values.get(aspect_name(attribute))
    return None if answer is None else attribute.question.from_json(answer)
