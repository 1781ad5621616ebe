"""Very many whole numbers, such as ids of tasks, in little text."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable


def packed(numbers: Iterable[int]) -> str:
    """A set of whole numbers from 0 on as text; the ids of 100,000 tasks in a row take some 200 characters.

    Each is written as its distance from the one before it, in 7 bits a byte, lowest first; the whole is deflated.
    """
    written = bytearray()
    last = 0
    for number in sorted(set(numbers)):
        distance, last = number - last, number
        while distance > 0x7F:
            written.append(distance & 0x7F | 0x80)
            distance >>= 7
        written.append(distance)
    return b64encode(zlib.compress(bytes(written), 9)).decode()


def unpacked(text: str) -> set[int]:
    """The numbers that :func:`packed` wrote."""
    numbers: set[int] = set()
    last = distance = shift = 0
    for byte in zlib.decompress(b64decode(text)):
        distance |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            last += distance
            numbers.add(last)
            distance = shift = 0
    return numbers
