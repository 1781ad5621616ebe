from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.utils.text import get_valid_filename

from fo_labelstudio.errors import ServerError
from fo_labelstudio.transport import TRANSPORTS, upload
from fo_labelstudio.transport.files.files import Content
from fo_labelstudio.transport.transport import Media, MediaSettings
from tests.support import write_image


class Server:
    """Takes files as a stock server does, or only some of them, or only some at once."""

    url = "http://studio/below"

    def __init__(self, loses=0, max_bytes=2**20, takes=100, has=(), refuses=False, keeps=True):
        self.requests = []
        self.max_bytes = max_bytes
        self._loses = loses
        self._takes = takes
        self._has = list(has)
        self._refuses = refuses
        self._keeps = keeps

    def uploads(self, project_id):
        return self._has

    def upload_files(self, project_id, files):
        files = [(file.name, content_of(file)) for file in files]
        if len(files) > self._takes:
            raise ServerError("too large", 413)
        first = sum(map(len, self.requests)) + 1
        self.requests.append(files)
        if self._refuses:
            self._has += [f"upload/7/12345678-{name}" for name, _ in files] if self._keeps else []
            raise ServerError("key is expected in task data", 400)
        return list(range(first, first + len(files) - self._loses))

    def uploaded_paths(self, project_id, upload_ids):
        # In another order than asked for, as nobody promised one.
        names = [name for files in self.requests for name, _ in files]
        return {upload: f"upload/{project_id}/{names[upload - 1]}" for upload in reversed(upload_ids)}


@pytest.fixture
def paths(tmp_path):
    def make(count, size=4):
        made = []
        for number in range(count):
            path = tmp_path / f"{number}.PNG"
            path.write_bytes(number.to_bytes(size, "big"))
            made.append(str(path))
        return made

    return make


def content_of(file):
    with file.open() as content:
        read = content.read()
    assert len(read) == file.size
    return read


def digest_of(number, size=4):
    return hashlib.blake2b(number.to_bytes(size, "big"), digest_size=16).hexdigest()


def name_of(number, base=None):
    return f"{number if base is None else base}-{digest_of(number)[:20]}"


def send(server, paths):
    return upload.Uploads(server, 7, MediaSettings()).send(paths)


def test_each_file_gets_its_own_address(paths):
    server = Server()
    urls = send(server, paths(250))
    assert urls == [f"/below/data/upload/7/{name_of(n)}.png" for n in range(250)]
    assert [len(files) for files in server.requests] == [100, 100, 50]
    assert server.requests[1][3] == (f"{name_of(103)}.png", (103).to_bytes(4, "big"))


def test_files_that_a_project_of_several_keys_refuses_and_keeps_are_found(paths):
    server = Server(refuses=True)
    assert send(server, paths(2)) == [f"/below/data/upload/7/12345678-{name_of(n)}.png" for n in range(2)]
    assert len(server.requests) == 1


def test_files_that_are_refused_and_not_kept_are_an_error(paths):
    with pytest.raises(ServerError, match="key is expected"):
        send(Server(refuses=True, keeps=False), paths(2))


def test_files_that_are_alike_are_uploaded_once(paths, tmp_path):
    server = Server()
    one, other = paths(2)
    copy = tmp_path / "copy.png"
    copy.write_bytes((0).to_bytes(4, "big"))
    uploads = upload.Uploads(server, 7, MediaSettings())
    first = uploads.send([one, other, str(copy)])
    second = uploads.send([str(copy), other])
    assert first == [second[0], second[1], second[0]]
    assert [len(files) for files in server.requests] == [2]


def test_a_file_that_the_next_block_shows_too_is_neither_read_nor_sent_again_unless_it_changed(paths, monkeypatch):
    server, read = Server(), []
    digest = upload._digest_of
    monkeypatch.setattr(
        upload, "_digest_of", lambda content: read.append(b"".join(content.pieces())) or digest(content)
    )
    one, other, last = paths(3)
    uploads = upload.Uploads(server, 7, MediaSettings())
    first = uploads.send([one, other])
    assert uploads.send([other, last])[0] == first[1]
    assert uploads.send([other]) == first[1:]
    assert read == [number.to_bytes(4, "big") for number in range(3)]
    assert [len(files) for files in server.requests] == [2, 1]
    with open(other, "wb") as file:
        file.write(b"changed")
    assert uploads.send([other]) != first[1:]
    assert len(server.requests) == 3


