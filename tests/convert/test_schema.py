from __future__ import annotations

import pytest

from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import KEYFRAME_TOLERANCE, Skeleton
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.errors import LabelSchemaError

FIELD = {"type": "detections", "classes": ["cat"], "attributes": {}, "existing_field": True}


def test_a_field_is_read_as_fiftyone_completes_it():
    (field,) = parse_label_schema({"a.b": {**FIELD, "allow_deletions": False, "classes": ["dog", "cat", "dog"]}})
    assert (field.name, field.label_type, field.classes, field.existing) == (
        "a.b",
        "detections",
        ("dog", "cat"),
        True,
    )
    assert (field.allow_additions, field.allow_deletions) == (True, False)


def test_classes_given_with_attributes_of_none_are_classes():
    (field,) = parse_label_schema({"f": {**FIELD, "classes": ["a", {"classes": ["b", "c"], "attributes": {}}]}})
    assert field.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "classification", "classes": []}, "field 'f': there are no classes to choose from"),
        ({"classes": [3]}, "field 'f': class 3 is not a string"),
        ({"classes": [" "]}, "field 'f': class ' ' is blank"),
        (
            {"classes": ["a\x00b"]},
            r"field 'f': class 'a\x00b' is blank or holds characters that cannot be shown",
        ),
    ],
)
def test_what_cannot_be_annotated_is_refused(change, message):
    with pytest.raises(LabelSchemaError) as error:
        parse_label_schema({"f": {**FIELD, **change}})
    assert message in str(error.value)


def test_a_field_whose_name_cannot_be_shown_is_refused():
    with pytest.raises(LabelSchemaError, match="its name holds characters that cannot be shown"):
        parse_label_schema({"a\x01b": FIELD})


def test_every_control_has_a_name_of_its_own_that_the_editor_takes():
    fields = parse_label_schema({name: FIELD for name in ("image", "%69mage", "a@b", "a%40b", "true", "sample_id")})
    names = [field.control for field in fields]
    assert names == ["%69mage", "%2569mage", "a%40b", "a%2540b", "%74rue", "sample_id"]


def test_mask_targets_are_the_classes_of_a_segmentation_without_the_background():
    (field,) = parse_label_schema({"f": {"type": "segmentation", "mask_targets": {"0": "bg", "2": "sky", 1: "road"}}})
    assert (field.classes, field.targets) == (("sky", "road"), {"sky": 2, "road": 1})
    (field,) = parse_label_schema({"f": {"type": "segmentation", "mask_targets": {"#000000": "bg", "#FF00aa": "sky"}}})
    assert field.targets == {"sky": "#ff00aa"}


def test_a_skeleton_is_read_as_json_keeps_it():
    info = {**FIELD, "type": "keypoints", "tool": "VectorLabels", "skeleton": {"joints": ["a", "b"], "edges": [[0, 1]]}}
    (field,) = parse_label_schema({"f": info})
    assert field.skeleton == Skeleton(("a", "b"), ((0, 1),)) and field.tool == "VectorLabels"


