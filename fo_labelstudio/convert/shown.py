"""Values of others, as messages show them."""

from __future__ import annotations

import reprlib
from typing import Any

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 80
_repr.maxlong = 40


def shown(value: Any) -> str:
    """A value that somebody else made, as ``repr`` shows it, but short, however long or deeply nested it is."""
    return _repr.repr(value)
