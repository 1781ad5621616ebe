from __future__ import annotations

import io
import wave

import pytest

from fo_labelstudio.transport.files import FILES

AUDIO = FILES["audio"]


def wav(seconds=0.1, number=1):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(b"\0\0" * int(8000 * seconds))
    content = bytearray(file.getvalue())
    content[20:22] = number.to_bytes(2, "little")
    return bytes(content)


PLAYED = {
    "WAV": wav(),
    "WAV of floating point": wav(number=3),
    "WAV with a part before": wav()[:12] + b"JUNK\x03\0\0\0abc\0" + wav()[12:],
    "MP3": b"\xff\xfb\x90\x00" + bytes(60),
    "MP3 with tags": b"ID3\x03\0\0\0\0\0\0",
    "AAC": b"\xff\xf1\x50\x80",
    "FLAC": b"fLaC\0\0\0\x22",
    "M4A": b"\0\0\0\x20ftypM4A ",
    "Ogg": b"OggS\0\x02",
}
OTHER = {
    b"": "it is empty",
    b"FORM\0\0\0\0AIFF": "it is AIFF, and browsers play WAV, MP3, FLAC, AAC and Ogg; convert it with ffmpeg",
    wav(number=2): "its WAV is of format 2, and browsers play PCM; convert it with ffmpeg -c:a pcm_s16le",
    wav()[:20]: "its WAV is cut off",
    b"some words": "its audio cannot be read (it is no audio, or it is broken)",
}


@pytest.mark.parametrize("name", PLAYED)
def test_what_browsers_play_is_taken(name):
    found = AUDIO.inspect_file(io.BytesIO(PLAYED[name]))
    assert (found.problem, found.info is not None) == (None, True)


@pytest.mark.parametrize("content", OTHER)
def test_what_they_do_not_play_is_refused_with_what_to_do(content):
    assert AUDIO.inspect_file(io.BytesIO(content)).problem == OTHER[content]


def test_a_file_with_another_name_is_one_that_the_server_does_not_take(tmp_path):
    path = tmp_path / "sound.aac"
    path.write_bytes(PLAYED["AAC"])
    assert AUDIO.inspect(str(path), False).problem == "Label Studio does not take .aac"
    with AUDIO.read(str(path), False) as content:
        assert b"".join(content.pieces()) == PLAYED["AAC"]
