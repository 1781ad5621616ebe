"""Answers about regions to control tags that somebody added, and classes that the label schema lacks."""

from __future__ import annotations

from dataclasses import replace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation import added, region_answers
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.records import RegionAnswer
from fo_labelstudio.errors import RegionError
from fo_labelstudio.merge.changes import label_changes
from tests.convert import strategies
from tests.convert.annotation.test_parse import BOXES, RUN, a_task, two_boxes
from tests.convert.families.test_contract import junk
from tests.convert.trip import loaded

OPEN = replace(BOXES, takes_unexpected=True)
WEATHER = strategies.field_of("classification", "weather")


def result_of(kind, value, region_id="r", control="quality"):
    return {"id": region_id, "from_name": control, "to_name": "image", "type": kind, "value": value}


def read(labels, result, *fields):
    problems: list = []
    task = a_task(labels, result, fields[0])
    answer = parse_task(task, fields, RUN, problems)
    return answer, [str(problem) for problem in problems]


def say(*values, kind="choices", control="quality"):
    """Has an answer given about each of the regions that were sent, as far as there are answers."""

    def answer(result):
        about = [result_of(kind, value, item["id"], control) for item, value in zip(result, values, strict=False)]
        return [*result, *about]

    return answer


@pytest.mark.parametrize(
    ("kind", "value", "of", "values"),
    [
        ("choices", {"choices": ["good"]}, "str", ("good",)),
        ("choices", {"choices": ["a", "b", "a"]}, "str", ("a", "b")),
        ("choices", {"choices": []}, None, ()),
        ("textarea", {"text": ["hello"]}, "str", ("hello",)),
        ("textarea", {"text": "hello"}, "str", ("hello",)),
        ("textarea", {"text": ["a", "", "a"]}, "str", ("a", "a")),
        ("textarea", {"text": [""]}, None, ()),
        ("rating", {"rating": 4}, "int", (4,)),
        ("number", {"number": 3}, "float", (3.0,)),
        ("number", {"number": -0.5}, "float", (-0.5,)),
        ("number", {}, None, ()),
        ("taxonomy", {"taxonomy": [["Animal", "Cat"]]}, "str", ("Animal/Cat",)),
        ("taxonomy", {"taxonomy": [["Animal", "Cat"], ["Plant"]]}, "str", ("Animal/Cat", "Plant")),
        ("datetime", {"datetime": "2024-02-29"}, "date", ("2024-02-29",)),
        ("datetime", {"datetime": "2024-02-29T13:45"}, "datetime", ("2024-02-29T13:45:00.000000",)),
    ],
)
def test_an_answer_about_a_region_is_read(kind, value, of, values):
    expected = RegionAnswer("quality", of, values) if of else None
    assert region_answers.parse(result_of(kind, value)) == expected


@given(
    kind=st.sampled_from(["choices", "textarea", "rating", "number", "taxonomy", "datetime", "pairwise"]), value=junk
)
def test_what_is_no_answer_is_refused(kind, value):
    try:
        answer = region_answers.parse(result_of(kind, {"text" if kind == "textarea" else kind: value}))
    except RegionError:
        return
    assert answer is None or (answer.values and all(item is not None for item in answer.values))


def asked(*answers):
    found = added.Asked()
    for answer in answers:
        found.add(answer)
    return found.kind


def test_an_attribute_is_of_a_type_that_holds_all_of_its_answers():
    one, two = RegionAnswer("q", "str", ("a",)), RegionAnswer("q", "str", ("a", "b"))
    whole, real = RegionAnswer("q", "int", (1,)), RegionAnswer("q", "float", (1.0,))
    day, time = RegionAnswer("q", "date", ("2024-02-29",)), RegionAnswer("q", "datetime", ("2024-02-29T00:00:00",))
    assert [asked(one), asked(one, two), asked(whole), asked(whole, real)] == ["str", "list", "int", "float"]
    assert [asked(day), asked(day, time), asked(day, one)] == ["date", "datetime", "str"]


