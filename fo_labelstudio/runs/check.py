"""check(): samples of a dataset -> tasks that are ready to be sent, or all that keeps them from being sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

import fiftyone.core.utils as fou

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.task.origin import META, digest_of_origin
from fo_labelstudio.convert.task.write import SampleRecord, checked_task, with_address
from fo_labelstudio.dataset.samples import Unlisted, read_blocks, read_labels
from fo_labelstudio.dataset.task_fields import check_task_fields, date_fields, to_data
from fo_labelstudio.errors import SampleError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed, quoted
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import Spool, read_ahead
from fo_labelstudio.settings import without_login
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings

_KEPT = 256 * 2**20
"""Bytes of tasks that are kept on disk between the check and the upload; those beyond are made twice."""

_NAMED = 5
"""Classes that a message names."""


class PreparedTask(NamedTuple):
    """A task as JSON, but for its data.

    Attributes:
        sample_id: the sample that it shows
        path: path of its media file
        rest: all of the task but its data
        data: its data but the address of its media
        predictions: how many predictions it has
        digest: of what it was made from, but for its media
    """

    sample_id: str
    path: str
    rest: bytes
    data: dict[str, Any]
    predictions: int
    digest: str

    @property
    def size(self) -> int:
        """About how many bytes its JSON takes."""
        return len(self.rest) + sum(len(str(value)) for value in self.data.values())

    def body(self, url: str) -> bytes:
        """The JSON of the task whose media is read at a url."""
        data = json.dumps({"data": with_address(self.data, url)}, allow_nan=False, separators=(",", ":"))
        return data[:-1].encode() + b"," + self.rest[1:]


@dataclass
class Checked:
    """What a check has found.

    Attributes:
        tasks: the first of the tasks, so that they need not be made again
        sample_ids: the samples that need not be looked at again: those that these show, and those that are left out
        left_out: how many are left out
    """

    tasks: Spool[PreparedTask] = dataclass_field(default_factory=Spool)
    sample_ids: set[str] = dataclass_field(default_factory=set)
    left_out: int = 0


def check(run: Run, client: Client) -> Checked:
    """Makes sure that everything can be sent, before anything is made; reports the samples that are left out.

    Raises:
        LabelSchemaError: a field of the samples cannot be shown
        SampleError: media or labels that cannot be sent, or media of which none can; names them all
        ServerError: the server refuses the labeling config
    """
    check_task_fields(run.samples, run.task_fields)
    client.check_labeling_config(to_labeling_config(run.fields))
    checked = Checked()
    problems: list[str] = []
    left_out: dict[str, str] = {}
    unlisted: Unlisted = {}
    logger.info("Checking samples...")
    with fou.ProgressBar(total=run.size) as progress:
        for task in progress(prepare(run, problems, left_out, unlisted=unlisted)):
            if not problems and checked.tasks.size < _KEPT:
                checked.tasks.add(task)
                checked.sample_ids.add(task.sample_id)
    if not problems and not checked.sample_ids:
        problems.extend(left_out.values())
    if problems:
        raise SampleError(problems)
    report_left_out(left_out)
    _report_unlisted(unlisted)
    checked.sample_ids.update(left_out)
    checked.left_out = len(left_out)
    return checked


def prepare(
    run: Run,
    problems: list[str],
    left_out: dict[str, str],
    without: Collection[str] = (),
    unlisted: Unlisted | None = None,
) -> Iterator[PreparedTask]:
    """The tasks of a run, ready to be sent.

    Args:
        run: the run
        problems: receives a message for each sample and label that cannot be sent
        left_out: receives one for each sample that the run is to do without, by its id
        without: ids of samples that are passed over
        unlisted: receives the labels that the run is to do without
    """
    for sample in _read(run, problems, left_out, without, {} if unlisted is None else unlisted):
        task = checked_task(sample, run.fields, run.token, problems)
        if task is not None:
            origin = task["meta"][META]
            rest = {key: value for key, value in task.items() if key != "data"}
            body = json.dumps(rest, allow_nan=False, separators=(",", ":")).encode()
            yield PreparedTask(
                sample.id, sample.path, body, task["data"], len(task["predictions"]), digest_of_origin(origin)
            )


def report_left_out(left_out: Mapping[str, str]) -> None:
    """Says which samples a run does without."""
    if not left_out:
        return
    lines = listed(list(left_out.values()))
    logger.warning("%d samples are left out, for their media cannot be sent:%s", len(left_out), lines)


def _report_unlisted(unlisted: Unlisted) -> None:
    for field, classes in unlisted.items():
        names = ", ".join(quoted(name) for name, _ in classes.most_common(_NAMED))
        more = f" and {len(classes) - _NAMED} more" if len(classes) > _NAMED else ""
        logger.warning(
            "Field '%s': %d labels are not sent and stay as they are, for `classes` lacks theirs: %s%s; "
            "unlisted_classes='refuse' refuses them",
            field,
            classes.total(),
            names,
            more,
        )


def _read(
    run: Run, problems: list[str], left_out: dict[str, str], without: Collection[str], unlisted: Unlisted
) -> Iterator[SampleRecord]:
    """The samples of a run, each with its masks, one at a time.

    Args:
        run: the run
        problems: receives a message for each sample that cannot be sent
        left_out: receives one, by the id of the sample, where the run is to do without
        without: ids of samples that are passed over
        unlisted: receives the labels that the run is to do without
    """
    transport = TRANSPORTS[run.media.transport]
    blocks = read_blocks(
        run.samples,
        run.fields,
        run.media_field,
        problems,
        transport.reads_metadata,
        run.sample_ids,
        without,
        run.task_fields,
    )
    dates = date_fields(run.samples, run.task_fields)
    for block in read_ahead(blocks):
        sizes = _sizes([(stored.id, Media(stored.path, stored.size)) for stored in block], run, problems, left_out)
        for stored in block:
            # No way to the server gives a size to media without a path.
            if stored.id not in sizes or stored.path is None:
                continue
            try:
                labels = read_labels(stored, run.fields, unlisted if run.leaves_unlisted else None)
            except OSError as error:
                problems.append(f"sample {stored.id}: {error}; correct the mask_path, or leave the label out")
                continue
            shown = to_data(stored.shown, dates)
            yield SampleRecord(stored.id, stored.path, sizes[stored.id], labels, shown)


def readable(
    tasks: Sequence[PreparedTask], run: Run, problems: list[str], left_out: dict[str, str]
) -> list[PreparedTask]:
    """Those of some tasks whose media can still be read; the others are told as :func:`prepare` tells them."""
    sizes = _sizes([(task.sample_id, Media(task.path)) for task in tasks], run, problems, left_out)
    return [task for task in tasks if task.sample_id in sizes]


def _sizes(
    media: Sequence[tuple[str, Media]], run: Run, problems: list[str], left_out: dict[str, str]
) -> dict[str, MediaInfo]:
    """The sizes of those media that can be sent, by the ids of their samples."""
    inspections = TRANSPORTS[run.media.transport].inspect([item for _, item in media], run.media)
    sizes = {}
    for (sample_id, item), inspection in zip(media, inspections, strict=True):
        if inspection.size is not None:
            sizes[sample_id] = MediaInfo(*inspection.size)
            continue
        problem = f"sample {sample_id}, {run.media_field} {_shown(item.path)}: {inspection.problem}"
        if run.media.unusable == "skip":
            left_out[sample_id] = problem
        else:
            problems.append(f"{problem}; {_remedy(inspection, run.media)}")
    return sizes


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
