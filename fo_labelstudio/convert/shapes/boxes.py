"""Many boxes at once, relative <-> percent, as :mod:`geometry` has them one by one.

Percent boxes are arrays of shape (n, 5): x, y, width, height in percent of the frame; rotation in degrees, clockwise,
about the top-left corner.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.geometry import DECIMALS, MAX_PERCENT

Numbers = NDArray[np.float64]


def to_percent_boxes(boxes: Numbers, radians: Numbers, media: MediaInfo) -> tuple[int, Numbers]:
    """Boxes of one object as Label Studio stores them, all described in the same way.

    What is not turned is clipped to the frame. Servers that check predictions refuse sides and corners beyond 100
    percent, which turned boxes may have.

    Args:
        boxes: ``(x, y, width, height)`` of each, relative to the frame; shape (n, 4)
        radians: clockwise rotation of each about its centre; shape (n,)
        media: size of the frame, in pixels

    Returns:
        by how many quarters of a turn they are described as turned further, and the percent boxes; 0 where no
        description fits
    """
    plain = _percent(boxes, radians, media, 0)
    if not radians.any() or plain[:, :4].max(initial=0.0) <= MAX_PERCENT:
        return 0, plain
    for quarters in (2, 1, 3):
        turned = _percent(boxes, radians, media, quarters)
        if turned[:, :4].max(initial=0.0) <= MAX_PERCENT:
            return quarters, turned
    return 0, plain


def to_relative_boxes(boxes: Numbers, media: MediaInfo, quarters: int = 0) -> tuple[Numbers, Numbers]:
    """The FiftyOne boxes of percent boxes.

    Args:
        boxes: percent boxes
        media: size of the frame, in pixels
        quarters: by how many quarters of a turn they were described as turned further

    Returns:
        ``x, y, width, height``, relative to the frame, of shape (n, 4); and the clockwise rotations about the centres
        in radians, in [0, 2 pi), of shape (n,)
    """
    x, y, width, height = (boxes[:, column] / 100 for column in range(4))
    radians = np.radians(boxes[:, 4] % 360)
    dx, dy = _turned(width * media.width / 2, height * media.height / 2, radians)
    is_turned = radians != 0
    x = np.where(is_turned, x + dx / media.width - width / 2, x)
    y = np.where(is_turned, y + dy / media.height - height / 2, y)
    turned, radians = _quarter_turned(np.stack([x, y, width, height], axis=1), radians, -quarters, media)
    return turned, radians % (2 * np.pi)


def _percent(boxes: Numbers, radians: Numbers, media: MediaInfo, quarters: int) -> Numbers:
    boxes, radians = _quarter_turned(boxes, radians, quarters, media)
    degrees = np.degrees(radians) % 360
    is_plain = np.round(degrees, DECIMALS) % 360 == 0
    x, y, width, height = boxes.T
    left, top = np.clip(x, 0, 1), np.clip(y, 0, 1)
    clipped = [left, top, np.clip(x + width, 0, 1) - left, np.clip(y + height, 0, 1) - top]
    if is_plain.all():
        values = [*(100 * side for side in clipped), np.zeros(len(boxes))]
    else:
        dx, dy = _turned(-width * media.width / 2, -height * media.height / 2, radians)
        corner = [x + width / 2 + dx / media.width, y + height / 2 + dy / media.height, width, height]
        sides = [100 * np.where(is_plain, plain, turned) for plain, turned in zip(clipped, corner, strict=True)]
        values = [*sides, np.where(is_plain, 0.0, degrees)]
    # Never a negative zero, which a browser writes as 0.
    return np.round(np.stack(values, axis=1), DECIMALS) + 0.0


def _quarter_turned(boxes: Numbers, radians: Numbers, quarters: int, media: MediaInfo) -> tuple[Numbers, Numbers]:
    if not quarters:
        return boxes, radians
    x, y, width, height = boxes.T
    if quarters % 2:
        sides = height * media.height / media.width, width * media.width / media.height
        x, y, (width, height) = x + (width - sides[0]) / 2, y + (height - sides[1]) / 2, sides
    return np.stack([x, y, width, height], axis=1), radians + quarters * np.pi / 2


def _turned(x: Any, y: Any, radians: Numbers) -> tuple[Numbers, Numbers]:
    cos, sin = np.cos(radians), np.sin(radians)
    return x * cos - y * sin, x * sin + y * cos
