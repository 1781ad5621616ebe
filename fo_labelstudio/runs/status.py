"""get_status(): how far a run is, who did what, and what was not loaded yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.activity import (
    NOTHING,
    Activity,
    TaskRow,
    activity_of_row,
    activity_of_task,
    parse_row,
)
from fo_labelstudio.convert.annotation.choose import annotation_of, time_of
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.errors import RunError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import project
from fo_labelstudio.runs.fetch import PAGE_TASKS, PAGE_TASKS_WITH_MASKS
from fo_labelstudio.runs.overview import ServerOverview
from fo_labelstudio.runs.ports import Task, TaskOverview, TaskSource
from fo_labelstudio.runs.predict import PredictedTasks
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.send import tasks_of_run
from fo_labelstudio.runs.server import tasks_in
from fo_labelstudio.runs.state import RunState, project_id_of

NEWEST = 20
"""How many of the tasks that were changed last are looked at, to tell when somebody was active last."""

_LISTED_IDS = 1000
"""Tasks that are listed, rather than counted in two halves, to find those that are gone."""

UNKNOWN = "unknown"
"""Stands for annotators whose account was deleted."""


class Survey(NamedTuple):
    """What the lists of the server say of the tasks of a run.

    Attributes:
        known: what is kept of the run
        project_id: the project
        is_complete: whether everything was sent
        tasks: sample id -> task id, of all tasks of the run
        gone: those of the tasks that are gone from the server
        rows: task id -> what the list says of it; of those that somebody has answered, skipped or begun
        is_shared: whether the project has other tasks, too
        overview: what the lists came from
        source: where the tasks themselves come from
    """

    known: RunState
    project_id: int
    is_complete: bool
    tasks: Mapping[str, int]
    gone: frozenset[int]
    rows: Mapping[int, TaskRow]
    is_shared: bool
    overview: TaskOverview
    source: TaskSource

    @property
    def there(self) -> list[int]:
        """The tasks that are there, in the order of their ids."""
        return sorted(set(self.tasks.values()) - self.gone)


class LastLoad:
    """What the loads of a run have brought home of its annotations.

    Args:
        results: the results of the run
    """

    def __init__(self, results: RunState):
        answered = results.answered.items()
        self._times = {results.tasks[name]: time for name, time in answered if name in results.tasks}
        self._until = max(self._times.values(), default="")

    @property
    def has_seen(self) -> bool:
        """Whether there was anything to see."""
        return bool(self._times)

    def may_lack(self, row: TaskRow) -> bool:
        """Whether a task may have an answer that was not loaded."""
        # A task is changed together with its annotations, and a moment after them.
        return row.answered > 0 and (row.id not in self._times or row.updated_at > self._until)

    def lacks(self, task: Task) -> bool:
        """Whether the answer of an exported task was not loaded."""
        annotation = annotation_of(task)
        return annotation is not None and time_of(annotation) > self._times.get(task["id"], "")


def get_status(
    results: RunState,
    overview: TaskOverview | None = None,
    source: TaskSource | None = None,
    client: Client | None = None,
) -> dict[str, Any]:
    """The status of a run; see :meth:`LabelStudioAnnotationResults.get_status`.

    Args:
        results: the results of the run; nothing of them is changed, for a load of another thread may be at work
        overview: what became of the tasks; the run's server by default
        source: where they come back from; the run's server by default
        client: what asks the server; the run's own connection by default

    Raises:
        RunError: nothing was sent, or the project is gone
        ServerError: the server cannot be reached, or refused
    """
    found = survey(results, overview, source, client)
    last_load, is_sent_finished = LastLoad(found.known), sent_finished(results)
    activities = {row.id: activity_of_row(row, is_sent_finished) for row in found.rows.values()}
    wanted = {task_id for task_id, activity in activities.items() if activity is None}
    wanted.update(_first_and_newest(found.rows.values()))
    if last_load.has_seen:
        wanted.update(row.id for row in found.rows.values() if last_load.may_lack(row))
    unloaded = 0
    for task in exported(results, found, wanted):
        activities[task["id"]] = activity_of_task(task)
        unloaded += last_load.lacks(task)
    # One that has gone meanwhile is not told by anybody.
    known = [activity or NOTHING for activity in activities.values()]
    answered = sum(activity.is_answered for activity in known)
    skipped = sum(activity.is_skipped for activity in known)
    return {
        "anno_key": results.key,
        "project_id": found.project_id,
        "url": project_url(results.config.url or "", found.project_id),
        "complete": found.is_complete,
        "tasks": len(found.tasks),
        "answered": answered,
        "skipped": skipped,
        "open": len(found.tasks) - len(found.gone) - answered - skipped,
        "drafts": sum(row.has_draft for row in found.rows.values()),
        "deleted": len(found.gone),
        "new": unloaded if last_load.has_seen else answered,
        "reviews": _reviews(found.rows.values()),
        "annotators": _by_annotator(known, found.overview),
        "predictions": _predictions(found),
        "first_activity": _shown(min((activity.first for activity in known if activity.first), default="")),
        "last_activity": _shown(max((activity.last for activity in known if activity.last), default="")),
    }


def survey(
    results: RunState,
    overview: TaskOverview | None = None,
    source: TaskSource | None = None,
    client: Client | None = None,
) -> Survey:
    """Asks the lists of the server about the tasks of a run; see :func:`get_status`."""
    state = results.config.saved_state
    is_complete = bool(state.get("complete"))
    project_id = results.project_id
    known = results.saved()
    if overview is None or source is None:
        client, project_id = _server_of(results, state, client)
        own = tasks_in(client, {**state, "project_id": project_id})
        overview, source = ServerOverview(client, project_id), PredictedTasks(own, known.predicted)
    total = overview.total()
    if is_complete:
        tasks: Mapping[str, int] = known.tasks
    else:
        tasks = {sample_id: task.id for sample_id, task in tasks_of_run(state["token"], source).items()}
    gone = frozenset(_gone(overview, sorted(tasks.values())))
    there = set(tasks.values()) - gone
    rows: dict[int, TaskRow] = {}
    if there:
        listed = map(parse_row, overview.rows(min(there), max(there), is_touched=True))
        rows = {row.id: row for row in listed if row.id in there}
    return Survey(known, project_id or 0, is_complete, tasks, gone, rows, total > len(there), overview, source)


def exported(results: RunState, found: Survey, task_ids: Collection[int]) -> Iterator[Task]:
    """Some tasks of a run with their annotations.

    Args:
        results: the results of the run
        found: what the lists say
        task_ids: the tasks; those that nobody has annotated do not come back
    """
    if not task_ids:
        return
    logger.info("Downloading the annotations of %d tasks...", len(task_ids))
    has_any_masks = any(has_masks(field.label_type) for field in results.config.label_fields())
    size = PAGE_TASKS_WITH_MASKS if has_any_masks else PAGE_TASKS
    for page in found.source.exported(sorted(task_ids), size):
        for task in page.tasks:
            if isinstance(task, dict) and task.get("id") in found.rows:
                yield task


def sent_finished(results: RunState) -> bool:
    """Whether the labels of a run were sent as finished annotations."""
    return results.config.upload_as == "annotations"


def _server_of(results: RunState, state: Mapping[str, Any], client: Client | None) -> tuple[Client, int]:
    """The server and the project of a run.

    Raises:
        RunError: it has none
    """
    if not state:
        raise RunError(f"annotation run {results.key!r} was not sent; call annotate() with the same anno_key once more")
    if state.get("complete"):
        own = project_id_of(results)
        return client or results.connect_to_api().client, own
    client = client or results.connect_to_api().client
    project_id = project.existing_project(client, state["token"], state["project_id"])
    if project_id is None:
        raise RunError(
            f"annotation run {results.key!r} is not complete, and has no project; call annotate() with the same "
            "anno_key once more"
        )
    return client, project_id


def _gone(overview: TaskOverview, ids: Sequence[int]) -> set[int]:
    """Those of some tasks that are gone from the server, found by counting where few are.

    Args:
        overview: the lists of the server
        ids: the tasks, sorted
    """
    if not ids:
        return set()
    # Between the ids of a run without gaps there is no place for tasks of others.
    if ids[-1] - ids[0] == len(ids) - 1 and overview.count(ids[0], ids[-1]) == len(ids):
        return set()
    if len(ids) <= _LISTED_IDS:
        return set(ids) - set(overview.ids(ids[0], ids[-1]))
    middle = len(ids) // 2
    return _gone(overview, ids[:middle]) | _gone(overview, ids[middle:])


def _first_and_newest(rows: Collection[TaskRow]) -> set[int]:
    """The tasks that tell when people began, and when they were active last."""
    annotated = [row for row in rows if row.is_annotated]
    newest = {row.id for row in nlargest(NEWEST, annotated, key=lambda row: row.updated_at)}
    # Annotations get their ids in the order in which they are made.
    first = min(((min(row.annotations), row.id) for row in annotated if row.annotations), default=None)
    return newest if first is None else {*newest, first[1]}


def _by_annotator(activities: Collection[Activity], overview: TaskOverview) -> dict[str, dict[str, Any]]:
    shares = [(user, share) for activity in activities for user, share in activity.shares.items()]
    names = overview.users() if shares else {}
    found: dict[str, dict[str, Any]] = {}
    for user, share in shares:
        name = UNKNOWN if user is None else names.get(user, f"user {user}")
        person = found.setdefault(name, {"answered": 0, "skipped": 0, "seconds": 0.0})
        person["answered"] += share.is_answered
        person["skipped"] += share.is_skipped and not share.is_answered
        person["seconds"] += share.seconds
    return dict(sorted(found.items()))


def _reviews(rows: Collection[TaskRow]) -> dict[str, int]:
    """How many tasks have an annotation that a reviewer accepts, or rejects; empty where nobody can review."""
    if all(row.accepted is None and row.rejected is None for row in rows):
        return {}
    return {"accepted": sum(bool(row.accepted) for row in rows), "rejected": sum(bool(row.rejected) for row in rows)}


def _predictions(found: Survey) -> dict[str, int]:
    """How many tasks of the run have a prediction of each model."""
    versions = found.overview.model_versions()
    if not versions or not found.is_shared:
        return versions
    there = found.there
    counts: Counter[str] = Counter()
    if there:
        own = set(there)
        for row in map(parse_row, found.overview.rows(there[0], there[-1], is_touched=False)):
            if row.id in own:
                counts.update(version for version in versions if _has_version(row, version))
    return {version: counts[version] for version in versions if counts[version]}


def _has_version(row: TaskRow, version: str) -> bool:
    # The server lists them without quotes, with or without a space behind each comma (1.23.2).
    listed, wanted = (text.replace('"', "").replace(", ", ",") for text in (row.versions, version))
    return f",{wanted}," in f",{listed},"


def _shown(time: str) -> str | None:
    """A time of the server's, in UTC, as ISO 8601 has it."""
    return f"{time}+00:00" if time else None
