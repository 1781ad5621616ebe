"""How Python's garbage collector is kept from slowing loads down."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OF_PYTHON = 1000
"""Python 3.12 has frozen fewer objects itself when it starts."""


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Has the garbage collector pass over what was there before; also a decorator.

    Looking at all that FiftyOne has imported takes 0.2 s, and a load has it looked at once or twice. CPU seconds of a
    load, without and with this: 0.42 and 0.24 for 500 images with ten boxes each, 0.65 and 0.46 for 1,000, 1.23 and
    0.92 for 2,000 (medians of 8, 6 and 3 pairs in turn). ``annotate()`` gained nothing, so it does without. Whoever has
    frozen objects themselves is left alone.
    """
    if gc.get_freeze_count() > _OF_PYTHON:
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def no_collection() -> Iterator[None]:
    """Has the garbage collector wait for a while in which much is made and nothing becomes garbage.

    The boxes of a long video are hundreds of thousands of dicts, and the collector looks at all of them again and
    again: 40,000 boxes take 0.7 CPU seconds with it, and 0.3 without.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
