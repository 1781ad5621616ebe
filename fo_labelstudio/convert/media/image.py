"""Images: <Image>."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import MAX_PIXELS, MediaInfo, Medium, is_size
from fo_labelstudio.convert.numbers import is_finite

_SIZE = "size"


def object_tag(name: str) -> Element:
    # At its full width, a small image opens cropped under the toolbar.
    return Element("Image", name=name, value=f"${name}", width="90%", zoom="true", zoomControl="true")


def marks(media: MediaInfo) -> dict[str, Any]:
    return {"original_width": media.width, "original_height": media.height, "image_rotation": 0}


def parse_marks(region: Mapping[str, Any]) -> MediaInfo | None:
    width, height = region.get("original_width"), region.get("original_height")
    # Nearly all are whole numbers, and asking for that first takes a third of the time; tools write 640.0 too.
    if not (type(width) is type(height) is int):
        if not (is_finite(width) and is_finite(height) and width == int(width) and height == int(height)):
            return None
        width, height = int(width), int(height)
    return _media_of(width, height)


@lru_cache(256)
def _media_of(width: int, height: int) -> MediaInfo | None:
    return MediaInfo(width, height) if 0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS else None


def to_meta(media: MediaInfo) -> dict[str, Any]:
    return {_SIZE: [media.width, media.height]}


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    size = meta.get(_SIZE)
    if not is_size(size):
        return None
    width, height = size
    return MediaInfo(width, height)


def parse_metadata(values: Sequence[Any]) -> MediaInfo | None:
    width, height = values
    return MediaInfo(width, height) if width and height else None


MEDIUM = Medium(
    name="image",
    noun="image",
    scopes=("image",),
    object_tag=object_tag,
    marks=marks,
    parse_marks=parse_marks,
    meta_keys=(_SIZE,),
    to_meta=to_meta,
    parse_meta=parse_meta,
    media_type="image",
    looks_like=re.compile(r"\.(jpe?g|png|gif|bmp|webp|svg|tiff?|avif|heic|ico)\b|^data:image/", re.IGNORECASE),
    metadata=("metadata.width", "metadata.height"),
    parse_metadata=parse_metadata,
)
