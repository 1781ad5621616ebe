"""A folder with tasks of Label Studio's and their images -> labels, as ``fo.Dataset.from_dir()`` asks for."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone.core.fields as fof
import fiftyone.utils.data as foud
from bson import ObjectId

from fo_labelstudio.convert.annotation.answer import FieldAnswer, Problem
from fo_labelstudio.convert.annotation.choose import newest
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.fields import fields_of as foreign_fields_of
from fo_labelstudio.convert.foreign.ids import TaskNames
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.shown import images_of
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.media_address import parse_address, tails, upload_names
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.errors import ExportError, RegionError, SettingsError
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.exports.write import LABELING_CONFIG
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.export_dataset import IMAGES, LABEL_SCHEMA, TASKS
from fo_labelstudio.runs.labeling_config import fields_of
from fo_labelstudio.settings import parse_labeling_config

TASK_ID = "task_id"
"""The field of the ids of tasks, where they are asked for."""


class LabelStudioDatasetImporter(foud.LabeledImageDatasetImporter):  # type: ignore[misc]
    """Reads labels from tasks of Label Studio's: those that our exporter has written, and Label Studio's own exports.

    Of each task, the newest submitted annotation counts, or else its first prediction.

    Args:
        dataset_dir: the folder
        data_path: where the images are: a folder, a JSON manifest of names to paths, or a dict
        labels_path: where the tasks are
        labeling_config: of the project, as XML or the path of a file; by default the one beside the tasks
        classes: classes of which a sample must have one to be loaded
        include_id: whether the ids of tasks are loaded, as ``task_id``
        shuffle, seed, max_samples: which samples are loaded, as for COCO

    Raises:
        SettingsError: neither folder nor tasks are named
    """

    def __init__(
        self,
        dataset_dir: str | None = None,
        data_path: Any = None,
        labels_path: str | None = None,
        labeling_config: str | None = None,
        classes: str | Collection[str] | None = None,
        include_id: bool = False,
        shuffle: bool = False,
        seed: int | None = None,
        max_samples: int | None = None,
    ):
        if dataset_dir is None and labels_path is None:
            raise SettingsError("pass dataset_dir, or labels_path and data_path")
        super().__init__(dataset_dir=dataset_dir, shuffle=shuffle, seed=seed, max_samples=max_samples)
        self._labels_path = _place(dataset_dir, labels_path or TASKS)
        self._data = data_path if isinstance(data_path, Mapping) else _place(dataset_dir, data_path or IMAGES)
        self._labeling_config = labeling_config
        self._classes = {classes} if isinstance(classes, str) else set(classes or ())
        self._include_id = include_id
        self._reader: _OwnReader | _ForeignReader
        self._tasks: _Kept
        self._chosen: list[tuple[int, str]] = []
        self._problems: list[Problem] = []

    @property
    def has_dataset_info(self) -> bool:
        """False."""
        return False

    @property
    def has_image_metadata(self) -> bool:
        """False."""
        return False

    @property
    def label_cls(self) -> Any:
        """The class of each field's labels; that of the only one where there is no other."""
        found: dict[str, Any] = {field.name: _class_of(field) for field in self._reader.fields}
        if self._include_id:
            found[TASK_ID] = fof.IntField
        return next(iter(found.values())) if self._is_single else found

    @property
    def _is_single(self) -> bool:
        return len(self._reader.fields) + self._include_id == 1

    def setup(self) -> None:
        """Reads the tasks, and finds their images.

        Raises:
            ExportError: there are no tasks, or no images of them
        """
        paths = _images(self._data)
        self._tasks = _Kept()
        tasks = list(self._read())
        self._reader = self._reader_of(tasks)
        missing = []
        for number in tasks:
            task = self._tasks.get(number)
            path = next((paths[name] for name in _names(task) if name in paths), None)
            if path is not None:
                self._chosen.append((number, path))
            else:
                missing.append(f"task {task['id']}: there is no image {next(_names(task), '?')!r}")
        if missing and not self._chosen:
            raise ExportError(f"{self._labels_path}: none of its {len(tasks)} tasks has its image in {self._data}")
        if missing:
            logger.warning("%d tasks are left out, for their images are missing:%s", len(missing), listed(missing))
        if self._classes:
            self._chosen = [row for row in self._chosen if self._has_class(self._labels(row[0]))]
        if self.shuffle:
            random.Random(self.seed).shuffle(self._chosen)
        self._chosen = self._chosen[: self.max_samples]

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[tuple[str, None, Any]]:
        self._problems.clear()
        for number, path in self._chosen:
            labels = self._labels(number)
            if self._include_id:
                labels[TASK_ID] = self._tasks.get(number)["id"]
            yield path, None, next(iter(labels.values()), None) if self._is_single else labels
        if self._problems:
            logger.warning("%d region(s) or task(s) need a look:%s", len(self._problems), listed(self._problems))

    def _read(self) -> Iterator[int]:
        for task in read_tasks(self._labels_path):
            yield self._tasks.add(task)

    def _reader_of(self, tasks: Sequence[int]) -> _OwnReader | _ForeignReader:
        schema = self._labels_path.with_name(LABEL_SCHEMA)
        first = (self._tasks.get(number) for number in tasks[:1])
        if schema.exists() and all(isinstance(task["meta"].get(META), Mapping) for task in first):
            return _OwnReader(fields_of(json.loads(schema.read_text(encoding="utf-8"))))
        beside = self._labels_path.with_name(LABELING_CONFIG)
        given = self._labeling_config or (str(beside) if beside.exists() else None)
        return _ForeignReader(parse_labeling_config(given), map(self._tasks.get, tasks))

    def _labels(self, number: int) -> dict[str, Any]:
        return self._reader.labels(self._tasks.get(number), self._problems)

    def _has_class(self, labels: Mapping[str, Any]) -> bool:
        found = (label for value in labels.values() for label in _labels_in(value))
        return any(getattr(label, "label", None) in self._classes for label in found)


