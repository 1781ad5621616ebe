"""What tests put spans on, a row a medium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from hypothesis import strategies as st

from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.write import SampleRecord

FIELD = "caption"
"""The field of samples whose value is shown."""


class Spanned(NamedTuple):
    """What spans of one medium are on.

    Attributes:
        media: what regions refer to
        value_of: the value of the field that says so
        ends: the start and the end of any span on it, and what else says where it is
    """

    media: st.SearchStrategy[MediaInfo]
    value_of: Callable[[MediaInfo], Any]
    ends: Callable[[MediaInfo], st.SearchStrategy[tuple[Any, ...]]]


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters | st.sampled_from("a \t\r\n👩\u200d🏽\u0301\u05d0<&;"), min_size=1, max_size=60)
"""Any text that JSON and the database hold; often joined emoji, combining marks, line ends, what HTML escapes."""


def offsets(media: MediaInfo) -> st.SearchStrategy[tuple[int, int]]:
    ends = st.integers(0, len(media.text))
    return st.lists(ends, min_size=2, max_size=2, unique=True).map(lambda pair: (min(pair), max(pair)))


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)


def times(media: MediaInfo) -> st.SearchStrategy[tuple[float, float]]:
    return st.lists(numbers, min_size=2, max_size=2).map(lambda pair: (min(pair), max(pair)))


dates = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
"""Times as the database keeps them."""


def times_of(media: MediaInfo) -> st.SearchStrategy[tuple[Any, Any]]:
    ends = st.lists(dates, min_size=2, max_size=2).map(lambda pair: (min(pair), max(pair)))
    return ends if media.is_dated else times(media)


def series_of(media: MediaInfo) -> dict[str, list[Any]]:
    return {"time": ["2026-01-31", "2026-02-01"] if media.is_dated else [0, 1], "a": [0.5, 0.25]}


def seconds(media: MediaInfo) -> st.SearchStrategy[tuple[Any, ...]]:
    ends = st.lists(st.floats(0, 10**6) | st.integers(0, 10**6), min_size=2, max_size=2, unique=True)
    return st.tuples(ends, st.sampled_from([0, 1, 7])).map(lambda drawn: (min(drawn[0]), max(drawn[0]), drawn[1]))


def html_of(text: str) -> str:
    """HTML that says a text, with elements of several kinds."""
    return f"<body>{'</p><i>'.join(map(escape, text))}"


def as_shown(text: str) -> MediaInfo:
    """What regions on HTML refer to that says a text: a browser has one line end in place of each other."""
    return MediaInfo(text=text_of(html_of(text)))


turns = st.lists(st.just("") | texts, min_size=1, max_size=4).filter(any)


def turns_of(media: MediaInfo) -> list[dict[str, str]]:
    return [{"author": f"Person {place % 2}", "text": text} for place, text in enumerate(media.turns)]


@st.composite
def in_turns(draw: st.DrawFn, media: MediaInfo) -> tuple[int, int, int]:
    rest = ["\n".join(media.turns[turn:]) for turn in range(len(media.turns))]
    turn = draw(st.sampled_from([turn for turn, text in enumerate(rest) if text]))
    start = draw(st.integers(0, min(len(media.turns[turn]), len(rest[turn]) - 1)))
    return start, draw(st.integers(start + 1, len(rest[turn]))), turn


SPANNED = {
    "text": Spanned(texts.map(lambda text: MediaInfo(text=text)), lambda media: media.text, offsets),
    "audio": Spanned(st.just(MediaInfo()), lambda media: None, seconds),
    "timeseries": Spanned(st.booleans().map(lambda is_dated: MediaInfo(is_dated=is_dated)), series_of, times_of),
    "hypertext": Spanned(texts.map(as_shown), lambda media: html_of(media.text), offsets),
    "paragraphs": Spanned(turns.map(lambda texts: MediaInfo(turns=(*texts,))), turns_of, in_turns),
}
"""Scope of a medium -> what its spans are on."""


def record_of(sample_id: str, field: LabelField, value: Any, media: MediaInfo) -> SampleRecord:
    """A sample with one label field, whose image is a square where the labels are on a value beside it.

    Args:
        sample_id: id of the sample
        field: the label field
        value: its value
        media: what its regions refer to
    """
    if field.shown_key is None:
        return SampleRecord(sample_id, "x.png", media, {field.name: value})
    shown = {field.shown_key: field.shown_value.to_data(SPANNED[field.scope].value_of(media))}
    return SampleRecord(sample_id, "x.png", MediaInfo(100, 100), {field.name: value}, shown)
