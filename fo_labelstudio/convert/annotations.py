"""Annotated tasks -> what people changed, label by label."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

import fiftyone.core.labels as fol

from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.family import Aspect, ParsedLabel, Region
from fo_labelstudio.convert.schema import LabelField, MediaInfo
from fo_labelstudio.convert.tasks import FORMAT, META, SAMPLE_ID, digests_of, groups_of
from fo_labelstudio.errors import RegionError


class Problem(NamedTuple):
    """Something that could not be understood and was left alone.

    Attributes:
        task_id: the task, as far as it says
        region_id: the region, or None where it is the whole task
        reason: what was wrong
    """

    task_id: Any
    region_id: Any
    reason: str

    def __str__(self) -> str:
        region = "" if self.region_id is None else f", region {self.region_id!r}"
        return f"task {self.task_id}{region}: {self.reason}"


class Edit(NamedTuple):
    """A label that came back changed or new.

    Attributes:
        label_id: its id
        label: the label as the region now says it
        aspects: what was changed
        media: size of the image, in pixels
    """

    label_id: str
    label: fol.Label
    aspects: tuple[Aspect, ...]
    media: MediaInfo


@dataclass
class FieldAnswer:
    """What the annotation of one task says of one label field.

    Attributes:
        kept: ids of labels to leave as they are: untouched, or not understood
        edited: labels that were changed
        deleted: ids of labels whose regions are gone
        added: labels that were drawn or chosen
        is_unclear: whether a region of an unknown label was not understood, so that no label may be called gone
    """

    kept: list[str] = dataclass_field(default_factory=list)
    edited: list[Edit] = dataclass_field(default_factory=list)
    deleted: list[str] = dataclass_field(default_factory=list)
    added: list[Edit] = dataclass_field(default_factory=list)
    is_unclear: bool = False


@dataclass
class Answer:
    """The submitted annotation of one task.

    Attributes:
        task_id: the task
        sample_id: the sample that it shows
        fields: label field -> what was answered
    """

    task_id: int
    sample_id: str
    fields: dict[str, FieldAnswer]


def parse_task(task: Any, fields: Sequence[LabelField], run: str, problems: list[Problem]) -> Answer | None:
    """The answer that an exported task holds.

    Args:
        task: a task as the export endpoint returns it, with its annotations
        fields: the label fields of the run
        run: the token of the annotation run
        problems: receives what could not be understood

    Returns:
        the answer, or None where nobody submitted one or the task is not of this run

    Source: Label Studio 1.23.2, ``GET /api/projects/{id}/export?exportType=JSON``
    """
    if not isinstance(task, Mapping) or not isinstance(task.get("annotations"), list):
        problems.append(Problem("?", None, "it is no task with annotations"))
        return None
    annotation = _submitted(task["annotations"])
    if annotation is None:
        return None
    task_id = task.get("id")
    try:
        sample_id, media, sent = _parse_origin(task, run)
    except RegionError as error:
        problems.append(Problem(task_id, None, str(error)))
        return None
    if not isinstance(annotation.get("result"), list):
        problems.append(Problem(task_id, None, "the result of its annotation is no list"))
        return None
    by_field, foreign = _by_field(annotation["result"], fields, task_id, problems)
    answers = {
        field.name: _FieldReader(field, media, task_id, run, problems).read(
            by_field[field.name], foreign, sent.get(field.name, {})
        )
        for field in fields
    }
    return Answer(task_id, sample_id, answers)


def label_id_of(run: str, task_id: int, field: LabelField, key: str) -> str:
    """The id of a label that was made in Label Studio: always the same for the same region.

    Args:
        run: the token of the annotation run
        task_id: the task
        field: the label field
        key: what tells the label from the others of its field in its task, as a rule the id of its region
    """
    text = "\x00".join((run, str(task_id), field.name, key))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _submitted(annotations: Sequence[Any]) -> Mapping[str, Any] | None:
    submitted = [
        annotation
        for annotation in annotations
        if isinstance(annotation, Mapping) and annotation.get("was_cancelled") is False
    ]
    return max(submitted, key=_time, default=None)


def _time(annotation: Mapping[str, Any]) -> tuple[str, int]:
    number = annotation.get("id")
    # Without the Z, a time of whole seconds sorts before its fractions.
    return str(annotation.get("updated_at")).rstrip("Z"), number if isinstance(number, int) else 0


def _parse_origin(task: Mapping[str, Any], run: str) -> tuple[str, MediaInfo, Mapping[str, Any]]:
    data, meta = task.get("data"), task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(origin, Mapping) or origin.get("run") != run:
        raise RegionError("it was not made by this annotation run; its annotation was left alone")
    if origin.get("version") != FORMAT:
        raise RegionError(f"its meta has format {origin.get('version')!r}, expected {FORMAT}; update fo-labelstudio")
    sample_id, size, sent = data.get(SAMPLE_ID), origin.get("size"), origin.get("sent")
    if not (isinstance(sample_id, str) and _is_size(size) and _is_nested(sent)):
        raise RegionError("its data or meta was changed; its annotation was left alone")
    return sample_id, MediaInfo(*size), sent


def _is_size(size: Any) -> bool:
    return isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)


def _is_nested(sent: Any) -> bool:
    return isinstance(sent, Mapping) and all(
        isinstance(entries, Mapping) and all(isinstance(entry, Mapping) for entry in entries.values())
        for entries in sent.values()
    )


def _by_field(
    result: Sequence[Any], fields: Sequence[LabelField], task_id: int, problems: list[Problem]
) -> tuple[dict[str, list[Region]], list[Any]]:
    """The regions of each field, and those that belong to none, which may be regions of a label all the same."""
    by_control = {field.control: field.name for field in fields}
    by_field: dict[str, list[Region]] = {field.name: [] for field in fields}
    foreign = []
    for region in result:
        problem = _foreign(region, by_control)
        if problem is None:
            by_field[by_control[region["from_name"]]].append(region)
        else:
            problems.append(Problem(task_id, *problem))
            if not isinstance(region, Mapping) or region.get("type") != "relation":
                foreign.append(region)
    return by_field, foreign


def _foreign(region: Any, controls: Collection[str]) -> tuple[Any, str] | None:
    """The id of a region and why it belongs to no field, or None where it does belong to one."""
    if not isinstance(region, Mapping):
        return None, f"a result is {type(region).__name__}, expected an object"
    region_id, control = region.get("id"), region.get("from_name")
    if not isinstance(region_id, str):
        return region_id, f"a {region.get('type')} without a region id"
    if not isinstance(control, str) or control not in controls:
        return region_id, f"its control tag {control!r} is not one of the run's"
    return None


class _FieldReader:
    """Reads the regions of one label field of one task."""

    def __init__(self, field: LabelField, media: MediaInfo, task_id: int, run: str, problems: list[Problem]):
        self._field = field
        self._family = family_of(field.label_type)
        self._media = media
        self._task_id = task_id
        self._run = run
        self._problems = problems

    def read(
        self, regions: Sequence[Region], foreign: Sequence[Any], sent: Mapping[str, Mapping[str, Any]]
    ) -> FieldAnswer:
        parsed, unclear = self._parse(regions)
        answer = FieldAnswer(is_unclear=self._may_be_anything(unclear, foreign))
        unclear.update(region["id"] for region in foreign if _has_id(region))
        for key, entry in sent.items():
            label_ids = entry.get("ids", [key])
            if key in parsed:
                self._compare(parsed[key], entry, label_ids, answer)
            elif key in unclear or answer.is_unclear or not self._was_shown(entry):
                answer.kept.extend(label_ids)
            else:
                answer.deleted.extend(label_ids)
        for key in parsed:
            if key not in sent:
                answer.added.append(self._edit(parsed[key], self._new_id(key), tuple(self._family.aspects.values())))
        if not holds_list(self._field.label_type):
            self._limit_to_one(answer)
        answer.kept.extend(self._new_id(key) for key in sorted(unclear - sent.keys()))
        return answer

    def _may_be_anything(self, unclear: Collection[str], foreign: Sequence[Any]) -> bool:
        """Whether what was not understood may stand for any label of the field."""
        if not all(_has_id(region) for region in foreign):
            return True
        types = [region.get("type") for region in foreign]
        return self._family.one_region and bool(unclear or any(kind in self._family.region_types for kind in types))

    def _parse(self, regions: Sequence[Region]) -> tuple[dict[str, ParsedLabel], set[str]]:
        """The labels in the regions, by key, and the ids of the regions that cannot be understood."""
        parsed: dict[str, ParsedLabel] = {}
        unclear = set()
        for region_id, group in groups_of(regions).items():
            try:
                for label in self._parse_group(group):
                    if parsed.setdefault(label.key, label) is not label:
                        raise RegionError("another region already says what its label is")
            except RegionError as error:
                unclear.add(region_id)
                self._report(region_id, f"{error}; left alone")
        return parsed, unclear

    def _parse_group(self, group: Sequence[Region]) -> list[ParsedLabel]:
        for region in group:
            if region.get("type") not in self._family.region_types:
                raise RegionError(f"its type {region.get('type')!r} is not one of {self._family.region_types}")
            if not isinstance(region.get("value"), Mapping):
                raise RegionError(f"its value is {region.get('value')!r}, expected an object")
        return self._family.parse_regions(group, self._field, self._media)

    def _compare(
        self, parsed: ParsedLabel, entry: Mapping[str, Any], label_ids: Sequence[str], answer: FieldAnswer
    ) -> None:
        now = digests_of(parsed.values)
        changed = tuple(self._family.aspects[aspect] for aspect in now if now[aspect] != entry.get(aspect))
        for label_id in label_ids:
            if changed:
                answer.edited.append(self._edit(parsed, label_id, changed))
            else:
                answer.kept.append(label_id)

    def _was_shown(self, entry: Mapping[str, Any]) -> bool:
        return any(aspect in entry for aspect in self._family.aspects)

    def _limit_to_one(self, answer: FieldAnswer) -> None:
        room = 0 if answer.kept or answer.edited else 1
        for edit in answer.added[room:]:
            reason = f"{edit.label.label!r} is one label too many for a {self._field.label_type} field; left out"
            self._report(None, reason)
        del answer.added[room:]

    def _new_id(self, key: str) -> str:
        return label_id_of(self._run, self._task_id, self._field, key)

    def _edit(self, parsed: ParsedLabel, label_id: str, aspects: tuple[Aspect, ...]) -> Edit:
        label = self._family.to_label(parsed, self._field)
        label.id = label_id
        return Edit(label_id, label, aspects, self._media)

    def _report(self, region_id: str | None, reason: str) -> None:
        self._problems.append(Problem(self._task_id, region_id, f"field {self._field.name!r}: {reason}"))


def _has_id(region: Any) -> bool:
    return isinstance(region, Mapping) and isinstance(region.get("id"), str)
