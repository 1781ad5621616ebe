"""What the person who answered was not shown is not deleted, against a real server."""

from __future__ import annotations

import logging
from xml.etree.ElementTree import fromstring, tostring

import fiftyone as fo
import numpy as np
import pytest

from tests.support import stored
from tests.test_every_family import TARGETS, blob

pytestmark = [pytest.mark.server, pytest.mark.sampled]

SIZE = (64, 48)


def box(label, *bounding_box, **values):
    return fo.Detection(**{"label": label, "bounding_box": list(bounding_box), "tags": ["mine"], **values})


def two_boxes():
    return fo.Detections(detections=[box("cat", 0.1, 0.1, 1 / 3, 0.2, confidence=0.9), box("dog", 0.5, 0.5, 0.3, 0.3)])


def drawn(region_id="drawn-by-me", control="boxes", **values):
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["dog"]}
    common = {"to_name": "image", "original_width": 64, "original_height": 48, "image_rotation": 0}
    return {**common, "id": region_id, "from_name": control, "type": "rectanglelabels", "value": value, **values}


def without_controls(config, *names):
    """A labeling config without some control tags, as somebody takes them out of the labeling interface."""
    root = fromstring(config)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("name") in names:
                parent.remove(child)
    return tostring(root, encoding="unicode")


def without_class(config, control, name):
    root = fromstring(config)
    tag = next(element for element in root.iter() if element.get("name") == control)
    tag.remove(next(child for child in tag if child.get("value") == name))
    return tostring(root, encoding="unicode")


class Project:
    """The project of a run, as somebody else changes it."""

    def __init__(self, annotator, results):
        self.annotator = annotator
        self.id = results.project_id
        self.tasks = results.tasks

    def config(self):
        return self.annotator.call("GET", f"/api/projects/{self.id}/")["label_config"]

    def configure(self, config):
        self.annotator.call("PATCH", f"/api/projects/{self.id}/", json={"label_config": config})

    def take_out(self, *controls):
        self.configure(without_controls(self.config(), *controls))

    def add_prediction(self, task_id, result, model_version="another"):
        values = {"task": task_id, "result": result, "model_version": model_version}
        return self.annotator.call("POST", "/api/predictions/", json=values)["id"]

    def patch(self, annotation, result):
        self.annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": result})


