"""The tasks that a run has: reading reads, and only the sender that holds the lock repairs."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.runs.send import reconcile_tasks, tasks_of_run
from tests.support import tasks_of

RUN = "token"


def task(task_id, sample_id, predictions=1, run=RUN):
    sent = {"gt": {"label": {"box": "digest"}}}
    meta = {"fiftyone": {"version": 1, "run": run, "size": [64, 48], "sent": sent}}
    return {"id": task_id, "data": {"sample_id": sample_id}, "meta": meta, "total_predictions": predictions}


class FakeClient:
    """A project with a whole task, one that is half-made, one that was made twice, and one of another run."""

    def __init__(self):
        self.deleted = []

    def tasks(self, project_id, after):
        return iter([task(1, "a"), task(2, "b", predictions=0), task(3, "a"), task(4, "c", run="other")])

    def delete_tasks(self, project_id, task_ids):
        self.deleted += task_ids


def test_reading_the_tasks_of_a_run_deletes_none():
    client = FakeClient()
    assert {sample: found.id for sample, found in tasks_of_run(RUN, client, 1).items()} == {"a": 1}
    assert client.deleted == []


def test_reconciling_them_deletes_half_made_ones_and_copies():
    client = FakeClient()
    assert {sample: found.id for sample, found in reconcile_tasks(RUN, client, 1).items()} == {"a": 1}
    assert client.deleted == [2, 3]


@pytest.mark.server
def test_loading_a_run_that_is_being_sent_deletes_no_task(make_dataset, connection, annotator):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box])}, {"gt": fo.Detections(detections=[box.copy()])})
    options = {"label_field": "gt", "classes": ["cat"], "attributes": False, **connection}
    project_id = dataset.annotate("run", backend="labelstudio", parts=1, **options).project_id
    fo_labelstudio.send_part(dataset, "run", 1, **connection)
    *_, second = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all&page_size=100")["tasks"]
    # As a server on SQLite leaves a task for a moment.
    annotator.call("DELETE", f"/api/predictions/{second['predictions'][0]['id']}/")
    dataset.load_annotations("run")
    assert {len(found) for found in tasks_of(annotator, project_id).values()} == {1}
