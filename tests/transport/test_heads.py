"""The heads of image files on a real web server."""

from __future__ import annotations

import io

import numpy as np
import pytest
import trustme
from PIL import Image

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.address import parse_address
from fo_labelstudio.transport.files import image
from fo_labelstudio.transport.heads import Heads, RemoteFile
from fo_labelstudio.transport.transport import Inspection, MediaSettings
from tests.media_servers import WebServer
from tests.support import write_image
from tests.videos import H264, write_video

SIZE = (700, 500)


@pytest.fixture(scope="module")
def noise():
    """Pixels that no format makes small: files of some hundred kilobytes."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8))


@pytest.fixture
def heads():
    return Heads(MediaSettings("cloud", retries=2))


def look(heads, url):
    return heads.inspect(parse_address(url))


FORMATS = {
    "a.png": {},
    "a.jpg": {"quality": 99},
    "a.bmp": {},
    "a.gif": {},
    "lossy.webp": {"quality": 99},
    "lossless.webp": {"lossless": True},
    "with exif.webp": {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0", "quality": 99},
}


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_the_size_is_read_from_the_first_64_kib(tmp_path, noise, heads, knows_ranges):
    with WebServer(tmp_path, knows_ranges=knows_ranges) as server:
        for name, options in FORMATS.items():
            noise.save(tmp_path / name, **options)
            assert (tmp_path / name).stat().st_size > 2**17
            server.requests.clear()
            server.sent = 0
            assert look(heads, f"{server.url}/{name}") == Inspection(MediaInfo(*SIZE)), name
            assert len(server.requests) == 1
            if knows_ranges:
                assert server.sent == 2**16


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_that_is_shown_turned_has_the_size_as_shown(tmp_path, heads, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    write_image(tmp_path / "turned.jpg", (80, 60), exif=exif)
    with WebServer(tmp_path) as server:
        expected = (60, 80) if orientation > 4 else (80, 60)
        assert look(heads, f"{server.url}/turned.jpg") == Inspection(MediaInfo(*expected))


@pytest.mark.parametrize("knows_ranges", [True, False])
@pytest.mark.parametrize("extra", [0, 300_000, 5_000_000])
def test_more_is_read_where_a_file_begins_with_other_things(tmp_path, heads, knows_ranges, extra):
    head = io.BytesIO()
    Image.new("RGB", SIZE).save(head, "JPEG")
    comment = b"\xff\xfe\xff\xff" + bytes(0xFFFD)
    content = head.getvalue()[:2] + comment * (extra // 0xFFFF) + head.getvalue()[2:]
    (tmp_path / "a.jpg").write_bytes(content)
    with WebServer(tmp_path, knows_ranges=knows_ranges) as server:
        found = look(heads, f"{server.url}/a.jpg")
    if extra < 2**22:
        assert found == Inspection(MediaInfo(*SIZE))
    else:
        assert "first 4 MiB do not contain its size; set sample.metadata" in found.problem


@pytest.mark.parametrize("size", [0, 1, 2**16, 2**16 + 1, 2**18])
@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_is_no_image_is_read_to_its_end_and_told(tmp_path, heads, size, knows_ranges):
    (tmp_path / "a.png").write_bytes(bytes(size))
    with WebServer(tmp_path, knows_ranges=knows_ranges) as server:
        assert look(heads, f"{server.url}/a.png").problem == (
            "its image cannot be read (it is not an image, or it is broken)" if size else "it is empty"
        )


def test_a_remote_file_reads_as_a_file_does():
    content = bytes(range(256)) * 1000
    file = RemoteFile(lambda start, stop: content[start:stop], "look elsewhere")
    local = io.BytesIO(content)
    for offset, whence, size in [(0, 0, 10), (100, 0, 5), (-3, 1, 70_000), (-10, 2, 4), (0, 2, 5), (7, 0, -1)]:
        assert file.seek(offset, whence) == local.seek(offset, whence)
        assert file.read(size) == local.read(size)
        assert file.tell() == local.tell()


def test_a_busy_server_is_asked_again(tmp_path, heads, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    write_image(tmp_path / "a.png", (8, 6))
    with WebServer(tmp_path) as server:
        server.failures = 2
        assert look(heads, f"{server.url}/a.png") == Inspection(MediaInfo(8, 6))
        server.failures = 3
        assert "answers HTTP 503" in look(heads, f"{server.url}/a.png").problem


def test_a_server_that_does_not_answer_is_asked_only_once(tmp_path, heads, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with WebServer(tmp_path) as server:
        url = server.url
    for name in ("a.png", "b.png"):
        problem = look(heads, f"{url}/{name}").problem
        assert f"no connection to {url} (ConnectionError)" in problem
        assert "set sample.metadata = fo.ImageMetadata(width=..., height=...)" in problem
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/none.png", "answers HTTP 404"),
        ("/private/a.png", "answers HTTP 403 to its address; is it there, and does everybody get it"),
    ],
)
def test_a_refusal_is_told(tmp_path, heads, path, problem):
    with WebServer(tmp_path) as server:
        assert problem in look(heads, server.url + path).problem
        assert len(server.requests) == 1


def test_redirects_are_followed_and_no_login_or_cookie_goes_anywhere(tmp_path, heads, monkeypatch):
    write_image(tmp_path / "a.png", (8, 6))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with WebServer(tmp_path) as server:
        server.redirects["/moved"] = f"{server.url.replace('127.0.0.1', 'localhost')}/a.png"
        assert look(heads, f"{server.url}/moved") == Inspection(MediaInfo(8, 6))
        assert not [name for headers in server.requests for name in headers if name in ("Authorization", "Cookie")]


def test_https_needs_a_certificate_that_this_machine_trusts(tmp_path, heads, monkeypatch):
    write_image(tmp_path / "a.png", (8, 6))
    authority = trustme.CA()
    with WebServer(tmp_path, certificate=authority.issue_cert("127.0.0.1")) as server:
        assert "set the environment variable REQUESTS_CA_BUNDLE" in look(heads, f"{server.url}/a.png").problem
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        assert look(Heads(MediaSettings("cloud")), f"{server.url}/a.png") == Inspection(MediaInfo(8, 6))


@pytest.mark.parametrize("name", FORMATS)
def test_the_size_of_a_file_is_pillows(tmp_path, noise, name):
    for size in ((1, 1), (3, 2), SIZE):
        noise.crop((0, 0, *size)).save(tmp_path / name, **FORMATS[name])
        with (tmp_path / name).open("rb") as file:
            assert image.inspect_file(file, is_whole=False) == Inspection(MediaInfo(*size))


@pytest.mark.parametrize("kind", ["gs", "azure-blob"])
def test_sizes_of_other_clouds_come_from_metadata_only(heads, kind):
    assert "set sample.metadata" in look(heads, f"{kind}://bucket/a.png").problem


@pytest.mark.ffmpeg
@pytest.mark.parametrize("knows_ranges", [True, False])
@pytest.mark.parametrize("options", [(), (*H264, "-movflags", "+faststart")])
def test_what_is_known_of_a_video_is_read_where_no_parts_are_served_too(tmp_path, knows_ranges, options):
    write_video(tmp_path / "a.mp4", *options, size=(320, 240))
    with WebServer(tmp_path, knows_ranges=knows_ranges) as server:
        found = look(Heads(MediaSettings("cloud", medium="video")), f"{server.url}/a.mp4")
    assert found == Inspection(MediaInfo(320, 240, 25, 25.0))
