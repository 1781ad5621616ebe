"""What a check finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import DEFAULT_NAME, ConnectionSettings

OK, WARNING, FAILED, SKIPPED = STATES = ("ok", "warning", "failed", "skipped")
"""What a check can end in: all is well, it may become a problem, it is one, or it could not be looked at."""


class Finding(NamedTuple):
    """What a check has found; one line.

    Attributes:
        check: what was looked at
        state: one of STATES
        found: what is the case
        remedy: what to do, empty where there is nothing to do
    """

    check: str
    state: str
    found: str
    remedy: str = ""


@dataclass
class Case:
    """What is looked at; earlier checks leave here what later ones need.

    Attributes:
        name: the name of the backend
        given: settings of the connection that were given
        media: addresses, or paths, of images that people should see
        may_change: whether a project may be made on the server, and deleted again
        settings: how to reach the server, once it is known
        client: the server, once it has answered
        is_signed_in: whether it has taken the key
        project_id: a project for images, once there is one
        leftovers: undoes what was made
    """

    name: str = DEFAULT_NAME
    given: Mapping[str, Any] = field(default_factory=dict)
    media: tuple[str, ...] = ()
    may_change: bool = True
    settings: ConnectionSettings | None = None
    client: Client | None = None
    is_signed_in: bool = False
    project_id: int | None = None
    leftovers: ExitStack = field(default_factory=ExitStack)


class Check(NamedTuple):
    """One check.

    Attributes:
        name: what it looks at
        look: says what it has found; any number of lines
    """

    name: str
    look: Callable[[Case], Iterable[Finding]]


def failed(check: str, error: Exception, remedy: str = "") -> Finding:
    """What an error tells, whose message ends with what to do.

    Args:
        check: what was looked at
        error: the error
        remedy: what to do, where that is not what the message says
    """
    found, own_remedy = split(str(error))
    return Finding(check, FAILED, found or type(error).__name__, remedy or own_remedy)


def split(message: str) -> tuple[str, str]:
    """What a message says was wrong, and what it says to do, which are parted by the first semicolon.

    Those in brackets are somebody else's, whose words the message repeats, and may have cut off.
    """
    depth = 0
    for place, letter in enumerate(message):
        depth += (letter in "([{") - (letter in ")]}")
        if depth <= 0 and message.startswith("; ", place):
            return message[:place], message[place + 2 :]
    found, bracket, remedy = message.partition("); ")
    return f"{found}{bracket[:1]}", remedy
