from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.multipart import File, Multipart, UnreadableError
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.properties import examples
from tests.remote.files import file
from tests.remote.test_connection import token
from tests.web import web_server


# Lines are what parts are told apart by.
@given(st.lists(st.binary(max_size=50) | st.just(b"\r\n--\r\n"), max_size=4))
@examples(50)
def test_a_body_holds_each_file_under_a_field_of_its_own_as_often_as_it_is_sent(contents):
    body = Multipart([file(f"{number}.png", content) for number, content in enumerate(contents)])
    sent = b"".join(body)
    assert sent == b"".join(body) and len(body) == len(sent)
    boundary = body.content_type.partition("boundary=")[2].encode()
    parts = sent.split(b"--" + boundary)
    assert parts[0] == b"" and parts[-1] == b"--\r\n"
    for number, (part, content) in enumerate(zip(parts[1:-1], contents, strict=True)):
        head, _, rest = part.partition(b"\r\n\r\n")
        assert head == f'\r\nContent-Disposition: form-data; name="file{number}"; filename="{number}.png"'.encode()
        assert rest == content + b"\r\n"


def test_large_files_are_read_in_pieces():
    class Zeros(io.RawIOBase):
        left = 2**30

        def read(self, size):
            assert 0 < size <= 2**20
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    body = Multipart([File("a.mp4", 2**30, Zeros)])
    assert sum(map(len, body)) == len(body)


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_changes_while_it_is_sent_is_told(size):
    with pytest.raises(UnreadableError, match=r"'a\.png' has changed while it was sent"):
        b"".join(Multipart([File("a.png", size, lambda: io.BytesIO(b"abc"))]))


def client(url, key="key"):
    return Client(ConnectionSettings(url, Secret(key)))


def test_a_file_that_cannot_be_read_is_no_error_of_the_connection(tmp_path):
    path = tmp_path / "a.png"
    with (
        web_server(lambda request: (200, {}, b"{}")) as url,
        pytest.raises(FileNotFoundError, match=r"a\.png"),
    ):
        client(url).upload_files(1, [File("a.png", 3, lambda: path.open("rb"))])


def test_files_are_sent_whole_once_more_where_the_access_token_is_refused():
    bodies = []

    def take(request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if request.path == "/api/token/refresh/":
            return 200, {}, json.dumps({"access": token("access")}).encode()
        bodies.append(body)
        return (200, {}, b'{"file_upload_ids": [4]}') if len(bodies) == 2 else (401, {}, b"{}")

    with web_server(take) as url:
        assert client(url, token("refresh")).upload_files(1, [file("a.png", b"abc" * 10**6)]) == [4]
    assert [b"abc" * 10**6 in body for body in bodies] == [True, True]
