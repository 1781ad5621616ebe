"""predict(): labels -> predictions on tasks that others have made; and those tasks as tasks of the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bson import ObjectId

from fo_labelstudio.convert.adopted import as_own_annotation
from fo_labelstudio.convert.annotation.review import Review
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.errors import HalfMadeError, SampleError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.runs import project
from fo_labelstudio.runs.ports import Changes, Page, ProjectState, Task, TaskSource
from fo_labelstudio.runs.prepare import PreparedTask, Refused, prepared_tasks
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.server import ServerPredictions
from fo_labelstudio.runs.streams import in_blocks


class _Predicted(NamedTuple):
    """What is sent to a task that is there.

    Attributes:
        sample_id: the sample that it shows
        task_id: the task
        meta: what our own task would say of where it came from
        body: the JSON of the prediction; None where there is nothing to see
    """

    sample_id: str
    task_id: int
    meta: dict[str, Any]
    body: bytes | None


def model_version_of(token: str) -> str:
    """The name of the predictions that a run adds to the tasks of others, by which alone they are deleted."""
    return f"{MODEL_VERSION} {token}"


def is_of_a_run(model_version: str) -> bool:
    """Whether predictions of this name were added to tasks that another run, or somebody else, had made."""
    beginning, _, token = model_version.rpartition(" ")
    return beginning == MODEL_VERSION and ObjectId.is_valid(token)


def predict(
    run: Run,
    shown: Mapping[str, int],
    client: Client,
    project_id: int,
    predicted: dict[str, dict[str, Any]],
    save: Callable[[], None],
) -> None:
    """Adds predictions to the tasks of others that show samples of a run; what an earlier call has begun is made anew.

    Args:
        run: the run
        shown: sample id -> the task that shows it
        client: the server
        project_id: the project
        predicted: sample id -> its ``task`` and the ``meta`` that our own task would have; receives what was sent
        save: called after each block

    Raises:
        SampleError: labels that were there at the check cannot be sent any more; names them all
        ServerError: predictions could not be made
    """
    model_version = model_version_of(run.token)
    if predicted:
        _remove_from_tasks(client, project_id, model_version, set(shown.values()))
    else:
        remove_predictions(client, project_id, model_version)
    logger.info("Adding predictions %r to %d tasks that are there...", model_version, len(shown))
    sent = client.model_versions(project_id).get(model_version, 0)
    refused: list[str] = []
    to_predict = _to_predict(run, shown, model_version, refused)
    for block in in_blocks(to_predict, lambda item: len(item.body or b""), client.max_tasks, client.max_bytes):
        bodies = [item.body for item in block if item.body is not None]
        if bodies:
            _add(client, project_id, model_version, bodies, sent)
        sent += len(bodies)
        predicted.update((item.sample_id, {"task": item.task_id, "meta": item.meta}) for item in block)
        save()
    if refused:
        raise SampleError(refused)


def remove_predictions(client: Client, project_id: int, model_version: str) -> None:
    """Deletes the predictions that a run has added to the tasks of others, and nothing else of the project."""
    before = project.project_of(client, project_id)
    if before is None or model_version not in client.model_versions(project_id):
        return
    client.delete_predictions(project_id, model_version)
    after = client.project(project_id)
    # With a model that is connected, the server forgets which predictions people start from (1.23.2).
    if (after.get("model_version") or "") != (before.get("model_version") or ""):
        client.update_project(project_id, model_version=before["model_version"])


def _remove_from_tasks(client: Client, project_id: int, model_version: str, task_ids: Collection[int]) -> None:
    """Deletes the predictions of a model from some tasks, where an interrupted call has left any."""
    for prediction in list(ServerPredictions(client, project_id).predictions_of(model_version)):
        if prediction["task"] in task_ids:
            client.delete_prediction(prediction["id"])


def _to_predict(run: Run, shown: Mapping[str, int], model_version: str, refused: list[str]) -> Iterator[_Predicted]:
    for item in prepared_tasks(replace(run, sample_ids=list(shown))):
        if isinstance(item, Refused):
            refused.append(item.problem)
        elif isinstance(item, PreparedTask):
            rest = json.loads(item.rest)
            task_id, body = shown[item.sample_id], None
            for prediction in rest["predictions"]:
                whole = {**prediction, "task": task_id, "model_version": model_version}
                body = json.dumps(whole, allow_nan=False, separators=(",", ":")).encode()
            yield _Predicted(item.sample_id, task_id, rest["meta"][META], body)


def _add(client: Client, project_id: int, model_version: str, bodies: Sequence[bytes], before: int) -> None:
    def add(attempt: int) -> None:
        # A request whose answer was lost may have been served.
        there = client.model_versions(project_id).get(model_version, 0) - before if attempt else 0
        if there == len(bodies):
            return
        made = client.add_predictions(project_id, bodies) if there == 0 else there
        if made != len(bodies):
            raise HalfMadeError(
                f"the server made {made} of {len(bodies)} predictions in project {project_id}; call annotate() once "
                "more, which makes them anew"
            )

    repeated(add, client.retries, "adding predictions")


class PredictedTasks:
    """The tasks of a run, with those of others that it has added predictions to; a :class:`TaskSource`.

    Args:
        source: where they come back from
        predicted: what :func:`predict` has recorded, or :func:`adopt`
        is_counted: whether those of others are among the tasks that the source counts
    """

    def __init__(self, source: TaskSource, predicted: Mapping[str, Mapping[str, Any]], is_counted: bool = False):
        self._source = source
        self._is_counted = is_counted
        self._origins = {entry["task"]: (sample_id, entry) for sample_id, entry in predicted.items()}

    def state(self) -> ProjectState:
        """What the project says of itself now; those of others count as its tasks, too."""
        state = self._source.state()
        return (
            state if state.tasks is None or self._is_counted else state._replace(tasks=state.tasks + len(self._origins))
        )

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks that the run has made."""
        return self._source.tasks(after)

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        """The annotated ones of some tasks, each with what it would say if it were the run's own."""
        for page in self._source.exported(task_ids, page_tasks):
            yield Page(page.looked_at, list(map(self._as_own, page.tasks)))

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A prediction with its result, or None where it is gone."""
        return self._source.prediction(prediction_id)

    def changes(self, since: str | None, most: int) -> Changes | None:
        """Which tasks of the project were changed since a time, also those of others; see :class:`TaskSource`."""
        return self._source.changes(since, most)

    def people(self) -> Mapping[int, str]:
        """The users of the server."""
        return self._source.people()

    def reviews(self) -> Mapping[int, Review] | None:
        """What reviewers have said of the annotations of the project; see :class:`TaskSource`."""
        return self._source.reviews()

    def _as_own(self, task: Task) -> Task:
        task_id = task.get("id") if isinstance(task, dict) else None
        origin = self._origins.get(task_id) if type(task_id) is int else None
        if origin is None:
            return task
        sample_id, entry = origin
        data = task.get("data")
        own = {
            **task,
            "data": {**(data if isinstance(data, dict) else {}), SAMPLE_ID: sample_id},
            "meta": {META: entry["meta"]},
        }
        if "predictions" in entry:
            annotations = task.get("annotations")
            rows = annotations if isinstance(annotations, list) else []
            own["annotations"] = [as_own_annotation(annotation, entry["predictions"]) for annotation in rows]
        return own
