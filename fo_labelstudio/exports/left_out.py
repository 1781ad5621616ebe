"""What is in a file and was not read, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple


class LeftOut(NamedTuple):
    """Something in a file that was not read, while all else was.

    Attributes:
        kind: ``task``: a broken task, which is not among those that were read; ``answers``: some answers of a task that
            is; ``files``: files that hold no tasks
        where: the file, and the place in it
        reason: why
    """

    kind: Literal["task", "answers", "files"]
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


Report = Callable[[LeftOut], None]
"""Told of each thing that was not read, while the tasks are read."""
