"""The Medium record: how a task shows a sample, and what is known of its media file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

UNKNOWN = "unknown"
"""FiftyOne's media type of samples whose files it does not know (1.22.1)."""

MAX_PIXELS = 2**31 - 1
"""Pixels of the longest side that any format of images and videos can have."""


class MediaInfo(NamedTuple):
    """What the values of regions refer to.

    Attributes:
        width: the width as it is displayed, in pixels (EXIF orientation applied)
        height: the height as it is displayed, in pixels
        frame_count: the number of frames; 0 where there are none
        frame_rate: the frames that are shown in a second; 0 where there are none
        text: the text itself; empty where there is none
        turns: the text of each turn of a conversation; none where there are none
        columns: the names of the columns of a series that is in a file; none where there is none
        is_dated: whether the times of a series are dates
        source: what is in its file, where that says more than the text or the turns
        items: of a list, what regions on each of its items refer to; none where it is no list
        item: the place in such a list, from 0; None where it is none of a list
    """

    width: int = 0
    height: int = 0
    frame_count: int = 0
    frame_rate: float = 0.0
    text: str = ""
    turns: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    is_dated: bool = False
    source: str = ""
    items: tuple[MediaInfo, ...] = ()
    item: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height, in pixels."""
        return self.width, self.height


@dataclass(frozen=True)
class ShownValue:
    """How the value of a field of a sample is shown, beside what shows the sample itself.

    A sample without such a value has a task that shows nothing of it, so that no label can be on it.

    Law: ``parse(json.loads(json.dumps(to_data(value)))) == parse(to_data(value))``.

    Attributes:
        key: the key of a label schema's entry that names the field
        noun: how messages name such values, in the plural
        field_types: the classes of the fields that hold them
        problem_of: what keeps a value from being shown, or None; it is not asked of None
        to_data: what the data of a task holds of a value, or of None, as JSON
        parse: what regions refer to, given what the data of a task holds, whatever that is
        columns_of: the names of what the object tag must name of a value, in order; all values of a run have the same
        paths_of: the paths of the files that a value lists, or None, where the data of a task are to hold their
            addresses; the meta of the task then says what ``parse`` would
        options: the XML attributes of an object tag of somebody else's that say how it shows a value
        problem_of_options: what keeps an object tag with such XML attributes from showing what ``to_data`` makes, and
            what to do; or None
        problem_of_columns: what keeps an object tag with such XML attributes from showing columns of such names, where
            they are known, and what to do; or None
        of_options: a value that an object tag with such XML attributes shows -> what ours shows alike
        is_counted_alike: whether regions on a value mean the same on an object tag with such XML attributes as on ours
    """

    key: str
    noun: str
    field_types: tuple[type[fof.Field], ...]
    problem_of: Callable[[Any], str | None]
    to_data: Callable[[Any], Any]
    parse: Callable[[Any], MediaInfo]
    columns_of: Callable[[Any], tuple[str, ...]] | None = None
    paths_of: Callable[[Any], tuple[str, ...]] | None = None
    options: tuple[str, ...] = ()
    problem_of_options: Callable[[Mapping[str, str]], str | None] = lambda options: None
    problem_of_columns: Callable[[Mapping[str, str], Sequence[str]], str | None] = lambda options, columns: None
    of_options: Callable[[Any, Mapping[str, str]], Any] = lambda value, options: value
    is_counted_alike: Callable[[Any, Mapping[str, str]], bool] = lambda value, options: True


@dataclass(frozen=True, kw_only=True)
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
        media_type: FiftyOne's name of the kind; empty where it has none
        data_keys: the keys that ``to_data`` writes
        option: the XML attribute of its object tag that says more of the media file; empty where there is none
        to_data: what the data of a task says of the media file, besides its address, for its object tag to name; what
            stands in ``option`` where the object tag is not ours, or None
        problem_of: what keeps an object tag with that ``option``, or that value of it, from showing the media file, or
            None
        looks_like: what addresses of its files look like, where nothing else tells them from other texts
        style: how the editor is to show it, as CSS; empty where it needs no help
        frame_scope: where labels of its single frames live, one of ``scopes``; None where it has no frames
        metadata: the fields of samples that say of the media file what ``parse_metadata`` reads
        parse_metadata: what the values of these fields say, or None where they say nothing
        shown_value: how a value of a sample is shown as it; None where only media files are
        extensions: how the names of its files end, where FiftyOne knows no media type of theirs
        content: what the data of a task holds of what is in a file, for ``shown_value`` to parse; None where it holds
            the address of the file
        is_content: whether what is in a file is of its kind, where files of several kinds are called alike
        to_file: a value that can be shown -> what is in a file of it
        columns_in: the names of what the object tag must name of a file, given the beginning of what is in it, as whole
            lines; raises ValueError where it tells none; all files of a run have the same
        name_columns: writes into its object tag what the columns of a value, or of a file, are called
        item: name of the medium of which its object tag shows a list; empty where it shows one thing
        drawn_as: name of the medium that shows its files where labels are drawn on them, which its object tag does not
            take; empty where there is none
    """

    name: str
    noun: str
    scopes: tuple[str, ...]
    object_tag: Callable[[str], Element]
    looks_like: re.Pattern[str]
    marks: Callable[[MediaInfo], dict[str, Any]] = lambda media: {}
    parse_marks: Callable[[Mapping[str, Any]], MediaInfo | None] = lambda region: None
    meta_keys: tuple[str, ...] = ()
    to_meta: Callable[[MediaInfo], dict[str, Any]] = lambda media: {}
    parse_meta: Callable[[Mapping[str, Any]], MediaInfo | None] = lambda meta: MediaInfo()
    media_type: str = ""
    metadata: tuple[str, ...] = ()
    parse_metadata: Callable[[Sequence[Any]], MediaInfo | None] = lambda values: None
    data_keys: tuple[str, ...] = ()
    option: str = ""
    to_data: Callable[[MediaInfo, str | None], dict[str, Any]] = lambda media, option: {}
    problem_of: Callable[[MediaInfo, str | None], str | None] = lambda media, option: None
    style: str = ""
    frame_scope: str | None = None
    shown_value: ShownValue | None = None
    extensions: tuple[str, ...] = ()
    content: Callable[[MediaInfo], Any] | None = None
    is_content: Callable[[str], bool] = lambda text: True
    to_file: Callable[[Any], str] = lambda value: value if isinstance(value, str) else json.dumps(value)
    columns_in: Callable[[str], tuple[str, ...]] | None = None
    name_columns: Callable[[Element, Sequence[str]], None] = lambda tag, columns: None
    item: str = ""
    drawn_as: str = ""

    @property
    def nouns(self) -> str:
        """How messages name several."""
        first, _, rest = self.noun.partition(" of ")
        plural = first if first.endswith("s") else f"{first}s"
        return f"{plural} of {rest}" if rest else plural

    @property
    def stretches_vectors(self) -> bool:
        """Whether the editor damages vectors: on a list, once somebody turns to an image of another size (1.23.2)."""
        return bool(self.item)

    @property
    def value_attribute(self) -> str:
        """The XML attribute of its object tag that names what it shows."""
        return "valueList" if self.item else "value"

    def scope_of(self, is_of_frames: bool) -> str:
        """Where labels live: those of single frames, if it has frames, or those of the sample itself."""
        return self.frame_scope if is_of_frames and self.frame_scope is not None else self.scopes[0]


def of_items(items: Iterable[MediaInfo]) -> MediaInfo:
    """What regions refer to that are on a list.

    Args:
        items: what those on each item refer to, in order
    """
    return MediaInfo(items=tuple(item._replace(item=place) for place, item in enumerate(items)))


def is_size(size: Any) -> TypeGuard[list[int]]:
    """Whether something is the width and height of a media file, in pixels."""
    is_pair = isinstance(size, list) and len(size) == 2
    return is_pair and all(type(side) is int and 0 < side <= MAX_PIXELS for side in size)
