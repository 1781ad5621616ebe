"""Spans of time series, in the unit of their time, both ends included; an instant starts where it ends.

A person draws them from one of the times to another one (1.23.2); those that are sent need not be of these.
"""

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

_LARGEST = sys.float_info.max


def problem_of(start: Any, end: Any) -> str | None:
    if is_finite(start) and is_finite(end) and start <= end:
        return None
    return (
        f"its start is {quoted(start)} and its end {quoted(end)}, expected two finite numbers, start <= end, in the "
        "unit of the time; correct them, or leave the label out"
    )


def to_value(start: float, end: float, media: MediaInfo) -> dict[str, Any]:
    return {"start": start, "end": end, "instant": start == end}


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    start, end = (number_of(value, key, -_LARGEST, _LARGEST) for key in ("start", "end"))
    if start > end:
        raise RegionError(f"it starts at {start:g} and ends at {end:g}, expected start <= end")
    return Span(start, end)


KIND = SpanKind("TimeSeriesLabels", problem_of, to_value, parse)
