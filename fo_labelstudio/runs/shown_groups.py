"""The groups that the tasks of a run show: a task that was exported -> each of its slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.slices import fields_by_slice
from fo_labelstudio.convert.task.joined import Part, left_over, parts
from fo_labelstudio.convert.task.origin import SAMPLE_ID
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.state import RunState


@dataclass(frozen=True)
class ShownGroups:
    """The groups of a run.

    Attributes:
        token: the token of the run
        groups: id of a group -> slice -> id of its sample
        fields: slice -> the label fields as they are asked of it
    """

    token: str
    groups: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Sequence[LabelField]]

    @classmethod
    def of(cls, results: RunState, fields: Sequence[LabelField]) -> ShownGroups | None:
        """The groups that the tasks of a run show; None where each shows one sample.

        Args:
            results: the state of the run
            fields: its label fields
        """
        slices = results.config.group_slices
        if not slices:
            return None
        return cls(results.config.saved_state["token"], results.groups, fields_by_slice(fields, tuple(slices)))

    @property
    def asked(self) -> tuple[LabelField, ...]:
        """The label fields that a task asks, those of all slices."""
        return tuple(field for of_slice in self.fields.values() for field in of_slice)

    def parts_of(self, task: Task, tasks: Mapping[str, int], problems: list[Problem]) -> tuple[str, list[Part]]:
        """The id of the group that a task shows, and its slices; none where it is not what the run has made.

        Args:
            task: a task with annotations
            tasks: id of a group -> task id
            problems: receives why it is not
        """
        data = task.get("data")
        group_id = data.get(SAMPLE_ID) if isinstance(data, Mapping) else None
        try:
            if not isinstance(group_id, str) or group_id not in self.groups or tasks.get(group_id) != task["id"]:
                raise RegionError(f"it names group {quoted(group_id)}, for which it was not made; left alone")
            return group_id, parts(task, self.fields, self.groups[group_id], self.token)
        except RegionError as error:
            problems.append(Problem(task.get("id"), None, str(error)))
            return "", []

    def left_over(self, task: Task, annotation: Mapping[str, Any]) -> list[Problem]:
        """What an annotation of a task that is the run's says of none of the slices that the task shows."""
        return [Problem(task["id"], *row) for row in left_over(task, annotation, self.fields, self.token)]
