"""What the dataset and the server add to a label schema."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.dataset.label_schema import completed_label_schema, discover_attributes
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database

NEWEST = "1.23.2"


def completed(dataset, info, name="labels", version=NEWEST, mask_tool="brush", **scalar_types):
    return completed_label_schema({name: info}, dataset, version, mask_tool, scalar_types)[name]


@pytest.mark.parametrize(
    ("label_type", "version", "tool"),
    [
        ("polylines", "1.22.0", "VectorLabels"),
        ("polylines", "1.21.0", "PolygonLabels"),
        ("polygons", NEWEST, None),
        ("instances", "1.20.0", "BrushLabels"),
        ("keypoints", NEWEST, "KeyPointLabels"),
        ("detections", NEWEST, None),
    ],
)
def test_the_tool_is_one_that_the_server_has(make_dataset, label_type, version, tool):
    info = completed(make_dataset(), {"type": label_type, "classes": ["cat"]}, version=version)
    assert info.get("tool") == tool


@pytest.mark.parametrize(("version", "tool"), [(NEWEST, "VectorLabels"), ("1.21.0", "KeyPointLabels")])
def test_a_field_with_a_skeleton_shows_it_where_the_server_can(make_dataset, version, tool):
    dataset = make_dataset()
    dataset.skeletons["labels"] = fo.KeypointSkeleton(labels=["a", "b", "c"], edges=[[0, 1, 2]])
    info = completed(dataset, {"type": "keypoints", "classes": ["cat"]}, version=version)
    assert info["skeleton"] == {"joints": ["a", "b", "c"], "edges": [[0, 1], [1, 2]]}
    assert info["tool"] == tool


def test_a_skeleton_without_names_has_numbers(make_dataset):
    dataset = make_dataset()
    dataset.default_skeleton = fo.KeypointSkeleton(edges=[[0, 1], [1, 3]])
    info = completed(dataset, {"type": "keypoint", "classes": ["cat"]})
    assert info["skeleton"]["joints"] == ["1", "2", "3", "4"]


def test_bitmasks_are_refused_where_the_server_has_none(make_dataset):
    with pytest.raises(
        LabelSchemaError, match=r"field 'labels': Label Studio 1.20.0 has no bitmasks; use mask_tool='brush'"
    ):
        completed(make_dataset(), {"type": "instances", "classes": ["cat"]}, version="1.20.0", mask_tool="bitmask")


def test_a_scalar_field_says_itself_what_it_holds(make_dataset):
    dataset = make_dataset({"tags": ["b", "a"]})
    dataset.add_sample_field("count", fo.IntField)
    dataset.add_sample_field("vector", fo.ListField, subfield=fo.FloatField)
    assert completed(dataset, {"type": "scalar"}, "count")["kind"] == "int"
    assert completed(dataset, {"type": "scalar"}, "tags")["classes"] == ["a", "b"]
    assert completed(dataset, {"type": "scalar"}, "new", new="date")["kind"] == "date"
    assert "kind" not in completed(dataset, {"type": "scalar"}, "new")
    with pytest.raises(LabelSchemaError, match="field 'vector': lists of FloatField cannot be annotated"):
        completed(dataset, {"type": "scalar"}, "vector")
    with pytest.raises(LabelSchemaError, match="field 'new': scalar type 'decimal' is not one of"):
        completed(dataset, {"type": "scalar"}, "new", new="decimal")


def test_attributes_are_found_by_the_database_for_all_classes_or_for_some(make_dataset):
    labels = [
        fo.Detection(label="cat", bounding_box=[0, 0, 1, 1], tame=True, age=3, tags=["x"], confidence=0.5),
        fo.Detection(label="dog", bounding_box=[0, 0, 1, 1], breed="pug", age=2.5, list=[1], nothing=None),
    ]
    dataset = make_dataset({"labels": fo.Detections(detections=labels)}, {"labels": None})
    found = discover_attributes(dataset, "labels")
    assert {name: facts["type"] for name, facts in found.items()} == {"age": "number", "breed": "text", "tame": "radio"}
    assert set(discover_attributes(dataset, "labels", ["cat"])) == {"age", "tame"}
    single = make_dataset({"labels": labels[0]})
    assert set(discover_attributes(single, "labels")) == {"age", "tame"}


def test_attributes_that_nobody_asked_for_give_way_where_they_would_be_too_many(make_dataset, caplog):
    dataset = make_dataset()
    classes = [f"class {number}" for number in range(300)]
    attributes = {"found": {"type": "text", "discovered": True}}
    info = completed(dataset, {"type": "classifications", "classes": classes, "attributes": attributes})
    assert info["attributes"] == {}
    assert "too many to ask for" in caplog.text
    with pytest.raises(LabelSchemaError, match="its attributes make 300 control tags"):
        completed(dataset, {"type": "classifications", "classes": classes, "attributes": {"asked": {"type": "text"}}})
