"""Takes what people changed into a sample's stored labels, whatever has become of these meanwhile.

Works on labels as the database stores them, so that what is not touched is not even rewritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.annotation.answer import FieldAnswer, ReadyLabels
from fo_labelstudio.convert.attributes import attribute_of, is_attribute
from fo_labelstudio.convert.edits import attribute_value, to_doc
from fo_labelstudio.convert.families import empty_label, family_of, has_several
from fo_labelstudio.convert.items import place_of
from fo_labelstudio.convert.records import RELATED, Aspect, Attribute, LabelAnswer, LabelField
from fo_labelstudio.convert.stored import LabelDoc, label_of
from fo_labelstudio.errors import RegionError
from fo_labelstudio.merge.conflicts import Conflict, without
from fo_labelstudio.merge.equality import blend, is_identical, is_same
from fo_labelstudio.merge.ledger import WrittenValues, before_loads, written_into

MaskReader = Callable[[LabelDoc], LabelDoc]
"""A stored label whose mask is in a file -> the label with the mask itself; the one who calls reads the file."""


@dataclass
class LabelChanges:
    """What is to be written into one label field of one sample.

    Attributes:
        values: label id -> attribute -> new value
        unset: label id -> attributes to take away, for only an answer that was taken back had given them to the label
        deleted: ids of labels to delete
        added: labels to append
        refused: why changes were held back -> how many
        written: label id -> what loads have now written into it
        notes: what had to be decided to make an edit fit
        departed: ids of labels that were edited but have left the dataset meanwhile; they stay away
        left: number of changes that could not be made
        accepted: ids of labels that became those with their ids that were sent from another field
        conflicts: what the dataset and the answer had both changed
        settled: label id -> what is settled of it now, in place of what was; empty where nothing is
        seconds: ids of the second labels, with the annotator's version, among those that are added
        forgotten: ids of labels, among those that are deleted, that no later load is to restore
        ready: labels to append that were made ahead, where nothing else is to be written
    """

    values: dict[str, dict[str, Any]] = dataclass_field(default_factory=dict)
    unset: dict[str, list[str]] = dataclass_field(default_factory=dict)
    deleted: list[str] = dataclass_field(default_factory=list)
    added: list[LabelDoc] = dataclass_field(default_factory=list)
    refused: dict[str, int] = dataclass_field(default_factory=dict)
    written: dict[str, dict[str, Sequence[Any]]] = dataclass_field(default_factory=dict)
    notes: list[str] = dataclass_field(default_factory=list)
    departed: list[str] = dataclass_field(default_factory=list)
    left: int = 0
    accepted: list[str] = dataclass_field(default_factory=list)
    conflicts: list[Conflict] = dataclass_field(default_factory=list)
    settled: dict[str, str] = dataclass_field(default_factory=dict)
    seconds: set[str] = dataclass_field(default_factory=set)
    forgotten: set[str] = dataclass_field(default_factory=set)
    ready: ReadyLabels | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.values or self.unset or self.deleted or self.added or self.ready)

    @property
    def added_ids(self) -> Sequence[str]:
        """The ids of the labels that are to be appended."""
        return self.ready.label_ids if self.ready else [str(label["_id"]) for label in self.added]

    @property
    def edited(self) -> list[str]:
        """The ids of the labels that are to be changed."""
        return list(dict.fromkeys((*self.values, *self.unset)))

    def allows(self, permission: str, field: LabelField) -> bool:
        """Whether a flag of the label schema allows a change; counts it where not."""
        allowed: bool = getattr(field, permission)
        if not allowed:
            self.refuse(f"{permission}=False")
        return allowed

    def refuse(self, reason: str) -> None:
        """Counts a change that is held back."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def unsettle(self, label_id: str, name: str, field: LabelField) -> None:
        """Notes that an attribute of a label is not stored after all, so that the next load tries again."""
        if label_id in self.settled:
            self.settled[label_id] = without(self.settled[label_id], name, field)

    def leave(self, label_id: str, reason: str) -> None:
        """Notes why a label is left alone."""
        self.notes.append(f"label {label_id}: {reason}; left alone")
        self.left += 1


