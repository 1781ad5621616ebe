from __future__ import annotations

import math

import fiftyone as fo
import pytest

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of_type
from fo_labelstudio.convert.records import Skeleton
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels

NAN = math.nan
MISSING = [NAN, NAN]
BODY = Skeleton(("head", "neck", "left hand", "right hand"), ((0, 1), (1, 2), (1, 3)))
SKELETONS = strategies.field_of("keypoints", "people", skeleton=BODY)
POINTS = strategies.field_of("keypoints", "people", tool="KeyPointLabels", skeleton=None)
HEAD, NECK, LEFT, RIGHT = [0.5, 0.1], [0.5, 1 / 3], [0.3, 0.5], [0.7, 2 / 3]
BODY_POINTS = [HEAD, NECK, LEFT, RIGHT]


def a_keypoint(*points, **values):
    return fo.Keypoint(label="cat", points=[list(point) for point in points], **values)


def drawn_skeleton(*vertices, region_id="n"):
    """A region as drawn by hand; vertices as ``(id, x, y, previous id)``."""
    value = {
        "vertices": [
            {"id": v[0], "x": v[1], "y": v[2], "isBezier": False} | ({} if v[3] is None else {"prevPointId": v[3]})
            for v in vertices
        ],
        "closed": False,
        "vectorlabels": ["cat"],
    }
    return {"id": region_id, "from_name": "people", "to_name": "image", "type": "vectorlabels", "value": value}


def drawn_point(region_id, x, y, **values):
    value = {"x": x, "y": y, "width": 0.23, "keypointlabels": ["cat"]}
    return {"id": region_id, "from_name": "people", "type": "keypointlabels", "value": value, **values}


def add_vertex(vertex_id, x, y, before):
    vertex = {"id": vertex_id, "x": x, "y": y, "prevPointId": before, "isBezier": False}
    return lambda result: result[0]["value"]["vertices"].append(vertex)


def without_vertex(vertex_id):
    def edit(result):
        value = result[0]["value"]
        value["vertices"] = [vertex for vertex in value["vertices"] if vertex["id"] != vertex_id]

    return edit


def same(points, expected):
    """Whether points are equal, NaN where NaN is expected."""
    return [list(map(str, point)) for point in points] == [list(map(str, point)) for point in expected]


def values_of(changes):
    (values,) = changes.values.values()
    return values


