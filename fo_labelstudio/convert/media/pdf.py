"""PDF documents: <Pdf>, which the browser's own viewer shows; nothing can be drawn on it (Label Studio 1.23.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import MediaInfo, Medium

EXTENSIONS = (".pdf",)


def object_tag(name: str) -> Element:
    return Element("Pdf", name=name, value=f"${name}")


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    # No answer is about a place in it.
    return MediaInfo()


MEDIUM = Medium(
    name="pdf",
    noun="PDF document",
    scopes=("pdf",),
    object_tag=object_tag,
    parse_meta=parse_meta,
    extensions=EXTENSIONS,
    looks_like=re.compile(r"\.pdf\b|^data:application/pdf", re.IGNORECASE),
)
