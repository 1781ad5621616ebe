"""Tasks that the server hands out when it is asked, some of them a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.amounts import FIRST, next_amount
from fo_labelstudio.errors import AnswerTooLargeError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.ports import Page, Task

MAX_EXPORTED_TASKS = 200
"""A request; their ids stand in its address, which proxies cut at 4,096 to 8,192 characters."""


def exported(client: Client, project_id: int, task_ids: Sequence[int], page_tasks: int) -> Iterator[Page]:
    """The annotated ones of some tasks, in as many requests as their size takes; see :class:`TaskSource`."""
    most = min(page_tasks, MAX_EXPORTED_TASKS)
    start, size = 0, min(most, FIRST)
    while request := task_ids[start : start + size]:
        tasks = _exported(project_id, request, client.export_tasks)
        start, size = start + len(request), next_amount(map(_data_of, tasks), most)
        yield Page(len(request), tasks)


def _data_of(task: Any) -> Mapping[str, Any]:
    data = task.get("data") if isinstance(task, dict) else None
    return data if isinstance(data, dict) else {}


def whole(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Task]:
    """Some tasks with their annotations and drafts, whether there are any or not; see :class:`TaskKeeper`."""
    for start in range(0, len(task_ids), MAX_EXPORTED_TASKS):
        yield from _exported(project_id, task_ids[start : start + MAX_EXPORTED_TASKS], client.export_open_tasks)


def with_predictions(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Task]:
    """Some tasks with their annotations, drafts and predictions.

    Args:
        client: the server
        project_id: the project
        task_ids: the tasks, in order
    """
    wanted = set(task_ids)
    tasks = client.whole_tasks(project_id, task_ids[0], task_ids[-1]) if task_ids else iter(())
    return (task for task in tasks if task["id"] in wanted)


def _exported(
    project_id: int, task_ids: Sequence[int], export: Callable[[int, Sequence[int]], list[Task]]
) -> list[Task]:
    try:
        return export(project_id, task_ids)
    except AnswerTooLargeError as error:
        if len(task_ids) == 1:
            raise AnswerTooLargeError(
                f"task {task_ids[0]} is too large: {error.args[0]}", error.status, error.path
            ) from error
    middle = len(task_ids) // 2
    return _exported(project_id, task_ids[:middle], export) + _exported(project_id, task_ids[middle:], export)