class Taking:
    """The labels of one field of one sample while they are brought up to an answer; see ``changes.label_changes``."""

    def __init__(
        self,
        stored: Sequence[LabelDoc],
        answer: FieldAnswer,
        field: LabelField,
        originals: Mapping[str, LabelDoc],
        loaded: Collection[str],
        with_mask: MaskReader,
        written: Mapping[str, WrittenValues],
        may_restore: bool,
        takes_place: bool,
        shown: Mapping[str, LabelDoc],
    ):
        self._changes = LabelChanges()
        self._by_id = {str(doc.get("_id")): doc for doc in stored}
        # Where ids are not unique, nothing says which label is meant.
        self._count = Counter(str(doc.get("_id")) for doc in stored)
        self._sent = {edit.label_id for edit in answer.edited}
        self._answer = answer
        self._field = field
        self._originals = originals
        self._loaded = loaded
        self._with_mask = with_mask
        self._written = written
        self._may_restore = may_restore
        self._takes_place = takes_place
        self._shown = shown

    def delete_gone(self) -> None:
        """Deletes the labels whose regions are gone, where that is allowed."""
        changes = self._changes
        for label_id in dict.fromkeys((*self._answer.deleted, *self._answer.gone(self._loaded))):
            if label_id not in self._by_id:
                if label_id in self._originals and not changes.allows("allow_deletions", self._field):
                    self._restore(self._originals[label_id], {})
            elif self._count[label_id] > 1:
                changes.leave(label_id, self._ambiguous(label_id))
            elif self._is_to_be_deleted(label_id):
                changes.deleted.append(label_id)

    def leave_untouched(self) -> None:
        """Restores untouched labels that the destination lacks, and undoes edits that were taken back."""
        answer = self._answer
        for label_id in (*answer.kept, *answer.not_shown):
            if label_id not in self._by_id:
                if label_id in self._originals:
                    self._restore(self._originals[label_id], {})
            elif self._takes_values(label_id):
                self._accept(self._by_id[label_id], None)
            elif label_id in self._written and self._count[label_id] == 1:
                if label_id not in answer.left and label_id not in answer.not_shown:
                    stored = self._by_id[label_id]
                    record, retained = parted(self._written[label_id], self._not_told(label_id))
                    record = self._undoable(stored, record)
                    update(self._changes, stored, before_loads(stored, record), {}, record)
                    self._changes.written.setdefault(label_id, {})
                    self._retain(label_id, retained)

    def take_edits(self) -> None:
        """Takes over the labels that came back changed or new."""
        for edit in (*self._answer.edited, *self._answer.added):
            try:
                self._take(edit)
            except RegionError as error:
                self._changes.leave(edit.label_id, str(error))

    def finished(self) -> LabelChanges:
        """The changes, in the order of the originals, and no more than the field can hold."""
        changes = self._changes
        # What was written into a label that has left says nothing of one that may come in its place.
        departed = self._written.keys() - self._by_id.keys() - changes.written.keys()
        changes.written.update((label_id, {}) for label_id in departed)
        _add_relations(changes, self._by_id, self._related(), self._written)
        if self._originals:
            places = {label_id: place for place, label_id in enumerate(self._originals)}
            changes.added.sort(key=lambda doc: places.get(str(doc["_id"]), len(places)))
        if self._takes_place and not has_several(self._field):
            for doc in [doc for doc in changes.added if str(doc["_id"]) in self._originals]:
                self._make_room(doc)
        if not has_several(self._field) and len(self._by_id) > len(changes.deleted):
            for doc in changes.added:
                changes.refuse("a label that is there already")
                changes.written.pop(str(doc["_id"]), None)
            changes.added.clear()
        changes.written.update((label_id, {}) for label_id in changes.deleted)
        return changes

    def _make_room(self, added: LabelDoc) -> None:
        """Has a field of one label give up the label that it holds for one that was sent in its place."""
        self._changes.deleted = list(self._by_id)
        self._changes.values.clear()
        self._changes.unset.clear()

    def _takes_values(self, label_id: str) -> bool:
        """Whether a label is to become the one with its id that was sent in its place; that is done only once."""
        return label_id in self._shown and label_id not in self._loaded and self._count[label_id] == 1

    def _accept(self, stored: LabelDoc, edit: LabelAnswer | None) -> None:
        """Has a label become the one that was sent in its place, with what an edit makes of that."""
        label_id, shown = str(stored["_id"]), self._shown[str(stored["_id"])]
        skipped = self._not_told(label_id) if edit is None else self._skipped_in(edit)
        record, retained = parted(self._written.get(label_id, {}), skipped)
        base: LabelDoc = {**before_loads(stored, self._undoable(stored, record)), **shown}
        values = {} if edit is None else self._changed_values(base, edit)
        if values is None:
            self._empty(label_id)
            return
        base, values = self._accepted(stored, base, values, edit)
        update(self._changes, stored, base, values, {**record, **dict.fromkeys(shown, ())})
        self._retain(label_id, retained)

    def _accepted(
        self, stored: LabelDoc, base: LabelDoc, values: dict[str, Any], edit: LabelAnswer | None
    ) -> tuple[LabelDoc, dict[str, Any]]:
        """Notes that a label takes the values that were sent in its place.

        Args:
            stored: the label as it is
            base: the same with all that was sent
            values: attribute -> what an edit makes of that
            edit: the edit, or None where the label was accepted as it was sent

        Returns:
            those of ``base`` and ``values`` that are to be stored
        """
        self._changes.accepted.append(str(stored["_id"]))
        return base, values

    def _empty(self, label_id: str) -> None:
        """Deletes a label of which an edit leaves nothing, where that is allowed."""
        if self._changes.allows("allow_deletions", self._field):
            self._changes.deleted.append(label_id)

    def _undoable(self, stored: LabelDoc, record: WrittenValues) -> WrittenValues:
        """What of the things that loads wrote into a label goes with the edits that were taken back."""
        return record

    def _related(self) -> Mapping[str, Sequence[str]]:
        """Label id -> ids of the labels that it is to name as related."""
        return self._answer.related

    def _is_to_be_deleted(self, label_id: str) -> bool:
        """Whether a label that is there, and whose regions are gone, is deleted."""
        return self._changes.allows("allow_deletions", self._field)

    def _take(self, edit: LabelAnswer) -> None:
        """Takes over one label.

        Raises:
            RegionError: it cannot become a label
        """
        label_id, changes = edit.label_id, self._changes
        if label_id in self._by_id:
            if self._count[label_id] > 1:
                raise RegionError(self._ambiguous(label_id))
            self._refuse_other_item(self._by_id[label_id], edit)
            self._edit(self._by_id[label_id], edit)
        elif label_id in self._originals:
            self._take_original(self._originals[label_id], edit)
        elif label_id in self._loaded or label_id in self._sent:
            self._leave_departed(edit)
        elif edit.parsed.values and changes.allows("allow_additions", self._field):
            self._add(edit)

    def _refuse_other_item(self, stored: LabelDoc, edit: LabelAnswer) -> None:
        """Refuses an edit of a label that was moved to another item of its list since it was sent.

        Raises:
            RegionError: it was
        """
        place = edit.parsed.media.item
        if place is not None and place_of(stored) != place:
            raise RegionError(f"it was edited on item {place} of its list, and is on item {place_of(stored)} now")

    def _take_original(self, original: LabelDoc, edit: LabelAnswer) -> None:
        """Takes over an edit of a label that the destination lacks, for loads deleted it, or never put it there."""
        values = self._changed_values(original, edit)
        if values is not None:
            self._restore(original, values)

    def _add(self, edit: LabelAnswer) -> LabelDoc:
        """Adds a label that was drawn or chosen."""
        added = to_doc(edit, self._field)
        self._changes.added.append(added)
        if answered := _answered(added, edit, self._field):
            self._changes.written[edit.label_id] = answered
        return added

    def _edit(self, stored: LabelDoc, edit: LabelAnswer) -> None:
        """Notes what an edit changes of a stored label."""
        changes, label_id = self._changes, edit.label_id
        if self._takes_values(label_id):
            self._accept(stored, edit)
            return
        record, retained = parted(self._written.get(label_id, {}), self._skipped_in(edit))
        base = before_loads(stored, record)
        values = self._changed_values(base, edit)
        if values is not None:
            update(changes, stored, base, values, record)
            self._retain(label_id, retained)
        else:
            self._empty(label_id)

    def _not_told(self, label_id: str) -> tuple[str, ...]:
        """What loads may have written into a label that does not go with the edits that were taken back."""
        is_gone = self._answer.relations_told and label_id not in self._answer.related
        return () if is_gone else (RELATED,)

    def _skipped_in(self, edit: LabelAnswer) -> tuple[str, ...]:
        """What loads may have written into a label of which this edit says nothing, or which this load skips."""
        skipped = () if self._field.takes_unexpected else tuple(answer.control for answer in edit.parsed.answers)
        return (*skipped, *self._not_told(edit.label_id))

    def _retain(self, label_id: str, retained: WrittenValues) -> None:
        """Keeps in mind what earlier loads have written into a label that stays there."""
        if retained and label_id in self._changes.written:
            self._changes.written[label_id] = {**retained, **self._changes.written[label_id]}

    def _changed_values(self, doc: LabelDoc, edit: LabelAnswer) -> dict[str, Any] | None:
        """The attributes that an edit changed, as they are to be stored; None where nothing is left of the label."""
        if "mask" not in {name.partition("/")[0] for name in edit.aspects}:
            return _changed_values(doc, edit, self._field, self._changes)
        values = _changed_values(self._with_mask(doc), edit, self._field, self._changes)
        # A label that has both shows its mask; the file would tell another story.
        return {**values, "mask_path": None} if values and "mask" in values and doc.get("mask_path") else values

    def _restore(self, original: LabelDoc, values: Mapping[str, Any]) -> None:
        """Notes that a label is put back, with what an edit makes of it."""
        if not self._may_restore:
            self._changes.refuse("allow_additions=False")
            return
        self._changes.added.append({**original, **values})
        self._changes.written[str(original["_id"])] = written_into(original, values)

    def _leave_departed(self, edit: LabelAnswer) -> None:
        """Notes that a label stays away which the dataset had and lacks now."""
        if not self._may_restore:
            self._changes.refuse("allow_additions=False")
        elif edit.parsed.values and edit.label_id not in self._loaded:
            self._changes.departed.append(edit.label_id)

    def _ambiguous(self, label_id: str) -> str:
        return f"{self._count[label_id]} labels of the sample have its id; give each one of its own"


