"""The steps in which answers are merged into a field of a dataset, whatever it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Generic, TypeVar

import fiftyone.core.fields as fof
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.dataset.place import Doc, Place
from fo_labelstudio.merge.conflicts import Conflict, Rules
from fo_labelstudio.merge.ledger import EditedLabels, Ledger

MAX_CHANGED = 10_000
"""Samples of which is known what a load has changed; all others are counted."""

KINDS = ("added", "edited", "deleted")
"""What becomes of a label."""

Change = TypeVar("Change")
"""What is to be written into one sample."""


@dataclass
class MergeReport:
    """What a merge did to one label field.

    Attributes:
        counts: labels ``added``, ``edited`` and ``deleted``
        refused: why changes were held back -> how many
        lost: ids of answered samples that have left the dataset
        notes: what had to be decided to make edits fit
        departed: sample and label ids of labels that were edited but have left the dataset meanwhile
        left: number of changes that could not be made
        remade: number of labels that were made anew from their regions
        conflicts: what the dataset and answers had both changed, each with the id of its sample
        changed: sample id -> how many of its labels were added, edited and deleted; of the first MAX_CHANGED samples
        not_listed: how many samples were changed besides
    """

    counts: Counter[str] = dataclass_field(default_factory=Counter)
    refused: Counter[str] = dataclass_field(default_factory=Counter)
    lost: list[str] = dataclass_field(default_factory=list)
    notes: list[str] = dataclass_field(default_factory=list)
    departed: list[tuple[str, str]] = dataclass_field(default_factory=list)
    left: int = 0
    remade: int = 0
    conflicts: list[tuple[str, Conflict]] = dataclass_field(default_factory=list)
    changed: dict[str, list[int]] = dataclass_field(default_factory=dict)
    not_listed: int = 0
    _noted: tuple[int, ...] = (0,) * len(KINDS)

    def note(self, sample_id: str) -> None:
        """Notes that what was counted since the last call is of a sample."""
        now = tuple(self.counts[kind] for kind in KINDS)
        made = [number - before for number, before in zip(now, self._noted, strict=True)]
        self._noted = now
        if not any(made):
            return
        known = self.changed.get(sample_id)
        if known is not None:
            self.changed[sample_id] = [number + more for number, more in zip(known, made, strict=True)]
        elif len(self.changed) < MAX_CHANGED:
            self.changed[sample_id] = made
        else:
            self.not_listed += 1


class FieldMerge(ABC, Generic[Change]):
    """Merges answers into one field of a dataset, which :meth:`ensure_field` makes where it is new.

    Args:
        place: the field that receives what was answered
        field: the label field of the run
        ledger: what loads have done to the place
        source: the run's field, where the place is another field that starts as a copy of it
        on_conflict: what becomes of what the dataset and an answer have both changed, one of ON_CONFLICT; where None,
            the answer counts, and nobody is told

    Raises:
        LabelSchemaError: the field cannot hold what was answered, or is read-only
    """

    def __init__(
        self,
        place: Place,
        field: LabelField,
        ledger: Ledger,
        source: Place | None = None,
        on_conflict: str | None = None,
    ):
        self.report = MergeReport()
        """What was done so far."""
        self.ledger = ledger
        """What loads have done to the place."""
        self._place = place
        self._field = field
        self._is_copy = source is not None
        self._on_conflict = on_conflict
        self.source_edited: EditedLabels = {}
        """What loads have written into the run's field, where the place starts as a copy of it: not what was sent."""
        self._origins: dict[str, Place] = {}
        self._shown_in = None if field.shows is None else place.other(field.shows)
        declared = source and source.field
        # A field that is gone, or has become one of another type, has nothing to copy.
        self._source = source if declared is not None and self.can_hold(declared, field) else None
        self._check()

    @staticmethod
    @abstractmethod
    def can_hold(declared: fof.Field, field: LabelField) -> bool:
        """Whether a field of the dataset can hold what people answer of a label field."""

    def ensure_field(self) -> None:
        """Makes the field where the dataset does not have it."""
        self._place.ensure(**self._declaration())

    def merge(self, answers: Iterable[Answer]) -> None:
        """Brings the field up to some answers."""
        concerned = [answer for answer in answers if self._may_change(answer)]
        if not concerned:
            return
        self._find_origins(concerned)
        docs = self._read(answer.sample_id for answer in concerned)
        self._look_around(concerned, docs)
        planned: list[tuple[Answer, Change]] = []
        operations: list[UpdateOne] = []
        for answer in concerned:
            doc = docs.get(answer.sample_id)
            if doc is None:
                self.report.lost.append(answer.sample_id)
                continue
            change = self._plan(answer, doc)
            if change is not None:
                operations.extend(self._operations(answer, doc, change))
                planned.append((answer, change))
        ids = [answer.sample_id for answer, _ in planned]
        if self._place.write(operations, ids) < len(operations):
            planned = self._written(planned, self._read(ids))
        for answer, change in planned:
            self._record(answer, change)
            self.report.note(answer.sample_id)

    def _read(self, sample_ids: Iterable[str]) -> dict[str, Doc]:
        return self._place.read(sample_ids, *filter(None, (self._source, self._shown_in)), *self._origins.values())

    def _find_origins(self, answers: Iterable[Answer]) -> None:
        """Finds the fields whose labels people started from, where these were sent from other fields than the run's."""
        paths = {answer.sources[self._field.name] for answer in answers if self._field.name in answer.sources}
        places = {path: self._place.other(path) for path in sorted(paths)}
        fields = {path: place.field for path, place in places.items()}
        self._origins = {
            path: places[path] for path, found in fields.items() if found and self.can_hold(found, self._field)
        }

    def _origin_of(self, answer: Answer) -> Place | None:
        """The field whose labels an answer started from, where that is another one than the run's and is there."""
        return self._origins.get(answer.sources.get(self._field.name, ""))

    def _has_other_value(self, answer: Answer, doc: Doc) -> bool:
        """Whether the value that labels are on is another one than the annotator saw."""
        field = self._field
        if self._shown_in is None or field.shows in answer.fields:
            # What the run has people correct is another one as soon as that is loaded.
            return False
        value, shown = self._shown_in.value_in(doc), field.shown_value
        if value is not None and shown.problem_of(value):
            return True
        return digest_of(shown.to_data(value)) != answer.fields[field.name].on

    def _leave_of_other_value(self, answer: Answer) -> None:
        """Says that an answer is about another value than the dataset has now."""
        field, where = self._field, f"task {answer.task_id}, sample {answer.sample_id}"
        if self._shown_in is not None and self._shown_in.field is None:
            self.report.notes.append(
                f"{where}: the dataset has no field {field.shows!r} any more, which the labels of {field.name!r} are "
                "on; left alone. If it was renamed, give it that name again, and load again"
            )
        else:
            self.report.notes.append(
                f"{where}: its {field.shows!r} was changed after it was sent, so what was answered about it for "
                f"{field.name!r} is of another one; left alone. To have it loaded, give it the value that its task "
                "has, and load again"
            )
        self.report.left += 1

    def _look_around(self, answers: Sequence[Answer], docs: Mapping[str, Doc]) -> None:
        """Looks at what else is to be known of the dataset before a page of answers is planned."""
        return

    def _rules(self, sample_id: str) -> Rules | None:
        """How what the dataset and an answer have both changed is settled."""
        if self._on_conflict is None:
            return None
        return Rules(self._on_conflict, self.ledger.settled.get(sample_id, {}))

    @abstractmethod
    def _may_change(self, answer: Answer) -> bool:
        """Whether an answer may change anything; where it cannot, the sample is not even read."""

    @abstractmethod
    def _check(self) -> None:
        """Refuses a field that cannot hold what was answered."""

    @abstractmethod
    def _declaration(self) -> Mapping[str, Any]:
        """The keyword arguments that make the field."""

    @abstractmethod
    def _plan(self, answer: Answer, doc: Doc) -> Change | None:
        """What an answer changes of a sample, or None where nothing is to be written."""

    @abstractmethod
    def _operations(self, answer: Answer, doc: Doc, change: Change) -> Iterable[UpdateOne]:
        """The writes that make a change."""

    @abstractmethod
    def _written(
        self, planned: Sequence[tuple[Answer, Change]], docs: Mapping[str, Doc]
    ) -> list[tuple[Answer, Change]]:
        """Those of some changes that were made, where somebody else has written into samples meanwhile.

        Args:
            planned: the changes
            docs: sample id -> the sample as it is now
        """

    @abstractmethod
    def _record(self, answer: Answer, change: Change) -> None:
        """Notes a change that was made, in the ledger and in the report."""
