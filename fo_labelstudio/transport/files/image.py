"""Image files of this machine: what they are, and whether a browser shows them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from PIL import Image, UnidentifiedImageError

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.transport.files import reencode
from fo_labelstudio.transport.files.files import Content, MediaFiles
from fo_labelstudio.transport.files.paths import inspect_path
from fo_labelstudio.transport.transport import Inspection

EXTENSIONS = (".bmp", ".gif", ".jpg", ".jpeg", ".png", ".webp")
"""The image files that a server takes and a browser shows (Label Studio 1.23.2, SUPPORTEDEXTENSIONS)."""

_SHOWN = {"BMP": ".bmp", "GIF": ".gif", "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""The formats that browsers show, as Pillow calls them -> extension. MPO is a JPEG with more JPEGs behind it."""

_ENDS = {"GIF": b";", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"\x00\x00\x00\x00IEND\xaeB`\x82"}
"""The last bytes of most files; a WebP that is cut off cannot be opened at all."""

_START_OF_PIXELS = 0xDA
"""The marker of the segment of a JPEG behind which its pixels begin."""

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class _Look(NamedTuple):
    """What the head of a file tells.

    Attributes:
        extension: the one of its format, or None where browsers do not show it
        inspection: its size, or what is wrong with it
    """

    extension: str | None
    inspection: Inspection


