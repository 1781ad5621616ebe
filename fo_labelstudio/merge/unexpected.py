"""Unexpected labels and relations -> answers of fields of their own, or what FiftyOne hands to its caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.annotation.unexpected import pseudo_field, return_type
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.records import LabelField


def attach_relations(answers: Iterable[Answer]) -> None:
    """Has relations kept: each label that one starts from names the labels at their ends."""
    for answer in answers:
        for name in answer.fields.keys() - answer.ready.keys():
            field_answer = answer.fields[name]
            field_answer.related = {}
            if answer.relations:
                ids = {*field_answer.kept, *(edit.label_id for edit in (*field_answer.edited, *field_answer.added))}
                field_answer.related = _relations_from(ids, answer)
            field_answer.relations_told = not answer.relations_unclear


def _relations_from(ids: Collection[str], answer: Answer) -> dict[str, list[str]]:
    return {start: ends for start, ends in answer.relations.items() if start in ids}


def as_field_answers(
    answers: Iterable[Answer], label_type: str, loaded: Collection[str], with_relations: bool
) -> Iterator[Answer]:
    """Answers of a field that expects labels of a type, for the samples that have or had any.

    Args:
        answers: the answers of the run
        label_type: the type of the unexpected labels
        loaded: ids of the samples that earlier loads gave some
        with_relations: whether relations are kept
    """
    name = pseudo_field(label_type).name
    for answer in answers:
        edits = answer.unexpected.get(label_type, [])
        if edits or answer.sample_id in loaded:
            related = _relations_from({edit.label_id for edit in edits}, answer) if with_relations else {}
            is_told = with_relations and not answer.relations_unclear
            kept = FieldAnswer(
                added=edits, related=related, relations_told=is_told, elsewhere=answer.unexpected_elsewhere
            )
            yield Answer(answer.task_id, answer.sample_id, {name: kept})


def file_returned(
    returned: dict[str, Any], answers: Iterable[Answer], label_type: str, fields: Sequence[LabelField]
) -> None:
    """Adds unexpected labels to what ``load_annotations(unexpected="return")`` returns.

    FiftyOne merges labels of the type that a field expects, so they are filed under a field of another type, or under
    the name of a single label.

    Args:
        returned: label field -> type -> sample id -> label id -> label
        answers: the answers of the run
        label_type: the type of the unexpected labels
        fields: the label fields of the run
    """
    kind = return_type(label_type)
    names = [field.name for field in fields if return_type(field.label_type) != kind]
    field_name, name = (names[0], kind) if names else (fields[0].name, kind.removesuffix("s"))
    labels = returned.setdefault(field_name, {}).setdefault(name, {})
    for answer in answers:
        for edit in answer.unexpected.get(label_type, ()):
            labels.setdefault(answer.sample_id, {})[edit.label_id] = to_label(edit, pseudo_field(label_type))
