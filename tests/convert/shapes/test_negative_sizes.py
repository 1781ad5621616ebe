"""Boxes and ellipses that were drawn to the left or upwards, as some editors and tools write them."""

from __future__ import annotations

import math

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation import unexpected
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.geometry import PercentBox, to_relative_box, with_positive_sizes
from tests.convert import strategies
from tests.convert.trip import Trip

FIELD = strategies.field_of("detections", "boxes")
LABEL = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.9)


MEDIA = MediaInfo(640, 480)


def load(values, media=MEDIA):
    (back,) = Trip(FIELD, LABEL, media=media).load(lambda result: result[0]["value"].update(values))
    return back


@pytest.mark.parametrize(
    ("x", "y", "width", "height"), [(50, 50, -20, -10), (30, 50, 20, -10), (50, 40, -20, 10), (30, 40, 20, 10)]
)
def test_a_box_of_negative_sizes_lies_on_that_side_of_its_corner(x, y, width, height):
    back = load({"x": x, "y": y, "width": width, "height": height})
    assert (back.id, back.confidence, back.bounding_box) == (LABEL.id, 0.9, [0.3, 0.4, 0.2, 0.1])


def test_a_box_of_negative_sizes_is_turned_about_its_corner():
    # 40 x 10 pixels of 200 x 100, left of and above (100, 50); a quarter turn puts it above and to the right.
    back = load({"x": 50, "y": 50, "width": -20, "height": -10, "rotation": 90}, MediaInfo(200, 100))
    centre = [back.bounding_box[0] + back.bounding_box[2] / 2, back.bounding_box[1] + back.bounding_box[3] / 2]
    assert centre == pytest.approx([105 / 200, 30 / 100])
    assert back.bounding_box[2:] == pytest.approx([0.2, 0.1]) and back.rotation == pytest.approx(math.pi / 2)


def test_a_sent_box_that_comes_back_from_its_other_corner_is_untouched():
    trip = Trip(FIELD, LABEL)
    assert trip.changes(lambda result: result[0]["value"].update(x=30, y=30, width=-20, height=-20)).is_empty


def corners(box, media):
    """The corners of a box in pixels, sorted, by Label Studio's rule: turned about (x, y), whatever the signs."""
    cos, sin = math.cos(math.radians(box.rotation)), math.sin(math.radians(box.rotation))
    found = []
    for across, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        dx, dy = across * box.width * media.width / 100, down * box.height * media.height / 100
        x, y = box.x * media.width / 100, box.y * media.height / 100
        found.append((x + dx * cos - dy * sin, y + dx * sin + dy * cos))
    return found


percent = st.floats(-100, 100)


@given(percent, percent, percent, percent, st.floats(-360, 360), strategies.media)
def test_a_box_covers_the_same_pixels_whatever_the_signs_of_its_sizes(x, y, width, height, rotation, media):
    box = PercentBox(x, y, width, height, rotation)
    same = with_positive_sizes(box, media)
    assert same.width >= 0 and same.height >= 0 and same.rotation == rotation
    longest = max(media.size)
    left = corners(same, media)
    for corner in corners(box, media):
        nearest = min(left, key=lambda other: math.dist(corner, other))
        assert math.dist(corner, nearest) <= 1e-9 * longest
        left.remove(nearest)
    relative, _ = to_relative_box(same, media)
    assert relative[2] >= 0 and relative[3] >= 0


def ellipse(radius_x, radius_y):
    value = {"x": 50, "y": 40, "radiusX": radius_x, "radiusY": radius_y, "rotation": 30, "ellipselabels": ["eye"]}
    region = {"id": "e", "from_name": "e", "to_name": "image", "type": "ellipselabels", "value": value}
    (label,) = unexpected.parse(region, MEDIA)
    return label.parsed.values


@pytest.mark.parametrize("radii", [(-10, 20), (10, -20), (-10, -20)])
def test_an_ellipse_of_negative_radii_is_that_of_positive_ones(radii):
    assert ellipse(*radii) == ellipse(10, 20)
