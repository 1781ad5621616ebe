"""annotate() into a project that is there, which stays as it was, against a real server."""

from __future__ import annotations

import json
import uuid

import fiftyone as fo
import numpy as np
import pytest
import requests

from fo_labelstudio.errors import (
    LabelingConfigError,
    LabelSchemaError,
    RunError,
    SampleError,
    ServerError,
    SettingsError,
)
from fo_labelstudio.remote.client import Client
from tests.support import Annotator, stored, write_image

pytestmark = pytest.mark.server

CONFIG = """<View>
  <Header value="Find the animals"/>
  <Image name="img" value="$photo" zoom="true"/>
  <RectangleLabels name="animals" toName="img"><Label value="dog" hotkey="d"/><Label value="cat" hotkey="c"/>
    <Label value="cow"/></RectangleLabels>
  <Choices name="weather" toName="img" choice="single-radio"><Choice value="sun"/><Choice value="rain"/></Choices>
  <TextArea name="remark" toName="img" perRegion="true"/>
</View>"""


class Theirs:
    """A project of others with a labeling config, tasks, annotations and predictions."""

    def __init__(self, annotator, config=CONFIG, tasks=50, **data):
        self._annotator = annotator
        self.title = f"Theirs {uuid.uuid4().hex[:8]}"
        project = annotator.call("POST", "/api/projects/", json={"title": self.title, "label_config": config})
        self.id = project["id"]
        region = {"id": "theirs", "from_name": "animals", "to_name": "img", "type": "rectanglelabels"}
        region["value"] = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["cow"]}
        rows = [
            {
                "data": {"photo": f"https://example.com/{number}.jpg", **data},
                "annotations": [{"result": [region]}] if number % 2 else [],
                "predictions": [{"result": [region], "model_version": "their model"}] if number % 3 else [],
            }
            for number in range(tasks)
        ]
        if rows:
            annotator.call("POST", f"/api/projects/{self.id}/import", json=rows)
        annotator.call("PATCH", f"/api/projects/{self.id}/", json={"model_version": ""})
        tab = {"project": self.id, "data": {"title": "Mine", "type": "list", "target": "tasks"}}
        annotator.call("POST", "/api/dm/views/", json=tab)

    def tasks(self):
        """All tasks, with everything that they hold.

        Their count of predictions is left out: a server that has deleted any project may no longer lower it (1.23.2).
        """
        path = f"/api/projects/{self.id}/export?exportType=JSON&download_all_tasks=true"
        return {task["id"]: {**task, "total_predictions": None} for task in self._annotator.call("GET", path)}

    def settings(self):
        """What the project says of itself."""
        get = self._annotator.call
        return {
            "project": get("GET", f"/api/projects/{self.id}/"),
            "summary": get("GET", f"/api/projects/{self.id}/summary/"),
            "tabs": get("GET", f"/api/dm/views/?project={self.id}"),
            "storages": get("GET", f"/api/storages/?project={self.id}"),
        }


def text(value):
    return json.dumps(value, sort_keys=True)


def box(label="cat", **values):
    return fo.Detection(**{"label": label, "bounding_box": [0.1, 0.2, 0.3, 0.4], **values})


@pytest.fixture
def theirs(annotator):
    return lambda *arguments, **options: Theirs(annotator, *arguments, **options)


@pytest.fixture
def boxes(make_dataset):
    """Makes a dataset of samples with one box each."""
    return lambda count=20: make_dataset(*({"gt": fo.Detections(detections=[box()])} for _ in range(count)))


def annotate(dataset, connection, key="run", **options):
    schema = options.pop("label_schema", {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}})
    return dataset.annotate(key, backend="labelstudio", label_schema=schema, **connection, **options)


