"""HTML: <HyperText>, of files and of values of samples."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media import text
from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue

EXTENSIONS = (".html", ".htm", ".xhtml")


def object_tag(name: str) -> Element:
    return Element("HyperText", name=name, value=f"${name}")


def parse_value(data: Any) -> MediaInfo:
    return MediaInfo(text=text_of(data) if isinstance(data, str) else "")


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
    ),
)
