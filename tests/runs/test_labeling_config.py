from __future__ import annotations

from xml.etree import ElementTree

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.convert.labeling_config.match import check_own_config
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.runs.labeling_config import fields_of

SCHEMA = {
    "boxes": {
        "type": "detections",
        "classes": ["cat", {"classes": ["dog"], "attributes": {"breed": {"type": "select", "values": ["pug"]}}}],
        "attributes": {"occluded": {"type": "radio", "values": [True, False]}},
    },
    "weather": {"type": "classification", "classes": ["sun", "rain"], "attributes": ["note"]},
    "masks": {"type": "segmentation", "mask_targets": {1: "road", 2: "sky"}},
    "people": {"type": "keypoints", "classes": ["person"], "skeleton": {"joints": ["a", "b"], "edges": [[0, 1]]}},
    "points": {"type": "keypoints", "classes": ["eye"]},
    "score": {"type": "scalar", "kind": "float"},
}


def test_a_label_schema_becomes_a_labeling_config_without_a_dataset():
    config = read(fo_labelstudio.to_labeling_config(SCHEMA))
    tags = {name: (control.tag, control.classes, control.per_region) for name, control in config.controls.items()}
    assert tags == {
        "boxes": ("RectangleLabels", ("cat", "dog"), False),
        "boxes%.occluded": ("Choices", ("true", "false"), True),
        "boxes%.breed": ("Choices", ("pug",), True),
        "weather": ("Choices", ("sun", "rain"), False),
        "weather%.note": ("TextArea", (), False),
        "masks": ("BrushLabels", ("road", "sky"), False),
        "people": ("VectorLabels", ("person",), False),
        "points": ("KeyPointLabels", ("eye",), False),
        "score": ("Number", (), False),
    }


def test_what_it_gives_is_taken_as_a_labeling_config_of_ones_own():
    fields = fields_of(SCHEMA)
    assert check_own_config(fo_labelstudio.to_labeling_config(SCHEMA), fields).fields == fields


@pytest.mark.parametrize(
    "schema, message",
    [
        (["boxes"], "label schema ['boxes'] only names fields; pass the samples that have them"),
        ({"boxes": {}}, "field 'boxes': label type None is not supported; use one of ['classification'"),
        ({"scene": {"type": "classification"}}, "field 'scene': there are no classes to choose from"),
        (
            {"boxes": {"type": "detections", "classes": ["cat"], "attributes": {"a": {"type": "slider"}}}},
            "field 'boxes', attribute 'a': type 'slider' is not supported; use one of ['text'",
        ),
    ],
)
def test_a_label_schema_that_leaves_something_open_needs_the_samples(schema, message):
    with pytest.raises(LabelSchemaError) as caught:
        fo_labelstudio.to_labeling_config(schema)
    assert str(caught.value).startswith(message)


@pytest.mark.database
def test_the_samples_complete_a_label_schema_as_annotate_would(make_dataset):
    dataset = make_dataset()
    dataset.add_sample(
        fo.Sample(
            filepath="a.png",
            boxes=fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1], age=3)]),
            count=1,
        )
    )
    dataset.skeletons["people"] = fo.KeypointSkeleton(labels=["a", "b"], edges=[[0, 1]])
    new = {"people": {"type": "keypoints", "classes": ["person"]}, "tags": {"type": "scalar", "classes": ["x", "y"]}}
    root = ElementTree.fromstring(fo_labelstudio.to_labeling_config({"boxes": {}, "count": {}, **new}, dataset))
    tags = {tag.get("name"): tag.tag for tag in root.iter() if tag.get("toName")}
    assert tags == {
        "boxes": "RectangleLabels",
        "boxes%.age": "Number",
        "count": "Number",
        "people": "VectorLabels",
        "tags": "Choices",
    }
    assert [tag.get("value") for tag in root.iter("Label")] == ["cat", "person"]
    assert read(fo_labelstudio.to_labeling_config(["boxes"], dataset)).controls["boxes"].classes == ("cat",)


def test_fields_of_frames_and_moments_are_those_of_a_video():
    schema = {
        "frames.pets": {"type": "detections", "classes": ["cat"], "attributes": {"colour": {"type": "text"}}},
        "events": {"type": "temporal_detections", "classes": ["jump"]},
        "weather": {"type": "classification", "classes": ["sun"]},
    }
    root = ElementTree.fromstring(fo_labelstudio.to_labeling_config(schema))
    tags = {tag.get("name"): (tag.tag, tag.get("toName")) for tag in root.iter() if tag.get("name")}
    assert tags["video"] == ("Video", None)
    assert [tags[name] for name in ("frames.pets", "events", "weather")] == [
        ("VideoRectangle", "video"),
        ("TimelineLabels", "video"),
        ("Choices", "video"),
    ]
    (asked,) = [view for view in root.iter("View") if view.get("whenTagName")]
    assert tags[asked.get("whenTagName")] == ("Labels", "video"), "the editor knows a region by the tag of its class"


def test_what_no_video_shows_is_refused():
    with pytest.raises(LabelSchemaError, match=r"'frames.lanes': .* dataset.to_frames\(sample_frames=True\)"):
        fo_labelstudio.to_labeling_config({"frames.lanes": {"type": "polylines", "classes": ["a"]}})
