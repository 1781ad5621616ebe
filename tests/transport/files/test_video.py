from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import video
from tests.properties import examples
from tests.videos import H264, ffmpeg, numbers_in, write_numbered, write_video

pytestmark = pytest.mark.ffmpeg

VP8 = ("-c:v", "libvpx")
VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8")
AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8")
JUMP = ("-vf", "setpts='N/25/TB+if(gt(N,10),0.3,0)/TB'", "-vsync", "vfr")
LATE = "settb=1/1000000,setpts='N*40000+mod(N,2)*{}'"
SOUND = ("-f", "lavfi", "-i", "sine=d=1.2")

RATES = {
    "24": 24.0,
    "24000/1001": 23.976023976023978,
    "25": 25.0,
    "30000/1001": 29.97002997002997,
    "30": 30.0,
    "50": 50.0,
    "60000/1001": 59.94005994005994,
    "60": 60.0,
    "12": 12.0,
    "15/2": 7.5,
    "1": 1.0,
}


def read_bytes(path):
    return Path(path).read_bytes()


@pytest.fixture
def made(tmp_path):
    def made(*options, name="video.mp4", **arguments):
        return str(write_video(tmp_path / name, *options, **arguments))

    return made


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("name", "options"), [("a.mp4", H264), ("a.webm", VP8), ("rounded.mp4", (*H264, "-video_track_timescale", 1000))]
)
def test_frames_are_counted_and_the_rate_is_exact(made, rate, name, options):
    found = video.inspect(made(*options, name=name, rate=rate, frames=50))
    assert found == (MediaInfo(64, 48, 50, RATES[rate]), None, False)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", H264),
        ("a.mp4", (*H264, "-bf", 3)),
        ("a.mp4", (*H264, "-movflags", "faststart")),
        ("a.mp4", (*VP9,)),
        ("a.mp4", (*AV1,)),
        ("a.webm", VP9),
        ("a.webm", AV1),
        ("A.MP4", H264),
    ],
)
def test_what_browsers_play_is_taken(made, name, options):
    assert video.inspect(made(*options, name=name)) == (MediaInfo(64, 48, 25, 25.0), None, False)


def test_sound_beside_the_pictures_is_passed_over(made):
    assert video.inspect(made(*H264, "-c:a", "aac", after=SOUND)).info == MediaInfo(64, 48, 25, 25.0)


@pytest.mark.parametrize(("codec", "begin"), [("libopus", "0.007"), ("libvorbis", "0.003")])
def test_sound_for_which_pictures_begin_late_is_told(made, codec, begin):
    # So ffmpeg writes WebM with sound.
    found = video.inspect(made(*VP8, "-c:a", codec, name="a.webm", after=SOUND))
    assert found.problem.startswith(f"its first frame is shown at {begin} s") and found.is_convertible


def test_a_single_frame_has_the_rate_at_which_it_is_shown(made):
    assert video.inspect(made(frames=1)).info == MediaInfo(64, 48, 1, 25.0)


def test_a_video_is_known_by_its_content_whatever_its_name(made):
    assert video.inspect(made(*VP8, "-f", "webm", name="a.mp4")).info == MediaInfo(64, 48, 25, 25.0)
    assert video.inspect(made(*H264, "-f", "mp4", name="a.mov")) == (
        None,
        "Label Studio does not take .mov",
        True,
    )


def test_the_size_is_that_of_the_pictures_as_they_are_shown(made, tmp_path):
    assert video.inspect(made(*H264, "-vf", "setsar=2")).info.size == (128, 48)
    assert video.inspect(made(*VP8, "-vf", "setsar=2", name="a.webm")).info.size == (128, 48)
    turned = tmp_path / "turned.mp4"
    for degrees, size in ((90, (48, 64)), (180, (64, 48)), (270, (48, 64))):
        ffmpeg("-i", made(), "-c", "copy", "-metadata:s:v", f"rotate={degrees}", turned)
        assert video.inspect(str(turned)).info.size == size


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("a.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none"), "it is H.265 in MP4, which not all browsers"),
        ("a.mp4", ("-c:v", "mpeg4"), "it is MPEG-4 Part 2 in MP4, which not all browsers play"),
        ("a.mp4", ("-c:v", "mjpeg"), "it is Motion JPEG in MP4, which not all browsers play"),
        ("a.mp4", ("-c:v", "mpeg2video"), "it is MPEG-2 in MP4, which not all browsers play"),
        ("a.mp4", (*H264, "-pix_fmt", "yuv420p10le"), "it is H.264 with more than 8 bits"),
        ("a.mp4", (*H264, "-pix_fmt", "yuv444p"), "it is H.264 with more than 8 bits, or with colours in full"),
        ("a.mp4", (*H264, "-movflags", "frag_keyframe+empty_moov"), "it is MP4 in fragments"),
        ("a.mp4", (*H264, "-f", "matroska"), "it is H.264 in Matroska, and browsers play MP4 and WebM"),
        ("a.mp4", ("-c:v", "mpeg4", "-f", "avi"), "it is AVI, and browsers play MP4 and WebM"),
        ("a.mov", ("-c:v", "prores_ks"), "it is ProRes in QuickTime"),
        ("a.mp4", (*H264, "-f", "mov"), "it is H.264 in QuickTime"),
        ("a.mp4", (*H264, "-f", "mpegts"), "it is an MPEG transport stream"),
        ("a.mpg", ("-c:v", "mpeg2video"), "it is MPEG, and browsers play MP4 and WebM, and Label Studio does not take"),
        ("a.flv", ("-c:v", "flv"), "it is Flash Video"),
        ("a.wmv", ("-c:v", "wmv2"), "it is Windows Media"),
        ("a.ogv", ("-c:v", "libtheora"), "it is Ogg"),
        ("a.webm", (*VP8, "-live", 1), "it does not say how long it is"),
    ],
)
def test_what_not_all_browsers_play_is_found_by_its_content(made, name, options, problem):
    found = video.inspect(made(*options, name=name))
    assert found.info is None and found.is_convertible
    assert found.problem.startswith(problem)


