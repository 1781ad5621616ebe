"""Time series: <TimeSeries>, of a value of the sample: numbers, or columns of numbers, one of which may be the time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.messages import quoted

TIME = "time"
"""The column that is the time; without it, time counts the numbers from 0."""

_VALUE_TYPE = "valueType"
_ONLY = "value"
"""The name of the one column of a plain list of numbers."""


def object_tag(name: str) -> Element:
    # Without this type, the editor looks for an address (1.23.2).
    return Element("TimeSeries", name=name, value=f"${name}", valueType="json")


def name_columns(tag: Element, columns: Sequence[str]) -> None:
    if TIME in columns:
        tag.set("timeColumn", TIME)
    for column in columns:
        if column != TIME:
            SubElement(tag, "Channel", column=column, legend=column)


def problem_of_options(options: Mapping[str, str]) -> str | None:
    # Without this type, the editor looks for an address (1.23.2).
    if options.get(_VALUE_TYPE) != "json":
        return f'takes what tasks hold for an address; write {_VALUE_TYPE}="json" into it'
    return None


def columns_of(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, Mapping) else (_ONLY,)


def problem_of_value(value: Any) -> str | None:
    columns = value if isinstance(value, Mapping) else {_ONLY: value}
    for name, numbers in columns.items():
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w .-]*", name):
            return f"has a column of the name {quoted(name)}; name it by letters, digits, spaces, dots and dashes"
        if not isinstance(numbers, list) or not all(map(is_finite, numbers)):
            return f"holds {quoted(numbers)} as {quoted(name)}, expected a list of finite numbers"
    lengths = {name: len(numbers) for name, numbers in columns.items()}
    if len({*lengths.values()}) > 1:
        return f"has columns of several lengths ({lengths}); make them equally long"
    if not set(columns) - {TIME}:
        return f"has no column besides {quoted(TIME)}; add what is to be shown over time"
    times = columns.get(TIME, [])
    place = next((place for place in range(1, len(times)) if times[place] <= times[place - 1]), None)
    if place is not None:
        return f"has the time {times[place]} behind {times[place - 1]}; sort it by time, and keep each time once"
    return None


def value_to_data(value: Any) -> Any:
    if value is None:
        return {}
    return dict(value) if isinstance(value, Mapping) else {_ONLY: value}


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo()


MEDIUM = Medium(
    name="timeseries",
    noun="time series",
    scopes=("timeseries",),
    object_tag=object_tag,
    looks_like=re.compile(r"\.(csv|tsv)\b", re.IGNORECASE),
    shown_value=ShownValue(
        key="series",
        noun="time series, as lists of numbers, or dicts of them",
        field_types=(fof.DictField, fof.ListField),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
        columns_of=columns_of,
        options=(_VALUE_TYPE,),
        problem_of_options=problem_of_options,
    ),
    name_columns=name_columns,
)