def parted(record: WrittenValues, skipped: Collection[str]) -> tuple[WrittenValues, WrittenValues]:
    """What loads wrote into a label that an answer may undo, and what it may not: what this load skips."""
    retained = {name: record[name] for name in skipped if name in record}
    return {name: pair for name, pair in record.items() if name not in retained}, retained


def _answered(added: LabelDoc, edit: LabelAnswer, field: LabelField) -> dict[str, Sequence[Any]]:
    """The attributes of a new label that were answered, so that a later answer can take them back."""
    names = [name for name in edit.aspects if is_attribute(name)]
    if not names:
        return {}
    found = [attribute_of(name, edit.parsed.values.get("label"), field) for name in names]
    if not any(found):
        return {}
    without = empty_label(field.label_type)
    for attribute in filter(None, found):
        if attribute.default is not None:
            without.set_attribute_value(attribute.name, attribute.default)
    return written_into(without.to_dict(), {a.name: added.get(a.name) for a in found if a})


def update(
    changes: LabelChanges, stored: LabelDoc, base: LabelDoc, values: Mapping[str, Any], record: WrittenValues
) -> None:
    """Notes what makes a stored label what an edit makes of the label as it was before any load."""
    final = {**base, **values}
    names = [name for name in dict.fromkeys((*record, *values)) if not is_identical(final.get(name), stored.get(name))]
    label_id = str(stored["_id"])
    if changed := {name: final[name] for name in names if name in final}:
        changes.values[label_id] = changed
    if gone := [name for name in names if name not in final]:
        changes.unset[label_id] = gone
    if names or record:
        changes.written[label_id] = written_into(base, values)


