"""How far annotators agree, by sample and by class."""

from __future__ import annotations

from datetime import datetime, timedelta

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_labelstudio
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from tests.memory import annotate_in_memory
from tests.support import stored

pytestmark = [pytest.mark.database, pytest.mark.sampled]


def boxes(*named):
    return fo.Detections(detections=[fo.Detection(label=name, bounding_box=list(box)) for name, box in named])


def compute(samples, label_field):
    fields = [name for name in samples.get_field_schema() if name.startswith(f"{label_field}_ann_")]
    return fo_labelstudio.compute_agreement(samples, label_field, fields)


def labels_in(dataset):
    return [(sample["gt_ann_a"], sample["gt_ann_b"]) for sample in stored(dataset).values()]


LEFT, RIGHT = (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.4, 0.4)


def test_boxes_agree_where_they_overlap_and_have_the_same_class(make_dataset):
    dataset = make_dataset(
        {"gt_ann_a": boxes(("cat", LEFT), ("dog", RIGHT)), "gt_ann_b": boxes(("cat", LEFT), ("cat", RIGHT))},
        {"gt_ann_a": boxes(("cat", LEFT)), "gt_ann_b": boxes(("cat", LEFT))},
        {"gt_ann_a": boxes(), "gt_ann_b": boxes()},
        {"gt_ann_a": boxes(("cat", LEFT)), "gt_ann_b": None},
    )
    report = compute(dataset, "gt")
    assert dataset.values("gt_agreement") == [0.5, 1.0, 1.0, None]
    assert report == {"samples": 3, "mean": pytest.approx(2.5 / 3), "classes": {"cat": 0.8, "dog": 0.0}}
    assert dataset.values("gt_agreement_classes.classifications.label")[0] == ["cat", "dog"]
    assert dataset.values("gt_agreement_classes.classifications.confidence")[0] == [pytest.approx(2 / 3), 0.0]


def test_agreement_sorts_and_filters(make_dataset):
    same = boxes(("cat", LEFT))
    dataset = make_dataset(
        {"gt_ann_a": same, "gt_ann_b": same}, {"gt_ann_a": same, "gt_ann_b": boxes(("dog", LEFT))}, {}
    )
    compute(dataset, "gt")
    assert dataset.exists("gt_agreement").sort_by("gt_agreement").values("gt_agreement") == [0.0, 1.0]
    assert len(dataset.filter_labels("gt_agreement_classes", F("confidence") < 0.5)) == 1


def test_labels_are_only_read_and_nothing_else_is_left_behind(make_dataset):
    dataset = make_dataset({"gt_ann_a": boxes(("cat", LEFT)), "gt_ann_b": boxes(("dog", LEFT))})
    before, datasets = labels_in(dataset), fo.list_datasets()
    compute(dataset, "gt")
    assert labels_in(dataset) == before
    assert fo.list_datasets() == datasets and dataset.list_evaluations() == []


def test_three_annotators_are_compared_in_pairs(make_dataset):
    values = {"gt_ann_a": fo.Classification(label="cat"), "gt_ann_b": fo.Classification(label="cat")}
    dataset = make_dataset({**values, "gt_ann_c": fo.Classification(label="dog")}, {**values, "gt_ann_c": None})
    report = compute(dataset, "gt")
    assert dataset.values("gt_agreement") == [pytest.approx(1 / 3), 1.0]
    assert report["classes"] == {"cat": pytest.approx(4 / 6), "dog": 0.0}


def spans(*rows):
    return fo.Classifications(
        classifications=[
            fo.Classification(label=name, start=start, end=end, **({"turn": turn[0]} if turn else {}))
            for name, start, end, *turn in rows
        ]
    )


def test_spans_agree_where_they_overlap_and_have_the_same_class(make_dataset):
    noon = datetime(2026, 1, 31, 12)
    pairs = [
        ([("A", 0, 10)], [("A", 0, 10)], 1.0),
        ([("A", 0, 10)], [("A", 3, 10), ("A", 0, 9)], 2 / 3),
        ([("A", 0, 10), ("A", 20, 30)], [("A", 0, 5), ("A", 26, 30)], 0.5),
        ([("A", 0, 10)], [("B", 0, 10)], 0.0),
        ([("A", 0, 10, 0)], [("A", 0, 10, 1)], 0.0),
        ([("A", 0, 10, 1)], [("A", 0, 8, 1)], 1.0),
        ([("A", 1.5, 2.5), ("B", 3.0, 3.0)], [("A", 1.6, 2.5), ("B", 3.0, 3.0)], 1.0),
        ([("A", noon, noon + timedelta(seconds=4))], [("A", noon, noon + timedelta(seconds=3))], 1.0),
        ([("A", 0, 10)], [("A", 10, 20)], 0.0),
    ]
    dataset = make_dataset(*({"gt_ann_a": spans(*one), "gt_ann_b": spans(*other)} for one, other, _ in pairs))
    compute(dataset, "gt")
    assert dataset.values("gt_agreement") == [pytest.approx(agreement) for *_, agreement in pairs]


