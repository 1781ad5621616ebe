"""What an answer makes of a sample that never had labels in a field, made before it is known which sample that is."""

from __future__ import annotations

import bson
from bson.errors import BSONError

from fo_labelstudio.convert.annotation.answer import FieldAnswer, ReadyLabels
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.merge.changes import LabelChanges, label_changes


def ready_labels(answer: FieldAnswer, field: LabelField) -> ReadyLabels | None:
    """The labels that :func:`label_changes` appends where the sample has none, and no load has done anything to it.

    Args:
        answer: what was answered
        field: the label field

    Returns:
        the labels; None where there are none, or where there is anything else to do or to tell
    """
    name = list_name(LABEL_TYPES[field.label_type])
    if name is None or field.is_of_frames or not answer.added:
        return None
    changes = label_changes((), answer, field, {}, ())
    is_all = changes == LabelChanges(added=changes.added, written=changes.written)
    label_ids = tuple(edit.label_id for edit in answer.added)
    if not is_all or len(changes.added) < len(label_ids) or len(set(label_ids)) < len(label_ids):
        return None
    try:
        encoded = bson.encode({name: changes.added})
    except (BSONError, OverflowError, UnicodeError):
        # Told when the labels are merged.
        return None
    return ReadyLabels(label_ids, encoded, changes.written)