def test_tasks_are_added_answered_loaded_and_removed_and_all_else_stays_byte_for_byte(
    theirs, boxes, connection, annotator
):
    project, dataset = theirs(), boxes()
    tasks, settings = text(project.tasks()), text(project.settings())
    results = annotate(dataset, connection, project_id=project.id)
    assert results.project_id == project.id and len(results.tasks) == 20
    during = project.tasks()
    own = set(results.tasks.values())
    assert text({number: task for number, task in during.items() if number not in own}) == tasks
    assert project.settings()["project"]["label_config"] == CONFIG
    assert project.settings()["project"]["model_version"] == ""
    first, second, *others = (sample.id for sample in dataset)

    def moved(result):
        assert [(region["from_name"], region["to_name"]) for region in result] == [("animals", "img")]
        result[0]["value"].update(x=50, rectanglelabels=["dog"])
        return result

    annotator.submit(results.tasks[first], moved)
    annotator.submit(results.tasks[second], lambda result: [])
    before = stored(dataset)
    dataset.load_annotations("run")
    after = stored(dataset)
    (label,) = dataset[first].gt.detections
    assert (label.label, label.bounding_box) == ("dog", [0.5, 0.2, 0.3, 0.4])
    assert dataset[second].gt.detections == []
    assert {number: after[number] for number in others} == {number: before[number] for number in others}
    results.cleanup()
    assert text(project.tasks()) == tasks
    # The server counts the columns of a task once more with each annotation, and takes them away once (1.23.2).
    assert text({**project.settings(), "summary": None}) == text({**json.loads(settings), "summary": None})


def test_another_session_loads_by_the_names_that_were_saved_with_the_run(theirs, boxes, connection, annotator):
    project, dataset = theirs(tasks=3), boxes(2)
    annotator.accept_all(annotate(dataset, connection, project_id=project.id))
    before = stored(dataset)
    # Somebody else adds a control tag that would fit as well.
    more = CONFIG.replace(
        "<Header", '<RectangleLabels name="gt" toName="img"><Label value="cat"/></RectangleLabels><Header'
    )
    annotator.call("PATCH", f"/api/projects/{project.id}/", json={"label_config": more})
    dataset._annotation_cache.clear()
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before


def test_without_a_label_schema_the_project_says_what_is_asked(theirs, make_dataset, connection, annotator):
    project = theirs(tasks=2)
    dataset = make_dataset({}, {})
    results = dataset.annotate("run", backend="labelstudio", project_id=project.id, **connection)
    assert list(results.config.label_schema) == ["animals", "weather"]
    task_id = results.tasks[dataset.first().id]
    base = {"to_name": "img", "original_width": 64, "original_height": 48, "image_rotation": 0}
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
    drawn = {**base, "id": "drawn", "from_name": "animals", "type": "rectanglelabels"}
    said = {**base, "id": "drawn", "from_name": "remark", "type": "textarea", "value": {**value, "text": ["old"]}}
    chosen = {"id": "w", "from_name": "weather", "to_name": "img", "type": "choices", "value": {"choices": ["rain"]}}
    drawn["value"] = {**value, "rectanglelabels": ["cow"]}
    annotator.submit(task_id, lambda result: [drawn, said, chosen])
    dataset.load_annotations("run", unexpected="ignore")
    sample = dataset.first()
    (label,) = sample.animals.detections
    assert (label.label, label.bounding_box, label.remark) == ("cow", [0.1, 0.2, 0.3, 0.4], "old")
    assert sample.weather.label == "rain"


def test_a_project_is_found_by_its_name(theirs, boxes, connection):
    project, dataset = theirs(tasks=1), boxes(1)
    results = annotate(dataset, connection, project_name=project.title)
    assert results.project_id == project.id
    results.cleanup()
    assert len(project.tasks()) == 1


def test_two_projects_of_a_name_are_a_question(theirs, boxes, connection, annotator):
    one, other = theirs(tasks=0), theirs(tasks=0)
    annotator.call("PATCH", f"/api/projects/{other.id}/", json={"title": one.title})
    with pytest.raises(RunError, match=f"2 projects are called '{one.title}': {one.id}, {other.id}; pass project_id"):
        annotate(boxes(1), connection, project_name=one.title)


