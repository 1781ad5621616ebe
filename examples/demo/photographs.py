"""Photographs that come with scikit-image, what simple detectors see in them, and what a person sees.

No photograph and no model is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import color, data, feature, filters, measure, segmentation

CLASSES = ("cat", "coin", "cup", "face", "rocket")
"""Classes of the boxes."""

SCENES = ("indoors", "outdoors")
"""Classes of whole photographs."""

_WINDOW_SIZES = ((50, 50), (256, 256))
_NEIGHBORS = (2, 3, 6, 12, 24)
_COIN_MIN_AREA = 300
_COIN_MIN_ROUNDNESS = 0.7
_COIN_SHADES = (30, 150)
_SMOOTH_EDGE = 0.01


@dataclass(frozen=True)
class Box:
    """A box around something.

    Attributes:
        label: its class
        x: left edge, in pixels
        y: upper edge, in pixels
        width: in pixels
        height: in pixels
        confidence: of a detector, in [0, 1]; None if a person drew it
    """

    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None

    def intersection(self, other: Box) -> float:
        """Area that both boxes cover, in square pixels."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(width, 0) * max(height, 0)

    def iou(self, other: Box) -> float:
        """Intersection over union of both boxes, in [0, 1]."""
        intersection = self.intersection(other)
        return intersection / (self.width * self.height + other.width * other.height - intersection)


@dataclass(frozen=True)
class Photograph:
    """A photograph and what a person sees in it.

    Attributes:
        name: its name in ``skimage.data``
        scene: what a person says of the whole
        boxes: what a person draws
    """

    name: str
    scene: str
    boxes: tuple[Box, ...]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture: uint8, shape (height, width) or (height, width, 3)."""
        picture: NDArray[np.uint8] = getattr(data, self.name)()
        return picture

    def save(self, folder: Path) -> Path:
        """Writes it to a folder as a PNG and returns the path."""
        path = folder / f"{self.name}.png"
        Image.fromarray(self.pixels).save(path)
        return path


def _coins(*boxes: tuple[int, int, int, int]) -> tuple[Box, ...]:
    return tuple(Box("coin", *box) for box in boxes)


PHOTOGRAPHS = (
    Photograph("astronaut", "indoors", (Box("face", 174, 70, 98, 116), Box("rocket", 353, 0, 118, 288))),
    Photograph("camera", "outdoors", (Box("face", 179, 126, 76, 71),)),
    Photograph("chelsea", "indoors", (Box("cat", 8, 0, 372, 300),)),
    Photograph("coffee", "indoors", (Box("cup", 172, 16, 236, 296),)),
    Photograph(
        "coins",
        "indoors",
        _coins(
            *((305, 16, 60, 56), (132, 28, 47, 46), (192, 30, 48, 43), (255, 34, 42, 38), (22, 35, 45, 39)),
            *((81, 39, 39, 35), (245, 95, 51, 49), (25, 104, 42, 41), (186, 105, 40, 39), (317, 106, 39, 39)),
            *((84, 108, 38, 37), (134, 110, 39, 35), (315, 156, 65, 62), (189, 170, 48, 47), (251, 172, 46, 45)),
            *((80, 175, 44, 42), (26, 179, 37, 38), (135, 179, 39, 38), (18, 233, 57, 55), (144, 236, 57, 52)),
            *((276, 239, 50, 50), (220, 240, 49, 48), (93, 245, 43, 42), (336, 248, 46, 41)),
        ),
    ),
    Photograph("rocket", "outdoors", (Box("rocket", 306, 126, 34, 283),)),
)
"""All photographs; what a person sees in them was checked by eye."""


def detect(pixels: NDArray[np.uint8]) -> list[Box]:
    """What the detectors see in a picture: faces and coins, rightly or not.

    Args:
        pixels: uint8, shape (height, width) or (height, width, 3)
    """
    return [*_faces(pixels), *_coin_shapes(pixels)]


def classify(pixels: NDArray[np.uint8]) -> tuple[str, float]:
    """Tells outdoors from indoors by how smooth the upper third of a picture is, as a sky would be.

    Args:
        pixels: uint8, shape (height, width) or (height, width, 3)

    Returns:
        ``(class, confidence)``
    """
    grey = _grey(pixels)
    smooth = float((filters.sobel(grey[: len(grey) // 3]) < _SMOOTH_EDGE).mean())
    return ("outdoors", smooth) if smooth > 0.5 else ("indoors", 1 - smooth)


@cache
def _cascade() -> feature.Cascade:
    return feature.Cascade(data.lbp_frontal_face_cascade_filename())


def _faces(pixels: NDArray[np.uint8]) -> list[Box]:
    """Faces found by scikit-image's cascade; the more of its windows agree on one, the higher the confidence."""
    faces: dict[tuple[int, int, int, int], float] = {}
    smallest, largest = _WINDOW_SIZES
    for neighbors in _NEIGHBORS:
        windows = _cascade().detect_multi_scale(
            img=pixels,
            scale_factor=1.1,
            step_ratio=1,
            min_size=smallest,
            max_size=largest,
            min_neighbor_number=neighbors,
        )
        for window in windows:
            box = (window["c"], window["r"], window["width"], window["height"])
            faces[box] = neighbors / (neighbors + 2)
        if not windows:
            break
    return [Box("face", *box, round(confidence, 2)) for box, confidence in faces.items()]


def _coin_shapes(pixels: NDArray[np.uint8]) -> Iterator[Box]:
    """Bright round shapes found by a watershed; the rounder, the higher the confidence."""
    grey = _grey(pixels)
    dark, bright = (shade / 255 for shade in _COIN_SHADES)
    markers = np.where(grey < dark, 1, np.where(grey > bright, 2, 0))
    shapes = segmentation.watershed(filters.sobel(grey), markers) == 2
    for shape in measure.regionprops(measure.label(ndimage.binary_fill_holes(shapes))):
        if shape.area >= _COIN_MIN_AREA:
            roundness = 4 * np.pi * shape.area / shape.perimeter**2
            if roundness >= _COIN_MIN_ROUNDNESS:
                top, left, bottom, right = shape.bbox
                confidence = round(min(float(roundness), 1.0), 2)
                yield Box("coin", left, top, right - left, bottom - top, confidence)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.floating]:
    return pixels / 255 if pixels.ndim == 2 else color.rgb2gray(pixels)
