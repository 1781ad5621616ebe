"""Annotated tasks -> what people changed, label by label."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert import items
from fo_labelstudio.convert.annotation import objects, unexpected
from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer, Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, made_of, time_of
from fo_labelstudio.convert.annotation.field_reader import FieldReader, label_id_of
from fo_labelstudio.convert.annotation.origin import UNCHANGED, Configs, Missing, Origin, is_without_parent
from fo_labelstudio.convert.annotation.sorting import (
    about_regions,
    has_id,
    ids_of,
    may_be_known,
    problems_elsewhere,
    sorted_by_field,
    with_ids,
)
from fo_labelstudio.convert.annotation.start import Start, prediction_in_doubt_of, start_of
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.foreign.which import NEWEST, Which
from fo_labelstudio.convert.media.images import PLACE
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import (
    LabelAnswer,
    LabelField,
    ParsedLabel,
    Region,
    RegionAnswer,
    medium_of_fields,
    objects_of,
)
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.task.origin import META, parse_lists, parse_origin
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def parse_task(
    task: Any,
    fields: Sequence[LabelField],
    run: str,
    problems: list[Problem],
    configs: Configs = UNCHANGED,
    gone: Collection[str] = (),
    which: Which = NEWEST,
) -> Answer | None:
    """The answer that an exported task holds.

    Args:
        task: a task as the export endpoint returns it, with its annotations
        fields: the label fields of the run
        run: the token of the annotation run
        problems: receives what could not be understood
        configs: what the project's labeling config lacked, over time
        gone: names of the fields whose labels have left the dataset, so that their originals are asked for
        which: which annotations are asked for

    Returns:
        the answer, or None where nobody submitted one or the task is not of this run

    Source: Label Studio 1.23.2, ``GET /api/projects/{id}/export?exportType=JSON``
    """
    if not isinstance(task, Mapping) or not isinstance(task.get("annotations"), list):
        where = quoted(task.get("id")) if isinstance(task, Mapping) else "?"
        problems.append(Problem(where, None, "it is no task with annotations"))
        return None
    task_id = task.get("id")
    # To Python, true and 1.0 are the same as 1.
    if type(task_id) is not int:
        problems.append(Problem(quoted(task_id), None, "its id is no whole number; its annotations were left alone"))
        return None
    annotation = annotation_of(task, problems, which)
    if annotation is None:
        return None
    shown = objects_of(fields)
    medium = next(iter(shown.values()))
    try:
        sample_id, media, first_sent = parse_origin(task, run, medium)
        lists = parse_lists(task, fields)
    except RegionError as error:
        problems.append(Problem(task_id, None, str(error)))
        return None
    if not isinstance(annotation.get("result"), list):
        problems.append(Problem(task_id, None, "the result of its annotation is no list"))
        return None
    start = start_of(annotation, task, first_sent, fields, run)
    sent, sources = start.shown.sent, start.shown.sources
    origin = _origin(annotation, task, start, fields)
    known = {key for entries in sent.values() for key in entries}
    result, elsewhere = objects.split(with_ids(annotation), shown)
    problems.extend(problems_elsewhere(elsewhere, task_id, medium.noun))
    known_problems = len(problems)
    found = sorted_by_field(result, fields, task_id, known, origin, problems)
    about = about_regions(found.unasked, task_id, problems)
    _leave_orphans(
        {label_id for results in found.by_field.values() for label_id in results.orphans}, about, task_id, problems
    )
    unreadable = [
        *found.unreadable,
        *(region for _, region in elsewhere if may_be_known(region, fields, known)),
        *(region for region in found.unasked if may_be_known(region, fields, ())),
    ]
    of_lists = {key: shown_list.media for key, shown_list in lists.items()}
    on = {field.name: field.media_in(media, task["data"], of_lists) for field in fields}
    missing = configs.missing_at(time_of(annotation))
    answers = {
        field.name: FieldReader(field, on[field.name], task_id, run, problems, about, origin, missing).read(
            found.by_field[field.name], unreadable, sent.get(field.name, {})
        )
        for field in fields
    }
    _leave_what_others_showed(answers, fields, start, first_sent)
    for field in fields:
        if field.shown_key is not None:
            listed = lists.get(field.shown_key)
            answers[field.name].on = listed.digest if listed else digest_of(task["data"].get(field.shown_key))
    _add_what_others_showed(answers, fields, start, on)
    for field in fields:
        entries = sent.get(field.name, {})
        _add_what_was_sent(answers[field.name], annotation, field, entries, origin, on[field.name], task_id, run)
    departed = [field for field in fields if field.name in gone or field.name in sources]
    originals = _originals(annotation, result, departed, origin, sent, on, task_id, run)
    made = made_of(annotation, task, which.people)
    answer = Answer(task_id, sample_id, answers, originals=originals, made=made, sources=dict(sources))
    for region_answer in (row for rows in about.values() for row in rows):
        answer.answered[region_answer.control] = answer.answered.get(region_answer.control, 0) + 1
    of_objects = {field.to_name: on[field.name] for field in fields if field.medium.item}
    _add_unexpected(answer, found.unclaimed, about, media, of_objects, run, origin, problems)
    is_understood = bool(answer.unexpected) or any(answered.is_understood for answered in answers.values())
    of_other_kinds = {region["from_name"] for region in found.unclaimed}
    for field in fields:
        is_lost = len(problems) > known_problems and not is_understood
        # What its control holds besides is no label of the field, so that the field says nothing.
        if is_lost or field.control in of_other_kinds:
            answers[field.name].is_looked_at = False
    _add_relations(answer, result, sent, fields, ids_of(elsewhere), problems)
    return answer


def _media_of(region: Region, media: MediaInfo, lists: Mapping[str, MediaInfo]) -> MediaInfo:
    """What a region refers to that no label field expects.

    Raises:
        RegionError: it is on no item of its list
    """
    name = region.get("to_name")
    if not isinstance(name, str) or name not in lists:
        return media
    is_of_all = objects.is_answer(region) and PLACE not in region
    return lists[name] if is_of_all else items.item_at(items.place_of(region), "item", lists[name])


def _leave_orphans(
    orphans: Collection[str], about: dict[str, list[RegionAnswer]], task_id: int, problems: list[Problem]
) -> None:
    """Takes out, and reports, answers about regions that hang on another control tag than that of their field."""
    for region_id in [region_id for region_id in about if whole_id(region_id) in orphans]:
        for answer in about.pop(region_id):
            reason = f"its answer to {answer.control!r} is about a label whose control tag is gone; left alone"
            problems.append(Problem(task_id, region_id, reason))


def _originals(
    annotation: Mapping[str, Any],
    result: Sequence[Any],
    fields: Sequence[LabelField],
    origin: Origin,
    sent: Mapping[str, Any],
    on: Mapping[str, MediaInfo],
    task_id: int,
    run: str,
) -> dict[str, dict[str, LabelDoc]]:
    """The labels that were sent, made from the regions that the annotation started from, or else from its own."""
    prediction = annotation.get("prediction")
    started_from = prediction.get("result") if isinstance(prediction, Mapping) else None
    found: dict[str, dict[str, LabelDoc]] = {field.name: {} for field in fields}
    known = {key for entries in sent.values() for key in entries}
    if not fields:
        return found
    shown_first = objects.split(started_from, objects_of(fields))[0] if isinstance(started_from, list) else []
    for regions, is_as_sent in ((shown_first, True), (result, False)):
        by_field = sorted_by_field(regions, fields, task_id, known, origin, []).by_field
        for field in fields:
            reader = FieldReader(field, on[field.name], task_id, run, [], {}, origin, Missing())
            labels = reader.originals(by_field[field.name], sent.get(field.name, {}), is_as_sent)
            found[field.name] = {**labels, **found[field.name]}
    for field in fields:
        # In the order in which they were sent.
        entries = sent.get(field.name, {}).items()
        label_ids = (label_id for key, entry in entries for label_id in entry.get("ids", [key]))
        found[field.name] = {name: found[field.name][name] for name in label_ids if name in found[field.name]}
    return found


def prediction_in_doubt(task: Any, fields: Sequence[LabelField], run: str, which: Which = NEWEST) -> int | None:
    """The id of the prediction that decides what the answer of an exported task means, where the task lacks it.

    Put into the annotation as its ``prediction``, it is found by :func:`parse_task`.
    """
    annotation = annotation_of(task, which=which)
    if annotation is None or _holds_a_key(annotation.get("result"), task):
        return None
    try:
        _, _, sent = parse_origin(task, run, medium_of_fields(fields))
    except RegionError:
        return None
    start = start_of(annotation, task, sent, fields, run)
    if not is_without_parent(annotation):
        return prediction_in_doubt_of(annotation, task, start, fields)
    is_ours = _origin(annotation, task, start, fields).is_ours
    return None if is_ours else annotation["parent_prediction"]


def _origin(
    annotation: Mapping[str, Any], task: Mapping[str, Any], start: Start, fields: Sequence[LabelField]
) -> Origin:
    return Origin(annotation, task, start.shown.sent, fields, start.shown, start.is_certain)


def _leave_what_others_showed(
    answers: Mapping[str, FieldAnswer],
    fields: Sequence[LabelField],
    start: Start,
    first_sent: Mapping[str, Mapping[str, Any]],
) -> None:
    """Notes the labels of the run's own fields that the labels of another field were shown in place of."""
    for field in fields:
        if field.name not in start.shown.sources or not holds_list(field.label_type):
            continue
        shown = {label_id for label_id, _ in _sent_labels(start.shown.sent.get(field.name, {}))}
        reason = f"the annotation started from labels of field {start.shown.sources[field.name]!r}"
        not_shown = (label_id for label_id, _ in _sent_labels(first_sent.get(field.name, {})) if label_id not in shown)
        answers[field.name].not_shown.update(dict.fromkeys(not_shown, reason))


