"""The pages of PDF documents of this machine, as images that are made of them.

A page is called by a path below that of its document, such as ``/documents/bill.pdf/bill-1.png``.
"""

from __future__ import annotations

import io
import math
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from fo_labelstudio.convert.media.medium import MediaInfo, of_items
from fo_labelstudio.convert.media.pdf import EXTENSIONS
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.transport.files import pdf
from fo_labelstudio.transport.files.files import Content, Made, MediaFiles
from fo_labelstudio.transport.files.paths import inspect_path
from fo_labelstudio.transport.files.reencode import encoded
from fo_labelstudio.transport.transport import Inspection

DPI = 150
"""The smallest print that is usual, 6 points, has letters of 12 pixels then, and A4 fills a screen: 1240 x 1754."""

LONGEST = 5000
"""Pixels of the longest side of a page: of a poster, twice of what a screen shows, and 75 MB of memory at most."""

_POINTS_PER_INCH = 72
_END = ".png"

# PDFium is not made for several threads at once.
_PDFIUM = threading.RLock()


def page_path(path: str, number: int) -> str:
    """What a page of a document is called.

    Args:
        path: path of the document
        number: the page, from 1, as people count them
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    return os.path.join(path, f"{stem}-{number}{_END}")


def paths_of(path: str, media: MediaInfo) -> list[str]:
    """What the pages of a document are called."""
    return [page_path(path, number) for number in range(1, len(media.items) + 1)]


def inspect(path: str | None, convert: bool = False) -> Inspection:
    """Looks at the pages of a document, without making images of them.

    Args:
        path: path of the document on this machine
        convert: nothing else can be made of it

    Raises:
        SettingsError: pypdfium2 is not installed
    """
    _pypdfium2()
    return inspect_path(path, "document", EXTENSIONS, inspect_file, None)


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Looks at the pages of a document, whatever its name.

    Args:
        file: the document; where it is left is undefined
        is_whole: its pages are listed at its end

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
        SettingsError: pypdfium2 is not installed
    """
    found = pdf.inspect_file(file)
    if found.info is None:
        return found
    pdfium = _pypdfium2()
    file.seek(0)
    try:
        with _opened(file) as document:
            sizes = [_size_of(document, place) for place in range(len(document))]
    except pdfium.PdfiumError:
        return Inspection(problem=_why_unreadable(file))
    flat = next((number for number, (width, height, _) in enumerate(sizes, 1) if not (width and height)), None)
    if flat is not None:
        return Inspection(problem=f"its page {flat} has no area")
    return Inspection(of_items(MediaInfo(width, height) for width, height, _ in sizes))


@contextmanager
def read(path: str, convert: bool = False) -> Iterator[Content]:
    """A page as a PNG, or as a JPEG where that would have more than a byte a pixel.

    Args:
        path: what the page is called
        convert: it is made anyway

    Raises:
        OSError: the document cannot be read, or has no such page
        SettingsError: pypdfium2 is not installed
    """
    document, name = os.path.split(path)
    number = int(name.removesuffix(_END).rpartition("-")[2])
    try:
        with open(document, "rb") as file, _opened(file) as pages:
            *_, scale = _size_of(pages, number - 1)
            image = pages[number - 1].render(scale=scale).to_pil()
    except _errors() as error:
        raise OSError(f"page {number} of {document!r} cannot be shown ({error})") from error
    made, extension = encoded(image)
    if len(made) > image.width * image.height:
        # Not written but photographed, or a scan in colours.
        image.format = "JPEG"
        made, extension = encoded(image)
    yield Content(extension, lambda: io.BytesIO(made))


def _pypdfium2() -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise SettingsError(
            "labels on the pages of PDF documents take pypdfium2, which makes images of them; install it: "
            "pip install 'fo-labelstudio[pdf]'"
        ) from None
    return pypdfium2


def _errors() -> tuple[type[Exception], ...]:
    return _pypdfium2().PdfiumError, IndexError


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Any]:
    """An open document, for as long as the ``with`` block lasts; its pages are read when they are asked for."""
    with _PDFIUM:
        document = _pypdfium2().PdfDocument(file)
        try:
            yield document
        finally:
            document.close()


def _size_of(document: Any, place: int) -> tuple[int, int, float]:
    """The size of the image of a page, in pixels as it is displayed, and how many of them are in a point."""
    sides = document.get_page_size(place)
    longest = max(sides)
    scale = min(DPI / _POINTS_PER_INCH, LONGEST / longest) if longest > 0 else 1.0
    width, height = (max(math.ceil(side * scale), 0) for side in sides)
    return width, height, scale


def _why_unreadable(file: BinaryIO) -> str:
    # What PDFium says may be of another document, where it finds nothing wrong with this one but has no page of it.
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        is_encrypted = content.find(b"/Encrypt") >= 0
    if is_encrypted:
        return "it is encrypted; write it without its password, with qpdf --decrypt for example"
    return "its pages cannot be read (it has none, or it is broken)"


FILES = MediaFiles(
    inspect=inspect,
    inspect_file=inspect_file,
    read=read,
    extensions=EXTENSIONS,
    converted_to="PDF",
    content_types=pdf.FILES.content_types,
    told_by="a file of this machine in media_field",
    made=Made(paths_of, os.path.dirname),
)
