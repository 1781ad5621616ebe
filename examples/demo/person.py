"""A person who corrects predictions, over the REST API and with what the editor would send."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any
from xml.etree import ElementTree

from examples.demo.photographs import Box, Photograph
from fo_labelstudio.remote.connection import Connection
from fo_labelstudio.settings import ConnectionSettings, Secret, parse_url

_GOOD_ENOUGH = 0.6
_SAME_THING = 0.3
_MOSTLY_INSIDE = 0.5

Region = dict[str, Any]


class Person:
    """Looks at photographs and corrects what was predicted in them.

    A box that fits is left as it is; one that fits badly is moved, one around something else is relabelled, one
    around nothing is deleted, and a box is added around what was missed.

    Args:
        url: address of the Label Studio server
        api_key: key to sign in with
    """

    def __init__(self, url: str, api_key: str):
        self._server = Connection(ConnectionSettings(parse_url(url), Secret(api_key)))

    def answer(self, project_id: int, photographs: Mapping[str, Photograph], leave_out: Collection[str] = ()) -> None:
        """Answers the tasks of a project.

        Args:
            project_id: the project
            photographs: sample id -> the photograph that its task shows
            leave_out: names of photographs whose tasks are left unanswered
        """
        controls = _controls(self._server.get(f"/api/projects/{project_id}/")["label_config"])
        for task in self._tasks(project_id):
            photograph = photographs[task["data"]["sample_id"]]
            if photograph.name not in leave_out:
                self._submit(task, partial(_correct, photograph=photograph, controls=controls))

    def submit(self, task_id: int, correct: Callable[[list[Region]], list[Region]]) -> None:
        """Answers one task.

        Args:
            task_id: the task
            correct: what the editor starts from, a list of regions and answers -> what it is to send
        """
        self._submit(self._server.get(f"/api/tasks/{task_id}/"), correct)

    def next_task(self, project_id: int) -> dict[str, Any]:
        """The task that the label stream serves next."""
        found: dict[str, Any] = self._server.get(f"/api/projects/{project_id}/next")
        return found

    def correct(self, task_id: int, project_id: int, photograph: Photograph) -> None:
        """Answers one task by what a photograph shows, beginning with the prediction that the label stream shows.

        Args:
            task_id: the task
            project_id: its project
            photograph: what it shows
        """
        project = self._server.get(f"/api/projects/{project_id}/")
        task = self._server.get(f"/api/tasks/{task_id}/")
        shown = [item for item in task["predictions"] if item["model_version"] == project["model_version"]]
        controls = _controls(project["label_config"])
        self._submit({**task, "predictions": shown}, partial(_correct, photograph=photograph, controls=controls))

    def unanswered(self, project_id: int) -> set[str]:
        """Ids of the samples whose tasks have no submitted annotation."""
        return {task["data"]["sample_id"] for task in self._tasks(project_id) if not task["is_labeled"]}

    def _submit(self, task: dict[str, Any], correct: Callable[[list[Region]], list[Region]]) -> None:
        prediction: dict[str, Any] = next(iter(task["predictions"]), {})
        annotation = {"result": correct(prediction.get("result", [])), "parent_prediction": prediction.get("id")}
        self._server.post(f"/api/tasks/{task['id']}/annotations/", annotation)

    def _tasks(self, project_id: int) -> list[dict[str, Any]]:
        query = {"project": project_id, "fields": "all", "page_size": 1000}
        tasks: list[dict[str, Any]] = self._server.get("/api/tasks", query)["tasks"]
        return tasks


def _controls(labeling_config: str) -> dict[str, tuple[str, str]]:
    """Control tag -> its name, and the name of the object tag that it annotates."""
    root = ElementTree.fromstring(labeling_config)
    return {
        tag: (control.attrib["name"], control.attrib["toName"])
        for tag in ("RectangleLabels", "Choices")
        for control in root.iter(tag)
    }


def _correct(predicted: list[Region], photograph: Photograph, controls: Mapping[str, tuple[str, str]]) -> list[Region]:
    height, width = photograph.pixels.shape[:2]
    result = []
    missed = list(photograph.boxes)
    doubtful = []
    for region in predicted:
        if region["type"] == "choices":
            result.append(_choose(region, photograph.scene))
            continue
        box = _to_box(region, width, height)
        fitting = max((seen for seen in missed if seen.label == box.label), key=box.iou, default=None)
        if fitting is None or box.iou(fitting) < _SAME_THING:
            doubtful.append((region, box))
            continue
        missed.remove(fitting)
        good = box.iou(fitting) >= _GOOD_ENOUGH
        result.append(region if good else _draw(region, fitting, width, height))
    for region, box in doubtful:
        around = max(missed, key=box.intersection, default=None)
        if around is not None and box.intersection(around) >= _MOSTLY_INSIDE * box.width * box.height:
            missed.remove(around)
            result.append(_draw(region, around, width, height))
    from_name, to_name = controls["RectangleLabels"]
    for seen in missed:
        region = {
            "id": secrets.token_urlsafe(8)[:10],
            "from_name": from_name,
            "to_name": to_name,
            "type": "rectanglelabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {"rotation": 0},
            "origin": "manual",
        }
        result.append({**_draw(region, seen, width, height), "origin": "manual"})
    return result


def _choose(region: Region, choice: str) -> Region:
    if region["value"]["choices"] == [choice]:
        return region
    return {**region, "value": {"choices": [choice]}, "origin": "prediction-changed"}


def _draw(region: Region, box: Box, width: int, height: int) -> Region:
    value = {
        **region["value"],
        "x": 100 * box.x / width,
        "y": 100 * box.y / height,
        "width": 100 * box.width / width,
        "height": 100 * box.height / height,
        "rectanglelabels": [box.label],
    }
    return {**region, "value": value, "origin": "prediction-changed"}


def _to_box(region: Region, width: int, height: int) -> Box:
    value = region["value"]
    return Box(
        value["rectanglelabels"][0],
        value["x"] / 100 * width,
        value["y"] / 100 * height,
        value["width"] / 100 * width,
        value["height"] / 100 * height,
    )
