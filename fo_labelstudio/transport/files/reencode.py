"""Images that browsers do not show -> PNG or JPEG of the same size."""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes an image of it as it is displayed."""

_ORIENTATION = 0x0112

_LOSSY = ("AVIF", "HEIF", "JPEG", "MPO")
"""Formats of photographs, which as a PNG would be several times as large."""

_LONGEST_JPEG = 65500

_COMPRESS_LEVEL = 1
"""Makes a PNG four to seven times as fast as Pillow's own level, and a sixth larger."""

_STRETCHED = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Modes of one channel whose values exceed 8 bits."""

_KEPT = ("1", "L", "LA", "P", "RGB", "RGBA")
_WITH_ALPHA = ("La", "PA", "RGBa")


def orientation(image: Image.Image) -> int:
    """The EXIF orientation that a browser applies, from 1 to 8; 1 where there is none.

    Source: Chromium 156, which applies that of JPEG and of PNG, where it comes before the pixels, but not that of WebP
    nor one in XMP, which Pillow's own getexif() falls back on
    """
    exif = image.info.get("exif")
    if not exif or image.format == "WEBP":
        return 1
    exif = exif.removeprefix(b"Exif\0\0")
    order = ">" if exif.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if tag == _ORIENTATION:
                return value if value in _TURNS else 1
    except struct.error:
        # A browser passes over broken EXIF data.
        return 1
    return 1


def decoded(file: BinaryIO) -> Image.Image:
    """The first image of a file as it is displayed, with channels of at most 8 bits.

    Values of one channel that exceed 8 bits are stretched, the smallest one to black and the largest one to white.

    Args:
        file: an image of any format that Pillow reads

    Raises:
        Exception: of any class, for Pillow raises anything over a broken file
    """
    file.seek(0)
    image = Image.open(file)
    turn = _TURNS.get(orientation(image))
    image.load()
    shown = _with_8_bits(image)
    if turn is not None:
        shown = shown.transpose(turn)
    shown.format = image.format
    return shown


def encoded(image: Image.Image) -> tuple[bytes, str]:
    """An image that :func:`decoded` has made, as a file.

    Returns:
        its content: the same pixels as PNG, or nearly the same as JPEG, where the image was a photograph already
        compressed; and its extension
    """
    written = io.BytesIO()
    kept = {"icc_profile": image.info["icc_profile"]} if "icc_profile" in image.info else {}
    is_photograph = image.format in _LOSSY and image.mode in ("L", "RGB") and max(image.size) <= _LONGEST_JPEG
    if is_photograph:
        image.save(written, "JPEG", quality=95, subsampling=0, **kept)
    else:
        if "transparency" in image.info:
            kept["transparency"] = image.info["transparency"]
        image.save(written, "PNG", compress_level=_COMPRESS_LEVEL, **kept)
    return written.getvalue(), ".jpg" if is_photograph else ".png"


def _with_8_bits(image: Image.Image) -> Image.Image:
    if image.mode in _STRETCHED:
        return _stretched(image)
    if image.mode in _KEPT:
        return image
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            made: Image.Image | None = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, ImportError, OSError):
            made = image.convert("RGB")
    else:
        made = image.convert("RGBA" if image.mode in _WITH_ALPHA else "RGB")
    # Only a conversion in place makes none.
    assert made is not None
    # The profile describes the channels that there were.
    made.info.pop("icc_profile", None)
    return made


def _stretched(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    numbers = values[np.isfinite(values)] if image.mode == "F" else values
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    if values.dtype.itemsize == 2:
        # A table of all values takes less than a tenth of the memory.
        return Image.fromarray(_to_8_bits(np.arange(2**16), low, high)[values])
    return Image.fromarray(_to_8_bits(values, low, high))


def _to_8_bits(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    shown = values.astype(np.float64)
    shown -= low
    shown *= 255 / (high - low) if high > low else 0.0
    np.nan_to_num(shown, copy=False, nan=0.0)
    np.clip(shown, 0, 255, out=shown)
    made: NDArray[np.uint8] = np.rint(shown, out=shown).astype(np.uint8)
    return made
