from __future__ import annotations

import math
from dataclasses import replace

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.convert.task.write import SampleRecord, problems_of, to_task
from tests.convert import strategies

SAMPLE = "6b01070a57a5240a9753b925"


def a_sample(**labels):
    return SampleRecord(SAMPLE, "x.png", MediaInfo(640, 480), labels)


def test_one_prediction_holds_the_labels_of_all_fields():
    boxes = fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.25)])
    weather = fo.Classification(label="dog", confidence=0.75)
    fields = [strategies.field_of("detections", "boxes"), strategies.field_of("classification", "weather")]
    task = to_task(a_sample(boxes=boxes, weather=weather), fields, "/data/upload/1/x.png", "run")
    assert task["data"] == {"image": "/data/upload/1/x.png", "sample_id": SAMPLE, "filename": "x.png"}
    (prediction,) = task["predictions"]
    assert prediction == {
        "model_version": "FiftyOne",
        "score": 0.5,
        "result": [
            {
                "id": boxes.detections[0].id,
                "from_name": "boxes",
                "to_name": "image",
                "type": "rectanglelabels",
                "value": {
                    "x": 10.0,
                    "y": 20.0,
                    "width": 30.0,
                    "height": 40.0,
                    "rotation": 0.0,
                    "rectanglelabels": ["cat"],
                },
                "original_width": 640,
                "original_height": 480,
                "image_rotation": 0,
                "score": 0.25,
            },
            {
                "id": weather.id,
                "from_name": "weather",
                "to_name": "image",
                "type": "choices",
                "value": {"choices": ["dog"]},
                "score": 0.75,
            },
        ],
    }
    assert set(task["meta"]["fiftyone"]["sent"]["boxes"][boxes.detections[0].id]) == {"label", "box"}


def test_a_label_id_that_two_fields_share_makes_two_regions():
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])
    copy = fo.Detection.from_dict(label.to_dict())
    fields = [strategies.field_of("detection", "one"), strategies.field_of("detections", "two")]
    task = to_task(a_sample(one=label, two=fo.Detections(detections=[copy])), fields, "u", "run")
    first, second = (region["id"] for region in task["predictions"][0]["result"])
    assert first == label.id and second.startswith(f"{label.id}-")
    sent = task["meta"]["fiftyone"]["sent"]
    assert "ids" not in sent["one"][first] and sent["two"][second]["ids"] == [label.id]


def test_a_label_id_that_a_field_repeats_is_refused():
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])
    twins = fo.Detections(detections=[label, fo.Detection.from_dict(label.to_dict())])
    problems = list(problems_of(a_sample(boxes=twins), [strategies.field_of("detections", "boxes")]))
    assert len(problems) == 2 and "another label of the field has its id" in problems[0]


@pytest.mark.parametrize("labels", [{}, {"boxes": None}, {"boxes": fo.Detections()}])
def test_a_sample_without_labels_has_no_prediction(labels):
    task = to_task(a_sample(**labels), [strategies.field_of("detections", "boxes")], "u", "run")
    assert task["predictions"] == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"label": "zebra"},
            "its class 'zebra' is not among the classes of the label schema; add it to `classes`",
        ),
        ({"label": None}, "its class None is not among the classes"),
        ({"bounding_box": None}, "its bounding_box is [], expected four finite numbers"),
        ({"bounding_box": [0.1, 0.1, float("nan"), 0.1]}, "expected four finite numbers"),
        ({"bounding_box": [0.1, 0.1, -0.1, 0.1]}, "has a negative size"),
        ({"bounding_box": [100, 100, 50, 50]}, "expected values relative to the image, not pixels"),
        ({"rotation": "left"}, "its rotation is 'left', expected a number of radians"),
        ({"mask_path": "/mask.png"}, "it has a mask, which would no longer fit an edited box"),
    ],
)
def test_a_label_that_cannot_be_sent_is_named_with_field_sample_and_remedy(values, reason):
    label = fo.Detection(**{"label": "cat", "bounding_box": [0.1, 0.2, 0.3, 0.4], **values})
    sample = a_sample(boxes=fo.Detections(detections=[label]))
    (problem,) = problems_of(sample, [strategies.field_of("detections", "boxes")])
    assert problem.startswith(f"field 'boxes', sample {SAMPLE}, label {label.id}: ")
    assert reason in problem


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), True, "high", None])
def test_a_confidence_that_is_no_score_is_not_sent(confidence):
    label = fo.Classification(label="cat")
    label.set_field("confidence", confidence, create=True) if not isinstance(confidence, str) else None
    task = to_task(a_sample(tag=label), [strategies.field_of("classification", "tag")], "u", "run")
    assert "score" not in task["predictions"][0]
    assert "score" not in task["predictions"][0]["result"][0]


