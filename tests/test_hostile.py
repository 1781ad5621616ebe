"""What a broken or hostile server answers to load_annotations() leaves the dataset as it was."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import fiftyone as fo
import pytest

from fo_labelstudio.errors import (
    AnswerTooLargeError,
    ConnectionFailedError,
    LabelStudioError,
    NotLabelStudioError,
    ServerError,
    WrongUrlError,
)
from tests.support import stored
from tests.web import web_server

pytestmark = pytest.mark.server

LIMIT = 2**22


@pytest.fixture
def dataset(make_dataset):
    boxes = [fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4]) for _ in range(2)]
    return make_dataset({"labels": fo.Detections(detections=boxes)}, {"labels": None})


@pytest.fixture
def load(dataset, connection, annotator, monkeypatch):
    """Loads from a server that answers to the export with what is given; all else is the real one's answer."""
    monkeypatch.setattr("fo_labelstudio.remote.connection.LARGEST_ANSWER", LIMIT)
    results = dataset.annotate(
        "run",
        backend="labelstudio",
        label_field="labels",
        classes=["cat"],
        attributes=False,
        **connection,
    )
    for task_id in results.tasks.values():
        annotator.submit(task_id, lambda result: result[:1])

    def load(answer):
        def handle(request):
            is_export = "/export" in request.path
            if not is_export:
                return 200, {}, json.dumps(annotator.call("GET", request.path)).encode()
            return answer(annotator.call("GET", request.path)) if callable(answer) else answer

        dataset._annotation_cache.clear()
        with web_server(handle) as url:
            dataset.load_annotations("run", **{**connection, "url": url, "retries": 0})

    return load


JSON = {"Content-Type": "application/json"}
ANSWERS = {
    "a web page": ((200, {}, b"<html><title>Maintenance</title></html>"), NotLabelStudioError),
    "a large error": ((500, {}, b"<html>" + b"x" * 10_000_000), ServerError),
    "another type": ((200, JSON, b'{"tasks": []}'), NotLabelStudioError),
    "nothing": ((200, JSON, b""), NotLabelStudioError),
    "a redirect": ((302, {"Location": "http://127.0.0.1:9/"}, b""), WrongUrlError),
    "a bomb": ((200, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(bytes(2**26)) * 64), AnswerTooLargeError),
    "half a list": (lambda tasks: (200, JSON, json.dumps(tasks).encode()[:-20]), ConnectionFailedError),
    "half a body": (
        lambda tasks: (200, {"Content-Length": "99999"}, json.dumps(tasks).encode()),
        ConnectionFailedError,
    ),
    "half a stream": (
        lambda tasks: (200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(tasks).encode())[:-9]),
        ConnectionFailedError,
    ),
    "deep nesting": ((200, JSON, b"[" * 10**6), NotLabelStudioError),
    "a long number": ((200, JSON, b"[" + b"1" * 10**6 + b"]"), NotLabelStudioError),
}


def test_an_answer_that_is_none_is_told_and_nothing_is_loaded(dataset, load):
    before = stored(dataset)
    for name, (answer, kind) in ANSWERS.items():
        tracemalloc.start()
        try:
            with pytest.raises(LabelStudioError) as error:
                load(answer)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert type(error.value) is kind and len(str(error.value)) < 1000, name
        assert peak < 10 * LIMIT, name
        assert stored(dataset) == before, name
    load(lambda tasks: (200, JSON, json.dumps(tasks).encode()))
    dataset.reload()
    assert [len(sample.labels.detections) if sample.labels else 0 for sample in dataset] == [1, 0]


VALUES = (float("nan"), float("inf"), 1e308, -1e308, None, "10", True, [], {}, 10**400)


def test_regions_that_make_no_sense_are_reported_and_all_others_loaded(dataset, load, caplog):
    kept, spoiled = dataset.first().labels.detections[0].id, dataset.first().labels.detections[1].id
    before = stored(dataset)[dataset.first().id]

    def spoil(tasks):
        for task in tasks:
            for annotation in task["annotations"]:
                (region,) = annotation["result"] or [None]
                if region is None:
                    continue
                odd = [{**region, "id": f"odd{n}", "value": {**region["value"], "x": x}} for n, x in enumerate(VALUES)]
                annotation["result"] += [{**region, "id": spoiled, "value": {"x": 1e308}}, *odd]
        return 200, JSON, json.dumps(tasks).encode()

    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        load(spoil)
    assert stored(dataset)[dataset.first().id] == before
    assert kept not in caplog.text and spoiled in caplog.text
    for number in range(len(VALUES)):
        assert f"odd{number}" in caplog.text or "more" in caplog.text
