"""What is sent passes Label Studio's own check of labeling configs and predictions (LabelInterface of its SDK)."""

from __future__ import annotations

import inspect

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.task.write import to_task
from tests.convert import strategies
from tests.convert.spanned import record_of
from tests.properties import examples

SDK_SAYS_ERRORS = pytest.mark.skipif(
    "return_errors" not in inspect.signature(LabelInterface.validate_prediction).parameters,
    reason="this label-studio-sdk has no check that says what is wrong",
)

pytestmark = SDK_SAYS_ERRORS

anywhere = st.floats(-2, 3)


def errors_of(field, value, media):
    interface = LabelInterface(to_labeling_config([field]))
    interface.validate()
    record = record_of("5" * 24, field, value, media)
    predictions = to_task(record, [field], "u", "run")["predictions"]
    return [error for sent in predictions for error in interface.validate_prediction(sent, return_errors=True)]


@pytest.mark.parametrize("label_type", LABEL_TYPES)
@given(data=st.data())
@examples(15)
def test_labels_of_every_kind_with_attributes_of_every_kind_pass(label_type, data):
    case = data.draw(strategies.cases(label_type))
    assert errors_of(case.field, case.value, case.media) == []


@pytest.mark.parametrize("label_type", ["detections", "polygons", "polylines", "keypoints"])
@given(data=st.data())
@examples(30)
def test_labels_that_are_partly_or_altogether_outside_the_image_pass(label_type, data):
    field = data.draw(strategies.fields(label_type, with_attributes=False))
    points = data.draw(st.lists(st.tuples(anywhere, anywhere).map(list), min_size=3, max_size=4))
    values = {"label": "cat", "points": points}
    if label_type == "detections":
        sides = data.draw(st.tuples(*[st.floats(0, 3)] * 2))
        label = fo.Detection(label="cat", bounding_box=[*points[0], *sides])
        value = fo.Detections(detections=[label])
    elif label_type == "keypoints":
        values["points"] = points[: len(field.skeleton.joints)]
        value = fo.Keypoints(keypoints=[fo.Keypoint(**values)])
    else:
        value = fo.Polylines(polylines=[fo.Polyline(label="cat", points=[points])])
    assert errors_of(field, value, data.draw(strategies.media)) == []
