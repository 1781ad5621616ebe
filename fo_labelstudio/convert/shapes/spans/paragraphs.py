"""Spans of conversations: a turn, and characters from its beginning on, as Python counts them.

A span that goes on in the next turns counts their characters too, and 1 for each end of a turn. <Paragraphs> (1.23.2)
counts the characters of each turn from 0, and an emoji as two of them, which is UTF-16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fo_labelstudio.convert.checks import number_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_BETWEEN = "\n"
_UNITS = "utf-16-le"
_BYTES = 2


def problem_of(start: Any, end: Any, turn: Any) -> str | None:
    if type(start) is type(end) is type(turn) is int and 0 <= start < end and turn >= 0:
        return None
    return (
        f"its turn is {quoted(turn)}, its start {quoted(start)} and its end {quoted(end)}, expected the number of a "
        "turn, which begins with 0, and two whole numbers, 0 <= start < end, that count characters from the beginning "
        "of the turn; correct them, or leave the label out"
    )


def to_value(start: int, end: int, turn: int, media: MediaInfo) -> dict[str, Any]:
    turns = media.turns
    if turn >= len(turns):
        raise RegionError(
            f"it is in turn {turn}, and the conversation has {len(turns)}, from 0 on; correct it, or leave it out"
        )
    if start > len(turns[turn]):
        raise RegionError(
            f"it starts at character {start} of turn {turn}, which has {len(turns[turn])}; correct it, or leave it out"
        )
    last, rest = turn, end
    while last < len(turns) and rest > len(turns[last]):
        rest -= len(turns[last]) + len(_BETWEEN)
        last += 1
    if last == len(turns):
        raise RegionError(
            f"it ends at character {end} from the beginning of turn {turn}, where the conversation has "
            f"{len(_BETWEEN.join(turns[turn:]))}; correct it, or leave it out"
        )
    return {
        "start": str(turn),
        "end": str(last),
        "startOffset": _units(turns[turn][:start]),
        "endOffset": _units(turns[last][:rest]),
        "text": words(start, end, turn, media),
    }


def _units(text: str) -> int:
    return len(text.encode(_UNITS, "surrogatepass")) // _BYTES


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    first, last = (_turn(value, key, media) for key in ("start", "end"))
    start, rest = (
        _offset(value, key, media.turns[place]) for key, place in (("startOffset", first), ("endOffset", last))
    )
    between = sum(len(turn) + len(_BETWEEN) for turn in media.turns[first:last])
    if last < first or start >= between + rest:
        raise RegionError(
            f"it starts at character {start} of turn {first} and ends at {rest} of turn {last}, expected the start "
            "before the end"
        )
    return Span(start, between + rest, turn=first)


def _turn(value: Mapping[str, Any], key: str, media: MediaInfo) -> int:
    said = value.get(key)
    try:
        place = int(said) if isinstance(said, (str, int)) else -1
    except ValueError:
        place = -1
    if not 0 <= place < len(media.turns):
        raise RegionError(f"{key} is {quoted(said)}, expected the number of a turn, below {len(media.turns)}")
    return place


def _offset(value: Mapping[str, Any], key: str, turn: str) -> int:
    """How many characters of a turn come before what a region says, which counts those beyond U+FFFF twice."""
    # Half a character, which JSON can hold, counts as one.
    units = turn.encode(_UNITS, "surrogatepass")
    number = number_of(value, key, 0, len(units) // _BYTES)
    try:
        return len(units[: int(number) * _BYTES].decode(_UNITS))
    except UnicodeDecodeError:
        raise RegionError(f"{key} is {quoted(value[key])}, which is in the middle of a character") from None


def words(start: int, end: int, turn: int, media: MediaInfo) -> str:
    return _BETWEEN.join(media.turns[turn:])[start:end]


KIND = SpanKind("ParagraphLabels", problem_of, to_value, parse, words, more=("turn",))
