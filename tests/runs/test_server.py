"""The tasks of a project are asked for in as many requests as it takes."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.amounts import FIRST
from fo_labelstudio.errors import AnswerTooLargeError, RunError, ServerError
from fo_labelstudio.runs.direct_export import MAX_EXPORTED_TASKS
from fo_labelstudio.runs.server import COUNTED, MAX_NOT_ANSWERED, ServerTasks, tasks_in


class Server:
    """Exports tasks that weigh what they are called."""

    url = "http://server"
    edition = "Community"

    def __init__(self, most=10**9, there=(), status=None):
        self.most = most
        self.there = there
        self.status = status
        self.asked = []

    def export_tasks(self, project_id, task_ids):
        self.asked.append(list(task_ids))
        if sum(task_ids) > self.most:
            raise AnswerTooLargeError("the answer is too large")
        return [{"id": task_id} for task_id in task_ids]

    def tasks(self, project_id, after):
        return iter([{"id": task_id} for task_id in self.there if task_id > after])

    def newest_change(self, project_id):
        if self.status:
            raise ServerError("no", self.status)
        return "2026-11-20T10:00:02Z" if self.there else None

    def changed_tasks(self, project_id, since, is_answered):
        self.asked.append((since, is_answered))
        yield {"id": 1 if is_answered else 2, "updated_at": "2026-11-20T10:00:00Z"}

    def miscounted_tasks(self, project_id, since):
        self.asked.append((since, "miscounted"))
        yield {"id": 3, "updated_at": "2026-11-20T10:00:01Z"}

    def count_changed(self, project_id, since, is_answered):
        return len(self.there)

    def project(self, project_id, names=()):
        if self.status:
            raise ServerError("no", self.status)
        return {"label_config": "<View/>", "task_number": 3, "model_version": "FiftyOne"}

    def update_project(self, project_id, **settings):
        self.asked.append(settings)
        if self.status:
            raise ServerError("no", self.status)


def exported(server, task_ids, page_tasks=5):
    return [task["id"] for page in ServerTasks(server, 1).exported(task_ids, page_tasks) for task in page.tasks]


def test_tasks_that_are_too_large_together_are_asked_for_in_smaller_portions():
    server = Server(10)
    assert exported(server, [1, 2, 3, 9, 1]) == [1, 2, 3, 9, 1]
    assert server.asked == [[1, 2, 3, 9, 1], [1, 2], [3, 9, 1], [3], [9, 1]]


def test_a_task_that_is_too_large_by_itself_is_named():
    with pytest.raises(AnswerTooLargeError, match="task 11 is too large: the answer is too large"):
        exported(Server(10), [1, 11])


def test_a_request_names_no_more_tasks_than_its_address_can_hold():
    server = Server()
    exported(server, list(range(FIRST + 250)), page_tasks=1000)
    assert list(map(len, server.asked)) == [FIRST, MAX_EXPORTED_TASKS, 50]


def test_changes_are_tasks_with_their_times():
    server = Server(there=[1])
    time = "2026-11-20T10:00:00Z"
    assert ServerTasks(server, 1).changes(time, 100) == ("2026-11-20T10:00:02Z", {1: time, 2: time}, 0)
    assert server.asked == [(time, True), (time, False)]


def test_of_very_many_changed_tasks_without_counted_answers_those_are_listed_that_have_annotations():
    server = Server(there=range(1, MAX_NOT_ANSWERED + 2))
    time = "2026-11-20T10:00:00Z"
    times = {1: time, 3: "2026-11-20T10:00:01Z"}
    assert ServerTasks(server, 1).changes(time, 100) == ("2026-11-20T10:00:02Z", times, MAX_NOT_ANSWERED + 1)
    assert server.asked == [(time, True), (time, "miscounted")]


@pytest.mark.parametrize(("most", "is_listed"), [(COUNTED, True), (COUNTED - 1, False)])
def test_more_changed_tasks_than_are_asked_for_are_counted_and_not_listed(most, is_listed):
    server = Server(there=[1])
    time = "2026-11-20T10:00:00Z"
    tasks = [{"id": number, "updated_at": time} for number in range(COUNTED)]
    server.changed_tasks = lambda project_id, since, is_answered: iter(tasks if is_answered else [])
    server.count_changed = lambda project_id, since, is_answered: COUNTED if is_answered else 0
    times = dict.fromkeys(range(COUNTED), time) if is_listed else None
    assert ServerTasks(server, 1).changes(time, most) == ("2026-11-20T10:00:02Z", times, 0)


def test_without_a_time_only_the_newest_change_is_asked_for():
    server = Server(there=[1])
    assert ServerTasks(server, 1).changes(None, 100) == ("2026-11-20T10:00:02Z", None, 0)
    assert server.asked == []


def test_a_server_that_knows_no_such_query_tells_of_no_changes(caplog):
    assert ServerTasks(Server(status=400), 1).changes(None, 100) is None
    assert "does not list the tasks that were changed" in caplog.text
    assert ServerTasks(Server(), 1).changes(None, 100) is None
    with pytest.raises(ServerError):
        ServerTasks(Server(status=500), 1).changes(None, 100)


def test_all_tasks_are_those_that_the_project_has():
    assert exported(Server(there=[4, 7, 9]), None) == [4, 7, 9]


def test_the_state_is_what_the_project_says():
    assert ServerTasks(Server(), 1).state() == ("<View/>", 3, "FiftyOne", True)


def test_a_project_that_is_gone_says_where_it_was():
    with pytest.raises(RunError, match="project 1 is gone from http://server"):
        ServerTasks(Server(status=404), 1).state()


def test_predictions_that_there_are_none_of_are_nothing_to_start_from():
    server = Server(status=400)
    ServerTasks(server, 1).start_from("FiftyOne")
    assert server.asked == [{"model_version": "FiftyOne"}]


def test_another_refusal_of_the_predictions_is_an_error():
    with pytest.raises(ServerError):
        ServerTasks(Server(status=500), 1).start_from("FiftyOne")


class ExistingProject(Server):
    """A project that was there, with tasks of others."""

    def __init__(self, model_version="", last=9, **options):
        super().__init__(**options)
        self.model_version = model_version
        self.last = last

    def project(self, project_id, names=()):
        return {"label_config": "<View/>", "task_number": 3, "model_version": self.model_version}

    def task_span(self, project_id):
        return (1, self.last)

    def count_tasks(self, project_id, after):
        return len([task_id for task_id in self.there if task_id > after])

    def import_tasks(self, project_id, tasks):
        self.model_version = self.model_version or "FiftyOne"
        return [1], 1

    def update_project(self, project_id, **settings):
        super().update_project(project_id, **settings)
        self.model_version = settings["model_version"]

    def delete_tasks(self, project_id, task_ids):
        self.asked.append(task_ids)

    def delete_task(self, task_id):
        self.asked.append(task_id)


def existing(server, model_version="", last_task=5):
    return tasks_in(
        server, {"project_id": 1, "owns_project": False, "model_version": model_version, "last_task": last_task}
    )


def test_the_tasks_of_a_run_in_a_project_that_was_there_are_looked_for_behind_all_others():
    server = ExistingProject(there=[3, 5, 7, 9])
    assert [task["id"] for task in existing(server).tasks()] == [7, 9]
    assert [task["id"] for task in existing(server).tasks(7)] == [9]


def test_where_a_server_has_numbered_its_tasks_anew_all_are_looked_at():
    assert [task["id"] for task in existing(ExistingProject(there=[3, 4], last=4)).tasks()] == [3, 4]


def test_the_state_counts_the_tasks_since_the_run_was_made_where_that_can_be_known():
    assert existing(ExistingProject(there=[3, 5, 7, 9])).state()[:3] == ("<View/>", 2, "")
    assert existing(ExistingProject(there=[3, 4], last=4)).state().tasks is None


def test_what_people_start_from_is_as_it_was_after_an_import():
    server = ExistingProject()
    existing(server).make_tasks([b"{}"])
    existing(server).start_from("FiftyOne")
    assert server.model_version == "" and server.asked == [{"model_version": ""}]


def test_what_somebody_has_chosen_to_start_from_is_left_alone():
    server = ExistingProject("their model")
    tasks = existing(server, "their model")
    tasks.make_tasks([b"{}"])
    tasks.start_from("FiftyOne")
    tasks.set_labeling_config("<View/>")
    assert server.model_version == "their model" and server.asked == []


def test_tasks_are_deleted_in_few_requests_and_the_last_of_a_project_by_itself():
    server = ExistingProject()
    existing(server).delete_tasks([1, 2])
    assert server.asked == [[1, 2]]
    server.asked.clear()
    existing(server).delete_tasks(list(range(2002)))
    assert [len(ids) for ids in server.asked[:-1]] == [1000, 1000, 1] and server.asked[-1] == 2001
    existing(server).delete_tasks([])


def test_a_run_that_says_nothing_of_it_owns_its_project():
    assert type(tasks_in(Server(), {"project_id": 1})) is ServerTasks
