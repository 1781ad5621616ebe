"""What tests put spans on, a row a medium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

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
        ends: the start and the end of any span on it
    """

    media: st.SearchStrategy[MediaInfo]
    value_of: Callable[[MediaInfo], Any]
    ends: Callable[[MediaInfo], st.SearchStrategy[tuple[Any, Any]]]


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters | st.sampled_from("a \t\r\n👩\u200d🏽\u0301\u05d0<&;"), min_size=1, max_size=60)
"""Any text that JSON and the database hold; often joined emoji, combining marks, line ends, what HTML escapes."""


def offsets(media: MediaInfo) -> st.SearchStrategy[tuple[int, int]]:
    ends = st.integers(0, len(media.text))
    return st.lists(ends, min_size=2, max_size=2, unique=True).map(lambda pair: (min(pair), max(pair)))


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)


def times(media: MediaInfo) -> st.SearchStrategy[tuple[float, float]]:
    return st.lists(numbers, min_size=2, max_size=2).map(lambda pair: (min(pair), max(pair)))


def seconds(media: MediaInfo) -> st.SearchStrategy[tuple[float, float]]:
    ends = st.floats(0, 10**6) | st.integers(0, 10**6)
    return st.lists(ends, min_size=2, max_size=2, unique=True).map(lambda pair: (min(pair), max(pair)))


SPANNED = {
    "text": Spanned(texts.map(lambda text: MediaInfo(text=text)), lambda media: media.text, offsets),
    "audio": Spanned(st.just(MediaInfo()), lambda media: None, seconds),
    "timeseries": Spanned(st.just(MediaInfo()), lambda media: {"time": [0, 1, 2], "a": [0.5, 0.25, 0]}, times),
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
