"""Spans of audio, in seconds from its beginning."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from fo_labelstudio.convert.checks import number_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def problem_of(start: Any, end: Any) -> str | None:
    # What starts before the audio breaks the editor (1.23.2).
    if is_finite(start) and is_finite(end) and 0 <= start < end:
        return None
    return (
        f"its start is {quoted(start)} and its end {quoted(end)}, expected two finite numbers, 0 <= start < end, in "
        "seconds; correct them, or leave the label out"
    )


def to_value(start: float, end: float, media: MediaInfo) -> dict[str, Any]:
    return {"start": start, "end": end}


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    start, end = (number_of(value, key, 0, sys.float_info.max) for key in ("start", "end"))
    if start >= end:
        raise RegionError(f"it starts at {start:g} seconds and ends at {end:g}, expected start < end")
    return Span(start, end)


KIND = SpanKind("Labels", problem_of, to_value, parse)
