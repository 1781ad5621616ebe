"""What was changed in FiftyOne and in Label Studio since it was sent: every pair of changes, and every policy."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import product

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio import settings
from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.merge.changes import label_changes
from fo_labelstudio.merge.conflicts import (
    ANNOTATOR,
    BOTH,
    DATASET,
    KEEP_BOTH,
    ON_CONFLICT,
    Rules,
    Settled,
    second_id,
)
from fo_labelstudio.merge.ledger import Ledger
from tests.convert import strategies
from tests.convert.trip import SAMPLE, Trip, loaded
from tests.properties import examples
from tests.support import comparable

QUALITY = Attribute("quality", Question("select", "str", ("good", "bad", "worst", "poor", "fair")), "quality")
BOXES = strategies.field_of("detections", "boxes", attributes=(QUALITY,))
X = 0.125


class Campaign:
    """One box, *cat*, of *good* quality, that was sent, and what loads make of what both sides do to it.

    Attributes:
        docs: the labels of the dataset
        result: what the annotator has submitted
        conflicts: those of the last load
    """

    def __init__(self, policy=ANNOTATOR, field=BOXES, label=None):
        box = fo.Detection(
            label="cat", bounding_box=[X, 0.25, 0.25, 0.25], confidence=0.5, tags=["mine"], quality="good"
        )
        self.field = field
        self.policy = policy
        self.trip = Trip(field, box if label is None else label)
        self.sent = self.trip.docs[0]
        self.id = str(self.sent["_id"])
        self.docs = copy.deepcopy(self.trip.docs)
        self.result = copy.deepcopy(self.trip.sent)
        self.ledger = Ledger()
        self.conflicts = []
        self.departed = []

    def load(self):
        """What LabelMerge does, without a database."""
        ledger, answer = self.ledger, self.trip.answer(copy.deepcopy(self.result))[0]
        changes = label_changes(
            self.docs,
            answer,
            self.field,
            dict(ledger.removed.get(SAMPLE, {})),
            ledger.loaded.get(SAMPLE, ()),
            written=ledger.edited.get(SAMPLE, {}),
            rules=Rules(self.policy, ledger.settled.get(SAMPLE, {})),
        )
        by_id = {str(doc["_id"]): doc for doc in self.docs}
        ledger.note_removed(SAMPLE, [by_id[name] for name in changes.deleted if name not in changes.forgotten])
        ledger.note_written(SAMPLE, changes.written)
        ledger.note_settled(SAMPLE, changes.settled)
        added = [str(doc["_id"]) for doc in changes.added]
        ledger.note_loaded(SAMPLE, [name for name in added if name not in changes.seconds], changes.deleted)
        ledger.note_restored(SAMPLE, added)
        self.docs = loaded(self.docs, changes)
        self.conflicts, self.departed = changes.conflicts, changes.departed
        return changes

    def load_again(self):
        """A load of what was loaded already must neither change nor tell anything."""
        before, settled = copy.deepcopy(self.docs), copy.deepcopy(self.ledger.settled)
        changes = self.load()
        assert changes.is_empty, changes
        assert (self.docs, self.conflicts, self.departed) == (before, [], [])
        assert self.ledger.settled == settled

    def doc(self, label_id=None):
        """A label of the dataset, or None."""
        return next((doc for doc in self.docs if str(doc["_id"]) == (label_id or self.id)), None)

    @property
    def second(self):
        """The label with the annotator's version, or None."""
        return self.doc(second_id(self.id))

    def in_dataset(self, change, number=1):
        """Somebody works in FiftyOne."""
        doc = self.doc()
        if change == DELETE:
            self.docs = [other for other in self.docs if other is not doc]
        elif doc is not None:
            doc.update(
                {
                    MOVE: {"bounding_box": [X + number / 16, 0.25, 0.25, 0.25]},
                    RELABEL: {"label": ("dog", "日本")[number % 2]},
                    ANSWER: {"quality": ("bad", "worst")[number % 2]},
                    UNDO: {name: self.sent[name] for name in NAMES.values() if name in self.sent},
                }.get(change, {})
            )

    def in_label_studio(self, change, number=1):
        """Somebody works in Label Studio."""
        if change == DELETE:
            self.result = []
        elif change == UNDO:
            self.result = copy.deepcopy(self.trip.sent)
        for item in self.result:
            if change == MOVE and "x" in item["value"]:
                item["value"]["x"] = 100 * (X + number / 8)
            if change == RELABEL and "rectanglelabels" in item["value"]:
                item["value"]["rectanglelabels"] = [("Cat", "a,b")[number % 2]]
            if change == ANSWER and item["from_name"] == "quality":
                item["value"]["choices"] = [("poor", "fair")[number % 2]]


