"""Inputs for one of the projects on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiftyone.operators import types

from fo_labelstudio.app.connection import backend_of, refuse
from fo_labelstudio.app.form import remembered
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.runs.project import listed_projects, project_of


def ask_project(ctx: Any, inputs: types.Object, settings: Mapping[str, Any]) -> None:
    """Asks for a project on the server, which is asked for them once as long as a form is open.

    Args:
        ctx: the execution context
        inputs: receives the input
        settings: how to reach the server
    """
    try:
        projects = remembered(ctx, ["projects", ctx.params.get("url")], lambda: _projects(settings))
    except LabelStudioError as error:
        refuse(inputs, "projects", str(error))
        return
    view = types.AutocompleteView(allow_user_input=False)
    for project_id, title in projects:
        view.add_choice(project_id, label=f"{title} ({project_id})")
    asked = inputs.enum("project_id", view.values(), label="Project on the server", required=True, view=view)
    project_id = ctx.params.get("project_id")
    if not projects:
        asked.invalid, asked.error_message = True, "there are no projects on the server"
    elif project_id is not None and project_id not in view.values():
        asked.invalid = True
        asked.error_message = f"there is no project {project_id} that the owner of the api_key may see"


def labeling_config_of(settings: Mapping[str, Any], project_id: int) -> str | None:
    """The labeling config of a project, or None where it is gone."""
    api = backend_of(settings).connect_to_api()
    try:
        project = project_of(api.client, project_id)
        return None if project is None else project.get("label_config") or ""
    finally:
        api.close()


def _projects(settings: Mapping[str, Any]) -> list[tuple[int, str]]:
    api = backend_of(settings).connect_to_api()
    try:
        return listed_projects(api.client)
    finally:
        api.close()
