"""Videos: <Video>."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.media.medium import MediaInfo, Medium, is_size
from fo_labelstudio.convert.numbers import is_finite

FRAME_RATE = "frame_rate"
_TRIFLE_MORE = 1 + 1e-9
_OPTION = "framerate"
_RATE_OF_EDITOR = 24.0
_SLIPPED = 0.5
"""Frames that the editor may be off at the end of a video."""
_SIZE = "size"
_FRAMES = "frames"
_MAX_FRAMES = 2**31 - 1
_MAX_RATE = 10**6


# The editor makes each video 600 pixels high, so that on most screens its timeline is out of sight (1.23.2).
_STYLE = ".lsf-video__main { height: clamp(280px, calc(100vh - 500px), 800px) !important; }"


def object_tag(name: str) -> Element:
    # Without a frame rate of its own, the editor takes every video for one of 24 frames a second (1.23.2).
    return Element("Video", {"name": name, "value": f"${name}", _OPTION: f"${FRAME_RATE}", "timelineHeight": "120"})


def marks(media: MediaInfo) -> dict[str, Any]:
    return {}


def parse_marks(region: Mapping[str, Any]) -> MediaInfo | None:
    return None


def to_data(media: MediaInfo, option: str | None) -> dict[str, Any]:
    if option is not None and not option.startswith("$"):
        return {}
    # Where it is paused as a frame begins, the editor counts the one before, unless the rate is a trifle more (1.23.2).
    return {FRAME_RATE if option is None else option[1:]: media.frame_rate * _TRIFLE_MORE}


def problem_of(media: MediaInfo, option: str | None) -> str | None:
    if option is None or option.startswith("$"):
        return None
    shown = _rate_of(option)
    if abs(shown - media.frame_rate) / media.frame_rate * media.frame_count < _SLIPPED:
        return None
    said = f"{_OPTION} {option!r}" if option else f"no {_OPTION}"
    return (
        f"the video has {media.frame_rate:.6g} frames a second, but with {said} the editor shows it at {shown:.6g}, "
        "and labels on other frames"
    )


def _rate_of(option: str) -> float:
    """The frames in a second that the editor takes an XML attribute for; it takes less than 1 for the seconds of one.

    Source: label-studio 1.23.2, ``Video.afterCreate`` of its editor
    """
    try:
        rate = float(option)
    except ValueError:
        return _RATE_OF_EDITOR
    if not is_finite(rate) or rate <= 0:
        return _RATE_OF_EDITOR
    return 1 / rate if rate < 1 else rate


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
    looks_like=re.compile(r"\.(mp4|m4v|webm|mov|avi|mkv|mpe?g|ogv|wmv|flv)\b|^data:video/", re.IGNORECASE),
    metadata=(
        "metadata.frame_width",
        "metadata.frame_height",
        "metadata.total_frame_count",
        "metadata.frame_rate",
    ),
    parse_metadata=parse_metadata,
    data_keys=(FRAME_RATE,),
    option=_OPTION,
    to_data=to_data,
    problem_of=problem_of,
    style=_STYLE,
    frame_scope="frames",
)
