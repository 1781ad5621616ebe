"""Files as the body of a request, read while it is sent: no file is ever held as a whole.

requests would hold them all. The encoder of requests_toolbelt can be read only once, and a request that is signed anew
needs its body again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import BinaryIO, NamedTuple

from urllib3.fields import RequestField
from urllib3.filepost import choose_boundary

_PIECE = 2**18
"""Bytes read at once."""

_LINE = b"\r\n"


class File(NamedTuple):
    """A file that is sent.

    Attributes:
        name: what the server is to call it
        size: how many bytes it has
        open: opens it; called each time that it is sent
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]


class UnreadableError(Exception):
    """A file cannot be read while it is sent; an OSError, which stands in for it, is its cause.

    requests would take that for an error of the connection.
    """


class Multipart:
    """A body of files, which can be sent more than once.

    Args:
        files: the files, each of which gets a field name of its own, as the server keeps only the last of equal ones
    """

    def __init__(self, files: Sequence[File]):
        boundary = choose_boundary()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._files = files
        self._heads = [_head(boundary, number, file.name) for number, file in enumerate(files)]
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        sizes = (len(head) + file.size + len(_LINE) for head, file in zip(self._heads, self._files, strict=True))
        return sum(sizes) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Its bytes, piece by piece, from the beginning.

        Raises:
            UnreadableError: a file cannot be read, or has not the bytes that it had
        """
        for head, file in zip(self._heads, self._files, strict=True):
            yield head
            yield from _pieces(file)
            yield _LINE
        yield self._end


def _head(boundary: str, number: int, name: str) -> bytes:
    field = RequestField(f"file{number}", b"", name)
    field.make_multipart()
    return f"--{boundary}\r\n{field.render_headers()}".encode()


def _pieces(file: File) -> Iterator[bytes]:
    left = file.size
    try:
        with closing(file.open()) as content:
            # One byte more tells that it has grown.
            while piece := content.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
        if left:
            raise OSError(f"{file.name!r} has changed while it was sent")
    except OSError as error:
        raise UnreadableError(str(error)) from error
