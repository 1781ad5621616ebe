"""Annotated tasks -> what people changed, label by label."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeGuard

import fiftyone.core.fields as fof
import fiftyone.core.labels as fol

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.annotation import objects, region_answers, unexpected
from fo_labelstudio.convert.annotation.origin import (
    UNCHANGED,
    Configs,
    Missing,
    Origin,
    is_submitted,
    is_without_parent,
    newest,
    time_of,
)
from fo_labelstudio.convert.attributes import AttributeControl
from fo_labelstudio.convert.digests import digest_of, digests_of
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import FAMILIES, family_of, holds_list
from fo_labelstudio.convert.family import Grouping, group_regions, whole_id
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.records import Edit, LabelField, MediaInfo, ParsedLabel, Region, RegionAnswer
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.task.write import FORMAT, META, SAMPLE_ID, is_sent
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_DRAWN = frozenset(kind for family in FAMILIES if family.is_drawn for kind in family.region_types)

_LONGEST = 2**31 - 1
"""Pixels of the longest side that any format of images can have."""


class Problem(NamedTuple):
    """Something that could not be understood and was left alone, or had to be decided.

    Attributes:
        task_id: the task, as far as it says
        region_id: the region, or None where it is the whole task
        reason: what was wrong, or how it was decided
        is_note: whether it was decided
    """

    task_id: Any
    region_id: Any
    reason: str
    is_note: bool = False

    def __str__(self) -> str:
        region = "" if self.region_id is None else f", region {quoted(self.region_id)}"
        return f"task {self.task_id}{region}: {self.reason}"


@dataclass
class FieldAnswer:
    """What the annotation of one task says of one label field.

    Attributes:
        kept: ids of labels to leave as they are: untouched, or not understood
        edited: labels that were changed
        deleted: ids of labels whose regions are gone
        added: labels that were drawn or chosen
        is_unclear: whether a region of an unknown label was not understood, so that no label may be called gone
        related: label id -> ids of the labels that it is to name as related
        left: ids of kept labels of which something was said that is not loaded: what earlier loads wrote there stays
        not_shown: id of a label that the annotation lacks, but cannot have shown -> why; to be left exactly as it is
        attributes_not_shown: the same for answers about attributes: name of the attribute -> why
        elsewhere: ids of labels that the annotation cannot have shown, for other annotations of the task made them;
            None where it cannot have shown any
        is_understood: whether any of its results was understood
        is_looked_at: whether, where there are no labels, it says that there is nothing to see
        not_offered: choices that the control no longer has, so that leaving them out says nothing
    """

    kept: list[str] = dataclass_field(default_factory=list)
    edited: list[Edit] = dataclass_field(default_factory=list)
    deleted: list[str] = dataclass_field(default_factory=list)
    added: list[Edit] = dataclass_field(default_factory=list)
    is_unclear: bool = False
    related: dict[str, list[str]] = dataclass_field(default_factory=dict)
    left: set[str] = dataclass_field(default_factory=set)
    not_shown: dict[str, str] = dataclass_field(default_factory=dict)
    attributes_not_shown: dict[str, str] = dataclass_field(default_factory=dict)
    elsewhere: frozenset[str] | None = frozenset()
    is_understood: bool = False
    is_looked_at: bool = True
    not_offered: frozenset[str] = frozenset()

    def gone(self, loaded: Collection[str]) -> list[str]:
        """Those of the labels that earlier loads added which are no longer there."""
        if self.is_unclear or self.elsewhere is None:
            return []
        returned = (edit.label_id for edit in (*self.edited, *self.added))
        return sorted(set(loaded) - {*self.kept, *self.not_shown, *returned} - self.elsewhere)

    @property
    def is_untouched(self) -> bool:
        """Whether all labels are to be left as they are."""
        return not (self.edited or self.deleted or self.added or self.related)


@dataclass
class Answer:
    """The submitted annotation of one task.

    Attributes:
        task_id: the task
        sample_id: the sample that it shows
        fields: label field -> what was answered
        unexpected: label type -> labels that no label field expects
        unexpected_elsewhere: ids of such labels that the annotation cannot have shown, for other annotations made them
        relations: label id -> ids of the labels that it was related to
        answered: name of a control tag that somebody added -> number of regions that it tells something of
        originals: label field -> label id -> label as it was sent, as far as regions hold it; where asked for only
    """

    task_id: int
    sample_id: str
    fields: dict[str, FieldAnswer]
    unexpected: dict[str, list[Edit]] = dataclass_field(default_factory=dict)
    unexpected_elsewhere: frozenset[str] = frozenset()
    relations: dict[str, list[str]] = dataclass_field(default_factory=dict)
    answered: dict[str, int] = dataclass_field(default_factory=dict)
    originals: dict[str, dict[str, LabelDoc]] = dataclass_field(default_factory=dict)


def parse_task(
    task: Any,
    fields: Sequence[LabelField],
    run: str,
    problems: list[Problem],
    configs: Configs = UNCHANGED,
    gone: Collection[str] = (),
) -> Answer | None:
    """The answer that an exported task holds.

    Args:
        task: a task as the export endpoint returns it, with its annotations
        fields: the label fields of the run
        run: the token of the annotation run
        problems: receives what could not be understood
        configs: what the project's labeling config lacked, over time
        gone: names of the fields whose labels have left the dataset, so that their originals are asked for

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
    annotation = _submitted(task["annotations"], task_id, problems)
    if annotation is None:
        return None
    try:
        sample_id, media, sent = _parse_origin(task, run)
    except RegionError as error:
        problems.append(Problem(task_id, None, str(error)))
        return None
    if not isinstance(annotation.get("result"), list):
        problems.append(Problem(task_id, None, "the result of its annotation is no list"))
        return None
    origin = Origin(annotation, task, sent, fields)
    known = {key for entries in sent.values() for key in entries}
    result, elsewhere = objects.split(_with_ids(annotation))
    problems.extend(_elsewhere(elsewhere, task_id))
    known_problems = len(problems)
    by_field, foreign, others, added = _by_field(result, fields, task_id, known, origin, problems)
    about = _about_regions(added, task_id, problems)
    foreign.extend(region for _, region in elsewhere if _may_be_known(region, fields, known))
    foreign.extend(region for region in added if _may_be_known(region, fields, ()))
    missing = configs.missing_at(time_of(annotation))
    answers = {
        field.name: _FieldReader(field, media, task_id, run, problems, about, origin, missing).read(
            by_field[field.name], foreign, sent.get(field.name, {})
        )
        for field in fields
    }
    departed = [field for field in fields if field.name in gone]
    originals = _originals(annotation, result, departed, origin, sent, media, task_id, run)
    answer = Answer(task_id, sample_id, answers, originals=originals)
    for region_answer in (item for items in about.values() for item in items):
        answer.answered[region_answer.control] = answer.answered.get(region_answer.control, 0) + 1
    _add_unexpected(answer, others, about, media, run, origin, problems)
    is_understood = bool(answer.unexpected) or any(answered.is_understood for answered in answers.values())
    if len(problems) > known_problems and not is_understood:
        for answered in answers.values():
            answered.is_looked_at = False
    _add_relations(answer, result, sent, fields, _ids(elsewhere), problems)
    return answer