@pytest.mark.parametrize(("name", "options"), [("a.mp4", H264), ("a.webm", VP8)])
def test_a_rate_that_changes_is_found(made, name, options):
    found = video.inspect(made(*JUMP, *options, name=name))
    assert found.info is None and found.is_convertible
    assert found.problem.startswith("its frame rate changes")


@pytest.mark.parametrize(
    ("microseconds", "is_found"), [(900, True), (1200, False), (-10_000, True), (-25_000, False), (-40_000, False)]
)
def test_frames_may_begin_at_other_times_as_far_as_the_editor_finds_them(made, microseconds, is_found):
    timed = ("-vf", LATE.format(microseconds), "-vsync", "vfr", "-enc_time_base", "1/1000000")
    found = video.inspect(made(*timed, *H264, "-video_track_timescale", 1_000_000, frames=40))
    assert found.info == (MediaInfo(64, 48, 40, 25.0) if is_found else None)


@pytest.mark.parametrize(("name", "options"), [("a.mp4", H264), ("a.webm", VP8)])
def test_pictures_that_begin_late_are_found(made, tmp_path, name, options):
    path, late = made(*options, name=name, after=SOUND), tmp_path / f"late{name}"
    ffmpeg("-itsoffset", 0.5, "-i", path, "-i", path, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    assert video.inspect(str(late)).problem.startswith("its first frame is shown at 0.5")


CHANGING = ("-vf", "settb=1/1000,setpts='N*40+mod(N,2)*15'", "-vsync", "vfr", "-enc_time_base", "1/1000")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", ("-c:v", "mpeg4")),
        ("a.mov", ("-c:v", "prores_ks")),
        ("a.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none")),
        ("a.mp4", (*CHANGING, *H264)),
        ("a.mp4", (*H264, "-movflags", "frag_keyframe+empty_moov")),
        ("a.webm", (*CHANGING, *VP8)),
        ("a.mkv", (*H264, "-c:a", "aac")),
    ],
)
def test_what_is_converted_keeps_each_frame_in_its_place(tmp_path, name, options):
    path = str(write_numbered(tmp_path / name, *options, frames=60, rate="25", after=SOUND))
    assert numbers_in(path) == [*range(1, 61)]
    found = video.inspect(path, convert=True)
    assert (found.info.size, found.info.frame_count) == ((128, 128), 60)
    with video.read(path, convert=True) as content, content.open() as file:
        assert content.extension == ".mp4"
        assert video.inspect_file(file) == found
        assert numbers_in(file.name) == [*range(1, 61)]
    assert not os.path.exists(file.name)


def test_what_can_be_played_is_read_as_it_is_whether_or_not_others_are_converted(made, tmp_path):
    path = made()
    for convert in (False, True):
        with video.read(path, convert) as content:
            assert (content.extension, b"".join(content.pieces())) == (".mp4", read_bytes(path))
    named = made(*VP8, "-f", "webm", name="a.mkv")
    assert video.inspect(named, convert=True).info == MediaInfo(64, 48, 25, 25.0)
    with video.read(named, convert=True) as content:
        assert (content.extension, b"".join(content.pieces())) == (".webm", read_bytes(named))


@pytest.mark.parametrize(("rate", "converted"), [("1/2", 1.0), ("500", 240.0)])
def test_a_rate_that_the_editor_cannot_count_is_made_one_that_it_can(made, rate, converted):
    path = made(rate=rate, frames=10)
    found = video.inspect(path)
    assert found.problem.endswith("frames a second, and Label Studio counts 1 to 240") and found.is_convertible
    assert video.inspect(path, convert=True).info == MediaInfo(64, 48, 10, converted)


