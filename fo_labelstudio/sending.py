"""check(), send() and send_part(): samples of a dataset -> tasks on the server, block by block."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from zlib import crc32

import fiftyone.core.collections as foc
import fiftyone.core.utils as fou

from fo_labelstudio.ahead import read_ahead
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.labeling_config import to_labeling_config
from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.convert.schema import LabelField, MediaInfo
from fo_labelstudio.convert.tasks import (
    META,
    MODEL_VERSION,
    SAMPLE_ID,
    SampleRecord,
    has_prediction,
    is_sent,
    problems_of,
    to_task,
)
from fo_labelstudio.dataset.samples import check_writable, read_blocks, read_labels
from fo_labelstudio.errors import SampleError, ServerError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.remote.transport import TRANSPORTS
from fo_labelstudio.remote.transport.transport import Inspection, Media, MediaSettings, Sender
from fo_labelstudio.settings import without_login

_HALF_MADE = 503
"""Stands for an answer that says so itself: what is missing can be made again."""

_TOO_LARGE = 413

_SHOWN_LEFT_OUT = 10


@dataclass(frozen=True)
class Run:
    """What an annotation run sends.

    Attributes:
        samples: the collection
        fields: the label fields
        media_field: the field that holds the paths of the media
        token: tells the tasks of this run from all others
        media: how the server gets to read the media
        sample_ids: the samples that are sent, where that is a part of the collection
    """

    samples: foc.SampleCollection
    fields: Sequence[LabelField]
    media_field: str
    token: str
    media: MediaSettings
    sample_ids: Sequence[str] | None = None

    @property
    def size(self) -> int:
        """How many samples are sent."""
        return len(self.samples) if self.sample_ids is None else len(self.sample_ids)


class FoundTask(NamedTuple):
    """A task that a run has already.

    Attributes:
        id: its id
        digest: of what it was made from, but for the address of its media
    """

    id: int
    digest: str


def check(run: Run, client: Client) -> frozenset[str]:
    """Makes sure that everything can be sent, before anything is made.

    Returns:
        the ids of the samples that are left out, which are reported

    Raises:
        LabelSchemaError: a label field could not be written when the annotations are loaded
        SampleError: media or labels that cannot be sent, or media of which none can; names them all
        ServerError: the server refuses the labeling config
    """
    check_writable(run.samples, run.fields)
    client.check_labeling_config(to_labeling_config(run.fields))
    problems: list[str] = []
    left_out: dict[str, str] = {}
    is_empty = True
    logger.info("Checking samples...")
    with fou.ProgressBar(total=len(run.samples)) as progress:
        for sample in progress(_read(run, problems, left_out)):
            is_empty = False
            problems.extend(problems_of(sample, run.fields))
    if is_empty:
        problems.extend(left_out.values())
    if problems:
        raise SampleError(problems)
    _report_left_out(left_out)
    return frozenset(left_out)


def send(
    run: Run,
    client: Client,
    project_id: int,
    tasks: dict[str, int],
    save: Callable[[], None],
    known: Collection[str] = (),
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
        known: the samples that :func:`check` has left out
    """
    _make_missing(run, client, project_id, tasks, lambda _: save(), known)
    if client.project(project_id).get("task_number") != len(tasks):
        # A request may have been served after its connection was given up.
        tasks.update((sample_id, task.id) for sample_id, task in find_tasks(run.token, client, project_id).items())
    client.update_project(project_id, label_config=to_labeling_config(run.fields))
    try:
        # The server refuses the name of a set of predictions that it does not have yet.
        client.update_project(project_id, model_version=MODEL_VERSION)
    except ServerError as error:
        if error.status != 400:
            raise


def send_part(
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
        replace(run, sample_ids=sample_ids), client, project_id, tasks, lambda made: report(made, len(sample_ids))
    )
    return tasks


def part_of(sample_id: str, parts: int) -> int:
    """The part of a run that a sample is in, from 1 on."""
    # Ids are counted up, so their own remainders would follow the order of a view.
    return crc32(sample_id.encode()) % parts + 1


