"""Items that are kept in a temporary file rather than in memory."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_IN_MEMORY = 16 * 2**20
"""Bytes above which a file is made."""


class Spool(Generic[T]):
    """Items in the order in which they were added; in memory as long as they are small."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)

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
