"""What counts as a number, and when two are the same."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

TOLERANCE = 1e-9
"""Relative to the image, or radians; a number that comes back closer than this to the stored one was not changed."""


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number; JSON and Python tell booleans from numbers differently."""
    # Nearly all are floats, and asking for that first takes half the time.
    return type(value) is float or (isinstance(value, (int, float)) and not isinstance(value, bool))


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether a value is a number that is neither infinite nor NaN."""
    if type(value) is float:
        return math.isfinite(value)
    # Whole numbers beyond the range of a float are finite all the same.
    return is_number(value) and (isinstance(value, int) or math.isfinite(value))
