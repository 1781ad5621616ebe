"""Times as the server writes them are read in every version of Python."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from fo_labelstudio.convert.times import parse_time

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