def test_a_label_id_that_two_fields_share_renames_all_its_parts_and_their_parents():
    label = fo.Keypoint(label="cat", points=[[math.nan, math.nan], [0.1, 0.2], [0.3, 0.4]])
    twin = fo.Keypoint.from_dict(label.to_dict())
    fields = [strategies.field_of("keypoints", name, tool="KeyPointLabels", skeleton=None) for name in ("one", "two")]
    sample = a_sample(one=fo.Keypoints(keypoints=[label]), two=fo.Keypoints(keypoints=[twin]))
    result = to_task(sample, fields, "u", "run")["predictions"][0]["result"]
    assert [region["id"].partition(".")[2] for region in result] == ["2", "3"] * 2
    assert len({region["id"] for region in result}) == 4
    for first, second in (result[:2], result[2:]):
        assert (first.get("parentID"), second["parentID"]) == (None, first["id"])


def test_attributes_follow_a_region_that_was_renamed():
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], colour="red")
    twin = fo.Detection.from_dict(label.to_dict())
    fields = [
        strategies.field_of(
            "detections", name, attributes=(Attribute("colour", Question("text", "str"), f"{name}%.colour"),)
        )
        for name in ("one", "two")
    ]
    sample = a_sample(one=fo.Detections(detections=[label]), two=fo.Detections(detections=[twin]))
    result = to_task(sample, fields, "u", "run")["predictions"][0]["result"]
    first, first_answer, second, second_answer = (item["id"] for item in result)
    assert first == first_answer == label.id and second == second_answer != label.id


def test_a_scalar_is_a_result_of_its_own_and_has_no_label():
    field = strategies.field_of("scalar", "count", question=Question("number", "int"))
    task = to_task(a_sample(count=3), [field], "u", "run")
    (item,) = task["predictions"][0]["result"]
    assert item == {
        "id": item["id"],
        "from_name": "count",
        "to_name": "image",
        "type": "number",
        "value": {"number": 3},
    }
    assert "score" not in task["predictions"][0]
    assert set(task["meta"]["fiftyone"]["sent"]["count"]["value"]) == {"ids", "value"} - {"ids"}


def test_scalars_of_several_fields_have_ids_of_their_own():
    fields = [strategies.field_of("scalar", name) for name in ("one", "two")]
    result = to_task(a_sample(one="a", two="a"), fields, "u", "run")["predictions"][0]["result"]
    assert len({item["id"] for item in result}) == 2


@pytest.mark.parametrize("value", [None, [], ""])
def test_a_scalar_without_a_value_is_not_sent(value):
    kind = Question("checkbox", "list", ("a",)) if value == [] else Question("text", "str")
    field = strategies.field_of("scalar", "count", question=kind)
    assert to_task(a_sample(count=value), [field], "u", "run")["predictions"] == []


def test_a_mask_that_is_too_large_to_send_is_a_problem_of_its_field():
    field = strategies.field_of("segmentation", "ground")
    sample = SampleRecord(SAMPLE, "x.png", MediaInfo(20_000, 20_000), {"ground": fo.Segmentation(mask=np.ones((2, 2)))})
    try:
        problems = list(problems_of(sample, [field]))
    except ValueError as error:
        pytest.fail(f"it is raised, not told: {error}")
    assert len(problems) == 1 and problems[0].startswith(f"field 'ground', sample {SAMPLE}")


def test_the_media_stand_under_the_key_of_the_labeling_config():
    field = replace(strategies.field_of("detections"), object_name="img", data_key="filename")
    task = to_task(SampleRecord(SAMPLE, "/a/x.png", MediaInfo(640, 480), {}), [field], "/data/x", "run")
    assert task["data"] == {"filename": "/data/x", "sample_id": SAMPLE}
