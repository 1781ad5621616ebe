"""import_annotations() of projects on videos, from a real server and from its JSON export."""

from __future__ import annotations

import json
import uuid

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import SettingsError
from tests.frames import FRAMES, SIZE, boxes_of, raw_frames
from tests.support import stored
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

CONFIG = """<View>
  <Video name="v" value="$clip" framerate="25"/>
  <VideoRectangle name="box" toName="v"/>
  <Labels name="who" toName="v"><Label value="person"/><Label value="car"/></Labels>
  <TimelineLabels name="doing" toName="v"><Label value="run"/><Label value="walk"/></TimelineLabels>
  <Choices name="weather" toName="v"><Choice value="sun"/><Choice value="rain"/></Choices>
  <Choices name="colour" toName="v" perRegion="true"><Choice value="red"/><Choice value="blue"/></Choices>
</View>"""


def keyframe(frame, x, is_enabled=True):
    place = {"x": x, "y": 20.0, "width": 25.0, "height": 25.0, "rotation": 0}
    return {**place, "frame": frame, "enabled": is_enabled, "time": frame / 25}


def track(*sequence, label="car", region_id="t1"):
    value = {"framesCount": FRAMES, "duration": FRAMES / 25, "sequence": list(sequence), "labels": [label]}
    return {"id": region_id, "from_name": "box", "to_name": "v", "type": "videorectangle", "value": value}


def moment(start, end, label="run", region_id="m1"):
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}
    return {"id": region_id, "from_name": "doing", "to_name": "v", "type": "timelinelabels", "value": value}


def choice(control, value, region_id):
    found = {"id": region_id, "from_name": control, "to_name": "v", "type": "choices"}
    return {**found, "value": {"choices": [value]}}


RESULT = [
    track(keyframe(2, 10.0), keyframe(6, 50.0, False)),
    choice("colour", "red", "t1"),
    moment(3, 9),
    choice("weather", "sun", "w"),
]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "street.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture
def dataset(dataset_of, video):
    return dataset_of([fo.Sample(filepath=str(video))])


class Theirs:
    """A project of others with one annotated task."""

    def __init__(self, annotator, config=CONFIG, result=RESULT, clip="https://example.com/street.mp4"):
        self._call = annotator.call
        title = f"Theirs {uuid.uuid4().hex[:8]}"
        self.id = self._call("POST", "/api/projects/", json={"title": title, "label_config": config})["id"]
        rows = [{"data": {"clip": clip}, "annotations": [{"result": result}]}]
        self._call("POST", f"/api/projects/{self.id}/import", json=rows)

    def export(self):
        """Its JSON export."""
        return self._call("GET", f"/api/projects/{self.id}/export?exportType=JSON")

    def answer(self, result):
        """Has the annotation be another one."""
        ((annotation,),) = [task["annotations"] for task in self.export()]
        self._call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": result})


@pytest.fixture
def theirs(annotator):
    return Theirs(annotator)


def check_imported(dataset):
    sample = dataset.first()
    places = {2: 0.1, 3: 0.2, 4: 0.3, 5: 0.4, 6: 0.5}
    assert boxes_of(sample, "car", field="box") == {frame: [x, 0.2, 0.25, 0.25] for frame, x in places.items()}
    boxes = [box for frame in sample.frames.values() for box in frame.box.detections]
    assert {(box.index, box.get_attribute_value("colour", None)) for box in boxes} == {(1, "red")}
    (found,) = sample.doing.detections
    assert (found.label, found.support) == ("run", [3, 9])
    assert sample.weather.label == "sun"


def test_tracks_ranges_and_choices_of_a_project_become_labels(theirs, dataset, connection):
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, **connection)
    check_imported(dataset)
    frames, samples = raw_frames(dataset), stored(dataset)
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, full=True, **connection)
    assert (raw_frames(dataset), stored(dataset)) == (frames, samples)


def test_a_second_import_changes_only_what_was_changed(theirs, dataset, connection):
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, **connection)
    frames = raw_frames(dataset)
    other = track(keyframe(20, 10.0, False), label="person", region_id="t2")
    theirs.answer([*RESULT[:2], other, moment(4, 9, "walk"), RESULT[3]])
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, **connection)
    sample, after = dataset.first(), raw_frames(dataset)
    assert {key[1] for key in after.keys() - frames.keys()} == {20}
    assert {key: after[key] for key in frames} == frames
    assert [(one.label, one.support) for one in sample.doing.detections] == [("walk", [4, 9])]
    theirs.answer([track(keyframe(2, 10.0), keyframe(4, 30.0, False)), RESULT[1], RESULT[3]])
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, **connection)
    sample = dataset.first()
    assert [*boxes_of(sample, "car", field="box")] == [2, 3, 4] and boxes_of(sample, "person", field="box") == {}
    assert sample.doing.detections == []


