"""Time series: <TimeSeries>, of CSV files and of values of samples: columns of numbers, one of which may be the time.

The data of a task holds the columns themselves, not the address of a file: the editor's own reader of CSV guesses what
is a header, and knows no line end within quotes; regions on dates in a form of one's own lose fractions of a second
(1.23.2). So dates are sent as milliseconds from 1970 on, and regions on them say such.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media.csv_columns import columns_in, csv_of
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.times import milliseconds_of, parse_date, time_at
from fo_labelstudio.messages import quoted

EXTENSIONS = (".csv", ".tsv")

TIME = "time"
"""What the data calls the column that is the time, in numbers; without one, time counts the rows from 0."""

DATES = "time (utc)"
"""What the data calls the column that is the time, in dates."""

_TIMES_OF_FILES = (TIME, DATES, "timestamp", "datetime", "date")
"""What files call the column that is the time, in any case; values call it ``time``."""

_VALUE_TYPE, _TIME_COLUMN, _TIME_FORMAT = "valueType", "timeColumn", "timeFormat"

_ONLY = "value"
"""The name of the one column of a plain list of numbers."""


def object_tag(name: str) -> Element:
    # Without this type, the editor looks for an address (1.23.2).
    return Element("TimeSeries", name=name, value=f"${name}", valueType="json")


def name_columns(tag: Element, columns: Sequence[str]) -> None:
    if DATES in columns:
        # Other forms than this one show the milliseconds themselves; of how long a range is, none is right (1.23.2).
        tag.attrib.update(timeColumn=DATES, timeDisplayFormat="date", durationDisplayFormat="")
    elif TIME in columns:
        tag.set("timeColumn", TIME)
    for column in columns:
        if column not in (TIME, DATES):
            # The editor looks for a column by its name in lower case (1.23.2).
            SubElement(tag, "Channel", column=column.lower(), legend=column)


def problem_of_options(options: Mapping[str, str]) -> str | None:
    # Without this type, the editor looks for an address (1.23.2).
    if options.get(_VALUE_TYPE) != "json":
        return f'takes what tasks hold for an address; write {_VALUE_TYPE}="json" into it'
    if options.get(_TIME_FORMAT):
        return f"reads times as texts, where tasks have numbers; take {_TIME_FORMAT} out of it"
    return None


def problem_of_columns(options: Mapping[str, str], columns: Sequence[str]) -> str | None:
    # Without the time, or with another one, people would mark other places.
    named, time = options.get(_TIME_COLUMN, "").lower(), next((one for one in (DATES, TIME) if one in columns), "")
    if not columns or named == time:
        return None
    if not time:
        return f"takes {named!r} for the time, where tasks have none; take {_TIME_COLUMN} out of it"
    return f'does not take {time!r} for the time, as tasks have it; write {_TIME_COLUMN}="{time}" into it'


def of_options(value: Any, options: Mapping[str, str]) -> Any:
    named = options.get(_TIME_COLUMN, "").lower()
    if not named or not isinstance(value, Mapping):
        return value
    return {TIME if isinstance(name, str) and name.lower() == named else name: one for name, one in value.items()}


def columns_of(value: Any) -> tuple[str, ...]:
    columns = _columns(value)
    return tuple(_key_of_times(name, columns[name]) if _is_time(name) else name for name in columns)


def _columns(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {_ONLY: value}


def _is_time(name: str) -> bool:
    return name.lower() in (TIME, DATES)


def _key_of_times(name: str, times: Sequence[Any]) -> str:
    return DATES if name.lower() == DATES or isinstance(next(iter(times), None), str | datetime) else TIME


def problem_of_value(value: Any) -> str | None:
    columns = _columns(value)
    for name, numbers in columns.items():
        problem = _problem_of_name(name)
        if problem:
            return problem
        if not isinstance(numbers, list):
            return f"holds {quoted(numbers)} as {quoted(name)}, expected a list of numbers"
    return _problem_of_table(columns) or next(filter(None, map(_problem_of_column, columns, columns.values())), None)


def _problem_of_name(name: Any) -> str | None:
    # The editor takes what is behind a $ for a key of the task's data, and the server name= for a tag's (1.23.2).
    if isinstance(name, str) and name and name == name.strip() and name.isprintable() and not {*"$={}"} & {*name}:
        return None
    return f"has a column of the name {quoted(name)}; give it one without '$', '=', braces and what one cannot see"


def _problem_of_table(columns: Mapping[str, list[Any]]) -> str | None:
    known: dict[str, str] = {}
    for name in columns:
        other = known.setdefault(TIME if _is_time(name) else name.lower(), name)
        if other != name:
            return f"has the columns {other!r} and {name!r}, which the editor does not tell apart; rename one"
    lengths = {name: len(numbers) for name, numbers in columns.items()}
    if len({*lengths.values()}) > 1:
        return f"has columns of several lengths ({lengths}); make them equally long"
    if all(map(_is_time, columns)):
        return f"has no column besides {quoted(TIME)}; add what is to be shown over time"
    return None if all(lengths.values()) else "has no rows; leave it out"


def _problem_of_column(name: str, numbers: list[Any]) -> str | None:
    if _is_time(name):
        return _problem_of_times(name, numbers)
    for place, number in enumerate(numbers):
        if number is not None and not is_finite(number):
            hint = "" if _milliseconds(number) is None else f"; call the column of dates {TIME!r}"
            where = f"holds {quoted(number)} as {quoted(name)} in row {place + 1}"
            return f"{where}, expected a finite number, or nothing{hint}"
    if all(number is None for number in numbers):
        # The editor breaks at it (1.23.2).
        return f"holds no number as {quoted(name)}; leave the column out"
    return None


def _problem_of_times(name: str, times: list[Any]) -> str | None:
    known = _in_numbers(name, times)
    expected = "a finite number"
    if _key_of_times(name, times) == DATES:
        expected = "a date as the first one is, such as 2026-01-31 12:30:00"
    if None in known:
        place = known.index(None)
        return f"holds {quoted(times[place])} as {quoted(name)} in row {place + 1}, expected {expected}"
    place = next((place for place in range(1, len(known)) if known[place] <= known[place - 1]), 0)
    if not place:
        return None
    return f"has the time {times[place]} behind {times[place - 1]}; sort it by time, and keep each time once"


def _in_numbers(name: str, times: Sequence[Any]) -> list[Any]:
    """Times as the data holds them: dates in milliseconds; None for what is none, or is unlike the first."""
    if _key_of_times(name, times) == TIME:
        return [time if is_finite(time) else None for time in times]
    # What is called as in the data may hold what that does.
    are_milliseconds = name.lower() == DATES
    return [time if are_milliseconds and is_finite(time) else _milliseconds(time) for time in times]


def _milliseconds(time: Any) -> float | None:
    try:
        time = parse_date(time) if isinstance(time, str) else time
    except ValueError:
        return None
    return milliseconds_of(time) if isinstance(time, datetime) else None


def value_to_data(value: Any) -> Any:
    if value is None:
        return {}
    columns = _columns(value)
    keys = (_key_of_times(name, columns[name]) if _is_time(name) else name.lower() for name in columns)
    lists = (_in_numbers(name, columns[name]) if _is_time(name) else columns[name] for name in columns)
    return dict(zip(keys, lists, strict=True))


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo(is_dated=isinstance(data, Mapping) and DATES in data)


def _columns_of_file(text: str) -> dict[str, list[Any]]:
    columns = columns_in(text)
    times = [name for name in columns if name.lower() in _TIMES_OF_FILES]
    if len(times) > 1:
        raise ValueError(
            f"has the columns {times[0]!r} and {times[1]!r}, each of which may be the time; join or rename"
        )
    return {TIME if name in times else name: column for name, column in columns.items()}


def parse_file(text: str) -> MediaInfo:
    """What is in a CSV file.

    Raises:
        ValueError: it holds no series that can be shown; says what is wrong
    """
    columns = _columns_of_file(text)
    problem = problem_of_value(columns)
    if problem:
        raise ValueError(problem)
    data = value_to_data(columns)
    return parse_value(data)._replace(columns=columns_of(columns), source=json.dumps(data))


def file_of(value: Any) -> str:
    """The CSV file of a value that can be shown.

    Law: ``content(parse_file(file_of(value))) == to_data(value)``, but for other columns that files call the time.
    """
    columns = dict(_columns(value))
    for name, column in columns.items():
        if name.lower() == DATES:
            columns[name] = [time_at(time) if is_finite(time) else time for time in column]
    return csv_of(columns)


MEDIUM = Medium(
    name="timeseries",
    noun="time series",
    scopes=("timeseries",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    content=lambda media: json.loads(media.source),
    to_file=file_of,
    looks_like=re.compile(r"\.(csv|tsv)\b", re.IGNORECASE),
    shown_value=ShownValue(
        key="series",
        noun="time series, as lists of numbers, or dicts of them",
        field_types=(fof.DictField, fof.ListField),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
        columns_of=columns_of,
        options=(_VALUE_TYPE, _TIME_COLUMN, _TIME_FORMAT),
        problem_of_options=problem_of_options,
        problem_of_columns=problem_of_columns,
        of_options=of_options,
    ),
    columns_in=lambda text: columns_of(_columns_of_file(text)),
    name_columns=name_columns,
)
