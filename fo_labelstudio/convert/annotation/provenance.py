"""Who answered, and when, as attributes of the labels that were changed or added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fo_labelstudio.convert.annotation.answer import FieldAnswer, Made
from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer

KINDS = {"annotator": "str", "annotation_id": "int", "annotated_at": "datetime", "lead_time": "float"}
"""Name of an attribute, or of a field of samples -> the kind of its values."""

ATTRIBUTES = tuple(Attribute(name, Question("text", kind), name) for name, kind in KINDS.items())
"""The attributes that labels get."""


def values_of(made: Made) -> dict[str, Any]:
    """What attributes, or fields of samples, are to hold of an annotation; None for what it does not say."""
    return dict(zip(KINDS, (made.annotator, made.annotation_id, made.time, made.lead_time), strict=True))


def with_provenance(answer: FieldAnswer, made: Made) -> FieldAnswer:
    """What was answered of one field, with who answered as attributes of the labels that were changed or added.

    Labels that nobody has touched stay as they are.
    """
    values = _as_json(values_of(made))

    def made_by(edit: LabelAnswer) -> LabelAnswer:
        if not edit.parsed.values:
            return edit
        parsed = edit.parsed._replace(values={**edit.parsed.values, **values})
        return edit._replace(parsed=parsed, aspects=(*edit.aspects, *values))

    return replace(answer, edited=list(map(made_by, answer.edited)), added=list(map(made_by, answer.added)))


def with_known_provenance(
    answer: FieldAnswer, made: Made, written: Mapping[str, Mapping[str, Sequence[Any]]]
) -> FieldAnswer:
    """The same for the labels that say already that this annotation has made them, so that they still do.

    Args:
        answer: what was answered
        made: who answered
        written: label id -> attribute -> values before and after, which loads have written
    """
    values = _as_json(values_of(made))

    def is_known(edit: LabelAnswer) -> bool:
        known = {name: pair[-1] for name, pair in written.get(edit.label_id, {}).items() if name in KINDS}
        return bool(known) and _as_json({**dict.fromkeys(KINDS), **known}) == values

    known = replace(answer, edited=list(filter(is_known, answer.edited)), added=list(filter(is_known, answer.added)))
    if not (known.edited or known.added):
        return answer
    told = {edit.label_id: edit for found in [with_provenance(known, made)] for edit in (*found.edited, *found.added)}
    return replace(
        answer,
        edited=[told.get(edit.label_id, edit) for edit in answer.edited],
        added=[told.get(edit.label_id, edit) for edit in answer.added],
    )


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for attribute in ATTRIBUTES:
        value = values[attribute.name]
        found[aspect_name(attribute)] = None if value is None else attribute.question.to_json(value)
    return found
