"""clean_up(): what a run has made on the server is deleted, unless something was left in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any
from urllib.parse import quote

from fo_labelstudio.convert.annotation.choose import is_as_sent
from fo_labelstudio.errors import RunError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import project
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.predict import is_of_a_run, model_version_of, remove_predictions
from fo_labelstudio.runs.send import ids_of_run, run_of_task
from fo_labelstudio.runs.server import ServerTasks, TasksInExistingProject, tasks_in
from fo_labelstudio.runs.state import RunState

_BEGINNINGS = {
    "localfiles": "/data/local-files/?d={}/",
    "s3": "s3://{}/",
    "gcs": "gs://{}/",
    "azure": "azure-blob://{}/",
}
"""Kind of storage -> what is in each address that it opens."""


_UPLOADED = "upload"

_LEFT = (
    "Label Studio hands out the %d files no more that the run has uploaded, but deletes none from its disk: they are "
    "in media/upload/%d of its data directory (LABEL_STUDIO_BASE_DATA_DIR), or below upload/%d in its persistent "
    "storage, for its administrator to delete"
)
"""What is told of uploaded files; source: Label Studio 1.23.2, ``data_import.models.upload_name_generator``."""


def clean_up(results: RunState, force: bool = False) -> None:
    """Deletes what a run has made on the server: its project; of a project that was there before, only its tasks.

    Args:
        results: the results of the run; to be saved afterwards
        force: whether it is deleted although the last load has left something behind
    """
    if results.left_behind and not force:
        owns = results.config.saved_state.get("owns_project", True)
        logger.warning(
            "%s %s is kept, because the last load left something behind: %s. To delete it anyway, call "
            "dataset.load_annotation_results(%r).cleanup(force=True)",
            "Project" if owns else "What the run has made in project",
            results.project_id,
            "; ".join(results.left_behind),
            results.key,
        )
        return
    results.left_behind = []
    state = results.config.saved_state
    if results.project_id is not None:
        _remove(results.connect_to_api().client, state, len(results.tasks), results.config.media)
        state["project_id"] = None
        results.save_config()
    results.tasks, results.predicted = {}, {}


def discard_tasks(client: Client, state: Mapping[str, Any]) -> None:
    """Deletes what a run that did not get complete has added to a project that was there.

    Args:
        client: the server
        state: the state of the run

    Raises:
        RunError: people have annotated some of its tasks already, so that they must not be deleted
    """
    if project.project_of(client, state["project_id"]) is None:
        return
    tasks = tasks_in(client, state)
    if is_answered(tasks, ids_of_run(state["token"], tasks)):
        raise RunError(
            f"tasks of the incomplete run in project {state['project_id']} have annotations of people, see "
            f"{project.project_url(client.url, state['project_id'])}; bring them home with load_annotations(), and "
            "annotate under another anno_key, or continue it with the arguments of its first annotate()",
            state["project_id"],
        )
    _remove_from(client, state, client.upload_ids(state["project_id"]))


def is_answered(tasks: ServerTasks, task_ids: Sequence[int]) -> bool:
    """Whether people have submitted or skipped an annotation of some tasks, or made one."""
    return any(
        not (isinstance(annotation, Mapping) and is_as_sent(annotation, task))
        for page in tasks.exported(task_ids, len(task_ids) or 1)
        for task in page.tasks
        for annotation in task.get("annotations") or (None,)
    )


def _remove(client: Client, state: Mapping[str, Any], tasks: int, media: str) -> None:
    project_id: int = state["project_id"]
    there = project.project_of(client, project_id)
    if there is None:
        return
    uploads = client.upload_ids(project_id) if media == _UPLOADED else {}
    if not state.get("owns_project", True):
        left = _remove_from(client, state, uploads)
    elif _has_other_runs(client, state, there.get("task_number", 0) > tasks):
        logger.warning(
            "Project %d is kept, because other runs were sent into it; only the tasks of this run are deleted",
            project_id,
        )
        # What others see of the project stays as it is.
        own = TasksInExistingProject(client, {**state, "model_version": "", "last_task": 0})
        left = _forget_uploads(client, project_id, _delete_tasks(state["token"], own), uploads)
    else:
        project.delete_project(client, project_id)
        left = len(uploads)
    if left:
        logger.info(_LEFT, left, project_id, project_id)


def _has_other_runs(client: Client, state: Mapping[str, Any], has_other_tasks: bool) -> bool:
    if any(map(is_of_a_run, client.model_versions(state["project_id"]))):
        return True
    if not has_other_tasks:
        return False
    tasks = ServerTasks(client, state["project_id"]).tasks()
    return any(run_of_task(task) not in (None, state["token"]) for task in tasks)


def _remove_from(client: Client, state: Mapping[str, Any], uploads: Mapping[str, int]) -> int:
    """Takes out of a project that was there what a run has added to it; returns how many uploaded files are left."""
    tasks = TasksInExistingProject(client, state)
    shown = _delete_tasks(state["token"], tasks)
    tasks.restore()
    for model_version in (model_version_of(state["token"]), *state.get("refreshed", ())):
        remove_predictions(client, state["project_id"], model_version)
    made = {
        (kind, storage_id): _BEGINNINGS[kind].format(quote(place.replace("\\", "/").rpartition("/")[2]))
        for kind, before in state["storages"].items()
        for storage_id, place in client.storages(kind, state["project_id"]).items()
        if storage_id not in before
    }
    used = _used(client, state["project_id"], set(made.values())) if made else set()
    for (kind, storage_id), beginning in made.items():
        if beginning not in used:
            client.delete_storage(kind, storage_id)
    return _forget_uploads(client, state["project_id"], shown, uploads)


def _forget_uploads(client: Client, project_id: int, shown: Set[str], uploads: Mapping[str, int]) -> int:
    """Has the server hand out no more what tasks that are gone have shown, but for what others show, too.

    Args:
        client: the server
        project_id: the project
        shown: what the data of these tasks held
        uploads: the uploaded files of the project: path -> id

    Returns:
        how many files are left on the server's disk
    """
    paths = {text.partition("/data/")[2] for text in shown}
    own = {path: number for path, number in uploads.items() if path in paths}
    if own:
        for text in _texts(ServerTasks(client, project_id).tasks()):
            own.pop(text.partition("/data/")[2], None)
    if own:
        client.delete_uploads(project_id, list(own.values()))
    return len(own)


def _used(client: Client, project_id: int, beginnings: Set[str]) -> set[str]:
    """Those of some beginnings of addresses that tasks of a project have."""
    used: set[str] = set()
    for task in ServerTasks(client, project_id).tasks():
        texts = [value for value in task["data"].values() if isinstance(value, str)]
        used.update(beginning for beginning in beginnings - used if any(beginning in text for text in texts))
    return used


def _delete_tasks(token: str, tasks: ServerTasks) -> set[str]:
    """Deletes the tasks of a run; returns the texts that their data held."""
    own = [task for task in tasks.tasks() if run_of_task(task) == token]
    if own:
        logger.info("Deleting %d tasks of the run...", len(own))
        tasks.delete_tasks([task["id"] for task in own])
    return set(_texts(own))


def _texts(tasks: Iterable[Task]) -> Iterator[str]:
    for task in tasks:
        yield from (value for value in task["data"].values() if isinstance(value, str))
