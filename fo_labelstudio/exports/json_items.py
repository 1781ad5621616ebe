"""The values of a long JSON text, one at a time: the items of a list, or objects one after another (JSON lines).

Each value is decoded by Python's own decoder out of a window that moves over the text, so values are exactly those of
``json.loads``, and a broken one costs only itself. A streaming parser does less: ijson 3.6.0 (yajl) reads lone
surrogates as ``?``, refuses whole numbers above 64 bits, and ends at the first broken value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TextIO

from fo_labelstudio.errors import ExportError
from fo_labelstudio.messages import quoted

_PIECE = 2**20
"""Characters that are read at once."""

_LONGEST_TOKEN = 16
"""Characters before the end of the window in which an error may come from that end: ``-Infinity``, ``\\ud83d``."""

_FARTHEST = 2**26
"""Characters after which the end of a broken value is no longer looked for."""

_TAIL = 256
"""Characters that are looked at again with those that follow; a pattern with its spaces is shorter."""

_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_AFTER_WORD = re.compile(r"(?=[,\]])")
_LINE = re.compile(r"\n(?=\{)")
_OBJECT = re.compile(r"[,\[]\s*(?=\{)")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")

_CLOSED_BY = {"{": "}", "[": "]"}

_decode = json.JSONDecoder().raw_decode


_MAY_GO_ON = re.compile(r"(\.|[eE][+-]?)?")
"""What may stand between a number and the end of the window, so that it may go on: ``0.`` of ``0.5``."""


class Item(NamedTuple):
    """A value, and the line on which it begins, from 1."""

    value: Any
    line: int


class Broken(NamedTuple):
    """A value that is no JSON, the line on which it begins, and what is wrong with it."""

    reason: str
    line: int


class _Window:
    """A part of a text; it moves on as values are taken from it, and grows where one is longer."""

    def __init__(self, text: TextIO):
        self._rest = text
        self.text = ""
        self.at = 0
        self.is_last = False
        self.has_bad_bytes = False
        self._line = 1
        """The line of the place up to which lines were counted."""
        self._column = 1
        self._counted = 0

    def grow(self) -> bool:
        """Reads on, and forgets what is before ``at``; False where there is no more."""
        piece = self._rest.read(max(_PIECE, len(self.text) - self.at))
        if not piece:
            self.is_last = True
            return False
        self.has_bad_bytes = self.has_bad_bytes or not _is_utf8(piece)
        self.line()
        self.text = self.text[self.at :] + piece
        self.at = self._counted = 0
        return True

    def line(self) -> int:
        """The line of ``at``."""
        lines = self.text.count("\n", self._counted, self.at)
        if lines:
            self._column = self.at - self.text.rindex("\n", self._counted, self.at)
        else:
            self._column += self.at - self._counted
        self._line += lines
        self._counted = self.at
        return self._line

    def place(self, after: int = 0) -> str:
        """The line and column of a place after ``at``, as a reader is told."""
        line, passed = self.line(), self.text[self.at : self.at + after]
        before, newline, rest = passed.rpartition("\n")
        column = len(rest) + 1 if newline else self._column + after
        return f"line {line + before.count(chr(10)) + bool(newline)}, column {column}"

    def next(self) -> str:
        """The next character that is no space, at which the window then is; empty at the end."""
        while True:
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.grow():
                return ""

    def value(self) -> Any:
        """The value at ``at``, which then is behind it; raises what :meth:`decoded` does."""
        value, self.at = self.decoded()
        return value

    def decoded(self) -> tuple[Any, int]:
        """The value at ``at``, and where in the window it ends.

        Raises:
            json.JSONDecodeError: it is none; ``pos`` counts from the beginning of the window
            ValueError: it holds a number of too many digits
            RecursionError: it is too deep
        """
        while True:
            try:
                value, end = _decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.is_last or not self._may_be_cut(error):
                    raise
                self.grow()
                continue
            if _MAY_GO_ON.fullmatch(self.text, end) and self.grow():
                continue
            if self.has_bad_bytes and _NOT_UTF8.search(self.text, self.at, end):
                raise ValueError("it holds bytes that are not UTF-8")
            return value, end

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - _LONGEST_TOKEN

    def is_cut(self, error: Exception) -> bool:
        """Whether a value is broken only because the text ends in it."""
        return isinstance(error, json.JSONDecodeError) and self.is_last and self._may_be_cut(error)

    def skip(self) -> bool:
        """Passes over a broken value; False, staying there, where its brackets and quotes are not in order."""
        if self.text[self.at] not in _CLOSED_BY:
            return self.find(_AFTER_WORD)
        open_brackets: list[str] = []
        after = 0
        while True:
            for match in _TOKEN.finditer(self.text, self.at + after):
                token = match.group()
                if token in _CLOSED_BY:
                    open_brackets.append(_CLOSED_BY[token])
                elif token in ("]", "}"):
                    if not open_brackets or open_brackets.pop() != token:
                        return False
                    if not open_brackets:
                        self.at = match.end()
                        return True
                elif token == '"':
                    break
                after = match.end() - self.at
            if after > _FARTHEST or not self.grow():
                return False

    def find(self, pattern: re.Pattern[str]) -> bool:
        """Moves behind the next match of a pattern; to the end, where there is none."""
        while True:
            if match := pattern.search(self.text, self.at):
                self.at = match.end()
                return True
            self.at = max(self.at, len(self.text) - _TAIL)
            if not self.grow():
                self.at = len(self.text)
                return False

    def find_task(self) -> bool:
        """Moves to the next task that names its data; to the end, where there is none."""
        while self.find(_OBJECT):
            try:
                value, end = self.decoded()
            except (ValueError, RecursionError):
                continue
            if isinstance(value.get("data"), dict):
                return True
            self.at = end
        return False


def items(text: TextIO) -> Iterator[Item | Broken]:
    """The values of a text, with those that are broken.

    Args:
        text: a JSON list, whose items are the values, or one or more objects one after another. It is opened with
            ``errors="surrogateescape"``, so that bytes that are not UTF-8 cost only the value in which they are

    Raises:
        ExportError: the text is empty, no JSON, or cut off, or it cannot be told where a broken value ends; what came
            before has been given out by then
    """
    window = _Window(text)
    first = window.next()
    if not first:
        raise ExportError("it is empty")
    if first == "[":
        window.at += 1
        return _items_of_list(window)
    if first == "{":
        return _objects(window)
    raise _unlike_json(window, 0)


def _items_of_list(window: _Window) -> Iterator[Item | Broken]:
    number = 0
    while (character := window.next()) != "]":
        if not character:
            raise _cut_off(window, number)
        item = _next(window, number, _skip_item)
        number += isinstance(item, Item)
        yield item
        if window.next() == ",":
            window.at += 1
        elif window.next() not in ("]", "{", ""):
            raise _unlike_json(window, number)
    window.at += 1
    if window.next():
        raise ExportError(f"after the end of the list, there is more at {window.place()}; is it two files in one?")


def _objects(window: _Window) -> Iterator[Item | Broken]:
    number = 0
    while character := window.next():
        if character != "{":
            raise _unlike_json(window, number)
        item = _next(window, number, _skip_line)
        number += isinstance(item, Item)
        yield item


def _next(window: _Window, number: int, skip: Callable[[_Window], str | None]) -> Item | Broken:
    line = window.line()
    is_cut = False
    try:
        return Item(window.value(), line)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        is_cut = window.is_cut(error)
        reason = _reason(window, error)
    also_lost = skip(window)
    if also_lost is not None:
        return Broken(reason + also_lost, line)
    if is_cut:
        raise _cut_off(window, number)
    raise ExportError(f"{_no_json(number)}: {reason}, and it cannot be told where the next begins")


def _skip_item(window: _Window) -> str | None:
    """Passes over a broken item of a list; what else is lost with it, or None where no end is found."""
    if window.skip() and window.next() in (",", "]"):
        return ""
    return f"; all up to {window.place()} is left out with it" if window.find_task() else None


def _skip_line(window: _Window) -> str | None:
    """Passes over a broken object; what else is lost with it, or None where no end is found."""
    is_passed = (window.skip() and window.next() in ("{", "")) or window.find(_LINE)
    return "" if is_passed else None


def _reason(window: _Window, error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {window.place(error.pos - window.at)}"
    return str(error).partition(";")[0]


def _cut_off(window: _Window, number: int) -> ExportError:
    place = window.place(len(window.text) - window.at)
    return ExportError(f"it is cut off at {place}, after {number} whole tasks; export or copy it once more")


def _unlike_json(window: _Window, number: int) -> ExportError:
    found = quoted(window.text[window.at : window.at + 20])
    return ExportError(f"{_no_json(number)}: {found} at {window.place()}")


def _no_json(number: int) -> str:
    return f"after {number} tasks, it is no JSON" if number else "it is no JSON"


def _is_utf8(piece: str) -> bool:
    return piece.isascii() or not _NOT_UTF8.search(piece)
