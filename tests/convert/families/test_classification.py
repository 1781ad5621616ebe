from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.families import family_of
from tests.convert import strategies
from tests.convert.trip import Trip

ONE = strategies.field_of("classification", "weather")
SEVERAL = strategies.field_of("classifications", "weather")


def test_the_classes_of_a_field_are_one_region():
    labels = [fo.Classification(label=name, confidence=score) for name, score in (("cat", 0.5), ("dog", 0.25))]
    (region,) = Trip(SEVERAL, *labels).sent
    assert (region["value"], region["score"]) == ({"choices": ["cat", "dog"]}, 0.25)


def test_a_class_that_several_labels_have_is_chosen_once():
    labels = [fo.Classification(label="cat"), fo.Classification(label="cat")]
    trip = Trip(SEVERAL, *labels)
    assert trip.sent[0]["value"] == {"choices": ["cat"]}
    assert trip.changes([]).deleted == [label.id for label in labels]


def test_a_changed_choice_is_an_edit_where_there_is_one_and_another_label_where_there_are_several():
    def choose_dog(result):
        result[0]["value"]["choices"] = ["dog"]

    label = fo.Classification(label="cat", confidence=0.5)
    assert Trip(ONE, label).changes(choose_dog).values == {label.id: {"label": "dog"}}
    changes = Trip(SEVERAL, label).changes(choose_dog)
    assert changes.deleted == [label.id]
    assert [doc["label"] for doc in changes.added] == ["dog"]


@pytest.mark.parametrize("choices", [None, "cat", ["zebra"], [3], [["cat"]], {"cat": 1}])
@pytest.mark.parametrize("field", [ONE, SEVERAL], ids=["one", "several"])
def test_choices_that_are_none_leave_the_labels_alone(field, choices):
    label = fo.Classification(label="cat")
    answer, problems = Trip(field, label).answer(lambda result: result[0]["value"].update(choices=choices))
    assert (answer.kept[0], answer.edited, answer.deleted, len(problems)) == (label.id, [], [], 1)


def test_two_choices_for_a_field_of_one_leave_it_alone():
    label = fo.Classification(label="cat")
    answer, problems = Trip(ONE, label).answer(lambda result: result[0]["value"].update(choices=["cat", "dog"]))
    assert answer.kept[0] == label.id and "expected one class" in problems[0]


@pytest.mark.parametrize(("field", "choice"), [(ONE, "single"), (SEVERAL, "multiple")], ids=["one", "several"])
def test_the_control_takes_as_many_classes_as_the_field(field, choice):
    (control,) = family_of(field).control_tags(field)
    assert (control.tag, control.get("choice")) == ("Choices", choice)
