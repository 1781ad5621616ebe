"""The SpanKind record: what the spans of one medium are, and how their regions say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fo_labelstudio.convert.media.medium import MediaInfo


class Span(NamedTuple):
    """Where a span is, half-open.

    Attributes:
        start: where it starts
        end: where it ends; what is there is no longer in it
        notes: what had to be changed to make it of a region
    """

    start: Any
    end: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpanKind:
    """What the spans of one medium are, both directions.

    Law: ``parse(to_value(start, end, media), media) == Span(start, end)`` for whatever ``problem_of`` lets pass.

    Attributes:
        tag: name of the control tag that marks them; in lower case, it is the ``type`` of their regions
        problem_of: what is wrong with the ``start`` and the ``end`` of a label wherever it is, or None
        to_value: start, end, and what the span is of -> value of the region, without the class; raises RegionError
        parse: value of a region, and what it is of -> the span; raises RegionError
        words: start, end, and what the span is of -> the words in it; None where it has none
    """

    tag: str
    problem_of: Callable[[Any, Any], str | None]
    to_value: Callable[[Any, Any, MediaInfo], dict[str, Any]]
    parse: Callable[[Mapping[str, Any], MediaInfo], Span]
    words: Callable[[Any, Any, MediaInfo], str] | None = None

    @property
    def region_type(self) -> str:
        """The ``type`` of its regions."""
        return self.tag.lower()
