"""import_annotations(): what a project that we have not made holds, or a file -> the dataset."""

from __future__ import annotations

import marshal
import os
import pickle
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

import fiftyone as fo
import fiftyone.core.collections as foc

from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of, combined
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.ids import TaskName, TaskNames
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.shown import Shown, images_of, own_value, value_at
from fo_labelstudio.convert.foreign.which import ACCEPTED, ALL, GROUND_TRUTH, LATEST, Chosen, Which, chosen_of, names_in
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.convert.media_address import MediaAddress
from fo_labelstudio.convert.media_match import Matching, Place
from fo_labelstudio.convert.media_size import compare_sizes
from fo_labelstudio.convert.task.origin import SAMPLE_ID
from fo_labelstudio.dataset.internals import is_generated, root_dataset
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.download import download_missing, write_value
from fo_labelstudio.runs.foreign_source import ForeignSource
from fo_labelstudio.runs.garbage import only_new_garbage
from fo_labelstudio.runs.import_answers import Early, ImportAnswers, KeptTask, read_early
from fo_labelstudio.runs.import_checks import check_dataset, check_names, collection_of, follow_renamed
from fo_labelstudio.runs.import_fields import ImportFields, import_fields
from fo_labelstudio.runs.import_options import IGNORE, ImportOptions
from fo_labelstudio.runs.import_state import Earlier, ImportState, Origin, task_identity
from fo_labelstudio.runs.load import Plan, load, plan
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.match import DataPath, TaskImage, insert_new, match_tasks, tell
from fo_labelstudio.runs.own_runs import OwnRuns
from fo_labelstudio.runs.own_values import OwnValues
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.runs.streams import FEW_BYTES, Spool
from fo_labelstudio.transport.files import FILES

_NO_DATA: Mapping[str, Any] = {}

PAGE_ANSWERS = 200
"""Answers that are merged at once."""

_OPTIONS = LoadOptions(unexpected="keep", on_conflict=None)


class _Row(NamedTuple):
    """A task, as far as it is looked at before any is loaded.

    Attributes:
        key: what tells it from the tasks of all projects
        places: where the images that it shows are matched
        sizes: the sizes of these, in pixels, as far as results say
        digest: of what counts of it
    """

    key: str
    places: tuple[Place, ...]
    sizes: tuple[tuple[int, int] | None, ...]
    digest: str


@only_new_garbage()
def import_annotations(
    samples: foc.SampleCollection | str, source: ForeignSource, options: ImportOptions
) -> dict[str, Any] | None:
    """Imports what a project or file holds; see :func:`fo_labelstudio.import_annotations`."""
    samples = collection_of(samples)
    if is_generated(samples):
        raise SettingsError(
            "patches, frames and clips are made of a dataset's samples, and cannot receive labels; pass the dataset, "
            "or make one of them with clone()"
        )
    dataset = root_dataset(samples)
    medium = check_dataset(samples, dataset, source.labeling_config)
    earlier = Earlier(dataset)
    found = _Found(source, options, OwnRuns(dataset), earlier, dataset, medium)
    matching = match_tasks(
        found.task_images(),
        samples,
        media_field=options.media_field,
        match=options.match,
        data_path=options.data_path,
    )
    fields, returned_fields = found.fields()
    for note in fields.notes:
        logger.warning("%s: %s", source.name, note)
    state = earlier.state(found.origin, found.first, (row.key for row in found.rows))
    follow_renamed(state, fields.fields, options.fields or ())
    # All that can be refused is refused here, before anything is changed.
    destinations = _plan(state, fields)
    check_names(dataset, fields.fields)
    if returned_fields is not None and (of_frames := [one.name for one in returned_fields.fields if one.is_of_frames]):
        logger.warning("Labels of frames cannot be returned, and are left out: %s", ", ".join(map(repr, of_frames)))
    if not found.first:
        logger.warning("%s: no task has an answer that was asked for, so there is nothing to import", source.name)
    sample_ids = _sample_ids(samples, source, options, matching, found)
    tell(_without_new(matching, sample_ids, options))
    # Of many tasks, it is large.
    del matching
    salt = digest_of([repr(fields.fields), sorted(map(str, fields.suffixes))])
    _forget_gone(state, fields)
    answers = _answers(found, fields, sample_ids, state, salt, options)
    state.tasks = {sample_id: 0 for sample_id in sample_ids.values()}
    is_answered = bool(found.first)
    returned = None if returned_fields is None else _returned(found, returned_fields, sample_ids, state, options)
    del found, sample_ids, earlier
    try:
        load(state, fields.fields, answers, destinations, _OPTIONS)
        state.note_seen(answers.seen)
    finally:
        if is_answered and (answers.count or not state.is_kept):
            state.save()
    return returned or None


