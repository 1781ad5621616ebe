"""The real editor shows the picture of frame n where it says that this is frame n."""

from __future__ import annotations

import time
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest

from fo_labelstudio.convert.media import medium_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret
from fo_labelstudio.transport.files import video
from fo_labelstudio.transport.transport import MediaSettings
from fo_labelstudio.transport.upload import Uploads
from tests.test_editor import editor  # noqa: F401
from tests.videos import H264, write_numbered

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.ffmpeg, pytest.mark.sampled]

MEDIUM = medium_of("video")
FRAMES = 75
SOUND = ("-f", "lavfi", "-i", "sine=d=3")
VP8 = ("-c:v", "libvpx")
CHANGING = ("-vf", "settb=1/1000,setpts='N*40+mod(N,2)*15'", "-vsync", "vfr", "-enc_time_base", "1/1000")

SENT = {
    "24": ("24", "a.mp4", H264, ()),
    "25": ("25", "a.mp4", H264, ()),
    "25 with sound": ("25", "a.mp4", (*H264, "-c:a", "aac"), SOUND),
    "29.97": ("30000/1001", "a.mp4", H264, ()),
    "29.97 in milliseconds": ("30000/1001", "a.mp4", (*H264, "-video_track_timescale", 1000), ()),
    "29.97 as WebM": ("30000/1001", "a.webm", VP8, ()),
    "30": ("30", "a.mp4", H264, ()),
    "60": ("60", "a.mp4", H264, ()),
    "60 as WebM": ("60", "a.webm", VP8, ()),
    "a changing rate": ("25", "a.mp4", (*CHANGING, *H264), ()),
    "AVI": ("30", "a.avi", ("-c:v", "mpeg4"), ()),
}

IN_MILLISECONDS = ("29.97 in milliseconds", "29.97 as WebM", "60 as WebM")

# The number that the editor shows a picture of, and what it says of where it is.
LOOK = """
const video = tags.find(tag => tag.type === "video"), player = video?.ref.current;
const canvas = document.querySelector(".lsf-video-canvas canvas"), context = canvas?.getContext("2d");
if (!video?.isReady || !player || !context) return {};
const {width, height} = player.videoDimensions;
const left = (canvas.width - width * player.zoom) / 2 + player.pan.x;
const top = (canvas.height - height * player.zoom) / 2 + player.pan.y;
let picture = 0;
for (let bit = 0; bit < 16; bit++) {
  const x = left + (bit % 4 + 0.5) / 4 * width * player.zoom;
  const y = top + (Math.floor(bit / 4) + 0.5) / 4 * height * player.zoom;
  picture |= (context.getImageData(Math.round(x), Math.round(y), 1, 1).data[0] > 127) << bit;
}
return { frame: video.frame, picture, frames: player.length, time: player.currentTime };
"""

# Whether it is the same video element as when this was asked last: the editor may begin anew once it has loaded one.
MARK = """
const shown = document.querySelector("body > video"), is_same = shown?.isMarked ?? false;
if (shown) shown.isMarked = true;
return is_same;
"""

GO_TO_FRAME = "tags.find(tag => tag.type === 'video').setFrame(frame)"
DRAW = "const player = tags.find(tag => tag.type === 'video').ref.current; player.seek(player.currentTime)"
PAUSE_AT = "tags.find(tag => tag.type === 'video').ref.current.seek(time)"


@pytest.fixture
def opened(editor, connection, annotator, make_project, tmp_path):  # noqa: F811
    """Opens a video in the editor, sent as all are."""

    def opened(rate, name, options, after, unusable="convert", info=None):
        path = str(write_numbered(tmp_path / name, *options, frames=FRAMES, rate=rate, after=after))
        info = info or video.inspect(path, convert=True).info
        assert info.frame_count == FRAMES
        config = Element("View")
        config.append(MEDIUM.object_tag("video"))
        labels = SubElement(config, "TimelineLabels", name="labels", toName="video")
        SubElement(labels, "Label", value="walk")
        project_id = make_project("<View></View>")
        client = Client(ConnectionSettings(connection["url"], Secret(connection["api_key"])))
        (url,) = Uploads(client, project_id, MediaSettings(unusable=unusable, medium="video")).send([path])
        annotator.call(
            "PATCH", f"/api/projects/{project_id}/", json={"label_config": tostring(config, encoding="unicode")}
        )
        task = {"data": {"video": url, **MEDIUM.to_data(info, None)}}
        made = annotator.call("POST", f"/api/projects/{project_id}/import?return_task_ids=true", json=[task])
        page = editor.open_task(project_id, made["task_ids"][0])
        page._until(lambda: look(page).get("picture") == 1, "the video to be shown")
        page._until(lambda: is_at_rest(page), "the video to come to rest")
        return page, info

    return opened


def look(page):
    return page._read(LOOK)


def is_at_rest(page):
    before = page._read(MARK) or page._read(MARK)
    page.page.wait_for_timeout(1500)
    return before and page._read(MARK)


def go_to(page, frame):
    """What the editor says and shows, once it shows the picture of a frame, or has had the time to."""
    page._read(GO_TO_FRAME, frame=frame)
    seen = drawn(page, lambda seen: seen["picture"] == frame)
    return seen["frame"], seen["picture"]


def drawn(page, is_right):
    """What the editor says and shows, once that is right, or has had the time to be."""
    end = time.monotonic() + 60
    while not is_right(seen := look(page)) and time.monotonic() < end:
        page.page.wait_for_timeout(50)
        # Where a machine is slow, the editor may draw before Chromium has the picture.
        page._read(DRAW)
    return seen


def pause_at(page, moment):
    """What the editor says and shows where it is paused at a time."""
    page._read(PAUSE_AT, time=moment)
    page._until(lambda: abs(look(page)["time"] - moment) < 1e-5, "the video to be there")
    page._until(lambda: page._at_rest(LOOK), "the picture to be there")
    return drawn(page, lambda seen: seen["picture"] == seen["frame"])


@pytest.mark.parametrize("name", SENT)
def test_each_frame_has_its_own_picture(opened, name):
    page, info = opened(*SENT[name])
    assert look(page)["frames"] == FRAMES
    for frame in (2, 3, 10, 37, 38, 52, 53, FRAMES - 1, FRAMES, 1):
        assert go_to(page, frame) == (frame, frame)
    if name in IN_MILLISECONDS:
        # A frame begins up to half a millisecond too early, and the editor may be paused within it.
        return
    # It pauses at whole multiples of 2 ms, some of which are those at which a frame begins.
    for frame in (4, 7, 16, 31):
        seen = pause_at(page, round((frame - 1) / info.frame_rate / 0.002) * 0.002)
        assert seen["frame"] == seen["picture"], seen


@pytest.mark.parametrize("codec", ["libopus", "libvorbis"])
def test_pictures_that_begin_milliseconds_late_would_be_those_of_other_frames(opened, codec, tmp_path):
    # So ffmpeg writes WebM with sound; it is refused, and converted where that is asked for.
    info = MediaInfo(128, 128, FRAMES, 25.0)
    page, _ = opened("25", "a.webm", (*VP8, "-c:a", codec), SOUND, unusable="refuse", info=info)
    found = []
    for frame in (10, 37, 52):
        page._read(GO_TO_FRAME, frame=frame)
        page._until(lambda: page._at_rest(LOOK), "the picture to be there")
        found.append((look(page)["frame"], look(page)["picture"]))
    assert found == [(frame, frame - 1) for frame in (10, 37, 52)]
