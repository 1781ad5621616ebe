"""Headers of MP4 files.

Source: ISO/IEC 14496-12 (boxes), 14496-15 (H.264 in them)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files.pace import MOST_FRAMES, frame_rate
from fo_labelstudio.transport.files.unfit import UnfitError, broken, cut_off, not_played

CONTAINER = "MP4"

_PLAYED = {b"avc1": "H.264", b"avc3": "H.264", b"vp09": "VP9", b"av01": "AV1"}

_CODECS = {
    **_PLAYED,
    b"hvc1": "H.265",
    b"hev1": "H.265",
    b"dvh1": "H.265",
    b"dvhe": "H.265",
    b"vvc1": "H.266",
    b"vvi1": "H.266",
    b"vp08": "VP8",
    b"mp4v": "MPEG-4 Part 2",
    b"s263": "H.263",
    b"jpeg": "Motion JPEG",
    b"mjpa": "Motion JPEG",
    b"mjpb": "Motion JPEG",
    b"apch": "ProRes",
    b"apcn": "ProRes",
    b"apcs": "ProRes",
    b"apco": "ProRes",
    b"ap4h": "ProRes",
    b"ap4x": "ProRes",
    b"AVdn": "DNxHD",
}

_OBJECT_TYPES = {0x6A: "MPEG-1", 0x6C: "Motion JPEG", 0x6D: "PNG", **dict.fromkeys(range(0x60, 0x66), "MPEG-2")}
"""What ``mp4v`` stands for besides MPEG-4 Part 2, by the type that its descriptor says."""

_PROFILES = {66, 77, 88, 100}
"""Those of H.264 with 8 bits and halved colours, which all browsers play."""

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_USUAL_SPEED = 2**16

_MOST_BOXES = 10_000
_LONGEST_HEAD = 2**16
_ENTRY = 86
"""Bytes of a description of pictures before the boxes in it."""


class _Box(NamedTuple):
    """One box.

    Attributes:
        kind: its type
        start: where its content begins
        end: where it ends
    """

    kind: bytes
    start: int
    end: int


class _Edit(NamedTuple):
    """A part of a track that is shown.

    Attributes:
        duration: in ticks of the whole video; 0 where it goes on to the end
        start: where it begins, in ticks of the track; -1 where nothing is shown
        rate: how fast it is played, in 65536th
    """

    duration: int
    start: int
    rate: int


class _Track(NamedTuple):
    """The boxes ``trak``, ``mdia`` and ``stbl`` of a track, by their types."""

    trak: dict[bytes, list[_Box]]
    mdia: dict[bytes, list[_Box]]
    stbl: dict[bytes, list[_Box]]


def is_mp4(head: bytes) -> bool:
    """Whether a file begins as MP4, or as QuickTime, does."""
    return head[4:8] in _FIRST_BOXES


def read_mp4(file: BinaryIO, size: int | None) -> MediaInfo:
    """What the headers of an MP4 file say of its video.

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
    brand, moov = b"", None
    for box in _boxes(file, 0, size):
        if box.kind == b"ftyp":
            brand = _content(file, box)[:4]
        elif box.kind == b"moov":
            moov = box
            if size is None:
                break
    if moov is None:
        raise cut_off()
    inner = _named(file, moov)
    tracks = [track for box in inner.get(b"trak", ()) if (track := _picture_track(file, box)) is not None]
    if not tracks:
        raise broken("there is no video in it")
    # Browsers play the first.
    trak, mdia, stbl = tracks[0]
    container = "QuickTime" if brand in (b"", b"qt  ") else CONTAINER
    codec, width, height = _described(file, _one(stbl, b"stsd"), container)
    if container != CONTAINER:
        raise UnfitError(f"it is {codec} in {container}, and browsers play MP4 and WebM", True)
    if b"mvex" in inner:
        raise UnfitError("it is MP4 in fragments, which do not say how many frames there are", True)
    timescale = _timescale(_content(file, _one(mdia, b"mdhd")))
    times, last = _times(file, stbl)
    movie = _content(file, _one(inner, b"mvhd"))
    shift = _shift(file, trak, times, last, (timescale, _timescale(movie)))
    rate = frame_rate(times, Fraction(1, timescale), shift, _duration(movie), last=last)
    if _is_on_its_side(_content(file, _one(trak, b"tkhd"))):
        width, height = height, width
    return MediaInfo(width, height, len(times), rate)


