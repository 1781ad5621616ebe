"""Texts: <Text>, of files and of values of samples.

The data of a task holds the text itself, not its address: the editor drops the byte order mark of what it fetches,
takes everything for UTF-8, and says no words of spans then (1.23.2).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.messages import quoted

EXTENSIONS = (".txt", ".text", ".md")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ZERO = "\0"
VALUE_TYPE = "valueType"
_ENCODING, _PLAIN = "encoding", "none"
_BASE64 = {"base64": "latin-1", "base64unicode": "utf-8"}
"""What the object tag says of base64 in tasks -> the encoding of what is in it, as the editor takes it (1.23.2)."""

OPTIONS = (VALUE_TYPE, _ENCODING)


def object_tag(name: str) -> Element:
    return Element("Text", name=name, value=f"${name}")


def problem_of_value(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"is {quoted(value)}, expected a text"
    # The database takes them, and a JSON file, but no answer of the server, which is UTF-8.
    broken = _SURROGATE.search(value)
    if broken:
        return f"has half a character at {broken.start()}, which no file holds; correct it"
    # PostgreSQL stores none, and a browser drops those of HTML.
    return f"has a zero byte at {value.index(_ZERO)}, which no server stores; take it out" if _ZERO in value else None


def value_to_data(value: Any) -> str:
    return "" if value is None else str(value)


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo(text=data if isinstance(data, str) else "")


def problem_of_options(options: Mapping[str, str]) -> str | None:
    if options.get(VALUE_TYPE) == "url":
        return f'takes what tasks hold for an address; take {VALUE_TYPE}="url" out of it'
    if options.get(_ENCODING, _PLAIN) != _PLAIN:
        return f'takes what tasks hold for base64; take {_ENCODING}="{options[_ENCODING]}" out of it'
    return None


def of_options(value: Any, options: Mapping[str, str]) -> Any:
    encoding = _BASE64.get(options.get(_ENCODING, _PLAIN))
    if encoding is None or not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True).decode(encoding)
    except ValueError:
        return None


MEDIUM = Medium(
    name="text",
    noun="text",
    scopes=("text",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    content=lambda media: media.text,
    looks_like=re.compile(r"\.(txt|text|md)\b|^data:text/plain", re.IGNORECASE),
    shown_value=ShownValue(
        key="text",
        noun="texts",
        field_types=(fof.StringField,),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
        options=OPTIONS,
        problem_of_options=problem_of_options,
        of_options=of_options,
    ),
)
