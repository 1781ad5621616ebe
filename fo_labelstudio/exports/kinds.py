"""What a file is, told by its first bytes; its name counts only where these leave it open."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

START = 2**16
"""Bytes by which a file is told."""

Reader = Literal["json", "table"]


class Kind(NamedTuple):
    """What a file is.

    Attributes:
        reader: what reads its tasks, or None where it holds none
        what: what it is, as ``it is ...`` goes on
        encoding: of its text
    """

    reader: Reader | None
    what: str
    encoding: str = "utf-8"


_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

_BINARY = (
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a sound"),
    (b"BM", "an image"),
    (b"PK\x03\x04", "a zip file"),
    (b"%PDF", "a PDF"),
    (b"\x93NUMPY", "a NumPy array, as Label Studio exports brush masks"),
)

_XML = (
    (r"<annotation[\s>]", "an annotation in Pascal VOC's format"),
    (r"<View[\s>/]", "a labeling config"),
    (r"<svg[\s>]", "an image"),
    ("", "XML or HTML"),
)

_COCO = "an export in COCO's format"
_YOLO = "an export in YOLO's format"
_CONLL = "an export in CoNLL 2003's format"

_LINES = (
    (r"\s*-DOCSTART-", _CONLL),
    (r"(\s*\d+( [-+.\de]+){4,}\s*(\n|$))+", "labels in YOLO's format"),
)

_SEPARATORS = "\t,;"


def kind_of(start: bytes, name: str) -> Kind:
    """What a file is.

    Args:
        start: its first bytes, :data:`START` of them unless it is shorter, inflated
        name: its name
    """
    encoding = next((encoding for bom, encoding in _BOMS if start.startswith(bom)), "utf-8")
    if encoding == "utf-8" and (b"\0" in start or any(start.startswith(magic) for magic, _ in _BINARY[:3])):
        what = next((what for magic, what in _BINARY if start.startswith(magic)), "a file of binary data")
        return Kind(None, what)
    # Cut within a character, perhaps.
    text = start.decode(encoding, errors="ignore").lstrip()
    if not text:
        return Kind(None, "empty" if len(start) < START else "a file of spaces")
    reader, what = _kind_of_text(text, PurePosixPath(name).suffix.lower())
    return Kind(reader, what, encoding)


def separator_of(header: str) -> str:
    """What separates the columns of a table, by its first line: tab, comma or semicolon; empty if it has one column."""
    bare = re.sub('"[^"]*"', "", header)
    found = max(_SEPARATORS, key=bare.count)
    return found if found in bare else ""


def layout_of(names: Collection[str]) -> str | None:
    """Which export in another format some files are, told by their paths within it; None where they are none."""
    paths = [PurePosixPath(name) for name in names]
    folders = {part for path in paths for part in path.parts[:-1]}
    if "Annotations" in folders:
        return "an export in Pascal VOC's format"
    if "labels" in folders and any(path.name == "classes.txt" for path in paths):
        return _YOLO
    return None


def format_of(value: object) -> str | None:
    """Which export in another format a JSON object is, told by its keys; None where it may be a task."""
    if not isinstance(value, dict) or "data" in value:
        return None
    if isinstance(value.get("categories"), list):
        return _COCO if "images" in value else _YOLO
    if {"project", "platform", "download"} <= value.keys():
        return "what the server notes about an export"
    return None


def _kind_of_text(text: str, suffix: str) -> tuple[Reader | None, str]:
    if text[0] == "<":
        # Label Studio's own configs begin with comments at times.
        bare = re.sub(r"(<!--.*?-->|<\?.*?\?>|<!.*?>|\s)*", "", text, count=1, flags=re.DOTALL)
        return None, next(what for pattern, what in _XML if re.match(pattern, bare))
    if text[0] == "{" and re.search(r'"images"\s*:\s*\[\s*\{', text) and '"file_name"' in text:
        # Told before such an object is read, which can be as large as the file.
        return None, _COCO
    if text[0] in "[{":
        return "json", "JSON"
    for pattern, what in _LINES:
        if re.match(pattern, text):
            return None, what
    header = text.partition("\n")[0]
    if separator_of(header) or suffix in (".csv", ".tsv"):
        return "table", "a table"
    return None, "text without columns"
