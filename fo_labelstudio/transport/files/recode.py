"""Videos that browsers do not play, or whose frames the editor would count wrongly -> MP4 with H.264.

Each frame stays, in its place: only the times at which they are shown become even, so that labels of frames still fit.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files.pace import FASTEST, SLOWEST

_DENOMINATOR = 1001
_USUAL = Fraction(25)
"""The rate of what says none."""

_QUALITY = ("-preset", "veryfast", "-crf", "18", "-g", "30", "-pix_fmt", "yuv420p")
"""Nearly what it was, and quick to go to any frame."""


def found(path: str) -> MediaInfo:
    """What :func:`converted` makes of a video; all of its frames are read to count them.

    Raises:
        OSError: it cannot be converted; says why
    """
    stream = _probed(path, "-count_frames")
    width, height = _size(stream)
    frames = int(stream.get("nb_read_frames") or 0)
    if not frames:
        raise OSError("ffmpeg reads no frame of it")
    return MediaInfo(width, height, frames, float(_rate(stream)))


@contextmanager
def converted(path: str) -> Iterator[str]:
    """A video as MP4 with H.264, without its sound, for as long as the ``with`` block lasts; its path.

    Raises:
        OSError: it cannot be converted; says why
    """
    stream = _probed(path)
    rate, (width, height) = _rate(stream), _size(stream)
    # Frames are counted instead of timed.
    even = f"settb=expr={rate.denominator}/{rate.numerator},setpts=N,scale={width}:{height},setsar=1"
    with TemporaryDirectory(prefix="fo-labelstudio-") as folder:
        made = str(Path(folder) / "video.mp4")
        options = ("-map", "0:v:0", "-vf", even, "-r", str(rate), "-c:v", "libx264", *_QUALITY, "-map_metadata", "-1")
        _run("ffmpeg", "-nostdin", *_input(path), *options, "-movflags", "+faststart", made)
        yield made


def _probed(path: str, *options: str) -> dict[str, Any]:
    """What ffprobe says of the pictures of a video."""
    output = _run("ffprobe", "-select_streams", "v:0", *options, "-show_streams", "-of", "json", *_input(path))
    streams = json.loads(output).get("streams")
    if not streams:
        raise OSError("ffmpeg finds no video in it")
    return dict(streams[0])


def _input(path: str) -> Sequence[str]:
    # What a file refers to is not read, and its name is never an option or an address.
    return "-protocol_whitelist", "file", "-i", f"file:{Path(path).absolute()}"


def _run(program: str, *arguments: str) -> bytes:
    if shutil.which(program) is None:
        raise OSError(f"there is no {program} on the PATH; install ffmpeg")
    done = subprocess.run([program, "-v", "error", *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"{program}: {reason[-1] if reason else f'exit status {done.returncode}'}")
    return done.stdout


def _rate(stream: dict[str, Any]) -> Fraction:
    """The frames a second of what is made, those of the video on average as far as the editor counts them."""
    average, usual = (_fraction(stream.get(name)) for name in ("avg_frame_rate", "r_frame_rate"))
    if average is None or usual is None:
        rate = average or usual or _USUAL
    else:
        # Where it changes, no rate is right, and a whole one is easiest to read.
        rate = usual if abs(average - usual) < usual / _DENOMINATOR / 2 else Fraction(round(average))
    return min(max(rate.limit_denominator(_DENOMINATOR), SLOWEST), FASTEST)


def _fraction(text: object) -> Fraction | None:
    over, _, under = str(text).partition("/")
    is_said = over.isdecimal() and under.isdecimal() and int(over) and int(under)
    return Fraction(int(over), int(under)) if is_said else None


def _size(stream: dict[str, Any]) -> tuple[int, int]:
    """The size as shown, of even numbers of pixels, as H.264 has them."""
    width, height = int(stream["width"]), int(stream["height"])
    across, _, down = str(stream.get("sample_aspect_ratio", "")).partition(":")
    if across.isdecimal() and down.isdecimal() and int(across) and int(down):
        width = round(width * int(across) / int(down))
    turns = [int(float(data["rotation"])) for data in stream.get("side_data_list", ()) if "rotation" in data]
    if turns and turns[0] % 180:
        width, height = height, width
    return max(width // 2 * 2, 2), max(height // 2 * 2, 2)
