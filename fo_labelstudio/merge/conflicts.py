"""What annotators and users of FiftyOne have both changed, and what loads have settled of it.

A *unit* is what is settled by itself: the class of a label (``label``), its geometry, each of its attributes. Three
states of it are compared: what was sent, of which the task holds digests; what the dataset holds; and what came back. A
load notes of each unit what came back, and what it left in the dataset: so the next load knows on which side something
has changed since, and an answer that was loaded once is no news, whatever becomes of the dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.digests import digest_of, digests_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.frame_labels import FRAMES, places_in
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer, LabelField
from fo_labelstudio.convert.regions import group_regions
from fo_labelstudio.convert.stored import LabelDoc, StoredLabel
from fo_labelstudio.convert.times import in_utc
from fo_labelstudio.errors import RegionError
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import WrittenValues

ANNOTATOR, DATASET, KEEP_BOTH = "annotator", "dataset", "keep_both"
ON_CONFLICT = (ANNOTATOR, DATASET, KEEP_BOTH)
"""What may become of what both sides have changed, the default first."""

BOTH = "both"
"""Says of a conflict that both versions are there."""

DELETION = "deletion"
"""The aspect of a conflict in which one side has deleted what the other has edited."""

CLASS = "label"
"""The unit that is the class of a label."""

DELETED, RESTORED, SECOND, RELATIONS = "(deleted)", "(restored)", "(second)", "(relations)"
"""Stand for units among what is settled: the annotator's deletion is; a load has put the label back; there is a second
label with the annotator's version; which labels it is related to."""

_DIGEST_CHARS = len(digest_of(None))
_NOTHING = "-" * _DIGEST_CHARS
_MAX_SHOWN_CHARS = 500
"""Characters of the JSON of a value in a report; the rest of a long outline would help nobody."""


class Conflict(NamedTuple):
    """What both sides have changed.

    Attributes:
        label_id: id of the label
        aspect: ``class``, ``geometry``, ``attribute <name>``, ``value`` of a scalar field, or ``deletion``
        sent: what was sent; None where it is not known, for the prediction that it was sent with is gone
        dataset: what the dataset held; None where it was deleted there
        annotator: what came back; None where it was deleted there
        kept: whose version the dataset holds now: ``annotator``, ``dataset`` or ``both``
    """

    label_id: str
    aspect: str
    sent: Any
    dataset: Any
    annotator: Any
    kept: str


class Rules(NamedTuple):
    """How what both sides have changed is settled.

    Attributes:
        on_conflict: one of ON_CONFLICT
        settled: label id -> what earlier loads have settled of it, as :attr:`Settled.text` has it
        elsewhere: ids of labels that are in another field or sample now, so that nobody has deleted them
        lost: label id -> a label that somebody has deleted from the destination, as another field has it
    """

    on_conflict: str = ANNOTATOR
    settled: Mapping[str, str] = MappingProxyType({})
    elsewhere: Collection[str] = ()
    lost: Mapping[str, LabelDoc] = MappingProxyType({})


class Settled:
    """What loads have settled of one label: unit -> digests of what came back, and of what they left in the dataset.

    Args:
        text: as :attr:`text` has it
    """

    def __init__(self, text: str = ""):
        self._rows: dict[str, tuple[str, str]] = {}
        for line in text.split("\n") if text else ():
            unit = line[2 * _DIGEST_CHARS :]
            self._rows[unit] = line[:_DIGEST_CHARS], line[_DIGEST_CHARS : 2 * _DIGEST_CHARS]

    @property
    def text(self) -> str:
        """A line for each unit, which takes a fifth of the memory of a dict; empty where nothing is settled."""
        return "\n".join(f"{answer}{stored}{unit}" for unit, (answer, stored) in self._rows.items())

    def __contains__(self, unit: str) -> bool:
        return _one_line(unit) in self._rows

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def answer_of(self, unit: str) -> str | None:
        """The digest of what came back, or None where nothing is settled."""
        return self._rows.get(_one_line(unit), (None, ""))[0]

    def stored_of(self, unit: str) -> str | None:
        """The digest of what a load left in the dataset, or None where that was the dataset's own."""
        stored = self._rows.get(_one_line(unit), ("", _NOTHING))[1]
        return None if stored == _NOTHING else stored

    def put(self, unit: str, answer: str | None = None, stored: str | None = None) -> None:
        """Settles a unit."""
        self._rows[_one_line(unit)] = (answer or _NOTHING, stored or _NOTHING)

    def copy(self, other: Settled, units: Collection[str]) -> None:
        """Takes over those of some units that another one has settled."""
        for unit in map(_one_line, units):
            if unit in other._rows:
                self._rows[unit] = other._rows[unit]

    def drop(self, unit: str) -> None:
        """Forgets what is settled of a unit."""
        self._rows.pop(_one_line(unit), None)


def _one_line(unit: str) -> str:
    return unit.replace("\n", " ") if "\n" in unit else unit


