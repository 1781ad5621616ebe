"""What people changed -> label fields of the dataset: one write per changed label, none for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import bson
import fiftyone.core.fields as fof
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer, ReadyLabels
from fo_labelstudio.convert.families import LABEL_TYPES, family_of
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import LabelDoc, list_name
from fo_labelstudio.dataset import mask_files
from fo_labelstudio.dataset.destinations import check_destination, check_writable, held_in
from fo_labelstudio.dataset.field_merge import FieldMerge
from fo_labelstudio.dataset.fields import value_problem
from fo_labelstudio.dataset.place import Doc, Place
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.changes import LabelChanges, label_changes
from fo_labelstudio.merge.conflicts import DATASET, Rules, left_as
from fo_labelstudio.merge.ledger import Ledger, WrittenValues, before_loads

MAX_SAMPLE_BYTES = 2**24 - 2**16
"""Size of the largest sample that MongoDB stores, with some room for the date of the change."""

_UNCHECKED_GROWTH_BYTES = 2**16
"""By how much a sample may grow without being measured."""

_TOO_LARGE = (
    "it would be larger than the 16 MiB that the database stores, and was left as it is; remove labels in Label "
    "Studio, or keep masks in files"
)


class LabelMerge(FieldMerge[LabelChanges]):
    """Merges answers into one field of labels; see :class:`FieldMerge`.

    Args:
        place: the field that receives the labels
        field: the label field of the run
        ledger: what loads have done to the place
        source: the run's field, where the place is another field that starts as a copy of it
        overwrite_masks: whether an edited mask that was read from a file is written to that file
        on_conflict: what becomes of what the dataset and an answer have both changed; see :class:`FieldMerge`

    Raises:
        LabelSchemaError: the field cannot hold the labels, or is read-only
    """

    def __init__(
        self,
        place: Place,
        field: LabelField,
        ledger: Ledger,
        source: Place | None = None,
        overwrite_masks: bool = False,
        on_conflict: str | None = None,
    ):
        self._container: Any = LABEL_TYPES[field.label_type]
        self._list_name = list_name(self._container)
        self._labels = place.at(self._list_name) if self._list_name else place
        super().__init__(place, field, ledger, source, on_conflict)
        self._elsewhere: set[str] = set()
        self._overwrite_masks = overwrite_masks and not self._is_copy

    @staticmethod
    def can_hold(declared: fof.Field, field: LabelField) -> bool:
        """Whether a field of the dataset can hold the labels of a label field."""
        container = LABEL_TYPES[field.label_type] or ()
        return isinstance(declared, fof.EmbeddedDocumentField) and issubclass(declared.document_type, container)

    def _check(self) -> None:
        place, field = self._place, self._field
        existing = check_destination(place, field.name)
        if existing is not None and not self.can_hold(existing, field):
            held = getattr(existing, "document_type", None) or type(existing)
            raise LabelSchemaError(
                f"field {place.full_path!r} cannot hold labels of type {field.label_type!r}, because it holds "
                f"{held.__name__}",
                "pass another dest_field, or unexpected='return' where they are unexpected",
            )
        aspects = family_of(field).aspects.values()
        attributes = [self._labels.at(name) for aspect in aspects for name in aspect.attributes]
        check_writable((self._labels, *attributes), place.path)

    def _declaration(self) -> Mapping[str, Any]:
        return {"ftype": fof.EmbeddedDocumentField, "embedded_doc_type": self._container}

    def _may_change(self, answer: Answer) -> bool:
        if self._field.name in answer.ready:
            return True
        name = self._field.name
        is_as_sent = not answer.originals.get(name) and name not in answer.sources
        is_untouched = answer.fields[name].is_untouched and is_as_sent
        return not (is_untouched and self._field.existing and not self._is_copy) or self.ledger.has(answer.sample_id)

    def _plan(self, answer: Answer, doc: Doc) -> LabelChanges | None:
        if self._has_other_value(answer, doc):
            # What earlier loads brought is no news.
            if not self._changes(answer, doc, self._labels_in(doc, self._place)).is_empty:
                self._leave_of_other_value(answer)
            return None
        ready = self._ready(answer, doc)
        if ready is not None:
            if ready.written:
                self.ledger.note_written(answer.sample_id, ready.written)
            return LabelChanges(ready=ready)
        sample_id, report, ledger = answer.sample_id, self.report, self.ledger
        stored, answered = self._labels_in(doc, self._place), answer.fields[self._field.name]
        by_id = {str(label.get("_id")): label for label in stored}
        changes = self._changes(answer, doc, stored)
        report.refused.update(changes.refused)
        report.departed.extend((sample_id, label_id) for label_id in changes.departed)
        report.left += changes.left
        report.conflicts.extend((sample_id, conflict) for conflict in changes.conflicts)
        self._leave_out_unfit(answer, changes)
        self._complete(answer, doc, changes, by_id)
        report.notes.extend(f"sample {sample_id}: {note}" for note in changes.notes)
        if self._overwrite_masks:
            _overwrite_files(changes, by_id, self._field)
        if not self._fits(doc, changes, by_id):
            report.notes.append(f"sample {sample_id}: {_TOO_LARGE}")
            report.left += 1
            return None
        is_written = not changes.is_empty or (answered.is_looked_at and self._is_to_be_marked(doc))
        if is_written and not self._is_copy:
            # Before the write: a label must not be deleted before it is remembered.
            deleted = [label_id for label_id in changes.deleted if label_id not in changes.forgotten]
            self._note_removed(sample_id, [by_id[label_id] for label_id in deleted])
        # Also where nothing is to be written: a record that was used up must not be used again.
        self._note_written(sample_id, changes, by_id)
        if is_written:
            return changes
        ledger.note_loaded(sample_id, changes.accepted)
        ledger.note_settled(sample_id, changes.settled)
        return None

    def settle(self, answers: Sequence[Answer]) -> None:
        """Notes what the field holds already as some answers say, so that it is no news for loads; writes nothing."""
        docs = self._read(answer.sample_id for answer in answers)
        self._look_around(answers, docs)
        for answer in answers:
            if answer.sample_id in docs:
                doc = docs[answer.sample_id]
                changes = self._changes(answer, doc, self._labels_in(doc, self._place))
                told = (conflict.label_id for conflict in changes.conflicts)
                open_ids = {*changes.values, *changes.added_ids, *changes.deleted, *changes.departed, *told}
                settled = {key: text for key, text in changes.settled.items() if key not in open_ids}
                self.ledger.note_settled(answer.sample_id, settled)

    def _changes(self, answer: Answer, doc: Doc, stored: Sequence[LabelDoc]) -> LabelChanges:
        """What an answer changes of the labels of a sample."""
        sample_id, ledger = answer.sample_id, self.ledger
        return label_changes(
            stored,
            answer.fields[self._field.name],
            self._field,
            self._originals(doc, answer),
            ledger.loaded.get(sample_id, ()),
            mask_files.with_mask,
            self._written_into(sample_id, {str(label.get("_id")): label for label in stored}),
            not self._is_copy or self._field.allow_additions,
            self._rules_of(doc, answer),
            self._field.name in answer.sources,
            self._shown(doc, answer),
        )

    def _written_into(self, sample_id: str, by_id: Mapping[str, LabelDoc]) -> Mapping[str, WrittenValues]:
        """Label id -> what earlier loads have written into the labels of a sample."""
        return self.ledger.edited.get(sample_id, {})

    def _complete(self, answer: Answer, doc: Doc, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> None:
        """Gives what is to be written what only the other labels of the sample tell."""
        return

    def _note_removed(self, sample_id: str, labels: Sequence[LabelDoc]) -> None:
        self.ledger.note_removed(sample_id, labels)

    def _note_written(self, sample_id: str, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> None:
        self.ledger.note_written(sample_id, changes.written)

    def _ready(self, answer: Answer, doc: Doc) -> ReadyLabels | None:
        """The labels that were made ahead, where a merge would make and write the same ones."""
        ready = answer.ready.get(self._field.name)
        if ready is None or self._is_copy or self._declared or len(ready.encoded) >= _UNCHECKED_GROWTH_BYTES:
            return None
        had_labels = self.ledger.has(answer.sample_id) or bool(answer.originals.get(self._field.name))
        is_plain = self._place.value_in(doc) is None and self._rules_of(doc, answer) is None
        return ready if is_plain and not had_labels else None

    def _written(
        self, planned: Sequence[tuple[Answer, LabelChanges]], docs: Mapping[str, Doc]
    ) -> list[tuple[Answer, LabelChanges]]:
        for answer, changes in planned:
            if changes.ready is not None:
                changes.added = bson.decode(changes.ready.encoded)[str(self._list_name)]
                changes.ready = None
            there = {str(label.get("_id")) for label in self._labels_in(docs.get(answer.sample_id, {}), self._place)}
            added = [label for label in changes.added if str(label["_id"]) in there]
            self.report.left += len(changes.added) - len(added)
            changes.added = added
        return list(planned)

    def _record(self, answer: Answer, change: LabelChanges) -> None:
        added = change.added_ids
        # No answer ever holds a second label, so nothing is to be made of its absence.
        loaded = [label_id for label_id in added if label_id not in change.seconds]
        self.ledger.note_loaded(answer.sample_id, [*loaded, *change.accepted], change.deleted)
        self.ledger.note_settled(answer.sample_id, change.settled)
        if not self._is_copy:
            self.ledger.note_restored(answer.sample_id, added)
        originals = () if self._field.name in answer.sources else answer.originals.get(self._field.name, ())
        self.report.remade += sum(label_id in originals for label_id in added)
        self.report.counts.update(added=len(added), edited=len(change.edited), deleted=len(change.deleted))

    @cached_property
    def _declared(self) -> dict[str, fof.Field]:
        """The fields of the attributes that loads may write, and of all others that only the dataset declares."""
        field = self._labels.field
        labels: Any = field.field if isinstance(field, fof.ListField) else field
        asked = {attribute.name for attribute in self._field.attributes}
        own = labels.document_type._fields
        return {name: one for name, one in labels.get_field_schema().items() if name in asked or name not in own}

    def _leave_out_unfit(self, answer: Answer, changes: LabelChanges) -> None:
        """Takes out values that the dataset's declared fields cannot hold: FiftyOne could not read the sample."""
        if not self._declared:
            return
        for label_id, values in list(changes.values.items()):
            unfit = self._unfit(answer, label_id, values)
            for name in unfit:
                del values[name]
                changes.written.get(label_id, {}).pop(name, None)
                changes.unsettle(label_id, name, self._field)
            if unfit and not values:
                del changes.values[label_id]
        for place, doc in enumerate(changes.added):
            unfit = self._unfit(answer, str(doc["_id"]), doc)
            if unfit:
                changes.added[place] = {name: value for name, value in doc.items() if name not in unfit}
                for name in unfit:
                    changes.unsettle(str(doc["_id"]), name, self._field)

    def _unfit(self, answer: Answer, label_id: str, values: Mapping[str, Any]) -> list[str]:
        found: list[str] = []
        fields = answer.fields[self._field.name]
        asked = {attribute.name for attribute in self._field.attributes} if label_id not in fields.kept else ()
        for name in self._declared.keys() & values.keys():
            problem = value_problem(self._declared[name], values[name], is_copied=name not in asked)
            if problem:
                found.append(name)
                regions = {edit.label_id: edit.parsed.key for edit in (*fields.edited, *fields.added)}
                self.report.notes.append(
                    f"task {answer.task_id}, region {regions.get(label_id, label_id)}, sample {answer.sample_id}: "
                    f"attribute {name!r} {problem}; left alone"
                )
        return found

    def _fits(self, doc: Doc, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> bool:
        """Whether a sample can be stored with changes: the database would refuse it after others were written."""
        growth = len(bson.encode({"added": changes.added}))
        for label_id, values in changes.values.items():
            before = {name: by_id[label_id].get(name) for name in values}
            growth += len(bson.encode(values)) - len(bson.encode(before))
        return growth < _UNCHECKED_GROWTH_BYTES or self._place.size_of(doc) + growth <= MAX_SAMPLE_BYTES

    def _labels_in(self, doc: Doc, place: Place) -> list[LabelDoc]:
        value = place.value_in(doc)
        if value is None:
            return []
        return list(value.get(self._list_name) or ()) if self._list_name else [value]

    def _look_around(self, answers: Sequence[Answer], docs: Mapping[str, Doc]) -> None:
        """Finds out which of the labels that were edited, and are no longer there, have only moved."""
        self._elsewhere = set()
        if self._on_conflict in (None, DATASET):
            return
        departed = {label_id for answer in answers for label_id in self._departed(answer, docs.get(answer.sample_id))}
        if departed:
            self._elsewhere = held_in(self._place.dataset, departed, self._container, self._place.scope)

    def _departed(self, answer: Answer, doc: Doc | None) -> Iterator[str]:
        if doc is None:
            return
        answered, loaded = answer.fields[self._field.name], self.ledger.loaded.get(answer.sample_id, ())
        edited = [edit.label_id for edit in answered.edited]
        edited += [edit.label_id for edit in answered.added if edit.label_id in loaded]
        if edited:
            there = {str(label.get("_id")) for label in self._labels_in(doc, self._place)}
            there |= self._originals(doc, answer).keys()
            yield from (label_id for label_id in edited if label_id not in there)

    def _rules_of(self, doc: Doc, answer: Answer) -> Rules | None:
        rules = self._rules(answer.sample_id)
        if rules is None:
            return None
        copied = self._copied(doc, answer)
        lost = {**{str(label.get("_id")): label for label in copied}, **self._shown(doc, answer)}
        return rules._replace(elsewhere=self._elsewhere - lost.keys(), lost=lost)

    def _originals(self, doc: Doc, answer: Answer) -> Mapping[str, LabelDoc]:
        """The labels that the destination may lack: remade, those of the run's field, and those that loads deleted."""
        originals = dict(answer.originals.get(self._field.name, {}))
        originals.update((str(label.get("_id")), label) for label in self._copied(doc, answer))
        # Whoever was shown the label of another field answered about that one.
        shown = self._shown(doc, answer)
        originals.update(shown)
        # What a load has put there and is there no more was deleted in FiftyOne.
        for label_id in self.ledger.loaded.get(answer.sample_id, ()):
            originals.pop(label_id, None)
        removed = self.ledger.removed.get(answer.sample_id, {})
        # Whoever was not shown a label did not restore it either.
        not_shown = () if self._is_copy else answer.fields[self._field.name].not_shown
        passed_over = {*not_shown, *shown}
        return {**originals, **{label_id: label for label_id, label in removed.items() if label_id not in passed_over}}

    def _copied(self, doc: Doc, answer: Answer) -> list[LabelDoc]:
        """The labels of the run's field, where the place starts as a copy of it, without what loads wrote into them.

        That may be from another annotator than the answer.
        """
        if self._source is None:
            return []
        edited = self.source_edited.get(answer.sample_id, {})
        labels = self._labels_in(doc, self._source)
        return [before_loads(label, edited.get(str(label.get("_id")), {})) for label in labels]

    def _shown(self, doc: Doc, answer: Answer) -> dict[str, LabelDoc]:
        """The labels of another field than the run's that an annotation started from and still has."""
        origin = self._origin_of(answer)
        if origin is None:
            return {}
        answered = answer.fields[self._field.name]
        wanted = {*answered.kept, *(edit.label_id for edit in answered.edited)}
        labels = {str(label.get("_id")): label for label in self._labels_in(doc, origin)}
        return {label_id: label for label_id, label in labels.items() if label_id in wanted}

    def _is_to_be_marked(self, doc: Doc) -> bool:
        """Whether an empty list is to say "looked at, nothing there": in new fields only."""
        is_new = (self._is_copy and self._field.allow_additions) or not self._field.existing
        return self._list_name is not None and is_new and self._place.value_in(doc) is None

    def _operations(self, answer: Answer, doc: Doc, change: LabelChanges) -> Iterator[UpdateOne]:
        value = self._place.value_in(doc)
        if change.ready is not None:
            yield self._place.replace(doc, self._encoded_value(change.ready))
        elif value is None or (change.added and not self._list_name):
            yield self._place.replace(doc, self._new_value(change.added))
        elif self._list_name:
            yield from self._list_operations(doc, change)
        elif change.deleted:
            yield self._place.replace(doc, None)
        else:
            expected = {f"{self._place.db_path}._id": value.get("_id")}
            for label_id in change.edited:
                yield self._place.update(doc, _update_of(self._place.db_path, change, label_id), expected)

    def _list_operations(self, doc: Doc, change: LabelChanges) -> Iterator[UpdateOne]:
        place, path = self._place, self._labels.db_path
        for label_id in change.edited:
            update = _update_of(f"{path}.$[label]", change, label_id)
            # The database refuses a filter that no path names.
            filters = [{"label._id": ObjectId(label_id)}] if any(update.values()) else None
            yield place.update(doc, update, array_filters=filters)
        if change.deleted:
            ids = [ObjectId(label_id) for label_id in change.deleted]
            yield place.update(doc, {"$pull": {path: {"_id": {"$in": ids}}}})
        if change.added:
            yield place.update(doc, {"$push": {path: {"$each": change.added}}})

    def _new_value(self, added: Sequence[LabelDoc]) -> Mapping[str, Any]:
        """The value of a field that has none yet, as a field of the dataset's own class stores it."""
        if self._list_name:
            return {**self._empty_value, self._list_name: list(added)}
        field: Any = self._place.field
        (value,) = added
        return {**value, "_cls": field.document_type.__name__} if field.document_type is not self._container else value

    @cached_property
    def _empty_value(self) -> Mapping[str, Any]:
        """What the field holds of a sample without labels; asked for when the field is there."""
        field: Any = self._place.field
        empty: Mapping[str, Any] = field.document_type().to_dict()
        return empty

    def _encoded_value(self, ready: ReadyLabels) -> RawBSONDocument:
        """The same as :meth:`_new_value`, of labels that are encoded already."""
        before, after = self._around_labels
        elements = before + _elements(ready.encoded) + after
        # Its own length, its elements, and a zero.
        return RawBSONDocument((len(elements) + 5).to_bytes(4, "little") + elements + b"\0")

    @cached_property
    def _around_labels(self) -> tuple[bytes, bytes]:
        """The elements that a value has before and after the list of its labels, encoded."""
        names = [*{**self._empty_value, str(self._list_name): None}]
        place = names.index(str(self._list_name))
        before, after = (
            {name: self._empty_value[name] for name in part} for part in (names[:place], names[place + 1 :])
        )
        return _elements(bson.encode(before)), _elements(bson.encode(after))


def _overwrite_files(changes: LabelChanges, by_id: Mapping[str, LabelDoc], field: LabelField) -> None:
    """Writes edited masks to the files that they were read from, rather than into the labels."""
    for label_id, values in changes.values.items():
        path = by_id[label_id].get("mask_path")
        if "mask" in values and values.get("mask_path", path) is None and mask_files.is_lossless(path):
            mask_files.overwrite({**by_id[label_id], "mask": values.pop("mask")})
            del values["mask_path"]
            # The file is what it is now; nothing can take that back, nor the box that belongs to it.
            for name in ("mask", "mask_path", "bounding_box"):
                changes.written[label_id].pop(name, None)
            if label_id in changes.settled:
                final = {**by_id[label_id], **values}
                changes.settled[label_id] = left_as(changes.settled[label_id], "mask", final, field)


def _elements(document: bytes) -> bytes:
    """What stands in a BSON document between its length and the zero at its end."""
    return document[4:-1]


def _update_of(path: str, change: LabelChanges, label_id: str) -> dict[str, Any]:
    """What MongoDB is to do with the label at a path."""
    values, unset = change.values.get(label_id, {}), change.unset.get(label_id, ())
    update: dict[str, Any] = {"$set": {f"{path}.{name}": value for name, value in values.items()}}
    return {**update, "$unset": {f"{path}.{name}": "" for name in unset}} if unset else update
