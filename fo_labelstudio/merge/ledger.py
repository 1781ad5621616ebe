"""What loads have done to a field, so that a later load can undo it, and never does anything twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.merge.equality import is_identical

WrittenValues = Mapping[str, Sequence[Any]]
"""Attribute of a label that loads have written -> its value before, and the value that they wrote; the latter alone
where the label did not have the attribute."""

LoadedIds = MutableMapping[str, list[str]]
"""Sample id -> ids of the labels that loads have put into a field."""

RemovedLabels = dict[str, dict[str, LabelDoc]]
"""Sample id -> label id -> label that loads have deleted from a field."""

EditedLabels = dict[str, dict[str, WrittenValues]]
"""Sample id -> label id -> what loads have written into the label."""


SettledLabels = dict[str, dict[str, str]]
"""Sample id -> label id -> what loads have settled of the label, as ``conflicts.Settled.text`` has it."""


@dataclass
class Ledger:
    """What loads have done to one label field; brought up to date as they do more.

    Attributes:
        loaded: the labels that they have put there
        removed: the labels that they have deleted from the run's field
        edited: what they have written into labels
        settled: which answers they have taken over, and what they left in the dataset then
    """

    loaded: LoadedIds = dataclass_field(default_factory=dict)
    removed: RemovedLabels = dataclass_field(default_factory=dict)
    edited: EditedLabels = dataclass_field(default_factory=dict)
    settled: SettledLabels = dataclass_field(default_factory=dict)

    def has(self, sample_id: str) -> bool:
        """Whether loads have done anything to a sample."""
        return any(sample_id in done for done in (self.loaded, self.removed, self.edited, self.settled))

    def note_settled(self, sample_id: str, settled: Mapping[str, str]) -> None:
        """Notes what a load settles of labels; where that is nothing, what was settled is forgotten."""
        if settled:
            labels = {**self.settled.pop(sample_id, {}), **settled}
            if left := {label_id: text for label_id, text in labels.items() if text}:
                self.settled[sample_id] = left

    def note_written(self, sample_id: str, written: Mapping[str, WrittenValues]) -> None:
        """Notes what a load writes into labels.

        Args:
            sample_id: the sample
            written: label id -> what is written into the label; where that is nothing, what earlier loads have written
                is forgotten
        """
        labels = {**self.edited.pop(sample_id, {}), **written}
        if left := {label_id: record for label_id, record in labels.items() if record}:
            self.edited[sample_id] = left

    def note_removed(self, sample_id: str, labels: Iterable[LabelDoc]) -> None:
        """Notes labels that a load deletes, as they were before loads wrote into them.

        An annotator who restores such a label restores what the annotation says then.
        """
        edited = self.edited.get(sample_id, {})
        for label in labels:
            label_id = str(label["_id"])
            self.removed.setdefault(sample_id, {})[label_id] = before_loads(label, edited.get(label_id, {}))

    def note_restored(self, sample_id: str, label_ids: Iterable[str]) -> None:
        """Notes that labels which loads have deleted are back."""
        removed = self.removed.get(sample_id, {})
        for label_id in label_ids:
            removed.pop(label_id, None)
        if not removed:
            self.removed.pop(sample_id, None)

    def note_loaded(self, sample_id: str, added: Sequence[str], deleted: Collection[str] = ()) -> None:
        """Notes the labels that a load has put into the field, and forgets those that it has deleted."""
        before = (label_id for label_id in self.loaded.get(sample_id, ()) if label_id not in deleted)
        there = list(dict.fromkeys((*before, *added)))
        if there:
            self.loaded[sample_id] = there
        else:
            self.loaded.pop(sample_id, None)


def written_into(before: LabelDoc, values: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """What the ledger is to hold of values that a load writes into a label.

    Args:
        before: the label as it was before any load
        values: attribute -> the value that is written
    """
    return {name: (before[name], new) if name in before else (new,) for name, new in values.items()}


def before_loads(stored: LabelDoc, record: WrittenValues) -> LabelDoc:
    """A label as it was before loads wrote into it, but for what somebody else has changed since."""
    undone = {name: old for name, (*old, new) in record.items() if is_identical(stored.get(name), new)}
    if not undone:
        return stored
    others = {name: value for name, value in stored.items() if name not in undone or undone[name]}
    return {**others, **{name: old[0] for name, old in undone.items() if old}}
