"""match_tasks(): which sample each task of a project or file that we have not made shows."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.convert.media_address import parse_address
from fo_labelstudio.convert.media_match import Files, Matching, Place, Shown, match_media, text_of
from fo_labelstudio.dataset.match_samples import add_samples, read_samples
from fo_labelstudio.errors import MatchError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed, quoted

DataPath = str | os.PathLike[str] | Mapping[str, str]
"""A folder, the path of a JSON manifest, or a dict: address or name of a media file -> its path."""

TEMPORARY = ".part"
"""How the names of files end that are being downloaded."""


class TaskImage(NamedTuple):
    """One image that a task shows.

    Attributes:
        task: the task's id, or what else tells it from all others
        slot: which of its images: the key of its data, as in ``image``; with an index where a list is there, as in
            ``images[2]``
        address: what stands there
        sample_id: what the task's data holds as ``sample_id``, or None
        data: the task's data
    """

    task: Hashable
    slot: str
    address: Any
    sample_id: Any
    data: Mapping[str, Any]


def match_tasks(
    images: Iterable[TaskImage],
    samples: foc.SampleCollection,
    *,
    media_field: str = "filepath",
    match: Mapping[str, str] | None = None,
    data_path: DataPath | None = None,
) -> Matching:
    """Finds which sample each image of each task is; the rules are those of :func:`match_media`. Changes nothing.

    Several tasks may show the same sample: labels get their ids from their task, so that those of all are loaded.

    Args:
        images: the images of the tasks
        samples: the samples that may be shown: a dataset, or a view into it. Tasks that show others are told, and are
            not new
        media_field: the field that holds the paths or addresses of the samples' media
        match: key of the tasks' data, with dots for keys within -> field of samples that holds the same; images are
            the same where all of them are
        data_path: the media on this machine

    Returns:
        which sample each image is; those that are files without a sample, and those that are neither

    Raises:
        SettingsError: ``match`` or ``data_path`` is not what it should be
        MatchError: images may be several samples; names all of them
    """
    keys = dict(match or {})
    files = read_data_path(data_path)
    own = read_samples(samples, media_field, list(keys.values()))
    rows = list(images)
    _check_keys(rows, keys)
    shown = _shown(rows, keys)
    # Of many tasks, they are large.
    del rows
    found = match_media(shown, own, files)
    if found.questions:
        raise MatchError(found.questions)
    return found


class Inserted(NamedTuple):
    """New samples.

    Attributes:
        samples: image of a task -> id of its new sample
        failures: image of a task -> why there is none
    """

    samples: dict[Place, str]
    failures: dict[Place, str]


def insert_new(
    paths: Mapping[Place, str],
    samples: foc.SampleCollection,
    sizes: Mapping[Place, tuple[int, int]],
    media_field: str = "filepath",
) -> Inserted:
    """Adds a sample for each file; images of the same file are one sample.

    Args:
        paths: image of a task -> path of its file, such as ``Matching.files`` and ``Downloaded.paths``
        samples: the collection to whose dataset they are added
        sizes: image of a task -> ``original_width`` and ``original_height`` of its results, where there are any
        media_field: the field that holds the paths of the media
    """
    failures = {place: f"there is no file {path!r}" for place, path in paths.items() if not os.path.isfile(path)}
    new: dict[str, tuple[int, int] | None] = {}
    for place, path in paths.items():
        if place not in failures:
            new[path] = new.get(path) or sizes.get(place)
    ids = add_samples(samples, new, media_field) if new else {}
    return Inserted({place: ids[path] for place, path in paths.items() if place not in failures}, failures)


def tell(found: Matching) -> None:
    """Tells the user what no sample was found of, and what several tasks show."""
    lines = found.report()
    if lines:
        logger.warning("%d remark(s) on which samples the tasks show:%s", len(lines), listed(lines))


def _check_keys(rows: Sequence[TaskImage], keys: Iterable[str]) -> None:
    """Refuses keys that no task has."""
    for key in keys if rows else ():
        if all(_at(row.data, key) is None for row in rows):
            known = ", ".join(map(repr, dict.fromkeys(name for row in rows[:100] for name in row.data)))
            raise SettingsError(f"match: no task has {key!r} in its data, which has {known or 'nothing'}")


def _shown(rows: Sequence[TaskImage], keys: Mapping[str, str]) -> list[Shown]:
    numbers = Counter(row.task for row in rows)
    slots: dict[str, str] = {}
    shown = []
    for row in rows:
        is_only = numbers[row.task] == 1
        # What a task says of itself does not tell which of its images is meant.
        sample_id = row.sample_id if is_only and isinstance(row.sample_id, str) else None
        values = _values(row, keys, is_only) if keys else None
        # Thousands of tasks share a few slots.
        slot = slots.setdefault(row.slot, row.slot)
        shown.append(Shown(row.task, slot, parse_address(row.address), sample_id, values))
    return shown


def _values(row: TaskImage, keys: Iterable[str], is_only: bool) -> tuple[str, ...] | None:
    """What the data of a task holds for one of its images, as text, or None where something is missing."""
    values = []
    for key in keys:
        value = _at(row.data, key)
        name, _, index = row.slot.partition("[")
        if isinstance(value, list):
            number = index.rstrip("]")
            value = value[int(number)] if number.isdecimal() and int(number) < len(value) else None
        elif value is not None and not is_only and key != name:
            raise SettingsError(
                f"match: task {row.task} shows several images, and its {key!r} does not tell which of them is meant; "
                "pass a key that holds a list with a value for each, or leave such tasks out"
            )
        text = text_of(value)
        if text is None:
            return None
        values.append(text)
    return tuple(values)


def _at(data: Mapping[str, Any], key: str) -> Any:
    if key in data:
        return data[key]
    value: Any = data
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def read_data_path(data_path: DataPath | None) -> Files | None:
    """The files that ``data_path`` names.

    A folder is searched with all folders below it, but for hidden files. Links are not followed to folders; those to
    files are used where they stay within. A folder that is not there is empty. Relative paths of a manifest begin at
    its own folder.

    Raises:
        SettingsError: it is neither of what it may be
    """
    if data_path is None:
        return None
    if isinstance(data_path, Mapping):
        return _manifest(data_path, os.getcwd(), "data_path")
    path = os.path.abspath(os.path.expanduser(os.fspath(data_path)))
    if os.path.isdir(path) or not os.path.lexists(path):
        if path.endswith(".json"):
            raise SettingsError(f"data_path: there is no manifest {path!r}")
        return _folder(path)
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(
            f"data_path: {path!r} cannot be read as a JSON manifest ({error}); pass a folder, or a JSON file that "
            "holds an object of names and paths"
        ) from None
    return _manifest(content, os.path.dirname(path), f"data_path {path!r}")


def _manifest(content: Any, folder: str, what: str) -> Files:
    if not isinstance(content, Mapping):
        raise SettingsError(f"{what}: it holds {quoted(content)}, expected an object of names and paths")
    for name, path in content.items():
        if not isinstance(name, str) or not isinstance(path, (str, os.PathLike)):
            raise SettingsError(f"{what}: it holds {quoted(name)}: {quoted(path)}, expected a name and a path")
    paths = [os.path.abspath(os.path.join(folder, os.path.expanduser(path))) for path in content.values()]
    return Files(list(content), paths)


def _folder(root: str) -> Files:
    paths: list[str] = []
    outside: set[str] = set()
    real_root = os.path.join(os.path.realpath(root), "")
    for folder, folders, names in os.walk(root):
        for name in folders:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.realpath(path).startswith(real_root):
                outside.add(path)
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith(".") or name.endswith(TEMPORARY):
                continue
            paths.append(path)
            if os.path.islink(path) and not os.path.realpath(path).startswith(real_root):
                outside.add(path)
    return Files(paths, paths, root, outside)
