"""Labels of the frames of videos: annotate() -> people -> load_annotations(), against a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest

from tests.frames import (
    ACTIONS,
    CLASSES,
    FRAMES,
    SIZE,
    begun,
    boxes_of,
    changed_numbers,
    classes_of,
    edited,
    ended,
    extended,
    moved,
    raw_frames,
    relabelled,
    video_sample,
    with_drawn_range,
    with_range,
    with_track,
    without,
    without_range,
)
from tests.support import stored
from tests.videos import write_video

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

SCHEMA = {
    "frames.det": {"type": "detections", "classes": CLASSES},
    "frames.act": {"type": "classification", "classes": ACTIONS},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture
def dataset(dataset_of, video):
    return dataset_of([video_sample(video)])


@pytest.fixture
def campaign(dataset, connection, annotator):
    return Campaign(dataset, connection, annotator)


class Campaign:
    """A video that was sent, and the person who answers its task."""

    def __init__(self, dataset, connection, annotator, schema=None):
        self.dataset = dataset
        self.annotator = annotator
        self.results = dataset.annotate(
            "run", backend="labelstudio", label_schema=schema or SCHEMA, attributes=False, **connection
        )
        self.before = raw_frames(dataset)
        (self.task_id,) = self.results.tasks.values()
        self._annotation = None

    def answer(self, edit=lambda result: result):
        """Submits an edit of what was sent, in place of what was submitted before."""
        if self._annotation is None:
            self._annotation = self.annotator.submit(self.task_id, edit)
        else:
            result = edit(self.annotator.preloaded(self.task_id))
            self.annotator.call("PATCH", f"/api/annotations/{self._annotation['id']}/", json={"result": result})

    def load(self, **options):
        self.dataset.load_annotations("run", **options)

    def load_again(self, **options):
        before = raw_frames(self.dataset)
        self.load(full=True, **options)
        assert raw_frames(self.dataset) == before

    @property
    def sample(self):
        return self.dataset.first()

    @property
    def changed(self):
        return changed_numbers(self.before, raw_frames(self.dataset))


def numbers(first, last):
    return list(range(first, last + 1))


def both(*edits):
    """One edit after another."""

    def apply(result):
        for edit in edits:
            result = edit(result)
        return result

    return apply


def test_accepting_everything_leaves_every_frame_and_sample_as_it_is(campaign):
    samples = stored(campaign.dataset)
    campaign.answer()
    campaign.load()
    assert campaign.changed == []
    assert stored(campaign.dataset) == samples


def test_tasks_without_an_answer_leave_every_frame_as_it_is(campaign):
    campaign.load()
    assert campaign.changed == []


CAR = {number: [round(0.1 + 0.01 * number, 6), 0.25, 0.25, 0.25] for number in numbers(1, 20)}


@pytest.mark.parametrize(
    ("edit", "changed", "cars"),
    [
        (edited("car", moved(10, x=5.0), 2), numbers(2, 19), numbers(1, 20)),
        (edited("car", ended(12), 2), numbers(13, 20), numbers(1, 12)),
        (edited("car", begun(4), 2), numbers(1, 3), numbers(4, 20)),
        (edited("car", extended(25), 2), numbers(21, 25), numbers(1, 25)),
        (edited("car", relabelled("person"), 2), numbers(1, 20), []),
        (without("car", 2), numbers(1, 20), []),
        (with_track(22, 28), numbers(22, 28), [*numbers(1, 20), *numbers(22, 28)]),
        (both(edited("car", ended(8), 2), with_track(12, 20)), numbers(9, 20), [*numbers(1, 8), *numbers(12, 20)]),
    ],
    ids=["moved", "shortened", "begun later", "extended", "relabelled", "deleted", "drawn", "split"],
)
def test_an_edited_track_changes_its_own_frames_only_and_is_restored_where_that_is_taken_back(
    campaign, edit, changed, cars
):
    campaign.answer(edit)
    campaign.load()
    assert campaign.changed == changed
    assert list(boxes_of(campaign.sample, "car")) == cars
    campaign.load_again()
    campaign.answer()
    campaign.load()
    assert boxes_of(campaign.sample, "car") == CAR
    campaign.load_again()


@pytest.mark.parametrize(
    ("edit", "changed", "running"),
    [
        (with_range("run", 16, 27), [13, 14, 15, 25, 26, 27], numbers(16, 27)),
        (without_range("run"), numbers(13, 24), []),
        (with_drawn_range("run", 26, 28), numbers(26, 28), [*numbers(13, 24), *numbers(26, 28)]),
    ],
    ids=["moved", "deleted", "drawn"],
)
def test_an_edited_range_changes_its_own_frames_only_and_is_restored_where_that_is_taken_back(
    campaign, edit, changed, running
):
    campaign.answer(edit)
    campaign.load()
    assert campaign.changed == changed
    assert [number for number, name in classes_of(campaign.sample).items() if name == "run"] == running
    campaign.load_again()
    campaign.answer()
    campaign.load()
    assert [number for number, name in classes_of(campaign.sample).items() if name == "run"] == numbers(13, 24)
    campaign.load_again()


def test_two_fields_of_frames_and_one_of_samples_are_loaded_at_once(dataset, connection, annotator):
    dataset.set_values("weather", [fo.Classification(label="sun")])
    schema = {**SCHEMA, "weather": {"type": "classification", "classes": ["sun", "rain"]}}
    campaign = Campaign(dataset, connection, annotator, schema)

    def rain(result):
        for region in result:
            if region["type"] == "choices":
                region["value"]["choices"] = ["rain"]
        return result

    campaign.answer(both(edited("car", moved(10, x=5.0), 2), with_range("run", 13, 26), rain))
    campaign.load()
    assert campaign.changed == [*numbers(2, 19), 25, 26]
    assert campaign.sample.weather.label == "rain"
    campaign.load_again()


def test_new_fields_of_frames_are_made(dataset, connection, annotator):
    schema = {
        **SCHEMA,
        "frames.drawn": {"type": "detections", "classes": ["dog"]},
        "frames.said": {"type": "classifications", "classes": ["hello"]},
    }
    campaign = Campaign(dataset, connection, annotator, schema)
    controls = {field.name: field.control for field in campaign.results.config.label_fields()}

    def draw(result):
        box = {**with_track(3, 6, "dog", "dog")(result)[-1], "from_name": controls["frames.drawn"]}
        said = {**with_drawn_range("hello", 5, 6, "hello")(result)[-1], "from_name": controls["frames.said"]}
        return [*result, box, said]

    campaign.answer(draw)
    campaign.load()
    assert list(boxes_of(campaign.sample, "dog", field="drawn")) == numbers(3, 6)
    said = {number: frame.said.classifications for number, frame in campaign.sample.frames.items() if frame.said}
    assert {number: [label.label for label in labels] for number, labels in said.items()} == {
        5: ["hello"],
        6: ["hello"],
    }
    assert campaign.changed == numbers(3, 6)
    campaign.load_again()


def test_another_field_of_frames_gets_a_copy(campaign):
    campaign.answer(edited("car", moved(10, x=5.0), 2))
    campaign.load(dest_field={"frames.det": "frames.corrected"})
    assert boxes_of(campaign.sample, "car") == CAR
    corrected = boxes_of(campaign.sample, "car", field="corrected")
    assert corrected[10] != CAR[10] and corrected.keys() == CAR.keys()
    campaign.load_again(dest_field={"frames.det": "frames.corrected"})


def test_an_answer_that_started_from_other_predictions_brings_those_home(campaign):
    for frame in campaign.sample.frames.values():
        if frame.det:
            boxes = [
                fo.Detection(label=box.label, index=box.index, bounding_box=box.bounding_box)
                for box in frame.det.detections
            ]
            for box in boxes:
                box.bounding_box[0] += 0.05
            frame["second"] = fo.Detections(detections=boxes)
            frame.save()
    campaign.results.upload_predictions(campaign.dataset, "frames.second", "second")
    predictions = campaign.annotator.task(campaign.task_id)["predictions"]
    (second,) = (prediction for prediction in predictions if prediction["model_version"] == "second")
    result = edited("car", moved(10, x=5.0), 2)(second["result"])
    values = {"result": result, "parent_prediction": second["id"]}
    campaign.annotator.call("POST", f"/api/tasks/{campaign.task_id}/annotations/", json=values)
    campaign.load()
    boxes = boxes_of(campaign.sample, "car")
    assert list(boxes) == numbers(1, 20)
    assert [boxes[number][0] for number in (1, 10, 20)] == [0.16, 0.3, 0.35]
    assert boxes_of(campaign.sample, "person", 2)[5] == [0.55, 0.15, 0.125, 0.25]
    campaign.load_again()
