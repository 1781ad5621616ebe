"""A region is of the object, and of the label, that it says: what people add to a project, against a real server."""

from __future__ import annotations

import logging
from datetime import datetime

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.shapes.brush import Mask
from tests.support import stored
from tests.test_every_family import SKELETON, TARGETS, blob

pytestmark = [pytest.mark.server, pytest.mark.sampled]

MEDIA = MediaInfo(64, 48)
COMMON = {"to_name": "image", "original_width": 64, "original_height": 48, "image_rotation": 0}
BOX = {"x": 50, "y": 10, "width": 20, "height": 30, "rotation": 0}


def region(region_id, kind, value, control="boxes", **values):
    return {**COMMON, "id": region_id, "from_name": control, "type": kind, "value": value, **values}


def box(region_id, label, control="boxes", **values):
    return region(region_id, "rectanglelabels", {**BOX, "rectanglelabels": [label]}, control, **values)


def about(drawn, control, kind, value):
    """An answer about a region, as the editor writes it: with the region's geometry."""
    geometry = {key: item for key, item in drawn["value"].items() if key != drawn["type"]}
    return {**drawn, "from_name": control, "type": kind, "value": {**geometry, **value}}


def add_to_config(annotator, results, tags):
    """Adds control tags to the labeling config, as somebody does in the project's settings."""
    path = f"/api/projects/{results.project_id}/"
    config = annotator.call("GET", path)["label_config"]
    at = config.rindex("</View>")
    annotator.call("PATCH", path, json={"label_config": config[:at] + tags + config[at:]})


@pytest.fixture
def run(make_dataset, connection):
    """Sends one sample with one box."""

    def send(field="boxes", **values):
        label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.9, tags=["mine"])
        dataset = make_dataset({field: fo.Detections(detections=[label]), **values})
        schema = {field: {"type": "detections", "classes": ["cat", "dog"]}}
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
        return dataset, results, label

    return send


def is_usable(dataset):
    """Whether FiftyOne can read, save and clone a dataset."""
    dataset.reload()
    for sample in dataset:
        sample.save()
    dataset.clone().delete()
    return True


@pytest.mark.parametrize("choice", ["keep", "return", "ignore", "prompt", ["detections"], {"detections": "other"}])
def test_a_box_on_another_image_is_no_label_of_the_sample(run, annotator, caplog, choice):
    dataset, results, _ = run()
    tags = '<Image name="second" value="$image"/><RectangleLabels name="b" toName="second"><Label value="cat"/>'
    add_to_config(
        annotator, results, f'{tags}</RectangleLabels><Choices name="c" toName="second"><Choice value="cat"/></Choices>'
    )
    before = stored(dataset)
    choices = {"id": "c", "from_name": "c", "to_name": "second", "type": "choices", "value": {"choices": ["cat"]}}
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*result, box("r", "cat", "b", to_name="second"), choices])
    with caplog.at_level(logging.WARNING, "fiftyone"):
        assert not dataset.load_annotations("run", unexpected=choice)
    assert stored(dataset) == before
    assert set(dataset.get_field_schema()) & {"detections", "classifications", "other"} == set()
    assert "region 'r': it is drawn on 'second'" in caplog.text
    assert "region 'c': it is about 'second'" in caplog.text


ANSWERS = {
    "quality": ("choices", {"choices": ["broken"]}, {"choices": ["good"]}, "broken", "good"),
    "several": ("choices", {"choices": ["a", "b"]}, {"choices": ["b"]}, ["a", "b"], ["b"]),
    "note": ("textarea", {"text": ["hello"]}, {"text": ["you"]}, "hello", "you"),
    "notes": ("textarea", {"text": ["b", "a"]}, {"text": ["c"]}, ["b", "a"], ["c"]),
    "stars": ("rating", {"rating": 2}, {"rating": 4}, 2, 4),
    "speed": ("number", {"number": 3}, {"number": 0.1}, 3.0, 0.1),
    "species": ("taxonomy", {"taxonomy": [["Animal", "Cat"]]}, {"taxonomy": [["Plant"]]}, "Animal/Cat", "Plant"),
    "seen": (
        "datetime",
        {"datetime": "2024-02-29T13:45"},
        {"datetime": "2024-03-01T00:00"},
        datetime(2024, 2, 29, 13, 45),
        datetime(2024, 3, 1),
    ),
}


def answer_both(result):
    """Answers about the box that was sent, and about a new one."""
    new = box("n", "dog")
    found = [*result, new]
    for control, (kind, old_value, new_value, *_) in ANSWERS.items():
        found += [about(result[0], control, kind, old_value), about(new, control, kind, new_value)]
    return found


