"""What people changed + a sample's stored labels -> the smallest change of the stored labels.

Works on labels as the database stores them, so that what is not touched is not even rewritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.annotations import Edit, FieldAnswer
from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.family import is_number
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
    by_id = {str(doc.get("_id")): doc for doc in stored}
    returned = (*answer.edited, *answer.added)
    present = {*answer.kept, *(edit.label_id for edit in returned)}
    gone = () if answer.is_unclear else sorted(set(loaded) - present)
    for label_id in dict.fromkeys((*answer.deleted, *gone)):
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
    sent = _as_sent(stored, edit, field)
    values = {}
    for aspect in edit.aspects:
        changed = {}
        for name, absent in aspect.attributes.items():
            before, after = sent.get(name, absent), new.get(name, absent)
            value = blend(stored.get(name), before, after)
            if not is_same(before, after) and value != stored.get(name):
                changed[name] = value
        if changed and changes.allows(aspect.permission, field):
            values.update(changed)
    return values


def _as_sent(stored: LabelDoc, edit: Edit, field: LabelField) -> LabelDoc:
    """The stored label as it would come back untouched: within the image, turned by less than a full turn."""
    family = family_of(field.label_type)
    label = type(edit.label).from_dict(dict(stored))
    if family.check(label, field) is not None:
        return stored
    regions = family.to_regions([label], field, edit.media)
    parsed = family.parse_regions(regions, field, edit.media) if regions else []
    return family.to_label(parsed[0], field).to_dict() if parsed else stored


def blend(stored: Any, before: Any, after: Any) -> Any:
    """The value after an edit, with every number that the edit left alone exactly as stored.

    Args:
        stored: the stored value
        before: the stored value as it would come back untouched
        after: the value that came back
    """
    if all(isinstance(value, list) for value in (stored, before, after)) and len(stored) == len(before) == len(after):
        return [blend(*values) for values in zip(stored, before, after, strict=True)]
    return stored if stored is not None and is_same(before, after) else after


def is_same(before: Any, after: Any) -> bool:
    """Whether two values are equal, numbers within TOLERANCE."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_same, before, after))
    if is_number(before) and is_number(after):
        return abs(before - after) <= TOLERANCE
    return before == after