def _originals(
    annotation: Mapping[str, Any],
    result: Sequence[Any],
    fields: Sequence[LabelField],
    origin: Origin,
    sent: Mapping[str, Any],
    media: MediaInfo,
    task_id: int,
    run: str,
) -> dict[str, dict[str, LabelDoc]]:
    """The labels that were sent, made from the regions that the annotation started from, or else from its own."""
    prediction = annotation.get("prediction")
    started_from = prediction.get("result") if isinstance(prediction, Mapping) else None
    found: dict[str, dict[str, LabelDoc]] = {field.name: {} for field in fields}
    known = {key for entries in sent.values() for key in entries}
    shown_first = objects.split(started_from)[0] if fields and isinstance(started_from, list) else []
    for regions, is_as_sent in ((shown_first, True), (result, False)):
        if not fields:
            continue
        by_field, *_ = _by_field(regions, fields, task_id, known, origin, [])
        for field in fields:
            reader = _FieldReader(field, media, task_id, run, [], {}, origin, Missing())
            labels = reader.originals(by_field[field.name], sent.get(field.name, {}), is_as_sent)
            found[field.name] = {**labels, **found[field.name]}
    for field in fields:
        # In the order in which they were sent.
        entries = sent.get(field.name, {}).items()
        label_ids = (label_id for key, entry in entries for label_id in entry.get("ids", [key]))
        found[field.name] = {name: found[field.name][name] for name in label_ids if name in found[field.name]}
    return found


