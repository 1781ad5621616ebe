"""fetch(): what people submitted on the server -> answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import fiftyone.core.utils as fou

from fo_labelstudio.convert.annotations import Answer, Problem, parse_task
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.errors import AnswerTooLargeError, RunError
from fo_labelstudio.log import logger
from fo_labelstudio.projects import project_of
from fo_labelstudio.remote.client import Client

_EXPORTED = 200
"""Tasks a request; their ids stand in its address, which proxies cut at 4,096 to 8,192 characters."""

_EXPORTED_WITH_MASKS = 20
"""The same where tasks hold masks, each of which comes back twice: in the annotation and in its prediction."""


@dataclass
class Answers:
    """What came back.

    Attributes:
        answers: the submitted annotations, at most one a task
        problems: what could not be understood
        missing: number of tasks that are gone from the server
    """

    answers: list[Answer] = dataclass_field(default_factory=list)
    problems: list[Problem] = dataclass_field(default_factory=list)
    missing: int = 0


def fetch(
    run_token: str, fields: Sequence[LabelField], client: Client, project_id: int | None, tasks: Mapping[str, int]
) -> Answers:
    """The submitted annotations of a run.

    Args:
        run_token: the token of the run
        fields: its label fields
        client: the server
        project_id: its project, or None where cleanup() has removed it
        tasks: sample id -> task id, of all of its tasks

    Raises:
        RunError: the project is gone
        ServerError: a download failed
    """
    if project_id is None:
        raise RunError("the run's project was removed by cleanup(); delete the run and annotate again")
    project = project_of(client, project_id)
    if project is None:
        raise RunError(
            f"project {project_id} is gone from {client.url}; nothing was loaded. Delete the run with "
            "dataset.delete_annotation_run() and annotate again",
            project_id,
        )
    on_server = project.get("task_number")
    result = Answers()
    if isinstance(on_server, int):
        result.missing = max(len(tasks) - on_server, 0)
    task_ids = list(tasks.values())
    logger.info("Downloading annotations from Label Studio...")
    size = _EXPORTED_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else _EXPORTED
    with fou.ProgressBar(total=len(task_ids), iters_str="tasks") as progress:
        for start in range(0, len(task_ids), size):
            block = task_ids[start : start + size]
            for task in _export(client, project_id, block):
                answer = parse_task(task, fields, run_token, result.problems)
                if answer is None:
                    continue
                if tasks.get(answer.sample_id) == answer.task_id:
                    result.answers.append(answer)
                else:
                    reason = f"it names sample {answer.sample_id}, for which it was not made; left alone"
                    result.problems.append(Problem(answer.task_id, None, reason))
            progress.update(len(block))
    return result


def _export(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Any]:
    """The annotated ones of some tasks, in as many requests as their size takes.

    Raises:
        AnswerTooLargeError: a single task is too large
    """
    try:
        tasks = client.export_tasks(project_id, task_ids)
    except AnswerTooLargeError as error:
        if len(task_ids) == 1:
            error.args = (f"task {task_ids[0]} is too large: {error.args[0]}",)
            raise
        middle = len(task_ids) // 2
        yield from _export(client, project_id, task_ids[:middle])
        yield from _export(client, project_id, task_ids[middle:])
    else:
        yield from tasks