@pytest.fixture
def boxes(make_dataset, connection, annotator):
    """A run on one sample with two boxes, and its project."""
    dataset = make_dataset({"boxes": two_boxes()})
    schema = {"boxes": {"type": "detections", "classes": ["cat", "dog"]}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    return dataset, Project(annotator, results), task_id


def load(dataset, **options):
    """Loads twice, the second time without any change; returns the stored sample."""
    dataset.load_annotations("run", **options)
    once = stored(dataset)
    dataset.load_annotations("run", **options)
    assert stored(dataset) == once
    dataset.reload()
    return next(iter(once.values()))


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


NOT_STARTED = (
    "Field 'boxes': left 2 labels or attributes as they are, because the annotations of their tasks cannot have "
    "shown them:\n"
    "  task {}, 2 labels: the annotation did not start from the labels that were sent"
)


@pytest.mark.parametrize("start", ["blank", "another model"])
def test_an_annotation_that_did_not_start_from_our_prediction_only_adds(boxes, annotator, caplog, start):
    dataset, project, task_id = boxes
    (before,) = stored(dataset).values()
    parent = None if start == "blank" else project.add_prediction(task_id, [drawn("of-a-model")])
    result = [drawn()] if start == "blank" else [drawn("of-a-model"), drawn()]
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": result, "parent_prediction": parent})
    after = load(dataset)
    first, second, *added = after["boxes"]["detections"]
    assert [first, second] == before["boxes"]["detections"]
    assert [label["bounding_box"] for label in added] == [pytest.approx([0.1, 0.2, 0.3, 0.4])] * len(result)
    assert warnings_of(caplog) == [NOT_STARTED.format(task_id)] * 2


@pytest.mark.parametrize("start", ["blank", "another model"])
def test_an_empty_annotation_that_did_not_start_from_our_prediction_deletes_nothing(boxes, annotator, caplog, start):
    dataset, project, task_id = boxes
    before = stored(dataset)
    parent = None if start == "blank" else project.add_prediction(task_id, [drawn("of-a-model")])
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": [], "parent_prediction": parent})
    load(dataset)
    assert stored(dataset) == before
    assert warnings_of(caplog) == [NOT_STARTED.format(task_id)] * 2


def test_an_annotation_of_the_chosen_model_keeps_what_was_sent(boxes, annotator):
    dataset, project, task_id = boxes
    before = stored(dataset)
    parent = project.add_prediction(task_id, [drawn("of-a-model")])
    annotator.call("PATCH", f"/api/projects/{project.id}/", json={"model_version": "another"})
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": [], "parent_prediction": parent})
    load(dataset)
    assert stored(dataset) == before


@pytest.mark.parametrize("way", ["submitted", "by the data manager", "by a copy"])
def test_what_started_from_our_prediction_and_was_emptied_deletes(boxes, annotator, caplog, way):
    dataset, project, task_id = boxes
    if way == "by the data manager":
        body = {"selectedItems": {"all": True, "excluded": []}, "model_version": "FiftyOne"}
        path = f"/api/dm/actions?id=predictions_to_annotations&project={project.id}"
        annotator.call("POST", path, json=body)
        (annotation,) = annotator.task(task_id)["annotations"]
        project.patch(annotation, [])
    else:
        annotation = annotator.submit(task_id, lambda result: [] if way == "submitted" else result)
        if way == "by a copy":
            values = {"result": [], "parent_annotation": annotation["id"]}
            annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=values)
    assert load(dataset)["boxes"]["detections"] == []
    assert warnings_of(caplog) == []


def test_regions_of_ours_tell_that_an_annotation_started_from_them(boxes, annotator):
    dataset, _, task_id = boxes
    _, second = dataset.first().boxes.detections
    annotator.submit(task_id, lambda result: [result[1], drawn()], parent_prediction=None)
    load(dataset)
    assert [label.label for label in dataset.first().boxes.detections] == ["dog", "dog"]
    assert dataset.first().boxes.detections[0].id == second.id


def test_a_prediction_that_was_made_again_without_a_label_deletes_it_not(boxes, annotator):
    dataset, project, task_id = boxes
    before = stored(dataset)
    (prediction,) = annotator.task(task_id)["predictions"]
    annotator.call("DELETE", f"/api/predictions/{prediction['id']}/")
    project.add_prediction(task_id, prediction["result"][:1], "FiftyOne")
    annotator.submit(task_id)
    load(dataset)
    assert stored(dataset) == before


def test_an_answer_to_a_task_that_lost_its_prediction_deletes_nothing(boxes, annotator):
    dataset, _, task_id = boxes
    before = stored(dataset)
    (prediction,) = annotator.task(task_id)["predictions"]
    annotator.call("DELETE", f"/api/predictions/{prediction['id']}/")
    annotator.submit(task_id)
    load(dataset)
    assert stored(dataset) == before


def test_a_blank_annotation_leaves_what_another_person_did(boxes, annotator):
    dataset, _, task_id = boxes
    _, second = dataset.first().boxes.detections
    annotator.submit(task_id, lambda result: [result[1], drawn("drawn-before")])
    load(dataset)
    made = dataset.first().boxes.detections[1].id
    values = {"result": [drawn("drawn-later")], "parent_prediction": None}
    later = annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=values)
    load(dataset)
    ids = [label.id for label in dataset.first().boxes.detections]
    assert ids[:2] == [second.id, made] and len(ids) == 3
    annotator.call("PATCH", f"/api/annotations/{later['id']}/", json={"result": []})
    load(dataset)
    assert [label.id for label in dataset.first().boxes.detections] == [second.id, made]


