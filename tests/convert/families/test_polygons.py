from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of_type
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels

FIELD = strategies.field_of("polygons", "areas")
OUTER = [[0.1, 0.1], [1 / 3, 0.1], [1 / 3, 1 / 7]]
INNER = [[0.15, 0.11], [0.2, 0.11], [0.2, 0.12]]
THIRD = [[2 / 3, 2 / 3], [0.7, 2 / 3], [0.7, 0.7]]


def a_polygon(*shapes, **values):
    return fo.Polyline(label="cat", points=[list(shape) for shape in shapes], closed=True, filled=True, **values)


def points_of(changes):
    (values,) = changes.values.values()
    assert set(values) == {"points"}
    return values["points"]


def test_a_polygon_is_one_closed_region():
    label = a_polygon(OUTER, confidence=0.25)
    (region,) = Trip(FIELD, label).sent
    assert region["id"] == label.id
    assert region["type"] == "polygonlabels"
    assert region["value"] == {
        "points": [[10.0, 10.0], [33.3333333333, 10.0], [33.3333333333, 14.2857142857]],
        "closed": True,
        "polygonlabels": ["cat"],
    }
    assert region["score"] == 0.25


def test_the_shapes_of_a_label_are_regions_that_name_the_first_as_their_parent():
    label = a_polygon(OUTER, [], INNER, THIRD)
    ids = [(region["id"], region.get("parentID")) for region in Trip(FIELD, label).sent]
    assert ids == [(label.id, None), (f"{label.id}.2", label.id), (f"{label.id}.3", label.id)]


def test_an_open_polyline_in_a_field_of_polygons_is_sent_closed_and_stays_open_where_nobody_touched_it():
    label = fo.Polyline(label="cat", points=[OUTER], closed=False, filled=True)
    trip = Trip(FIELD, label)
    assert trip.sent[0]["value"]["closed"] is True
    assert trip.changes().is_empty


def test_a_label_without_points_is_not_shown_and_stays():
    label = a_polygon()
    trip = Trip(FIELD, label)
    assert trip.sent == [] and trip.changes([]).is_empty


def test_a_drawn_polygon_is_closed_and_filled():
    region = {"id": "n", "from_name": "areas", "type": "polygonlabels"}
    region["value"] = {"points": [[60, 10], [90.5, 10], [75, 40]], "closed": True, "polygonlabels": ["dog"]}
    (edit,) = new_labels(FIELD, [region])
    label = to_label(edit, FIELD)
    assert (label.label, label.closed, label.filled) == ("dog", True, True)
    assert label.points == [[[0.6, 0.1], [0.905, 0.1], [0.75, 0.4]]]


