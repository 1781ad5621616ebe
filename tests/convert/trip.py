"""The way of the labels of one field: to the editor, back, and into the stored labels."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.families import LABEL_TYPES, holds_list
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import StoredLabel, StoredLabels, label_of
from fo_labelstudio.convert.task.write import problems_of, to_task
from fo_labelstudio.merge.changes import LabelChanges, label_changes
from tests.convert.spanned import record_of
from tests.support import as_exported

RUN = "run"
SAMPLE = "6b01070a57a5240a9753b925"
TASK = 7
SQUARE = MediaInfo(100, 100)

Result = list[dict[str, Any]]


class Trip:
    """Labels of one field on one sample.

    Attributes:
        field: the field
        media: what its regions refer to
        docs: the labels as the database stores them
        sent: the result that the editor starts from
    """

    def __init__(self, field: LabelField, *labels: Any, media: MediaInfo = SQUARE):
        self.field = field
        self.media = media
        self.docs = [label.to_dict() for label in labels if isinstance(label, fo.core.labels.Label)]
        record = record_of(SAMPLE, field, self._value(labels), media)
        assert list(problems_of(record, [field])) == []
        task = json.loads(json.dumps(to_task(record, [field], "u", RUN), allow_nan=False))
        predictions = task.pop("predictions")
        self._task = task
        self.sent: Result = predictions[0]["result"] if predictions else []

    def _value(self, labels: Sequence[Any]) -> Any:
        if self.field.is_of_frames:
            return StoredLabels(map(StoredLabel, self.docs))
        container = LABEL_TYPES[self.field.label_type]
        if holds_list(self.field.label_type):
            return container(**{container._LABEL_LIST_FIELD: list(labels)})
        return labels[0] if labels else None

    def answer(self, result: Result | Callable[[Result], Any] | None = None) -> tuple[FieldAnswer, list[str]]:
        """What is understood of a submitted result, and the problems.

        Args:
            result: the result, or a function that changes what was sent or returns another; as sent by default
        """
        submitted = copy.deepcopy(self.sent)
        if callable(result):
            submitted = result(submitted) or submitted
        elif result is not None:
            submitted = result
        problems: list = []
        answer = parse_task(self.task(submitted), [self.field], RUN, problems)
        return answer.fields[self.field.name], [str(problem) for problem in problems]

    def task(self, submitted: Result) -> dict[str, Any]:
        """The exported task with a submitted result."""
        return {"id": TASK, **copy.deepcopy(self._task), "annotations": [as_exported(submitted, self.sent)]}

    def changes(self, result: Result | Callable[[Result], Any] | None = None) -> LabelChanges:
        """The changes of the stored labels that a submitted result makes."""
        return label_changes(self.docs, self.answer(result)[0], self.field, {}, ())

    def load(self, result: Result | Callable[[Result], Any] | None = None) -> list[Any]:
        """The labels after a submitted result was loaded, twice: the second time must change nothing."""
        answer, _ = self.answer(result)
        changes = label_changes(self.docs, answer, self.field, {}, ())
        docs = loaded(self.docs, changes)
        added = [str(doc["_id"]) for doc in changes.added]
        deleted = {str(doc["_id"]): doc for doc in self.docs if str(doc["_id"]) in changes.deleted}
        again = label_changes(docs, answer, self.field, deleted, added)
        assert again.is_empty, f"loaded twice, it changed {again}"
        return [to_label(doc) for doc in docs]


def loaded(docs: Sequence[Mapping[str, Any]], changes: LabelChanges) -> list[dict[str, Any]]:
    """Stored labels after changes."""
    kept = [
        {
            name: value
            for name, value in {**doc, **changes.values.get(str(doc["_id"]), {})}.items()
            if name not in changes.unset.get(str(doc["_id"]), ())
        }
        for doc in docs
        if str(doc["_id"]) not in changes.deleted
    ]
    return [*kept, *map(dict, changes.added)]


def to_label(doc: Mapping[str, Any]) -> Any:
    """A stored label as FiftyOne reads it."""
    return label_of(doc)


def new_labels(field: LabelField, result: Result, media: MediaInfo = SQUARE) -> list[Any]:
    """The labels that a result adds to a sample that had none."""
    answer, problems = Trip(field, media=media).answer(result)
    assert problems == []
    assert not (answer.kept or answer.edited or answer.deleted)
    return answer.added


def through_the_editor(result: Result, media: MediaInfo) -> Result:
    """A result as the editor of 1.23.2 writes it when nothing was changed.

    Whole numbers lose their ``.0``, vectors go to pixels and back, answers about a region get its geometry.
    """
    written: Result = json.loads(json.dumps(result), parse_float=_shortest)
    geometry: dict[str, Any] = {}
    for item in written:
        for vertex in item["value"].get("vertices", ()):
            for key, side in (("x", media.width), ("y", media.height)):
                vertex[key] = vertex[key] / 100 * side / side * 100
            if vertex["prevPointId"] is None:
                del vertex["prevPointId"]
        item["origin"] = "prediction"
        if "original_width" in item:
            drawn = {key: value for key, value in item["value"].items() if key != item["type"]}
            geometry[item["id"]] = drawn
        elif item["id"] in geometry:
            item["value"] = {**geometry[item["id"]], **item["value"]}
    return written


def _shortest(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def pixels_of(detection: fo.Detection, media: MediaInfo) -> np.ndarray:
    """The pixels of the image that an instance covers whose box lies on them: bool, shape (height, width)."""
    frame = np.zeros((media.height, media.width), bool)
    if detection.mask.size:
        height, width = detection.mask.shape
        x, y, box_width, box_height = detection.bounding_box
        left, top = round(x * media.width), round(y * media.height)
        assert (round(box_width * media.width), round(box_height * media.height)) == (width, height)
        frame[top : top + height, left : left + width] = detection.mask != 0
    return frame
