"""Tasks as the import page takes them, as older servers wrote them, or as target storages hold them -> as exported.

Source: Label Studio 1.23.2, data_import/models.py (``read_tasks_list_from_json``), tasks/serializers.py,
io_storages/base_models.py (``_get_serialized_data``)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fo_labelstudio.exports.kinds import format_of
from fo_labelstudio.messages import quoted

Task = dict[str, Any]
"""A task in the form of ``GET /api/projects/{id}/export?exportType=JSON``.

It has ``id`` (a whole number, or None), ``data`` and ``meta`` (dicts), ``annotations`` (dicts, each with a list
``result`` and a boolean ``was_cancelled``), ``predictions`` and ``drafts`` (dicts, or ids where nothing else was
exported), and what else there was.
"""

_ANSWERS = ("annotations", "completions", "predictions")


class NoTaskError(ValueError):
    """A value that is no task; the message says why, as ``it ...`` goes on."""


def to_task(value: Any, note: Callable[[str], None]) -> Task:
    """A value of a file as a task in the form of an export; one that has it already is the same, changed in place.

    Args:
        value: a task; the data of one; or an annotation with its ``task``
        note: told of each answer that is left out, as it is none

    Raises:
        NoTaskError: it is none of them
    """
    if not isinstance(value, dict):
        raise NoTaskError(f"is no object but {quoted(value)}")
    if is_annotation(value):
        task = dict(value["task"])
        task["annotations"] = [{**value, "task": task.get("id")}]
        return _complete(task, note)
    if (found := format_of(value)) is not None:
        raise NoTaskError(f"is {found}, not a task")
    data = value.get("data")
    if isinstance(data, dict):
        return _complete(value, note)
    answers = [key for key in _ANSWERS if isinstance(value.get(key), list)]
    if data or answers:
        reason = f"has {quoted(data)} as 'data'" if data else f"has {quoted(answers[0])}, but no 'data'"
        raise NoTaskError(f"{reason}; a task has an object there")
    # The import page takes the data alone.
    return _complete({"id": None, "data": value}, note)


def is_annotation(value: Any) -> bool:
    """Whether a value is an annotation with its task, as target storages hold it."""
    task = value.get("task") if isinstance(value, Mapping) else None
    return isinstance(task, Mapping) and isinstance(task.get("data"), dict) and "result" in value


def _complete(task: Task, note: Callable[[str], None]) -> Task:
    completions = task.pop("completions", None)
    if task.get("annotations") is None:
        task["annotations"] = completions or []
    if type(task.setdefault("id", None)) is not int:
        task["id"] = None
    if not isinstance(task.get("meta"), dict):
        task["meta"] = {}
    task["annotations"] = _answers(task, "annotations", _to_annotation, note)
    task["predictions"] = _answers(task, "predictions", _to_prediction, note)
    task["drafts"] = _answers(task, "drafts", _to_prediction, note)
    return task


def _answers(task: Task, key: str, convert: Callable[[Any], Any], note: Callable[[str], None]) -> list[Any]:
    answers = task.get(key)
    if answers is None:
        return []
    if not isinstance(answers, list):
        note(f"{key!r} is no list but {quoted(answers)}")
        return []
    converted = []
    for number, answer in enumerate(answers, 1):
        try:
            converted.append(convert(answer))
        except NoTaskError as error:
            note(f"number {number} of its {key!r} {error}")
    return converted


def _to_annotation(answer: Any) -> Any:
    answer = _with_result(answer)
    if not isinstance(answer.get("was_cancelled"), bool):
        # Servers before 1.0 call it skipped; who makes a file for the import page leaves it out.
        answer["was_cancelled"] = bool(answer.get("skipped"))
    return answer


def _to_prediction(answer: Any) -> Any:
    # An export names predictions and drafts by their ids, unless it is asked for more.
    return answer if type(answer) is int else _with_result(answer)


def _with_result(answer: Any) -> Any:
    if not isinstance(answer, dict):
        raise NoTaskError(f"is no object but {quoted(answer)}")
    if answer.get("result") is None:
        answer["result"] = []
    if not isinstance(answer["result"], list):
        raise NoTaskError(f"has no list as 'result' but {quoted(answer['result'])}")
    return answer
