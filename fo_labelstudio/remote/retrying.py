"""Requests that change something, repeated where it is known what has become of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from fo_labelstudio.errors import ConnectionFailedError, ServerError
from fo_labelstudio.log import logger

T = TypeVar("T")

_TRANSIENT = (429, 502, 503, 504)
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0


def is_transient(error: ServerError) -> bool:
    """Whether a request that failed like this may succeed later."""
    return isinstance(error, ConnectionFailedError) or error.status in _TRANSIENT


def repeated(request: Callable[[int], T], retries: int, what: str) -> T:
    """The answer to a request, which is repeated after errors that may pass, with growing pauses.

    Args:
        request: makes the request, given how often it was made already; finds out by itself whether an earlier one was
            served although its answer was lost
        retries: how often it is repeated
        what: what it is about, for messages

    Raises:
        ServerError: the last one; it says how often the request was made
    """
    for attempt in range(retries + 1):
        try:
            return request(attempt)
        except ServerError as error:
            if not is_transient(error):
                raise
            if attempt == retries:
                error.args = (f"{error.args[0]} ({what} was tried {attempt + 1} times)",)
                raise
            # Several clients that failed together must not come back together.
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1)
            pause = max(pause, min(error.retry_after or 0, _LONGEST_PAUSE))
            logger.warning("%s failed (%s); trying again in %.1f s", what, error, pause)
            time.sleep(pause)
    raise AssertionError("unreachable")