@pytest.mark.parametrize("has_config", [True, False])
def test_a_json_export_gives_the_same_without_a_server(theirs, dataset, tmp_path, has_config):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(theirs.export()))
    config = {"labeling_config": CONFIG} if has_config else {}
    fo_labelstudio.import_annotations(dataset, json_path=path, **config)
    check_imported(dataset)


def test_fields_are_named_as_wanted(theirs, dataset, connection):
    fields = {"box": "tracks", "doing": "events"}
    fo_labelstudio.import_annotations(dataset, project_id=theirs.id, fields=fields, **connection)
    assert "tracks" in dataset.get_frame_field_schema() and "events" in dataset.get_field_schema()


def test_new_videos_become_samples(theirs, dataset_of, video, tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(theirs.export()))
    dataset = dataset_of([])
    options = {"json_path": path, "labeling_config": CONFIG, "data_path": str(video.parent), "insert_new": True}
    with pytest.raises(SettingsError, match=r"set dataset\.media_type = 'video' before"):
        fo_labelstudio.import_annotations(dataset, **options)
    dataset.media_type = "video"
    fo_labelstudio.import_annotations(dataset, **options)
    check_imported(dataset)


def test_images_of_an_export_that_holds_videos_too_are_imported_and_the_videos_are_told(
    theirs, make_dataset, tmp_path, caplog
):
    dataset = make_dataset({})
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"id": "b", "from_name": "animal", "to_name": "img", "type": "rectanglelabels", "value": box}
    task = {"id": 1, "data": {"photo": dataset.first().filepath}, "annotations": [{"id": 1, "result": [region]}]}
    path = tmp_path / "export.json"
    path.write_text(json.dumps([*theirs.export(), task]))
    fo_labelstudio.import_annotations(dataset, json_path=path)
    (found,) = dataset.first().animal.detections
    assert (found.label, found.bounding_box) == ("cat", [0.1, 0.2, 0.3, 0.4])
    assert "'box' has results that are not for images (1 of type 'videorectangle'); left out" in caplog.text
    assert "'doing' has results that are not for images (1 of type 'timelinelabels'); left out" in caplog.text


def test_labels_of_frames_that_are_to_be_returned_are_told(theirs, dataset, connection, caplog):
    options = {"label_types": ["temporal_detections"], "unexpected": "return", **connection}
    returned = fo_labelstudio.import_annotations(dataset, project_id=theirs.id, **options)
    assert [*returned] == ["weather"]
    assert "Labels of frames cannot be returned, and are left out: 'frames.box'" in caplog.text


def test_what_cannot_be_imported_is_told_before_any_sample_is_made(theirs, dataset_of, video, tmp_path, caplog):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(theirs.export()))
    dataset = dataset_of([])
    dataset.media_type = "video"
    skeleton = '<KeyPointLabels name="joint" toName="v"><Label value="knee"/></KeyPointLabels></View>'
    options = {"labeling_config": CONFIG.replace("</View>", skeleton), "data_path": str(video.parent)}
    fo_labelstudio.import_annotations(
        dataset, json_path=path, insert_new=True, label_types=["temporal_detections"], unexpected="return", **options
    )
    told = [record.getMessage() for record in caplog.records]
    made = told.index("Added 1 new samples")
    (returned,) = [place for place, text in enumerate(told) if text.startswith("Labels of frames cannot be returned")]
    (left_out,) = [place for place, text in enumerate(told) if "'joint'" in text]
    assert max(returned, left_out) < made


def test_tracks_that_were_drawn_at_another_frame_rate_are_told(annotator, dataset, connection, caplog):
    result = [track(keyframe(2, 10.0, False))]
    result[0]["value"]["framesCount"] = FRAMES * 2
    fo_labelstudio.import_annotations(dataset, project_id=Theirs(annotator, result=result).id, **connection)
    assert (
        "it was drawn on a video of 60 frames, that of the sample has 30, so it may be on other frames" in caplog.text
    )
    assert [*boxes_of(dataset.first(), "car", field="box")] == [2]
