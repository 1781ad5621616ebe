"""What people answered + the value that a sample has -> the value that it is to have.

Works on values as the database stores them. What loads have done is kept in the form of labels: the value stands for a
label with one attribute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timezone
from types import MappingProxyType
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.records import LabelAnswer, LabelField
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.merge.conflicts import (
    ANNOTATOR,
    DATASET,
    DELETED,
    DELETION,
    Conflict,
    Rules,
    Settled,
    sent_digest,
    shown,
    value_digest,
)
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import WrittenValues, before_loads

VALUE = "value"
"""Stands for the label and its attribute in the ledger and among the originals."""

_KEEP = object()
"""Stands for a value that stays as it is."""


class ScalarChange(NamedTuple):
    """What becomes of the value of a sample.

    Attributes:
        old: the value that it has, as the database stores it
        new: the value that it is to have
        written: what the ledger is to hold of it: attribute -> value before loads, value that they wrote
        refused: why a change was held back, or None
        is_departed: whether the value was edited but has left the dataset meanwhile; it stays away
        is_remade: whether the value was made anew from its region
        conflict: what the dataset and the answer had both changed, or None
        settled: what is settled of the value now, as :attr:`Settled.text` has it; None where that stays as it is
    """

    old: Any
    new: Any
    written: WrittenValues = MappingProxyType({})
    refused: str | None = None
    is_departed: bool = False
    is_remade: bool = False
    conflict: Conflict | None = None
    settled: str | None = None

    @property
    def kind(self) -> str | None:
        """What becomes of the value, as reports count it: ``added``, ``edited``, ``deleted``, or None."""
        return None if _is_equal(self.old, self.new) else _kind_of_change(self.old, self.new)


def scalar_change(
    stored: Any,
    answer: FieldAnswer,
    field: LabelField,
    originals: Mapping[str, LabelDoc],
    loaded: Collection[str] = (),
    written: WrittenValues = MappingProxyType({}),
    source: LabelDoc | None = None,
    rules: Rules | None = None,
) -> ScalarChange:
    """The change that brings the value of a sample up to an answer.

    Args:
        stored: the value that the destination field has now, as the database stores it
        answer: what was answered
        field: the scalar field of the run, whose flags say what may change
        originals: ``value`` -> the value as it was sent, to be made anew because the run's field is gone
        loaded: holds ``value`` where earlier loads have put a value into a field that had none
        written: what earlier loads wrote, which an edit that was taken back undoes
        source: where the destination is a copy of the run's field: ``value`` -> the value there, or nothing where that
            field is gone
        rules: how what the dataset and the answer have both changed is settled; where None, the answer counts, and
            nobody is told
    """
    given = (answer, field, originals, loaded)
    if rules is None:
        return _changed(stored, *given, written, source)
    return _Settlement(stored, *given, written, source, rules).change()


def _changed(
    stored: Any,
    answer: FieldAnswer,
    field: LabelField,
    originals: Mapping[str, LabelDoc],
    loaded: Collection[str],
    written: WrittenValues,
    source: LabelDoc | None,
) -> ScalarChange:
    merge = _Merge(answer, field, bool(loaded), source)
    base = before_loads({VALUE: stored}, written)[VALUE]
    original = originals.get(VALUE, {}).get(VALUE)
    if stored is None and base is None and field.scalar_question.kind != "list":
        if answer.edited and original is None and not loaded and source is None:
            return ScalarChange(stored, stored, is_departed=True)
        if loaded:
            # What a load has put there and is there no more was deleted in FiftyOne.
            return ScalarChange(stored, stored)
    may_restore = source is None or field.allow_additions
    is_remade = original is not None and base in (None, []) and not loaded and may_restore
    if is_remade:
        base = _as_stored(original)
    new = merge.new_value(base)
    record = {} if new is _KEEP else {VALUE: (base, new)}
    new = base if new is _KEEP else new
    return ScalarChange(stored, new, record, merge.refused, is_remade=is_remade and new not in (None, []))


class _Settlement:
    """What both sides have made of one value; a field of one cannot keep two, so ``keep_both`` is the annotator's."""

    def __init__(
        self,
        stored: Any,
        answer: FieldAnswer,
        field: LabelField,
        originals: Mapping[str, LabelDoc],
        loaded: Collection[str],
        written: WrittenValues,
        source: LabelDoc | None,
        rules: Rules,
    ):
        self._stored = stored
        self._answer = answer
        self._field = field
        self._originals = originals
        self._loaded = loaded
        self._written = written
        self._source = source
        self._text = rules.settled.get(VALUE, "")
        self._settled = Settled(self._text)
        self._dataset_counts = rules.on_conflict == DATASET

    def change(self) -> ScalarChange:
        """The change, and what is settled now."""
        answer = self._answer
        edits = (*answer.edited, *answer.added)
        is_gone = bool(answer.deleted or (self._loaded and not answer.kept and answer.gone((VALUE,))))
        if edits:
            change = self._edited(edits[0])
        elif is_gone and not answer.kept and not answer.not_shown:
            change = self._deleted()
        else:
            change = self._usual()
            is_silent = bool(answer.not_shown) and not answer.kept
            change = change if is_silent else change._replace(settled="")
        return change if change.settled != self._text else change._replace(settled=None)

    def accepted(self, new: Any) -> ScalarChange:
        """The change that puts an accepted value in place of what is there, unless that was edited and counts."""
        stored, digest = self._stored, value_digest(new)
        if self._settled.answer_of(VALUE) == digest:
            return ScalarChange(stored, stored, self._written)
        change = ScalarChange(stored, new, {VALUE: (stored, new)}, settled=_settled_as(VALUE, digest, new))
        if _is_equal(stored, new) or not self._is_changed(None):
            return change
        kept = DATASET if self._dataset_counts else ANNOTATOR
        conflict = Conflict(VALUE, VALUE, None, shown(stored), shown(new), kept)
        if not self._dataset_counts:
            return change._replace(conflict=conflict)
        return ScalarChange(stored, stored, self._written, conflict=conflict, settled=_settled_as(VALUE, digest))

    def _usual(self) -> ScalarChange:
        given = (self._answer, self._field, self._originals, self._loaded, self._written, self._source)
        return _changed(self._stored, *given)

    def _edited(self, edit: LabelAnswer) -> ScalarChange:
        stored, settled = self._stored, self._settled
        digest = value_digest(edit.parsed.values.get(VALUE))
        if settled.answer_of(VALUE) == digest:
            # A load has taken it over already; whatever the dataset holds now was decided there.
            return ScalarChange(stored, stored, self._written, settled=self._text)
        is_empty = stored in (None, [])
        if is_empty and (self._loaded or self._written) and not settled:
            # An earlier version has loaded it, and noted less.
            return ScalarChange(stored, stored, settled=_settled_as(VALUE, digest))
        usual = self._usual()
        if usual.refused is not None:
            return usual
        if is_empty and not usual.is_remade and self._has_departed(edit):
            return self._departed(edit, digest, usual)
        if _is_equal(usual.new, stored) or not self._is_changed(edit):
            return usual._replace(settled=_settled_as(VALUE, digest, usual.new))
        conflict = self._conflict(VALUE, edit, self._held(), usual.new)
        if not self._dataset_counts:
            return usual._replace(conflict=conflict, settled=_settled_as(VALUE, digest, usual.new))
        kept = self._held() if self._is_first_copy() else stored
        return ScalarChange(stored, kept, conflict=conflict, settled=_settled_as(VALUE, digest))

    def _departed(self, edit: LabelAnswer, digest: str, usual: ScalarChange) -> ScalarChange:
        """What becomes of a value that somebody has taken away, and somebody else edited."""
        stored, merge = self._stored, _Merge(self._answer, self._field, False, self._source)
        new = merge.new_value(None)
        if new is _KEEP or new in (None, []):
            return usual._replace(refused=merge.refused)
        conflict = self._conflict(DELETION, edit, None, new)
        if self._dataset_counts:
            return ScalarChange(stored, stored, is_departed=True, conflict=conflict, settled=_settled_as(VALUE, digest))
        settled = _settled_as(VALUE, digest, new)
        return ScalarChange(stored, new, {VALUE: (stored, new)}, conflict=conflict, settled=settled)

    def _conflict(self, aspect: str, edit: LabelAnswer, held: Any, theirs: Any) -> Conflict:
        kept = DATASET if self._dataset_counts else ANNOTATOR
        return Conflict(VALUE, aspect, self._sent(edit), shown(held), shown(theirs), kept)

    def _deleted(self) -> ScalarChange:
        stored, settled = self._stored, self._settled
        if DELETED in settled:
            # What was there before is still needed, for the case that the deletion is taken back.
            return ScalarChange(stored, stored, self._written, settled=self._text)
        usual = self._usual()
        if usual.refused is not None or usual.kind is None:
            return usual
        if not self._is_edited_since():
            return usual._replace(settled=_settled_as(DELETED))
        kept = DATASET if self._dataset_counts else ANNOTATOR
        conflict = Conflict(VALUE, DELETION, None, shown(stored), None, kept)
        if self._dataset_counts:
            return ScalarChange(stored, stored, conflict=conflict, settled=_settled_as(DELETED))
        return usual._replace(conflict=conflict, settled=_settled_as(DELETED))

    def _has_departed(self, edit: LabelAnswer) -> bool:
        """Whether somebody has taken away a value that was sent, or loaded."""
        besides = self._answer.sent_besides.get(VALUE, ())
        sent = besides if self._answer.is_of_another_field else (edit, *besides)
        was_there = any(one.sent for one in sent) or bool(self._loaded) or self._settled.stored_of(VALUE) is not None
        return was_there and self._held() in (None, []) and not self._originals

    def _is_changed(self, edit: LabelAnswer | None) -> bool:
        """Whether somebody else than a load has changed the value since it was sent, or last settled.

        Nobody has where it is as any prediction has shown it; where nothing is known of that, the answer counts.

        Args:
            edit: what came back, with what was sent; None where only other predictions say what was sent
        """
        left = self._settled.stored_of(VALUE)
        if left is not None:
            return left != value_digest(self._stored)
        if VALUE in self._written:
            return not is_identical(self._stored, self._written[VALUE][-1])
        held = self._held()
        question = self._field.scalar_question
        sent = [*([] if edit is None else [edit]), *self._answer.sent_besides.get(VALUE, ())]
        # What is not among the values to choose from was not sent.
        digest = None if held in (None, []) else sent_digest(question.listed(held)[0], question)
        return held not in (None, []) and bool(sent) and digest not in [one.sent.get(VALUE) for one in sent]

    def _is_edited_since(self) -> bool:
        """Whether somebody has edited the value since it was sent, or since a load has put it there."""
        edit = self._answer.was_sent.get(VALUE)
        if edit is not None:
            return self._is_changed(edit)
        left = self._settled.stored_of(VALUE)
        return left is not None and left != value_digest(self._stored)

    def _is_first_copy(self) -> bool:
        """Whether the value is to be copied from the run's field, for no load has put one there."""
        return self._source is not None and self._stored is None and not self._loaded and not self._settled

    def _held(self) -> Any:
        """What the dataset holds: the value, or that of the run's field before it is copied."""
        return (self._source or {}).get(VALUE) if self._is_first_copy() else self._stored

    def _sent(self, edit: LabelAnswer) -> Any:
        question, digest = self._field.scalar_question, edit.sent.get(VALUE)
        found = next((value for value in question.values if sent_digest(value, question) == digest), None)
        return shown(found if VALUE not in self._written else self._written[VALUE][0])


