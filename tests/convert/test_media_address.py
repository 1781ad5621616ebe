from __future__ import annotations

import base64
import re
import unicodedata
from urllib.parse import quote

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.utils.text import get_valid_filename
from hypothesis import example, given
from hypothesis import strategies as st

from fo_labelstudio.convert.media_address import (
    MediaAddress,
    local_name,
    parse_address,
    path_key,
    server_names,
    shortened,
    tails,
    upload_names,
)


def encoded(address: str) -> str:
    return base64.urlsafe_b64encode(address.encode()).decode()


@pytest.mark.parametrize(
    ("text", "kind", "key", "name"),
    [
        ("/data/upload/7/0a1b2c3d-cat.png", "upload", "upload/7/0a1b2c3d-cat.png", "0a1b2c3d-cat.png"),
        ("/data/upload/0a1b2c3d-cat.png", "upload", "upload/0a1b2c3d-cat.png", "0a1b2c3d-cat.png"),
        ("upload/7/0a1b2c3d-cat.png", "upload", "upload/7/0a1b2c3d-cat.png", "0a1b2c3d-cat.png"),
        ("https://ls.org/sub/data/upload/7/0a1b2c3d-caf%C3%A9.png", "upload", "upload/7/0a1b2c3d-café.png", None),
        ("/storage-data/uploaded/?filepath=upload/7/0a1b2c3d-cat.png", "upload", "upload/7/0a1b2c3d-cat.png", None),
        ("/data/local-files/?d=pets/cat%201.png", "local_files", "pets/cat 1.png", "cat 1.png"),
        ("/data/local-files?d=pets/cat+1.png", "local_files", "pets/cat 1.png", "cat 1.png"),
        ("/data/local-files/?d=%2Fpets//cat.png", "local_files", "pets/cat.png", "cat.png"),
        ("/data/local-files/?d=pets%5Ccat.png", "local_files", "pets/cat.png", "cat.png"),
        ("/data/local-files/?d=pets/n%2541.png", "local_files", "pets/n%41.png", "n%41.png"),
        ("http://ls:8080/data/local-files/?x=1&d=a/b.png", "local_files", "a/b.png", "b.png"),
        ("s3://pets/a/cat 1.png", "s3", "s3://pets/a/cat 1.png", "cat 1.png"),
        ("S3://pets/a%20b.png", "s3", "s3://pets/a%20b.png", "a%20b.png"),
        ("gs://pets/cat.png", "gcs", "gs://pets/cat.png", "cat.png"),
        ("azure-blob://pets/cat.png", "azure", "azure-blob://pets/cat.png", "cat.png"),
        ("az://pets/cat.png", "azure", "azure-blob://pets/cat.png", "cat.png"),
        ("https://pets.s3.amazonaws.com/a%20b.png?X-Amz-Signature=1", "s3", "s3://pets/a b.png", "a b.png"),
        ("https://pets.s3.eu-west-1.amazonaws.com/a.png", "s3", "s3://pets/a.png", "a.png"),
        ("https://s3.eu-west-1.amazonaws.com/pets/a.png", "s3", "s3://pets/a.png", "a.png"),
        ("https://storage.googleapis.com/pets/a.png?X-Goog-Signature=1", "gcs", "gs://pets/a.png", "a.png"),
        ("https://me.blob.core.windows.net/pets/a.png?sv=1&sig=2", "azure", "azure-blob://pets/a.png", "a.png"),
        ("https://Example.org:443/a%20b.png#top", "web", "//example.org/a b.png", "a b.png"),
        ("http://example.org:8000/i.php?id=5", "web", "//example.org:8000/i.php?id=5", "i.php"),
        ("https://cdn.org/a.png?id=1&Expires=9&Signature=x&Key-Pair-Id=k", "web", "//cdn.org/a.png?id=1", "a.png"),
        (f"/tasks/5/resolve/?fileuri={encoded('s3://pets/ö/cat.png')}", "s3", "s3://pets/ö/cat.png", "cat.png"),
        (f"https://ls.org/projects/5/presign/?fileuri={encoded('gs://p/c.png')}", "gcs", "gs://p/c.png", "c.png"),
        ("/tasks/5/presign/?fileuri=s3%3A%2F%2Fpets%2Fcat.png", "s3", "s3://pets/cat.png", "cat.png"),
        (
            f"/api/projects/1/file-proxy?url={encoded('https://example.org/a.png')}",
            "web",
            "//example.org/a.png",
            "a.png",
        ),
        ("cat.png", "path", "cat.png", "cat.png"),
        ("pets\\cat.png", "path", "pets/cat.png", "cat.png"),
        ("C:\\pets\\cat.png", "path", "C:/pets/cat.png", "cat.png"),
        ("/mnt/./pets//cat.png", "path", "/mnt/pets/cat.png", "cat.png"),
        ("pets/x/../cat.png", "path", "pets/cat.png", "cat.png"),
        ("file:///mnt/cat%201.png", "path", "/mnt/cat 1.png", "cat 1.png"),
        ("cafe\u0301.png", "path", "café.png", "café.png"),
    ],
)
def test_each_form_of_an_address_is_read_as_the_server_reads_it(text, kind, key, name):
    address = parse_address(text)
    assert (address.kind, address.keys[0], address.problem) == (kind, key, None)
    assert address.text == text
    if name is not None:
        assert address.names[0] == name


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        ("../cat.png", "path", "it leaves its folder by '..'"),
        ("/../etc/passwd", "path", "it leaves its folder by '..'"),
        ("/data/local-files/?d=../../etc/passwd", "local_files", "it leaves its folder by '..'"),
        ("/data/local-files/?d=pets/..%2F..%2Fetc/passwd", "local_files", "it leaves its folder by '..'"),
        ("..\\cat.png", "path", "it leaves its folder by '..'"),
        ("/data/local-files/", "none", "it names no file"),
        ("/", "none", "it names no file"),
        ("s3://pets", "none", "it names no object of a storage"),
        ("https:///cat.png", "none", "it is no whole address"),
        ("", "none", "it is empty"),
        ("a" * 20_000, "none", "it is too long to be an address"),
        (None, "none", "it is no text"),
        (17, "none", "it is no text"),
        (["cat.png"], "none", "it is no text"),
    ],
)
def test_what_names_no_file_says_why(value, kind, problem):
    address = parse_address(value)
    assert (address.kind, address.keys, address.names, address.problem) == (kind, (), (), problem)


