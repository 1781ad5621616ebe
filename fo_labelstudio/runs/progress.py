"""progress_bar(): how far something is that takes long, for the terminal, and for whoever else watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import fiftyone.core.utils as fou

Watcher = Callable[[str, int, int | None], None]
"""Is told what goes on, how much of it is done, and of how much, or None where nobody knows that."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Has somebody told of each step of all progress bars, for as long as the context lasts.

    Args:
        watcher: is called often, by this thread
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def progress_bar(what: str, total: int | None = None, **options: Any) -> Any:
    """A progress bar of FiftyOne's.

    Args:
        what: what goes on, in a few words that begin with a verb
        total: how many steps there are, where that is known
        **options: those of ``fiftyone.core.utils.ProgressBar``
    """
    watcher = _watcher.get()
    if watcher is not None and options.get("progress") is None:
        options["progress"] = _tells(watcher, what)
        watcher(what, 0, total)
    return fou.ProgressBar(total=total, **options)


def _tells(watcher: Watcher, what: str) -> Callable[[Any], None]:
    return lambda bar: watcher(what, bar.iteration, bar.total)
