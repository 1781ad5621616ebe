"""Takes what people changed into stored labels, and settles what has been changed there, too.

A *second label* holds the annotator's version where both are kept. It belongs to loads as long as nobody edits it: it
follows the answer, and goes with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId

from fo_labelstudio.convert.annotation import provenance
from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.edits import sent_doc, to_doc
from fo_labelstudio.convert.families import family_of, has_several
from fo_labelstudio.convert.records import RELATED, LabelAnswer, LabelField
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.merge.conflicts import (
    ANNOTATOR,
    BOTH,
    DATASET,
    DELETED,
    DELETION,
    KEEP_BOTH,
    RELATIONS,
    RESTORED,
    SECOND,
    Conflict,
    Rules,
    Settled,
    answered_units,
    aspect_of,
    doc_digest,
    is_changed,
    is_permitted,
    names_of,
    second_id,
    sent_value,
    stored_digest,
    unit_of,
    value_digest,
    value_of,
    whole_of,
)
from fo_labelstudio.merge.conflicts import (
    shown as shown_value,
)
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import WrittenValues, before_loads
from fo_labelstudio.merge.taking import LabelChanges, MaskReader, Taking, parted, update

_MARKS = (DELETED, RESTORED, SECOND, RELATIONS)


class Settling(Taking):
    """As :class:`Taking`, but what the dataset and the answer have both changed is settled as rules say, and told."""

    def __init__(
        self,
        stored: Sequence[LabelDoc],
        answer: FieldAnswer,
        field: LabelField,
        originals: Mapping[str, LabelDoc],
        loaded: Collection[str],
        with_mask: MaskReader,
        written: Mapping[str, WrittenValues],
        may_restore: bool,
        takes_place: bool,
        shown: Mapping[str, LabelDoc],
        rules: Rules,
    ):
        super().__init__(stored, answer, field, originals, loaded, with_mask, written, may_restore, takes_place, shown)
        self._rules = rules
        can_keep_both = has_several(field) and not field.is_of_frames and field.allow_additions
        self._policy = ANNOTATOR if rules.on_conflict == KEEP_BOTH and not can_keep_both else rules.on_conflict

    def delete_gone(self) -> None:
        """Also deletes what loads made of labels that neither side has any more."""
        super().delete_gone()
        for label_id in self._answer.deleted:
            settled = self._settled_of(label_id)
            if settled and DELETED not in settled and label_id not in self._by_id:
                self._drop_second(label_id, settled)
                self._changes.settled[label_id] = _DELETED
            elif DELETED not in settled and label_id in self._originals.keys() & self._rules.lost.keys():
                self._leave_uncopied(label_id)

    def _leave_uncopied(self, label_id: str) -> None:
        """Does not copy a label of the run's field that its annotator has deleted, unless it was edited and counts."""
        if not (self._field.allow_deletions and self._may_restore):
            return
        original = self._originals[label_id]
        self._changes.settled[label_id] = _DELETED
        if self._is_edited_since(original, Settled()):
            kept = ANNOTATOR if self._policy == ANNOTATOR else DATASET
            self._tell(
                Conflict(label_id, DELETION, self._whole_sent(label_id), whole_of(original, self._field), None, kept)
            )
            if kept == DATASET:
                self._restore(original, {})

    def leave_untouched(self) -> None:
        """Also takes back what loads made of labels because of edits that were taken back."""
        super().leave_untouched()
        answer = self._answer
        for label_id in answer.kept:
            settled = self._settled_of(label_id)
            is_decided = label_id in answer.left or label_id in answer.not_shown or self._takes_values(label_id)
            if not settled or is_decided:
                continue
            stored = self._by_id.get(label_id)
            if RESTORED in settled and stored is not None and not self._is_edited_since(stored, settled):
                # Whoever deleted it stands alone now.
                self._delete(label_id)
            self._drop_second(label_id, settled)
            now = Settled()
            now.copy(settled, self._relations(label_id))
            self._changes.settled[label_id] = now.text

    def finished(self) -> LabelChanges:
        """The changes, and what is settled of what they make."""
        changes = self._changes
        meant = {str(doc["_id"]) for doc in changes.added}
        changes = super().finished()
        for label_id in meant - {str(doc["_id"]) for doc in changes.added}:
            # The field cannot hold it.
            changes.settled.pop(label_id, None)
        known = self._rules.settled
        changes.settled = {key: text for key, text in changes.settled.items() if text != known.get(key, "")}
        return changes

    def _undoable(self, stored: LabelDoc, record: WrittenValues) -> WrittenValues:
        """As :meth:`Taking._undoable`; of a unit that somebody has edited since, nothing."""
        settled = self._settled_of(str(stored["_id"]))
        found = dict(record)
        for unit in [unit for unit in settled if unit not in _MARKS]:
            left = settled.stored_of(unit)
            if left is not None and left != stored_digest(unit, stored, self._field):
                for name in names_of(unit, self._field):
                    found.pop(name, None)
        return found

    def _related(self) -> dict[str, Sequence[str]]:
        """The relations that are news; see :meth:`Taking._related`."""
        found: dict[str, Sequence[str]] = {}
        for label_id, others in self._answer.related.items():
            settled = self._settled_of(label_id)
            digest, stored = value_digest(others), self._by_id.get(label_id)
            if stored is not None and settled.answer_of(RELATIONS) == digest:
                continue
            now = Settled(self._changes.settled.get(label_id, self._rules.settled.get(label_id, "")))
            there = None if stored is None else stored.get(RELATED)
            left = settled.stored_of(RELATIONS)
            is_theirs = there not in (None, [], others) if left is None else left != value_digest(there)
            kept = ANNOTATOR
            if is_theirs and there != others:
                kept = DATASET if self._policy == DATASET else ANNOTATOR
                self._tell(
                    Conflict(label_id, f"attribute {RELATED}", None, shown_value(there), shown_value(others), kept)
                )
            if kept == ANNOTATOR:
                found[label_id] = others
            now.put(RELATIONS, digest, value_digest(others) if kept == ANNOTATOR else None)
            self._changes.settled[label_id] = now.text
        return found

    def _relations(self, label_id: str) -> tuple[str, ...]:
        """The relations of a label as a mark, unless the annotator has taken them away."""
        return (RELATIONS,) if self._not_told(label_id) else ()

    def _is_to_be_deleted(self, label_id: str) -> bool:
        settled = self._settled_of(label_id)
        if DELETED in settled or not super()._is_to_be_deleted(label_id):
            return False
        self._drop_second(label_id, settled)
        self._changes.settled[label_id] = _DELETED
        stored = self._by_id[label_id]
        if not self._is_edited_since(stored, settled):
            return True
        is_deleted = self._policy == ANNOTATOR
        whole = whole_of(stored, self._field)
        kept = ANNOTATOR if is_deleted else DATASET
        self._tell(Conflict(label_id, DELETION, self._whole_sent(label_id), whole, None, kept))
        return is_deleted

    def _is_edited_since(self, stored: LabelDoc, settled: Settled) -> bool:
        """Whether somebody has edited a stored label since it was sent, or since a load has put it there."""
        label_id = str(stored["_id"])
        record = self._written.get(label_id, {})
        was_sent = self._answer.was_sent.get(label_id)
        if was_sent is None:
            left = [unit for unit in settled if settled.stored_of(unit) is not None and unit not in _MARKS]
            return any(settled.stored_of(unit) != stored_digest(unit, stored, self._field) for unit in left)
        units = [*family_of(self._field).aspects, *map(aspect_name, self._field.attributes)]
        seen = self._with_mask(stored) if "mask" in units else stored
        return any(self._is_theirs(unit, stored, record, settled, was_sent, seen) for unit in units)

    def _is_theirs(
        self,
        unit: str,
        stored: LabelDoc,
        record: WrittenValues,
        settled: Settled,
        edit: LabelAnswer | None,
        with_mask: LabelDoc,
    ) -> bool:
        """Whether somebody else than a load has changed a unit of a stored label; see :func:`is_changed`.

        What a load has noted of it decides. Else nobody has where it is as any of the predictions has shown it, nor
        where it is as another field has it that the label was accepted from. Where nothing is known of what was sent,
        the annotator's answer counts.

        Args:
            edit: what came back of it, with what was sent; None where only other predictions say what was sent
        """
        label_id, field = str(stored["_id"]), self._field
        is_noted = settled.stored_of(unit) is not None or any(name in record for name in names_of(unit, field))
        if label_id in self._shown and not is_noted:
            other = self._shown[label_id]
            if stored_digest(unit, stored, field) == stored_digest(unit, {**stored, **other}, field):
                return False
        sent = [*([] if edit is None else [edit]), *self._answer.sent_besides.get(label_id, ())]
        return bool(sent) and all(is_changed(unit, stored, record, settled, one, field, with_mask) for one in sent)

    def _changed_there(self, stored: LabelDoc, final: LabelDoc) -> list[str]:
        """The units of a stored label that somebody has changed, and that another prediction has otherwise."""
        field, label_id = self._field, str(stored["_id"])
        settled, record = self._settled_of(label_id), self._written.get(label_id, {})
        units = [*family_of(field).aspects, *map(aspect_name, field.attributes)]
        units = [unit for unit in units if stored_digest(unit, stored, field) != stored_digest(unit, final, field)]
        seen = self._with_mask(stored) if "mask" in units else stored
        return [unit for unit in units if self._is_theirs(unit, stored, record, settled, None, seen)]

    def _accepted(
        self, stored: LabelDoc, base: LabelDoc, values: dict[str, Any], edit: LabelAnswer | None
    ) -> tuple[LabelDoc, dict[str, Any]]:
        """As :meth:`Taking._accepted`; what somebody has changed in the dataset since it was sent is settled, too."""
        label_id, field, final = str(stored["_id"]), self._field, {**base, **values}
        settled, now = self._settled_of(label_id), Settled()
        now.copy(settled, self._relations(label_id))
        theirs = self._changed_there(stored, final)
        answered = {} if edit is None else answered_units(edit)
        units = {unit: digest for unit, digest in answered.items() if unit in theirs or is_permitted(unit, field)}
        units = {**{unit: stored_digest(unit, final, field) for unit in theirs}, **units}
        if (
            SECOND in settled
            and theirs
            and units == {one: settled.answer_of(one) for one in settled if one not in _MARKS}
        ):
            # Both are there already, or whoever has deleted one of them wants it so.
            return stored, {}
        kept = {KEEP_BOTH: BOTH}.get(self._policy, self._policy)
        for unit, digest in units.items():
            if unit in theirs and settled.answer_of(unit) != digest:
                self._tell_of(unit, stored, final, kept)
            is_left = unit in theirs and kept != ANNOTATOR
            now.put(unit, digest, None if is_left else stored_digest(unit, final, field))
        if kept != BOTH or not theirs:
            # Else each load makes the second label anew.
            self._changes.accepted.append(label_id)
        names = {name for unit in theirs for name in names_of(unit, field)} if kept != ANNOTATOR else set()
        second = {name: final[name] for name in names if name in final} if kept == BOTH else {}
        base = {name: value for name, value in base.items() if name not in names}
        base.update((name, stored[name]) for name in names if name in stored)
        values = {name: value for name, value in values.items() if name not in names}
        self._keep_second(label_id, {**base, **values}, second, settled, now)
        self._changes.settled[label_id] = now.text
        return base, values

    def _make_room(self, added: LabelDoc) -> None:
        """As :meth:`Taking._make_room`, unless the dataset's label was edited and counts."""
        changes, field, is_left = self._changes, self._field, False
        for label_id, stored in self._by_id.items():
            settled = self._settled_of(label_id)
            theirs = {unit: stored_digest(unit, added, field) for unit in self._changed_there(stored, added)}
            news = [unit for unit, digest in theirs.items() if settled.answer_of(unit) != digest]
            for unit in news:
                self._tell_of(unit, stored, added, self._policy)
            if theirs and (self._policy == DATASET or not news):
                for unit, digest in theirs.items():
                    settled.put(unit, digest)
                is_left, changes.settled[label_id] = True, settled.text
        if is_left:
            changes.added.remove(added)
            changes.written.pop(str(added["_id"]), None)
        else:
            super()._make_room(added)

    def _edit(self, stored: LabelDoc, edit: LabelAnswer) -> None:
        label_id, changes, field = edit.label_id, self._changes, self._field
        if self._takes_values(label_id):
            self._accept(stored, edit)
            return
        settled = self._settled_of(label_id)
        units = answered_units(edit)
        news, telling = [unit for unit in units if settled.answer_of(unit) != units[unit]], self._telling(units)
        if any(unit not in telling for unit in news):
            # Another label may say it from now on.
            news = [unit for unit in units if unit in news or unit in telling]
        old = [unit for unit in units if unit not in news]
        record, retained = parted(self._written.get(label_id, {}), self._skipped_in(edit))
        held = {name for unit in old for name in names_of(unit, field)}
        retained = {**retained, **{name: pair for name, pair in record.items() if name in held}}
        record = {name: pair for name, pair in record.items() if name not in held}
        taken_back = [unit for unit in settled if unit not in units and unit not in _MARKS]
        if not (news or record or taken_back or (DELETED in settled and not old)):
            # A load has taken all of this over already; whatever the dataset holds now was decided there.
            return
        base = before_loads(stored, self._undoable(stored, record))
        now = Settled()
        now.copy(settled, [*old, RESTORED, *self._relations(label_id)])
        values, second = self._resolved(base, edit, news, record, settled, now, stored)
        if values is None:
            if DELETED in now:
                changes.settled[label_id] = now.text
            else:
                self._empty(label_id)
            return
        update(changes, stored, base, values, record)
        self._retain(label_id, retained)
        final = {**base, **values}
        waiting = [unit for unit in old if settled.stored_of(unit) is None]
        if waiting and (second or SECOND in settled):
            second.update(self._changed_values(final, _only(edit, waiting)) or {})
        self._keep_second(label_id, final, second, settled, now)
        changes.settled[label_id] = now.text

    def _empty(self, label_id: str) -> None:
        super()._empty(label_id)
        if label_id in self._changes.deleted:
            self._changes.settled[label_id] = _DELETED

    def _resolved(
        self,
        base: LabelDoc,
        edit: LabelAnswer,
        news: Sequence[str],
        record: WrittenValues,
        settled: Settled,
        now: Settled,
        stored: LabelDoc,
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """What is to be written into a label, and what into a second one; settles the units that have news.

        Args:
            base: the label as it was before loads wrote into it
            edit: what came back
            news: the units that came back otherwise than earlier
            record: what loads wrote
            settled: what was settled
            now: receives what is settled now
            stored: the label as it is

        Returns:
            attribute -> value; None where nothing is left of the label
        """
        field = self._field
        seen = self._with_mask(stored) if "mask" in news else stored
        values = self._changed_values(base, _only(edit, news))
        second: dict[str, Any] = {}
        lost, answered = values is None, answered_units(edit)
        for unit in news:
            if not is_permitted(unit, field):
                continue
            names = names_of(unit, field)
            mine = {name: value for name, value in (values or {}).items() if name in names}
            kept = ANNOTATOR
            if (mine or lost) and self._is_theirs(unit, stored, record, settled, edit, seen):
                kept = {KEEP_BOTH: BOTH}.get(self._policy, self._policy)
                theirs = None if lost else value_of(unit, {**base, **mine}, field)
                as_sent = self._as_sent(edit.label_id)
                sent = sent_value(unit, edit, field, record, as_sent)
                if lost and as_sent is not None:
                    sent = whole_of(as_sent, field)
                aspect = DELETION if lost else aspect_of(unit, field)
                conflict = Conflict(edit.label_id, aspect, sent, value_of(unit, stored, field), theirs, kept)
                self._tell(conflict)
                if kept != ANNOTATOR:
                    for name in mine:
                        del (values or {})[name]
                    second.update(mine if kept == BOTH else {})
                    if lost:
                        now.put(DELETED)
            left = None if kept != ANNOTATOR else stored_digest(unit, {**base, **mine}, field)
            now.put(unit, answered[unit], left)
        if values is not None:
            self._move_provenance(values, second, answered, now)
        return values, second

    def _move_provenance(
        self, values: dict[str, Any], second: dict[str, Any], answered: Mapping[str, str], now: Settled
    ) -> None:
        """Has only the second label say who changed it, where the first one is in nothing as the annotator has it."""
        telling = self._telling(answered)
        others = [unit for unit in answered if unit not in telling]
        if not (telling and others) or any(unit not in now or now.stored_of(unit) is not None for unit in others):
            return
        moved = {name: values.pop(name) for name in provenance.KINDS if name in values}
        second.update(moved if second else {})
        for unit in telling:
            now.put(unit, answered[unit])

    def _telling(self, units: Collection[str]) -> list[str]:
        """Those of some units that say who has changed the label."""
        if not all(attribute in self._field.attributes for attribute in provenance.ATTRIBUTES):
            return []
        return [unit for unit in map(aspect_name, provenance.ATTRIBUTES) if unit in units]

    def _take_original(self, original: LabelDoc, edit: LabelAnswer) -> None:
        now = Settled()
        if DELETED in self._settled_of(edit.label_id) and self._changed_values(original, edit) is None:
            # Nothing was left of it at an earlier load either.
            return
        units = list(answered_units(edit))
        values, second = self._resolved(original, edit, units, {}, Settled(), now, original)
        if values is None:
            return
        self._restore(original, values)
        if self._may_restore:
            self._keep_second(edit.label_id, {**original, **values}, second, Settled(), now)
            self._changes.settled[edit.label_id] = now.text

    def _add(self, edit: LabelAnswer) -> LabelDoc:
        added = super()._add(edit)
        self._changes.settled[edit.label_id] = self._settled_as(added, edit).text
        return added

    def _settled_as(self, doc: LabelDoc, edit: LabelAnswer) -> Settled:
        """What is settled of a label that is as an answer says."""
        now = Settled()
        for unit, digest in answered_units(edit).items():
            now.put(unit, digest, stored_digest(unit, doc, self._field))
        return now

    def _settled_without(self, edit: LabelAnswer) -> Settled:
        """What is settled of a label that is not as an answer says."""
        now = Settled()
        for unit, digest in answered_units(edit).items():
            now.put(unit, digest)
        return now

    def _leave_departed(self, edit: LabelAnswer) -> None:
        """Puts a label back that was edited here and deleted there, where the edit counts."""
        label_id, changes, field = edit.label_id, self._changes, self._field
        settled, units = self._settled_of(label_id), answered_units(edit)
        news = [unit for unit in units if settled.answer_of(unit) != units[unit]]
        was_there = label_id in self._loaded or label_id in self._written
        if was_there and not settled and not self._answer.is_of_another_field:
            # An earlier version has loaded it, and noted less.
            self._changes.settled[label_id] = self._settled_without(edit).text
            return
        if not news or not edit.parsed.values:
            return
        if not self._may_restore:
            changes.refuse("allow_additions=False")
            return
        has_room = has_several(field) or not self._by_id
        other = self._by_id.get(second_id(label_id)) if SECOND in settled else None
        if label_id in self._rules.elsewhere or not has_room:
            changes.departed.append(label_id)
        elif other is not None:
            self._edit_second(other, edit, news, settled)
        else:
            self._put_back(edit, settled)

    def _put_back(self, edit: LabelAnswer, settled: Settled) -> None:
        label_id, changes, field = edit.label_id, self._changes, self._field
        is_back = self._policy != DATASET
        lost = self._rules.lost.get(label_id) or self._as_sent(label_id)
        values = {} if lost is None else self._changed_values(lost, edit)
        if values is None:
            return
        made = to_doc(edit, field) if lost is None else {**lost, **values}
        if is_back:
            now = self._settled_as(made, edit)
            now.put(RESTORED)
            changes.added.append(made)
        else:
            now = self._settled_without(edit)
            changes.departed.append(label_id)
        kept = ANNOTATOR if is_back else DATASET
        self._tell(Conflict(label_id, DELETION, self._whole_sent(label_id), None, whole_of(made, field), kept))
        changes.settled[label_id] = now.text

    def _keep_second(
        self, label_id: str, final: LabelDoc, values: Mapping[str, Any], settled: Settled, now: Settled
    ) -> None:
        """Makes the second label of a label, or brings it up to the answer, or takes it away."""
        if not values:
            self._drop_second(label_id, settled)
            return
        made_id = second_id(label_id)
        made = {**final, **values, "_id": ObjectId(made_id)}
        there = self._by_id.get(made_id)
        now.put(SECOND, stored=doc_digest(made))
        if there is None:
            self._changes.added.append(made)
            self._changes.seconds.add(made_id)
        elif settled.stored_of(SECOND) == doc_digest(there):
            self._write_second(there, made)
        else:
            # Somebody has edited it, so it is theirs.
            now.put(SECOND, stored=settled.stored_of(SECOND))

    def _write_second(self, there: LabelDoc, made: LabelDoc) -> None:
        changed = {name: value for name, value in made.items() if not is_identical(there.get(name), value)}
        if changed:
            self._changes.values[str(there["_id"])] = changed

    def _edit_second(self, there: LabelDoc, edit: LabelAnswer, news: Iterable[str], settled: Settled) -> None:
        """Takes an edit over into the second label, whose first one somebody has deleted to keep it."""
        now = Settled(settled.text)
        for unit, digest in answered_units(edit).items():
            now.put(unit, digest)
        if settled.stored_of(SECOND) == doc_digest(there):
            made = {**there, **(self._changed_values(there, _only(edit, news)) or {})}
            now.put(SECOND, stored=doc_digest(made))
            self._write_second(there, made)
        else:
            theirs, mine = (whole_of(doc, self._field) for doc in (to_doc(edit, self._field), there))
            sent = self._whole_sent(edit.label_id)
            self._tell(Conflict(str(there["_id"]), DELETION, sent, mine, theirs, DATASET))
        self._changes.settled[edit.label_id] = now.text

    def _drop_second(self, label_id: str, settled: Settled) -> None:
        """Deletes the second label of a label, unless somebody has edited it."""
        made_id = second_id(label_id)
        there = self._by_id.get(made_id) if SECOND in settled else None
        if there is not None and settled.stored_of(SECOND) == doc_digest(there):
            self._delete(made_id)

    def _delete(self, label_id: str) -> None:
        """Deletes a label that was there for a conflict only."""
        changes = self._changes
        if label_id not in changes.deleted and changes.allows("allow_deletions", self._field):
            changes.deleted.append(label_id)
            changes.forgotten.add(label_id)

    def _as_sent(self, label_id: str) -> LabelDoc | None:
        """A label as it was sent, as far as regions hold it; None where that is not known."""
        found = self._answer.as_sent.get(label_id)
        return None if found is None else sent_doc(found, self._field)

    def _whole_sent(self, label_id: str) -> dict[str, Any] | None:
        """What a report shows of a label as it was sent; None where that is not known."""
        as_sent = self._as_sent(label_id)
        return None if as_sent is None else whole_of(as_sent, self._field)

    def _settled_of(self, label_id: str) -> Settled:
        return Settled(self._rules.settled.get(label_id, ""))

    def _tell_of(self, unit: str, stored: LabelDoc, theirs: LabelDoc, kept: str) -> None:
        """Tells that a unit is one thing in the dataset, and another in a label that was accepted."""
        field, label_id = self._field, str(stored["_id"])
        mine, other = value_of(unit, stored, field), value_of(unit, theirs, field)
        self._tell(Conflict(label_id, aspect_of(unit, field), None, mine, other, kept))

    def _tell(self, conflict: Conflict) -> None:
        self._changes.conflicts.append(conflict)


def _settled_as_deleted() -> str:
    settled = Settled()
    settled.put(DELETED)
    return settled.text


_DELETED = _settled_as_deleted()
"""What is settled of a label that its annotator has deleted."""


def _only(edit: LabelAnswer, units: Iterable[str]) -> LabelAnswer:
    """An edit of some units only."""
    wanted = set(units)
    return edit._replace(aspects=tuple(aspect for aspect in edit.aspects if unit_of(aspect) in wanted))