def test_an_image_in_the_task_itself_has_no_name():
    assert parse_address("data:image/png;base64,AAAA") == MediaAddress("data", (), (), "data:image/png;base64,AAAA")


def test_an_address_that_was_encoded_twice_or_not_at_all_is_read_so_too():
    assert parse_address("/data/local-files/?d=a%2520b.png").keys == ("a%20b.png", "a b.png", "a%2520b.png")
    assert parse_address("/data/upload/1/0a1b2c3d-a%2520b.png").names[:2] == ("0a1b2c3d-a%20b.png", "0a1b2c3d-a b.png")
    assert parse_address("/data/local-files/?d=c#1 & d.png").keys[-1] == "c#1 & d.png"
    assert parse_address("https://h/a%2520b.png").keys == ("//h/a%20b.png", "//h/a b.png", "//h/a%2520b.png")


def test_links_within_links_come_to_an_end():
    address = "s3://pets/cat.png"
    for _ in range(9):
        address = f"/tasks/5/resolve/?fileuri={encoded(address)}"
    assert parse_address(address).kind == "path"


@given(st.text(max_size=80) | st.from_regex(r"(https?|s3|file)://[^\n]{0,40}|/data/(upload|local-files)/[^\n]{0,40}"))
@example("http://[x")
@example("http://host:port/a")
@example("/data/local-files/?d=%00")
@example("https://b.s3.amazonaws.com/")
@example("http://\ud800/")
def test_no_text_breaks_the_reader_and_copies_stay_in_their_folder(text):
    address = parse_address(text)
    name = local_name(address)
    parts = name.split("/")
    assert all(parts) and not {".", ".."} & set(parts) and "\\" not in name
    assert all(len(part.encode()) <= 143 for part in parts)
    assert len(name) <= 1200
    list(tails(address))


_NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='/\\:*?"<>|'), min_size=1, max_size=30
).filter(lambda name: name == name.strip() and not name.endswith(".") and name not in (".", ".."))


@given(st.lists(_NAMES, min_size=2, max_size=4), st.sampled_from(("NFC", "NFD")))
def test_the_copy_of_a_file_is_found_by_its_address_again(parts, form):
    path = unicodedata.normalize(form, "/".join(parts))
    for text in (f"/data/local-files/?d={quote(path)}", f"s3://bucket/{path}", f"https://host/{quote(path)}"):
        address = parse_address(text)
        copy = path_key(f"/root/{local_name(address)}")
        if not re.search(r"-[0-9a-f]{10}(\.[^/]*)?$", copy):
            assert any(copy.endswith("/" + "/".join(tail)) for tail in tails(address))


def test_copies_of_different_files_have_different_names():
    texts = ["https://h/i?id=1", "https://h/i?id=2", "https://h/i", "https://h/a:b", "https://h/a*b", "https://h/con"]
    texts += ["s3://b/x./a", "s3://b/x/a", "s3://b/../a", "s3://b/%2e/a", "/data/upload/1/0a1b2c3d-a", "a" * 300]
    texts += [f"{'a' * 300}b", "/".join("a" * 900), "/".join("b" * 900), "data:image/png;base64,AA"]
    names = [local_name(parse_address(text)) for text in texts]
    assert len({name.casefold() for name in names}) == len(texts)
    assert names[0].startswith("h/i-")
    assert local_name(parse_address("https://h:81/a b.png")) == "h_81/a b.png"
    assert local_name(parse_address("s3://b/x/a.png")) == "b/x/a.png"
    assert local_name(parse_address("/data/upload/1/0a1b2c3d-a.png")) == "upload/1/0a1b2c3d-a.png"
    assert local_name(parse_address("data:image/jpeg;base64,AA")).endswith(".jpeg")


def test_an_address_of_a_signed_link_is_the_same_each_time():
    first = parse_address("https://minio:9000/pets/a.png?X-Amz-Date=1&X-Amz-Signature=1")
    again = parse_address("https://minio:9000/pets/a.png?X-Amz-Date=2&X-Amz-Signature=2")
    assert first.identity == again.identity == "//minio:9000/pets/a.png"
    assert "s3://pets/a.png" in first.keys


def test_uploads_are_known_by_the_names_that_the_server_gives():
    assert server_names("cat.png") == ("cat.png",)
    assert server_names(" my cat (1).png")[0] == "my_cat_1.png"
    assert server_names("café.png") == ("café.png", "cafe.png", "cafC3A9.png")
    assert server_names("50% #1.png")[0] == "50_1.png"
    name = "0a1b2c3d-cat-0123456789abcdef0123.png"
    assert upload_names(parse_address(f"/data/upload/1/{name}")) == (name[9:], "cat.png")
    assert upload_names(parse_address("cat.png")) == ()


def test_a_long_name_of_an_upload_is_known_to_be_shortened():
    name = "0a1b2c3d-" + "long" * 17
    path = f"upload/12/{name}"[: 100 - len("_aB3dE5g.tar.png")] + "_aB3dE5g.tar.png"
    assert shortened(parse_address(f"/data/{path}")) == (path[19:-16], ".tar.png")
    assert shortened(parse_address("/data/upload/1/0a1b2c3d-cat_aB3dE5g.png")) is None


@given(_NAMES)
def test_the_server_itself_gives_uploads_these_names(name):
    try:
        expected = get_valid_filename(unicodedata.normalize("NFC", name))
    except SuspiciousFileOperation:
        # It takes no file of which nothing is left.
        return
    assert expected in server_names(name)


def test_messages_show_addresses_without_a_signature_or_a_login():
    assert parse_address("https://me:secret@h/a.png?X-Amz-Signature=secret").shown == "https://h/a.png?..."
    assert parse_address("https://h/i?id=1").shown == "https://h/i?id=1"
    assert parse_address("data:image/png;base64," + "A" * 99).shown == "data:image/png;base64,AAAAAAAAAAAAAAAAAA"
    assert parse_address("a" * 200).shown == "a" * 120 + "..."