def _boxes(file: BinaryIO, start: int, end: int | None) -> Iterator[_Box]:
    """The boxes from one position to another."""
    for _ in range(_MOST_BOXES):
        if end is not None and start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        body = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", head[8:16])
            body = start + 16
        elif length == 0:
            if end is None:
                yield _Box(kind, body, 2**63)
                return
            length = end - start
        if length < body - start:
            raise broken("it is broken")
        if end is not None and start + length > end:
            raise cut_off()
        yield _Box(kind, body, start + length)
        start += length
    raise broken("it is broken")


def _named(file: BinaryIO, box: _Box) -> dict[bytes, list[_Box]]:
    """The boxes in one, by their types."""
    found: dict[bytes, list[_Box]] = {}
    for inner in _boxes(file, box.start, box.end):
        found.setdefault(inner.kind, []).append(inner)
    return found


def _one(boxes: dict[bytes, list[_Box]], kind: bytes) -> _Box:
    if kind not in boxes:
        raise broken(f"it is broken: it has no {kind.decode()}")
    return boxes[kind][0]


def _content(file: BinaryIO, box: _Box, most: int = _LONGEST_HEAD) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, most))


def _picture_track(file: BinaryIO, box: _Box) -> _Track | None:
    """A track of pictures, or None where it is another."""
    trak = _named(file, box)
    mdia = _named(file, _one(trak, b"mdia"))
    if _content(file, _one(mdia, b"hdlr"))[8:12] != b"vide":
        return None
    return _Track(trak, mdia, _named(file, _one(_named(file, _one(mdia, b"minf")), b"stbl")))


def _timescale(head: bytes) -> int:
    """Ticks a second that the content of ``mdhd`` or ``mvhd`` says."""
    (timescale,) = struct.unpack_from(">I", head, 20 if head[0] == 1 else 12)
    if not timescale:
        raise broken("it is broken")
    return int(timescale)


def _duration(head: bytes) -> float:
    """Seconds that the content of ``mvhd`` says; 0 where it does not."""
    form, place = (">Q", 24) if head[0] == 1 else (">I", 16)
    (duration,) = struct.unpack_from(form, head, place)
    is_said = duration != (1 << 8 * struct.calcsize(form)) - 1
    return duration / _timescale(head) if is_said else 0.0


def _described(file: BinaryIO, stsd: _Box, container: str) -> tuple[str, int, int]:
    """The codec, and the size in square pixels.

    Raises:
        UnfitError: not all browsers play the codec
    """
    entry = next(_boxes(file, stsd.start + 8, stsd.end), None)
    if entry is None:
        raise broken("it is broken")
    head = _content(file, entry)
    width, height = struct.unpack_from(">HH", head, 24)
    inner = _named(file, _Box(entry.kind, entry.start - 8 + _ENTRY, entry.end))
    codec = _CODECS.get(entry.kind, repr(entry.kind.decode("latin-1")))
    if entry.kind == b"encv":
        raise UnfitError("it is encrypted")
    if entry.kind == b"mp4v" and b"esds" in inner:
        codec = _OBJECT_TYPES.get(_object_type(_content(file, inner[b"esds"][0])), codec)
    if entry.kind not in _PLAYED:
        raise not_played(codec, container)
    if codec == "H.264":
        (profile,) = struct.unpack_from(">xB", _content(file, _one(inner, b"avcC")))
        if profile not in _PROFILES:
            raise not_played("H.264 with more than 8 bits, or with colours in full", container)
    if b"pasp" in inner:
        across, down = struct.unpack_from(">II", _content(file, inner[b"pasp"][0]))
        if across and down:
            width = round(width * across / down)
    if not width or not height:
        raise broken("it is broken: its pictures have no size")
    return codec, width, height


def _object_type(esds: bytes) -> int:
    """What kind of stream an elementary stream descriptor says there is."""
    place = 4
    while place < len(esds):
        tag = esds[place]
        place += 1
        while esds[place] & 0x80:
            place += 1
        place += 1
        if tag == 0x04:
            return esds[place]
        # Of the descriptor around it, only its own numbers are passed over.
        place += 3
    return 0