def second_id(label_id: str) -> str:
    """The id of the second label that holds an annotator's version: always the same for the same label."""
    return hashlib.blake2b(f"{label_id}\x00{ANNOTATOR}".encode(), digest_size=12).hexdigest()


def unit_of(aspect: str) -> str:
    """The unit that an aspect of a label belongs to."""
    return aspect if attributes.is_attribute(aspect) else aspect.partition("/")[0]


def answered_units(edit: LabelAnswer) -> dict[str, str]:
    """The units that came back changed, or new -> a digest of what came back."""
    found: dict[str, str] = {}
    parts: dict[str, dict[str, str]] = {}
    for aspect in edit.aspects:
        digest, unit = digest_of(edit.parsed.values.get(aspect)), unit_of(aspect)
        if unit == aspect:
            found[unit] = digest
        else:
            parts.setdefault(unit, {})[aspect] = digest
    return {**found, **{unit: digest_of(digests) for unit, digests in parts.items()}}


def names_of(unit: str, field: LabelField) -> tuple[str, ...]:
    """The attributes of a stored label that a unit governs."""
    attribute = _attribute_of(unit, field)
    if attribute is not None:
        # Labels of old datasets keep their attributes in a dict.
        return attribute.name, "attributes"
    aspects = family_of(field).aspects
    if unit not in aspects:
        return ()
    names = tuple(aspects[unit].attributes)
    return (*names, "mask_path") if "mask" in names else names


def unit_of_name(name: str, field: LabelField) -> str | None:
    """The unit that governs an attribute of a stored label."""
    units = [*family_of(field).aspects, *map(attributes.aspect_name, field.attributes)]
    return next((unit for unit in units if name in names_of(unit, field)), None)


def is_permitted(unit: str, field: LabelField) -> bool:
    """Whether the label schema allows a unit to be changed."""
    aspect = family_of(field).aspects.get(unit)
    return aspect is None or bool(getattr(field, aspect.permission))


def aspect_of(unit: str, field: LabelField) -> str:
    """What a report calls a unit."""
    attribute = _attribute_of(unit, field)
    if attribute is not None:
        return f"attribute {attribute.name}"
    return "class" if unit == CLASS else "geometry"


def stored_digest(unit: str, doc: LabelDoc, field: LabelField) -> str:
    """A digest of what a stored label holds of a unit."""
    attribute = _attribute_of(unit, field)
    if attribute is not None:
        return digest_of(_plain(_attribute_in(doc, attribute.name)))
    if unit == CLASS:
        return digest_of(doc.get(unit))
    values = [places_in(doc) if name == FRAMES else doc.get(name) for name in names_of(unit, field)]
    return digest_of([value if value is None else _plain(value) for value in values])


def doc_digest(doc: LabelDoc) -> str:
    """A digest of a whole stored label, but for its id."""
    return digest_of({name: _plain(value) for name, value in doc.items() if name != "_id" and value is not None})


def left_as(text: str, name: str, doc: LabelDoc, field: LabelField) -> str:
    """What is settled of a label whose attribute was in the end stored otherwise.

    Args:
        text: what was settled
        name: the attribute of the stored label
        doc: the label as it was stored
        field: its label field
    """
    settled, unit = Settled(text), unit_of_name(name, field)
    if unit is not None and unit in settled:
        settled.put(unit, settled.answer_of(unit), stored_digest(unit, doc, field))
    return settled.text


def partly_as(text: str, name: str, doc: LabelDoc, field: LabelField) -> str:
    """As :func:`left_as`, where only a part could be stored: the next load tries again."""
    settled, unit = Settled(text), unit_of_name(name, field)
    if unit is not None and unit in settled:
        settled.put(unit, None, stored_digest(unit, doc, field))
    return settled.text


def without(text: str, name: str, field: LabelField) -> str:
    """What is settled of a label whose attribute could not be stored, so that the next load tries again."""
    settled, unit = Settled(text), unit_of_name(name, field)
    if unit is not None:
        settled.drop(unit)
    return settled.text


def value_digest(value: Any) -> str:
    """A digest of a stored value."""
    return digest_of(_plain(value))


def value_of(unit: str, doc: LabelDoc, field: LabelField) -> Any:
    """What a report shows of a unit of a stored label."""
    attribute = _attribute_of(unit, field)
    if attribute is not None:
        return shown(_attribute_in(doc, attribute.name))
    if unit == CLASS:
        return shown(doc.get(unit))
    return _shown_values({name: doc.get(name) for name in names_of(unit, field)})


def whole_of(doc: LabelDoc, field: LabelField) -> dict[str, Any]:
    """What a report shows of a whole label."""
    names = [name for unit in family_of(field).aspects for name in names_of(unit, field)]
    return _shown_values({name: doc.get(name) for name in names})


def _shown_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shown(value) for name, value in values.items() if value not in (None, [])}


