"""What people answered -> scalar fields of the dataset: one write per changed value, none for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import fiftyone.core.fields as fof
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.dataset.destinations import check_destination
from fo_labelstudio.dataset.field_merge import FieldMerge
from fo_labelstudio.dataset.fields import kind_of, new_field_of
from fo_labelstudio.dataset.place import Doc
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import before_loads
from fo_labelstudio.merge.scalar_change import VALUE, ScalarChange, accepted_change, scalar_change


class ScalarMerge(FieldMerge[ScalarChange]):
    """Merges answers into one scalar field of a dataset; see :class:`FieldMerge`.

    The ledger remembers a value that was taken away like one that was changed.
    """

    @staticmethod
    def can_hold(declared: fof.Field, field: LabelField) -> bool:
        """Whether a field of the dataset can hold the values of a scalar field."""
        kind = field.scalar_question.kind
        return kind_of(declared) in (kind, {"int": "float"}.get(kind, kind))

    def _check(self) -> None:
        field = check_destination(self._place, self._field.name, is_scalar=True)
        if field is not None and not self.can_hold(field, self._field):
            raise LabelSchemaError(
                f"field {self._place.full_path!r} holds {type(field).__name__}, but the answers are of kind "
                f"{self._field.scalar_question.kind!r}",
                "pass another dest_field",
            )

    def _declaration(self) -> Mapping[str, Any]:
        return new_field_of(self._field.scalar_question.kind)

    def _may_change(self, answer: Answer) -> bool:
        name = self._field.name
        is_as_sent = not answer.originals.get(name) and name not in answer.sources
        is_untouched = answer.fields[name].is_untouched and is_as_sent
        return not is_untouched or self._is_copy or self.ledger.has(answer.sample_id)

    def _is_silent(self, answer: Answer) -> bool:
        """Whether an answer says nothing of the value, so that it stays as it is, whatever loads have made of it."""
        answered = answer.fields[self._field.name]
        is_copied = self._is_copy and not self.ledger.has(answer.sample_id)
        is_remade = bool(answer.originals.get(self._field.name))
        return bool(answered.not_shown) and not answered.edited and not is_copied and not is_remade

    def _plan(self, answer: Answer, doc: Doc) -> ScalarChange | None:
        sample_id, name = answer.sample_id, self._field.name
        if self._is_silent(answer):
            return None
        written = self.ledger.edited.get(sample_id, {}).get(VALUE, {})
        loaded = self.ledger.loaded.get(sample_id, ())
        accepted = self._accepted(answer, doc)
        if accepted is not None:
            change = accepted_change(
                self._place.value_in(doc),
                accepted,
                answer.fields[name],
                self._field,
                loaded,
                written,
                self._rules(sample_id),
            )
        else:
            change = scalar_change(
                self._place.value_in(doc),
                answer.fields[name],
                self._field,
                answer.originals.get(name, {}),
                loaded,
                written,
                self._values_to_copy(doc, sample_id),
                self._rules(sample_id),
            )
        if self._has_other_value(answer, doc):
            if change.kind is not None:
                self._leave_of_other_value(answer)
            return None
        if name in answer.sources:
            change = change._replace(is_remade=False)
        if change.refused:
            self.report.refused[change.refused] += 1
        if change.is_departed:
            self.report.departed.append((sample_id, VALUE))
        if change.conflict is not None:
            self.report.conflicts.append((sample_id, change.conflict))
        if change.kind is not None:
            return change
        # Also where nothing is to be written: a record that was used up must not be used again.
        self._note(sample_id, change)
        self.report.remade += change.is_remade
        return None

    def _note(self, sample_id: str, change: ScalarChange) -> None:
        self.ledger.note_written(sample_id, {VALUE: change.written})
        self.ledger.note_settled(sample_id, {} if change.settled is None else {VALUE: change.settled})

    def _accepted(self, answer: Answer, doc: Doc) -> Any:
        """The value that was sent from another field than the run's, where it was accepted as it was, or None."""
        name, question = self._field.name, self._field.scalar_question
        if name not in answer.sources or VALUE not in answer.fields[name].kept:
            return None
        sent = answer.originals.get(name, {}).get(VALUE, {}).get(VALUE)
        origin = self._origin_of(answer)
        found = None if origin is None else origin.value_in(doc)
        if found is None or question.problem_of(found) is not None:
            return sent
        # As it is stored there, unless it has become another one.
        return found if sent is None or question.to_json(found) == question.to_json(sent) else sent

    def _values_to_copy(self, doc: Doc, sample_id: str) -> dict[str, Any] | None:
        if not self._is_copy:
            return None
        if self._source is None:
            return {}
        # Loads may have brought it from another annotator.
        written = self.source_edited.get(sample_id, {}).get(VALUE, {})
        return dict(before_loads({VALUE: self._source.value_in(doc)}, written))

    def _operations(self, answer: Answer, doc: Doc, change: ScalarChange) -> Iterable[UpdateOne]:
        return [self._place.replace(doc, change.new)]

    def _written(
        self, planned: Sequence[tuple[Answer, ScalarChange]], docs: Mapping[str, Doc]
    ) -> list[tuple[Answer, ScalarChange]]:
        written = [
            (answer, change)
            for answer, change in planned
            if is_identical(self._place.value_in(docs.get(answer.sample_id, {})), change.new)
        ]
        self.report.left += len(planned) - len(written)
        return written

    def _record(self, answer: Answer, change: ScalarChange) -> None:
        sample_id = answer.sample_id
        self._note(sample_id, change)
        if change.new in (None, []):
            self.ledger.note_loaded(sample_id, [], [VALUE])
        elif change.old in (None, []):
            self.ledger.note_loaded(sample_id, [VALUE])
        self.report.counts[change.kind or ""] += 1
        self.report.remade += change.is_remade
