"""Moments, classes and values of whole videos, against a real server."""

from __future__ import annotations

import copy

import fiftyone as fo
import pytest

from tests.support import stored
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

SCHEMA = {
    "events": {"attributes": {"actor": {"type": "text"}}},
    "weather": {"classes": ["sun", "rain"]},
    "count": {},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video of 50 frames, 25 a second."""
    return write_video(tmp_path_factory.mktemp("video") / "video.mp4", frames=50, rate="25")


@pytest.fixture
def videos(dataset_of, video):
    moments = [
        fo.TemporalDetection(label="jump", support=[3, 9], confidence=0.7, actor="cat", tags=["seen"]),
        fo.TemporalDetection(label="run", support=[20, 90]),
    ]
    full = fo.Sample(
        filepath=str(video),
        events=fo.TemporalDetections(detections=moments),
        weather=fo.Classification(label="sun", confidence=0.6),
        count=3,
    )
    return dataset_of([full, fo.Sample(filepath=str(video))])


def annotate(dataset, connection, label_schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=label_schema, **connection, **options)


def a_range(start, end, label, region_id="drawn", control="events"):
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}
    return {"id": region_id, "from_name": control, "to_name": "video", "type": "timelinelabels", "value": value}


def moments_of(dataset, field="events", place=0):
    value = dataset.values(field)[place]
    return value and [(moment.label, list(moment.support)) for moment in value.detections]


def of_control(result, control):
    return [region for region in result if region["from_name"] == control]


def test_what_is_sent_is_the_range_of_frames_and_what_is_asked_of_the_video(videos, connection, annotator):
    results = annotate(videos, connection)
    (first, second) = videos.values("id")
    result = annotator.preloaded(results.tasks[first])
    assert [region["value"] for region in of_control(result, "events")] == [
        {"ranges": [{"start": 3, "end": 9}], "timelinelabels": ["jump"]},
        {"ranges": [{"start": 20, "end": 50}], "timelinelabels": ["run"]},
    ]
    assert of_control(result, "events")[0]["score"] == 0.7
    assert [region["value"] for region in of_control(result, "weather")] == [{"choices": ["sun"]}]
    assert [region["value"] for region in of_control(result, "count")] == [{"number": 3}]
    assert annotator.task(results.tasks[first])["data"]["frame_rate"] == pytest.approx(25)
    assert annotator.preloaded(results.tasks[second]) == []


@pytest.mark.parametrize("is_answered", [True, False])
def test_what_nobody_changed_stays_bit_identical(videos, connection, annotator, is_answered):
    results = annotate(videos, connection)
    before = stored(videos)
    if is_answered:
        annotator.accept_all(results)
    videos.load_annotations("run")
    assert stored(videos) == before


def test_what_people_changed_comes_back_and_goes_again_once_it_is_taken_back(videos, connection, annotator):
    results = annotate(videos, connection)
    first, second = videos.values("id")
    before = stored(videos)

    def edit(result):
        jump, run = of_control(result, "events")
        jump["value"]["ranges"] = [{"start": 4, "end": 9}]
        run["value"]["timelinelabels"] = ["jump"]
        of_control(result, "weather")[0]["value"]["choices"] = ["rain"]
        of_control(result, "count")[0]["value"]["number"] = 4
        return [*result, a_range(50, 50, "run")]

    annotation = annotator.submit(results.tasks[first], edit)
    annotator.submit(results.tasks[second], lambda result: [a_range(1, 2, "run", "other")])
    sent = {moment.id: moment for moment in videos.first().events.detections}
    videos.load_annotations("run")
    videos.reload()
    assert moments_of(videos) == [("jump", [4, 9]), ("jump", [20, 90]), ("run", [50, 50])]
    assert moments_of(videos, place=1) == [("run", [1, 2])]
    sample = videos.first()
    assert [sample.weather.label, sample.weather.confidence, sample.count] == ["rain", 0.6, 4]
    jump = sample.events.detections[0]
    assert jump.id in sent and (jump.confidence, jump.actor, jump.tags) == (0.7, "cat", ["seen"])
    loaded = stored(videos)
    videos.load_annotations("run")
    assert stored(videos) == loaded
    annotator.call(
        "PATCH", f"/api/annotations/{annotation['id']}/", json={"result": annotator.preloaded(results.tasks[first])}
    )
    videos.load_annotations("run")
    now = stored(videos)[first]
    assert {name: now[name] for name in SCHEMA} == {name: before[first][name] for name in SCHEMA}


def test_ranges_that_were_deleted_are_moments_less(videos, connection, annotator):
    results = annotate(videos, connection)
    first, _ = videos.values("id")
    annotator.submit(
        results.tasks[first], lambda result: [region for region in result if region["value"].get("ranges") is None]
    )
    videos.load_annotations("run")
    assert moments_of(videos) == []


def test_the_label_schema_can_forbid_other_frames(videos, connection, annotator):
    results = annotate(videos, connection, {"events": {"allow_spatial_edits": False}})
    first, _ = videos.values("id")

    def edit(result):
        result[0]["value"].update(ranges=[{"start": 1, "end": 2}], timelinelabels=["run"])
        return result

    annotator.submit(results.tasks[first], edit)
    videos.load_annotations("run")
    assert moments_of(videos)[0] == ("run", [3, 9])


def test_new_fields_are_made(videos, connection, annotator):
    schema = {
        "new": {"type": "temporal_detections", "classes": ["walk"], "attributes": {"who": {"type": "text"}}},
        "one": {"type": "temporal_detection", "classes": ["walk"]},
        "mood": {"type": "classifications", "classes": ["calm", "loud"]},
    }
    results = annotate(videos, connection, schema)
    first, second = videos.values("id")
    who = {**a_range(2, 7, "walk", "a", "new"), "from_name": "new%.who", "type": "textarea", "value": {"text": ["Ada"]}}
    mood = {"id": "m", "from_name": "mood", "to_name": "video", "type": "choices", "value": {"choices": ["calm"]}}
    answers = [a_range(2, 7, "walk", "a", "new"), who, a_range(1, 1, "walk", "b", "one"), mood]
    annotator.submit(results.tasks[first], lambda result: copy.deepcopy(answers))
    annotator.submit(results.tasks[second])
    videos.load_annotations("run")
    dataset = fo.load_dataset(videos.name)
    assert dataset.get_field("new").document_type is fo.TemporalDetections
    sample = dataset.first()
    assert [(one.label, one.support, one.who) for one in sample.new.detections] == [("walk", [2, 7], "Ada")]
    assert (sample.one.label, sample.one.support) == ("walk", [1, 1])
    assert [one.label for one in sample.mood.classifications] == ["calm"]
    assert dataset.last().new.detections == []


def test_ranges_that_no_field_expects_are_kept_as_moments(videos, connection, annotator):
    results = annotate(videos, connection, ["weather"])
    first, _ = videos.values("id")
    annotator.submit(results.tasks[first], lambda result: [*result, a_range(5, 6, "walk", control="theirs")])
    videos.load_annotations("run", unexpected="keep")
    assert moments_of(videos, "temporal_detections") == [("walk", [5, 6])]