def keypoint():
    return fo.Keypoint(label="cat", points=[[0.2, 0.2], [0.4, 0.4]], confidence=[0.5, 0.25])


def segments():
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[5:20, 5:20] = 1
    return mask


OTHERS = {
    "cap": "hello",
    "points": lambda: fo.Keypoints(keypoints=[keypoint()]),
    "day": lambda: fo.Classification(label="cat", confidence=0.5),
    "days": lambda: fo.Classifications(classifications=[fo.Classification(label="cat", confidence=0.5)]),
    "seg": lambda: fo.Segmentation(mask=segments()),
    "inst": lambda: fo.Detections(
        detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], mask=blob().pixels)]
    ),
    "one": lambda: box("cat", 0.5, 0.5, 0.1, 0.1, confidence=0.3),
}
SCHEMA = {
    "gt": {"type": "detections", "classes": ["cat", "dog"]},
    "pr": {"type": "detections", "classes": ["cat", "dog"]},
    "cap": {"type": "scalar"},
    "points": {"type": "keypoints", "classes": ["cat"]},
    "day": {"type": "classification", "classes": ["cat", "dog"]},
    "days": {"type": "classifications", "classes": ["cat", "dog"]},
    "seg": {"type": "segmentation", "mask_targets": TARGETS},
    "inst": {"type": "instances", "classes": ["cat"]},
    "one": {"type": "detection", "classes": ["cat"]},
}


@pytest.fixture
def many(make_dataset, connection, annotator):
    """A run on two samples with a field of each kind, and its project."""
    values = [
        {
            "gt": fo.Detections(detections=[box("cat", 0.1, 0.1, 0.2, 0.2)]),
            "pr": fo.Detections(detections=[box("dog", 0.5, 0.5, 0.2, 0.2, confidence=0.9)]),
            **{name: value() if callable(value) else value for name, value in OTHERS.items()},
        }
        for _ in range(2)
    ]
    dataset = make_dataset(*values, size=SIZE)
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, attributes=False, **connection)
    return dataset, Project(annotator, results), list(results.tasks.values())


def test_labels_of_controls_that_were_taken_out_stay(many, annotator, caplog):
    dataset, project, (first, second) = many
    before = stored(dataset)
    project.take_out("pr", *OTHERS)

    def orphaned(result):
        """The editor drops what has no control, and hangs a box on another one, without its class."""
        box, other = (region for region in result if region["from_name"] in ("gt", "pr"))
        box["value"]["x"] = 20
        del other["value"]["rectanglelabels"]
        return [box, {**other, "from_name": "gt"}]

    annotator.submit(first, orphaned)
    annotator.submit(second, lambda result: [])
    load(dataset)
    after = stored(dataset)
    expected = {
        sample_id: {**doc, "last_modified_at": after[sample_id]["last_modified_at"], "gt": after[sample_id]["gt"]}
        for sample_id, doc in before.items()
    }
    assert after == expected
    moved, empty = (doc["gt"]["detections"] for doc in after.values())
    assert moved[0]["bounding_box"] == [pytest.approx(0.2), 0.1, 0.2, 0.2] and empty == []
    for name in ("pr", *OTHERS):
        message = (
            f"Field '{name}': left 2 labels or attributes as they are, because the annotations of their tasks cannot "
            f"have shown them:\n  task {first}, 1 label: the labeling config has, or had, no control tag '{name}'"
            f"\n  task {second}, 1 label: the labeling config has, or had, no control tag '{name}'"
        )
        assert message in warnings_of(caplog)
    assert not any("Field 'gt'" in message or "understood" in message for message in warnings_of(caplog))


def test_what_was_loaded_before_controls_were_taken_out_counts_in_full_afterwards(many, annotator):
    dataset, project, (first, second) = many
    annotator.submit(first, lambda result: [region for region in result if region["from_name"] == "gt"])
    load(dataset)
    before = stored(dataset)
    sample = dataset.first()
    assert (sample.pr.detections, sample.cap, sample.day, sample.one, sample.seg) == ([], None, None, None, None)
    project.take_out("pr", *OTHERS)
    annotator.submit(second, lambda result: [region for region in result if region["from_name"] == "gt"])
    load(dataset)
    assert stored(dataset) == before


