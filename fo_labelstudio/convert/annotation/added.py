"""Answers about regions to control tags that somebody added -> attributes of labels, where they are to be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.annotation.unexpected import pseudo_field
from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.families import family_of, label_class_of
from fo_labelstudio.convert.names import stored_name_problem
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import RELATED, Attribute, LabelAnswer, LabelField, RegionAnswer
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_NARROWER = {"float": {"int", "float"}, "datetime": {"date", "datetime"}}
"""Kind of values -> the kinds whose values it can hold."""


@dataclass
class Asked:
    """What the answers to one control tag are like.

    Attributes:
        kinds: the kinds of their values
        is_list: whether one of them has several values
        count: how many there are
    """

    kinds: set[str] = dataclass_field(default_factory=set)
    is_list: bool = False
    count: int = 0

    def add(self, answer: RegionAnswer) -> None:
        """Takes another answer into account."""
        self.kinds.add(answer.kind)
        self.is_list |= len(answer.values) > 1
        self.count += 1

    @property
    def kind(self) -> str:
        """The kind of an attribute that can hold all of them, where the dataset does not declare it."""
        if self.is_list:
            return "list"
        if len(self.kinds) == 1:
            return next(iter(self.kinds))
        return next((kind for kind, narrower in _NARROWER.items() if self.kinds <= narrower), "str")


def observe(answer: Answer, asked: dict[str, dict[str, Asked]]) -> None:
    """Takes the answers about the labels of one more task into account.

    Args:
        answer: what came back of the task
        asked: receives: name of a label field, or of a field for unexpected labels -> name of a control tag -> what
            the answers are like
    """
    edits = {name: (*found.edited, *found.added) for name, found in answer.fields.items()}
    edits.update((pseudo_field(kind).name, tuple(found)) for kind, found in answer.unexpected.items())
    for name, labels in edits.items():
        for region_answer in (item for edit in labels for item in edit.parsed.answers):
            asked.setdefault(name, {}).setdefault(region_answer.control, Asked()).add(region_answer)


def name_problem(name: str, field: LabelField) -> str | None:
    """What keeps the labels of a field from having an attribute of a name for such answers, or None."""
    own = {own for aspect in family_of(field).aspects.values() for own in aspect.attributes}
    if stored_name_problem(name):
        return "no attribute can have this name"
    if name in own or name in (RELATED, "self") or hasattr(label_class_of(field.label_type), name):
        return "labels have something else of this name"
    if any(attribute.name == name for attribute in field.attributes):
        return "the label schema has an attribute of this name"
    return None


def attribute_of(name: str, kind: str) -> Attribute:
    """The attribute that holds the answers to a control tag, whatever they are."""
    return Attribute(name, Question("text", kind), name)


def with_attributes(
    answer: FieldAnswer, attributes: Mapping[str, Attribute], refuse: Callable[[str, str], None]
) -> FieldAnswer:
    """What was answered of one field, with the answers about regions as attributes of their labels.

    Args:
        answer: what was answered
        attributes: name of a control tag -> the attribute that holds its answers
        refuse: receives the id of a label, and why an answer about it is left alone
    """

    def settle(edits: Iterable[LabelAnswer]) -> list[LabelAnswer]:
        return [_with_attributes(edit, attributes, refuse) if edit.parsed.answers else edit for edit in edits]

    return replace(answer, edited=settle(answer.edited), added=settle(answer.added))


def _with_attributes(
    edit: LabelAnswer, attributes: Mapping[str, Attribute], refuse: Callable[[str, str], None]
) -> LabelAnswer:
    values = {}
    for answer in edit.parsed.answers:
        attribute = attributes.get(answer.control)
        if attribute is None:
            continue
        try:
            values[aspect_name(attribute)] = _to_json(answer, attribute.question)
        except RegionError as error:
            refuse(edit.label_id, f"attribute {attribute.name!r} {error}; left alone")
    parsed = edit.parsed._replace(values={**edit.parsed.values, **values})
    return edit._replace(parsed=parsed, aspects=(*edit.aspects, *values))


def _to_json(answer: RegionAnswer, question: Question) -> object:
    """An answer as the JSON that stands for the value of an attribute.

    Raises:
        RegionError: the attribute cannot hold it
    """
    if question.kind == "list":
        return [str(value) for value in answer.values]
    if len(answer.values) > 1:
        raise RegionError(f"is {quoted(list(answer.values))}, expected one value")
    return question.parse({"text": str(answer.values[0])})
