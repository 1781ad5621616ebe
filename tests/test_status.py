"""Two people work on a run on a real server: who did what is told exactly, and in few requests."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import ConnectionFailedError, RunError
from tests.support import invited, stored

pytestmark = pytest.mark.server

ANN, BOB = "ann.status@example.org", "bob.status@example.org"

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


@pytest.fixture
def people(server):
    """E-mail -> somebody who was invited to the server, and has an account there."""
    return {email: invited(server, email) for email in (ANN, BOB)}


def boxes():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[1 / 3, 0.1, 0.2, 0.3])])


def relabel(result):
    result[0]["value"]["rectanglelabels"] = ["dog"]
    return result


def work(annotators, tasks):
    """Answers differently, answers alike, skips, drafts, deletes a task, deletes an annotation; one stays untouched."""
    ann, bob = annotators[ANN], annotators[BOB]
    first = ann.submit(tasks[0], lead_time=1.5)
    ann.submit(tasks[1], relabel, lead_time=2)
    bob.submit(tasks[1], lead_time=4)
    ann.submit(tasks[2], lead_time=8)
    bob.submit(tasks[2], lead_time=16)
    bob.submit(tasks[3], lead_time=32, was_cancelled=True)
    bob.call("POST", f"/api/tasks/{tasks[4]}/drafts", json={"result": bob.preloaded(tasks[4]), "lead_time": 64})
    bob.call("DELETE", f"/api/tasks/{tasks[5]}/")
    taken_back = ann.submit(tasks[6], lambda result: [], lead_time=128)
    ann.call("DELETE", f"/api/annotations/{taken_back['id']}/")
    return first


@pytest.fixture
def dataset(make_dataset, connection):
    dataset = make_dataset(*({"gt": boxes()} for _ in range(8)))
    dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **connection)
    return dataset


@pytest.fixture
def tasks(dataset):
    results = dataset.load_annotation_results("run")
    return [results.tasks[sample_id] for sample_id in dataset.values("id")]


def counts(status):
    return tuple(
        status[key] for key in ("tasks", "answered", "skipped", "open", "drafts", "deleted", "new", "predictions")
    )


def moment(time):
    return datetime.fromisoformat(time.replace("Z", "+00:00"))


def test_the_status_says_who_did_what_and_what_is_new(dataset, tasks, people, sent_requests):
    first = work(people, tasks)
    sent_requests.clear()
    status = fo_labelstudio.get_status(dataset, "run")
    reads = [re.sub(r"\d+", "N", path.partition("?")[0]) for method, path in sent_requests if method == "GET"]
    assert reads == [
        "/api/projects/N/",
        "/api/tasks",
        "/api/tasks",
        "/api/tasks",
        "/api/projects/N/export",
        "/api/users/",
        "/api/projects/N/model-versions/",
    ]
    assert len(reads) == len(sent_requests)
    assert counts(status) == (8, 3, 1, 3, 1, 1, 3, {"FiftyOne": 7})
    assert status["annotators"] == {
        ANN: {"answered": 3, "skipped": 0, "seconds": 11.5},
        BOB: {"answered": 2, "skipped": 1, "seconds": 52.0},
    }
    skipped = people[ANN].task(tasks[3])["annotations"][0]
    assert moment(status["first_activity"]) == moment(first["created_at"])
    assert moment(status["last_activity"]) == moment(skipped["updated_at"])
    assert status["complete"] and status["url"].endswith(f"/projects/{status['project_id']}/data")

    dataset.load_annotations("run")
    assert fo_labelstudio.get_status(dataset, "run") == {**status, "new": 0}
    people[BOB].call("PATCH", f"/api/annotations/{first['id']}/", json={"result": [], "lead_time": 3.5})
    people[BOB].submit(tasks[7], lead_time=1)
    later = fo_labelstudio.get_status(dataset, "run")
    assert counts(later) == (8, 4, 1, 2, 1, 1, 2, {"FiftyOne": 7})
    assert later["annotators"] == {
        ANN: {"answered": 3, "skipped": 0, "seconds": 13.5},
        BOB: {"answered": 3, "skipped": 1, "seconds": 53.0},
    }
    assert later["last_activity"] > status["last_activity"]


def test_samples_are_tagged_with_what_became_of_them(dataset, tasks, people):
    work(people, tasks)
    results = dataset.load_annotation_results("run")
    labels = dataset.values("gt")
    found = {"answered": 3, "open": 3, "skipped": 1, "deleted": 1, "disagreed": 1, "edited": 0}
    assert results.tag_samples() == found
    answered, opened, skipped, deleted = (["run:" + state] for state in ("answered", "open", "skipped", "deleted"))
    both = ["run:answered", "run:disagreed"]
    dataset.reload()
    tags = [answered, both, answered, skipped, opened, deleted, opened, opened]
    assert [sorted(own) for own in dataset.values("tags")] == tags
    people[ANN].submit(tasks[7], relabel)
    assert results.tag_samples(field="state") == {**found, "answered": 4, "open": 2, "edited": 1}
    dataset.reload()
    assert dataset.values("state")[7] == ["answered", "edited"]
    assert [sorted(own) for own in dataset.values("tags")] == tags
    assert dataset.values("gt") == labels


CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="gt" toName="image"><Label value="cat"/>'
    '<Label value="dog"/></RectangleLabels></View>'
)


def test_only_the_tasks_of_the_run_count_in_a_project_of_others(make_dataset, make_project, connection, people, capsys):
    project_id, dataset = make_project(CONFIG), make_dataset(*({"gt": boxes()} for _ in range(3)))
    ann = people[ANN]

    def import_theirs():
        region = {"from_name": "gt", "to_name": "image", "type": "rectanglelabels", "value": {"x": 1, "y": 1}}
        predictions = [{"model_version": "theirs", "result": [region]}, {"model_version": "FiftyOne", "result": []}]
        task = {"data": {"image": "x.png"}, "predictions": predictions, "annotations": [{"result": []}]}
        ann.call("POST", f"/api/projects/{project_id}/import", json=[task])

    import_theirs()
    dataset.annotate("run", backend="labelstudio", label_field="gt", project_id=project_id, **connection)
    import_theirs()
    results = dataset.load_annotation_results("run")
    ann.submit(results.tasks[dataset.first().id], lead_time=90)
    assert counts(results.get_status()) == (3, 1, 0, 2, 0, 0, 1, {"FiftyOne": 3})
    ann.call("DELETE", f"/api/tasks/{results.tasks[dataset.last().id]}/")
    assert counts(results.get_status()) == (3, 1, 0, 1, 0, 1, 1, {"FiftyOne": 2})
    results.print_status()
    assert f"    {ANN}         1        0  2 min\n" in capsys.readouterr().out
    shown = results._repr_html_()
    assert f"<tr><td>{ANN}</td><td>1</td><td>0</td><td>2 min</td></tr>" in shown
    assert f'<a href="{connection["url"]}/projects/{project_id}/data"' in shown
    assert connection["api_key"] not in shown


def test_tasks_of_others_that_the_run_gave_predictions_are_its_own(
    make_dataset, make_project, upload, connection, people
):
    project_id, dataset = make_project(CONFIG), make_dataset(*({"gt": boxes()} for _ in range(2)))
    theirs = upload(project_id, dataset.first().filepath)
    options = {"project_id": project_id, "existing_tasks": "predict", **connection}
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **options)
    assert results.tasks[dataset.first().id] == theirs
    people[ANN].submit(theirs, relabel, lead_time=3)
    predictions = {"FiftyOne": 1, f"FiftyOne {results.config.run_state['token']}": 1}
    assert counts(results.get_status()) == (2, 1, 0, 1, 0, 0, 1, predictions)
    assert results.tag_samples() == {
        **dict.fromkeys(("skipped", "deleted", "disagreed"), 0),
        **dict.fromkeys(("answered", "open", "edited"), 1),
    }


def test_labels_that_were_sent_as_annotations_are_answered_by_who_edits_them(make_dataset, connection, people):
    dataset = make_dataset(*({"gt": boxes()} for _ in range(3)))
    options = {"upload_as": "annotations", **connection}
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **options)
    assert counts(results.get_status()) == (3, 0, 0, 3, 0, 0, 0, {})
    (sent,) = people[ANN].task(results.tasks[dataset.first().id])["annotations"]
    people[BOB].call("PATCH", f"/api/annotations/{sent['id']}/", json={"result": [], "lead_time": 5})
    status = results.get_status()
    assert counts(status) == (3, 1, 0, 2, 0, 0, 1, {})
    assert status["annotators"] == {BOB: {"answered": 1, "skipped": 0, "seconds": 5.0}}
    assert results.tag_samples()["edited"] == 1


def test_a_server_that_cannot_be_reached_and_a_project_that_is_gone_say_so(dataset, tasks, annotator, connection):
    before = stored(dataset)
    results = dataset.load_annotation_results("run")
    annotator.call("DELETE", f"/api/projects/{results.project_id}/")
    for ask in (results.get_status, results.print_status, results.tag_samples):
        with pytest.raises(RunError, match=f"project {results.project_id} is gone from {connection['url']}"):
            ask()
    elsewhere = dataset.load_annotation_results("run", cache=False, url="http://127.0.0.1:1", api_key="x", retries=0)
    for ask in (elsewhere.get_status, elsewhere.tag_samples):
        with pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.1:1"):
            ask()
    assert stored(dataset) == before


def test_each_call_of_the_page(make_dataset, connection, people, tmp_path):
    page = (Path(__file__).parents[1] / "docs/status.md").read_text(encoding="utf-8")
    dataset = make_dataset(*({"gt": boxes()} for _ in range(3)))
    dataset.annotate("boxes", backend="labelstudio", label_schema=SCHEMA, **connection)
    results = dataset.load_annotation_results("boxes")
    people[ANN].submit(results.tasks[dataset.first().id], relabel)
    names = {"dataset": dataset}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/status.md", "exec"), names)
    assert names["status"]["answered"] == 1 and len(names["view"]) == 1
