from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.media_size import compare_sizes


@pytest.mark.parametrize(
    ("recorded", "actual", "kind", "keeps_shapes"),
    [
        ((640, 480), (1280, 960), "scaled", True),
        ((1000, 667), (500, 333), "scaled", True),
        ((640, 480), (480, 640), "turned", False),
        ((640, 480), (960, 1280), "turned", False),
        ((640, 480), (640, 400), "other", False),
        ((640, 480), (600, 400), "other", False),
    ],
)
def test_another_size_is_told_with_what_to_do(recorded, actual, kind, keeps_shapes):
    found = compare_sizes(recorded, actual)
    assert (found.kind, found.keeps_shapes, found.keeps_masks) == (kind, keeps_shapes, False)
    assert str(found).startswith(
        f"it was annotated at {recorded[0]}x{recorded[1]}, but the image is {actual[0]}x{actual[1]}; "
    )


def test_the_same_size_and_sizes_that_nobody_knows_are_no_difference():
    assert compare_sizes((640, 480), (640, 480)) is None
    assert compare_sizes(None, (640, 480)) is None
    assert compare_sizes((640, 480), None) is None


@given(st.integers(32, 4000), st.integers(32, 4000), st.floats(0.1, 8))
def test_an_image_that_was_scaled_keeps_its_shapes(width, height, factor):
    scaled = (max(round(width * factor), 1), max(round(height * factor), 1))
    found = compare_sizes((width, height), scaled)
    assert found is None or found.kind == "scaled"
