from __future__ import annotations

import pytest

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
        ({"classes": []}, "field 'f': there are no classes to choose from"),
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
