"""Spans of audio, in seconds from its beginning.

The editor keeps a channel with each: the first where nothing says another, and where a person draws (1.23.2). Labels
on that one need not say so, and those that are made of its regions do not.
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

_MOST = 2**16 - 1
"""The channels that a WAV file can have."""


def problem_of(start: Any, end: Any, channel: Any = None) -> str | None:
    if channel is not None and not _is_channel(channel):
        return (
            f"its channel is {quoted(channel)}, expected a whole number from 0; correct it, or call the attribute "
            "something else"
        )
    # What starts before the audio breaks the editor (1.23.2).
    if is_finite(start) and is_finite(end) and 0 <= start < end:
        return None
    return (
        f"its start is {quoted(start)} and its end {quoted(end)}, expected two finite numbers, 0 <= start < end, in "
        "seconds; correct them, or leave the label out"
    )


def _is_channel(channel: Any) -> bool:
    return type(channel) is int and 0 <= channel <= _MOST


def to_value(start: float, end: float, channel: int | None, media: MediaInfo) -> dict[str, Any]:
    return {"start": start, "end": end, **({"channel": channel} if channel else {})}


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    start, end = (number_of(value, key, 0, sys.float_info.max) for key in ("start", "end"))
    if start >= end:
        raise RegionError(f"it starts at {start:g} seconds and ends at {end:g}, expected start < end")
    channel = value.get("channel")
    if channel is not None and not _is_channel(channel):
        raise RegionError(f"its channel is {quoted(channel)}, expected a whole number from 0")
    return Span(start, end, channel=channel or 0)


KIND = SpanKind("Labels", problem_of, to_value, parse, more=("channel",))
