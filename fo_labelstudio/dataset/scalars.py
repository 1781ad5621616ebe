"""What people answered -> scalar fields of the dataset: one write per changed value, none for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from itertools import islice
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.convert.annotations import Answer, FieldAnswer
from fo_labelstudio.convert.merging import before_loads, is_identical
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.dataset.merge import (
    BLOCK,
    EditedLabels,
    LoadedIds,
    MergeReport,
    RemovedLabels,
    db_path,
    value_at,
    whole_update,
)
from fo_labelstudio.errors import LabelSchemaError

FIELDS: dict[type[fof.Field], str] = {
    fof.StringField: "str",
    fof.BooleanField: "bool",
    fof.IntField: "int",
    fof.FloatField: "float",
    fof.DateField: "date",
    fof.DateTimeField: "datetime",
    fof.ListField: "list",
}
"""Class of a field -> the kind of its values."""

_VALUE = "value"

_KEEP = object()
"""Stands for a value that stays as it is."""


def _is_equal(one: Any, other: Any) -> bool:
    return is_identical(one, other) or (one in (None, []) and other in (None, []))


def kind_of(field: fof.Field) -> str | None:
    """The kind of the values of a field, or None where they cannot be annotated."""
    if isinstance(field, fof.ListField):
        return "list" if isinstance(field.field, fof.StringField) else None
    return next((kind for cls, kind in FIELDS.items() if isinstance(field, cls)), None)


def new_field_of(kind: str) -> dict[str, Any]:
    """The keyword arguments that make a field for values of a kind."""
    if kind == "list":
        return {"ftype": fof.ListField, "subfield": fof.StringField}
    return {"ftype": next(cls for cls, of in FIELDS.items() if of == kind)}


class ScalarMerge:
    """Merges answers into one scalar field of a dataset.

    Args:
        dataset: the dataset
        field: the scalar field of the run
        destination: the field that receives the values; as a rule the same
        frames: whether the run's samples were frames of videos

    Raises:
        LabelSchemaError: the destination is read-only, or of another type
    """

    def __init__(self, dataset: fo.Dataset, field: LabelField, destination: str, frames: bool = False):
        self._dataset = dataset
        self._field = field
        self._frames = frames
        self._is_copy = destination != field.name
        self._collection = dataset._frame_collection if frames else dataset._sample_collection
        self._check(destination)
        self._source = db_path(dataset, field.name, frames)
        self._target = db_path(dataset, destination, frames)

    def merge(
        self, answers: Iterable[Answer], loaded: LoadedIds, removed: RemovedLabels, edited: EditedLabels
    ) -> MergeReport:
        """Brings the field up to the answers.

        Args:
            answers: the answers of the run
            loaded: samples whose value earlier loads have put there; brought up to date
            removed: not used, for a value that was taken away is remembered like one that was changed
            edited: what earlier loads wrote; brought up to date
        """
        report = MergeReport()
        remaining = iter(answers)
        while block := list(islice(remaining, BLOCK)):
            self._merge_block(block, loaded, edited, report)
        return report

    def _merge_block(
        self, answers: Sequence[Answer], loaded: LoadedIds, edited: EditedLabels, report: MergeReport
    ) -> None:
        ids = [ObjectId(answer.sample_id) for answer in answers]
        fields = {self._target: True, self._source: True}
        docs = {str(doc["_id"]): doc for doc in self._collection.find({"_id": {"$in": ids}}, fields)}
        now = datetime.now(timezone.utc)
        operations, written = [], []
        for answer in answers:
            doc = docs.get(answer.sample_id)
            if doc is None:
                report.lost.append(answer.sample_id)
                continue
            stored = value_at(doc, self._target)
            was_loaded = answer.sample_id in loaded
            record = edited.get(answer.sample_id, {}).get(_VALUE, {})
            base = before_loads({_VALUE: stored}, record)[_VALUE]
            new = self._new_value(doc, base, answer.fields[self._field.name], was_loaded, report)
            final = base if new is _KEEP else new
            if record or new is not _KEEP:
                edited[answer.sample_id] = {_VALUE: {} if new is _KEEP else {_VALUE: (base, new)}}
                if new is _KEEP:
                    del edited[answer.sample_id]
            if _is_equal(final, stored):
                continue
            new = final
            operations.append(
                UpdateOne(
                    {"_id": doc["_id"], self._target: stored},
                    {
                        "$set": {
                            **whole_update(self._dataset, doc, self._target, new, self._frames),
                            "last_modified_at": now,
                        }
                    },
                )
            )
            written.append(answer.sample_id)
            if new in (None, []):
                loaded.pop(answer.sample_id, None)
            elif stored in (None, []):
                loaded[answer.sample_id] = ["value"]
        if operations:
            self._dataset._bulk_write(operations, ids=written, frames=self._frames)

    def _new_value(
        self, doc: Mapping[str, Any], stored: Any, answer: FieldAnswer, was_loaded: bool, report: MergeReport
    ) -> Any:
        """What the field is to hold, as the database stores it, or _KEEP."""
        edits = (*answer.edited, *answer.added)
        if edits:
            new = self._field.question.from_json(edits[0].parsed.values["value"])
        elif answer.kept and self._is_copy:
            new = value_at(doc, self._source)
        elif answer.deleted or (was_loaded and not answer.kept and not answer.is_unclear):
            new = None
        else:
            return _KEEP
        return self._permitted(stored, self._merged(stored, new), report)

    def _merged(self, stored: Any, new: Any) -> Any:
        question = self._field.question
        if question.kind == "list":
            before, after = list(stored or ()), list(new or ())
            return [*(item for item in before if item in after), *(item for item in after if item not in before)]
        if new is not None and stored is not None and question.problem_of(stored) is None:
            if question.to_json(stored) == question.to_json(new):
                return stored
        if isinstance(new, date) and not isinstance(new, datetime):
            return datetime(new.year, new.month, new.day, tzinfo=timezone.utc)
        return new

    def _permitted(self, stored: Any, new: Any, report: MergeReport) -> Any:
        if new == stored or (new in (None, []) and stored in (None, [])):
            return _KEEP
        kind = "added" if stored in (None, []) else "deleted" if new in (None, []) else "edited"
        permission = {"added": "allow_additions", "deleted": "allow_deletions"}.get(kind)
        if permission and not getattr(self._field, permission):
            report.refused[f"{permission}=False"] += 1
            return _KEEP
        report.counts[kind] += 1
        return new

    def _check(self, destination: str) -> None:
        path = f"frames.{destination}" if self._frames else destination
        field = self._dataset.get_field(path)
        kind = self._field.question.kind
        if field is None:
            add = self._dataset.add_frame_field if self._frames else self._dataset.add_sample_field
            add(destination, **new_field_of(kind))
            return
        if field.read_only:
            raise LabelSchemaError(
                f"field {path!r} is read-only, so nothing was loaded; clear the flag, or pass another dest_field"
            )
        if kind_of(field) not in (kind, {"int": "float"}.get(kind)):
            raise LabelSchemaError(
                f"field {path!r} holds {type(field).__name__}, but the answers are of kind {kind!r}; pass another "
                "dest_field"
            )
