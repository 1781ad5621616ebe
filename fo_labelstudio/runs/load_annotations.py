"""load_annotations(): what people submitted in a run -> the dataset."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.annotation.origin import Missing, Sighting
from fo_labelstudio.convert.annotation.provenance import KINDS, values_of
from fo_labelstudio.convert.foreign.naming import suffixes_of
from fo_labelstudio.convert.foreign.which import ACCEPTED, GROUND_TRUTH, LATEST, Which
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.slices import asked_fields
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.place import Place, Stamp
from fo_labelstudio.dataset.place import Scope as PlaceScope
from fo_labelstudio.dataset.provenance import ensure_fields, write_values
from fo_labelstudio.dataset.run_lock import sole_loader
from fo_labelstudio.dataset.sample_states import write_tags
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.merge.compact_numbers import packed, unpacked
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import project
from fo_labelstudio.runs.changed import Scope, completed, scope_of
from fo_labelstudio.runs.cleanup import clean_up
from fo_labelstudio.runs.fetch import Answers, Fetched, fetch_answers
from fo_labelstudio.runs.file_tasks import FileTasks, SentTasks
from fo_labelstudio.runs.garbage import only_new_garbage
from fo_labelstudio.runs.load import Plan, begun_changes, log_problems, merge_answers, plan, tells_who
from fo_labelstudio.runs.load_options import IN_SAMPLES, TAG, LoadOptions
from fo_labelstudio.runs.own_names import SKIPPED, TAGS, check_skipped, check_tags, remember, tag_prefix
from fo_labelstudio.runs.ports import TaskSource
from fo_labelstudio.runs.predict import PredictedTasks
from fo_labelstudio.runs.run import labeling_config_of
from fo_labelstudio.runs.send import tasks_of_run
from fo_labelstudio.runs.server import tasks_in
from fo_labelstudio.runs.shown_groups import ShownGroups
from fo_labelstudio.runs.state import RunState, project_id_of, refuse_clips
from fo_labelstudio.settings import parse_labeling_config

_SHOWN_PEOPLE = 10
"""In a message."""


def load_annotations(
    samples: foc.SampleCollection,
    anno_key: str,
    dest_field: Any,
    unexpected: Any,
    settings: Mapping[str, Any],
    cleanup: bool,
    connection: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Loads what people submitted in a run; see :func:`fo_labelstudio.load_annotations`."""
    results = results_of(samples, anno_key, connection)
    returned = load_run(results, LoadOptions.of(settings, results.config, dest_field, unexpected))
    if cleanup:
        clean_up(results)
    return returned or None


def load_json(
    samples: foc.SampleCollection,
    anno_key: str,
    dest_field: Any,
    unexpected: Any,
    settings: Mapping[str, Any],
    json_path: str | os.PathLike[str],
    labeling_config: str | os.PathLike[str] | None = None,
) -> dict[str, Any] | None:
    """Loads what a JSON export holds of a run; see :func:`fo_labelstudio.load_annotations`.

    Raises:
        ExportError: the file holds no task of the run, or cannot be read; nothing was loaded
        LabelingConfigError: the labeling config cannot be read
    """
    results = results_of(samples, anno_key, {})
    state = results.config.saved_state
    if not state:
        raise RunError(f"annotation run {anno_key!r} was not sent, so that no export holds anything of it")
    fields = results.config.label_fields()
    config = parse_labeling_config(labeling_config)
    if config is not None:
        # One that nobody can read tells nothing.
        read(config)
    sent = SentTasks(results.tasks, results.project_id)
    asked = asked_fields(fields, results.config.group_slices or ())
    source = FileTasks(json_path, state["token"], asked, sent, config, labeling_config_of(results.config))
    options = LoadOptions.of(settings, results.config, dest_field, unexpected)
    returned = load_run(results, options, source, source.by_sample, source.problems)
    return returned or None


def results_of(samples: foc.SampleCollection, anno_key: str, connection: Mapping[str, Any]) -> RunState:
    """The results of an annotation run.

    Raises:
        RunError: it is no run of ours, or has no results
        SettingsError: there is no such setting
    """
    results = root_dataset(samples).load_annotation_results(anno_key, **connection)
    if not isinstance(results, RunState):
        raise RunError(
            f"annotation run {anno_key!r} has no results of Label Studio; dataset.get_annotation_info({anno_key!r}) "
            "says what made it"
        )
    # FiftyOne ignores the settings of a call where it has the results already (1.22.1).
    results.config.load_credentials(**connection)
    return results


