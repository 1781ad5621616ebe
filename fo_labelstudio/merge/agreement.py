"""Whether the submitted annotations of a task say the same, and whether one says what was sent.

Regions that cannot be understood are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.answer import Answer
from fo_labelstudio.convert.annotation.choose import is_as_sent, is_submitted
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.records import LabelAnswer, LabelField, RegionAnswer
from fo_labelstudio.convert.task.origin import META
from fo_labelstudio.merge.equality import is_same


class _Said(NamedTuple):
    """A label, apart from its id.

    Attributes:
        label_id: its id in the annotation
        values: aspect -> what it is
        answers: what was answered about its regions to control tags that somebody added
    """

    label_id: str
    values: Mapping[str, Any]
    answers: tuple[RegionAnswer, ...]

    def is_same(self, other: _Said) -> bool:
        """Whether two are equal, but for noise of numbers."""
        return (
            self.values.keys() == other.values.keys()
            and self.answers == other.answers
            and all(is_same(value, other.values[aspect]) for aspect, value in self.values.items())
        )


def is_edited(answer: Answer) -> bool:
    """Whether an answer differs from what was sent; labels that it cannot have shown say nothing."""
    is_untouched = all(answered.is_untouched for answered in answer.fields.values())
    return not is_untouched or bool(answer.unexpected or answer.relations or answer.answered)


def is_disputed(task: Mapping[str, Any], fields: Sequence[LabelField], run: str) -> bool:
    """Whether two submitted annotations of an exported task say different things.

    They are compared as labels: neither ids, nor the order, nor noise of numbers count, nor what they started from. An
    annotation that is as it was sent is nobody's answer.

    Args:
        task: the task, with all of its annotations
        fields: the label fields of the run
        run: the token of the annotation run
    """
    read = [_alone(task, annotation, fields, run) for annotation in submitted(task)]
    answers = [answer for answer in read if answer is not None]
    return any(differ(answers[0], other) for other in answers[1:])


def submitted(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The annotations of an exported task that people have submitted."""
    annotations = task.get("annotations")
    return [
        annotation
        for annotation in (annotations if isinstance(annotations, list) else ())
        if is_submitted(annotation) and not is_as_sent(annotation, task)
    ]


def differ(one: Answer, other: Answer) -> bool:
    """Whether two answers to a task, each read as if nothing had been sent, say different things."""
    ids: dict[str, str] = {}
    for kind in dict.fromkeys((*one.fields, *one.unexpected, *other.unexpected)):
        if not _pair(_said(one, kind), _said(other, kind), ids):
            return True
    return _relations(one, ids) != _relations(other)


def _alone(
    task: Mapping[str, Any], annotation: Mapping[str, Any], fields: Sequence[LabelField], run: str
) -> Answer | None:
    """What an annotation says by itself: each of its labels as if it were new."""
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(origin, Mapping):
        return None
    nothing_sent = {**task, "meta": {META: {**origin, "sent": {}}}, "annotations": [annotation]}
    return parse_task(nothing_sent, fields, run, [])


def _said(answer: Answer, kind: str) -> list[_Said]:
    """The labels of a field, or of a label type that no field expects."""
    found: Iterable[LabelAnswer] = answer.unexpected.get(kind, ())
    if kind in answer.fields:
        found = (*answer.fields[kind].edited, *answer.fields[kind].added)
    return [_Said(label.label_id, label.parsed.values, tuple(sorted(label.parsed.answers))) for label in found]


def _pair(some: Sequence[_Said], others: Sequence[_Said], ids: dict[str, str]) -> bool:
    """Whether there is an equal label for each; receives the id of each label, and that of its equal."""
    left = list(others)
    for label in some:
        place = next((place for place, other in enumerate(left) if label.is_same(other)), None)
        if place is None:
            return False
        ids[label.label_id] = left.pop(place).label_id
    return not left


def _relations(answer: Answer, ids: Mapping[str, str] | None = None) -> set[tuple[str, str]]:
    names = ids or {}
    return {(names.get(start, start), names.get(end, end)) for start, ends in answer.relations.items() for end in ends}
