"""Audio files of this machine: what they are, by their first bytes."""

from __future__ import annotations

from typing import BinaryIO

from fo_labelstudio.convert.media.audio import EXTENSIONS
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files.unconverted import unconverted
from fo_labelstudio.transport.transport import Inspection

_HEAD = 64
_WAVE_FORMATS = {1: "PCM", 3: "floating point", 0xFFFE: "PCM"}
"""The formats of WAV that browsers play."""

_OTHERS = (
    (b"FORM", "AIFF"),
    (b"#!AMR", "AMR"),
    (b"caff", "Core Audio"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (b"MThd", "MIDI"),
    (b".snd", "Sun audio"),
    (b"MAC ", "Monkey's Audio"),
    (b"wvpk", "WavPack"),
)


def inspect_file(file: BinaryIO, is_whole: bool = True) -> Inspection:
    """Looks at an audio file by its content, whatever its name.

    Args:
        file: the file; where it is left is undefined
        is_whole: its first bytes tell all

    Raises:
        OSError: the file cannot be read, which tells nothing about its content
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        return Inspection(problem="it is empty")
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _wave(file)
    if head.startswith((b"ID3", b"fLaC", b"OggS")) or _is_mpeg(head) or head[4:8] == b"ftyp":
        return Inspection(MediaInfo())
    name = next((name for mark, name in _OTHERS if head.startswith(mark)), None)
    if name is not None:
        return Inspection(
            problem=f"it is {name}, and browsers play WAV, MP3, FLAC, AAC and Ogg; convert it with ffmpeg"
        )
    return Inspection(problem="its audio cannot be read (it is no audio, or it is broken)")


def _is_mpeg(head: bytes) -> bool:
    """Whether a file begins with a frame of MP3 or AAC: eleven bits that are set, and a layer or none."""
    return len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] != 0xFF


def _wave(file: BinaryIO) -> Inspection:
    """What the header of a WAV file says of its format; other parts may stand before it."""
    place = 12
    for _ in range(100):
        file.seek(place)
        part = file.read(10)
        if len(part) < 10:
            break
        size = int.from_bytes(part[4:8], "little")
        if part[:4] == b"fmt ":
            number = int.from_bytes(part[8:10], "little")
            if number in _WAVE_FORMATS:
                return Inspection(MediaInfo())
            return Inspection(
                problem=f"its WAV is of format {number}, and browsers play PCM; convert it with ffmpeg -c:a pcm_s16le"
            )
        place += 8 + size + size % 2
    return Inspection(problem="its WAV is cut off")


FILES = unconverted(
    "audio",
    EXTENSIONS,
    inspect_file,
    "WAV",
    (r"audio/.+|(application|video)/(ogg|mp4)|\w+/octet-stream", "audio/wav or audio/mpeg"),
)