def prediction_in_doubt(task: Any, fields: Sequence[LabelField], run: str) -> int | None:
    """The id of the prediction that decides what the answer of an exported task means, where the task lacks it.

    Put into the annotation as its ``prediction``, it is found by :func:`parse_task`.
    """
    annotation = annotation_of(task)
    if annotation is None or not is_without_parent(annotation) or _holds_a_key(annotation.get("result"), task):
        return None
    try:
        _, _, sent = _parse_origin(task, run)
    except RegionError:
        return None
    is_ours = Origin(annotation, task, sent, fields).is_ours
    return None if is_ours else annotation["parent_prediction"]


def _holds_a_key(result: Any, task: Mapping[str, Any]) -> bool:
    """Whether a region is surely one of a task's own; that is seen faster than of which label."""
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    sent = origin.get("sent") if isinstance(origin, Mapping) else None
    known = [entries for entries in sent.values() if isinstance(entries, Mapping)] if isinstance(sent, Mapping) else []
    ids = (region["id"] for region in (result if isinstance(result, list) else ()) if _has_id(region))
    return any(whole_id(region_id) in entries for region_id in ids for entries in known)


def annotation_of(task: Any) -> dict[str, Any] | None:
    """The annotation of an exported task that counts, the newest submitted one, or None where there is none."""
    annotations = task.get("annotations") if isinstance(task, Mapping) else None
    return newest(filter(is_submitted, annotations)) if isinstance(annotations, list) else None


NAMELESS = "#"
"""Begins the ids of regions that came without one; the editor keeps none of them (1.23.2)."""


def _with_ids(annotation: Mapping[str, Any]) -> list[Any]:
    """The result of an annotation, where each region has an id: of the annotation and its place, if it had none."""
    result = []
    places: dict[Any, int] = {}
    for place, region in enumerate(annotation["result"]):
        if isinstance(region, Mapping) and not (isinstance(region.get("id"), str) and region["id"]):
            number = region.get("id")
            if isinstance(number, (int, float)):
                # Results that share a number are one region.
                place = places.setdefault(number, place)
            named = {**region, "id": f"{NAMELESS}{annotation.get('id')}-{place}"}
            region = named if _is_readable(named) else region
        result.append(region)
    return result


def _add_unexpected(
    answer: Answer,
    regions: Sequence[Region],
    about: Mapping[str, Sequence[RegionAnswer]],
    media: MediaInfo,
    run: str,
    origin: Origin,
    problems: list[Problem],
) -> None:
    answer.unexpected_elsewhere = frozenset(
        label_id_of(run, answer.task_id, unexpected.pseudo_field(label_type), key)
        for region in ([] if origin.is_ours else origin.regions_of_others)
        for label_type, key in unexpected.keys_of(region)
    )
    taken: set[str] = set()
    for region in regions:
        try:
            for label_type, parsed in unexpected.parse(region, media):
                field = unexpected.pseudo_field(label_type)
                label_id = label_id_of(run, answer.task_id, field, parsed.key)
                if label_id in taken:
                    raise RegionError("another region has its id")
                parsed = parsed._replace(answers=tuple(about.get(region["id"], ())))
                edit = Edit(label_id, parsed, tuple(parsed.values), {})
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
        if family_of(field.label_type).grouping(field) is not Grouping.FIELD:
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
            elif lost:
                reason = f"its relation to {quoted(ends[1])} was left alone: {quoted(lost[0])} is of another object"
                problems.append(Problem(answer.task_id, ends[0], reason))