class TestSkeletons:
    def test_an_instance_is_one_region_whose_edges_are_those_of_the_skeleton(self):
        label = a_keypoint(*BODY_POINTS, confidence=[0.1, 0.2, 0.3, 0.4])
        (region,) = Trip(SKELETONS, label).sent
        edges = {(vertex["id"], vertex["prevPointId"]) for vertex in region["value"]["vertices"]}
        assert edges == {("0", "-"), ("1", "0"), ("2", "1"), ("3", "1")}
        assert (region["id"], region["value"]["closed"], "score" in region) == (label.id, False, False)

    def test_a_missing_joint_has_no_vertex(self):
        (region,) = Trip(SKELETONS, a_keypoint(HEAD, MISSING, LEFT, RIGHT)).sent
        assert [(v["id"], v["prevPointId"]) for v in region["value"]["vertices"]] == [
            ("0", "-"),
            ("2", "-"),
            ("3", "-"),
        ]

    def test_joints_at_the_same_place_stay_two(self):
        label = a_keypoint(HEAD, HEAD, HEAD, HEAD)
        trip = Trip(SKELETONS, label)
        assert len(trip.sent[0]["value"]["vertices"]) == 4
        assert trip.changes().is_empty

    def test_a_moved_joint_leaves_all_other_numbers_as_stored(self):
        label = a_keypoint(HEAD, MISSING, LEFT, RIGHT, confidence=[0.1, 0.2, 0.3, 0.4])

        def move(result):
            next(v for v in result[0]["value"]["vertices"] if v["id"] == "2").update(x=25, y=55)

        values = values_of(Trip(SKELETONS, label).changes(move))
        assert set(values) == {"points"} and same(values["points"], [HEAD, MISSING, [0.25, 0.55], RIGHT])

    def test_the_order_of_the_vertices_does_not_matter(self):
        label = a_keypoint(*BODY_POINTS)
        assert Trip(SKELETONS, label).changes(lambda result: result[0]["value"]["vertices"].reverse()).is_empty

    def test_a_deleted_joint_is_missing_in_its_place(self):
        label = a_keypoint(*BODY_POINTS, confidence=[0.1, 0.2, 0.3, 0.4])
        values = values_of(Trip(SKELETONS, label).changes(without_vertex("1")))
        assert same(values["points"], [HEAD, MISSING, LEFT, RIGHT])
        (back,) = Trip(SKELETONS, label).load(without_vertex("1"))
        assert [back.confidence[number] for number in (0, 2, 3)] == [0.1, 0.3, 0.4]

    @pytest.mark.parametrize(("before", "expected"), [("1", 3), ("0", 3), ("-", 3), (None, 3)])
    def test_the_only_missing_joint_is_the_one_that_was_drawn(self, before, expected):
        trip = Trip(SKELETONS, a_keypoint(HEAD, NECK, LEFT, MISSING))
        (back,) = trip.load(add_vertex("Xy_1", 70, 50, before))
        assert same(back.points, [HEAD, NECK, LEFT, [0.7, 0.5]])

    def test_a_joint_drawn_from_a_neighbour_is_the_one_that_the_skeleton_connects_to_it(self):
        # Left hand and head are missing; what is drawn from the neck is the head by the first edge, then the hand.
        trip = Trip(SKELETONS, a_keypoint(MISSING, MISSING, LEFT, MISSING))
        answer, problems = trip.answer(add_vertex("new", 50, 30, "2"))
        assert same(to_label(answer.edited[0], SKELETONS).points, [MISSING, [0.5, 0.3], LEFT, MISSING])
        assert problems == [
            f"task 7, region {trip.sent[0]['id']!r}: field 'people': the points that were drawn were taken for neck"
        ]

    def test_more_points_than_joints_leave_the_label_alone(self):
        label = a_keypoint(*BODY_POINTS)
        answer, problems = Trip(SKELETONS, label).answer(add_vertex("new", 50, 30, "2"))
        assert (answer.kept, answer.edited) == ([label.id], [])
        assert problems[0].endswith("it has 5 points, the skeleton of the field has 4; left alone")

    @pytest.mark.parametrize(
        "edges", [(), ((0, 1), (1, 2), (1, 3)), ((0, 2), (2, 1), (1, 3)), ((3, 0), (3, 1), (3, 2)), ((2, 3), (0, 3))]
    )
    def test_a_skeleton_drawn_in_the_order_that_the_hint_names_gets_its_joints_in_that_order(self, edges):
        field = strategies.field_of("keypoints", "people", skeleton=BODY._replace(edges=edges))
        region = drawn_skeleton(("a", 50, 10, None), ("b", 50, 30, "a"), ("c", 30, 50, "b"), ("d", 70, 50, "c"))
        (edit,) = new_labels(field, [region])
        assert to_label(edit, field).points == [[0.5, 0.1], [0.5, 0.3], [0.3, 0.5], [0.7, 0.5]]

    def test_a_skeleton_drawn_in_part_lacks_the_last_joints(self):
        (edit,) = new_labels(SKELETONS, [drawn_skeleton(("a", 50, 10, None), ("b", 50, 30, "a"))])
        label = to_label(edit, SKELETONS)
        assert same(label.points, [[0.5, 0.1], [0.5, 0.3], MISSING, MISSING])
        assert not label.confidence

    def test_a_drawn_skeleton_that_grows_a_joint_and_loses_one_is_brought_up_to_date(self):
        trip = Trip(SKELETONS)
        (label,) = trip.load([drawn_skeleton(("a", 50, 10, None), ("b", 50, 30, "a"))])
        assert len(label.points) == 4

    @pytest.mark.parametrize("vertex_id", [[], {}, None, 5, "٣", "9" * 5000, "007", "-1", "1e3", ""])
    @pytest.mark.parametrize("key", ["id", "prevPointId"])
    def test_vertices_with_strange_ids_lose_no_label(self, vertex_id, key):
        label = a_keypoint(HEAD, NECK, LEFT, MISSING)
        trip = Trip(SKELETONS, label)
        answer, _ = trip.answer(lambda result: result[0]["value"]["vertices"][1].update({key: vertex_id}))
        assert label.id in (*answer.kept, *(edit.label_id for edit in answer.edited))

    @pytest.mark.parametrize("vertex_id", [None, "same"])
    def test_drawn_vertices_that_share_an_id_are_joints_of_their_own(self, vertex_id):
        (edit,) = new_labels(SKELETONS, [drawn_skeleton((vertex_id, 50, 10, None), (vertex_id, 50, 30, None))])
        assert same(to_label(edit, SKELETONS).points, [[0.5, 0.1], [0.5, 0.3], MISSING, MISSING])

    def test_skeletons_never_merge_and_none_is_deleted_when_one_is_nested_in_another(self):
        first, second = a_keypoint(*BODY_POINTS), a_keypoint(*BODY_POINTS)

        def nest(result):
            result[1]["parentID"] = first.id

        trip = Trip(SKELETONS, first, second)
        answer, _ = trip.answer(nest)
        assert answer.deleted == [] and answer.edited == []
        assert set(answer.kept) >= {first.id, second.id}

    def test_an_instance_without_any_point_is_not_shown_and_stays(self):
        trip = Trip(SKELETONS, a_keypoint(MISSING, MISSING))
        assert trip.sent == [] and trip.changes([]).is_empty

    def test_an_instance_shorter_than_its_skeleton_grows_when_a_joint_is_drawn(self):
        trip = Trip(SKELETONS, a_keypoint(HEAD, NECK, confidence=[0.5, 0.25]))
        (back,) = trip.load(add_vertex("new", 70, 50, "1"))
        assert same(back.points, [HEAD, NECK, [0.7, 0.5]])
        assert back.confidence[:2] == [0.5, 0.25] and math.isnan(back.confidence[2])


