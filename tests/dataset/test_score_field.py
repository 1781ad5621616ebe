"""The field that scores predictions is checked before anything is sent."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.task.score import Scoring
from fo_labelstudio.dataset.score_field import scoring_of
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(
        {"uniqueness": 0.25, "loss": -3.0, "name": "a", "parts": [1.0]},
        {"uniqueness": float("nan"), "loss": 5.0, "name": "b", "parts": []},
        {"uniqueness": 0.75, "loss": None, "name": None, "parts": None},
    )


def test_without_a_field_the_confidences_count(dataset):
    assert scoring_of(dataset, None, "lowest", None) == Scoring()
    assert scoring_of(dataset, None, "highest", "uncertainty") == Scoring(None, True, is_for_all=True)


def test_the_bounds_are_those_of_the_whole_dataset(dataset):
    assert scoring_of(dataset.limit(1), "uniqueness", "lowest", None).bounds == (0.25, 0.75)
    assert scoring_of(dataset.limit(1), "loss", "highest", None) == Scoring("loss", True, (-3.0, 5.0), True)


def test_a_field_without_any_value_has_the_bounds_of_scores(make_dataset):
    dataset = make_dataset({"uniqueness": 0.5})
    dataset.set_values("uniqueness", [None])
    assert scoring_of(dataset, "uniqueness", "lowest", None).bounds == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("uniquness", "the samples have no field 'uniquness'; did you mean 'uniqueness'"),
        ("name", "'name' is a StringField; pass a field of numbers"),
        ("parts", "'parts' is a ListField; pass a field of numbers"),
    ],
)
def test_a_field_that_is_no_number_is_refused(dataset, name, message):
    with pytest.raises(LabelSchemaError, match=message):
        scoring_of(dataset, name, "lowest", None)


def test_a_field_within_a_list_is_refused(make_dataset):
    import fiftyone as fo

    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.5)
    dataset = make_dataset({"gt": fo.Detections(detections=[box])})
    with pytest.raises(LabelSchemaError, match=r"'gt\.detections\.confidence' is inside a list"):
        scoring_of(dataset, "gt.detections.confidence", "lowest", None)
