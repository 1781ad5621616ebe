"""Views that leave out some frames, or some boxes in them: what was not sent is never changed or deleted."""

from __future__ import annotations

import numpy as np
import pytest
from fiftyone import ViewField as F

from fo_labelstudio.convert.families.detections import HAS_MASK
from fo_labelstudio.dataset.samples import FrameReader
from tests.frames import (
    EXISTING,
    FRAMES,
    RUNS,
    SIZE,
    TRACKS,
    changed_numbers,
    edited,
    extended,
    moved,
    raw_frames,
    relabelled,
    video_sample,
    without,
)
from tests.memory import annotate_in_memory
from tests.runs.test_frames import Sent
from tests.videos import write_video

pytestmark = [pytest.mark.database, pytest.mark.ffmpeg, pytest.mark.sampled]

HIDDEN = [range(1, 4), range(5, 8), range(12, 15), range(17, 20)]
"""Frames of the car, which has 20."""

EDITS = {
    "moved": edited("car", moved(10, x=5.0)),
    "deleted": without("car"),
    "relabelled": edited("car", relabelled("person")),
    "extended": edited("car", extended(25)),
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


class SentView(Sent):
    """A view of a dataset that was sent."""

    def __init__(self, dataset, view, schema):
        self.dataset = dataset
        self.results, self.project = annotate_in_memory(view, "run", schema)
        self.ids = dataset.values("id")
        self.before = raw_frames(dataset)


@pytest.fixture
def hide(dataset_of, video):
    """Makes a dataset some of whose frames a view leaves out, or the labels in them, and sends the view."""

    def run(numbers, schema, view_of):
        sample = video_sample(video)
        for number in numbers:
            for box in sample.frames[number].det.detections:
                box["hard"] = True
            if sample.frames[number]["act"]:
                sample.frames[number]["act"]["hard"] = True
        dataset = dataset_of([sample])
        return SentView(dataset, view_of(dataset), schema)

    return run


def without_boxes(dataset):
    return dataset.filter_labels("frames.det", F("hard") != True, only_matches=False)  # noqa: E712


def without_masks(dataset):
    return dataset.filter_labels("frames.det", ~HAS_MASK, only_matches=False).limit(1)


@pytest.fixture
def read_whole(monkeypatch):
    """The ids of the samples of which all frames were read, those too that a view leaves out."""
    found = []
    read = FrameReader._all_frames
    monkeypatch.setattr(FrameReader, "_all_frames", lambda self, id: (found.append(id), read(self, id))[1])
    return found


@pytest.mark.parametrize(("numbers", "times"), [([], 0), (range(5, 8), 1)], ids=str)
def test_frames_are_read_again_only_where_a_view_leaves_out_labels_of_them(hide, read_whole, numbers, times):
    hide(numbers, {"frames.det": {**TRACKS, **EXISTING}}, without_boxes)
    assert len(read_whole) == times


def test_labels_of_frames_are_read_without_the_view_that_leaves_out_masks_where_there_are_none(hide, monkeypatch):
    monkeypatch.setattr(FrameReader, "_viewed", None)
    sent = hide([], {"frames.det": {**TRACKS, **EXISTING}}, without_masks)
    sent.answer(EDITS["moved"])
    sent.load()
    assert 10 in changed_numbers(sent.before, raw_frames(sent.dataset))


def test_boxes_with_masks_are_left_out_by_the_view_of_annotate(dataset_of, video):
    sample = video_sample(video)
    (car,) = (box for box in sample.frames[5].det.detections if box.label == "car")
    car.mask = np.ones((2, 2), bool)
    dataset = dataset_of([sample])
    sent = SentView(dataset, without_masks(dataset), {"frames.det": {**TRACKS, **EXISTING}})
    sent.answer(EDITS["deleted"])
    sent.load()
    assert 5 not in changed_numbers(sent.before, raw_frames(dataset))


def test_a_view_that_makes_labels_has_frames_read_again(hide, read_whole):
    hide([], {"frames.det": {**TRACKS, **EXISTING}}, lambda dataset: dataset.set_field("frames.det.detections.x", 1))
    assert len(read_whole) == 1


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("numbers", HIDDEN, ids=str)
def test_boxes_of_a_track_that_a_view_leaves_out_stay_as_they_are(hide, numbers, edit):
    sent = hide(numbers, {"frames.det": {**TRACKS, **EXISTING}}, without_boxes)
    sent.answer(EDITS[edit])
    sent.load()
    assert sent.changed and not {*sent.changed} & {*numbers}
    sent.load_again()


def test_frames_that_a_view_leaves_out_stay_as_they_are(hide):
    sent = hide((), {"frames.det": {**TRACKS, **EXISTING}}, lambda dataset: dataset.match_frames(F("frame_number") > 8))
    sent.answer(lambda result: [])
    sent.load()
    assert sent.changed == list(range(9, 26))
    sent.load_again()


def test_a_gap_that_a_view_has_made_is_not_filled_over_what_is_there(hide):
    sent = hide(range(5, 8), {"frames.det": {**TRACKS, **EXISTING}}, without_boxes)

    def fill(region):
        for key in region["value"]["sequence"][:-1]:
            key["enabled"] = True

    sent.answer(edited("car", fill))
    sent.load()
    assert not {*sent.changed} & {5, 6, 7}
    sent.load_again()


def test_what_nobody_edited_stays_as_it_is(hide):
    sent = hide(range(5, 8), {"frames.det": {**TRACKS, **EXISTING}}, without_boxes)
    sent.answer()
    sent.load()
    assert sent.changed == []


def test_an_edit_that_was_taken_back_leaves_all_as_it_was(hide):
    sent = hide(range(5, 8), {"frames.det": {**TRACKS, **EXISTING}}, without_boxes)
    before = {number: frame.det and frame.det.to_dict() for number, frame in sent.sample.frames.items()}
    sent.answer(EDITS["moved"])
    sent.load()
    sent.answer()
    sent.load()
    assert {number: frame.det and frame.det.to_dict() for number, frame in sent.sample.frames.items()} == before


@pytest.mark.parametrize("numbers", [range(1, 3), range(5, 8), range(10, 13)], ids=str)
def test_classes_of_frames_that_a_view_leaves_out_stay_as_they_are(hide, numbers):
    def view_of(dataset):
        return dataset.filter_labels("frames.act", F("hard") != True, only_matches=False)  # noqa: E712

    sent = hide(numbers, {"frames.act": {**RUNS, **EXISTING}}, view_of)
    sent.answer(lambda result: [])
    sent.load()
    assert sent.changed == [number for number in range(1, 25) if number not in numbers]
    sent.load_again()


def test_a_view_that_leaves_out_whole_tracks_says_nothing_of_frames(hide):
    sent = hide(
        (),
        {"frames.det": {**TRACKS, **EXISTING}},
        lambda dataset: dataset.filter_labels("frames.det", F("label") == "car", only_matches=False),
    )
    assert "hidden" not in str(sent.project.by_id[sent.results.tasks[sent.ids[0]]]["meta"])
    sent.answer(lambda result: [])
    sent.load()
    assert [len(frame.det.detections) for frame in sent.sample.frames.values() if frame.det][:6] == [0, 0, 1, 0, 1, 1]
    assert changed_numbers(sent.before, raw_frames(sent.dataset)) == list(range(1, 21))
