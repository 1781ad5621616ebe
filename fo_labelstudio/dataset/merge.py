"""What people changed -> the dataset: one write per changed label, none for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timezone
from typing import Any

import bson
import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.convert.annotations import Answer, FieldAnswer
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, holds_list
from fo_labelstudio.convert.merging import LabelChanges, WrittenValues, label_changes
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.dataset import masks
from fo_labelstudio.dataset.fields import field_problem, value_problem
from fo_labelstudio.errors import LabelSchemaError

LARGEST = 2**24 - 2**16
"""Bytes of the largest sample that MongoDB stores, with some room for the date of the change."""

_SMALL = 2**16
"""Bytes by which a sample may grow unasked."""

_TOO_LARGE = (
    "it would be larger than the 16 MiB that the database stores, and was left as it is; remove labels in Label "
    "Studio, or keep masks in files"
)

LoadedIds = dict[str, list[str]]
"""Sample id -> ids of the labels that loads have put into a field."""

EditedLabels = dict[str, dict[str, WrittenValues]]
"""Sample id -> label id -> attribute -> its value before loads wrote into it, and the value that they wrote."""

RemovedLabels = dict[str, dict[str, LabelDoc]]
"""Sample id -> label id -> label that loads have deleted from a field."""


@dataclass
class Records:
    """What loads have done to one label field; brought up to date as they do more.

    Attributes:
        loaded: the labels that they have put there
        removed: the labels that they have deleted from the run's field
        edited: what they have written into labels
    """

    loaded: LoadedIds = dataclass_field(default_factory=dict)
    removed: RemovedLabels = dataclass_field(default_factory=dict)
    edited: EditedLabels = dataclass_field(default_factory=dict)

    def name(self, sample_id: str) -> bool:
        """Whether loads have done anything to a sample."""
        return sample_id in self.loaded or sample_id in self.removed or sample_id in self.edited


@dataclass
class MergeReport:
    """What a merge did to one label field.

    Attributes:
        counts: labels ``added``, ``edited`` and ``deleted``
        refused: why changes were held back -> how many
        lost: ids of answered samples that have left the dataset
        notes: what had to be decided to make edits fit
    """

    counts: Counter[str] = dataclass_field(default_factory=Counter)
    refused: Counter[str] = dataclass_field(default_factory=Counter)
    lost: list[str] = dataclass_field(default_factory=list)
    notes: list[str] = dataclass_field(default_factory=list)


class FieldMerge:
    """Merges answers into one label field of a dataset.

    Args:
        dataset: the dataset
        field: the label field of the run
        destination: the field that receives the labels; as a rule the same
        records: what loads have done to it
        frames: whether the run's samples were frames of videos
        overwrite_masks: whether an edited mask that was read from a file is written to that file

    Raises:
        LabelSchemaError: the destination is read-only
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        field: LabelField,
        destination: str,
        records: Records,
        frames: bool = False,
        overwrite_masks: bool = False,
    ):
        self.report = MergeReport()
        """What was done so far."""
        self.records = records
        """What loads have done to the field."""
        self._dataset = dataset
        self._overwrite_masks = overwrite_masks
        self._field = field
        self._frames = frames
        self._is_list = holds_list(field.label_type)
        self._container: Any = LABEL_TYPES[field.label_type]
        self._is_copy = destination != field.name
        self._source = db_path(dataset, field.name, frames)
        self._target = db_path(dataset, destination, frames)
        self._collection = dataset._frame_collection if frames else dataset._sample_collection
        self._check_writable(destination)
        self._ensure(destination)
        self._declared = self._declared_attributes(destination)

    def merge(self, answers: Iterable[Answer]) -> None:
        """Brings the field up to some answers."""
        concerned = [answer for answer in answers if self._may_change(answer)]
        if not concerned:
            return
        report, records = self.report, self.records
        docs = self._read(concerned)
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
                self._originals(doc, records.removed.get(answer.sample_id, {}), answered),
                records.loaded.get(answer.sample_id, ()),
                masks.with_mask,
                records.edited.get(answer.sample_id, {}),
            )
            report.refused.update(changes.refused)
            report.notes.extend(f"sample {answer.sample_id}: {note}" for note in changes.notes)
            self._leave_out_unfit(answer, changes)
            if self._overwrite_masks and not self._is_copy:
                self._overwrite_files(changes, stored)
            if not self._fits(answer.sample_id, changes, stored):
                report.notes.append(f"sample {answer.sample_id}: {_TOO_LARGE}")
                continue
            if changes or (answered.is_looked_at and self._is_to_be_marked(doc)):
                # Before the write: a label must not be deleted before it is remembered.
                self._remember_removed(answer.sample_id, changes, stored)
                self._remember_edited(answer.sample_id, changes)
                operations.extend(self._operations(answer.sample_id, doc, changes))
                written.append((answer.sample_id, changes))
        if operations:
            self._dataset._bulk_write(operations, ids=[row[0] for row in written], frames=self._frames)
        for sample_id, changes in written:
            self._record(sample_id, changes)
            report.counts.update(added=len(changes.added), edited=len(changes.values), deleted=len(changes.deleted))

    def _may_change(self, answer: Answer) -> bool:
        """Whether an answer may change anything; where it cannot, the sample is not even read."""
        is_untouched = answer.fields[self._field.name].is_untouched
        return not (is_untouched and self._field.existing and not self._is_copy) or self.records.name(answer.sample_id)

    def _read(self, answers: Sequence[Answer]) -> dict[str, Mapping[str, Any]]:
        ids = [ObjectId(answer.sample_id) for answer in answers]
        fields = {self._target: True, self._source: True}
        return {str(doc["_id"]): doc for doc in self._collection.find({"_id": {"$in": ids}}, fields)}

    def _declared_attributes(self, destination: str) -> dict[str, fof.Field]:
        """The fields of the attributes that loads may write, and of all others that only the dataset declares."""
        path = f"{destination}.{self._list_name}" if self._is_list else destination
        field = self._dataset.get_field(self._full(path))
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
            if "mask" in values and values.get("mask_path", path) is None and masks.is_lossless(path):
                masks.overwrite({**labels[label_id], "mask": values.pop("mask")})
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
        if value is None:
            return []
        return list(value.get(self._list_name) or ()) if self._is_list else [value]

    def _originals(
        self, doc: Mapping[str, Any], removed: Mapping[str, LabelDoc], answer: FieldAnswer
    ) -> Mapping[str, LabelDoc]:
        if not self._is_copy:
            # Whoever was not shown a label did not restore it either.
            return {label_id: label for label_id, label in removed.items() if label_id not in answer.not_shown}
        if not self._field.allow_additions:
            return {}
        return {**removed, **{str(label.get("_id")): label for label in self._labels(doc, self._source)}}

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
        if self._is_list:
            value = self._container().to_dict()
            value[self._list_name] = list(added)
        else:
            (value,) = added
        return whole_update(self._dataset, doc, self._target, value, self._frames)

    def _remember_removed(self, sample_id: str, changes: LabelChanges, stored: Sequence[LabelDoc]) -> None:
        if changes.deleted and not self._is_copy:
            by_id = {str(label.get("_id")): label for label in stored}
            removed = self.records.removed.setdefault(sample_id, {})
            removed.update((label_id, by_id[label_id]) for label_id in changes.deleted)

    def _remember_edited(self, sample_id: str, changes: LabelChanges) -> None:
        labels = self.records.edited.setdefault(sample_id, {})
        for label_id, record in changes.written.items():
            if record:
                labels[label_id] = record
            else:
                labels.pop(label_id, None)
        if not labels:
            del self.records.edited[sample_id]

    def _record(self, sample_id: str, changes: LabelChanges) -> None:
        added = [str(label["_id"]) for label in changes.added]
        loaded = self.records.loaded
        if added:
            loaded[sample_id] = list(dict.fromkeys((*loaded.get(sample_id, ()), *added)))
        if not self._is_copy:
            for label_id in added:
                self.records.removed.get(sample_id, {}).pop(label_id, None)

    def _ensure(self, destination: str) -> None:
        problem = field_problem(self._dataset, destination, frames=self._frames)
        if problem:
            raise LabelSchemaError(f"field {destination!r}: {problem}, so nothing was loaded; pass another dest_field")
        add = self._dataset.add_frame_field if self._frames else self._dataset.add_sample_field
        try:
            add(destination, fof.EmbeddedDocumentField, embedded_doc_type=self._container)
        except ValueError as error:
            raise LabelSchemaError(
                f"field {destination!r} cannot hold labels of type {self._field.label_type!r} ({error}); pass another "
                "dest_field, or unexpected='return' where they are unexpected"
            ) from None

    def _check_writable(self, destination: str) -> None:
        attributes = [
            name for aspect in family_of(self._field.label_type).aspects.values() for name in aspect.attributes
        ]
        labels = f"{destination}.{self._list_name}" if self._is_list else destination
        for path in (*_prefixes(destination), labels, *(f"{labels}.{name}" for name in attributes)):
            field = self._dataset.get_field(self._full(path))
            if field is not None and field.read_only:
                raise LabelSchemaError(
                    f"field {path!r} is read-only, so nothing was loaded into {destination!r}; clear the flag, or pass "
                    "another dest_field"
                )

    @property
    def _list_name(self) -> str:
        name: str = self._container._LABEL_LIST_FIELD
        return name

    @property
    def _labels_path(self) -> str:
        return f"{self._target}.{self._list_name}"

    def _full(self, path: str) -> str:
        return f"frames.{path}" if self._frames else path


def whole_update(dataset: fo.Dataset, doc: Mapping[str, Any], path: str, value: Any, frames: bool) -> dict[str, Any]:
    """The update that sets a field, and the documents around it if they are missing."""
    while "." in path and value_at(doc, parent := path.rpartition(".")[0]) is None:
        around = dataset.get_field(f"frames.{parent}" if frames else parent).document_type().to_dict()
        value = {**around, path.rpartition(".")[2]: value}
        path = parent
    return {path: value}


def db_path(dataset: fo.Dataset, name: str, frames: bool) -> str:
    """The path of a field in the database, where a part may have another name."""
    fields = [dataset.get_field(f"frames.{path}" if frames else path) for path in _prefixes(name)]
    return ".".join((field and field.db_field) or part for field, part in zip(fields, name.split("."), strict=True))


def _prefixes(path: str) -> list[str]:
    """A path and those of the documents around it, outermost first."""
    parts = path.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts))]


def value_at(doc: Mapping[str, Any], path: str) -> Any:
    """The value at a path of a document as the database stores it, or None."""
    value: Any = doc
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _prefixed(root: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{root}.{name}": value for name, value in values.items()}
