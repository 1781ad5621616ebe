"""Spans of time series, in the unit of their time, both ends included; an instant starts where it ends.

Where the time is dates, the ends are datetimes, which FiftyOne shows, compares and filters; their regions say
milliseconds. A person draws from one of the times to another one (1.23.2); what is sent need not be of these.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fo_labelstudio.convert.checks import number_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.convert.times import in_utc, milliseconds_of, parse_date, time_at
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_LARGEST = sys.float_info.max
_FIRST, _LAST = (milliseconds_of(time) for time in (datetime.min, datetime.max.replace(microsecond=999000)))


def problem_of(start: Any, end: Any) -> str | None:
    if is_finite(start) and is_finite(end) and start <= end:
        return None
    if isinstance(start, datetime) and isinstance(end, datetime) and in_utc(start) <= in_utc(end):
        return None
    return (
        f"its start is {quoted(start)} and its end {quoted(end)}, expected two finite numbers, or two datetimes, "
        "start <= end, in the unit of the time; correct them, or leave the label out"
    )


def to_value(start: Any, end: Any, media: MediaInfo) -> dict[str, Any]:
    if isinstance(start, datetime) is not media.is_dated:
        times, those = ("dates", "datetimes") if media.is_dated else ("numbers", "numbers")
        raise RegionError(
            f"its start is {quoted(start)}, and the times of its series are {times}; make both its ends {those}, "
            "or leave the label out"
        )
    if media.is_dated:
        start, end = milliseconds_of(start), milliseconds_of(end)
    return {"start": start, "end": end, "instant": start == end}


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    start, end = (_end(value, key, media) for key in ("start", "end"))
    if type(start) is not type(end):
        raise RegionError(f"it starts at {quoted(start)} and ends at {quoted(end)}, expected numbers, or dates")
    if start > end:
        raise RegionError(f"it starts at {start} and ends at {end}, expected start <= end")
    return Span(start, end)


def _end(value: Mapping[str, Any], key: str, media: MediaInfo) -> Any:
    """An end of a region: a number, or a date; configs of others have regions say dates as texts."""
    said = value.get(key)
    if isinstance(said, str):
        try:
            return time_at(milliseconds_of(parse_date(said)))
        except (ValueError, OverflowError):
            raise RegionError(f"{key} is {quoted(said)}, expected a number, or a date such as 2026-01-31") from None
    if media.is_dated:
        return time_at(number_of(value, key, _FIRST, _LAST))
    return number_of(value, key, -_LARGEST, _LARGEST)


KIND = SpanKind("TimeSeriesLabels", problem_of, to_value, parse)
