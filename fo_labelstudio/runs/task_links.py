"""task_links(): where people work on the tasks of samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.state import RunState, project_id_of


class TaskLink(NamedTuple):
    """Where people work on a task.

    Attributes:
        sample_id: the sample that it shows
        task_id: the task
        url: the address of its page
    """

    sample_id: str
    task_id: int
    url: str


def task_links(results: RunState, sample_ids: Iterable[str]) -> list[TaskLink]:
    """The tasks of some samples; those that the run does not have are passed over.

    Args:
        results: the results of the run
        sample_ids: the ids of the samples; of frames or clips where the run is on these

    Raises:
        RunError: the run has no project, or none any more
    """
    known = results.tasks_by_sample
    page = project_url(results.config.url or "", project_id_of(results))
    tasks = ((sample_id, known.get(sample_id)) for sample_id in dict.fromkeys(sample_ids))
    # As the editor's own links have it (Label Studio 1.23.2).
    return [TaskLink(name, task_id, f"{page}?task={task_id}") for name, task_id in tasks if task_id is not None]
