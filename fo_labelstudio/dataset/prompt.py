"""Asking the person at the terminal or notebook."""

from __future__ import annotations

import getpass
import sys

import fiftyone.core.context as focx


def has_terminal() -> bool:
    """Whether somebody sits at a terminal."""
    return bool(sys.stdin and sys.stdin.isatty())


def ask(question: str, hidden: bool = False) -> str | None:
    """The answer to a question, or None where nobody is there to answer it.

    Args:
        question: what to ask
        hidden: whether the answer is not to be shown
    """
    if not focx.is_notebook_context() and not has_terminal():
        return None
    try:
        return (getpass.getpass if hidden else input)(question).strip() or None
    except (EOFError, NotImplementedError):
        # A notebook that is run without a person, by nbconvert say, cannot be asked.
        return None