@pytest.mark.parametrize(
    ("facts", "question"),
    [
        ({"type": "text"}, Question("text", "str")),
        ({"type": "text", "kind": "int"}, Question("text", "int")),
        ({"type": "number"}, Question("number", "float")),
        ({"type": "number", "kind": "int"}, Question("number", "int")),
        ({"type": "rating"}, Question("rating", "int")),
        ({"type": "date"}, Question("date", "date")),
        ({"type": "datetime"}, Question("datetime", "datetime")),
        ({"type": "checkbox"}, Question("radio", "bool", (True, False))),
        ({"type": "checkbox", "values": [False, True]}, Question("radio", "bool", (True, False))),
        ({"type": "checkbox", "values": ["a", "b"]}, Question("checkbox", "list", ("a", "b"))),
        ({"type": "select", "values": ["a", "b"]}, Question("select", "str", ("a", "b"))),
        ({"type": "radio", "values": [1, 2]}, Question("radio", "int", (1, 2))),
        ({"type": "radio", "values": [True, False]}, Question("radio", "bool", (True, False))),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_type_of_an_attribute_says_how_it_is_asked_for(facts, question):
    (field,) = parse_label_schema({"f": {**FIELD, "attributes": {"it": facts}}})
    (attribute,) = field.attributes
    assert (attribute.name, attribute.question, attribute.control) == ("it", question, "f%.it")
    assert (attribute.default, attribute.read_only, attribute.classes, attribute.is_discovered) == (
        None,
        False,
        (),
        False,
    )


def test_attributes_of_some_classes_know_them():
    classes = ["bird", {"classes": ["cat", "dog"], "attributes": {"breed": {"type": "text", "read_only": True}}}]
    attributes = {"age": {"type": "number", "default": 3, "discovered": True}}
    (field,) = parse_label_schema({"f": {**FIELD, "classes": classes, "attributes": attributes}})
    assert field.classes == ("bird", "cat", "dog")
    assert [(a.name, a.classes, a.read_only, a.default, a.is_discovered) for a in field.attributes] == [
        ("age", (), False, 3, True),
        ("breed", ("cat", "dog"), True, None, False),
    ]
    assert [attribute.is_of("cat") for attribute in field.attributes] == [True, True]
    assert [attribute.is_of("bird") for attribute in field.attributes] == [True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributes": {"mask": {"type": "text"}}}, "attribute 'mask': it is part of the label itself"),
        ({"attributes": {" ": {"type": "text"}}}, "its name holds characters that cannot be shown"),
        ({"attributes": {"a": {"type": "select"}}}, "attribute 'a': a select needs values to choose from"),
        ({"attributes": {"a": {"type": "radio", "values": ["x", "x"]}}}, "look alike"),
        (
            {"attributes": {"a": {"type": "select", "values": ["x"], "default": "y"}}},
            "attribute 'a': its default is 'y', which is not one of its values ['x']",
        ),
        ({"attributes": {"a": {"type": "number", "default": "y"}}}, "attribute 'a': its default is 'y'"),
        ({"attributes": {"a": {"type": "rating", "values": ["good", "bad"]}}}, "attribute 'a': "),
        ({"type": "segmentation", "mask_targets": {"0": "bg"}}, "there are no mask targets to choose from"),
        ({"type": "segmentation", "mask_targets": {"1": "a", "2": "a"}}, "mask targets 1 and 2 are both 'a'"),
        ({"type": "segmentation", "mask_targets": {"1": " "}}, "class ' ' is blank"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_cannot_be_asked_for_is_refused(change, message):
    with pytest.raises(LabelSchemaError) as error:
        parse_label_schema({"f": {**FIELD, **change}})
    assert message in str(error.value)


@pytest.mark.parametrize("label_type", ["detections", "classifications"])
def test_attributes_that_change_from_frame_to_frame_are_refused_by_name(label_type):
    attribute = {"type": "text", "mutable": True}
    info = {**FIELD, "type": label_type, "scope": "frames", "attributes": {"pose": attribute}}
    with pytest.raises(LabelSchemaError, match=r"field 'frames.f', attribute 'pose': .* give it \"mutable\": False"):
        parse_label_schema({"frames.f": info})
    for told in ({"mutable": False}, {}):
        asked = {**info, "attributes": {"pose": {"type": "text", **told}}}
        (field,) = parse_label_schema({"frames.f": asked})
        assert [one.name for one in field.attributes] == ["pose"]


def test_a_track_field_says_how_its_keyframes_are():
    info = {**FIELD, "scope": "frames", "only_keyframes": True, "keyframe_tolerance": 0.5}
    (field,) = parse_label_schema({"frames.f": info})
    assert (field.only_keyframes, field.keyframe_tolerance, field.tells_keyframes) == (True, 0.5, True)
    (plain,) = parse_label_schema({"frames.f": {**FIELD, "scope": "frames"}})
    assert (plain.only_keyframes, plain.keyframe_tolerance, plain.tells_keyframes) == (False, KEYFRAME_TOLERANCE, False)