class TestEdits:
    def test_a_moved_vertex_leaves_all_other_numbers_as_stored(self):
        def move(result):
            result[1]["value"]["points"][2] = [25, 13]

        points = points_of(Trip(FIELD, a_polygon(OUTER, INNER, THIRD)).changes(move))
        assert points == [OUTER, [*INNER[:2], [0.25, 0.13]], THIRD]

    def test_a_vertex_moved_along_one_axis_keeps_its_other_number(self):
        def move(result):
            result[0]["value"]["points"][2][0] = 50

        assert points_of(Trip(FIELD, a_polygon(OUTER)).changes(move)) == [[*OUTER[:2], [0.5, 1 / 7]]]

    def test_an_inserted_vertex_leaves_all_others_as_stored(self):
        def insert(result):
            result[0]["value"]["points"].insert(1, [20, 5])

        points = points_of(Trip(FIELD, a_polygon(OUTER, THIRD)).changes(insert))
        assert points == [[OUTER[0], [0.2, 0.05], *OUTER[1:]], THIRD]

    def test_a_deleted_vertex_leaves_all_others_as_stored(self):
        def delete(result):
            del result[0]["value"]["points"][0]

        assert points_of(Trip(FIELD, a_polygon(OUTER, THIRD)).changes(delete)) == [OUTER[1:], THIRD]

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_a_deleted_shape_leaves_all_others_as_stored(self, number):
        shapes = [OUTER, INNER, THIRD]
        points = points_of(
            Trip(FIELD, a_polygon(*shapes)).changes(lambda result: result[:number] + result[number + 1 :])
        )
        assert points == shapes[:number] + shapes[number + 1 :]

    def test_a_shape_deleted_and_a_vertex_of_another_moved_leave_the_rest_as_stored(self):
        def edit(result):
            result[2]["value"]["points"][0] = [50, 50]
            return result[1:]

        points = points_of(Trip(FIELD, a_polygon(OUTER, INNER, THIRD)).changes(edit))
        assert points == [INNER, [[0.5, 0.5], *THIRD[1:]]]

    def test_a_moved_vertex_beside_a_shape_without_points_leaves_all_other_numbers_as_stored(self):
        def move(result):
            result[0]["value"]["points"][0] = [50, 50]

        points = points_of(Trip(FIELD, a_polygon(OUTER, [], THIRD)).changes(move))
        assert [shape for shape in points if shape] == [[[0.5, 0.5], *OUTER[1:]], THIRD]

    def test_the_deletion_of_all_shapes_deletes_the_label(self):
        label = a_polygon(OUTER, INNER)
        assert Trip(FIELD, label).changes([]).deleted == [label.id]

    def test_a_shape_drawn_into_a_label_in_the_outline_becomes_one_of_its_shapes(self):
        label = a_polygon(OUTER)
        trip = Trip(FIELD, label)
        drawn = {**trip.sent[0], "id": "n", "parentID": label.id}
        drawn["value"] = {"points": [[1, 2], [3, 4], [5, 6]], "closed": True, "polygonlabels": ["cat"]}
        (back,) = trip.load([*trip.sent, drawn])
        assert back.points == [OUTER, [[0.01, 0.02], [0.03, 0.04], [0.05, 0.06]]]

    def test_a_relabelled_polygon_keeps_its_points(self):
        label = a_polygon(OUTER)

        def relabel(result):
            result[0]["value"]["polygonlabels"] = ["dog"]

        assert Trip(FIELD, label).changes(relabel).values == {label.id: {"label": "dog"}}

    def test_one_relabelled_shape_of_several_relabels_none_and_is_noted(self):
        label = a_polygon(OUTER, INNER)

        def relabel(result):
            result[1]["value"]["polygonlabels"] = ["dog"]

        trip = Trip(FIELD, label)
        assert trip.changes(relabel).is_empty
        assert trip.answer(relabel)[1] == [
            f"task 7, region {label.id!r}: field 'areas': its regions have several classes; took 'cat' rather than "
            "['dog']"
        ]

    def test_a_shape_that_cannot_be_understood_leaves_its_whole_label_alone(self):
        label, other = a_polygon(OUTER, INNER), a_polygon(THIRD)

        def damage(result):
            result[1]["value"]["points"] = [["1", 2]]
            return result[:2]

        answer, problems = Trip(FIELD, label, other).answer(damage)
        assert (answer.kept, answer.deleted, len(problems)) == ([label.id], [other.id], 1)

    def test_a_label_nested_in_another_that_is_not_understood_is_not_deleted(self):
        first, second = a_polygon(OUTER), a_polygon(THIRD)

        def nest(result):
            result[0]["value"]["points"] = [["1", 2]]
            result[1]["parentID"] = first.id

        answer, _ = Trip(FIELD, first, second).answer(nest)
        assert answer.deleted == []
        assert {first.id, second.id} <= set(answer.kept)


@pytest.mark.parametrize(
    "points", [None, [], "abc", [[1]], [[1, 2, 3]], [[1, "2"]], [[1, None]], [[1, float("nan")]], [[1, 1001]], [1, 2]]
)
def test_points_that_are_none_are_refused(points):
    label = a_polygon(OUTER)

    def damage(result):
        result[0]["value"]["points"] = points

    answer, problems = Trip(FIELD, label).answer(damage)
    assert (answer.kept, len(problems)) == ([label.id], 1)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"points": [[[0.1, float("nan")]]]}, "expected two finite numbers, relative to the image"),
        ({"points": [[[100, 200]]]}, "expected two finite numbers, relative to the image"),
        ({"label": "zebra"}, "its class 'zebra' is not among the classes"),
    ],
)
def test_a_polygon_that_cannot_be_sent_is_told(values, problem):
    label = fo.Polyline(**{"label": "cat", "points": [OUTER], **values})
    assert problem in family_of_type("polygons").check(label, FIELD)
