"""Tables: <Table>, of JSON files and of values of samples, which are only looked at.

A file that lists turns is a conversation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media import paragraphs, text
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.messages import quoted

EXTENSIONS = (".json",)

_MOST_NESTED = 100
_TOO_DEEP = f"has values nested more than {_MOST_NESTED} deep; flatten it"


def object_tag(name: str) -> Element:
    return Element("Table", name=name, value=f"${name}")


def problem_of_value(value: Any) -> str | None:
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return f"is {quoted(value)}, expected JSON, or a dict"
    except RecursionError:
        return _TOO_DEEP
    if not isinstance(value, Mapping | list):
        return f"is {quoted(value)}, expected a dict, or a list"
    return _problem_of_part(value)


def _problem_of_part(value: Any, level: int = 0) -> str | None:
    if level > _MOST_NESTED:
        return _TOO_DEEP
    if isinstance(value, Mapping):
        names = (f"has the key {quoted(name)}, expected texts" for name in value if text.problem_of_value(name))
        return next(names, None) or next(
            filter(None, (_problem_of_part(part, level + 1) for part in value.values())), None
        )
    if isinstance(value, list):
        return next(filter(None, (_problem_of_part(part, level + 1) for part in value)), None)
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


def problem_of_file(content: str) -> str | None:
    """What keeps a file from being shown as a table, or None."""
    problem = problem_of_value(content)
    if problem is None and paragraphs.is_content(content):
        return "is a conversation, and others are tables; annotate a view of files of one kind"
    return problem


MEDIUM = Medium(
    name="table",
    noun="table",
    scopes=("table",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    content=lambda media: value_to_data(media.source),
    is_content=lambda content: problem_of_file(content) is None,
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