@only_new_garbage()
def load_run(
    results: RunState,
    options: LoadOptions,
    source: TaskSource | None = None,
    tasks: Mapping[str, int] | None = None,
    problems: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Downloads what people submitted in a run and merges it, once nobody else does.

    Args:
        results: the results of the run, which are saved
        options: where the labels go, and what becomes of unexpected ones
        source: where the tasks come back from; the run's project by default
        tasks: sample id -> task id, where the source has others than the run knows
        problems: what was found in the source already, to be told with the rest

    Returns:
        label field -> label type -> sample id -> label id -> label: unexpected labels that are to be returned

    Raises:
        RunError: the run is not complete, or its project is gone
        ServerError: a download failed; nothing was loaded
        SettingsError: ``dest_field`` makes no sense, or the tag of skipped tasks is somebody else's; nothing was loaded
        LabelSchemaError: a destination cannot hold the labels, or a field was renamed; nothing was loaded
    """
    with sole_loader(results.dataset, results.key):
        return _load_alone(results, options, source, tasks, problems)


def _load_alone(
    results: RunState,
    options: LoadOptions,
    source: TaskSource | None,
    tasks: Mapping[str, int] | None,
    problems: Sequence[Problem],
) -> dict[str, Any]:
    saved = results.saved()
    results.refresh_run(saved)
    state = results.config.saved_state
    is_complete = bool(state.get("complete"))
    if not is_complete and tasks is None:
        _find_tasks_so_far(results, source)
    elif tasks is None and state.get("tasks", len(results.tasks)) != len(results.tasks):
        _find_tasks_again(results, source)
    for setting, is_asked in (
        ("provenance='samples'", options.provenance == IN_SAMPLES),
        ("skipped='tag'", options.skipped == TAG),
    ):
        if is_asked:
            refuse_clips(results, setting)
    fields = results.config.label_fields()
    if options.keeps_unexpected:
        fields = tuple(replace(field, takes_unexpected=True) for field in fields)
    results.refresh(saved)
    sightings = [Sighting(row["until"], Missing.of_json(row)) for row in results.configs]
    destinations = plan(results, fields, options)
    _check_tags(results, options)
    source = _source_of(results) if source is None else source
    project_state = source.state()
    # What another source has tells nothing of what the run's own is asked for later.
    is_own = tasks is None
    scope = scope_of(results, destinations, options, source, project_state, is_complete) if is_own else Scope(None)
    fetched = fetch_answers(
        state["token"],
        fields,
        source,
        results.tasks if tasks is None else tasks,
        sightings,
        is_complete,
        destinations.remade,
        labeling_config_of(results.config),
        which_of(options, source, options.provenance is not None or any(map(tells_who, results.edited.values()))),
        project_state,
        scope.task_ids,
        {} if scope.last is None else scope.last.annotators,
        ShownGroups.of(results, fields),
    )
    results.configs = [{"until": row.until, **row.missing.to_json()} for row in fetched.configs]
    fetched.problems += problems
    try:
        known = results.tasks if tasks is None else tasks
        returned = _Load(results, fields, options, scope, fetched, known).run(destinations)
        for answers in fetched.answers.values():
            for sample_id, time in answers.times.items():
                results.answered[sample_id] = max(time, results.answered.get(sample_id, ""))
        return returned
    finally:
        # Also where it was interrupted: what was done so far must be known to the next load.
        results.save()


def _check_tags(results: RunState, options: LoadOptions) -> None:
    """Makes sure that the tag of skipped tasks is the run's own, where they are to be tagged.

    Raises:
        SettingsError: it is somebody else's, or people answer what the tags are
    """
    check_skipped(results.config, options.skipped)
    if options.skipped == TAG:
        check_tags(results, tag_prefix(results), [SKIPPED], "rename them, or load with skipped='leave'")


def which_of(options: LoadOptions, source: TaskSource, is_told: bool) -> Which:
    """Which annotations a load asks for.

    Args:
        options: what it is asked for
        source: where the tasks come back from
        is_told: whether it is written who answered

    Raises:
        SettingsError: the server does not know the annotator that is asked for, or has no reviews
    """
    reviews = source.reviews() if options.annotations == ACCEPTED else {}
    if reviews is None:
        raise SettingsError(
            "annotations='accepted' asks for what reviewers have accepted, but the server has no reviews: they are of "
            "Label Studio Enterprise and Starter Cloud; pass 'latest' or 'ground_truth'"
        )
    names_people = options.annotations not in (LATEST, GROUND_TRUTH, ACCEPTED) or is_told
    people = source.people() if names_people else {}
    known = {email.lower() for email in people.values()}
    if "@" in options.annotations and known and options.annotations.strip().lower() not in known:
        some = ", ".join(sorted(known)[:_SHOWN_PEOPLE])
        raise SettingsError(f"annotations: nobody on the server is {options.annotations!r}; there are {some}")
    return Which(options.annotations, people=people, reviews=reviews)


class _Load:
    """What was downloaded, on its way into the dataset."""

    def __init__(
        self,
        results: RunState,
        fields: Sequence[LabelField],
        options: LoadOptions,
        scope: Scope,
        fetched: Fetched,
        tasks: Mapping[str, int],
    ):
        self._results = results
        self._fields = fields
        self._options = options
        self._scope = scope
        self._fetched = fetched
        self._tasks = tasks
        self._stamp = Stamp()
        self._open: set[int] = set()
        self._destinations: set[str] = set()

    def run(self, plan_of_run: Plan) -> dict[str, Any]:
        """Merges all answers; returns unexpected labels that are to be returned."""
        results, fetched = self._results, self._fetched
        returned: dict[str, Any] = {}
        left: list[str] = []
        results.conflicts, results.changes = [], begun_changes()
        suffixes = self._suffixes
        names = [field.name for field in self._fields]
        # All are checked before anything is written.
        plans = {}
        for name in fetched.answers:
            options = self._options if name is None else self._options.of_annotator(names, suffixes[name])
            plans[name] = options, plan_of_run if name is None else plan(results, self._fields, options)
            if options.provenance == IN_SAMPLES:
                ensure_fields(self._place(self._provenance_path(options)), KINDS)
        if not fetched.answers:
            log_problems(fetched.problems)
        problems = fetched.problems
        report = results.begin_report(self._summary())
        for name, answers in fetched.answers.items():
            answers.problems += problems
            problems = []
            if name is None:
                logger.info(report.summary)
            else:
                logger.info("Loading %d answers of %s...", answers.count, name)
            self._merge(answers, *plans[name], returned)
            left += results.left_behind
        self._tag_skipped()
        results.left_behind = left
        results.last_load = self._record()
        report.show()
        return returned

    @cached_property
    def _suffixes(self) -> dict[str, str]:
        """Whose answers have fields of their own -> what the names of these end in, now and later."""
        known = {} if self._scope.last is None else self._scope.last.annotators
        found = suffixes_of([name for name in self._fetched.answers if name is not None])
        return {name: known.get(name, suffix) for name, suffix in found.items()}

    def _summary(self) -> str:
        """How much of what there is is loaded, for people."""
        answers = self._fetched.answers
        if list(answers) == [None]:
            return self._results.summary(answers[None].count + self._unchanged())
        return f"{sum(found.count for found in answers.values())} answers of {len(answers)} annotators"

    def _unchanged(self) -> int:
        """How many tasks have an answer that was not looked at."""
        last, looked_at = self._scope.last, self._fetched.looked_at
        return 0 if last is None or looked_at is None else len({*last.answered} - {*looked_at})

    def _merge(self, answers: Answers, options: LoadOptions, plan: Plan, returned: dict[str, Any]) -> None:
        results = self._results
        merged = merge_answers(results, self._fields, answers, plan, options, self._stamp)
        for name, by_type in merged.returned.items():
            for label_type, samples in by_type.items():
                there = returned.setdefault(name, {}).setdefault(label_type, {})
                for sample_id, labels in samples.items():
                    there.setdefault(sample_id, {}).update(labels)
        self._destinations.update(merged.destinations)
        tasks = results.tasks_by_sample
        self._open.update(tasks[sample_id] for sample_id in merged.left if sample_id in tasks)
        own = set(results.tasks.values())
        told = (problem.task_id for problem in answers.problems if not problem.is_note)
        self._open.update(task_id for task_id in told if type(task_id) is int and task_id in own)
        if options.provenance == IN_SAMPLES:
            path = self._provenance_path(options)
            for page in answers:
                made = {answer.sample_id: values_of(answer.made) for answer in page if answer.made is not None}
                write_values(self._place(path), made)

    def _provenance_path(self, options: LoadOptions) -> str:
        return f"{self._results.key}_provenance{options.suffix}"

    def _tag_skipped(self) -> None:
        """Tags the samples of skipped tasks, and no others."""
        results, place = self._results, self._place("tags")
        if self._options.skipped != TAG:
            return
        if place.field is None:
            logger.warning("Frames of videos have no tags; skipped tasks are left alone")
            return
        now = self._skipped(unpacked(results.skipped) if results.skipped else set())
        samples = [sample_id for sample_id, task_id in results.tasks_by_sample.items() if task_id in now]
        tag = f"{tag_prefix(results)}{SKIPPED}"
        remember(results, TAGS, tag)
        added, removed = write_tags(place, {tag: samples})
        results.skipped = packed(now)
        if added or removed:
            logger.info("Tagged %d samples as %r, and took the tag from %d", added, tag, removed)

    def _skipped(self, before: set[int]) -> set[int]:
        """The tasks of the run that are skipped now, among those that were looked at and those that were before."""
        fetched = self._fetched
        # Files may have other tasks than the run knows.
        own = {task_id: self._results.tasks.get(sample_id, task_id) for sample_id, task_id in self._tasks.items()}
        looked_at = own if fetched.looked_at is None else fetched.looked_at
        kept = before - {own.get(task_id, task_id) for task_id in looked_at}
        return kept | {own[task_id] for task_id in fetched.skipped if task_id in own}

    def _place(self, path: str) -> Place:
        return Place(self._results.dataset, path, PlaceScope.of(self._results.is_frames), self._stamp)

    def _record(self) -> dict[str, Any]:
        fetched, keeps = self._fetched, self._options.keeps_unexpected
        is_asked = keeps and any(answers.answered for answers in fetched.answers.values())
        return completed(
            self._scope,
            fetched.looked_at,
            fetched.answered,
            self._open,
            self._stamp.times,
            self._destinations,
            self._suffixes,
            "attributes that somebody added are made of all answers" if is_asked else None,
        )


def _source_of(results: RunState) -> TaskSource:
    """Where the tasks of a run come back from.

    Raises:
        RunError: cleanup() has removed the project
    """
    project_id_of(results)
    client: Client = results.connect_to_api().client
    state = results.config.saved_state
    return PredictedTasks(tasks_in(client, state), results.predicted, state.get("owns_project", True))


def _find_tasks_so_far(results: RunState, source: TaskSource | None) -> None:
    """Has the results of a run that is not complete name the tasks that it has, whatever was saved of them.

    Raises:
        RunError: it has none
    """
    state = results.config.saved_state
    if state and source is None:
        source = _source_so_far(results, state)
    found = {} if source is None else tasks_of_run(state["token"], source)
    results.tasks = {sample_id: task.id for sample_id, task in found.items()}
    if not results.tasks:
        raise RunError(
            f"annotation run {results.key!r} is not complete; call annotate() with the same anno_key once more",
            state.get("project_id"),
        )
    logger.warning("The run is not complete; loading the annotations of its %d tasks", len(results.tasks))


def _find_tasks_again(results: RunState, source: TaskSource | None) -> None:
    """Has the results of a run name its tasks where samples were added or removed, and the tasks were not saved.

    What adds samples may have been interrupted, or a load of another session may have saved what it began with.
    """
    logger.info("Looking for the tasks of the run, because samples were added or removed...")
    state = results.config.saved_state
    found = tasks_of_run(state["token"], _source_of(results) if source is None else source)
    predicted = {sample_id: entry["task"] for sample_id, entry in results.predicted.items()}
    results.tasks = predicted | {sample_id: task.id for sample_id, task in found.items()}
    if state["tasks"] is not None:
        state["tasks"] = len(results.tasks)
        results.save_config()


def _source_so_far(results: RunState, state: dict[str, Any]) -> TaskSource | None:
    """The project of a run that is not complete, or None where there is none."""
    client: Client = results.connect_to_api().client
    state["project_id"] = project.existing_project(client, state["token"], state["project_id"])
    return None if state["project_id"] is None else tasks_in(client, state)
