"""Videos: <Video>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import MediaInfo, Medium, is_size
from fo_labelstudio.convert.numbers import is_finite

FRAME_RATE = "frame_rate"
_TRIFLE_MORE = 1 + 1e-9
_SIZE = "size"
_FRAMES = "frames"
_MAX_FRAMES = 2**31 - 1
_MAX_RATE = 10**6


# The editor makes each video 600 pixels high, so that on most screens its timeline is out of sight (1.23.2).
_STYLE = ".lsf-video__main { height: clamp(280px, calc(100vh - 500px), 800px) !important; }"


def object_tag(name: str) -> Element:
    # Without a frame rate of its own, the editor takes every video for one of 24 frames a second (1.23.2).
    return Element("Video", name=name, value=f"${name}", framerate=f"${FRAME_RATE}", timelineHeight="120")


def marks(media: MediaInfo) -> dict[str, Any]:
    return {}


def parse_marks(region: Mapping[str, Any]) -> MediaInfo | None:
    return None


def to_data(media: MediaInfo) -> dict[str, Any]:
    # Where it is paused as a frame begins, the editor counts the one before, unless the rate is a trifle more (1.23.2).
    return {FRAME_RATE: media.frame_rate * _TRIFLE_MORE}


def to_meta(media: MediaInfo) -> dict[str, Any]:
    return {_SIZE: [media.width, media.height], _FRAMES: media.frame_count, FRAME_RATE: media.frame_rate}


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    size, frames, rate = meta.get(_SIZE), meta.get(_FRAMES), meta.get(FRAME_RATE)
    if not is_size(size) or type(frames) is not int or not 0 < frames <= _MAX_FRAMES:
        return None
    if not is_finite(rate) or not 0 < rate <= _MAX_RATE:
        return None
    width, height = size
    return MediaInfo(width, height, frames, float(rate))


def parse_metadata(values: Sequence[Any]) -> MediaInfo | None:
    width, height, frames, rate = values
    return MediaInfo(width, height, frames, float(rate)) if width and height and frames and rate else None


MEDIUM = Medium(
    name="video",
    noun="video",
    scopes=("video", "frames"),
    object_tag=object_tag,
    marks=marks,
    parse_marks=parse_marks,
    meta_keys=(_SIZE, _FRAMES, FRAME_RATE),
    to_meta=to_meta,
    parse_meta=parse_meta,
    media_type="video",
    metadata=(
        "metadata.frame_width",
        "metadata.frame_height",
        "metadata.total_frame_count",
        "metadata.frame_rate",
    ),
    parse_metadata=parse_metadata,
    data_keys=(FRAME_RATE,),
    to_data=to_data,
    style=_STYLE,
    frame_scope="frames",
)
