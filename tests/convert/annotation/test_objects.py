"""Regions and answers about another object than the image of the sample: never labels of the sample."""

from __future__ import annotations

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from tests.convert import strategies
from tests.convert.annotation.test_parse import BOXES, RUN, a_task, two_boxes
from tests.convert.families.test_contract import junk

WEATHER = strategies.field_of("classification", "weather")
GEOMETRY = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
DRAWN = {
    "rectanglelabels": {**GEOMETRY, "rectanglelabels": ["cat"]},
    "polygonlabels": {"points": [[1, 1], [5, 1], [5, 5]], "closed": True, "polygonlabels": ["cat"]},
    "keypointlabels": {"x": 5, "y": 5, "width": 1, "keypointlabels": ["cat"]},
    "rectangle": GEOMETRY,
    "labels": {"start": 0, "end": 4, "text": "cats", "labels": ["cat"]},
}
ANSWERED = {
    "choices": {"choices": ["cat"]},
    "textarea": {"text": ["cat"]},
    "number": {"number": 1},
    "rating": {"rating": 1},
    "datetime": {"datetime": "2024-02-29"},
    "taxonomy": {"taxonomy": [["cat"]]},
}


def on(name, kind, value, region_id="r", control="added", **values):
    return {"id": region_id, "from_name": control, "to_name": name, "type": kind, "value": value, **values}


def read(result, field=BOXES, labels=None):
    labels = labels or two_boxes()
    problems: list = []
    answer = parse_task(a_task(labels, lambda sent: [*sent, *result], field), [field], RUN, problems)
    return answer, [str(problem) for problem in problems], [label.id for label in getattr(labels, "detections", ())]


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("control", ["added", "boxes"])
@pytest.mark.parametrize("place", [{"name": "second"}, {"name": "image", "item_index": 1}])
def test_a_region_of_another_object_is_no_label_and_is_reported(kind, control, place):
    region = on(place["name"], kind, DRAWN[kind], control=control, **{k: v for k, v in place.items() if k != "name"})
    answer, problems, ids = read([region])
    assert answer.unexpected == {} and answer.fields["boxes"].added == []
    assert ids == answer.fields["boxes"].kept[:2]
    where = "'second'" if place["name"] == "second" else "image 1 of 'image', counted from 0"
    assert problems == [f"task 7, region 'r': it is drawn on {where}, not the image of the sample; left alone"]


@pytest.mark.parametrize("kind", ANSWERED)
@pytest.mark.parametrize("control", ["added", "weather"])
def test_an_answer_about_another_object_is_no_label_and_is_reported(kind, control):
    label = fo.Classification(label="dog")
    answer, problems, _ = read([on("second", kind, ANSWERED[kind], control=control)], WEATHER, label)
    assert answer.unexpected == {}
    assert (answer.fields["weather"].kept[0], answer.fields["weather"].is_untouched) == (label.id, True)
    assert problems == ["task 7, region 'r': it is about 'second', not the image of the sample; left alone"]


def test_an_answer_about_a_region_of_another_object_is_about_that_object():
    region = on("second", "rectanglelabels", DRAWN["rectanglelabels"])
    answer, problems, _ = read([region, on("image", "choices", {**GEOMETRY, **ANSWERED["choices"]}, control="quality")])
    assert answer.unexpected == {}
    assert problems == ["task 7, region 'r': it is drawn on 'second', not the image of the sample; left alone"]


def test_a_label_that_comes_back_on_another_object_stays_as_it_was():
    labels = two_boxes()
    problems: list = []

    def move_away(result):
        result[0]["to_name"] = "second"
        result[0]["value"]["x"] = 77
        return result

    answer = parse_task(a_task(labels, move_away), [BOXES], RUN, problems)
    assert answer.fields["boxes"].is_untouched
    assert sorted(answer.fields["boxes"].kept) == sorted(label.id for label in labels.detections)
    assert len(problems) == 1 and "drawn on 'second'" in str(problems[0])


def test_no_label_of_a_control_tag_that_was_tied_to_another_object_is_called_gone():
    labels = two_boxes()
    problems: list = []
    region = on("second", "rectanglelabels", DRAWN["rectanglelabels"], control="boxes")
    answer = parse_task(a_task(labels, lambda sent: [region]), [BOXES], RUN, problems)
    assert answer.fields["boxes"].is_untouched
    assert {label.id for label in labels.detections} <= set(answer.fields["boxes"].kept)


def test_a_region_is_not_given_the_class_of_one_of_another_object():
    shape = on("image", "rectangle", GEOMETRY, control="shapes")
    answer, problems, _ = read([shape, on("second", "labels", {**GEOMETRY, "labels": ["dog"]}, control="classes")])
    (edit,) = answer.unexpected["detections"]
    assert edit.parsed.values["label"] is None
    assert problems == ["task 7, region 'r': it is drawn on 'second', not the image of the sample; left alone"]


def test_a_relation_to_a_region_of_another_object_is_reported():
    labels = two_boxes()
    start = labels.detections[0].id
    region = on("second", "rectanglelabels", DRAWN["rectanglelabels"])
    relation = {"type": "relation", "from_id": start, "to_id": "r", "direction": "right", "labels": ["sees"]}
    answer, problems, _ = read([region, relation], labels=labels)
    assert answer.relations == {}
    assert problems[1:] == [f"task 7, region {start!r}: its relation to 'r' was left alone: 'r' is of another object"]


@pytest.mark.parametrize("place", [{}, {"item_index": 0}, {"item_index": None}])
def test_the_first_image_of_several_is_that_of_the_sample(place):
    answer, problems, _ = read([on("image", "rectanglelabels", DRAWN["rectanglelabels"], control="boxes", **place)])
    assert len(answer.fields["boxes"].added) == 1 and problems == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {"to_name": junk.filter(lambda name: name not in (None, "image"))},
            optional={
                "id": junk,
                "from_name": st.just("boxes") | junk,
                "type": st.sampled_from([*DRAWN, *ANSWERED]) | junk,
                "value": junk | st.sampled_from([*DRAWN.values(), *ANSWERED.values()]),
                "item_index": junk,
            },
        )
    )
)
def test_nothing_of_another_object_becomes_a_label_or_changes_one(result):
    answer, problems, ids = read(result)
    assert answer.unexpected == {} and answer.fields["boxes"].is_untouched
    assert answer.fields["boxes"].kept[:2] == ids
    assert bool(problems) == bool(result)
