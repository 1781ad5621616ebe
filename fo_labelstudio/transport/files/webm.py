"""Headers of WebM files.

Source: RFC 8794 (EBML), RFC 9559 (Matroska), and the WebM Container Guidelines
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files.pace import MOST_FRAMES, frame_rate, usual_rates
from fo_labelstudio.transport.files.unfit import UnfitError, broken, cut_off, not_played

CONTAINER = "WebM"

_PLAYED = {"V_VP8": "VP8", "V_VP9": "VP9", "V_AV1": "AV1"}

_CODECS = {
    **_PLAYED,
    "V_MPEG4/ISO/AVC": "H.264",
    "V_MPEGH/ISO/HEVC": "H.265",
    "V_MPEG4/ISO/ASP": "MPEG-4 Part 2",
    "V_MPEG2": "MPEG-2",
    "V_MPEG1": "MPEG-1",
    "V_MJPEG": "Motion JPEG",
    "V_PRORES": "ProRes",
    "V_FFV1": "FFV1",
    "V_THEORA": "Theora",
}

_EBML, _DOCTYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TICK, _DURATION = 0x2AD7B1, 0x4489
_TRACK, _NUMBER, _KIND, _CODEC, _FRAME_DURATION = 0xAE, 0xD7, 0x83, 0x86, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT = 0xE0, 0xB0, 0xBA, 0x54B0, 0x54BA
_ENCODINGS = 0x6D80
_TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1

_PICTURES = 1
_INVISIBLE, _LACED = 0x08, 0x06
_NANOSECONDS = 10**9
_LONGEST_HEAD = 2**16
_ELEMENT_HEAD = 12
_BLOCK_HEAD = 11
_MOST_ELEMENTS = 4 * MOST_FRAMES


class _Element(NamedTuple):
    """One element.

    Attributes:
        id: what it is
        start: where its content begins
        end: where it ends, or None where nobody says
    """

    id: int
    start: int
    end: int | None


class _Pictures(NamedTuple):
    """A track of pictures.

    Attributes:
        number: what its blocks are marked with
        width: as it is shown
        height: as it is shown
        step: nanoseconds that a frame is shown; 0 where nobody says
    """

    number: int
    width: int
    height: int
    step: int


def is_webm(head: bytes) -> bool:
    """Whether a file begins as WebM, or as any Matroska, does."""
    return head[:4] == _EBML.to_bytes(4, "big")


def read_webm(file: BinaryIO, size: int | None) -> MediaInfo:
    """What a WebM file says of its video.

    Args:
        file: the file
        size: its size in bytes, or None where it is elsewhere, and read as far as is needed only

    Raises:
        UnfitError: browsers do not play it, or the editor would count its frames wrongly
        OSError: it cannot be read
    """
    try:
        return _read(file, size)
    except (struct.error, IndexError, OverflowError):
        raise broken("it is broken") from None


def _read(file: BinaryIO, size: int | None) -> MediaInfo:
    doctype, segment = _header(file, size)
    container = CONTAINER if doctype == b"webm" else "Matroska"
    tick, duration, pictures = 10**6, 0.0, None
    cluster = 0
    times: list[int] = []
    for element in _elements(file, segment.start, segment.end or size, _CLUSTER):
        if element.id == _INFO:
            info = _values(file, element)
            tick = _number(info, _TICK) or tick
            duration = _real(info.get(_DURATION, b""))
        elif element.id == _TRACKS and pictures is None:
            pictures = _pictures(file, element, container)
        elif pictures is None:
            continue
        elif element.id == _TIME:
            cluster = int.from_bytes(_content(file, element, 8), "big")
            if size is None and pictures.step and duration:
                # What lies elsewhere is not read as a whole only to count its frames.
                frames = round(duration * tick / pictures.step)
                if not 0 < frames <= MOST_FRAMES:
                    raise broken(f"it claims to have {frames} frames")
                return MediaInfo(pictures.width, pictures.height, frames, float(_usual(pictures.step)))
        elif element.id in (_SIMPLE_BLOCK, _GROUP):
            times += (cluster + time for time in _shown(file, element, pictures.number))
            if len(times) > MOST_FRAMES:
                raise broken(f"it has more than {MOST_FRAMES} frames")
    if pictures is None:
        raise cut_off()
    if not times:
        raise broken("there is no frame in it")
    if not duration:
        raise UnfitError("it does not say how long it is, as what a browser has recorded, and cannot be wound", True)
    declared = _usual(pictures.step) if pictures.step else None
    ordered = np.sort(np.array(times, dtype=np.int64))
    second = Fraction(tick, _NANOSECONDS)
    rate = frame_rate(ordered, second, 0.0, duration * float(second), declared, round(duration))
    return MediaInfo(pictures.width, pictures.height, len(times), rate)


def _header(file: BinaryIO, size: int | None) -> tuple[bytes, _Element]:
    """The type of a file, and its segment."""
    doctype = b""
    for element in _elements(file, 0, size, _SEGMENT):
        if element.id == _EBML:
            doctype = _values(file, element).get(_DOCTYPE, b"matroska").rstrip(b"\0")
        elif element.id == _SEGMENT:
            return doctype, element
    raise cut_off()


def _elements(file: BinaryIO, start: int, end: int | None, opened: int | None = None) -> Iterator[_Element]:
    """The elements from one position to another, and those in the ones that are opened, behind them."""
    for _ in range(_MOST_ELEMENTS):
        if end is not None and start >= end:
            return
        file.seek(start)
        head = file.read(_ELEMENT_HEAD)
        if not head:
            return
        kind, of_kind = _vint(head, 0)
        content, of_content = _vint(head, of_kind)
        content &= (1 << 7 * of_content) - 1
        body = start + of_kind + of_content
        is_open_ended = content == (1 << 7 * of_content) - 1
        if not is_open_ended and end is not None and body + content > end:
            raise cut_off()
        if is_open_ended and kind != opened:
            raise broken("it is broken")
        yield _Element(kind, body, None if is_open_ended else body + content)
        # Where a cluster ends need not be said; what it holds is nowhere else.
        start = body if kind == opened else body + content
    raise broken("it is broken")


def _vint(content: bytes, start: int) -> tuple[int, int]:
    """A number of variable length, with its marker, and how many bytes it has."""
    length = 9 - content[start].bit_length()
    if length > 8 or start + length > len(content):
        raise broken("it is broken")
    return int.from_bytes(content[start : start + length], "big"), length


def _content(file: BinaryIO, element: _Element, most: int = _LONGEST_HEAD) -> bytes:
    file.seek(element.start)
    return file.read(min((element.end or element.start) - element.start, most))


def _values(file: BinaryIO, element: _Element) -> dict[int, bytes]:
    """The contents of the elements in one, by their ids; the first of each."""
    found: dict[int, bytes] = {}
    for inner in _elements(file, element.start, element.end):
        found.setdefault(inner.id, _content(file, inner))
    return found


def _number(values: dict[int, bytes], kind: int, default: int = 0) -> int:
    return int.from_bytes(values[kind][:8], "big") if kind in values else default


def _real(content: bytes) -> float:
    if len(content) not in (4, 8):
        return 0.0
    (value,) = struct.unpack(">f" if len(content) == 4 else ">d", content)
    return float(value) if math.isfinite(value) and value > 0 else 0.0


def _pictures(file: BinaryIO, tracks: _Element, container: str) -> _Pictures:
    """The track of pictures, the first one, which browsers play.

    Raises:
        UnfitError: there is none, or not all browsers play it
    """
    for track in _elements(file, tracks.start, tracks.end):
        if track.id != _TRACK:
            continue
        values = _values(file, track)
        if _number(values, _KIND) != _PICTURES:
            continue
        name = values.get(_CODEC, b"").rstrip(b"\0").decode("latin-1")
        codec = _CODECS.get(name, repr(name))
        if container != CONTAINER:
            raise UnfitError(f"it is {codec} in {container}, and browsers play MP4 and WebM", True)
        if name not in _PLAYED:
            raise not_played(codec, container)
        if _ENCODINGS in values:
            raise UnfitError("it is encrypted, or compressed once more")
        video = next((inner for inner in _elements(file, track.start, track.end) if inner.id == _VIDEO), None)
        size = {} if video is None else _values(file, video)
        width, height = _number(size, _WIDTH), _number(size, _HEIGHT)
        if not width or not height:
            raise broken("it is broken: its pictures have no size")
        across, down = _number(size, _SHOWN_WIDTH, width), _number(size, _SHOWN_HEIGHT, height)
        if (across, down) != (width, height) and across and down:
            # The standard has other units for ratios.
            width = round(height * across / down)
        return _Pictures(_number(values, _NUMBER), width, height, _number(values, _FRAME_DURATION))
    raise broken("there is no video in it")


def _shown(file: BinaryIO, element: _Element, number: int) -> list[int]:
    """When the frame of a block is shown, in ticks behind the start of its cluster; nothing where it is another's."""
    if element.id == _GROUP:
        blocks = (inner for inner in _elements(file, element.start, element.end) if inner.id == _BLOCK)
        block = next(blocks, None)
        if block is None:
            return []
    else:
        block = element
    head = _content(file, block, _BLOCK_HEAD)
    track, length = _vint(head, 0)
    if track ^ 1 << 7 * length != number:
        return []
    time, flags = struct.unpack_from(">hB", head, length)
    if flags & _LACED:
        raise broken("several frames have one time")
    return [] if flags & _INVISIBLE else [time]


def _usual(step: int) -> Fraction:
    """The frames a second, of which nanoseconds a frame are rounded."""
    rate = Fraction(_NANOSECONDS, step)
    for usual in usual_rates(rate):
        if abs(_NANOSECONDS / usual - step) <= 1:
            return usual
    return rate