def test_tabs_of_a_project_without_tasks_stay(theirs, boxes, connection):
    project, dataset = theirs(tasks=0), boxes(3)
    settings = text(project.settings())
    annotate(dataset, connection, project_id=project.id).cleanup()
    assert project.tasks() == {}
    assert text(project.settings()) == settings


def test_a_project_of_one_run_that_another_was_sent_into_loses_only_the_tasks_of_its_own(boxes, connection, annotator):
    one, other = boxes(2), boxes(3)
    first = annotate(one, connection)
    second = annotate(other, connection, project_id=first.project_id)
    first.cleanup()
    annotator.accept_all(second)
    other.load_annotations("run")
    assert set(second.tasks.values()) == {
        task["id"] for task in annotator.call("GET", f"/api/tasks?project={second.project_id}")["tasks"]
    }


def break_second(monkeypatch, name):
    """Has the server refuse the second call of a method."""
    whole, calls = getattr(Client, name), []

    def broken(client, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise ServerError("no", 400)
        return whole(client, *arguments)

    monkeypatch.setattr(Client, name, broken)


def test_an_interrupted_upload_is_resumed(theirs, boxes, connection, monkeypatch):
    project, dataset = theirs(tasks=5), boxes(6)
    tasks, settings = text(project.tasks()), text(project.settings())
    break_second(monkeypatch, "import_tasks")
    with pytest.raises(RunError, match=f"It left 2 tasks in project {project.id}"):
        annotate(dataset, connection, project_id=project.id, max_tasks=2)
    assert project.settings()["project"]["model_version"] == ""
    monkeypatch.undo()
    results = annotate(dataset, connection, project_id=project.id, max_tasks=2)
    assert len(results.tasks) == 6 and len(project.tasks()) == 11
    results.cleanup()
    assert text(project.tasks()) == tasks and text(project.settings()) == settings


def test_an_interrupted_upload_that_is_asked_otherwise_begins_anew(theirs, boxes, connection, monkeypatch):
    project, dataset = theirs(tasks=5), boxes(4)
    monkeypatch.setattr(Client, "uploads", lambda *arguments: [][1])
    with pytest.raises(RunError):
        annotate(dataset, connection, project_id=project.id)
    monkeypatch.undo()
    schema = {"gt": {"type": "detections", "classes": ["cat"], "attributes": False}}
    results = annotate(dataset, connection, project_id=project.id, label_schema=schema)
    assert len(results.tasks) == 4 and len(project.tasks()) == 9


TWO_KEYS = CONFIG.replace("<Header", '<Text name="caption" value="$caption"/><Header')


def test_keys_that_the_labeling_config_needs_come_from_fields(theirs, make_dataset, connection, annotator):
    project = theirs(TWO_KEYS, tasks=2, caption="theirs")
    dataset = make_dataset({"caption": "one"}, {"caption": "two"})
    schema = {"gt": {"type": "detections", "classes": ["cat"]}}
    results = annotate(dataset, connection, project_id=project.id, label_schema=schema, task_fields=["caption"])
    task = annotator.task(results.tasks[dataset.first().id])
    assert task["data"]["caption"] == "one"
    assert task["data"]["photo"].startswith(f"/data/upload/{project.id}/")
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert [sample.gt.detections for sample in dataset] == [[], []]


def test_keys_that_nothing_fills_are_named_before_anything_is_sent(theirs, make_dataset, connection):
    project = theirs(TWO_KEYS, tasks=2, caption="theirs")
    tasks = text(project.tasks())
    dataset = make_dataset({"caption": "one"}, {"caption": None})
    schema = {"gt": {"type": "detections", "classes": ["cat"]}}
    with pytest.raises(LabelingConfigError, match="nothing fills: 'caption'; pass fields"):
        annotate(dataset, connection, project_id=project.id, label_schema=schema)
    with pytest.raises(SampleError, match=f"sample {dataset.last().id}: its field for the key 'caption' is empty"):
        annotate(dataset, connection, project_id=project.id, label_schema=schema, task_fields=["caption"])
    assert text(project.tasks()) == tasks and dataset.list_annotation_runs() == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            '<View><Text name="t" value="$t"/><Choices name="c" toName="t"><Choice value="a"/></Choices></View>',
            "no image",
        ),
        ('<View><Image name="image" value="$image"/></View>', "no control tag"),
        ("<View></View>", "no control tag"),
        (CONFIG.replace('<Label value="cat" hotkey="c"/>', ""), "control 'animals' lacks the classes 'cat'"),
    ],
    ids=["text", "no control", "empty", "class missing"],
)
def test_a_project_that_does_not_fit_is_refused(theirs, boxes, connection, annotator, config, message):
    project, dataset = Theirs(annotator, config, tasks=0), boxes(1)
    with pytest.raises(LabelingConfigError, match=message) as refused:
        annotate(dataset, connection, project_id=project.id)
    assert str(refused.value).startswith(f"project {project.id} at {annotator.url}/projects/{project.id}/data: ")
    assert project.tasks() == {} and dataset.list_annotation_runs() == []


