"""The tasks of a Label Studio project, as source and as sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from fo_labelstudio.convert.annotation.review import Review, reviews_of
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.errors import RunError, ServerError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.jobs import import_tasks
from fo_labelstudio.runs.editions import edition_of
from fo_labelstudio.runs.ports import Changes, MadeTasks, Page, ProjectState, Task
from fo_labelstudio.runs.project import project_of

DELETED_TASKS = 1000
"""A request."""

MAX_NOT_ANSWERED = 1000
"""Changed tasks without an answer that are listed; people may have taken answers back, or been counted late."""

COUNTED = 1000
"""Changed tasks with an answer that are listed before it is asked whether there are too many of them; about a page."""

_OF_STATE = ("label_config", "task_number", "model_version")
"""All else of a large project takes the server longer."""

_UNKNOWN_QUERY = (400, 404)
"""What servers answer to a query that they do not know."""


class ProjectClient:
    """What all that is read of a project, or made in it, has in common.

    Args:
        client: the server
        project_id: the project
    """

    def __init__(self, client: Client, project_id: int):
        self._client = client
        self._project_id = project_id

    @property
    def retries(self) -> int:
        """How often a request that failed may be repeated."""
        return self._client.retries

    @property
    def max_tasks(self) -> int:
        """How many tasks, or predictions, a request may make."""
        return self._client.max_tasks

    @property
    def max_bytes(self) -> int:
        """How many bytes a request may send, unless a single task or prediction has more."""
        return self._client.max_bytes

    def state(self) -> ProjectState:
        """What the project says of itself now.

        Raises:
            RunError: it is gone
        """
        project = project_of(self._client, self._project_id, _OF_STATE)
        if project is None:
            raise RunError(
                f"project {self._project_id} is gone from {self._client.url}; delete the run with "
                "dataset.delete_annotation_run() and annotate again",
                self._project_id,
            )
        number = project.get("task_number")
        return ProjectState(
            project.get("label_config"), number if isinstance(number, int) else None, project.get("model_version")
        )

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks, without annotations; see :class:`TaskHolder`."""
        return self._client.tasks(self._project_id, after)

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A prediction with its result, or None where it is gone."""
        return self._client.prediction(prediction_id)


class ServerTasks(ProjectClient):
    """The tasks of a project; a :class:`TaskSource` and a :class:`TaskSink`."""

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        """The annotated ones of some tasks, in pages; see :class:`TaskSource`."""
        if task_ids is None:
            task_ids = [task["id"] for task in self.tasks()]
        return edition_of(self._client).exported(self._client, self._project_id, task_ids, page_tasks)

    def whole(self, task_ids: Sequence[int]) -> Iterator[Task]:
        """Some tasks with their annotations and drafts, whether there are any or not; see :class:`TaskKeeper`."""
        return edition_of(self._client).whole(self._client, self._project_id, task_ids)

    def changes(self, since: str | None, most: int) -> Changes | None:
        """Which tasks of the project were changed since a time; see :class:`TaskSource`.

        Source: Label Studio 1.23.2. ``updated_at`` of a task is set when an annotation of it is made, edited, skipped,
        restored or deleted, by whoever and in whatever number, and when its data or a prediction is; not by drafts.
        """
        try:
            newest = self._client.newest_change(self._project_id)
            if newest is None or since is None:
                return None if newest is None else Changes(newest)
            return self._changes(newest, since, most)
        except ServerError as error:
            if error.status not in _UNKNOWN_QUERY:
                raise
            logger.warning("The server does not list the tasks that were changed: %s", error)
            return None

    def _changes(self, newest: str, since: str, most: int) -> Changes:
        client, project_id = self._client, self._project_id
        answered = client.changed_tasks(project_id, since, is_answered=True)
        first = list(islice(answered, COUNTED))
        # Few are listed sooner than counted.
        if len(first) == COUNTED and client.count_changed(project_id, since, is_answered=True) > most:
            return Changes(newest)
        times = {task["id"]: task["updated_at"] for task in chain(first, answered)}
        number = client.count_changed(project_id, since, is_answered=False)
        if number > MAX_NOT_ANSWERED:
            # To list the tasks of a new run takes longer than to ask for all that was answered.
            uncounted = {task["id"]: task["updated_at"] for task in client.miscounted_tasks(project_id, since)}
            return Changes(newest, {**uncounted, **times}, number)
        others = client.changed_tasks(project_id, since, is_answered=False) if number else ()
        return Changes(newest, {**{task["id"]: task["updated_at"] for task in others}, **times})

    def people(self) -> Mapping[int, str]:
        """The users of the server."""
        return self._client.users()

    def reviews(self) -> Mapping[int, Review] | None:
        """What reviewers have said of the annotations of the project; see :class:`TaskSource`."""
        if not edition_of(self._client).has_reviews:
            return None
        return reviews_of(self._client.reviews(self._project_id))

    def make_tasks(self, tasks: Sequence[bytes]) -> MadeTasks:
        """Makes tasks, with their predictions; see :class:`TaskSink`."""
        return MadeTasks(*import_tasks(self._client, self._project_id, tasks))

    def settle(self) -> None:
        """Waits until what the project was sent before is made; see :class:`TaskSink`."""
        edition_of(self._client).settle(self._client, self._project_id)

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        """Deletes tasks."""
        self._client.delete_tasks(self._project_id, task_ids)

    def set_labeling_config(self, labeling_config: str) -> None:
        """Lets people annotate the tasks."""
        self._client.update_project(self._project_id, label_config=labeling_config)

    def time(self) -> datetime | None:
        """The server's time, or None where it does not say."""
        return self._client.time()

    def start_from(self, model_version: str) -> None:
        """Has people start from the predictions of a model, where there are any."""
        try:
            self._client.update_project(self._project_id, model_version=model_version)
        except ServerError as error:
            # The server refuses the name of a set of predictions that it does not have yet.
            if error.status != 400:
                raise


