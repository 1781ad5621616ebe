"""How many things fit into memory at once, where some of them hold long texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CHARACTERS = 16_000_000
"""Of texts that are held at once; each is there a few times while it is converted."""

FIRST = 50
"""How many are looked at before anything is known of their length."""


def next_amount(rows: Iterable[Mapping[str, Any]], most: int) -> int:
    """How many are to be held at once, by what those before held.

    Args:
        rows: the values of those before
        most: how many there are at once where their texts are short
    """
    longest = max((sum(len(value) for value in row.values() if isinstance(value, str)) for row in rows), default=0)
    return max(1, min(most, CHARACTERS // (longest + 1)))
