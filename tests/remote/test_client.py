from __future__ import annotations

import json
import re
from datetime import datetime
from io import BytesIO

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert import amounts
from fo_labelstudio.convert.amounts import FIRST
from fo_labelstudio.errors import AnswerTooLargeError, LabelStudioError, NotLabelStudioError
from fo_labelstudio.remote import client as client_module
from fo_labelstudio.remote import connection
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.remote.files import file

URL = "http://studio"


@pytest.fixture
def client():
    return Client(ConnectionSettings(URL, Secret("key"), retries=0))


@responses.activate
@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/api/projects/", lambda client: client.create_project(title="x")),
        ("GET", "/api/projects/", lambda client: client.project_titles("x")),
        ("GET", "/api/projects/", lambda client: client.find_project("x")),
        ("POST", "/api/projects/1/import", lambda client: client.upload_files(1, [file("a.png")])),
        ("GET", "/api/projects/1/file-uploads", lambda client: client.uploaded_paths(1, [1])),
        ("POST", "/api/projects/1/import", lambda client: client.import_tasks(1, [b"{}"])),
        ("GET", "/api/projects/1/export", lambda client: client.export_tasks(1, [1])),
    ],
)
@pytest.mark.parametrize("answer", ["{}x", "null", "3", '"text"', '{"id": "1", "results": [3], "import": "5"}', "[[]]"])
def test_an_answer_of_another_shape_is_told_not_used(client, method, path, call, answer):
    responses.add(method, URL + path, body=answer)
    if answer == "[[]]" and path.endswith("export"):
        assert call(client) == [[]]
        return
    with pytest.raises(NotLabelStudioError, match=r"the server answered|answered with something else than JSON"):
        call(client)


@responses.activate
def test_files_are_sent_under_names_of_their_own(client):
    sent = responses.post(f"{URL}/api/projects/1/import", json={"file_upload_ids": [4, 5]})
    assert client.upload_files(1, [file("a.png", b"one"), file("b.png", b"two")]) == [4, 5]
    body = b"".join(sent.calls[0].request.body)
    assert b'name="file0"; filename="a.png"' in body and b'name="file1"; filename="b.png"' in body
    assert sent.calls[0].request.params == {"commit_to_project": "false"}


@responses.activate
def test_chosen_tasks_are_exported(client):
    asked = responses.get(f"{URL}/api/projects/1/export", json=[])
    assert client.export_tasks(1, [7, 8]) == []
    assert asked.calls[0].request.params == {"exportType": "JSON", "ids[]": ["7", "8"]}


@responses.activate
@pytest.mark.parametrize(("counted", "number"), [({}, 3), ({"annotation_count": 2}, 5)])
def test_predictions_and_annotations_of_new_tasks_are_counted(client, counted, number):
    responses.post(f"{URL}/api/projects/1/import", json={"task_ids": [7], "prediction_count": 3, **counted})
    assert client.import_tasks(1, [b"{}"]) == ([7], number)


KEYS = ("id", "title", "description", "results", "file_upload_ids", "file", "path", "tasks", "total", "data", "meta")
KEYS += ("import", "status", "annotation", "task_ids", "prediction_count", "release", "sample_id", "fiftyone", "run")
odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
anything = st.recursive(
    odd, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)


def is_ids(value):
    return all(type(number) is int for number in value)


def is_texts(value):
    return all(isinstance(text, str) for text in value)


def content_of(media):
    with media as stream:
        return b"".join(stream.pieces)