NOTHING, MOVE, RELABEL, ANSWER, DELETE, UNDO = "untouched", "moved", "relabelled", "answered", "deleted", "undone"
CHANGES = (NOTHING, MOVE, RELABEL, ANSWER, DELETE)
NAMES = {MOVE: "bounding_box", RELABEL: "label", ANSWER: "quality"}
ASPECTS = {MOVE: "geometry", RELABEL: "class", ANSWER: "attribute quality", DELETE: "deletion"}
MINE = {MOVE: [X + 2 / 16, 0.25, 0.25, 0.25], RELABEL: "dog", ANSWER: "bad"}
"""What the dataset's side makes with the number 2."""
THEIRS = {MOVE: [X + 2 / 8, 0.25, 0.25, 0.25], RELABEL: "Cat", ANSWER: "poor"}
"""What the annotator's side makes with the number 2."""


def campaign_of(mine, theirs, policy, first="dataset"):
    """Both sides have changed the box, in whichever order."""
    campaign = Campaign(policy)
    works = [lambda: campaign.in_dataset(mine, 2), lambda: campaign.in_label_studio(theirs, 2)]
    for work in works if first == "dataset" else works[::-1]:
        work()
    return campaign


@pytest.mark.parametrize("first", ["dataset", "annotator"])
@pytest.mark.parametrize("policy", ON_CONFLICT)
@pytest.mark.parametrize(("mine", "theirs"), list(product(CHANGES, CHANGES)))
def test_every_pair_of_changes_is_merged_settled_and_told(mine, theirs, policy, first):
    campaign = campaign_of(mine, theirs, policy, first)
    sent, held = campaign.sent, copy.deepcopy(campaign.doc())
    campaign.load()
    doc, second = campaign.doc(), campaign.second
    edits = {NAMES[change]: MINE[change] for change in (mine,) if change in NAMES}
    answers = {NAMES[change]: THEIRS[change] for change in (theirs,) if change in NAMES}
    conflict, kept = None, {KEEP_BOTH: BOTH}.get(policy, policy)
    if DELETE in (mine, theirs):
        assert second is None
        if mine == theirs or (NOTHING in (mine, theirs)):
            expected = None
        elif mine == DELETE:
            # Nothing is kept twice of which one side is nothing.
            conflict, kept = theirs, DATASET if policy == DATASET else ANNOTATOR
            # The prediction does not hold more of it.
            expected = None if policy == DATASET else {**sent, **answers, "tags": []}
        else:
            conflict, kept = mine, ANNOTATOR if policy == ANNOTATOR else DATASET
            expected = None if policy == ANNOTATOR else held
        if expected is None:
            assert doc is None
        else:
            assert doc == expected
        aspect = ASPECTS[DELETE]
    elif mine == theirs != NOTHING:
        conflict, aspect, name = mine, ASPECTS[mine], NAMES[mine]
        assert doc == {**sent, **(edits if policy != ANNOTATOR else answers)}
        assert second == ({**sent, **answers, "_id": second["_id"]} if policy == KEEP_BOTH else None)
        ((told),) = campaign.conflicts
        assert (told.dataset, told.annotator) == (
            ({name: MINE[mine]}, {name: THEIRS[mine]}) if mine == MOVE else (MINE[mine], THEIRS[mine])
        )
    else:
        assert doc == {**sent, **edits, **answers}
        assert second is None
    if conflict is None:
        assert campaign.conflicts == []
    else:
        ((told),) = campaign.conflicts
        assert (told.label_id, told.aspect, told.kept) == (campaign.id, aspect, kept)
        whole = {"label": sent["label"], "bounding_box": sent["bounding_box"]}
        of_unit = {MOVE: {"bounding_box": sent["bounding_box"]}, RELABEL: sent["label"], ANSWER: sent["quality"]}
        assert told.sent == (whole if aspect == ASPECTS[DELETE] else of_unit[mine])
    campaign.load_again()


@pytest.mark.parametrize("policy", ON_CONFLICT)
@pytest.mark.parametrize("change", [MOVE, RELABEL, ANSWER])
def test_the_same_change_on_both_sides_is_no_conflict(change, policy):
    campaign = Campaign(policy)
    campaign.in_label_studio(change, 2)
    campaign.doc()[NAMES[change]] = THEIRS[change]
    assert campaign.load().is_empty
    assert campaign.conflicts == []
    campaign.load_again()