def inspect(path: str | None, convert: bool = False) -> Inspection:
    """Looks at the head of an image file, and at its end.

    Args:
        path: its path on this machine
        convert: whether an image that cannot be sent as it is counts as what :func:`read` makes of it; if so, it is
            read as a whole
    """
    return inspect_path(path, "image", EXTENSIONS, inspect_file, _converted if convert else None)


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Looks at an image by its content, whatever its name.

    Args:
        file: the image; where it is left is undefined
        is_whole: whether its end is to be looked at; the first bytes of an image tell the rest, unless they end before
            its pixels begin

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
        LabelStudioError: what reads it raised one

    Source: RFC 9649, WebP
    """
    if not is_whole:
        head = file.read(30)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            # Pillow would read all of it.
            return _inspect_webp(head)
    return _look(file, is_whole).inspection


def _inspect_webp(head: bytes) -> Inspection:
    kind = head[12:16] if len(head) == 30 else b""
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(head[start : start + 3], "little") for start in (24, 27))
        return Inspection(MediaInfo(width, height))
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return Inspection(MediaInfo(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)))
    if kind == b"VP8 ":
        width, height = (int.from_bytes(head[start : start + 2], "little") & 0x3FFF for start in (26, 28))
        return Inspection(MediaInfo(width, height))
    return Inspection(problem="its image cannot be read (it is no WebP, or broken)")


@contextmanager
def read(path: str, convert: bool = False) -> Iterator[Content]:
    """What is sent of an image file.

    Args:
        path: its path on this machine
        convert: whether it is converted where it cannot be sent as it is

    Raises:
        OSError: the file cannot be read, or cannot be converted
    """
    content = Content.of(path)
    if convert:
        with content.open() as file:
            extension = _look(file).extension
            if extension is None:
                content = _reencoded(path, file)
            elif content.extension not in EXTENSIONS:
                content = replace(content, extension=extension)
    yield content


def _reencoded(path: str, file: BinaryIO) -> Content:
    try:
        made, extension = reencode.encoded(reencode.decoded(file))
    except Exception as error:  # Pillow raises anything over a broken file.
        raise OSError(f"{path!r} cannot be converted ({error})") from error
    return Content(extension, lambda: io.BytesIO(made))


def _look(file: BinaryIO, is_whole: bool = True) -> _Look:
    try:
        file.seek(0)
        image = Image.open(file)
    except LabelStudioError:
        raise
    except Image.DecompressionBombError as error:
        return _unreadable(f"its image cannot be read ({error}); set PIL.Image.MAX_IMAGE_PIXELS = None if it is sound")
    except Exception as error:  # Pillow raises anything over a broken file.
        return _unreadable(_why_unreadable(file, error))
    problem = _why_not_shown(image, file)
    if problem:
        return _Look(None, Inspection(problem=problem, is_convertible=True))
    if is_whole and _is_cut_off(image, file):
        return _unreadable("it is cut off, and a browser would show only a part of it")
    return _Look(_SHOWN[image.format or ""], Inspection(_displayed_size(image)))


def _unreadable(problem: str) -> _Look:
    return _Look(None, Inspection(problem=problem))


def _why_unreadable(file: BinaryIO, error: Exception) -> str:
    file.seek(0)
    head = file.read(12)
    if not head:
        return "it is empty"
    if head[4:8] == b"ftyp" and head[8:] in _HEIC_BRANDS:
        return "it is HEIC, which browsers do not show and Pillow does not read without pillow_heif"
    if head[:4] in _TIFF_HEADS:
        return "it is TIFF, which browsers do not show, and Pillow cannot read it"
    if isinstance(error, UnidentifiedImageError):
        return "its image cannot be read (it is not an image, or it is broken)"
    return f"its image cannot be read ({error})"


def _why_not_shown(image: Image.Image, file: BinaryIO) -> str | None:
    if image.format not in _SHOWN:
        return f"it is {image.format}, and only BMP, GIF, JPEG, PNG and WebP can be shown"
    if image.format == "PNG":
        file.seek(24)
        # Pillow opens colours of 16 bits as if they had 8.
        if file.read(1) == b"\x10":
            return "it is a PNG of 16 bits a channel, and browsers show only the upper 8"
    if image.mode == "CMYK":
        return "it is a JPEG in CMYK, which browsers show in other colours, or not at all"
    return None


def _is_cut_off(image: Image.Image, file: BinaryIO) -> bool:
    if _ends_as_it_should(image, file):
        return False
    # Bytes that follow the end may hide it.
    if image.format in ("JPEG", "MPO"):
        return not _has_end_of_jpeg(file)
    try:
        image.load()
    except Exception:  # Pillow raises anything over a broken file.
        return True
    return False


def _ends_as_it_should(image: Image.Image, file: BinaryIO) -> bool:
    if image.format == "BMP":
        file.seek(2)
        length = int.from_bytes(file.read(4), "little")
        return 0 < length <= file.seek(0, os.SEEK_END)
    end = _ENDS.get(image.format or "", b"")
    file.seek(-len(end), os.SEEK_END)
    return file.read(len(end)) == end


def _has_end_of_jpeg(file: BinaryIO) -> bool:
    """Whether the pixels of a JPEG end, which segments before them, such as a thumbnail, do not tell."""
    file.seek(2)
    while len(segment := file.read(4)) == 4 and segment[1] != _START_OF_PIXELS:
        # Any number of bytes 255 may precede a marker.
        is_filling = segment[1] == 0xFF
        file.seek(-3 if is_filling else int.from_bytes(segment[2:], "big") - 2, os.SEEK_CUR)
    return _ENDS["JPEG"] in file.read()


def _displayed_size(image: Image.Image) -> MediaInfo:
    is_turned = reencode.orientation(image) >= 5
    return MediaInfo(image.height, image.width) if is_turned else MediaInfo(*image.size)


def _converted(file: BinaryIO, problem: str) -> Inspection:
    try:
        return Inspection(MediaInfo(*reencode.decoded(file).size))
    except Exception as error:  # Pillow raises anything over a broken file.
        return Inspection(problem=f"{problem}, and it cannot be converted ({error})")


FILES = MediaFiles(
    inspect=inspect,
    inspect_file=inspect_file,
    read=read,
    extensions=EXTENSIONS,
    converted_to="PNG or JPEG",
    content_types=(r"image/|\w+/octet-stream", "one that begins with image/"),
    told_by="sample.metadata = fo.ImageMetadata(width=..., height=...)",
)
