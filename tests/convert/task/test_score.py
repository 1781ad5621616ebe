"""What the score of a prediction is: uncertainty sampling serves the lowest first."""

from __future__ import annotations

import math

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.task.score import LAST, Scoring, mean_confidence, score_of
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from tests.convert import strategies
from tests.memory import SIZE

ORDERED = Scoring(is_for_all=True)


def boxes(*confidences):
    return fo.Detections(
        detections=[
            fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=value) for value in confidences
        ]
    )


def test_the_score_is_the_mean_of_the_confidences_of_all_labels_of_all_fields():
    values = {"boxes": boxes(0.2, 0.6), "weather": fo.Classification(label="sun", confidence=1.0), "none": None}
    assert score_of(values, None, Scoring()) == pytest.approx(0.6)


def test_each_label_counts_once_however_many_regions_it_has():
    points = fo.Keypoint(label="cat", points=[[0.1, 0.1]] * 4, confidence=[0.1, 0.1, float("nan"), 0.1])
    values = {"points": fo.Keypoints(keypoints=[points]), "boxes": boxes(0.9)}
    assert mean_confidence(values.values()) == pytest.approx(0.5)


def test_labels_without_a_confidence_do_not_count():
    assert mean_confidence([boxes(None, float("nan"), float("inf"), 0.25)]) == 0.25
    assert mean_confidence([boxes(None), 3, "text"]) is None


def test_confidences_beyond_their_range_count_as_its_ends():
    assert mean_confidence([boxes(-3.0, 5.0)]) == 0.5


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, "0.5", True])
@pytest.mark.parametrize("is_highest_first", [False, True])
def test_what_is_no_number_is_served_last_in_either_order(value, is_highest_first):
    assert score_of({}, value, Scoring("uniqueness", is_highest_first, is_for_all=True)) == LAST


def test_a_sample_without_confidences_has_no_score_unless_the_order_counts():
    assert score_of({"boxes": boxes(None)}, None, Scoring()) is None
    assert score_of({"boxes": boxes(None)}, None, ORDERED) == LAST


def test_the_highest_can_come_first():
    assert score_of({}, 0.9, Scoring("uniqueness", True)) == pytest.approx(0.1)
    assert score_of({"boxes": boxes(0.75)}, None, Scoring(is_highest_first=True)) == 0.25


def test_values_in_the_range_of_scores_stay_as_they_are():
    assert score_of({}, 0.3, Scoring("uniqueness", bounds=(0.2, 0.4))) == 0.3


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20),
    is_highest_first=st.booleans(),
)
def test_the_scores_of_a_field_are_in_the_order_of_its_values_and_in_range(values, is_highest_first):
    scoring = Scoring("loss", is_highest_first, (min(values), max(values)))
    scores = [score_of({}, value, scoring) for value in sorted(values, reverse=is_highest_first)]
    assert all(0 <= score <= 1 for score in scores) and scores == sorted(scores)


def test_a_sample_without_labels_has_its_place_where_the_order_counts():
    fields = [strategies.field_of("detections", "boxes")]
    record = SampleRecord("6b01070a57a5240a9753b925", "x.png", SIZE, {"boxes": boxes()}, score_value=0.25)
    assert to_task(record, fields, "u", "run")["predictions"] == []
    task = to_task(record, fields, "u", "run", scoring=Scoring("uniqueness", is_for_all=True))
    assert task["predictions"] == [{"model_version": "FiftyOne", "result": [], "score": 0.25}]