@pytest.mark.parametrize("policy", ON_CONFLICT)
@pytest.mark.parametrize("change", [MOVE, RELABEL, ANSWER, DELETE])
def test_what_somebody_changes_after_a_load_stays_as_long_as_the_answer_does(change, policy):
    campaign = Campaign(policy)
    for theirs in (MOVE, RELABEL, ANSWER):
        campaign.in_label_studio(theirs, 2)
    campaign.load()
    campaign.in_dataset(change, 1)
    before = copy.deepcopy(campaign.docs)
    campaign.load_again()
    assert campaign.docs == before


@pytest.mark.parametrize("change", [MOVE, RELABEL, ANSWER])
@pytest.mark.parametrize("policy", ON_CONFLICT)
def test_what_was_settled_is_a_conflict_again_where_both_go_on(change, policy):
    campaign = campaign_of(change, change, policy)
    campaign.load()
    campaign.in_dataset(change, 3)
    campaign.in_label_studio(change, 3)
    mine, name = campaign.doc()[NAMES[change]], NAMES[change]
    campaign.load()
    (told,) = campaign.conflicts
    assert told.aspect == ASPECTS[change]
    assert (campaign.doc()[name] == mine) is (policy != ANNOTATOR)
    assert (campaign.second is not None) is (policy == KEEP_BOTH)
    campaign.load_again()


def test_a_value_that_a_load_wrote_is_nobodys_edit():
    campaign = Campaign(DATASET)
    for number in (1, 2, 3):
        campaign.in_label_studio(MOVE, number)
        campaign.load()
        assert campaign.conflicts == []
        assert campaign.doc()["bounding_box"][0] == X + number / 8


@pytest.mark.parametrize("policy", ON_CONFLICT)
def test_an_answer_that_is_taken_back_leaves_what_the_dataset_had(policy):
    campaign = campaign_of(RELABEL, RELABEL, policy)
    before = copy.deepcopy(campaign.docs)
    campaign.load()
    campaign.in_label_studio(UNDO)
    campaign.load()
    assert (campaign.docs, campaign.conflicts) == (before, [])
    assert campaign.ledger == Ledger()
    campaign.load_again()


@pytest.mark.parametrize("policy", [ANNOTATOR, KEEP_BOTH])
def test_a_label_that_was_deleted_here_is_deleted_again_where_its_edit_is_taken_back(policy):
    campaign = campaign_of(DELETE, MOVE, policy)
    campaign.load()
    assert campaign.doc() is not None
    campaign.in_label_studio(UNDO)
    campaign.load()
    assert campaign.docs == []
    campaign.load_again()


def test_a_deleted_label_that_its_annotator_restores_is_whole_with_the_edit_of_the_dataset():
    campaign = campaign_of(RELABEL, DELETE, ANNOTATOR)
    before = copy.deepcopy(campaign.docs)
    campaign.load()
    assert campaign.docs == []
    campaign.in_label_studio(UNDO)
    campaign.load()
    assert campaign.docs == before


def test_a_label_that_has_moved_to_another_field_or_sample_is_not_put_back():
    campaign = campaign_of(DELETE, MOVE, ANNOTATOR)
    answer = campaign.trip.answer(campaign.result)[0]
    changes = label_changes([], answer, BOXES, {}, (), rules=Rules(elsewhere={campaign.id}))
    assert changes.is_empty
    assert (changes.departed, changes.conflicts) == ([campaign.id], [])