class _OwnReader:
    """Reads tasks that our exporter has written."""

    def __init__(self, fields: Sequence[LabelField]):
        self.fields = tuple(fields)

    def labels(self, task: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        """The value of each field."""
        found = _result_of(task)
        if found is None:
            return dict.fromkeys(field.name for field in self.fields)
        result, is_prediction = found
        origin = _mapping(task["meta"].get(META))
        sent = _mapping(origin.get("sent"))
        # As if nothing had been sent: all labels are new ones, whose ids are those that were sent.
        whole = {
            "id": task["id"] or 0,
            "data": {SAMPLE_ID: "-"},
            "meta": {META: {**origin, "sent": {}, "annotation": None}},
            "annotations": [{"id": 1, "was_cancelled": False, "result": result}],
        }
        answer = parse_task(whole, self.fields, str(origin.get("run")), problems)
        scores = _scores(result)
        values: dict[str, Any] = {}
        for field in self.fields:
            if answer is None:
                values[field.name] = None
                continue
            said = answer.fields[field.name]
            ids = _mapping(sent.get(field.name))
            labels = list(_made(said, field, ids, scores, problems))
            values[field.name] = _value_of(labels, field, said.is_looked_at and not is_prediction)
        return values


class _ForeignReader:
    """Reads tasks of anybody's."""

    def __init__(self, labeling_config: str | None, tasks: Iterator[Mapping[str, Any]]):
        self._config = None if labeling_config is None else read(labeling_config)
        self._which = Which()
        observed = Observed(self._which)
        for task in tasks:
            observed.add(task)
        self._observed = observed
        self._fields: ForeignFields = foreign_fields_of(self._config, observed, self._which)
        self._names = TaskNames()
        self.fields = tuple(self._fields.fields)
        for note in self._fields.notes:
            logger.warning("%s", note)

    def labels(self, task: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        """The value of each field, of the first image that a task shows."""
        values: dict[str, Any] = dict.fromkeys(field.name for field in self.fields)
        shown, _ = images_of(task, self._config, self._observed)
        if not shown:
            return values
        pictured = [Pictured(image, "-" if place == 0 else None) for place, image in enumerate(shown)]
        name = self._names.of(task)
        for answer in answers_of(task, self._fields, pictured, "", self._which, name, problems):
            for field in self.fields:
                said = answer.fields[field.name]
                labels = list(_made(said, field, {}, {}, problems))
                values[field.name] = _value_of(labels, field, said.is_looked_at)
        return values


class _Kept:
    """Tasks in a temporary file, each found by the number that it got."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()

    def add(self, task: Mapping[str, Any]) -> int:
        """Keeps a task."""
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(task).encode() + b"\n")
        return place

    def get(self, number: int) -> dict[str, Any]:
        """A task."""
        self._file.seek(number)
        task: dict[str, Any] = json.loads(self._file.readline())
        return task


def _place(folder: str | None, path: str) -> Path:
    return Path(os.path.join(os.path.expanduser(folder or ""), os.path.expanduser(path)))


def _images(data: Any) -> dict[str, str]:
    """Name of an image -> its path."""
    if isinstance(data, Mapping):
        return {str(name): str(path) for name, path in data.items()}
    manifest = Path(str(data).rstrip("/") + ".json") if not data.exists() else data
    if manifest.is_file():
        found = json.loads(manifest.read_text(encoding="utf-8"))
        return {name: os.path.join(manifest.parent, path) for name, path in found.items()}
    return {
        path.relative_to(data).as_posix(): str(path.resolve()) for path in sorted(data.rglob("*")) if path.is_file()
    }


def _names(task: Mapping[str, Any]) -> Iterator[str]:
    """The names that the image of a task may have, the surest first."""
    data = task["data"]
    if isinstance(data.get("filename"), str):
        yield data["filename"]
    for key, value in data.items():
        if isinstance(value, str) and key not in ("filename", SAMPLE_ID):
            address = parse_address(value)
            for parts in tails(address):
                yield "/".join(parts)
            yield from upload_names(address)


def _result_of(task: Mapping[str, Any]) -> tuple[list[Any], bool] | None:
    """The result that counts, and whether it is a prediction; None where there is none."""
    annotations = [one for one in task["annotations"] if one["was_cancelled"] is False]
    predictions = [one for one in task["predictions"] if isinstance(one, Mapping)]
    chosen = newest(annotations) or next(iter(predictions), None)
    return None if chosen is None else (chosen["result"], not annotations)


def _scores(result: Sequence[Any]) -> dict[str, float]:
    """Id of a label's regions -> the score that they have."""
    regions = [region for region in result if isinstance(region, Mapping) and isinstance(region.get("id"), str)]
    return {whole_id(one["id"]): one["score"] for one in regions if isinstance(one.get("score"), (int, float))}


def _made(
    said: FieldAnswer,
    field: LabelField,
    sent: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, float],
    problems: list[Problem],
) -> Iterator[Any]:
    for edit in said.added:
        key = edit.parsed.key
        is_known = key in sent or _is_id(key)
        for label_id in sent.get(key, {}).get("ids", [key if is_known else edit.label_id]):
            try:
                label = to_label(edit._replace(label_id=label_id if _is_id(label_id) else edit.label_id), field)
            except RegionError as error:
                problems.append(Problem("?", key, f"{error}; left alone"))
                continue
            score = scores.get(key)
            if score is not None and isinstance(getattr(type(label), "confidence", None), fof.FloatField):
                label.confidence = score
            yield label


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_id(text: str) -> bool:
    return ObjectId.is_valid(text)


def _value_of(labels: Sequence[Any], field: LabelField, is_looked_at: bool) -> Any:
    container = LABEL_TYPES[field.label_type]
    name = list_name(container)
    if name is None:
        return labels[0] if labels else None
    if container is None or not (labels or is_looked_at):
        return None
    return container(**{name: list(labels)})


def _class_of(field: LabelField) -> Any:
    container = LABEL_TYPES[field.label_type]
    if container is not None:
        return container
    return next(cls for cls, kind in FIELDS.items() if kind == field.scalar_question.kind)


def _labels_in(value: Any) -> Sequence[Any]:
    name = list_name(type(value))
    return getattr(value, name) if name else [value]
