"""Files, and members of zip files, as text."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, TextIO, cast

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.kinds import START, Kind, kind_of

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"


class Source(NamedTuple):
    """A file.

    Attributes:
        name: as messages show it
        opened: opens it, to be read as bytes
    """

    name: str
    opened: Callable[[], IO[bytes]]

    def kind(self) -> Kind:
        """What it is.

        Raises:
            ExportError: it cannot be read
        """
        with _reading(self), self.opened() as raw, _inflated(raw) as file:
            return kind_of(file.read(START), self.name.removesuffix(".gz"))

    @contextmanager
    def text(self, encoding: str, newline: str) -> Iterator[TextIO]:
        """Its text; bytes that are not UTF-8 are surrogates in it.

        Args:
            encoding: as :meth:`kind` says
            newline: as ``open()`` takes it

        Raises:
            ExportError: it cannot be read, or is damaged
        """
        with _reading(self), self.opened() as raw, _inflated(raw) as file:
            yield io.TextIOWrapper(io.BufferedReader(_Raw(file)), encoding, "surrogateescape", newline)


class _Raw(io.RawIOBase):
    """What ``io.BufferedReader`` reads of a file that another one is to close."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def sources_of(path: Path) -> list[Source]:
    """The files of a folder or a zip file, or the file itself, in the order of their names, with numbers as numbers.

    Raises:
        ExportError: there is nothing at the path, or it cannot be read
    """
    if path.is_dir():
        return [_source(file) for file in sorted(path.iterdir(), key=_order) if file.is_file()]
    if not path.exists():
        raise ExportError(f"{path}: there is no such file or folder; check the path")
    source = _source(path)
    with _reading(source):
        if not _is_zip(path):
            return [source]
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
    return [Source(f"{path}/{name}", _member(path, name)) for name in members]


def _source(path: Path) -> Source:
    return Source(str(path), lambda: path.open("rb"))


def _member(path: Path, name: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        # The archive is closed with its member, which holds it open.
        with zipfile.ZipFile(path) as archive:
            try:
                return archive.open(name)
            except (NotImplementedError, RuntimeError) as error:
                raise ExportError(f"it cannot be unpacked ({error}); unpack it yourself, and name the folder") from None

    return opened


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def _order(path: Path) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d{1,4000})", path.name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


@contextmanager
def _inflated(file: IO[bytes]) -> Iterator[IO[bytes]]:
    start = file.read(len(_GZIP))
    file.seek(0)
    if start != _GZIP:
        yield file
        return
    with gzip.GzipFile(fileobj=file) as inflated:
        yield cast(IO[bytes], inflated)


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Says which file it was that could not be read."""
    try:
        yield
    except ExportError as error:
        raise ExportError(f"{source.name}: {error}") from None
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise ExportError(f"{source.name}: the archive is damaged or cut off ({error}); copy it once more") from None
    except UnicodeDecodeError as error:
        raise ExportError(f"{source.name}: it is not the {error.encoding} that it says to be: {error.reason}") from None
    except OSError as error:
        raise ExportError(f"{source.name}: it cannot be read: {error}") from None