def test_what_is_converted_has_the_size_as_shown_in_even_pixels(made, tmp_path):
    turned = str(tmp_path / "turned.mov")
    ffmpeg("-i", made(), "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    wide = made("-c:v", "mpeg4", "-vf", "setsar=2", name="wide.avi")
    odd = made("-c:v", "mpeg4", name="odd.avi", size=(63, 49))
    for path, size in ((turned, (48, 64)), (wide, (128, 48)), (odd, (62, 48))):
        assert video.inspect(path, convert=True).info.size == size
        with video.read(path, convert=True) as content, content.open() as file:
            assert video.inspect_file(file).info.size == size


def test_what_cannot_be_converted_is_told(made, tmp_path, monkeypatch):
    path = tmp_path / "a.avi"
    path.write_bytes(read_bytes(made("-c:v", "mpeg4", name="whole.avi"))[:300])
    found = video.inspect(str(path), convert=True)
    assert found.problem.startswith("it is AVI, and browsers play MP4 and WebM, and it cannot be converted (ff")
    with pytest.raises(OSError, match=r"a\.avi' cannot be converted"), video.read(str(path), convert=True):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "(there is no ffprobe on the PATH; install ffmpeg)" in video.inspect(str(path), convert=True).problem


def test_a_video_that_ends_before_its_last_frame_is_told(made):
    content = bytearray(read_bytes(made(frames=25)))
    place = content.find(b"mvhd") + 20
    assert int.from_bytes(content[place : place + 4], "big") == 1000
    content[place : place + 4] = (900).to_bytes(4, "big")
    assert video.inspect_file(io.BytesIO(content)).problem == (
        "it says to last 0.900 s, and nobody could go to its last frames"
    )


def test_what_is_no_video_is_told(tmp_path, made):
    for content, problem in (
        (b"", "it is empty"),
        (b"hello, world" * 99, "its video cannot be read (it is not a video, or it is broken)"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "its video cannot be read (it is an image)"),
    ):
        path = tmp_path / "a.mp4"
        path.write_bytes(content)
        assert video.inspect(str(path)) == (None, problem, False)
    assert video.inspect(str(tmp_path / "none.mp4")).problem.startswith("its video cannot be read ([Errno 2]")
    assert video.inspect(None).problem == "its video cannot be read (there is no path)"
    assert video.inspect("https://x/a.mp4").problem.startswith("it is an address, not a file; pass media='cloud'")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "sound.mp4")
    assert video.inspect(str(tmp_path / "sound.mp4")).problem == ("its video cannot be read (there is no video in it)")


@pytest.mark.parametrize(
    ("name", "options"), [("a.mp4", H264), ("a.mp4", (*H264, "-movflags", "faststart")), ("a.webm", VP8)]
)
def test_a_file_that_is_cut_off_is_told(made, name, options):
    path = made(*options, name=name)
    with open(path, "rb") as file:
        content = file.read()
    for share in (0.3, 0.9, 0.99):
        cut = content[: int(share * len(content))]
        assert video.inspect_file(io.BytesIO(cut)).problem == (
            "it is cut off, and a browser would show only a part of it"
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Small files of several kinds."""
    folder = tmp_path_factory.mktemp("videos")
    kinds = {"a.mp4": H264, "b.mp4": (*H264, "-movflags", "faststart", "-bf", 2), "c.webm": VP8, "d.mp4": VP9}
    return [read_bytes(write_video(folder / name, *kinds[name], size=(16, 16), frames=9)) for name in kinds]


@given(st.data())
@examples(600)
def test_no_damage_brings_the_look_at_a_video_down(whole, data):
    content = bytearray(data.draw(st.sampled_from(whole)))
    # Most of a file are its pictures.
    head = [place for mark in (b"moov", b"\x1a\x45\xdf\xa3") if (place := content.find(mark)) >= 0]
    first = head[0] if data.draw(st.booleans()) else 0
    for _ in range(data.draw(st.integers(1, 6))):
        last = min(len(content), first + 900) - 1
        content[data.draw(st.integers(first, last))] = data.draw(
            st.sampled_from((0, 1, 127, 255)) | st.integers(0, 255)
        )
    del content[data.draw(st.just(len(content)) | st.integers(0, len(content))) :]
    for is_whole in (True, False):
        found = video.inspect_file(io.BytesIO(bytes(content)), is_whole)
        assert (found.info is None) == (found.problem is not None)
        if found.info is not None:
            assert all(value > 0 for value in found.info[:4]) and found.info.frame_rate <= 240


def test_numbers_that_cannot_be_right_take_no_memory(whole):
    content = bytearray(whole[1])
    times = content.find(b"stts")
    content[times + 12 : times + 16] = b"\xff\xff\xff\xff"
    assert video.inspect_file(io.BytesIO(content)).problem.startswith(
        "its video cannot be read (it claims to have 4294967295 frames"
    )
    content = bytearray(whole[1])
    times = content.find(b"stts")
    content[times + 8 : times + 12] = b"\xff\xff\xff\xff"
    assert video.inspect_file(io.BytesIO(content)).problem == "its video cannot be read (it is broken)"


@pytest.mark.parametrize(("name", "options"), [("a.mp4", (*H264, "-movflags", "faststart")), ("a.webm", VP8)])
def test_the_head_of_a_file_is_enough_where_its_end_is_elsewhere(made, name, options):
    with open(made(*options, name=name, frames=100), "rb") as file:
        content = file.read()
    head = io.BytesIO(content[: len(content) // 2])
    assert video.inspect_file(head, is_whole=False) == (MediaInfo(64, 48, 100, 25.0), None, False)
