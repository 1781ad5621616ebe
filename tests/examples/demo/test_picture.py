from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from examples.demo.changes import LabelKey, Labels, LabelState
from examples.demo.picture import draw

_KEY = LabelKey("grey.png", "predictions", "1")
_BOXED = {_KEY: LabelState("face", [0.25, 0.25, 0.5, 0.5], (40, 30))}


def _draw(tmp_path: Path, panels: dict[str, Labels], photographs: int = 1, **options: object) -> Image.Image:
    path = tmp_path / "grey.png"
    Image.new("L", (40, 30), 128).save(path)
    return draw([path] * photographs, panels, **options)


def _painted(picture: Image.Image) -> int:
    """Number of pixels in the yellow of faces."""
    return int((np.asarray(picture) == (0xFF, 0xEB, 0x3B)).all(axis=-1).sum())


def test_a_label_is_drawn_in_the_panel_that_has_it(tmp_path: Path) -> None:
    picture = _draw(tmp_path, {"before": _BOXED, "after": {}})
    left, right = (picture.crop((x, 0, x + picture.width // 2, picture.height)) for x in (0, picture.width // 2))
    assert _painted(left) > 0
    assert _painted(right) == 0


def test_a_changed_label_is_thicker_and_a_deleted_one_dashed(tmp_path: Path) -> None:
    plain = _painted(_draw(tmp_path, {"before": _BOXED, "after": {}}))
    kept = _painted(_draw(tmp_path, {"labels": _BOXED}, changed={_KEY}))
    deleted = _painted(_draw(tmp_path, {"before": _BOXED, "after": {}}, changed={_KEY}))
    assert plain < deleted < kept


def test_photographs_stand_in_columns(tmp_path: Path) -> None:
    one = _draw(tmp_path, {"labels": {}})
    assert _draw(tmp_path, {"labels": {}}, photographs=2, columns=2).size == (2 * one.width, one.height)
    assert _draw(tmp_path, {"labels": {}}, photographs=4, columns=2).size == (2 * one.width, 2 * one.height)


def test_labels_of_other_photographs_are_not_drawn(tmp_path: Path) -> None:
    other = {LabelKey("other.png", "predictions", "1"): LabelState("face", [0, 0, 1, 1], (40, 30))}
    assert _painted(_draw(tmp_path, {"labels": other})) == 0


def test_a_photograph_gets_a_class_of_its_own_beside_its_name(tmp_path: Path) -> None:
    said = {LabelKey("grey.png", "scene", "1"): LabelState("indoors", None, (40, 30))}
    with_scene, without = (np.asarray(_draw(tmp_path, {"labels": labels})) for labels in (said, {}))
    assert not np.array_equal(with_scene[:30], without[:30])
    assert np.array_equal(with_scene[30:], without[30:])