def test_answers_about_regions_become_attributes_of_their_labels(run, annotator):
    dataset, results, label = run()
    (task_id,) = results.tasks.values()
    made = annotator.submit(task_id, answer_both)
    dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    assert not {"classifications", "detections"} & set(dataset.get_field_schema())
    old, new = dataset.first().boxes.detections
    assert (old.id, old.label, old.confidence, old.tags) == (label.id, "cat", 0.9, ["mine"])
    assert old.bounding_box == [0.1, 0.1, 0.2, 0.2] and new.label == "dog"
    for control, (*_, of_old, of_new) in ANSWERS.items():
        assert (old[control], new[control]) == (of_old, of_new), control
    once = stored(dataset)
    dataset.load_annotations("run", unexpected="keep")
    assert stored(dataset) == once
    # A load that does not keep them leaves what an earlier one kept.
    dataset.load_annotations("run", unexpected="ignore")
    assert stored(dataset) == once
    annotator.call(
        "PATCH", f"/api/annotations/{made['id']}/", json={"result": [*annotator.preloaded(task_id), box("n", "dog")]}
    )
    dataset.load_annotations("run", unexpected="keep")
    dataset.reload()
    for again in dataset.first().boxes.detections:
        assert all(again.get_attribute_value(control, None) is None for control in ANSWERS)


@pytest.mark.parametrize("choice", ["return", "ignore", "prompt"])
def test_without_keep_answers_about_regions_are_left_alone_and_counted(run, annotator, caplog, choice):
    dataset, results, _ = run()
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*result, about(result[0], "quality", "choices", {"choices": ["broken"]})])
    before = stored(dataset)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        assert not dataset.load_annotations("run", unexpected=choice)
    assert stored(dataset) == before
    assert "Skipping 1 answers about regions to control tag 'quality'; unexpected='keep' keeps them" in caplog.text


def test_an_answer_about_an_unexpected_region_becomes_its_attribute(run, annotator):
    dataset, results, _ = run()
    (task_id,) = results.tasks.values()
    drawn = box("u", "eye", "added")
    annotator.submit(
        task_id, lambda result: [*result, drawn, about(drawn, "quality", "choices", {"choices": ["good"]})]
    )
    dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    assert [(found.label, found["quality"]) for found in dataset.first().detections.detections] == [("eye", "good")]
    assert "classifications" not in dataset.get_field_schema()


def test_an_answer_about_the_image_stays_a_classification(run, annotator):
    dataset, results, _ = run()
    (task_id,) = results.tasks.values()
    choices = {"id": "c", "from_name": "added", "to_name": "image", "type": "choices", "value": {"choices": ["night"]}}
    annotator.submit(task_id, lambda result: [*result, choices])
    dataset.load_annotations("run", unexpected="keep")
    dataset.reload()
    assert [found.label for found in dataset.first().classifications.classifications] == ["night"]
    assert dataset.first().boxes.detections[0].get_attribute_value("added", None) is None


DECLARED = {
    "str": (fo.StringField, {"choices": ["3"]}, "3"),
    "int": (fo.IntField, {"choices": ["3"]}, 3),
    "float": (fo.FloatField, {"choices": ["3"]}, 3.0),
    "bool": (fo.BooleanField, {"choices": ["true"]}, True),
    "list": (fo.ListField, {"choices": ["3"]}, ["3"]),
    "no number": (fo.IntField, {"choices": ["many"]}, None),
    "several": (fo.StringField, {"choices": ["a", "b"]}, None),
    "dict": (fo.DictField, {"choices": ["a"]}, None),
}


@pytest.mark.parametrize("name", DECLARED)
def test_an_answer_is_of_the_type_that_the_dataset_declares(run, annotator, caplog, name):
    dataset, results, label = run()
    cls, value, expected = DECLARED[name]
    options = {"subfield": fo.StringField} if cls is fo.ListField else {}
    dataset.add_sample_field("boxes.detections.quality", cls, **options)
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*result, about(result[0], "quality", "choices", value)])
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    (old,) = dataset.first().boxes.detections
    assert (old.id, old.get_attribute_value("quality", None)) == (label.id, expected)
    assert (expected is None) == ("quality" in caplog.text)


@pytest.mark.parametrize(
    "name", ["label", "tags", "bounding_box", "id", "index", "rotation", "a.b", "$x", "_x", "copy"]
)
def test_an_answer_whose_name_no_attribute_can_have_is_reported(run, annotator, caplog, name):
    dataset, results, _ = run()
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*result, about(result[0], name, "choices", {"choices": ["x"]})])
    before = stored(dataset)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run", unexpected="keep")
    assert stored(dataset) == before and is_usable(dataset)
    assert f"skipping 1 answers to control tag '{name}'" in caplog.text


def relabelled(result, kind):
    return [{**result[0], "value": {**result[0]["value"], kind: ["truck"]}}, *result[1:]]


def test_a_class_that_somebody_added_comes_home_with_keep(run, annotator, caplog):
    dataset, results, label = run()
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*relabelled(result, "rectanglelabels"), box("n", "truck")])
    before = stored(dataset)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run")
    assert stored(dataset) == before
    assert caplog.text.count("class 'truck' is not one of the field's classes; left alone") == 2
    dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    old, new = dataset.first().boxes.detections
    assert (old.id, old.label, old.confidence, old.tags) == (label.id, "truck", 0.9, ["mine"])
    assert old.bounding_box == [0.1, 0.1, 0.2, 0.2]
    assert (new.label, new.bounding_box) == ("truck", [0.5, 0.1, 0.2, 0.3])
    once = stored(dataset)
    for choice in ("keep", "prompt"):
        dataset.load_annotations("run", unexpected=choice)
        assert stored(dataset) == once