class ServerPredictions(ProjectClient):
    """The predictions on the tasks of a project; a ``PredictionSink``."""

    def model_versions(self) -> Mapping[str, int]:
        """How many predictions of each model the project has."""
        return self._client.model_versions(self._project_id)

    def start_from(self, model_version: str) -> None:
        """Has people start from the predictions of a model, of which there are some."""
        self._client.update_project(self._project_id, model_version=model_version)

    def answered_tasks(self) -> set[int]:
        """The ids of the tasks that have a submitted annotation."""
        return set(self._client.answered_tasks(self._project_id))

    def predictions_of(self, model_version: str) -> Iterator[Mapping[str, Any]]:
        """The predictions of a model; of one that the project does not know, nothing is downloaded."""
        if self._client.model_versions(self._project_id).get(model_version):
            yield from self._client.predictions(self._project_id, model_version)

    def add_predictions(self, predictions: Sequence[bytes]) -> int:
        """Adds predictions; returns how many were made."""
        return self._client.add_predictions(self._project_id, predictions)

    def replace_prediction(self, prediction_id: int, result: Sequence[Any], score: float | None) -> None:
        """Changes the result and the score of a prediction where it lies."""
        self._client.update_prediction(prediction_id, result=result, score=score)

    def delete_prediction(self, prediction_id: int) -> None:
        """Deletes a prediction."""
        self._client.delete_prediction(prediction_id)


class TasksInExistingProject(ServerTasks):
    """The tasks that a run adds to a project that was there; all else of the project stays as it is.

    Args:
        client: the server
        state: the state of the run, which says what the project was before
    """

    def __init__(self, client: Client, state: Mapping[str, Any]):
        super().__init__(client, state["project_id"])
        self._model_version: str = state["model_version"]
        self._last_task: int = state["last_task"]

    def state(self) -> ProjectState:
        """What the project says of itself now; its tasks are those that were made since the run was."""
        state, after = super().state(), self._first
        number = None if after < self._last_task else self._client.count_tasks(self._project_id, after)
        return state._replace(tasks=number)

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks that were made since the run was; see :class:`TaskHolder`."""
        yield from super().tasks(max(after, self._first))

    @property
    def _first(self) -> int:
        """The task id after which those of the run begin."""
        span = self._client.task_span(self._project_id)
        # On SQLite, ids begin anew once a server has no task left (1.23.2).
        return 0 if span is not None and span[1] < self._last_task else self._last_task

    def make_tasks(self, tasks: Sequence[bytes]) -> MadeTasks:
        """Makes tasks, with their predictions; see :class:`TaskSink`."""
        try:
            return super().make_tasks(tasks)
        finally:
            self.restore()

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        """Deletes tasks, in few requests."""
        number = super().state().tasks if task_ids else None
        # The server deletes the tabs of a project when tasks that are deleted by their ids were its last ones. Once any
        # project was deleted, it does not take a task that is deleted by itself out of its summary (1.23.2).
        are_last = number is None or number <= len(task_ids)
        many, last = (task_ids[:-1], task_ids[-1:]) if are_last else (task_ids, ())
        for start in range(0, len(many), DELETED_TASKS):
            self._client.delete_tasks(self._project_id, many[start : start + DELETED_TASKS])
        for task_id in last:
            self._client.delete_task(task_id)

    def set_labeling_config(self, labeling_config: str) -> None:
        """Leaves the labeling config as it is: the tasks were made for it."""

    def start_from(self, model_version: str) -> None:
        """Leaves what people start from as it is, and says what they see."""
        self.restore()
        logger.info(
            "Project %d keeps its settings: people see the predictions of %r when they open a task by itself, and in "
            "the label stream once the project's model_version names them",
            self._project_id,
            model_version,
        )

    def restore(self) -> None:
        """Takes back that the server lets people start from what was imported, where nothing was chosen (1.23.2)."""
        if not self._model_version and super().state().model_version == MODEL_VERSION:
            self._client.update_project(self._project_id, model_version="")


def tasks_in(client: Client, state: Mapping[str, Any]) -> ServerTasks:
    """The tasks in the project of a run.

    Args:
        client: the server
        state: the state of the run, whose project is there
    """
    if state.get("owns_project", True):
        return ServerTasks(client, state["project_id"])
    return TasksInExistingProject(client, state)
