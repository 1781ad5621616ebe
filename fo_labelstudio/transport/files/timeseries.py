"""Files of time series of this machine: CSV."""

from __future__ import annotations

from typing import BinaryIO

from fo_labelstudio.convert.media.timeseries import EXTENSIONS, MEDIUM, parse_file
from fo_labelstudio.transport.files import text
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Reads a time series, whatever the name of its file.

    Args:
        file: the CSV; where it is left is undefined
        is_whole: nothing less than the whole tells anything

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    found = text.inspect_file(file, is_whole)
    if found.info is None:
        return found
    try:
        return Inspection(parse_file(found.info.text))
    except ValueError as error:
        return Inspection(problem=f"it {error}")


FILES = unconverted(
    MEDIUM.noun,
    EXTENSIONS,
    inspect_file,
    "CSV",
    (r"text/(csv|plain|tab-separated-values)|\w+/octet-stream", "text/csv"),
    is_in_data=True,
)
