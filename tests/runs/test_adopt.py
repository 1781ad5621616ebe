"""A run of the integration inside FiftyOne is taken over by what its tasks show, or refused whole; without a server."""

from __future__ import annotations

import json
from types import SimpleNamespace

import fiftyone as fo
import fiftyone.utils.labelstudio as foul
import pytest

from fo_labelstudio.backend import LabelStudioAnnotationResults, LabelStudioBackendConfig
from fo_labelstudio.errors import AdoptionError, RunError
from fo_labelstudio.runs.adopt import adopt
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.predict import PredictedTasks
from tests.memory import MemoryTasks, annotate_in_memory
from tests.support import as_exported, stored

pytestmark = pytest.mark.database

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": {}, "existing_field": True}}


class Project(MemoryTasks):
    """The project of such a run."""

    def __init__(self, dataset):
        super().__init__()
        self.labeling_config = foul.generate_labeling_config(SCHEMA, "image")
        for sample in dataset:
            full = {"from_name": "gt", "to_name": "image", "original_width": 64, "original_height": 48}
            result = foul.export_label_to_label_studio(sample.gt, full_result=full)
            name = sample.filepath.rpartition("/")[2].replace(" ", "_")
            task_id = self.add({"data": {"image": f"/data/upload/1/0123abcd-{name}"}})
            self.by_id[task_id]["predictions"] = [{"id": 100 + task_id, "result": json.loads(json.dumps(result))}]

    def answer(self, task_id, edit):
        (prediction,) = self.by_id[task_id]["predictions"]
        result = edit(json.loads(json.dumps(prediction["result"])))
        self.by_id[task_id]["annotations"] = [as_exported(result, [], parent_prediction=prediction["id"])]


class Server:
    """The client of a server that has the project."""

    url, version, edition = "http://memory", "1.23.2", "Community"

    def __init__(self, project):
        self._project = project

    def project(self, project_id, names=()):
        return {"label_config": self._project.labeling_config}

    def tasks(self, project_id):
        return self._project.tasks()

    def task_span(self, project_id):
        return min(self._project.by_id), max(self._project.by_id)

    def export_tasks(self, project_id, task_ids):
        return [task for task in self.whole_tasks(project_id, 0, 0) if task["id"] in task_ids and task["annotations"]]

    def whole_tasks(self, project_id, first, last):
        return (json.loads(json.dumps(task)) for task in self._project.by_id.values())


@pytest.fixture
def dataset(make_dataset):
    def box():
        return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.2, 1 / 3, 0.4], mood="calm")])

    return make_dataset(*({"gt": box()} for _ in range(3)))


def built_in(dataset, tasks=None):
    """A run as the integration registers it, and its project."""
    project = Project(dataset)
    config = foul.LabelStudioBackendConfig("labelstudio", SCHEMA, url="http://memory", api_key="none")
    backend = config.build()
    backend.register_run(dataset, "run")
    ids = {"gt": {sample.id: [label.id for label in sample.gt.detections] for sample in dataset}}
    tasks = tasks or dict(enumerate(dataset.values("id"), start=1))
    results = foul.LabelStudioAnnotationResults(dataset, config, "run", ids, 1, tasks, backend=backend)
    backend.save_run_results(dataset, "run", results)
    return project


def adopted(dataset, project):
    config = LabelStudioBackendConfig("labelstudio", None, api_key="none")
    register = config.build()
    register.use_api(SimpleNamespace(client=Server(project)))
    make = lambda view, key: LabelStudioAnnotationResults(view, config, key, {}, backend=register)  # noqa: E731
    return adopt(dataset, "run", register, make)


def refused(dataset, project):
    """Why a run cannot be taken over, where nothing has changed."""
    before = stored(dataset)
    with pytest.raises(AdoptionError) as error:
        adopted(dataset, project)
    dataset.reload()
    assert stored(dataset) == before
    assert type(dataset.get_annotation_info("run").config) is foul.LabelStudioBackendConfig
    return error.value.problems


def load(results, project, **options):
    load_run(results, LoadOptions(**options), PredictedTasks(project, results.predicted, True))
    results.save()


def test_tasks_are_matched_by_their_media_not_by_their_order(dataset):
    ids = dataset.values("id")
    results = adopted(dataset, built_in(dataset, dict(zip((1, 2, 3), reversed(ids), strict=True))))
    assert results.tasks == dict(zip(ids, (1, 2, 3), strict=True))


def test_it_is_a_run_of_this_package_for_every_session_and_loads_what_people_changed(dataset):
    project = built_in(dataset)
    adopted(dataset, project)
    dataset.reload()
    dataset._annotation_cache.clear()
    results = dataset.load_annotation_results("run", api_key="none")
    assert isinstance(results, LabelStudioAnnotationResults) and len(results.tasks) == 3
    assert dataset.load_annotation_view("run").values("id") == dataset.values("id")
    before = stored(dataset)
    project.answer(1, lambda result: result)
    project.answer(2, lambda result: [{**result[0], "value": {**result[0]["value"], "x": 50}}])
    project.answer(3, lambda result: [])
    load(results, project)
    dataset.reload()
    first, second, third = dataset
    assert stored(dataset)[first.id] == before[first.id]
    (label,) = second.gt.detections
    assert (label.bounding_box, label.mood) == ([0.5, 0.2, 1 / 3, 0.4], "calm")
    assert third.gt.detections == []
    assert results.conflicts == [], "nobody has edited anything in FiftyOne"