def test_an_answer_about_a_region_is_no_answer_about_the_image():
    answer, problems = read(two_boxes(), say({"choices": ["good"]}), BOXES)
    assert (answer.unexpected, answer.fields["boxes"].is_untouched, problems) == ({}, True, [])
    assert answer.answered == {"quality": 1}


def test_an_answer_about_a_region_makes_an_edit_only_where_it_is_kept():
    labels = two_boxes()
    answer, _ = read(labels, say({"choices": ["good"]}), OPEN)
    (edit,) = answer.fields["boxes"].edited
    assert (edit.label_id, edit.aspects) == (labels.detections[0].id, ())
    assert edit.parsed.answers == (RegionAnswer("quality", "str", ("good",)),)
    assert answer.fields["boxes"].kept == [labels.detections[1].id]


def test_an_answer_to_a_question_about_the_image_that_became_one_about_regions_is_no_class_of_the_image():
    label = fo.Classification(label="cat")
    drawn = {**result_of("rectanglelabels", {"rectanglelabels": ["cat"]}, "r", "added")}
    drawn["value"].update(x=1, y=1, width=5, height=5, rotation=0)
    answer, _ = read(label, lambda sent: [drawn, result_of("choices", {"choices": ["dog"]}, "r", "weather")], WEATHER)
    assert answer.fields["weather"].is_untouched and answer.fields["weather"].kept[0] == label.id
    (edit,) = answer.unexpected["detections"]
    assert edit.parsed.answers == (RegionAnswer("weather", "str", ("dog",)),)


def test_of_several_answers_about_the_regions_of_one_label_the_first_counts():
    field = replace(strategies.field_of("polygons", "shapes"), takes_unexpected=True)
    square = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]
    shape = fo.Polyline(label="cat", points=[square, square], closed=True, filled=True)
    labels = fo.Polylines(polylines=[shape])
    answer, problems = read(labels, say({"choices": ["a"]}, {"choices": ["b"]}), field)
    (edit,) = answer.fields["shapes"].edited
    assert edit.parsed.answers == (RegionAnswer("quality", "str", ("a",)),)
    assert "its regions have several answers to 'quality'; took the first" in problems[0]


def test_an_answer_that_cannot_be_understood_is_reported_and_nothing_else_is_lost():
    labels = two_boxes()
    answer, problems = read(labels, say({"number": "many"}, kind="number"), OPEN)
    assert answer.fields["boxes"].kept == [label.id for label in labels.detections]
    assert len(problems) == 1 and "control tag 'quality'" in problems[0]


def changes_of(labels, result, written=None, stored=None, field=OPEN):
    answer, _ = read(labels, result, field)
    seen: dict = {}
    added.observe(answer, seen)
    attributes = {name: added.attribute_of(name, like.kind) for name, like in seen.get("boxes", {}).items()}
    refused: list = []
    found = added.with_attributes(answer.fields["boxes"], attributes, lambda *row: refused.append(row))
    docs = stored or [label.to_dict() for label in labels.detections]
    effective = replace(field, attributes=tuple(attributes.values()))
    return label_changes(docs, found, effective, {}, (), written=written or {}), refused


def test_an_answer_is_written_into_its_label_and_nothing_else_is():
    labels = two_boxes()
    first, second = (label.id for label in labels.detections)
    changes, refused = changes_of(labels, say({"choices": ["a", "b"]}, {"choices": ["b"]}))
    assert changes.values == {first: {"quality": ["a", "b"]}, second: {"quality": ["b"]}} and refused == []
    assert changes.written == {first: {"quality": (["a", "b"],)}, second: {"quality": (["b"],)}}
    assert not (changes.added or changes.deleted)


def test_an_answer_that_was_taken_back_restores_what_was_there():
    labels = two_boxes()
    labels.detections[0]["quality"] = "as it was"
    changes, _ = changes_of(labels, say({"choices": ["good"]}))
    first = labels.detections[0].id
    assert changes.values == {first: {"quality": "good"}}
    docs = [{**label.to_dict(), **changes.values.get(label.id, {})} for label in labels.detections]
    back, _ = changes_of(labels, None, changes.written, docs)
    assert back.values == {first: {"quality": "as it was"}}


