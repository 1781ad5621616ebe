"""Asking the person at the terminal or notebook."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import fiftyone.core.context as focx

_is_unattended: ContextVar[bool] = ContextVar("is_unattended", default=False)


@contextmanager
def unattended() -> Iterator[None]:
    """Has nobody asked by this thread, whoever sits at the terminal, for as long as the context lasts."""
    token = _is_unattended.set(True)
    try:
        yield
    finally:
        _is_unattended.reset(token)


def has_terminal() -> bool:
    """Whether somebody sits at a terminal."""
    return bool(sys.stdin and sys.stdin.isatty()) and not _is_unattended.get()


def ask(question: str, hidden: bool = False) -> str | None:
    """The answer to a question, or None where nobody is there to answer it.

    Args:
        question: what to ask
        hidden: whether the answer is not to be shown
    """
    if _is_unattended.get() or not (focx.is_notebook_context() or has_terminal()):
        return None
    try:
        return (getpass.getpass if hidden else input)(question).strip() or None
    except (EOFError, NotImplementedError):
        # A notebook that is run without a person, by nbconvert say, cannot be asked.
        return None
