"""Audio: <Audio>."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import Medium

EXTENSIONS = (".wav", ".mp3", ".flac", ".m4a", ".ogg")
"""The audio files that a server takes and a browser plays (Label Studio 1.23.2, SUPPORTED_EXTENSIONS)."""


def object_tag(name: str) -> Element:
    # The browser's own decoder takes three times the memory, and shows no recordings of three hours (1.23.2).
    return Element("Audio", name=name, value=f"${name}", decoder="ffmpeg")


MEDIUM = Medium(
    name="audio",
    noun="audio",
    scopes=("audio",),
    object_tag=object_tag,
    extensions=EXTENSIONS,
    looks_like=re.compile(r"\.(wav|mp3|flac|m4a|ogg|oga|aac)\b|^data:audio/", re.IGNORECASE),
)
