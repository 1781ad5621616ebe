from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import LabelAnswer, LabelField, ParsedLabel
from fo_labelstudio.merge.conflicts import ANNOTATOR, DATASET, KEEP_BOTH, ON_CONFLICT, Rules
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


class TestOnBothSides:
    """A field of one value cannot keep two, so that keep_both is the annotator's version."""

    class Value:
        """A value, *cat*, that was sent, and what loads make of what both sides do to it."""

        def __init__(self, policy, value="cat", field=TEXT):
            self.policy, self.field = policy, field
            self.held = self.sent = value
            self.loaded, self.written, self.settled = [], {}, ""
            self.conflict = None

        def load(self, answer):
            digests = {} if self.sent is None else {VALUE: digest_of(self.sent)}
            edit = LabelAnswer(VALUE, ParsedLabel(VALUE, {}, MediaInfo(64, 48)), (VALUE,), digests)
            said = self.said(answer, edit)
            rules = Rules(self.policy, {VALUE: self.settled} if self.settled else {})
            change = scalar_change(self.held, said, self.field, {}, self.loaded, self.written, rules=rules)
            if change.new is None:
                self.loaded = []
            elif self.held is None and change.kind:
                self.loaded = [VALUE]
            self.held, self.written, self.conflict = change.new, change.written, change.conflict
            self.settled = self.settled if change.settled is None else change.settled
            return change

        def said(self, answer, edit):
            if answer == "kept":
                return FieldAnswer(kept=[VALUE])
            if answer == "deleted":
                return FieldAnswer(deleted=[VALUE], was_sent={VALUE: edit})
            answered = [edit._replace(parsed=edit.parsed._replace(values={VALUE: answer}))]
            return FieldAnswer(added=answered) if self.sent is None else FieldAnswer(edited=answered)

        def load_again(self, answer):
            before = (self.held, self.settled)
            assert self.load(answer).kind is None
            assert ((self.held, self.settled), self.conflict) == (before, None)

    @pytest.mark.parametrize("policy", ON_CONFLICT)
    @pytest.mark.parametrize(
        ("mine", "theirs", "aspect"),
        [
            ("dog", "cow", VALUE),
            ("dog", "dog", None),
            ("cat", "cow", None),
            ("dog", "kept", None),
            (None, "cow", "deletion"),
            (None, "kept", None),
            (None, "deleted", None),
            ("dog", "deleted", "deletion"),
            ("cat", "deleted", None),
        ],
    )
    def test_every_pair_is_merged_settled_and_told(self, mine, theirs, aspect, policy):
        value = self.Value(policy)
        value.held = mine
        change = value.load(theirs)
        new = {"kept": mine, "deleted": None}.get(theirs, theirs)
        assert value.held == (mine if aspect and policy == DATASET else new)
        assert (change.conflict and change.conflict.aspect) == aspect
        assert change.is_departed == (mine is None and aspect is not None and policy == DATASET)
        if aspect:
            assert (change.conflict.dataset, change.conflict.annotator) == (mine, new)
            assert change.conflict.kept == (DATASET if policy == DATASET else ANNOTATOR)
        value.load_again(theirs)

    @pytest.mark.parametrize("policy", ON_CONFLICT)
    def test_what_somebody_writes_after_a_load_stays_as_long_as_the_answer_does(self, policy):
        for held in ("mine", None):
            value = self.Value(policy)
            value.load("cow")
            value.held = held
            value.load_again("cow")
            change = value.load("bird")
            assert value.held == (held if policy == DATASET else "bird")
            assert change.conflict.dataset == held

    def test_a_value_that_somebody_wrote_where_none_was_sent_is_a_conflict(self):
        for policy, new in ((DATASET, "mine"), (ANNOTATOR, "cow"), (KEEP_BOTH, "cow")):
            value = self.Value(policy, None)
            value.held = "mine"
            assert value.load("cow").conflict.dataset == "mine"
            assert value.held == new

    def test_a_value_that_a_load_wrote_is_nobodys_edit(self):
        value = self.Value(DATASET)
        for answer in ("cow", "bird", "dog"):
            assert value.load(answer).conflict is None
            assert value.held == answer
        value.load("kept")
        assert (value.held, value.settled) == ("cat", "")

    def test_an_answer_that_is_taken_back_leaves_what_the_dataset_had(self):
        value = self.Value(ANNOTATOR)
        value.held = "mine"
        value.load("cow")
        value.load("kept")
        assert (value.held, value.conflict, value.settled) == ("mine", None, "")
