"""What was not understood is no answer, and a region without an id is a new label."""

from __future__ import annotations

import copy

import fiftyone as fo
import pytest

from fo_labelstudio.convert.annotation.parse import parse_task
from tests.convert.annotation.test_parse import BOXES, RUN, a_task, read, two_boxes
from tests.convert.strategies import field_of

VALUE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
REGION = {"id": "drawn", "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": VALUE}


def nameless(**values):
    return {**{key: value for key, value in REGION.items() if key != "id"}, **values}


@pytest.mark.parametrize("region_id", [None, 5, 5.5, True, "", [], {"a": 1}])
def test_a_region_without_an_id_is_a_new_label_with_the_same_id_at_every_load(region_id):
    labels = two_boxes()
    task = a_task(labels, lambda sent: [nameless(id=region_id), nameless()])
    answers = [read(copy.deepcopy(task))[0].fields["boxes"] for _ in range(2)]
    ids = [[edit.label_id for edit in answer.added] for answer in answers]
    assert ids[0] == ids[1] and len(set(ids[0])) == 2
    assert (answers[0].kept, answers[0].deleted) == ([label.id for label in labels.detections], [])


def test_ids_are_those_of_the_annotation_and_the_place():
    task = a_task(two_boxes(), lambda sent: [*sent, nameless()])
    moved = copy.deepcopy(task)
    moved["annotations"][0]["id"] = 2
    (first,), (second,) = (read(one)[0].fields["boxes"].added for one in (task, moved))
    assert first.label_id != second.label_id


def test_a_note_says_that_labels_were_left_alone_only_where_some_were():
    _, problems = read(a_task(two_boxes(), lambda sent: [*sent, nameless()]))
    assert problems == []
    _, problems = read(a_task(two_boxes(), lambda sent: [nameless()]))
    assert problems == [
        "task 7: field 'boxes': a region without an id is taken for a new label; labels that it may stand for are left "
        "alone"
    ]


def test_a_label_that_has_its_id_is_still_edited_beside_one_without():
    labels = two_boxes()

    def move(sent):
        sent[0]["value"]["x"] += 5
        return [sent[0], nameless()]

    answer = read(a_task(labels, move))[0].fields["boxes"]
    (edit,) = answer.edited
    assert (edit.label_id, edit.aspects) == (labels.detections[0].id, ("box",))
    assert answer.kept == [labels.detections[1].id]


@pytest.mark.parametrize(
    ("result", "is_looked_at"),
    [
        ([], True),
        ([REGION], True),
        ([3], False),
        ([{}], False),
        ([{**REGION, "value": 3}], False),
        ([{**REGION, "value": {}}], False),
        ([{**REGION, "from_name": "added", "type": "brush"}], False),
        ([{**REGION, "from_name": "added", "type": "rectangle"}], True),
    ],
)
def test_nothing_to_see_is_said_only_by_an_answer_that_was_understood(result, is_looked_at):
    answer, _ = read(a_task(fo.Detections(), lambda sent: result))
    assert answer.fields[BOXES.name].is_looked_at == is_looked_at


@pytest.mark.parametrize("value", [{"x": "?"}, VALUE])
def test_a_field_whose_control_holds_regions_of_another_kind_only_is_not_called_empty(value):
    polygons = field_of("polygons", "outlines")
    task = a_task(fo.Detections(), lambda sent: [REGION, {**REGION, "id": "other", "from_name": "outlines"}])
    task["annotations"][0]["result"][1]["value"] = {**value, "rectanglelabels": ["none of the classes"]}
    answer = parse_task(task, [BOXES, polygons], RUN, [])
    assert [edit.parsed.key for edit in answer.fields["boxes"].added] == ["drawn"]
    assert answer.fields["outlines"].is_looked_at is False
