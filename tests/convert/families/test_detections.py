from __future__ import annotations

import math

import fiftyone as fo
import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from tests.convert import strategies
from tests.convert.trip import Trip

FIELD = strategies.field_of("detections", "boxes")
BOX = [1 / 3, 0.2, 0.3, 0.4]


def a_box(box=BOX, **values):
    return fo.Detection(label="cat", bounding_box=list(box), **values)


def change(**values):
    return lambda result: result[0]["value"].update(values)


def test_a_box_is_sent_in_percent_of_the_image():
    (region,) = Trip(FIELD, a_box(confidence=0.25)).sent
    assert region["value"] == {
        "x": 33.3333333333,
        "y": 20.0,
        "width": 30.0,
        "height": 40.0,
        "rotation": 0.0,
        "rectanglelabels": ["cat"],
    }
    assert region["score"] == 0.25


def test_a_turned_box_is_sent_in_degrees_about_its_corner():
    (region,) = Trip(FIELD, a_box([0.4, 0.4, 0.2, 0.2], rotation=math.pi / 2), media=MediaInfo(200, 100)).sent
    value = {key: region["value"][key] for key in ("x", "y", "width", "height", "rotation")}
    assert value == pytest.approx({"x": 55, "y": 30, "width": 20, "height": 20, "rotation": 90})


def test_a_moved_box_keeps_the_numbers_that_were_not_moved():
    label = a_box()
    assert Trip(FIELD, label).changes(change(y=30)).values == {label.id: {"bounding_box": [1 / 3, 0.3, 0.3, 0.4]}}


def test_a_turned_back_box_has_no_rotation_left():
    label = a_box([0.4, 0.4, 0.2, 0.2], rotation=math.pi / 2)
    (back,) = Trip(FIELD, label).load(change(x=40, y=40, rotation=0))
    assert (back.rotation, back.bounding_box) == (0.0, [0.4, 0.4, 0.2, 0.2])


@pytest.mark.parametrize("value", [{"rotation": -90}, {"rotation": 360}, {"rotation": 0}])
def test_degrees_of_the_editor_are_read(value):
    label = a_box()
    (back,) = Trip(FIELD, label).load(change(**value))
    rotation = back.get_attribute_value("rotation", 0.0)
    assert rotation == pytest.approx(math.radians(value["rotation"] % 360))


def test_what_else_a_label_holds_stays_when_its_box_is_moved():
    label = a_box(confidence=0.5, index=3, tags=["mine"], colour="red")
    (back,) = Trip(FIELD, label).load(change(y=30))
    assert (back.confidence, back.index, back.tags, back.colour) == (0.5, 3, ["mine"], "red")
