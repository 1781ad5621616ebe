"""Regions that no label field expects, against a real server."""

from __future__ import annotations

import logging
import math

import fiftyone as fo
import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.shapes.brush import Mask
from tests.support import stored
from tests.test_every_family import blob

pytestmark = pytest.mark.server

COMMON = {"to_name": "image", "original_width": 64, "original_height": 48, "image_rotation": 0}


def region(region_id, kind, value, control="added", **values):
    return {**COMMON, "id": region_id, "from_name": control, "type": kind, "value": value, **values}


ELLIPSE = region(
    "e1", "ellipselabels", {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 0, "ellipselabels": ["eye"]}
)
PAIR = [
    region("p1", "rectangle", {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}, "rect"),
    region("p1", "labels", {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "labels": ["dog"]}, "label"),
]
FREE = region("f1", "rectangle", {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}, "rect")
BRUSH = region("b1", "brushlabels", {**masks.to_value(blob(), masks.BRUSH, MediaInfo(64, 48)), "brushlabels": ["sky"]})
CHOICES = {"id": "c1", "from_name": "added", "to_name": "image", "type": "choices", "value": {"choices": ["night"]}}
RELATION = {"type": "relation", "from_id": "e1", "to_id": "f1", "direction": "right", "labels": ["sees"]}


@pytest.fixture
def run(make_dataset, connection, annotator):
    """A run on one sample with one box, answered with unexpected regions besides."""
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"boxes": fo.Detections(detections=[box])}, {})
    schema = {"boxes": {"type": "detections", "classes": ["cat", "dog"]}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    first = dataset.first().id
    made = annotator.submit(
        results.tasks[first], lambda result: [*result, ELLIPSE, *PAIR, FREE, BRUSH, CHOICES, RELATION]
    )
    return dataset, made["id"]


def test_a_rectangle_with_a_label_of_its_own_is_a_box_of_the_field_that_has_the_class(run):
    dataset, _ = run
    dataset.load_annotations("run", unexpected="ignore")
    dataset.reload()
    first, pair = dataset.first().boxes.detections
    assert (first.label, pair.label) == ("cat", "dog")
    assert pair.bounding_box == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert not {"polylines", "detections", "classifications"} & set(dataset.get_field_schema())


def test_unexpected_labels_are_kept_in_fields_of_their_kind_and_follow_later_answers(run, annotator):
    dataset, annotation = run
    dataset.load_annotations("run", unexpected="keep")
    dataset.reload()
    sample = dataset.first()
    (ellipse,) = sample.polylines.polylines
    assert (ellipse.label, ellipse.closed, ellipse.filled, len(ellipse.points[0])) == ("eye", True, True, 128)
    for x, y in ellipse.points[0]:
        assert math.hypot((x - 0.5) / 0.1, (y - 0.5) / 0.2) == pytest.approx(1, abs=1e-9)
    free, brush = sorted(sample.detections.detections, key=lambda label: label.label or "")
    assert (free.label, brush.label) == (None, "sky")
    assert free.bounding_box == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert brush.mask.tolist() == blob().pixels.tolist()
    assert [label.label for label in sample.classifications.classifications] == ["night"]
    assert ellipse.related_to == [free.id]
    once = stored(dataset)
    dataset.load_annotations("run", unexpected="keep")
    assert stored(dataset) == once
    answered = [item for item in annotator.call("GET", f"/api/annotations/{annotation}/")["result"] if item != RELATION]
    annotator.call("PATCH", f"/api/annotations/{annotation}/", json={"result": answered})
    dataset.load_annotations("run", unexpected="ignore")
    assert stored(dataset) == once, "it loads no relations"
    dataset.load_annotations("run", unexpected="keep")
    dataset.reload()
    assert dataset.first().polylines.polylines[0].get_attribute_value("related_to", None) is None
    annotator.call("PATCH", f"/api/annotations/{annotation}/", json={"result": [FREE]})
    dataset.load_annotations("run", unexpected="keep")
    dataset.reload()
    assert [label.id for label in dataset.first().detections.detections] == [free.id]
    assert dataset.first().polylines.polylines == [] and dataset.first().boxes.detections == []


def test_unexpected_labels_are_returned_and_change_nothing(run):
    dataset, _ = run
    returned = dataset.load_annotations("run", unexpected="return")
    (by_type,) = returned.values()
    sample_id = dataset.first().id
    assert set(by_type) == {"polylines", "detection", "classifications"}
    (ellipse,) = by_type["polylines"][sample_id].values()
    assert isinstance(ellipse, fo.Polyline) and ellipse.label == "eye"
    assert len(by_type["detection"][sample_id]) == 2
    assert "polylines" not in dataset.get_field_schema()


def test_without_a_terminal_unexpected_labels_are_left_and_named(run, caplog):
    dataset, _ = run
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run")
    assert "Skipping 1 unexpected labels of type 'polylines'" in caplog.text
    assert "unexpected='keep' keeps them" in caplog.text
    assert "Skipping 1 relations" in caplog.text


def test_a_damaged_mask_is_reported_and_left_alone(make_dataset, connection, annotator, caplog):
    left, top, pixels = blob()
    label = fo.Detection(label="cat", bounding_box=[left / 64, top / 48, 12 / 64, 9 / 48], mask=pixels)
    dataset = make_dataset({"labels": fo.Detections(detections=[label])})
    before = stored(dataset)
    schema = {"labels": {"type": "instances", "classes": ["cat"]}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = results.tasks.values()

    def damage(result):
        rle = masks.to_value(Mask(0, 0, pixels), masks.BRUSH, MediaInfo(99, 48))["rle"]
        result[0]["value"]["rle"] = rle
        return [*result, {**result[0], "id": "new"}]

    annotator.submit(task_id, damage)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run")
    assert stored(dataset) == before
    assert caplog.text.count("left alone") == 2


def test_attributes_are_found_in_the_data_and_what_cannot_be_asked_for_stays(make_dataset, connection, annotator):
    values = {"note": "a", "area": 3, "ratio": 0.5, "ok": True, "logits": [1.0, 2.0], "rotation": 0.1, "mixed": 1}
    labels = [fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], **values)]
    labels.append(fo.Detection(label="dog", bounding_box=[0.1, 0.1, 0.2, 0.2], mixed="text", ratio=math.nan))
    dataset = make_dataset({"boxes": fo.Detections(detections=labels)})
    before = stored(dataset)
    results = dataset.annotate("run", backend="labelstudio", label_field="boxes", **connection)
    attributes = results.config.label_schema["boxes"]["attributes"]
    assert {name: facts["type"] for name, facts in attributes.items()} == {
        "area": "number",
        "note": "text",
        "ok": "radio",
        "ratio": "number",
    }
    (task_id,) = results.tasks.values()
    annotator.submit(task_id)
    dataset.load_annotations("run")
    assert stored(dataset) == before


@pytest.mark.parametrize(
    ("options", "is_locked"),
    [({}, False), (dict.fromkeys(("allow_deletions", "allow_label_edits", "allow_spatial_edits"), False), True)],
)
def test_regions_are_locked_where_nothing_about_them_may_change(
    make_dataset, connection, annotator, options, is_locked
):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"boxes": fo.Detections(detections=[box])})
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="boxes", attributes=False, **options, **connection
    )
    (task_id,) = results.tasks.values()
    (sent,) = annotator.preloaded(task_id)
    assert sent.get("readonly", False) is is_locked
    labeling_config = annotator.call("GET", f"/api/projects/{results.project_id}/")["label_config"]
    assert ("do not move or reshape" in labeling_config) is is_locked