def test_what_was_submitted_while_controls_were_out_is_kept_when_they_are_back(many, annotator):
    dataset, project, (first, _) = many
    before = stored(dataset)
    config = project.config()
    project.take_out("pr", *OTHERS)
    annotator.submit(first, lambda result: [region for region in result if region["from_name"] == "gt"])
    load(dataset)
    project.configure(config)
    load(dataset)
    assert stored(dataset) == before


def test_a_result_of_a_control_tells_that_it_was_there(many, annotator):
    dataset, project, (first, _) = many
    before = stored(dataset)

    def submitted(result):
        (region,) = (region for region in result if region["from_name"] == "pr")
        region["value"]["x"] = 30
        return [*(region for region in result if region["from_name"] == "gt"), region]

    answer = submitted(annotator.preloaded(first))
    task = annotator.task(first)
    project.take_out("pr")
    # Once it is submitted, the server refuses to take the control out.
    values = {"result": answer, "parent_prediction": task["predictions"][0]["id"]}
    annotator.call("POST", f"/api/tasks/{first}/annotations/", json=values)
    load(dataset)
    (moved,) = dataset.first().pr.detections
    assert moved.bounding_box == pytest.approx([0.3, 0.5, 0.2, 0.2]) and moved.confidence == 0.9
    assert stored(dataset)[dataset.last().id] == before[dataset.last().id]


def test_a_new_list_is_not_called_empty_where_nobody_could_draw(make_dataset, connection, annotator):
    dataset = make_dataset({})
    schema = {"new": {"type": "detections", "classes": ["cat"]}, "day": SCHEMA["day"]}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    Project(annotator, results).take_out("new")
    annotator.submit(task_id)
    load(dataset)
    assert dataset.first().new is None


def test_a_choice_that_was_taken_out_stays_where_nobody_chose_another(make_dataset, connection, annotator):
    labels = [fo.Classification(label=name, confidence=0.5) for name in ("cat", "dog")]
    values = {"day": fo.Classification(label="cat"), "days": fo.Classifications(classifications=labels)}
    dataset = make_dataset({**values, "split": ["a", "b"], "state": "a"})
    schema = {
        **{name: SCHEMA[name] for name in values},
        "split": {"type": "scalar", "classes": ["a", "b"]},
        "state": {"type": "scalar", "classes": ["a", "b"]},
    }
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    project = Project(annotator, results)
    before = stored(dataset)
    for control, name in (("day", "cat"), ("days", "cat"), ("split", "a"), ("state", "a")):
        project.configure(without_class(project.config(), control, name))

    def shown(result):
        kept = {"days": ["dog"], "split": ["b"]}
        return [
            {**region, "value": {"choices": kept[region["from_name"]]}}
            for region in result
            if region["from_name"] in kept
        ]

    annotator.submit(task_id, shown)
    load(dataset)
    assert stored(dataset) == before