def _plan(state: ImportState, fields: ForeignFields) -> Plan:
    """Checks where the labels are to go, all fields at once."""
    problems = []
    for field in fields.fields:
        try:
            plan(state, (field,), _OPTIONS)
        except LabelSchemaError as error:
            problems.append(f"control tag {field.control!r}: {error.problem}")
    if problems:
        raise LabelSchemaError(
            f"{len(problems)} field(s) cannot hold what is to be imported, so nothing was changed; pass "
            f"fields={{name of a control tag: name of another field}}:{listed(problems)}"
        )
    return plan(state, fields.fields, _OPTIONS)


class _Found:
    """The tasks of a source, kept in a temporary file, and what must be known of them before any is loaded."""

    def __init__(
        self,
        source: ForeignSource,
        options: ImportOptions,
        own: OwnRuns,
        earlier: Earlier,
        dataset: fo.Dataset,
        medium: Medium,
    ):
        self.medium = medium
        self.which = options.which
        if ALL in (self.which.annotations, self.which.predictions) or "@" in (self.which.annotations or ""):
            self.which = Which(self.which.annotations, self.which.predictions, source.people())
        elif self.which.annotations == ACCEPTED:
            self.which = Which(ACCEPTED, self.which.predictions, reviews=source.reviews())
        self.config = source.labeling_config
        self.origin = Origin(source.place, source.project_id, source.made_at)
        self.problems: list[Problem] = []
        self.rows = Spool[_Row](FEW_BYTES)
        self.first = ""
        """The key of the first task; empty where there is none."""
        self._keeps_data = bool(options.match)
        self._images = Spool[TaskImage](FEW_BYTES)
        self._options = options
        self._dataset = dataset
        # The results of all tasks tell what the labeling config does not.
        needs_all = self.config is None or ALL in (self.which.annotations, self.which.predictions)
        needs_all = needs_all or options.choice != IGNORE
        spans = self.config.spans if self.config else {}
        self._observed = Observed(self.which, medium, spans=spans) if needs_all else None
        self._spool = Spool[KeptTask]()
        self._full = options.full
        self._earlier = earlier
        self._has_sizes = _has_sizes(dataset, medium)
        # Frames are counted by the media of a sample, which is not known yet.
        self._early_fields = None if needs_all or medium.frame_scope else self.fields().filled
        self._known: Collection[str] = ()
        self.identity: str | None = None
        """That of the project, as it was guessed to read tasks early."""
        self._missing = _Missing(self.which)
        self._read(source, own)
        self._missing.check(source.name)

    def _read(self, source: ForeignSource, own: OwnRuns) -> None:
        logger.info("Reading %s...", source.name)
        names = TaskNames()
        with progress_bar("Reading tasks", iters_str="tasks") as progress:
            for task in progress(source.tasks(self.which.predictions is not None)):
                name = names.of(task)
                if self.origin.project is None and type(task.get("project")) is int:
                    self.origin = Origin(source.place, task["project"])
                chosen = chosen_of(task, self.which, name.shown, [])
                self._missing.look_at(task, chosen)
                if not chosen or own.has(task):
                    continue
                if self._observed is not None:
                    self._observed.add(task)
                images: list[Shown] = []
                early = None
                if self.config is not None:
                    images, row = self._look_at(name, task, chosen)
                    early = self._read_early(name, task, images, row)
                self._spool.add(KeptTask(name, pickle.dumps(task, pickle.HIGHEST_PROTOCOL), images, early))
        for line in own.report(self._spool.size > 0):
            logger.warning("%s: %s", source.name, line)
        if self.config is None:
            spool, self._spool = self._spool, Spool()
            for kept in spool:
                task = pickle.loads(kept.pickled)
                images, _ = self._look_at(kept.name, task, chosen_of(task, self.which, kept.name.shown, []))
                self._spool.add(kept._replace(images=images))

    def _look_at(self, name: TaskName, task: Task, chosen: Sequence[Chosen]) -> tuple[list[Shown], _Row]:
        shown, problem = images_of(task, self.config, self._observed, self.medium)
        if problem is not None:
            self.problems.append(Problem(name.shown, None, f"{problem}; left alone"))
        data = task.get("data")
        data = data if isinstance(data, Mapping) else {}
        places = []
        for image in shown:
            slot = image.key if sum(one.key == image.key for one in shown) == 1 else f"{image.key}[{image.place}]"
            place = (name.shown, slot)
            places.append(place)
            kept = data if self._keeps_data else _NO_DATA
            self._images.add(TaskImage(name.shown, slot, image.address, data.get(SAMPLE_ID), kept))
        sizes = tuple(_size_in(chosen, image, self.medium) for image in shown)
        row = _Row(f"{name.number}@{task.get('created_at')}", tuple(places), sizes, _digest(chosen))
        self.rows.add(row)
        self.first = self.first or row.key
        return shown, row

    def _read_early(self, name: TaskName, task: Task, images: Sequence[Shown], row: _Row) -> Early | None:
        """What a task says, where it need not be known yet which samples it shows.

        While that is read, the server works at the next tasks.
        """
        if self._early_fields is None:
            return None
        if self.identity is None:
            self.identity, self._known = self._earlier.guess(self.origin, self.first, row.key)
        is_new = row.key not in self._known
        if self.identity is None or not (is_new or self._full):
            return None
        sizes = [MediaInfo(*size) if size and self._has_sizes else None for size in row.sizes]
        identity = task_identity(self.origin.project, row.key, self.identity)
        return read_early(task, self._early_fields, images, sizes, identity, self.which, name, is_new)

    def task_images(self) -> Iterator[TaskImage]:
        """The images that the tasks show."""
        return iter(self._images)

    def sizes_of(self, places: Container[Place]) -> dict[Place, tuple[int, int]]:
        """The sizes of some images, as far as results say."""
        pairs = ((place, size) for row in self.rows for place, size in zip(row.places, row.sizes, strict=True))
        return {place: size for place, size in pairs if size is not None and place in places}

    def write_values(self, left: Mapping[Place, MediaAddress], data_path: DataPath) -> dict[Place, str]:
        """Writes what tasks hold themselves, and no sample is of, into files; the path of each.

        Args:
            left: what no sample was found of
            data_path: the folder
        """
        paths: dict[Place, str] = {}
        if isinstance(data_path, Mapping) or os.path.isfile(data_path) or self.config is None:
            return paths
        for row, kept in self.tasks() if left else ():
            images = [(place, shown) for place, shown in zip(row.places, kept.images, strict=True) if place in left]
            data = pickle.loads(kept.pickled)["data"] if images else {}
            for place, shown in images:
                tag = self.config.object_of(shown.to_name)
                value = None if tag is None else own_value(tag, value_at(data, shown.key))
                if value is not None:
                    paths[place] = write_value(self.medium.to_file(value), data_path, shown.address)
        return paths

    def fields(self) -> ImportFields:
        """The fields that receive what the tasks hold."""
        return import_fields(self.config, self._observed, self.which, self._options, self._dataset, self.medium)

    def tasks(self) -> Iterator[tuple[_Row, KeptTask]]:
        """The tasks again, in the same order."""
        return zip(self.rows, self._spool, strict=True)


