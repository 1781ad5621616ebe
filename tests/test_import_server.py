"""Projects of others on a real server: several annotators, models, media behind the login, and what goes wrong."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import LabelingConfigError, RunError, ServerError, SettingsError
from fo_labelstudio.remote.client import Client
from tests.runs.test_import_annotations import CONFIG, box, boxes, choice, names
from tests.support import stored

pytestmark = pytest.mark.server

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture(scope="module")
def people(server):
    """E-mail -> id of two more users of the server."""
    session = server.sign_in()
    found = {}
    for email in (ANN, BOB):
        body = {"email": email, "username": email, "first_name": "", "last_name": ""}
        headers = {"Authorization": f"Token {server.legacy_token}"}
        answer = session.post(f"{server.url}/api/users/", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        found[email] = answer.json()["id"]
    return found


def annotation(*result, by=None, **values):
    return {"result": list(result), **({} if by is None else {"completed_by": by}), **values}


@pytest.fixture
def import_into(annotator):
    """Puts tasks into a project, as its import page does; their ids."""

    def run(project_id, *tasks):
        path = f"/api/projects/{project_id}/import?return_task_ids=true"
        return annotator.call("POST", path, json=list(tasks))["task_ids"]

    return run


def photo(name, *annotations, **values):
    return {"data": {"photo": f"https://example.org/{name}"}, "annotations": list(annotations), **values}


def test_each_annotator_and_each_model_is_imported(
    make_dataset, connection, make_project, import_into, people, export, annotator
):
    dataset = make_dataset({}, {})
    first, second = names(dataset)
    project_id = make_project(CONFIG)
    models = [
        {"model_version": version, "score": score, "result": [box(f"p{x}", x)]}
        for version, score, x in (("v1", 0.25, 30), ("v2", 0.75, 40))
    ]
    import_into(
        project_id,
        photo(
            first,
            annotation(box("a", 10), choice("sun"), by=people[ANN], ground_truth=True),
            annotation(box("b", 50, "dog"), choice("rain"), by=people[BOB], ground_truth=False),
        ),
        photo(second, predictions=models),
    )

    def run(**options):
        clone = dataset.clone()
        try:
            fo_labelstudio.import_annotations(clone, project_id=project_id, **options, **connection)
            values = {name: boxes(clone, name) for name in clone.get_field_schema() if name.startswith("animals")}
            scores = {name: clone.last()[name] for name in values}
            confidences = {name: one.detections[0].confidence for name, one in scores.items() if one and one.detections}
            return values, confidences
        finally:
            clone.delete()

    cat, dog = [("cat", [0.1, 0.2, 0.3, 0.4])], [("dog", [0.5, 0.2, 0.3, 0.4])]
    both = {"animals_ann_example_org": [cat, None], "animals_bob_example_org": [dog, None]}
    assert run(annotations="all") == (both, {})
    assert run(annotations=ANN.upper())[0] == {"animals": [cat, None]}
    assert run(annotations=BOB)[0] == {"animals": [dog, None]}
    assert run(annotations="ground_truth")[0] == {"animals": [cat, None]}
    one, two = [("cat", [0.3, 0.2, 0.3, 0.4])], [("cat", [0.4, 0.2, 0.3, 0.4])]
    assert run(annotations=None, predictions="v2") == ({"animals_v2": [None, two]}, {"animals_v2": 0.75})
    assert run(annotations=None, predictions="all") == (
        {"animals_v1": [None, one], "animals_v2": [None, two]},
        {"animals_v1": 0.25, "animals_v2": 0.75},
    )


def test_media_behind_the_login_become_new_samples_once(make_dataset, connection, make_project, upload, tmp_path):
    source = make_dataset({}, size=(64, 48))
    (path,) = source.values("filepath")
    config = CONFIG.replace("$photo", "$image")
    project_id = make_project(config)
    task_id = upload(project_id, path)
    client_options = {"project_id": project_id, "data_path": str(tmp_path / "media"), "download_media": True}
    dataset = fo.Dataset()
    try:
        from tests.support import Annotator

        Annotator(connection["url"], connection["api_key"]).submit(task_id, lambda result: [box("a", 10)])
        fo_labelstudio.import_annotations(dataset, insert_new=False, **client_options, **connection)
        assert len(dataset) == 0
        for _ in range(2):
            fo_labelstudio.import_annotations(dataset, **client_options, **connection)
            (sample,) = dataset
            with open(sample.filepath, "rb") as fetched, open(path, "rb") as sent:
                assert fetched.read() == sent.read()
            assert (sample.metadata.width, sample.metadata.height) == (64, 48)
            assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])]]
        assert len(list((tmp_path / "media").rglob("*.png"))) == 1
    finally:
        dataset.delete()


def test_projects_and_tasks_that_are_not_there_are_named(
    make_dataset, connection, make_project, import_into, annotator
):
    dataset = make_dataset({})
    before = stored(dataset)
    (name,) = names(dataset)
    mine, other = make_project(CONFIG), make_project(CONFIG, "Another")
    listing = make_project('<View><List name="t" value="$t"/><Ranker name="a" toName="t"/></View>', "List")
    (task_id,) = import_into(other, photo(name, annotation(box("a", 10))))

    def refused(error, match, **options):
        with pytest.raises(error, match=match):
            fo_labelstudio.import_annotations(dataset, **options, **connection)
        assert stored(dataset) == before and "animals" not in dataset.get_field_schema() and not dataset.list_runs()

    refused(RunError, "no project 999999", project_id=999_999)
    refused(RunError, "no project is called 'Nothing'", project_name="Nothing")
    refused(SettingsError, "Another", project_name="Another", project_id=mine)
    refused(LabelingConfigError, "list and no image", project_id=listing)
    refused(RunError, f"project {mine} .* has no task {task_id};", project_id=mine, task_ids=[task_id])
    refused(RunError, f"project {mine} .* has no task 999999;", project_id=mine, task_ids=[999_999])
    annotator.call("DELETE", f"/api/projects/{mine}/")
    refused(RunError, f"no project {mine}", project_id=mine)
    fo_labelstudio.import_annotations(dataset, task_ids=task_id, **connection)
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])]]


def test_a_server_that_goes_away_half_way_leaves_the_dataset_as_it_was(
    make_dataset, connection, make_project, import_into, monkeypatch
):
    dataset = make_dataset({}, {})
    project_id = make_project(CONFIG)
    import_into(project_id, *(photo(name, annotation(box("a", 10))) for name in names(dataset)))
    before = stored(dataset)
    monkeypatch.setattr("fo_labelstudio.runs.foreign_source.PAGE_TASKS", 1)
    export_tasks, answered = Client.export_tasks, []

    def gone(client, project_id, ids):
        if answered:
            raise ServerError("the server is gone")
        answered.append(ids)
        return export_tasks(client, project_id, ids)

    with monkeypatch.context() as patch, pytest.raises(ServerError, match="gone"):
        patch.setattr(Client, "export_tasks", gone)
        fo_labelstudio.import_annotations(dataset, project_id=project_id, **connection)
    assert stored(dataset) == before and "animals" not in dataset.get_field_schema() and not dataset.list_runs()
    fo_labelstudio.import_annotations(dataset, project_id=project_id, **connection)
    assert [len(found) for found in boxes(dataset)] == [1, 1]


def test_the_project_of_an_own_run_is_loaded_and_not_imported(make_dataset, connection, annotator, export, caplog):
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])
    dataset = make_dataset({"animals": fo.Detections(detections=[label])})
    results = dataset.annotate(
        "mine", backend="labelstudio", label_field="animals", classes=["cat"], attributes=False, **connection
    )
    annotator.accept_all(results)
    path = export(results.project_id)
    before = stored(dataset)
    for options in ({"project_id": results.project_id, **connection}, {"json_path": path}):
        with pytest.raises(RunError, match=r"load_annotations\('mine'\)"):
            fo_labelstudio.import_annotations(dataset, **options)
        assert stored(dataset) == before and not dataset.list_runs()
    theirs = json.loads(path.read_text())
    other = {**theirs[0], "id": 10**6, "meta": {}, "data": {**theirs[0]["data"], "sample_id": dataset.first().id}}
    other["annotations"] = [{**other["annotations"][0], "result": [box("x", 50, from_name="animals", to_name="image")]}]
    path.write_text(json.dumps([*theirs, other]))
    fo_labelstudio.import_annotations(dataset, json_path=path)
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4]), ("cat", [0.5, 0.2, 0.3, 0.4])]]
    assert "'mine'" in " ".join(record.getMessage() for record in caplog.records)
    # The run goes on beside what was imported into its field.
    both = stored(dataset)
    dataset.load_annotations("mine", **connection)
    assert stored(dataset) == both
    clean = fo.Dataset()
    try:
        clean.add_samples([fo.Sample(filepath=dataset.first().filepath)], progress=False)
        fo_labelstudio.import_annotations(clean, json_path=path)
        assert len(boxes(clean)[0]) == 2
        assert "does not have" in " ".join(record.getMessage() for record in caplog.records)
    finally:
        clean.delete()
