"""A person's work on the timeline of a video, in the real editor, and what arrives of it."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import pytest

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.ffmpeg]

SCHEMA = {
    "frames.pets": {"attributes": {"colour": {"type": "radio", "values": ["red", "blue"], "mutable": False}}},
    "events": {},
}


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


def test_a_moment_gets_another_end_and_a_track_an_answer(dataset_of, connection, editor, tmp_path):
    moment = fo.TemporalDetection(label="jump", support=[10, 30], confidence=0.5)
    sample = fo.Sample(
        filepath=str(write_video(tmp_path / "video.mp4", frames=60, size=(320, 180))),
        events=fo.TemporalDetections(detections=[moment]),
    )
    for number in range(1, 41):
        box = fo.Detection(label="cat", index=1, bounding_box=[0.1 + number / 100, 0.2, 0.2, 0.3])
        sample.frames[number] = fo.Frame(pets=fo.Detections(detections=[box]))
    dataset = dataset_of([sample])
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **connection)
    (task_id,) = results.tasks.values()
    task = editor.open_task(results.project_id, task_id)
    track, event = task.regions(at_least=2)
    task.select(track.id)
    task.page.locator(".lsf-choices input").nth(1).click()
    task.select(event.id)
    end = task.page.locator("input[type=number]").nth(1)
    assert end.input_value() == "30"
    end.fill("42")
    end.press("Enter")
    task.submit()
    dataset.load_annotations("run")
    dataset.reload()
    loaded = dataset.first()
    (after,) = loaded.events.detections
    assert (after.id, after.label, after.support, after.confidence) == (moment.id, "jump", [10, 42], 0.5)
    boxes = [box for frame in loaded.frames.values() for box in (frame.pets or fo.Detections()).detections]
    assert {box.colour for box in boxes} == {"blue"}
    assert [box.bounding_box for box in boxes] == [[0.1 + number / 100, 0.2, 0.2, 0.3] for number in range(1, 41)]
