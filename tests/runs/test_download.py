"""A server with a login, and others that never see its key."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import threading
from urllib.parse import unquote

import pytest
import requests

from fo_labelstudio.convert.media_address import parse_address
from fo_labelstudio.convert.media_match import Samples, Shown, match_media
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import download as module
from fo_labelstudio.runs.download import download, download_missing
from fo_labelstudio.runs.match import read_data_path
from fo_labelstudio.settings import ConnectionSettings, Secret
from fo_labelstudio.transport import private_hosts
from tests.support import Annotator, write_image
from tests.web import web_server

KEY = "0123456789abcdef0123456789abcdef01234567"


class Site:
    """Answers of a web server by path, and what it was asked."""

    def __init__(self, needs_key=False):
        self.needs_key = needs_key
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list] = {}
        self.requests: list[tuple[str, str | None]] = []
        self._lock = threading.Lock()

    def __call__(self, request):
        path = unquote(request.path)
        with self._lock:
            self.requests.append((path, request.headers.get("Authorization")))
            answers = self.answers.get(path)
            if answers:
                return answers.pop(0)
        if self.needs_key and request.headers.get("Authorization") != f"Token {KEY}":
            return 401, {}, b'{"detail": "no key"}'
        if path not in self.files:
            return 404, {}, b"none"
        return 200, {"Content-Type": "image/png"}, self.files[path]


@pytest.fixture
def studio():
    return Site(needs_key=True)


@pytest.fixture
def other():
    return Site()


@pytest.fixture
def urls(studio, other):
    with web_server(studio) as studio_url, web_server(other) as other_url:
        yield studio_url, other_url


@pytest.fixture
def client(urls):
    return Client(ConnectionSettings(urls[0], Secret(KEY), retries=1))


def images(*texts):
    return {(n, "image"): parse_address(text) for n, text in enumerate(texts)}


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def test_media_behind_the_login_are_fetched_with_the_key_and_others_without(client, studio, other, urls, tmp_path):
    studio.files = {"/data/upload/1/0a1b2c3d-cat.png": b"cat", "/data/local-files/?d=pets/dog 1.png": b"dog"}
    other.files = {"/owl.png": b"owl"}
    texts = ["/data/upload/1/0a1b2c3d-cat.png", f"{urls[0]}/data/local-files/?d=pets/dog%201.png", f"{urls[1]}/owl.png"]
    host = urls[1].removeprefix("http://").replace(":", "_")
    done = download(images(*texts, "upload/1/0a1b2c3d-cat.png"), tmp_path, client, 1)
    names = ["upload/1/0a1b2c3d-cat.png", "pets/dog 1.png", f"{host}/owl.png", "upload/1/0a1b2c3d-cat.png"]
    assert done.paths == {(n, "image"): str(tmp_path / name) for n, name in enumerate(names)}
    assert [content_of(done.paths[n, "image"]) for n in range(3)] == [b"cat", b"dog", b"owl"]
    assert (done.failures, done.fetched, done.kept, done.report()) == ({}, 3, 0, "")
    assert {key for _, key in studio.requests} == {f"Token {KEY}"}
    assert other.requests == [("/owl.png", None)]


def test_the_key_does_not_follow_a_redirect(client, studio, other, urls, tmp_path):
    fileuri = base64.urlsafe_b64encode(b"s3://b/k 1.png").decode()
    resolve = f"/projects/1/resolve/?fileuri={fileuri}"
    studio.answers[resolve] = [(303, {"Location": f"{urls[1]}/signed?X-Amz-Signature=1"}, b"")]
    studio.answers["/data/upload/1/0a1b2c3d-cat.png"] = [(302, {"Location": f"{urls[1]}/cat.png"}, b"")]
    other.files = {"/signed?X-Amz-Signature=1": b"one", "/cat.png": b"cat"}
    done = download(images("s3://b/k 1.png", "/data/upload/1/0a1b2c3d-cat.png"), tmp_path, client, 1)
    assert [content_of(path) for path in done.paths.values()] == [b"one", b"cat"]
    assert sorted(other.requests) == [("/cat.png", None), ("/signed?X-Amz-Signature=1", None)]


def test_a_server_that_others_redirect_to_does_not_get_the_key(client, studio, other, urls, tmp_path):
    other.answers["/cat.png"] = [(302, {"Location": f"{urls[0]}/api/secret"}, b"")]
    done = download(images(f"{urls[1]}/cat.png"), tmp_path, client, 1)
    assert studio.requests == [("/api/secret", None)]
    assert "answers HTTP 401" in done.failures[0, "image"]


@pytest.mark.parametrize("text", ["/data/upload/1/0a1b2c3d-cat.png", "/data/local-files/?d=a/cat.png"])
def test_a_page_of_the_same_path_on_another_host_does_not_get_the_key(client, studio, other, urls, tmp_path, text):
    other.files[text] = b"cat"
    done = download(images(f"{urls[1]}{text}"), tmp_path, client, 1)
    assert len(done.paths) == 1 and studio.requests == []
    assert [key for _, key in other.requests] == [None]


def test_what_is_no_path_of_the_server_is_not_asked_for(client, studio, urls, tmp_path):
    texts = ["@evil/a.png", "//evil/data/upload/1/0a1b2c3d-cat.png", "pets/cat.png", "C:\\cat.png", "\\\\host\\cat.png"]
    done = download(images(*texts), tmp_path, client, 1)
    assert len(done.failures) == 5 and studio.requests == []
    assert done.failures[2, "image"] == "'pets/cat.png' is the path of another machine; pass data_path with the files"


def test_what_is_there_as_large_as_the_server_says_is_not_fetched_again(client, studio, tmp_path):
    studio.files = {f"/data/upload/1/0a1b2c3d-{n}.png": b"cat" for n in range(2)}
    wanted = images(*studio.files)
    first = download(wanted, tmp_path, client, 1)
    (tmp_path / "upload/1/0a1b2c3d-0.png").write_bytes(b"own")
    (tmp_path / "upload/1/0a1b2c3d-1.png").write_bytes(b"ca")
    again = download(wanted, tmp_path, client, 1)
    assert (first.fetched, first.kept, again.fetched, again.kept) == (2, 0, 1, 1)
    assert again.paths == first.paths
    assert (tmp_path / "upload/1/0a1b2c3d-0.png").read_bytes() == b"own"
    assert (tmp_path / "upload/1/0a1b2c3d-1.png").read_bytes() == b"cat"


def test_what_breaks_off_is_tried_again_and_never_stands_for_a_whole_file(client, studio, tmp_path):
    text = "/data/upload/1/0a1b2c3d-cat.png"
    cut = (200, {"Content-Type": "image/png", "Content-Length": "9"}, b"half")
    studio.answers[text] = [cut, (200, {"Content-Type": "image/png"}, b"whole")]
    assert download(images(text), tmp_path, client, 1).fetched == 1
    assert (tmp_path / "upload/1/0a1b2c3d-cat.png").read_bytes() == b"whole"
    studio.answers["/data/upload/1/0a1b2c3d-dog.png"] = [cut, cut]
    done = download(images("/data/upload/1/0a1b2c3d-dog.png"), tmp_path, client, 1)
    assert done.failures[0, "image"].startswith("its content broke off or was damaged on the way (")
    assert [path.name for path in (tmp_path / "upload/1").iterdir()] == ["0a1b2c3d-cat.png"]


def test_failures_are_collected_and_the_rest_goes_on(client, studio, urls, tmp_path):
    studio.files = {"/data/upload/1/0a1b2c3d-cat.png": b"cat", "/data/upload/1/0a1b2c3d-empty.png": b""}
    login = (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")
    studio.answers["/data/upload/1/0a1b2c3d-login.png"] = [login]
    names = ("gone", "login", "empty", "cat")
    done = download(images(*(f"/data/upload/1/0a1b2c3d-{name}.png" for name in names)), tmp_path, client, 1)
    assert list(done.paths) == [(3, "image")]
    assert "HTTP 404" in done.failures[0, "image"]
    assert done.failures[1, "image"] == "a web page is there, no media; can the API key see the project?"
    assert done.failures[2, "image"] == "it is empty"
    assert done.report().startswith("3 image(s) of tasks could not be fetched:\n  task 0, image: GET ")
    assert KEY not in done.report()


def test_a_host_that_does_not_answer_is_asked_once(client, studio, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = download(images(f"{origin}/1.png", f"{origin}/2.png"), tmp_path, client, 1, num_workers=1)
    assert "was tried 2 times" in done.failures[0, "image"]
    assert done.failures[1, "image"] == done.failures[0, "image"]


def test_media_in_the_task_itself_are_written(tmp_path):
    text = f"data:image/png;base64,{base64.b64encode(b'pixels').decode()}"
    done = download(images(text, "data:image/svg+xml,%3Csvg%3E", "data:image/png;base64,?"), tmp_path)
    assert content_of(done.paths[0, "image"]) == b"pixels" and done.paths[0, "image"].endswith(".png")
    assert content_of(done.paths[1, "image"]) == b"<svg>"
    assert list(done.failures) == [(2, "image")]


def test_without_a_server_what_needs_one_is_refused_by_name(tmp_path):
    done = download(images("/data/upload/1/0a1b2c3d-cat.png", "gs://b/cat.png"), tmp_path)
    assert done.failures == {
        (
            0,
            "image",
        ): "/data/upload/1/0a1b2c3d-cat.png is behind a login, and no server was given; pass url and api_key "
        "of the Label Studio that it is from, or data_path with the files",
        (
            1,
            "image",
        ): "gs://b/cat.png is handed out by the project only whose storage holds it; pass project_id with url "
        "and api_key, or data_path with the files",
    }


def test_a_link_in_the_folder_leads_no_file_out_of_it(client, studio, tmp_path):
    studio.files["/data/local-files/?d=out/cat.png"] = b"cat"
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / "out").symlink_to(outside)
    done = download(images("/data/local-files/?d=out/cat.png"), root, client, 1)
    assert "a link that leads out of data_path" in done.failures[0, "image"]
    assert list(outside.iterdir()) == [] and studio.requests == []


def test_files_that_differ_in_case_only_have_names_of_their_own(client, studio, tmp_path):
    studio.files = {"/data/local-files/?d=a/Cat.png": b"one", "/data/local-files/?d=a/cat.png": b"two"}
    done = download(images(*studio.files), tmp_path, client, 1)
    assert len({path.casefold() for path in done.paths.values()}) == 2
    assert sorted(map(content_of, done.paths.values())) == [b"one", b"two"]


def test_hosts_of_private_networks_are_not_asked_unless_that_is_allowed(other, urls, tmp_path):
    other.files = {"/cat.png": b"cat"}
    task = images(f"{urls[1]}/cat.png")
    refused = download(task, tmp_path)
    assert other.requests == [] and refused.paths == {}
    message = refused.failures[0, "image"]
    assert "localhost (127.0.0.1) is this machine or in a private network" in message
    assert "allow_private_hosts=True" in message and "data_path" in message
    assert "task 0, image: localhost (127.0.0.1) is this machine" in refused.report()
    allowed = download(task, tmp_path, allow_private_hosts=True)
    assert content_of(allowed.paths[0, "image"]) == b"cat"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
def test_names_that_lead_into_a_private_network_are_not_asked(monkeypatch, client, tmp_path, address):
    find = socket.getaddrinfo

    def getaddrinfo(host, *args, **options):
        if host != "inside.example":
            return find(host, *args, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    private_hosts._resolved.cache_clear()
    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    failures = download(images("http://inside.example/cat.png"), tmp_path, client, 1).failures
    private_hosts._resolved.cache_clear()
    assert f"inside.example ({address}) is this machine or in a private network" in failures[0, "image"]


def test_a_redirect_leads_into_no_private_network(client, studio, tmp_path):
    studio.answers["/data/upload/1/0a1b2c3d-cat.png"] = [(302, {"Location": "http://10.255.255.1/cat.png"}, b"")]
    failures = download(images("/data/upload/1/0a1b2c3d-cat.png"), tmp_path, client, 1).failures
    assert "10.255.255.1 is this machine or in a private network" in failures[0, "image"]


def test_what_leads_from_one_host_to_another_is_looked_at_again(client, other, urls, tmp_path):
    other.answers["/cat.png"] = [(302, {"Location": "http://[fd00::1]/cat.png"}, b"")]
    failures = download(images(f"{urls[1]}/cat.png"), tmp_path, client, 1).failures
    assert "fd00::1 is this machine or in a private network" in failures[0, "image"]


@pytest.mark.parametrize("text", ["ftp://example.org/cat.png", "file:///etc/passwd"])
def test_only_addresses_of_the_web_are_asked(client, tmp_path, text):
    done = download(images(text), tmp_path, client, 1)
    assert done.paths == {} and len(done.failures) == 1


def test_media_that_do_not_fit_on_the_disk_are_named_and_the_rest_goes_on(client, studio, tmp_path, monkeypatch):
    studio.files = {"/data/upload/1/big.png": b"x" * 2000, "/data/upload/1/small.png": b"x" * 20}
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    done = download(images("/data/upload/1/big.png", "/data/upload/1/small.png"), tmp_path, client, 1)
    assert list(done.paths) == [(1, "image")]
    message = done.failures[0, "image"]
    assert message.startswith("it has 2000 bytes, and ") and "has room for 1000; make room, or pass" in message


def test_more_bytes_than_are_fetched_are_refused(client, studio, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 3)
    studio.files["/data/upload/1/0a1b2c3d-cat.png"] = b"cats"
    done = download(images("/data/upload/1/0a1b2c3d-cat.png"), tmp_path, client, 1)
    assert done.failures[0, "image"] == "it has 4 bytes, more than the 3 that are fetched"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_manifest_names_goes_to_its_path_and_nothing_else_is_fetched(client, studio, tmp_path):
    studio.files = {f"/data/upload/1/0a1b2c3d-{name}.png": name.encode() for name in ("cat", "dog", "owl")}
    there = tmp_path / "there.png"
    there.write_bytes(b"own")
    data_path = {"cat.png": str(tmp_path / "new" / "1.png"), "owl.png": str(there)}
    shown = [Shown(n, "image", parse_address(text)) for n, text in enumerate(studio.files)]
    found = match_media(shown, Samples([], []), read_data_path(data_path))
    done = download_missing(found, data_path, client, 1)
    assert done.paths == {(0, "image"): str(tmp_path / "new" / "1.png")}
    assert content_of(done.paths[0, "image"]) == b"cat"
    assert list(done.failures) == [(1, "image")] and there.read_bytes() == b"own"


def test_what_has_neither_a_sample_nor_a_file_goes_into_the_folder(client, studio, tmp_path):
    studio.files = {f"/data/upload/1/0a1b2c3d-{name}.png": name.encode() for name in ("cat", "dog", "owl")}
    (tmp_path / "cat.png").write_bytes(b"own")
    shown = [Shown(n, "image", parse_address(text)) for n, text in enumerate(studio.files)]
    found = match_media(shown, Samples(["s"], ["/mnt/dog.png"]), read_data_path(tmp_path))
    assert (found.samples, found.files) == ({(1, "image"): "s"}, {(0, "image"): str(tmp_path / "cat.png")})
    done = download_missing(found, tmp_path, client, 1)
    assert done.paths == {(2, "image"): str(tmp_path / "upload/1/0a1b2c3d-owl.png")}


def test_a_server_below_a_path_is_asked_there(studio, urls, tmp_path):
    studio.files = {"/sub/data/upload/1/0a1b2c3d-cat.png": b"cat", "/sub/data/local-files/?d=a/dog.png": b"dog"}
    client = Client(ConnectionSettings(f"{urls[0]}/sub", Secret(KEY), retries=0))
    texts = ["/data/upload/1/0a1b2c3d-cat.png", "/sub/data/local-files/?d=a/dog.png"]
    assert download(images(*texts), tmp_path, client, 1).fetched == 2


@pytest.mark.server
def test_a_real_server_hands_out_uploads_and_local_files_and_they_are_found_again(sharing, shared, tmp_path):
    annotator = Annotator(sharing.url, sharing.legacy_token)
    choices = '<Choices name="c" toName="image"><Choice value="a"/></Choices>'
    config = f'<View><Image name="image" value="$image"/>{choices}</View>'
    project = annotator.call("POST", "/api/projects/", json={"title": "foreign", "label_config": config})["id"]
    folder = shared / "foreign media"
    own = [write_image(folder / "deep" / name) for name in ("a b.png", "ümlaut #1 50%.png")]
    storage = {"project": project, "path": str(folder), "use_blob_urls": True, "recursive_scan": True}
    made = annotator.call("POST", "/api/storages/localfiles/", json=storage)
    annotator.call("POST", f"/api/storages/localfiles/{made['id']}/sync")
    uploaded = write_image(tmp_path / "my cat (1) é.png")
    with open(uploaded, "rb") as file:
        answer = requests.post(
            f"{sharing.url}/api/projects/{project}/import",
            files={"file": file},
            headers={"Authorization": f"Token {sharing.legacy_token}"},
            timeout=60,
        )
    answer.raise_for_status()
    tasks = annotator.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    wanted = {(task["id"], "image"): parse_address(task["data"]["image"]) for task in tasks}
    assert sorted(address.kind for address in wanted.values()) == ["local_files", "local_files", "upload"]
    client = Client(ConnectionSettings(sharing.url, Secret(sharing.legacy_token)))
    done = download(wanted, tmp_path / "copies", client, project)
    assert not done.failures
    contents = sorted(content_of(path) for path in done.paths.values())
    assert contents == sorted(content_of(path) for path in [*own, uploaded])

    shown = [Shown(*place, address) for place, address in wanted.items()]
    found = match_media(shown, Samples(["1", "2", "3"], [str(path) for path in [*own, uploaded]]))
    assert not found.questions and set(found.samples.values()) == {"1", "2", "3"}
    for place, sample_id in found.samples.items():
        assert content_of(done.paths[place]) == content_of([*own, uploaded][int(sample_id) - 1])
    again = match_media(shown, Samples([], []), read_data_path(tmp_path / "copies"))
    assert {place: os.fspath(path) for place, path in again.files.items()} == done.paths
