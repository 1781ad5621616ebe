"""The boxes in the frames of a video as columns, an attribute each, so that tracks are put together without documents.

A video may have millions of boxes. To make a document of each, and of these the tracks, takes longer than all else that
happens to them on their way to the editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from fo_labelstudio.convert.frame_labels import (
    FRAMES,
    LABELS,
    OF_FRAMES,
    FrameLabel,
    instance_of,
    is_in_all,
    track_id,
)
from fo_labelstudio.convert.shapes.boxes import Numbers
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.track_frames import BOX, TrackFrames

INSTANCE = "instance"

READ = (BOX, "label", "index", INSTANCE, "keyframe", "rotation", "confidence")
"""What is read of boxes, besides attributes that are asked for; of an instance, its id."""

_INDEX, _INSTANCE = READ.index("index"), READ.index(INSTANCE)

_CHUNK = 20_000
"""Boxes that are lists of numbers at a time."""


class BoxColumns:
    """The boxes of the frames of one sample, which are added frame by frame.

    Args:
        attributes: the attributes that are asked for
    """

    def __init__(self, attributes: Sequence[str] = ()):
        self.names = tuple(dict.fromkeys((*READ, *attributes)))
        """The attributes of which rows are made."""
        self._numbers: list[int] = []
        self._counts: list[int] = []
        self._columns: dict[str, list[Any]] = {name: [] for name in self.names}
        self._boxes: list[Numbers] = []

    def __len__(self) -> int:
        """How many boxes there are."""
        return sum(self._counts)

    def add(self, number: int, rows: Sequence[Sequence[Any]]) -> bool:
        """Adds the boxes of one frame, which comes behind those that were added.

        Args:
            number: the number of the frame
            rows: of each box its attributes, in the order of ``names``; None where it lacks one

        Returns:
            False where columns do not tell what the boxes are; all of this is to be dropped then
        """
        if self._numbers and number <= self._numbers[-1]:
            return False
        if rows and rows[0][_INDEX] is None and rows[0][_INSTANCE] is None:
            # It is a box for itself, as of a detector all are.
            return False
        self._numbers.append(number)
        self._counts.append(len(rows))
        for column, values in zip(self._columns.values(), zip(*rows, strict=True)):
            column.extend(values)
        if len(self._columns[BOX]) < _CHUNK:
            return True
        return self._pack()

    def tracks(self, sample_id: str) -> list[LabelDoc] | None:
        """The tracks in the boxes, as :func:`tracks_of` finds them in documents.

        Args:
            sample_id: the id of the sample that has the frames

        Returns:
            None where columns do not tell which box is of which track
        """
        instances, keys = self._columns[INSTANCE], self._columns["index"]
        if not {*map(type, instances)} <= {ObjectId, NoneType}:
            return None
        if any(instances):
            keys = [index if instance is None else instance for instance, index in zip(instances, keys, strict=True)]
        known: dict[Any, int] = {}
        codes = np.array([known.setdefault(key, len(known)) for key in keys], np.int64)
        if None in known or not self._pack():
            return None
        if not known:
            return []
        numbers, boxes = np.repeat(np.array(self._numbers, np.int64), self._counts), np.concatenate(self._boxes)
        columns = {
            name: np.fromiter(column, object, len(column))
            for name, column in self._columns.items()
            if name != BOX and column.count(None) < len(column)
        }
        places = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
        found = []
        for key, own in zip(known, places, strict=True):
            if (np.diff(numbers[own]) == 0).any():
                return None
            values = {name: column[own].tolist() for name, column in columns.items()}
            kind = INSTANCE if isinstance(key, ObjectId) else "index"
            found.append(_composed(track_id((kind, key), sample_id), numbers[own], boxes[own], values))
        return found

    def _pack(self) -> bool:
        """Makes an array of the boxes that are lists; False where some are no boxes."""
        waiting = self._columns[BOX]
        if not waiting:
            return True
        try:
            boxes = np.array(waiting)
        except ValueError:
            return False
        if boxes.shape[1:] != (4,) or boxes.dtype.kind not in "fi":
            return False
        self._boxes.append(boxes.astype(np.float64, copy=False))
        waiting.clear()
        return True


def _composed(label_id: ObjectId, numbers: NDArray[np.int64], boxes: Numbers, values: dict[str, list[Any]]) -> LabelDoc:
    labels = values.pop("label", [None] * len(numbers))
    doc: dict[str, Any] = {"_id": label_id, "_cls": FrameLabel.__name__, "label": labels[0]}
    if labels.count(labels[0]) != len(labels):
        pairs = zip(numbers[1:].tolist(), pairwise(labels))
        doc[LABELS] = {str(number): now for number, (before, now) in pairs if now != before}
    if INSTANCE in values:
        values[INSTANCE] = [None if it is None else instance_of(it) for it in values[INSTANCE]]
    shared = {
        name: column[0]
        for name, column in values.items()
        if name not in OF_FRAMES and column[0] is not None and is_in_all(column[0], column)
    }
    own = {name: column for name, column in values.items() if name not in shared and column.count(None) < len(column)}
    return {**doc, **shared, FRAMES: TrackFrames(numbers, boxes, own)}
