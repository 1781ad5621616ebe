"""What people submitted is asked for in as many requests as it takes."""

from __future__ import annotations

import pytest

from fo_labelstudio.errors import AnswerTooLargeError
from fo_labelstudio.runs.fetch import _export


class Server:
    """Exports tasks that weigh what they are called."""

    def __init__(self, most):
        self.most = most
        self.asked = []

    def export_tasks(self, project_id, task_ids):
        self.asked.append(list(task_ids))
        if sum(task_ids) > self.most:
            raise AnswerTooLargeError("the answer is too large")
        return [{"id": task_id} for task_id in task_ids]


def test_tasks_that_are_too_large_together_are_asked_for_in_smaller_portions():
    server = Server(10)
    assert [task["id"] for task in _export(server, 1, [1, 2, 3, 9, 1])] == [1, 2, 3, 9, 1]
    assert server.asked == [[1, 2, 3, 9, 1], [1, 2], [3, 9, 1], [3], [9, 1]]


def test_a_task_that_is_too_large_by_itself_is_named():
    with pytest.raises(AnswerTooLargeError, match="task 11 is too large: the answer is too large"):
        list(_export(Server(10), 1, [1, 11]))