class _Missing:
    """The annotator and the model version that are asked for, as long as no answer of theirs is found.

    Args:
        which: which answers count
    """

    def __init__(self, which: Which):
        self._which = which
        self._asked = {}
        if which.annotations not in (None, LATEST, GROUND_TRUTH, ACCEPTED, ALL):
            self._asked[False] = which.annotations
        if which.predictions not in (None, ALL):
            self._asked[True] = which.predictions
        self._others: dict[bool, set[str]] = {False: set(), True: set()}

    def look_at(self, task: Task, chosen: Sequence[Chosen]) -> None:
        """Looks at a task, and at the answers to it that count."""
        for one in chosen:
            self._asked.pop(one.source.is_prediction, None)
        for is_prediction in self._asked:
            self._others[is_prediction] |= names_in(task, self._which, is_prediction)

    def check(self, source: str) -> None:
        """Refuses what was asked for and is nowhere.

        Raises:
            SettingsError: there is any; names what there is
        """
        for is_prediction, name in self._asked.items():
            what, argument = ("prediction", "predictions") if is_prediction else ("submitted annotation", "annotations")
            others = sorted(self._others[is_prediction])
            there_are = f"there are some of {', '.join(map(repr, others[:10]))}" if others else "there is none at all"
            raise SettingsError(f"{source}: there is no {what} of {name!r}; {there_are}; pass another {argument}")


