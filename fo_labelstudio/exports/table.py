"""Tables with a header, as Label Studio writes and reads them: CSV with commas or semicolons, and TSV.

Label Studio quotes texts and leaves numbers bare (``csv.QUOTE_NONNUMERIC``), so ``"7"`` is a text and ``7`` a number.
Python's csv module does not tell them apart, and takes no cell above 128 KiB, which masks have.

Source: label_studio_sdk 2.1.2, converter/exports/csv2.py; Label Studio 1.23.2, data_import/models.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.json_items import Broken, Item
from fo_labelstudio.exports.kinds import separator_of
from fo_labelstudio.messages import quoted

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_BOOLEANS = {"True": True, "False": False}
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def rows(text: TextIO) -> Iterator[Item | Broken]:
    """The rows of a table: column -> text, number or boolean, and those that are broken.

    Args:
        text: opened with ``newline=""``

    Raises:
        ExportError: the table has two columns of one name, or ends within a cell
    """
    records = _records(text)
    _, header = next(records)
    separator = separator_of(header)
    cell = _cell(separator)
    columns = [str(value) for value in _cells(header, cell) or []]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice or not columns:
        raise ExportError(f"its first row names no columns, or some twice: {quoted(twice or header)}")
    for line, record in records:
        if record.strip():
            yield _row(line, columns, _cells(record, cell), record)


def _row(line: int, columns: list[str], cells: list[Any] | None, record: str) -> Item | Broken:
    if cells is None:
        return Broken("its quotes are not in order", line)
    if len(cells) != len(columns):
        return Broken(f"it has {len(cells)} cells, but the table has {len(columns)} columns", line)
    if not record.isascii() and _NOT_UTF8.search(record):
        return Broken("it holds bytes that are not UTF-8", line)
    return Item(dict(zip(columns, cells)), line)


def _records(text: TextIO) -> Iterator[tuple[int, str]]:
    """The rows as they are written, which have several lines where a cell has, each with the line where it begins."""
    begun: list[str] = []
    quotes = start = number = 0
    for number, line in enumerate(text, 1):
        start = start if begun else number
        begun.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield start, "".join(begun).rstrip("\r\n")
            begun, quotes = [], 0
    if begun:
        raise ExportError(f"it is cut off, or lacks a quote: the row that begins on line {start} has no end")


def _cell(separator: str) -> re.Pattern[str]:
    end = rf"({re.escape(separator)}|\Z)" if separator else r"(\Z)"
    bare = rf'[^"{re.escape(separator)}][^{re.escape(separator)}]*' if separator else r'[^"].*'
    return re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|({bare})?){end}', re.DOTALL)


def _cells(record: str, pattern: re.Pattern[str]) -> list[Any] | None:
    """The values of a row, or None where its quotes are not in order."""
    cells: list[Any] = []
    at = 0
    while match := pattern.match(record, at):
        text, bare, end = match.groups()
        cells.append(_bare(bare or "") if text is None else text.replace('""', '"'))
        if not end:
            return cells
        at = match.end()
    return None


def _bare(text: str) -> Any:
    if _NUMBER.fullmatch(text) and len(text) < 400:
        return json.loads(text)
    return _BOOLEANS.get(text, text)
