"""HTML files of this machine: what is in them."""

from __future__ import annotations

from typing import BinaryIO

from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.convert.media.hypertext import EXTENSIONS
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import text
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Reads HTML, whatever the name of its file: UTF-8, whatever it says of itself.

    Args:
        file: the HTML; where it is left is undefined
        is_whole: nothing less than the whole tells anything

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    found = text.inspect_file(file, is_whole)
    if found.info is None:
        return found
    return Inspection(MediaInfo(text=text_of(found.info.text), source=found.info.text))


FILES = unconverted(
    "HTML",
    EXTENSIONS,
    inspect_file,
    "UTF-8",
    (r"text/html|application/xhtml\+xml|\w+/octet-stream", "text/html"),
    is_in_data=True,
)
