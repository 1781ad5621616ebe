"""When the annotations of a task say the same: as labels, whatever they are called and in whatever order they come."""

from __future__ import annotations

import copy
import json

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from fo_labelstudio.merge.agreement import is_disputed, is_edited
from tests.convert import strategies
from tests.convert.spanned import record_of
from tests.convert.trip import RUN, SAMPLE, SQUARE, through_the_editor
from tests.properties import examples
from tests.support import as_exported

BOXES = strategies.field_of("detections", "boxes")


def task_of(*results, sent=(), field=BOXES, annotations=()):
    """A task that has been annotated, once for each result; each annotator began with what was sent."""
    value = fo.Detections(detections=list(sent)) if field is BOXES else None
    task = to_task(SampleRecord(SAMPLE, "x.png", SQUARE, {field.name: value}), [field], "u", RUN)
    predictions = task.pop("predictions")
    started = predictions[0]["result"] if predictions else []
    made = [
        as_exported(result(copy.deepcopy(started)) if callable(result) else result, started, id=number)
        for number, result in enumerate(results, 1)
    ]
    return {"id": 7, **task, "annotations": [*made, *annotations]}


def disputed(*results, **options):
    return is_disputed(task_of(*results, **options), [options.get("field", BOXES)], RUN)


def region(name, label="cat", x=10.0, **values):
    value = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
    drawn = {"id": name, "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {**drawn, "original_width": 100, "original_height": 100, **values}


def box(label="cat"):
    return fo.Detection(label=label, bounding_box=[1 / 3, 0.2, 0.3, 0.4])


def same(result):
    return result


def relabel(result):
    result[0]["value"]["rectanglelabels"] = ["dog"]
    return result


class TestDisputed:
    def test_one_annotation_disputes_nothing(self):
        assert not disputed([region("a")])

    def test_ids_and_order_are_no_difference(self):
        assert not disputed([region("a"), region("b", x=50)], [region("c", x=50), region("d")])

    def test_noise_of_numbers_is_no_difference(self):
        assert not disputed([region("a", x=10.5)], [region("a", x=10.500000000000002)])

    def test_what_was_sent_and_what_was_drawn_there_by_hand_are_the_same(self):
        assert not disputed(same, lambda sent: [{**sent[0], "id": "drawn"}], sent=[box()])

    @pytest.mark.parametrize(
        "other",
        [
            [region("a", x=10.1)],
            [region("a", "dog")],
            [],
            [region("a"), region("b")],
            [region("a"), region("b", x=50)],
        ],
        ids=["moved", "relabelled", "deleted", "twice", "one more"],
    )
    def test_labels_that_differ_are_a_difference(self, other):
        assert disputed([region("a")], other)
        assert disputed(other, [region("a")])

    def test_it_takes_two_of_three_to_differ(self):
        assert disputed([region("a")], [region("b")], [])
        assert not disputed([], [], [])

    def test_one_that_was_skipped_says_nothing(self):
        skipped = as_exported([], [], was_cancelled=True)
        assert not disputed([region("a")], annotations=[skipped])

    def test_labels_that_no_field_expects_count(self):
        ellipse = {"id": "eye", "from_name": "eyes", "to_name": "image", "type": "ellipselabels"}
        ellipse["value"] = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 0, "ellipselabels": ["eye"]}
        assert disputed([region("a")], [region("a"), ellipse])
        assert not disputed([region("a"), ellipse], [{**ellipse, "id": "other"}, region("b")])

    def test_relations_count(self):
        def related(*names):
            return {"type": "relation", "from_id": names[0], "to_id": names[1], "direction": "right"}

        one, other = [region("a"), region("b", x=50)], [region("c", x=50), region("d")]
        assert disputed([*one, related("a", "b")], other)
        assert disputed([*one, related("a", "b")], [*other, related("c", "d")])
        assert not disputed([*one, related("a", "b")], [*other, related("d", "c")])

    def test_a_region_that_cannot_be_understood_is_not_compared(self):
        assert not disputed([region("a")], [region("a"), {"id": "b", "type": "rectanglelabels", "value": 3}])

    def test_a_task_of_somebody_else_disputes_nothing(self):
        task = task_of([region("a")], [])
        assert not is_disputed({**task, "meta": {}}, [BOXES], RUN)
        assert not is_disputed({**task, "annotations": None}, [BOXES], RUN)


def renamed(result):
    """A result whose labels have other ids, as if somebody else had drawn them."""

    def other(region_id):
        whole = whole_id(region_id)
        return names.setdefault(whole, f"other {len(names)}") + region_id[len(whole) :]

    names = {}
    return [{**item, **{key: other(item[key]) for key in ("id", "parentID") if key in item}} for item in result]


@examples(10)
@pytest.mark.parametrize("label_type", LABEL_TYPES)
@given(data=st.data())
def test_two_who_submit_the_same_labels_of_any_type_agree(label_type, data):
    case = data.draw(strategies.cases(label_type))
    record = record_of(SAMPLE, case.field, case.value, case.media)
    task = json.loads(json.dumps({"id": 7, **to_task(record, [case.field], "u", RUN)}))
    sent = task.pop("predictions")[0]["result"] if task["predictions"] else []
    untouched = through_the_editor(sent, case.media)
    others = renamed(data.draw(st.permutations(untouched)))
    answers = [as_exported(result, sent, id=number) for number, result in enumerate((untouched, others))]
    assert not is_disputed({**task, "annotations": answers}, [case.field], RUN)
    answers[1]["result"] = []
    assert is_disputed({**task, "annotations": answers}, [case.field], RUN) == bool(untouched)


class TestEdited:
    def edited(self, result, sent=()):
        answer = parse_task(task_of(result, sent=sent), [BOXES], RUN, [])
        return is_edited(answer)

    def test_what_comes_back_as_it_was_sent_is_not_edited(self):
        assert not self.edited(lambda sent: through_the_editor(sent, SQUARE), [box(), box("dog")])
        assert not self.edited([], [])

    @pytest.mark.parametrize("edit", [relabel, lambda sent: [], lambda sent: [*sent, region("new")]])
    def test_what_was_changed_deleted_or_added_is_edited(self, edit):
        assert self.edited(edit, [box()])

    def test_what_was_drawn_where_nothing_was_sent_is_edited(self):
        assert self.edited([region("new")])

    def test_labels_that_the_annotator_did_not_see_are_not_deleted(self):
        task = task_of([], sent=[box()])
        task["annotations"][0].update(parent_prediction=None, prediction={})
        assert not is_edited(parse_task(task, [BOXES], RUN, []))
