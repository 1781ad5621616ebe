from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of_type
from fo_labelstudio.convert.families.polylines import CURVE_POINTS
from fo_labelstudio.convert.media.medium import MediaInfo
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels, through_the_editor

FIELD = strategies.field_of("polylines", "lanes")
OLD = strategies.field_of("polylines", "lanes", tool="PolygonLabels")
PATH = [[0.1, 0.1], [1 / 3, 0.1], [1 / 3, 1 / 7], [0.5, 0.5]]
OTHER = [[2 / 3, 2 / 3], [0.7, 2 / 3], [0.7, 0.7]]


def a_polyline(*shapes, closed=False, **values):
    return fo.Polyline(label="cat", points=[list(shape) for shape in shapes], closed=closed, **values)


def a_vector(*vertices, closed=False, region_id="n"):
    """A region as the editor writes it; vertices as ``(id, x, y, previous id)`` and what they have besides."""
    value = {
        "vertices": [
            {"id": v[0], "x": v[1], "y": v[2], "isBezier": False}
            | ({"prevPointId": v[3]} if v[3] is not None else {})
            | (v[4] if len(v) > 4 else {})
            for v in vertices
        ],
        "closed": closed,
        "vectorlabels": ["cat"],
    }
    return {"id": region_id, "from_name": "lanes", "to_name": "image", "type": "vectorlabels", "value": value}


def values_of(changes):
    (values,) = changes.values.values()
    return values


def edit_of(number, **value):
    return lambda result: result[number]["value"].update(value)


class TestWhatIsSent:
    def test_a_path_is_a_chain_of_vertices(self):
        (region,) = Trip(FIELD, a_polyline(PATH[:2])).sent
        assert region["value"] == {
            "vertices": [
                {"id": "0", "x": 10.0, "y": 10.0, "prevPointId": None, "isBezier": False},
                {"id": "1", "x": 33.3333333333, "y": 10.0, "prevPointId": "0", "isBezier": False},
            ],
            "closed": False,
            "vectorlabels": ["cat"],
        }

    @pytest.mark.parametrize(
        ("points", "closed", "expected"), [(3, True, True), (3, False, False), (2, True, False), (1, True, False)]
    )
    def test_a_shape_is_closed_where_it_has_an_inside(self, points, closed, expected):
        trip = Trip(FIELD, a_polyline(PATH[:points], closed=closed))
        assert trip.sent[0]["value"]["closed"] is expected
        assert trip.changes().is_empty

    def test_every_shape_of_a_label_is_a_region(self):
        label = a_polyline(PATH, OTHER)
        ids = [(region["id"], region.get("parentID")) for region in Trip(FIELD, label).sent]
        assert ids == [(label.id, None), (f"{label.id}.2", label.id)]

    def test_servers_without_vectors_get_closed_polygons(self):
        label = a_polyline(PATH, OTHER)
        trip = Trip(OLD, label)
        assert {(region["type"], region["value"]["closed"]) for region in trip.sent} == {("polygonlabels", True)}
        assert trip.changes().is_empty

        def move(result):
            result[0]["value"]["points"][0] = [20, 20]

        assert trip.changes(move).values == {label.id: {"points": [[[0.2, 0.2], *PATH[1:]], OTHER]}}


