"""Conversations: <Paragraphs>, of JSON files and of values of samples that list turns."""

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

EXTENSIONS = (".json",)
_AUTHOR, _TEXT = "author", "text"
_KEYS = {"nameKey": _AUTHOR, "textKey": _TEXT}
"""XML attribute of the object tag -> the key of turns that it names, where nobody says another one."""

_TIMES = ("start", "end", "duration")


def object_tag(name: str) -> Element:
    return Element("Paragraphs", name=name, value=f"${name}", layout="dialogue", nameKey=_AUTHOR, textKey=_TEXT)


def problem_of_value(value: Any) -> str | None:
    if not isinstance(value, list):
        return f"is {quoted(value)}, expected a list of turns, each with {_AUTHOR!r} and {_TEXT!r}"
    for place, turn in enumerate(value):
        if not isinstance(turn, Mapping) or not isinstance(turn.get(_TEXT), str):
            return (
                f"has {quoted(turn)} as its turn {place}, expected one with {_AUTHOR!r} and {_TEXT!r}, which are texts"
            )
        for key in (_TEXT, _AUTHOR):
            problem = None if turn.get(key) is None else text.problem_of_value(turn[key])
            if problem:
                return f"has a turn {place} whose {key!r} {problem}"
    return None


def value_to_data(value: Any) -> list[dict[str, Any]]:
    # The editor fails at a list of no turns (1.23.2).
    return [_turn(turn) for turn in value or ()] or [{_AUTHOR: "", _TEXT: ""}]


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    times = {key: turn[key] for key in _TIMES if is_finite(turn.get(key))}
    return {_AUTHOR: turn.get(_AUTHOR) or "", _TEXT: turn[_TEXT], **times}


def parse_value(data: Any) -> MediaInfo:
    turns = data if isinstance(data, list) else ()
    return MediaInfo(turns=tuple(_text_of(turn) for turn in turns))


def _text_of(turn: Any) -> str:
    found = turn.get(_TEXT) if isinstance(turn, Mapping) else None
    return found if isinstance(found, str) else ""


def problem_of_options(options: Mapping[str, str]) -> str | None:
    for option, key in _KEYS.items():
        named = options.get(option, key)
        if named != key:
            return f'takes {named!r} of each turn, where tasks have {key!r}; write {option}="{key}" into it'
    return text.problem_of_options(options)


def of_options(value: Any, options: Mapping[str, str]) -> Any:
    if not isinstance(value, list) or not all(isinstance(turn, Mapping) for turn in value):
        return value
    keys = {own: options.get(option, own) for option, own in _KEYS.items()}
    return [{**turn, **{own: _words(turn.get(key)) for own, key in keys.items()}} for turn in value]


def _words(said: Any) -> str:
    """What the editor shows of what a turn has as its text, or as its author."""
    return "" if said is None else str(said)


def is_content(text: str) -> bool:
    """Whether a file lists turns."""
    try:
        return problem_of_value(json.loads(text)) is None
    except (ValueError, RecursionError):
        return False


def content_of(media: MediaInfo) -> list[dict[str, Any]]:
    return value_to_data(json.loads(media.source))


MEDIUM = Medium(
    name="paragraphs",
    noun="conversation",
    scopes=("paragraphs",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    content=content_of,
    is_content=is_content,
    looks_like=re.compile(r"^\s*\[\s*\{"),
    shown_value=ShownValue(
        key="turns",
        noun="conversations",
        field_types=(fof.ListField,),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
        options=(text.VALUE_TYPE, *_KEYS),
        problem_of_options=problem_of_options,
        of_options=of_options,
    ),
)
