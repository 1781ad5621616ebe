"""Work that goes on in the background while its last result is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def read_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items, each made by a thread while the one before it is used."""
    end: Any = object()
    remaining = iter(items)
    with ThreadPoolExecutor(1) as executor:
        following = executor.submit(next, remaining, end)
        while (item := following.result()) is not end:
            following = executor.submit(next, remaining, end)
            yield item
