from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from examples.demo.person import Person
from examples.demo.photographs import PHOTOGRAPHS, Box, Photograph

_URL = "http://label-studio.test"
_CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="boxes" toName="image"><Label value="face"/></RectangleLabels>
  <Choices name="scene" toName="image"><Choice value="indoors"/></Choices>
</View>
"""
_ASTRONAUT = next(photograph for photograph in PHOTOGRAPHS if photograph.name == "astronaut")
_SIDE = 512


def _region(id: str, box: Box) -> dict[str, Any]:
    value = {
        "x": box.x / _SIDE * 100,
        "y": box.y / _SIDE * 100,
        "width": box.width / _SIDE * 100,
        "height": box.height / _SIDE * 100,
        "rotation": 0,
        "rectanglelabels": [box.label],
    }
    return {"id": id, "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": value, "score": 0.5}


def _answer(result: list[dict[str, Any]], photograph: Photograph, **options: Any) -> list[dict[str, Any]] | None:
    task = {"id": 7, "data": {"sample_id": "s1"}, "predictions": [{"id": 9, "result": result}], "is_labeled": False}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        server.get(f"{_URL}/api/projects/3/", json={"label_config": _CONFIG})
        server.get(f"{_URL}/api/tasks", json={"tasks": [task]})
        posted = server.post(f"{_URL}/api/tasks/7/annotations/", json={}, status=201)
        Person(_URL, "key").answer(3, {"s1": photograph}, **options)
        if not posted.calls:
            return None
        annotation = json.loads(posted.calls[0].request.body)
    assert annotation["parent_prediction"] == 9
    return annotation["result"]


def _photograph(*boxes: Box) -> Photograph:
    return Photograph("astronaut", "indoors", boxes)


def test_a_box_that_fits_stays_as_it_is() -> None:
    region = _region("r1", Box("face", 100, 100, 50, 50))
    assert _answer([region], _photograph(Box("face", 102, 101, 52, 50))) == [region]


def test_a_box_that_fits_badly_is_moved_and_keeps_its_id_and_score() -> None:
    (region,) = _answer([_region("r1", Box("face", 100, 100, 50, 50))], _photograph(Box("face", 120, 100, 50, 50)))
    assert (region["id"], region["score"], region["origin"]) == ("r1", 0.5, "prediction-changed")
    assert region["value"]["x"] == pytest.approx(120 / _SIDE * 100)
    assert region["value"]["rectanglelabels"] == ["face"]


def test_a_box_on_something_else_is_relabelled_and_drawn_around_it() -> None:
    (region,) = _answer([_region("r1", Box("face", 100, 100, 50, 50))], _photograph(Box("cat", 90, 90, 200, 200)))
    assert (region["id"], region["value"]["rectanglelabels"]) == ("r1", ["cat"])
    assert region["value"]["width"] == pytest.approx(200 / _SIDE * 100)


def test_a_box_around_nothing_is_deleted() -> None:
    assert _answer([_region("r1", Box("face", 100, 100, 50, 50))], _photograph()) == []


def test_a_box_is_added_around_what_was_missed() -> None:
    (region,) = _answer([], _photograph(Box("rocket", 256, 0, 128, 256)))
    assert region == {
        "id": region["id"],
        "from_name": "boxes",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": _SIDE,
        "original_height": _SIDE,
        "image_rotation": 0,
        "value": {"x": 50, "y": 0, "width": 25, "height": 50, "rotation": 0, "rectanglelabels": ["rocket"]},
        "origin": "manual",
    }
    assert len(region["id"]) == 10


def test_the_choice_is_corrected_only_where_it_is_wrong() -> None:
    choice = {
        "id": "c1",
        "from_name": "scene",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": ["indoors"]},
    }
    assert _answer([choice], _photograph()) == [choice]
    wrong = {**choice, "value": {"choices": ["outdoors"]}}
    assert _answer([wrong], _photograph()) == [{**choice, "origin": "prediction-changed"}]


def test_tasks_that_are_left_out_get_no_annotation() -> None:
    assert _answer([], _ASTRONAUT, leave_out=["astronaut"]) is None
