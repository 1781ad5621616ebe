"""Two people answer a run on a real server: what is loaded of whom, and that what changed is enough to be looked at."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.backend import LabelStudioBackend
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import server as runs_server
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.support import invited, start, stored

pytestmark = pytest.mark.server

ANN, BOB = "ann.loads@example.org", "bob.loads@example.org"
SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


@pytest.fixture
def people(server):
    """E-mail -> somebody who was invited to the server, and has an account there."""
    return {email: invited(server, email) for email in (ANN, BOB)}


def relabelled(result):
    return [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result]


@pytest.fixture
def sent(make_dataset, connection):
    """A dataset of six samples with a cat each, and its run."""
    box = [0.1, 0.1, 0.2, 0.2]
    dataset = make_dataset(
        *({"gt": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box)])} for _ in range(6))
    )
    dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, skipped="tag", **connection)
    return dataset, dataset.load_annotation_results("run")


def test_what_two_people_answered_is_told_apart(sent, people):
    dataset, results = sent
    first, second, third, *_ = results.tasks.values()
    ann, bob = people[ANN], people[BOB]
    of_ann = ann.submit(first, relabelled, lead_time=12.5, ground_truth=True)
    of_bob = bob.submit(first, lambda result: [], lead_time=3)
    ann.submit(second)
    bob.submit(third, was_cancelled=True)
    dataset.load_annotations("run", annotations="all", provenance="samples")
    assert dataset.values("gt_ann_loads_example_org.detections.label")[:3] == [["dog"], ["cat"], None]
    assert dataset.values("gt_bob_loads_example_org.detections.label")[:3] == [[], None, None]
    assert dataset.values("gt.detections.label")[:3] == [["cat"]] * 3
    assert dataset.values("tags")[:4] == [[], [], ["run:skipped"], []]
    made = dataset.first().run_provenance_ann_loads_example_org
    assert (made.annotator, made.annotation_id, made.lead_time) == (ANN, of_ann["id"], 12.5)
    assert dataset.first().run_provenance_bob_loads_example_org.annotation_id == of_bob["id"]
    report = fo_labelstudio.compute_agreement(dataset, "gt")
    assert report == {"samples": 1, "mean": 0.0, "classes": {"dog": 0.0}}
    assert dataset.values("gt_agreement") == [0.0, None, None, None, None, None]
    dataset.load_annotations("run", annotations="ground_truth")
    assert dataset.values("gt.detections.label")[0] == ["dog"]
    dataset.load_annotations("run", annotations=BOB, provenance="labels")
    assert dataset.values("gt.detections.label")[0] == []
    dataset.load_annotations("run", annotations=ANN, provenance="labels")
    (label,) = dataset.first().gt.detections
    assert (label.label, label.annotator, label.annotation_id, label.lead_time) == ("dog", ANN, of_ann["id"], 12.5)
    assert "annotator" not in dataset.skip(1).first().gt.detections[0].field_names


ROOT = Path(__file__).parents[1]


def recipe_of(page, heading):
    """The calls below a heading of a page, as they are printed."""
    text = (ROOT / page).read_text(encoding="utf-8")
    section = re.search(rf"^#+ {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE).group(1)
    return "".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))


def test_the_readme_and_the_page_show_where_annotators_agree_least(make_dataset, connection, people, monkeypatch):
    def boxes():
        found = [[0.1, 0.1, 0.2, 0.2], [0.6, 0.6, 0.2, 0.2]]
        return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box) for box in found])

    dataset = make_dataset(*({"ground_truth": boxes()} for _ in range(4)))
    schema = {"ground_truth": SCHEMA["gt"]}
    results = dataset.annotate("boxes", backend="labelstudio", label_schema=schema, **connection)
    first, second, third, fourth = results.tasks.values()
    for task_id, ann, bob in (
        (first, lambda result: result, lambda result: [result[0], *relabelled(result[1:])]),
        (second, lambda result: result, lambda result: result),
        (third, relabelled, lambda result: []),
    ):
        people[ANN].submit(task_id, ann, lead_time=10)
        people[BOB].submit(task_id, bob, lead_time=20)
    people[ANN].submit(fourth, lead_time=10)
    shown = []
    monkeypatch.setattr(fo, "launch_app", shown.append)
    exec(
        recipe_of("README.md", "While people annotate"),
        {"fo": fo, "fo_labelstudio": fo_labelstudio, "dataset": dataset},
    )
    ids = dataset.values("id")
    assert dataset.values("ground_truth_agreement") == [0.5, 1.0, 0.0, None]
    assert [view.values("id") for view in shown] == [[ids[2], ids[0], ids[1]]]
    assert results.get_status()["annotators"] == {
        ANN: {"answered": 4, "skipped": 0, "seconds": 40.0},
        BOB: {"answered": 3, "skipped": 0, "seconds": 60.0},
    }
    names = {"fo": fo, "dataset": dataset}
    exec(recipe_of("docs/agreement.md", "Agreement").replace("my_run", "boxes"), names)
    # Of 4 and 2 cats in the first two samples, and of 2 dogs in the third, those that the other one has, too.
    assert names["report"] == {"samples": 3, "mean": 0.5, "classes": {"cat": 6 / 7, "dog": 0.0}}
    assert names["worst"].values("id") == [ids[2], ids[0], ids[1]]
    # The newest answer of each task counts, whoever gave it: loaded by the first load of the README.
    assert dataset.values("ground_truth.detections.label") == [["cat", "dog"], ["cat", "cat"], [], ["cat", "cat"]]


def labels_of(dataset):
    return {sample_id: doc["gt"] for sample_id, doc in stored(dataset).items()}


def test_whatever_is_done_to_answers_is_seen_by_the_next_load(sent, people, annotator, monkeypatch):
    dataset, results = sent
    exported = []
    export_tasks = Client.export_tasks

    def note(client, project_id, task_ids):
        exported.append(list(task_ids))
        return export_tasks(client, project_id, task_ids)

    monkeypatch.setattr(Client, "export_tasks", note)
    monkeypatch.setattr("fo_labelstudio.runs.changed.OVERLAP_SECONDS", 0)

    def load():
        """Loads; returns the tasks that were asked for, once it is sure that all would have left the same."""
        exported.clear()
        fo_labelstudio.load_annotations(dataset, "run")
        asked = [task_id for task_ids in exported for task_id in task_ids]
        before = labels_of(dataset), dataset.values("tags")
        copy = dataset.clone()
        fo_labelstudio.load_annotations(copy, "run", full=True, **connection_of(annotator))
        assert (labels_of(copy), copy.values("tags")) == before
        copy.delete()
        return asked

    tasks = list(results.tasks.values())
    ann, bob = people[ANN], people[BOB]
    submitted = [ann.submit(task_id, relabelled) for task_id in tasks[:4]]
    assert load() == tasks
    # A change at the very time of the newest one that was seen could not be told from it.
    assert load() == tasks[3:4] and load() == []
    bob.call("PATCH", f"/api/annotations/{submitted[0]['id']}/", json={"result": []})
    assert load() == tasks[:1]
    assert dataset.values("gt.detections.label")[0] == []
    ann.call("DELETE", f"/api/annotations/{submitted[1]['id']}/")
    bob.submit(tasks[1], lambda result: [])
    ann.call("PATCH", f"/api/annotations/{submitted[2]['id']}/", json={"was_cancelled": True})
    assert load() == tasks[1:3]
    assert dataset.values("tags")[2] == ["run:skipped"]
    ann.call("PATCH", f"/api/annotations/{submitted[2]['id']}/", json={"was_cancelled": False})
    assert tasks[2] in load()
    assert dataset.values("tags")[2] == []
    chosen = {"selectedItems": {"all": False, "included": tasks[4:]}}
    bob.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}", json=chosen)
    assert {*tasks[4:]} <= {*load()}
    bob.call("POST", f"/api/dm/actions?id=delete_tasks_annotations&project={results.project_id}", json=chosen)
    assert {*tasks[4:]} <= {*load()}
    sample = dataset[results.uploaded_tasks[tasks[3]]]
    sample.gt.detections[0].label = "bird"
    sample.save()
    # It is looked at, and stays: an answer that was loaded is no news, as it is none where everything is loaded.
    assert tasks[3] in load()
    assert dataset[sample.id].gt.detections[0].label == "bird"


def connection_of(annotator):
    return {"url": annotator.url, "api_key": annotator._session.headers["Authorization"].removeprefix("Token ")}


LOADS = """
import sys, fiftyone as fo, fo_labelstudio
dataset = fo.load_dataset(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
if sys.argv[2] == "ours":
    fo_labelstudio.load_annotations(dataset, "run", unexpected="ignore")
else:
    dataset.load_annotations("run", unexpected="ignore")
"""


def drawn(result):
    (region,) = result
    return [region, {**region, "id": "drawn", "value": {**region["value"], "x": 50}}]


def test_an_answer_that_the_server_has_not_counted_is_loaded(sent, annotator, server, monkeypatch):
    dataset, results = sent
    dataset.load_annotations("run")
    first, *_ = results.tasks.values()
    annotator.submit(first, relabelled)
    (database,) = server.data_dir.rglob("*.sqlite3")
    with closing(sqlite3.connect(database, timeout=60)) as tables, tables:
        tables.execute("UPDATE task SET total_annotations = 0 WHERE id = ?", [first])
    monkeypatch.setattr(runs_server, "MAX_NOT_ANSWERED", 1)
    dataset.load_annotations("run")
    assert dataset.values("gt.detections.label") == [["dog"], *[["cat"]] * 5]


def test_two_processes_and_a_watch_load_each_answer_once(sent, annotator, connection):
    dataset, results = sent
    dataset.persistent = True
    tasks = list(results.tasks.values())
    whose = ["ours", "FiftyOne's"]
    processes = [start(LOADS, connection, dataset.name, who, stdin=subprocess.PIPE) for who in whose]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    with fo_labelstudio.watch(dataset, "run", interval=0.05, block=False, **connection) as watching:
        for number, task_id in enumerate(tasks):
            annotator.submit(task_id, drawn)
            if number == 2:
                for process in processes:
                    process.stdin.write("go\n")
                    process.stdin.flush()
            results.get_status()
        assert [process.wait() for process in processes] == [0, 0]
        while dataset.values("gt.detections.label") != [["cat", "cat"]] * 6:
            assert watching.is_running
    saved = results.saved()
    assert set(saved.answered) == set(saved.loaded["gt"]) == set(saved.settled["gt"]) == set(results.tasks)
    assert results.get_status()["new"] == 0
    before = stored(dataset)
    dataset.load_annotations("run", full=True)
    assert stored(dataset) == before and results.conflicts == []


def test_what_another_session_loads_before_fiftyone_saves_is_kept(sent, annotator, connection, monkeypatch):
    dataset, results = sent
    first, second, *_ = results.tasks.values()
    annotator.submit(first, drawn)
    download = LabelStudioBackend.download_annotations

    def and_another_loads(self, results):
        found = download(self, results)
        annotator.submit(second, drawn)
        other = results.saved()
        other.config.load_credentials(**connection)
        load_run(other, LoadOptions(skipped="tag"))
        return found

    monkeypatch.setattr(LabelStudioBackend, "download_annotations", and_another_loads)
    dataset.load_annotations("run", unexpected="ignore")
    saved = results.saved()
    assert [saved.tasks[name] for name in saved.loaded["gt"]] == [first, second]
