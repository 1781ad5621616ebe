"""What a person is not shown in the real editor, in headless Chromium, is not deleted."""

from __future__ import annotations

import fiftyone as fo
import pytest

from tests.support import stored
from tests.test_editor import editor, screenshot  # noqa: F401
from tests.test_shown import Project, box, drawn, two_boxes, warnings_of, without_class

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIZE = (640, 480)
CLASSES = ["cat", "dog"]


@pytest.fixture
def sent(make_dataset, connection, annotator):
    """Sends samples that hold some values; returns the dataset, its project and the ids of its tasks."""

    def send(schema, *values):
        dataset = make_dataset(*values, size=SIZE)
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
        return dataset, Project(annotator, results), list(results.tasks.values())

    return send


def test_what_a_person_draws_in_a_blank_annotation_is_added(sent, editor, screenshot, caplog):  # noqa: F811
    schema = {"boxes": {"type": "detections", "classes": CLASSES}}
    dataset, project, (first, second, third, fourth) = sent(schema, *({"boxes": two_boxes()} for _ in range(4)))
    before = stored(dataset)
    page = editor.open_task(project.id, first)
    page.begin_blank()
    new = page.draw_box("dog", 60, 10, 20, 20)
    page.screenshot(screenshot)
    annotation = page.submit()
    assert (annotation["parent_prediction"], len(annotation["result"])) == (None, 1)

    page = editor.open_task(project.id, second)
    page.begin_blank()
    annotation = page.submit()
    assert (annotation["parent_prediction"], annotation["result"]) == (None, [])

    page = editor.open_task(project.id, third)
    for region in page.regions():
        page.delete(region.id)
    annotation = page.submit()
    assert annotation["parent_prediction"] is not None and annotation["result"] == []

    parent = project.add_prediction(fourth, [drawn("of-a-model")])
    project.annotator.call("PATCH", f"/api/projects/{project.id}/", json={"model_version": "another"})
    page = editor.open_task(project.id, fourth)
    assert [region.id for region in page.regions()] == ["of-a-model"]
    page.delete("of-a-model")
    annotation = page.submit()
    assert (annotation["parent_prediction"], annotation["result"]) == (parent, [])

    dataset.load_annotations("run")
    after = [doc["boxes"]["detections"] for doc in stored(dataset).values()]
    both = [doc["boxes"]["detections"] for doc in before.values()]
    *kept, added = after[0]
    assert [kept, *after[1:]] == [both[0], both[1], [], both[3]]
    assert added["label"] == "dog"
    assert added["bounding_box"] == pytest.approx([new.x / 100, new.y / 100, new.width / 100, new.height / 100])
    (message,) = warnings_of(caplog)
    assert message.startswith("Field 'boxes': left 6 labels or attributes as they are")
    for task_id in (first, second, fourth):
        assert f"task {task_id}, 2 labels: the annotation did not start from the labels that were sent" in message
    once = stored(dataset)
    dataset.load_annotations("run")
    assert stored(dataset) == once


def test_a_box_whose_control_is_gone_hangs_on_another_one_and_stays(sent, editor, screenshot):  # noqa: F811
    values = {
        "gt": fo.Detections(detections=[box("cat", 0.1, 0.1, 0.2, 0.2)]),
        "pr": fo.Detections(detections=[box("dog", 0.5, 0.5, 0.2, 0.2, confidence=0.9)]),
        "cap": "hello",
        "points": fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[[0.3, 0.7]])]),
        "day": fo.Classification(label="cat"),
    }
    schema = {
        "gt": {"type": "detections", "classes": CLASSES},
        "pr": {"type": "detections", "classes": CLASSES},
        "cap": {"type": "scalar"},
        "points": {"type": "keypoints", "classes": ["cat"]},
        "day": {"type": "classification", "classes": CLASSES},
    }
    dataset, project, (first, second) = sent(schema, values, {name: values[name] for name in ("gt", "pr", "cap")})
    before = stored(dataset)
    project.take_out("pr", "cap", "points", "day")
    other = before[dataset.first().id]["pr"]["detections"][0]["_id"]
    page = editor.open_task(project.id, first)
    page.screenshot(screenshot)
    orphan = page.region(str(other))
    assert (orphan.from_name, orphan.labels) == ("gt", [])
    moved = page.move(str(dataset.first().gt.detections[0].id), 10, 5)
    page.submit()
    page = editor.open_task(project.id, second)
    for region in page.regions():
        page.delete(region.id)
    page.submit()
    dataset.load_annotations("run")
    after = stored(dataset)
    for sample_id, doc in before.items():
        for name in ("pr", "cap", "points", "day"):
            assert after[sample_id].get(name) == doc.get(name)
    (label,) = after[dataset.first().id]["gt"]["detections"]
    assert label["bounding_box"] == [pytest.approx(moved.x / 100), pytest.approx(moved.y / 100), 0.2, 0.2]
    assert after[dataset.last().id]["gt"]["detections"] == []


def test_a_box_whose_class_is_gone_is_shown_and_comes_back_or_is_deleted(sent, editor):  # noqa: F811
    schema = {"boxes": {"type": "detections", "classes": CLASSES}}
    dataset, project, (first, second) = sent(schema, *({"boxes": two_boxes()} for _ in range(2)))
    before = stored(dataset)
    project.configure(without_class(project.config(), "boxes", "cat"))
    editor.open_task(project.id, first).submit()
    page = editor.open_task(project.id, second)
    page.delete(page.regions()[0].id)
    page.submit()
    dataset.load_annotations("run")
    after = stored(dataset)
    assert after[dataset.first().id] == before[dataset.first().id]
    assert [label.label for label in dataset.last().boxes.detections] == ["dog"]