def label_id_of(run: str, task_id: int, field: LabelField, key: str) -> str:
    """The id of a label that was made in Label Studio: always the same for the same region.

    Args:
        run: the token of the annotation run
        task_id: the task
        field: the label field
        key: what tells the label from the others of its field in its task, as a rule the id of its region
    """
    text = "\x00".join((run, str(task_id), field.name, key))
    # What is no character in UTF-8 may stand in JSON all the same.
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _submitted(annotations: Sequence[Any], task_id: int, problems: list[Problem]) -> Mapping[str, Any] | None:
    """The newest submitted one of some annotations."""
    submitted = []
    for annotation in annotations:
        if not isinstance(annotation, Mapping) or not isinstance(annotation.get("was_cancelled"), bool):
            problems.append(Problem(task_id, None, "one of its annotations does not say whether it was submitted"))
        elif not annotation["was_cancelled"]:
            submitted.append(annotation)
    found: Mapping[str, Any] | None = newest(submitted)
    return found


def _parse_origin(task: Mapping[str, Any], run: str) -> tuple[str, MediaInfo, Mapping[str, Any]]:
    data, meta = task.get("data"), task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(origin, Mapping) or origin.get("run") != run:
        raise RegionError("it was not made by this annotation run; its annotation was left alone")
    if origin.get("version") != FORMAT:
        raise RegionError(
            f"its meta has format {quoted(origin.get('version'))}, expected {FORMAT}; update fo-labelstudio"
        )
    sample_id, size, sent = data.get(SAMPLE_ID), origin.get("size"), origin.get("sent")
    if not (isinstance(sample_id, str) and _is_size(size) and is_sent(sent)):
        raise RegionError("its data or meta was changed; its annotation was left alone")
    return sample_id, MediaInfo(*size), sent


def _is_size(size: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int and 0 < side <= _LONGEST for side in size)
    )


@dataclass
class _FieldResults:
    """The results of one label field in one annotation.

    Attributes:
        regions: its regions
        attributes: answers about attributes
        orphans: ids of regions of its labels that the editor hung on another control, without a class
        is_offered: whether it has a result of the field's own control, which must have been there then
    """

    regions: list[Region] = dataclass_field(default_factory=list)
    attributes: list[tuple[AttributeControl, Region]] = dataclass_field(default_factory=list)
    orphans: set[str] = dataclass_field(default_factory=set)
    is_offered: bool = False

    def add_attribute(self, control: AttributeControl, region: Region) -> None:
        """Adds an answer about an attribute."""
        self.attributes.append((control, region))

    @cached_property
    def attributes_by_id(self) -> dict[str, list[tuple[AttributeControl, Region]]]:
        """The answers about attributes, by the id of the region that they are about."""
        found: dict[str, list[tuple[AttributeControl, Region]]] = {}
        for row in self.attributes:
            found.setdefault(row[1]["id"], []).append(row)
        return found


def _about_regions(added: Sequence[Region], task_id: int, problems: list[Problem]) -> dict[str, list[RegionAnswer]]:
    """What was answered about regions to control tags that somebody added, by the id of the region."""
    about: dict[str, list[RegionAnswer]] = {}
    for region in added:
        try:
            answer = region_answers.parse(region)
        except RegionError as error:
            problems.append(Problem(task_id, region["id"], f"control tag {quoted(region['from_name'])}: {error}"))
        else:
            if answer is not None:
                about.setdefault(region["id"], []).append(answer)
    return about


