"""Single values <-> the controls that ask for them: <Number>, <TextArea>, <Choices>, <Rating>, <DateTime>.

Scalar fields and attributes of labels are both made of these.

Source: label-studio 1.23.2, what its editor wrote
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement

from fo_labelstudio.convert.names import is_showable, is_text, without_references
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.times import parse_time
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

KINDS = ("str", "int", "float", "bool", "date", "datetime", "list")
"""The kinds of values: what Python calls them; a list is one of strings, chosen or typed."""

_TOO_LARGE = 2**53
"""From here on the editor does not open the task (1.23.2)."""

_DEFAULT_STARS = 5

NO_HOTKEY = "f13"
"""A key that keyboards do not have. Without one, the editor gives each control a letter or digit of its own, with which
people change answers unawares: pressing that of a Number adds 1 to it, even where it is hidden (1.23.2)."""

_RESULT_TYPES = {
    "text": "textarea",
    "number": "number",
    "rating": "rating",
    "date": "datetime",
    "datetime": "datetime",
    "select": "choices",
    "radio": "choices",
    "checkbox": "choices",
}


class Question(NamedTuple):
    """What is asked for, and how.

    Attributes:
        tool: how it is asked for: ``text``, ``number``, ``rating``, ``date``, ``datetime``, ``select``, ``radio`` or
            ``checkbox``
        kind: the kind of its values, one of KINDS
        values: the values to choose from
    """

    tool: str
    kind: str
    values: tuple[Any, ...] = ()

    @property
    def result_type(self) -> str:
        """The ``type`` of the results that answer it."""
        return _RESULT_TYPES[self.tool]

    @staticmethod
    def text_of(value: Any) -> str:
        """A value as it is shown to choose it."""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def problem(self) -> str | None:
        """What keeps it from being asked, or None."""
        texts = [self.text_of(value) for value in self.values]
        if self.tool == "rating" and not all(type(value) is int and value > 0 for value in self.values):
            return f"its values {list(self.values)!r} are not all whole numbers above 0"
        if self.result_type == "choices":
            if not texts:
                return f"a {self.tool} needs values to choose from; pass values=[...]"
            if len(set(texts)) < len(texts):
                return f"two of its values {list(self.values)!r} look alike; leave one out"
            if not all(map(is_showable, texts)):
                return f"one of its values {list(self.values)!r} is blank or cannot be shown; leave it out"
        return None

    def problem_of(self, value: Any) -> str | None:
        """What keeps a value from being sent, or None."""
        try:
            self.to_json(value)
        except RegionError as error:
            return str(error)
        return None

    def listed(self, value: Any) -> tuple[Any, list[Any]]:
        """What of a value can be chosen, and what is not among the values to choose from."""
        if not self.values or value is None:
            return value, []
        if self.kind == "list" and isinstance(value, list):
            unlisted = [item for item in value if not self.is_listed(item)]
            return ([item for item in value if item not in unlisted], unlisted) if unlisted else (value, [])
        return (value, []) if self.is_listed(value) else (None, [value])

    def is_listed(self, value: Any) -> bool:
        """Whether a value, or an item of a list, can be chosen."""
        try:
            self._text(value)
        except RegionError:
            return False
        return True

    def to_json(self, value: Any) -> Any:
        """A value as the JSON that stands for it.

        Raises:
            RegionError: it is of another kind, or not among the values
        """
        if self.kind == "list":
            text_of = self._text if self.result_type == "choices" else _to_str
            texts = [text_of(item) for item in value] if isinstance(value, (list, tuple, set)) else None
            if texts is None:
                raise RegionError(f"is {quoted(value)}, expected a list of strings")
            return sorted(set(texts))
        if self.result_type == "choices":
            return self._text(value)
        return _TO_JSON[self.kind](value)

    def from_json(self, value: Any) -> Any:
        """The value that a JSON stands for, as FiftyOne stores it."""
        if self.kind == "list":
            return [self._chosen(text) for text in value] if self.result_type == "choices" else list(value)
        if self.result_type == "choices":
            return self._chosen(value)
        return _FROM_JSON.get(self.kind, lambda same: same)(value)

    def to_value(self, json_value: Any) -> dict[str, Any]:
        """The value of the result that carries an answer."""
        if self.result_type == "textarea" and not isinstance(json_value, list):
            json_value = str(json_value)
        is_listed = self.result_type in ("choices", "textarea") and not isinstance(json_value, list)
        return {self._key: [json_value] if is_listed else json_value}

    @property
    def _key(self) -> str:
        """Where the value of a result has the answer."""
        return "text" if self.result_type == "textarea" else self.result_type

    def parse(self, value: Any) -> Any:
        """The JSON that stands for the answer in a result's value, or None where there is none.

        Raises:
            RegionError: it answers another question
        """
        answer = value.get(self._key) if isinstance(value, dict) else None
        if self.result_type == "textarea":
            return self._parse_text(answer)
        if self.result_type == "choices":
            if not isinstance(answer, list):
                raise RegionError(f"its choices are {quoted(answer)}, expected a list")
            for text in answer:
                self._chosen(text)
            if self.kind == "list":
                return sorted(set(answer))
            if len(answer) > 1:
                raise RegionError(f"its choices are {quoted(answer)}, expected one")
            return answer[0] if answer else None
        if answer is None:
            return None
        return _TO_JSON[self.kind](_FROM_TEXT[self.kind](answer) if isinstance(answer, str) else answer)

    def control_tag(self, name: str, to_name: str, **options: str) -> Element:
        """The control tag that asks for it.

        Args:
            name: name of the tag
            to_name: name of the object tag that it asks about
            **options: further attributes of the tag
        """
        tag = {"textarea": "TextArea", "datetime": "DateTime"}.get(self.result_type, self.result_type.capitalize())
        control = Element(tag, {"name": name, "toName": to_name, **options})
        if self.tool == "text":
            # The editor loses line breaks where it edits a text in one row (1.23.2).
            control.attrib.update(editable="true", rows="2")
            if self.kind != "list":
                control.set("maxSubmissions", "1")
        elif self.tool == "number":
            control.set("step", "1" if self.kind == "int" else "any")
        elif self.tool == "rating":
            control.set("maxRating", str(max((int(value) for value in self.values), default=_DEFAULT_STARS)))
        elif self.tool == "date":
            control.set("only", "date")
        elif self.tool == "datetime":
            # The editor cannot submit a task with a time that is not in this very format (1.23.2).
            control.set("format", "%Y-%m-%dT%H:%M:%S.%f")
        elif self.result_type == "choices":
            control.set("choice", "multiple" if self.kind == "list" else "single")
            control.set(*(("layout", "select") if self.tool == "select" else ("showInline", "true")))
            for option in add_classes(control, "Choice", [self.text_of(value) for value in self.values]):
                option.set("hotkey", NO_HOTKEY)
        if self.result_type in ("number", "rating"):
            control.set("hotkey", NO_HOTKEY)
        return control

    def _text(self, value: Any) -> str:
        for known in self.values:
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return self.text_of(known)
        text = self.text_of(value)
        self._chosen(text)
        return text

    def _chosen(self, text: Any) -> Any:
        if self.tool == "text":
            return text
        for value in self.values:
            if self.text_of(value) == text:
                return value
        raise RegionError(f"is {quoted(text)}, which is not one of its values {quoted(list(self.values))}")

    def _parse_text(self, answer: Any) -> Any:
        lines = [answer] if isinstance(answer, str) else answer
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise RegionError(f"its text is {quoted(answer)}, expected a list of strings")
        if self.kind == "list":
            return sorted({_to_str(line) for line in lines if line})
        text = "\n".join(lines)
        return _TO_JSON[self.kind](_FROM_TEXT[self.kind](text)) if text else None


def kind_of_values(values: Sequence[Any]) -> str:
    """The kind that values to choose from have in common."""
    kinds = {type(value).__name__ for value in values}
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 and kinds <= {"int", "float", "bool"} else "str"


def add_classes(control: Element, tag: str, names: Sequence[str]) -> list[Element]:
    """Adds what can be chosen to a control; where a name cannot be shown as it is, what regions say is its alias."""
    options = []
    for name in names:
        shown = without_references(name)
        option = SubElement(control, tag, value=shown)
        if shown != name:
            option.set("alias", name)
        options.append(option)
    return options


def _to_str(value: Any) -> str:
    if not isinstance(value, str):
        raise RegionError(f"is {quoted(value)}, expected a string")
    if "\x00" in value or not is_text(value):
        raise RegionError(f"is {quoted(value)}, which has a character that databases refuse")
    return value


def _to_int(value: Any) -> int:
    number = _to_number(value)
    if number != int(number):
        raise RegionError(f"is {quoted(value)}, expected a whole number")
    return int(number)


def _to_number(value: Any) -> float:
    if not is_finite(value):
        raise RegionError(f"is {quoted(value)}, expected a finite number")
    if abs(value) >= _TOO_LARGE:
        raise RegionError(f"is {quoted(value)}, larger than the editor can hold")
    return value


def _to_date(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise RegionError(f"is {quoted(value)}, expected a date")
    return value.isoformat()


def _to_datetime(value: Any) -> str:
    if not isinstance(value, datetime):
        raise RegionError(f"is {quoted(value)}, expected a date and time")
    time: datetime = value
    if time.tzinfo is not None:
        try:
            time = time.astimezone(timezone.utc).replace(tzinfo=None)
        except OverflowError:
            raise RegionError(f"is {quoted(value)}, which is not a time in UTC") from None
    return time.isoformat(timespec="microseconds")


def _to_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RegionError(f"is {quoted(value)}, expected true or false")
    return value


def _from_iso(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise RegionError(f"is {quoted(text)}, expected a date in ISO 8601") from None


def _from_number(text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise RegionError(f"is {quoted(text)}, expected a number") from None


_TO_JSON: Mapping[str, Callable[[Any], Any]] = {
    "str": _to_str,
    "int": _to_int,
    "float": lambda value: float(_to_number(value)),
    "bool": _to_bool,
    "date": _to_date,
    "datetime": _to_datetime,
}
_FROM_JSON: Mapping[str, Callable[[Any], Any]] = {"date": date.fromisoformat, "datetime": datetime.fromisoformat}
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": _from_number,
    "float": _from_number,
    "bool": lambda text: {"true": True, "false": False}.get(text.lower(), text),
    "date": _from_iso,
    "datetime": _from_iso,
}
