"""Videos that tests make with ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np

PICTURES = "testsrc2=s={width}x{height}:r={rate}:d={seconds}"
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast")


_BLOCK = 32
"""Pixels of a block of a number, in each direction."""


def ffmpeg(*arguments: object, content: bytes = b"") -> None:
    """Runs ffmpeg, which writes over what is there.

    Args:
        *arguments: its own
        content: what it reads from ``-``
    """
    command = ("ffmpeg", "-v", "error", "-y", *map(str, arguments))
    done = subprocess.run(command, input=content, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.decode()}")


def write_video(
    path: Path,
    *options: object,
    frames: int = 25,
    rate: str = "25",
    size: tuple[int, int] = (64, 48),
    after: tuple[object, ...] = (),
) -> Path:
    """Writes a video, whose pictures are other ones in each frame.

    Args:
        path: where to
        *options: of ffmpeg for what is written; those of H.264 where there are none
        frames: how many there are
        rate: how many are shown in a second, such as 30000/1001
        size: width and height
        after: further inputs of ffmpeg
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    numerator, _, denominator = rate.partition("/")
    seconds = (frames - 0.5) * int(denominator or 1) / int(numerator)
    pictures = PICTURES.format(width=size[0], height=size[1], rate=rate, seconds=seconds)
    ffmpeg("-f", "lavfi", "-i", pictures, *after, *(options or H264), path)
    return path


def write_numbered(
    path: Path, *options: object, frames: int, rate: str, after: tuple[object, ...] = (), bits: int = 16
) -> Path:
    """Writes a video of which each frame shows its number, from 1 on.

    Its bits are blocks, white for 1, in rows of four, the lowest bit first.

    Args:
        path: where to
        *options: of ffmpeg for what is written; those of H.264 where there are none
        frames: how many there are
        rate: how many are shown in a second, such as 30000/1001
        after: further inputs of ffmpeg
        bits: how many are shown
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(1, frames + 1)[:, None] >> np.arange(bits) & 1
    blocks = (numbers * 235).astype(np.uint8).reshape(frames, -1, 4)
    pixels = blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)
    size = f"{pixels.shape[2]}x{pixels.shape[1]}"
    pictures = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", size, "-r", rate, "-i", "-")
    ffmpeg(*pictures, *after, *(options or H264), path, content=pixels.tobytes())
    return path


def numbers_in(path: str) -> list[int]:
    """The numbers that the frames of a video show, as :func:`write_numbered` writes them."""
    capture = cv2.VideoCapture(path)
    numbers = []
    while True:
        is_frame, picture = capture.read()
        if not is_frame:
            capture.release()
            return numbers
        bits = picture[_BLOCK // 2 :: _BLOCK, _BLOCK // 2 :: _BLOCK, 0].ravel() > 127
        numbers.append(int((bits << np.arange(bits.size)).sum()))
