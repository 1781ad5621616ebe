"""What was sent of a field that has left the dataset, made from regions."""

from __future__ import annotations

import copy

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.families import LABEL_TYPES
from tests.convert import strategies
from tests.convert.trip import RUN, TASK, Trip
from tests.properties import examples

BOXES = strategies.field_of("detections", "boxes")


def originals_of(trip, result, started_from=None, gone=None):
    annotation = {"id": 1, "was_cancelled": False, "updated_at": "2026-11-20T10:00:00Z", "result": result}
    if started_from is not None:
        annotation["prediction"] = {"result": started_from}
    task = {"id": TASK, **copy.deepcopy(trip._task), "annotations": [annotation]}
    answer = parse_task(task, [trip.field], RUN, [], gone={trip.field.name} if gone is None else gone)
    return answer.originals.get(trip.field.name)


def two_boxes():
    return Trip(
        BOXES,
        fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.9),
        fo.Detection(label="dog", bounding_box=[0.5, 0.5, 0.25, 0.25]),
    )


def moved(result):
    result = copy.deepcopy(result)
    result[0]["value"]["x"] = 40
    return result


def test_originals_are_made_only_where_they_are_asked_for():
    trip = two_boxes()
    assert originals_of(trip, trip.sent, gone=()) is None


def test_labels_are_made_as_the_annotation_was_started_from():
    trip = two_boxes()
    first, second = originals_of(trip, moved(trip.sent), trip.sent).values()
    assert [doc["_id"] for doc in (first, second)] == [doc["_id"] for doc in trip.docs]
    assert first["bounding_box"] == pytest.approx([0.1, 0.1, 0.2, 0.2], abs=1e-9)
    assert (first["confidence"], second.get("confidence")) == (0.9, None)


def test_labels_are_made_from_the_answer_where_nothing_says_what_it_was_started_from():
    trip = two_boxes()
    first, second = originals_of(trip, moved(trip.sent)).values()
    assert first["bounding_box"] == pytest.approx([0.4, 0.1, 0.2, 0.2], abs=1e-9)
    assert (first["confidence"], second["label"]) == (0.9, "dog")


def test_a_prediction_that_is_not_as_it_was_sent_does_not_count():
    trip = two_boxes()
    other = copy.deepcopy(trip.sent)
    other[0]["value"]["x"] = 70
    first, _ = originals_of(trip, moved(trip.sent), other).values()
    assert first["bounding_box"] == pytest.approx([0.4, 0.1, 0.2, 0.2], abs=1e-9)


def test_what_the_annotator_drew_is_none_of_them():
    trip = two_boxes()
    drawn = {**copy.deepcopy(trip.sent[0]), "id": "drawn"}
    assert len(originals_of(trip, [*trip.sent, drawn], trip.sent)) == 2


@pytest.mark.parametrize("score", [None, "0.5", 2, float("nan"), True])
def test_a_score_that_is_none_is_no_confidence(score):
    trip = two_boxes()
    result = copy.deepcopy(trip.sent)
    result[0]["score"] = score
    first, _ = originals_of(trip, result).values()
    assert first.get("confidence") is None


@pytest.mark.parametrize("label_type", [name for name in LABEL_TYPES if name not in ("scalar", "segmentation")])
@given(data=st.data())
@examples(20)
def test_labels_of_every_family_come_back_with_ids_and_classes(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type))
    trip = Trip(field, *labels, media=media)
    made = originals_of(trip, trip.sent, trip.sent)
    sent = trip._task["meta"]["fiftyone"]["sent"].get(field.name, {})
    shown = [entry.get("ids", [key]) for key, entry in sent.items() if set(entry) - {"ids"}]
    assert list(made) == [label_id for label_ids in shown for label_id in label_ids]
    docs = {str(doc["_id"]): doc for doc in trip.docs}
    for label_id, remade in made.items():
        doc = docs[label_id]
        assert [remade.get(key) for key in ("_id", "_cls", "label")] == [
            doc.get(key) for key in ("_id", "_cls", "label")
        ]
