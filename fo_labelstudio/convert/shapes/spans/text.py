"""Spans of texts: characters as Python counts them, which are code points; so does <Text> (1.23.2).

The offsets are the truth: what a region says of the words is only compared with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fo_labelstudio.convert.checks import number_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_DIGITS = re.compile("[0-9]{1,9}")
_CHANGED = re.compile(r"\\n|\s")


def problem_of(start: Any, end: Any) -> str | None:
    if type(start) is type(end) is int and 0 <= start < end:
        return None
    return (
        f"its start is {quoted(start)} and its end {quoted(end)}, expected two whole numbers, 0 <= start < end, that "
        "count characters; correct them, or leave the label out"
    )


def to_value(start: int, end: int, media: MediaInfo) -> dict[str, Any]:
    if end > len(media.text):
        raise RegionError(
            f"it ends at character {end}, and the text has {len(media.text)}; correct it, or leave it out"
        )
    return {"start": start, "end": end, "text": words(start, end, media)}


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    start, end = (_offset(value, key, len(media.text)) for key in ("start", "end"))
    if start >= end:
        raise RegionError(f"it starts at character {start} and ends at {end}, expected start < end")
    said, found = value.get("text"), words(start, end, media)
    if said is None or said == found or (isinstance(said, str) and _bare(said) in ("", _bare(found))):
        return Span(start, end)
    note = f"it says that its text is {quoted(said)}, but its characters are {quoted(found)}; took these"
    return Span(start, end, (note,))


def _offset(value: Mapping[str, Any], key: str, length: int) -> int:
    said = value.get(key)
    if isinstance(said, str) and _DIGITS.fullmatch(said):
        # So does the editor (1.23.2).
        value = {key: int(said)}
    number = number_of(value, key, 0, length)
    if not number.is_integer():
        raise RegionError(f"{key} is {quoted(value[key])}, expected a whole number of characters")
    return int(number)


def _bare(text: str) -> str:
    """A text without what the editor changes of the words that it writes: spaces, and ends of lines (1.23.2)."""
    return _CHANGED.sub("", text)


def words(start: int, end: int, media: MediaInfo) -> str:
    return media.text[start:end]


KIND = SpanKind("Labels", problem_of, to_value, parse, words)
