"""Where tasks go and where they come back from, as the steps of a run see it.

A Label Studio project is both (``runs/server``); a list in memory is, for tests; files can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from fo_labelstudio.convert.annotation.review import Review

Task = dict[str, Any]
"""A task as Label Studio's API and its JSON export have it."""


class ProjectState(NamedTuple):
    """What a project says of itself.

    Attributes:
        labeling_config: its labeling config as XML; None or empty where it has none
        tasks: how many tasks it has, or None where it does not say
        model_version: which predictions people start from, or None
        is_certain: whether the labeling config is that of the project, rather than what its answers tell of it
    """

    labeling_config: str | None
    tasks: int | None = None
    model_version: str | None = None
    is_certain: bool = True


class Page(NamedTuple):
    """Some of the tasks that were asked for.

    Attributes:
        looked_at: how many tasks were looked at for it
        tasks: those of them that somebody has annotated, with all of their annotations
    """

    looked_at: int
    tasks: list[Task]


class Changes(NamedTuple):
    """Which tasks were changed since some time, by the server's own clock.

    Attributes:
        newest: the time of the newest change, as the server writes it; empty where there are no tasks
        times: task id -> the time of its newest change, of tasks that were changed since; None where that was not asked
            for, or there are more than were asked for
        not_listed: how many others were changed since, which nobody has answered or skipped, as the server counts
    """

    newest: str
    times: Mapping[int, str] | None = None
    not_listed: int = 0


class MadeTasks(NamedTuple):
    """What became of tasks that were to be made.

    Attributes:
        ids: the id of each, in order
        predictions: how many predictions and annotations were made with them
    """

    ids: list[int]
    predictions: int


class TaskHolder(Protocol):
    """Holds tasks."""

    def state(self) -> ProjectState:
        """What the project says of itself now.

        Raises:
            RunError: it is gone
        """
        ...

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks: ``id``, ``data``, ``meta``, ``total_predictions`` and ``total_annotations`` of each.

        Args:
            after: the task id after which they begin
        """
        ...


class TaskSource(TaskHolder, Protocol):
    """What annotations come from."""

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        """The annotated ones of some tasks, in pages.

        Args:
            task_ids: the tasks, or None for all
            page_tasks: how many tasks a page may hold

        Raises:
            AnswerTooLargeError: a single task is too large
            ServerError: a download failed
        """
        ...

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A prediction with its result, or None where it is gone."""
        ...

    def changes(self, since: str | None, most: int) -> Changes | None:
        """Which tasks were changed since a time, or None where that cannot be told.

        Args:
            since: a time, as the server writes it; None where only the newest is asked for
            most: where many more tasks were changed that somebody has answered, none need be listed
        """
        ...

    def people(self) -> Mapping[int, str]:
        """Id of an annotator -> e-mail, as far as it is known."""
        ...

    def reviews(self) -> Mapping[int, Review] | None:
        """Id of an annotation -> the newest review of it, where annotations do not list them themselves.

        Returns:
            None where nobody can review annotations
        """
        ...


class TaskOverview(Protocol):
    """Tells what became of tasks, without what people drew."""

    def total(self) -> int:
        """How many tasks the project has, those of others among them.

        Raises:
            RunError: it is gone
        """
        ...

    def count(self, first: int, last: int) -> int:
        """How many of its tasks have ids that lie in a range."""
        ...

    def ids(self, first: int, last: int) -> Iterator[int]:
        """The ids of its tasks that lie in a range."""
        ...

    def rows(self, first: int, last: int, is_touched: bool) -> Iterator[Task]:
        """What the Data Manager shows of its tasks whose ids lie in a range, as ``convert/annotation/activity`` reads
        it; with ``is_touched`` only of those that somebody has answered, skipped or begun.
        """
        ...

    def model_versions(self) -> dict[str, int]:
        """How many predictions of each model the project has."""
        ...

    def users(self) -> dict[int, str]:
        """The e-mail address of each user, by id."""
        ...


class TaskKeeper(TaskHolder, Protocol):
    """Holds tasks that can be looked at as they are, and deleted."""

    def whole(self, task_ids: Sequence[int]) -> Iterator[Task]:
        """Some tasks with their annotations and drafts, whether there are any or not; without those that are gone."""
        ...

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        """Deletes tasks."""
        ...


class ConfigHolder(Protocol):
    """Holds a labeling config."""

    def state(self) -> ProjectState:
        """What the project says of itself now.

        Raises:
            RunError: it is gone
        """
        ...

    def time(self) -> datetime | None:
        """The time of the clock by which annotations are dated, or None where nobody says."""
        ...

    def set_labeling_config(self, labeling_config: str) -> None:
        """Lets people annotate the tasks by another labeling config.

        Raises:
            ServerError: it is refused
        """
        ...


class TaskSink(TaskHolder, Protocol):
    """What tasks are made in."""

    @property
    def retries(self) -> int:
        """How often something that failed for a passing reason is tried again."""
        ...

    @property
    def max_tasks(self) -> int:
        """How many tasks may be made at once."""
        ...

    @property
    def max_bytes(self) -> int:
        """How many bytes the tasks that are made at once may have, unless a single one has more."""
        ...

    def make_tasks(self, tasks: Sequence[bytes]) -> MadeTasks:
        """Makes tasks, with their predictions.

        Args:
            tasks: the JSON of each

        Raises:
            ServerError: it cannot be known what became of them
        """
        ...

    def settle(self) -> None:
        """Waits until what was sent earlier is made, where a sink answers before, and who sent it may not know."""
        ...

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        """Deletes tasks."""
        ...

    def set_labeling_config(self, labeling_config: str) -> None:
        """Lets people annotate the tasks."""
        ...

    def start_from(self, model_version: str) -> None:
        """Has people start from the predictions of a model, where there are any."""
        ...


class PredictionSink(Protocol):
    """What predictions are added to."""

    @property
    def retries(self) -> int:
        """How often something that failed for a passing reason is tried again."""
        ...

    @property
    def max_tasks(self) -> int:
        """How many predictions may be added at once."""
        ...

    @property
    def max_bytes(self) -> int:
        """How many bytes the predictions that are added at once may have, unless a single one has more."""
        ...

    def state(self) -> ProjectState:
        """What the project says of itself now.

        Raises:
            RunError: the project is gone
        """
        ...

    def model_versions(self) -> Mapping[str, int]:
        """How many predictions of each model there are."""
        ...

    def start_from(self, model_version: str) -> None:
        """Has people start from the predictions of a model, of which there are some."""
        ...

    def answered_tasks(self) -> set[int]:
        """The ids of the tasks that have a submitted annotation."""
        ...

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks, without annotations.

        Args:
            after: the task id after which to look
        """
        ...

    def predictions_of(self, model_version: str) -> Iterator[Mapping[str, Any]]:
        """The predictions of a model: ``id``, ``task``, ``result`` and ``score`` of each."""
        ...

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A prediction with its result, or None where it is gone."""
        ...

    def add_predictions(self, predictions: Sequence[bytes]) -> int:
        """Adds predictions; returns how many were made.

        Args:
            predictions: the JSON of each
        """
        ...

    def replace_prediction(self, prediction_id: int, result: Sequence[Any], score: float | None) -> None:
        """Changes the result and the score of a prediction where it lies."""
        ...

    def delete_prediction(self, prediction_id: int) -> None:
        """Deletes a prediction."""
        ...
