"""What was sent, imported as if the project were somebody else's, is what it was in all that regions express."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.shapes.masks import resized
from tests.convert import strategies
from tests.convert.families.test_contract import assert_alike
from tests.convert.foreign.importing import Imported
from tests.convert.trip import Trip, pixels_of, through_the_editor
from tests.properties import examples

DRAWN = [
    label_type for label_type in strategies.IMAGE_TYPES if label_type != "scalar" and "classification" not in label_type
]

few = examples(30)


def exported(case):
    """The task of a case as the server exports it, submitted as it was sent."""
    values = [label.value if case.field.label_type == "scalar" else label for label in case.labels]
    trip = Trip(case.field, *values, media=case.media)
    result = through_the_editor(json.loads(json.dumps(trip.sent)), case.media)
    annotation = {"id": 5, "was_cancelled": False, "updated_at": "2026-11-20T10:00:00Z", "result": result}
    return {"id": 7, "data": {"image": "/data/upload/1/x.png"}, "annotations": [annotation], "predictions": []}


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@few
def test_labels_come_back_as_they_were_sent(label_type, data):
    case = data.draw(strategies.cases(label_type))
    imported = Imported(exported(case), to_labeling_config([case.field]))
    # The editor's noise may write the same as a curve, never as anything else.
    assert [problem for problem in imported.problems if "several" not in problem] == []
    name = imported.fields.shapes or imported.fields.images
    (field_name,) = {name[key] for key in name if key[0] == case.field.control}
    labels = imported.labels(field_name) if imported.answers else []
    if label_type == "segmentation":
        assert_same_pixels(labels, case)
        return
    (field,) = [field for field in imported.fields.fields if field.name == field_name]
    if label_type == "scalar" and case.field.question.values:
        # Whoever chooses gives a class; nothing tells that a field of ours held values of another type.
        assert {label.label for label in labels} == texts_of(case.field.question, case.labels)
        return
    assert len(labels) == len(case.labels)
    for back, label in zip(labels, case.labels, strict=True):
        assert_alike(back, label, case.field, case.media)
        if label_type in DRAWN:
            assert_same_attributes(back, label, case.field, field)


def assert_same_pixels(labels, case):
    """Asserts that the instances of each class cover the pixels that had it."""
    for sent in case.labels:
        for class_name, target in case.field.targets.items():
            number = [int(target[place : place + 2], 16) for place in (1, 3, 5)] if isinstance(target, str) else target
            expected = (sent.mask == number).all(axis=2) if isinstance(number, list) else sent.mask == number
            found = np.zeros((case.media.height, case.media.width), bool)
            for label in labels:
                if label.label == class_name:
                    found |= pixels_of(label, case.media)
            assert np.array_equal(found, resized(expected, case.media.width, case.media.height))
    assert {label.label for label in labels} <= set(case.field.targets)


def texts_of(question, scalars):
    """The values of scalars as they are shown."""
    return {question.text_of(value) for value in flat([scalar.value for scalar in scalars])}


def flat(values):
    """Values, with those in lists in their place."""
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def assert_same_attributes(back, label, sent_as, field):
    """Asserts that attributes came back, as texts where the labeling config only offers texts to choose from."""
    by_control = {attribute.control: attribute for attribute in field.attributes}
    for attribute in sent_as.attributes:
        value = label.get_attribute_value(attribute.name, None)
        is_shown = attribute.is_of(label.label) and value is not None
        is_shown &= not (attribute.is_discovered and attribute.question.problem_of(value))
        found = back.get_attribute_value(by_control[attribute.control].name, None)
        if not is_shown or value in ("", []):
            assert found is None
        elif attribute.question.values:
            texts = set(found if isinstance(found, list) else [found])
            assert texts == {attribute.question.text_of(item) for item in flat([value])}
        else:
            assert found == value


@given(data=st.data())
@few
def test_the_results_alone_tell_what_the_labeling_config_tells(data):
    case = data.draw(strategies.cases("detections"))
    task = exported(case)
    with_config = Imported(task, to_labeling_config([case.field]))
    alone = Imported(task, None)
    if case.labels:
        ours, theirs = with_config.labels("ground truth"), alone.labels("ground truth")
        assert [label.id for label in ours] == [label.id for label in theirs]
        assert [label.bounding_box for label in ours] == [label.bounding_box for label in theirs]


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@few
def test_the_same_task_gives_the_same_ids_each_time(label_type, data):
    case = data.draw(strategies.cases(label_type))
    config = to_labeling_config([case.field])
    one, two = Imported(exported(case), config), Imported(exported(case), config)
    assert one.answers == two.answers
    ids = [edit.label_id for answer in one.answers for found in answer.fields.values() for edit in found.added]
    assert len(set(ids)) == len(ids)
