"""How items are passed on between the steps of a run: made ahead in the background, or kept in a temporary file."""

from __future__ import annotations

import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MEMORY_BYTES = 16 * 2**20
"""Of a spool of large items; more than these are in a file."""

FEW_BYTES = 2**20
"""The same of one of small items, of which there are as many."""


def read_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items, each made by a thread while the one before it is used."""
    end: Any = object()
    remaining = iter(items)
    with ThreadPoolExecutor(1) as executor:
        following = executor.submit(next, remaining, end)
        while (item := following.result()) is not end:
            following = executor.submit(next, remaining, end)
            yield item


def in_blocks(items: Iterable[T], size: Callable[[T], int], most: int, most_bytes: int) -> Iterator[list[T]]:
    """Items, as many together as a request may send.

    Args:
        items: the items
        size: how many bytes an item takes
        most: items a block
        most_bytes: bytes a block, unless a single item takes more
    """
    block: list[T] = []
    total = 0
    for item in items:
        own = size(item)
        if block and (len(block) == most or total + own > most_bytes):
            yield block
            block, total = [], 0
        block.append(item)
        total += own
    if block:
        yield block


def side_by_side(
    work: Callable[[T], R], items: Iterable[T], most: int, number: Callable[[], int] | None = None
) -> Iterator[R]:
    """What becomes of items, in their order; some threads work at the next ones while one is used.

    Args:
        work: makes something of an item
        items: the items; each is asked for when there is a thread for it
        most: how many may be worked at at once
        number: tells how many are, from 1, where that is to change on the way
    """
    remaining = iter(items)
    started: deque[Future[R]] = deque()
    with ThreadPoolExecutor(most) as executor:

        def start() -> None:
            free = (most if number is None else number()) - len(started)
            started.extend(executor.submit(work, item) for item in islice(remaining, max(free, 0)))

        start()
        while started:
            made = started.popleft().result()
            start()
            yield made


class Spool(Generic[T]):
    """Items in the order in which they were added; in memory as long as they are small.

    Args:
        memory: bytes that they may take there
    """

    def __init__(self, memory: int = MEMORY_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(memory)

    @property
    def size(self) -> int:
        """Bytes that the items take, while they are added."""
        return self._file.tell()

    def add(self, item: T) -> None:
        """Adds an item; not while they are read."""
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        while True:
            try:
                item = pickle.load(self._file)
            except EOFError:
                return
            yield item
