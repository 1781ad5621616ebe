"""Parts of videos: clips, frames that are asked for, and slices of groups, against a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest

from tests.frames import (
    ACTIONS,
    CLASSES,
    FRAMES,
    SIZE,
    boxes_of,
    changed_numbers,
    classes_of,
    edited,
    extended,
    moved,
    raw_frames,
    video_sample,
    with_range,
)
from tests.support import write_image
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

SCHEMA = {
    "frames.det": {"type": "detections", "classes": CLASSES},
    "frames.act": {"type": "classification", "classes": ACTIONS},
    "events": {"type": "temporal_detections", "classes": ["goal", "foul"]},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


def sample_of(video, **values):
    events = {"goal": [2, 9], "foul": [15, 26]}
    moments = [fo.TemporalDetection(label=label, support=support) for label, support in events.items()]
    return video_sample(video, events=fo.TemporalDetections(detections=moments), **values)


@pytest.fixture
def dataset(dataset_of, video):
    return dataset_of([sample_of(video)])


def annotate(view, connection, **options):
    return view.annotate(
        "run", backend="labelstudio", label_schema=SCHEMA, attributes=False, **{**connection, **options}
    )


def events_of(sample):
    return [(moment.label, list(moment.support)) for moment in sample.events.detections]


def in_a_new_session(dataset, connection):
    dataset.clear_cache()
    dataset.reload()
    dataset.load_annotations("run", **connection)


def test_clips_go_out_and_come_home_to_the_frames_of_their_video(dataset, connection, annotator):
    before = raw_frames(dataset)
    clips = dataset.to_clips("events")
    results = annotate(clips, connection)
    goal, foul = (results.tasks[clip_id] for clip_id in clips.values("id"))
    annotator.submit(goal, lambda result: with_range("goal", 3, 7)(edited("car", moved(5, x=5.0))(result)))
    annotator.submit(foul, edited("person", extended(30), 2))
    in_a_new_session(dataset, connection)
    changed = changed_numbers(before, raw_frames(dataset))
    assert changed == [3, 4, 5, 6, 7, 8, 26]
    assert [*boxes_of(dataset.first(), "person", 2)] == [*range(5, 11), *range(15, 27)]
    assert events_of(dataset.first()) == [("goal", [3, 7]), ("foul", [15, 26])]
    after = raw_frames(dataset)
    in_a_new_session(dataset, connection)
    assert raw_frames(dataset) == after


def test_clips_that_nobody_changes_leave_all_as_it_is(dataset, connection, annotator):
    before, events = raw_frames(dataset), dataset.first().events.to_dict()
    results = annotate(dataset.to_clips([[(1, 10), (8, 30)]]), connection)
    for task_id in results.tasks.values():
        annotator.submit(task_id)
    dataset.load_annotations("run")
    assert raw_frames(dataset) == before and dataset.first().events.to_dict() == events


def test_frames_that_are_not_asked_for_stay_as_they_are(dataset, connection, annotator):
    before = raw_frames(dataset)
    results = annotate(dataset, connection, frame_start=7, frame_stop=17)
    annotator.submit(*results.tasks.values(), lambda result: [])
    in_a_new_session(dataset, connection)
    assert changed_numbers(before, raw_frames(dataset)) == [*range(8, 19)]
    assert events_of(dataset.first()) == [("goal", [2, 9]), ("foul", [15, 26])]


@pytest.fixture
def groups(dataset_of, video, tmp_path):
    image = write_image(tmp_path / "image.png", (64, 48))
    group = fo.Group()
    return dataset_of(
        [
            fo.Sample(filepath=str(image), scene=group.element("image")),
            sample_of(video, scene=group.element("video")),
        ]
    )


def test_the_videos_of_groups_go_out_and_come_home(groups, connection, annotator):
    images = groups.select_group_slices("image")
    before, other = raw_frames(groups), images.first().to_dict(include_private=True)
    results = annotate(groups.select_group_slices("video"), connection)
    annotator.submit(
        *results.tasks.values(),
        lambda result: with_range("walk", 1, 10)(with_range("goal", 4, 8)(edited("car", moved(10, x=5.0), 2)(result))),
    )
    in_a_new_session(groups, connection)
    (sample,) = groups.select_group_slices("video")
    assert events_of(sample) == [("goal", [4, 8]), ("foul", [15, 26])]
    assert boxes_of(sample, "car", 1)[10] == [0.25, 0.25, 0.25, 0.25]
    assert classes_of(sample) == {n: "walk" if n <= 10 else "run" for n in range(1, 25) if n not in (11, 12)}
    assert changed_numbers(before, raw_frames(groups)) == [*range(2, 20)]
    assert groups.select_group_slices("image").first().to_dict(include_private=True) == other
    after = raw_frames(groups)
    in_a_new_session(groups, connection)
    assert raw_frames(groups) == after
