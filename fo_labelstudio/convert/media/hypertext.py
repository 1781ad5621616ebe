"""HTML: <HyperText>, of files and of values of samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media import text
from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue

EXTENSIONS = (".html", ".htm", ".xhtml")
_INLINE = "inline"


def object_tag(name: str) -> Element:
    return Element("HyperText", name=name, value=f"${name}")


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo(text=text_of(data) if isinstance(data, str) else "")


def problem_of_options(options: Mapping[str, str]) -> str | None:
    if options.get(_INLINE) == "true":
        return f'counts the characters before the body, too; take {_INLINE}="true" out of it'
    return text.problem_of_options(options)


def is_counted_alike(value: str, options: Mapping[str, str]) -> bool:
    return options.get(_INLINE) != "true" or text_of(value) == text_of(value, is_inline=True)


MEDIUM = Medium(
    name="hypertext",
    noun="hypertext",
    scopes=("hypertext",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    content=lambda media: media.source,
    looks_like=re.compile(r"\.(x?html?)\b|^data:text/html", re.IGNORECASE),
    shown_value=ShownValue(
        key="html",
        noun="HTML",
        field_types=(fof.StringField,),
        problem_of=text.problem_of_value,
        to_data=text.value_to_data,
        parse=parse_value,
        options=(*text.OPTIONS, _INLINE),
        problem_of_options=problem_of_options,
        of_options=text.of_options,
        is_counted_alike=is_counted_alike,
    ),
)