class TestPointsWithoutSkeleton:
    def test_each_point_is_a_region_with_its_own_score_under_the_first(self):
        label = a_keypoint(HEAD, MISSING, LEFT, confidence=[0.1, 0.2, NAN])
        sent = Trip(POINTS, label).sent
        assert [(r["id"], r.get("parentID"), r.get("score")) for r in sent] == [
            (label.id, None, 0.1),
            (f"{label.id}.3", label.id, None),
        ]
        assert sent[1]["value"] == {"x": 30.0, "y": 50.0, "width": 0.6, "keypointlabels": ["cat"]}

    def test_a_moved_point_leaves_all_other_numbers_as_stored(self):
        label = a_keypoint(HEAD, MISSING, NECK, RIGHT, confidence=[0.1, 0.2, 0.3, 0.4])

        def move(result):
            result[1]["value"].update(x=25)

        values = values_of(Trip(POINTS, label).changes(move))
        assert set(values) == {"points"} and same(values["points"], [HEAD, MISSING, [0.25, NECK[1]], RIGHT])

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_a_deleted_point_is_gone_with_its_confidence_and_stays_so(self, number):
        scores = [0.1, 0.2, 0.3, 0.4]
        label = a_keypoint(*BODY_POINTS, confidence=scores)
        (back,) = Trip(POINTS, label).load(lambda result: result[:number] + result[number + 1 :])
        assert same(back.points, BODY_POINTS[:number] + BODY_POINTS[number + 1 :])
        assert back.confidence == scores[:number] + scores[number + 1 :]

    def test_a_deleted_point_among_missing_ones_leaves_those(self):
        label = a_keypoint(MISSING, HEAD, NECK, MISSING, confidence=[NAN, 0.2, 0.3, NAN])
        (back,) = Trip(POINTS, label).load(lambda result: result[1:])
        assert same(back.points, [MISSING, NECK, MISSING])
        assert back.confidence[1] == 0.3

    def test_a_point_drawn_into_an_instance_comes_last(self):
        label = a_keypoint(HEAD, NECK, confidence=[0.5, 0.25])
        trip = Trip(POINTS, label)
        (back,) = trip.load([drawn_point("n", 70, 50, parentID=label.id), *trip.sent])
        assert same(back.points, [HEAD, NECK, [0.7, 0.5]])
        assert back.confidence[:2] == [0.5, 0.25] and math.isnan(back.confidence[2])

    def test_of_equal_points_that_were_deleted_and_drawn_again_none_loses_its_confidence(self):
        label = a_keypoint(HEAD, HEAD, HEAD, confidence=[0.5, 0.25, 0.125])
        trip = Trip(POINTS, label)
        x, y = (100 * value for value in HEAD)
        drawn = [drawn_point(name, x, y, parentID=label.id) for name in ("m", "n")]
        (back,) = trip.load([trip.sent[2], *drawn])
        assert same(back.points, [HEAD, HEAD, HEAD])
        assert back.confidence == [0.5, 0.25, 0.125]

    def test_drawn_points_are_instances_of_their_own(self):
        edits = new_labels(POINTS, [drawn_point("a", 10, 20), drawn_point("b", 30, 40)])
        assert [to_label(edit, POINTS).points for edit in edits] == [[[0.1, 0.2]], [[0.3, 0.4]]]

    def test_points_under_a_box_of_another_field_are_not_joined(self):
        edits = new_labels(POINTS, [drawn_point("a", 10, 20, parentID="box"), drawn_point("b", 30, 40, parentID="box")])
        assert len(edits) == 2

    def test_instances_never_merge_whatever_the_order_of_their_points(self):
        first, second = a_keypoint(HEAD, NECK), a_keypoint(LEFT, RIGHT)
        trip = Trip(POINTS, first, second)
        assert trip.changes(lambda result: [result[3], result[1], result[0], result[2]]).is_empty

    def test_the_deletion_of_all_points_deletes_the_instance(self):
        first, second = a_keypoint(HEAD, NECK), a_keypoint(LEFT, RIGHT)
        assert Trip(POINTS, first, second).changes(lambda result: result[2:]).deleted == [first.id]

    def test_an_instance_whose_first_point_was_deleted_is_still_that_instance(self):
        label = a_keypoint(HEAD, NECK, LEFT)
        (back,) = Trip(POINTS, label).load(lambda result: result[1:])
        assert back.id == label.id and same(back.points, [NECK, LEFT])

    @pytest.mark.parametrize("number", ["0", "1", "1000", "9" * 5000])
    def test_a_part_that_was_never_sent_is_no_place_among_the_points(self, number):
        label = a_keypoint(HEAD, NECK)
        trip = Trip(POINTS, label)
        (back,) = trip.load([*trip.sent, drawn_point(f"{label.id}.{number}", 70, 50)])
        assert same(back.points, [HEAD, NECK, [0.7, 0.5]])


