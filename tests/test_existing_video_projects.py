"""annotate() of videos into projects that are there, and with labeling configs of others, against a real server."""

from __future__ import annotations

import uuid

import fiftyone as fo
import pytest

from fo_labelstudio.errors import LabelingConfigError, RunError, SampleError
from tests.frames import ACTIONS, CLASSES, FRAMES, SIZE, boxes_of, moved, raw_frames, video_sample
from tests.support import stored
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

CONFIG = """<View>
  <Header value="Follow everybody"/>
  <Video name="v" value="$clip" frameRate="$fps"/>
  <VideoRectangle name="box" toName="v"/>
  <Labels name="who" toName="v"><Label value="person"/><Label value="car"/><Label value="bicycle"/></Labels>
  <TimelineLabels name="doing" toName="v"><Label value="run"/><Label value="walk"/><Label value="sit"/></TimelineLabels>
  <Choices name="weather" toName="v"><Choice value="sun"/><Choice value="rain"/></Choices>
</View>"""

SCHEMA = {
    "frames.det": {"type": "detections", "classes": CLASSES},
    "events": {"type": "temporal_detections", "classes": ACTIONS},
    "weather": {"type": "classification", "classes": ["sun", "rain"]},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture
def dataset(dataset_of, video):
    jump = fo.TemporalDetection(label="walk", support=[3, 9], confidence=0.7)
    sample = video_sample(
        video, events=fo.TemporalDetections(detections=[jump]), weather=fo.Classification(label="sun")
    )
    return dataset_of([sample])


@pytest.fixture
def project(annotator):
    """Makes a project of others with a task."""

    def make(config=CONFIG, **data):
        title = f"Theirs {uuid.uuid4().hex[:8]}"
        project_id = annotator.call("POST", "/api/projects/", json={"title": title, "label_config": config})["id"]
        data = {"clip": "https://example.com/a.mp4", "fps": 30, **data}
        annotator.call("POST", f"/api/projects/{project_id}/import", json=[{"data": data}])
        return project_id

    return make


def annotate(dataset, connection, label_schema=SCHEMA, **options):
    return dataset.annotate(
        "run", backend="labelstudio", label_schema=label_schema, attributes=False, **connection, **options
    )


def exported(annotator, project_id):
    return annotator.call("GET", f"/api/projects/{project_id}/export?exportType=JSON&download_all_tasks=true")


def in_their_names(result):
    assert {(region["type"], region["from_name"], region["to_name"]) for region in result} == {
        ("videorectangle", "box", "v"),
        ("timelinelabels", "doing", "v"),
        ("choices", "weather", "v"),
    }


def test_videos_go_into_a_project_that_is_there_and_come_home(project, dataset, connection, annotator):
    project_id = project()
    theirs = exported(annotator, project_id)
    results = annotate(dataset, connection, project_id=project_id)
    (task_id,) = results.tasks.values()
    data = annotator.task(task_id)["data"]
    assert data["fps"] == pytest.approx(25) and "frame_rate" not in data and "video" not in data
    frames, samples = raw_frames(dataset), stored(dataset)
    in_their_names(annotator.preloaded(task_id))
    dataset.load_annotations("run")
    assert (raw_frames(dataset), stored(dataset)) == (frames, samples)

    def edit(result):
        for region in result:
            if region["value"].get("labels") == ["car"]:
                moved(10, x=5.0)(region)
                region["value"]["labels"] = ["person"]
            elif region["type"] == "timelinelabels":
                region["value"].update(ranges=[{"start": 4, "end": 8}], timelinelabels=["run"])
            elif region["type"] == "choices":
                region["value"]["choices"] = ["rain"]
        drawn = next(region for region in result if region["type"] == "videorectangle")
        box = {"x": 10.0, "y": 20.0, "width": 25.0, "height": 25.0, "rotation": 0, "frame": 28, "enabled": False}
        drawn = {**drawn, "id": "drawn", "value": {**drawn["value"], "labels": ["car"], "sequence": [box]}}
        return [*result, drawn]

    annotator.submit(task_id, edit)
    dataset.load_annotations("run")
    sample = dataset.first()
    assert boxes_of(sample, "car") == {28: [0.1, 0.2, 0.25, 0.25]}
    assert boxes_of(sample, "person", 1)[10] == [0.25, 0.25, 0.25, 0.25]
    assert [(one.label, one.support, one.confidence) for one in sample.events.detections] == [("run", [4, 8], 0.7)]
    assert sample.weather.label == "rain"
    after = raw_frames(dataset)
    dataset.load_annotations("run", full=True)
    assert raw_frames(dataset) == after
    results.cleanup()
    assert exported(annotator, project_id) == theirs


def test_videos_go_with_a_labeling_config_of_ones_own(dataset, connection, annotator):
    config = CONFIG.replace('frameRate="$fps"', 'framerate="25"')
    results = annotate(dataset, connection, labeling_config=config)
    (task_id,) = results.tasks.values()
    assert annotator.task(task_id)["data"].keys() == {"clip", "sample_id", "filename"}
    in_their_names(annotator.submit(task_id)["result"])
    frames, samples = raw_frames(dataset), stored(dataset)
    dataset.load_annotations("run")
    assert (raw_frames(dataset), stored(dataset)) == (frames, samples)


def test_the_label_schema_is_that_of_the_project_where_none_is_given(project, dataset, connection, annotator):
    results = annotate(dataset, connection, None, project_id=project())
    (task_id,) = results.tasks.values()
    box = {"x": 10.0, "y": 20.0, "width": 25.0, "height": 25.0, "rotation": 0, "frame": 2, "enabled": False}
    region = {"id": "drawn", "from_name": "box", "to_name": "v", "type": "videorectangle", "origin": "manual"}
    value = {"framesCount": FRAMES, "duration": FRAMES / 25, "labels": ["bicycle"], "sequence": [box]}
    annotator.submit(task_id, lambda result: [*result, {**region, "value": value}])
    dataset.load_annotations("run")
    assert boxes_of(dataset.first(), "bicycle", field="box") == {2: [0.1, 0.2, 0.25, 0.25]}
    assert dataset.get_field_schema().keys() >= {"doing", "weather"}


@pytest.mark.parametrize("framerate", ['framerate="30"', ""])
def test_a_video_that_would_be_shown_at_another_rate_is_refused_before_anything_is_made(
    project, dataset, connection, annotator, framerate
):
    project_id = project(CONFIG.replace('frameRate="$fps"', framerate))
    with pytest.raises(SampleError) as caught:
        annotate(dataset, connection, project_id=project_id)
    assert f"sample {dataset.first().id}: the video has 25 frames a second" in str(caught.value)
    assert dataset.list_annotation_runs() == [] and len(exported(annotator, project_id)) == 1


def test_what_the_project_cannot_carry_is_refused(project, dataset, connection):
    project_id = project()
    schema = {"frames.act": {"type": "classification", "classes": ["fly"]}}
    with pytest.raises(LabelingConfigError, match=r"field 'frames\.act': control 'doing' lacks the classes 'fly'"):
        annotate(dataset, connection, schema, project_id=project_id)
    image = (
        '<View><Image name="v" value="$clip"/><Choices name="weather" toName="v"><Choice value="a"/></Choices></View>'
    )
    with pytest.raises(LabelingConfigError, match="shows image and no video; use a project"):
        annotate(dataset, connection, labeling_config=image)


def test_a_video_that_the_project_shows_already_is_left_out_or_gets_a_prediction(
    project, dataset, connection, annotator
):
    sample_id = dataset.first().id
    project_id = project(sample_id=sample_id, fps=25)
    with pytest.raises(RunError, match="shows all samples already"):
        annotate(dataset, connection, project_id=project_id, existing_tasks="skip")
    results = annotate(dataset, connection, project_id=project_id, existing_tasks="predict")
    (task,) = exported(annotator, project_id)
    frames, samples = raw_frames(dataset), stored(dataset)
    dataset.load_annotations("run")
    assert (raw_frames(dataset), stored(dataset)) == (frames, samples)
    (prediction,) = annotator.call("GET", f"/api/predictions/?task={task['id']}")
    in_their_names(prediction["result"])
    results.cleanup()
    assert [one["id"] for one in exported(annotator, project_id)] == [task["id"]]


@pytest.mark.parametrize("rate", [30, None])
def test_a_task_of_others_that_shows_the_video_at_another_rate_gets_no_prediction(
    project, dataset, connection, annotator, rate
):
    sample_id = dataset.first().id
    project_id = project(sample_id=sample_id, fps=rate)
    with pytest.raises(SampleError, match="in the task that shows it already; correct the data of that task"):
        annotate(dataset, connection, project_id=project_id, existing_tasks="predict")
    (task,) = exported(annotator, project_id)
    assert annotator.call("GET", f"/api/predictions/?task={task['id']}") == []