class TestASecondLabel:
    def campaign(self):
        campaign = campaign_of(RELABEL, RELABEL, KEEP_BOTH)
        campaign.in_label_studio(MOVE, 2)
        campaign.load()
        return campaign

    def test_has_what_was_in_conflict_and_all_else_as_the_first_has_it(self):
        campaign = self.campaign()
        assert campaign.doc() == {**campaign.sent, "bounding_box": THEIRS[MOVE], "label": "dog"}
        assert campaign.second == {**campaign.doc(), "label": "Cat", "_id": campaign.second["_id"]}

    def test_follows_the_answer(self):
        campaign = self.campaign()
        campaign.in_label_studio(RELABEL, 3)
        campaign.load()
        assert (campaign.doc()["label"], campaign.second["label"]) == ("dog", "a,b")
        assert [told.kept for told in campaign.conflicts] == [BOTH]
        campaign.load_again()

    def test_goes_where_both_sides_say_the_same_in_the_end(self):
        campaign = self.campaign()
        campaign.result[0]["value"]["rectanglelabels"] = ["dog"]
        campaign.load()
        assert (campaign.doc()["label"], campaign.second, campaign.conflicts) == ("dog", None, [])
        campaign.load_again()

    def test_goes_with_the_answer(self):
        campaign = self.campaign()
        campaign.in_label_studio(UNDO)
        campaign.load()
        assert campaign.docs == [{**campaign.sent, "label": "dog"}]
        campaign.load_again()

    def test_goes_where_the_annotator_deletes_the_label_and_the_edited_one_stays(self):
        campaign = self.campaign()
        campaign.in_label_studio(DELETE)
        campaign.load()
        assert campaign.docs == [{**campaign.sent, "label": "dog", "bounding_box": THEIRS[MOVE]}]
        assert [told.aspect for told in campaign.conflicts] == ["deletion"]
        campaign.load_again()

    def test_goes_where_neither_side_has_the_first_one_any_more(self):
        campaign = self.campaign()
        campaign.in_dataset(DELETE)
        campaign.in_label_studio(DELETE)
        campaign.load()
        assert (campaign.docs, campaign.conflicts) == ([], [])
        campaign.load_again()

    def test_that_somebody_has_edited_is_theirs(self):
        campaign = self.campaign()
        campaign.second["tags"] = ["checked"]
        campaign.in_label_studio(UNDO)
        campaign.load()
        assert campaign.second["tags"] == ["checked"]
        campaign.load_again()

    def test_that_somebody_has_deleted_stays_away(self):
        campaign = self.campaign()
        campaign.docs.remove(campaign.second)
        campaign.load_again()
        assert campaign.second is None

    def test_takes_later_edits_where_somebody_has_deleted_the_first_one(self):
        campaign = self.campaign()
        campaign.in_dataset(DELETE)
        campaign.load_again()
        campaign.in_label_studio(MOVE, 3)
        campaign.load()
        assert [(doc["label"], doc["bounding_box"][0]) for doc in campaign.docs] == [("Cat", X + 3 / 8)]
        campaign.load_again()

    def test_is_not_made_in_a_field_of_one_whose_annotator_counts(self):
        field = strategies.field_of("detection", "box", attributes=(QUALITY,))
        campaign = Campaign(KEEP_BOTH, field)
        campaign.in_dataset(RELABEL, 2)
        campaign.in_label_studio(RELABEL, 2)
        campaign.load()
        assert [doc["label"] for doc in campaign.docs] == ["Cat"]
        assert [told.kept for told in campaign.conflicts] == [ANNOTATOR]


class TestADrawnLabel:
    def campaign(self, policy=ANNOTATOR):
        campaign = Campaign(policy)
        region = copy.deepcopy(campaign.result[0])
        campaign.result.append({**region, "id": "drawn"})
        campaign.load()
        (campaign.drawn,) = (doc for doc in campaign.docs if str(doc["_id"]) != campaign.id)
        return campaign

    def test_that_somebody_edits_stays_so(self):
        campaign = self.campaign()
        campaign.drawn["label"] = "dog"
        campaign.load_again()

    @pytest.mark.parametrize(("policy", "label"), [(ANNOTATOR, "Cat"), (DATASET, "dog")])
    def test_that_both_edit_is_a_conflict(self, policy, label):
        campaign = self.campaign(policy)
        campaign.drawn["label"] = "dog"
        campaign.result[-1]["value"]["rectanglelabels"] = ["Cat"]
        campaign.load()
        assert campaign.doc(str(campaign.drawn["_id"]))["label"] == label
        assert [told.aspect for told in campaign.conflicts] == ["class"]
        campaign.load_again()

    def test_that_only_the_annotator_edits_is_none(self):
        campaign = self.campaign(DATASET)
        campaign.result[-1]["value"]["rectanglelabels"] = ["Cat"]
        campaign.load()
        assert campaign.doc(str(campaign.drawn["_id"]))["label"] == "Cat"
        assert campaign.conflicts == []

    @pytest.mark.parametrize("policy", [ANNOTATOR, DATASET])
    def test_that_was_edited_and_that_the_annotator_deletes_is_a_conflict(self, policy):
        campaign = self.campaign(policy)
        campaign.drawn["label"] = "dog"
        campaign.result.pop()
        campaign.load()
        assert [told.aspect for told in campaign.conflicts] == ["deletion"]
        assert (campaign.doc(str(campaign.drawn["_id"])) is None) is (policy == ANNOTATOR)
        campaign.load_again()

    def test_that_was_deleted_here_comes_back_with_a_later_edit_only(self):
        campaign = self.campaign()
        campaign.docs.remove(campaign.drawn)
        campaign.load_again()
        campaign.result[-1]["value"]["rectanglelabels"] = ["Cat"]
        campaign.load()
        assert [doc["label"] for doc in campaign.docs] == ["cat", "Cat"]
        campaign.load_again()