def _by_field(
    result: Sequence[Any],
    fields: Sequence[LabelField],
    task_id: int,
    known: Collection[str],
    origin: Origin,
    problems: list[Problem],
) -> tuple[dict[str, _FieldResults], list[Any], list[Region], list[Region]]:
    """The results of each field, those that may be regions of a label all the same, those that no field expects, and
    those that answer a question about a region which the run has not asked."""
    found = {field.name: _FieldResults() for field in fields}
    by_control: dict[str, Callable[[Region], None]] = {
        field.control: found[field.name].regions.append for field in fields
    }
    of_image = {field.control for field in fields if not family_of(field.label_type).is_drawn}
    own_controls = {field.control: found[field.name] for field in fields}
    controls = {field.name: field.control for field in fields}
    for field in fields:
        for control in attributes.controls_of(field, family_of(field.label_type)):
            if field.control in of_image:
                of_image.add(control.name)
            by_control[control.name] = partial(found[field.name].add_attribute, control)
    kinds = {field.control: family_of(field.label_type).region_types for field in fields}
    foreign: list[Any] = []
    others: list[Region] = []
    added: list[Region] = []
    drawn: set[str] | None = None
    for region in result:
        problem = _foreign(region, by_control)
        if (
            (problem is not None or region["from_name"] in of_image)
            and _is_readable(region)
            and objects.is_answer(region)
        ):
            drawn = {item["id"] for item in result if objects.is_region(item)} if drawn is None else drawn
            if region["id"] in drawn:
                added.append(region)
                continue
        is_other = problem is not None or region.get("type") not in kinds.get(
            region["from_name"], (region.get("type"),)
        )
        if isinstance(region, Mapping) and region.get("type") == "relation":
            continue
        owner = _owner_of_orphan(region, origin, controls)
        if owner is not None:
            found[owner].orphans.add(whole_id(region["id"]))
            continue
        if is_other and _is_readable(region) and whole_id(region["id"]) not in known:
            others.append(region)
        elif problem is None:
            by_control[region["from_name"]](region)
            if region["from_name"] in own_controls:
                own_controls[region["from_name"]].is_offered = True
        else:
            problems.append(Problem(task_id, *problem))
            foreign.append(region)
    for field in fields:
        if found[field.name].attributes and family_of(field.label_type).is_drawn:
            ids = {region["id"] for region in found[field.name].regions}
            problems.extend(
                Problem(task_id, None, f"a {quoted(answer.get('type'))} without a region id")
                for _, answer in found[field.name].attributes
                if answer["id"].startswith(NAMELESS) and answer["id"] not in ids
            )
    unexpected_ones: list[Region] = []
    for region in unexpected.joined(others):
        maker = unexpected.field_of(region, fields)
        if maker is None:
            unexpected_ones.append(region)
        else:
            found[maker.name].regions.append({**region, "from_name": maker.control})
    return found, foreign, unexpected_ones, added


def _may_be_known(region: Mapping[str, Any], fields: Sequence[LabelField], known: Collection[str]) -> bool:
    """Whether a region of another object stands for a label all the same: it has its control, or its id."""
    region_id, control = region.get("id"), region.get("from_name")
    is_known = isinstance(region_id, str) and whole_id(region_id) in known
    return is_known or any(control == field.control for field in fields)


def _ids(regions: Sequence[tuple[str, Any]]) -> set[str]:
    return {region["id"] for _, region in regions if _has_id(region)}


def _elsewhere(regions: Sequence[tuple[str, Any]], task_id: int) -> Iterator[Problem]:
    """A problem for each region of another object, and for each answer about one."""
    reasons: dict[tuple[str, str], Problem] = {}
    for name, region in regions:
        verb = "drawn on" if objects.is_region(region) else "about"
        reason = f"it is {verb} {name}, not the image of the sample; left alone"
        reasons.setdefault((quoted(region.get("id")), name), Problem(task_id, region.get("id"), reason))
    yield from reasons.values()


def _owner_of_orphan(region: Any, origin: Origin, controls: Mapping[str, str]) -> str | None:
    """The field of a region that was sent, where the editor hung it on another control, without a class, or None.

    It does so where the labeling config no longer has the region's own control (1.23.2).
    """
    if not _is_readable(region) or region["type"] not in _DRAWN or region["value"].get(region["type"]):
        return None
    owner = origin.own.get(whole_id(region["id"]))
    return owner if owner is not None and controls[owner] != region["from_name"] else None


def _is_readable(region: Any) -> bool:
    return (
        isinstance(region, Mapping)
        and all(isinstance(region.get(key), str) for key in ("id", "from_name", "type"))
        and isinstance(region.get("value"), Mapping)
    )


def _foreign(region: Any, controls: Collection[str]) -> tuple[Any, str] | None:
    """The id of a region and why it belongs to no field, or None where it does belong to one."""
    if not isinstance(region, Mapping):
        return None, f"a result is {type(region).__name__}, expected an object"
    region_id, control = region.get("id"), region.get("from_name")
    if not isinstance(region_id, str):
        return region_id, f"a {quoted(region.get('type'))} without a region id"
    if not isinstance(control, str) or control not in controls:
        return region_id, f"its control tag {quoted(control)} is not one of the run's"
    return None


