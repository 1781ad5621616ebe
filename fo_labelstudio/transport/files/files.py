"""The MediaFiles record: what is known of the files of a medium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.transport import Inspection

_PIECE = 2**18
"""Bytes read at once."""


class InspectFile(Protocol):
    """Looks at a file by its content, whatever its name."""

    def __call__(self, file: BinaryIO, is_whole: bool = True) -> Inspection:
        """What it holds.

        Args:
            file: the file; where it is left is undefined
            is_whole: whether its end is to be looked at, rather than as few of its first bytes as tell the rest

        Raises:
            OSError: the file cannot be read, which tells nothing about its content
        """
        ...


@dataclass(frozen=True)
class Content:
    """What is sent of a file, which is never held as a whole unless it is an image that was converted.

    Attributes:
        extension: that of the file which holds it
        open: opens it, to be read from its beginning; may be called more than once
    """

    extension: str
    open: Callable[[], BinaryIO]

    @classmethod
    def of(cls, path: str) -> Content:
        """A file of this machine as it is."""
        return cls(os.path.splitext(path)[1].lower(), lambda: open(path, "rb"))

    def pieces(self) -> Iterator[bytes]:
        """Its bytes.

        Raises:
            OSError: it cannot be read
        """
        with self.open() as file:
            while piece := file.read(_PIECE):
                yield piece


class Made(NamedTuple):
    """How several files are made of one, and sent in its place.

    Attributes:
        paths_of: the path of the file, and what was found out about it -> what each of the others is called, as a path
            whose end tells people what it is
        source: what one of the others is called -> the path of the file
    """

    paths_of: Callable[[str, MediaInfo], Sequence[str]]
    source: Callable[[str], str]


@dataclass(frozen=True)
class MediaFiles:
    """The files of one medium.

    Attributes:
        inspect: looks at a file of this machine, by its path; with True, one that cannot be sent as it is counts as
            what ``read`` makes of it
        inspect_file: looks at an open file
        read: what is sent of a file of this machine, for as long as the ``with`` block lasts; with True, it is
            converted where it cannot be sent as it is; raises OSError where it cannot be read or converted
        extensions: those of the files that a server takes and a browser shows
        converted_to: the formats that ``read`` makes, for messages
        content_types: the types as which web servers may send them, for the editor to show them: a regular expression
            and, for messages, an example
        told_by: what a user sets where nobody but the sample's metadata can tell about a file, for messages
        is_read_in_parts: whether the editor reads parts of a file wherever they are
        made: how others are made of a file, for ``read`` to be asked for; None where the file itself is sent
    """

    inspect: Callable[[str | None, bool], Inspection]
    inspect_file: InspectFile
    read: Callable[[str, bool], AbstractContextManager[Content]]
    extensions: tuple[str, ...]
    converted_to: str
    content_types: tuple[str, str]
    told_by: str
    is_read_in_parts: bool = False
    made: Made | None = None

    def source_of(self, path: str) -> str:
        """The path of the file that holds what ``read`` is asked for."""
        return path if self.made is None else self.made.source(path)
