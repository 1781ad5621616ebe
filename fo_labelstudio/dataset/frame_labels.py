"""What people changed in videos -> label fields of frames: one write per frame that changes, none for the others.

People see tracks and runs, each of which goes over many frames. They are merged as labels of the sample; only here they
are put together from what its frames hold, and taken apart again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import fiftyone.core.labels as fol
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.convert.annotation.answer import Answer, ReadyLabels
from fo_labelstudio.convert.families import family_of, label_class_of
from fo_labelstudio.convert.frame_labels import (
    FRAMES,
    LABELS,
    anchors,
    changed_frames,
    frame_docs,
    instance_of,
    label_id_at,
    needs_index,
    own_doc,
    without_own,
)
from fo_labelstudio.convert.shapes.ranges import to_ranges
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.task.origin import hidden_in, to_hidden
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Doc, FramesPlace, Place, frames_in, value_at
from fo_labelstudio.merge.changes import LabelChanges
from fo_labelstudio.merge.conflicts import left_as, partly_as
from fo_labelstudio.merge.equality import is_identical
from fo_labelstudio.merge.ledger import WrittenValues, before_loads, written_into

_INDEX = "index"

_ANCHORS, _RANGES = "anchors", "ranges"
"""What the ledger calls the labels of frames by which a run is found again where its first label does not do, and the
frames that it has."""


class FrameLabelMerge(LabelMerge):
    """Merges answers into one field of labels of frames; see :class:`LabelMerge`.

    The ledger remembers of what loads have written into a track the frames that they have changed, not all of it.
    """

    _place: FramesPlace
    _labels: FramesPlace

    def merge(self, answers: Iterable[Answer]) -> None:
        # The frames of a single video may take hundreds of megabytes.
        for answer in answers:
            self._known = self._known_in(answer)
            edited = self.ledger.edited.get(answer.sample_id, {})
            self._ranges = {label_id: record[_RANGES] for label_id, record in edited.items() if _RANGES in record}
            hidden = answer.fields[self._field.name].hidden
            self._hidden = {label_id: hidden_in(text) for label_id, text in hidden.items()}
            self._range = self._place.ranges.get(answer.sample_id)
            super().merge([answer])

    def _look_around(self, answers: Sequence[Answer], docs: Mapping[str, Doc]) -> None:
        super()._look_around(answers, docs)
        # The tracks of all frames have one set of indexes, also of those that the run is not about.
        is_part = self._has_tracks and self._range is not None
        self._indexes = (
            [index for doc in docs.values() for index in self._labels.distinct("index", doc)] if is_part else []
        )

    @cached_property
    def _has_tracks(self) -> bool:
        """Whether its labels are boxes, which an index or an instance tells from others."""
        return label_class_of(self._field.label_type) is fol.Detection

    def _known_in(self, answer: Answer) -> dict[str, str]:
        """The id of a label of a frame -> what the run is known by that it belongs to."""
        answered, sample_id = answer.fields[self._field.name], answer.sample_id
        edited = self.ledger.edited.get(sample_id, {})
        said = (edit.label_id for edit in (*answered.edited, *answered.added))
        ids = (*answered.kept, *answered.not_shown, *answered.deleted, *said, *self.ledger.loaded.get(sample_id, ()))
        known = {label_id: label_id for label_id in ids}
        for label_id, record in edited.items():
            if _ANCHORS in record:
                known.pop(label_id, None)
                known.update((str(anchor), label_id) for anchor in record[_ANCHORS])
        return known

    def _may_change(self, answer: Answer) -> bool:
        answered = answer.fields[self._field.name]
        if answered.is_untouched and not answered.kept and not self.ledger.has(answer.sample_id) and not self._is_copy:
            # A frame does not say that somebody has looked at it and found nothing.
            return bool(answer.originals.get(self._field.name)) or self._field.name in answer.sources
        return super()._may_change(answer)

    def _changes(self, answer: Answer, doc: Doc, stored: Sequence[LabelDoc]) -> LabelChanges:
        name, changes = self._field.name, super()._changes(answer, doc, stored)
        answered = answer.fields[name]
        if not answered.related:
            return changes
        # No label of the dataset has the id of a track that is told by its index.
        finals = [_final(one, changes, str(one["_id"])) for one in stored]
        firsts = {
            str(one["_id"]): str(next(iter(frame_docs(one).values()))["_id"])
            for one in (*finals, *changes.added)
            if one[FRAMES]
        }
        related = {start: [firsts.get(end, end) for end in ends] for start, ends in answered.related.items()}
        fields = {**answer.fields, name: replace(answered, related=related)}
        return super()._changes(replace(answer, fields=fields), doc, stored)

    def _ready(self, answer: Answer, doc: Doc) -> ReadyLabels | None:
        return None

    def _labels_in(self, doc: Doc, place: Place) -> list[LabelDoc]:
        if not doc:
            return []
        path = (place.at(self._list_name) if self._list_name else place).db_path
        frames = {number: _labels_at(frame, path) for number, frame in frames_in(doc).items()}
        there = {number: labels for number, labels in frames.items() if labels}
        labels = family_of(self._field).composed(there, str(doc["_id"]), self._known, self._ranges)
        hidden = {
            stored["_id"]
            for label in labels
            for number, stored in label[FRAMES].items()
            if int(number) in self._hidden.get(str(label["_id"]), ())
        }
        if not hidden:
            return labels
        # What nobody was shown is no part of what anybody can have edited or deleted.
        shown = {number: [one for one in found if one["_id"] not in hidden] for number, found in there.items()}
        return family_of(self._field).composed(shown, str(doc["_id"]), self._known, self._ranges)

    def _fits(self, doc: Doc, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> bool:
        # Each frame is a document of its own, which a few labels do not fill.
        return True

    def _is_to_be_marked(self, doc: Doc) -> bool:
        return False

    def _written_into(self, sample_id: str, by_id: Mapping[str, LabelDoc]) -> Mapping[str, WrittenValues]:
        edited = self.ledger.edited.get(sample_id, {})
        return {label_id: _widened(record, by_id.get(label_id)) for label_id, record in edited.items()}

    def _complete(self, answer: Answer, doc: Doc, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> None:
        """Gives tracks without an index the next one that is free, and each frame that they come to have a label."""
        changes.added[:] = [one for one in map(partial(self._cut, changes), changes.added) if one[FRAMES]]
        for added in changes.added if self._range is not None else ():
            self._note_left(changes, added)
        for label_id in list(changes.values):
            self._leave_hidden(label_id, changes, by_id[label_id])
        if not self._list_name:
            self._leave_taken(answer, doc, changes, by_id)
        removed = self.ledger.removed.get(answer.sample_id, {}).values()
        used = [one["index"] for one in (*by_id.values(), *removed, *changes.added) if one.get("index") is not None]
        following = max((*used, *(index for index in self._indexes if index is not None)), default=0) + 1
        for place, added in enumerate(changes.added):
            if self._has_tracks and needs_index(added) and _is_made_a_track(added, changes):
                changes.added[place] = {**added, **_as_track(added, following)}
                self._note_track(changes, added, changes.added[place])
                following += 1
        for label_id in changes.edited:
            stored = by_id[label_id]
            _complete_frames(label_id, changes, stored)
            final = _final(stored, changes, label_id)
            if not (self._has_tracks and needs_index(final)):
                continue
            if _INDEX in changes.unset.get(label_id, ()):
                # An earlier load has made it a track, and it still is one.
                changes.unset[label_id].remove(_INDEX)
                self._note_track(changes, final, {**final, _INDEX: stored[_INDEX]})
            elif not stored.get("instance"):
                changes.values.setdefault(label_id, {}).update(_as_track(final, following))
                self._note_track(changes, final, {**final, **_as_track(final, following)})
                following += 1

    def _leave_hidden(self, label_id: str, changes: LabelChanges, stored: LabelDoc) -> None:
        """Takes out of what a label is to become the frames that have a box of it which was not sent."""
        values, hidden = changes.values[label_id], self._hidden.get(label_id, ())
        if FRAMES not in values:
            return
        frames = self._cut(changes, {"_id": label_id, **values})[FRAMES]
        taken = sorted(int(number) for number in frames if int(number) in hidden)
        if not taken and len(frames) == len(values[FRAMES]):
            return
        left = {number: label for number, label in frames.items() if int(number) not in hidden}
        if not left:
            # Nobody has deleted it.
            changes.notes.append(f"label {label_id}: nothing is left of it there; it stays as it is")
            left = stored[FRAMES]
        if taken:
            changes.notes.append(
                f"label {label_id}: the view that was sent has left out its boxes in frames {to_hidden(taken)}; they "
                "stay as they are"
            )
        if left == stored[FRAMES]:
            del values[FRAMES]
            written = dict(changes.written.get(label_id, {}))
            if FRAMES in written and written[FRAMES][0] == left:
                del written[FRAMES]
            elif FRAMES in written:
                written[FRAMES] = (written[FRAMES][0], left)
            changes.written[label_id] = written
        else:
            values[FRAMES] = left
        self._note_left(changes, {**stored, **values})
        if not values:
            del changes.values[label_id]

    def _leave_taken(self, answer: Answer, doc: Doc, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> None:
        """Takes out of what labels are to become the frames that others have, where each has room for one.

        What is written, and what is settled, is what they really become. The next load tries again.
        """
        wanted = {
            label_id: values[FRAMES]
            for label_id, values in changes.values.items()
            if FRAMES in values and label_id not in changes.deleted
        }
        new = {str(added["_id"]): added for added in changes.added}
        left = self._left_of(doc, changes, by_id, wanted, {label_id: one[FRAMES] for label_id, one in new.items()})
        wanted.update((label_id, added[FRAMES]) for label_id, added in new.items())
        taken = sorted({int(number) for label_id in wanted for number in wanted[label_id].keys() - left[label_id]})
        for label_id in [label_id for label_id in wanted if wanted[label_id].keys() - left[label_id]]:
            written = changes.written.get(label_id, {})
            before = written[FRAMES][0] if len(written.get(FRAMES, ())) > 1 else wanted[label_id]
            if label_id in by_id:
                if not self._has_tracks:
                    # What an earlier load has given to frames depends on what the run had in common then.
                    made = _made_in(by_id[label_id])
                    left[label_id].update((number, made[number]) for number in made.keys() & left[label_id].keys())
                changes.written[label_id] = {**written, FRAMES: (before, left[label_id])}
                _put_frames(changes, by_id[label_id], left[label_id])
                final = _final(by_id[label_id], changes, label_id)
            else:
                final = {**new[label_id], FRAMES: left[label_id]}
                changes.added = [one if str(one["_id"]) != label_id else final for one in changes.added]
                if label_id in self.ledger.removed.get(answer.sample_id, {}):
                    changes.written[label_id] = {**written, FRAMES: (before, left[label_id])}
            if label_id in changes.settled:
                changes.settled[label_id] = partly_as(changes.settled[label_id], FRAMES, final, self._field)
        for added in [added for added in changes.added if not added[FRAMES]]:
            changes.added.remove(added)
            changes.written.pop(str(added["_id"]), None)
            changes.settled.pop(str(added["_id"]), None)
        if taken:
            changes.notes.append(
                f"{len(taken)} frames, such as {taken[0]}, hold one label each, and have one already; left alone"
            )
            self.report.left += 1

    def _left_of(
        self,
        doc: Doc,
        changes: LabelChanges,
        by_id: Mapping[str, LabelDoc],
        moved: Mapping[str, Mapping[str, LabelDoc]],
        added: Mapping[str, Mapping[str, LabelDoc]],
    ) -> dict[str, dict[str, LabelDoc]]:
        """What labels get of the frames that they want, one label each; what would get none stays where it is.

        Args:
            doc: the document of the sample, with its frames
            changes: what is to be written
            by_id: the labels of the sample
            moved: id of a label that is there -> its frames from now on
            added: id of a label that is new -> its frames
        """
        path = self._place.db_path
        there = {str(number): value_at(frame, path) for number, frame in frames_in(doc).items()}
        holders = {number: value["_id"] for number, value in there.items() if value is not None}
        gone = {one["_id"] for label_id in changes.deleted for one in by_id[label_id][FRAMES].values()}
        stay: dict[str, dict[str, LabelDoc]] = {}
        while True:
            moving = {label_id: frames for label_id, frames in moved.items() if label_id not in stay}
            left_frames = {
                one["_id"]
                for label_id, frames in moving.items()
                for number, one in by_id[label_id][FRAMES].items()
                if number not in frames
            }
            taken = {number for number, holder in holders.items() if holder not in gone | left_frames}
            left: dict[str, dict[str, LabelDoc]] = {}
            for label_id, frames in (*moving.items(), *added.items()):
                own = by_id[label_id][FRAMES] if label_id in by_id else {}
                left[label_id] = {n: one for n, one in frames.items() if n in own or n not in taken}
                taken |= left[label_id].keys()
            stuck = [label_id for label_id in moving if not left[label_id]]
            if not stuck:
                return {**left, **stay}
            stay.update((label_id, dict(by_id[label_id][FRAMES])) for label_id in stuck)

    def _cut(self, changes: LabelChanges, label: LabelDoc) -> LabelDoc:
        """A label without the frames that the run is not about."""
        if self._range is None:
            return label
        kept = {number: one for number, one in label[FRAMES].items() if self._range.has(int(number))}
        if len(kept) == len(label[FRAMES]):
            return label
        changes.notes.append(
            f"label {label['_id']}: its frames {to_hidden(map(int, label[FRAMES].keys() - kept.keys()))} are not among "
            "those that the task is about; they stay as they are"
        )
        return {**label, FRAMES: kept}

    def _note_left(self, changes: LabelChanges, doc: LabelDoc) -> None:
        """Has what is settled of the frames of a label be what they are left as."""
        label_id = str(doc["_id"])
        if label_id in changes.settled:
            changes.settled[label_id] = left_as(changes.settled[label_id], FRAMES, doc, self._field)

    def _note_track(self, changes: LabelChanges, before: LabelDoc, track: LabelDoc) -> None:
        """Has what is settled of a label be what it is as a track, and a later answer be able to take that back.

        Args:
            changes: what is to be written
            before: the label without an index
            track: the label with one
        """
        label_id = str(track["_id"])
        self._note_left(changes, track)
        if label_id in changes.written:
            made = written_into(before, {_INDEX: track[_INDEX]})
            changes.written[label_id] = {**changes.written[label_id], **made}

    def _note_removed(self, sample_id: str, labels: Sequence[LabelDoc]) -> None:
        written = self._written_into(sample_id, {str(label["_id"]): label for label in labels})
        before = [before_loads(label, written.get(str(label["_id"]), {})) for label in labels]
        self.ledger.note_removed(sample_id, before)

    def _note_written(self, sample_id: str, changes: LabelChanges, by_id: Mapping[str, LabelDoc]) -> None:
        written: dict[str, WrittenValues] = {}
        finals = {
            label_id: _final(stored, changes, label_id)
            for label_id, stored in by_id.items()
            if label_id not in changes.deleted
        }
        finals.update((str(doc["_id"]), doc) for doc in changes.added)
        added = {str(doc["_id"]) for doc in changes.added}
        labels = Counter() if self._has_tracks else Counter(_labels_of(finals.values()))
        for label_id in dict.fromkeys((*changes.written, *added)):
            final = finals.get(label_id)
            record: WrittenValues = changes.written.get(label_id, {})
            if final is not None:
                record = _narrowed(record, before_loads(final, record), final)
                if not self._has_tracks and (record or label_id in added):
                    record = {**record, **self._found_by(final, labels)}
            written[label_id] = record
        self.ledger.note_written(sample_id, written)

    def _found_by(self, final: LabelDoc, labels: Mapping[tuple[Any, str], int]) -> WrittenValues:
        """What the ledger is to hold of a run so that it is found again.

        Args:
            final: the run as it is to be
            labels: class and number of a frame -> how many labels of the class the frame has
        """
        frames = final[FRAMES]
        shared = {number for number in frames if labels[final["label"], number] > 1}
        found = anchors({**final, FRAMES: _as_texts(frame_docs(final))}, shared)
        record: dict[str, Sequence[Any]] = {} if found == [str(final["_id"])] else {_ANCHORS: found}
        # Where there is room for one label only, no other can be taken for it.
        return {**record, _RANGES: to_ranges(map(int, frames))} if self._list_name else record

    def _operations(self, answer: Answer, doc: Doc, change: LabelChanges) -> Iterator[UpdateOne]:
        stored = {str(label["_id"]): label for label in self._labels_in(doc, self._place)}
        frames: dict[int, _Frame] = {}
        for label_id in (*change.edited, *change.deleted):
            after = None if label_id in change.deleted else _final(stored[label_id], change, label_id)
            before = frame_docs(stored[label_id])
            for number, label in changed_frames(stored[label_id], after).items():
                frames.setdefault(number, _Frame()).note(before.get(number), label)
        for added in change.added:
            for number, label in frame_docs(added).items():
                frames.setdefault(number, _Frame()).note(None, label)
        there = frames_in(doc)
        for number in sorted(frames):
            yield from self._writes(doc, number, there.get(number), frames[number])

    def _writes(self, doc: Doc, number: int, frame: Doc | None, change: _Frame) -> Iterator[UpdateOne]:
        """What brings one frame up to its labels.

        Args:
            doc: the document of the sample
            number: the number of the frame
            frame: the document of the frame; None where the dataset does not have it
            change: what changes
        """
        place = self._place
        value = None if frame is None else value_at(frame, place.db_path)
        if not self._list_name:
            yield from self._single_writes(doc, number, frame, change)
        elif frame is None:
            if change.added:
                yield place.make_frame(doc, number, self._new_value(change.added))
        elif value is None:
            if change.added:
                yield place.replace(frame, self._new_value(change.added))
        else:
            path = self._labels.db_path
            if change.changed:
                yield place.update(frame, change.update(path), array_filters=change.filters)
            if change.gone:
                yield place.update(frame, {"$pull": {path: {"_id": {"$in": change.gone}}}})
            if change.added:
                yield place.update(frame, {"$push": {path: {"$each": change.added}}})

    def _single_writes(self, doc: Doc, number: int, frame: Doc | None, change: _Frame) -> Iterator[UpdateOne]:
        """The same of a field that holds one label of each frame."""
        place = self._place
        value = None if frame is None else value_at(frame, place.db_path)
        # Somebody may have given it a label since the changes were planned.
        if change.added and (value is None or value["_id"] in change.gone):
            new = self._new_value(change.added[:1])
            yield place.make_frame(doc, number, new) if frame is None else place.replace(frame, new)
        elif frame is not None and value is not None and value["_id"] in change.gone:
            yield place.replace(frame, None)
        elif frame is not None and value is not None and change.changed:
            expected = {f"{place.db_path}._id": value["_id"]}
            yield place.update(frame, change.single_update(place.db_path), expected)


class _Frame:
    """What changes in the labels of one frame.

    Attributes:
        added: labels that it gets
        gone: ids of labels that it loses
        changed: id of a label -> what is set in it, and what is taken away from it
    """

    def __init__(self) -> None:
        self.added: list[LabelDoc] = []
        self.gone: list[ObjectId] = []
        self.changed: dict[ObjectId, tuple[dict[str, Any], list[str]]] = {}

    def note(self, before: LabelDoc | None, after: LabelDoc | None) -> None:
        """Notes what a label of the frame becomes."""
        if before is not None and after is not None and before["_id"] == after["_id"]:
            new = {name: value for name, value in after.items() if not is_identical(before.get(name), value)}
            self.changed[before["_id"]] = new, [name for name in before if name not in after]
            return
        if before is not None:
            self.gone.append(before["_id"])
        if after is not None:
            self.added.append(after)

    def update(self, path: str) -> dict[str, Any]:
        """What MongoDB is to do with the labels in the list at a path."""
        update: dict[str, dict[str, Any]] = {"$set": {}, "$unset": {}}
        for place, (new, gone) in enumerate(self.changed.values()):
            update["$set"].update((f"{path}.$[label{place}].{name}", value) for name, value in new.items())
            update["$unset"].update((f"{path}.$[label{place}].{name}", "") for name in gone)
        return update

    @property
    def filters(self) -> list[dict[str, Any]]:
        """Which of the labels these are."""
        return [{f"label{place}._id": label_id} for place, label_id in enumerate(self.changed)]

    def single_update(self, path: str) -> dict[str, Any]:
        """What MongoDB is to do with the one label at a path."""
        ((new, gone),) = self.changed.values()
        return {
            "$set": {f"{path}.{name}": value for name, value in new.items()},
            "$unset": {f"{path}.{name}": "" for name in gone},
        }


def _labels_of(labels: Iterable[LabelDoc]) -> Iterator[tuple[Any, str]]:
    """Of each label in each of its frames, its class and the number of the frame."""
    return ((label["label"], number) for label in labels for number in label[FRAMES])


def _labels_at(frame: Doc, path: str) -> list[LabelDoc]:
    value = value_at(frame, path)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _complete_frames(label_id: str, changes: LabelChanges, stored: LabelDoc) -> None:
    """Gives each frame that a label comes to have an id, and has what is written to all of them count in each."""
    values, written = changes.values.get(label_id, {}), changes.written.get(label_id, {})
    frames: dict[str, LabelDoc] = values.get(FRAMES) or stored[FRAMES]
    of_all = written.keys() - {FRAMES, LABELS}
    named = {
        number: {"_id": label_id_at(label_id, int(number)), **without_own(frames[number], of_all)}
        for number in sorted(frames, key=int)
    }
    if FRAMES not in values and named == stored[FRAMES]:
        return
    changes.values.setdefault(label_id, {})[FRAMES] = named
    if FRAMES in written:
        changes.written[label_id] = {**written, FRAMES: (*written[FRAMES][:-1], named)}
    elif named != frames:
        changes.written[label_id] = {**written, FRAMES: (frames, named)}


def _put_frames(changes: LabelChanges, stored: LabelDoc, frames: dict[str, LabelDoc]) -> None:
    """Has a stored label get frames; nothing is written where it has them."""
    label_id = str(stored["_id"])
    values = changes.values.setdefault(label_id, {})
    values[FRAMES] = frames
    is_all = values.keys() == {FRAMES} and label_id not in changes.unset
    if frames == stored[FRAMES] or (is_all and not changed_frames(stored, {**stored, FRAMES: frames})):
        del values[FRAMES]
    if not values:
        del changes.values[label_id]


def _made_in(stored: LabelDoc) -> dict[str, LabelDoc]:
    """The frames of a run to which a load has given it."""
    label_id = str(stored["_id"])
    return {n: one for n, one in stored[FRAMES].items() if one["_id"] == label_id_at(label_id, int(n))}


def _is_made_a_track(added: LabelDoc, changes: LabelChanges) -> bool:
    """Whether a label of several frames becomes a track only now; what has an instance is one without an index, too."""
    return not added.get("instance") or "instance" in changes.written.get(str(added["_id"]), {})


def _as_track(doc: LabelDoc, index: int) -> dict[str, Any]:
    """What tells the boxes of a new track from those of others, and has them found again as one label."""
    return {"index": index, **({} if doc.get("instance") else {"instance": instance_of(doc["_id"])})}


def _as_texts(docs: Mapping[int, LabelDoc]) -> dict[str, LabelDoc]:
    return {str(number): doc for number, doc in docs.items()}


def _final(stored: LabelDoc, changes: LabelChanges, label_id: str) -> LabelDoc:
    """A label as changes leave it."""
    final = {**stored, **changes.values.get(label_id, {})}
    for name in changes.unset.get(label_id, ()):
        final.pop(name, None)
    return final


def _narrowed(record: WrittenValues, before: LabelDoc, after: LabelDoc) -> WrittenValues:
    """What loads have written into a label, but of its frames those only that they have changed, as they store them.

    Args:
        record: what loads have written
        before: the label before any load
        after: the label as it is to be
    """
    if len(record.get(FRAMES, ())) < 2:
        return record
    old, new = record[FRAMES]
    numbers = [number for number in {**old, **new} if old.get(number) != new.get(number)]
    parts = []
    for doc, frames in ((before, old), (after, new)):
        docs = _as_texts(
            frame_docs({**doc, FRAMES: {number: frames[number] for number in numbers if number in frames}})
        )
        parts.append({number: docs.get(number) for number in numbers})
    return {**record, FRAMES: parts}


def _widened(record: WrittenValues, stored: LabelDoc | None) -> WrittenValues:
    """What :func:`_narrowed` has narrowed, with the other frames as a label has them now."""
    found = {name: pair for name, pair in record.items() if name not in (_ANCHORS, _RANGES)}
    if FRAMES not in found or stored is None:
        return found
    before, after = found.pop(FRAMES)
    frames = stored[FRAMES]
    now = _as_texts(frame_docs({**stored, FRAMES: {number: frames[number] for number in after if number in frames}}))
    if not all(_is_as_left(now.get(number), before[number], after[number]) for number in after):
        return {**found, FRAMES: (frames, None)}
    base = before_loads(stored, found)
    wide = {**frames, **{number: _undone(now.get(number), before[number], after[number]) for number in after}}
    there = {number: label for number, label in wide.items() if label is not None}
    wide = {
        number: own_doc(there[number], base, number) if number in after else there[number]
        for number in sorted(there, key=int)
    }
    return {**found, FRAMES: (wide, frames)}


def _is_as_left(now: LabelDoc | None, before: LabelDoc | None, after: LabelDoc | None) -> bool:
    """Whether a frame stores still what a load has changed of a label."""
    if now is None or after is None:
        return now is after
    return all(is_identical(now.get(name), after.get(name)) for name in _changed(before, after))


def _undone(now: LabelDoc | None, before: LabelDoc | None, after: LabelDoc | None) -> LabelDoc | None:
    """What a frame is to store of a label where that is undone which a load has changed."""
    if now is None or before is None or after is None:
        return before
    changed = _changed(before, after)
    kept = {name: value for name, value in now.items() if name not in changed or name in before}
    return {**kept, **{name: before[name] for name in changed if name in before}}


def _changed(before: LabelDoc | None, after: LabelDoc) -> list[str]:
    old = before or {}
    return [
        name
        for name in {**old, **after}
        if name not in old or name not in after or not is_identical(old[name], after[name])
    ]
