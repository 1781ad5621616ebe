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
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import LabelDoc
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
    """

    old: Any
    new: Any
    written: WrittenValues = MappingProxyType({})
    refused: str | None = None
    is_departed: bool = False
    is_remade: bool = False

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
    """
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
