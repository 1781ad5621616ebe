"""The Label Studio project of an annotation run: made, found, continued, discarded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fo_labelstudio.errors import RunError, ServerError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated

MIN_TITLE_CHARACTERS, MAX_TITLE_CHARACTERS = 3, 50
"""What the server accepts (Label Studio 1.23.2)."""

_PROJECT_SETTINGS = {
    # Nothing to see is an answer too.
    "enable_empty_annotation": True,
    # People start from the prediction in the label stream as well.
    "show_collab_predictions": True,
}


SAMPLINGS = {
    "sequential": "Sequential sampling",
    "uniform": "Uniform sampling",
    "uncertainty": "Uncertainty sampling",
}
"""Setting ``sampling`` -> what the server calls it (1.23.2, ``projects.models.Project.SAMPLING_CHOICES``)."""


def make_project(run_token: str, dataset_name: str, client: Client, title: str, **settings: Any) -> int:
    """Makes the project of a run, without a labeling config.

    Args:
        run_token: the token of the run
        dataset_name: the dataset of the run
        client: the server
        title: its title, with a number behind it where it is taken
        **settings: what it is made with besides, as the API names it

    Returns:
        its id
    """
    title = _free_title(title, client)
    settings = {
        **settings,
        "title": title,
        "description": f"Annotation run {run_token} of FiftyOne dataset {dataset_name}",
        **_PROJECT_SETTINGS,
    }

    def make(attempt: int) -> int:
        found = client.find_project(run_token) if attempt else None
        return client.create_project(**settings) if found is None else found

    try:
        return repeated(make, client.retries, "making the project")
    except ServerError:
        # The answer may have been lost, not the request: a project must not be left behind unknown.
        project_id = client.find_project(run_token)
        if project_id is None:
            raise
        return project_id


def existing_project(client: Client, run_token: str, project_id: int | None) -> int | None:
    """The project of a run that did not get complete, or None where there is none any more.

    Args:
        client: the server
        run_token: the token of the run
        project_id: its project, or None where the run did not get to know it
    """
    if project_id is None:
        return client.find_project(run_token)
    return None if project_of(client, project_id) is None else project_id


def discard_project(client: Client, run_token: str, project_id: int | None, is_answered: Callable[[int], bool]) -> None:
    """Deletes the project of a run that did not get complete.

    Args:
        client: the server
        run_token: the token of the run
        project_id: its project, or None where the run did not get to know it
        is_answered: tells of a project with annotations whether any of them is not as it was sent

    Raises:
        RunError: people have annotated it already, so that it must not be deleted
    """
    if project_id is None:
        project_id = client.find_project(run_token)
        if project_id is None:
            return
    project = project_of(client, project_id)
    if project is None:
        return
    if project.get("total_annotations_number") and is_answered(project_id):
        raise RunError(
            f"project {project_id} of the incomplete run has annotations of people, see "
            f"{project_url(client.url, project_id)}; load them with load_annotations() and annotate with another "
            "anno_key, or continue the run with the arguments of its first annotate()",
            project_id,
        )
    logger.info("Removing project %d of the incomplete run...", project_id)
    delete_project(client, project_id)


def delete_project(client: Client, project_id: int) -> None:
    """Deletes a project, unless it is gone already."""
    try:
        client.delete_project(project_id)
    except ServerError as error:
        if error.status != 404:
            raise


def project_url(url: str, project_id: int) -> str:
    """The address at which people work on a project."""
    return f"{url}/projects/{project_id}/data"


def project_of(client: Client, project_id: int, names: Sequence[str] = ()) -> dict[str, Any] | None:
    """A project's settings and counts, or None where it is gone.

    Args:
        client: the server
        project_id: the project
        names: those that are asked for, as the API names them; all by default
    """
    try:
        return client.project(project_id, names)
    except ServerError as error:
        if error.status == 404:
            return None
        raise


def listed_projects(client: Client) -> list[tuple[int, str]]:
    """The id and the title of each project, the newest first."""
    return sorted(client.projects().items(), reverse=True)


def check_title(title: str) -> None:
    """Refuses a title that the server would refuse.

    Raises:
        SettingsError: it is too short or too long
    """
    if not MIN_TITLE_CHARACTERS <= len(title) <= MAX_TITLE_CHARACTERS:
        raise SettingsError(
            f"project_name {title!r} has {len(title)} characters; Label Studio takes {MIN_TITLE_CHARACTERS} to "
            f"{MAX_TITLE_CHARACTERS}"
        )


def _free_title(title: str, client: Client) -> str:
    taken = set(client.project_titles(title[: MAX_TITLE_CHARACTERS - 8]))
    number = 1
    free = title
    while free in taken:
        number += 1
        suffix = f"_{number}"
        free = title[: MAX_TITLE_CHARACTERS - len(suffix)] + suffix
    return free


def default_title(dataset_name: str) -> str:
    """The title of a project where none was asked for."""
    return f"FiftyOne_{dataset_name}"[:MAX_TITLE_CHARACTERS]
