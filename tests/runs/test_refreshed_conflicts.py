"""What was changed in FiftyOne, where annotators started from the predictions of a better model."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.merge.conflicts import second_id
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.upload_predictions import Asked, refresh
from tests.memory import MemoryPredictions, annotate_in_memory
from tests.support import comparable, stored

pytestmark = [pytest.mark.database, pytest.mark.sampled]

POLICIES = ["annotator", "dataset", "keep_both"]
CLASSES = ["cat", "dog", "cow", "fox"]


class Refreshed:
    """A dataset with one sample, whose field *gt* was sent, and whose field *new* was sent later in place of it."""

    def __init__(self, dataset, info, source="new"):
        self.dataset = dataset
        schema = {"gt": {**info, "existing_field": True}}
        self.results, project = annotate_in_memory(dataset, "run", schema)
        self.project = MemoryPredictions(project)
        if source is not None:
            self.refresh(source)

    def refresh(self, source, model_version="better"):
        refresh(self.results, self.dataset, Asked({"gt": source}, model_version, answered=True), self.project)

    def answer(self, edit=lambda result: result, opened=None):
        """The newest answer of the annotator to what was sent."""
        self.project.by_id[1]["annotations"].clear()
        self.project.answer(1, edit, opened)

    def load(self, **options):
        load_run(self.results, LoadOptions(**options), self.project)
        self.results.save()
        self.dataset.reload()

    def load_again(self, **options):
        """Loads once more, which changes and tells nothing."""
        before = stored(self.dataset)
        for policy in ("annotator", "dataset", "keep_both"):
            self.load(**{"on_conflict": policy, **options})
            assert stored(self.dataset) == before
            assert self.results.conflicts == []

    def set(self, field="gt", **values):
        """Somebody edits the first label in FiftyOne."""
        sample = self.dataset.first()
        for name, value in values.items():
            sample[field].detections[0][name] = value
        sample.save()

    @property
    def labels(self):
        return [(label.label, label.bounding_box[0]) for label in self.dataset.first().gt.detections]

    @property
    def told(self):
        return [(one["aspect"], one["dataset"], one["annotator"], one["kept"]) for one in self.results.conflicts]


def moved(result):
    result[0]["value"]["x"] = 50
    return result


def relabelled(result, name="cow"):
    for item in result:
        if "rectanglelabels" in item["value"]:
            item["value"]["rectanglelabels"] = [name]
    return result


BOXES = {"type": "detections", "classes": CLASSES}


@pytest.fixture
def dataset(make_dataset):
    """A cat, which the better model takes for a dog, farther to the right."""
    box = fo.Detection(label="cat", bounding_box=[0.125, 0.125, 0.25, 0.25], confidence=0.5)
    dataset = make_dataset({"gt": fo.Detections(detections=[box])})
    dataset.clone_sample_field("gt", "new")
    dataset.set_values("new.detections.label", [["dog"]])
    dataset.set_values("new.detections.bounding_box", [[[0.25, 0.125, 0.25, 0.25]]])
    return dataset


@pytest.fixture
def refreshed(dataset):
    return Refreshed(dataset, BOXES)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("edit", "labels"),
    [
        (lambda result: result, [("dog", 0.25)]),
        (moved, [("dog", 0.5)]),
        (relabelled, [("cow", 0.25)]),
        (lambda result: [], []),
    ],
)
def test_a_label_that_still_is_as_the_older_prediction_was_not_edited(refreshed, policy, edit, labels):
    refreshed.answer(edit)
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == labels
    assert refreshed.told == []
    refreshed.load_again()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_field_that_was_overwritten_and_sent_again_was_not_edited_for_who_had_begun_before(dataset, policy):
    refreshed = Refreshed(dataset, BOXES, source=None)
    refreshed.refresh("gt")
    began_before = refreshed.project.opened(1)
    dataset.set_values("gt", dataset.values("new"))
    refreshed.refresh("gt")
    refreshed.answer(moved, began_before)
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == [("dog", 0.5)]
    assert refreshed.told == []
    refreshed.load_again()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_label_that_was_sent_for_the_first_time_later_was_not_edited(dataset, policy):
    dataset.set_values("gt", [None])
    refreshed = Refreshed(dataset, BOXES)
    dataset.set_values("gt", dataset.values("new"))
    refreshed.set(label="cow")
    refreshed.answer(moved)
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == [("dog", 0.5)]
    assert refreshed.told == []


@pytest.mark.parametrize(
    ("policy", "labels", "kept"),
    [
        ("annotator", [("dog", 0.25)], "annotator"),
        ("dataset", [("cow", 0.25)], "dataset"),
        ("keep_both", [("cow", 0.25), ("dog", 0.25)], "both"),
    ],
)
def test_a_label_that_was_edited_and_whose_new_prediction_was_accepted_is_a_conflict(refreshed, policy, labels, kept):
    label_id = refreshed.dataset.first().gt.detections[0].id
    refreshed.set(label="cow")
    refreshed.answer()
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == labels
    assert refreshed.told == [("class", "cow", "dog", kept)]
    assert refreshed.dataset.first().gt.detections[0].id == label_id
    refreshed.load_again()


@pytest.mark.parametrize(
    ("policy", "labels", "kept"),
    [
        ("annotator", [("dog", 0.5)], "annotator"),
        ("dataset", [("cow", 0.5)], "dataset"),
        ("keep_both", [("cow", 0.5), ("dog", 0.5)], "both"),
    ],
)
def test_an_edit_of_the_new_prediction_is_taken_over_beside_a_conflict(refreshed, policy, labels, kept):
    refreshed.set(label="cow")
    refreshed.answer(moved)
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == labels
    assert refreshed.told == [("class", "cow", "dog", kept)]
    refreshed.load_again()


def test_the_second_label_follows_the_annotator_until_somebody_deletes_it(refreshed):
    label_id = refreshed.dataset.first().gt.detections[0].id
    refreshed.set(label="cow")
    refreshed.answer()
    refreshed.load(on_conflict="keep_both")
    refreshed.answer(moved)
    refreshed.load(on_conflict="keep_both")
    assert refreshed.labels == [("cow", 0.5), ("dog", 0.5)]
    assert refreshed.dataset.first().gt.detections[1].id == second_id(label_id)
    sample = refreshed.dataset.first()
    sample.gt.detections.pop()
    sample.save()
    refreshed.load_again()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("edited", ["cow", "dog"])
def test_an_edit_of_an_accepted_label_is_a_conflict_with_a_later_edit_in_fiftyone_only(refreshed, policy, edited):
    refreshed.answer()
    refreshed.load(on_conflict=policy)
    # What the other field has become by then is no edit of the run's.
    refreshed.set("new", label="cow")
    refreshed.answer(lambda result: moved(relabelled(result, "cat")))
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == [("cat", 0.5)] and refreshed.told == []
    refreshed.set(label=edited)
    refreshed.load_again()
    refreshed.answer(lambda result: moved(relabelled(result, "fox")))
    refreshed.load(on_conflict=policy)
    labels = {"annotator": ["fox"], "dataset": [edited], "keep_both": [edited, "fox"]}
    assert refreshed.labels == [(label, 0.5) for label in labels[policy]]
    assert refreshed.told == [("class", edited, "fox", "both" if policy == "keep_both" else policy)]
    refreshed.load_again()


@pytest.mark.parametrize(
    ("policy", "labels"), [("annotator", [("dog", 0.5)]), ("dataset", []), ("keep_both", [("dog", 0.5)])]
)
def test_a_label_that_was_accepted_and_deleted_in_fiftyone_comes_back_where_its_edit_counts(refreshed, policy, labels):
    refreshed.answer()
    refreshed.load(on_conflict=policy)
    sample = refreshed.dataset.first()
    sample["gt"] = fo.Detections()
    sample.save()
    refreshed.load_again()
    refreshed.answer(moved)
    refreshed.load(on_conflict=policy)
    assert refreshed.labels == labels
    assert [one["aspect"] for one in refreshed.results.conflicts] == ["deletion"]
    refreshed.load_again()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("edit", "left"), [(lambda result: result, 0.25), (moved, 0.5)])
def test_another_field_gets_what_the_annotator_was_shown(refreshed, policy, edit, left):
    before = stored(refreshed.dataset)[refreshed.dataset.first().id]["gt"]
    refreshed.answer(edit)
    for _ in range(2):
        refreshed.load(on_conflict=policy, dest_field="loaded")
        (label,) = refreshed.dataset.first().loaded.detections
        assert (label.label, label.bounding_box[0]) == ("dog", left)
        assert stored(refreshed.dataset)[refreshed.dataset.first().id]["gt"] == before
        assert refreshed.told == []


@pytest.mark.parametrize("policy", POLICIES)
def test_what_an_earlier_answer_gave_to_a_label_goes_where_its_new_prediction_is_accepted(dataset, policy):
    sample = dataset.first()
    sample.gt.detections.append(fo.Detection(label="cow", bounding_box=[0.5, 0.5, 0.25, 0.25]))
    sample.save()
    refreshed = Refreshed(dataset, BOXES, source=None)

    def related(result):
        ends = {"from_id": result[0]["id"], "to_id": result[1]["id"]}
        return [*moved(result), {"type": "relation", "direction": "right", **ends}]

    refreshed.answer(related, refreshed.project.opened(1, "FiftyOne"))
    refreshed.load(on_conflict=policy, unexpected="keep")
    assert dataset.first().gt.detections[0].related_to and refreshed.labels[0] == ("cat", 0.5)
    refreshed.refresh("new")
    refreshed.answer()
    refreshed.load(on_conflict=policy, unexpected="keep")
    after = stored(dataset)[dataset.first().id]
    assert comparable(after["gt"])["detections"][0] == comparable(after["new"])["detections"][0]
    assert refreshed.told == []
    refreshed.load_again(unexpected="keep")


class TestOneLabel:
    @pytest.fixture
    def dataset(self, make_dataset):
        return make_dataset({"gt": fo.Classification(label="cat"), "new": fo.Classification(label="dog")})

    def refreshed(self, dataset):
        return Refreshed(dataset, {"type": "classification", "classes": CLASSES})

    @pytest.mark.parametrize("policy", POLICIES)
    def test_one_that_was_not_edited_gives_up_its_place(self, dataset, policy):
        refreshed = self.refreshed(dataset)
        refreshed.answer()
        refreshed.load(on_conflict=policy)
        assert dataset.first().gt == dataset.first().new and refreshed.told == []
        refreshed.load_again()

    @pytest.mark.parametrize(
        ("policy", "label", "kept"),
        [("annotator", "dog", "annotator"), ("dataset", "cow", "dataset"), ("keep_both", "dog", "annotator")],
    )
    def test_one_that_was_edited_is_a_conflict(self, dataset, policy, label, kept):
        refreshed = self.refreshed(dataset)
        dataset.set_values("gt.label", ["cow"])
        refreshed.answer()
        refreshed.load(on_conflict=policy)
        assert dataset.first().gt.label == label
        assert refreshed.told == [("class", "cow", "dog", kept)]
        refreshed.load_again()


class TestValues:
    @pytest.fixture
    def dataset(self, make_dataset):
        return make_dataset({"gt": 1.5, "new": 2.5})

    def refreshed(self, dataset):
        return Refreshed(dataset, {"type": "scalar"})

    @staticmethod
    def edited(result):
        result[0]["value"]["number"] = 3.5
        return result

    @pytest.mark.parametrize("policy", POLICIES)
    @pytest.mark.parametrize("is_edited", [False, True])
    @pytest.mark.parametrize("first", [1.5, None])
    def test_one_that_still_is_as_the_older_prediction_was_not_edited(self, make_dataset, policy, is_edited, first):
        dataset = make_dataset({"gt": 1.5, "new": 2.5}, {"gt": 1.0, "new": 2.0})
        dataset.set_values("gt", [first, 1.0])
        refreshed = self.refreshed(dataset)
        refreshed.answer(self.edited if is_edited else lambda result: result)
        refreshed.load(on_conflict=policy)
        assert dataset.first().gt == (3.5 if is_edited else 2.5)
        assert refreshed.told == []
        refreshed.load_again()

    @pytest.mark.parametrize("is_edited", [False, True])
    @pytest.mark.parametrize("policy", POLICIES)
    def test_one_that_was_edited_is_a_conflict(self, dataset, policy, is_edited):
        refreshed = self.refreshed(dataset)
        dataset.set_values("gt", [7.5])
        refreshed.answer(self.edited if is_edited else lambda result: result)
        refreshed.load(on_conflict=policy)
        theirs = 3.5 if is_edited else 2.5
        assert dataset.first().gt == (7.5 if policy == "dataset" else theirs)
        kept = "dataset" if policy == "dataset" else "annotator"
        assert refreshed.told == [("value", 7.5, theirs, kept)]
        refreshed.load_again()
