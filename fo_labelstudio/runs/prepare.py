"""prepared_tasks(): samples of a dataset -> tasks that are ready to be sent, and what cannot be sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

from fo_labelstudio.convert.media.medium import MediaInfo, of_items
from fo_labelstudio.convert.names import data_key
from fo_labelstudio.convert.records import (
    LabelField,
    address_key_of,
    lists_of,
    problem_of_columns,
    problems_of_shown,
    shown_data,
    shown_names,
    shows_media,
)
from fo_labelstudio.convert.slices import fields_by_slice
from fo_labelstudio.convert.task.joined import join
from fo_labelstudio.convert.task.origin import META, digest_of_origin
from fo_labelstudio.convert.task.write import SampleRecord, Task, checked_task, finished_id
from fo_labelstudio.dataset.samples import FrameReader, StoredSample, Unlisted, read_blocks, read_labels
from fo_labelstudio.dataset.task_fields import date_fields, to_data
from fo_labelstudio.runs.garbage import no_collection
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import read_ahead
from fo_labelstudio.settings import without_login
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings, ShownFile


class PreparedTask(NamedTuple):
    """A task as JSON, but for its data.

    Attributes:
        sample_id: the sample that it shows
        path: path of its media file
        rest: all of the task but its data
        data: its data but the addresses of media files
        predictions: how many predictions, or finished annotations, it has
        digest: of what it was made from, but for its media
        shown: key in the data -> the media file whose address is to stand there
        lists: key in the data -> the media files whose addresses are to be listed there
    """

    sample_id: str
    path: str
    rest: bytes
    data: dict[str, Any]
    predictions: int
    digest: str
    shown: Mapping[str, ShownFile] = {}
    lists: Mapping[str, Sequence[ShownFile]] = {}

    @property
    def files(self) -> list[ShownFile]:
        """The media files whose addresses it holds."""
        return [*self.shown.values(), *(file for files in self.lists.values() for file in files)]

    @property
    def size(self) -> int:
        """About how many bytes its JSON takes."""
        return len(self.rest) + sum(len(str(value)) for value in self.data.values())

    def body(self, addresses: Mapping[ShownFile, str]) -> bytes:
        """The JSON of the task, once it is known at which addresses its media files are read."""
        shown = {key: addresses[file] for key, file in self.shown.items()}
        listed = {key: [addresses[file] for file in files] for key, files in self.lists.items()}
        data = json.dumps({"data": {**self.data, **shown, **listed}}, allow_nan=False, separators=(",", ":"))
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
    if run.slices:
        yield from _prepared_groups(run, without, {} if unlisted is None else unlisted)
        return
    for sample in _read(run, without, {} if unlisted is None else unlisted):
        if not isinstance(sample, SampleRecord):
            yield sample
            continue
        problems: list[str] = []
        prepared = None
        with no_collection() if any(field.is_of_frames for field in run.fields) else nullcontext():
            task = checked_task(sample, run.fields, run.token, problems, run.finished, run.scoring)
            if task is not None:
                prepared = _prepared(task, sample, run)
        yield from map(Refused, problems)
        if prepared is not None:
            yield prepared


def _prepared(task: Task, sample: SampleRecord, run: Run) -> PreparedTask:
    key = address_key_of(run.fields)
    lists = {
        key: [ShownFile(field.medium.item, path) for path in task["data"][key]]
        for key, field in lists_of(run.fields).items()
        if sample.lists[key].items
    }
    made = FILES[run.medium.name].made if key else None
    if made is not None:
        lists[key] = [ShownFile(run.medium.name, path) for path in made.paths_of(sample.path, sample.media)]
    shown = {key: ShownFile(run.media.medium, sample.path)} if key and made is None else {}
    return _as_json(task, sample.id, sample.path, shown, lists)


def _as_json(
    task: Task,
    sample_id: str,
    path: str,
    shown: Mapping[str, ShownFile],
    lists: Mapping[str, Sequence[ShownFile]] | None = None,
) -> PreparedTask:
    rest = {key: value for key, value in task.items() if key != "data"}
    body = json.dumps(rest, allow_nan=False, separators=(",", ":")).encode()
    answers = [*task["predictions"], *task.get("annotations", ())]
    digest = digest_of_origin(task["meta"][META])
    return PreparedTask(sample_id, path, body, task["data"], len(answers), digest, shown, lists or {})


def _prepared_groups(run: Run, without: Collection[str], unlisted: Unlisted) -> Iterator[Prepared]:
    """The tasks of a run whose tasks show groups; see :func:`prepared_tasks`.

    Args:
        run: the run
        without: ids of groups, and of samples, that are passed over
        unlisted: receives the labels that the run is to do without
    """
    fields = fields_by_slice(run.fields, run.slices)
    wanted = run.all_ids if run.sample_ids is None else run.sample_ids
    places = {
        sample_id: (group_id, name)
        for group_id in wanted
        if group_id not in without
        for name, sample_id in run.groups[group_id].items()
        if sample_id not in without
    }
    awaited = Counter(group_id for group_id, _ in places.values())
    groups: dict[str, dict[str, tuple[SampleRecord, Task]]] = {}
    for sample in _read(replace(run, sample_ids=list(places)), (), unlisted):
        if isinstance(sample, Refused):
            # Its group stays incomplete, and has no task.
            yield sample
            continue
        sample_id = sample.sample_id if isinstance(sample, LeftOut) else sample.id
        group_id, name = places[sample_id]
        awaited[group_id] -= 1
        if isinstance(sample, LeftOut):
            yield sample
        else:
            problems: list[str] = []
            task = checked_task(sample, fields[name], run.token, problems, run.finished, run.scoring)
            yield from map(Refused, problems)
            if task is None:
                awaited[group_id] += 1
            else:
                groups.setdefault(group_id, {})[name] = sample, task
        if not awaited[group_id] and group_id in groups:
            yield _joined(group_id, groups.pop(group_id), fields, run)


def _joined(
    group_id: str,
    shown: Mapping[str, tuple[SampleRecord, Task]],
    fields: Mapping[str, Sequence[LabelField]],
    run: Run,
) -> PreparedTask:
    tasks = {name: task for name, (_, task) in shown.items()}
    number = None if run.finished is None else finished_id(run.token, group_id)
    task = join(group_id, tasks, fields, number)
    files = {data_key(name): ShownFile(run.media.medium, sample.path) for name, (sample, _) in shown.items()}
    return _as_json(task, group_id, next(iter(files.values())).path, files)


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
        refused, lists = _with_lists(block, run)
        yield from refused
        for stored, media in _with_media([stored for stored in block if stored.id in lists], run):
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
            other = problem_of_columns(run.fields, media)
            if other:
                yield Refused(f"sample {stored.id}: its file {_shown(path)} {other}")
                continue
            carried = {name: stored.shown[name] for name in run.task_fields}
            shown = {**to_data(carried, dates), **shown_data(run.fields, stored.shown)}
            yield SampleRecord(stored.id, path, media, labels, shown, stored.score_value, lists[stored.id])
    yield from _drained(unreadable)


def _with_lists(
    block: Sequence[StoredSample], run: Run
) -> tuple[list[Refused | LeftOut], dict[str, dict[str, MediaInfo]]]:
    """What is found out about the values that are shown of some samples.

    Returns:
        the samples that cannot be sent, and by the ids of the others, key of a list of files in their data -> what is
        known of the files
    """
    problems = {stored.id: problems_of_shown(run.fields, stored.shown) for stored in block}
    refused: list[Refused | LeftOut] = [
        Refused(f"sample {sample_id}: {problem}") for sample_id, found in problems.items() for problem in found
    ]
    fine = [stored for stored in block if not problems[stored.id]]
    if not lists_of(run.fields):
        return refused, {stored.id: {} for stored in fine}
    inspected = inspect_lists([(stored.id, _paths_of(stored, run)) for stored in fine], run)
    lists = {}
    for sample_id, found in inspected.items():
        if isinstance(found, list):
            refused += found
        else:
            lists[sample_id] = found
    return refused, lists


def _paths_of(stored: StoredSample, run: Run) -> dict[str, Sequence[str]]:
    """The paths of the files that a sample lists, by the key of the list in its data."""
    return {key: field.paths_in(stored.shown.get(field.shows or "")) for key, field in lists_of(run.fields).items()}


def inspect_lists(
    lists: Sequence[tuple[str, Mapping[str, Sequence[str]]]], run: Run
) -> dict[str, dict[str, MediaInfo] | list[Refused | LeftOut]]:
    """What is known of the files that samples list, or why a sample cannot be sent.

    Args:
        lists: id of a sample, and key of a list in its data -> paths of files
        run: the run
    """
    found: dict[str, dict[str, MediaInfo] | list[Refused | LeftOut]] = {sample_id: {} for sample_id, _ in lists}
    for key, field in lists_of(run.fields).items():
        # All at once, for some transports look at several files at a time.
        media = [Media(path) for _, own in lists for path in own[key]]
        settings = replace(run.media, medium=field.medium.item)
        inspections = iter(TRANSPORTS[settings.transport].inspect(media, settings))
        for sample_id, paths in lists:
            own = [next(inspections) for _ in paths[key]]
            problems = [
                _not_sent(sample_id, f"{field.shows}[{place}]", Media(path), inspection, settings, is_listed=True)
                for place, (path, inspection) in enumerate(zip(paths[key], own, strict=True))
                if inspection.info is None
            ]
            so_far = found[sample_id]
            if isinstance(so_far, list) or problems:
                known = [*(so_far if isinstance(so_far, list) else ()), *problems]
                # A sample is left out once.
                found[sample_id] = known[:1] if settings.unusable == "skip" else known
            else:
                so_far[key] = of_items(one.info for one in own if one.info is not None)
    return found


def _with_media(
    block: Sequence[StoredSample], run: Run
) -> Iterator[tuple[StoredSample, MediaInfo | Refused | LeftOut]]:
    """Some samples, each with what is found out about its media; what is in files is held one at a time."""
    size = max(len(block), 1) if run.medium.content is None else 1
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
    if run.slices:
        yield from _still_readable_groups(tasks, run)
        return
    inspected = inspect_media([(task.sample_id, Media(task.path)) for task in tasks], run)
    paths = [(task.sample_id, _paths_in(task)) for task in tasks]
    lists = inspect_lists(paths, run)
    for task in tasks:
        media, listed = inspected[task.sample_id], lists[task.sample_id]
        if not isinstance(media, MediaInfo):
            yield media
        elif isinstance(listed, list):
            yield from listed
        else:
            yield task


def _paths_in(task: PreparedTask) -> dict[str, list[str]]:
    return {key: [file.path for file in files] for key, files in task.lists.items()}


def _still_readable_groups(tasks: Sequence[PreparedTask], run: Run) -> Iterator[Prepared]:
    # All at once, for some transports look at several files at a time.
    media = {
        task.sample_id: {
            sample_id: Media(task.shown[key].path)
            for name, sample_id in run.groups[task.sample_id].items()
            if (key := data_key(name)) in task.shown
        }
        for task in tasks
    }
    inspected = inspect_media([row for of_group in media.values() for row in of_group.items()], run)
    for task in tasks:
        found = [inspected[sample_id] for sample_id in media[task.sample_id]]
        unusable = [one for one in found if not isinstance(one, MediaInfo)]
        if unusable:
            yield from unusable
        else:
            yield task


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
    return _not_sent(sample_id, run.media_field, media, inspection, run.media, is_listed=False)


def _not_sent(
    sample_id: str, where: str, media: Media, inspection: Inspection, settings: MediaSettings, is_listed: bool
) -> Refused | LeftOut:
    """What becomes of a sample one of whose media cannot be sent.

    Args:
        sample_id: the sample
        where: what names the media in it
        media: the media
        inspection: what was found out about them
        settings: how the server gets to read them
        is_listed: whether they are one of a list
    """
    problem = f"sample {sample_id}, {where} {_shown(media.path)}: {inspection.problem}"
    if settings.unusable == "skip":
        return LeftOut(sample_id, problem)
    return Refused(f"{problem}; {_remedy(inspection, settings, is_listed)}")


def _shown(path: str | None) -> str:
    return repr(without_login(path) if path and "://" in path else path)


def _remedy(inspection: Inspection, media: MediaSettings, is_listed: bool) -> str:
    if media.converts:
        return "correct it, or leave its sample out"
    if inspection.is_convertible:
        choice = "'convert' or 'skip'" if TRANSPORTS[media.transport].converts else "'skip'"
        passing = "list the new path" if is_listed else "pass the field of the new path as media_field"
        return f"convert it to {FILES[media.medium].converted_to} and {passing}, or pass unusable_media={choice}"
    return "correct it, or pass unusable_media='skip'"
