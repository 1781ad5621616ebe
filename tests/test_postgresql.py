"""Label Studio on PostgreSQL: the round trip, and one run that two processes send at the same time."""

from __future__ import annotations

import subprocess
import time

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_labelstudio
from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.remote.client import Client
from tests.postgres import LocalPostgres
from tests.support import start, stored, tasks_of
from tests.test_parts import SEND, annotate, boxes

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(template_dir):
    """A running server that keeps its data in PostgreSQL; what is made from it follows."""
    with LocalPostgres() as postgres:
        postgres.make_tables(template_dir)
        with LocalServer(env=postgres.environment) as server:
            yield server


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(
        *(
            {
                "labels": boxes(*["cat", "dog"][: n % 3]),
                "kind": fo.Classification(label="indoor", confidence=0.25),
                "instances": fo.Detections(
                    detections=[fo.Detection(label="cat", bounding_box=[0.25, 0.25, 0.5, 0.5], mask=np.eye(24) > 0)]
                ),
                "lines": fo.Polylines(
                    polylines=[fo.Polyline(label="dog", points=[[(-0.0, 1e-12), (1 / 3, 0.5), (1, 1)]], closed=False)]
                ),
            }
            for n in range(40)
        )
    )
    dataset.persistent = True
    return dataset


SCHEMA = {
    "labels": {"type": "detections", "classes": ["cat", "dog"], "attributes": {"note": {"type": "text"}}},
    "kind": {"type": "classification", "classes": ["indoor", "outdoor"]},
    "instances": {"type": "instances", "classes": ["cat"]},
    "lines": {"type": "polylines", "classes": ["dog"]},
}


def test_the_round_trip_is_the_same_on_postgresql(dataset, connection, annotator):
    samples = dataset.limit(4)
    before = stored(dataset)
    results = annotate(samples, connection, label_field=None, label_schema=SCHEMA)
    annotator.accept_all(results)
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before

    _, edited, cleared, _ = samples.values("id")

    def edit(result):
        regions = {region["id"]: region for region in result}
        box = next(region for region in result if region["type"] == "rectanglelabels")
        added = {**box, "id": "drawn", "value": {**box["value"], "x": 70.0}}
        box["value"]["x"] = 50.0
        next(region for region in result if region["type"] == "choices")["value"]["choices"] = ["outdoor"]
        return [*regions.values(), added]

    annotator.submit(results.tasks[edited], edit)
    annotator.submit(results.tasks[cleared], lambda result: [])
    dataset.load_annotations("run", **connection)
    dataset.reload()
    old = before[edited]["labels"]["detections"][0]
    moved, drawn = dataset[edited].labels.detections
    assert (moved.id, moved.confidence, moved.bounding_box) == (str(old["_id"]), 0.5, [0.5, 0.2, 0.3, 0.4])
    assert drawn.bounding_box == [0.7, 0.2, 0.3, 0.4]
    assert dataset[edited].kind.label == "outdoor" and dataset[cleared].kind is None
    assert not dataset[cleared].labels.detections and not dataset[cleared].lines.polylines
    assert {sample_id for sample_id, doc in stored(dataset).items() if doc != before[sample_id]} == {edited, cleared}


def test_a_campaign_is_the_same_on_postgresql(dataset, connection, annotator, monkeypatch):
    monkeypatch.setattr("fo_labelstudio.runs.changed.OVERLAP_SECONDS", 0)
    asked = []
    export_tasks = Client.export_tasks

    def note(client, project_id, task_ids):
        asked.extend(task_ids)
        return export_tasks(client, project_id, task_ids)

    monkeypatch.setattr(Client, "export_tasks", note)
    samples = dataset.select(dataset.match(F("labels.detections").length() > 0).limit(6).values("id"))
    schema = {"labels": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}
    options = {"label_field": None, "label_schema": schema, **connection}
    results = samples.annotate("run", backend="labelstudio", **options)
    tasks, ids = list(results.tasks.values()), samples.values("id")
    annotator.submit(tasks[0], lambda result: [], lead_time=2)
    annotator.submit(tasks[1], was_cancelled=True, lead_time=3)
    status = results.get_status()
    counts = [status[key] for key in ("tasks", "answered", "skipped", "open", "deleted", "new")]
    assert counts == [6, 1, 1, 4, 0, 1]
    (annotator_status,) = status["annotators"].values()
    assert annotator_status == {"answered": 1, "skipped": 1, "seconds": 5.0}
    assert results.tag_samples()["edited"] == 1

    dataset.load_annotations("run", **connection)
    assert not dataset[ids[0]].labels.detections
    asked.clear()
    annotator.submit(tasks[2], lambda result: [])
    dataset.load_annotations("run", **connection)
    assert tasks[2] in asked and not {*tasks[3:]} & {*asked}
    assert not dataset[ids[2]].labels.detections

    dataset.clone_sample_field("labels", "better")
    report = results.upload_predictions(samples, {"labels": "better"}, model_version="better")
    assert (report.added, report.answered) == (4, 2)
    assert results.upload_predictions(samples, {"labels": "better"}, model_version="better").unchanged == 4
    assert results.get_status()["predictions"] == {"FiftyOne": 6, "better": 4}

    with fo_labelstudio.watch(dataset, "run", interval=0.1, block=False, **connection):
        (start,) = (one for one in annotator.task(tasks[3])["predictions"] if one["model_version"] == "better")
        answer = {"result": [], "parent_prediction": start["id"]}
        annotator.call("POST", f"/api/tasks/{tasks[3]}/annotations/", json=answer)
        end = time.monotonic() + 120
        while dataset.values("labels.detections.id")[dataset.values("id").index(ids[3])]:
            assert time.monotonic() < end
            time.sleep(0.1)
    before = stored(dataset)
    dataset.load_annotations("run", full=True, **connection)
    assert stored(dataset) == before


def test_two_processes_send_one_run_and_it_ends_as_one_that_one_process_sent(dataset, connection, annotator):
    whole = annotate(dataset, connection)
    expected = tasks_of(annotator, whole.project_id)
    dataset.delete_annotation_run("run")
    project_id = annotate(dataset, connection, parts=2).project_id
    assert tasks_of(annotator, project_id) == {}
    for process in [start(SEND, connection, dataset.name, part, stderr=subprocess.STDOUT) for part in (1, 2)]:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    assert tasks_of(annotator, project_id) == expected
    assert "RectangleLabels" not in annotator.call("GET", f"/api/projects/{project_id}/")["label_config"]
    results = annotate(dataset, connection)
    assert results.project_id == project_id and set(results.tasks) == set(expected)
    assert tasks_of(annotator, project_id) == expected
    assert dataset.get_annotation_info("run").config.run_state["complete"]
