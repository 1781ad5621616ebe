"""How messages show many lines, and values that somebody else made."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

MAX_LISTED = 10
"""Messages that are shown of many."""

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 80
_repr.maxlong = 40


def listed(messages: Sequence[object], where_all: str = "") -> str:
    """Messages on indented lines of their own; of many, the first ones, and how many more there are.

    Args:
        messages: the messages
        where_all: where all of them can be read
    """
    lines = [f"\n  {message}" for message in messages[:MAX_LISTED]]
    if len(messages) > MAX_LISTED:
        lines.append(f"\n  ... and {len(messages) - MAX_LISTED} more{where_all}")
    return "".join(lines)


def meant(name: str, known: Iterable[str], otherwise: str) -> str:
    """The question whether one of some names was meant by another one, or something else where none is like it.

    Args:
        name: the name that is not known
        known: those that are
        otherwise: what is said where none of them is like it
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else otherwise


def quoted(value: Any) -> str:
    """A value that somebody else made, as ``repr`` shows it, but short, however long or deeply nested it is."""
    return _repr.repr(value)


def with_article(noun: str) -> str:
    """A noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"
