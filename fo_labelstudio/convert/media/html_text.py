"""The text of HTML, as <HyperText> counts it (1.23.2): the texts of the body in their order, and 1 for each <br>.

The editor removes scripts, frames and comments. The browser reads the rest by the rules of HTML. Those that decide
about the text are here: what is in the head, which white space is dropped, and that a text between the cells of a table
is moved before the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

_SPACES = "\t\n\f "
_LINE = "\n"
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_REMOVED = frozenset(("script", "iframe"))
_UNCOUNTED = frozenset(("template",))
_OF_HEAD = frozenset(("title", "style", "noscript", "noframes", "template"))
_NEUTRAL = frozenset(("html", "head", "base", "link", "meta"))
_WITHOUT_FIRST_LINE = frozenset(("pre", "textarea", "listing"))
_ROWS = frozenset(("table", "thead", "tbody", "tfoot", "tr"))
_CELLS = frozenset(("td", "th", "caption"))
_STAYS_IN_TABLES = frozenset(("style",))
_PARTS = _ROWS | _CELLS
_DEEPEST = 512
"""Elements in each other, of which no browser has more; their texts come in the same order."""

_CLOSED_BY = {
    "thead": ("table",),
    "tbody": ("table",),
    "tfoot": ("table",),
    "caption": ("table",),
    "colgroup": ("table",),
    "tr": ("thead", "tbody", "tfoot", "table"),
    "td": ("tr", "table"),
    "th": ("tr", "table"),
}
"""Part of a table -> in which others it stands; it ends all that is open in the next one of these."""

_Texts = list[Any]


@lru_cache(maxsize=8)
def text_of(html: str, is_inline: bool = False) -> str:
    """The text of HTML that offsets count in; a line end for each ``<br>``.

    Args:
        html: the HTML
        is_inline: whether it is shown with ``inline="true"``, which counts what stands before the body, too
    """
    reader = _Reader(is_inline)
    reader.feed(_with_line_ends(html))
    reader.close()
    return reader.text


def _with_line_ends(text: str) -> str:
    return text.replace("\r\n", _LINE).replace("\r", _LINE)


class _Reader(HTMLParser):
    """Collects the texts. What may still get something is a list in the list of texts."""

    def __init__(self, is_in_body: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._texts: _Texts = []
        # Each open element: its name, where its texts go, and where those go that are moved before it.
        self._open: list[tuple[str, _Texts, _Texts]] = []
        self._left_out: list[str] = []
        self._is_in_body = is_in_body
        self._drops_line = False

    @property
    def text(self) -> str:
        """What was collected."""
        found: list[str] = []
        pending: list[Any] = [self._texts]
        while pending:
            item = pending.pop()
            if isinstance(item, list):
                pending.extend(reversed(item))
            else:
                found.append(item)
        return "".join(found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._drops_line = False
        if self._left_out or tag in _REMOVED or tag in _UNCOUNTED or (not self._is_in_body and tag in _OF_HEAD):
            if tag not in _VOID and (not self._left_out or tag == self._left_out[-1]):
                self._left_out.append(tag)
            return
        if tag in _NEUTRAL:
            return
        self._is_in_body = True
        if tag == "body":
            return
        if tag == "br":
            self._add_line()
        elif tag == "table":
            self._begin_table()
        elif tag in _CLOSED_BY:
            self._begin_part(tag)
        elif tag not in _VOID and len(self._open) < _DEEPEST:
            self._drops_line = tag in _WITHOUT_FIRST_LINE
            target = self._target(tag in _STAYS_IN_TABLES)
            self._open.append((tag, target, target))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A slash at the end means nothing to a browser.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._drops_line = False
        if self._left_out:
            if tag == self._left_out[-1]:
                self._left_out.pop()
        elif tag == "br":
            self._is_in_body = True
            self._add_line()
        elif tag in ("body", "html"):
            # What follows is added to the body.
            self._is_in_body = True
        elif tag != "colgroup":
            self._end(tag)

    def handle_data(self, data: str) -> None:
        data = _with_line_ends(data)
        if self._drops_line:
            data = data.removeprefix(_LINE)
        self._drops_line = False
        if self._left_out:
            return
        if not self._is_in_body:
            data = data.lstrip(_SPACES)
            self._is_in_body = bool(data)
        is_blank = not data.strip(_SPACES)
        if self._open and self._open[-1][0] == "colgroup" and not is_blank:
            self._open.pop()
        self._target(is_blank).append(data)

    def _target(self, is_blank: bool = False) -> _Texts:
        """Where a text goes; between the cells of a table, only white space stays where it is."""
        if not self._open:
            return self._texts
        name, texts, before = self._open[-1]
        return before if name in _ROWS and not is_blank else texts

    def _add_line(self) -> None:
        self._target().append(_LINE)

    def _begin_table(self) -> None:
        if self._open and self._open[-1][0] in _ROWS:
            self._end("table")
        target = self._target()
        before: _Texts = []
        inside: _Texts = []
        target += [before, inside]
        self._open.append(("table", inside, before))

    def _begin_part(self, tag: str) -> None:
        place = self._last(lambda name: name in _CLOSED_BY[tag] or name in _CELLS or name == "table")
        if place is None or (self._open[place][0] in _CELLS and self._last(lambda name: name == "table") is None):
            return
        if self._open[place][0] in _CELLS:
            # A cell that is still open ends here.
            del self._open[place:]
            self._begin_part(tag)
            return
        _, texts, before = self._open[place]
        del self._open[place + 1 :]
        self._open.append((tag, texts, before))

    def _end(self, tag: str) -> None:
        """Ends the last open element of a name, and all in it; but from within a table, only what is of the table."""
        edges = () if tag == "table" else ("table",) if tag in _PARTS else _PARTS
        place = self._last(lambda name: name == tag or name in edges)
        if place is not None and self._open[place][0] == tag:
            del self._open[place:]

    def _last(self, is_it: Callable[[str], bool]) -> int | None:
        return next((place for place in range(len(self._open) - 1, -1, -1) if is_it(self._open[place][0])), None)