def _sample_ids(
    samples: foc.SampleCollection,
    source: ForeignSource,
    options: ImportOptions,
    matching: Matching,
    found: _Found,
) -> dict[Place, str]:
    """The sample of each image, with those that are new."""
    ids = dict(matching.samples)
    if not options.insert_new:
        return ids
    paths = dict(matching.files)
    if options.download_media:
        assert options.data_path is not None
        written = found.write_values(matching.left, options.data_path)
        paths.update(written)
        matching = replace(matching, left={place: one for place, one in matching.left.items() if place not in written})
        fetched = download_missing(
            matching,
            options.data_path,
            source.client,
            source.project_id,
            num_workers=options.num_workers,
            allow_private_hosts=options.allow_private_hosts,
        )
        if fetched.failures:
            logger.warning(fetched.report())
        paths.update(fetched.paths)
    if not paths:
        return ids
    inserted = insert_new(paths, samples, found.sizes_of(paths), options.media_field)
    logger.info("Added %d new samples", len(set(inserted.samples.values())))
    if inserted.failures:
        lines = [f"task {task}, {slot}: {reason}" for (task, slot), reason in inserted.failures.items()]
        logger.warning("%d image(s) became no sample:%s", len(lines), listed(lines))
    return {**ids, **inserted.samples}


def _without_new(matching: Matching, sample_ids: Mapping[Place, str], options: ImportOptions) -> Matching:
    """What is to be told of samples: nothing of new ones, nor of downloads, whose failures were told."""
    if options.insert_new and options.download_media:
        return replace(matching, left={})
    left = {place: address for place, address in matching.left.items() if place not in sample_ids}
    if left and options.insert_new:
        logger.info("Media that are not there are fetched with download_media=True, and data_path for their folder")
    return replace(matching, left=left)


def _forget_gone(state: ImportState, fields: ForeignFields) -> None:
    """Forgets what imports have put into fields that are no longer there, so that they are filled again."""
    gone = [name for name in state.loaded if state.dataset.get_field(name) is None]
    if gone or any(state.dataset.get_field(field.name) is None for field in fields.fields):
        for name in gone:
            state.forget(name, name)
        state.forget_seen()


