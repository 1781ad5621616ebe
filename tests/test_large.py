"""Runs as large as real ones; ``make bench`` runs them, ``make test`` does not."""

from __future__ import annotations

import time

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from tests.support import Annotator, annotate_and_kill, is_complete, stored, tasks_of

pytestmark = [pytest.mark.server, pytest.mark.nightly]

ASKED = {
    "backend": "labelstudio",
    "label_field": "labels",
    "label_type": "detections",
    "classes": ["cat", "dog"],
    "attributes": False,
}


@pytest.fixture
def annotator(sharing):
    return Annotator(sharing.url, sharing.legacy_token)


@pytest.fixture
def make_dataset(dataset_of, shared):
    """Makes datasets of JPEGs, each another one, with ten boxes each."""

    def make(images):
        folder = shared / f"{images} images"
        folder.mkdir(exist_ok=True)
        generator = np.random.default_rng(images)
        samples = []
        for number in range(images):
            path = folder / f"{number}.jpg"
            Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(path)
            boxes = [
                fo.Detection(label="cat", bounding_box=box.tolist(), confidence=0.5)
                for box in generator.random((10, 4)) / 2
            ]
            samples.append(fo.Sample(str(path), labels=fo.Detections(detections=boxes)))
        return dataset_of(samples)

    return make


@pytest.mark.parametrize(("images", "media"), [(10_000, "local_files"), (2_000, "upload")])
def test_what_everybody_accepts_comes_back_as_it_was(make_dataset, sharing, shared, annotator, images, media):
    dataset = make_dataset(images)
    before = stored(dataset)
    options = {"media": media, "url": sharing.url, "api_key": sharing.legacy_token}
    if media == "local_files":
        options["local_files_root"] = str(shared)
    results = dataset.annotate("run", **ASKED, **options)
    assert set(results.tasks) == set(before)
    assert len(set(results.tasks.values())) == images
    body = {"selectedItems": {"all": True, "excluded": []}}
    annotator.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}", json=body)
    edited = dataset.shuffle(seed=1).first().id
    task = annotator.task(results.tasks[edited])
    (annotation,) = task["annotations"]
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": annotation["result"][1:]})
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == {edited}
    assert after[edited]["labels"]["detections"] == before[edited]["labels"]["detections"][1:]


def test_an_upload_that_is_killed_ten_times_ends_as_an_undisturbed_one(make_dataset, sharing, shared, annotator, sweep):
    dataset = make_dataset(2_000)
    dataset.persistent = True
    options = {"media": "local_files", "local_files_root": str(shared), "max_tasks": 100}
    connection = {"url": sharing.url, "api_key": sharing.legacy_token}
    start = time.monotonic()
    undisturbed = dataset.annotate("run", **ASKED, **options, **connection)
    seconds = time.monotonic() - start
    expected = tasks_of(annotator, undisturbed.project_id)
    dataset.delete_annotation_run("run")
    for _ in range(10):
        annotate_and_kill(dataset, "run", {**ASKED, **options}, connection, sweep.random.uniform(0, seconds / 2))
    if not is_complete(dataset, "run"):
        dataset.annotate("run", **ASKED, **options, **connection)
    results = dataset.load_annotation_results("run", **connection)
    assert set(results.tasks) == set(expected)
    assert tasks_of(annotator, results.project_id) == expected