class TestWhatIsRead:
    def test_a_path_is_read_along_its_connections_not_in_the_order_of_the_list(self):
        region = a_vector(("c", 30, 3, "b"), ("a", 10, 1, None), ("b", 20, 2, "a"))
        (edit,) = new_labels(FIELD, [region])
        assert to_label(edit, FIELD).points == [[[0.1, 0.01], [0.2, 0.02], [0.3, 0.03]]]

    def test_a_path_closed_by_hand_begins_where_it_was_begun(self):
        region = a_vector(("a", 10, 1, "c"), ("b", 20, 2, "a"), ("c", 30, 3, "b"), closed=True)
        label = to_label(new_labels(FIELD, [region])[0], FIELD)
        assert (label.points, label.closed) == ([[[0.1, 0.01], [0.2, 0.02], [0.3, 0.03]]], True)

    def test_branches_are_read_in_the_order_of_the_list(self):
        region = a_vector(("a", 10, 1, None), ("b", 20, 2, "a"), ("c", 30, 3, "a"))
        label = to_label(new_labels(FIELD, [region])[0], FIELD)
        assert label.points == [[[0.1, 0.01], [0.2, 0.02], [0.3, 0.03]]]

    def test_a_first_click_that_was_counted_twice_is_one_point(self):
        region = a_vector(("a", 10, 1, None), ("b", 10, 1, "a"), ("c", 30, 3, "b"))
        assert to_label(new_labels(FIELD, [region])[0], FIELD).points == [[[0.1, 0.01], [0.3, 0.03]]]

    def test_points_that_are_stored_twice_stay_two(self):
        trip = Trip(FIELD, a_polyline([PATH[0], PATH[0], PATH[1]]))
        assert trip.changes().is_empty
        moved = values_of(trip.changes(lambda result: result[0]["value"]["vertices"][2].update(x=90)))
        assert moved == {"points": [[PATH[0], PATH[0], [0.9, 0.1]]]}

    def test_a_drawn_path_is_not_filled(self):
        label = to_label(new_labels(FIELD, [a_vector(("a", 10, 1, None), ("b", 20, 2, "a"))])[0], FIELD)
        assert (label.closed, label.filled) == (False, False)

    def test_a_curve_becomes_many_points_and_a_note(self):
        curve = {"isBezier": True, "controlPoint1": {"x": 10, "y": 40}, "controlPoint2": {"x": 70, "y": 70}}
        region = a_vector(("a", 10, 10, None), ("b", 40, 40, "a", curve))
        answer, problems = Trip(FIELD).answer([region])
        (points,) = to_label(answer.added[0], FIELD).points
        assert len(points) == 1 + CURVE_POINTS
        assert (points[0], points[-1]) == ([0.1, 0.1], [0.4, 0.4])
        # Bezier (10, 10), (10, 10), (10, 40), (40, 40) at its middle.
        assert points[CURVE_POINTS // 2] == pytest.approx([0.1375, 0.25])
        assert problems == ["task 7, region 'n': field 'lanes': its curves became 32 points each"]

    def test_a_closed_curve_does_not_repeat_its_first_point(self):
        curve = {"isBezier": True, "controlPoint1": {"x": 10, "y": 40}, "controlPoint2": {"x": 70, "y": 70}}
        region = a_vector(("a", 10, 10, "c"), ("b", 40, 40, "a", curve), ("c", 50, 20, "b"), closed=True)
        label = to_label(Trip(FIELD).answer([region])[0].added[0], FIELD)
        (points,) = label.points
        assert label.closed and len(points) == 1 + 2 * CURVE_POINTS
        assert points.count([0.1, 0.1]) == 1 and points[-1] == [0.5, 0.2]

    def test_a_drawn_curve_loaded_twice_changes_nothing(self):
        curve = {"isBezier": True, "controlPoint1": {"x": 13, "y": 41.7}, "controlPoint2": {"x": 70, "y": 70}}
        trip = Trip(FIELD)
        (label,) = trip.load([a_vector(("a", 10, 10, None), ("b", 100 / 3, 40, "a", curve))])
        assert len(label.points[0]) == 33

    @pytest.mark.parametrize(
        "vertices",
        [
            None,
            [],
            "abc",
            [1],
            [{}],
            [{"x": 1}],
            [{"x": "1", "y": 2}],
            [{"x": 1, "y": None}],
            [{"x": float("nan"), "y": 2}],
            [{"x": 1, "y": 1e9}],
            [{"id": "a", "x": 1, "y": 2}, {"id": "b", "x": 3, "y": 4, "prevPointId": "a", "isBezier": True}, 5],
            [
                {"id": "a", "x": 1, "y": 2},
                {"id": "b", "x": 3, "y": 4, "isBezier": True, "controlPoint1": {"x": "1"}},
            ],
        ],
    )
    def test_vertices_that_are_none_are_refused(self, vertices):
        label = a_polyline(PATH)
        answer, problems = Trip(FIELD, label).answer(edit_of(0, vertices=vertices))
        assert (answer.kept, answer.edited, len(problems)) == ([label.id], [], 1)

    @pytest.mark.parametrize("key", ["id", "prevPointId"])
    @pytest.mark.parametrize("value", [[], {}, [1], {"a": 1}, 5, None, True])
    def test_vertices_with_ids_that_are_none_are_read_or_refused(self, key, value):
        label = a_polyline(PATH)
        trip = Trip(FIELD, label)
        answer, _ = trip.answer(lambda result: result[0]["value"]["vertices"][1].update({key: value}))
        assert label.id in (*answer.kept, *(edit.label_id for edit in answer.edited))


class TestEdits:
    def test_a_moved_vertex_leaves_all_other_numbers_as_stored(self):
        trip = Trip(FIELD, a_polyline(PATH, OTHER))
        changes = trip.changes(lambda result: result[0]["value"]["vertices"][3].update(x=60, y=60))
        assert values_of(changes) == {"points": [[*PATH[:3], [0.6, 0.6]], OTHER]}

    def test_a_moved_vertex_is_told_from_the_noise_of_the_editor(self):
        media = MediaInfo(641, 479)
        trip = Trip(FIELD, a_polyline(PATH, OTHER), media=media)

        def move(result):
            written = through_the_editor(result, media)
            written[1]["value"]["vertices"][0]["x"] += 1
            return written

        x = OTHER[0][0] + 0.01
        assert values_of(trip.changes(move)) == {"points": [PATH, [[pytest.approx(x), OTHER[0][1]], *OTHER[1:]]]}

    @pytest.mark.parametrize("place", [0, 1, 4])
    def test_an_inserted_vertex_leaves_all_others_as_stored(self, place):
        def insert(result):
            vertices = result[0]["value"]["vertices"]
            before, after = [*[None], *vertices][place], [*vertices, None][place]
            new = {"id": "new", "x": 20, "y": 5, "prevPointId": before and before["id"], "isBezier": False}
            if after:
                after["prevPointId"] = "new"
            # The editor adds to the end of the list.
            vertices.append(new)

        points = values_of(Trip(FIELD, a_polyline(PATH, OTHER)).changes(insert))["points"]
        assert points == [[*PATH[:place], [0.2, 0.05], *PATH[place:]], OTHER]

    @pytest.mark.parametrize("place", [0, 1, 3])
    def test_a_deleted_vertex_leaves_all_others_as_stored(self, place):
        def delete(result):
            vertices = result[0]["value"]["vertices"]
            gone = vertices.pop(place)
            for vertex in vertices:
                if vertex["prevPointId"] == gone["id"]:
                    vertex["prevPointId"] = gone["prevPointId"]

        points = values_of(Trip(FIELD, a_polyline(PATH, OTHER)).changes(delete))["points"]
        assert points == [PATH[:place] + PATH[place + 1 :], OTHER]

    def test_a_deleted_shape_leaves_the_other_as_stored(self):
        trip = Trip(FIELD, a_polyline(PATH, OTHER))
        assert values_of(trip.changes(lambda result: result[1:])) == {"points": [OTHER]}

    def test_a_path_that_was_closed_changes_nothing_but_that(self):
        trip = Trip(FIELD, a_polyline(PATH))
        assert values_of(trip.changes(edit_of(0, closed=True))) == {"closed": True}

    def test_a_path_that_was_opened_changes_nothing_but_that(self):
        trip = Trip(FIELD, a_polyline(PATH, OTHER, closed=True))

        def open_both(result):
            for region in result:
                region["value"]["closed"] = False

        assert values_of(trip.changes(open_both)) == {"closed": False}

    def test_a_closed_shape_among_open_ones_comes_back_to_its_first_point(self):
        trip = Trip(FIELD, a_polyline(PATH, OTHER))
        assert values_of(trip.changes(edit_of(1, closed=True))) == {"points": [PATH, [*OTHER, OTHER[0]]]}
        (label,) = trip.load(edit_of(1, closed=True))
        assert label.closed is False

    def test_an_opened_shape_among_closed_ones_opens_the_label(self):
        trip = Trip(FIELD, a_polyline(PATH, OTHER, closed=True))
        assert values_of(trip.changes(edit_of(1, closed=False))) == {
            "points": [[*PATH, PATH[0]], OTHER],
            "closed": False,
        }
        trip.load(edit_of(1, closed=False))

    def test_a_relabelled_path_keeps_its_points(self):
        label = a_polyline(PATH, closed=True)
        assert Trip(FIELD, label).changes(edit_of(0, vectorlabels=["dog"])).values == {label.id: {"label": "dog"}}


@pytest.mark.parametrize(("label_type", "tool"), [("polyline", "VectorLabels"), ("polylines", "PolygonLabels")])
def test_the_control_draws_what_the_field_holds(label_type, tool):
    field = strategies.field_of(label_type, tool=tool)
    (control,) = family_of_type(label_type).control_tags(field)
    assert control.tag == tool
    assert (control.get("closable"), control.get("curves")) == (
        ("true", "false") if tool == "VectorLabels" else (None, None)
    )