def test_a_mask_is_one_aspect_with_its_box():
    field = strategies.field_of("instances", "things")
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], mask=np.ones((20, 20), bool))
    campaign = Campaign(DATASET, field, label)
    other = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.1, 0.2], mask=np.ones((20, 10), bool))
    (campaign.result[0],) = Trip(field, other).sent
    campaign.result[0]["id"] = campaign.id
    campaign.in_dataset(MOVE, 2)
    before = copy.deepcopy(campaign.docs)
    assert campaign.load().is_empty
    assert campaign.docs == before
    assert [told.aspect for told in campaign.conflicts] == ["geometry"]
    campaign.load_again()


def test_a_class_that_the_field_does_not_have_does_not_make_a_box_look_moved():
    campaign = Campaign()
    campaign.doc()["label"] = "unlisted"
    campaign.in_label_studio(MOVE, 2)
    campaign.load()
    assert campaign.doc() == {**campaign.sent, "label": "unlisted", "bounding_box": THEIRS[MOVE]}
    assert campaign.conflicts == []


def test_what_a_flag_forbids_is_neither_settled_nor_a_conflict():
    field = replace(BOXES, allow_label_edits=False)
    campaign = Campaign(ANNOTATOR, field)
    campaign.in_dataset(RELABEL, 2)
    campaign.in_label_studio(RELABEL, 2)
    for _ in range(2):
        changes = campaign.load()
        assert (changes.is_empty, changes.refused, changes.conflicts) == (True, {"allow_label_edits=False": 1}, [])


def test_relations_are_settled_like_attributes():
    doc = Campaign().sent
    label_id = str(doc["_id"])

    def related(stored, others, text="", policy=ANNOTATOR):
        answer = FieldAnswer(kept=[label_id], related={label_id: others})
        return label_changes([stored], answer, BOXES, {}, (), rules=Rules(policy, {label_id: text} if text else {}))

    first = related(doc, ["other"])
    assert (first.values, first.conflicts) == ({label_id: {"related_to": ["other"]}}, [])
    text = first.settled[label_id]
    mine = {**doc, "related_to": ["mine"]}
    again = related(mine, ["other"], text)
    assert again.is_empty and not again.conflicts
    for policy in (ANNOTATOR, DATASET):
        changes = related(mine, ["another"], text, policy)
        (told,) = changes.conflicts
        assert (told.aspect, told.dataset, told.annotator) == ("attribute related_to", ["mine"], ["another"])
        assert changes.is_empty is (policy == DATASET)
    followed = related({**doc, "related_to": ["other"]}, ["another"], text, DATASET)
    assert (followed.values, followed.conflicts) == ({label_id: {"related_to": ["another"]}}, [])


steps = st.lists(
    st.tuples(
        st.sampled_from(["in_dataset", "in_label_studio"]),
        st.sampled_from([MOVE, RELABEL, ANSWER, DELETE, UNDO]),
        st.integers(1, 4),
    )
    | st.just(("load", None, None)),
    max_size=10,
)


@given(steps, st.sampled_from(ON_CONFLICT))
@examples(400)
def test_after_any_history_a_load_says_all_and_the_next_nothing(history, policy):
    campaign = Campaign(policy)
    for what, change, number in history:
        if what == "load":
            campaign.load()
            campaign.load_again()
        else:
            getattr(campaign, what)(change, number)
    campaign.load()
    campaign.load_again()
    assert len(campaign.docs) <= 2
    campaign.in_label_studio(DELETE)
    campaign.load()
    campaign.load_again()


