"""What people changed + a sample's stored labels -> the smallest change of the stored labels.

Works on labels as the database stores them, so that what is not touched is not even rewritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.annotations import Edit, FieldAnswer
from fo_labelstudio.convert.families import holds_list
from fo_labelstudio.convert.schema import LabelField

TOLERANCE = 1e-9
"""Relative to the image; a number that comes back closer than this to the stored one was not changed."""

LabelDoc = Mapping[str, Any]
"""A label as the database stores it."""


@dataclass
class LabelChanges:
    """What is to be written into one label field of one sample.

    Attributes:
        values: label id -> attribute -> new value
        deleted: ids of labels to delete
        added: labels to append
        refused: why changes were held back -> how many
    """

    values: dict[str, dict[str, Any]] = dataclass_field(default_factory=dict)
    deleted: list[str] = dataclass_field(default_factory=list)
    added: list[LabelDoc] = dataclass_field(default_factory=list)
    refused: dict[str, int] = dataclass_field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.deleted or self.added)

    def allows(self, permission: str, field: LabelField) -> bool:
        """Whether a flag of the label schema allows a change; counts it where not."""
        allowed = getattr(field, permission)
        if not allowed:
            self.refuse(f"{permission}=False")
        return allowed

    def refuse(self, reason: str) -> None:
        """Counts a change that is held back."""
        self.refused[reason] = self.refused.get(reason, 0) + 1


def label_changes(
    stored: Sequence[LabelDoc],
    answer: FieldAnswer,
    field: LabelField,
    originals: Mapping[str, LabelDoc],
    loaded: Collection[str],
) -> LabelChanges:
    """The changes that bring a sample's labels up to an answer.

    Args:
        stored: the labels that the destination field holds now
        answer: what was answered
        field: the label field of the run, whose flags say what may change
        originals: label id -> a label that the destination lacks, to be put there if the answer still has it: a label
            that an earlier load deleted, or one of the run's field where the destination is another
        loaded: ids of labels that earlier loads put into the destination
    """
    changes = LabelChanges()
    by_id = {str(doc["_id"]): doc for doc in stored}
    returned = (*answer.edited, *answer.added)
    present = {*answer.kept, *(edit.label_id for edit in returned)}
    for label_id in dict.fromkeys((*answer.deleted, *sorted(set(loaded) - present))):
        if label_id in by_id and changes.allows("allow_deletions", field):
            changes.deleted.append(label_id)
    for label_id in answer.kept:
        if label_id not in by_id and label_id in originals:
            changes.added.append(originals[label_id])
    for edit in returned:
        if edit.label_id in by_id:
            values = _changed_values(by_id[edit.label_id], edit, field, changes)
            if values:
                changes.values[edit.label_id] = values
        elif edit.label_id in originals:
            original = originals[edit.label_id]
            changes.added.append({**original, **_changed_values(original, edit, field, changes)})
        elif changes.allows("allow_additions", field):
            changes.added.append(edit.label.to_dict())
    if not holds_list(field.label_type) and len(by_id) > len(changes.deleted):
        for _ in changes.added:
            changes.refuse("a label that is there already")
        changes.added.clear()
    return changes


def _changed_values(stored: LabelDoc, edit: Edit, field: LabelField, changes: LabelChanges) -> dict[str, Any]:
    new = edit.label.to_dict()
    values = {}
    for aspect in edit.aspects:
        changed = {
            name: blend(stored.get(name, absent), new.get(name, absent)) for name, absent in aspect.attributes.items()
        }
        changed = {name: value for name, value in changed.items() if value != stored.get(name, aspect.attributes[name])}
        if changed and changes.allows(aspect.permission, field):
            values.update(changed)
    return values


def blend(stored: Any, new: Any) -> Any:
    """The new value, with every number that is the stored one within TOLERANCE left exactly as stored."""
    if isinstance(stored, list) and isinstance(new, list) and len(stored) == len(new):
        return [blend(old, value) for old, value in zip(stored, new, strict=True)]
    if _is_number(stored) and _is_number(new) and abs(stored - new) <= TOLERANCE:
        return stored
    return new


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
