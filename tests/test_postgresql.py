"""Label Studio on PostgreSQL: the round trip, and one run that two processes send at the same time."""

from __future__ import annotations

import subprocess

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.local.server import LocalServer
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
