"""What loads remember of what they did, and when they forget it."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer, LabelField, ParsedLabel
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.merge.ledger import Ledger
from tests.convert.strategies import field_of
from tests.support import stored

pytestmark = pytest.mark.database

MEDIA = MediaInfo(64, 48)
TEXT = LabelField("text", "scalar", (), "text", question=Question("text", "str"))


@pytest.fixture
def dataset(make_dataset):
    """A dataset of one sample with a box, a *cat*, and a text, *cat*."""
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], tags=["mine"])
    return make_dataset({"gt": fo.Detections(detections=[box]), "text": "cat"})


class Loads:
    """Loads into the box of a dataset, one after the other."""

    def __init__(self, dataset, **options):
        self.dataset = dataset
        self.field = field_of("detections", "gt", **options)
        self.ledger = Ledger()
        self.sample_id = dataset.first().id
        self.label_id = dataset.first().gt.detections[0].id

    def __call__(self, **answer):
        merge = LabelMerge(Place(self.dataset, "gt"), self.field, self.ledger)
        merge.merge([Answer(1, self.sample_id, {"gt": FieldAnswer(**answer)})])
        self.dataset.reload()

    def relabelled(self, label):
        """The edit of an annotator who chooses another class."""
        parsed = ParsedLabel(self.label_id, {"label": label, "box": [10.0, 20.0, 30.0, 40.0, 0.0]}, MEDIA)
        return [LabelAnswer(self.label_id, parsed, ("label",), {})]

    @property
    def labels(self):
        return [label.label for label in self.dataset.first().gt.detections]

    def set(self, label):
        """What a user of FiftyOne does."""
        sample = self.dataset.first()
        sample.gt.detections[0].label = label
        sample.save()


def test_what_a_load_wrote_is_forgotten_once_an_edit_is_taken_back_though_nothing_is_to_be_undone(dataset):
    load = Loads(dataset)
    load(edited=load.relabelled("dog"))
    load.set("cat")
    load(kept=[load.label_id])
    assert load.ledger.edited == {}
    load.set("dog")
    load(kept=[load.label_id])
    assert load.labels == ["dog"]


def test_the_same_holds_of_values(dataset):
    ledger = Ledger()
    sample_id = dataset.first().id

    def load(**answer):
        ScalarMerge(Place(dataset, "text"), TEXT, ledger).merge([Answer(1, sample_id, {"text": FieldAnswer(**answer)})])
        dataset.reload()

    def set_text(text):
        sample = dataset.first()
        sample.text = text
        sample.save()

    load(edited=[LabelAnswer("value", ParsedLabel("value", {"value": "dog"}, MEDIA), ("value",), {})])
    assert dataset.first().text == "dog"
    set_text("cat")
    load(kept=["value"])
    assert ledger.edited == {}
    set_text("dog")
    load(kept=["value"])
    assert dataset.first().text == "dog"


def test_what_a_load_wrote_into_a_label_is_forgotten_with_the_label(dataset):
    load = Loads(dataset)
    load(edited=load.relabelled("dog"))
    sample = dataset.first()
    label = sample.gt.detections.pop()
    sample.save()
    load(kept=[load.label_id])
    assert load.ledger.edited == {}
    sample.gt.detections.append(label)
    sample.save()
    load(kept=[load.label_id])
    assert load.labels == ["dog"]


def test_a_label_that_was_edited_then_deleted_and_is_restored_as_it_was_sent_is_as_it_was(dataset):
    load = Loads(dataset)
    before = dataset.first().gt.detections[0].to_dict()
    load(edited=load.relabelled("dog"))
    load(deleted=[load.label_id])
    assert load.labels == []
    load(kept=[load.label_id])
    assert dataset.first().gt.detections[0].to_dict() == before
    assert load.ledger.edited == {}


def test_a_label_that_was_deleted_is_restored_with_an_edit_that_can_be_taken_back(dataset):
    load = Loads(dataset)
    before = dataset.first().gt.detections[0].to_dict()
    load(deleted=[load.label_id])
    load(edited=load.relabelled("dog"))
    assert load.labels == ["dog"]
    load(kept=[load.label_id])
    assert dataset.first().gt.detections[0].to_dict() == before


def test_a_label_of_a_class_that_nobody_imported_is_left_alone_and_named(dataset):
    load = Loads(dataset)
    path = {"_id": dataset.first()._id}
    dataset._sample_collection.update_one(path, {"$set": {"gt.detections.0._cls": "NobodyKnowsIt"}})
    merge = LabelMerge(Place(dataset, "gt"), field_of("detections", "gt"), load.ledger)
    merge.merge([Answer(1, load.sample_id, {"gt": FieldAnswer(edited=load.relabelled("dog"))})])
    assert merge.report.notes == [
        f"sample {load.sample_id}: label {load.label_id}: its class 'NobodyKnowsIt' is not known here; import the "
        "module that defines it; left alone"
    ]
    assert merge.report.left == 1


def test_a_label_that_was_not_added_for_somebody_else_wrote_meanwhile_is_added_by_the_next_load(dataset, monkeypatch):
    load = Loads(dataset)
    sample = dataset.first()
    sample.gt = None
    sample.save()
    load.label_id = "6b01070a57a5240a9753b925"
    drawn = load.relabelled("dog")
    read = LabelMerge._read
    others = {"_cls": "Detections", "detections": []}

    def overtaken(self, sample_ids):
        found = read(self, sample_ids)
        dataset._sample_collection.update_one({"_id": sample._id, "gt": None}, {"$set": {"gt": others}})
        return found

    monkeypatch.setattr(LabelMerge, "_read", overtaken)
    load(added=drawn)
    assert load.labels == []
    assert load.ledger.loaded == {}
    load(added=drawn)
    assert load.labels == ["dog"]


def test_an_attribute_that_an_answer_gave_a_label_goes_when_the_answer_is_taken_back(dataset):
    load = Loads(dataset, attributes=(Attribute("quality", Question("text", "str"), "quality"),))
    before = stored(dataset)[load.sample_id]["gt"]
    values = {"label": "cat", "box": [10.0, 20.0, 30.0, 40.0, 0.0], ".quality": "good"}
    load(edited=[LabelAnswer(load.label_id, ParsedLabel(load.label_id, values, MEDIA), (".quality",), {})])
    assert dataset.first().gt.detections[0].quality == "good"
    load(kept=[load.label_id])
    assert stored(dataset)[load.sample_id]["gt"] == before
    assert load.ledger.edited == {}
