"""What a person did to one label -> the FiftyOne label that comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import fiftyone.core.fields as fof
import fiftyone.core.labels as fol
from bson import ObjectId
from bson.errors import InvalidId

from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.families import empty_label, family_of
from fo_labelstudio.convert.media.images import PLACE
from fo_labelstudio.convert.records import Attribute, LabelAnswer, LabelField, SentLabel
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def to_label(edit: LabelAnswer, field: LabelField, with_defaults: bool = True) -> Any:
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
        label.id = str(_id_of(edit))
        if edit.parsed.media.item is not None:
            label.set_attribute_value(PLACE, edit.parsed.media.item)
        for name, value in _attribute_values(edit, field, with_defaults):
            label.set_attribute_value(name, value)
    return label


def to_doc(edit: LabelAnswer, field: LabelField) -> dict[str, Any]:
    """The same label as the database stores it, in a tenth of the time where its values are stored as they are.

    Raises:
        RegionError: as :func:`to_label`
    """
    family = family_of(field)
    if family.to_values is None:
        return to_label(edit, field).to_dict()  # type: ignore[no-any-return]
    own = family.to_values(edit.parsed, field)
    if edit.parsed.media.item is not None:
        own[PLACE] = edit.parsed.media.item
    for name, value in _attribute_values(edit, field, with_defaults=True):
        if type(value) not in _STORED_AS_THEY_ARE:
            return to_label(edit, field).to_dict()  # type: ignore[no-any-return]
        own[name] = value
    own = {name: value for name, value in own.items() if value is not None}
    own["_id"] = _id_of(edit)
    empty, shared = _pattern(field.label_type, tuple(own))
    doc = {**empty, **own}
    for name in shared:
        # FiftyOne changes lists in place.
        doc[name] = copy(empty[name])
    return doc


def sent_doc(sent: SentLabel, field: LabelField) -> dict[str, Any] | None:
    """A label as it was sent, as the database stores it, or its value as ``value``; None where it cannot be made."""
    try:
        made = to_label(sent.answer, field, with_defaults=False)
    except RegionError:
        return None
    if not isinstance(made, fol.Label):
        return {"value": made}
    if sent.confidence is not None and isinstance(made._fields.get("confidence"), fof.FloatField):
        made.confidence = sent.confidence
    return made.to_dict()  # type: ignore[no-any-return]


_STORED_AS_THEY_ARE = frozenset((str, int, float, bool))


@lru_cache(1024)
def _pattern(label_type: str, names: tuple[str, ...]) -> tuple[Mapping[str, Any], Sequence[str]]:
    """What FiftyOne stores of a label that has some values: all that it adds, in its order, and what can change."""
    own = dict.fromkeys(names)
    label = empty_label(label_type)
    stored: Mapping[str, Any] = label.to_dict()
    ordered = [name for name in label._fields_ordered if name in {**stored, **own}]
    empty = {name: stored.get(name) for name in dict.fromkeys(("_id", "_cls", *ordered, *own))}
    return empty, [name for name, value in empty.items() if name not in own and isinstance(value, (list, dict))]


def _id_of(edit: LabelAnswer) -> ObjectId:
    try:
        return ObjectId(edit.label_id or "")
    except (InvalidId, TypeError):
        raise RegionError(f"its id {quoted(edit.label_id)} is not that of a label") from None


def _attribute_values(edit: LabelAnswer, field: LabelField, with_defaults: bool) -> Iterator[tuple[str, Any]]:
    for attribute in field.attributes:
        value = attribute_value(edit, attribute)
        if value is None and with_defaults and attribute.is_of(edit.parsed.values.get("label")):
            value = attribute.default
        if value is not None:
            yield attribute.name, value


def attribute_value(edit: LabelAnswer, attribute: Attribute) -> Any:
    """The value of an attribute that an edit holds, or None where there is none."""
    answer = edit.parsed.values.get(aspect_name(attribute))
    return None if answer is None else attribute.question.from_json(answer)
