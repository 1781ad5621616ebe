"""What the real editor of 1.23.2 wrote, as labels."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.numbers import is_number
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField, Skeleton

GOLDEN = Path(__file__).parents[1] / "golden" / "labelstudio-1.23.2"
RUN = "run"


def a_field(control, label_type, *classes, **values):
    return LabelField(control, label_type, classes, control, **values)


def read(task, *fields, sent=None):
    """The answer that a recorded task holds about fields, as if it was made by a run, and the problems."""
    task = {**(task[0] if isinstance(task, list) else task)}
    task["data"] = {"sample_id": "5" * 24}
    task["meta"] = {"fiftyone": {"version": 1, "run": RUN, "size": [640, 480], "sent": sent or {}}}
    problems: list = []
    return parse_task(task, fields, RUN, problems), [str(problem) for problem in problems]


def new_labels(task, *fields):
    """The labels that a recorded task adds to each field, none of which was sent."""
    answer, problems = read(task, *fields)
    for field in fields:
        assert not (answer.fields[field.name].edited or answer.fields[field.name].deleted)
    return [[to_label(edit, field) for edit in answer.fields[field.name].added] for field in fields], problems


def rounded(value, decimals=4):
    """Numbers in lists of lists, rounded."""
    if isinstance(value, (list, tuple)):
        return [rounded(item, decimals) for item in value]
    return round(value, decimals) if is_number(value) else value


RECT, POLY = a_field("rect", "detections", "cat", "dog"), a_field("poly", "polygons", "road")
KEYPOINTS = a_field("kp", "keypoints", "nose", tool="KeyPointLabels")
LANES = a_field("vec", "polylines", "lane", "area", tool="VectorLabels")


class TestShapes:
    def test_accepted_shapes(self, golden):
        (boxes, polygons, points), _ = new_labels(golden("shapes_accepted_unchanged"), RECT, POLY, KEYPOINTS)
        assert [(label.label, rounded(label.bounding_box)) for label in boxes] == [
            ("cat", [0.1, 0.1, 0.3, 0.3]),
            ("dog", rounded(boxes[1].bounding_box)),
        ]
        assert boxes[1].rotation == pytest.approx(math.radians(33.3))
        assert rounded(boxes[1].bounding_box[2:]) == [0.2, 0.1]
        assert [(label.label, rounded(label.points), label.closed, label.filled) for label in polygons] == [
            ("road", [[[0.6, 0.1], [0.9012, 0.1], [0.75, 0.4]]], True, True)
        ]
        assert [(label.label, rounded(label.points)) for label in points] == [("nose", [[0.5, 0.5]])]

    def test_a_turned_box_has_the_corner_that_the_editor_turned_it_about(self, golden):
        ((_, label), *_), _ = new_labels(golden("shapes_accepted_unchanged"), RECT, POLY, KEYPOINTS)
        x, y, width, height = label.bounding_box
        centre = (x + width / 2) * 640, (y + height / 2) * 480
        across, down = -width / 2 * 640, -height / 2 * 480
        cos, sin = math.cos(label.rotation), math.sin(label.rotation)
        corner = centre[0] + across * cos - down * sin, centre[1] + across * sin + down * cos
        assert corner == pytest.approx((0.6 * 640, 0.6 * 480))

    def test_an_ellipse_is_no_label_of_any_field(self, golden):
        answer, _ = read(golden("shapes_accepted_unchanged"), RECT, POLY, KEYPOINTS)
        (edit,) = answer.unexpected["polygons"]
        assert edit.parsed.values["label"] == "eye"

    def test_drawn_shapes(self, golden):
        (boxes, polygons, points), _ = new_labels(golden("shapes_drawn"), RECT, POLY, KEYPOINTS)
        assert [(label.label, rounded(label.bounding_box)) for label in boxes] == [("cat", [0.1998, 0.2, 0.2503, 0.3])]
        assert [rounded(label.points) for label in polygons] == [
            [[[0.6004, 0.1004], [0.9001, 0.1195], [0.7497, 0.4005]]]
        ]
        assert [rounded(label.points) for label in points] == [[[0.5005, 0.5]]]

    def test_of_edited_shapes_the_moved_box_is_somewhere_else(self, golden):
        (boxes, polygons, _), _ = new_labels(golden("shapes_prediction_edited"), RECT, POLY, KEYPOINTS)
        assert rounded(boxes[0].bounding_box) == [0.1505, 0.1498, 0.3, 0.3]
        assert rounded(polygons[0].points) == [[[0.6, 0.1], [0.9012, 0.1], [0.75, 0.4]]]

    def test_a_duplicated_region_is_a_second_label(self, golden):
        (boxes,), problems = new_labels(golden("prediction_duplicated_region"), RECT)
        assert [rounded(label.bounding_box) for label in boxes] == [[0.1, 0.1, 0.3, 0.3]] * 2
        assert boxes[0].id != boxes[1].id and boxes[1].confidence is None and problems == []

    def test_a_prediction_that_was_deleted_deletes_its_label(self, golden):
        answer, problems = read(golden("prediction_all_deleted"), RECT, sent={"rect": {"fo1": {"label": "x"}}})
        assert (answer.fields["rect"].deleted, problems) == (["fo1"], [])

    def test_a_pair_of_rectangle_and_label_is_a_box(self, golden):
        field = a_field("boxes", "detections", "cat", "dog")
        (boxes,), _ = new_labels(golden("rectangle_labels_pair_drawn"), field)
        assert [(label.label, rounded(label.bounding_box)) for label in boxes] == [("dog", [0.1998, 0.2, 0.2503, 0.3])]


class TestStates:
    def test_a_skipped_task_is_no_answer(self, golden):
        assert read(golden("skipped_task"), a_field("rect", "detections", "A", "B")) == (None, [])

    def test_a_draft_is_no_answer(self, golden):
        field = a_field("brush", "instances", "sky", tool="BrushLabels")
        assert read(golden("brush_draft_only"), field) == (None, [])

    def test_only_submitted_tasks_are_answers(self, golden):
        field = a_field("rect", "detections", "A", "B")
        answers = [read(task, field)[0] for task in golden("export_all_states")]
        assert [answer and len(answer.fields["rect"].added) for answer in answers] == [None, 1, None, None, 0]
        (edit,) = answers[1].fields["rect"].added
        assert rounded(to_label(edit, field).bounding_box) == [0.1599, 0.201, 0.2, 0.2]


class TestMasks:
    def test_a_brush_stroke(self, golden):
        field = a_field("brush", "instances", "sky", tool="BrushLabels")
        ((label,),), problems = new_labels(golden("brush_drawn"), field)
        assert (label.label, label.mask.shape, int(label.mask.sum())) == ("sky", (83, 171), 2031)
        assert rounded(label.bounding_box) == rounded([122 / 640, 282 / 480, 171 / 640, 83 / 480])
        assert problems == []

    def test_a_brush_stroke_of_a_segmentation(self, golden):
        field = a_field("brush", "segmentation", "sky", tool="BrushLabels", targets={"sky": 3})
        ((label,),), _ = new_labels(golden("brush_drawn"), field)
        assert (label.mask.shape, int((label.mask == 3).sum())) == ((480, 640), 2031)
        assert set(np.unique(label.mask)) == {0, 3}

    def test_a_bitmask(self, golden):
        field = a_field("bitmask", "instances", "sea", tool="BitmaskLabels")
        ((label,),), problems = new_labels(golden("bitmask_drawn"), field)
        left, top, width, height = label.bounding_box
        assert label.label == "sea" and problems == []
        assert rounded([left * 640, top * 480, width * 640, height * 480], 6) == [112, 272, 192, 104]
        assert (label.mask.shape, int(label.mask.sum())) == ((104, 192), 6142)


class TestVectors:
    def test_an_open_path(self, golden):
        ((label,),), problems = new_labels(golden("vector_open_drawn"), LANES)
        assert (label.label, label.closed, label.filled) == ("lane", False, False)
        assert rounded(label.points) == [[[0.6004, 0.1004], [0.9001, 0.1195], [0.7497, 0.4005]]]
        assert problems == []

    def test_a_closed_path(self, golden):
        ((label,),), _ = new_labels(golden("vector_closed_drawn"), LANES)
        assert (label.label, label.closed) == ("lane", True)
        assert rounded(label.points) == [[[0.6004, 0.1004], [0.9001, 0.1195], [0.7497, 0.4005]]]

    def test_a_closed_path_and_a_curve(self, golden):
        ((closed, curve),), problems = new_labels(golden("vector_closed_bezier_accepted"), LANES)
        assert (closed.closed, rounded(closed.points)) == (True, [[[0.6, 0.6], [0.9, 0.6], [0.75, 0.9]]])
        (points,) = curve.points
        assert (curve.closed, len(points), rounded([points[0], points[-1]])) == (False, 33, [[0.1, 0.7], [0.4, 0.9]])
        # Bezier (10, 70), (10, 70), (20, 95), (40, 90) at its middle.
        assert points[16] == pytest.approx([0.175, 0.81875])
        assert problems == ["task 90, region 'v4': field 'vec': its curves became 32 points each"]

    def test_an_edited_path(self, golden):
        ((label,),), _ = new_labels(golden("vector_prediction_edited"), LANES)
        assert rounded(label.points) == [[[0.6, 0.1], [0.9, 0.1], [0.7992, 0.5]]]

    def test_a_path_with_branches_is_read_in_the_order_of_its_vertices(self, golden):
        ((label,),), _ = new_labels(golden("vector_skeleton_drawn"), LANES)
        assert rounded(label.points) == [[[0.5005, 0.1004], [0.5005, 0.2995], [0.2997, 0.5], [0.7003, 0.5]]]


class TestSkeletons:
    JOINTS = Skeleton(("head", "neck", "left", "right", "hip"), ((0, 1), (1, 2), (1, 3), (1, 4)))

    def field(self, *classes):
        return a_field("vec", "keypoints", *classes, tool="VectorLabels", skeleton=self.JOINTS)

    def test_an_accepted_skeleton(self, golden):
        ((label,),), problems = new_labels(golden("vector_skeleton_accepted"), self.field("person"))
        assert (label.label, problems) == ("person", [])
        assert rounded(label.points) == [[0.5, 0.1], [0.5, 0.3], [0.3, 0.5], [0.7, 0.5], [0.5, 0.6]]

    def test_a_drawn_skeleton(self, golden):
        ((label,),), _ = new_labels(golden("vector_skeleton_drawn"), self.field("lane"))
        assert rounded(label.points[:4]) == [[0.5005, 0.1004], [0.5005, 0.2995], [0.2997, 0.5], [0.7003, 0.5]]
        assert len(label.points) == 5 and all(map(math.isnan, label.points[4]))

    def test_points_under_a_box_are_labels_of_their_own(self, golden):
        boxes, points = (
            a_field("rect", "detections", "person"),
            a_field("kp", "keypoints", "head", "neck", tool="KeyPointLabels"),
        )
        (people, joints), problems = new_labels(golden("keypoints_parentid_accepted"), boxes, points)
        assert [rounded(label.bounding_box) for label in people] == [
            [0.1, 0.1, 0.2, 0.2],
            [0.6, 0.1, 0.2, 0.2],
            [0.6, 0.6, 0.2, 0.2],
        ]
        assert [(label.label, rounded(label.points)) for label in joints] == [
            ("head", [[0.15, 0.15]]),
            ("neck", [[0.2, 0.2]]),
        ]
        assert problems == []


ANSWERS = {
    "sel": (Question("select", "str", ("s1", "s2")), "s2"),
    "count": (Question("number", "float"), 12.5),
    "caption": (Question("text", "str"), "hello é world"),
    "notes": (Question("text", "str"), "line1\nline2\nx"),
    "day": (Question("date", "date"), date(2024, 2, 29)),
    "dtime": (Question("datetime", "datetime"), datetime(2024, 2, 29, 13, 45)),
}


class TestAnswers:
    @pytest.mark.parametrize("control", ANSWERS)
    def test_each_value(self, golden, control):
        question, value = ANSWERS[control]
        ((back,),), _ = new_labels(golden("classification_accepted"), a_field(control, "scalar", question=question))
        assert back == value and type(back) is type(value)

    def test_classes_of_the_image(self, golden):
        weather = a_field("weather", "classification", "sunny", "rain")
        tags = a_field("tags", "classifications", "day", "city", "car, red")
        (one, several), _ = new_labels(golden("classification_accepted"), weather, tags)
        assert [label.label for label in one] == ["rain"]
        assert [label.label for label in several] == ["day", "car, red"]

    COLOUR = Attribute("colour", Question("select", "str", ("red", "blue")), "car__color", classes=("car",))
    CARS = a_field(
        "rect",
        "detections",
        "car",
        "person",
        attributes=(
            COLOUR,
            Attribute("occluded", Question("radio", "bool", (True, False)), "occluded"),
            Attribute("name", Question("text", "str"), "person__name", classes=("person",)),
            Attribute("speed", Question("number", "float"), "speed"),
            Attribute("rate", Question("rating", "int"), "rate"),
            Attribute("when", Question("datetime", "datetime"), "when"),
        ),
    )

    def test_attributes_of_regions(self, golden):
        ((car, person),), problems = new_labels(golden("per_region_accepted"), self.CARS)
        assert (car.label, car.colour, car.occluded, car.speed, car.rate) == ("car", "red", False, 12.5, 2)
        assert car.when == datetime(2024, 1, 1)
        assert (person.label, person.name, rounded(person.bounding_box)) == ("person", "Bob", [0.55, 0.5, 0.3, 0.35])
        assert not any("occluded" in problem or "speed" in problem for problem in problems)

    def test_attributes_of_a_drawn_region(self, golden):
        ((car,),), problems = new_labels(golden("per_region_drawn"), self.CARS)
        assert (car.label, car.colour, car.get_attribute_value("speed", None)) == ("car", "red", None)
        assert rounded(car.bounding_box) == [0.1998, 0.2, 0.2503, 0.3] and problems == []


@pytest.mark.parametrize("name", ["video_accepted", "video_drawn", "text_ner_accepted", "multi_image_accepted"])
def test_what_is_no_image_is_reported_and_changes_no_field(golden, name):
    fields = [
        a_field("boxes", "detections", "thing"),
        a_field("masks", "instances", "thing", tool="BrushLabels"),
        a_field("note", "scalar", question=Question("text", "str")),
        a_field("tag", "classifications", "thing"),
    ]
    answer, problems = read(golden(name), *fields)
    assert problems or answer.unexpected
    for field in fields:
        found = answer.fields[field.name]
        assert not (found.added or found.edited or found.deleted)


def test_every_recorded_image_is_looked_at(golden):
    recorded = {path.stem for path in GOLDEN.glob("*.json")}
    here = set(re.findall(r"[\"']([a-z_]+)[\"']", Path(__file__).read_text(encoding="utf-8")))
    assert recorded <= here
