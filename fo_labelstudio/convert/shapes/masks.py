"""Masks <-> what brush and bitmask regions hold: run-length code, or a PNG in a data URL."""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import brush
from fo_labelstudio.convert.shapes.brush import Mask, Pixels
from fo_labelstudio.errors import RegionError

BRUSH = "BrushLabels"
BITMASK = "BitmaskLabels"
TYPES = {BRUSH: "brushlabels", BITMASK: "bitmasklabels"}
"""Control tag -> the ``type`` of its regions."""

_PNG = b"\x89PNG\r\n\x1a\n"
"""No run-length code begins like this: its count would be larger than any that is accepted."""

_URL = "data:image/png;base64,"

_MOST_TIMES = 16
"""A PNG may have this many times the pixels of its image; the editor's has as many as the image (1.23.2)."""

_ALWAYS_PIXELS = 2**20
"""A PNG may have this many pixels in any case."""

_OPAQUE = 128
"""Hand-drawn masks are antialiased; from this on, of 255, a pixel is set."""


def to_value(mask: Mask, tool: str, media: MediaInfo) -> dict[str, Any]:
    """The value of a region that shows a mask.

    Args:
        mask: its pixels, within the image
        tool: BRUSH or BITMASK
        media: size of the image, in pixels
    """
    if tool == BITMASK:
        return {"imageDataURL": _URL + base64.b64encode(_to_png(mask, media)).decode()}
    code = brush.encode(mask.pixels, mask.left, mask.top, media.width, media.height)
    return {"format": "rle", "rle": list(code)}


def check_size(media: MediaInfo) -> None:
    """Refuses an image that is too large for masks.

    Raises:
        RegionError: it is
    """
    if media.width * media.height > brush.MAX_PIXELS:
        raise RegionError(
            f"its image has {media.width} x {media.height} pixels, more than a mask can have ({brush.MAX_PIXELS}); "
            "leave the sample out of the view"
        )


def parse_value(value: Mapping[str, Any]) -> bytes:
    """The code of a mask, as a region holds it: run-length code or PNG.

    Raises:
        RegionError: it is neither
    """
    if "imageDataURL" in value:
        url = value["imageDataURL"]
        if not isinstance(url, str) or not url.startswith(_URL):
            raise RegionError("its imageDataURL is not a PNG")
        try:
            code = base64.b64decode(url[len(_URL) :], validate=True)
        except (binascii.Error, ValueError):
            raise RegionError("its imageDataURL is not a PNG") from None
        if not code.startswith(_PNG):
            raise RegionError("its imageDataURL is not a PNG")
        return code
    rle = value.get("rle")
    if not isinstance(rle, list) or value.get("format", "rle") != "rle":
        raise RegionError("its value has neither rle nor imageDataURL")
    try:
        return bytes(rle)
    except (TypeError, ValueError):
        raise RegionError("its rle is not a list of bytes") from None


def decode(code: bytes, media: MediaInfo) -> Mask:
    """The pixels of a mask.

    Args:
        code: run-length code or PNG
        media: size of the image, in pixels

    Raises:
        RegionError: it is damaged, or absurdly large
    """
    if not code.startswith(_PNG):
        return brush.decode(code, media.width, media.height)
    check_size(media)
    most = min(max(_MOST_TIMES * media.width * media.height, _ALWAYS_PIXELS), brush.MAX_PIXELS)
    try:
        with warnings.catch_warnings():
            # Our own limit is lower than the one that Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(code), formats=("PNG",))
        with image:
            width, height = image.size
            if width * height > most:
                raise RegionError(
                    f"its PNG has {width} x {height} pixels, too many for an image of {media.width} x {media.height}"
                )
            if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
                alpha: Pixels = np.full((height, width), True)
            else:
                alpha = np.asarray(image.convert("RGBA").getchannel("A")) >= _OPAQUE
    except RegionError:
        raise
    # Pillow lets errors of many kinds through where a file is damaged.
    except Exception as error:
        raise RegionError(f"its PNG cannot be read ({error})") from None
    if (width, height) != media.size:
        # The editor stretches a PNG of another size over the image.
        alpha = resized(alpha, media.width, media.height)
    return cropped(alpha)


def decode_all(codes: Iterable[bytes], media: MediaInfo) -> Mask:
    """The mask of the pixels that are set in any of some codes.

    Raises:
        RegionError: one is damaged, or absurdly large
    """
    return union([decode(code, media) for code in codes])


def union(masks: Sequence[Mask]) -> Mask:
    """The mask of the pixels that are set in any of some masks."""
    masks = [mask for mask in masks if mask.pixels.size]
    if not masks:
        return EMPTY
    if len(masks) == 1:
        return masks[0]
    left, top = min(mask.left for mask in masks), min(mask.top for mask in masks)
    right = max(mask.left + mask.pixels.shape[1] for mask in masks)
    bottom = max(mask.top + mask.pixels.shape[0] for mask in masks)
    pixels = np.zeros((bottom - top, right - left), bool)
    for mask in masks:
        pixels[_slices(mask, left, top)] |= mask.pixels
    return Mask(left, top, pixels)


def framed(mask: Mask, media: MediaInfo) -> Pixels:
    """A mask as an array of the image's size: bool, shape (height, width)."""
    pixels = np.zeros((media.height, media.width), bool)
    pixels[_slices(mask, 0, 0)] = mask.pixels
    return pixels


def cropped(pixels: Pixels, left: int = 0, top: int = 0) -> Mask:
    """The part of an array that holds all set pixels.

    Args:
        pixels: bool, shape (height, width)
        left, top: place of the array in the image, in pixels
    """
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        return EMPTY
    part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(left + int(columns[0]), top + int(rows[0]), part)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """An array stretched to another size, each pixel the one nearest to its centre."""
    if pixels.shape[:2] == (height, width):
        return pixels
    rows = ((np.arange(height) + 0.5) * pixels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * pixels.shape[1] / width).astype(int)
    stretched: Pixels = pixels[rows[:, None], columns]
    return stretched


def is_empty(code: bytes, media: MediaInfo) -> bool:
    """Whether a mask has no set pixel; cheap for any other than an empty one.

    Raises:
        RegionError: it is damaged
    """
    # A run covers at most 2**16 bytes of the image and takes less than 4 bytes of code.
    most = 64 + 4 * (media.width * media.height * 4 // 2**16 + 1)
    if not code.startswith(_PNG) and len(code) > most:
        return False
    return not decode(code, media).pixels.size


def _slices(mask: Mask, left: int, top: int) -> tuple[slice, slice]:
    height, width = mask.pixels.shape
    return (
        slice(mask.top - top, mask.top - top + height),
        slice(mask.left - left, mask.left - left + width),
    )


def _to_png(mask: Mask, media: MediaInfo) -> bytes:
    image = Image.fromarray(framed(mask, media).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 0, 0, 0])
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=0, bits=1, optimize=False)
    return buffer.getvalue()


EMPTY = Mask(0, 0, np.zeros((0, 0), bool))
