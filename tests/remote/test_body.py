"""Answers that are too large, cut short or damaged, as a web server really sends them."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from fo_labelstudio.errors import AnswerTooLargeError, ConnectionFailedError, NotLabelStudioError, ServerError
from fo_labelstudio.remote import connection
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.web import web_server

LIMIT = 2**22
BOMB = gzip.compress(bytes(2**23)) * 512
"""4 MiB that inflate to 4 GiB."""


def answered(status, headers, body, call=lambda client: client.export_tasks(1, [1])):
    """What a call makes of an answer, with the largest number of bytes that were held meanwhile."""
    with web_server(lambda request: (status, headers, body)) as url:
        client = Client(ConnectionSettings(url, Secret("key"), retries=0))
        tracemalloc.start()
        try:
            return call(client), tracemalloc.get_traced_memory()[1]
        except ServerError as error:
            return error, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            client.close()


@pytest.fixture
def limit(monkeypatch):
    monkeypatch.setattr(connection, "LARGEST_ANSWER", LIMIT)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Encoding": "gzip"}, BOMB),
        ({"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(BOMB), BOMB)),
        ({"Content-Length": "9" * 15}, b"[]"),
        ({"Content-Length": ""}, b"[" + b" " * 2**25 + b"]"),
        ({"Transfer-Encoding": "chunked"}, b"2000001\r\n" + b" " * (2**25 + 1) + b"\r\n0\r\n\r\n"),
    ],
)
def test_an_answer_that_is_too_large_is_not_held(limit, headers, body):
    error, peak = answered(200, headers, body)
    assert isinstance(error, AnswerTooLargeError) and "was answered with more than 4 MiB" in str(error)
    assert peak < 5 * LIMIT


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 413, 500, 503])
@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, b"<p>" + b"x" * 10_000_000), ({"Content-Encoding": "gzip"}, BOMB), ({"Content-Encoding": "br"}, b"?")],
)
def test_of_an_error_only_the_beginning_is_read(status, headers, body):
    error, peak = answered(status, {"Location": "/elsewhere", **headers}, body)
    assert isinstance(error, ServerError) and error.status == status
    assert len(str(error)) < 700 and peak < 2**21


@pytest.mark.parametrize("body", [b"[1, 2]", b"[" + b"0," * 10**5 + b"0]"])
def test_what_is_compressed_is_read(body):
    middle = len(body) // 2
    for sent in (gzip.compress(body), gzip.compress(body[:middle]) + gzip.compress(body[middle:])):
        answer, _ = answered(200, {"Content-Encoding": "gzip"}, sent)
        assert answer == json.loads(body)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "3000"}, b"[1, 2]"),
        ({"Transfer-Encoding": "chunked"}, b"6\r\n[1, 2]\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"fff\r\n[1, 2]"),
        ({"Transfer-Encoding": "chunked"}, b"<html>"),
        ({"Transfer-Encoding": "chunked"}, b"f" * 10**6),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"[1, 2]", mtime=0)[:-4]),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"[1, 2]", mtime=0)[:12]),
        ({"Content-Encoding": "gzip"}, b"[1, 2]"),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"[1, 2]")),
        ({"Content-Length": ""}, b'[{"id": 1, "data": {"sample_id'),
        ({"Content-Length": ""}, b"[1, 2"),
        ({"Content-Length": ""}, b"[1, 2, tru"),
        ({"Content-Length": ""}, b"["),
        ({"Content-Length": ""}, '["ä'.encode()[:-1]),
        ({"Content-Length": ""}, b""),
    ],
)
def test_an_answer_that_is_cut_short_is_not_taken_for_whole(headers, body):
    error, _ = answered(200, headers, body)
    assert type(error) is ConnectionFailedError and "broke off or was damaged on the way" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><title>Portal</title></html>",
        b"[1] [2]",
        b"[" + b"9" * 10**6 + b"]",
        b"[" * 10**6,
        b'{"a":' * 10**6,
        b"\xff\xfe[\x00",
    ],
)
def test_what_is_no_json_is_told_shortly(body):
    error, _ = answered(200, {}, body)
    assert type(error) is NotLabelStudioError and "is url the address of Label Studio's start page?" in str(error)
    assert len(str(error)) < 700
