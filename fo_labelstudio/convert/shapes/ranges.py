"""Numbers of frames <-> ranges of them, both ends included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = list[int]


def to_ranges(numbers: Iterable[int]) -> list[Range]:
    """The ranges of consecutive numbers, ``[first, last]`` each, in ascending order.

    Args:
        numbers: numbers in any order
    """
    ranges: list[Range] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def joined(ranges: Iterable[Sequence[int]]) -> list[Range]:
    """The same numbers in as few ranges as there can be, in ascending order.

    Args:
        ranges: ranges in any order, also such as overlap
    """
    found: list[Range] = []
    for first, last in sorted(map(sorted, ranges)):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def numbers_in(ranges: Iterable[Sequence[int]], last: int) -> list[int]:
    """The numbers in ranges that do not overlap, up to a last one."""
    return [number for first, end in ranges for number in range(first, min(end, last) + 1)]