class _FieldReader:
    """Reads the regions of one label field of one task."""

    def __init__(
        self,
        field: LabelField,
        media: MediaInfo,
        task_id: int,
        run: str,
        problems: list[Problem],
        about: Mapping[str, Sequence[RegionAnswer]],
        origin: Origin,
        missing: Missing,
    ):
        self._field = field
        self._family = family_of(field.label_type)
        self._media = media
        self._task_id = task_id
        self._run = run
        self._problems = problems
        self._about = about
        self._origin = origin
        self._missing = missing
        self._is_nameless = False
        self._answered: frozenset[str] = frozenset()

    def read(
        self, results: _FieldResults, foreign: Sequence[Any], sent: Mapping[str, Mapping[str, Any]]
    ) -> FieldAnswer:
        control = self._field.control
        is_missing = control in self._missing.controls and not results.is_offered
        self._is_nameless = self._family.is_drawn and any(
            region["id"].startswith(NAMELESS) for region in results.regions
        )
        self._answered = frozenset(row.name for row, _ in results.attributes)
        parsed, unclear = self._parse(results, sent)
        answer = FieldAnswer(is_unclear=self._may_be_anything(unclear, foreign))
        answer.not_offered = self._missing.classes.get(control, frozenset())
        answer.is_understood = bool(parsed or results.orphans)
        answer.is_looked_at = not (unclear or answer.is_unclear or is_missing)
        unclear.update(whole_id(region["id"]) for region in foreign if _has_id(region))
        for key, entry in sent.items():
            label_ids = entry.get("ids", [key])
            if key in parsed:
                self._compare(*parsed[key], entry, label_ids, answer)
            elif key in unclear or answer.is_unclear or self._is_nameless or not self._was_sent(entry):
                answer.kept.extend(label_ids)
                if key in unclear:
                    answer.left.update(label_ids)
            elif reason := self._why_not_shown(key, entry, is_missing, results.orphans):
                answer.not_shown.update(dict.fromkeys(label_ids, reason))
            elif self._family.is_edited_when_empty:
                nothing = ParsedLabel(key, {}, self._media)
                aspects = tuple(aspect for aspect in entry if aspect != "ids")
                answer.edited.extend(Edit(label_id, nothing, aspects, entry) for label_id in label_ids)
            else:
                answer.deleted.extend(label_ids)
        if self._is_nameless and sent.keys() - parsed.keys():
            reason = "a region without an id is taken for a new label; labels that it may stand for are left alone"
            self._report(None, reason, is_note=True)
        for key, (label, _) in parsed.items():
            if key not in sent:
                answer.added.append(Edit(self._new_id(key), label, tuple(label.values), {}))
        if not holds_list(self._field.label_type):
            self._limit_to_one(answer)
        answer.kept.extend(self._new_id(key) for key in sorted(unclear - sent.keys()))
        answer.elsewhere = None if is_missing else self._elsewhere()
        return answer

    def _why_not_shown(
        self, key: str, entry: Mapping[str, Any], is_missing: bool, orphans: Collection[str]
    ) -> str | None:
        """Why the annotation cannot have shown a label that it lacks, or None where somebody deleted it."""
        if not self._origin.is_ours:
            return "the annotation did not start from the labels that were sent"
        if not self._origin.held(self._field, key):
            return "the prediction that the annotation started from does not hold them"
        if is_missing or any(label_id in orphans for label_id in (key, *entry.get("ids", ()))):
            return f"the labeling config lacks, or lacked, the control tag {self._field.control!r}"
        lost = self._missing.classes.get(self._field.control, ())
        # A region is shown with a class that is gone; a choice is not (1.23.2).
        if not self._family.is_drawn and any(self._is_of_class(name, key, entry) for name in lost):
            return f"the control tag {self._field.control!r} lacks, or lacked, their class"
        return None

    def _is_of_class(self, name: str, key: str, entry: Mapping[str, Any]) -> bool:
        question = self._field.question
        is_list = question is not None and question.kind == "list"
        return is_list or key == name or digest_of(name) in entry.values()

    def _elsewhere(self) -> frozenset[str] | None:
        """Ids of labels that the annotation cannot have shown, for other annotations made them; None where of any."""
        if self._origin.is_ours:
            return frozenset()
        ids = {
            region["id"]
            for region in self._origin.regions_of_others
            if region.get("from_name") == self._field.control and _has_id(region)
        }
        if ids and self._family.grouping(self._field) is Grouping.FIELD:
            return None
        return frozenset(self._new_id(whole_id(region_id)) for region_id in ids)

    def originals(
        self, results: _FieldResults, sent: Mapping[str, Mapping[str, Any]], is_as_sent: bool
    ) -> dict[str, LabelDoc]:
        """The labels that were sent, as far as regions hold them, by id.

        Args:
            results: what holds them
            sent: what was sent
            is_as_sent: whether only labels count that are as they were sent
        """
        labels: dict[str, LabelDoc] = {}
        parsed, _ = self._parse(results, sent)
        for key, (label, _) in parsed.items():
            entry = sent.get(key)
            if entry is None or not label.values:
                continue
            if is_as_sent and digests_of(label.values) != {name: entry[name] for name in entry if name != "ids"}:
                continue
            label_ids = entry.get("ids", [key])
            is_only = sum(len(other.get("ids", [key])) for other in sent.values()) == 1
            confidence = self._confidence(results.regions, key, is_only)
            for label_id in label_ids:
                try:
                    made = to_label(Edit(label_id, label, (), entry), self._field, with_defaults=False)
                except RegionError:
                    continue
                if not isinstance(made, fol.Label):
                    labels[label_id] = {"value": made}
                    continue
                if confidence is not None and isinstance(made._fields.get("confidence"), fof.FloatField):
                    made.confidence = confidence
                labels[label_id] = made.to_dict()
        return labels

    def _confidence(self, regions: Sequence[Region], key: str, is_only: bool) -> float | None:
        """The confidence that a label was sent with as a score; where regions are of several labels, that of none."""
        if self._family.grouping(self._field) is Grouping.FIELD and not is_only:
            return None
        for region in regions:
            if self._family.grouping(self._field) is Grouping.FIELD or whole_id(region["id"]) == key:
                score = region.get("score")
                return float(score) if is_finite(score) and 0 <= score <= 1 else None
        return None

    def _may_be_anything(self, unclear: Collection[str], foreign: Sequence[Any]) -> bool:
        """Whether what was not understood may stand for any label of the field."""
        if not all(_has_id(region) for region in foreign):
            return True
        if any(region.get("from_name") == self._field.control and objects.other_object(region) for region in foreign):
            # Somebody has tied its control tag to another object, where nobody was shown its labels.
            return True
        types = [region.get("type") for region in foreign]
        return self._family.grouping(self._field) is Grouping.FIELD and bool(
            unclear or any(kind in self._family.region_types for kind in types)
        )

    def _parse(
        self, results: _FieldResults, sent: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, tuple[ParsedLabel, Collection[str]]], set[str]]:
        """The labels in the results by key, each with the aspects that are unclear, and the ids of unclear regions."""
        parsed: dict[str, tuple[ParsedLabel, Collection[str]]] = {}
        unclear = set()
        groups = group_regions(results.regions, self._family.grouping(self._field), sent.keys())
        for group_id, group in groups.items():
            try:
                for label in self._parse_group(group):
                    if label.key in parsed:
                        raise RegionError("another region already says what its label is")
                    for note in label.notes:
                        self._report(group[0]["id"], note, is_note=True)
                    parsed[label.key] = self._with_attributes(label, group, results, sent.get(label.key, {}))
            except RegionError as error:
                unclear.add(group_id)
                self._report(group[0]["id"], f"{error}; left alone")
        return parsed, unclear

    def _parse_group(self, group: Sequence[Region]) -> list[ParsedLabel]:
        for region in group:
            if region.get("type") not in self._family.region_types:
                raise RegionError(f"its type {quoted(region.get('type'))} is not one of {self._family.region_types}")
            if not isinstance(region.get("value"), Mapping):
                raise RegionError(f"its value is {quoted(region.get('value'))}, expected an object")
        return self._family.parse_regions(group, self._field, self._media)

    def _with_attributes(
        self, label: ParsedLabel, group: Sequence[Region], results: _FieldResults, entry: Mapping[str, Any]
    ) -> tuple[ParsedLabel, Collection[str]]:
        if self._about and self._family.is_drawn:
            label = self._with_answers(label, group)
        if not self._field.attributes:
            return label, ()
        about = results.attributes
        if self._family.is_drawn:
            ids = dict.fromkeys(region["id"] for region in group)
            about = [row for region_id in ids for row in results.attributes_by_id.get(region_id, ())]
        values, problems = attributes.parse_results(about, label.values.get("label"), self._field, entry)
        for problem in problems.values():
            self._report(group[0]["id"], f"{problem}; left alone")
        return label._replace(values={**label.values, **values}), problems.keys()

    def _with_answers(self, label: ParsedLabel, group: Sequence[Region]) -> ParsedLabel:
        """A label with what was answered about its regions; where these disagree, the first counts."""
        found: dict[str, RegionAnswer] = {}
        for region_id in dict.fromkeys(region["id"] for region in group):
            for answer in self._about.get(region_id, ()):
                if found.setdefault(answer.control, answer) != answer:
                    self._report(
                        region_id,
                        f"its regions have several answers to {answer.control!r}; took the first",
                        is_note=True,
                    )
        if found and self._family.grouping(self._field) is Grouping.FIELD:
            self._report(
                group[0]["id"], f"a {self._field.label_type} has no attributes for {sorted(found)}; left alone"
            )
            return label
        return label._replace(answers=tuple(found.values()))

    def _compare(
        self,
        parsed: ParsedLabel,
        unclear: Collection[str],
        entry: Mapping[str, Any],
        label_ids: Sequence[str],
        answer: FieldAnswer,
    ) -> None:
        now = digests_of(parsed.values)
        before = {aspect: digest for aspect, digest in entry.items() if aspect != "ids"}
        class_name = parsed.values.get("label")
        is_answered = bool(parsed.answers) and self._field.takes_unexpected
        is_whole = self._family.grouping(self._field) is Grouping.FIELD
        is_part = is_whole and (self._is_nameless or not self._origin.is_ours)
        changed = []
        for aspect in {**before, **now}:
            if now.get(aspect) == before.get(aspect) or aspect in unclear:
                continue
            if attributes.is_attribute(aspect):
                if not attributes.attribute_of(aspect, class_name, self._field):
                    continue
                if aspect not in now and (reason := self._why_not_asked(aspect, class_name, parsed.key)):
                    answer.attributes_not_shown[aspect] = reason
                    continue
            elif aspect not in now and is_part:
                continue
            changed.append(aspect)
        for label_id in label_ids:
            if changed or is_answered:
                answer.edited.append(Edit(label_id, parsed, tuple(changed), entry, is_part))
            else:
                answer.kept.append(label_id)
                if parsed.answers:
                    answer.left.add(label_id)

    def _why_not_asked(self, aspect: str, class_name: str | None, key: str) -> str | None:
        """Why the annotation cannot have shown an attribute that it lacks, or None where somebody took it away."""
        if not self._origin.is_ours:
            return "the annotation did not start from the labels that were sent"
        for control in attributes.controls_of(self._field, self._family):
            is_asked = attributes.aspect_name(control.attribute) == aspect and control.class_name in (None, class_name)
            if is_asked and control.attribute.is_of(class_name):
                if not self._origin.held_answer(control.name, key if self._family.is_drawn else None):
                    return "the prediction that the annotation started from does not hold them"
                if control.name in self._missing.controls and control.name not in self._answered:
                    return f"the labeling config lacks, or lacked, the control tag {control.name!r}"
                if control.name in self._missing.classes:
                    return f"the control tag {control.name!r} lacks, or lacked, a choice"
        return None

    def _was_sent(self, entry: Mapping[str, Any]) -> bool:
        return any(aspect != "ids" for aspect in entry)

    def _limit_to_one(self, answer: FieldAnswer) -> None:
        room = 0 if answer.kept or answer.edited or answer.not_shown else 1
        for edit in answer.added[room:]:
            name = edit.parsed.values.get("label")
            self._report(
                None, f"{quoted(name)} is one label too many for a field of type {self._field.label_type}; left out"
            )
        del answer.added[room:]

    def _new_id(self, key: str) -> str:
        return label_id_of(self._run, self._task_id, self._field, key)

    def _report(self, region_id: str | None, reason: str, is_note: bool = False) -> None:
        self._problems.append(Problem(self._task_id, region_id, f"field {self._field.name!r}: {reason}", is_note))


def _has_id(region: Any) -> bool:
    return isinstance(region, Mapping) and isinstance(region.get("id"), str)
