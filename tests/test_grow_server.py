"""A run that is going on grows, shrinks and asks for more, against a real server, by the calls of the docs."""

from __future__ import annotations

import re
from pathlib import Path

import fiftyone as fo
import pytest

from fo_labelstudio.convert.names import control_name, inner_name
from fo_labelstudio.errors import RunError
from fo_labelstudio.remote.client import Client
from tests.support import stored

pytestmark = pytest.mark.server

PAGE = (Path(__file__).parents[1] / "docs" / "grow_and_shrink.md").read_text(encoding="utf-8")
SCHEMA = {"ground_truth": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


def box():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])])


@pytest.fixture
def dataset(make_dataset):
    tags = [[], [], ["week 2"], ["week 2", "blurred"]]
    return make_dataset(*({"ground_truth": box(), "tags": own} for own in tags))


def annotate(samples, connection, **options):
    return samples.annotate("boxes", backend="labelstudio", label_schema=SCHEMA, **connection, **options)


def test_each_call_of_the_page_in_turn(dataset, connection, annotator, caplog):
    load, add, shrink, ask, end = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    results = annotate(dataset[:2], connection)
    names = {"dataset": dataset}
    exec(load, names)
    exec(add, names)
    ids = dataset.values("id")
    assert list(results.tasks) == ids and dataset.load_annotation_view("boxes").values("id") == ids
    # An annotation that is there keeps the server from taking classes away, not from getting more.
    annotator.submit(results.tasks[ids[0]])
    exec(ask, names)

    def relabelled(result):
        result[0]["value"]["rectanglelabels"] = ["cow"]
        age = {
            **result[0],
            "from_name": inner_name(control_name("ground_truth"), "age"),
            "type": "number",
            "value": {"number": 3},
        }
        return [result[0], age]

    annotator.submit(results.tasks[ids[2]], relabelled)
    before = stored(dataset)
    dataset.load_annotations("boxes", **connection)
    after = stored(dataset)
    assert [sample_id for sample_id in ids if after[sample_id] != before[sample_id]] == [ids[2]]
    (label,) = dataset[ids[2]].ground_truth.detections
    assert (label.label, label.age) == ("cow", 3)
    blurred, second = results.tasks[ids[3]], results.tasks[ids[1]]
    annotator.submit(second)
    draft = {"result": annotator.preloaded(blurred), "lead_time": 1}
    annotator.call("POST", f"/api/tasks/{blurred}/drafts", json=draft)
    remove, delete = shrink.splitlines()
    with pytest.raises(RunError, match="0 of 1 tasks have answers that were not loaded, and 1 have drafts"):
        exec(remove, names)
    results.remove_samples(dataset.match_tags("blurred"), force=True)
    delete = delete.replace("101", str(second))
    with pytest.raises(RunError, match="1 of 1 tasks have answers that were not loaded"):
        exec(delete, names)
    dataset.load_annotations("boxes", **connection)
    exec(delete, names)
    assert list(results.tasks) == [ids[0], ids[2]]
    left = annotator.call("GET", f"/api/tasks?project={results.project_id}")["tasks"]
    assert sorted(task["id"] for task in left) == sorted(results.tasks.values())
    assert stored(dataset) == after
    project_id = results.project_id
    exec(end, names)
    assert f"deletes none from its disk: they are in media/upload/{project_id} of its data directory" in caplog.text


