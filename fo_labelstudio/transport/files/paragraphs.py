"""Files of conversations of this machine: JSON that lists turns."""

from __future__ import annotations

import json
from typing import BinaryIO

from fo_labelstudio.convert.media.paragraphs import EXTENSIONS, MEDIUM, parse_value, problem_of_value
from fo_labelstudio.transport.files import text
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Reads a conversation, whatever the name of its file.

    Args:
        file: the JSON; where it is left is undefined
        is_whole: nothing less than the whole tells anything

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    found = text.inspect_file(file, is_whole)
    if found.info is None:
        return found
    try:
        turns = json.loads(found.info.text)
    except (ValueError, RecursionError) as error:
        return Inspection(problem=f"it is no JSON ({error})")
    problem = problem_of_value(turns)
    if problem:
        return Inspection(problem=f"its content {problem}")
    return Inspection(parse_value(turns)._replace(source=found.info.text))


FILES = unconverted(
    MEDIUM.noun,
    EXTENSIONS,
    inspect_file,
    "UTF-8",
    (r"application/json|text/plain|\w+/octet-stream", "application/json"),
    is_in_data=True,
)
