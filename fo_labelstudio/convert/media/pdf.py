"""PDF documents: <Pdf>, which the browser's own viewer shows; nothing can be drawn on it (Label Studio 1.23.2)."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import Medium

EXTENSIONS = (".pdf",)


def object_tag(name: str) -> Element:
    return Element("Pdf", name=name, value=f"${name}")


MEDIUM = Medium(
    name="pdf",
    noun="PDF document",
    scopes=("pdf",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    drawn_as="pdf_pages",
    looks_like=re.compile(r"\.pdf\b|^data:application/pdf", re.IGNORECASE),
)