def test_a_project_that_is_not_there_is_refused(boxes, connection):
    with pytest.raises(RunError, match="there is no project 999999 on"):
        annotate(boxes(1), connection, project_id=999999)


@pytest.mark.parametrize("other", [{"project_name": "A name"}, {"parts": 2}, {"labeling_config": CONFIG}])
def test_what_does_not_go_together_is_refused(boxes, connection, other):
    with pytest.raises(SettingsError, match=f"project_id and {next(iter(other))} are both given"):
        annotate(boxes(1), connection, project_id=1, **other)


def test_a_new_project_needs_a_label_schema(make_dataset, connection):
    with pytest.raises(LabelSchemaError, match="neither label_schema nor label_field is given"):
        make_dataset({}).annotate("run", backend="labelstudio", project_name=uuid.uuid4().hex, **connection)


def test_a_project_that_was_deleted_meanwhile_is_named(theirs, boxes, connection, annotator):
    project, dataset = theirs(tasks=1), boxes(1)
    results = annotate(dataset, connection, project_id=project.id)
    annotator.call("DELETE", f"/api/projects/{project.id}/")
    with pytest.raises(RunError, match=f"project {project.id} is gone"):
        dataset.load_annotations("run")
    results.cleanup()
    assert results.project_id is None


def test_a_labeling_config_of_ones_own_is_that_of_the_new_project(make_dataset, connection, annotator, tmp_path):
    own = """<View><Style>.a { color: red }</Style><Header value="Look!"/><Magnify toName="pic"/>
      <Image name="pic" value="$picture"/><RectangleLabels name="animals" toName="pic"><Label value="cat" hotkey="x"/>
      <Label value="dog"/></RectangleLabels>
      <Choices name="sure" toName="pic"><Choice value="yes"/><Choice value="no"/></Choices></View>"""
    path = tmp_path / "own.xml"
    path.write_text(own, encoding="utf-8")
    dataset = make_dataset({"gt": fo.Detections(detections=[box()])})
    results = annotate(dataset, connection, labeling_config=str(path))
    assert annotator.call("GET", f"/api/projects/{results.project_id}/")["label_config"] == own
    assert annotator.task(results.tasks[dataset.first().id])["data"]["picture"].startswith("/data/upload/")
    annotator.accept_all(results)
    before = stored(dataset)
    dataset.load_annotations("run", unexpected="ignore")
    assert stored(dataset) == before
    results.cleanup()


def test_a_labeling_config_of_ones_own_that_does_not_fit_is_refused(make_dataset, connection):
    own = (
        '<View><Image name="pic" value="$p"/><RectangleLabels name="a" toName="pix"><Label value="cat"/>'
        "</RectangleLabels></View>"
    )
    with pytest.raises(
        LabelingConfigError, match="labeling_config: the labeling config is not as Label Studio wants it"
    ):
        annotate(make_dataset({}), connection, labeling_config=own)


