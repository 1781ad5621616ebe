"""Which annotation of a task counts: the newest submitted one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.annotation.answer import Problem


def submitted_one(annotations: Sequence[Any], task_id: int, problems: list[Problem]) -> Mapping[str, Any] | None:
    """The newest submitted one of some annotations."""
    submitted = []
    for annotation in annotations:
        if not isinstance(annotation, Mapping) or not isinstance(annotation.get("was_cancelled"), bool):
            problems.append(Problem(task_id, None, "one of its annotations does not say whether it was submitted"))
        elif not annotation["was_cancelled"]:
            submitted.append(annotation)
    found: Mapping[str, Any] | None = newest(submitted)
    return found


def annotation_of(task: Any) -> dict[str, Any] | None:
    """The annotation of an exported task that counts, the newest submitted one, or None where there is none."""
    annotations = task.get("annotations") if isinstance(task, Mapping) else None
    return newest(filter(is_submitted, annotations)) if isinstance(annotations, list) else None


def time_of(annotation: Mapping[str, Any]) -> str:
    """When an annotation was last submitted, so that times can be compared; empty where it does not say."""
    time = annotation.get("updated_at")
    # Without the Z, a time of whole seconds sorts before its fractions.
    return time.rstrip("Z") if isinstance(time, str) else ""


def newest(annotations: Iterable[Any]) -> Any:
    """The annotation that was submitted last, or None where there is none."""

    def place(annotation: Mapping[str, Any]) -> tuple[str, int]:
        number = annotation.get("id")
        return time_of(annotation), number if isinstance(number, int) else 0

    return max(annotations, key=place, default=None)


def is_submitted(annotation: Any) -> bool:
    """Whether an annotation says that it was submitted, not skipped."""
    return isinstance(annotation, Mapping) and annotation.get("was_cancelled") is False
