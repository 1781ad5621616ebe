"""What the panel shows, as plain values that go to the browser and come back with each of its events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import fiftyone as fo

import fo_labelstudio
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.runs.changes import last_changes
from fo_labelstudio.runs.listed import ListedRun, listed_runs
from fo_labelstudio.runs.news import newest_change

ON_SERVER, INCOMPLETE, IN_FILES, CLEANED_UP, ADOPTABLE = (
    "on_server",
    "incomplete",
    "in_files",
    "cleaned_up",
    "adoptable",
)
"""Where a run is: its tasks are in a project; not all of them are; they were written to files; the project is deleted;
the integration inside FiftyOne has made it."""

_COUNTS = ("tasks", "answered", "skipped", "open", "drafts", "deleted", "new", "complete", "annotators")

State = dict[str, Any]
"""
``runs``: a dict for each run: ``key``, ``state``, ``url``, ``version``; ``status``, what the server says of it, and
``newest``, its newest change, or None; ``error``, why there is none, or None.
``chosen``: the key of the run whose details are shown, or None.
``changes``: what its last load has changed: ``at``, ``samples``, and the ``rows`` of a table with their ``ids``.
"""


def read_all(dataset: fo.Dataset, chosen: str | None, connection: Mapping[str, Any]) -> State:
    """Everything, which costs some requests for each run.

    Args:
        dataset: the dataset
        chosen: the run that was chosen before, if any
        connection: settings of the connection
    """
    runs = [_read_run(dataset, run, connection) for run in _newest_first(dataset)]
    return _state(dataset, runs, chosen)


def read_chosen(dataset: fo.Dataset, known: State, connection: Mapping[str, Any]) -> State | None:
    """What is new, at the cost of one request where nothing is; None then.

    Args:
        dataset: the dataset
        known: what is known
        connection: settings of the connection
    """
    before = {run["key"]: run for run in known.get("runs", ())}
    runs = []
    for run in _newest_first(dataset):
        old = before.get(run.key)
        if old is None or (old["version"], old["state"]) != (run.version, _state_of(run)):
            runs.append(_read_run(dataset, run, connection))
        elif run.key == known.get("chosen") and _has_news(dataset, run, old, connection):
            runs.append(_read_run(dataset, run, connection))
        else:
            runs.append(old)
    if runs == known.get("runs"):
        return None
    return _state(dataset, runs, known.get("chosen"))


def choose(dataset: fo.Dataset, known: State, row: int, connection: Mapping[str, Any]) -> State:
    """Has the details of another run be shown, as they are now.

    Args:
        dataset: the dataset
        known: what is known
        row: its place among the runs
        connection: settings of the connection
    """
    chosen = known["runs"][row]["key"]
    return read_chosen(dataset, {**known, "chosen": chosen}, connection) or _state(dataset, known["runs"], chosen)


def run_of(state: State) -> dict[str, Any] | None:
    """The run whose details are shown."""
    return next((run for run in state.get("runs", ()) if run["key"] == state.get("chosen")), None)


def _state(dataset: fo.Dataset, runs: list[dict[str, Any]], chosen: str | None) -> State:
    keys = [run["key"] for run in runs]
    chosen = chosen if chosen in keys else next(iter(keys), None)
    state: State = {"runs": runs, "chosen": chosen, "changes": None}
    run = run_of(state)
    if run is not None and run["state"] not in (ADOPTABLE, INCOMPLETE):
        state["changes"] = _changes(dataset, run["key"])
    return state


def _newest_first(dataset: fo.Dataset) -> list[ListedRun]:
    return sorted(listed_runs(dataset), key=lambda run: run.made_at or datetime.min, reverse=True)


def _state_of(run: ListedRun) -> str:
    if not run.is_own:
        return ADOPTABLE
    if not run.is_complete:
        return INCOMPLETE
    if run.project_id is not None:
        return ON_SERVER
    return IN_FILES if run.is_of_files else CLEANED_UP


def _read_run(dataset: fo.Dataset, run: ListedRun, connection: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"key": run.key, "state": _state_of(run), "url": run.url, "version": run.version}
    found.update(fields=list(run.config.label_schema or ()), status=None, newest=None, error=None)
    if found["state"] not in (ON_SERVER, INCOMPLETE):
        return found
    try:
        if run.project_id is not None:
            # Asked first: what is changed meanwhile is news to the next tick.
            found["newest"] = newest_change(dataset, run.key, connection)
        status = fo_labelstudio.get_status(dataset, run.key, **connection)
        found["status"] = {name: status[name] for name in _COUNTS}
        found["url"] = status["url"]
    except LabelStudioError as error:
        found["error"] = str(error)
    return found


def _has_news(dataset: fo.Dataset, run: ListedRun, known: Mapping[str, Any], connection: Mapping[str, Any]) -> bool:
    if run.project_id is None:
        return False
    try:
        newest = newest_change(dataset, run.key, connection)
    except LabelStudioError as error:
        return bool(str(error) != known["error"])
    return bool(known["error"] is not None or newest is None or newest != known["newest"])


def _changes(dataset: fo.Dataset, anno_key: str) -> dict[str, Any]:
    changes = last_changes(dataset, anno_key)
    return {
        "at": changes.at and f"{datetime.fromisoformat(changes.at):%Y-%m-%d %H:%M} UTC",
        "samples": changes.samples,
        "rows": [
            [Path(row.filepath).name, row.label_field, row.added, row.edited, row.deleted] for row in changes.rows
        ],
        "ids": [row.sample_id for row in changes.rows],
    }
