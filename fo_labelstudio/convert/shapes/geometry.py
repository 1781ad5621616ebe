"""Relative boxes <-> percent boxes, with rotation.

FiftyOne keeps ``(x, y, width, height)`` relative to the image in [0, 1], turned by ``rotation`` radians, clockwise as
displayed, about the centre of the box in pixel space (voxel51/fiftyone PR 8448). Label Studio keeps percent of the
image, turned by ``rotation`` degrees, clockwise, about the top-left corner (tag RectangleLabels, seen in 1.23.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_number
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

MAX_PERCENT = 100.0
"""Percent; what servers take that check predictions (1.23.2)."""

DECIMALS = 10
"""Percent values are sent rounded to this many decimals, so that noise of the editor does not look like an edit."""


class PercentBox(NamedTuple):
    """A box as Label Studio stores it: percent of the image; degrees, clockwise, about the top-left corner."""

    x: float
    y: float
    width: float
    height: float
    rotation: float


def to_percent_box(box: Sequence[float], radians: float, media: MediaInfo, quarters: int = 0) -> PercentBox:
    """A FiftyOne box as Label Studio stores it.

    A box without rotation is clipped to the image, for servers that check predictions refuse anything outside it.

    Args:
        box: ``(x, y, width, height)``, relative to the image
        radians: clockwise rotation about the centre
        media: size of the image, in pixels
        quarters: by how many quarters of a turn it is described as turned further, about its centre
    """
    (x, y, width, height), radians = _quarter_turned(list(map(float, box)), radians, quarters, media)
    degrees = math.degrees(radians) % 360
    if round(degrees, DECIMALS) % 360 == 0:
        left, top = _clip(x), _clip(y)
        return _rounded(left, top, _clip(x + width) - left, _clip(y + height) - top, 0.0)
    dx, dy = _turned(-width * media.width / 2, -height * media.height / 2, radians)
    return _rounded(x + width / 2 + dx / media.width, y + height / 2 + dy / media.height, width, height, degrees)


def to_fitting_box(box: Sequence[float], radians: float, media: MediaInfo) -> tuple[int, PercentBox]:
    """A FiftyOne box as Label Studio stores it, described so that servers that check predictions take it.

    They refuse sides and corners beyond 100 percent, which a turned box may have though all of it is in the image: its
    width, turned upright, is in percent of the image's width all the same.

    Args:
        box: ``(x, y, width, height)``, relative to the image
        radians: clockwise rotation about the centre
        media: size of the image, in pixels

    Returns:
        by how many quarters of a turn it is described as turned further, and it; 0 where no description fits
    """
    plain = to_percent_box(box, radians, media)
    if max(plain[:4]) <= MAX_PERCENT:
        return 0, plain
    for quarters in (2, 1, 3):
        turned = to_percent_box(box, radians, media, quarters)
        if max(turned[:4]) <= MAX_PERCENT:
            return quarters, turned
    return 0, plain


def to_relative_box(box: PercentBox, media: MediaInfo, quarters: int = 0) -> tuple[list[float], float]:
    """The FiftyOne box and rotation of a box of Label Studio's.

    Args:
        box: percent of the image; degrees, clockwise, about the top-left corner
        media: size of the image, in pixels
        quarters: by how many quarters of a turn it was described as turned further

    Returns:
        ``[x, y, width, height]``, relative to the image, and the clockwise rotation about the centre in radians, in
        [0, 2 pi)
    """
    x, y, width, height = box.x / 100, box.y / 100, box.width / 100, box.height / 100
    radians = math.radians(box.rotation % 360)
    if radians:
        dx, dy = _turned(width * media.width / 2, height * media.height / 2, radians)
        x, y = x + dx / media.width - width / 2, y + dy / media.height - height / 2
    turned, radians = _quarter_turned([x, y, width, height], radians, -quarters, media)
    return turned, radians % math.tau


def with_positive_sizes(box: PercentBox, media: MediaInfo) -> PercentBox:
    """The same box with its top-left corner as its corner.

    Some editors and tools write boxes that were drawn to the left or upwards with negative sizes; Label Studio shows
    them on that side of their corner, turned about it (1.23.2).

    Args:
        box: percent of the image; degrees, clockwise, about the corner
        media: size of the image, in pixels
    """
    if box.width >= 0 and box.height >= 0:
        return box
    left, up = min(box.width, 0.0), min(box.height, 0.0)
    dx, dy = _turned(left * media.width, up * media.height, math.radians(box.rotation % 360))
    x, y = box.x + dx / media.width, box.y + dy / media.height
    return PercentBox(x, y, abs(box.width), abs(box.height), box.rotation)


FARTHEST = 1000.0
"""Percent; a point farther outside of its image is a mistake, as a rule pixels."""


def to_percent_point(point: Sequence[float]) -> list[float]:
    """A FiftyOne point, relative to the image, as Label Studio stores it: percent of the image."""
    return rounded(100 * float(value) for value in point)


def to_shown_point(point: Sequence[float]) -> list[float]:
    """A FiftyOne point in percent of the image, clipped to it, for servers that check predictions refuse it outside."""
    return to_percent_point([_clip(float(value)) for value in point])


def to_relative_point(point: Sequence[float]) -> list[float]:
    """The FiftyOne point, relative to the image, of one of Label Studio's, in percent of the image."""
    return [value / 100 for value in point]


