"""What people answered -> scalar fields of the dataset: one write per changed value, none for the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timezone
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.dataset.destinations import check_destination, db_path, full_path, make_field, value_at
from fo_labelstudio.dataset.fields import kind_of, new_field_of
from fo_labelstudio.dataset.internals import bulk_write, collection_of
from fo_labelstudio.dataset.labels import MergeReport, whole_update
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import Ledger, before_loads

_VALUE = "value"
"""Stands for the label and its attribute in the ledger, which is that of labels."""

_KEEP = object()
"""Stands for a value that stays as it is."""


def _is_equal(one: Any, other: Any) -> bool:
    return is_identical(one, other) or (one in (None, []) and other in (None, []))


def _change(old: Any, new: Any) -> str:
    """What becomes of a value, as reports count it."""
    return "added" if old in (None, []) else "deleted" if new in (None, []) else "edited"


class ScalarMerge:
    """Merges answers into one scalar field of a dataset, which :meth:`make_field` makes where it is new.

    Args:
        dataset: the dataset
        field: the scalar field of the run
        destination: the field that receives the values; as a rule the same
        ledger: what loads have done to it; a value that was taken away is remembered like one that was changed
        frames: whether the run's samples were frames of videos
        is_moved: whether the destination is the run's field itself, under another name

    Raises:
        LabelSchemaError: the destination is read-only, or of another type
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        field: LabelField,
        destination: str,
        ledger: Ledger,
        frames: bool = False,
        is_moved: bool = False,
    ):
        self.report = MergeReport()
        """What was done so far."""
        self.ledger = ledger
        """What loads have done to the field."""
        self._dataset = dataset
        self._field = field
        self._frames = frames
        self._is_copy = destination != field.name and not is_moved
        self._destination = destination
        self._collection = collection_of(dataset, frames)
        self._check()
        self._target = db_path(dataset, destination, frames)
        self._source = self._target if is_moved else db_path(dataset, field.name, frames)
        declared = dataset.get_field(full_path(field.name, frames))
        self._has_source = is_moved or (declared is not None and self.can_hold(declared, field))

    @staticmethod
    def can_hold(declared: fof.Field, field: LabelField) -> bool:
        """Whether a field of the dataset can hold the values of a scalar field."""
        kind = field.scalar_question.kind
        return kind_of(declared) in (kind, {"int": "float"}.get(kind, kind))

    def make_field(self) -> None:
        """Makes the destination where it is not there yet."""
        if self._dataset.get_field(full_path(self._destination, self._frames)) is None:
            make_field(self._dataset, self._destination, self._frames, **new_field_of(self._field.scalar_question.kind))

    def merge(self, answers: Iterable[Answer]) -> None:
        """Brings the field up to some answers."""
        concerned = [answer for answer in answers if self._may_change(answer)]
        if not concerned:
            return
        loaded, edited = self.ledger.loaded, self.ledger.edited
        ids = [ObjectId(answer.sample_id) for answer in concerned]
        fields = {self._target: True, self._source: True}
        docs = {str(doc["_id"]): doc for doc in self._collection.find({"_id": {"$in": ids}}, fields)}
        now = datetime.now(timezone.utc)
        operations, written = [], []
        for answer in concerned:
            sample_id = answer.sample_id
            doc = docs.get(sample_id)
            if doc is None:
                self.report.lost.append(sample_id)
                continue
            if self._is_silent(answer):
                continue
            stored = value_at(doc, self._target)
            record = edited.pop(sample_id, {}).get(_VALUE, {})
            base = before_loads({_VALUE: stored}, record)[_VALUE]
            original = answer.originals.get(self._field.name, {}).get(_VALUE, {}).get(_VALUE)
            if stored is None and base is None and self._is_departed(answer, original, sample_id in loaded):
                continue
            is_remade = (
                original is not None
                and base in (None, [])
                and sample_id not in loaded
                and (not self._is_copy or self._field.allow_additions)
            )
            if is_remade:
                base = self._as_stored(original)
            new = self._new_value(doc, base, answer.fields[self._field.name], sample_id in loaded)
            if new is _KEEP:
                new = base
            else:
                edited[sample_id] = {_VALUE: {_VALUE: (base, new)}}
            self.report.remade += is_remade and new not in (None, [])
            if _is_equal(new, stored):
                continue
            update = whole_update(self._dataset, doc, self._target, new, self._frames)
            # Named in the filter, so that what came meanwhile is not overwritten.
            operations.append(
                UpdateOne({"_id": doc["_id"], self._target: stored}, {"$set": {**update, "last_modified_at": now}})
            )
            written.append(sample_id)
            self.report.counts[_change(stored, new)] += 1
            if new in (None, []):
                loaded.pop(sample_id, None)
            elif stored in (None, []):
                loaded[sample_id] = [_VALUE]
        if operations:
            bulk_write(self._dataset, operations, written, self._frames)

    def _may_change(self, answer: Answer) -> bool:
        """Whether an answer may change anything; where it cannot, the sample is not even read."""
        is_untouched = answer.fields[self._field.name].is_untouched and not answer.originals.get(self._field.name)
        return not (is_untouched and not self._is_copy) or self.ledger.has(answer.sample_id)

    def _new_value(self, doc: Mapping[str, Any], stored: Any, answer: FieldAnswer, was_loaded: bool) -> Any:
        """What the field is to hold, as the database stores it, or _KEEP."""
        edits = (*answer.edited, *answer.added)
        if edits:
            if answer.added and stored is not None and self._field.scalar_question.listed(stored)[0] is None:
                self.report.refused["a value outside of `classes` that is there already"] += 1
                return _KEEP
            new = self._field.scalar_question.from_json(edits[0].parsed.values["value"])
            if edits[0].is_part and isinstance(new, list):
                new = [*(stored or ()), *new]
        elif (answer.kept or answer.not_shown) and self._is_copy:
            # A field of the run that is gone has no values to copy.
            new = value_at(doc, self._source) if self._has_source else stored
        elif answer.deleted or (was_loaded and not answer.kept and answer.gone((_VALUE,))):
            new = None
        else:
            return _KEEP
        return self._permitted(stored, self._merged(stored, new, answer.not_offered))

    def _is_silent(self, answer: Answer) -> bool:
        """Whether an answer says nothing of the value, so that it stays as it is, whatever loads have made of it."""
        answered = answer.fields[self._field.name]
        is_copied = self._is_copy and not self.ledger.has(answer.sample_id)
        is_remade = bool(answer.originals.get(self._field.name))
        return bool(answered.not_shown) and not answered.edited and not is_copied and not is_remade

    def _is_departed(self, answer: Answer, original: Any, was_loaded: bool) -> bool:
        """Whether the value of a sample that has none was taken away in FiftyOne; it stays away.

        An empty list is a value like others.
        """
        if self._field.scalar_question.kind == "list":
            return False
        edited = answer.fields[self._field.name].edited
        if not was_loaded and edited and original is None and not self._is_copy:
            self.report.departed.append((answer.sample_id, _VALUE))
            return True
        return was_loaded

    def _merged(self, stored: Any, new: Any, not_offered: Collection[str]) -> Any:
        question = self._field.scalar_question
        if question.kind == "list":
            before, after = list(stored or ()), list(new or ())
            # What is not among the values to choose from was not shown.
            kept = [item for item in before if item in after or item in not_offered or not question.is_listed(item)]
            return [*kept, *(item for item in after if item not in before)]
        if new is not None and stored is not None and question.problem_of(stored) is None:
            if question.to_json(stored) == question.to_json(new):
                return stored
        return self._as_stored(new)

    @staticmethod
    def _as_stored(value: Any) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
        return value

    def _permitted(self, stored: Any, new: Any) -> Any:
        if _is_equal(new, stored):
            return _KEEP
        permission = {"added": "allow_additions", "deleted": "allow_deletions"}.get(_change(stored, new))
        if permission and not getattr(self._field, permission):
            self.report.refused[f"{permission}=False"] += 1
            return _KEEP
        return new

    def _check(self) -> None:
        """Refuses a destination that cannot hold the values."""
        field = check_destination(self._dataset, self._destination, self._frames, self._field.name, is_scalar=True)
        if field is not None and not self.can_hold(field, self._field):
            raise LabelSchemaError(
                f"field {full_path(self._destination, self._frames)!r} holds {type(field).__name__}, but the answers "
                f"are of kind {self._field.scalar_question.kind!r}; pass another dest_field"
            )
