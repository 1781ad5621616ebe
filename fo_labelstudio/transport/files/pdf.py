"""PDF documents of this machine: whether they are some."""

from __future__ import annotations

from typing import BinaryIO

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.pdf import EXTENSIONS
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection

_HEAD = 1024
"""Readers look for the mark of a PDF in as many of its first bytes."""


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Looks at a document by its content, whatever its name.

    Args:
        file: the file; where it is left is undefined
        is_whole: its first bytes tell all

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    file.seek(0)
    head = file.read(_HEAD)
    if b"%PDF-" in head:
        return Inspection(MediaInfo())
    return Inspection(problem="its document cannot be read (it is no PDF, or it is broken)" if head else "it is empty")


FILES = unconverted(
    "document", EXTENSIONS, inspect_file, "PDF", (r"application/(x-)?pdf|\w+/octet-stream", "application/pdf")
)
