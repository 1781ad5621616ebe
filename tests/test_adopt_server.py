"""A run that the integration inside FiftyOne has made is taken over, against a real server."""

from __future__ import annotations

import copy
import re
import time
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

import fo_labelstudio
from fo_labelstudio.convert.shapes.brush import encode
from tests.support import stored

pytestmark = pytest.mark.server

BUILT_IN = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
SCHEMA = {
    "gt": {"type": "detections", "classes": ["cat", "dog"]},
    "scene": {"type": "classification", "classes": ["day", "night"]},
}


@pytest.fixture
def dataset(make_dataset):
    def box(label, x):
        return fo.Detection(label=label, bounding_box=[x, 0.1 + 0.2, 1 / 3, 0.3], confidence=0.7, index=4, mood="calm")

    values = (
        {
            "gt": fo.Detections(detections=[box("cat", 0.1), box("dog", 0.5)]),
            "scene": fo.Classification(label="day", confidence=0.6),
        }
        for _ in range(30)
    )
    return make_dataset(*values)


def annotate(dataset, connection, schema=SCHEMA):
    """The integration's own annotate(), as its docs have it."""
    before = dict(fo.annotation_config.backends["labelstudio"])
    fo.annotation_config.backends["labelstudio"]["config_cls"] = BUILT_IN
    try:
        return dataset.annotate("boxes", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    finally:
        fo.annotation_config.backends["labelstudio"] = before


def start(annotator, task_id, field):
    """The id and the result of the prediction that holds a field, of which people start from one."""
    predictions = annotator.task(task_id)["predictions"]
    (found,) = [one for one in predictions if all(region["from_name"] == field for region in one["result"])]
    return found["id"], found["result"]


def submit(annotator, task_id, field, edit=lambda result: result):
    parent, result = start(annotator, task_id, field)
    answer = {"result": edit(copy.deepcopy(result)), "parent_prediction": parent}
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=answer)


def test_a_run_with_two_fields_and_30_images_is_adopted_and_loads_right(dataset, connection, annotator):
    made = annotate(dataset, connection)
    assert type(made).__module__ == "fiftyone.utils.labelstudio"
    ids, before = dataset.values("id"), stored(dataset)
    project_id = made.project_id
    page = (Path(__file__).parents[1] / "docs/adopt.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    recipe = recipe.replace("http://localhost:8080", connection["url"]).replace("...", connection["api_key"])
    found = {"dataset": dataset}
    exec(recipe, found)
    results = found["results"]
    assert set(results.tasks) == set(ids) and results.project_id == project_id
    assert stored(dataset) == before

    def moved(result):
        result[0]["value"]["x"] = 50
        return result

    drawn = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["dog"]}

    def added(result):
        return [*result, {**result[0], "id": "drawn", "value": drawn}]

    task = dict(results.tasks)
    submit(annotator, task[ids[0]], "gt")
    submit(annotator, task[ids[1]], "scene")
    submit(annotator, task[ids[2]], "gt", moved)
    submit(annotator, task[ids[3]], "gt", lambda result: result[1:])
    submit(annotator, task[ids[4]], "gt", added)
    submit(annotator, task[ids[5]], "scene", lambda result: [{**result[0], "value": {"choices": ["night"]}}])
    submit(annotator, task[ids[6]], "scene", lambda result: [])
    annotator.call("POST", f"/api/tasks/{task[ids[7]]}/annotations/", json={"result": []})
    # Another session loads, as every day.
    dataset.reload()
    dataset._annotation_cache.clear()
    dataset.load_annotations("boxes", **connection)
    after = stored(dataset)
    changed = [sample_id for sample_id in ids if after[sample_id] != before[sample_id]]
    assert changed == [ids[number] for number in (2, 3, 4, 5, 6)]
    first, second = dataset[ids[2]].gt.detections
    assert first.bounding_box == [0.5, 0.1 + 0.2, 1 / 3, 0.3] and (first.confidence, first.mood) == (0.7, "calm")
    assert second.to_dict() == fo.Detection.from_dict(before[ids[2]]["gt"]["detections"][1]).to_dict()
    assert [label.label for label in dataset[ids[3]].gt.detections] == ["dog"]
    new = dataset[ids[4]].gt.detections[2]
    assert (new.label, new.bounding_box) == ("dog", [0.05, 0.05, 0.1, 0.1])
    assert dataset[ids[5]].scene.label == "night" and dataset[ids[5]].scene.id == str(before[ids[5]]["scene"]["_id"])
    assert dataset[ids[6]].scene is None and len(dataset[ids[6]].gt.detections) == 2
    again = stored(dataset)
    dataset.load_annotations("boxes")
    assert stored(dataset) == again
    results = dataset.load_annotation_results("boxes")
    results.cleanup()
    with pytest.raises(Exception, match="404"):
        annotator.call("GET", f"/api/projects/{project_id}/")