def find_tasks(
    token: str, client: Client, project_id: int, after: int = 0, sample_ids: Collection[str] | None = None
) -> dict[str, FoundTask]:
    """The tasks that a run has, by the ids of their samples; half-made ones and copies are deleted.

    Args:
        token: the token of the run
        client: the server
        project_id: its project
        after: the task id after which to look
        sample_ids: the samples whose tasks to look at, where others are being sent by another process
    """
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
            found[sample_id] = FoundTask(task["id"], _digest(origin))
        else:
            faulty.append(task["id"])
    if faulty:
        logger.warning("Deleting %d tasks that were made without their predictions, or twice", len(faulty))
        client.delete_tasks(project_id, faulty)
    return found


def _make_missing(
    run: Run,
    client: Client,
    project_id: int,
    tasks: dict[str, int],
    report: Callable[[int], None],
    known: Collection[str] = (),
) -> None:
    """Makes the tasks that a run does not have yet.

    Args:
        run: what is sent
        client: the server
        project_id: the project of the run
        tasks: sample id -> task id; receives those that there are, as they are made
        report: called after each block, with the number of tasks that there are
        known: the samples that :func:`check` has left out
    """
    own = None if run.sample_ids is None else set(run.sample_ids)
    found = find_tasks(run.token, client, project_id, sample_ids=own)
    tasks.update((sample_id, task.id) for sample_id, task in found.items())
    if found:
        logger.info("Continuing with %d tasks that are there already...", len(found))
    sender = TRANSPORTS[run.media.transport].sender(client, project_id, run.media)
    changed: list[str] = []
    left_out: dict[str, str] = {}
    logger.info("Uploading samples to Label Studio...")
    with fou.ProgressBar(total=max(run.size - len(found) - len(known), 0)) as progress:
        for block in read_ahead(_blocks(_prepared(run, found, changed, left_out), client)):
            tasks.update(_send_block(block, sender, run.token, client, project_id, max(tasks.values(), default=0)))
            report(len(tasks))
            progress.update(len(block))
    _report_differences(found, changed, tasks, run)
    _report_left_out({sample_id: problem for sample_id, problem in left_out.items() if sample_id not in known})


def _read(run: Run, problems: list[str], left_out: dict[str, str]) -> Iterator[SampleRecord]:
    """The samples of a run, each with its masks, one at a time.

    Args:
        run: the run
        problems: receives a message for each sample that cannot be sent
        left_out: receives one, by the id of the sample, where the run is to do without
    """
    transport = TRANSPORTS[run.media.transport]
    blocks = read_blocks(run.samples, run.fields, run.media_field, problems, transport.reads_metadata, run.sample_ids)
    for block in read_ahead(blocks):
        inspections = transport.inspect([Media(stored.path, stored.size) for stored in block], run.media)
        for stored, inspection in zip(block, inspections, strict=True):
            if inspection.size is None:
                problem = f"sample {stored.id}, {run.media_field} {_shown(stored.path)}: {inspection.problem}"
                if run.media.unusable == "skip":
                    left_out[stored.id] = problem
                else:
                    problems.append(f"{problem}; {_remedy(inspection, run.media)}")
                continue
            try:
                labels = read_labels(stored, run.fields)
            except OSError as error:
                problems.append(f"sample {stored.id}: {error}; correct the mask_path, or leave the label out")
                continue
            yield SampleRecord(stored.id, stored.path, MediaInfo(*inspection.size), labels)


def _shown(path: str | None) -> str:
    return repr(without_login(path) if path and "://" in path else path)


def _remedy(inspection: Inspection, media: MediaSettings) -> str:
    if media.converts:
        return "correct it, or leave its sample out"
    if inspection.is_convertible:
        choice = "'convert' or 'skip'" if TRANSPORTS[media.transport].converts else "'skip'"
        return (
            "convert it to PNG or JPEG and pass the field of the new path as media_field, or pass "
            f"unusable_media={choice}"
        )
    return "correct it, or pass unusable_media='skip'"


