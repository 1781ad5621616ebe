"""Many messages as one."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 10
"""Messages that are shown of many."""


def in_lines(messages: Sequence[object], where_all: str = "") -> str:
    """Messages on indented lines of their own; of many, the first ones, and how many more there are.

    Args:
        messages: the messages
        where_all: where all of them can be read
    """
    lines = [f"\n  {message}" for message in messages[:_SHOWN]]
    if len(messages) > _SHOWN:
        lines.append(f"\n  ... and {len(messages) - _SHOWN} more{where_all}")
    return "".join(lines)
