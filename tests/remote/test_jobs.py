"""What the server makes later is waited for, and what fails is named."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import responses

from fo_labelstudio.errors import HalfMadeError, ServerError
from fo_labelstudio.remote import jobs
from fo_labelstudio.remote.client import Client, Job, Pending
from fo_labelstudio.remote.jobs import awaited, import_tasks, settle, upload_files
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.remote.files import file

URL = "http://studio"
IMPORT = f"{URL}/api/projects/1/import"
STATE = f"{URL}/api/projects/1/imports/7/"


@pytest.fixture
def client():
    return Client(ConnectionSettings(URL, Secret("key"), retries=0))


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that were waited, by a clock that only waiting moves."""
    pauses = []
    monkeypatch.setattr(jobs, "time", SimpleNamespace(sleep=pauses.append, monotonic=lambda: sum(pauses)))
    return pauses


def looking(*states):
    """Looks at something that is in one state after another, and stays in the last one."""
    left = list(states)
    return lambda: Job(left.pop(0) if len(left) > 1 else left[0])


def test_the_state_that_is_done_is_the_answer(pauses):
    assert awaited(looking("created", "in_progress", "completed"), "import 7") == Job("completed")
    assert pauses == [0.25, 0.375]


def test_pauses_grow_up_to_five_seconds(pauses):
    awaited(looking(*["in_progress"] * 30, "completed"), "import 7")
    assert pauses == sorted(pauses) and pauses[-1] == 5.0


def test_what_failed_is_named_with_the_reason_of_the_server():
    with pytest.raises(HalfMadeError, match="import 7 failed on the server: disk full"):
        awaited(lambda: Job("failed", "disk full"), "import 7")
    with pytest.raises(HalfMadeError, match="import 7 failed on the server: it does not say why"):
        awaited(lambda: Job("failed"), "import 7")


def test_a_long_wait_is_told_now_and_then(pauses, caplog):
    with caplog.at_level(logging.INFO):
        awaited(looking(*["in_progress"] * 20, "completed"), "import 7")
    lines = [line for line in caplog.messages if "Waiting for import 7, which has been 'in_progress' for" in line]
    assert len(lines) == int(sum(pauses)) // 30


def test_what_nobody_works_at_is_given_up_after_an_hour(pauses):
    with pytest.raises(ServerError, match=r"import 7 has been 'created' for 36\d\d s; ask whether the workers"):
        awaited(looking("created"), "import 7")


@responses.activate
def test_tasks_that_are_made_at_once_are_not_waited_for(client):
    responses.post(IMPORT, json={"task_ids": [4], "prediction_count": 1, "annotation_count": 0})
    assert import_tasks(client, 1, [b"{}"]) == ([4], 1)
    assert len(responses.calls) == 1


@responses.activate
def test_tasks_that_are_made_later_are_known_once_they_are_there(client, pauses):
    asked = responses.post(IMPORT, json={"import": 7})
    responses.get(STATE, json={"id": 7, "status": "in_progress", "task_ids": []})
    done = {"id": 7, "status": "completed", "task_ids": [4, 5], "prediction_count": 1, "annotation_count": 2}
    responses.get(STATE, json=done)
    assert import_tasks(client, 1, [b"{}", b"{}"]) == ([4, 5], 3)
    assert asked.calls[0].request.params == {"return_task_ids": "true"}


@responses.activate
@pytest.mark.parametrize("status", ["created", "in_progress", "failed", "completed"])
def test_files_are_known_once_they_are_there_whatever_becomes_of_them_later(client, pauses, status):
    responses.post(IMPORT, json={"import": 7})
    responses.get(STATE, json={"id": 7, "status": "created", "file_upload_ids": []})
    responses.get(STATE, json={"id": 7, "status": status, "file_upload_ids": [8]})
    assert upload_files(client, 1, [file("a.png")]) == [8]


@responses.activate
def test_what_was_sent_before_is_waited_for_by_an_import_that_makes_nothing(client, pauses):
    asked = responses.post(IMPORT, json={"import": 7})
    responses.get(STATE, json={"id": 7, "status": "failed"})
    for number in (1, 3, 3):
        responses.get(f"{URL}/api/projects/1/", json={"id": 1, "task_number": number})
    settle(client, 1)
    assert asked.calls[0].request.params == {"commit_to_project": "false"}
    # Until the tasks are no longer getting more.
    assert pauses == [1.0, 1.0]


@responses.activate
def test_tasks_that_others_keep_making_are_not_waited_for_without_end(client, pauses):
    responses.post(IMPORT, json={"import": 7})
    responses.get(STATE, json={"id": 7, "status": "completed"})
    for number in range(20):
        responses.get(f"{URL}/api/projects/1/", json={"id": 1, "task_number": number})
    settle(client, 1)
    assert pauses == [1.0] * 10


@responses.activate
def test_a_server_that_makes_all_at_once_has_nothing_to_wait_for(client, pauses):
    responses.post(IMPORT, json={"task_count": 1})
    settle(client, 1)
    assert pauses == [] and client.import_tasks(1, [b"{}"], is_kept=False) == ([], 0)


@responses.activate
def test_an_answer_that_names_an_import_is_no_answer_about_tasks(client):
    responses.post(IMPORT, json={"import": 7})
    assert client.import_tasks(1, [b"{}"]) == Pending(7)


class TestEdition:
    """Which edition a server is, and which open source it is built on."""

    @responses.activate
    @pytest.mark.parametrize(
        ("answer", "edition", "release"),
        [
            ({"release": "1.23.2"}, "Community", "1.23.2"),
            ({"release": "1.23.2", "edition": "Community"}, "Community", "1.23.2"),
            ({"release": "2.31.0", "edition": "Enterprise"}, "Enterprise", "2.31.0"),
            (
                {
                    "release": "2.31.0",
                    "edition": "Enterprise",
                    "label-studio-os-package": {"version": "1.22.1", "short_version": "1.22"},
                },
                "Enterprise",
                "1.22.1",
            ),
            (
                {"release": "1.23.2", "edition": "Community", "label-studio-os-package": {"version": "1.0"}},
                "Community",
                "1.23.2",
            ),
            ({"release": "1.23.2", "edition": None}, "Community", "1.23.2"),
        ],
    )
    def test_is_what_the_server_says_and_asked_for_once(self, client, answer, edition, release):
        responses.get(f"{URL}/api/version", json=answer)
        assert (client.edition, client.edition) == (edition, edition)
        assert len(responses.calls) == 1
        assert client.release() == release
