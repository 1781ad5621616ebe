"""The Medium record: how a task shows a sample, and what is known of its media file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element


class MediaInfo(NamedTuple):
    """What the values of regions refer to: the size as it is displayed, in pixels (EXIF orientation applied)."""

    width: int
    height: int


@dataclass(frozen=True)
class Medium:
    """One kind of media, both directions.

    Law: ``parse_meta(to_meta(media)) == media``, and ``parse_marks(marks(media)) == media``.

    Attributes:
        name: name of its object tag, and key of its address in a task's data, where a task shows one of its kind
        noun: how messages name it
        scopes: where labels on it may live; the first is that of a field of the sample
        object_tag: the tag that shows it, for the name of the tag
        marks: what each region that is drawn on it carries besides its value
        parse_marks: what a region says of the media file, or None where it says nothing that can be right
        meta_keys: the keys that ``to_meta`` writes
        to_meta: what the meta of a task says of the media file
        parse_meta: what the meta of a task says of the media file, or None where it says nothing that can be right
        media_type: FiftyOne's name of the kind
        metadata: the fields of samples that say of the media file what ``parse_metadata`` reads
        parse_metadata: what the values of these fields say, or None where they say nothing
    """

    name: str
    noun: str
    scopes: tuple[str, ...]
    object_tag: Callable[[str], Element]
    marks: Callable[[MediaInfo], dict[str, Any]]
    parse_marks: Callable[[Mapping[str, Any]], MediaInfo | None]
    meta_keys: tuple[str, ...]
    to_meta: Callable[[MediaInfo], dict[str, Any]]
    parse_meta: Callable[[Mapping[str, Any]], MediaInfo | None]
    media_type: str
    metadata: tuple[str, ...]
    parse_metadata: Callable[[Sequence[Any]], MediaInfo | None]
