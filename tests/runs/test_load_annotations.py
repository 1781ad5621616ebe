"""Our own load does what FiftyOne's does, and takes what it is told from nobody's stack."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import MemoryTasks, annotate_in_memory
from tests.support import stored


class TestFromMemory:
    """What a run is loaded from need not be a server."""

    @pytest.fixture
    def sent(self, make_dataset):
        box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
        dataset = make_dataset({"gt": fo.Detections(detections=[box])}, {})
        schema = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}
        return dataset, *annotate_in_memory(dataset, "run", schema)

    def test_untouched_labels_stay_bit_identical(self, sent):
        dataset, results, project = sent
        for task_id in results.tasks.values():
            project.submit(task_id)
        before = stored(dataset)
        assert load_run(results, LoadOptions(), project) == {}
        assert stored(dataset) == before

    def test_the_options_say_where_the_labels_go(self, sent):
        dataset, results, project = sent
        before = dataset.values("gt")
        project.submit(results.tasks[dataset.first().id], lambda result: [])
        load_run(results, LoadOptions("loaded"), project)
        assert dataset.values("gt") == before and "loaded" in dataset.get_field_schema()

    def test_the_tasks_of_a_run_that_is_not_complete_are_those_that_the_source_has(self, sent, caplog):
        dataset, results, project = sent
        task_id = results.tasks[dataset.first().id]
        project.delete_tasks([results.tasks[dataset.last().id]])
        project.submit(task_id, lambda result: [])
        results.config.run_state["complete"], results.tasks = False, {}
        load_run(results, LoadOptions(), project)
        assert results.tasks == {dataset.first().id: task_id}
        assert "The run is not complete; loading the annotations of its 1 tasks" in caplog.text
        assert dataset.count("gt.detections") == 0

    def test_a_run_that_is_not_complete_and_has_no_tasks_is_an_error(self, sent):
        _, results, _ = sent
        results.config.run_state["complete"] = False
        with pytest.raises(RunError, match="'run' is not complete; call annotate"):
            load_run(results, LoadOptions(), MemoryTasks())


def ellipse(result):
    region = {"id": "eye", "from_name": "eyes", "to_name": "image", "type": "ellipselabels"}
    region["value"] = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 0, "ellipselabels": ["eye"]}
    return [*result, region]


@pytest.fixture
def dataset(make_dataset, connection):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box])}, {})
    dataset.annotate("run", backend="labelstudio", label_field="gt", classes=["cat"], attributes=False, **connection)
    return dataset


@pytest.fixture
def results(dataset):
    return dataset.load_annotation_results("run")


def test_a_load_without_fiftyones_merges_what_was_submitted(dataset, results, annotator):
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    assert fo_labelstudio.load_annotations(dataset, "run") is None
    assert dataset.count("gt.detections") == 0


def test_a_view_is_as_good_as_its_dataset(dataset, results, annotator):
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    fo_labelstudio.load_annotations(dataset.limit(1), "run", dest_field={"gt": "loaded"})
    assert dataset.count("gt.detections") == 1 and "loaded" in dataset.get_field_schema()


def test_what_a_load_has_done_is_saved(dataset, results, annotator, connection):
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    fo_labelstudio.load_annotations(dataset, "run")
    dataset._annotation_cache.clear()
    assert list(dataset.load_annotation_results("run", **connection).removed["gt"]) == [dataset.first().id]


def test_unexpected_labels_are_returned_by_the_ids_of_their_samples(dataset, results, annotator):
    sample_id = dataset.first().id
    annotator.submit(results.tasks[sample_id], ellipse)
    before = stored(dataset)
    returned = fo_labelstudio.load_annotations(dataset, "run", unexpected="return")
    (label,) = returned["gt"]["polylines"][sample_id].values()
    assert isinstance(label, fo.Polyline) and label.label == "eye"
    assert stored(dataset) == before


def test_unexpected_labels_are_kept_where_that_is_asked(dataset, results, annotator):
    annotator.submit(results.tasks[dataset.first().id], ellipse)
    assert fo_labelstudio.load_annotations(dataset, "run", unexpected="keep") is None
    assert dataset.values("polylines.polylines.label", unwind=True) == ["eye"]


def test_the_project_is_deleted_after_a_load_that_left_nothing_behind(dataset, results, annotator):
    annotator.accept_all(results)
    fo_labelstudio.load_annotations(dataset, "run", cleanup=True)
    assert results.project_id is None


def test_an_unknown_setting_is_refused_before_anything_is_loaded(dataset, results):
    with pytest.raises(SettingsError, match="api_kee"):
        fo_labelstudio.load_annotations(dataset, "run", api_kee="x")


def test_a_run_of_somebody_elses_is_named(dataset):
    with pytest.raises(ValueError, match="no annotation run key 'other'"):
        fo_labelstudio.load_annotations(dataset, "other")


def test_downloading_without_a_load_is_refused_for_nobody_says_where_the_labels_go(dataset, results, annotator):
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    before = stored(dataset)
    with pytest.raises(RunError, match=r"without load_annotations\(\), which says where the labels go"):
        results.backend.download_annotations(results)
    assert stored(dataset) == before
