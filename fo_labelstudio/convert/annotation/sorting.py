"""The results of an annotation, sorted by what they belong to: a field, a region, another object, nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property, partial
from typing import Any, NamedTuple

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.annotation import objects, region_answers, unexpected
from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.annotation.origin import (
    Origin,
)
from fo_labelstudio.convert.attributes import AttributeControl
from fo_labelstudio.convert.families import FAMILIES, family_of
from fo_labelstudio.convert.family import shape_of
from fo_labelstudio.convert.records import LabelField, Region, RegionAnswer
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

NAMELESS = "#"
"""Begins the ids of regions that came without one; the editor keeps none of them (1.23.2)."""


def with_ids(annotation: Mapping[str, Any]) -> list[Any]:
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
            region = named if is_readable(named) else region
        result.append(region)
    return result


@dataclass
class FieldResults:
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


class SortedResults(NamedTuple):
    """The results of an annotation, sorted by what they belong to.

    Attributes:
        by_field: name of a label field -> its results
        unreadable: those that may be regions of any label all the same
        unclaimed: regions that no field expects
        unasked: those that answer a question about a region which the run has not asked
    """

    by_field: dict[str, FieldResults]
    unreadable: list[Any]
    unclaimed: list[Region]
    unasked: list[Region]


def about_regions(unasked: Sequence[Region], task_id: int, problems: list[Problem]) -> dict[str, list[RegionAnswer]]:
    """What was answered about regions to control tags that somebody added, by the id of the region."""
    about: dict[str, list[RegionAnswer]] = {}
    for region in unasked:
        try:
            answer = region_answers.parse(region)
        except RegionError as error:
            problems.append(Problem(task_id, region["id"], f"control tag {quoted(region['from_name'])}: {error}"))
        else:
            if answer is not None:
                about.setdefault(region["id"], []).append(answer)
    return about


def sorted_by_field(
    result: Sequence[Any],
    fields: Sequence[LabelField],
    task_id: int,
    known: Collection[str],
    origin: Origin,
    problems: list[Problem],
) -> SortedResults:
    """The results of an annotation, sorted by what they belong to.

    Args:
        result: those about the objects of the sample
        fields: the label fields of the run
        task_id: the task
        known: keys of labels that were sent
        origin: what the annotation started from
        problems: receives what belongs to nothing
    """
    found = {field.name: FieldResults() for field in fields}
    by_control: dict[str, Callable[[Region], None]] = {
        field.control: found[field.name].regions.append for field in fields
    }
    of_image = {field.control for field in fields if not family_of(field).is_drawn}
    own_controls = {field.control: found[field.name] for field in fields}
    controls = {field.name: field.control for field in fields}
    for field in fields:
        for control in attributes.controls_of(field, family_of(field)):
            if field.control in of_image:
                of_image.add(control.name)
            by_control[control.name] = partial(found[field.name].add_attribute, control)
    kinds = {field.control: family_of(field).region_types_of(field) for field in fields}
    unreadable: list[Any] = []
    unclaimed: list[Region] = []
    unasked: list[Region] = []
    drawn: set[str] | None = None
    for region in result:
        problem = _why_unreadable(region, by_control)
        if (
            (problem is not None or region["from_name"] in of_image)
            and is_readable(region)
            and objects.is_answer(region)
        ):
            drawn = {item["id"] for item in result if objects.is_region(item)} if drawn is None else drawn
            if region["id"] in drawn:
                unasked.append(region)
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
        if is_other and is_readable(region) and whole_id(region["id"]) not in known:
            unclaimed.append(region)
        elif problem is None:
            by_control[region["from_name"]](region)
            if region["from_name"] in own_controls:
                own_controls[region["from_name"]].is_offered = True
        else:
            problems.append(Problem(task_id, *problem))
            unreadable.append(region)
    _hand_over(found, fields, known)
    for field in fields:
        if found[field.name].attributes and family_of(field).is_drawn:
            ids = {region["id"] for region in found[field.name].regions}
            problems.extend(
                Problem(task_id, None, f"a {quoted(answer.get('type'))} without a region id")
                for _, answer in found[field.name].attributes
                if answer["id"].startswith(NAMELESS) and answer["id"] not in ids
            )
            if field.takes_class(None):
                problems.extend(_answers_elsewhere(field, found, task_id))
    unexpected_ones: list[Region] = []
    for region in unexpected.joined(unclaimed):
        maker = unexpected.field_of(region, fields)
        if maker is None:
            unexpected_ones.append(region)
        else:
            found[maker.name].regions.append({**region, "from_name": maker.control})
    return SortedResults(found, unreadable, unexpected_ones, unasked)


def _hand_over(found: Mapping[str, FieldResults], fields: Sequence[LabelField], known: Collection[str]) -> None:
    """Gives regions that were drawn to the field that has their class.

    The editor draws all boxes of a video with the first control tag that does so, whichever has the class that somebody
    has chosen, and all ranges likewise (1.23.2). Where several fields have the class, it is the first that takes new
    labels.

    Args:
        found: name of a label field -> its results; receives what is handed over
        fields: the label fields of the run
        known: keys of labels that were sent
    """
    for field in fields:
        others = [other for other in fields if other is not field and _draws_alike(field, other)]
        if not others:
            continue
        results = found[field.name]
        for region in [one for one in results.regions if whole_id(one["id"]) not in known]:
            names = region["value"].get(region["type"]) or region["value"].get(_CLASSES)
            if not isinstance(names, list) or len(names) != 1 or _takes(field, names[0]):
                continue
            owner = next((other for other in others if _takes(other, names[0])), None)
            if owner is not None:
                results.regions.remove(region)
                found[owner.name].regions.append(region)


_CLASSES = "labels"
"""Where regions have their classes that do not have them under their ``type``."""


def _draws_alike(one: LabelField, other: LabelField) -> bool:
    families = family_of(one), family_of(other)
    is_same = families[0].region_types == families[1].region_types and one.to_name == other.to_name
    return is_same and all(family.is_drawn_with_first for family in families)


def _takes(field: LabelField, class_name: Any) -> bool:
    """Whether a field takes new labels of a class."""
    return field.allow_additions and isinstance(class_name, str) and class_name in field.class_set


def _answers_elsewhere(field: LabelField, found: Mapping[str, FieldResults], task_id: int) -> Iterator[Problem]:
    """A problem for each answer about an attribute of a field that was given of a region of another field.

    The editor shows what is asked of labels without a class for each region.
    """
    elsewhere = {region["id"] for name, results in found.items() if name != field.name for region in results.regions}
    for _, answer in found[field.name].attributes:
        if answer["id"] in elsewhere:
            reason = f"its answer to {quoted(answer['from_name'])} is about a label of another field; left alone"
            yield Problem(task_id, answer["id"], reason)


def may_be_known(region: Mapping[str, Any], fields: Sequence[LabelField], known: Collection[str]) -> bool:
    """Whether a region of another object stands for a label all the same: it has its control, or its id."""
    region_id, control = region.get("id"), region.get("from_name")
    is_known = isinstance(region_id, str) and whole_id(region_id) in known
    return is_known or any(control == field.control for field in fields)


def ids_of(regions: Sequence[tuple[str, Any]]) -> set[str]:
    return {region["id"] for _, region in regions if has_id(region)}


def problems_elsewhere(regions: Sequence[tuple[str, Any]], task_id: int, noun: str) -> Iterator[Problem]:
    """A problem for each region of another object, and for each answer about one.

    Args:
        regions: the regions, each with the object that it is about
        task_id: the task
        noun: what messages call the sample's own object
    """
    reasons: dict[tuple[str, str], Problem] = {}
    for name, region in regions:
        verb = "drawn on" if objects.is_region(region) else "about"
        reason = f"it is {verb} {name}, not the {noun} of the sample; left alone"
        reasons.setdefault((quoted(region.get("id")), name), Problem(task_id, region.get("id"), reason))
    yield from reasons.values()


def _owner_of_orphan(region: Any, origin: Origin, controls: Mapping[str, str]) -> str | None:
    """The field of a region that was sent, where the editor hung it on another control, without a class, or None.

    It does so where the labeling config no longer has the region's own control (1.23.2).
    """
    if not is_readable(region) or region["type"] not in _DRAWN or region["value"].get(region["type"]):
        return None
    owner = origin.own.get(whole_id(region["id"]))
    return owner if owner is not None and controls.get(owner, region["from_name"]) != region["from_name"] else None


def is_readable(region: Any) -> bool:
    return (
        isinstance(region, Mapping)
        and all(isinstance(region.get(key), str) for key in ("id", "from_name", "type"))
        and isinstance(region.get("value"), Mapping)
    )


def _why_unreadable(region: Any, controls: Collection[str]) -> tuple[Any, str] | None:
    """The id of a region and why it belongs to no field, or None where it does belong to one."""
    if not isinstance(region, Mapping):
        return None, f"a result is {type(region).__name__}, expected an object"
    region_id, control = region.get("id"), region.get("from_name")
    if not isinstance(region_id, str):
        return region_id, f"a {quoted(region.get('type'))} without a region id"
    if not isinstance(control, str) or control not in controls:
        return region_id, f"its control tag {quoted(control)} is not one of the run's"
    return None


def has_id(region: Any) -> bool:
    return isinstance(region, Mapping) and isinstance(region.get("id"), str)


_DRAWN = frozenset(
    kind
    for family in FAMILIES
    if family.is_drawn
    for region_type in family.region_types
    for kind in (region_type, shape_of(region_type))
)
