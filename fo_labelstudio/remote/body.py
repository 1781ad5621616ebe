"""The body of an answer, read piece by piece: nothing that a server sends makes us hold more than was asked for.

requests reads and inflates all that comes, and how much is checked depends on the version of urllib3 below it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

ENCODING = "gzip"
"""The only encoding that we ask for and read; zlib inflates it within bounds."""

_PIECE = 2**20
"""Bytes read and inflated at once."""

_GZIP = 16 + zlib.MAX_WBITS


class BodyError(Exception):
    """A body that breaks off, or is damaged on the way."""


class TooLargeError(Exception):
    """A body that is larger than was asked for."""


def read(response: requests.Response, limit: int) -> bytearray:
    """The whole body of an answer.

    Args:
        response: an answer whose body was not read yet
        limit: bytes that it may have, inflated

    Raises:
        TooLargeError: it has more
        BodyError: it breaks off, or is damaged on the way
    """
    body = bytearray()
    announced = length_of(response)
    if announced is not None and announced > limit:
        raise TooLargeError
    for piece in _pieces(response, announced):
        if len(body) + len(piece) > limit:
            raise TooLargeError
        body += piece
    return body


class Stream(NamedTuple):
    """A body that is read piece by piece.

    Attributes:
        length: bytes that it takes on its way, or None where nobody says
        content_type: what it is said to be
        pieces: its bytes, inflated; raises BodyError where it breaks off
    """

    length: int | None
    content_type: str
    pieces: Iterator[bytes]


def stream_of(response: requests.Response) -> Stream:
    """The body of an answer that was not read yet, piece by piece."""
    length = length_of(response)
    return Stream(length, response.headers.get("Content-Type", ""), _pieces(response, length))


def start_of(response: requests.Response, limit: int) -> bytes:
    """As many bytes of a body as there are, up to a limit, and as far as they can be read."""
    start = bytearray()
    try:
        for piece in _pieces(response, None, min(limit, _PIECE)):
            start += piece
            if len(start) >= limit:
                break
    except BodyError:
        # The status says what counts.
        pass
    return bytes(start[:limit])


def length_of(response: requests.Response) -> int | None:
    """How many bytes a body takes on its way, by its headers, or None where nobody says."""
    length = response.headers.get("Content-Length", "")
    is_said = length.isascii() and length.isdecimal() and "Transfer-Encoding" not in response.headers
    return int(length) if is_said and len(length) < 20 else None


def _pieces(response: requests.Response, announced: int | None, size: int = _PIECE) -> Iterator[bytes]:
    """A body as it is after inflating, at most ``size`` bytes at a time."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from _sent(response, announced, size)
    elif encoding in (ENCODING, "x-gzip"):
        yield from _inflated(_sent(response, announced, size), size)
    else:
        raise BodyError(f"it is encoded as {encoding[:40]!r}, which was not asked for")


def _sent(response: requests.Response, announced: int | None, size: int) -> Iterator[bytes]:
    """A body as it comes over the connection."""
    came = 0
    while True:
        try:
            piece = response.raw.read(size, decode_content=False)
        except (HTTPError, OSError) as error:
            raise BodyError(f"{type(error).__name__}: {error}") from None
        if not piece:
            break
        came += len(piece)
        yield piece
    if announced is not None and came != announced:
        raise BodyError(f"{came} of {announced} bytes came")


def _inflated(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP)
    is_begun = False
    try:
        for rest in pieces:
            is_begun = True
            while rest:
                if inflater.eof:
                    inflater = zlib.decompressobj(_GZIP)
                yield inflater.decompress(rest, size)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        # All may have been taken in before all was given out.
        while is_begun and not inflater.eof:
            last = inflater.decompress(b"", size)
            if not last:
                raise BodyError("its gzip stream is cut short")
            yield last
    except zlib.error as error:
        raise BodyError(str(error)) from None
