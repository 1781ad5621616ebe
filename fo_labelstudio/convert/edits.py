"""What a person did to one label -> the FiftyOne label that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import fiftyone.core.labels as fol
from bson import ObjectId

from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.family import ParsedLabel
from fo_labelstudio.convert.schema import Attribute, LabelField
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


class Edit(NamedTuple):
    """A label that came back changed or new.

    Attributes:
        label_id: its id
        parsed: what its regions now say
        aspects: names of what was changed; of all that it has, where it is new
        sent: aspect -> digest of what was sent
        is_part: whether it only adds to what the label has, for nobody was shown that
    """

    label_id: str
    parsed: ParsedLabel
    aspects: tuple[str, ...]
    sent: Mapping[str, Any]
    is_part: bool = False

    def to_label(self, field: LabelField, with_defaults: bool = True) -> Any:
        """The label as its regions now say it.

        Args:
            field: its label field
            with_defaults: whether attributes that nobody answered get their defaults

        Raises:
            RegionError: its mask is damaged, or its id cannot be that of a label
        """
        label = family_of(field.label_type).to_label(self.parsed, field)
        if isinstance(label, fol.Label):
            if not ObjectId.is_valid(self.label_id):
                raise RegionError(f"its id {quoted(self.label_id)} is not that of a label")
            label.id = self.label_id
            for attribute in field.attributes:
                value = self.attribute_value(attribute)
                if value is None and with_defaults and attribute.is_of(self.parsed.values.get("label")):
                    value = attribute.default
                if value is not None:
                    label.set_attribute_value(attribute.name, value)
        return label

    def attribute_value(self, attribute: Attribute) -> Any:
        """The value of an attribute, or None where there is none."""
        answer = self.parsed.values.get(aspect_name(attribute))
        return None if answer is None else attribute.question.from_json(answer)
