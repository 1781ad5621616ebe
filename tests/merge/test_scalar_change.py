from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import LabelAnswer, LabelField, ParsedLabel
from fo_labelstudio.merge.scalar_change import VALUE, scalar_change

KEPT = FieldAnswer(kept=[VALUE])
DELETED = FieldAnswer(deleted=[VALUE])


def field_of(kind="str", values=(), **flags):
    tool = ("checkbox" if kind == "list" else "radio") if values else "text"
    return LabelField("field", "scalar", (), "field", question=Question(tool, kind, values), **flags)


def edits(value, is_part=False):
    return [LabelAnswer(VALUE, ParsedLabel(VALUE, {VALUE: value}, MediaInfo(64, 48)), (VALUE,), {}, is_part)]


def edited(value, **options):
    return FieldAnswer(edited=edits(value, **options))


def added(value):
    return FieldAnswer(added=edits(value))


TEXT = field_of()
SENT = {VALUE: {VALUE: "sent"}}


@pytest.mark.parametrize(
    ("stored", "answer", "new", "kind", "written"),
    [
        ("cat", KEPT, "cat", None, {}),
        ("cat", edited("dog"), "dog", "edited", {VALUE: ("cat", "dog")}),
        ("cat", edited("cat"), "cat", None, {}),
        ("cat", DELETED, None, "deleted", {VALUE: ("cat", None)}),
        (None, added("dog"), "dog", "added", {VALUE: (None, "dog")}),
        (None, FieldAnswer(), None, None, {}),
    ],
)
def test_a_value_becomes_what_was_answered_and_the_old_one_is_remembered(stored, answer, new, kind, written):
    change = scalar_change(stored, answer, TEXT, {})
    assert (change.old, change.new, change.kind, change.written) == (stored, new, kind, written)


def test_an_edit_that_is_taken_back_brings_the_old_value_back_unless_somebody_else_changed_it():
    written = {VALUE: ("cat", "dog")}
    assert scalar_change("dog", KEPT, TEXT, {}, written=written).new == "cat"
    assert scalar_change("cow", KEPT, TEXT, {}, written=written).new == "cow"


@pytest.mark.parametrize(
    ("flag", "stored", "answer"), [("allow_additions", None, added("dog")), ("allow_deletions", "cat", DELETED)]
)
def test_what_a_flag_forbids_is_counted_and_not_done(flag, stored, answer):
    change = scalar_change(stored, answer, field_of(**{flag: False}), {})
    assert (change.new, change.kind, change.refused) == (stored, None, f"{flag}=False")


def test_a_value_that_was_edited_but_has_left_the_dataset_stays_away_and_is_named():
    change = scalar_change(None, edited("dog"), TEXT, {})
    assert (change.new, change.is_departed) == (None, True)


def test_a_value_that_a_load_added_and_somebody_deleted_in_fiftyone_stays_away():
    change = scalar_change(None, added("dog"), TEXT, {}, loaded=[VALUE])
    assert (change.kind, change.is_departed) == (None, False)


def test_a_value_of_a_field_that_is_gone_is_made_anew_as_it_was_sent():
    change = scalar_change(None, KEPT, TEXT, SENT)
    assert (change.new, change.kind, change.is_remade) == ("sent", "added", True)
    change = scalar_change(None, edited("dog"), TEXT, SENT)
    assert (change.new, change.written, change.is_remade) == ("dog", {VALUE: ("sent", "dog")}, True)


class TestACopy:
    def test_starts_from_the_value_of_the_runs_field(self):
        assert scalar_change(None, KEPT, TEXT, {}, source={VALUE: "cat"}).new == "cat"
        assert scalar_change(None, edited("dog"), TEXT, {}, source={VALUE: "cat"}).new == "dog"

    def test_of_a_field_that_is_gone_keeps_what_is_there(self):
        assert scalar_change("mine", KEPT, TEXT, {}, source={}).kind is None
        assert scalar_change(None, KEPT, TEXT, SENT, source={}).new == "sent"

    def test_makes_nothing_anew_where_nothing_may_be_added(self):
        change = scalar_change(None, KEPT, field_of(allow_additions=False), SENT, source={})
        assert (change.kind, change.is_remade) == (None, False)


class TestAList:
    FIELD = field_of("list", values=("a", "b", "c"))

    def test_keeps_the_order_of_what_stays_and_what_nobody_could_see(self):
        change = scalar_change(["c", "mine", "a"], edited(["a", "b", "c"]), self.FIELD, {})
        assert change.new == ["c", "mine", "a", "b"]

    def test_keeps_choices_that_the_control_no_longer_has(self):
        answer = FieldAnswer(edited=edits(["b"]), not_offered=frozenset("a"))
        assert scalar_change(["a"], answer, self.FIELD, {}).new == ["a", "b"]

    def test_only_grows_by_an_answer_to_which_nothing_was_shown(self):
        assert scalar_change(["a"], edited(["b"], is_part=True), self.FIELD, {}).new == ["a", "b"]

    def test_that_is_empty_is_a_value_like_others(self):
        assert scalar_change(None, edited(["b"]), self.FIELD, {}).new == ["b"]
        assert scalar_change(None, DELETED, self.FIELD, {}).kind is None


def test_a_date_is_stored_as_the_midnight_in_utc_that_the_database_takes_for_it():
    change = scalar_change(None, added("2026-11-20"), field_of("date"), {})
    assert change.new == datetime(2026, 11, 20, tzinfo=timezone.utc)
    stored = datetime(2026, 11, 20)
    assert scalar_change(stored, edited("2026-11-20"), field_of("date"), {}).kind is None
    assert scalar_change(None, KEPT, field_of("date"), {VALUE: {VALUE: date(2026, 11, 20)}}).new == change.new


def test_a_value_outside_of_the_classes_is_not_replaced_by_an_addition():
    change = scalar_change("mine", added("a"), field_of("str", values=("a", "b")), {})
    assert (change.kind, change.refused) == (None, "a value outside of `classes` that is there already")
