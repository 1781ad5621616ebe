"""Points outside of the image: shown on its border, and left as they are where nobody moves them."""

from __future__ import annotations

import math

import fiftyone as fo
import pytest
from label_studio_sdk.label_interface import LabelInterface

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from tests.convert import strategies
from tests.convert.test_label_studios_check import SDK_SAYS_ERRORS
from tests.convert.trip import Trip

POLYGONS = strategies.field_of("polygons", "areas")
PATHS = strategies.field_of("polylines", "paths")
OLD_PATHS = strategies.field_of("polylines", "paths", tool="PolygonLabels")
POINTS = strategies.field_of("keypoints", "people", tool="KeyPointLabels", skeleton=None)
SKELETONS = strategies.field_of("keypoints", "people")

BEYOND = [[0.5, 0.5], [1.2, 1 / 3], [1.3, 1.1], [-0.1, 0.9]]
SHOWN = [[50.0, 50.0], [100.0, 33.3333333333], [100.0, 100.0], [0.0, 90.0]]
FAR = [[1.25, 0.1], [1.5, 0.1], [1.5, 0.3]]


def a_shape(*shapes):
    return fo.Polyline(label="cat", points=[[list(point) for point in shape] for shape in shapes], closed=True)


def a_keypoint(*points):
    return fo.Keypoint(label="cat", points=[list(point) for point in points], confidence=[0.5] * len(points))


def move(number, place, *point):
    def edit(result):
        result[number]["value"]["points"][place] = list(point)

    return edit


@pytest.mark.parametrize("field", [POLYGONS, OLD_PATHS])
class TestShapes:
    def test_vertices_outside_are_shown_on_the_border_and_stay_where_they_are(self, field):
        trip = Trip(field, a_shape(BEYOND))
        assert trip.sent[0]["value"]["points"] == SHOWN
        assert trip.changes().is_empty

    def test_a_moved_vertex_leaves_those_that_were_shown_on_the_border_where_they_are(self, field):
        (back,) = Trip(field, a_shape(BEYOND)).load(move(0, 0, 40, 60))
        assert back.points == [[[0.4, 0.6], *BEYOND[1:]]]

    def test_a_vertex_that_was_shown_on_the_border_is_where_it_was_seen_once_it_is_moved(self, field):
        (back,) = Trip(field, a_shape(BEYOND)).load(move(0, 1, 100, 40))
        assert back.points == [[BEYOND[0], [1.0, 0.4], *BEYOND[2:]]]

    def test_a_vertex_that_is_added_or_deleted_leaves_all_others_where_they_are(self, field):
        corner = [[0.5, 0.5], [1.2, 1.3], [1.4, 1.1], [0.1, 0.9]]
        trip = Trip(field, a_shape(corner))
        assert trip.sent[0]["value"]["points"][1:3] == [[100.0, 100.0], [100.0, 100.0]]
        (more,) = trip.load(lambda result: result[0]["value"]["points"].insert(4, [5, 70]))
        assert more.points == [[*corner, [0.05, 0.7]]]
        (less,) = Trip(field, a_shape(corner)).load(lambda result: result[0]["value"]["points"].pop(0) and None)
        assert less.points == [corner[1:]]

    def test_a_deleted_shape_leaves_the_others_where_they_are_though_some_vertices_are_shown_alike(self, field):
        one = [[0.1, 0.1], [1.1, 1.2], [0.1, 0.5]]
        other = [[0.6, 0.1], [1.3, 1.4], [0.6, 0.5]]
        (back,) = Trip(field, a_shape(one, other)).load(lambda result: result[1:])
        assert back.points == [other]

    def test_a_shape_that_is_outside_altogether_is_shown_on_the_border_and_kept(self, field):
        trip = Trip(field, a_shape(FAR))
        assert trip.sent[0]["value"]["points"] == [[100.0, 10.0], [100.0, 10.0], [100.0, 30.0]]
        assert trip.changes().is_empty

    def test_shapes_that_an_earlier_version_sent_as_they_are_keep_what_nobody_moved(self, field):
        trip = Trip(field, a_shape(BEYOND))
        exact = [[50.0, 50.0], [120.0, 33.3333333333], [130.0, 110.0], [-10.0, 90.0]]
        trip.sent[0]["value"]["points"] = exact
        for sent in trip._task["meta"]["fiftyone"]["sent"][field.name].values():
            sent["points"] = digest_of([exact])
        assert trip.changes().is_empty
        (back,) = trip.load(move(0, 0, 40, 60))
        assert back.points == [[[0.4, 0.6], *BEYOND[1:]]]


