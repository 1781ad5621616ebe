"""The Transport record: what a way of getting media to the server says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fo_labelstudio.remote.client import Client

EXTENSIONS = (".bmp", ".gif", ".jpg", ".jpeg", ".png", ".webp")
"""The image files that a server takes and a browser shows (Label Studio 1.23.2, SUPPORTEDEXTENSIONS)."""


@dataclass(frozen=True)
class MediaSettings:
    """How the server gets to read media.

    Attributes:
        transport: a key of the table of transports
        root: the folder of this machine that the server shares, where it reads its disk
        server_root: the same folder as the server calls it
    """

    transport: str = "upload"
    root: str | None = None
    server_root: str | None = None


@dataclass(frozen=True)
class Transport:
    """One way in which the server gets to read media files.

    Attributes:
        problem_of: what keeps a file from being shown, or None
        known: the files that a project has already, as name -> url
        send: makes files readable for the server, as name -> url; the names are those of the samples
    """

    problem_of: Callable[[str, MediaSettings], str | None]
    known: Callable[[Client, int], dict[str, str]]
    send: Callable[[Client, int, Mapping[str, str], MediaSettings], dict[str, str]]


def extension_problem_of(path: str) -> str | None:
    """What is wrong with the kind of a file, or None."""
    extension = Path(path).suffix.lower()
    if extension in EXTENSIONS:
        return None
    return (
        f"Label Studio does not take {extension or 'files without an extension'}; convert it to one of "
        f"{', '.join(EXTENSIONS)} and pass the field of the new path as media_field"
    )
