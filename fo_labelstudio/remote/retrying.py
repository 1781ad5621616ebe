"""Requests, repeated after errors that may pass."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from fo_labelstudio.errors import ConnectionFailedError, HalfMadeError, ServerError
from fo_labelstudio.log import logger

T = TypeVar("T")

_TRANSIENT = (429, 502, 503, 504)
_TOO_LARGE = 413
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0

_LONGEST_ASKED = 600.0
"""Seconds; a server that asks to wait longer than this is not waited for."""


def is_transient(error: ServerError) -> bool:
    """Whether a request that failed like this may succeed later."""
    return isinstance(error, (ConnectionFailedError, HalfMadeError)) or error.status in _TRANSIENT


def repeated(request: Callable[[int], T], retries: int, what: str) -> T:
    """The answer to a request, which is repeated after errors that may pass, with growing pauses.

    What fails in spite of having been repeated inside of it is not repeated again.

    Args:
        request: makes the request, given how often it was made already; finds out by itself whether an earlier one was
            served although its answer was lost
        retries: how often it is repeated
        what: what it is about, for messages

    Raises:
        ServerError: the last one; it says how often the request was made, and how to continue
    """
    for attempt in range(retries + 1):
        try:
            return request(attempt)
        except ServerError as error:
            if not is_transient(error) or error.tries is not None:
                raise
            asked = error.retry_after or 0.0
            if attempt == retries or asked > _LONGEST_ASKED:
                error.tries = attempt + 1
                error.args = (f"{error.args[0]} ({what} was tried {_times(error.tries)}; {_advice(asked)})",)
                raise
            # Several clients that failed together must not come back together.
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
            pause = asked + random.uniform(0, pause) if asked else random.uniform(pause / 2, pause)
            logger.warning("%s failed (%s); trying again in %.1f s", what, error, pause)
            time.sleep(pause)
    raise AssertionError("unreachable")


def sent_in_parts(items: Sequence[T], send: Callable[[Sequence[T]], None]) -> None:
    """Sends items in one request, or in smaller ones where a proxy takes less than the server does.

    Args:
        items: what is sent, one or more
        send: sends some of them

    Raises:
        ServerError: a request failed for another reason, or with a single item
    """
    try:
        send(items)
    except ServerError as error:
        if error.status != _TOO_LARGE or len(items) == 1:
            raise
        middle = len(items) // 2
        sent_in_parts(items[:middle], send)
        sent_in_parts(items[middle:], send)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _advice(asked: float) -> str:
    when = f"when the {asked:.0f} s have passed that the server asks for" if asked else "once the server answers"
    return f"to continue, make the same call again {when}"
