"""What became of the tasks of a project on a server; a :class:`TaskOverview`."""

from __future__ import annotations

from collections.abc import Iterator

from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.server import ProjectClient


class ServerOverview(ProjectClient):
    """What became of the tasks of a project; see :class:`TaskOverview`."""

    def total(self) -> int:
        """How many tasks the project has, those of others among them.

        Raises:
            RunError: it is gone
        """
        return self.state().tasks or 0

    def count(self, first: int, last: int) -> int:
        """How many of its tasks have ids that lie in a range."""
        return self._client.count_tasks_within(self._project_id, first, last)

    def ids(self, first: int, last: int) -> Iterator[int]:
        """The ids of its tasks that lie in a range."""
        return self._client.task_ids_within(self._project_id, first, last)

    def rows(self, first: int, last: int, is_touched: bool) -> Iterator[Task]:
        """What the Data Manager shows of its tasks whose ids lie in a range."""
        return self._client.task_rows(self._project_id, first, last, is_touched)

    def model_versions(self) -> dict[str, int]:
        """How many predictions of each model the project has."""
        return self._client.model_versions(self._project_id)

    def users(self) -> dict[int, str]:
        """The e-mail address of each user, by id."""
        return self._client.users()
