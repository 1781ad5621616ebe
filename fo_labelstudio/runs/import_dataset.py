"""A folder with tasks of Label Studio's and their images -> labels, as ``fo.Dataset.from_dir()`` asks for."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone.core.fields as fof
import fiftyone.utils.data as foud

from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.media_address import parse_address, tails, upload_names
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.errors import ExportError, SettingsError
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.exports.write import LABELING_CONFIG
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.dataset_readers import ForeignReader, OwnReader
from fo_labelstudio.runs.export_dataset import IMAGES, LABEL_SCHEMA, TASKS
from fo_labelstudio.settings import parse_labeling_config

TASK_ID = "task_id"
"""The field of the ids of tasks, where they are asked for."""


class LabelStudioDatasetImporter(foud.LabeledImageDatasetImporter):  # type: ignore[misc]
    """Reads labels from tasks of Label Studio's: those that our exporter has written, and Label Studio's own exports.

    Of each task, the newest submitted annotation counts. Where there is none, tasks that our exporter has written have
    the labels that were exported, and others those of their first prediction. Of labels that were exported, only what
    people have changed is changed.

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
        self._reader: OwnReader | ForeignReader
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
        if missing and not self._chosen and not self._reader.can_show_images:
            raise ExportError(
                f"{self._labels_path}: its tasks show no images, which LabelStudioDataset is for; load videos with "
                "fo_labelstudio.import_annotations(dataset, json_path=..., labeling_config=..., data_path=..., "
                "insert_new=True)"
            )
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
        for path in _parts(self._labels_path):
            for task in read_tasks(path):
                yield self._tasks.add(task)

    def _reader_of(self, tasks: Sequence[int]) -> OwnReader | ForeignReader:
        schema = self._labels_path.with_name(LABEL_SCHEMA)
        first = (self._tasks.get(number) for number in tasks[:1])
        if schema.exists() and all(isinstance(task["meta"].get(META), Mapping) for task in first):
            return OwnReader(json.loads(schema.read_text(encoding="utf-8")))
        beside = self._labels_path.with_name(LABELING_CONFIG)
        given = self._labeling_config or (str(beside) if beside.exists() else None)
        return ForeignReader(parse_labeling_config(given), map(self._tasks.get, tasks))

    def _labels(self, number: int) -> dict[str, Any]:
        return self._reader.labels(self._tasks.get(number), self._problems)

    def _has_class(self, labels: Mapping[str, Any]) -> bool:
        found = (label for value in labels.values() for label in _labels_in(value))
        return any(getattr(label, "label", None) in self._classes for label in found)


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


def _parts(path: Path) -> list[Path]:
    """The files with tasks: one, or those that an export is in where one file would be too large to import."""
    numbered = re.compile(rf"{re.escape(path.stem)}_(\d+){re.escape(path.suffix)}")
    found = {} if path.exists() else {numbered.fullmatch(other.name): other for other in path.parent.glob("*")}
    parts = sorted((int(match[1]), other) for match, other in found.items() if match is not None)
    return [other for _, other in parts] or [path]


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


def _class_of(field: LabelField) -> Any:
    container = LABEL_TYPES[field.label_type]
    if container is not None:
        return container
    return next(cls for cls, kind in FIELDS.items() if kind == field.scalar_question.kind)


def _labels_in(value: Any) -> Sequence[Any]:
    name = list_name(type(value))
    return getattr(value, name) if name else [value]
