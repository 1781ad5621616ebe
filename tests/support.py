"""Helpers of the tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import requests
from PIL import Image

Result = list[dict[str, Any]]


def write_image(path: Path, size: tuple[int, int] = (64, 48), **options: Any) -> Path:
    """Writes an image of a size (width, height), different for each path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = np.random.default_rng(sum(str(path).encode())).integers(0, 255, 3, dtype=np.uint8)
    pixels = np.broadcast_to(colour, (size[1], size[0], 3))
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def stored(dataset: fo.Dataset) -> dict[str, dict[str, Any]]:
    """Each sample as the database stores it, by id."""
    return comparable({str(doc["_id"]): doc for doc in dataset._sample_collection.find()})


def comparable(value: Any) -> Any:
    """A stored value that can be compared with ``==``: NaN is NaN, and binary data is what it holds."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [comparable(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return bytes(value) if isinstance(value, bytes) else value


class Annotator:
    """Answers tasks over the API, as the editor does for a person."""

    def __init__(self, url: str, token: str):
        self.url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {token}"

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON answer to a request."""
        answer = self._session.request(method, self.url + path, timeout=120, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def task(self, task_id: int) -> dict[str, Any]:
        """A task with its predictions and annotations."""
        return self.call("GET", f"/api/tasks/{task_id}/")

    def preloaded(self, task_id: int) -> Result:
        """What the editor starts from: the result of the one prediction, or nothing."""
        predictions = self.task(task_id)["predictions"]
        assert len(predictions) <= 1, "an annotator is shown only one prediction"
        return predictions[0]["result"] if predictions else []

    def submit(
        self, task_id: int, edit: Callable[[Result], Result] = lambda result: result, **values: Any
    ) -> dict[str, Any]:
        """Submits what the editor starts from, after an edit."""
        result = edit(self.preloaded(task_id))
        return self.call("POST", f"/api/tasks/{task_id}/annotations/", json={"result": result, **values})

    def accept_all(self, results: Any) -> None:
        """Submits every task of a run unchanged."""
        for task_id in results.tasks.values():
            self.submit(task_id)


def tasks_of(annotator: Annotator, project_id: int) -> dict[str, list[list[Result]]]:
    """What the tasks of a project say, by sample: the predictions of each."""
    answer = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all&page_size=10000")
    by_sample: dict[str, list[list[Result]]] = {}
    for task in answer["tasks"]:
        results = [prediction["result"] for prediction in task["predictions"]]
        by_sample.setdefault(task["data"]["sample_id"], []).append(results)
    return by_sample
