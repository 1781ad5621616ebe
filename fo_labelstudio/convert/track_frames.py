"""What frames store of a track, with or without a document for each frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import fiftyone.core.labels as fol
import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.shapes.boxes import Numbers
from fo_labelstudio.convert.stored import LabelDoc

BOX = "bounding_box"


class TrackFrames(Mapping[str, LabelDoc]):
    """What the frames of a track store of it, by the number of the frame as text; documents are made once asked for.

    Attributes:
        numbers: the numbers of its frames, ascending; shape (n,)
        boxes: ``x, y, width, height`` in each, relative to the frame; shape (n, 4)
        columns: attribute -> its value in each; what all lack is missing
    """

    def __init__(self, numbers: NDArray[np.int64], boxes: Numbers, columns: Mapping[str, list[Any]]):
        self.numbers = numbers
        self.boxes = boxes
        self.columns = columns

    @cached_property
    def _docs(self) -> dict[str, LabelDoc]:
        names, columns = (BOX, *self.columns), (self.boxes.tolist(), *self.columns.values())
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        return {
            str(number): {"_cls": fol.Detection.__name__, **{name: it for name, it in row.items() if it is not None}}
            for number, row in zip(self.numbers.tolist(), rows, strict=True)
        }

    def __getitem__(self, number: str) -> LabelDoc:
        return self._docs[number]

    def __iter__(self) -> Iterator[str]:
        return map(str, self.numbers.tolist())

    def __len__(self) -> int:
        return len(self.numbers)


def values_of(frames: Mapping[str, LabelDoc], name: str) -> list[Any]:
    """The value of an attribute in each frame of a label; None where it is missing."""
    if isinstance(frames, TrackFrames):
        return frames.columns[name] if name in frames.columns else [None] * len(frames)
    return [doc.get(name) for doc in frames.values()]


def has_any(frames: Mapping[str, LabelDoc], name: str) -> bool:
    """Whether a label has an attribute in any frame."""
    if isinstance(frames, TrackFrames):
        return name in frames.columns
    return any(doc.get(name) is not None for doc in frames.values())
