"""Tables for people: as text in a terminal, as HTML in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from typing import Any

Table = Sequence[Sequence[str]]
"""Rows of cells; the first row names the columns."""

# They can be told apart, and seen on white and on black.
_COLOURS = ("#ff6d04", "#8c8c8c", "#4a90d9")
_EMPTY = "rgba(128, 128, 128, 0.25)"


def aligned(table: Table) -> str:
    """A table as lines; names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("    " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def html_table(table: Table) -> str:
    """A table as HTML, whatever its cells hold; colours and lines are those of the notebook."""
    head, *rows = table
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def html_bar(total: int, parts: Mapping[str, int]) -> str:
    """A bar that shows parts of a whole.

    Args:
        total: the whole
        parts: what people call a part -> how large it is
    """
    told = ", ".join(f"{name.lower()}: {part} of {total}" for name, part in parts.items())
    pieces = "".join(
        f'<div style="width: {100 * part / max(total, 1):.4g}%; background: {colour}"></div>'
        for part, colour in zip(parts.values(), _COLOURS, strict=False)
    )
    style = f"display: flex; width: 24em; max-width: 100%; height: 0.6em; background: {_EMPTY}; border-radius: 0.3em"
    return (
        f'<div role="img" aria-label="{escape(told)}" title="{escape(told)}" style="{style}; overflow: hidden">'
        f"{pieces}</div>"
    )


def html_link(url: str) -> str:
    """A link, where it is an address of the web; text, where it is anything else that a browser would run."""
    shown = escape(url)
    if not url.startswith(("http://", "https://")):
        return shown
    return f'<a href="{shown}" target="_blank" rel="noopener">{shown}</a>'


def show_html(html: str) -> None:
    """Shows HTML below the cell of a notebook that is being executed."""
    # Only notebooks have it.
    notebook: Any = import_module("IPython.display")
    notebook.display(notebook.HTML(html))
