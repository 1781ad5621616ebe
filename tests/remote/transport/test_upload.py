from __future__ import annotations

import pytest

from fo_labelstudio.errors import ServerError
from fo_labelstudio.remote.transport import upload
from fo_labelstudio.remote.transport.transport import MediaSettings


class Server:
    """Takes files as a stock server does, or only some of them."""

    url = "http://studio/below"

    def __init__(self, loses=0):
        self.requests = []
        self._loses = loses

    def upload_files(self, project_id, files):
        first = sum(map(len, self.requests)) + 1
        self.requests.append(files)
        return list(range(first, first + len(files) - self._loses))

    def uploaded_paths(self, project_id, upload_ids):
        # In another order than asked for, as nobody promised one.
        names = [name for files in self.requests for name, _ in files]
        return {upload: f"upload/{project_id}/{names[upload - 1]}" for upload in reversed(upload_ids)}


@pytest.fixture
def paths(tmp_path):
    def make(count, size=3):
        made = {}
        for number in range(count):
            path = tmp_path / f"{number}.PNG"
            path.write_bytes(bytes([number % 256]) * size)
            made[f"sample{number}"] = str(path)
        return made

    return make


def test_each_file_gets_its_own_address(paths):
    server = Server()
    urls = upload.send(server, 7, paths(250), MediaSettings())
    assert urls == {f"sample{n}": f"/below/data/upload/7/sample{n}.png" for n in range(250)}
    assert [len(files) for files in server.requests] == [100, 100, 50]
    assert server.requests[1][3] == ("sample103.png", bytes([103]) * 3)


def test_requests_are_bounded_in_bytes(paths, monkeypatch):
    monkeypatch.setattr(upload, "_MAX_BYTES", 10)
    server = Server()
    upload.send(server, 7, paths(5, size=4) | paths(1, size=4), MediaSettings())
    assert [len(files) for files in server.requests] == [2, 2, 1]


def test_a_file_larger_than_a_request_goes_alone(paths, monkeypatch):
    monkeypatch.setattr(upload, "_MAX_BYTES", 2)
    server = Server()
    upload.send(server, 7, paths(3), MediaSettings())
    assert [len(files) for files in server.requests] == [1, 1, 1]


def test_a_server_that_loses_files_is_told(paths):
    with pytest.raises(ServerError, match="the server took 1 of 2 media files"):
        upload.send(Server(loses=1), 7, paths(2), MediaSettings())


@pytest.mark.parametrize(("path", "taken"), [("a.png", True), ("a.JPEG", True), ("a.tif", False), ("a", False)])
def test_what_the_server_does_not_take_is_told(path, taken):
    assert (upload.problem_of(path, MediaSettings()) is None) == taken