@pytest.mark.parametrize(
    ("one", "other", "agreement"), [(None, 0, 1.0), (1, 1, 1.0), (1, None, 0.0), ("left", "right", 1.0)]
)
def test_spans_of_audio_agree_on_the_same_channel(make_dataset, one, other, agreement):
    sides = (
        fo.Classifications(classifications=[fo.Classification(label="A", start=0, end=5, channel=channel)])
        for channel in (one, other)
    )
    dataset = make_dataset(dict(zip(("gt_ann_a", "gt_ann_b"), sides, strict=True)))
    compute(dataset, "gt")
    assert dataset.values("gt_agreement") == [agreement]


def test_several_classes_and_values_count_one_by_one(make_dataset):
    def classes(*names):
        return fo.Classifications(classifications=[fo.Classification(label=name) for name in names])

    dataset = make_dataset(
        {"gt_ann_a": classes("a", "b"), "gt_ann_b": classes("b"), "n_ann_a": 3, "n_ann_b": 4},
        {"gt_ann_a": classes(), "gt_ann_b": classes(), "n_ann_a": 3, "n_ann_b": 3},
    )
    compute(dataset, "gt")
    compute(dataset, "n")
    assert dataset.values("gt_agreement") == [pytest.approx(2 / 3), 1.0]
    assert dataset.values("n_agreement") == [0.0, 1.0]


def test_masks_agree_pixel_by_pixel(make_dataset):
    mask = np.ones((4, 4), np.uint8)
    other = mask.copy()
    other[0] = 2
    detection = fo.Detection(label="cat", bounding_box=list(LEFT), mask=mask.astype(bool))
    half = fo.Detection(label="cat", bounding_box=list(LEFT), mask=np.eye(4, dtype=bool))
    dataset = make_dataset(
        {
            "seg_ann_a": fo.Segmentation(mask=mask),
            "seg_ann_b": fo.Segmentation(mask=other),
            "gt_ann_a": fo.Detections(detections=[detection]),
            "gt_ann_b": fo.Detections(detections=[half]),
        }
    )
    compute(dataset, "seg")
    compute(dataset, "gt")
    assert dataset.values("seg_agreement") == [0.75]
    assert dataset.values("gt_agreement") == [0.0]


def test_keypoints_agree_where_they_lie_close_together(make_dataset):
    def points(*places):
        return fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[place, (0.9, 0.9)]) for place in places])

    dataset = make_dataset({"gt_ann_a": points((0.1, 0.1)), "gt_ann_b": points((0.1, 0.1), (0.9, 0.1))})
    compute(dataset, "gt")
    assert dataset.values("gt_agreement") == [pytest.approx(2 / 3)]


def test_a_view_is_compared_alone_and_a_second_call_replaces_the_first(make_dataset):
    dataset = make_dataset(*({"gt_ann_a": boxes(("cat", LEFT)), "gt_ann_b": boxes(("dog", LEFT))} for _ in range(2)))
    compute(dataset, "gt")
    dataset.set_values("gt_ann_b", dataset.values("gt_ann_a"))
    compute(dataset.limit(1), "gt")
    assert dataset.values("gt_agreement") == [1.0, 0.0]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (None, SettingsError, "field 'gt': there are no two fields of annotators to compare, but 0; load with annot"),
        (["boxes", "gone"], LabelSchemaError, "field 'gone': there is no such field"),
        (["boxes", "weather"], LabelSchemaError, "field 'weather' holds Classification, field 'boxes' Detections"),
        (["one", "one"], LabelSchemaError, "field 'one' holds Detection, which FiftyOne does not compare"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(make_dataset, fields, error, message):
    dataset = make_dataset(
        {
            "boxes": boxes(),
            "weather": fo.Classification(label="sun"),
            "one": fo.Detection(label="cat", bounding_box=list(LEFT)),
        }
    )
    with pytest.raises(error, match=message):
        fo_labelstudio.compute_agreement(dataset, "gt", fields)
    assert "gt_agreement" not in dataset.get_field_schema()


class TestOfRuns:
    """The fields are those that loads of each annotator's answers have made."""

    @pytest.fixture
    def dataset(self, make_dataset):
        dataset = make_dataset({"gt": boxes(("cat", LEFT)), "gt_a_x": boxes(("cat", LEFT)), "gt_b_x": boxes()})
        for key in ("one", "two"):
            schema = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}
            results, _ = annotate_in_memory(dataset, key, schema)
            results.last_load = {"annotators": {"a@x": "_a_x", "b@x": "_b_x", "c@x": "_c_x"}}
            results.save()
        return dataset

    def test_the_run_names_them(self, dataset):
        fo_labelstudio.compute_agreement(dataset, "gt", anno_key="one")
        assert dataset.values("gt_agreement") == [0.0]

    def test_several_runs_are_a_question(self, dataset):
        with pytest.raises(
            SettingsError, match=r"2 annotation runs have annotators .*: 'one', 'two'; pass anno_key='one'"
        ):
            fo_labelstudio.compute_agreement(dataset, "gt")
        dataset.delete_annotation_run("two")
        assert fo_labelstudio.compute_agreement(dataset, "gt")["samples"] == 1
