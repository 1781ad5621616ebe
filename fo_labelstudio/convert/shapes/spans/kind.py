"""The SpanKind record: what the spans of one medium are, and how their regions say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fo_labelstudio.convert.media.medium import MediaInfo


class Span(NamedTuple):
    """Where a span is, half-open.

    Attributes:
        start: where it starts
        end: where it ends; what is there is no longer in it
        notes: what had to be changed to make it of a region
        turn: the turn of a conversation in which it starts; None where there are no turns
        channel: the channel of the audio that it is on, from 0
    """

    start: Any
    end: Any
    notes: tuple[str, ...] = ()
    turn: int | None = None
    channel: int = 0

    def at(self, more: Sequence[str]) -> tuple[Any, ...]:
        """Where it is: its start, its end, and the attributes ``more``."""
        return (self.start, self.end, *(getattr(self, name) for name in more))

    @classmethod
    def absent(cls, name: str) -> Any:
        """What the absence of one of its attributes of a label stands for."""
        return cls._field_defaults.get(name)


@dataclass(frozen=True)
class SpanKind:
    """What the spans of one medium are, both directions.

    What says where a label is are its ``start``, its ``end``, and the attributes ``more``, in this order.

    Law: ``parse(to_value(*where, media), media).at(more) == where`` for whatever ``problem_of`` lets pass.

    Attributes:
        tag: name of the control tag that marks them; in lower case, it is the ``type`` of their regions
        problem_of: where a label is -> what is wrong with that on whatever it is, or None
        to_value: where, and what the span is of -> value of the region, without the class; raises RegionError
        parse: value of a region, and what it is of -> the span; raises RegionError
        words: where, and what the span is of -> the words in it; None where it has none
        more: the attributes of :class:`Span` that say where it is, besides ``start`` and ``end``
    """

    tag: str
    problem_of: Callable[..., str | None]
    to_value: Callable[..., dict[str, Any]]
    parse: Callable[[Mapping[str, Any], MediaInfo], Span]
    words: Callable[..., str] | None = None
    more: tuple[str, ...] = ()

    @property
    def region_type(self) -> str:
        """The ``type`` of its regions."""
        return self.tag.lower()
