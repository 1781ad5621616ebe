"""Helpers of the tests."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import requests
from PIL import Image

from fo_labelstudio.local.server import LocalServer

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


def as_exported(result: Any, prediction: Any, **values: Any) -> dict[str, Any]:
    """A submitted annotation as the server exports it; it started from a prediction, or blank where that is empty."""
    started = {"id": 5, "model_version": "FiftyOne", "result": prediction}
    return {
        "id": 1,
        "was_cancelled": False,
        "updated_at": "2026-11-20T10:00:00Z",
        "result": result,
        "parent_prediction": 5 if prediction else None,
        "parent_annotation": None,
        "prediction": started if prediction else {},
        **values,
    }


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
        return self._start(task_id)[1]

    def _start(self, task_id: int) -> tuple[int | None, Result]:
        predictions = self.task(task_id)["predictions"]
        assert len(predictions) <= 1, "an annotator is shown only one prediction"
        return (predictions[0]["id"], predictions[0]["result"]) if predictions else (None, [])

    def submit(
        self, task_id: int, edit: Callable[[Result], Result] = lambda result: result, **values: Any
    ) -> dict[str, Any]:
        """Submits what the editor starts from, after an edit; says what that was, as the editor does."""
        parent, result = self._start(task_id)
        values = {"result": edit(result), "parent_prediction": parent, **values}
        return self.call("POST", f"/api/tasks/{task_id}/annotations/", json=values)

    def accept_all(self, results: Any) -> None:
        """Submits every task of a run unchanged."""
        for task_id in results.tasks.values():
            self.submit(task_id)


@cache
def invited(server: LocalServer, email: str) -> Annotator:
    """Somebody who was invited to a server, and has an account there; the same one for all tests.

    Args:
        server: the server
        email: their e-mail
    """
    invitation = Annotator(server.url, server.legacy_token).call("GET", "/api/invite")["invite_url"]
    with requests.Session() as session:
        page = server.url + invitation[invitation.index("/user/signup") :]
        session.get(page, timeout=60).raise_for_status()
        form = {"email": email, "password": "secret-1234", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post(page, data=form, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, f"{email} was not signed up"
        answer = session.get(f"{server.url}/api/current-user/token", timeout=60)
        answer.raise_for_status()
    return Annotator(server.url, answer.json()["token"])


def start(code: str, connection: dict[str, str], *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A process that runs some code, and may use the server; its output is a pipe.

    Args:
        code: Python
        connection: the settings that reach the server
        *arguments: what the code finds in ``sys.argv``
        **options: those of ``Popen``
    """
    environment = {f"FIFTYONE_LABELSTUDIO_{name.upper()}": value for name, value in connection.items()}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, **options)


def heeds_ctrl_c() -> None:
    """Has a new process end at Ctrl-C, also where this one runs in the background, which does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_complete(dataset: fo.Dataset, anno_key: str) -> bool:
    """Whether everything of an annotation run was sent."""
    dataset.reload()
    return anno_key in dataset.list_annotation_runs() and bool(
        dataset.get_annotation_info(anno_key).config.run_state["complete"]
    )


def annotate_and_kill(
    dataset: fo.Dataset, anno_key: str, arguments: dict[str, Any], connection: dict[str, str], seconds: float
) -> None:
    """Has a process call ``annotate()`` on a persistent dataset, and kills it after some seconds."""
    code = (
        "import json, sys, fiftyone as fo, fo_labelstudio\n"
        "fo_labelstudio.register()\n"
        "name, anno_key, arguments = sys.argv[1:]\n"
        "dataset = fo.load_dataset(name)\n"
        "print('ready', flush=True)\n"
        "dataset.annotate(anno_key, **json.loads(arguments))\n"
    )
    process = start(code, connection, dataset.name, anno_key, json.dumps(arguments))
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def tasks_of(annotator: Annotator, project_id: int) -> dict[str, list[list[Result]]]:
    """The results of the predictions of each task of a project, by sample; a list of one where each has one task."""
    answer = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all&page_size=100000")
    by_sample: dict[str, list[list[Result]]] = {}
    for task in answer["tasks"]:
        results = [prediction["result"] for prediction in task["predictions"]]
        by_sample.setdefault(task["data"]["sample_id"], []).append(results)
    return by_sample
