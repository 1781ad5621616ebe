from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from examples.demo.photographs import CLASSES, PHOTOGRAPHS, SCENES, Box, Photograph, classify, detect

_PHOTOGRAPHS = {photograph.name: photograph for photograph in PHOTOGRAPHS}


# Who has looked at a photograph for one test has seen it for all.
pytestmark = pytest.mark.xdist_group("photographs")


@cache
def _detected(name: str) -> list[Box]:
    return list(detect(_PHOTOGRAPHS[name].pixels))


def _matched(photograph: Photograph, label: str) -> int:
    found = [box for box in _detected(photograph.name) if box.label == label]
    return sum(any(box.iou(seen) > 0.6 for box in found) for seen in photograph.boxes if seen.label == label)


def test_every_photograph_is_part_of_scikit_image_itself() -> None:
    shipped = {path.stem for path in Path(skimage.data.__file__).parent.iterdir()}
    assert set(_PHOTOGRAPHS) <= shipped


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_what_a_person_sees_lies_in_the_photograph(photograph: Photograph) -> None:
    height, width = photograph.pixels.shape[:2]
    assert photograph.scene in SCENES
    for box in photograph.boxes:
        assert box.label in CLASSES
        assert box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height


def test_the_detectors_find_the_face_and_the_coins() -> None:
    assert _matched(_PHOTOGRAPHS["astronaut"], "face") == 1
    assert _matched(_PHOTOGRAPHS["coins"], "coin") == 24


def test_the_detectors_err_where_a_person_can_help() -> None:
    (face,) = _detected("chelsea")
    assert face.label == "face"
    assert classify(_PHOTOGRAPHS["astronaut"].pixels)[0] == "outdoors"
    assert classify(_PHOTOGRAPHS["rocket"].pixels)[0] == "outdoors"


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_confidences_are_shares(photograph: Photograph) -> None:
    confidences = [box.confidence for box in _detected(photograph.name)] + [classify(photograph.pixels)[1]]
    assert all(0 <= confidence <= 1 for confidence in confidences)


def test_a_saved_photograph_is_the_same_picture(tmp_path: Path) -> None:
    photograph = _PHOTOGRAPHS["camera"]
    assert np.array_equal(np.asarray(Image.open(photograph.save(tmp_path))), photograph.pixels)


def test_boxes_overlap_as_their_areas_do() -> None:
    box = Box("face", 0, 0, 10, 10)
    assert box.iou(box) == 1
    assert box.iou(Box("face", 5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert box.iou(Box("face", 20, 20, 5, 5)) == 0