def test_what_the_integration_has_loaded_already_is_not_added_twice(make_dataset, connection, annotator):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], mood="calm")
    dataset = make_dataset({"gt": fo.Detections(detections=[box]), "scene": fo.Classification(label="day")}, {})
    made = annotate(dataset, connection)
    task_id = next(task_id for task_id, sample_id in made.uploaded_tasks.items() if sample_id == dataset.first().id)
    drawn = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["dog"]}
    submit(annotator, task_id, "gt", lambda result: [*result, {**result[0], "id": "drawn", "value": drawn}])
    dataset.load_annotations("boxes")
    loaded = [label.label for label in dataset.first().gt.detections]
    assert loaded == ["cat", "dog"]
    before = stored(dataset)
    results = fo_labelstudio.adopt(dataset, "boxes", api_key=connection["api_key"])
    dataset.load_annotations("boxes")
    assert stored(dataset) == before
    # The annotator moves what was drawn.
    (annotation,) = annotator.task(task_id)["annotations"]
    first, second = annotation["result"]
    moved = {**second, "value": {**second["value"], "x": 60}}
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": [first, moved]})
    dataset.load_annotations("boxes")
    label = dataset.first().gt.detections[1]
    assert (label.label, label.bounding_box) == ("dog", [0.6, 0.05, 0.1, 0.1])
    assert label.id == str(before[dataset.first().id]["gt"]["detections"][1]["_id"])
    results.cleanup()


def polygon():
    points = [[(0.1, 0.1), (0.5, 1 / 3), (0.5, 0.6)]]
    return fo.Polylines(polylines=[fo.Polyline(label="cat", points=points, closed=True, filled=True)])


def keypoint():
    return fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[(0.25, 1 / 3)], confidence=[0.5])])


def instance():
    mask = np.eye(24, 32) > 0
    return fo.Detections(
        detections=[fo.Detection(label="cat", bounding_box=[0.25, 0.25, 0.5, 0.5], mask=mask, confidence=1 / 3)]
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("label_type", "make", "control"),
    [
        ("polygons", polygon, "polygonlabels"),
        ("keypoints", keypoint, "keypointlabels"),
        ("instances", instance, "brushlabels"),
    ],
)
def test_shapes_and_masks_are_adopted_too(make_dataset, connection, annotator, label_type, make, control):
    dataset = make_dataset(*({"gt": make()} for _ in range(4)))
    dataset.compute_metadata()
    annotate(dataset, connection, {"gt": {"type": label_type, "classes": ["cat", "dog"]}})
    ids, before = dataset.values("id"), stored(dataset)
    results = fo_labelstudio.adopt(dataset, "boxes", api_key=connection["api_key"])
    accepted, cleared, relabelled, _ = (results.tasks[sample_id] for sample_id in ids)
    submit(annotator, accepted, "gt")
    submit(annotator, cleared, "gt", lambda result: [])
    submit(
        annotator, relabelled, "gt", lambda result: [{**result[0], "value": {**result[0]["value"], control: ["dog"]}}]
    )
    dataset.load_annotations("boxes", **connection)
    after = stored(dataset)
    assert [after[sample_id] == before[sample_id] for sample_id in ids] == [True, False, False, True]
    name = next(iter(before[ids[0]]["gt"].keys() - {"_cls"}))
    assert after[ids[1]]["gt"][name] == []
    (old,), (new,) = before[ids[2]]["gt"][name], after[ids[2]]["gt"][name]
    assert new == {**old, "label": "dog"}
    results.cleanup()