class TestPoints:
    def test_points_outside_are_shown_on_the_border_and_stay_where_they_are(self):
        trip = Trip(POINTS, a_keypoint(*BEYOND))
        assert [[region["value"]["x"], region["value"]["y"]] for region in trip.sent] == SHOWN
        assert trip.changes().is_empty

    def test_a_moved_point_leaves_those_that_were_shown_on_the_border_where_they_are(self):
        def edit(result):
            result[0]["value"].update(x=40, y=60)
            result[2]["value"].update(y=80)

        (back,) = Trip(POINTS, a_keypoint(*BEYOND)).load(edit)
        assert back.points == [[0.4, 0.6], BEYOND[1], [1.0, 0.8], BEYOND[3]]

    def test_points_that_an_earlier_version_sent_as_they_are_keep_what_nobody_moved(self):
        trip = Trip(POINTS, a_keypoint(*BEYOND))
        exact = [[0, 50.0, 50.0], [1, 120.0, 33.3333333333], [2, 130.0, 110.0], [3, -10.0, 90.0]]
        for region, (_, x, y) in zip(trip.sent, exact, strict=True):
            region["value"].update(x=x, y=y)
        for sent in trip._task["meta"]["fiftyone"]["sent"]["people"].values():
            sent["points"] = digest_of(exact)
        assert trip.changes().is_empty
        (back,) = trip.load(lambda result: result[0]["value"].update(x=40))
        assert back.points == [[0.4, 0.5], *BEYOND[1:]]


@pytest.mark.parametrize(("field", "label"), [(PATHS, a_shape(BEYOND)), (SKELETONS, a_keypoint(*BEYOND))])
def test_vertices_of_vectors_are_shown_where_they_are_for_label_studio_takes_them(field, label):
    (region,) = Trip(field, label).sent
    assert [[vertex["x"], vertex["y"]] for vertex in region["value"]["vertices"]] == [
        *([50.0, 50.0], [120.0, 33.3333333333], [130.0, 110.0], [-10.0, 90.0]),
    ]


@SDK_SAYS_ERRORS
@pytest.mark.parametrize(
    ("field", "label"),
    [
        *((field, a_shape(BEYOND, FAR)) for field in (POLYGONS, OLD_PATHS, PATHS)),
        *((field, a_keypoint(*BEYOND)) for field in (POINTS, SKELETONS)),
    ],
)
def test_what_is_outside_passes_label_studios_own_check(field, label):
    interface = LabelInterface(to_labeling_config([field]))
    assert interface.validate_prediction({"result": Trip(field, label).sent}, return_errors=True) == []
    assert family_of(field).check(label, field) is None


BOXES = strategies.field_of("detections", "boxes")
WIDE = MediaInfo(640, 480)


def a_turned_box(*bounding_box, rotation):
    return fo.Detection(label="cat", bounding_box=list(bounding_box), rotation=rotation, confidence=0.5)


UPRIGHT = a_turned_box(0.45, -0.125, 0.1, 1.25, rotation=math.pi / 2)
"""64 pixels wide and 600 high, turned to lie: all of it is in the image, but its height is 125 %."""

BEYOND_CORNER = a_turned_box(0.9, 0.7, 0.2, 0.2, rotation=0.75 * math.pi)
"""Its top-left corner, as turned, is beyond the right border."""


class TestTurnedBoxes:
    @pytest.mark.parametrize(
        ("label", "shown"),
        [
            (UPRIGHT, {"x": 96.875, "y": 56.6666666667, "width": 93.75, "height": 13.3333333333, "rotation": 180.0}),
            (BEYOND_CORNER, {"rotation": 315.0, "width": 20.0, "height": 20.0}),
        ],
    )
    def test_one_that_label_studio_would_refuse_is_described_by_other_corners_and_stays(self, label, shown):
        trip = Trip(BOXES, label, media=WIDE)
        value = trip.sent[0]["value"]
        assert {key: value[key] for key in shown} == pytest.approx(shown)
        assert max(value[key] for key in ("x", "y", "width", "height")) <= 100
        assert trip.changes().is_empty

    def test_a_move_keeps_its_sides_and_its_rotation_as_stored(self):
        (back,) = Trip(BOXES, BEYOND_CORNER, media=WIDE).load(lambda result: result[0]["value"].update(rotation=315))
        assert back.to_dict() == BEYOND_CORNER.to_dict()

        def move(result):
            result[0]["value"]["x"] -= 10

        (back,) = Trip(BOXES, BEYOND_CORNER, media=WIDE).load(move)
        assert back.bounding_box == [pytest.approx(0.8, abs=1e-9), 0.7, 0.2, 0.2]
        assert (back.rotation, back.confidence) == (0.75 * math.pi, 0.5)

    def test_a_turn_is_a_turn_of_what_is_stored(self):
        def turn(result):
            result[0]["value"]["rotation"] -= 45

        (back,) = Trip(BOXES, BEYOND_CORNER, media=WIDE).load(turn)
        assert back.rotation == pytest.approx(math.pi / 2)

    def test_sides_that_were_shown_swapped_are_changed_as_they_were_seen(self):
        def shorten(result):
            # From the left: the box lies, and its width on the screen is the height that is stored.
            result[0]["value"]["width"] -= 10

        (back,) = Trip(BOXES, UPRIGHT, media=WIDE).load(shorten)
        x, y, width, height = back.bounding_box
        assert (width, height) == (0.1, pytest.approx(1.25 - 64 / 480))
        assert (x + width / 2, y + height / 2) == (pytest.approx(0.55), pytest.approx(0.5))
        assert back.rotation == math.pi / 2
