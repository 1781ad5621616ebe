from __future__ import annotations

import io

import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import video
from tests.videos import H264, ffmpeg, write_video

pytestmark = pytest.mark.ffmpeg

VP8 = ("-c:v", "libvpx")
VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8")
AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8")
JUMP = ("-vf", "setpts='N/25/TB+if(gt(N,10),0.3,0)/TB'", "-vsync", "vfr")
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


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_sound_beside_the_pictures_is_passed_over(made, name):
    options = H264 if name == "a.mp4" else VP8
    assert video.inspect(made(*options, name=name, after=SOUND)).info == MediaInfo(64, 48, 25, 25.0)


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


@pytest.mark.parametrize(("name", "options"), [("a.mp4", H264), ("a.webm", VP8)])
def test_pictures_that_begin_late_are_found(made, tmp_path, name, options):
    path, late = made(*options, name=name, after=SOUND), tmp_path / f"late{name}"
    ffmpeg("-itsoffset", 0.5, "-i", path, "-i", path, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    assert video.inspect(str(late)).problem.startswith("its first frame is shown at 0.5")


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


@pytest.mark.parametrize(("name", "options"), [("a.mp4", (*H264, "-movflags", "faststart")), ("a.webm", VP8)])
def test_the_head_of_a_file_is_enough_where_its_end_is_elsewhere(made, name, options):
    with open(made(*options, name=name, frames=100), "rb") as file:
        content = file.read()
    head = io.BytesIO(content[: len(content) // 2])
    assert video.inspect_file(head, is_whole=False) == (MediaInfo(64, 48, 100, 25.0), None, False)
