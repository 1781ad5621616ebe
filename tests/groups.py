"""Groups of tests that one process runs, as they share what takes long to start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def name_groups(items: Iterable[Any]) -> None:
    """Gives tests the ids by which pytest-xdist tells their groups.

    pytest-xdist 3.8 writes them where pytest has read them until 9.1. With 9.2 each process runs tests of each group.

    Args:
        items: the tests, after all other hooks that change them
    """
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = item._id.parse(named)
