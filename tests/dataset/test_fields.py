"""What FiftyOne and its database take: names of fields and attributes, and values of declared ones."""

from __future__ import annotations

from datetime import datetime

import fiftyone as fo
import pytest

from fo_labelstudio.convert.families import label_class_of
from fo_labelstudio.dataset.fields import (
    attribute_name_problem,
    check_field,
    field_problem,
    value_problem,
)
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database


@pytest.mark.parametrize("name", ["colour", "No of people", "Grüße", "US$x", "confidence", "tags", "index", "a/b", "1"])
def test_names_that_labels_can_have(name):
    assert attribute_name_problem(name, fo.Detection) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("No. of people", "the database allows no dots in names"),
        ("$x", "the names of attributes cannot begin with '$'"),
        ("_id", "the names of attributes cannot begin with '_'"),
        ("_cls", "the names of attributes cannot begin with '_'"),
        ("_mine", "the names of attributes cannot begin with '_'"),
        ("", "its name is blank or holds characters that cannot be shown"),
        (" ", "its name is blank or holds characters that cannot be shown"),
        ("a\x00b", "its name is blank or holds characters that cannot be shown"),
        ("a\ud800", "its name is blank or holds characters that cannot be shown"),
        ("clean", "FiftyOne uses the name itself, as Detection.clean"),
        ("validate", "FiftyOne uses the name itself, as Detection.validate"),
        ("field_names", "FiftyOne uses the name itself, as Detection.field_names"),
        ("has_mask", "FiftyOne uses the name itself, as Detection.has_mask"),
        ("self", "FiftyOne uses the name itself, as Detection.self"),
    ],
)
def test_names_with_which_labels_could_not_be_read_or_written(name, problem):
    assert attribute_name_problem(name, fo.Detection) == problem


@pytest.mark.parametrize(
    ("path", "is_scalar", "problem"),
    [
        ("new", False, None),
        ("objects", False, None),
        ("tags", True, None),
        ("id", False, "'id' is FiftyOne's own"),
        ("filepath", True, "'filepath' is FiftyOne's own"),
        ("metadata", False, "'metadata' is FiftyOne's own"),
        ("metadata.width", True, "'metadata' is FiftyOne's own"),
        ("created_at", True, "'created_at' is FiftyOne's own"),
        ("_x", False, "Invalid field name: '_x'. Field names cannot start with '_'"),
        ("a$b", True, "Invalid field name: 'a$b'. Field names cannot contain '$'"),
        ("", True, "its name is blank or holds characters that cannot be shown"),
        ("x\x00", True, "its name is blank or holds characters that cannot be shown"),
        ("x\ud800", False, "its name is blank or holds characters that cannot be shown"),
        ("clean", True, "FiftyOne uses the name 'clean' itself"),
        ("get_field", False, "FiftyOne uses the name 'get_field' itself"),
        ("self", False, "FiftyOne uses the name 'self' itself"),
        (
            "missing.new",
            False,
            "'missing' is not a field of one embedded document, so it cannot hold other fields; make it first with "
            "dataset.add_sample_field()",
        ),
        (
            "frames.new",
            False,
            "'frames' is not a field of one embedded document, so it cannot hold other fields; make it first with "
            "dataset.add_sample_field()",
        ),
    ],
)
def test_fields_that_can_hold_answers_and_those_that_cannot(make_dataset, path, is_scalar, problem):
    assert field_problem(make_dataset({}), path, is_scalar) == problem


def test_the_group_of_a_sample_is_no_scalar_to_edit(make_dataset):
    dataset = make_dataset()
    dataset.add_group_field("group", default="left")
    assert field_problem(dataset, "group.name", is_scalar=True) == "'group' is FiftyOne's own"


def test_a_refused_field_is_named_with_a_remedy(make_dataset):
    with pytest.raises(LabelSchemaError, match="field 'filepath': 'filepath' is FiftyOne's own; choose another field"):
        check_field(make_dataset({}), "filepath", is_scalar=True)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        (None, "x", None),
        (fo.IntField(), 3, None),
        (fo.IntField(), None, None),
        (fo.IntField(), 2.5, "is 2.5, which an IntField cannot hold"),
        (fo.IntField(), "3", "is '3', which an IntField cannot hold"),
        (fo.IntField(), True, "is True, which an IntField cannot hold"),
        (fo.FloatField(), 3, None),
        (fo.FloatField(), "blurry", "is 'blurry', which a FloatField cannot hold"),
        (fo.StringField(), 5, "is 5, which a StringField cannot hold"),
        (fo.BooleanField(), True, None),
        (fo.BooleanField(), 1, "is 1, which a BooleanField cannot hold"),
        (fo.DateField(), datetime(2026, 1, 2), None),
        (fo.DateField(), "2026-01-02", "is '2026-01-02', which a DateField cannot hold"),
        (fo.ListField(fo.StringField()), ["a"], None),
        (fo.ListField(fo.StringField()), "a", "is 'a', which a ListField cannot hold"),
        (fo.ListField(fo.StringField()), [1], "is [1], which a ListField cannot hold"),
        (fo.DictField(), "a", "is 'a', which a DictField cannot hold"),
    ],
)
def test_values_that_a_declared_field_can_hold_and_those_that_it_cannot(field, value, problem):
    assert value_problem(field, value) == problem


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (fo.IntField(), 2.5),
        (fo.FloatField(), 3),
        (fo.DictField(), {"a": 1}),
        (fo.VectorField(), b"bytes"),
        (fo.ListField(fo.EmbeddedDocumentField(fo.Detection)), [{"_cls": "Detection"}]),
        (fo.EmbeddedDocumentField(fo.Detection), {"_cls": "Detection"}),
    ],
)
def test_what_fiftyone_has_stored_already_can_be_copied(field, value):
    assert value_problem(field, value, is_copied=True) is None
    assert value_problem(fo.StringField(), value, is_copied=True) is not None


def test_each_label_type_has_a_class_of_labels():
    assert label_class_of("instances") is fo.Detection
    assert label_class_of("polygon") is fo.Polyline
    assert label_class_of("segmentation") is fo.Segmentation