def test_a_relabelling_that_is_not_allowed_is_not_loaded_with_keep_either(make_dataset, connection, annotator):
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"boxes": fo.Detections(detections=[label])})
    options = {"label_field": "boxes", "classes": ["cat"], "allow_label_edits": False, "allow_additions": False}
    results = dataset.annotate("run", backend="labelstudio", attributes=False, **options, **connection)
    before = stored(dataset)
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [*relabelled(result, "rectanglelabels"), box("n", "truck")])
    dataset.load_annotations("run", unexpected="keep")
    assert stored(dataset) == before


def vertices(*points):
    return [
        {"id": f"v{n}", "x": x, "y": y, "prevPointId": f"v{n - 1}" if n else None, "isBezier": False}
        for n, (x, y) in enumerate(points)
    ]


def of_every_family():
    left, top, pixels = blob()
    line = [[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]]
    return {
        "masks": fo.Detections(
            detections=[fo.Detection(label="cat", bounding_box=[left / 64, top / 48, 12 / 64, 9 / 48], mask=pixels)]
        ),
        "polygons": fo.Polylines(polylines=[fo.Polyline(label="cat", points=line, closed=True, filled=True)]),
        "lines": fo.Polylines(polylines=[fo.Polyline(label="cat", points=line)]),
        "people": fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[[0.1, 0.1], [0.2, 0.2]])]),
        "points": fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[[0.3, 0.3], [0.4, 0.4]])]),
        "weather": fo.Classification(label="cat", confidence=0.5),
        "scenes": fo.Classifications(classifications=[fo.Classification(label="cat", confidence=0.5)]),
    }


TYPES = {
    "masks": "instances",
    "polygons": "polygons",
    "lines": "polylines",
    "people": "keypoints",
    "points": "keypoints",
    "weather": "classification",
    "scenes": "classifications",
}
NEW = {
    "masks": ("brushlabels", {**masks.to_value(Mask(2, 2, np.ones((4, 4), bool)), masks.BRUSH, MEDIA)}),
    "polygons": ("polygonlabels", {"points": [[1, 1], [9, 1], [9, 9]], "closed": True}),
    "lines": ("vectorlabels", {"vertices": vertices((1, 1), (9, 1)), "closed": False}),
    "people": ("vectorlabels", {"vertices": vertices((1, 1), (9, 1)), "closed": False}),
    "points": ("keypointlabels", {"x": 70, "y": 70, "width": 1}),
}


def test_an_added_class_comes_home_in_every_family(make_dataset, connection, annotator, caplog):
    values = of_every_family()
    dataset = make_dataset({**values, "segments": fo.Segmentation(mask=np.eye(48, 64, dtype=np.uint8))})
    dataset.skeletons["people"] = SKELETON
    dataset.save()
    schema = {name: {"type": kind, "classes": ["cat", "dog"]} for name, kind in TYPES.items()}
    schema["segments"] = {"type": "segmentation", "mask_targets": TARGETS}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    before = stored(dataset)[dataset.first().id]
    (task_id,) = results.tasks.values()

    def relabel(result):
        for item in result:
            if item["from_name"] == "segments":
                continue
            item["value"][item["type"]] = ["cat", "truck"] if item["from_name"] == "scenes" else ["truck"]
        drawn = [region(f"new-{name}", kind, {**value, kind: ["truck"]}, name) for name, (kind, value) in NEW.items()]
        code = masks.to_value(Mask(2, 2, np.ones((4, 4), bool)), masks.BRUSH, MEDIA)
        return [*result, *drawn, region("new-segments", "brushlabels", {**code, "brushlabels": ["truck"]}, "segments")]

    annotator.submit(task_id, relabel)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    after = stored(dataset)[dataset.first().id]
    for name in NEW:
        list_name = next(key for key in before[name] if key in ("detections", "polylines", "keypoints"))
        (old,) = before[name][list_name]
        first, second = after[name][list_name]
        assert first == {**old, "label": "truck"}, name
        assert second["label"] == "truck", name
    assert after["weather"] == {**before["weather"], "label": "truck"}
    kept, added = after["scenes"]["classifications"]
    assert (kept, added["label"]) == (before["scenes"]["classifications"][0], "truck")
    assert after["segments"] == before["segments"]
    assert caplog.text.count("class 'truck' is not one of the field's classes; left alone") == 1


def test_a_box_of_negative_sizes_comes_home_where_it_is_shown(run, annotator):
    dataset, results, _ = run()
    (task_id,) = results.tasks.values()
    value = {"x": 50, "y": 50, "width": -20, "height": -10, "rotation": 0, "rectanglelabels": ["dog"]}
    annotator.submit(task_id, lambda result: [*result, region("r", "rectanglelabels", value)])
    dataset.load_annotations("run")
    dataset.reload()
    assert [found.bounding_box for found in dataset.first().boxes.detections] == [
        [0.1, 0.1, 0.2, 0.2],
        [0.3, 0.4, 0.2, 0.1],
    ]