@given(steps, st.sampled_from(ON_CONFLICT))
@examples(400)
def test_nothing_that_the_dataset_had_is_overwritten_in_silence(history, policy):
    campaign = Campaign(policy)
    last = None
    for what, change, number in [*history, ("load", None, None)]:
        if what != "load":
            getattr(campaign, what)(change, number)
            continue
        mine, record = copy.deepcopy(campaign.doc()), copy.deepcopy(last)
        campaign.load()
        last, told = copy.deepcopy(campaign.doc()), {conflict.aspect for conflict in campaign.conflicts}
        if mine is None or mine in (record, campaign.sent):
            continue
        for change, name in NAMES.items():
            is_mine = mine[name] != campaign.sent[name] and (record is None or mine[name] != record[name])
            is_lost = last is None or last[name] != mine[name]
            assert not (is_mine and is_lost) or told & {ASPECTS[change], ASPECTS[DELETE]}


def test_what_is_settled_is_kept_in_few_characters():
    settled = Settled()
    settled.put("label", "0123456789abcdef", "fedcba9876543210")
    settled.put(".of two\nlines", "0123456789abcdef")
    assert settled.text == "0123456789abcdeffedcba9876543210label\n0123456789abcdef----------------.of two lines"
    again = Settled(settled.text)
    assert (again.answer_of(".of two\nlines"), again.stored_of(".of two\nlines")) == ("0123456789abcdef", None)
    assert again.stored_of("label") == "fedcba9876543210"
    assert not Settled() and again.answer_of("box") is None


def test_the_setting_knows_the_same_words():
    (row,) = (row for row in settings.SETTINGS if row.name == "on_conflict")
    assert [row.parse(None), *map(row.parse, ON_CONFLICT)] == [ANNOTATOR, *ON_CONFLICT]


class TestEveryFamily:
    """What only the annotator did is loaded as if there were no rules, in whatever form it was sent."""

    @pytest.mark.parametrize("label_type", [label_type for label_type in LABEL_TYPES if label_type != "scalar"])
    @given(data=st.data())
    @examples(40)
    def test_a_label_that_the_dataset_left_alone_is_in_no_conflict(self, label_type, data):
        field, labels, media = data.draw(strategies.cases(label_type))
        trip = Trip(field, *labels, media=media)

        def edit(result):
            kept = []
            for item in copy.deepcopy(result):
                value, what = item["value"], data.draw(st.integers(0, 3))
                if what == 1 and item["from_name"] == field.control and field.classes:
                    value[item["type"]] = [data.draw(st.sampled_from(field.classes))] * len(value[item["type"]][:1])
                if what == 2 and "x" in value and item["from_name"] == field.control:
                    value["x"] = value["x"] / 2 + 1
                if what == 2 and "points" in value:
                    value["points"] = [[x / 2 + 1, y] for x, y in value["points"]]
                if what == 2 and "vertices" in value:
                    value["vertices"] = [{**vertex, "x": vertex["x"] / 2 + 1} for vertex in value["vertices"]]
                if what != 3:
                    kept.append(item)
            return kept

        answer, _ = trip.answer(edit)
        plain = label_changes(trip.docs, answer, field, {}, ())
        ruled = label_changes(trip.docs, answer, field, {}, (), rules=Rules(DATASET))
        assert ruled.conflicts == []
        for name in ("values", "unset", "deleted", "added", "refused", "written", "notes", "departed", "left"):
            assert comparable(getattr(ruled, name)) == comparable(getattr(plain, name))
        after = loaded(trip.docs, ruled)
        deleted = {str(doc["_id"]): doc for doc in trip.docs if str(doc["_id"]) in ruled.deleted}
        added = [str(doc["_id"]) for doc in ruled.added]
        again = label_changes(after, answer, field, deleted, added, rules=Rules(DATASET, ruled.settled))
        assert again.is_empty and again.conflicts == []

    @pytest.mark.parametrize("label_type", [name for name in LABEL_TYPES if name not in ("scalar", "segmentation")])
    @given(data=st.data())
    @examples(20)
    def test_a_label_that_somebody_relabelled_is_not_deleted_in_silence(self, label_type, data):
        field, labels, media = data.draw(strategies.cases(label_type))
        trip = Trip(field, *labels, media=media)
        docs = [{**doc, "label": "relabelled"} for doc in trip.docs]
        answer, _ = trip.answer([])
        for policy in (ANNOTATOR, DATASET):
            changes = label_changes(docs, answer, field, {}, (), rules=Rules(policy))
            assert {told.label_id for told in changes.conflicts} == set(answer.deleted)
            assert set(changes.deleted) == (set(answer.deleted) if policy == ANNOTATOR else set())
