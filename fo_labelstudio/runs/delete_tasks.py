"""delete_tasks(): tasks of a run are deleted, unless they have answers that no load has brought home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fo_labelstudio.convert.annotation.choose import annotation_of, time_of
from fo_labelstudio.errors import RunError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.annotate import RunRegister
from fo_labelstudio.runs.ongoing import ongoing
from fo_labelstudio.runs.ports import Task, TaskKeeper
from fo_labelstudio.runs.predict import model_version_of
from fo_labelstudio.runs.send import run_of_task
from fo_labelstudio.runs.server import DELETED_TASKS, tasks_in
from fo_labelstudio.runs.state import RunState


def delete_tasks(
    register: RunRegister,
    results: RunState,
    task_ids: int | Iterable[int],
    force: bool = False,
    keeper: TaskKeeper | None = None,
) -> int:
    """Deletes tasks of a run from its project, and takes their samples out of the run; labels stay as they are.

    Args:
        register: keeps the run
        results: the results of the run, which are saved
        task_ids: tasks of the run
        force: whether they are deleted although they hold work that was not loaded
        keeper: what holds the tasks; the run's project by default

    Returns:
        how many tasks were deleted

    Raises:
        RunError: some are not tasks of the run, or hold work that was not loaded; nothing was deleted
    """
    wanted = [task_ids] if isinstance(task_ids, int) else list(dict.fromkeys(task_ids))
    with ongoing(results):
        by_task = {task_id: sample_id for sample_id, task_id in results.tasks.items()}
        others = [task_id for task_id in wanted if task_id not in by_task]
        if others:
            raise RunError(
                f"{len(others)} of {len(wanted)} are not tasks of annotation run {results.key!r}, so nothing was "
                f"deleted; results.tasks has those that are:{listed([f'task {task_id}' for task_id in others])}",
                results.project_id,
            )
        return take_out(register, results, [by_task[task_id] for task_id in wanted], force, keeper)


def take_out(
    register: RunRegister, results: RunState, sample_ids: Sequence[str], force: bool, keeper: TaskKeeper | None
) -> int:
    """Takes samples out of a run that nobody else changes; see :func:`delete_tasks`."""
    client: Client | None = None
    if keeper is None:
        client = results.connect_to_api().client
        keeper = tasks_in(client, results.config.saved_state)
    tasks = {results.tasks[sample_id]: sample_id for sample_id in sample_ids}
    own_tasks = (task for task in keeper.whole(list(tasks)) if _is_of(task, tasks, results))
    there = {task["id"]: _work_in(task, tasks[task["id"]], results) for task in own_tasks}
    if not force:
        _refuse_work(there, results)
    is_own = results.config.saved_state.get("owns_project", True)
    own = [task_id for task_id in there if is_own or tasks[task_id] not in results.predicted]
    for start in range(0, len(own), DELETED_TASKS):
        keeper.delete_tasks(own[start : start + DELETED_TASKS])
    if client is not None:
        _remove_predictions(client, results, [task_id for task_id in there if task_id not in set(own)])
    results.refresh(results.saved())
    shown = [sample_id for name in sample_ids for sample_id in results.samples_of(name)]
    results.forget_samples(sample_ids)
    results.save()
    results.config.saved_state["tasks"] = len(results.tasks)
    results.save_config()
    view = register.load_run_view(results.dataset, results.key)
    register.put_view(results, view.exclude(shown))
    gone = len(tasks) - len(there)
    if gone:
        logger.warning("%d of %d tasks were gone from the server already", gone, len(tasks))
    return len(own)


def _is_of(task: Task, tasks: Mapping[int, str], results: RunState) -> bool:
    """Whether a task is what the run takes it for; its id may be another one's by now (1.23.2, on SQLite)."""
    sample_id = tasks.get(task["id"])
    if sample_id in results.predicted:
        return True
    is_ours: bool = run_of_task(task) == results.config.saved_state["token"]
    if not is_ours:
        logger.warning("Task %s was not made by the run, and is left alone", task["id"])
    return is_ours


def _work_in(task: Task, sample_id: str, results: RunState) -> tuple[bool, bool]:
    """Whether a task has an answer that no load has brought home, and whether it has a draft."""
    annotation = annotation_of(task)
    loaded = results.answered.get(sample_id, "")
    return annotation is not None and time_of(annotation) > loaded, bool(task.get("drafts"))


def _refuse_work(there: Mapping[int, tuple[bool, bool]], results: RunState) -> None:
    """Refuses to delete work.

    Raises:
        RunError: says how much, and where
    """
    answered = [task_id for task_id, (has_answer, _) in there.items() if has_answer]
    drafts = [task_id for task_id, (_, has_draft) in there.items() if has_draft]
    if answered or drafts:
        lines = [f"task {task_id}: an answer that was not loaded" for task_id in answered]
        lines += [f"task {task_id}: a draft that was not submitted" for task_id in drafts]
        raise RunError(
            f"{len(answered)} of {len(there)} tasks have answers that were not loaded, and {len(drafts)} have drafts, "
            f"so nothing was deleted; call load_annotations({results.key!r}) first, or pass force=True to lose them:"
            f"{listed(lines)}",
            results.project_id,
        )


def _remove_predictions(client: Client, results: RunState, task_ids: Iterable[int]) -> None:
    """Takes the run's predictions out of tasks that others have made."""
    state = results.config.saved_state
    own = {model_version_of(state["token"]), *state.get("refreshed", ())}
    for task_id in task_ids:
        for prediction in client.predictions_of(task_id):
            if prediction.get("model_version") in own:
                client.delete_prediction(prediction["id"])
