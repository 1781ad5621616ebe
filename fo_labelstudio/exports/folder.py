"""Several files of tasks as one: those of a target storage, or exports of several days.

A target storage holds a file for each annotation, named by its id, with the task inside; on request one for each task.
Files that name the same task are brought together, so that each task comes once, with the newest of its annotations.

Source: Label Studio 1.23.2, io_storages/base_models.py (``_get_serialized_data``, ``get_key``)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from fo_labelstudio.convert.annotation.choose import time_of
from fo_labelstudio.exports.left_out import LeftOut, Report
from fo_labelstudio.exports.tasks import Task

Tasks = Callable[[Report], Iterable[tuple[Task, bool]]]
"""Reads the tasks of a file; each with whether it is there for one of its annotations, as in a target storage."""

Stamp = tuple[str, int]
"""When something was changed last, and the number of the file that says so."""


@dataclass
class _Seen:
    """What the files hold of a task.

    Attributes:
        whole: the newest file that holds it as a whole
        annotations: id of an annotation that has a file -> the newest one, and the place in it
        is_given: whether it was given out, where it is held by files of its annotations only
    """

    whole: Stamp | None = None
    annotations: dict[Any, tuple[Stamp, int]] = field(default_factory=dict)
    is_given: bool = False


def merged(files: Sequence[Tasks], report: Report) -> Iterator[Task]:
    """The tasks of all files.

    The files are read twice: only then is it known which of them is the newest, and memory does not hold them.

    Args:
        files: what reads each
        report: told of what is left out
    """
    seen: dict[Hashable, _Seen] = {}
    for number, file in enumerate(files):
        for place, (task, is_of_annotation) in enumerate(file(_silent)):
            _see(seen, task, is_of_annotation, number, place)
    for number, file in enumerate(files):
        for task, is_of_annotation in file(report):
            found = seen.get(_key(task))
            if found is None or (not is_of_annotation and found.whole is not None and found.whole[1] == number):
                yield _with_annotations(task, found, files)
            elif found.whole is None and not found.is_given:
                found.is_given = True
                yield _of_annotations(found, files)


def _silent(left_out: LeftOut) -> None:
    """What is wrong with a file is told once, however often it is read."""


def _see(seen: dict[Hashable, _Seen], task: Task, is_of_annotation: bool, number: int, place: int) -> None:
    if (key := _key(task)) is None:
        return
    found = seen.setdefault(key, _Seen())
    times = [time_of(annotation) for annotation in task["annotations"]]
    if is_of_annotation:
        annotation_id = _id(task["annotations"][0])
        newest = found.annotations.get(annotation_id)
        if newest is None or newest[0] <= (times[0], number):
            found.annotations[annotation_id] = (times[0], number), place
    else:
        stamp = max([time_of(task), *times]), number
        found.whole = max(found.whole or stamp, stamp)


def _key(task: Task) -> Hashable:
    """What tells a task from those of other projects and servers; None where it has no id."""
    if task["id"] is None:
        return None
    data = json.dumps(task["data"], sort_keys=True).encode()
    project = task.get("project")
    return task["id"], project if type(project) is int else None, hashlib.blake2b(data, digest_size=16).digest()


def _id(annotation: dict[str, Any]) -> Any:
    number = annotation.get("id")
    return number if isinstance(number, (int, str)) else None


def _with_annotations(task: Task, found: _Seen | None, files: Sequence[Tasks]) -> Task:
    """A task that is held as a whole, with those of its annotations that have a newer file."""
    if found is None or not found.annotations:
        return task
    held = {_id(annotation): annotation for annotation in task["annotations"]}
    for annotation_id, ((time, number), place) in found.annotations.items():
        if annotation_id not in held or time_of(held[annotation_id]) < time:
            held[annotation_id] = _read(files[number], place)["annotations"][0]
    return {**task, "annotations": list(held.values())}


def _of_annotations(found: _Seen, files: Sequence[Tasks]) -> Task:
    """A task of which only annotations are held, as the newest of them has it."""
    newest_first = sorted(found.annotations.values(), reverse=True)
    tasks = [_read(files[number], place) for (_, number), place in newest_first]
    return {**tasks[0], "annotations": [task["annotations"][0] for task in reversed(tasks)]}


def _read(file: Tasks, place: int) -> Task:
    return next(islice(iter(file(_silent)), place, None))[0]