def parse_point(x: Any, y: Any) -> list[float]:
    """A point of a region, in percent of the image, rounded to DECIMALS.

    Raises:
        RegionError: it is not made of numbers, or is absurdly far away
    """
    for value in (x, y):
        if not is_number(value) or not -FARTHEST <= value <= FARTHEST:
            raise RegionError(
                f"a point is {quoted(x)}, {quoted(y)}, expected two numbers from {-FARTHEST:g} to {FARTHEST:g}"
            )
    return rounded((float(x), float(y)))


def problem_of_point(point: Any) -> str | None:
    """What keeps a FiftyOne point from being sent, or None."""
    try:
        x, y = point
        parse_point(100 * x, 100 * y)
    except (RegionError, TypeError, ValueError):
        return f"a point is {quoted(point)}, expected two finite numbers, relative to the image"
    return None


def _quarter_turned(box: list[float], radians: float, quarters: int, media: MediaInfo) -> tuple[list[float], float]:
    """The same box, described as turned by some quarters more."""
    if not quarters:
        return box, radians
    x, y, width, height = box
    if quarters % 2:
        sides = height * media.height / media.width, width * media.width / media.height
        x, y, width, height = x + (width - sides[0]) / 2, y + (height - sides[1]) / 2, *sides
    return [x, y, width, height], radians + quarters * math.pi / 2


def _turned(x: float, y: float, radians: float) -> tuple[float, float]:
    cos, sin = math.cos(radians), math.sin(radians)
    return x * cos - y * sin, x * sin + y * cos


def _clip(value: float) -> float:
    return 0.0 if value < 0.0 else 1.0 if value > 1.0 else value


def rounded(values: Iterable[float]) -> list[float]:
    """Numbers to DECIMALS, never a negative zero, which a browser writes as 0."""
    return [round(value, DECIMALS) + 0.0 for value in values]


def all_rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for an array: exactly the numbers that :func:`rounded` returns."""
    scale = 10.0**DECIMALS
    found = values + 0.0
    # Where this leaves a small number as it is, it is the one nearest to a number of so many decimals.
    is_rounded = (np.rint(found * scale) / scale == found) & (np.abs(found) <= _SMALL)
    found[~is_rounded] = rounded(found[~is_rounded].tolist())
    return found


_SMALL = 1e5
"""Up to here, numbers of DECIMALS are farther apart than floats."""


def _rounded(x: float, y: float, width: float, height: float, degrees: float) -> PercentBox:
    return PercentBox(*rounded((100 * x, 100 * y, 100 * width, 100 * height, degrees)))