def shown(value: Any) -> Any:
    """A stored value as a report shows it: JSON, and not too long."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    plain = _plain(value)
    length = len(json.dumps(plain))
    return plain if length <= _MAX_SHOWN_CHARS else f"<{length} characters>"


def sent_value(
    unit: str, edit: LabelAnswer, field: LabelField, record: WrittenValues, as_sent: LabelDoc | None = None
) -> Any:
    """What was sent of a unit, where that is known.

    Args:
        unit: the unit
        edit: what came back, with digests of what was sent
        field: the label field
        record: what loads have written into the label, which tells what they have replaced
        as_sent: the label as it was sent, where the annotation says so
    """
    if as_sent is not None:
        return value_of(unit, as_sent, field)
    names = [name for name in names_of(unit, field) if len(record.get(name, ())) == 2]
    attribute = _attribute_of(unit, field)
    if unit == CLASS:
        return _class_sent(edit, field)
    if attribute is not None:
        values = attribute.question.values
        digest = edit.sent.get(unit)
        return next((shown(value) for value in values if sent_digest(value, attribute.question) == digest), None)
    found = _shown_values({name: record[name][0] for name in names})
    return found or None


def is_changed(
    unit: str,
    stored: LabelDoc,
    record: WrittenValues,
    settled: Settled,
    edit: LabelAnswer,
    field: LabelField,
    with_mask: LabelDoc,
) -> bool:
    """Whether somebody else than a load has changed a unit of a stored label since it was sent, or last settled.

    Args:
        unit: the unit
        stored: the label as the dataset holds it
        record: what loads have written into it
        settled: what they have settled of it
        edit: what came back of it, with what was sent
        field: its label field
        with_mask: the stored label, its mask read if that is the unit
    """
    left = settled.stored_of(unit)
    if left is not None:
        return left != stored_digest(unit, stored, field)
    written = [name for name in names_of(unit, field) if name in record]
    if written:
        return not all(is_identical(stored.get(name), record[name][-1]) for name in written)
    return differs_from_sent(unit, with_mask, edit, field)


def differs_from_sent(unit: str, doc: LabelDoc, edit: LabelAnswer, field: LabelField) -> bool:
    """Whether a stored label differs in a unit from what was sent, as far as regions hold it."""
    sent = edit.sent
    if unit == CLASS:
        return digest_of(doc.get(unit)) != sent.get(unit)
    attribute = _attribute_of(unit, field)
    if attribute is not None:
        if sent and not attribute.is_of(_class_sent(edit, field)):
            # Nobody was shown it.
            return False
        return sent_digest(_attribute_in(doc, attribute.name), attribute.question) != sent.get(unit)
    return _digests_now(unit, doc, edit, field) != {name: sent[name] for name in sent if unit_of(name) == unit}


def _digests_now(unit: str, doc: LabelDoc, edit: LabelAnswer, field: LabelField) -> dict[str, str] | None:
    """The digests that would be sent of a unit now; None where the label cannot be sent."""
    family = family_of(field)
    if CLASS in family.aspects and not field.takes_class(doc.get(CLASS)):
        # Another class does not keep its shape from being compared.
        doc = {**doc, CLASS: _class_sent(edit, field)}
    label: Any = StoredLabel(doc)
    media = edit.parsed.media
    try:
        if family.check(label, field) is not None:
            return None
        groups = group_regions(family.to_regions([label], field, media), family.grouping(field)).values()
        found = [parsed for group in groups for parsed in family.parse_regions(group, field, media)]
    except RegionError:
        return None
    values = {name: value for parsed in found for name, value in parsed.values.items() if unit_of(name) == unit}
    return digests_of(values)


def _attribute_of(unit: str, field: LabelField) -> Attribute | None:
    if not attributes.is_attribute(unit):
        return None
    return next((one for one in field.attributes if attributes.aspect_name(one) == unit), None)


def _class_sent(edit: LabelAnswer, field: LabelField) -> str | None:
    digest = edit.sent.get(CLASS)
    return next((name for name in field.classes if digest_of(name) == digest), None)


def sent_digest(value: Any, question: Question) -> str | None:
    """The digest that is sent of a value; None where it is not sent."""
    if value is None or question.problem_of(value) is not None:
        return None
    answer = question.to_json(value)
    if answer in ("", []):
        return None
    try:
        parsed = question.parse(question.to_value(answer))
    except RegionError:
        return None
    return None if parsed in (None, []) else digest_of(parsed)


def _attribute_in(doc: LabelDoc, name: str) -> Any:
    if name in doc:
        return doc[name]
    kept = (doc.get("attributes") or {}).get(name)
    return kept.get("value") if isinstance(kept, Mapping) else None


def _plain(value: Any) -> Any:
    """A stored value as JSON that is equal for equal values, as the database hands them out."""
    if type(value) in (int, str, bool) or (type(value) is float and value == value):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return digest_of((bytes(value),))
    if isinstance(value, datetime):
        # The database keeps milliseconds, and no zone.
        return in_utc(value).isoformat(timespec="milliseconds")
    if isinstance(value, float) and value != value:
        return "NaN"
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
