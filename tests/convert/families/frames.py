"""The way of the labels of a video's frames: to the editor, back, and into the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.frame_labels import anchors, changed_frames, frame_docs
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import label_of
from fo_labelstudio.merge.changes import LabelChanges, label_changes
from tests.convert.trip import SAMPLE, Trip

VIDEO = MediaInfo(640, 480, 60, 10.0)

FrameDocs = dict[int, list[Mapping[str, Any]]]


class FramesTrip:
    """Labels of one field in the frames of one sample.

    Attributes:
        field: the field
        docs: frame number -> its labels, as the database stores them
        trip: the way of the labels that people see
        changes: what the last load has changed
    """

    def __init__(self, field: LabelField, frames: Mapping[int, Sequence[Any]], media: MediaInfo = VIDEO):
        self.field = field
        self.docs: FrameDocs = {number: [label.to_dict() for label in labels] for number, labels in frames.items()}
        self.trip = Trip(field, *map(label_of, self._composed(self.docs, {})), media=media)
        self.changes = LabelChanges()

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The result that the editor starts from."""
        return self.trip.sent

    def load(self, result: Any = None) -> dict[int, list[Any]]:
        """The labels of the frames after a submitted result was loaded, twice: the second time must change nothing."""
        answer, problems = self.trip.answer(result)
        assert problems == []
        ids = (*answer.kept, *answer.deleted, *(edit.label_id for edit in (*answer.edited, *answer.added)))
        known = {label_id: label_id for label_id in ids}
        stored = self._composed(self.docs, known)
        self.changes = label_changes(stored, answer, self.field, {}, ())
        docs, finals = self._applied(self.docs, stored, self.changes)
        if not family_of(self.field).region_types[0].startswith("video"):
            for doc in finals:
                whole = {**doc, "frames": {str(number): label for number, label in frame_docs(doc).items()}}
                known.update((label_id, str(doc["_id"])) for label_id in anchors(whole))
        added = [str(doc["_id"]) for doc in self.changes.added]
        deleted = {str(doc["_id"]): doc for doc in stored if str(doc["_id"]) in self.changes.deleted}
        now = self._composed(docs, known)
        again = label_changes(now, answer, self.field, deleted, added, written=self.changes.written)
        assert again.is_empty, f"loaded twice, it changed {again}"
        untouched, _ = self.trip.answer()
        undone = label_changes(now, untouched, self.field, deleted, added, written=self.changes.written)
        back, _ = self._applied(docs, now, undone)
        assert _sorted(back) == _sorted(self.docs), "taken back, it is not as it was"
        return {number: [label_of(doc) for doc in labels] for number, labels in sorted(docs.items()) if labels}

    def _composed(self, docs: FrameDocs, known: Mapping[str, str]) -> list[Any]:
        return family_of(self.field).composed(docs, SAMPLE, known)

    def _applied(
        self, docs: FrameDocs, stored: Sequence[Any], changes: LabelChanges
    ) -> tuple[FrameDocs, list[dict[str, Any]]]:
        """The labels of the frames after changes, and those that people see then."""
        frames = {number: list(labels) for number, labels in docs.items()}
        finals = []
        for before in (*stored, *changes.added):
            label_id = str(before["_id"])
            after = None
            if label_id not in changes.deleted:
                after = {**before, **changes.values.get(label_id, {})}
                after = {name: value for name, value in after.items() if name not in changes.unset.get(label_id, ())}
                finals.append(after)
            is_new = before in changes.added
            for number, label in changed_frames(None if is_new else before, after).items():
                old = None if is_new else frame_docs(before).get(number)
                labels = frames.setdefault(number, [])
                places = [place for place, doc in enumerate(labels) if old and doc["_id"] == old["_id"]]
                for place in places:
                    labels[place : place + 1] = [] if label is None else [label]
                if not places and label is not None:
                    labels.append(label)
        return frames, finals


def _sorted(docs: FrameDocs) -> FrameDocs:
    """The labels of frames that have any, in an order of their own."""
    return {number: sorted(labels, key=lambda doc: str(doc["_id"])) for number, labels in docs.items() if labels}
