from __future__ import annotations

import pytest
import responses

from fo_labelstudio.errors import NotLabelStudioError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret

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
        ("POST", "/api/projects/1/import", lambda client: client.upload_files(1, [("a.png", b"")])),
        ("GET", "/api/projects/1/file-uploads", lambda client: client.uploaded_paths(1, [1])),
        ("POST", "/api/projects/1/import", lambda client: client.import_tasks(1, [b"{}"])),
        ("GET", "/api/projects/1/export", lambda client: client.export_tasks(1, [1])),
    ],
)
@pytest.mark.parametrize("answer", ["{}x", "null", "3", '"text"', '{"id": "1", "results": [3], "import": 5}', "[[]]"])
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
    assert client.upload_files(1, [("a.png", b"one"), ("b.png", b"two")]) == [4, 5]
    body = sent.calls[0].request.body
    assert b'name="file0"; filename="a.png"' in body and b'name="file1"; filename="b.png"' in body
    assert sent.calls[0].request.params == {"commit_to_project": "false"}


@responses.activate
def test_chosen_tasks_are_exported(client):
    asked = responses.get(f"{URL}/api/projects/1/export", json=[])
    assert client.export_tasks(1, [7, 8]) == []
    assert asked.calls[0].request.params == {"exportType": "JSON", "ids[]": ["7", "8"]}