class _Prepared(NamedTuple):
    """A task as JSON, but for its data.

    Attributes:
        sample_id: the sample that it shows
        path: path of its media file
        rest: all of the task but its data
        predictions: how many predictions it has
    """

    sample_id: str
    path: str
    rest: bytes
    predictions: int

    def body(self, url: str) -> bytes:
        """The JSON of the task whose media is read at a url."""
        data = json.dumps({"data": {OBJECT_TAG: url, SAMPLE_ID: self.sample_id}}, separators=(",", ":"))
        return data[:-1].encode() + b"," + self.rest[1:]


def _prepared(
    run: Run, found: Mapping[str, FoundTask], changed: list[str], left_out: dict[str, str]
) -> Iterator[_Prepared]:
    """The tasks of the samples that have none yet.

    Args:
        run: the run
        found: the tasks that there are
        changed: receives the ids of samples that were changed since their task was made
        left_out: receives a message for each sample that the run is to do without, by its id
    """
    problems: list[str] = []
    for sample in _read(run, problems, left_out):
        task = to_task(sample, run.fields, "", run.token)
        del task["data"]
        if sample.id not in found:
            rest = json.dumps(task, allow_nan=False, separators=(",", ":")).encode()
            yield _Prepared(sample.id, sample.path, rest, len(task["predictions"]))
        elif _digest(task["meta"][META]) != found[sample.id].digest:
            changed.append(sample.id)
    if problems:
        raise SampleError(problems)


def _digest(origin: Mapping[str, Any]) -> str:
    return digest_of([origin.get("size"), origin.get("sent")])


def _blocks(tasks: Iterable[_Prepared], client: Client) -> Iterator[list[_Prepared]]:
    """Tasks, as many as fit into a request."""
    block: list[_Prepared] = []
    size = 0
    for task in tasks:
        if block and (len(block) == client.max_tasks or size + len(task.rest) > client.max_bytes):
            yield block
            block, size = [], 0
        block.append(task)
        size += len(task.rest)
    if block:
        yield block


def _send_block(
    block: Sequence[_Prepared], sender: Sender, token: str, client: Client, project_id: int, after: int
) -> dict[str, int]:
    """Makes some tasks, with their media; returns them as sample id -> task id."""
    urls = repeated(lambda _: sender.send([task.path for task in block]), client.retries, "uploading media")
    bodies = {task.sample_id: task.body(url) for task, url in zip(block, urls, strict=True)}
    predictions = {task.sample_id: task.predictions for task in block}
    made: dict[str, int] = {}

    def send_missing(attempt: int) -> None:
        if attempt:
            found = find_tasks(token, client, project_id, after, bodies)
            made.update((sample_id, task.id) for sample_id, task in found.items())
        missing = [sample_id for sample_id in bodies if sample_id not in made]
        if missing:
            _import(missing)

    def _import(sample_ids: Sequence[str]) -> None:
        try:
            task_ids, number = client.import_tasks(project_id, [bodies[sample_id] for sample_id in sample_ids])
        except ServerError as error:
            if error.status != _TOO_LARGE or len(sample_ids) == 1:
                raise
            # A proxy in front of the server takes less than the server does.
            middle = len(sample_ids) // 2
            _import(sample_ids[:middle])
            _import(sample_ids[middle:])
            return
        expected = sum(predictions[sample_id] for sample_id in sample_ids)
        if len(task_ids) != len(sample_ids) or number != expected:
            raise ServerError(
                f"the server made {len(task_ids)} of {len(sample_ids)} tasks and {number} of {expected} predictions",
                _HALF_MADE,
            )
        made.update(zip(sample_ids, task_ids, strict=True))

    repeated(send_missing, client.retries, "making tasks")
    return made


def _report_differences(
    found: Mapping[str, FoundTask], changed: Sequence[str], tasks: Mapping[str, int], run: Run
) -> None:
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


def _report_left_out(left_out: Mapping[str, str]) -> None:
    """Says which samples a run does without."""
    if not left_out:
        return
    lines = list(left_out.values())[:_SHOWN_LEFT_OUT]
    if len(left_out) > len(lines):
        lines.append(f"... and {len(left_out) - len(lines)} more")
    logger.warning("%d samples are left out, for their media cannot be sent:\n  %s", len(left_out), "\n  ".join(lines))
