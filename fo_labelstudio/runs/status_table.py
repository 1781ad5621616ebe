"""print_status(): how the status of a run looks, as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import fiftyone.core.context as focx

from fo_labelstudio.runs.state import RunState
from fo_labelstudio.runs.status import get_status
from fo_labelstudio.runs.tables import Table, aligned, html_bar, html_link, html_table, show_html

_COUNTS = {
    "tasks": "Tasks",
    "answered": "Answered",
    "skipped": "Skipped",
    "open": "Open",
    "drafts": "Drafts",
    "deleted": "Deleted",
    "new": "Not yet loaded",
}
"""Key of the status -> what people read."""

_OF_TASKS = ("answered", "skipped", "open", "deleted")
"""The counts that together are all tasks."""

_DONE = ("answered", "skipped")
"""The counts that a bar shows; what is left of it is open."""

_SECONDS_OF_MINUTE, _MINUTES_OF_HOUR = 60, 60


def print_status(results: RunState) -> None:
    """Prints the status of a run; see :meth:`LabelStudioAnnotationResults.print_status`."""
    status = get_status(results)
    if focx.is_notebook_context():
        show_html(as_html(status))
    else:
        print(as_text(status))


def as_text(status: Mapping[str, Any]) -> str:
    """The status as a table in a terminal."""
    blocks = [
        _title(status),
        *([_INCOMPLETE] if not status["complete"] else []),
        *map(aligned, _tables(status)),
        "\n".join(f"{name}: {value}" for name, value in _facts(status)),
    ]
    return "\n\n".join(blocks)


def as_html(status: Mapping[str, Any]) -> str:
    """The status as tables in a notebook."""
    parts = [
        f"<p><b>{escape(_title(status))}</b></p>",
        html_bar(status["tasks"], {name: status[key] for key, name in _COUNTS.items() if key in _DONE}),
        *([f"<p>{escape(_INCOMPLETE)}</p>"] if not status["complete"] else []),
        *map(html_table, _tables(status)),
        *(f"<p>{escape(name)}: {escape(value)}</p>" for name, value in _facts(status)[:-1]),
        f"<p>URL: {html_link(status['url'])}</p>",
    ]
    return "\n".join(parts)


_INCOMPLETE = "The run is not complete; call annotate() with the same anno_key once more."


def _title(status: Mapping[str, Any]) -> str:
    return f"Status for annotation run {status['anno_key']!r}:"


def _tables(status: Mapping[str, Any]) -> list[Table]:
    total = status["tasks"]
    counts = [("Status", "Tasks", "")]
    for key, name in _COUNTS.items():
        share = f"{100 * status[key] / total:.0f}%" if key in _OF_TASKS and total else ""
        counts.append((name, str(status[key]), share))
    counts += [(name.capitalize(), str(count), "") for name, count in status["reviews"].items()]
    people = [
        (email, str(person["answered"]), str(person["skipped"]), duration(person["seconds"]))
        for email, person in status["annotators"].items()
    ]
    models = [(version, str(count)) for version, count in status["predictions"].items()]
    tables: list[Table] = [counts]
    if people:
        tables.append([("Annotator", "Answered", "Skipped", "Time"), *people])
    if models:
        tables.append([("Model version", "Predictions"), *models])
    return tables


def _facts(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("First activity", status["first_activity"] or "none"),
        ("Last activity", status["last_activity"] or "none"),
        ("URL", status["url"]),
    ]


def duration(seconds: float) -> str:
    """A time as people say it: hours and minutes, or seconds where it is short."""
    if seconds < _SECONDS_OF_MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _SECONDS_OF_MINUTE)
    hours, rest = divmod(minutes, _MINUTES_OF_HOUR)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