def test_samples_that_the_project_shows_get_second_tasks_or_none(theirs, make_dataset, connection, caplog):
    project, dataset = theirs(tasks=0), make_dataset({}, {}, {})
    schema = {"animals": {"type": "detections", "classes": ["cat"]}}
    first = annotate(dataset[:2], connection, "one", project_id=project.id, label_schema=schema)
    second = annotate(dataset, connection, "two", project_id=project.id, label_schema=schema, existing_tasks="skip")
    assert list(second.tasks) == [dataset.last().id]
    assert f"2 samples are left out, because project {project.id} shows them already, such as " in caplog.text
    third = annotate(dataset, connection, "three", project_id=project.id, label_schema=schema)
    assert len(third.tasks) == 3 and len(project.tasks()) == 6
    second.cleanup()
    first.cleanup()
    assert set(project.tasks()) == set(third.tasks.values())


def test_media_that_the_project_shows_are_known_by_their_names(theirs, make_dataset, connection, annotator):
    project, dataset = theirs(tasks=0), make_dataset({}, {})
    task = {"data": {"photo": "/data/upload/7/0a1b2c3d-image_1.png"}}
    annotator.call("POST", f"/api/projects/{project.id}/import", json=[task])
    schema = {"animals": {"type": "detections", "classes": ["cat"]}}
    results = annotate(dataset, connection, project_id=project.id, label_schema=schema, existing_tasks="skip")
    assert list(results.tasks) == [dataset.first().id]
    with pytest.raises(RunError, match="shows all samples already"):
        annotate(dataset, connection, "again", project_id=project.id, label_schema=schema, existing_tasks="skip")


def test_a_task_that_may_show_several_samples_is_a_question(theirs, dataset_of, connection, annotator, tmp_path):
    project = theirs(tasks=0)
    dataset = dataset_of(fo.Sample(str(write_image(tmp_path / folder / "a.png"))) for folder in ("x", "y"))
    annotator.call("POST", f"/api/projects/{project.id}/import", json=[{"data": {"photo": "https://e.com/a.png"}}])
    schema = {"animals": {"type": "detections", "classes": ["cat"]}}
    with pytest.raises(RunError, match=r"1 task\(s\) of the project may show several samples"):
        annotate(dataset, connection, project_id=project.id, label_schema=schema, existing_tasks="skip")
    assert len(project.tasks()) == 1


def test_storages_that_the_run_needed_go_with_it_unless_others_need_them(sharing, shared, dataset_of, tmp_path):
    connection = {"url": sharing.url, "api_key": sharing.legacy_token}
    annotator = Annotator(sharing.url, sharing.legacy_token)
    project = Theirs(annotator, tasks=3)
    settings, tasks = text(project.settings()), text(project.tasks())
    paths = [str(write_image(tmp_path / "deep" / f"{number}.png")) for number in range(2)]
    schema = {"animals": {"type": "detections", "classes": ["cat"]}}
    options = {
        "project_id": project.id,
        "label_schema": schema,
        "media": "local_files",
        "local_files_root": str(shared),
    }
    alone = annotate(dataset_of([fo.Sample(paths[0])]), connection, "alone", **options)
    assert len(project.settings()["storages"]) == 1
    alone.cleanup()
    assert text(project.settings()) == settings and text(project.tasks()) == tasks
    first = annotate(dataset_of([fo.Sample(paths[0])]), connection, **options)
    assert len(project.settings()["storages"]) == 1
    second = annotate(dataset_of([fo.Sample(paths[1])]), connection, **options)
    first.cleanup()
    assert len(project.settings()["storages"]) == 1
    url = annotator.task(next(iter(second.tasks.values())))["data"]["photo"]
    headers = {"Authorization": f"Token {sharing.legacy_token}"}
    assert requests.get(sharing.url + url, headers=headers, timeout=60).status_code == 200
    second.cleanup()
    assert text(project.tasks()) == tasks


