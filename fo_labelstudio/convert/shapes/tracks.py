"""The boxes of a track in each frame <-> the few of them that people move: keyframes.

The editor shows a box between two keyframes where a straight line between them has it, turned the short way. A keyframe
that is not enabled is the last frame that the box is seen on, until the next keyframe. Behind a last keyframe that is
enabled, the box stays to the end of the video.

Source: label-studio 1.23.2, ``VideoRegionModel`` and ``VideoRectangleRegionModel`` of its editor
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.shapes.boxes import Numbers

Frames = NDArray[np.int64]
Flags = NDArray[np.bool_]

_EXACT = 1e-9
"""Relative to the frame; what counts as no difference at all."""

_LARGEST_TURN = 179.0
"""Degrees between two keyframes; the editor turns the short way, and either way where it is half a turn."""

_FIRST_WINDOW = 8
"""Frames that are looked at ahead before it is known that a line goes on for longer."""


class Keyframes(NamedTuple):
    """The boxes of one object that are given, where others are found between.

    Attributes:
        frames: the numbers of their frames, from 1, ascending; shape (n,)
        is_enabled: which of them are seen behind their frame, too; shape (n,)
        boxes: percent boxes, see :mod:`boxes`; shape (n, 5)
    """

    frames: Frames
    is_enabled: Flags
    boxes: Numbers

    def only(self, which: Flags) -> Keyframes:
        """Some of them."""
        return Keyframes(self.frames[which], self.is_enabled[which], self.boxes[which])


class Track(NamedTuple):
    """The boxes of one object.

    Attributes:
        frames: the numbers of the frames that have one, ascending; shape (n,)
        boxes: percent boxes, see :mod:`boxes`; shape (n, 5)
        is_marked: which of them somebody has called keyframes; shape (n,)
    """

    frames: Frames
    boxes: Numbers
    is_marked: Flags


def to_keyframes(tracks: Sequence[Track], tolerance: float) -> list[Keyframes]:
    """Few keyframes for each track that have its box in each frame within a tolerance, and in no other frame.

    Between two gaps, those are taken that are marked, and both ends, if that does it; else each one is followed by the
    last frame to which a straight line leads.

    Args:
        tracks: the tracks; each has a box at least
        tolerance: how far a side may be off, relative to the frame, and the rotation, in radians
    """
    if not tracks:
        return []
    bounds = np.cumsum([len(track.frames) for track in tracks])
    frames = np.concatenate([track.frames for track in tracks])
    is_first = np.concatenate([[True], np.diff(frames) != 1])
    is_first[bounds[:-1]] = True
    is_last = np.append(is_first[1:], True)
    values = np.concatenate([_flat(track.boxes) for track in tracks])
    marked = np.concatenate([track.is_marked for track in tracks])
    chosen = _chosen(values, np.flatnonzero(is_first), np.flatnonzero(is_last), marked, 100 * max(tolerance, _EXACT))
    return [
        Keyframes(track.frames[is_key], ~ends[is_key], track.boxes[is_key])
        for track, is_key, ends in zip(tracks, np.split(chosen, bounds), np.split(is_last, bounds), strict=False)
    ]


def boxes_of(keyframes: Keyframes, last: int) -> tuple[Frames, Numbers]:
    """The box in each frame that keyframes show it in, as the editor finds it.

    Args:
        keyframes: the keyframes
        last: the number of the last frame of the video; nothing is seen behind it

    Returns:
        the numbers of the frames, ascending, and a percent box for each, of shape (n, 5)
    """
    frames, is_enabled, boxes = keyframes
    if not len(frames):
        return frames, boxes
    ends = np.append(frames[1:], last + 1)
    counts = np.clip(np.where(is_enabled, ends, frames + 1), None, last + 1) - np.minimum(frames, last + 1)
    origin = np.repeat(np.arange(len(frames)), counts)
    ahead = np.arange(len(origin)) - np.repeat(np.cumsum(counts) - counts, counts)
    steps = np.diff(boxes, axis=0, append=boxes[-1:])
    steps[:, 4] = short_way(steps[:, 4])
    spans = np.append(np.diff(frames), 1)
    return frames[origin] + ahead, boxes[origin] + steps[origin] * (ahead / spans[origin])[:, None]


def short_way(degrees: Any) -> Any:
    """Turns as the editor makes them: in (-180, 180]."""
    return 180 - (180 - degrees) % 360


def without_filled_in(keyframes: Keyframes, is_filled: Flags) -> Keyframes:
    """Keyframes without those that somebody found between others and filled in, where the others say them.

    Args:
        keyframes: the keyframes
        is_filled: which of them were filled in
    """
    if not is_filled.any() or is_filled.all():
        return keyframes
    given = keyframes.only(~is_filled)
    numbers, boxes = boxes_of(given, int(keyframes.frames[-1]))
    places = np.searchsorted(numbers, keyframes.frames)
    is_shown = np.isin(keyframes.frames, numbers)
    # Label Studio's export does not turn the short way; the editor does, and counts (label-studio-sdk 2.1.2).
    off = np.abs(boxes[np.minimum(places, len(boxes) - 1), :4] - keyframes.boxes[:, :4]).max(axis=1)
    is_said = is_filled & is_shown & keyframes.is_enabled & (off <= _FILLED_IN)
    return keyframes.only(~is_said)


_FILLED_IN = 1e-6
"""Percent; how far what is filled in may be from what the editor finds there."""


def _flat(boxes: Numbers) -> Numbers:
    """Boxes whose columns are all in percent, and turn without a jump."""
    turned = np.unwrap(boxes[:, 4], period=360)
    return np.column_stack([boxes[:, :4], 100 * np.radians(turned)])


def _chosen(values: Numbers, firsts: Frames, lasts: Frames, marked: Flags, margin: float) -> Flags:
    """Which boxes are keyframes, of spans of boxes without gaps."""
    ends = np.zeros(len(values), bool)
    ends[firsts] = ends[lasts] = True
    if marked.any():
        asked = ends | marked
        is_right = np.logical_and.reduceat(_reproduced(values, asked, margin), firsts)
        chosen = np.where(np.repeat(is_right, lasts - firsts + 1), asked, ends)
    else:
        is_right, chosen = np.zeros(len(firsts), bool), ends
    chosen[_followed(values, firsts[~is_right], lasts[~is_right], margin)] = True
    return chosen


def _reproduced(values: Numbers, is_key: Flags, margin: float) -> Flags:
    """Which boxes lie on straight lines between those that are keyframes, of which spans begin and end with one."""
    places = np.arange(len(values))
    keys = np.flatnonzero(is_key)
    ordinal = np.cumsum(is_key) - 1
    before = keys[ordinal]
    after = np.where(is_key, places, keys[np.minimum(ordinal + 1, len(keys) - 1)])
    share = (places - before) / np.maximum(after - before, 1)
    steps = values[after] - values[before]
    off = np.abs(values[before] + steps * share[:, None] - values).max(axis=1)
    is_right: Flags = (off <= margin) & (is_key | (np.abs(steps[:, 4]) <= 100 * np.radians(_LARGEST_TURN)))
    return is_right


def _followed(values: Numbers, firsts: Frames, lasts: Frames, margin: float) -> Frames:
    """The places of keyframes between the ends of spans: each the last to which a straight line leads from the one
    before. All spans go on at the same time."""
    found: list[Frames] = []
    here: Frames = firsts
    goes_on: Flags = firsts < lasts
    while goes_on.any():
        lasts = lasts[goes_on]
        here = _farthest(values, here[goes_on], lasts, margin)
        found.append(here)
        goes_on = here < lasts
    return np.concatenate(found) if found else firsts


def _farthest(values: Numbers, here: Frames, lasts: Frames, margin: float) -> Frames:
    """The last place to which a straight line leads from each of some places, past all between within a margin."""
    farthest: Frames = here + 1
    todo: Frames = np.arange(len(here))
    window = _FIRST_WINDOW
    while len(todo):
        reached, is_open = _look_ahead(values, here[todo], lasts[todo], window, margin)
        farthest[todo] = reached
        todo = todo[is_open]
        window *= 4
    return farthest


def _look_ahead(values: Numbers, here: Frames, lasts: Frames, window: int, margin: float) -> tuple[Frames, Flags]:
    """The same within a window, and for which places it may go on behind it."""
    window = min(window, int((lasts - here).max()))
    ahead = np.arange(1, window + 1)
    places = here[:, None] + ahead
    is_there = places <= lasts[:, None]
    steps = values[np.minimum(places, lasts[:, None])] - values[here][:, None]
    slopes = steps / ahead[:, None]
    slack = (margin / ahead)[:, None]
    low = np.maximum.accumulate(slopes - slack, axis=1)
    high = np.minimum.accumulate(slopes + slack, axis=1)
    is_reached = is_there & (np.abs(steps[:, :, 4]) <= 100 * np.radians(_LARGEST_TURN))
    is_reached[:, 1:] &= ((slopes[:, 1:] >= low[:, :-1]) & (slopes[:, 1:] <= high[:, :-1])).all(axis=2)
    is_reached[:, 0] = True
    reached = here + window - np.argmax(is_reached[:, ::-1], axis=1)
    is_open = (low[:, -1] <= high[:, -1]).all(axis=1) & (places[:, -1] < lasts)
    return reached, is_open
