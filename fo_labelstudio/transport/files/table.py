"""Files of tables of this machine: JSON."""

from __future__ import annotations

from typing import BinaryIO

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.table import EXTENSIONS, MEDIUM, problem_of_file
from fo_labelstudio.transport.files import text
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Reads a table, whatever the name of its file.

    Args:
        file: the JSON; where it is left is undefined
        is_whole: nothing less than the whole tells anything

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    found = text.inspect_file(file, is_whole)
    if found.info is None:
        return found
    problem = problem_of_file(found.info.text)
    if problem:
        return Inspection(problem=f"its content {problem}")
    return Inspection(MediaInfo(source=found.info.text))


FILES = unconverted(
    MEDIUM.noun,
    EXTENSIONS,
    inspect_file,
    "UTF-8",
    (r"application/json|text/plain|\w+/octet-stream", "application/json"),
    is_in_data=True,
)
