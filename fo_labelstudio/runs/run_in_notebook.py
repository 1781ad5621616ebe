"""How the results of a run look in a notebook: how far it is, and where people work on it."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from fo_labelstudio.dataset.prompt import unattended
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.state import RunState, project_id_of
from fo_labelstudio.runs.status import get_status
from fo_labelstudio.runs.status_table import as_html
from fo_labelstudio.runs.tables import html_link, html_table

_SECONDS = 10
"""How long a cell waits for an answer of the server."""


def run_as_html(results: RunState) -> str:
    """The results of a run in a notebook: its status, or what is known here where the server cannot be asked.

    Nobody is asked for a key, and nothing that fails is tried again.
    """
    try:
        # One that was written to files has no server.
        project_id_of(results)
        with unattended():
            settings = results.config.connection_settings()
        client = Client(replace(settings, timeout=min(settings.timeout, _SECONDS), retries=0))
        try:
            client.check()
            return as_html(get_status(results, client=client))
        finally:
            client.close()
    except LabelStudioError as error:
        return _known_here(results, error)


def _known_here(results: RunState, error: LabelStudioError) -> str:
    counts = [("Status", "Tasks"), ("Tasks", str(len(results.tasks))), ("Loaded", str(len(results.answered)))]
    parts = [
        f"<p><b>{escape(f'Annotation run {results.key!r}:')}</b></p>",
        html_table(counts),
        f"<p>{escape(f'The server could not be asked: {error}')}</p>",
    ]
    if results.project_id is not None and results.config.url:
        parts.append(f"<p>URL: {html_link(project_url(results.config.url, results.project_id))}</p>")
    return "\n".join(parts)
