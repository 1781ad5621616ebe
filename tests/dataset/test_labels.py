from __future__ import annotations

from dataclasses import replace

import bson
import fiftyone as fo
import pytest
from bson import ObjectId

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelAnswer, ParsedLabel
from fo_labelstudio.dataset.labels import MAX_SAMPLE_BYTES, LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.merge.ledger import Ledger
from fo_labelstudio.merge.ready import ready_labels
from tests.convert.strategies import field_of
from tests.support import stored

pytestmark = pytest.mark.database


def drawn(number):
    """Boxes that somebody has drawn."""
    values = {"label": "cat", "box": [10.0, 20.0, 30.0, 40.0, 0.0]}
    parsed = ParsedLabel("drawn", values, MediaInfo(64, 48))
    return [LabelAnswer(str(ObjectId()), parsed, ("label", "box"), {}) for _ in range(number)]


def test_a_sample_that_would_outgrow_the_database_is_left_alone_and_the_others_are_written(make_dataset):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset(
        *(
            {"gt": fo.Detections(detections=[box.copy()]), "other": other}
            for other in ("x" * (MAX_SAMPLE_BYTES - 2**16), "")
        )
    )
    large, small = dataset.values("id")
    before = stored(dataset)
    merge = LabelMerge(Place(dataset, "gt"), field_of("detections", "gt"), Ledger())
    merge.merge([Answer(1, sample, {"gt": FieldAnswer(added=drawn(1000))}) for sample in (large, small)])
    dataset.reload()
    assert stored(dataset)[large] == before[large]
    assert len(dataset[small].gt.detections) == 1001
    (note,) = merge.report.notes
    assert note.startswith(f"sample {large}: it would be larger than the 16 MiB that the database stores")
    assert merge.report.counts["added"] == 1000


def test_samples_whose_labels_nobody_touched_are_neither_read_nor_written(make_dataset, monkeypatch):
    dataset = make_dataset({"gt": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])])})
    (sample,) = dataset
    merge = LabelMerge(Place(dataset, "gt"), field_of("detections", "gt"), Ledger())
    monkeypatch.setattr(Place, "read", None)
    monkeypatch.setattr(Place, "write", None)
    merge.merge([Answer(1, sample.id, {"gt": FieldAnswer(kept=[sample.gt.detections[0].id])})])
    assert merge.report.counts == {}


class Boxes(fo.Detections):
    """Boxes with more about all of them."""

    kind = fo.StringField(default="any")


@pytest.mark.parametrize("container", [fo.Detections, Boxes])
@pytest.mark.parametrize("path", ["new", "inner.new"])
def test_labels_that_were_made_ahead_are_written_as_those_that_are_made_now(make_dataset, path, container):
    dataset = make_dataset({}, {})
    field = replace(field_of("detections", path), existing=False)
    place = Place(dataset, path)
    place.ensure(ftype=fo.EmbeddedDocumentField, embedded_doc_type=container)
    said = FieldAnswer(added=drawn(3))
    ledger = Ledger()
    merge = LabelMerge(place, field, ledger)
    first, second = dataset.values("id")
    ready = {path: ready_labels(said, field)}
    merge.merge([Answer(1, first, {path: said}), Answer(2, second, {}, ready=ready)])
    one, other = (place.value_in(doc) for doc in place.read([first, second]).values())
    assert bson.encode(one) == bson.encode(other)
    assert ledger.loaded == {key: [edit.label_id for edit in said.added] for key in (first, second)}
    assert merge.report.counts["added"] == 6
    dataset.reload()
    assert [len(value.detections) for value in dataset.values(path)] == [3, 3]


def test_labels_that_were_made_ahead_are_made_anew_where_the_sample_has_others(make_dataset):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box])})
    (sample_id,) = dataset.values("id")
    field, said = field_of("detections", "gt"), FieldAnswer(added=drawn(2))
    merge = LabelMerge(Place(dataset, "gt"), field, Ledger())
    merge.merge([Answer(1, sample_id, {"gt": said}, ready={"gt": ready_labels(said, field)})])
    dataset.reload()
    assert dataset.values("gt.detections.id") == [[box.id, *(edit.label_id for edit in said.added)]]


def test_labels_that_were_made_ahead_stay_away_where_somebody_has_deleted_them(make_dataset):
    dataset = make_dataset({"gt": None})
    (sample_id,) = dataset.values("id")
    field, said = field_of("detections", "gt"), FieldAnswer(added=drawn(2))
    place = Place(dataset, "gt")
    place.ensure(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    merge = LabelMerge(place, field, Ledger(loaded={sample_id: [said.added[0].label_id]}))
    merge.merge([Answer(1, sample_id, {"gt": said}, ready={"gt": ready_labels(said, field)})])
    dataset.reload()
    assert dataset.values("gt.detections.id") == [[said.added[1].label_id]]


def test_a_sample_that_got_labels_meanwhile_keeps_them_and_not_those_that_were_made_ahead(make_dataset, monkeypatch):
    dataset = make_dataset({})
    (sample_id,) = dataset.values("id")
    field, said = replace(field_of("detections", "new"), existing=False), FieldAnswer(added=drawn(2))
    place = Place(dataset, "new")
    place.ensure(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    merge = LabelMerge(place, field, Ledger())
    other = fo.Detections(detections=[fo.Detection(label="dog", bounding_box=[0, 0, 1, 1])])
    write = Place.write

    def interfere(self, operations, ids):
        monkeypatch.undo()
        dataset.set_values("new", [other])
        return write(self, operations, ids)

    monkeypatch.setattr(Place, "write", interfere)
    merge.merge([Answer(1, sample_id, {}, ready={"new": ready_labels(said, field)})])
    dataset.reload()
    assert dataset.values("new.detections.label") == [["dog"]]
    assert merge.report.left == 2 and merge.report.counts["added"] == 0
    assert merge.ledger.loaded == {}