def _add_what_others_showed(
    answers: Mapping[str, FieldAnswer], fields: Sequence[LabelField], start: Start, on: Mapping[str, MediaInfo]
) -> None:
    """Notes what the other predictions of the task showed of labels: who has not edited these has them so."""
    for field in fields:
        nothing = ParsedLabel("", {}, on[field.name])
        answer = answers[field.name]
        answer.is_of_another_field = field.name in start.shown.sources
        for other in start.others:
            entries = other.sent.get(field.name, {})
            for label_id, key in _sent_labels(entries):
                sent = LabelAnswer(label_id, nothing, (), entries[key])
                answer.sent_besides.setdefault(label_id, []).append(sent)


def _add_what_was_sent(
    answer: FieldAnswer,
    annotation: Mapping[str, Any],
    field: LabelField,
    entries: Mapping[str, Mapping[str, Any]],
    origin: Origin,
    media: MediaInfo,
    task_id: int,
    run: str,
) -> None:
    """Notes the labels that somebody has changed or deleted as they were sent: as the annotation started from them."""
    changed = {edit.label_id for edit in answer.edited} | answer.was_sent.keys()
    keys = {key for label_id, key in _sent_labels(entries) if label_id in changed}
    prediction = annotation.get("prediction")
    started_from = prediction.get("result") if isinstance(prediction, Mapping) else None
    if not keys or not isinstance(started_from, list):
        return
    regions, _ = objects.split(started_from, objects_of([field]))
    if family_of(field).grouping(field) is not Grouping.FIELD and family_of(field).is_drawn:
        entries = {key: entries[key] for key in keys}
        regions = [region for region in regions if has_id(region) and whole_id(region["id"]) in keys]
    results = sorted_by_field(regions, [field], task_id, entries.keys(), origin, [])
    reader = FieldReader(field, media, task_id, run, [], {}, origin, Missing())
    labels = reader.sent_labels(results.by_field[field.name], entries, True)
    answer.as_sent = {label_id: label for label_id, label in labels.items() if label_id in changed}


