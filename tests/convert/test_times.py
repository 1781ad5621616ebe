"""Times as the server writes them are read in every version of Python."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.times import milliseconds_of, parse_date, parse_time, time_at
from tests.properties import examples

UTC = timezone.utc


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T09:00:00Z", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20T09:00:00.123456Z", datetime(2026, 11, 20, 9, 0, 0, 123456, UTC)),
        ("2026-11-20T09:00:00.5Z", datetime(2026, 11, 20, 9, 0, 0, 500000, UTC)),
        ("2026-11-20T09:00:00.123456789", datetime(2026, 11, 20, 9, 0, 0, 123456)),
        ("2026-11-20T09:00:00.25+02:00", datetime(2026, 11, 20, 9, 0, 0, 250000, timezone(timedelta(hours=2)))),
        ("2026-11-20T09:00", datetime(2026, 11, 20, 9)),
        ("2026-11-20", datetime(2026, 11, 20)),
    ],
)
def test_a_time_is_read_to_the_microsecond(text: str, time: datetime) -> None:
    assert parse_time(text) == time


@pytest.mark.parametrize("text", ["", "Z", "yesterday", "2026-13-01T00:00:00Z", "."])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20", datetime(2026, 11, 20)),
        (" 2026/11/20 09:05 ", datetime(2026, 11, 20, 9, 5)),
        ("2026-11-20t09:05:06.5", datetime(2026, 11, 20, 9, 5, 6, 500000)),
        ("2026-11-20 09:05:06.1234567", datetime(2026, 11, 20, 9, 5, 6, 123456)),
        ("2026-11-20T09:05:06Z", datetime(2026, 11, 20, 9, 5, 6)),
        ("2026-11-20 09:05:06 +02:30", datetime(2026, 11, 20, 6, 35, 6)),
        ("2026-11-20 23:05:06-0200", datetime(2026, 11, 21, 1, 5, 6)),
    ],
)
def test_a_date_begins_with_its_year_and_is_in_utc(text: str, time: datetime) -> None:
    assert parse_date(text) == time


@pytest.mark.parametrize(
    "text", ["", "20.11.2026", "11/20/2026", "2026-13-01", "2026-11/20", "2026", "9:05", "0001-01-01T00:00+01:00"]
)
def test_what_is_no_such_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_date(text)


@examples(50)
@given(st.datetimes(max_value=datetime(9999, 1, 1)))
def test_milliseconds_say_a_time_as_the_database_keeps_it(time: datetime) -> None:
    kept = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert time_at(milliseconds_of(kept)) == kept
    assert type(milliseconds_of(kept)) is int
    assert abs(time_at(milliseconds_of(time)) - time) <= timedelta(microseconds=500)