CONFIG = """<View><Image name="img" value="$photo"/>
<RectangleLabels name="ground_truth" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""


def test_samples_are_added_to_a_run_in_a_project_of_others_whose_files_stay(
    dataset, connection, annotator, make_project, upload
):
    project_id = make_project(CONFIG)
    theirs = upload(project_id, dataset.last().filepath)
    results = annotate(dataset[:1], connection, project_id=project_id, existing_tasks="skip")
    assert results.add_samples(dataset) == 2
    assert list(results.tasks) == dataset[:3].values("id")
    with pytest.raises(RunError, match="which was there before and keeps its labeling config"):
        results.update_label_schema({"ground_truth": {"classes": ["cat", "dog", "cow"]}})
    assert len(annotator.call("GET", f"/api/projects/{project_id}/file-uploads?all=true")) == 4
    results.cleanup()
    (task,) = annotator.call("GET", f"/api/tasks?project={project_id}")["tasks"]
    assert task["id"] == theirs
    (file,) = annotator.call("GET", f"/api/projects/{project_id}/file-uploads?all=true")
    assert task["data"]["photo"].endswith(file["file"])
    assert annotator.call("GET", f"/api/projects/{project_id}/")["label_config"] == CONFIG


@pytest.fixture
def shown(dataset, annotator, make_project):
    """A project of others, and its tasks, which show the first three of four samples."""
    project_id = make_project(CONFIG)
    names = [Path(path).name.replace(" ", "_") for path in dataset[:3].values("filepath")]
    rows = [{"data": {"photo": f"/data/upload/7/0a1b2c3d-{name}"}} for name in names]
    rows[1]["predictions"] = [{"model_version": "their model", "result": []}]
    annotator.call("POST", f"/api/projects/{project_id}/import", json=rows)
    tasks = annotator.call("GET", f"/api/tasks?project={project_id}")["tasks"]
    return project_id, sorted(task["id"] for task in tasks)


def models_on(annotator, task_id):
    return sorted(item["model_version"] for item in annotator.call("GET", f"/api/predictions/?task={task_id}"))


def relabelled(result):
    result[0]["value"]["rectanglelabels"] = ["dog"]
    return result


def test_samples_that_others_show_get_predictions_when_they_are_added(
    dataset, connection, annotator, shown, monkeypatch
):
    project_id, theirs = shown
    ids = dataset.values("id")
    options = {"project_id": project_id, "existing_tasks": "predict", "max_tasks": 1}
    results = annotate(dataset[:1], connection, **options)
    assert results.tasks == {ids[0]: theirs[0]}
    own = models_on(annotator, theirs[0])
    add, calls = Client.add_predictions, []

    def break_second(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("broken")
        return add(self, *arguments)

    monkeypatch.setattr(Client, "add_predictions", break_second)
    with pytest.raises(RunError, match="To continue, call it with the same samples once more"):
        results.add_samples(dataset)
    monkeypatch.undo()
    results.add_samples(dataset)
    assert [results.tasks[sample_id] for sample_id in ids[:3]] == theirs and len(set(results.tasks.values())) == 4
    assert [models_on(annotator, task_id) for task_id in theirs] == [own, sorted([*own, "their model"]), own]
    assert dataset.load_annotation_view("boxes").values("id") == ids
    prediction = next(
        item for item in annotator.call("GET", f"/api/predictions/?task={theirs[2]}") if item["model_version"] == own[0]
    )
    answer = {"result": relabelled(prediction["result"]), "parent_prediction": prediction["id"]}
    annotator.call("POST", f"/api/tasks/{theirs[2]}/annotations/", json=answer)
    annotator.submit(results.tasks[ids[3]], relabelled)
    dataset.load_annotations("boxes", **connection)
    assert dataset.values("ground_truth.detections.label") == [["cat"], ["cat"], ["dog"], ["dog"]]


def test_no_prediction_of_the_run_is_left_on_tasks_of_others_that_it_gives_up(dataset, connection, annotator, shown):
    project_id, theirs = shown
    results = annotate(dataset[:3], connection, project_id=project_id, existing_tasks="predict")
    results.upload_predictions(dataset, "ground_truth", "second model")
    assert "second model" in models_on(annotator, theirs[1])
    results.delete_tasks(theirs[1])
    assert [len(models_on(annotator, task_id)) for task_id in theirs] == [2, 1, 2]
    assert models_on(annotator, theirs[1]) == ["their model"]
    results.remove_samples(dataset[:1])
    assert models_on(annotator, theirs[0]) == []


def test_new_tasks_and_refreshed_ones_are_loaded_side_by_side(dataset, connection, annotator, caplog):
    first, second, third, fourth = dataset.values("id")
    label = {"label": "dog", "bounding_box": [0.5, 0.5, 0.25, 0.25]}
    dataset.set_values("better", [fo.Detections(detections=[fo.Detection(**label)]) for _ in range(4)])
    results = annotate(dataset[:2], connection)
    annotator.submit(results.tasks[first])

    def submit(sample_id, edit=lambda result: result):
        """Submits what the label stream shows: the prediction that people start from, or nothing."""
        task_id = results.tasks[sample_id]
        shown = annotator.call("GET", f"/api/projects/{results.project_id}/")["model_version"]
        found = annotator.call("GET", f"/api/predictions/?task={task_id}")
        started = next((item for item in found if item["model_version"] == shown), {"id": None, "result": []})
        body = {"result": edit(started["result"]), "parent_prediction": started["id"]}
        annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json=body)

    results.upload_predictions(dataset, "better", "second model")
    caplog.clear()
    assert results.add_samples(dataset) == 2
    assert "2 new tasks have no prediction of 'second model', which people start from" in caplog.text
    submit(second)
    submit(third)
    before = stored(dataset)
    dataset.load_annotations("boxes", **connection)
    assert dataset.values("ground_truth.detections.label") == [["cat"], ["cat", "dog"], ["cat"], ["cat"]]
    assert dataset.values("ground_truth.detections.id")[1][1:] == dataset.values("better.detections.id")[1]
    after = stored(dataset)
    assert [name for name in after if after[name] != before[name]] == [second], "nobody was shown the third one's label"
    results.upload_predictions(dataset, "better", "second model")
    submit(fourth, relabelled)
    dataset.load_annotations("boxes", **connection)
    _, label = dataset[fourth].ground_truth.detections
    assert (label.label, label.bounding_box) == ("dog", [0.5, 0.5, 0.25, 0.25])
    loaded = stored(dataset)
    assert [name for name in loaded if loaded[name] != after[name]] == [fourth]
    results.remove_samples(dataset[1:2])
    dataset.load_annotations("boxes", full=True, **connection)
    assert stored(dataset) == loaded