def _settled_as(unit: str, answer: str | None = None, *stored: Any) -> str:
    now = Settled()
    now.put(unit, answer, *map(value_digest, stored))
    return now.text


def accepted_change(
    stored: Any,
    accepted: Any,
    answer: FieldAnswer,
    field: LabelField,
    loaded: Collection[str] = (),
    written: WrittenValues = MappingProxyType({}),
    rules: Rules | None = None,
) -> ScalarChange:
    """The change that puts a value, which was sent from another field and accepted, into the field of the run.

    Args:
        stored: the value that the field has now, as the database stores it
        accepted: the value that was accepted
        answer: what was answered
        field: the scalar field of the run
        loaded: holds ``value`` where earlier loads have put a value into a field that had none
        written: what earlier loads wrote
        rules: see :func:`scalar_change`
    """
    new = _as_stored(accepted)
    was_written = VALUE in written and is_identical(written[VALUE][-1], new)
    if was_written or (stored is None and loaded):
        # What has become another value since, or none, was changed in FiftyOne.
        return ScalarChange(stored, stored, written)
    if rules is None:
        return ScalarChange(stored, new, {VALUE: (stored, new)})
    return _Settlement(stored, answer, field, {}, loaded, written, None, rules).accepted(new)


class _Merge:
    """A value while it is brought up to an answer; see :func:`scalar_change`."""

    def __init__(self, answer: FieldAnswer, field: LabelField, was_loaded: bool, source: LabelDoc | None):
        self.refused: str | None = None
        self._answer = answer
        self._field = field
        self._question = field.scalar_question
        self._was_loaded = was_loaded
        self._source = source

    def new_value(self, stored: Any) -> Any:
        """What is to be stored in place of a value, or _KEEP."""
        answer = self._answer
        if answer.edited or answer.added:
            if answer.added and stored is not None and self._question.listed(stored)[0] is None:
                self.refused = "a value outside of `classes` that is there already"
                return _KEEP
            new = self._answered(stored)
        elif (answer.kept or answer.not_shown) and self._source is not None:
            # A field of the run that is gone has no values to copy.
            new = self._source.get(VALUE, stored)
        elif answer.deleted or (self._was_loaded and not answer.kept and answer.gone((VALUE,))):
            new = None
        else:
            return _KEEP
        new = self._merged(stored, new)
        if self._field.keeps_present and not self._was_loaded and stored not in (None, []):
            if not _is_equal(new, stored):
                self.refused = "a value that is there already"
            return _KEEP
        return self._permitted(stored, new)

    def _answered(self, stored: Sequence[Any] | None) -> Any:
        edit = (*self._answer.edited, *self._answer.added)[0]
        new = self._question.from_json(edit.parsed.values[VALUE])
        return [*(stored or ()), *new] if edit.is_part and isinstance(new, list) else new

    def _merged(self, stored: Any, new: Any) -> Any:
        """A new value, in which everything that nobody changed is exactly as stored."""
        question = self._question
        if question.kind == "list":
            before, after = list(stored or ()), list(new or ())
            # What is not among the values to choose from was not shown.
            hidden = [item for item in before if item in self._answer.not_offered or not question.is_listed(item)]
            kept = [item for item in before if item in after or item in hidden]
            return [*kept, *(item for item in after if item not in before)]
        if new is not None and stored is not None and question.problem_of(stored) is None:
            if question.to_json(stored) == question.to_json(new):
                return stored
        return _as_stored(new)

    def _permitted(self, stored: Any, new: Any) -> Any:
        """A new value, or _KEEP where it is none, or a flag of the label schema forbids it."""
        if _is_equal(new, stored):
            return _KEEP
        flags = {"added": "allow_additions", "deleted": "allow_deletions"}
        flag = flags.get(_kind_of_change(stored, new))
        if flag and not getattr(self._field, flag):
            self.refused = f"{flag}=False"
            return _KEEP
        return new


def _as_stored(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    return value


def _is_equal(one: Any, other: Any) -> bool:
    return is_identical(one, other) or (one in (None, []) and other in (None, []))


def _kind_of_change(old: Any, new: Any) -> str:
    return "added" if old in (None, []) else "deleted" if new in (None, []) else "edited"
