"""Snapshots: which ids their tabs ask for, and what is read of their files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.errors import NotLabelStudioError
from fo_labelstudio.remote.client import Job
from fo_labelstudio.runs import snapshots
from fo_labelstudio.runs.snapshots import exported, ranges_of, whole


class Server:
    """Writes files of tasks that some ranges of ids name; ids are all that it has."""

    retries = 0

    def __init__(self, text=None):
        self.text = text
        self.tabs_made = []
        self.there = set()
        self.asked = []

    def make_tab(self, project_id, title, ranges):
        self.tabs_made.append(ranges)
        self.there.add("tab")
        return 1

    def make_snapshot(self, project_id, title, tab_id, with_all, with_predictions):
        self.asked.append((with_all, with_predictions))
        self.there.add("snapshot")
        return 2

    def snapshot_job(self, project_id, snapshot_id):
        return Job("completed")

    def download_snapshot(self, project_id, snapshot_id, file):
        ids = [number for first, last in self.tabs_made[-1] for number in range(first, last + 1)]
        text = json.dumps([{"id": number} for number in ids]) if self.text is None else self.text
        file.write(text.encode())

    def delete_tab(self, tab_id):
        self.there.discard("tab")

    def delete_snapshot(self, project_id, snapshot_id):
        self.there.discard("snapshot")


@given(st.sets(st.integers(1, 300), min_size=1), st.integers(1, 20))
def test_ranges_cover_all_tasks_and_as_few_others_as_possible(ids, most):
    ranges = ranges_of(list(ids), most)
    covered = [number for first, last in ranges for number in range(first, last + 1)]
    assert len(ranges) <= most and ids <= set(covered) and covered == sorted(set(covered))
    gaps = sorted(
        (after - before - 1 for before, after in zip(sorted(ids), sorted(ids)[1:], strict=False)), reverse=True
    )
    assert len(covered) - len(ids) == sum(gaps[most - 1 :])


def test_ranges_end_where_the_gaps_are_widest():
    assert ranges_of([1, 2, 3, 7, 90, 91], 2) == [(1, 7), (90, 91)]
    assert ranges_of([5]) == [(5, 5)]


def test_only_tasks_that_were_asked_for_come_back_in_pages(monkeypatch):
    monkeypatch.setattr(snapshots, "RANGES", 2)
    server = Server()
    pages = list(exported(server, 3, [9, 1, 4, 2], 3))
    assert [[task["id"] for task in page.tasks] for page in pages] == [[1, 2, 4], [9], []]
    assert sum(page.looked_at for page in pages) == 4
    assert server.tabs_made == [ranges_of([1, 2, 4, 9])] and server.asked == [(False, False)]
    assert server.there == set()


def test_many_tasks_are_in_several_snapshots(monkeypatch):
    monkeypatch.setattr(snapshots, "SNAPSHOT_TASKS", 2)
    server = Server()
    assert [task["id"] for task in whole(server, 3, [1, 2, 3])] == [1, 2, 3]
    assert server.tabs_made == [[(1, 2)], [(3, 3)]] and server.asked == [(True, False)] * 2


def test_without_tasks_nothing_is_made():
    server = Server()
    assert list(exported(server, 3, [], 10)) == [] and server.tabs_made == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 1}, {"id": 2', "export snapshot 2 of project 3 cannot be read: it is cut off"),
        ("<html>", "export snapshot 2 of project 3 cannot be read: it is no JSON"),
        ("", "export snapshot 2 of project 3 cannot be read: it is empty"),
        ('[{"id": "1"}]', "export snapshot 2 of project 3 holds something without an id at line 1"),
        ('[{"id": 1}, {"id": tru}, {"id": 2}]', "export snapshot 2 of project 3 is broken at line 1"),
    ],
)
def test_a_file_that_holds_something_else_is_told_not_used(text, message):
    server = Server(text)
    with pytest.raises(NotLabelStudioError, match=message):
        list(whole(server, 3, [1, 2]))
    assert server.there == set()


def test_what_cannot_be_deleted_is_told_and_the_tasks_are_there(caplog):
    from fo_labelstudio.errors import ServerError

    server = Server()

    def refuse(*arguments):
        raise ServerError("HTTP 403", 403)

    server.delete_snapshot = refuse
    assert [task["id"] for task in whole(server, 3, [1])] == [1]
    assert "The snapshot 'FiftyOne export" in caplog.text and "stays in project 3 (HTTP 403)" in caplog.text
