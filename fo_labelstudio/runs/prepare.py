"""prepared_tasks(): samples of a dataset -> tasks that are ready to be sent, and what cannot be sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import address_key_of, problems_of_shown, shown_data, shown_names, shows_media
from fo_labelstudio.convert.task.origin import META, digest_of_origin
from fo_labelstudio.convert.task.write import SampleRecord, Task, checked_task, with_address
from fo_labelstudio.dataset.samples import FrameReader, StoredSample, Unlisted, read_blocks, read_labels
from fo_labelstudio.dataset.task_fields import date_fields, to_data
from fo_labelstudio.runs.garbage import no_collection
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import read_ahead
from fo_labelstudio.settings import without_login
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings


class PreparedTask(NamedTuple):
    """A task as JSON, but for its data.

    Attributes:
        sample_id: the sample that it shows
        path: path of its media file
        rest: all of the task but its data
        data: its data but the address of its media, where it has one
        predictions: how many predictions, or finished annotations, it has
        digest: of what it was made from, but for its media
        media_key: the key of the address in the data; empty where it has none
    """

    sample_id: str
    path: str
    rest: bytes
    data: dict[str, Any]
    predictions: int
    digest: str
    media_key: str = DEFAULT.name

    @property
    def size(self) -> int:
        """About how many bytes its JSON takes."""
        return len(self.rest) + sum(len(str(value)) for value in self.data.values())

    def body(self, url: str) -> bytes:
        """The JSON of the task whose media is read at a url."""
        data = json.dumps(
            {"data": with_address(self.data, url, self.media_key)}, allow_nan=False, separators=(",", ":")
        )
        return data[:-1].encode() + b"," + self.rest[1:]


class Refused(NamedTuple):
    """A sample, or a label, that cannot be sent.

    Attributes:
        problem: where it is, what keeps it from being sent, and what to do
    """

    problem: str


class LeftOut(NamedTuple):
    """A sample that the run is to do without.

    Attributes:
        sample_id: the sample
        problem: what keeps it from being sent
    """

    sample_id: str
    problem: str


Prepared = PreparedTask | Refused | LeftOut
"""What became of a sample; of one that is refused, there may be several."""


def prepared_tasks(run: Run, without: Collection[str] = (), unlisted: Unlisted | None = None) -> Iterator[Prepared]:
    """The tasks of a run, ready to be sent.

    Args:
        run: the run
        without: ids of samples that are passed over
        unlisted: receives the labels that the run is to do without
    """
    for sample in _read(run, without, {} if unlisted is None else unlisted):
        if not isinstance(sample, SampleRecord):
            yield sample
            continue
        problems: list[str] = []
        prepared = None
        with no_collection() if any(field.is_of_frames for field in run.fields) else nullcontext():
            task = checked_task(sample, run.fields, run.token, problems, run.finished, run.scoring)
            if task is not None:
                prepared = _prepared(task, sample, address_key_of(run.fields))
        yield from map(Refused, problems)
        if prepared is not None:
            yield prepared


def _prepared(task: Task, sample: SampleRecord, media_key: str) -> PreparedTask:
    rest = {key: value for key, value in task.items() if key != "data"}
    body = json.dumps(rest, allow_nan=False, separators=(",", ":")).encode()
    answers = [*task["predictions"], *task.get("annotations", ())]
    digest = digest_of_origin(task["meta"][META])
    return PreparedTask(sample.id, sample.path, body, task["data"], len(answers), digest, media_key)


def _read(run: Run, without: Collection[str], unlisted: Unlisted) -> Iterator[SampleRecord | Refused | LeftOut]:
    """The samples of a run, each with its masks, one at a time.

    Args:
        run: the run
        without: ids of samples that are passed over
        unlisted: receives the labels that the run is to do without
    """
    unreadable: list[str] = []
    names = tuple(dict.fromkeys((*run.task_fields, *shown_names(run.fields))))
    blocks = read_blocks(
        run.samples,
        run.fields,
        run.media_field,
        unreadable,
        run.medium if TRANSPORTS[run.media.transport].reads_metadata else None,
        run.sample_ids,
        without,
        names,
        run.scoring.field,
        run.ranges,
    )
    dates = date_fields(run.samples, run.task_fields)
    frames = FrameReader(run.samples, run.fields, run.ranges)
    for block in read_ahead(blocks):
        yield from _drained(unreadable)
        for stored, media in _with_media(block, run):
            if not isinstance(media, MediaInfo):
                yield media
                continue
            try:
                left_out = unlisted if run.leaves_unlisted else None
                with no_collection() if frames.reads_any else nullcontext():
                    labels = read_labels(stored, run.fields, left_out, run.complete_fields, frames)
            except OSError as error:
                yield Refused(f"sample {stored.id}: {error}; correct the mask_path, or leave the label out")
                continue
            # No way to the server finds out anything about media without a path.
            path = stored.path or ""
            problems = problems_of_shown(run.fields, stored.shown)
            if problems:
                yield from (Refused(f"sample {stored.id}: {problem}") for problem in problems)
                continue
            carried = {name: stored.shown[name] for name in run.task_fields}
            shown = {**to_data(carried, dates), **shown_data(run.fields, stored.shown)}
            yield SampleRecord(stored.id, path, media, labels, shown, stored.score_value)
    yield from _drained(unreadable)


def _with_media(
    block: Sequence[StoredSample], run: Run
) -> Iterator[tuple[StoredSample, MediaInfo | Refused | LeftOut]]:
    """Some samples, each with what is found out about its media; what is in files is held one at a time."""
    size = len(block) if run.medium.content is None else 1
    for start in range(0, len(block), size):
        part = block[start : start + size]
        inspected = inspect_media([(stored.id, Media(stored.path, stored.info)) for stored in part], run)
        yield from ((stored, inspected[stored.id]) for stored in part)


def _drained(problems: list[str]) -> Iterator[Refused]:
    """Takes out what another thread may be adding to."""
    while problems:
        yield Refused(problems.pop(0))


def still_readable(tasks: Sequence[PreparedTask], run: Run) -> Iterator[Prepared]:
    """Some tasks, each looked at once more: it may be that its media can no longer be read."""
    inspected = inspect_media([(task.sample_id, Media(task.path)) for task in tasks], run)
    for task in tasks:
        media = inspected[task.sample_id]
        yield task if isinstance(media, MediaInfo) else media


def inspect_media(media: Sequence[tuple[str, Media]], run: Run) -> dict[str, MediaInfo | Refused | LeftOut]:
    """The sizes of media, or why they cannot be sent, by the ids of their samples."""
    inspections = _inspections([item for _, item in media], run)
    return {
        sample_id: _judged(sample_id, item, inspection, run)
        for (sample_id, item), inspection in zip(media, inspections, strict=True)
    }


def _inspections(media: Sequence[Media], run: Run) -> list[Inspection]:
    if not shows_media(run.fields):
        return [Inspection(item.info or MediaInfo()) for item in media]
    if run.medium.content is not None:
        return [FILES[run.medium.name].inspect(item.path, run.media.converts) for item in media]
    return TRANSPORTS[run.media.transport].inspect(media, run.media)


def _judged(sample_id: str, media: Media, inspection: Inspection, run: Run) -> MediaInfo | Refused | LeftOut:
    if inspection.info is not None:
        return inspection.info
    problem = f"sample {sample_id}, {run.media_field} {_shown(media.path)}: {inspection.problem}"
    if run.media.unusable == "skip":
        return LeftOut(sample_id, problem)
    return Refused(f"{problem}; {_remedy(inspection, run.media)}")


def _shown(path: str | None) -> str:
    return repr(without_login(path) if path and "://" in path else path)


def _remedy(inspection: Inspection, media: MediaSettings) -> str:
    if media.converts:
        return "correct it, or leave its sample out"
    if inspection.is_convertible:
        choice = "'convert' or 'skip'" if TRANSPORTS[media.transport].converts else "'skip'"
        return (
            f"convert it to {FILES[media.medium].converted_to} and pass the field of the new path as media_field, or "
            f"pass unusable_media={choice}"
        )
    return "correct it, or pass unusable_media='skip'"