CALLS = {
    "check": (lambda client: client.check(), lambda value: isinstance(value, str)),
    "release": (lambda client: client.release(), lambda value: isinstance(value, str)),
    "me": (lambda client: client.me(), lambda value: isinstance(value, str)),
    "project_titles": (lambda client: client.project_titles("x"), is_texts),
    "projects": (lambda client: client.projects(), lambda value: is_ids(value) and is_texts(value.values())),
    "find_project": (lambda client: client.find_project("x"), lambda value: value is None or is_ids([value])),
    "projects_titled": (lambda client: client.projects_titled("x"), is_ids),
    "users": (lambda client: client.users(), lambda value: is_ids(value) and is_texts(value.values())),
    "project_of_task": (lambda client: client.project_of_task(1), lambda value: is_ids([value])),
    "task_span": (lambda client: client.task_span(1), lambda value: value is None or is_ids(value)),
    "count_tasks": (lambda client: client.count_tasks(1, 2), lambda value: is_ids([value])),
    "count_tasks_within": (lambda client: client.count_tasks_within(1, 1, 2), lambda value: is_ids([value])),
    "task_ids_within": (lambda client: list(client.task_ids_within(1, 1, 2)), is_ids),
    "task_rows": (
        lambda client: list(client.task_rows(1, 1, 2, is_touched=True)),
        lambda value: is_ids([task["id"] for task in value]),
    ),
    "whole_tasks": (
        lambda client: list(client.whole_tasks(1, 1, 2)),
        lambda value: is_ids([task["id"] for task in value]),
    ),
    "check_labeling_config": (lambda client: client.check_labeling_config("x"), lambda value: value is None),
    "create_project": (lambda client: client.create_project(title="x"), lambda value: is_ids([value])),
    "project": (lambda client: client.project(1), lambda value: isinstance(value, dict)),
    "update_project": (lambda client: client.update_project(1, title="x"), lambda value: value is None),
    "delete_project": (lambda client: client.delete_project(1), lambda value: value is None),
    "upload_files": (lambda client: client.upload_files(1, [file("a.png")]), is_ids),
    "import_job": (
        lambda client: client.import_job(1, 2),
        lambda value: is_texts(value[:2]) and is_ids([*value.task_ids, *value.upload_ids, value.number]),
    ),
    "make_tab": (lambda client: client.make_tab(1, "x", [(1, 2)]), lambda value: is_ids([value])),
    "tabs": (lambda client: client.tabs(1), lambda value: is_ids(value) and is_texts(value.values())),
    "delete_tab": (lambda client: client.delete_tab(1), lambda value: value is None),
    "make_snapshot": (
        lambda client: client.make_snapshot(1, "x", 2, with_all=True, with_predictions=True),
        lambda value: is_ids([value]),
    ),
    "snapshots": (lambda client: client.snapshots(1), lambda value: is_ids(value) and is_texts(value.values())),
    "snapshot_job": (lambda client: client.snapshot_job(1, 2), lambda value: isinstance(value.status, str)),
    "download_snapshot": (
        lambda client: client.download_snapshot(1, 2, BytesIO()),
        lambda value: value is None,
    ),
    "delete_snapshot": (lambda client: client.delete_snapshot(1, 2), lambda value: value is None),
    "workspaces": (lambda client: client.workspaces(), lambda value: is_ids(value) and is_texts(value.values())),
    "reviews": (
        lambda client: client.reviews(1),
        lambda value: is_ids([review["annotation"] for review in value]),
    ),
    "uploaded_paths": (
        lambda client: client.uploaded_paths(1, [1]),
        lambda value: is_ids(value) and is_texts(value.values()),
    ),
    "local_storages": (lambda client: client.local_storages(1), is_texts),
    "make_local_storage": (lambda client: client.make_local_storage(1, "/x"), lambda value: value is None),
    "cloud_storages": (
        lambda client: client.cloud_storages("s3", 1),
        lambda value: is_texts(value) and is_ids(value.values()),
    ),
    "make_cloud_storage": (lambda client: client.make_cloud_storage("s3", 1, "x", {}), lambda value: value is None),
    "signed_url": (lambda client: client.signed_url(1, "s3://x/y"), lambda value: value is None),
    "size_of_media": (lambda client: client.size_of_media("/x"), lambda value: value is None or is_ids([value])),
    "media": (lambda client: content_of(client.media("/x")), lambda value: isinstance(value, bytes)),
    "stored_media": (
        lambda client: content_of(client.stored_media(1, "s3://x/y")),
        lambda value: isinstance(value, bytes),
    ),
    "uploads": (lambda client: client.uploads(1), is_texts),
    "tasks": (
        lambda client: list(client.tasks(1)),
        lambda value: all(type(task["id"]) is int and isinstance(task["data"], dict) for task in value),
    ),
    "delete_task": (lambda client: client.delete_task(1), lambda value: value is None),
    "storages": (
        lambda client: client.storages("localfiles", 1),
        lambda value: is_ids(value) and is_texts(value.values()),
    ),
    "delete_storage": (lambda client: client.delete_storage("s3", 1), lambda value: value is None),
    "delete_tasks": (lambda client: client.delete_tasks(1, [1]), lambda value: value is None),
    "import_tasks": (
        lambda client: client.import_tasks(1, [b"{}"]),
        lambda value: is_ids(value[0]) and is_ids([value[1]]),
    ),
    "add_predictions": (lambda client: client.add_predictions(1, [b"{}"]), lambda value: is_ids([value])),
    "model_versions": (
        lambda client: client.model_versions(1),
        lambda value: is_texts(value) and is_ids(value.values()),
    ),
    "webhooks": (lambda client: client.webhooks(1), lambda value: is_ids(value) and is_texts(value.values())),
    "make_webhook": (lambda client: client.make_webhook(1, "http://x", {}, ["X"]), lambda value: is_ids([value])),
    "delete_webhook": (lambda client: client.delete_webhook(1), lambda value: value is None),
    "delete_predictions": (lambda client: client.delete_predictions(1, "x"), lambda value: value is None),
    "predictions": (
        lambda client: list(client.predictions(1, "x")),
        lambda value: is_ids([prediction[key] for prediction in value for key in ("id", "task")]),
    ),
    "update_prediction": (lambda client: client.update_prediction(1, result=[]), lambda value: value is None),
    "delete_prediction": (lambda client: client.delete_prediction(1), lambda value: value is None),
    "answered_tasks": (lambda client: list(client.answered_tasks(1)), is_ids),
    "prediction": (lambda client: client.prediction(1), lambda value: value is None or isinstance(value, dict)),
    "predictions_of": (lambda client: client.predictions_of(1), lambda value: is_ids([one["id"] for one in value])),
    "upload_ids": (lambda client: client.upload_ids(1), lambda value: is_texts(value) and is_ids(value.values())),
    "delete_uploads": (lambda client: client.delete_uploads(1, [1]), lambda value: value is None),
    "time": (lambda client: client.time(), lambda value: value is None or isinstance(value, datetime)),
    "export_open_tasks": (
        lambda client: client.export_open_tasks(1, [1]),
        lambda value: is_ids([task["id"] for task in value]),
    ),
    "export_tasks": (lambda client: client.export_tasks(1, [1]), lambda value: isinstance(value, list)),
    "count_changed": (
        lambda client: client.count_changed(1, "2026-11-20T10:00:00Z", is_answered=False),
        lambda value: type(value) is int,
    ),
    "newest_change": (lambda client: client.newest_change(1), lambda value: value is None or isinstance(value, str)),
    "changed_tasks": (
        lambda client: list(client.changed_tasks(1, "2026-11-20T10:00:00Z", True)),
        lambda value: all(isinstance(task["updated_at"], str) for task in value),
    ),
    "miscounted_tasks": (
        lambda client: list(client.miscounted_tasks(1, "2026-11-20T10:00:00Z")),
        lambda value: all(isinstance(task["updated_at"], str) for task in value),
    ),
}


