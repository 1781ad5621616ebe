"""Answers about regions to control tags that the run does not have: somebody added them to the project.

What tells such an answer from one about the whole image: it shares the id of a region that is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fo_labelstudio.convert.names import is_text
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import RegionAnswer
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_KEYS = {"textarea": "text"}
"""``type`` of a result -> where its value has the answer, if that is not the same."""

_LEVELS = "/"
"""Between the levels of a choice in a taxonomy."""


def parse(result: Mapping[str, Any]) -> RegionAnswer | None:
    """What a result says of its region, or None where it says nothing.

    Raises:
        RegionError: it cannot become a FiftyOne label, or is damaged

    Source: label-studio 1.23.2, what its editor wrote
    """
    control, kind = result["from_name"], result["type"]
    answer = result["value"].get(_KEYS.get(kind, kind))
    if answer in (None, "", []):
        return None
    if kind in ("choices", "textarea", "taxonomy"):
        texts = [_text(item, kind) for item in (answer if isinstance(answer, list) else [answer])]
        values = tuple(filter(None, texts if kind == "textarea" else dict.fromkeys(texts)))
        return RegionAnswer(control, "str", values) if values else None
    if kind in ("number", "rating"):
        of = "int" if kind == "rating" else "float"
        return RegionAnswer(control, of, (Question(kind, of).parse({kind: answer}),))
    if kind == "datetime":
        of = "datetime" if isinstance(answer, str) and ":" in answer else "date"
        return RegionAnswer(control, of, (Question(of, of).parse({kind: answer}),))
    raise RegionError(f"a {kind} cannot become a FiftyOne label")


def _text(item: Any, kind: str) -> str:
    parts = item if kind == "taxonomy" and isinstance(item, list) else [item]
    if not all(isinstance(part, str) and is_text(part) and "\x00" not in part for part in parts):
        raise RegionError(f"its {kind} is {quoted(item)}, expected text")
    return _LEVELS.join(parts)
