"""What people changed + a sample's stored labels -> the smallest change of the stored labels.

Works on labels as the database stores them, so that what is not touched is not even rewritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

import fiftyone.core.labels as fol

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.attributes import attribute_of, is_attribute
from fo_labelstudio.convert.edits import attribute_value, to_label
from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.numbers import TOLERANCE, is_number
from fo_labelstudio.convert.records import RELATED, Aspect, Attribute, Edit, LabelField
from fo_labelstudio.convert.stored import LabelDoc, label_of
from fo_labelstudio.errors import RegionError

WrittenValues = Mapping[str, Sequence[Any]]
"""Attribute of a label that loads have written -> its value before, and the value that they wrote."""


@dataclass
class LabelChanges:
    """What is to be written into one label field of one sample.

    Attributes:
        values: label id -> attribute -> new value
        deleted: ids of labels to delete
        added: labels to append
        refused: why changes were held back -> how many
        written: label id -> what loads have now written into it
        notes: what had to be decided to make an edit fit
        departed: ids of labels that were edited but have left the dataset meanwhile; they stay away
        left: number of changes that could not be made
    """

    values: dict[str, dict[str, Any]] = dataclass_field(default_factory=dict)
    deleted: list[str] = dataclass_field(default_factory=list)
    added: list[LabelDoc] = dataclass_field(default_factory=list)
    refused: dict[str, int] = dataclass_field(default_factory=dict)
    written: dict[str, dict[str, Sequence[Any]]] = dataclass_field(default_factory=dict)
    notes: list[str] = dataclass_field(default_factory=list)
    departed: list[str] = dataclass_field(default_factory=list)
    left: int = 0

    def __bool__(self) -> bool:
        return bool(self.values or self.deleted or self.added)

    def allows(self, permission: str, field: LabelField) -> bool:
        """Whether a flag of the label schema allows a change; counts it where not."""
        allowed: bool = getattr(field, permission)
        if not allowed:
            self.refuse(f"{permission}=False")
        return allowed

    def refuse(self, reason: str) -> None:
        """Counts a change that is held back."""
        self.refused[reason] = self.refused.get(reason, 0) + 1


def label_changes(
    stored: Sequence[LabelDoc],
    answer: FieldAnswer,
    field: LabelField,
    originals: Mapping[str, LabelDoc],
    loaded: Collection[str],
    with_mask: Callable[[LabelDoc], LabelDoc] = lambda doc: doc,
    written: Mapping[str, WrittenValues] = MappingProxyType({}),
    may_restore: bool = True,
) -> LabelChanges:
    """The changes that bring a sample's labels up to an answer.

    A label that the dataset had and lacks now was deleted there, and stays deleted, unless it is among the originals.

    Args:
        stored: the labels that the destination field holds now
        answer: what was answered
        field: the label field of the run, whose flags say what may change
        originals: label id -> a label that the destination lacks, to be put there if the answer still has it: a label
            that an earlier load deleted, one of the run's field where the destination is another, or one that was made
            anew because the run's field is gone
        loaded: ids of labels that earlier loads put into the destination
        with_mask: a stored label whose mask is in a file -> the label with the mask itself
        written: label id -> what earlier loads wrote into it, which an edit that was taken back undoes
        may_restore: whether originals may be put there
    """
    changes = LabelChanges()

    def changed_values(doc: LabelDoc, edit: Edit) -> dict[str, Any] | None:
        if "mask" not in {name.partition("/")[0] for name in edit.aspects}:
            return _changed_values(doc, edit, field, changes)
        values = _changed_values(with_mask(doc), edit, field, changes)
        # A label that has both shows its mask; the file would tell another story.
        return {**values, "mask_path": None} if values and "mask" in values and doc.get("mask_path") else values

    by_id = {str(doc.get("_id")): doc for doc in stored}
    # Where ids are not unique, nothing says which label is meant.
    ids = Counter(str(doc.get("_id")) for doc in stored)
    returned = (*answer.edited, *answer.added)
    for label_id in dict.fromkeys((*answer.deleted, *answer.gone(loaded))):
        if label_id in by_id and ids[label_id] > 1:
            changes.notes.append(f"label {label_id}: {_ambiguous(ids[label_id])}; left alone")
            changes.left += 1
        elif label_id in by_id and changes.allows("allow_deletions", field):
            changes.deleted.append(label_id)
        elif label_id not in by_id and label_id in originals and not changes.allows("allow_deletions", field):
            _restore(changes, originals[label_id], {}, may_restore)
    for label_id in (*answer.kept, *answer.not_shown):
        if label_id not in by_id and label_id in originals:
            _restore(changes, originals[label_id], {}, may_restore)
        elif (
            label_id in by_id
            and label_id in written
            and ids[label_id] == 1
            and label_id not in {*answer.left, *answer.not_shown}
        ):
            _update(changes, by_id[label_id], before_loads(by_id[label_id], written[label_id]), {}, written[label_id])
    sent = {edit.label_id for edit in answer.edited}
    for edit in returned:
        try:
            if ids[edit.label_id] > 1:
                raise RegionError(_ambiguous(ids[edit.label_id]))
            if edit.label_id in by_id:
                stored_label = by_id[edit.label_id]
                record, retained = _parted(written.get(edit.label_id, {}), edit, field)
                base = before_loads(stored_label, record)
                values = changed_values(base, edit)
                if values is None:
                    if changes.allows("allow_deletions", field):
                        changes.deleted.append(edit.label_id)
                else:
                    _update(changes, stored_label, base, values, record)
                    if retained and edit.label_id in changes.written:
                        changes.written[edit.label_id] = {**retained, **changes.written[edit.label_id]}
            elif edit.label_id in originals:
                original = originals[edit.label_id]
                values = changed_values(original, edit)
                if values is not None:
                    _restore(changes, original, values, may_restore)
            elif edit.label_id in sent or edit.label_id in loaded:
                _leave_departed(changes, edit, edit.label_id in loaded, may_restore)
            elif edit.parsed.values and changes.allows("allow_additions", field):
                added = to_label(edit, field).to_dict()
                changes.added.append(added)
                answered = _answered(added, edit, field)
                if answered:
                    changes.written[edit.label_id] = answered
        except RegionError as error:
            changes.notes.append(f"label {edit.label_id}: {error}; left alone")
            changes.left += 1
    # What was written into a label that has left says nothing of one that may come in its place.
    departed = written.keys() - by_id.keys() - changes.written.keys()
    changes.written.update((label_id, {}) for label_id in departed)
    _add_relations(changes, by_id, answer.related)
    places = {label_id: place for place, label_id in enumerate(originals)}
    changes.added.sort(key=lambda doc: places.get(str(doc["_id"]), len(places)))
    if not holds_list(field.label_type) and len(by_id) > len(changes.deleted):
        for doc in changes.added:
            changes.refuse("a label that is there already")
            changes.written.pop(str(doc["_id"]), None)
        changes.added.clear()
    changes.written.update((label_id, {}) for label_id in changes.deleted)
    return changes


def _parted(record: WrittenValues, edit: Edit, field: LabelField) -> tuple[WrittenValues, WrittenValues]:
    """What loads wrote into a label that an edit may undo, and what it may not: answers that this load skips."""
    skipped = () if field.takes_unexpected else [answer.control for answer in edit.parsed.answers]
    retained = {name: record[name] for name in skipped if name in record}
    return {name: pair for name, pair in record.items() if name not in retained}, retained


def _answered(added: LabelDoc, edit: Edit, field: LabelField) -> dict[str, Sequence[Any]]:
    """The attributes of a new label that were answered, so that a later answer can take them back."""
    class_name = edit.parsed.values.get("label")
    found = [attribute_of(name, class_name, field) for name in edit.aspects if is_attribute(name)]
    without = fol.Label()
    for attribute in filter(None, found):
        without.set_attribute_value(attribute.name, attribute.default)
    before = without.to_dict()
    return {a.name: (before.get(a.name), added.get(a.name)) for a in found if a}


def _restore(changes: LabelChanges, original: LabelDoc, values: Mapping[str, Any], may_restore: bool) -> None:
    """Notes that a label is put back, with what an edit makes of it."""
    if not may_restore:
        changes.refuse("allow_additions=False")
        return
    changes.added.append({**original, **values})
    changes.written[str(original["_id"])] = {name: (original.get(name), value) for name, value in values.items()}


def _leave_departed(changes: LabelChanges, edit: Edit, was_loaded: bool, may_restore: bool) -> None:
    """Notes that a label stays away which the dataset had and lacks now."""
    if not may_restore:
        changes.refuse("allow_additions=False")
    elif edit.parsed.values and not was_loaded:
        changes.departed.append(edit.label_id)


def _ambiguous(number: int) -> str:
    return f"{number} labels of the sample have its id; give each one of its own"


def before_loads(stored: LabelDoc, record: WrittenValues) -> LabelDoc:
    """A label as it was before loads wrote into it, but for what somebody else has changed since."""
    restored = {name: old for name, (old, new) in record.items() if is_identical(stored.get(name), new)}
    return {**stored, **restored} if restored else stored


def _update(
    changes: LabelChanges, stored: LabelDoc, base: LabelDoc, values: Mapping[str, Any], record: WrittenValues
) -> None:
    """Notes what makes a stored label what an edit makes of the label as it was before any load."""
    final = {**base, **values}
    changed = {
        name: final.get(name)
        for name in dict.fromkeys((*record, *values))
        if not is_identical(final.get(name), stored.get(name))
    }
    label_id = str(stored["_id"])
    if changed:
        changes.values[label_id] = changed
    if changed or record:
        changes.written[label_id] = {name: (base.get(name), value) for name, value in values.items()}


def _add_relations(changes: LabelChanges, by_id: Mapping[str, LabelDoc], related: Mapping[str, Sequence[str]]) -> None:
    for label_id, others in related.items():
        if label_id in by_id and by_id[label_id].get(RELATED) != others and label_id not in changes.deleted:
            changes.values.setdefault(label_id, {})[RELATED] = others
    changes.added = [
        {**doc, RELATED: related[str(doc["_id"])]} if str(doc["_id"]) in related else doc for doc in changes.added
    ]


def _changed_values(stored: LabelDoc, edit: Edit, field: LabelField, changes: LabelChanges) -> dict[str, Any] | None:
    """The attributes that an edit changed, as they are to be stored; None where nothing is left of the label."""
    family = family_of(field)
    if family.revise is None:
        before, after = _as_sent(stored, edit, field), to_label(edit, field).to_dict()
    else:
        revised, notes = family.revise(label_of(stored), edit, field)
        if revised is None:
            return None
        before, after = stored, revised.to_dict()
        changes.notes.extend(notes)
    values = {}
    for name in dict.fromkeys(name.partition("/")[0] for name in edit.aspects if not is_attribute(name)):
        changed = _aspect_values(stored, before, after, family.aspects[name])
        if changed and changes.allows(family.aspects[name].permission, field):
            values.update(changed)
    values.update(_attribute_values(stored, edit, field))
    return values


def _aspect_values(stored: LabelDoc, before: LabelDoc, after: LabelDoc, aspect: Aspect) -> dict[str, Any]:
    """The attributes of an aspect that an edit changed, as they are to be stored."""
    changed = {}
    for name, absent in aspect.attributes.items():
        old, new = before.get(name, absent), after.get(name, absent)
        if aspect.is_whole:
            changed[name] = new
        elif not is_same(old, new):
            changed[name] = blend(stored.get(name), old, new)
    if aspect.is_whole and all(is_same(before.get(name), new) for name, new in changed.items()):
        return {}
    return {name: value for name, value in changed.items() if not is_identical(value, stored.get(name))}


def _attribute_values(stored: LabelDoc, edit: Edit, field: LabelField) -> dict[str, Any]:
    values = {}
    label = label_of(stored)
    class_name = edit.parsed.values.get("label")
    for name in filter(is_attribute, edit.aspects):
        attribute = attribute_of(name, class_name, field)
        if attribute is None:
            continue
        before, after = label.get_attribute_value(attribute.name, None), attribute_value(edit, attribute)
        if not _is_same_answer(attribute, before, after):
            if attribute.question.kind == "list" and isinstance(before, list) and after:
                after = [*(item for item in before if item in after), *(item for item in after if item not in before)]
            if type(before) is int and type(after) is float and after.is_integer():
                after = int(after)
            if after is None and attribute.name in label._fields and isinstance(before, list):
                # FiftyOne cannot tag labels whose tags are None.
                after = []
            label.set_attribute_value(attribute.name, after)
            # Labels of old datasets keep their attributes in a dict.
            name = "attributes" if attribute.name in (stored.get("attributes") or {}) else attribute.name
            values[name] = label.to_dict().get(name)
    return values


def _is_same_answer(attribute: Attribute, before: Any, after: Any) -> bool:
    if before is None or after is None:
        return before is after or (after is None and before in ("", []))
    question = attribute.question
    return question.problem_of(before) is None and question.to_json(before) == question.to_json(after)


def _as_sent(stored: LabelDoc, edit: Edit, field: LabelField) -> LabelDoc:
    """The stored label as it would come back untouched: within the image, turned by less than a full turn."""
    family = family_of(field)
    label = label_of(stored)
    if family.check(label, field) is not None:
        return stored
    regions = family.to_regions([label], field, edit.parsed.media)
    parsed = family.parse_regions(regions, field, edit.parsed.media) if regions else []
    return family.to_label(parsed[0], field).to_dict() if parsed else stored


def blend(stored: Any, before: Any, after: Any) -> Any:
    """The value after an edit, with every number that the edit left alone exactly as stored.

    Args:
        stored: the stored value
        before: the stored value as it would come back untouched
        after: the value that came back
    """
    if all(isinstance(value, list) for value in (stored, before, after)) and len(stored) == len(before) == len(after):
        return [blend(*values) for values in zip(stored, before, after, strict=True)]
    return stored if stored is not None and is_same(before, after) else after


def is_identical(one: Any, other: Any) -> bool:
    """Whether two values are equal; unlike Python's ``==``, NaN is NaN, and binary data is what it holds."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_identical, one, other))
    if isinstance(one, bytes) and isinstance(other, bytes):
        return bytes(one) == bytes(other)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return _in_utc(one) == _in_utc(other)
    return bool(one == other or (one != one and other != other))


def _in_utc(time: datetime) -> datetime:
    # The database hands out times without their zone, which is UTC.
    return time if time.tzinfo is None else time.astimezone(timezone.utc).replace(tzinfo=None)


def is_same(before: Any, after: Any) -> bool:
    """Whether two values are equal, numbers within TOLERANCE."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_same, before, after))
    if is_number(before) and is_number(after):
        return abs(before - after) <= TOLERANCE or is_identical(before, after)
    return is_identical(before, after)