def test_every_method_is_among_those_that_get_any_answer():
    methods = {name for name, value in vars(Client).items() if callable(value) and not name.startswith("_")}
    assert methods - {"close"} == set(CALLS)


@pytest.mark.sampled
@pytest.mark.parametrize("name", CALLS)
@given(answer=anything)
def test_any_json_is_an_error_of_ours_or_what_was_asked_for(name, answer):
    call, is_right = CALLS[name]
    client = Client(ConnectionSettings(URL, Secret("key"), retries=0))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        body = json.dumps(answer)
        for method in ("GET", "POST", "PATCH", "DELETE"):
            mock.add(method, re.compile(".*"), body=body)
        try:
            assert is_right(call(client))
        except LabelStudioError as error:
            assert str(error)


@responses.activate
def test_only_what_is_named_of_a_project_is_asked_for(client):
    responses.get(f"{URL}/api/projects/1/", json={"id": 1, "task_number": 9})
    assert client.project(1, ["task_number"]) == {"id": 1, "task_number": 9}
    assert responses.calls[0].request.params == {"include": "id,task_number"}


@responses.activate
def test_the_newest_change_is_that_of_the_first_task_in_their_order(client):
    task = {"id": 7, "updated_at": "2026-11-20T10:00:00.123456Z"}
    asked = responses.get(f"{URL}/api/tasks", json={"tasks": [task], "total": 9})
    assert client.newest_change(1) == "2026-11-20T10:00:00.123456Z"
    assert asked.calls[0].request.params["page_size"] == "1"
    assert json.loads(asked.calls[0].request.params["query"]) == {"ordering": ["-tasks:updated_at"]}


@responses.activate
@pytest.mark.parametrize(
    ("tasks", "newest"), [([], ""), ([{"id": 7}], None), ([{"id": 7, "updated_at": "yesterday"}], None)]
)
def test_a_server_that_tells_no_time_of_changes_is_not_believed(client, tasks, newest):
    responses.get(f"{URL}/api/tasks", json={"tasks": tasks, "total": 1})
    assert client.newest_change(1) == newest


def filters_of(request):
    items = json.loads(request.params["query"])["filters"]["items"]
    return [(item["filter"].removeprefix("filter:tasks:"), item["operator"], item["value"]) for item in items]


SINCE = "2026-11-20T10:00:00.000000Z"
NEWER = ("updated_at", "greater_or_equal", SINCE)
NOT_ANSWERED, NOT_SKIPPED = ("total_annotations", "equal", 0), ("cancelled_annotations", "equal", 0)