def _sent_labels(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The id of each label that was sent, with its key."""
    for key, entry in entries.items():
        yield from ((label_id, key) for label_id in entry.get("ids", [key]))


def _holds_a_key(result: Any, task: Mapping[str, Any]) -> bool:
    """Whether a region is surely one of a task's own; that is seen faster than of which label."""
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    sent = origin.get("sent") if isinstance(origin, Mapping) else None
    known = [entries for entries in sent.values() if isinstance(entries, Mapping)] if isinstance(sent, Mapping) else []
    ids = (region["id"] for region in (result if isinstance(result, list) else ()) if has_id(region))
    return any(whole_id(region_id) in entries for region_id in ids for entries in known)


def _add_unexpected(
    answer: Answer,
    regions: Sequence[Region],
    about: Mapping[str, Sequence[RegionAnswer]],
    media: MediaInfo,
    lists: Mapping[str, MediaInfo],
    run: str,
    origin: Origin,
    problems: list[Problem],
) -> None:
    """Adds the labels that no label field expects.

    Args:
        answer: receives them
        regions: the regions that no field expects
        about: id of a region -> what was answered about it
        media: what regions on the sample refer to
        lists: name of the object tag of a list -> what regions on it refer to
        run: the token of the run
        origin: what the annotation started from
        problems: receives what could not be understood
    """
    answer.unexpected_elsewhere = frozenset(
        label_id_of(run, answer.task_id, unexpected.pseudo_field(label_type), key)
        for region in ([] if origin.is_ours else origin.regions_of_others)
        for label_type, key in unexpected.keys_of(region)
    )
    taken: set[str] = set()
    for region in regions:
        try:
            for label_type, parsed in unexpected.parse(region, _media_of(region, media, lists)):
                field = unexpected.pseudo_field(label_type)
                label_id = label_id_of(run, answer.task_id, field, parsed.key)
                if label_id in taken:
                    raise RegionError("another region has its id")
                parsed = parsed._replace(answers=tuple(about.get(region["id"], ())))
                edit = LabelAnswer(label_id, parsed, tuple(parsed.values), {})
                # A damaged mask is found only now.
                to_label(edit, field)
                taken.add(label_id)
                answer.unexpected.setdefault(label_type, []).append(edit)
        except RegionError as error:
            problems.append(Problem(answer.task_id, region["id"], f"{error}; left alone"))


def _add_relations(
    answer: Answer,
    result: Sequence[Any],
    sent: Mapping[str, Any],
    fields: Sequence[LabelField],
    elsewhere: Collection[str],
    problems: list[Problem],
) -> None:
    ids: dict[str, str] = {}
    for field in fields:
        if family_of(field).grouping(field) is not Grouping.FIELD:
            for edit in answer.fields[field.name].added:
                ids[edit.parsed.key] = edit.label_id
            for key, entry in sent.get(field.name, {}).items():
                ids[key] = entry.get("ids", [key])[0]
    for edits in answer.unexpected.values():
        ids.update((edit.parsed.key, edit.label_id) for edit in edits)
    for region in result:
        if isinstance(region, Mapping) and region.get("type") == "relation":
            ends: list[Any] = [region.get(key) for key in ("from_id", "to_id")]
            lost = [end for end in ends if isinstance(end, str) and end in elsewhere]
            if all(isinstance(end, str) and whole_id(end) in ids for end in ends):
                start, end = (ids[whole_id(end)] for end in ends)
                answer.relations.setdefault(start, []).append(end)
                continue
            answer.relations_unclear = True
            if lost:
                reason = f"its relation to {quoted(ends[1])} was left alone: {quoted(lost[0])} is of another object"
                problems.append(Problem(answer.task_id, ends[0], reason))
