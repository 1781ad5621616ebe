"""Answers that the dataset cannot hold, for it has changed since they were asked for, cost only themselves."""

from __future__ import annotations

import fiftyone as fo
import pytest
from bson import ObjectId

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer, ParsedLabel
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.ledger import Ledger
from tests.convert.strategies import field_of

pytestmark = pytest.mark.database

FIELD = field_of(
    "detections", "gt", attributes=tuple(Attribute(name, Question("text", "str"), name) for name in ("size", "tags"))
)


def box(**attributes):
    return fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], **attributes)


def edit(label_id, key, **values):
    """A label that came back with some answers."""
    found = {"label": "cat", "box": [10.0, 10.0, 20.0, 20.0, 0.0], **{f".{k}": v for k, v in values.items()}}
    return LabelAnswer(label_id, ParsedLabel(key, found, MediaInfo(64, 48)), tuple(f".{name}" for name in values), {})


def read_all(dataset):
    """Has FiftyOne read, save and copy everything."""
    dataset.reload()
    for sample in dataset.iter_samples():
        sample.save()
    clone = dataset.clone()
    assert len(list(clone)) == len(dataset)
    clone.delete()


def test_an_answer_that_a_field_declared_since_cannot_hold_is_reported_and_all_else_is_loaded(make_dataset):
    dataset = make_dataset({"gt": fo.Detections(detections=[box(), box()])}, {"gt": fo.Detections(detections=[box()])})
    dataset.add_sample_field("gt.detections.size", fo.FloatField)
    first, second = dataset
    one, two = first.gt.detections
    merge = LabelMerge(Place(dataset, "gt"), FIELD, Ledger())
    new = str(ObjectId())
    merge.merge(
        [
            Answer(
                7,
                first.id,
                {
                    "gt": FieldAnswer(
                        edited=[edit(one.id, one.id, size="large", mood="x"), edit(two.id, two.id, tags="blurry")],
                        added=[edit(new, "drawn", size="small", tags="dark")],
                    )
                },
            ),
            Answer(8, second.id, {"gt": FieldAnswer(deleted=[second.gt.detections[0].id])}),
        ]
    )
    read_all(dataset)
    first = dataset[first.id]
    assert [label.get_attribute_value("size", None) for label in first.gt.detections] == [None, None, None]
    assert [label.tags for label in first.gt.detections] == [[], [], []]
    assert [label.id for label in first.gt.detections] == [one.id, two.id, new]
    assert dataset[second.id].gt.detections == []
    start = f"sample {first.id}: attribute"
    assert sorted(merge.report.notes) == sorted(
        [
            f"task 7, region {one.id}, {start} 'size' is 'large', which a FloatField cannot hold; left alone",
            f"task 7, region {two.id}, {start} 'tags' is 'blurry', which a ListField cannot hold; left alone",
            f"task 7, region drawn, {start} 'size' is 'small', which a FloatField cannot hold; left alone",
            f"task 7, region drawn, {start} 'tags' is 'dark', which a ListField cannot hold; left alone",
        ]
    )


def test_labels_that_are_copied_to_a_field_that_declares_more_leave_out_what_it_cannot_hold(make_dataset):
    dataset = make_dataset({"gt": fo.Detections(detections=[box(mine="text", other="kept")])})
    dataset.add_sample_field("copied", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    dataset.add_sample_field("copied.detections.mine", fo.IntField)
    (sample,) = dataset
    label_id = sample.gt.detections[0].id
    merge = LabelMerge(Place(dataset, "copied"), field_of("detections", "gt"), Ledger(), source=Place(dataset, "gt"))
    merge.merge([Answer(7, sample.id, {"gt": FieldAnswer(kept=[label_id])})])
    read_all(dataset)
    (label,) = dataset.first()["copied"].detections
    assert (label.id, label.get_attribute_value("mine", None), label.other) == (label_id, None, "kept")
    assert merge.report.notes[0].startswith(
        f"task 7, region {label_id}, sample {sample.id}: attribute 'mine' is 'text'"
    )


@pytest.mark.parametrize(
    ("destination", "problem"),
    [
        ("clean", "FiftyOne uses the name 'clean' itself"),
        ("_x", "Field names cannot start with '_'"),
        ("id", "'id' is FiftyOne's own"),
        ("a\ud800", "holds characters that cannot be shown"),
    ],
)
def test_a_destination_that_would_break_the_dataset_is_refused(make_dataset, destination, problem):
    dataset = make_dataset({"gt": fo.Detections(detections=[box()])})
    with pytest.raises(LabelSchemaError, match=f"{problem}.* so nothing was loaded; pass another dest_field"):
        LabelMerge(Place(dataset, destination), FIELD, Ledger())
    with pytest.raises(LabelSchemaError, match=f"{problem}.* so nothing was loaded; pass another dest_field"):
        ScalarMerge(Place(dataset, destination), field_of("scalar", "caption"), Ledger())
    read_all(dataset)


def test_scalars_go_into_no_field_of_fiftyones_own(make_dataset):
    with pytest.raises(LabelSchemaError, match="'filepath' is FiftyOne's own"):
        ScalarMerge(Place(make_dataset({}), "filepath"), field_of("scalar", "caption"), Ledger())