def test_what_was_edited_in_fiftyone_too_is_a_conflict(dataset):
    project = built_in(dataset)
    results = adopted(dataset, project)
    sample = dataset.first()
    sample.gt.detections[0].bounding_box = [0, 0, 0.5, 0.5]
    sample.save()
    project.answer(1, lambda result: [{**result[0], "value": {**result[0]["value"], "x": 50}}])
    load(results, project, on_conflict="dataset")
    (conflict,) = results.conflicts
    assert (conflict["aspect"], conflict["kept"]) == ("geometry", "dataset")
    dataset.reload()
    assert dataset.first().gt.detections[0].bounding_box == [0, 0, 0.5, 0.5]


def move(x):
    return lambda result: [{**result[0], "value": {**result[0]["value"], "x": x}}]


def test_what_the_integration_has_loaded_is_no_conflict_once_the_annotator_goes_on(dataset):
    project = built_in(dataset)
    project.answer(1, move(50))
    sample = dataset.first()
    sample.gt.detections[0].bounding_box[0] = 0.5
    sample.save()
    results = adopted(dataset, project)
    project.answer(1, move(60))
    load(results, project, on_conflict="dataset")
    assert results.conflicts == []
    assert dataset.first().gt.detections[0].bounding_box == [0.6, 0.2, 1 / 3, 0.4]


def test_what_was_edited_in_fiftyone_after_the_integration_has_loaded_it_stays(dataset):
    project = built_in(dataset)
    project.answer(1, move(50))
    sample = dataset.first()
    sample.gt.detections[0].bounding_box[0] = 0.5
    sample.save()
    results = adopted(dataset, project)
    sample.gt.detections[0].bounding_box[0] = 0.25
    sample.save()
    load(results, project)
    assert results.conflicts == []
    assert dataset.first().gt.detections[0].bounding_box == [0.25, 0.2, 1 / 3, 0.4]
    project.answer(1, move(60))
    load(results, project)
    (conflict,) = results.conflicts
    assert (conflict["aspect"], conflict["kept"]) == ("geometry", "annotator")
    assert conflict["dataset"] == {"bounding_box": [0.25, 0.2, 1 / 3, 0.4]}


def test_an_answer_that_was_not_loaded_yet_is_news_after_the_run_is_taken_over(dataset):
    project = built_in(dataset)
    project.answer(1, move(50))
    project.answer(2, lambda result: [])
    results = adopted(dataset, project)
    assert results.settled.get("gt", {}) == {}
    load(results, project)
    assert results.conflicts == []
    assert dataset.first().gt.detections[0].bounding_box == [0.5, 0.2, 1 / 3, 0.4]
    assert dataset.skip(1).first().gt.detections == []


def test_local_files_are_matched_by_their_paths(dataset):
    project = built_in(dataset)
    for task, path in zip(project.by_id.values(), dataset.values("filepath"), strict=True):
        task["data"]["image"] = f"/data/local-files?d={path.lstrip('/')}"
    assert adopted(dataset, project).tasks == dict(zip(dataset.values("id"), (1, 2, 3), strict=True))


def test_what_cannot_be_told_is_named_all_at_once(dataset):
    project = built_in(dataset)
    first, second, third = dataset.values("id")
    project.by_id[1]["data"]["image"] = "/data/upload/1/0123abcd-other.png"
    project.by_id[2]["predictions"], project.by_id[3]["predictions"] = (
        project.by_id[3]["predictions"],
        project.by_id[2]["predictions"],
    )
    problems = refused(dataset, project)
    assert len(problems) == 4
    assert problems[0] == "task 1: '/data/upload/1/0123abcd-other.png' is the media of no sample of the run"
    assert problems[1] == f"sample {first}: no task shows it"
    assert f"task 2, sample {second}, field 'gt'" in problems[2] and f"of sample {third}" in problems[2]


def test_images_of_the_same_name_are_refused(dataset, tmp_path):
    project = built_in(dataset)
    sample = dataset.last()
    sample.filepath = str(tmp_path / "elsewhere" / dataset.first().filename)
    sample.save()
    problems = refused(dataset, project)
    assert any("may be any of" in problem for problem in problems)


def test_two_tasks_of_one_sample_are_refused(dataset):
    first = dataset.first().id
    project = built_in(dataset, {**dict(enumerate(dataset.values("id"), start=1)), 4: first})
    project.add({"data": project.by_id[1]["data"]})
    assert refused(dataset, project) == (f"sample {first}: tasks 1, 4 show it; delete all but one",)


def test_a_task_that_somebody_else_added_of_the_same_image_is_not_one_of_the_run(dataset):
    project = built_in(dataset)
    project.add({"data": project.by_id[1]["data"]})
    assert adopted(dataset, project).tasks[dataset.first().id] == 1


def test_tasks_and_samples_that_are_gone_leave_the_run(dataset, caplog):
    project = built_in(dataset)
    _, second, third = dataset.values("id")
    del project.by_id[1]
    dataset.delete_samples([second])
    assert adopted(dataset, project).tasks == {third: 3}
    assert "1 tasks are gone from the server" in caplog.text
    assert "1 tasks show samples that are no longer there" in caplog.text


def test_other_runs_are_refused(dataset):
    annotate_in_memory(dataset, "run", SCHEMA)
    with pytest.raises(RunError, match="is fo_labelstudio's already, not one of the integration inside FiftyOne"):
        adopted(dataset, Project(dataset))
