"""Lists of images: one <Image> with a valueList, each region of which says the place of its image, from 0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.fields as fof

from fo_labelstudio.convert.media import image
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue, is_size, of_items
from fo_labelstudio.messages import quoted

PLACE = "item_index"
"""What regions and labels say of the place of their image in the list."""

_SIZES = "sizes"

_NOTHING = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAADCAAAAACRn/EaAAAAEE"
    "lEQVR42mN8zcDAwMQAIwANFgDxIdIDgQAAAABJRU5ErkJggg=="
)
"""A grey image of 4 x 3 pixels: the editor fails at a task that lists none (1.23.2)."""


def object_tag(name: str) -> Element:
    tag = image.object_tag(name)
    del tag.attrib["value"]
    tag.set("valueList", f"${name}")
    return tag


def marks(media: MediaInfo) -> dict[str, Any]:
    return {**image.marks(media), PLACE: media.item}


def parse_marks(region: Mapping[str, Any]) -> MediaInfo | None:
    found, place = image.parse_marks(region), region.get(PLACE)
    return found and (found._replace(item=place) if type(place) is int and place >= 0 else None)


def to_meta(media: MediaInfo) -> dict[str, Any]:
    return {_SIZES: [[item.width, item.height] for item in media.items]}


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    return sizes_in(meta.get(_SIZES))


def sizes_in(sizes: Any) -> MediaInfo | None:
    """A list of images whose sizes the meta of a task says; None where these cannot be right."""
    if not isinstance(sizes, list) or not all(map(is_size, sizes)):
        return None
    return of_items(MediaInfo(*size) for size in sizes)


def problem_of_value(value: Any) -> str | None:
    if not isinstance(value, list):
        return f"is {quoted(value)}, expected a list of paths"
    wrong = next(((place, path) for place, path in enumerate(value) if not (isinstance(path, str) and path)), None)
    return wrong and f"has {quoted(wrong[1])} at place {wrong[0]}, expected the path of an image"


def paths_of(value: Any) -> tuple[str, ...]:
    return tuple(value or ())


def value_to_data(value: Any) -> list[str]:
    return list(paths_of(value)) or [_NOTHING]


def parse_value(data: Any) -> MediaInfo:
    return of_items(MediaInfo() for _ in (data if isinstance(data, list) else ()))


MEDIUM = Medium(
    name="images",
    noun="list of images",
    scopes=("images",),
    object_tag=object_tag,
    marks=marks,
    parse_marks=parse_marks,
    meta_keys=(_SIZES,),
    to_meta=to_meta,
    parse_meta=parse_meta,
    # Only the label schema tells lists of images.
    looks_like=re.compile(r"(?!)"),
    shown_value=ShownValue(
        key="images",
        noun="lists of paths of images",
        field_types=(fof.ListField,),
        problem_of=problem_of_value,
        to_data=value_to_data,
        parse=parse_value,
        paths_of=paths_of,
    ),
    item="image",
)
