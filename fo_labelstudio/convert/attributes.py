"""Attributes of labels <-> the control tags and results that ask for them.

Drawn regions have controls of their own for each region; an answer shares the id of its region. Labels of the whole
image have one control for each attribute; where a field holds several of them, one for each attribute and class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.family import Family
from fo_labelstudio.convert.names import inner_name
from fo_labelstudio.convert.records import Attribute, LabelField, Region
from fo_labelstudio.convert.regions import new_region
from fo_labelstudio.errors import LabelSchemaError, RegionError

_PREFIX = "."
"""Before the name of an attribute, tells its aspect from those of the family."""

MOST_CONTROLS = 200
"""The editor of 1.23.2 becomes too slow to work with where the attributes of one field make more controls than this."""


class AttributeControl(NamedTuple):
    """A control tag that asks for an attribute.

    Attributes:
        attribute: the attribute
        name: the ``from_name`` of its results
        class_name: the class whose label it asks about, where each class has controls of its own
    """

    attribute: Attribute
    name: str
    class_name: str | None = None


def controls_of(field: LabelField, family: Family) -> list[AttributeControl]:
    """The controls of a field's attributes."""
    if family.is_drawn or not field.attributes or not family.holds_list(field.label_type):
        return [AttributeControl(attribute, attribute.control) for attribute in field.attributes]
    return [
        AttributeControl(attribute, inner_name(attribute.control, class_name), class_name)
        for attribute in field.attributes
        for class_name in field.classes
        if attribute.is_of(class_name)
    ]


def check_number(field: LabelField, family: Family) -> None:
    """Refuses more controls than anyone could work with.

    Raises:
        LabelSchemaError: there are more than MOST_CONTROLS
    """
    number = len(controls_of(field, family))
    if number > MOST_CONTROLS:
        raise LabelSchemaError(
            f"field {field.name!r}: its attributes make {number} control tags, more than the editor can show "
            f"({MOST_CONTROLS}); pass attributes=False, fewer attributes, or fewer classes"
        )


def problem_of(label: fol.Label, field: LabelField) -> str | None:
    """What keeps the attributes of a label from being sent, or None."""
    for attribute in field.attributes:
        value = label.get_attribute_value(attribute.name, None)
        problem = None
        if value is not None and attribute.is_of(label.label) and not attribute.is_discovered:
            problem = attribute.question.problem_of(value)
        if problem:
            return (
                f"its attribute {attribute.name!r} {problem}; correct it, change the attribute in the label schema, or "
                "leave it out of `attributes`"
            )
    return None


def problem_of_changes(label: Any, frames: Mapping[str, Mapping[str, Any]], field: LabelField) -> str | None:
    """What keeps the attributes of a label of frames from being sent, or None: there is one answer for all of them.

    Args:
        label: the label, whose attributes are those that do not change
        frames: frame number -> what the frame stores of it besides these
        field: its label field
    """
    for attribute in field.attributes:
        if attribute.is_discovered or not attribute.is_of(label.label):
            continue
        values = [(number, doc.get(attribute.name)) for number, doc in frames.items()]
        for (number, value), (later, other) in pairwise(values):
            if value != other:
                return (
                    f"its attribute {attribute.name!r} is {value!r} in frame {number} and {other!r} in frame {later}, "
                    "and Label Studio has one answer for all frames; give them the same value, or leave it out of "
                    "`attributes`"
                )
    return None


def control_tags(field: LabelField, family: Family) -> list[tuple[AttributeControl, Element]]:
    """The control tags of a field's attributes."""
    options = {"perRegion": "true"} if family.is_drawn else {}
    return [
        (control, control.attribute.question.control_tag(control.name, field.to_name, **options))
        for control in controls_of(field, family)
    ]


def to_results(label: fol.Label, region_ids: Sequence[str], field: LabelField, family: Family) -> list[Region]:
    """The results that carry a label's attributes.

    Args:
        label: a label without problems
        region_ids: ids of its regions; only the first counts where they are not drawn
        field: its label field
        family: the family of the field
    """
    results = []
    for control in controls_of(field, family):
        attribute = control.attribute
        value = label.get_attribute_value(attribute.name, None)
        if value is None or not attribute.is_of(label.label) or control.class_name not in (None, label.label):
            continue
        question = attribute.question
        if attribute.is_discovered and question.problem_of(value):
            continue
        answer = question.to_json(value)
        if answer in ("", []):
            continue
        ids = region_ids if family.is_drawn else [f"{region_ids[0]}-{digest_of(control.name)}"]
        results += [
            new_region(region_id, question.result_type, field, question.to_value(answer), control.name)
            for region_id in ids
        ]
    return results


def parse_results(
    results: Sequence[tuple[AttributeControl, Region]],
    class_name: str | None,
    field: LabelField,
    sent: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, str]]:
    """What results say of one label's attributes.

    Args:
        results: the results that may be about it, with the control of each
        class_name: the class of the label
        field: its label field
        sent: aspect -> digest of what was sent

    Returns:
        aspect -> JSON value, for those that were answered, and aspect -> why it was not understood
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for attribute in field.attributes:
        if not attribute.is_of(class_name):
            continue
        for control, result in results:
            if control.attribute is attribute and control.class_name in (None, class_name):
                aspect = aspect_name(attribute)
                try:
                    answer = attribute.question.parse(result.get("value"))
                except RegionError as error:
                    problems[aspect] = f"attribute {attribute.name!r} {error}"
                    continue
                # Where the regions of one label disagree, it is one that was not sent that somebody has changed.
                if answer not in (None, []) and (aspect not in values or digest_of(values[aspect]) == sent.get(aspect)):
                    values[aspect] = answer
    return values, problems


def aspect_name(attribute: Attribute) -> str:
    """The name of the aspect that is an attribute of a label."""
    return f"{_PREFIX}{attribute.name}"


def is_attribute(aspect: str) -> bool:
    """Whether an aspect is an attribute."""
    return aspect.startswith(_PREFIX)


def attribute_of(aspect: str, class_name: str | None, field: LabelField) -> Attribute | None:
    """The attribute that an aspect is, for labels of a class; None where it is none of theirs or never merged."""
    for attribute in field.attributes:
        if aspect_name(attribute) == aspect and attribute.is_of(class_name) and not attribute.read_only:
            return attribute
    return None