def test_an_answer_that_was_taken_back_takes_its_attribute_away_from_a_label_that_had_none():
    labels = two_boxes()
    first = labels.detections[0].id
    changes, _ = changes_of(labels, say({"choices": ["good"]}))
    docs = loaded([label.to_dict() for label in labels.detections], changes)
    assert docs[0]["quality"] == "good"
    back, _ = changes_of(labels, None, changes.written, docs)
    assert (back.values, back.unset, back.written[first]) == ({}, {first: ["quality"]}, {})
    assert loaded(docs, back) == [label.to_dict() for label in labels.detections]


def test_an_answer_about_a_new_label_can_be_taken_back():
    labels = two_boxes()
    drawn = result_of("rectanglelabels", {"rectanglelabels": ["cat"]}, "n", "boxes")
    drawn["value"].update(x=1, y=1, width=5, height=5, rotation=0)
    about = result_of("choices", {"choices": ["good"]}, "n")
    changes, _ = changes_of(labels, lambda sent: [*sent, drawn, about])
    (doc,) = changes.added
    assert doc["quality"] == "good"
    docs = [*(label.to_dict() for label in labels.detections), doc]
    again, _ = changes_of(labels, lambda sent: [*sent, drawn, about], changes.written, docs)
    assert again.is_empty
    back, _ = changes_of(labels, lambda sent: [*sent, drawn], changes.written, docs)
    assert (back.values, back.unset) == ({}, {str(doc["_id"]): ["quality"]})


def test_a_load_that_does_not_keep_answers_leaves_those_that_were_kept():
    labels = two_boxes()

    def move(sent):
        moved = say({"choices": ["good"]})(sent)
        moved[0]["value"]["x"] += 5
        return moved

    for result in (say({"choices": ["good"]}), move):
        changes, _ = changes_of(labels, result)
        docs = [{**label.to_dict(), **changes.values.get(label.id, {})} for label in labels.detections]
        again, _ = changes_of(labels, result, changes.written, docs, BOXES)
        assert again.is_empty, again
        first = labels.detections[0].id
        assert {**changes.written, **again.written}[first]["quality"] == ("good",)


@pytest.mark.parametrize(
    "name", ["label", "id", "tags", "rotation", "bounding_box", "related_to", "copy", "self", "mask"]
)
def test_an_attribute_cannot_have_the_name_of_something_else(name):
    assert added.name_problem(name, BOXES) == "labels have something else of this name"


@pytest.mark.parametrize("name", ["a.b", "$x", "_x", " ", "a\x00"])
def test_an_attribute_cannot_have_a_name_that_the_database_refuses(name):
    assert added.name_problem(name, BOXES) == "no attribute can have this name"


@pytest.mark.parametrize("name", ["quality", "two words", "é", "Quality of the box"])
def test_an_attribute_can_have_any_other_name(name):
    assert added.name_problem(name, BOXES) is None


def relabel(result):
    result[0]["value"]["rectanglelabels"] = ["truck"]
    return result


def test_a_class_that_somebody_added_is_taken_only_where_it_is_kept():
    labels = two_boxes()
    answer, problems = read(labels, relabel, BOXES)
    assert answer.fields["boxes"].is_untouched and "class 'truck' is not one" in problems[0]
    assert answer.fields["boxes"].left == {labels.detections[0].id}
    answer, problems = read(labels, relabel, OPEN)
    (edit,) = answer.fields["boxes"].edited
    assert (edit.label_id, edit.aspects, edit.parsed.values["label"], problems) == (
        labels.detections[0].id,
        ("label",),
        "truck",
        [],
    )


@pytest.mark.parametrize("name", ["", " ", "\ud800", "a\x00b", 3, None])
def test_what_is_no_name_of_a_class_is_refused_all_the_same(name):
    def change(result):
        result[0]["value"]["rectanglelabels"] = [name]
        return result

    answer, problems = read(two_boxes(), change, OPEN)
    assert answer.fields["boxes"].is_untouched and len(problems) == 1


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True))
def test_untouched_labels_stay_untouched_whatever_is_said_of_others(choices):
    labels = two_boxes()
    changes, _ = changes_of(labels, say({"choices": choices}))
    assert set(changes.values) == {labels.detections[0].id}
