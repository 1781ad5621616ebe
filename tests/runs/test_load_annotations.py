"""Our own load does what FiftyOne's does, and takes what it is told from nobody's stack."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import RunError, SettingsError
from tests.support import stored

pytestmark = pytest.mark.server


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
