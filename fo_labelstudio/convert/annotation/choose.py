"""Which annotation of a task counts: the newest submitted one that is asked for, unless it is as it was sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timezone
from typing import Any

from fo_labelstudio.convert.annotation.answer import Made, Problem
from fo_labelstudio.convert.foreign.which import NEWEST, Which, annotator_of
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.task.origin import is_sent_annotation
from fo_labelstudio.convert.times import parse_time

_SECONDS_OF_IMPORT = 1.0
"""Between the two times of an imported annotation lie microseconds."""


def annotation_of(task: Any, problems: list[Problem] | None = None, which: Which = NEWEST) -> dict[str, Any] | None:
    """The annotation of an exported task that counts, the newest of those that are asked for, or None without any.

    Args:
        task: the task
        problems: receives one for each annotation of which it cannot be told
        which: which ones are asked for
    """
    submitted = []
    for annotation in _annotations(task):
        if is_submitted(annotation) and is_as_sent(annotation, task):
            # Nobody has answered yet.
            continue
        if is_submitted(annotation):
            submitted += [annotation] if which.counts(by_who_submitted(annotation, task)) else []
        elif problems is not None and not _is_skipped(annotation):
            reason = "one of its annotations does not say whether it was submitted"
            problems.append(Problem(task["id"], None, reason))
    found: dict[str, Any] | None = newest(submitted)
    return found


def annotators_of(task: Any, people: Mapping[int, str]) -> Collection[str]:
    """Who answered an exported task, as :func:`annotator_of` names them."""
    answered = [one for one in _annotations(task) if is_submitted(one) and not is_as_sent(one, task)]
    return dict.fromkeys(annotator_of(by_who_submitted(annotation, task), people) for annotation in answered)


def by_who_submitted(annotation: Mapping[str, Any], task: Any) -> Mapping[str, Any]:
    """An annotation as one of who submitted it; one that was sent with its task is of who sent it, whoever edits it."""
    if not is_sent_annotation(annotation, task):
        return annotation
    return {**annotation, "completed_by": annotation.get("updated_by"), "created_username": None}


def is_skipped(task: Any) -> bool:
    """Whether somebody has skipped an exported task, and nobody has answered it."""
    skipped = any(map(_is_skipped, _annotations(task)))
    return skipped and annotation_of(task) is None


def made_of(annotation: Mapping[str, Any], task: Any, people: Mapping[int, str]) -> Made:
    """Who made an annotation, and when.

    Args:
        annotation: the annotation
        task: its task
        people: id of an annotator -> e-mail, as far as it is known
    """
    number, seconds = annotation.get("id"), annotation.get("lead_time")
    try:
        time = parse_time(time_of(annotation))
        # The database holds milliseconds.
        time = time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=timezone.utc)
    except ValueError:
        time = None
    return Made(
        annotator_of(by_who_submitted(annotation, task), people),
        number if type(number) is int else None,
        time,
        float(seconds) if is_finite(seconds) else None,
    )


def _annotations(task: Any) -> list[Any]:
    annotations = task.get("annotations") if isinstance(task, Mapping) else None
    return annotations if isinstance(annotations, list) else []


def time_of(annotation: Mapping[str, Any]) -> str:
    """When an annotation was last submitted, so that times can be compared; empty where it does not say."""
    time = annotation.get("updated_at")
    # Without the Z, a time of whole seconds sorts before its fractions.
    return time.rstrip("Z") if isinstance(time, str) else ""


def newest(annotations: Sequence[Any]) -> Any:
    """The annotation that was submitted last, or None where there is none."""

    def place(annotation: Mapping[str, Any]) -> tuple[str, int]:
        number = annotation.get("id")
        return time_of(annotation), number if isinstance(number, int) else 0

    return max(annotations, key=place, default=None)


def is_as_sent(annotation: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    """Whether an annotation was sent with its task, and nobody has submitted it since.

    Source: Label Studio 1.23.2. ``updated_by`` is null until somebody submits an imported annotation, and once that
    user is deleted, which only the times tell.
    """
    if annotation.get("updated_by") is not None or not is_sent_annotation(annotation, task):
        return False
    try:
        made, updated = (parse_time(annotation[key]) for key in ("created_at", "updated_at"))
        return (updated - made).total_seconds() < _SECONDS_OF_IMPORT
    except (AttributeError, KeyError, TypeError, ValueError):
        # An annotation of a file that was never imported has no times.
        return "created_at" not in annotation


def is_submitted(annotation: Any) -> bool:
    """Whether an annotation says that it was submitted, not skipped."""
    return isinstance(annotation, Mapping) and annotation.get("was_cancelled") is False


def _is_skipped(annotation: Any) -> bool:
    return isinstance(annotation, Mapping) and annotation.get("was_cancelled") is True
