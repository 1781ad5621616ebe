"""Tables: <Table>, of a value of the sample, which is only looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media import text
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.messages import quoted


def object_tag(name: str) -> Element:
    return Element("Table", name=name, value=f"${name}")


def problem_of_value(value: Any) -> str | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return f"is {quoted(value)}, expected JSON, or a dict"
    if not isinstance(value, Mapping | list):
        return f"is {quoted(value)}, expected a dict, or a list"
    return _problem_of_part(value)


def _problem_of_part(value: Any) -> str | None:
    if isinstance(value, Mapping):
        names = (f"has the key {quoted(name)}, expected texts" for name in value if text.problem_of_value(name))
        return next(names, None) or next(filter(None, map(_problem_of_part, value.values())), None)
    if isinstance(value, list):
        return next(filter(None, map(_problem_of_part, value)), None)
    if isinstance(value, str):
        problem = text.problem_of_value(value)
        return problem and f"holds a text that {problem}"
    if value is None or isinstance(value, bool | int) or is_finite(value):
        return None
    return f"holds {quoted(value)}, expected texts and finite numbers; convert it"


def value_to_data(value: Any) -> Any:
    return {} if value is None else _shown(json.loads(value) if isinstance(value, str) else value)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _shown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shown(part) for part in value]
    # The editor shows nothing of true and false (1.23.2).
    return json.dumps(value) if isinstance(value, bool) else value


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo()


MEDIUM = Medium(
    name="table",
    noun="table",
    scopes=("table",),
    object_tag=object_tag,
    looks_like=re.compile(r"^\s*[\[{]"),
    shown_value=ShownValue(
        key="table",
        noun="tables, as dicts, lists or JSON",
        field_types=(fof.DictField, fof.ListField, fof.StringField),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
    ),
)
