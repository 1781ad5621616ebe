"""The Transport record: what a way of getting media to the server says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import DEFAULT_MAX_FILE_BYTES, Secret


@dataclass(frozen=True)
class MediaSettings:
    """How the server gets to read media.

    Attributes:
        transport: a key of the table of transports
        root: the folder of this machine that the server shares, where it reads its disk
        server_root: the same folder as the server calls it
        unusable: what becomes of media that cannot be sent as they are: they are ``refuse``d or ``skip``ped, or a
            transport ``convert``s them
        storage: what the server is told about the cloud storages that hold the media
        retries: how often a request that failed for a passing reason is repeated
        keeps_storages: whether the storages that the project has are somebody else's, and stay as they are
        medium: name of the medium that the files are of
        max_file_bytes: bytes of the largest file that the server takes
    """

    transport: str = "upload"
    root: str | None = None
    server_root: str | None = None
    unusable: str = "refuse"
    storage: Secret = field(default_factory=lambda: Secret({}))
    retries: int = 4
    keeps_storages: bool = False
    medium: str = DEFAULT.name
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES

    @property
    def converts(self) -> bool:
        """Whether a transport sends a PNG or JPEG in place of an image that cannot be sent as it is."""
        return self.unusable == "convert"


class Media(NamedTuple):
    """The media of one sample.

    Attributes:
        path: what the media field holds
        info: what the sample's metadata says of it, or None
    """

    path: str | None
    info: MediaInfo | None = None


class Inspection(NamedTuple):
    """What a look at the media of one sample found.

    Attributes:
        info: what was found out about it, or None where it cannot be sent
        problem: what keeps it from being sent, or None
        is_convertible: whether something that can be sent can be made of it
    """

    info: MediaInfo | None = None
    problem: str | None = None
    is_convertible: bool = False


class Target(NamedTuple):
    """Where the files with tasks are written, in place of a server.

    Attributes:
        folder: the folder, which is there
        start: the path of the server's start page, as its addresses begin; empty for most
    """

    folder: Path
    start: str = ""


class Sender(Protocol):
    """Gets the media of one project to its server."""

    def send(self, paths: Sequence[str]) -> list[str]:
        """Makes media readable for the server; a call that failed may be repeated, and sends nothing twice.

        Args:
            paths: what the media field holds

        Returns:
            the url at which each is read, in order

        Raises:
            OSError: a file cannot be read
            ServerError: the server cannot read all of them
        """
        ...


class Writer(Sender, Protocol):
    """Names media in files with tasks, without a server."""

    def undo(self) -> None:
        """Takes away what was written."""
        ...


class ShownFile(NamedTuple):
    """A media file that tasks show.

    Attributes:
        medium: name of the medium that it is of
        path: what names it, in the media field or in a list
    """

    medium: str
    path: str


class FileSender(Protocol):
    """Gets files of any media to one project."""

    def addresses_of(self, files: Iterable[ShownFile]) -> dict[ShownFile, str]:
        """The url at which each file is read, which it is from now on; raises what :meth:`Sender.send` does."""
        ...


AnySender = TypeVar("AnySender", bound=Sender)


class Senders(Generic[AnySender]):
    """What gets files to one place, one sender for each medium; a :class:`FileSender`.

    Args:
        make: name of a medium -> what gets its files there
    """

    def __init__(self, make: Callable[[str], AnySender]):
        self._make = make
        self._made: dict[str, AnySender] = {}

    def addresses_of(self, files: Iterable[ShownFile]) -> dict[ShownFile, str]:
        """The url at which each file is read; see :class:`FileSender`."""
        by_medium: dict[str, dict[ShownFile, None]] = {}
        for file in files:
            by_medium.setdefault(file.medium, {})[file] = None
        found: dict[ShownFile, str] = {}
        for medium, own in by_medium.items():
            if medium not in self._made:
                self._made[medium] = self._make(medium)
            found.update(zip(own, self._made[medium].send([file.path for file in own]), strict=True))
        return found


class Writers(Senders[Writer]):
    """What names files of any media in files with tasks."""

    def undo(self) -> None:
        """Takes away what was written."""
        for writer in self._made.values():
            writer.undo()


class Addresses:
    """Names media that stay where they are; a :class:`Writer`.

    Args:
        address_of: path -> address
    """

    def __init__(self, address_of: Callable[[str], str]):
        self._address_of = address_of

    def send(self, paths: Sequence[str]) -> list[str]:
        """The address of each."""
        return [self._address_of(path) for path in paths]

    def undo(self) -> None:
        """Nothing was written."""


@dataclass(frozen=True)
class Transport:
    """One way in which the server gets to read media.

    Attributes:
        inspect: looks at the media of some samples, in order, without the server
        sender: what gets the media to a project, or None where that takes no server
        writer: what names the media in files with tasks, or None where that takes a server
        reads_metadata: whether the samples' metadata is asked before the media, where they have any
        converts: whether it can send something else in place of media that cannot be sent as they are
    """

    inspect: Callable[[Sequence[Media], MediaSettings], list[Inspection]]
    sender: Callable[[Client, int, MediaSettings], Sender] | None
    writer: Callable[[MediaSettings, Target], Writer] | None = None
    reads_metadata: bool = False
    converts: bool = True