def test_an_attribute_whose_control_was_taken_out_stays(make_dataset, connection, annotator, caplog):
    label = box("cat", 0.1, 0.1, 0.2, 0.2, colour="red", note="mine")
    dataset = make_dataset({"boxes": fo.Detections(detections=[label])})
    attributes = {"colour": {"type": "select", "values": ["red", "green"]}, "note": {"type": "text"}}
    schema = {"boxes": {"type": "detections", "classes": ["cat"], "attributes": attributes}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = results.tasks.values()
    project = Project(annotator, results)
    names = {region["type"]: region["from_name"] for region in annotator.preloaded(task_id)}
    project.take_out(names["choices"])
    annotator.submit(task_id, lambda result: [region for region in result if region["type"] == "rectanglelabels"])
    load(dataset)
    (loaded,) = dataset.first().boxes.detections
    assert (loaded.colour, loaded["note"]) == ("red", None)
    assert (
        "Field 'boxes': left 1 labels or attributes as they are, because the annotations of their tasks cannot have "
        f"shown them:\n  task {task_id}, 1 attribute: the labeling config has, or had, no control tag "
        f"'{names['choices']}'"
    ) in warnings_of(caplog)


def test_whoever_was_not_shown_a_mask_only_adds_to_it(make_dataset, connection, annotator):
    dataset = make_dataset({"seg": fo.Segmentation(mask=segments())}, size=SIZE)
    results = dataset.annotate(
        "run", backend="labelstudio", label_schema={"seg": SCHEMA["seg"]}, attributes=False, **connection
    )
    (task_id,) = results.tasks.values()
    (region,) = annotator.preloaded(task_id)
    value = {**region["value"], "brushlabels": ["sky"]}
    values = {"result": [{**region, "id": "drawn", "value": value}]}
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=values)
    load(dataset)
    assert dataset.first().seg.mask.tolist() == segments().tolist()


# ---- an answer that was not understood is no answer


@pytest.mark.parametrize("region_id", [None, 5, ""])
def test_regions_without_an_id_are_new_labels_and_those_that_were_sent_stay(boxes, annotator, region_id):
    dataset, _, task_id = boxes
    (before,) = stored(dataset).values()
    regions = [drawn(region_id), drawn(region_id and 7)]
    if region_id is None:
        for region in regions:
            del region["id"]
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": regions})
    after = load(dataset)
    first, second, *added = after["boxes"]["detections"]
    assert [first, second] == before["boxes"]["detections"]
    assert [(label["label"], label["bounding_box"]) for label in added] == [
        ("dog", pytest.approx([0.1, 0.2, 0.3, 0.4]))
    ] * 2
    assert len({label["_id"] for label in added}) == 2


def test_a_prediction_without_ids_that_became_an_annotation_adds_its_labels(boxes, annotator):
    dataset, project, task_id = boxes
    region = drawn()
    del region["id"]
    project.add_prediction(task_id, [region], "sdk")
    body = {"selectedItems": {"all": True, "excluded": []}, "model_version": "sdk"}
    annotator.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project.id}", json=body)
    load(dataset)
    assert [label.label for label in dataset.first().boxes.detections] == ["cat", "dog", "dog"]


def test_a_region_without_an_id_keeps_the_labels_of_its_field_only(many, annotator):
    dataset, _, (first, _) = many
    region = drawn(control="gt")
    del region["id"]
    kept = dataset.first().gt.detections[0].id
    annotator.submit(first, lambda result: [region])
    load(dataset)
    sample = dataset.first()
    assert sample.gt.detections[0].id == kept and len(sample.gt.detections) == 2
    assert (sample.pr.detections, sample.cap, sample.day) == ([], None, None)


def test_an_unexpected_region_without_an_id_is_kept_as_one(boxes, annotator):
    dataset, _, task_id = boxes
    value = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 0, "ellipselabels": ["eye"]}
    ellipse = {**drawn(control="added"), "type": "ellipselabels", "value": value}
    del ellipse["id"]
    annotator.submit(task_id, lambda result: [*result, ellipse])
    load(dataset, unexpected="keep")
    (polygon,) = dataset.first().polylines.polylines
    assert polygon.label == "eye"


@pytest.mark.parametrize("result", [[drawn(value={"x": "?"})], [{"id": "a", "type": "x"}]])
def test_a_new_list_stays_none_where_nothing_of_the_answer_was_understood(make_dataset, connection, annotator, result):
    dataset = make_dataset({"count": 3}, {})
    schema = {"boxes": {"type": "detections", "classes": ["dog"]}, "count": {"type": "scalar"}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    first, second = results.tasks.values()
    annotator.submit(first, lambda _: result)
    annotator.submit(second, lambda _: [])
    load(dataset)
    assert (dataset.first().boxes, dataset.last().boxes.detections) == (None, [])