def test_a_video_whose_clips_are_in_several_blocks_is_converted_once(tmp_path, monkeypatch):
    path = tmp_path / "street.avi"
    path.write_bytes(b"moving")
    converted = []

    @contextmanager
    def read(path, convert):
        converted.append(path)
        yield Content.of(path)

    monkeypatch.setitem(upload.FILES, "video", replace(upload.FILES["video"], read=read))
    uploads = upload.Uploads(Server(), 7, MediaSettings(medium="video", unusable="convert"))
    assert len({*map(tuple, (uploads.send([str(path)]) for _ in range(3)))}) == 1
    assert converted == [str(path)]


@pytest.mark.parametrize("name", [name_of(0), name_of(0, "other-name"), digest_of(0)])
def test_files_that_the_project_has_already_are_not_uploaded_again_whatever_their_name(paths, name):
    # The last one is a name as earlier versions wrote it.
    server = Server(has=[f"upload/7/4d36d5e9-{name}.png"])
    assert send(server, paths(1)) == [f"/below/data/upload/7/4d36d5e9-{name}.png"]
    assert server.requests == []


def test_files_of_one_name_are_kept_apart(paths, tmp_path):
    copy = tmp_path / "other" / "0.png"
    copy.parent.mkdir()
    copy.write_bytes((1).to_bytes(4, "big"))
    assert send(Server(), [*paths(1), str(copy)]) == [
        f"/below/data/upload/7/{name_of(0, 0)}.png",
        f"/below/data/upload/7/{name_of(1, 0)}.png",
    ]


DIGEST = "0123456789" * 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/000000000139.jpg", f"000000000139-{DIGEST}.png"),
        ("/a/my photo (1).JPG", f"my_photo_1-{DIGEST}.png"),
        ("/a/n%41#&?'\".png", f"n41-{DIGEST}.png"),
        ("/a/日本 é.png", f"日本_é-{DIGEST}.png"),
        ("/a/e\u0301.png", f"é-{DIGEST}.png"),
        ("/a/scan.v2.tif", f"scan.v2-{DIGEST}.png"),
        ("/a/!!!.png", f"{DIGEST}.png"),
        ("/a/.png", f".png-{DIGEST}.png"),
        ("/a/" + "x" * 300 + ".png", "x" * 56 + f"-{DIGEST}.png"),
        ("/a/" + "日" * 200 + ".png", "日" * 36 + f"-{DIGEST}.png"),
    ],
)
def test_a_file_is_uploaded_under_its_own_name_as_far_as_the_server_keeps_it(path, expected):
    name = upload.upload_name(path, DIGEST, ".png", 12)
    assert name == expected
    assert get_valid_filename(name) == name
    assert len(f"upload/12/12345678-{name}") <= 100
    assert len(f"12345678-{name}".encode()) <= 143


def test_requests_are_bounded_in_bytes(paths):
    server = Server(max_bytes=10)
    send(server, paths(5))
    assert [len(files) for files in server.requests] == [2, 2, 1]


def test_a_file_larger_than_a_request_goes_alone(paths):
    server = Server(max_bytes=2)
    send(server, paths(3))
    assert [len(files) for files in server.requests] == [1, 1, 1]


def test_a_proxy_that_takes_less_gets_less(paths):
    server = Server(takes=30)
    assert len(set(send(server, paths(100)))) == 100
    assert [len(files) for files in server.requests] == [25, 25, 25, 25]


def test_a_server_that_loses_files_is_told(paths):
    with pytest.raises(ServerError, match="the server took 1 of 2 media files"):
        send(Server(loses=1), paths(2))


@pytest.mark.parametrize("name", ["a.tif", "a"])
def test_what_the_server_does_not_take_is_told(name):
    (found,) = upload.inspect([Media(name)], MediaSettings())
    assert found.info is None and "Label Studio does not take" in found.problem


def test_files_that_the_server_does_not_take_are_told_before_anything_is_sent(tmp_path):
    small, large = (str(write_image(tmp_path / name, size)) for name, size in (("a.bmp", (5, 5)), ("b.bmp", (99, 99))))
    settings = MediaSettings(max_file_bytes=10_000)
    taken, refused = upload.inspect([Media(small), Media(large)], settings)
    assert taken.info is not None and refused.info is None and not refused.is_convertible
    size = os.path.getsize(large)
    assert refused.problem.startswith(
        f"it has {size:,} bytes, and the server takes files of at most 10,000; use media="
    )
    assert refused.problem.endswith(f"pass max_file_bytes={size}")
    (copied,) = TRANSPORTS["copy"].inspect([Media(large)], settings)
    assert copied.info is not None
