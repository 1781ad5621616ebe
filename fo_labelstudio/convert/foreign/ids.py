"""Names of tasks and ids of regions, as those of labels are made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.foreign.results import Shape
from fo_labelstudio.convert.regions import PART_SEPARATOR, whole_id

_DOT = "\x1f"
"""Stands for the dot in ids of regions, which tells the parts of our labels apart, and means nothing in others."""

_OURS = re.compile(r"[0-9a-f]{24}(\.[0-9]{1,6})?")
"""Ids of regions that we sent, or that look like it."""


class TaskName(NamedTuple):
    """What tells a task from the others of its project.

    Attributes:
        number: a number that stays the same: its id, or else one that is made of its data
        shown: how messages call it
    """

    number: int
    shown: Any


class TaskNames:
    """Names the tasks of one project or file, one after the other."""

    def __init__(self) -> None:
        self._count = 0
        self._seen: Counter[int] = Counter()

    def of(self, task: Mapping[str, Any]) -> TaskName:
        """The name of the next task; one without an id is told by its data, several of the same data by their order."""
        self._count += 1
        task_id = task.get("id")
        if type(task_id) is int:
            return TaskName(task_id, task_id)
        if isinstance(task_id, str) and task_id:
            return TaskName(_number_of(task_id), task_id)
        number = _number_of(digest_of(task.get("data")))
        self._seen[number] += 1
        if self._seen[number] > 1:
            number = _number_of(f"{number} {self._seen[number]}")
        return TaskName(number, f"number {self._count} of those without an id")


def _number_of(text: str) -> int:
    # Below 0, where no task ids are.
    return -int(digest_of(text)[:14], 16) - 1


def whole_ones(shapes: Sequence[Shape]) -> Collection[str]:
    """Ids of labels of ours whose regions are parts of one label: all are of one class, as they were sent."""
    classes: dict[str, list[Any]] = {}
    for shape in shapes:
        if _OURS.fullmatch(shape.id):
            classes.setdefault(whole_id(shape.id), []).append(shape.classes)
    return {whole for whole, found in classes.items() if all(one == found[0] for one in found)}


def safe_id(region_id: str, is_ours: bool | None = None) -> str:
    """An id without the dot that would tell the parts of a label apart, where it does not do that."""
    if is_ours or (is_ours is None and _OURS.fullmatch(region_id)):
        return region_id
    return region_id.replace(PART_SEPARATOR, _DOT)


def shown_id(region_id: Any) -> Any:
    return region_id.replace(_DOT, PART_SEPARATOR) if isinstance(region_id, str) else region_id
