"""CSV files: columns of numbers, each under its name in the header row."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.times import parse_date
from fo_labelstudio.messages import quoted

_SEPARATORS = ",;\t"
_QUOTED = re.compile('"[^"]*"')
_ENDS = frozenset(".0123456789")
"""How a number ends."""

_LONGEST = 16
"""Characters of a whole number that JavaScript holds exactly."""

_NOTHING = ("", "nan", "na", "n/a", "null", "none")
"""What stands where a number is missing, in lower case."""


def columns_in(text: str) -> dict[str, list[Any]]:
    """The columns of a CSV file, whose cells are separated by commas, semicolons or tabs.

    Args:
        text: what is in the file

    Returns:
        name -> what is in each row: a number, a text that is none, or None where nothing is

    Raises:
        ValueError: it is no CSV, or lacks a header row; says what is wrong
    """
    # Other characters that Python ends lines at are content.
    lines = (f"{line}\n" for line in text.removesuffix("\n").split("\n"))
    reader = csv.reader(lines, delimiter=_separator(text), strict=True)
    rows = filter(None, reader)
    try:
        header = [name.strip() for name in next(rows, ())]
        problem = _problem_of_header(header)
        if problem:
            raise ValueError(problem)
        columns: list[list[Any]] = [[] for _ in header]
        for row in rows:
            if len(row) != len(header):
                raise ValueError(
                    f"has {len(row)} cells in line {reader.line_num}, and {len(header)} in its header row; give all "
                    "rows the same"
                )
            for column, cell in zip(columns, row, strict=True):
                column.append(_content_of(cell.strip()))
    except csv.Error as error:
        raise ValueError(f"is no CSV ({error}, in line {reader.line_num}); correct it") from None
    return dict(zip(header, columns, strict=True))


def csv_of(columns: Mapping[str, Sequence[Any]]) -> str:
    """A CSV file of columns.

    Law: ``columns_in(csv_of(columns)) == columns``, with times as texts.

    Args:
        columns: name -> what is in each row: a number, a text, a time, or None where nothing is; all equally long
    """
    rows = ([_cell(one) for one in row] for row in zip(*columns.values(), strict=True))
    return "".join(f"{','.join(row)}\n" for row in ([*map(_quoted, columns)], *rows))


def _cell(content: Any) -> str:
    if content is None:
        # An empty line is none.
        return '""'
    return repr(content) if isinstance(content, int | float) else _quoted(str(content))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _separator(text: str) -> str:
    """What separates the cells: what stands most often in the first line that is not empty."""
    header = _QUOTED.sub("", text.lstrip().partition("\n")[0])
    return max(_SEPARATORS, key=header.count)


def _problem_of_header(header: Sequence[str]) -> str | None:
    if not header:
        return "is empty"
    if not any(map(_is_word, header)):
        return (
            f"has no header row, for its first one is {quoted(list(header))}; write the names of the columns above it"
        )
    if not all(header):
        return (
            f"has no name for its column {header.index('') + 1}; write it into the header row, or leave the column "
            "out, as to_csv(index=False) of pandas does"
        )
    twice = next((name for place, name in enumerate(header) if name in header[:place]), None)
    return f"has two columns {quoted(twice)}; rename one" if twice is not None else None


def _is_word(cell: str) -> bool:
    """Whether a cell holds neither a number nor a date."""
    if not isinstance(_content_of(cell), str):
        return False
    try:
        parse_date(cell)
    except ValueError:
        return True
    return False


def _content_of(cell: str) -> Any:
    # Python takes more for numbers: words, and digits that underscores part.
    if cell[-1:] in _ENDS and "_" not in cell and cell.isascii():
        try:
            return int(cell) if len(cell) < _LONGEST and cell.lstrip("+-").isdigit() else float(cell)
        except ValueError:
            return cell
    return None if cell.lower() in _NOTHING else cell
