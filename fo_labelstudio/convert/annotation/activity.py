"""What people have done to a task: as the list of tasks says it in short, or as the annotations themselves do.

Source: Label Studio 1.23.2, columns of the Data Manager (``GET /api/tasks``), and its JSON export
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.choose import by_who_submitted, is_as_sent, is_submitted, time_of
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.task.origin import is_sent_annotation
from fo_labelstudio.convert.times import parse_time

_SECONDS_OF_IMPORT = 1.0
"""Between the two times of a task that nobody has changed lie microseconds."""


_MAX_SECONDS = 1e9
"""Nobody takes longer for a task; the editor counts while the page is open."""

_VERDICTS = ("accepted", "rejected")

_ID = re.compile(r"\d{1,18}")


class TaskRow(NamedTuple):
    """What the list of tasks says of one.

    Attributes:
        id: the task
        answered: how many submitted annotations it has
        skipped: how many annotations that skip it
        annotators: ids of the users who made them
        annotations: ids of the annotations, as far as the list names them
        seconds: how long they took on average, or None
        has_draft: whether somebody has begun and not submitted
        updated_at: when anything about it was changed, to be compared with other times
        is_changed: whether anything about it was changed since it was made
        versions: the model versions of its predictions, in one text
        accepted: how many reviews accept an annotation of it; None where nobody can review
        rejected: how many reject one
    """

    id: int
    answered: int
    skipped: int
    annotators: tuple[int, ...]
    annotations: tuple[int, ...]
    seconds: float | None
    has_draft: bool
    updated_at: str
    is_changed: bool
    versions: str
    accepted: int | None = None
    rejected: int | None = None

    @property
    def is_annotated(self) -> bool:
        """Whether it has any annotation."""
        return self.answered + self.skipped > 0


class Share(NamedTuple):
    """What one person has done to a task.

    Attributes:
        is_answered: whether an annotation was submitted
        is_skipped: whether it was skipped
        seconds: how long that took, as the editor has measured it
    """

    is_answered: bool
    is_skipped: bool
    seconds: float


class Activity(NamedTuple):
    """What people have done to a task.

    Attributes:
        shares: id of the user, None where the server no longer knows it -> what they have done
        first: when the first annotation was begun, in the words of the server; empty where that is not known
        last: when an annotation was last submitted; empty where that is not known
    """

    shares: Mapping[int | None, Share]
    first: str = ""
    last: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether somebody has submitted an annotation."""
        return any(share.is_answered for share in self.shares.values())

    @property
    def is_skipped(self) -> bool:
        """Whether somebody has skipped it, and nobody has answered."""
        return not self.is_answered and any(share.is_skipped for share in self.shares.values())


NOTHING = Activity({})
"""Nobody has done anything."""


def parse_row(task: Mapping[str, Any]) -> TaskRow:
    """What the list of tasks says of one.

    Args:
        task: a task of ``GET /api/tasks``, with the columns that :class:`TaskRow` needs
    """
    updated_by, annotators = task.get("updated_by"), task.get("annotators")
    return TaskRow(
        task["id"],
        _count(task, "total_annotations"),
        _count(task, "cancelled_annotations"),
        tuple(_users(annotators)) if isinstance(annotators, list) else (),
        # One text with all ids.
        tuple(map(int, _ID.findall(str(task.get("annotations_ids") or "")))),
        _seconds(task.get("avg_lead_time")),
        task.get("draft_exists") is True,
        time_of(task),
        bool(updated_by) or _was_changed(task),
        str(task.get("predictions_model_versions") or ""),
        *(_count(task, f"reviews_{verdict}") if f"reviews_{verdict}" in task else None for verdict in _VERDICTS),
    )


def activity_of_row(row: TaskRow, is_sent_finished: bool) -> Activity | None:
    """What people have done to a task, or None where only its annotations tell.

    Args:
        row: what the list of tasks says of it
        is_sent_finished: whether tasks of the run may have annotations that were sent with them
    """
    if not row.is_annotated:
        return NOTHING
    if is_sent_finished:
        return NOTHING if row.answered == 1 and not row.skipped and not row.is_changed else None
    if row.answered + row.skipped > 1 or len(row.annotators) != 1:
        return None
    return Activity({row.annotators[0]: Share(row.answered > 0, row.skipped > 0, row.seconds or 0.0)})


def activity_of_task(task: Mapping[str, Any]) -> Activity:
    """What people have done to an exported task.

    Args:
        task: the task, with all of its annotations
    """
    shares: dict[int | None, Share] = {}
    begun, submitted = [], []
    for annotation in _of_people(task):
        user, is_answer = annotator_of(annotation, task), is_submitted(annotation)
        before = shares.get(user, Share(False, False, 0.0))
        seconds = before.seconds + (_seconds(annotation.get("lead_time")) or 0.0)
        shares[user] = Share(before.is_answered or is_answer, before.is_skipped or not is_answer, seconds)
        # What was sent is as old as the task, whoever edits it later.
        begun.append(time_of(annotation) if is_sent_annotation(annotation, task) else _time(annotation, "created_at"))
        submitted.append(time_of(annotation))
    return Activity(shares, min(filter(None, begun), default=""), max(submitted, default=""))


def annotator_of(annotation: Mapping[str, Any], task: Mapping[str, Any]) -> int | None:
    """The id of the user whose answer an annotation is: of one that was sent with its task, who edited it."""
    user = by_who_submitted(annotation, task).get("completed_by")
    user = user.get("id") if isinstance(user, Mapping) else user
    return user if type(user) is int else None


def _of_people(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    annotations = task.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else ():
        if isinstance(annotation, Mapping) and isinstance(annotation.get("was_cancelled"), bool):
            if not is_submitted(annotation) or not is_as_sent(annotation, task):
                yield annotation


def _was_changed(task: Mapping[str, Any]) -> bool:
    try:
        made, updated = (parse_time(task[key]) for key in ("created_at", "updated_at"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return True
    return (updated - made).total_seconds() >= _SECONDS_OF_IMPORT


def _time(annotation: Mapping[str, Any], key: str) -> str:
    return time_of({"updated_at": annotation.get(key)})


def _seconds(value: Any) -> float | None:
    return float(value) if is_finite(value) and 0 <= value < _MAX_SECONDS else None


def _users(annotators: Iterable[Any]) -> Iterator[int]:
    """The ids of some annotators, of whom other editions say more (label-studio-sdk 2.1.2, ``LseTask``)."""
    for annotator in annotators:
        user = annotator.get("user_id") if isinstance(annotator, Mapping) else annotator
        if type(user) is int:
            yield user


def _count(task: Mapping[str, Any], key: str) -> int:
    number = task.get(key)
    return number if type(number) is int else 0
