"""Files of time series of this machine: CSV."""

from __future__ import annotations

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.timeseries import EXTENSIONS, MEDIUM, parse_file
from fo_labelstudio.transport.files.text import files_of


def _parse(text: str) -> MediaInfo:
    try:
        return parse_file(text)
    except ValueError as error:
        raise ValueError(f"it {error}") from error


FILES = files_of(
    MEDIUM.noun,
    EXTENSIONS,
    (r"text/(csv|plain|tab-separated-values)|\w+/octet-stream", "text/csv"),
    _parse,
    form="CSV",
)