def _times(file: BinaryIO, stbl: dict[bytes, list[_Box]]) -> tuple[NDArray[np.int64], int]:
    """When each frame is shown, in ticks, in the order in which they are, and how long the last decoded one is."""
    lasting = _table(file, _one(stbl, b"stts"), 2).astype(np.int64)
    counts, steps = lasting[:, 0], lasting[:, 1]
    frames = int(counts.sum())
    if not frames:
        raise broken("there is no frame in it")
    if frames > MOST_FRAMES:
        raise broken(f"it claims to have {frames} frames")
    (listed,) = struct.unpack_from(">I", _content(file, _one(stbl, b"stsz" if b"stsz" in stbl else b"stz2")), 8)
    if listed != frames:
        raise broken(f"it is broken: it has {listed} frames, but times of {frames}")
    every = np.repeat(steps, counts)
    times = np.cumsum(every) - every
    if b"ctts" in stbl:
        shifted = _table(file, stbl[b"ctts"][0], 2)
        # Negative ones are written where the standard has none, too.
        shifts = np.repeat(shifted[:, 1].astype(np.int32).astype(np.int64), _bounded(shifted[:, 0], frames))
        times[: len(shifts)] += shifts
        times.sort()
    return times, int(every[-1])


def _bounded(counts: NDArray[np.uint32], frames: int) -> NDArray[np.int64]:
    """Numbers of frames, which are no more than there are."""
    ends = np.minimum(np.cumsum(counts.astype(np.int64)), frames)
    return np.diff(ends, prepend=0)


def _table(file: BinaryIO, box: _Box, columns: int) -> NDArray[np.uint32]:
    """The rows of numbers that a box holds."""
    (rows,) = struct.unpack_from(">I", _content(file, box), 4)
    length = 4 * columns * rows
    if length > box.end - box.start - 8:
        raise broken("it is broken")
    file.seek(box.start + 8)
    content = file.read(length)
    if len(content) < length:
        raise cut_off()
    return np.frombuffer(content, ">u4").reshape(rows, columns).astype(np.uint32)


def _shift(
    file: BinaryIO,
    trak: dict[bytes, list[_Box]],
    times: NDArray[np.int64],
    last: int,
    timescales: tuple[int, int],
) -> float:
    """Seconds by which frames are shown later than their times say.

    Args:
        times: when each frame would be shown without edits, in ticks
        last: how long the last one is, in ticks
        timescales: ticks a second of the track, and of the whole video

    Raises:
        UnfitError: not all of them are shown
    """
    ticks, whole = timescales
    edits = _edits(file, _named(file, trak[b"edts"][0])) if b"edts" in trak else []
    delay = 0.0
    while edits and edits[0].start == -1:
        delay += edits.pop(0).duration / whole
    if not edits:
        # Browsers begin with the first frame.
        return delay - float(times[0]) / ticks
    if len(edits) > 1 or edits[0].rate != _USUAL_SPEED:
        raise UnfitError("it is put together from several parts, or played at another speed, by an edit list", True)
    (edit,) = edits
    half = last / 2
    end = edit.start + edit.duration * ticks / whole
    if edit.start > times[0] + half or (edit.duration and end < times[-1] + half):
        raise UnfitError("an edit list in it cuts frames off, which are in the file but not shown", True)
    return delay - edit.start / ticks


def _edits(file: BinaryIO, edts: dict[bytes, list[_Box]]) -> list[_Edit]:
    content = _content(file, edts[b"elst"][0]) if b"elst" in edts else bytes(8)
    version, count = struct.unpack_from(">B3xI", content)
    form = ">QqI" if version == 1 else ">IiI"
    size = struct.calcsize(form)
    return [_Edit(*struct.unpack_from(form, content, 8 + size * number)) for number in range(min(count, _MOST_BOXES))]


def _is_on_its_side(tkhd: bytes) -> bool:
    """Whether the pictures are turned by a quarter before they are shown."""
    a, b, c, d = struct.unpack_from(">ii4xii", tkhd, 52 if tkhd[0] == 1 else 40)
    return bool(a == d == 0 and b and c)
