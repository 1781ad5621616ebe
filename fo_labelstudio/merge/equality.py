"""When two stored values are the same, and what an edit leaves of a stored value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fo_labelstudio.convert.numbers import TOLERANCE, is_number
from fo_labelstudio.convert.times import in_utc


def blend(stored: Any, before: Any, after: Any) -> Any:
    """The value after an edit, with every number that the edit left alone exactly as stored.

    Args:
        stored: the stored value
        before: the stored value as it would come back untouched
        after: the value that came back
    """
    if all(isinstance(value, list) for value in (stored, before, after)) and len(stored) == len(before) == len(after):
        return [blend(*values) for values in zip(stored, before, after, strict=True)]
    return stored if stored is not None and is_same(before, after) else after


def is_identical(one: Any, other: Any) -> bool:
    """Whether two values are equal; unlike Python's ``==``, NaN is NaN, and binary data is what it holds."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_identical, one, other))
    if isinstance(one, bytes) and isinstance(other, bytes):
        return bytes(one) == bytes(other)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return in_utc(one) == in_utc(other)
    return bool(one == other or (one != one and other != other))


def is_same(before: Any, after: Any) -> bool:
    """Whether two values are equal, numbers within TOLERANCE."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_same, before, after))
    if is_number(before) and is_number(after):
        return abs(before - after) <= TOLERANCE or is_identical(before, after)
    return is_identical(before, after)
