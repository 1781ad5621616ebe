"""What is being done, and how far: one line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from typing import TextIO

_LOG_SECONDS = 15.0
_CLEAR = "\r\033[K"


class Screen:
    """Where the set-up says what it does.

    Args:
        stream: a terminal or a log
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = self._logged = time.monotonic()

    @property
    def seconds(self) -> int:
        """Seconds since the set-up began."""
        return round(time.monotonic() - self._began)

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        self._write(f"{_CLEAR if self._terminal else ''}{text}\n")

    def begin(self, step: str) -> None:
        """Says in a log that a step begins; a terminal is told by :meth:`show`."""
        if not self._terminal:
            self._write(f"{self.seconds:4} s  {step}\n")

    def show(self, steps: Mapping[str, str]) -> None:
        """Shows the steps that are under way: all the time on a terminal, now and then in a log.

        Args:
            steps: name of a step -> how far it is, which may be empty
        """
        line = "; ".join(f"{name}: {state}" if state else name for name, state in steps.items())
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR + f"{self.seconds:4} s  {line}"[:width])
        elif time.monotonic() - self._logged >= _LOG_SECONDS:
            self._logged = time.monotonic()
            self._write(f"{self.seconds:4} s  {line}\n")

    def clear(self) -> None:
        """Removes the line that changes."""
        if self._terminal:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
