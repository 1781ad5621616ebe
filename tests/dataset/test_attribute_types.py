"""Attributes are asked for so that every answer can be stored in what the dataset and FiftyOne declare."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database

DECLARED = {
    "count": {"ftype": fo.IntField},
    "size": {"ftype": fo.FloatField},
    "note": {"ftype": fo.StringField},
    "tame": {"ftype": fo.BooleanField},
    "day": {"ftype": fo.DateField},
    "time": {"ftype": fo.DateTimeField},
    "traits": {"ftype": fo.ListField, "subfield": fo.StringField},
    "counts": {"ftype": fo.ListField, "subfield": fo.IntField},
    "more": {"ftype": fo.DictField},
}


@pytest.fixture(scope="module")
def dataset():
    """A dataset of boxes with an attribute of each type, which nothing here changes."""
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample("x.png", labels=fo.Detections(detections=[box()])))
    for name, field in DECLARED.items():
        dataset.add_sample_field(f"labels.detections.{name}", **field)
    yield dataset
    dataset.delete()


def box(**attributes):
    return fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], **attributes)


def asked(dataset, attribute, facts, label_type="detections", existing=True, name="labels"):
    """How an attribute is asked for."""
    info = {"type": label_type, "classes": ["cat"], "attributes": {attribute: facts}, "existing_field": existing}
    completed = completed_label_schema({name: info}, dataset, "1.23.2", "brush", {})[name]
    return completed["attributes"][attribute]


@pytest.mark.parametrize(
    ("attribute", "facts", "expected"),
    [
        ("tags", {"type": "text"}, {"type": "text", "kind": "list"}),
        ("tags", {"type": "select", "values": ["a", "b"]}, {"type": "select", "kind": "list", "values": ["a", "b"]}),
        ("tags", {"type": "radio", "values": ["a", 1]}, {"type": "checkbox", "kind": "list", "values": ["a", "1"]}),
        (
            "traits",
            {"type": "select", "values": ["a", "b"], "default": "a"},
            {"type": "select", "kind": "list", "values": ["a", "b"], "default": ["a"]},
        ),
        ("confidence", {"type": "number"}, {"type": "number", "kind": "float"}),
        ("confidence", {"type": "text"}, {"type": "text", "kind": "float"}),
        ("index", {"type": "number"}, {"type": "number", "kind": "int"}),
        ("count", {"type": "text"}, {"type": "text", "kind": "int"}),
        ("count", {"type": "select", "values": ["1", 2.0]}, {"type": "select", "values": [1, 2]}),
        ("size", {"type": "rating"}, {"type": "rating"}),
        ("note", {"type": "text"}, {"type": "text", "kind": "str"}),
        ("note", {"type": "radio", "values": [True, 3]}, {"type": "radio", "values": ["true", "3"]}),
        ("tame", {"type": "checkbox"}, {"type": "checkbox"}),
        ("tame", {"type": "select", "values": ["true", "False"]}, {"type": "select", "values": [True, False]}),
        ("day", {"type": "datetime"}, {"type": "date"}),
        ("time", {"type": "date"}, {"type": "datetime"}),
        # A name alone: as the dataset declares it.
        ("count", {"type": "text", "recommended": True}, {"type": "number", "kind": "int"}),
        ("tame", {"type": "text", "recommended": True}, {"type": "radio", "values": [True, False]}),
        ("day", {"type": "text", "recommended": True}, {"type": "date"}),
        ("tags", {"type": "text", "recommended": True}, {"type": "text", "kind": "list"}),
        ("unheard of", {"type": "text", "recommended": True}, {"type": "text"}),
    ],
)
def test_a_declared_attribute_is_asked_for_as_what_it_holds(dataset, attribute, facts, expected):
    assert asked(dataset, attribute, dict(facts)) == expected


@pytest.mark.parametrize(
    ("attribute", "facts", "problem"),
    [
        (
            "note",
            {"type": "number"},
            "declares it as StringField, which cannot hold answers of type 'number'; use",
        ),
        (
            "note",
            {"type": "checkbox", "values": ["a"]},
            "declares it as StringField, which cannot hold answers of",
        ),
        ("count", {"type": "checkbox"}, "declares it as IntField, which cannot hold answers of type 'checkbox'"),
        ("count", {"type": "select", "values": [2.5]}, r"not all of its values \[2.5\] are of type int"),
        ("count", {"type": "date"}, "declares it as IntField, which cannot hold answers of type 'date'"),
        ("tame", {"type": "text"}, "declares it as BooleanField, which cannot hold answers of type 'text'"),
        ("tame", {"type": "checkbox", "values": ["a"]}, "answers of type 'checkbox' with these values; use one of"),
        ("tame", {"type": "radio", "values": ["yes", "no"]}, r"not all of its values \['yes', 'no'\] are of type bool"),
        ("day", {"type": "text"}, "declares it as DateField, which cannot hold answers of type 'text'"),
        ("traits", {"type": "number"}, "declares it as ListField of StringField, which cannot hold answers of type"),
        ("traits", {"type": "checkbox"}, "answers of type 'checkbox' with these values; use one of"),
        ("counts", {"type": "text"}, "declares it as ListField of IntField, which cannot be annotated; leave it out"),
        ("more", {"type": "text"}, "declares it as DictField, which cannot be annotated; leave it out"),
        ("confidence", {"type": "date"}, "declares it as FloatField, which cannot hold answers of type 'date'"),
        ("id", {"type": "text"}, "it is part of the label itself; leave it out"),
        ("bounding_box", {"type": "text"}, "it is part of the label itself; leave it out"),
        ("instance", {"type": "text"}, "it is part of the label itself; leave it out"),
        ("No. of people", {"type": "number"}, "the database allows no dots in names; rename the attribute"),
        ("_cls", {"type": "text"}, "the names of attributes cannot begin with '_'; rename the attribute"),
    ],
)
@pytest.mark.parametrize("of", ["all classes", "some"])
def test_an_attribute_that_could_not_be_stored_is_refused(dataset, attribute, facts, problem, of):
    info = {"type": "detections", "classes": ["cat"], "attributes": {}, "existing_field": True}
    if of == "all classes":
        info["attributes"] = {attribute: dict(facts)}
    else:
        info["classes"] = [{"classes": ["cat"], "attributes": {attribute: dict(facts)}}]
    with pytest.raises(LabelSchemaError, match=f"field 'labels', attribute '{attribute}'.*{problem}"):
        completed_label_schema({"labels": info}, dataset, "1.23.2", "brush", {})


@pytest.mark.parametrize(
    ("label_type", "attribute", "facts", "expected"),
    [
        ("classification", "tags", {"type": "text"}, {"type": "text", "kind": "list"}),
        ("polylines", "index", {"type": "number"}, {"type": "number", "kind": "int"}),
        ("detections", "confidence", {"type": "number"}, {"type": "number", "kind": "float"}),
        ("keypoints", "mine", {"type": "number"}, {"type": "number"}),
    ],
)
def test_in_a_new_field_what_fiftyone_declares_counts(make_dataset, label_type, attribute, facts, expected):
    assert asked(make_dataset({}), attribute, facts, label_type, existing=False, name="new") == expected


def test_in_a_new_field_what_fiftyone_declares_is_refused_where_it_could_not_hold_answers(make_dataset):
    with pytest.raises(
        LabelSchemaError, match="attribute 'logits': the dataset declares it as VectorField, which cannot"
    ):
        asked(make_dataset({}), "logits", {"type": "number"}, "classification", existing=False, name="new")


def test_an_undeclared_attribute_given_by_name_is_asked_for_as_its_values_are(make_dataset):
    labels = [box(iscrowd=0.0, age=3, word="x", sure=True), box(iscrowd=1.0, age=4, word="y", sure=False)]
    dataset = make_dataset({"labels": fo.Detections(detections=labels)})

    def by_name(attribute):
        return asked(dataset, attribute, {"type": "text", "recommended": True})

    assert by_name("iscrowd") == {"type": "number"}
    assert by_name("age") == {"type": "number", "kind": "int"}
    assert by_name("word") == {"type": "text"}
    assert by_name("sure") == {"type": "radio", "values": [True, False]}
    assert asked(dataset, "iscrowd", {"type": "text"}) == {"type": "text", "kind": "float"}


def test_a_read_only_attribute_is_shown_only_where_somebody_says_so(make_dataset):
    dataset = make_dataset({"labels": fo.Detections(detections=[box()])})
    dataset.add_sample_field("labels.detections.note", fo.StringField)
    field = dataset.get_field("labels.detections.note")
    field.read_only = True
    field.save()
    with pytest.raises(LabelSchemaError, match="attribute 'note': the dataset declares it read-only"):
        asked(dataset, "note", {"type": "text"})
    facts = {"type": "text", "read_only": True}
    assert asked(dataset, "note", dict(facts)) == {**facts, "kind": "str"}
    assert asked(dataset, "note", {"type": "text", "discovered": True})["read_only"] is True


def test_attributes_that_were_found_and_cannot_be_written_are_left_out(make_dataset):
    dataset = make_dataset({"labels": fo.Detections(detections=[box()])})
    info = {"type": "detections", "classes": ["cat"], "existing_field": True}
    found = {"_mine": {"type": "text", "discovered": True}, "mine": {"type": "text", "discovered": True}}
    completed = completed_label_schema({"labels": {**info, "attributes": found}}, dataset, "1.23.2", "brush", {})
    assert set(completed["labels"]["attributes"]) == {"mine"}
