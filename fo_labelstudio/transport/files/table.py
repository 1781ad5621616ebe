"""Files of tables of this machine: JSON."""

from __future__ import annotations

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.table import EXTENSIONS, MEDIUM, problem_of_file
from fo_labelstudio.transport.files.text import files_of


def _parse(text: str) -> MediaInfo:
    problem = problem_of_file(text)
    if problem:
        raise ValueError(f"its content {problem}")
    return MediaInfo(source=text)


FILES = files_of(MEDIUM.noun, EXTENSIONS, (r"application/json|text/plain|\w+/octet-stream", "application/json"), _parse)
