"""send() and make_tasks_of_part(): tasks that are ready -> tasks on the server, block by block."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple
from zlib import crc32

import fiftyone.core.utils as fou

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID, digest_of_origin, has_prediction, is_sent
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.errors import SampleError, ServerError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated, sent_in_parts
from fo_labelstudio.runs.check import Checked, PreparedTask, prepare, readable, report_left_out
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import read_ahead
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.transport import Sender

_HALF_MADE = 503
"""Stands for an answer that says so itself: what is missing can be made again."""


class FoundTask(NamedTuple):
    """A task that a run has already.

    Attributes:
        id: its id
        digest: of what it was made from, but for the address of its media
    """

    id: int
    digest: str


def send(
    run: Run,
    client: Client,
    project_id: int,
    tasks: dict[str, int],
    save: Callable[[], None],
    checked: Checked,
) -> None:
    """Makes the tasks of a run, with their media and predictions; those that the project has already are kept.

    The project gets its labeling config last: nobody can work on a run that is not complete, and the server checks each
    prediction against the labeling config that there is, which takes it a quarter of the time of an import (1.23.2).

    Args:
        run: a run that was checked
        client: the server
        project_id: the project of the run
        tasks: sample id -> task id; receives those that there are, as they are made
        save: called after each block
        checked: what the check has found
    """
    _make_missing(run, client, project_id, tasks, lambda _: save(), checked)
    project = client.project(project_id)
    if project.get("task_number") != len(tasks):
        # A request may have been served after its connection was given up.
        found = reconcile_tasks(run.token, client, project_id)
        tasks.update((sample_id, task.id) for sample_id, task in found.items())
    client.update_project(project_id, label_config=to_labeling_config(run.fields))
    if project.get("model_version") != MODEL_VERSION:
        try:
            # The server refuses the name of a set of predictions that it does not have yet.
            client.update_project(project_id, model_version=MODEL_VERSION)
        except ServerError as error:
            if error.status != 400:
                raise


def make_tasks_of_part(
    run: Run, client: Client, project_id: int, part: int, parts: int, report: Callable[[int, int], None]
) -> dict[str, int]:
    """Makes the tasks of a part of a run, and nothing else; send() completes the run.

    Which part a sample is in depends on its id alone, so that processes agree on it whatever becomes of the view.

    Args:
        run: the whole run
        client: the server
        project_id: the project of the run
        part: which part, from 1 on
        parts: how many there are
        report: called after each block, with the number of tasks that there are and of those that there will be

    Returns:
        sample id -> task id
    """
    sample_ids = [sample_id for sample_id in run.samples.values("id") if part_of(sample_id, parts) == part]
    tasks: dict[str, int] = {}
    _make_missing(
        replace(run, sample_ids=sample_ids),
        client,
        project_id,
        tasks,
        lambda made: report(made, len(sample_ids)),
        Checked(),
    )
    return tasks


def part_of(sample_id: str, parts: int) -> int:
    """The part of a run that a sample is in, from 1 on."""
    # Ids are counted up, so their own remainders would follow the order of a view.
    return crc32(sample_id.encode()) % parts + 1


def tasks_of_run(token: str, client: Client, project_id: int) -> dict[str, FoundTask]:
    """The tasks that a run has, by the ids of their samples, without half-made ones and copies.

    Only reads, so that it may be called while somebody sends the run.

    Args:
        token: the token of the run
        client: the server
        project_id: its project
    """
    return _tasks(token, client, project_id)[0]


def reconcile_tasks(
    token: str, client: Client, project_id: int, after: int = 0, sample_ids: Collection[str] | None = None
) -> dict[str, FoundTask]:
    """The tasks that a run has, by the ids of their samples; deletes half-made ones and copies.

    To be called by who holds the lock of the run or of its part (``sole_sender()``) alone: what looks half-made may
    be what another process is making.

    Args:
        token: the token of the run
        client: the server
        project_id: its project
        after: the task id after which to look
        sample_ids: the samples whose tasks to look at, where others are being sent by another process
    """
    found, faulty = _tasks(token, client, project_id, after, sample_ids)
    if faulty:
        logger.warning("Deleting %d tasks that were made without their predictions, or twice", len(faulty))
        client.delete_tasks(project_id, faulty)
    return found


def _tasks(
    token: str, client: Client, project_id: int, after: int = 0, sample_ids: Collection[str] | None = None
) -> tuple[dict[str, FoundTask], list[int]]:
    """The whole tasks of a run, each once, by the ids of their samples, and the ids of its other tasks."""
    found: dict[str, FoundTask] = {}
    faulty = []
    for task in client.tasks(project_id, after):
        meta = task.get("meta")
        origin = meta.get(META) if isinstance(meta, Mapping) else None
        if not isinstance(origin, Mapping) or origin.get("run") != token:
            continue
        sample_id = task["data"].get(SAMPLE_ID)
        if not isinstance(sample_id, str) or not is_sent(origin.get("sent")):
            logger.warning("Task %d no longer says what it was made from; it is left alone", task["id"])
            continue
        if sample_ids is not None and sample_id not in sample_ids:
            continue
        # A server on SQLite that somebody else writes to may make tasks without their predictions (1.23.2).
        is_whole = bool(task.get("total_predictions")) or not has_prediction(origin)
        if is_whole and sample_id not in found:
            found[sample_id] = FoundTask(task["id"], digest_of_origin(origin))
        else:
            faulty.append(task["id"])
    return found, faulty


def _make_missing(
    run: Run,
    client: Client,
    project_id: int,
    tasks: dict[str, int],
    report: Callable[[int], None],
    checked: Checked,
) -> None:
    """Makes the tasks that a run does not have yet.

    Args:
        run: what is sent
        client: the server
        project_id: the project of the run
        tasks: sample id -> task id; receives those that there are, as they are made
        report: called after each block, with the number of tasks that there are
        checked: what the check has found
    """
    own = None if run.sample_ids is None else set(run.sample_ids)
    found = reconcile_tasks(run.token, client, project_id, sample_ids=own)
    tasks.update((sample_id, task.id) for sample_id, task in found.items())
    if found:
        logger.info("Continuing with %d tasks that are there already...", len(found))
    sender = TRANSPORTS[run.media.transport].sender(client, project_id, run.media)
    changed: list[str] = []
    problems: list[str] = []
    left_out: dict[str, str] = {}
    prepared = chain(checked.tasks, prepare(run, problems, left_out, checked.sample_ids))
    logger.info("Uploading samples to Label Studio...")
    with fou.ProgressBar(total=max(run.size - len(found) - checked.left_out, 0)) as progress:
        for block in read_ahead(_blocks(_missing(prepared, found, changed), client)):
            after = max(tasks.values(), default=0)
            try:
                made = _send_block(block, sender, run.token, client, project_id, after)
            except OSError:
                # Files may have vanished since the check.
                block = readable(block, run, problems, left_out)
                made = _send_block(block, sender, run.token, client, project_id, after)
            tasks.update(made)
            report(len(tasks))
            progress.update(len(block))
    _report_differences(found, changed, run)
    report_left_out(left_out)
    if problems:
        raise SampleError(problems)


def _missing(
    tasks: Iterable[PreparedTask], found: Mapping[str, FoundTask], changed: list[str]
) -> Iterator[PreparedTask]:
    """The tasks that there are not yet.

    Args:
        tasks: all tasks
        found: those that there are
        changed: receives the ids of samples that were changed since their task was made
    """
    for task in tasks:
        if task.sample_id not in found:
            yield task
        elif task.digest != found[task.sample_id].digest:
            changed.append(task.sample_id)


def _blocks(tasks: Iterable[PreparedTask], client: Client) -> Iterator[list[PreparedTask]]:
    """Tasks, as many as fit into a request."""
    block: list[PreparedTask] = []
    size = 0
    for task in tasks:
        if block and (len(block) == client.max_tasks or size + task.size > client.max_bytes):
            yield block
            block, size = [], 0
        block.append(task)
        size += task.size
    if block:
        yield block


def _send_block(
    block: Sequence[PreparedTask], sender: Sender, token: str, client: Client, project_id: int, after: int
) -> dict[str, int]:
    """Makes some tasks, with their media; returns them as sample id -> task id."""
    urls = repeated(lambda _: sender.send([task.path for task in block]), client.retries, "uploading media")
    bodies = {task.sample_id: task.body(url) for task, url in zip(block, urls, strict=True)}
    predictions = {task.sample_id: task.predictions for task in block}
    made: dict[str, int] = {}

    def send_missing(attempt: int) -> None:
        if attempt:
            found = reconcile_tasks(token, client, project_id, after, bodies)
            made.update((sample_id, task.id) for sample_id, task in found.items())
        missing = [sample_id for sample_id in bodies if sample_id not in made]
        if missing:
            sent_in_parts(missing, import_some)

    def import_some(sample_ids: Sequence[str]) -> None:
        task_ids, number = client.import_tasks(project_id, [bodies[sample_id] for sample_id in sample_ids])
        expected = sum(predictions[sample_id] for sample_id in sample_ids)
        if len(task_ids) != len(sample_ids) or number != expected:
            raise ServerError(
                f"the server made {len(task_ids)} of {len(sample_ids)} tasks and {number} of {expected} predictions",
                _HALF_MADE,
            )
        made.update(zip(sample_ids, task_ids, strict=True))

    repeated(send_missing, client.retries, "making tasks")
    return made


def _report_differences(found: Mapping[str, FoundTask], changed: Sequence[str], run: Run) -> None:
    """Says where the tasks of a run that was continued differ from its samples."""
    if changed:
        logger.warning(
            "%d samples were changed since their tasks were made, such as %s; their tasks show them as they were",
            len(changed),
            changed[0],
        )
    gone = found.keys() - set(run.samples.values("id")) if found and run.sample_ids is None else ()
    if gone:
        logger.warning(
            "%d tasks show samples that are no longer there, such as %s; they stay in the project",
            len(gone),
            min(gone),
        )
