"""What people changed + a sample's stored labels -> the smallest change of the stored labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.merge.conflicts import Rules
from fo_labelstudio.merge.ledger import WrittenValues
from fo_labelstudio.merge.settling import Settling
from fo_labelstudio.merge.taking import LabelChanges, MaskReader, Taking

__all__ = ["LabelChanges", "label_changes"]


def label_changes(
    stored: Sequence[LabelDoc],
    answer: FieldAnswer,
    field: LabelField,
    originals: Mapping[str, LabelDoc],
    loaded: Collection[str],
    with_mask: MaskReader = lambda doc: doc,
    written: Mapping[str, WrittenValues] = MappingProxyType({}),
    may_restore: bool = True,
    rules: Rules | None = None,
    takes_place: bool = False,
    shown: Mapping[str, LabelDoc] = MappingProxyType({}),
) -> LabelChanges:
    """The changes that bring a sample's labels up to an answer.

    A label that the dataset had and lacks now was deleted there. It stays deleted, unless it is among the originals, or
    the rules say that an edit of it counts.

    Args:
        stored: the labels that the destination field holds now
        answer: what was answered
        field: the label field of the run, whose flags say what may change
        originals: label id -> a label that the destination lacks, to be put there if the answer still has it: a label
            that an earlier load deleted, one of the run's field where the destination is another, or one that was made
            anew because the run's field is gone
        loaded: ids of labels that earlier loads put into the destination
        with_mask: gives a stored label its mask; asked for labels whose mask was edited only
        written: label id -> what earlier loads wrote into it, which an edit that was taken back undoes
        may_restore: whether originals may be put there
        rules: how what the dataset and the answer have both changed is settled; where None, the answer counts, and
            nobody is told
        takes_place: whether, in a field of one label, one of the originals takes the place of another label
        shown: label id -> the label that was sent, where that was one of another field with the same id
    """
    given = (stored, answer, field, originals, loaded, with_mask, written, may_restore, takes_place, shown)
    merge = Taking(*given) if rules is None else Settling(*given, rules)
    merge.delete_gone()
    merge.leave_untouched()
    merge.take_edits()
    return merge.finished()