def _answers(
    found: _Found,
    fields: ForeignFields,
    sample_ids: Mapping[Place, str],
    state: ImportState,
    salt: str,
    options: ImportOptions,
) -> ImportAnswers:
    answers = ImportAnswers(PAGE_ANSWERS, fields, found.which)
    answers.problems.extend(found.problems)
    media = _media_of(state.dataset, found.medium, sample_ids.values())
    answers.problems.extend(_other_sizes(found, sample_ids, media))
    # A tuple of one takes a quarter of the memory of a set.
    of_sample: dict[str, tuple[str, ...]] = {}
    here: set[str] = set()
    changed: set[str] = set()
    for row in found.rows:
        ids = [sample_ids.get(place, "") for place in row.places]
        digest = digest_of([salt, row.digest, ids])
        if any(ids):
            answers.seen[row.key] = digest
        for sample_id in filter(None, ids):
            of_sample[sample_id] = tuple(dict.fromkeys((*of_sample.get(sample_id, ()), row.key)))
        here.add(row.key)
        if options.full or state.seen.get(row.key) != digest:
            changed.add(row.key)
    for sample_id in of_sample:
        absent = [key for key in state.tasks_of(sample_id) if key not in here]
        if absent:
            answers.absent[sample_id] = absent
    state.note_shown(of_sample)
    state.unchanged = len(of_sample) - sum(not changed.isdisjoint(tasks) for tasks in of_sample.values())
    # What several tasks say of one sample is one answer.
    waiting_for = {sample_id: set(tasks) for sample_id, tasks in of_sample.items() if len(tasks) > 1}
    for tasks in waiting_for.values():
        if tasks & changed:
            changed |= tasks
    held: dict[str, list[Answer]] = {}
    own_values = _own_values(found, fields, state.dataset, options)
    for row, kept in found.tasks():
        if row.key not in changed:
            continue
        found_ids = [sample_ids.get(place) for place in row.places]
        differing = _differing(own_values, kept, found_ids)
        if any(differing):
            # Whoever corrects the text has it looked at again.
            answers.seen.pop(row.key, None)
            answers.problems.extend(_other_texts(kept, found_ids, differing))
        sizes = [media.get(sample_id or "") for sample_id in found_ids]
        names = [sample_id for sample_id in found_ids if sample_id]
        has_all = len(set(names)) == len(found_ids) and waiting_for.keys().isdisjoint(names)
        has_all = has_all and answers.absent.keys().isdisjoint(names) and not any(differing)
        if kept.early and has_all and kept.early.is_read_with(state.identity_of(row.key), sizes):
            answers.add_early(kept, kept.early, names)
            continue
        images = list(map(Pictured, kept.images, found_ids, sizes, differing))
        made = answers_of(
            pickle.loads(kept.pickled),
            fields,
            images,
            state.identity_of(row.key),
            found.which,
            kept.name,
            answers.problems,
        )
        by_sample: dict[str, list[Answer]] = {}
        for answer in made:
            by_sample.setdefault(answer.sample_id, []).append(answer)
        for sample_id in set(names):
            own = by_sample.get(sample_id, [])
            if sample_id in waiting_for:
                own = held.setdefault(sample_id, []) + own
                held[sample_id] = own
                waiting_for[sample_id] = waiting_for[sample_id] - {row.key}
                if waiting_for[sample_id]:
                    continue
                del held[sample_id]
            if own:
                answers.add([own[0] if len(own) == 1 else combined(own, fields, answers.problems)])
    return answers


def _own_values(found: _Found, fields: ForeignFields, dataset: fo.Dataset, options: ImportOptions) -> OwnValues:
    filled = {field.name for field in fields.fields}
    return OwnValues(dataset, found.config, found.medium, options.media_field, options.match, filled)


def _differing(own_values: OwnValues, kept: KeptTask, sample_ids: Sequence[str | None]) -> list[dict[str, str]]:
    """For each image of a task, the texts that are others than those of its sample; see :meth:`OwnValues.differing`."""
    if not own_values.are_known:
        return [{} for _ in kept.images]
    task = pickle.loads(kept.pickled)
    return [
        own_values.differing(task, sample_id, [shown.to_name])
        for shown, sample_id in zip(kept.images, sample_ids, strict=True)
    ]


def _other_texts(
    kept: KeptTask, sample_ids: Sequence[str | None], differing: Sequence[Mapping[str, str]]
) -> Iterator[Problem]:
    for sample_id, places in zip(sample_ids, differing, strict=True):
        for to_name, where in places.items():
            yield Problem(
                kept.name.shown,
                None,
                f"what object tag {to_name!r} shows is not what sample {sample_id} has in {where}, so what was "
                "answered about it would be of other words; left alone. Make both the same, or rename the field, if it "
                "holds something else",
            )


