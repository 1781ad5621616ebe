"""Videos that tests make with ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

PICTURES = "testsrc2=s={width}x{height}:r={rate}:d={seconds}"
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast")


def ffmpeg(*arguments: object) -> None:
    """Runs ffmpeg, which writes over what is there."""
    command = ("ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments))
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")


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
