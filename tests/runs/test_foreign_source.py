from __future__ import annotations

import threading

import pytest

from fo_labelstudio.errors import AnswerTooLargeError, ServerError
from fo_labelstudio.runs import foreign_source
from fo_labelstudio.runs.foreign_source import LARGE_PAGE_TASKS, PAGE_TASKS, ServerProject

CONFIG = '<View><Image name="img" value="$image"/><Choices name="c" toName="img"><Choice value="a"/></Choices></View>'


class Server:
    """A server that exports tasks, and notes for how many it was asked."""

    url = "http://server"
    edition = "Community"

    def __init__(self, number, refuse=lambda ids: None):
        self.number, self.refuse, self.asked = number, refuse, []

    def project(self, project_id, names=()):
        return {"id": project_id, "title": "t", "label_config": CONFIG, "task_number": self.number}

    def task_span(self, project_id):
        return (1, self.number) if self.number else None

    def export_tasks(self, project_id, ids):
        self.asked.append(len(ids))
        error = self.refuse(ids)
        if error:
            raise error
        return [{"id": number} for number in ids]

    def read(self, **options):
        return [task["id"] for task in ServerProject(self, 1, **options).tasks(with_predictions=False)]


@pytest.fixture
def one_request_at_a_time(monkeypatch):
    monkeypatch.setattr(foreign_source, "REQUESTS", 1)


def test_the_next_tasks_are_asked_for_while_the_server_works_at_others():
    """The first answer tells how long one takes alone."""
    both = threading.Barrier(2)

    def wait(ids):
        if ids[0] > PAGE_TASKS:
            both.wait(10)

    number = PAGE_TASKS + 2 * LARGE_PAGE_TASKS
    assert Server(number, wait).read() == list(range(1, number + 1))


@pytest.mark.parametrize("works_at_both, at_once", [(True, 2), (False, 1)])
def test_two_requests_are_made_at_once_where_the_server_works_at_both(monkeypatch, works_at_both, at_once):
    now, lock, running, seen = [0.0], threading.Lock(), [0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    both = threading.Barrier(2)

    def work(ids):
        with lock:
            running[0] += 1
            seen.append(running[0])
        if PAGE_TASKS < ids[0] <= PAGE_TASKS + 2 * LARGE_PAGE_TASKS:
            # All that take part in the trial have begun before the clock goes on.
            both.wait(10)
        with lock:
            now[0] += len(ids) / 1000 * (0.5 if works_at_both and ids[0] > PAGE_TASKS else 1)
            running[0] -= 1
        if PAGE_TASKS < ids[0] <= PAGE_TASKS + 2 * LARGE_PAGE_TASKS:
            both.wait(10)

    Server(PAGE_TASKS + 6 * LARGE_PAGE_TASKS, work).read()
    assert seen[:3] == [1, 1, 2] and max(seen[3:]) <= at_once
    assert at_once == 2 or set(seen[3:]) == {1}


def test_several_addresses_that_are_too_long_are_shortened_each():
    server = Server(3000, lambda ids: ServerError("too long", 414) if len(ids) > PAGE_TASKS else None)
    assert server.read() == list(range(1, 3001))
    assert server.asked.count(LARGE_PAGE_TASKS) <= foreign_source.REQUESTS


@pytest.mark.usefixtures("one_request_at_a_time")
def test_more_tasks_are_asked_for_at_once_where_the_server_is_quick():
    server = Server(1100)
    assert server.read() == list(range(1, 1101))
    assert server.asked == [PAGE_TASKS, LARGE_PAGE_TASKS, LARGE_PAGE_TASKS, 100]
    assert Server(0).read() == []


@pytest.mark.usefixtures("one_request_at_a_time")
@pytest.mark.parametrize("status", [400, 414, 431])
def test_an_address_that_is_too_long_is_shortened_for_good(status):
    server = Server(1100, lambda ids: ServerError("too long", status) if len(ids) > PAGE_TASKS else None)
    assert server.read() == list(range(1, 1101))
    assert server.asked == [200, 400, *[PAGE_TASKS] * 4, 100]


@pytest.mark.usefixtures("one_request_at_a_time")
def test_answers_that_are_too_large_or_slow_are_asked_for_in_parts(monkeypatch):
    server = Server(300, lambda ids: AnswerTooLargeError("too large") if len(ids) > 100 else None)
    assert server.read() == list(range(1, 301))
    assert server.asked == [200, 100, 100, 100]
    monkeypatch.setattr(foreign_source, "_QUICK_SECONDS", -1)
    slow = Server(500)
    assert slow.read() == list(range(1, 501))
    assert slow.asked == [200, 200, 100]


def test_what_a_server_refuses_for_other_reasons_is_told():
    with pytest.raises(ServerError, match="no"):
        Server(300, lambda ids: ServerError("no", 403)).read()
    with pytest.raises(ServerError, match="bad"):
        Server(300, lambda ids: ServerError("bad", 400)).read()
