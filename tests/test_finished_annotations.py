"""Labels are sent as finished annotations: what people do to them, or beside them, comes back."""

from __future__ import annotations

from typing import ClassVar

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import RunError, ServerError, SettingsError
from fo_labelstudio.remote.client import Client
from tests.support import stored
from tests.test_without_a_server import ImportPage

SCHEMA = {
    "gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False},
    "new": {"type": "detections", "classes": ["cat"], "attributes": False},
}


def boxes(*labels):
    return fo.Detections(detections=[fo.Detection(label=name, bounding_box=[1 / 3, 0.1, 0.2, 0.3]) for name in labels])


def relabel(result):
    for region in result:
        region["value"]["rectanglelabels"] = ["dog"]
    return result


class Reviewer:
    """Somebody who reviews annotations over the API, as the editor does for a person."""

    def __init__(self, annotator, tasks):
        self._annotator = annotator
        self._tasks = tasks

    def annotation(self, sample_id):
        (annotation,) = self._annotator.task(self._tasks[sample_id])["annotations"]
        return annotation

    def edit(self, sample_id, edit):
        annotation = self.annotation(sample_id)
        body = {"result": edit(annotation["result"])}
        self._annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json=body)

    def copy(self, sample_id, edit):
        annotation = self.annotation(sample_id)
        body = {"result": edit(annotation["result"]), "parent_annotation": annotation["id"]}
        self._annotator.call("POST", f"/api/tasks/{self._tasks[sample_id]}/annotations/", json=body)

    def begin_blank(self, sample_id, result):
        self._annotator.call("POST", f"/api/tasks/{self._tasks[sample_id]}/annotations/", json={"result": result})


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(*({"gt": boxes("cat", "cat")} for _ in range(7)), {})


def review(reviewer, dataset):
    """Does something else to each sample: accept, relabel, delete one, delete all, copy, begin blank, nothing."""
    ids = dataset.values("id")
    reviewer.edit(ids[0], lambda result: result)
    reviewer.edit(ids[1], relabel)
    reviewer.edit(ids[2], lambda result: result[1:])
    reviewer.edit(ids[3], lambda result: [])
    reviewer.copy(ids[4], lambda result: relabel(result[1:]))
    reviewer.begin_blank(ids[5], [])


def check_reviewed(dataset, before):
    dataset.reload()
    cat, dog = ["cat", "cat"], ["dog", "dog"]
    assert dataset.values("gt.detections.label") == [cat, dog, ["cat"], [], ["dog"], cat, cat, None]
    unanswered = dataset.values("id")[6:]
    after = stored(dataset)
    assert all(after[sample_id] == before[sample_id] for sample_id in unanswered)
    assert dataset.values("new.detections") == [[], [], [], [], [], [], None, None]


def test_predictions_on_tasks_of_others_are_no_finished_annotations(dataset, connection):
    options = {"upload_as": "annotations", "existing_tasks": "predict", **connection}
    with pytest.raises(SettingsError, match="adds predictions to tasks, but upload_as is 'annotations'"):
        dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **options)


@pytest.mark.parametrize("is_ground_truth", [False, True])
def test_what_a_reviewer_does_is_loaded_from_the_server(dataset, connection, annotator, is_ground_truth):
    before = stored(dataset)
    options = {"upload_as": "annotations", "ground_truth": is_ground_truth, **connection}
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **options)
    reviewer = Reviewer(annotator, results.tasks)
    assert reviewer.annotation(dataset.first().id)["ground_truth"] is is_ground_truth
    assert annotator.task(results.tasks[dataset.first().id])["predictions"] == []
    assert annotator.task(results.tasks[dataset.last().id])["annotations"] == []
    dataset.load_annotations("run")
    assert stored(dataset) == before, "nobody has reviewed anything"
    review(reviewer, dataset)
    dataset.load_annotations("run")
    check_reviewed(dataset, before)
    once = stored(dataset)
    dataset.load_annotations("run")
    assert stored(dataset) == once


class TestAnIncompleteRun:
    OPTIONS: ClassVar = {"upload_as": "annotations", "backend": "labelstudio", "label_schema": SCHEMA}

    @pytest.fixture
    def project_id(self, dataset, connection, monkeypatch):
        """The project of a run that could send some tasks only."""
        import_tasks = Client.import_tasks

        def fail_at_the_last(self, project_id, tasks):
            if len(tasks) < 3:
                raise ServerError("the disk is full", 500)
            return import_tasks(self, project_id, tasks)

        with monkeypatch.context() as patch:
            patch.setattr(Client, "import_tasks", fail_at_the_last)
            with pytest.raises(RunError, match="with 6 tasks") as error:
                dataset.annotate("run", max_tasks=3, **self.OPTIONS, **connection)
        return error.value.project_id

    def test_is_replaced_where_all_annotations_are_those_that_were_sent(
        self, dataset, connection, annotator, project_id
    ):
        changed = {**self.OPTIONS, "label_schema": {**SCHEMA, "gt": {**SCHEMA["gt"], "classes": ["cat", "other"]}}}
        results = dataset.annotate("run", **changed, **connection)
        assert len(results.tasks) == 8
        with pytest.raises(Exception, match="404"):
            annotator.call("GET", f"/api/projects/{project_id}/")

    def test_is_kept_where_people_have_answered(self, dataset, connection, annotator, project_id):
        tasks = dataset.load_annotation_results("run", **connection).tasks
        Reviewer(annotator, tasks).edit(next(iter(tasks)), relabel)
        changed = {**self.OPTIONS, "upload_as": "predictions"}
        with pytest.raises(RunError, match="of the incomplete run has annotations of people"):
            dataset.annotate("run", **changed, **connection)
        assert annotator.call("GET", f"/api/projects/{project_id}/")["task_number"] == 6


def test_what_a_reviewer_does_is_loaded_from_files(dataset, annotator, tmp_path):
    before = stored(dataset)
    fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, upload_as="annotations")
    page = ImportPage(annotator, (tmp_path / "out/labeling_config.xml").read_text())
    page.take(tmp_path / "out/tasks.json")
    path = page.export(tmp_path / "export.json")
    fo_labelstudio.load_annotations(dataset, "run", json_path=path)
    assert stored(dataset) == before, "nobody has reviewed anything"
    review(Reviewer(annotator, page.tasks()), dataset)
    fo_labelstudio.load_annotations(dataset, "run", json_path=page.export(path))
    check_reviewed(dataset, before)
