from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.geometry import PercentBox, all_rounded, rounded, to_percent_box, to_relative_box
from tests.convert import strategies
from tests.properties import examples

radians = st.floats(0, 2 * math.pi, exclude_max=True)


@given(strategies.boxes(), radians, strategies.media)
def test_a_box_comes_back_from_percent_within_1e_9(box, rotation, media):
    there = to_percent_box(box, rotation, media)
    back, back_rotation = to_relative_box(there, media)
    # A long side of the image magnifies the rounding of the short one's percent.
    magnified = max(1, media.width / media.height, media.height / media.width)
    assert back == pytest.approx(box, abs=1e-9 * magnified)
    assert math.isclose(math.cos(back_rotation - rotation), 1, abs_tol=1e-15)


def test_a_box_that_is_not_turned_is_only_scaled():
    assert to_percent_box([0.1, 0.2, 0.3, 0.4], 0.0, MediaInfo(640, 480)) == (10, 20, 30, 40, 0)
    assert to_relative_box(PercentBox(10, 20, 30, 40, 0), MediaInfo(640, 480)) == ([0.1, 0.2, 0.3, 0.4], 0.0)


def test_a_quarter_turn_moves_the_corner_clockwise_about_the_centre():
    # 40 x 20 pixels around (50, 50) of 100 x 100: its top-left corner goes to the top right.
    turned = to_percent_box([0.3, 0.4, 0.4, 0.2], math.pi / 2, MediaInfo(100, 100))
    assert turned == pytest.approx((60, 30, 40, 20, 90))


def test_a_turned_box_keeps_its_centre_in_pixels_of_an_oblong_image():
    media = MediaInfo(200, 100)
    x, y, width, height, degrees = to_percent_box([0.4, 0.4, 0.2, 0.2], math.pi / 2, media)
    # 40 x 20 pixels around (100, 50): the corner (-20, -10) turns to (10, -20).
    assert (x * 2, y) == pytest.approx((110, 30))
    assert (width, height, degrees) == pytest.approx((20, 20, 90))


def test_a_box_that_sticks_out_is_clipped_to_the_image():
    assert to_percent_box([-0.1, 0.9, 0.3, 0.3], 0.0, MediaInfo(10, 10)) == (0, 90, 20, 10, 0)


def test_degrees_of_the_editor_are_read_modulo_a_full_turn():
    _, rotation = to_relative_box(PercentBox(10, 10, 10, 10, -90), MediaInfo(10, 10))
    assert rotation == pytest.approx(3 * math.pi / 2)


NUMBERS = st.one_of(
    st.floats(-1e9, 1e9),
    st.floats(-100, 100).map(lambda number: round(number, 10)),
    # Halfway between two numbers of ten decimals, as near as floats are.
    st.integers(-(10**13), 10**13).map(lambda number: (number + 0.5) / 1e10),
    st.integers(-(10**13), 10**13).map(lambda number: math.nextafter(number / 1e10, math.inf)),
    st.just(-0.0),
)


@examples(500)
@given(st.lists(NUMBERS))
def test_an_array_is_rounded_to_exactly_the_numbers_that_single_ones_are(numbers):
    assert list(map(repr, all_rounded(np.array(numbers)).tolist())) == list(map(repr, rounded(numbers)))
