"""Image files of this machine: what they are, and whether a browser shows them."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import fiftyone.core.metadata as fom

from fo_labelstudio.remote.transport.address import looks_like_address
from fo_labelstudio.remote.transport.transport import Inspection, Size

EXTENSIONS = (".bmp", ".gif", ".jpg", ".jpeg", ".png", ".webp")
"""The image files that a server takes and a browser shows (Label Studio 1.23.2, SUPPORTEDEXTENSIONS)."""


def inspect(path: str | None) -> Inspection:
    """Looks at the head of an image file.

    Args:
        path: its path on this machine
    """
    if not path:
        return Inspection(problem="its image cannot be read (there is no path)")
    if looks_like_address(path):
        return Inspection(
            problem="it is an address, not a file; pass media='cloud', and the field that holds the addresses as "
            "media_field"
        )
    extension = Path(path).suffix.lower()
    if extension not in EXTENSIONS:
        return Inspection(
            problem=f"Label Studio does not take {extension or 'files without an extension'}; convert it to one of "
            f"{', '.join(EXTENSIONS)} and pass the field of the new path as media_field"
        )
    try:
        with Path(path).open("rb") as file:
            return Inspection(size_of(file))
    except (OSError, TypeError, ValueError) as error:
        return Inspection(problem=f"its image cannot be read ({error})")


def size_of(file: BinaryIO) -> Size:
    """The size of an image, of which no more is read than is needed.

    Args:
        file: the image file, at its beginning

    Raises:
        OSError, ValueError: it is no image

    Source: RFC 9649, WebP
    """
    head = file.read(30)
    file.seek(0)
    kind = head[12:16] if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else b""
    # Pillow would read all of it.
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = (int.from_bytes(head[start : start + 2], "little") & 0x3FFF for start in (26, 28))
        return width, height
    width, height, _ = fom.get_image_info(file)
    return width, height
