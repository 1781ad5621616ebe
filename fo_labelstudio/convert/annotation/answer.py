"""What the annotation of a task says: of each label field, and besides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any, NamedTuple

from fo_labelstudio.convert.records import LabelAnswer, SentLabel
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.messages import quoted


class Problem(NamedTuple):
    """Something that could not be understood and was left alone, or had to be decided.

    Attributes:
        task_id: the task, as far as it says
        region_id: the region, or None where it is the whole task
        reason: what was wrong, or how it was decided
        is_note: whether it was decided
    """

    task_id: Any
    region_id: Any
    reason: str
    is_note: bool = False

    def __str__(self) -> str:
        region = "" if self.region_id is None else f", region {quoted(self.region_id)}"
        return f"task {self.task_id}{region}: {self.reason}"


class Made(NamedTuple):
    """Who made an annotation, and when.

    Attributes:
        annotator: their e-mail, or what is known of them
        annotation_id: the id of the annotation, or None where it has none
        time: when it was last submitted, in UTC, or None where it does not say
        lead_time: the seconds that it took, or None where it does not say
    """

    annotator: str
    annotation_id: int | None = None
    time: datetime | None = None
    lead_time: float | None = None


@dataclass
class FieldAnswer:
    """What the annotation of one task says of one label field.

    Attributes:
        kept: ids of labels to leave as they are: untouched, or not understood
        edited: labels that were changed
        deleted: ids of labels whose regions are gone
        was_sent: id of a deleted label -> an edit that holds nothing but what was sent
        as_sent: id of a label that was edited or deleted -> the label as it was sent, as far as regions hold it
        sent_besides: label id -> an edit that holds nothing but what was sent, for each other prediction that showed it
        is_of_another_field: whether it started from labels of another field than the run's
        added: labels that were drawn or chosen
        deletions_unsafe: whether a region of an unknown label was not understood, so that no label may be called gone
        related: label id -> ids of the labels that it is to name as related
        relations_told: whether a label that ``related`` does not have is related to none; else nothing is said of it
        left: ids of kept labels of which something was said that is not loaded: what earlier loads wrote there stays
        not_shown: id of a label that the annotation lacks, but cannot have shown -> why; to be left exactly as it is
        attributes_not_shown: the same for answers about attributes: name of the attribute -> why
        elsewhere: ids of labels that the annotation cannot have shown, for other annotations of the task made them;
            None where it cannot have shown any
        hidden: label id -> the frames that it has and that were not sent with it, see :func:`to_hidden`
        is_understood: whether any of its results was understood
        is_looked_at: whether, where there are no labels, it says that there is nothing to see
        on: the digest of the value that its labels are on, as it was shown; None where they are on the sample itself
        not_offered: choices that the control no longer has, so that leaving them out says nothing
    """

    kept: list[str] = dataclass_field(default_factory=list)
    edited: list[LabelAnswer] = dataclass_field(default_factory=list)
    deleted: list[str] = dataclass_field(default_factory=list)
    was_sent: dict[str, LabelAnswer] = dataclass_field(default_factory=dict)
    as_sent: dict[str, SentLabel] = dataclass_field(default_factory=dict)
    sent_besides: dict[str, list[LabelAnswer]] = dataclass_field(default_factory=dict)
    is_of_another_field: bool = False
    added: list[LabelAnswer] = dataclass_field(default_factory=list)
    deletions_unsafe: bool = False
    related: dict[str, list[str]] = dataclass_field(default_factory=dict)
    relations_told: bool = False
    left: set[str] = dataclass_field(default_factory=set)
    not_shown: dict[str, str] = dataclass_field(default_factory=dict)
    attributes_not_shown: dict[str, str] = dataclass_field(default_factory=dict)
    elsewhere: frozenset[str] | None = frozenset()
    hidden: dict[str, str] = dataclass_field(default_factory=dict)
    is_understood: bool = False
    is_looked_at: bool = True
    not_offered: frozenset[str] = frozenset()
    on: str | None = None

    def gone(self, loaded: Collection[str]) -> list[str]:
        """Those of the labels that earlier loads added which are no longer there."""
        if not loaded or self.deletions_unsafe or self.elsewhere is None:
            return []
        returned = (edit.label_id for edit in (*self.edited, *self.added))
        return sorted(set(loaded) - {*self.kept, *self.not_shown, *returned} - self.elsewhere)

    @property
    def is_untouched(self) -> bool:
        """Whether all labels are to be left as they are."""
        return not (self.edited or self.deleted or self.added or self.related)


class ReadyLabels(NamedTuple):
    """New labels of a field, as the database stores them: what an answer makes of a sample that has never had any.

    Attributes:
        label_ids: their ids, in order
        encoded: a BSON document whose only value is the list of them
        written: label id -> what the ledger is to hold of it
    """

    label_ids: tuple[str, ...]
    encoded: bytes
    written: Mapping[str, Mapping[str, Any]]


@dataclass
class Answer:
    """The submitted annotation of one task.

    Attributes:
        task_id: the task
        sample_id: the sample that it shows
        fields: label field -> what was answered
        unexpected: label type -> labels that no label field expects
        unexpected_elsewhere: ids of such labels that the annotation cannot have shown, for other annotations made them
        relations: label id -> ids of the labels that it was related to
        relations_unclear: whether there are others, of which an end is not known
        answered: name of a control tag that somebody added -> number of regions that it tells something of
        originals: label field -> label id -> label as it was sent, as far as regions hold it; where asked for only
        ready: label field -> its labels, where they were made ahead for a sample that has never had any
        sources: label field -> field of the dataset whose labels the annotation started from, where that is another one
        made: who made the annotation, and when
    """

    task_id: int
    sample_id: str
    fields: MutableMapping[str, FieldAnswer]
    unexpected: dict[str, list[LabelAnswer]] = dataclass_field(default_factory=dict)
    unexpected_elsewhere: frozenset[str] = frozenset()
    relations: dict[str, list[str]] = dataclass_field(default_factory=dict)
    relations_unclear: bool = False
    answered: dict[str, int] = dataclass_field(default_factory=dict)
    originals: dict[str, dict[str, LabelDoc]] = dataclass_field(default_factory=dict)
    ready: Mapping[str, ReadyLabels] = dataclass_field(default_factory=dict)
    sources: Mapping[str, str] = dataclass_field(default_factory=dict)
    made: Made | None = None
