"""tag_samples(): what became of the tasks of a run is written to their samples, so that views filter on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from fo_labelstudio.convert.annotation.activity import NOTHING, Activity, activity_of_row, activity_of_task
from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.annotation.choose import annotation_of
from fo_labelstudio.convert.annotation.origin import Configs, Missing, Sighting, missing_from
from fo_labelstudio.convert.annotation.parse import parse_task, prediction_in_doubt
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.joined import Part
from fo_labelstudio.convert.task.origin import SAMPLE_ID
from fo_labelstudio.dataset.fields import field_problem
from fo_labelstudio.dataset.place import Place, Scope
from fo_labelstudio.dataset.run_lock import sole_loader
from fo_labelstudio.dataset.sample_states import write_states, write_tags
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.merge.agreement import is_disputed, is_edited
from fo_labelstudio.runs.own_names import (
    FIELDS,
    PREFIXES,
    SKIPPED,
    annotates_tags,
    check_tags,
    remember,
    tag_prefix,
)
from fo_labelstudio.runs.ports import TaskOverview, TaskSource
from fo_labelstudio.runs.run import labeling_config_of
from fo_labelstudio.runs.shown_groups import ShownGroups
from fo_labelstudio.runs.state import RunState, refuse_clips
from fo_labelstudio.runs.status import Survey, exported, sent_finished, survey

ANSWERED, OPEN, DELETED = "answered", "open", "deleted"
DISAGREED, EDITED = "disagreed", "edited"

STATES = (ANSWERED, OPEN, SKIPPED, DELETED, DISAGREED, EDITED)
"""What can be said of a sample; one of the first four holds, the others where it is answered."""


def tag_samples(
    results: RunState,
    states: Collection[str] = STATES,
    prefix: str | None = None,
    field: str | None = None,
    overview: TaskOverview | None = None,
    source: TaskSource | None = None,
) -> dict[str, int]:
    """Writes what became of the tasks of a run to their samples; see
    :meth:`LabelStudioAnnotationResults.tag_samples`.

    Args:
        results: the results of the run, which are saved
        states: what is to be written
        prefix: the beginning of the tags
        field: the field that is written instead of tags
        overview: what became of the tasks; the run's server by default
        source: where they come back from; the run's server by default

    Returns:
        state -> how many samples are in it

    Raises:
        SettingsError: an argument makes no sense, or the tags or the field are somebody else's; nothing was written
        RunError: nothing was sent, or the project is gone
        ServerError: the server cannot be reached, or refused
    """
    _check_states(states)
    with sole_loader(results.dataset, results.key):
        results.refresh(results.saved())
        refuse_clips(results, "tag_samples()")
        write = _field_writer(results, field, prefix) if field is not None else _tag_writer(results, prefix)
        found = states_of(results, states, overview, source) if states else {}
        write(found)
    return {state: len(found[state]) for state in STATES if state in states}


def states_of(
    results: RunState,
    states: Collection[str] = STATES,
    overview: TaskOverview | None = None,
    source: TaskSource | None = None,
) -> dict[str, set[str]]:
    """State -> ids of the samples that are in it; see :func:`tag_samples`."""
    surveyed = survey(results, overview, source)
    is_sent_finished = sent_finished(results)
    activities = {row.id: activity_of_row(row, is_sent_finished) for row in surveyed.rows.values()}
    disagreed: set[str] = set()
    edited: set[str] = set()
    wanted = {task_id for task_id, activity in activities.items() if activity is None}
    if EDITED in states:
        wanted.update(row.id for row in surveyed.rows.values() if row.answered)
    if DISAGREED in states:
        wanted.update(row.id for row in surveyed.rows.values() if row.answered > 1)
    token, fields = results.config.saved_state["token"], results.config.label_fields()
    groups = ShownGroups.of(surveyed.known, fields)
    by_task = {task_id: name for name, task_id in surveyed.tasks.items()}
    is_edited_part = _edited_of(results, surveyed, fields if groups is None else groups.asked)
    for task in exported(results, surveyed, wanted):
        activities[task["id"]] = activity_of_task(task)
        if groups is None:
            parts = {by_task[task["id"]]: Part(fields, task, lambda prediction: prediction)}
        else:
            found = groups.parts_of(task, surveyed.tasks, [])[1]
            parts = {part.task["data"][SAMPLE_ID]: part for part in found}
        for sample_id, part in parts.items():
            if DISAGREED in states and is_disputed(part.task, part.fields, token):
                disagreed.add(sample_id)
            if EDITED in states and is_edited_part(part):
                edited.add(sample_id)
    samples: dict[str, set[str]] = {state: set() for state in STATES}
    for name, task_id in surveyed.tasks.items():
        state = _state(task_id in surveyed.gone, activities.get(task_id) or NOTHING)
        samples[state].update(surveyed.known.samples_of(name))
    samples[DISAGREED], samples[EDITED] = disagreed, edited
    return {state: samples[state] for state in STATES if state in states}


def _state(is_gone: bool, activity: Activity) -> str:
    if is_gone:
        return DELETED
    if activity.is_answered:
        return ANSWERED
    return SKIPPED if activity.is_skipped else OPEN


def _edited_of(results: RunState, found: Survey, asked: Sequence[LabelField]) -> Callable[[Part], bool]:
    """Tells whether the answer of an exported task differs from what was sent.

    Args:
        results: the results of the run
        found: what the lists say
        asked: the label fields that its tasks ask
    """
    token = results.config.saved_state["token"]
    made_with = labeling_config_of(results.config)
    missing = missing_from(found.source.state().labeling_config, asked, made_with) if found.is_complete else Missing()
    configs = Configs([Sighting(row["until"], Missing.of_json(row)) for row in found.known.configs], missing)

    def is_edited_part(part: Part) -> bool:
        annotation = annotation_of(part.task)
        parent = prediction_in_doubt(part.task, part.fields, token)
        if annotation is not None and parent is not None:
            annotation["prediction"] = part.of_answer(found.source.prediction(parent))
        problems: list[Problem] = []
        answer = parse_task(part.task, part.fields, token, problems, configs)
        # What was sent can be understood.
        return answer is not None and (is_edited(answer) or any(not problem.is_note for problem in problems))

    return is_edited_part


def _check_states(states: Collection[str]) -> None:
    unknown = sorted(set(states) - set(STATES)) if not isinstance(states, str) else [states]
    if unknown:
        expected = ", ".join(map(repr, STATES))
        raise SettingsError(f"states holds {', '.join(map(repr, unknown))}; pass a list of: {expected}")


def _tag_writer(results: RunState, prefix: str | None) -> Callable[[Mapping[str, Collection[str]]], None]:
    """Writes tags, once it is sure that they are the run's own.

    Raises:
        SettingsError: samples have no tags, or somebody else's
    """
    if results.is_frames:
        raise SettingsError("the samples of the run are frames of videos, which have no tags; pass field=")
    if annotates_tags(results.config):
        raise SettingsError("the run annotates the tags of samples; pass field=, the name of a field")
    beginning = tag_prefix(results) if prefix is None else prefix
    if not beginning:
        raise SettingsError("prefix is empty, so that tags could not be told from others; pass another one")
    check_tags(results, beginning, STATES, "pass another prefix")

    def write(found: Mapping[str, Collection[str]]) -> None:
        remember(results, PREFIXES, beginning)
        tags = Place(results.dataset, "tags")
        write_tags(tags, {f"{beginning}{state}": found.get(state, ()) for state in STATES})

    return write


def _field_writer(results: RunState, field: str, prefix: str | None) -> Callable[[Mapping[str, Collection[str]]], None]:
    """Writes a field, once it is sure that it is the run's own.

    Raises:
        SettingsError: it is somebody else's, or no field can have the name
    """
    if prefix is not None:
        raise SettingsError("prefix is for tags; leave it out, or leave field out")
    place = Place(results.dataset, field, Scope.of(results.is_frames))
    if place.field is not None and field not in results.tagged.get(FIELDS, ()):
        raise SettingsError(f"field {field!r} is there, and this run has not made it; pass another name")
    problem = field_problem(place.dataset, field, True, place.is_of_frames)
    if problem:
        raise SettingsError(f"field {field!r}: {problem}; pass another name")

    def write(found: Mapping[str, Collection[str]]) -> None:
        remember(results, FIELDS, field)
        by_sample: dict[str, list[str]] = {}
        for state, ids in found.items():
            for sample_id in ids:
                by_sample.setdefault(sample_id, []).append(state)
        write_states(place, by_sample)

    return write
