"""What people changed -> the dataset: one write per changed label, none for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

import bson
import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, holds_list
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.dataset import mask_files
from fo_labelstudio.dataset.destinations import (
    check_destination,
    check_writable,
    db_path,
    full_path,
    make_field,
    value_at,
)
from fo_labelstudio.dataset.fields import value_problem
from fo_labelstudio.dataset.internals import bulk_write, collection_of
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.changes import LabelChanges, label_changes
from fo_labelstudio.merge.ledger import Ledger

LARGEST = 2**24 - 2**16
"""Bytes of the largest sample that MongoDB stores, with some room for the date of the change."""

_SMALL = 2**16
"""Bytes by which a sample may grow unasked."""

_TOO_LARGE = (
    "it would be larger than the 16 MiB that the database stores, and was left as it is; remove labels in Label "
    "Studio, or keep masks in files"
)


@dataclass
class MergeReport:
    """What a merge did to one label field.

    Attributes:
        counts: labels ``added``, ``edited`` and ``deleted``
        refused: why changes were held back -> how many
        lost: ids of answered samples that have left the dataset
        notes: what had to be decided to make edits fit
        departed: sample and label ids of labels that were edited but have left the dataset meanwhile
        left: number of changes that could not be made
        remade: number of labels that were made anew from their regions
    """

    counts: Counter[str] = dataclass_field(default_factory=Counter)
    refused: Counter[str] = dataclass_field(default_factory=Counter)
    lost: list[str] = dataclass_field(default_factory=list)
    notes: list[str] = dataclass_field(default_factory=list)
    departed: list[tuple[str, str]] = dataclass_field(default_factory=list)
    left: int = 0
    remade: int = 0


class FieldMerge:
    """Merges answers into one label field of a dataset, which :meth:`make_field` makes where it is new.

    Args:
        dataset: the dataset
        field: the label field of the run
        destination: the field that receives the labels; as a rule the same
        ledger: what loads have done to it
        frames: whether the run's samples were frames of videos
        overwrite_masks: whether an edited mask that was read from a file is written to that file
        is_moved: whether the destination is the run's field itself, under another name

    Raises:
        LabelSchemaError: the destination cannot hold the labels, or is read-only
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        field: LabelField,
        destination: str,
        ledger: Ledger,
        frames: bool = False,
        overwrite_masks: bool = False,
        is_moved: bool = False,
    ):
        self.report = MergeReport()
        """What was done so far."""
        self.ledger = ledger
        """What loads have done to the field."""
        self._dataset = dataset
        self._overwrite_masks = overwrite_masks
        self._field = field
        self._frames = frames
        self._is_list = holds_list(field.label_type)
        self._container: Any = LABEL_TYPES[field.label_type]
        self._is_copy = destination != field.name and not is_moved
        self._destination = destination
        self._collection = collection_of(dataset, frames)
        self._check()
        self._target = db_path(dataset, destination, frames)
        self._source = self._target if is_moved else db_path(dataset, field.name, frames)

    @staticmethod
    def can_hold(declared: fof.Field, field: LabelField) -> bool:
        """Whether a field of the dataset can hold the labels of a label field."""
        container = LABEL_TYPES[field.label_type] or ()
        return isinstance(declared, fof.EmbeddedDocumentField) and issubclass(declared.document_type, container)

    def make_field(self) -> None:
        """Makes the destination where it is not there yet."""
        if self._dataset.get_field(full_path(self._destination, self._frames)) is None:
            make_field(
                self._dataset,
                self._destination,
                self._frames,
                ftype=fof.EmbeddedDocumentField,
                embedded_doc_type=self._container,
            )

    def merge(self, answers: Iterable[Answer]) -> None:
        """Brings the field up to some answers."""
        concerned = [answer for answer in answers if self._may_change(answer)]
        if not concerned:
            return
        report, ledger = self.report, self.ledger
        docs = self._read(answer.sample_id for answer in concerned)
        operations: list[UpdateOne] = []
        written: list[tuple[str, LabelChanges]] = []
        for answer in concerned:
            doc = docs.get(answer.sample_id)
            if doc is None:
                report.lost.append(answer.sample_id)
                continue
            stored = self._labels(doc, self._target)
            answered = answer.fields[self._field.name]
            changes = label_changes(
                stored,
                answered,
                self._field,
                self._originals(doc, answer),
                ledger.loaded.get(answer.sample_id, ()),
                mask_files.with_mask,
                ledger.edited.get(answer.sample_id, {}),
                not self._is_copy or self._field.allow_additions,
            )
            report.refused.update(changes.refused)
            report.departed.extend((answer.sample_id, label_id) for label_id in changes.departed)
            report.left += changes.left
            report.notes.extend(f"sample {answer.sample_id}: {note}" for note in changes.notes)
            self._leave_out_unfit(answer, changes)
            if self._overwrite_masks and not self._is_copy:
                self._overwrite_files(changes, stored)
            if not self._fits(answer.sample_id, changes, stored):
                report.notes.append(f"sample {answer.sample_id}: {_TOO_LARGE}")
                report.left += 1
                continue
            if not changes.is_empty or (answered.is_looked_at and self._is_to_be_marked(doc)):
                # Before the write: a label must not be deleted before it is remembered.
                self._remember_removed(answer.sample_id, changes, stored)
                operations.extend(self._operations(answer.sample_id, doc, changes))
                written.append((answer.sample_id, changes))
            # Also where nothing is to be written: a record that was used up must not be used again.
            self.ledger.note_written(answer.sample_id, changes.written)
        if operations:
            self._write(operations, written)
        remade = {answer.sample_id: answer.originals.get(self._field.name, {}) for answer in concerned}
        for sample_id, changes in written:
            self._record(sample_id, changes)
            report.remade += sum(str(label["_id"]) in remade[sample_id] for label in changes.added)
            report.counts.update(added=len(changes.added), edited=len(changes.values), deleted=len(changes.deleted))

    def _may_change(self, answer: Answer) -> bool:
        """Whether an answer may change anything; where it cannot, the sample is not even read."""
        is_untouched = answer.fields[self._field.name].is_untouched and not answer.originals.get(self._field.name)
        return not (is_untouched and self._field.existing and not self._is_copy) or self.ledger.has(answer.sample_id)

    def _write(self, operations: Sequence[UpdateOne], written: Sequence[tuple[str, LabelChanges]]) -> None:
        ids = [row[0] for row in written]
        if bulk_write(self._dataset, operations, ids, self._frames) < len(operations):
            self._forget_unwritten(written)

    def _forget_unwritten(self, written: Sequence[tuple[str, LabelChanges]]) -> None:
        """Forgets labels that were not added, for somebody else wrote into their sample meanwhile."""
        docs = self._read(row[0] for row in written)
        for sample_id, changes in written:
            there = {str(label.get("_id")) for label in self._labels(docs.get(sample_id, {}), self._target)}
            added = [label for label in changes.added if str(label["_id"]) in there]
            self.report.left += len(changes.added) - len(added)
            changes.added = added

    def _read(self, sample_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        ids = list(map(ObjectId, sample_ids))
        fields = {self._target: True, self._source: True}
        return {str(doc["_id"]): doc for doc in self._collection.find({"_id": {"$in": ids}}, fields)}

    @cached_property
    def _declared(self) -> dict[str, fof.Field]:
        """The fields of the attributes that loads may write, and of all others that only the dataset declares."""
        path = f"{self._destination}.{self._list_name}" if self._is_list else self._destination
        field = self._dataset.get_field(full_path(path, self._frames))
        labels = field.field if self._is_list else field
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
            if unfit and not values:
                del changes.values[label_id]
        for place, doc in enumerate(changes.added):
            unfit = self._unfit(answer, str(doc["_id"]), doc)
            if unfit:
                changes.added[place] = {name: value for name, value in doc.items() if name not in unfit}

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

    def _overwrite_files(self, changes: LabelChanges, stored: Sequence[LabelDoc]) -> None:
        """Writes edited masks to the files that they were read from, rather than into the labels."""
        labels = {str(label.get("_id")): label for label in stored}
        for label_id, values in changes.values.items():
            path = labels[label_id].get("mask_path")
            if "mask" in values and values.get("mask_path", path) is None and mask_files.is_lossless(path):
                mask_files.overwrite({**labels[label_id], "mask": values.pop("mask")})
                del values["mask_path"]
                # The file is what it is now; nothing can take that back, nor the box that belongs to it.
                for name in ("mask", "mask_path", "bounding_box"):
                    changes.written[label_id].pop(name, None)

    def _fits(self, sample_id: str, changes: LabelChanges, stored: Sequence[LabelDoc]) -> bool:
        """Whether a sample can be stored with changes: the database would refuse it after others were written."""
        labels = {str(label.get("_id")): label for label in stored}
        growth = len(bson.encode({"added": changes.added}))
        for label_id, values in changes.values.items():
            before = {name: labels[label_id].get(name) for name in values}
            growth += len(bson.encode(values)) - len(bson.encode(before))
        if growth < _SMALL:
            return True
        stages = [{"$match": {"_id": ObjectId(sample_id)}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
        return all(doc["size"] + growth <= LARGEST for doc in self._collection.aggregate(stages))

    def _labels(self, doc: Mapping[str, Any], path: str) -> list[LabelDoc]:
        value = value_at(doc, path)
        # The run's field may have become one of another type.
        if not isinstance(value, Mapping):
            return []
        return list(value.get(self._list_name) or ()) if self._is_list else [value]

    def _originals(self, doc: Mapping[str, Any], answer: Answer) -> Mapping[str, LabelDoc]:
        """The labels that the destination may lack: remade, those of the run's field, and those that loads deleted."""
        originals = dict(answer.originals.get(self._field.name, {}))
        if self._is_copy:
            originals.update((str(label.get("_id")), label) for label in self._labels(doc, self._source))
        # What a load has put there and is there no more was deleted in FiftyOne.
        for label_id in self.ledger.loaded.get(answer.sample_id, ()):
            originals.pop(label_id, None)
        removed = self.ledger.removed.get(answer.sample_id, {})
        # Whoever was not shown a label did not restore it either.
        not_shown = () if self._is_copy else answer.fields[self._field.name].not_shown
        return {**originals, **{label_id: label for label_id, label in removed.items() if label_id not in not_shown}}

    def _is_to_be_marked(self, doc: Mapping[str, Any]) -> bool:
        """Whether an empty list is to say "looked at, nothing there": in new fields only."""
        is_new = (self._is_copy and self._field.allow_additions) or not self._field.existing
        return self._is_list and is_new and value_at(doc, self._target) is None

    def _operations(self, sample_id: str, doc: Mapping[str, Any], changes: LabelChanges) -> Iterator[UpdateOne]:
        sample = {"_id": ObjectId(sample_id)}
        now = {"last_modified_at": datetime.now(timezone.utc)}
        value = value_at(doc, self._target)
        if value is None:
            # Named in the filter, so that what came meanwhile is not overwritten.
            yield UpdateOne({**sample, self._target: None}, {"$set": {**self._whole(doc, changes.added), **now}})
            return
        if not self._is_list:
            sample[f"{self._target}._id"] = value.get("_id")
            if changes.added:
                yield UpdateOne(sample, {"$set": {**self._whole(doc, changes.added), **now}})
                return
        for label_id, values in changes.values.items():
            options: dict[str, Any]
            if not values:
                root, options = "", {}
            elif self._is_list:
                root, options = (
                    f"{self._labels_path}.$[label]",
                    {"array_filters": [{"label._id": ObjectId(label_id)}]},
                )
            else:
                root, options = self._target, {}
            yield UpdateOne(sample, {"$set": {**_prefixed(root, values), **now}}, **options)
        if changes.deleted:
            ids = [ObjectId(label_id) for label_id in changes.deleted]
            if self._is_list:
                yield UpdateOne(sample, {"$pull": {self._labels_path: {"_id": {"$in": ids}}}, "$set": now})
            else:
                yield UpdateOne(sample, {"$set": {self._target: None, **now}})
        if changes.added:
            yield UpdateOne(sample, {"$push": {self._labels_path: {"$each": changes.added}}, "$set": now})

    def _whole(self, doc: Mapping[str, Any], added: Sequence[LabelDoc]) -> dict[str, Any]:
        """The update that sets a field that has no value yet, and the documents around it if they are missing."""
        declared = self._dataset.get_field(full_path(self._destination, self._frames)).document_type
        if self._is_list:
            value = declared().to_dict()
            value[self._list_name] = list(added)
        else:
            (value,) = added
            if declared is not self._container:
                value = {**value, "_cls": declared.__name__}
        return whole_update(self._dataset, doc, self._target, value, self._frames)

    def _remember_removed(self, sample_id: str, changes: LabelChanges, stored: Sequence[LabelDoc]) -> None:
        if not self._is_copy:
            by_id = {str(label.get("_id")): label for label in stored}
            self.ledger.note_removed(sample_id, [by_id[label_id] for label_id in changes.deleted])

    def _record(self, sample_id: str, changes: LabelChanges) -> None:
        added = [str(label["_id"]) for label in changes.added]
        self.ledger.note_loaded(sample_id, added, changes.deleted)
        if not self._is_copy:
            self.ledger.note_restored(sample_id, added)

    def _check(self) -> None:
        """Refuses a destination that cannot hold the labels."""
        existing = check_destination(self._dataset, self._destination, self._frames, self._field.name)
        if existing is not None and not self.can_hold(existing, self._field):
            held = getattr(existing, "document_type", None) or type(existing)
            raise LabelSchemaError(
                f"field {full_path(self._destination, self._frames)!r} cannot hold labels of type "
                f"{self._field.label_type!r}, for it holds {held.__name__}; pass another dest_field, or "
                "unexpected='return' where they are unexpected"
            )
        attributes = [name for aspect in family_of(self._field).aspects.values() for name in aspect.attributes]
        labels = f"{self._destination}.{self._list_name}" if self._is_list else self._destination
        check_writable(
            self._dataset, (labels, *(f"{labels}.{name}" for name in attributes)), self._frames, self._destination
        )

    @property
    def _list_name(self) -> str:
        name: str = self._container._LABEL_LIST_FIELD
        return name

    @property
    def _labels_path(self) -> str:
        return f"{self._target}.{self._list_name}"


def whole_update(dataset: fo.Dataset, doc: Mapping[str, Any], path: str, value: Any, frames: bool) -> dict[str, Any]:
    """The update that sets a field, and the documents around it if they are missing."""
    while "." in path and value_at(doc, parent := path.rpartition(".")[0]) is None:
        around = dataset.get_field(full_path(parent, frames)).document_type().to_dict()
        value = {**around, path.rpartition(".")[2]: value}
        path = parent
    return {path: value}


def _prefixed(root: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{root}.{name}": value for name, value in values.items()}