def _add_relations(
    changes: LabelChanges,
    by_id: Mapping[str, LabelDoc],
    related: Mapping[str, Sequence[str]],
    written: Mapping[str, WrittenValues],
) -> None:
    """Notes which labels are to name others as related, and that a later answer may take it back."""
    for label_id, others in related.items():
        if label_id not in by_id or label_id in changes.deleted:
            continue
        stored, record = by_id[label_id], written.get(label_id, {})
        if not is_identical(stored.get(RELATED), others):
            changes.values.setdefault(label_id, {})[RELATED] = others
        elif RELATED not in record:
            continue
        before = before_loads(stored, {RELATED: record[RELATED]} if RELATED in record else {})
        now = changes.written.get(label_id, record)
        changes.written[label_id] = {**now, **written_into(before, {RELATED: others})}
    for place, doc in enumerate(changes.added):
        label_id = str(doc["_id"])
        if label_id in related:
            changes.added[place] = {**doc, RELATED: related[label_id]}
            note = written_into(doc, {RELATED: related[label_id]})
            changes.written[label_id] = {**changes.written.get(label_id, {}), **note}


def _changed_values(
    stored: LabelDoc, edit: LabelAnswer, field: LabelField, changes: LabelChanges
) -> dict[str, Any] | None:
    """The attributes that an edit changed, as they are to be stored; None where nothing is left of the label."""
    family = family_of(field)
    if family.revise is None:
        before, after = _as_sent(stored, edit, field), to_doc(edit, field)
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


def _attribute_values(stored: LabelDoc, edit: LabelAnswer, field: LabelField) -> dict[str, Any]:
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


def _as_sent(stored: LabelDoc, edit: LabelAnswer, field: LabelField) -> LabelDoc:
    """The stored label as it would come back untouched: within the image, turned by less than a full turn."""
    family = family_of(field)
    label = label_of(stored)
    if family.check(label, field) is not None:
        return stored
    regions = family.to_regions([label], field, edit.parsed.media)
    parsed = family.parse_regions(regions, field, edit.parsed.media) if regions else []
    return family.to_label(parsed[0], field).to_dict() if parsed else stored
