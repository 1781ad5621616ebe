"""A picture of one photograph with the labels of any kind, one panel for each label field."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from fo_labelstudio.convert.tags import colour_of

_GAP = 8
_CAPTION_HEIGHT = 24
_FONT_SIZE = 14
_TAG_FONT_SIZE = 12
_TAG_HEIGHT = _TAG_FONT_SIZE + 4
_LINE = 3
_DOT = 4
_TINT = 0.55
_PAPER, _INK = "white", "#1a1a1a"
_BRIGHT = 140
"""From this on, of 255, a colour is written on in ink, and below it in that of paper."""

Points = Sequence[tuple[float, float]]


def draw(
    path: str | Path,
    panels: Mapping[str, Any],
    columns: int = 4,
    width: int = 296,
    edges: Sequence[Sequence[int]] = (),
    mask_targets: Mapping[int, str] | None = None,
) -> Image.Image:
    """Draws a photograph once for each panel, in the colours that the editor gives to the classes.

    Args:
        path: the photograph
        panels: title of the panel -> what to draw on it: the value of a label field, or lines of text
        columns: panels in a row
        width: of a panel, in pixels
        edges: edges of the skeleton, for labels that have as many points as it has joints
        mask_targets: pixel value -> class, of ``Segmentation``
    """
    with Image.open(path) as opened:
        photograph = opened.convert("RGB")
    photograph = photograph.resize((width, round(photograph.height * width / photograph.width)), Image.Resampling.BOX)
    height = _CAPTION_HEIGHT + photograph.height
    rows = math.ceil(len(panels) / columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _GAP)), _PAPER)
    captions = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT_SIZE)
    for number, (title, value) in enumerate(panels.items()):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (width + _GAP), row * (height + _GAP)
        captions.text((left, top + _CAPTION_HEIGHT // 2), title, _INK, font, anchor="lm")
        panel = _panel(photograph, value, edges, mask_targets or {})
        sheet.paste(panel, (left, top + _CAPTION_HEIGHT))
    return sheet


def _panel(
    photograph: Image.Image, value: Any, edges: Sequence[Sequence[int]], mask_targets: Mapping[int, str]
) -> Image.Image:
    if isinstance(value, list):
        return _text_panel(photograph.size, value)
    panel = photograph.copy()
    tags: list[tuple[str, Points]] = []
    if isinstance(getattr(value, "mask", None), np.ndarray):
        for target, name in mask_targets.items():
            mask = value.mask == target
            if mask.any():
                _tint(panel, mask, (0, 0, *panel.size), name)
                tags.append((name, [_middle(mask, panel.size)]))
    for label in _labels_in(value):
        tags += _draw_label(panel, label, edges)
    taken: list[tuple[float, float, float]] = []
    for name, points in tags:
        _draw_tag(ImageDraw.Draw(panel), name, points, panel.size, taken)
    return panel


def _labels_in(value: Any) -> Sequence[Any]:
    for name in ("detections", "polylines", "keypoints"):
        if hasattr(value, name):
            labels: Sequence[Any] = getattr(value, name)
            return labels
    return ()


def _draw_label(panel: Image.Image, label: Any, edges: Sequence[Sequence[int]]) -> Iterator[tuple[str, Points]]:
    """Draws a label and says where its class is to be written: above the highest of some points."""
    colour = colour_of(label.label)
    pen = ImageDraw.Draw(panel, "RGBA")
    scale = np.array(panel.size)
    if getattr(label, "mask", None) is not None:
        x, y, w, h = (round(value * side) for value, side in zip(label.bounding_box, panel.size * 2))
        _tint(panel, label.mask, (x, y, x + w, y + h), label.label)
        yield label.label, [(x, y)]
    elif hasattr(label, "bounding_box"):
        corners = _corners(label, panel.size)
        pen.line([*corners, corners[0]], colour, _LINE)
        yield label.label, corners
    elif hasattr(label, "closed"):
        for shape in label.points:
            points = [tuple(point) for point in np.array(shape) * scale]
            if label.filled:
                pen.polygon(points, fill=colour + "70")
            pen.line([*points, *points[: int(label.closed)]], colour, _LINE, joint="curve")
            for point in points:
                _draw_dot(pen, point, colour, _LINE)
            yield label.label, [_beside(points)]
    else:
        points = [tuple(point) for point in np.array(label.points) * scale]
        if len(points) > max((joint for edge in edges for joint in edge), default=len(points)):
            for start, end in (pair for edge in edges for pair in pairwise(edge)):
                if not any(map(math.isnan, (*points[start], *points[end]))):
                    pen.line([points[start], points[end]], colour, _LINE)
        points = [point for point in points if not math.isnan(point[0])]
        for point in points:
            _draw_dot(pen, point, colour, _DOT)
        if points:
            yield label.label, [_beside(points)]


def _beside(points: Points) -> tuple[float, float]:
    """Where a class is written that is to stand to the right of the last of some points, and to hide none."""
    x, y = max(points)
    return x + 2 * _DOT, y + _TAG_HEIGHT / 2 + 2


def _corners(detection: Any, size: tuple[int, int]) -> Points:
    """The corners of a box in pixels; it is turned by its attribute ``rotation``, clockwise about its centre."""
    x, y, width, height = np.array(detection.bounding_box) * (size * 2)
    angle = detection.get_attribute_value("rotation", None) or 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    halves = [(-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2)]
    middle = (x + width / 2, y + height / 2)
    return [(middle[0] + dx * cos - dy * sin, middle[1] + dx * sin + dy * cos) for dx, dy in halves]


def _tint(panel: Image.Image, mask: NDArray[Any], box: tuple[int, int, int, int], name: str) -> None:
    """Tints the pixels of a mask that is stretched over a box."""
    left, top, right, bottom = box
    pixels = Image.fromarray(np.asarray(mask) != 0).convert("L").resize((right - left, bottom - top))
    colour = Image.new("RGB", pixels.size, colour_of(name))
    panel.paste(colour, (left, top), pixels.point(lambda value: round(value * _TINT)))


def _middle(mask: NDArray[Any], size: tuple[int, int]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return columns.mean() / mask.shape[1] * size[0], rows.mean() / mask.shape[0] * size[1]


def _draw_dot(pen: ImageDraw.ImageDraw, point: tuple[float, float], colour: str, radius: int) -> None:
    x, y = point
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill="white", outline=colour, width=2)


def _draw_tag(
    pen: ImageDraw.ImageDraw,
    name: str,
    points: Points,
    size: tuple[int, int],
    taken: list[tuple[float, float, float]],
) -> None:
    """Writes a class above the highest of some points, and above the tags that are there already.

    Args:
        pen: draws on the panel
        name: the class
        points: in pixels
        size: of the panel, in pixels
        taken: (left, right, top) of the tags so far; receives this one
    """
    font = ImageFont.load_default(_TAG_FONT_SIZE)
    x, y = min(points, key=lambda point: point[1])
    width = font.getlength(name) + 6
    left, top = min(max(x, 0), size[0] - width), min(max(y - _TAG_HEIGHT - 2, 0), size[1] - _TAG_HEIGHT)
    for other_left, other_right, other_top in sorted(taken, key=lambda tag: -tag[2]):
        if left < other_right and other_left < left + width and abs(top - other_top) < _TAG_HEIGHT:
            top = other_top - _TAG_HEIGHT
    taken.append((left, left + width, top))
    colour = colour_of(name)
    # A colour of one channel is one number.
    ink = _INK if cast(int, ImageColor.getcolor(colour, "L")) >= _BRIGHT else _PAPER
    pen.rectangle((left, top, left + width, top + _TAG_HEIGHT), fill=colour)
    pen.text((left + 3, top + _TAG_HEIGHT / 2), name, ink, font, anchor="lm")


def _text_panel(size: tuple[int, int], lines: Sequence[str]) -> Image.Image:
    panel = Image.new("RGB", size, "#f4f4f4")
    font = ImageFont.load_default(_FONT_SIZE)
    ImageDraw.Draw(panel).multiline_text((12, 12), "\n".join(lines), _INK, font, spacing=9)
    return panel