@responses.activate
def test_tasks_are_asked_for_by_when_they_were_changed_and_whether_they_are_answered(client):
    task = {"id": 7, "updated_at": "2026-11-20T10:00:01Z"}
    asked = responses.get(f"{URL}/api/tasks", json={"tasks": [task], "total": 1})
    assert list(client.changed_tasks(1, SINCE, is_answered=True)) == [task, task]
    assert list(client.changed_tasks(1, SINCE, is_answered=False)) == [task]
    assert [filters_of(call.request) for call in asked.calls] == [
        [NEWER, ("total_annotations", "greater", 0)],
        [NEWER, NOT_ANSWERED, ("cancelled_annotations", "greater", 0)],
        [NEWER, NOT_ANSWERED, NOT_SKIPPED],
    ]


@responses.activate
def test_tasks_whose_annotations_the_server_has_not_counted_are_found_by_their_annotators(client):
    task = {"id": 7, "updated_at": "2026-11-20T10:00:01Z"}
    asked = responses.get(f"{URL}/api/tasks", json={"tasks": [task], "total": 1})
    assert list(client.miscounted_tasks(1, SINCE)) == [task]
    assert filters_of(asked.calls[0].request) == [NEWER, NOT_ANSWERED, NOT_SKIPPED, ("annotators", "empty", False)]


@responses.activate
def test_changed_tasks_that_nobody_has_answered_are_counted(client):
    asked = responses.get(f"{URL}/api/tasks", json={"tasks": [{"id": 7}], "total": 9})
    assert client.count_changed(1, SINCE, is_answered=False) == 9
    assert filters_of(asked.calls[0].request) == [NEWER, NOT_ANSWERED, NOT_SKIPPED]


def listed(mock, number, most=10**6, text=lambda number: ""):
    """Has a server list tasks, at most so many at once; the pages that it is asked for, with their sizes."""
    asked = []

    def answer(request):
        page, size = (int(request.params[name]) for name in ("page", "page_size"))
        asked.append((page, size))
        first = (page - 1) * min(size, most)
        tasks = [{"id": place + 1, "data": {"text": text(place)} if text(place) else {}} for place in range(number)]
        return 200, {}, json.dumps({"total": number, "tasks": tasks[first : first + min(size, most)]})

    mock.add_callback("GET", f"{URL}/api/tasks", answer)
    return asked


class TestTasks:
    """The tasks of a project, page by page."""

    @pytest.fixture
    def asked(self, monkeypatch):
        """The pages that were asked for, of a server that has 10 tasks and gives out at most 6 of them at once."""
        monkeypatch.setattr(client_module, "_PAGE", 8)
        monkeypatch.setattr(client_module, "FIRST", 8)
        with responses.RequestsMock() as mock:
            yield listed(mock, 10, most=6)

    def test_are_all_found_where_the_server_gives_fewer_at_once_than_it_is_asked_for(self, client, asked):
        assert [task["id"] for task in client.tasks(1)] == list(range(1, 11))
        assert asked == [(1, 8), (2, 6)]

    def test_are_asked_for_in_smaller_pages_where_an_answer_is_too_large(self, client, asked, monkeypatch):
        monkeypatch.setattr(connection, "LARGEST_ANSWER", 100)
        assert [task["id"] for task in client.tasks(1)] == list(range(1, 11))
        assert asked[:4] == [(1, 8), (1, 4), (1, 2), (2, 2)]

    @responses.activate
    def test_are_asked_for_in_pages_that_grow_where_their_data_is_short(self, client):
        asked = listed(responses, 3000)
        assert [task["id"] for task in client.tasks(1)] == list(range(1, 3001))
        assert asked == [(1, FIRST), (1, 1024), (2, 1024), (3, 1024)]

    @responses.activate
    def test_with_long_texts_are_asked_for_a_few_at_a_time(self, client, monkeypatch):
        monkeypatch.setattr(amounts, "CHARACTERS", 1000)
        asked = listed(responses, 110, text=lambda place: "a" * 49)
        assert [task["id"] for task in client.tasks(1)] == list(range(1, 111))
        assert asked == [(1, FIRST), (3, 20), (4, 20), (5, 20), (6, 20)]

    def test_that_are_too_large_one_by_one_are_told(self, client, asked, monkeypatch):
        monkeypatch.setattr(connection, "LARGEST_ANSWER", 10)
        with pytest.raises(AnswerTooLargeError, match="was answered with more than"):
            list(client.tasks(1))
        assert asked == [(1, 8), (1, 4), (1, 2), (1, 1)]
