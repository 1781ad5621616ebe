"""Files of conversations of this machine: JSON that lists turns."""

from __future__ import annotations

import json

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.paragraphs import EXTENSIONS, MEDIUM, parse_value, problem_of_value
from fo_labelstudio.transport.files.text import files_of


def _parse(text: str) -> MediaInfo:
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({error})") from error
    problem = problem_of_value(turns)
    if problem:
        raise ValueError(f"its content {problem}")
    return parse_value(turns)._replace(source=text)


FILES = files_of(MEDIUM.noun, EXTENSIONS, (r"application/json|text/plain|\w+/octet-stream", "application/json"), _parse)
