from __future__ import annotations

import fiftyone as fo
import pytest
from bson import ObjectId

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelAnswer, ParsedLabel
from fo_labelstudio.dataset.labels import MAX_SAMPLE_BYTES, LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.merge.ledger import Ledger
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
