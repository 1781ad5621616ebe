from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.transport.address import parse_address
from fo_labelstudio.transport.files import image
from fo_labelstudio.transport.public_web import origin_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/a/b c#1%.png", ("s3", "bucket", "a/b c#1%.png", "s3://bucket/a/b c#1%.png")),
        ("S3://bucket/a.png", ("s3", "bucket", "a.png", "s3://bucket/a.png")),
        ("gs://bucket/a//b.png", ("gcs", "bucket", "a//b.png", "gs://bucket/a//b.png")),
        ("azure-blob://box/a.png", ("azure", "box", "a.png", "azure-blob://box/a.png")),
        ("az://box/a.png", ("azure", "box", "a.png", "azure-blob://box/a.png")),
        ("https://Host:8443/a b?c=d#e", ("web", "https://host:8443", "/a b", "https://Host:8443/a b?c=d#e")),
        ("http://host/a.png", ("web", "http://host", "/a.png", "http://host/a.png")),
    ],
)
def test_the_parts_of_an_address(text, expected):
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "there is no address"),
        ("", "there is no address"),
        ("/data/a.png", "it does not begin with one of https://, http://, s3://"),
        ("ftp://host/a.png", "it does not begin with"),
        ("s3://bucket", "the address is not complete; expected s3://<bucket or container>/<name of the object>"),
        ("s3:///a.png", "the address is not complete"),
        ("az://box/", "the address is not complete; expected azure-blob://"),
        ("https:///a.png", "the address is not complete"),
        ("https://host:99999/a.png", "the address is not complete"),
        ("https://me:pass@host/a.png", "the address has a login, which browsers do not send"),
        ("s3://bucket/a?b.png", r"does not find objects with '\?' at this place of their name"),
        ("s3://bucket//a.png", "does not find objects with '/' at this place"),
        ("s3://bucket/a\n.png", "does not find objects with"),
        ("gs://bucket/a.png ", "does not find objects with ' '"),
    ],
)
def test_what_is_no_address_says_what_to_do(text, problem):
    with pytest.raises(ValueError, match=problem):
        parse_address(text)


@pytest.mark.parametrize("address", ["s3://bucket/a.png", "https://host/a.png", "azure-blob://box/a.png"])
def test_an_address_that_fiftyone_took_for_a_path_is_recognized(address):
    path = fo.Sample(filepath=address).filepath
    assert path != address
    with pytest.raises(
        ValueError, match="FiftyOne has changed the address into a path; keep addresses in a separate field"
    ):
        parse_address(path)
    for text in (path, address):
        assert "it is an address, not a file; pass media='cloud'" in image.inspect(text).problem


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Host:443/label-studio", "https://host"),
        ("http://host:80", "http://host"),
        ("http://host:8080/a/b", "http://host:8080"),
        ("https://[::1]:8443/a", "https://[::1]:8443"),
    ],
)
def test_the_origin_of_a_page_is_written_as_browsers_do(url, origin):
    assert origin_of(url) == origin
