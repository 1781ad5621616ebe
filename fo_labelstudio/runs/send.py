"""send() and make_tasks(): tasks that are ready -> tasks in a sink, block by block."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple
from zlib import crc32

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.task.origin import (
    META,
    SAMPLE_ID,
    SENT_ANNOTATION,
    digest_of_origin,
    has_prediction,
    is_sent,
)
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.errors import HalfMadeError, SampleError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.retrying import repeated, sent_in_parts
from fo_labelstudio.runs.check import report_left_out
from fo_labelstudio.runs.ports import TaskHolder, TaskSink
from fo_labelstudio.runs.prepare import LeftOut, Prepared, PreparedTask, Refused, still_readable
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import read_ahead
from fo_labelstudio.transport.transport import FileSender


class FoundTask(NamedTuple):
    """A task that a run has already.

    Attributes:
        id: its id
        digest: of what it was made from, but for the address of its media
    """

    id: int
    digest: str


class _Changed(NamedTuple):
    """A sample that was changed since its task was made."""

    sample_id: str


_Item = Prepared | _Changed


@dataclass
class _Notes:
    """What is to be told about the samples of a run once it is sent."""

    refused: list[str] = dataclass_field(default_factory=list)
    left_out: list[LeftOut] = dataclass_field(default_factory=list)
    changed: list[str] = dataclass_field(default_factory=list)

    def sift(self, items: Iterable[_Item]) -> list[PreparedTask]:
        """The tasks among some items; takes a note of the others."""
        tasks = []
        for item in items:
            if isinstance(item, PreparedTask):
                tasks.append(item)
            elif isinstance(item, Refused):
                self.refused.append(item.problem)
            elif isinstance(item, LeftOut):
                self.left_out.append(item)
            else:
                self.changed.append(item.sample_id)
        return tasks


def send(
    run: Run,
    prepared: Iterable[Prepared],
    sink: TaskSink,
    sender: FileSender,
    tasks: dict[str, int],
    save: Callable[[], None],
    left_out: int = 0,
) -> None:
    """Makes the tasks of a run, with their media and predictions; those that the sink has already are kept.

    The sink gets its labeling config last: nobody can work on a run that is not complete, and the server checks each
    prediction against the labeling config that there is, which takes it a quarter of the time of an import (1.23.2).

    Args:
        run: a run that was checked
        prepared: its tasks
        sink: where they are made
        sender: gets their media there
        tasks: sample id -> task id; receives those that there are, as they are made
        save: called after each block
        left_out: how many samples have no task

    Raises:
        SampleError: media that were there at the check and cannot be sent any more; names them all
        ServerError: tasks could not be made
    """
    make_tasks(run, prepared, sink, sender, tasks, lambda _: save(), left_out)
    project = sink.state()
    if project.tasks != len(tasks):
        # A request may have been served after its connection was given up.
        found = reconcile_tasks(run.token, sink)
        tasks.update((sample_id, task.id) for sample_id, task in found.items())
    sink.set_labeling_config(run.labeling_config or to_labeling_config(run.fields, run.slices))
    if project.model_version != MODEL_VERSION:
        sink.start_from(MODEL_VERSION)


def part_of_run(run: Run, part: int, parts: int) -> Run:
    """One part of a run.

    Which part a sample is in depends on its id alone, so that processes agree on it whatever becomes of the view.

    Args:
        run: the whole run
        part: which part, from 1 on
        parts: how many there are
    """
    sample_ids = [sample_id for sample_id in run.all_ids if part_of(sample_id, parts) == part]
    return replace(run, sample_ids=sample_ids)


def part_of(sample_id: str, parts: int) -> int:
    """The part of a run that a sample is in, from 1 on."""
    # Ids are counted up, so their own remainders would follow the order of a view.
    return crc32(sample_id.encode()) % parts + 1


def tasks_of_run(token: str, holder: TaskHolder) -> dict[str, FoundTask]:
    """The tasks that a run has, by the ids of their samples, without half-made ones and copies.

    Only reads, so that it may be called while somebody sends the run.

    Args:
        token: the token of the run
        holder: what holds them
    """
    return _tasks(token, holder)[0]


def ids_of_run(token: str, holder: TaskHolder) -> list[int]:
    """The ids of all tasks that a run has made, half-made ones and copies included.

    Args:
        token: the token of the run
        holder: what holds them
    """
    return [task["id"] for task in holder.tasks() if run_of_task(task) == token]


def run_of_task(task: Mapping[str, Any]) -> str | None:
    """The token of the run that has made a task, or None."""
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    token = origin.get("run") if isinstance(origin, Mapping) else None
    return token if isinstance(token, str) else None


def reconcile_tasks(
    token: str, sink: TaskSink, after: int = 0, sample_ids: Collection[str] | None = None
) -> dict[str, FoundTask]:
    """The tasks that a run has, by the ids of their samples; deletes half-made ones and copies.

    To be called by who holds the lock of the run or of its part (``sole_sender()``) alone: what looks half-made may
    be what another process is making.

    Args:
        token: the token of the run
        sink: where they are made
        after: the task id after which to look
        sample_ids: the samples whose tasks to look at, where others are being sent by another process
    """
    found, faulty = _tasks(token, sink, after, sample_ids)
    if faulty:
        logger.warning("Deleting %d tasks that were made without their predictions, or twice", len(faulty))
        sink.delete_tasks(faulty)
    return found


def _tasks(
    token: str, holder: TaskHolder, after: int = 0, sample_ids: Collection[str] | None = None
) -> tuple[dict[str, FoundTask], list[int]]:
    """The whole tasks of a run, each once, by the ids of their samples, and the ids of its other tasks."""
    found: dict[str, FoundTask] = {}
    faulty = []
    for task in holder.tasks(after):
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
        answers = task.get("total_annotations" if SENT_ANNOTATION in origin else "total_predictions")
        is_whole = bool(answers) or not has_prediction(origin)
        if is_whole and sample_id not in found:
            found[sample_id] = FoundTask(task["id"], digest_of_origin(origin))
        else:
            faulty.append(task["id"])
    return found, faulty


def make_tasks(
    run: Run,
    prepared: Iterable[Prepared],
    sink: TaskSink,
    sender: FileSender,
    tasks: dict[str, int],
    report: Callable[[int], None],
    left_out: int = 0,
    after: int = 0,
) -> None:
    """Makes the tasks of a run, or of a part of it, that the sink does not have yet, and nothing else.

    Args:
        run: what is sent
        prepared: its tasks
        sink: where they are made
        sender: gets their media there
        tasks: sample id -> task id; receives those that there are, as they are made
        report: called after each block, with the number of tasks that there are
        left_out: how many samples have no task
        after: the task id after which to look for those that there are

    Raises:
        SampleError: media or labels that cannot be sent; names them all, once all others are sent
        ServerError: tasks could not be made
    """
    own = None if run.sample_ids is None else set(run.sample_ids)
    sink.settle()
    found = reconcile_tasks(run.token, sink, after, own)
    tasks.update((sample_id, task.id) for sample_id, task in found.items())
    if found:
        logger.info("Continuing with %d tasks that are there already...", len(found))
    notes = _Notes()
    logger.info("Uploading samples to Label Studio...")
    with progress_bar("Uploading samples", max(run.size - len(found) - left_out, 0)) as progress:
        for items in read_ahead(_blocks(_missing(prepared, found), sink)):
            block = notes.sift(items)
            after = max(tasks.values(), default=0)
            try:
                made = _send_block(block, sink, sender, run.token, after)
            except OSError:
                # Files may have vanished since the check.
                block = notes.sift(still_readable(block, run))
                made = _send_block(block, sink, sender, run.token, after)
            tasks.update(made)
            report(len(tasks))
            progress.update(len(block))
    _report_differences(found, notes.changed, run)
    report_left_out(notes.left_out)
    if notes.refused:
        raise SampleError(notes.refused)


def _missing(prepared: Iterable[Prepared], found: Mapping[str, FoundTask]) -> Iterator[_Item]:
    """The tasks that there are not yet, and what else is to be told.

    Args:
        prepared: all tasks
        found: those that there are
    """
    for item in prepared:
        if not isinstance(item, PreparedTask) or item.sample_id not in found:
            yield item
        elif item.digest != found[item.sample_id].digest:
            yield _Changed(item.sample_id)


def _blocks(items: Iterable[_Item], sink: TaskSink) -> Iterator[list[_Item]]:
    """Tasks, as many as may be made at once, with what is to be told between them."""
    block: list[_Item] = []
    number = size = 0
    for item in items:
        if isinstance(item, PreparedTask):
            if number and (number == sink.max_tasks or size + item.size > sink.max_bytes):
                yield block
                block, number, size = [], 0, 0
            number += 1
            size += item.size
        block.append(item)
    if block:
        yield block


def _send_block(
    block: Sequence[PreparedTask], sink: TaskSink, sender: FileSender, token: str, after: int
) -> dict[str, int]:
    """Makes some tasks, with their media; returns them as sample id -> task id."""
    if not block:
        return {}
    # Several clips may be of one video.
    files = list(dict.fromkeys(file for task in block for file in task.files))
    addresses = repeated(lambda _: sender.addresses_of(files), sink.retries, "uploading media") if files else {}
    bodies = {task.sample_id: task.body(addresses) for task in block}
    predictions = {task.sample_id: task.predictions for task in block}
    made: dict[str, int] = {}

    def send_missing(attempt: int) -> None:
        if attempt:
            sink.settle()
            found = reconcile_tasks(token, sink, after, bodies)
            made.update((sample_id, task.id) for sample_id, task in found.items())
        missing = [sample_id for sample_id in bodies if sample_id not in made]
        if missing:
            sent_in_parts(missing, import_some)

    def import_some(sample_ids: Sequence[str]) -> None:
        task_ids, number = sink.make_tasks([bodies[sample_id] for sample_id in sample_ids])
        expected = sum(predictions[sample_id] for sample_id in sample_ids)
        if len(task_ids) != len(sample_ids) or number != expected:
            raise HalfMadeError(
                f"the server made {len(task_ids)} of {len(sample_ids)} tasks and {number} of {expected} predictions"
            )
        made.update(zip(sample_ids, task_ids, strict=True))

    repeated(send_missing, sink.retries, "making tasks")
    return made


def _report_differences(found: Mapping[str, FoundTask], changed: Sequence[str], run: Run) -> None:
    """Says where the tasks of a run that was continued differ from its samples."""
    if changed:
        logger.warning(
            "%d samples were changed since their tasks were made, such as %s; their tasks show them as they were",
            len(changed),
            changed[0],
        )
    gone = found.keys() - set(run.all_ids) if found and run.sample_ids is None else ()
    if gone:
        logger.warning(
            "%d tasks show samples that are no longer there, such as %s; they stay in the project",
            len(gone),
            min(gone),
        )