@pytest.mark.parametrize("field", [SKELETONS, POINTS], ids=["skeleton", "points"])
class TestBothTools:
    def test_a_relabelled_instance_keeps_its_points(self, field):
        label = a_keypoint(HEAD, MISSING, NECK, confidence=[0.1, 0.2, 0.3])

        def relabel(result):
            for region in result:
                region["value"][region["type"]] = ["dog"]

        assert Trip(field, label).changes(relabel).values == {label.id: {"label": "dog"}}

    def test_a_confidence_that_is_no_score_is_no_hindrance(self, field):
        label = a_keypoint(HEAD, NECK, confidence=[7.0, NAN])
        assert Trip(field, label).changes().is_empty

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"points": [[0.1, NAN]]}, "expected two finite numbers"),
            ({"points": [[100, 200]]}, "expected two finite numbers"),
            ({"points": [[math.inf, 0]]}, "expected two finite numbers"),
            ({"label": "zebra"}, "its class 'zebra' is not among the classes"),
        ],
    )
    def test_an_instance_that_cannot_be_sent_is_told(self, field, values, problem):
        label = fo.Keypoint(**{"label": "cat", "points": [HEAD], **values})
        assert problem in family_of_type("keypoints").check(label, field)


def test_an_instance_with_more_points_than_its_skeleton_is_told():
    problem = family_of_type("keypoints").check(a_keypoint(*BODY_POINTS, HEAD), SKELETONS)
    assert problem == "it has 5 points, but the skeleton of the field has 4; correct the label or the skeleton"


def test_the_control_limits_a_skeleton_to_its_joints():
    (control,) = family_of_type("keypoints").control_tags(SKELETONS)
    assert (control.tag, control.get("maxPoints"), control.get("closable")) == ("VectorLabels", "4", "false")
    (control,) = family_of_type("keypoints").control_tags(POINTS)
    assert control.tag == "KeyPointLabels"
