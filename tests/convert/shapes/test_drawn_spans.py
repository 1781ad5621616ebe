"""What the real editor of 1.23.2 wrote of spans: drawn by hand, and submitted as they were sent."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from fo_labelstudio.convert.media import medium_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.errors import RegionError

GOLDEN = Path(__file__).parents[2] / "golden_media"
HTML = MediaInfo(text="Hi 😀 Paris")
TALK = MediaInfo(turns=("Hi 😀 Paris\r\nline two", "", "Hello Rome"))


def spans_of(scope, name, key):
    """Where the spans of a recorded task are and the words in them, and what of them was noted."""
    task = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    kind, media = SPAN_KINDS[scope], medium_of(scope).shown_value.parse(task["data"][key])
    regions = [region for region in task["annotations"][0]["result"] if "choices" not in region["value"]]
    assert {region["type"] for region in regions} <= {kind.region_type, "labels"}
    found = [kind.parse(region["value"], media) for region in regions]
    words = [(*span.at(kind.more), kind.words(*span.at(kind.more), media)) for span in found]
    return words, [note for span in found for note in span.notes]


@pytest.mark.parametrize("how", ["accepted", "drawn"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "crlf",
            [(8, 13, "Paris"), (18, 22, "Rome"), (4, 6, "cd"), (14, 15, "X"), (16, 17, "Y"), (4, 13, "cd\r\nParis")],
        ),
        ("long", [(22, 27, "Paris"), (7, 10, "two"), (11, 17, "😀😀 two"), (4, 10, "😀\n\ntwo")]),
        ("zwj", [(8, 13, "Paris"), (1, 7, "👩\u200d👩\u200d👧b")]),
    ],
)
def test_characters_of_texts(name, expected, how):
    assert spans_of("text", f"text_{name}_{how}", "text") == (expected, [])


def test_of_a_text_with_many_spaces_the_editor_writes_no_words():
    assert spans_of("text", "text_space_accepted", "text") == ([(15, 20, "Paris"), (5, 9, "c   "), (10, 13, "  d")], [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("drawn", [(15, 20, "Paris"), (23, 27, "Rome"), (51, 55, "Oslo")]),
        ("table_drawn", [(8, 13, "Paris"), (14, 18, "Rome"), (33, 37, "Oslo"), (25, 33, "second 😀")]),
        ("full_drawn", [(6, 11, "Paris"), (20, 24, "Rome"), (1, 5, "Head")]),
    ],
)
def test_characters_of_html(name, expected):
    assert spans_of("hypertext", f"hypertext_{name}", "text") == (expected, [])


def test_what_was_sent_on_html_as_two_numbers_comes_back_so():
    task = json.loads((GOLDEN / "hypertext_accepted.json").read_text(encoding="utf-8"))
    (value,) = (region["value"] for region in task["annotations"][0]["result"] if region["id"] == "se0")
    assert value == {"start": 15, "end": 20, "text": "Paris", "labels": ["A"]}


def test_a_path_alone_says_nothing():
    value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0, "endOffset": 3}
    with pytest.raises(RegionError, match="it says where it is by the path '/p"):
        SPAN_KINDS["hypertext"].parse(value, HTML)


def test_turns_and_characters_of_conversations():
    drawn, notes = spans_of("paragraphs", "paragraphs_drawn", "d")
    assert (drawn[0], drawn[2]) == ((5, 10, 0, "Paris"), (0, 20, 0, "Hi 😀 Paris\r\nline two"))
    assert drawn[1] == (9, 33, 1, "Rome</b> &amp; é\u0301 x\nOslo")
    assert notes == []


def value_of(start, start_offset, end, end_offset):
    return {"start": str(start), "startOffset": start_offset, "end": str(end), "endOffset": end_offset}


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ((5, 10, 0), value_of(0, 6, 0, 11), "Paris"),
        ((3, 4, 0), value_of(0, 3, 0, 5), "😀"),
        ((16, 21, 0), value_of(0, 17, 1, 0), " two\n"),
        ((16, 24, 0), value_of(0, 17, 2, 2), " two\n\nHe"),
        ((0, 3, 1), value_of(1, 0, 2, 2), "\nHe"),
        ((20, 21, 0), value_of(0, 21, 1, 0), "\n"),
        ((0, 10, 2), value_of(2, 0, 2, 10), "Hello Rome"),
    ],
)
def test_a_span_goes_on_in_the_next_turns(where, value, words):
    kind = SPAN_KINDS["paragraphs"]
    assert kind.to_value(*where, TALK) == {**value, "text": words}
    assert kind.parse(value, TALK).at(kind.more) == where


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ((0, 1, 3), "it is in turn 3, and the conversation has 3, from 0 on"),
        ((11, 12, 2), "it starts at character 11 of turn 2, which has 10"),
        ((0, 11, 2), "it ends at character 11 from the beginning of turn 2, where the conversation has 10"),
        ((0, 33, 0), "it ends at character 33 from the beginning of turn 0, where the conversation has 32"),
    ],
)
def test_what_is_not_in_the_conversation_is_refused(where, problem):
    assert SPAN_KINDS["paragraphs"].problem_of(*where) is None
    with pytest.raises(RegionError, match=f"^{problem}; correct it"):
        SPAN_KINDS["paragraphs"].to_value(*where, TALK)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (value_of(3, 0, 3, 1), "start is '3', expected the number of a turn, below 3"),
        (value_of("x", 0, 0, 1), "start is 'x', expected the number of a turn"),
        (value_of(0, 0, -1, 1), "end is '-1', expected the number of a turn"),
        (value_of(0, 4, 0, 6), "startOffset is 4, which is in the middle of a character"),
        (value_of(0, 6, 0, 6), "it starts at character 5 of turn 0 and ends at 5 of turn 0, expected the start before"),
        (value_of(2, 0, 0, 6), "it starts at character 0 of turn 2 and ends at 5 of turn 0, expected the start before"),
        (value_of(0, 0, 0, 22), "endOffset is 22, expected a number from 0 to 21"),
        (value_of(0, None, 0, 2), "startOffset is None, expected a number"),
        ({}, "start is None, expected the number of a turn"),
    ],
)
def test_a_region_that_is_nowhere_in_the_conversation_is_told(value, problem):
    with pytest.raises(RegionError, match=problem):
        SPAN_KINDS["paragraphs"].parse(value, TALK)


def recorded_values(name, kind):
    """The values of the regions of a recorded task that have ends."""
    task = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    regions = [region for region in task["annotations"][0]["result"] if region["type"] == kind.region_type]
    return [region["value"] for region in regions]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("url_drawn", [(2, 3.5)]),
        ("notime_drawn", [(4, 7)]),
        ("date_accepted", [(datetime(2020, 1, 1, 0, 1), datetime(2020, 1, 1, 0, 2, 30))]),
        ("date_drawn", [(datetime(2020, 1, 1, 0, 0, 40), datetime(2020, 1, 1, 0, 1, 10))]),
    ],
)
def test_times_of_series_are_numbers_or_in_labeling_configs_of_others_dates(name, expected):
    kind = SPAN_KINDS["timeseries"]
    values = recorded_values(f"timeseries_{name}", kind)
    assert [tuple(kind.parse(value, MediaInfo()))[:2] for value in values] == expected


@pytest.mark.parametrize(
    ("start", "end", "is_dated", "problem"),
    [
        (
            "2020-01-01",
            5,
            False,
            "it starts at datetime.datetime(2020, 1, 1, 0, 0) and ends at 5.0, expected numbers, or dates",
        ),
        ("1.1.2020", "2.1.2020", True, "start is '1.1.2020', expected a number, or a date such as 2026-01-31"),
        (
            "2020-01-02",
            "2020-01-01",
            True,
            "it starts at 2020-01-02 00:00:00 and ends at 2020-01-01 00:00:00, expected",
        ),
        (1e300, 1e301, True, "start is 1e+300, expected a number from"),
    ],
)
def test_what_is_no_range_of_dates_is_reported(start, end, is_dated, problem):
    with pytest.raises(RegionError) as caught:
        SPAN_KINDS["timeseries"].parse({"start": start, "end": end}, MediaInfo(is_dated=is_dated))
    assert str(caught.value).startswith(problem)


def test_the_channel_of_a_range_of_audio_is_read_and_the_first_one_needs_no_words():
    kind = SPAN_KINDS["audio"]
    values = [value for value in recorded_values("audio_stereo_accepted", kind) if 0 <= value["start"] < value["end"]]
    where = [kind.parse(value, MediaInfo()).at(kind.more) for value in values]
    assert where == [(1.25, 3.5, 0), (0.123456789012, 1.0000001, 0), (2, 4.75, 1), (4.9, 99, 0)]
    assert [kind.to_value(*place, MediaInfo()).get("channel") for place in where] == [None, None, 1, None]