def _returned(
    found: _Found,
    fields: ForeignFields,
    sample_ids: Mapping[Place, str],
    state: ImportState,
    options: ImportOptions,
) -> dict[str, Any]:
    """Labels that no field expects: field of the control tag -> label type -> sample id -> label id -> label.

    Of scalars there is one on a sample, so that its value stands in place of the labels, as FiftyOne has it.
    """
    returned: dict[str, Any] = {}
    own_values = _own_values(found, fields, state.dataset, options)
    media = _media_of(state.dataset, found.medium, sample_ids.values())
    for row, kept in found.tasks():
        ids = [sample_ids.get(place) for place in row.places]
        sizes = [media.get(name or "") for name in ids]
        images = list(map(Pictured, kept.images, ids, sizes, _differing(own_values, kept, ids)))
        task, identity = pickle.loads(kept.pickled), state.identity_of(row.key)
        # What cannot be understood is told where the same tasks are loaded.
        for answer in answers_of(task, fields, images, identity, found.which, kept.name, []):
            for field in (one for one in fields.fields if not one.is_of_frames):
                for edit in answer.fields[field.name].added:
                    of_type = returned.setdefault(field.name, {}).setdefault(family_of(field).filed_as, {})
                    if field.question is not None:
                        of_type[answer.sample_id] = to_label(edit, field)
                    else:
                        of_type.setdefault(answer.sample_id, {})[edit.label_id] = to_label(edit, field)
    return returned


def _has_sizes(dataset: fo.Dataset, medium: Medium) -> bool:
    """Whether the sizes of media are known, or will be of new samples."""
    return len(dataset) == 0 or not medium.metadata or dataset.count(medium.metadata[0]) > 0


def _media_of(dataset: fo.Dataset, medium: Medium, shown: Iterable[str]) -> dict[str, MediaInfo]:
    """What is known of the media of each sample; where frames are counted, files of those that are shown tell it too.

    Args:
        dataset: the dataset
        medium: what its samples are
        shown: ids of the samples that tasks show
    """
    ids, *columns = dataset.values(["id", *medium.metadata])
    found = zip(ids, map(medium.parse_metadata, zip(*columns)))
    media = {sample_id: info for sample_id, info in found if info is not None}
    unknown = {sample_id for sample_id in shown if sample_id not in media} if medium.frame_scope else ()
    if unknown:
        for sample_id, path in zip(*dataset.select(unknown).values(["id", "filepath"])):
            info = FILES[medium.name].inspect(path, False).info
            if info is not None:
                media[sample_id] = info
    return media


def _other_sizes(found: _Found, sample_ids: Mapping[Place, str], media: Mapping[str, MediaInfo]) -> Iterator[Problem]:
    """A note for each image that has another size than the one that was annotated."""
    for row in found.rows if media else ():
        for place, size in zip(row.places, row.sizes, strict=True):
            difference = size and compare_sizes(size, _size_of(media.get(sample_ids.get(place, ""))))
            if difference is not None:
                yield Problem(place[0], None, f"{place[1]}, sample {sample_ids[place]}: {difference}", is_note=True)


def _size_of(media: MediaInfo | None) -> tuple[int, int] | None:
    return None if media is None else media.size


def _size_in(chosen: Sequence[Chosen], image: Shown, medium: Medium) -> tuple[int, int] | None:
    """The size of an image that results are made for, in pixels, or None where none says."""
    for one in chosen:
        for item in one.result:
            if not isinstance(item, Mapping) or item.get("to_name", image.to_name) != image.to_name:
                continue
            media = medium.parse_marks(item) if (item.get("item_index") or 0) == image.place else None
            if media is not None:
                return media.size
    return None


def _digest(chosen: Sequence[Chosen]) -> str:
    rows = [[one.source.is_prediction, one.source.name, one.result, one.score] for one in chosen]
    # Equal values are equal bytes up to this version, which later ones do not promise; JSON takes five times as long.
    return blake2b(marshal.dumps(rows, 2), digest_size=8).hexdigest()
