"""Text files of this machine: what is in them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.text import EXTENSIONS
from fo_labelstudio.transport.files.files import MediaFiles
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection

MAX_BYTES = 20 * 2**20
"""Of a text; the editor shows it whole, each character of it."""


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Reads a text, whatever the name of its file: UTF-8, with or without a byte order mark, which is no part of it.

    Args:
        file: the text; where it is left is undefined
        is_whole: nothing less than the whole tells anything

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    file.seek(0)
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return Inspection(problem=f"it has more than {MAX_BYTES:,} bytes, which no browser shows as one text")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Inspection(problem="its text is in UTF-16; write it in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Inspection(problem=f"its text is not in UTF-8 (byte {error.start} of it); write it in UTF-8")
    if "\0" in text:
        return Inspection(problem=f"it is no text: character {text.index(chr(0))} is a zero")
    return Inspection(MediaInfo(text=text))


def files_of(
    noun: str,
    extensions: tuple[str, ...],
    content_types: tuple[str, str],
    parse: Callable[[str], MediaInfo],
    form: str = "UTF-8",
) -> MediaFiles:
    """The files of a medium that are texts.

    Args:
        noun: what they are, for messages
        extensions: how their names end
        content_types: see :class:`MediaFiles`
        parse: the text of a file -> what is known of it; a ValueError says what keeps it from being sent
        form: what they are to be in, for messages
    """

    def inspect_parsed(file: BinaryIO, is_whole: bool = True) -> Inspection:
        found = inspect_file(file, is_whole)
        if found.info is None:
            return found
        try:
            return Inspection(parse(found.info.text))
        except ValueError as error:
            return Inspection(problem=str(error))

    return unconverted(noun, extensions, inspect_parsed, form, content_types, is_in_data=True)


FILES = files_of(
    "text",
    EXTENSIONS,
    (r"text/plain|text/markdown|\w+/octet-stream", "text/plain"),
    lambda text: MediaInfo(text=text),
)
