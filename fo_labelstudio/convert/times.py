"""Times as Label Studio, and whoever writes for it, puts them into JSON."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_FRACTION = re.compile(r"\.(\d+)")

_EPOCH = datetime(1970, 1, 1)

_MICROSECOND = timedelta(microseconds=1)

_DATE = re.compile(
    r"(\d{4})([-/])(\d\d)\2(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)

_USUAL = tuple(map(len, ("2026-01-31", "2026-01-31 12:00:00", "2026-01-31 12:00:00.123", "2026-01-31 12:00:00.123456")))
"""Lengths of dates that Python reads, at a tenth of the time that all others take."""


def parse_time(text: str) -> datetime:
    """A time in ISO 8601.

    Python 3.10 reads neither a ``Z`` nor a fraction that has not three or six digits.

    Args:
        text: the time, to whatever part of a second; a ``Z`` at its end stands for UTC

    Raises:
        ValueError: it is no such time
    """
    text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)


def parse_date(text: str) -> datetime:
    """A date, or a date and a time, as people write them where nothing says how: the year first, as in ISO 8601.

    Args:
        text: the date; a slash may stand in place of a dash, and a space in place of the ``T``

    Returns:
        the time in UTC, without a zone; one that says no zone is in UTC

    Raises:
        ValueError: it is no such date
    """
    if len(text) in _USUAL and text[4] == text[7] == "-":
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            if time.tzinfo is None:
                return time
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no date that begins with its year")
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    hours, minutes, seconds, microseconds = (int(part or 0) for part in (hour, minute, second, _six(fraction)))
    time = datetime(int(year), int(month), int(day), hours, minutes, seconds, microseconds)
    if zone is None or zone in "Zz":
        return time
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    try:
        return time + ahead if zone[0] == "-" else time - ahead
    except OverflowError:
        raise ValueError(f"{text!r} is in a year that no calendar has") from None


def _six(fraction: str | None) -> str:
    return f"{fraction or '':0<6}"[:6]


def in_utc(time: datetime) -> datetime:
    """A time in UTC, without its zone, as the database hands it out; one without a zone is in UTC."""
    return time if time.tzinfo is None else time.astimezone(timezone.utc).replace(tzinfo=None)


def milliseconds_of(time: datetime) -> float:
    """The milliseconds from the beginning of 1970 in UTC to a time, whole where they are."""
    microseconds = (in_utc(time) - _EPOCH) // _MICROSECOND
    return microseconds / 1000 if microseconds % 1000 else microseconds // 1000


def time_at(milliseconds: float) -> datetime:
    """The time in UTC, without a zone, so many milliseconds after the beginning of 1970; as the database keeps it.

    Raises:
        OverflowError: no calendar has it
    """
    return _EPOCH + timedelta(milliseconds=round(milliseconds))
