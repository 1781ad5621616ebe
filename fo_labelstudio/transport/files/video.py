"""Video files of this machine: what they are, and whether a browser plays them and counts their frames right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from fo_labelstudio.transport.files import recode
from fo_labelstudio.transport.files.files import Content, MediaFiles
from fo_labelstudio.transport.files.mp4 import is_mp4, read_mp4
from fo_labelstudio.transport.files.paths import inspect_path
from fo_labelstudio.transport.files.unfit import UnfitError
from fo_labelstudio.transport.files.webm import is_webm, read_webm
from fo_labelstudio.transport.transport import Inspection

EXTENSIONS = (".mp4", ".webm")
"""The video files that a server takes and a browser plays (Label Studio 1.23.2, SUPPORTEDEXTENSIONS)."""

_STILLS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
"""Brands of images that are in the same boxes as MP4."""

_OTHERS = (
    (8, b"AVI ", "AVI"),
    (0, b"FLV\x01", "Flash Video"),
    (0, b"OggS", "Ogg"),
    (0, b"\x00\x00\x01\xba", "MPEG"),
    (0, b"\x00\x00\x01\xb3", "MPEG"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "MXF"),
    (0, b"GIF8", "GIF"),
)
"""Where other videos hold which bytes, and what they are called."""

_PACKET = 188
_SYNC = 0x47


def inspect(path: str | None, convert: bool = False) -> Inspection:
    """Looks at the headers of a video file, and at the times of its frames.

    Args:
        path: its path on this machine
        convert: whether a video that cannot be sent as it is counts as what :func:`read` makes of it
    """
    return inspect_path(path, "video", EXTENSIONS, inspect_file, _converted if convert else None)


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Looks at a video by its content, whatever its name.

    Args:
        file: the video; where it is left is undefined
        is_whole: whether its end is to be looked at; the headers of most videos tell the rest

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    size = file.seek(0, os.SEEK_END) if is_whole else None
    file.seek(0)
    head = file.read(2 * _PACKET + 1)
    try:
        if head[4:8] == b"ftyp" and head[8:12] in _STILLS:
            return Inspection(problem="its video cannot be read (it is an image)")
        if is_mp4(head):
            return Inspection(read_mp4(file, size))
        if is_webm(head):
            return Inspection(read_webm(file, size))
    except UnfitError as error:
        return Inspection(problem=error.problem, is_convertible=error.is_convertible)
    name = _other(head)
    if name is not None:
        return Inspection(problem=f"it is {name}, and browsers play MP4 and WebM", is_convertible=True)
    if not head:
        return Inspection(problem="it is empty")
    return Inspection(problem="its video cannot be read (it is not a video, or it is broken)")


@contextmanager
def read(path: str, convert: bool = False) -> Iterator[Content]:
    """What is sent of a video file.

    Args:
        path: its path on this machine
        convert: whether it is converted where it cannot be sent as it is

    Raises:
        OSError: the file cannot be read, or cannot be converted
    """
    content = Content.of(path)
    if not convert:
        yield content
        return
    with content.open() as file:
        is_shown = inspect_file(file).problem is None
        file.seek(0)
        extension = ".webm" if is_webm(file.read(4)) else ".mp4"
    if is_shown:
        yield content if content.extension in EXTENSIONS else replace(content, extension=extension)
        return
    try:
        with recode.converted(path) as made:
            yield Content.of(made)
    except OSError as error:
        raise OSError(f"{path!r} cannot be converted ({error})") from error


def _converted(file: BinaryIO, problem: str) -> Inspection:
    try:
        return Inspection(recode.found(file.name))
    except OSError as error:
        return Inspection(problem=f"{problem}, and it cannot be converted ({error})")


def _other(head: bytes) -> str | None:
    """What a file is called that is neither MP4 nor WebM, or None where it may be anything."""
    for place, mark, name in _OTHERS:
        if head[place : place + len(mark)] == mark:
            return name
    is_stream = len(head) > 2 * _PACKET and all(head[place] == _SYNC for place in (0, _PACKET, 2 * _PACKET))
    return "an MPEG transport stream" if is_stream else None


FILES = MediaFiles(
    inspect=inspect,
    inspect_file=inspect_file,
    read=read,
    extensions=EXTENSIONS,
    converted_to="MP4 with H.264",
    content_types=(r"(video|application)/(mp4|webm)|\w+/octet-stream", "video/mp4 or video/webm"),
    told_by="sample.metadata = fo.VideoMetadata(frame_width=..., frame_height=..., total_frame_count=..., "
    "frame_rate=...)",
    is_read_in_parts=True,
)
