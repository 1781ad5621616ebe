"""Masks <-> the run-length code of Label Studio's brush.

The code is a stream of bits, each number with its highest bit first:

::

    32 bits      how many values follow: 4 x width x height, as a pixel is red, green, blue and alpha
    5 bits       bits of a value, less one: 8 bits here
    4 x 4 bits   the four run sizes, bits of a length, less one: 3, 4, 8 and 16 as everybody writes them
    blocks       1 bit, whether it is a run; 2 bits, which run size; the length, less one, in that many bits;
                 then the value that repeats if it is a run, else as many values as the length says (a literal)
    padding      up to 8 bits, to the end of a byte

Alpha alone makes the mask. We write 0 and 255; the editor antialiases what is drawn by hand, and leaves any colour.

Source: thi.ng/rle-pack (thi-ng/umbrella, packages/rle-pack), which the editor uses (its codes seen in 1.23.2), and
``label_studio_sdk.converter.brush`` of label-studio-sdk 2.1.2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.errors import RegionError

Pixels = NDArray[np.bool_]
"""Which pixels are set: shape (height, width)."""

_Numbers = NDArray[np.integer]

_Number = TypeVar("_Number", int, NDArray[np.integer])

MAX_PIXELS = 100_000_000
"""Larger frames are refused, both ways."""

_CHANNELS = 4
_VALUE_BITS = 8
_HEADER_BITS = 32 + 5 + 4 * 4
_HEAD_BITS = 3
_RUN_SIZES = np.array([3, 4, 8, 16])
_MAX_RUN_PIXELS = 2**16 // _CHANNELS
"""Pixels of the longest block."""

_PIXELS_AT_ONCE = 2**18
_BYTES_AT_ONCE = 2**16
"""Work in parts keeps the memory near the size of the pixels and of the code, however noisy they are."""


class Mask(NamedTuple):
    """The part of a frame that holds all of its set pixels.

    Attributes:
        left, top: its top-left corner in the frame, in pixels
        pixels: bool array of shape (height, width); (0, 0) if no pixel is set
    """

    left: int
    top: int
    pixels: Pixels


def encode(pixels: Pixels, left: int, top: int, width: int, height: int) -> bytes:
    """The code of a frame, byte for byte as ``label_studio_sdk.converter.brush.mask2rle`` writes it.

    Memory is taken for ``pixels``, not for the frame.

    Args:
        pixels: bool array of shape (rows, columns); the rest of the frame is unset
        left, top: where their top-left corner lies in the frame, in pixels
        width, height: size of the frame, in pixels

    Raises:
        ValueError: the pixels reach out of the frame, or the frame has none, or more than MAX_PIXELS
    """
    if not _is_size(width, height):
        raise ValueError(f"a frame of {width} x {height} pixels; a mask needs 1 to {MAX_PIXELS}")
    rows, columns = pixels.shape
    if min(left, top) < 0 or left + columns > width or top + rows > height:
        raise ValueError(f"{columns} x {rows} pixels at ({left}, {top}) reach out of a frame of {width} x {height}")
    writer = _BitWriter()
    header = [width * height * _CHANNELS, _VALUE_BITS - 1, *(_RUN_SIZES - 1)]
    writer.write(np.array(header), np.array([32, 5, 4, 4, 4, 4]))
    for lengths, is_set in _runs(pixels, left, top, width, height):
        writer.write(*_blocks(lengths, is_set))
    return writer.padded()


def decode(rle: bytes, width: int, height: int) -> Mask:
    """The pixels of a code whose alpha is 128 or more.

    Memory is taken for the code and for the part of the frame that holds the mask, not for the frame.

    Args:
        rle: the code
        width, height: size of the frame that it must describe, in pixels

    Raises:
        RegionError: the code is malformed, cut short, too long or of another size
    """
    sizes = _parse_header(rle, width, height)
    # Every byte with the seven that follow it, so that any field lies in one word; copies nothing but the padding.
    words: _Numbers = np.ndarray(len(rle), ">i8", rle + bytes(7), strides=(1,))
    values, expected = 0, width * height * _CHANNELS
    runs = []
    for starts in _block_starts(rle, words, sizes):
        first, last, values = _set_runs(starts, words, sizes, values)
        if values > expected:
            break
        if len(first):
            runs.append((first, last))
    if values != expected:
        raise _not_ending()
    return _mask(runs, width)


def _is_size(width: int, height: int) -> bool:
    return min(width, height) >= 1 and width * height <= MAX_PIXELS


def _runs(pixels: Pixels, left: int, top: int, width: int, height: int) -> Iterator[tuple[_Numbers, Pixels]]:
    """The frame as runs of equal pixels: their lengths in pixels, and whether they are set."""
    rows, columns = pixels.shape
    # An unset column keeps the end of a row apart from the start of the next, unless they are neighbours in the frame.
    pitch = columns + (columns < width)
    line = np.zeros(1 + rows * pitch + 1, bool)
    line[1:-1].reshape(rows, pitch)[:, :columns] = pixels
    origin = top * width + left
    # No run of no pixels in front of a frame that begins with a set one.
    line[0] = origin == 0 and line[1]
    done = 0
    for start in range(0, len(line) - 1, _PIXELS_AT_ONCE):
        part = line[start : start + _PIXELS_AT_ONCE + 1]
        edges = np.flatnonzero(part[1:] != part[:-1])
        if len(edges):
            is_set = part[edges]
            edges += start
            ends = origin + edges + edges // pitch * (width - pitch)
            yield np.diff(ends, prepend=done), is_set
            done = ends[-1]
    if done < width * height:
        yield np.array([width * height - done]), np.array([False])


def _blocks(lengths: _Numbers, is_set: Pixels) -> tuple[_Numbers, _Numbers]:
    """Runs of pixels as blocks: numbers, and how many bits each takes."""
    which = np.searchsorted(2 ** _RUN_SIZES[:-1], lengths * _CHANNELS)
    if lengths.max() > _MAX_RUN_PIXELS:
        # The last piece keeps the run size of its run, however short it is, for so does the SDK.
        pieces = -(-lengths // _MAX_RUN_PIXELS)
        rest = lengths - (pieces - 1) * _MAX_RUN_PIXELS
        is_set, which = np.repeat(is_set, pieces), np.repeat(which, pieces)
        lengths = np.repeat(np.full_like(lengths, _MAX_RUN_PIXELS), pieces)
        lengths[np.cumsum(pieces) - 1] = rest
    size = _RUN_SIZES[which]
    blocks = ((4 | which) << size | lengths * _CHANNELS - 1) << _VALUE_BITS | is_set * 255
    return blocks, _HEAD_BITS + size + _VALUE_BITS


class _BitWriter:
    """Numbers of up to 32 bits, one after the other, highest bit first."""

    def __init__(self) -> None:
        self._words = bytearray()
        self._begun, self._bits_begun = 0, 0

    def write(self, numbers: _Numbers, bits: _Numbers) -> None:
        ends = self._bits_begun + np.cumsum(bits)
        begins = ends - bits
        word, offset = begins >> 5, begins & 31
        # A number may end in the word after the one in which it begins; no two numbers share a bit, so they add up.
        pairs = numbers.astype(np.uint64) << (64 - bits - offset).astype(np.uint64)
        full, self._bits_begun = divmod(int(ends[-1]), 32)
        words = np.bincount(word, pairs >> 32, full + 2) + np.bincount(word + 1, pairs & 2**32 - 1, full + 2)
        words[0] += self._begun
        self._words += words[:full].astype(">u4").tobytes()
        self._begun = int(words[full])

    def padded(self) -> bytes:
        """All of it, with 1 to 8 bits more."""
        return bytes(self._words + self._begun.to_bytes(4, "big")[: self._bits_begun // 8 + 1])


def _parse_header(rle: bytes, width: int, height: int) -> _Numbers:
    """The run sizes, in bits."""
    if not _is_size(width, height):
        raise RegionError(f"a brush mask of {width} x {height} pixels; expected 1 to {MAX_PIXELS}")
    if 8 * len(rle) < _HEADER_BITS:
        raise _not_ending()
    header = int.from_bytes(rle[:7], "big") >> 7 * 8 - _HEADER_BITS
    values, value_bits = header >> 21, (header >> 16 & 31) + 1
    if values != width * height * _CHANNELS:
        raise RegionError(f"a brush mask of {values} values; expected {_CHANNELS} x {width} x {height}")
    if value_bits != _VALUE_BITS:
        raise RegionError(f"a brush mask of {value_bits} bits a value; expected {_VALUE_BITS}")
    return np.array([(header >> shift & 15) + 1 for shift in (12, 8, 4, 0)])


def _not_ending() -> RegionError:
    return RegionError("a brush mask whose code is cut short, or goes on after the last pixel")


def _bits(word: _Number, offset: _Number, count: int | _Number) -> _Number:
    """Some bits of words of 64; takes numbers as well as arrays of them."""
    return word >> 64 - offset - count & (1 << count) - 1


def _block_starts(rle: bytes, words: _Numbers, sizes: _Numbers) -> Iterator[_Numbers]:
    """Where the blocks begin, in bits, part by part.

    How far it is to the next block stands in the first three bits of a run. Looked up for every bit, needed or not, it
    leaves little to do for the loop over the blocks, which cannot be avoided.
    """
    # Indexed by the first three bits; 0 for the literals, whose length must be read.
    steps = np.zeros(256, np.uint8)
    steps[4:8] = _HEAD_BITS + sizes + _VALUE_BITS
    size_of = sizes.tolist()
    # The padding is shorter than any block.
    position, end = _HEADER_BITS, 8 * len(rle) - 8
    while position < end:
        start = position // 8
        bits = np.unpackbits(np.frombuffer(rle[start : start + _BYTES_AT_ONCE], np.uint8))
        heads = (bits[:-2] << 2 | bits[1:-1] << 1 | bits[2:]).tobytes()
        step_at = heads.translate(steps.tobytes())
        is_start = bytearray(len(heads))
        at, stop = position - 8 * start, min(len(heads), end - 8 * start)
        while at < stop:
            is_start[at] = 1
            step = step_at[at]
            if not step:
                size = size_of[heads[at]]
                length = _bits(words.item(start + at // 8), at % 8 + _HEAD_BITS, size) + 1
                step = _HEAD_BITS + size + _VALUE_BITS * length
            at += step
        position = 8 * start + at
        if position > 8 * len(rle):
            raise _not_ending()
        yield 8 * start + np.flatnonzero(np.frombuffer(is_start, bool))


def _set_runs(starts: _Numbers, words: _Numbers, sizes: _Numbers, values: int) -> tuple[_Numbers, _Numbers, int]:
    """The set pixels of some blocks.

    Args:
        starts: where the blocks begin in the code, in bits
        words: the code, as a word of 64 bits for each byte
        sizes: the run sizes, in bits
        values: how many values came before

    Returns:
        the first pixel of each run, the one after its last, and how many values there are by now
    """
    word, offset = words[starts >> 3].astype(np.int64), starts & 7
    head = _bits(word, offset, _HEAD_BITS)
    size = sizes[head & 3]
    lengths = _bits(word, offset + _HEAD_BITS, size) + 1
    value_at = starts + _HEAD_BITS + size
    is_literal = head < 4
    if is_literal.any():
        # A literal becomes runs of one value.
        copies = np.where(is_literal, lengths, 1)
        nth = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)
        value_at = np.repeat(value_at, copies) + _VALUE_BITS * nth
        lengths = np.repeat(np.where(is_literal, 1, lengths), copies)
    # The highest bit of a value says whether it is 128 or more.
    is_set = _bits(words[value_at >> 3].astype(np.int64), value_at & 7, 1)
    ends = values + np.cumsum(lengths)
    # Alpha is the last value of a pixel: a run holds those pixels whose last value it holds.
    first, last = (ends - lengths) // _CHANNELS, ends // _CHANNELS
    kept = np.flatnonzero(is_set & (first < last))
    return first[kept].astype(np.int32), last[kept].astype(np.int32), int(ends[-1])


def _mask(runs: Sequence[tuple[_Numbers, _Numbers]], width: int) -> Mask:
    """The mask of runs of set pixels, counted row by row through a frame of that width."""
    if not runs:
        return Mask(0, 0, np.zeros((0, 0), bool))
    top, bottom = int(runs[0][0][0]) // width, int(runs[-1][1][-1] - 1) // width + 1
    left = min(int((first % width).min()) for first, _ in runs)
    right = max(int((first % width + last - first).max()) for first, last in runs)
    if right > width:
        # A run that goes on in the next row.
        left, right = 0, width
    pixels = np.zeros((bottom - top, right - left), bool)
    line = pixels.reshape(-1)
    for first, last in runs:
        # Every row above is shorter than in the frame.
        begin = first - (top * width + left) - (first // width - top) * (width - (right - left))
        edges = np.stack([begin, begin + last - first], axis=1).ravel()
        line[edges[0] : edges[-1]] = np.repeat(np.arange(1, len(edges)) % 2 == 1, np.diff(edges))
    return Mask(left, top, pixels)
