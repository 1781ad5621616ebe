"""A fault at every single request of an upload and of a download, on a real server behind a proxy."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.errors import LabelStudioError
from tests.proxy import FAULTS, FaultyProxy
from tests.support import annotate_and_kill, is_complete, stored, tasks_of

pytestmark = pytest.mark.server

faults = pytest.mark.parametrize("fault", FAULTS)


def boxes(*labels):
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.5) for label in labels]
    )


@pytest.fixture
def dataset(make_dataset, monkeypatch):
    monkeypatch.setattr("fo_labelstudio.dataset.samples.SAMPLES_PER_BLOCK", 2)
    monkeypatch.setattr("fo_labelstudio.remote.retrying._FIRST_PAUSE", 0.01)
    return make_dataset(
        {"labels": boxes("cat")}, {"labels": boxes("cat", "dog")}, {"labels": boxes()}, {"labels": None}
    )


ASKED = {"backend": "labelstudio", "label_field": "labels", "classes": ["cat", "dog"], "attributes": False}


def annotate(dataset, connection, url, **options):
    return dataset.annotate("run", **ASKED, **{**connection, "url": url, "max_tasks": 2, **options})


def uploads_of(annotator, project_id):
    return annotator.call("GET", f"/api/projects/{project_id}/file-uploads?all=true")


@pytest.mark.parametrize(
    ("fault", "retries"), [("500", 0), ("dropped before", 0), ("dropped after", 0), ("503", 2), ("dropped after", 2)]
)
def test_an_upload_with_a_fault_at_any_request_ends_as_one_without(
    dataset, connection, annotator, sweep, fault, retries
):
    before = stored(dataset)
    with FaultyProxy(connection["url"]) as proxy:
        undisturbed = annotate(dataset, connection, proxy.url, retries=retries)
        number_of_requests = proxy.count
        expected = tasks_of(annotator, undisturbed.project_id)
        assert all(len(copies) == 1 for copies in expected.values()) and len(expected) == 4
        for number in sweep.sample(range(1, number_of_requests + 1)):
            dataset.delete_annotation_run("run")
            proxy.fault, proxy.number, proxy.count = fault, number, 0
            try:
                results = annotate(dataset, connection, proxy.url, retries=retries)
            except (LabelStudioError, ValueError) as error:
                assert str(error)
                proxy.number = 0
                results = annotate(dataset, connection, proxy.url, retries=retries)
            assert tasks_of(annotator, results.project_id) == expected, f"request {number}"
            assert set(results.tasks) == set(expected)
            # What was uploaded by a request whose answer was lost is used, not sent again.
            assert len(uploads_of(annotator, results.project_id)) == 4
            assert stored(dataset) == before
            results.cleanup()


@faults
def test_a_download_with_a_fault_at_any_request_ends_as_one_without(dataset, connection, annotator, fault):
    results = annotate(dataset, connection, connection["url"])
    first, second, *_ = dataset.values("id")
    annotator.submit(results.tasks[first])
    annotator.submit(results.tasks[second], lambda result: result[:1])
    before = stored(dataset)
    with FaultyProxy(connection["url"]) as proxy:
        number = 0
        while proxy.count >= number:
            number += 1
            dataset._annotation_cache.clear()
            proxy.fault, proxy.number, proxy.count = fault, number, 0
            try:
                dataset.load_annotations("run", **{**connection, "url": proxy.url, "retries": 0})
            except LabelStudioError as error:
                assert str(error)
                assert stored(dataset) == before, f"request {number}"
                continue
            assert proxy.count < number
    dataset.reload()
    assert [label.label for label in dataset[second].labels.detections] == ["cat"]
    assert {id for id, doc in stored(dataset).items() if doc != before[id]} == {second}


def test_a_killed_upload_is_continued_to_what_an_undisturbed_one_makes(make_dataset, connection, annotator, sweep):
    dataset = make_dataset(*({"labels": boxes("cat", "dog")} for _ in range(60)))
    dataset.persistent = True
    expected = tasks_of(annotator, annotate(dataset, connection, connection["url"]).project_id)
    dataset.delete_annotation_run("run")
    for seconds in sweep.sample([sweep.random.uniform(0.3, 2.5) for _ in range(8)]):
        annotate_and_kill(dataset, "run", {**ASKED, "max_tasks": 5}, connection, seconds)
    if not is_complete(dataset, "run"):
        annotate(dataset, connection, connection["url"])
    results = dataset.load_annotation_results("run", **connection)
    assert tasks_of(annotator, results.project_id) == expected
    assert set(results.tasks) == set(expected)
