"""Audio: <Audio>."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import MediaInfo, Medium

EXTENSIONS = (".wav", ".mp3", ".flac", ".m4a", ".ogg")
"""The audio files that a server takes and a browser plays (Label Studio 1.23.2, SUPPORTED_EXTENSIONS)."""


def object_tag(name: str) -> Element:
    return Element("Audio", name=name, value=f"${name}")


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    # Regions count seconds, whatever the length.
    return MediaInfo()


MEDIUM = Medium(
    name="audio",
    noun="audio",
    scopes=("audio",),
    object_tag=object_tag,
    parse_meta=parse_meta,
    extensions=EXTENSIONS,
    looks_like=re.compile(r"\.(wav|mp3|flac|m4a|ogg|oga|aac)\b|^data:audio/", re.IGNORECASE),
)
