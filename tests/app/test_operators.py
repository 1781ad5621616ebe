"""Each operator headless, at once and delegated, and its failures, against a real server."""

from __future__ import annotations

import json

import fiftyone.operators as foo
import pytest
from bson import json_util
from fiftyone.core.odm import get_db_conn
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionError

from tests.test_parts import annotate, boxes

pytestmark = pytest.mark.server

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="cat"/></RectangleLabels></View>"""


def at_once(operator, dataset, params, **request):
    """What an operator returns that is executed in this process."""
    return foo.execute_operator(f"fo-labelstudio/{operator}", dataset=dataset, params=params, **request).result


def delegated(operator, dataset, params, **request):
    """What an operator returns that a worker executes."""
    dataset.persistent = True
    uri = f"fo-labelstudio/{operator}"
    queued = foo.execute_operator(uri, dataset=dataset, params=params, request_delegation=True, **request)
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=uri)
    operation = service.get(queued.result["id"])
    if operation.run_state == "failed":
        raise ExecutionError(operation.result.error)
    return operation.result.result


WAYS = pytest.mark.parametrize("execute", [at_once, delegated])


@pytest.fixture
def dataset(make_dataset, assigned):
    return make_dataset({"labels": boxes("cat")}, {"labels": boxes("dog")})


@pytest.fixture
def results(dataset, assigned):
    """A run of both samples."""
    return annotate(dataset, assigned)


@pytest.fixture(autouse=True)
def _no_key_is_told(request, connection, caplog):
    """A key is in no operation that waits or is done, and in no log."""
    yield
    operations = list(get_db_conn().delegated_ops.find())
    assert connection["api_key"] not in json.dumps(operations, default=json_util.default)
    assert connection["api_key"] not in caplog.text


@WAYS
def test_send_for_annotation(dataset, annotator, execute):
    params = {
        "anno_key": "run",
        "fields": ["labels"],
        "of_labels": {
            "classes": ["cat", "dog", "cow"],
            "attributes": [{"name": "old", "type": "text", "classes": ["cow"]}],
        },
        "new_fields": [{"name": "weather", "type": "classification", "classes": ["sun", "rain"]}],
        "project_name": "Animals of a form",
        "allow_deletions": False,
    }
    done = execute("send_for_annotation", dataset, params, selected=[dataset.first().id])
    dataset.reload()
    sent = dataset.load_annotation_results("run")
    assert done == {"anno_key": "run", "tasks": 1, "project_id": sent.project_id, "url": done["url"]}
    assert done["url"].endswith(f"/projects/{sent.project_id}/data")
    assert list(sent.tasks) == [dataset.first().id]
    project = annotator.call("GET", f"/api/projects/{sent.project_id}/")
    assert project["title"].startswith("Animals of a form")
    for text in ('value="cow"', 'value="rain"', 'whenLabelValue="cow"'):
        assert text in project["label_config"]
    assert sent.config.label_schema["labels"]["allow_deletions"] is False


@WAYS
def test_send_into_a_project_that_is_there(dataset, make_project, annotator, execute):
    project_id = make_project(CONFIG)
    params = {"anno_key": "run", "fields": ["labels"], "project": "existing", "project_id": project_id}
    done = execute("send_for_annotation", dataset, {**params, "of_labels": {"classes": ["cat"]}})
    assert (done["project_id"], done["tasks"]) == (project_id, 2)


def test_the_form_offers_the_projects_and_says_what_does_not_fit(dataset, make_project, form):
    project_id = make_project(CONFIG, "Offered")
    asked = form("send_for_annotation", dataset, {"anno_key": "run", "project": "existing", "fields": ["labels"]})
    assert (project_id, f"Offered ({project_id})") in [(c.value, c.label) for c in asked["project_id"].view.choices]
    params = {"anno_key": "run", "project": "existing", "project_id": project_id, "fields": ["labels"]}
    asked = form("send_for_annotation", dataset, params)
    assert "dog" in asked["misfit"].error_message


@WAYS
def test_load_annotations(dataset, results, annotator, execute):
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    params = {"anno_key": "run", "skipped": "tag", "destinations": {"field_0": "corrected"}}
    done = execute("load_annotations", dataset, params)
    assert done == {"anno_key": "run", "answered": 1, "conflicts": 0, "left_behind": []}
    dataset.reload()
    assert [len(labels) for labels in dataset.values("labels.detections")] == [1, 1]
    assert dataset.values("corrected.detections") == [[], None]


@WAYS
def test_refresh_predictions(dataset, results, annotator, execute):
    dataset.clone_sample_field("labels", "better")
    sample = dataset.first()
    sample.better.detections[0].bounding_box = [0.5, 0.5, 0.25, 0.25]
    sample.save()
    params = {"anno_key": "run", "model_version": "v2", "fields": {"field_0": "better"}}
    done = execute("refresh_predictions", dataset, params, selected=[sample.id])
    assert (done["added"], done["replaced"], done["model_version"]) == (1, 0, "v2")
    versions = [row["model_version"] for row in annotator.task(results.tasks[sample.id])["predictions"]]
    assert "v2" in versions


def test_clean_up(dataset, results, annotator):
    project_id = results.project_id
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    with pytest.raises(ExecutionError, match="1 tasks of annotation run 'run' have answers that were not loaded"):
        at_once("clean_up", dataset, {"anno_key": "run"})
    assert annotator.call("GET", f"/api/projects/{project_id}/")["id"] == project_id
    done = at_once("clean_up", dataset, {"anno_key": "run", "force": True, "delete_run": True})
    assert done == {"anno_key": "run", "project_id": project_id, "deleted_run": True}
    dataset.reload()
    assert dataset.list_annotation_runs() == []
    assert project_id not in [row["id"] for row in annotator.call("GET", "/api/projects/?page_size=1000")["results"]]


def test_open_in_labelstudio(dataset, results, annotator):
    first, second = dataset.values("id")
    (link,) = at_once("open_in_labelstudio", dataset, {}, current_sample=first)["links"]
    task_id = results.tasks[first]
    url = f"{annotator.url}/projects/{results.project_id}/data?task={task_id}"
    assert link == {"anno_key": "run", "sample_id": first, "task_id": task_id, "url": url}
    links = at_once("open_in_labelstudio", dataset, {"anno_key": "run"}, selected=[second, first])["links"]
    assert [row["sample_id"] for row in links] == [second, first]
    with pytest.raises(ExecutionError, match="no sample is open or selected"):
        at_once("open_in_labelstudio", dataset, {})
    with pytest.raises(ExecutionError, match="has no annotation run 'gone' with a project; it has: run"):
        at_once("open_in_labelstudio", dataset, {"anno_key": "gone"}, selected=[first])


@WAYS
def test_adopt(dataset, assigned, execute):
    cls = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
    dataset.annotate(
        "old", backend="labelstudio", config_cls=cls, label_field="labels", classes=["cat", "dog"], **assigned
    )
    done = execute("adopt", dataset, {"anno_key": "old"})
    assert (done["anno_key"], done["tasks"]) == ("old", 2)
    dataset.reload()
    assert type(dataset.get_annotation_info("old").config).__module__ == "fo_labelstudio.backend"


@WAYS
def test_import_project(dataset, make_project, upload, annotator, execute):
    project_id = make_project(CONFIG)
    task_id = upload(project_id, dataset.first().filepath)
    box = {"x": 10, "y": 10, "width": 20, "height": 20, "rectanglelabels": ["cat"]}
    region = {"id": "a", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": box}
    region.update(original_width=64, original_height=48)
    annotator.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": [region]})
    done = execute("import_project", dataset, {"project_id": project_id, "insert_new": False})
    assert done == {"project_id": project_id, "new_samples": 0}
    dataset.reload()
    assert [d.label for d in dataset.first().box.detections] == ["cat"]


FAILING = {
    "load_annotations": {"anno_key": "run"},
    "refresh_predictions": {"anno_key": "run", "model_version": "v2"},
    "clean_up": {"anno_key": "run"},
    "send_for_annotation": {"anno_key": "new", "fields": ["labels"]},
    "import_project": {"project_id": 1},
}


@pytest.mark.parametrize("operator", FAILING)
def test_without_a_key_nothing_is_done(dataset, results, monkeypatch, operator):
    monkeypatch.delenv("FIFTYONE_LABELSTUDIO_API_KEY")
    with pytest.raises(ExecutionError, match="FIFTYONE_LABELSTUDIO_API_KEY"):
        at_once(operator, dataset, FAILING[operator])
    assert dataset.list_annotation_runs() == ["run"]


@pytest.mark.parametrize("operator", FAILING)
def test_a_server_that_is_not_there_is_named(dataset, results, monkeypatch, operator):
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_RETRIES", "0")
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", "http://127.0.0.1:9")
    results.config.url = "http://127.0.0.1:9"
    results.save_config()
    dataset._annotation_cache.clear()
    with pytest.raises(ExecutionError, match=r"http://127\.0\.0\.1:9"):
        at_once(operator, dataset, FAILING[operator])
    assert dataset.list_annotation_runs() == ["run"]


@WAYS
@pytest.mark.parametrize("operator", ["load_annotations", "refresh_predictions", "clean_up"])
def test_a_run_that_is_gone_is_named(dataset, results, operator, execute):
    with pytest.raises(ExecutionError, match="has no annotation run 'gone' of this kind; it has: run"):
        execute(operator, dataset, {**FAILING[operator], "anno_key": "gone"})


@WAYS
def test_a_field_that_is_gone_is_named(dataset, results, execute):
    with pytest.raises(ExecutionError, match="field 'gone': the samples do not have it"):
        execute("send_for_annotation", dataset, {"anno_key": "new", "fields": ["gone"]})
    params = {"anno_key": "run", "model_version": "v2", "fields": {"field_0": "gone"}}
    with pytest.raises(ExecutionError, match="the dataset has no field 'gone'"):
        execute("refresh_predictions", dataset, params)


def test_a_project_that_is_gone_is_told_with_what_to_do(dataset, results, annotator):
    annotator.call("DELETE", f"/api/projects/{results.project_id}/")
    with pytest.raises(ExecutionError, match=r"is gone from .*; delete the run with"):
        at_once("load_annotations", dataset, {"anno_key": "run"})


def test_a_failed_operation_of_a_worker_keeps_the_message(dataset, results, annotator):
    annotator.call("DELETE", f"/api/projects/{results.project_id}/")
    with pytest.raises(ExecutionError, match=r"is gone from .*; delete the run with"):
        delegated("load_annotations", dataset, {"anno_key": "run"})


def test_over_http_the_app_reads_progress_and_the_result(dataset, results, annotator):
    """The request that the App makes, as FiftyOne's server answers it."""
    from fiftyone.operators.server import OperatorRoutes
    from starlette.applications import Starlette
    from starlette.routing import Route
    from starlette.testclient import TestClient

    client = TestClient(Starlette(routes=[Route(path, endpoint) for path, endpoint in OperatorRoutes]))
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    request = {
        "operator_uri": "fo-labelstudio/load_annotations",
        "dataset_name": dataset.name,
        "params": {"anno_key": "run"},
        "prompt_id": "one",
    }
    answer = client.post("/operators/execute/generator", json=request)
    told = [json.loads(line) for line in answer.text.splitlines()]
    uris = [row["body"].get("operator_uri") for row in told]
    assert uris[0] == "set_progress" and uris[-2:] == ["show_output", "reload_dataset"]
    (result,) = [row["body"] for row in told if row["cls"] == "ExecutionResult"]
    assert result["answered"] == 1
    request["params"] = {"anno_key": "gone"}
    failed = client.post("/operators/execute/generator", json=request)
    assert failed.status_code >= 400 or "gone" in failed.text