def test_a_segmentation_that_people_draw_from_nothing_is_loaded_after_an_adoption(make_dataset, connection, annotator):
    dataset = make_dataset({}, {})
    dataset.compute_metadata()
    annotate(dataset, connection, {"surfaces": {"type": "segmentation", "mask_targets": {1: "ground", 2: "sky"}}})
    results = fo_labelstudio.adopt(dataset, "boxes", api_key=connection["api_key"])
    drawn = np.zeros((48, 64), bool)
    drawn[10:20, 10:30] = True
    value = {"format": "rle", "rle": list(encode(drawn, 0, 0, 64, 48)), "brushlabels": ["sky"]}
    region = {"id": "drawn", "from_name": "surfaces", "to_name": "image", "type": "brushlabels", "value": value}
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    task_id = results.tasks[dataset.first().id]
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": [{**region, **size}]})
    dataset.load_annotations("boxes", **connection)
    (pixels,) = {*np.unique(dataset.first().surfaces.mask)} - {0}
    assert (dataset.first().surfaces.mask == pixels).tolist() == drawn.tolist()
    assert dataset.last().surfaces is None
    results.cleanup()


def test_all_that_a_run_can_do_an_adopted_one_can(dataset, connection, annotator, make_dataset):
    annotate(dataset[:4], connection)
    results = fo_labelstudio.adopt(dataset, "boxes", api_key=connection["api_key"])
    tasks = list(results.tasks.values())
    submit(annotator, tasks[0], "gt", lambda result: result[1:])
    annotator.call("POST", f"/api/tasks/{tasks[1]}/annotations/", json={"result": [], "was_cancelled": True})
    status = results.get_status()
    assert [status[key] for key in ("tasks", "answered", "skipped", "open", "new")] == [4, 1, 1, 2, 1]
    assert results.tag_samples() == {
        **{"answered": 1, "open": 2, "skipped": 1, "deleted": 0},
        **{"disagreed": 0, "edited": 1},
    }
    dataset.load_annotations("boxes", **connection)
    assert [len(labels) for labels in dataset.values("gt.detections.id")[:4]] == [1, 2, 2, 2]
    assert results.get_status()["new"] == 0

    assert results.add_samples(dataset[4:6]) == 2
    dataset.clone_sample_field("gt", "better")
    report = results.upload_predictions(dataset[:6], {"gt": "better"}, model_version="better")
    assert (report.added, report.answered) == (5, 1)
    added = results.tasks[dataset[4:5].first().id]
    wait = {"interval": 0.05, "block": False}
    with fo_labelstudio.watch(dataset, "boxes", **wait, **connection) as watching:
        for place, task_id in ((2, tasks[2]), (4, added)):
            (start,) = (one for one in annotator.task(task_id)["predictions"] if one["model_version"] == "better")
            answer = {"result": start["result"][1:], "parent_prediction": start["id"]}
            annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=answer)
            end = time.monotonic() + 120
            while len(dataset.values("gt.detections.id")[place]) != 1:
                assert watching.is_running and time.monotonic() < end
                time.sleep(0.05)
    assert [len(labels) for labels in dataset.values("gt.detections.id")[:6]] == [1, 2, 1, 2, 1, 2]
    before = stored(dataset)
    dataset.load_annotations("boxes", full=True, **connection)
    assert stored(dataset) == before
    assert results.remove_samples(dataset[4:6]) == 2
    results.cleanup()