def test_tasks_that_are_there_get_predictions_whose_answers_are_loaded(theirs, boxes, connection, annotator):
    project, dataset = theirs(tasks=0), boxes(4)
    one, two, three, four = (sample.id for sample in dataset)
    names = (f"/data/upload/7/0a1b2c3d-image_{number}.png" for number in (0, 1, 9))
    rows = [{"data": {"photo": name}, "meta": {"mine": 1}} for name in names]
    rows[2]["predictions"] = [{"model_version": "their model", "result": []}]
    annotator.call("POST", f"/api/projects/{project.id}/import", json=rows)
    annotator.call("PATCH", f"/api/projects/{project.id}/", json={"model_version": ""})
    tasks, settings = project.tasks(), text(project.settings())
    first, second, third = tasks
    results = annotate(dataset, connection, project_id=project.id, existing_tasks="predict")
    assert {sample: results.tasks[sample] for sample in (one, two)} == {one: first, two: second}
    assert len(project.tasks()) == 5 and project.settings()["project"]["model_version"] == ""
    assert annotator.task(first)["meta"] == {"mine": 1}
    assert project.tasks()[third] == tasks[third]

    def moved(result):
        result[0]["value"]["x"] = 50
        return result

    annotator.submit(first, moved)
    annotator.submit(second, lambda result: [])
    annotator.submit(results.tasks[three], moved)
    untouched = stored(dataset)[four]
    dataset._annotation_cache.clear()
    dataset.load_annotations("run", **connection)
    assert [[box.bounding_box[0] for box in sample.gt.detections] for sample in dataset] == [[0.5], [], [0.5], [0.1]]
    assert stored(dataset)[four] == untouched
    dataset.load_annotation_results("run").cleanup()
    after = project.tasks()
    assert list(after) == [first, second, third] and text(after[third]) == text(tasks[third])
    assert [after[number]["predictions"] for number in (first, second)] == [[], []]
    assert [len(after[number]["annotations"]) for number in (first, second)] == [1, 1]
    assert text({**project.settings(), "summary": None, "project": None}) == text(
        {**json.loads(settings), "summary": None, "project": None}
    )


def test_predictions_that_were_interrupted_are_made_anew(theirs, boxes, connection, annotator, monkeypatch):
    project, dataset = theirs(tasks=0), boxes(3)
    rows = [{"data": {"photo": f"/data/upload/7/0a1b2c3d-image_{number}.png"}} for number in range(3)]
    annotator.call("POST", f"/api/projects/{project.id}/import", json=rows)
    tasks = [{**task, "updated_at": None} for task in project.tasks().values()]
    break_second(monkeypatch, "add_predictions")
    options = {"project_id": project.id, "existing_tasks": "predict", "max_tasks": 1}
    with pytest.raises(RunError, match="stopped half-way"):
        annotate(dataset, connection, **options)
    monkeypatch.undo()
    results = annotate(dataset, connection, **options)
    assert [len(task["predictions"]) for task in project.tasks().values()] == [1, 1, 1]
    results.cleanup()
    assert [{**task, "updated_at": None} for task in project.tasks().values()] == tasks


def test_labels_that_the_project_cannot_show_stay_out_of_a_run_without_a_label_schema(
    theirs, make_dataset, connection, annotator
):
    project = theirs(tasks=0)
    masked = box(mask=np.ones((2, 2), dtype=bool), extra=3)
    dataset = make_dataset({"animals": fo.Detections(detections=[box(remark="old", extra=4), masked])})
    before = stored(dataset)
    results = dataset.annotate("run", backend="labelstudio", project_id=project.id, **connection)
    (task_id,) = results.tasks.values()
    sent = annotator.preloaded(task_id)
    assert [(region["from_name"], region["id"]) for region in sent] == [
        ("animals", dataset.first().animals.detections[0].id),
        ("remark", dataset.first().animals.detections[0].id),
    ]
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_tasks_of_the_run_that_are_gone_are_counted(theirs, boxes, connection, annotator, caplog):
    project, dataset = theirs(tasks=4), boxes(3)
    results = annotate(dataset, connection, project_id=project.id)
    annotator.call("DELETE", f"/api/tasks/{results.tasks[dataset.first().id]}/")
    before = stored(dataset)
    dataset.load_annotations("run")
    assert "1 tasks are gone from the server" in caplog.text
    assert stored(dataset) == before
