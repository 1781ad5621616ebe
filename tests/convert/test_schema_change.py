"""A label schema grows: what is added to it, and what would take something away."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.annotation.origin import missing_from
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.convert.schema_change import as_before, changes_of, extended

BEFORE = {
    "gt": {
        "type": "detections",
        "classes": ["cat", "dog"],
        "attributes": {"pose": {"type": "select", "values": ["sits", "lies"]}},
        "existing_field": True,
    },
    "seen": {"type": "scalar", "kind": "str", "classes": [], "attributes": {}},
    "road": {"type": "segmentation", "mask_targets": {"1": "lane"}, "classes": [], "attributes": {}, "tool": "Brush"},
}


def grown(field, **given):
    schema, problems = extended(BEFORE, {field: given})
    assert problems == []
    return schema[field]


def refused(field, **given):
    return extended(BEFORE, {field: given}).problems


def test_classes_are_appended_and_what_is_not_named_stays():
    assert grown("gt", classes=["dog", "cow", "cat"]) == {**BEFORE["gt"], "classes": ["cat", "dog", "cow"]}
    assert extended(BEFORE, {"gt": {"classes": ["cat", "dog", "cow"]}}).label_schema["road"] == BEFORE["road"]


def test_classes_with_attributes_of_their_own_are_appended():
    entry = {"classes": ["cow"], "attributes": {"milk": {"type": "number"}}}
    assert grown("gt", classes=["cat", "dog", entry])["classes"] == ["cat", "dog", entry]


def test_attributes_and_their_values_are_added():
    pose = {"type": "select", "values": ["lies", "sits", "runs"]}
    asked = grown("gt", attributes={"pose": pose, "age": {"type": "number"}})["attributes"]
    assert asked == {"pose": {"type": "select", "values": ["sits", "lies", "runs"]}, "age": {"type": "number"}}
    assert grown("gt", attributes=["age"])["attributes"]["age"] == {"type": "text", "recommended": True}


def test_mask_targets_are_added():
    assert grown("road", mask_targets={1: "lane", 2: "kerb"})["mask_targets"] == {"1": "lane", "2": "kerb"}


@pytest.mark.parametrize(
    ("field", "given", "problem"),
    [
        ("gt", {"classes": ["cat", "cow"]}, "classes can only be added, and 'dog' would be taken away"),
        ("gt", {"type": "polylines"}, "its type is 'detections' and stays"),
        ("gt", {"attributes": {"pose": {"type": "text"}}}, "attribute 'pose': its type is 'select' and stays"),
        ("gt", {"attributes": {"pose": {"values": ["sits"]}}}, r"its values \['lies'\] would be taken away"),
        ("seen", {"classes": ["yes"]}, "it has no classes to choose from, which stays so"),
        ("road", {"classes": ["kerb"]}, "its classes are those of its mask targets"),
        ("road", {"mask_targets": {2: "kerb"}}, "its mask target 1 is 'lane', and can be neither taken away"),
        ("other", {"classes": ["cat"]}, "is not one of the run, which has 'gt', 'seen', 'road'"),
    ],
)
def test_what_would_be_taken_away_or_changed_is_named(field, given, problem):
    (found,) = refused(field, **given)
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(found)
    assert found.startswith(f"field '{field}'")


def test_all_that_is_wrong_is_named_at_once():
    given = {"gt": {"classes": ["cow"], "type": "polylines"}, "other": {}}
    assert len(extended(BEFORE, given).problems) == 3


def test_what_was_completed_anew_keeps_what_the_field_had():
    before = {**BEFORE["gt"], "tool": "RectangleLabels", "attributes": {"age": {"type": "number", "kind": "int"}}}
    completed = {**before, "tool": "Other", "existing_field": False, "classes": ["cat", "dog", "cow"]}
    completed["attributes"] = {"age": {"type": "number", "kind": "float"}, "pose": {"type": "text"}}
    kept = as_before(completed, before)
    assert kept["tool"] == "RectangleLabels" and kept["existing_field"] and kept["classes"] == ["cat", "dog", "cow"]
    assert kept["attributes"] == {"age": {"type": "number", "kind": "int"}, "pose": {"type": "text"}}


def fields_of(**values):
    return parse_label_schema({"gt": {**BEFORE["gt"], **values}})


def test_growth_changes_nothing_and_is_what_earlier_annotators_were_not_shown():
    before = fields_of()
    now = fields_of(
        classes=["cat", "dog", "cow"],
        attributes={"pose": {"type": "select", "values": ["sits", "lies", "runs"]}, "age": {"type": "number"}},
    )
    assert changes_of(before, now) == []
    missing = missing_from(to_labeling_config(before), now)
    pose, age = now[0].attributes
    assert missing.controls == {age.control} and missing.classes == {"gt": {"cow"}, pose.control: {"runs"}}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"classes": []}, "the type of its regions would change"),
        ({"attributes": {"pose": {"type": "text"}}}, "attribute 'pose' would be asked for otherwise"),
        ({"attributes": {}}, "attribute 'pose' would be asked for otherwise"),
        ({"control": "other"}, "its control tag would change from 'gt' to 'other'"),
    ],
)
def test_what_would_be_asked_otherwise_is_named(values, problem):
    assert any(problem in found for found in changes_of(fields_of(), fields_of(**values)))
