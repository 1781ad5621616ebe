"""Labels of frames, from a dataset of videos through a project in memory and back."""

from __future__ import annotations

from itertools import pairwise

import bson
import fiftyone as fo
import pytest

from fo_labelstudio.dataset.place import FramesPlace
from fo_labelstudio.errors import SampleError
from fo_labelstudio.runs.check import check_run
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.run import run_of
from tests.frames import (
    EXISTING,
    FRAMES,
    RUNS,
    SIZE,
    TRACKS,
    begun,
    boxes_of,
    changed_numbers,
    classes_of,
    edited,
    ended,
    extended,
    moved,
    ranges,
    raw_frames,
    relabelled,
    video_sample,
    with_drawn_range,
    with_range,
    with_track,
    without,
    without_range,
)
from tests.memory import annotate_in_memory
from tests.videos import write_video

pytestmark = [pytest.mark.database, pytest.mark.ffmpeg, pytest.mark.sampled]

SCHEMA = {"frames.det": {**TRACKS, **EXISTING}}


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture
def dataset(dataset_of, video, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    return dataset_of([video_sample(video), video_sample(other)])


class Sent:
    """A dataset of two videos that was sent, and somebody who answers the task of the first."""

    def __init__(self, dataset, schema=None):
        self.dataset = dataset
        self.results, self.project = annotate_in_memory(dataset, "run", schema or SCHEMA)
        self.ids = dataset.values("id")
        self.before = raw_frames(dataset)

    def answer(self, edit=lambda result: result, place=0):
        task_id = self.results.tasks[self.ids[place]]
        self.project.by_id[task_id]["annotations"].clear()
        self.project.submit(task_id, edit)

    def load(self, **options):
        dest_field = options.pop("dest_field", None)
        settings = {"unexpected": "ignore", **options}
        load_run(self.results, LoadOptions.of(settings, self.results.config, dest_field), self.project)
        self.results.save()
        self.dataset.reload()

    @property
    def sample(self):
        return self.dataset[self.ids[0]]

    @property
    def changed(self):
        """The numbers of the frames that are not as they were sent."""
        return changed_numbers(self.before, raw_frames(self.dataset))

    def load_again(self):
        """Loads all once more, which must not change anything."""
        before = raw_frames(self.dataset)
        for _ in range(2):
            self.load(full=True)
            assert raw_frames(self.dataset) == before


@pytest.fixture
def sent(dataset):
    return Sent(dataset)


def numbers(first, last):
    return list(range(first, last + 1))


def test_tracks_that_are_accepted_leave_every_frame_as_it_is(sent):
    sent.answer()
    sent.load()
    assert sent.changed == []


def test_a_task_that_nobody_answers_leaves_every_frame_as_it_is(sent):
    sent.load()
    assert sent.changed == []


def test_a_moved_keyframe_changes_the_frames_from_the_one_before_to_the_one_behind(sent):
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load()
    assert sent.changed == numbers(2, 19)
    boxes = boxes_of(sent.sample, "car", 1)
    assert boxes[10] == [0.25, 0.25, 0.25, 0.25]
    assert boxes[1] == [0.11, 0.25, 0.25, 0.25]
    before = video_sample("x.mp4").frames[10].det.detections[0]
    (box,) = (box for box in sent.sample.frames[10].det.detections if box.index == 1)
    assert (box.confidence, box.tags) == (before.confidence, ["mine"])
    sent.load_again()


def test_the_other_labels_of_a_frame_stay_as_they_are(sent):
    other = {number: sent.sample.frames[number].det.detections[1].to_dict() for number in range(5, 11)}
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load()
    assert {number: sent.sample.frames[number].det.detections[1].to_dict() for number in other} == other


@pytest.mark.parametrize(
    ("edit", "first", "last", "written"),
    [
        (ended(12), 1, 12, numbers(13, 20)),
        (begun(4), 4, 20, numbers(1, 3)),
        (extended(25), 1, 25, numbers(21, 25)),
    ],
)
def test_a_track_has_a_box_in_the_frames_that_it_is_given_and_in_no_others(sent, edit, first, last, written):
    ids = {number: frame.det.detections[0].id for number, frame in sent.sample.frames.items() if 1 <= number <= 20}
    sent.answer(edited("car", edit, 2))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 1)) == numbers(first, last)
    assert sent.changed == written
    left = {
        number: box.id
        for number, frame in sent.sample.frames.items()
        for box in (frame.det.detections if frame.det else ())
        if box.index == 1
    }
    assert {number: left[number] for number in left if number in ids} == {n: ids[n] for n in ids if n in left}
    sent.load_again()
    sent.answer()
    sent.load()
    assert list(boxes_of(sent.sample, "car", 1)) == numbers(1, 20)
    assert boxes_of(sent.sample, "car", 1) == boxes_of(video_sample("x.mp4"), "car", 1)
    sent.load_again()


def test_a_track_that_is_relabelled_is_of_another_class_in_all_its_frames(sent):
    sent.answer(edited("car", relabelled("person"), 2))
    sent.load()
    assert list(boxes_of(sent.sample, "person", 1)) == numbers(1, 20)
    assert boxes_of(sent.sample, "person", 1) == boxes_of(video_sample("x.mp4"), "car", 1)
    sent.load_again()
    sent.answer()
    sent.load()
    assert list(boxes_of(sent.sample, "car", 1)) == numbers(1, 20)


def test_a_deleted_track_leaves_all_its_frames_and_comes_back_where_that_is_taken_back(sent):
    sent.answer(without("car", 2))
    sent.load()
    assert sent.changed == numbers(1, 20)
    assert boxes_of(sent.sample, "car") == {}
    assert list(boxes_of(sent.sample, "person", 2)) == [*numbers(5, 10), *numbers(15, 25)]
    sent.load_again()
    sent.answer()
    sent.load()
    assert boxes_of(sent.sample, "car", 1) == boxes_of(video_sample("x.mp4"), "car", 1)
    assert {
        box.tags[0]
        for frame in sent.sample.frames.values()
        if frame.det
        for box in frame.det.detections
        if box.index == 1
    } == {"mine"}
    sent.load_again()


def test_a_drawn_track_gets_an_index_of_its_own_and_the_same_one_at_each_load(sent):
    sent.answer(with_track(22, 28))
    sent.load()
    assert sent.changed == numbers(22, 28)
    boxes = boxes_of(sent.sample, "car", 3)
    assert list(boxes) == numbers(22, 28)
    assert (boxes[22][0], boxes[25][0], boxes[28][0]) == (0.1, 0.25, 0.4)
    sent.load_again()
    sent.answer(lambda result: with_track(20, 28)(result))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 3)) == numbers(20, 28)
    sent.load_again()
    sent.answer(lambda result: with_track(24, 30)(result))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 3)) == numbers(24, 30)
    sent.answer()
    sent.load()
    assert boxes_of(sent.sample, "car", 3) == {}
    sent.load_again()


def test_a_track_that_is_split_is_two(sent):
    sent.answer(lambda result: with_track(15, 20)(edited("car", ended(12), 2)(result)))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 1)) == numbers(1, 12)
    assert list(boxes_of(sent.sample, "car", 3)) == numbers(15, 20)
    sent.load_again()


def test_a_drawn_box_of_one_frame_has_no_index_until_it_goes_on(sent):
    sent.answer(with_track(28, 28))
    sent.load()
    (box,) = sent.sample.frames[28].det.detections
    assert (box.label, box.index) == ("car", None)
    sent.load_again()
    sent.answer(with_track(28, 30))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 3)) == numbers(28, 30)
    assert sent.sample.frames[28].det.detections[0].id == box.id
    sent.load_again()


class TestTakenBack:
    """What is as it was, to the last attribute, where answers say again what was sent."""

    @pytest.fixture
    def sent(self, dataset):
        (sample, _) = dataset
        thing = fo.Instance()
        for number in (*numbers(1, 3), *numbers(5, 8)):
            tags, label = (["first"], "person") if number == 8 else ([], "car")
            box = fo.Detection(label=label, bounding_box=[0.5, 0.75, 0.125, 0.125], tags=tags, instance=thing)
            if number < 8:
                box["colour"] = "red"
            frame = sample.frames[number]
            frame.det = fo.Detections(detections=[*(frame.det.detections if frame.det else ()), box])
        sample.save()
        return Sent(dataset)

    def labels(self, sent):
        """Frame number -> id -> all that the frame stores of a label."""
        docs = map(bson.decode, raw_frames(sent.dataset).values())
        there = [doc for doc in docs if str(doc["_sample_id"]) == sent.ids[0] and doc.get("det")]
        return {doc["frame_number"]: {box["_id"]: box for box in doc["det"]["detections"]} for doc in there}

    @pytest.mark.parametrize(
        "edits",
        [
            pytest.param([edited("person", extended(9), 1)], id="a box without an index goes on"),
            pytest.param([edited("person", extended(9), 1), edited("person", extended(12), 1)], id="and goes on again"),
            pytest.param([without("car", 4)], id="a track without an index is deleted"),
            pytest.param([edited("car", ended(7), 4)], id="the frame that differs is left"),
            pytest.param([edited("car", ended(7), 4), edited("car", relabelled("person"), 4)], id="and relabelled"),
            pytest.param([edited("car", ended(7), 4), without("car", 4)], id="and deleted"),
        ],
    )
    def test_labels_have_all_that_they_had(self, sent, edits):
        before = self.labels(sent)
        for edit in edits:
            sent.answer(edit)
            sent.load()
            assert self.labels(sent) != before
            sent.load_again()
        sent.answer()
        sent.load()
        there = {number: labels for number, labels in self.labels(sent).items() if labels or number in before}
        assert there == before
        sent.load_again()

    def test_a_frame_that_comes_back_to_a_relabelled_track_is_of_its_class(self, sent):
        edit = edited("car", ended(7), 4)
        sent.answer(edit)
        sent.load()
        sent.answer(edited("car", relabelled("person"), 4))
        sent.load()
        assert boxes_of(sent.sample, "person")[8] == [0.5, 0.75, 0.125, 0.125]
        sent.load_again()


def test_frames_that_the_dataset_does_not_have_are_made(sent):
    sent.dataset.delete_frames(
        sent.dataset.match_frames(fo.ViewField("frame_number") > 25).values("frames.id", unwind=True)
    )
    sent.before = raw_frames(sent.dataset)
    assert len(sent.sample.frames) == 25
    sent.answer(with_track(24, 28))
    sent.load()
    assert list(boxes_of(sent.sample, "car", 3)) == numbers(24, 28)
    assert list(sent.sample.frames) == numbers(1, 28)
    assert all(sent.sample.frames[number].created_at for number in numbers(1, 28))
    sent.load_again()


def test_some_answers_leave_the_frames_of_other_videos_as_they_are(sent):
    sent.answer(edited("car", moved(10, x=5.0), 2), place=1)
    sent.load()
    after = raw_frames(sent.dataset)
    assert {key[0] for key in after if after[key] != sent.before[key]} == {sent.ids[1]}


@pytest.mark.parametrize("side", [float("nan"), float("inf")])
def test_a_box_that_cannot_be_sent_is_named_by_sample_frame_and_label(dataset, side):
    frame = dataset.first().frames[12]
    (box,) = frame.det.detections
    box.bounding_box = [side, 0.1, 0.1, 0.1]
    frame.save()
    run = run_of(annotate_in_memory(dataset[1:], "run", SCHEMA)[0].config, dataset, "run")
    with pytest.raises(SampleError) as error:
        check_run(run)
    (problem,) = error.value.problems
    assert problem.startswith(
        f"field 'frames.det', sample {dataset.first().id}, the track with index 1: in frame 12, label {box.id}: "
        f"its bounding_box is [{side}, 0.1, 0.1, 0.1], expected four finite numbers"
    )
    assert problem.endswith("; correct the label, or delete it")


def test_a_new_field_of_frames_is_made(dataset):
    sent = Sent(dataset, {"frames.drawn": {**TRACKS, "existing_field": False}, **SCHEMA})
    sent.answer(lambda result: [*result, _in_field(with_track(3, 6)(result)[-1], sent)])
    sent.load()
    assert list(boxes_of(sent.sample, "car", field="drawn")) == numbers(3, 6)
    assert sent.changed == numbers(3, 6)
    sent.load_again()


def _in_field(region, sent):
    (field,) = (field for field in sent.results.config.label_fields() if field.name == "frames.drawn")
    return {**region, "from_name": field.control}


def test_another_field_gets_a_copy_of_all_tracks(sent):
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load(dest_field="frames.corrected")
    sample = sent.sample
    assert list(boxes_of(sample, "car", 1, "corrected")) == numbers(1, 20)
    assert boxes_of(sample, "car", 1, "corrected")[10] == [0.25, 0.25, 0.25, 0.25]
    assert boxes_of(sample, "person", field="corrected") == boxes_of(sample, "person")
    assert boxes_of(sample, "car", 1) == boxes_of(video_sample("x.mp4"), "car", 1)
    before = raw_frames(sent.dataset)
    sent.load(dest_field={"frames.det": "corrected"}, full=True)
    assert raw_frames(sent.dataset) == before


def test_frames_that_are_held_in_memory_are_as_the_database_has_them(sent):
    sample = sent.dataset[sent.ids[0]]
    frames = [sample.frames[number] for number in (10, 25)]
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load()
    assert frames[0].det.detections[0].bounding_box[0] == pytest.approx(0.25)
    sample.frames[10]["note"] = "mine"
    sample.save()
    sent.dataset.reload()
    assert boxes_of(sent.sample, "car", 1)[10] == [0.25, 0.25, 0.25, 0.25]
    clone = sent.dataset.clone()
    try:
        assert boxes_of(clone.first(), "car", 1)[10] == [0.25, 0.25, 0.25, 0.25]
    finally:
        clone.delete()


def test_a_load_in_which_nobody_has_changed_anything_reads_no_frame(sent, monkeypatch):
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load()
    sent.load()
    monkeypatch.setattr(FramesPlace, "read", None)
    sent.load()


def test_a_track_that_is_changed_in_fiftyone_since_is_looked_at_again(sent):
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.load()
    sent.load()
    frame = sent.sample.frames[10]
    frame.det.detections[0].bounding_box = [0.5, 0.5, 0.1, 0.1]
    frame.save()
    sent.project.pages.clear()
    sent.load()
    assert sent.project.pages == [[sent.results.tasks[sent.ids[0]]]]
    assert boxes_of(sent.sample, "car", 1)[10] == [0.5, 0.5, 0.1, 0.1]


def test_labels_of_samples_and_of_frames_are_loaded_in_one_run(dataset):
    dataset.set_values("weather", [fo.Classification(label="sun"), None])
    schema = {
        **SCHEMA,
        "weather": {"type": "classification", "classes": ["sun", "rain"], "existing_field": True},
        "frames.act": {**RUNS, **EXISTING},
    }
    sent = Sent(dataset, schema)
    sent.answer(edited("car", moved(10, x=5.0), 2))
    sent.answer(place=1)
    sent.load()
    assert sent.changed == numbers(2, 19)
    assert [value and value.label for value in dataset.values("weather")] == ["sun", None]


@pytest.mark.parametrize("schema", [SCHEMA, {"frames.act": {**RUNS, **EXISTING}}])
@pytest.mark.parametrize("unexpected", ["ignore", "keep", "return"])
def test_ranges_that_no_field_expects_are_moments_and_tracks_are_told(dataset, schema, unexpected, caplog):
    sent = Sent(dataset, schema)
    box = {"frame": 1, "enabled": False, "x": 1, "y": 1, "width": 2, "height": 3, "rotation": 0}
    values = {
        "videorectangle": {"sequence": [box], "labels": ["bus"], "framesCount": FRAMES, "duration": 1.2},
        "timelinelabels": {"ranges": [{"start": 2, "end": 5}], "timelinelabels": ["jump"]},
    }
    added = [
        {"id": kind, "type": kind, "from_name": f"new {kind}", "to_name": "video", "value": value}
        for kind, value in values.items()
    ]
    sent.answer(lambda result: [*result, *added])
    for _ in range(2):
        options = LoadOptions.of({"full": True}, sent.results.config, None, unexpected)
        returned = load_run(sent.results, options, sent.project)
        dataset.reload()
        kept = dataset.first()["temporal_detections"].detections if unexpected == "keep" else []
        for labels in returned.values():
            kept += labels["temporal_detections"][sent.ids[0]].values()
        moments = [(one.label, one.support) for one in kept]
        assert moments == ([] if unexpected == "ignore" else [("jump", [2, 5])])
    assert "region 'videorectangle': a videorectangle is a label of frames, and no label field of the" in caplog.text
    assert sent.changed == []


def test_a_related_track_is_named_by_its_label_in_its_first_frame(sent):
    def load():
        options = LoadOptions.of({"full": True}, sent.results.config, None, "keep")
        load_run(sent.results, options, sent.project)
        sent.dataset.reload()
        boxes = [box for frame in sent.sample.frames.values() if frame.det for box in frame.det.detections]
        named = {box.index: box.get_attribute_value("related_to", None) for box in boxes}
        first = {}
        for box in boxes:
            first.setdefault(box.index, box.id)
        return {
            index: [next(i for i in first if first[i] == one) for one in ids] for index, ids in named.items() if ids
        }

    def related(*edits):
        def apply(result):
            result = with_track(22, 28)(result)
            for edit in edits:
                result = edit(result)
            ends = [region["id"] for region in result if len(region["value"]["sequence"]) > 1]
            pairs = pairwise(ends)
            return [*result, *({"type": "relation", "from_id": one, "to_id": other} for one, other in pairs)]

        return apply

    sent.answer(related())
    for _ in range(2):
        assert load() == {1: [2], 2: [3]}
        assert sent.results.conflicts == []
    sent.answer(related(edited("person", begun(8), 4)))
    for _ in range(2):
        assert load() == {1: [2], 2: [3]}
    sent.answer()
    assert load() == {}


WALK, RUN = dict.fromkeys(range(1, 13), "walk"), dict.fromkeys(range(13, 25), "run")


class TestRuns:
    """Runs of equal classes over consecutive frames, in a field of one class for each frame."""

    @pytest.fixture
    def sent(self, dataset):
        return Sent(dataset, {"frames.act": {**RUNS, **EXISTING}})

    def check(self, sent, classes, changed):
        assert classes_of(sent.sample) == classes
        assert sent.changed == changed
        sent.load_again()

    def take_back(self, sent):
        """Has the annotator take everything back, which restores all of it."""
        sent.answer()
        sent.load()
        assert classes_of(sent.sample) == {**WALK, **RUN}
        confidences = {number: frame.act.confidence for number, frame in sent.sample.frames.items() if frame.act}
        assert confidences == {number: number / 100 for number in range(1, 25)}
        sent.load_again()

    def test_accepted_ones_leave_every_frame_as_it_is(self, sent):
        sent.answer()
        sent.load()
        self.check(sent, {**WALK, **RUN}, [])

    @pytest.mark.parametrize(("first", "last"), [(13, 20), (16, 24), (13, 30), (16, 27)])
    def test_a_range_that_is_dragged_changes_the_frames_that_it_comes_to_and_leaves(self, sent, first, last):
        sent.answer(with_range("run", first, last))
        sent.load()
        now = dict.fromkeys(range(first, last + 1), "run")
        self.check(sent, {**WALK, **now}, sorted(RUN.keys() ^ now.keys()))
        self.take_back(sent)

    def test_a_range_that_begins_elsewhere_twice_is_still_the_same(self, sent):
        for first, last in ((16, 27), (18, 30), (14, 20)):
            sent.answer(with_range("run", first, last))
            sent.load()
            assert classes_of(sent.sample) == {**WALK, **dict.fromkeys(range(first, last + 1), "run")}
            sent.load_again()
        self.take_back(sent)

    def test_a_deleted_range_leaves_its_frames_without_a_class(self, sent):
        sent.answer(without_range("walk"))
        sent.load()
        self.check(sent, RUN, sorted(WALK))
        self.take_back(sent)

    def test_a_drawn_range_is_in_frames_that_have_none(self, sent):
        sent.answer(with_drawn_range("walk", 26, 28))
        sent.load()
        self.check(sent, {**WALK, **RUN, **dict.fromkeys((26, 27, 28), "walk")}, [26, 27, 28])
        self.take_back(sent)

    def test_a_drawn_range_beside_one_of_its_class_is_another_one(self, sent):
        sent.answer(with_drawn_range("run", 25, 30))
        sent.load()
        self.check(sent, {**WALK, **RUN, **dict.fromkeys(range(25, 31), "run")}, numbers(25, 30))
        sent.answer(lambda result: with_drawn_range("run", 25, 30)(without_range("run")(result)))
        sent.load()
        self.check(sent, {**WALK, **dict.fromkeys(range(25, 31), "run")}, numbers(13, 30))
        self.take_back(sent)

    def test_a_range_of_another_class_changes_the_class_of_all_its_frames(self, sent):
        def relabel(result):
            ranges(result)["run"]["value"]["timelinelabels"] = ["walk"]
            return result

        sent.answer(relabel)
        sent.load()
        self.check(sent, {**WALK, **dict.fromkeys(RUN, "walk")}, sorted(RUN))
        self.take_back(sent)

    def test_a_border_between_two_that_is_moved_moves_in_one_load(self, sent):
        sent.answer(lambda result: with_range("run", 9, 24)(with_range("walk", 1, 8)(result)))
        sent.load()
        self.check(sent, {**dict.fromkeys(range(1, 9), "walk"), **dict.fromkeys(range(9, 25), "run")}, numbers(9, 12))
        self.take_back(sent)

    def test_a_frame_that_has_a_class_takes_no_other_where_there_is_room_for_one_only(self, sent, caplog):
        sent.answer(with_drawn_range("walk", 20, 26))
        sent.load()
        assert classes_of(sent.sample) == {**WALK, **RUN, 25: "walk", 26: "walk"}
        assert "5 frames, such as 20, hold one label each, and have one already; left alone" in caplog.text

    def test_a_range_that_another_one_blocks_is_no_conflict_and_comes_back_whole(self, sent, caplog):
        sent.answer(with_range("walk", 4, 27))
        sent.load()
        classes = {**dict.fromkeys(range(4, 13), "walk"), **RUN, **dict.fromkeys(range(25, 28), "walk")}
        self.check(sent, classes, [1, 2, 3, 25, 26, 27])
        assert "12 frames, such as 13, hold one label each, and have one already; left alone" in caplog.text
        sent.answer(with_range("walk", 2, 26))
        sent.load()
        assert classes_of(sent.sample) == {**dict.fromkeys(range(2, 13), "walk"), **RUN, 25: "walk", 26: "walk"}
        assert list(sent.results.conflicts) == []
        self.take_back(sent)

    def test_a_range_gets_the_frames_that_another_one_leaves_later(self, sent):
        for edit in (lambda result: result, without_range("run"), with_range("run", 20, 24)):
            sent.answer(lambda result, edit=edit: edit(with_range("walk", 1, 16)(result)))
            sent.load()
        walk = dict.fromkeys(range(1, 17), "walk")
        assert classes_of(sent.sample) == {**walk, **dict.fromkeys(range(20, 25), "run")}
        assert list(sent.results.conflicts) == []
        self.take_back(sent)

    def test_a_drawn_range_gets_the_frames_that_another_one_leaves_later(self, sent):
        for edit in (lambda result: result, with_range("run", 13, 20)):
            sent.answer(lambda result, edit=edit: edit(with_drawn_range("walk", 22, 27)(result)))
            sent.load()
        assert classes_of(sent.sample) == {
            **WALK,
            **dict.fromkeys(range(13, 21), "run"),
            **dict.fromkeys(range(22, 28), "walk"),
        }
        assert list(sent.results.conflicts) == []
        self.take_back(sent)

    def test_a_range_that_would_lose_all_its_frames_stays_where_it_is(self, sent):
        sent.answer(with_range("walk", 14, 20))
        sent.load()
        self.check(sent, {**WALK, **RUN}, [])
        self.take_back(sent)

    def test_a_deleted_range_whose_frames_are_taken_meanwhile_comes_back_frame_by_frame(self, sent):
        sent.answer(lambda result: without_range("run")(with_range("walk", 1, 15)(result)))
        sent.load()
        sent.answer(with_range("walk", 1, 15))
        sent.load()
        assert classes_of(sent.sample) == {
            **dict.fromkeys(range(1, 16), "walk"),
            **dict.fromkeys(range(16, 25), "run"),
        }
        sent.load_again()
        self.take_back(sent)

    def test_frames_that_a_blocked_range_got_stay_as_they_are_whatever_it_has_in_common_now(self, dataset):
        sample = dataset.first()
        for number in (2, 3):
            sample.frames[number].act["colour"] = "red"
        sample.save()
        sent = Sent(dataset, {"frames.act": {**RUNS, **EXISTING}})
        for last in (3, 27):
            sent.answer(with_range("walk", 2, last))
            sent.load()
            sent.load_again()
        self.take_back(sent)


class TestSharedFrames:
    """Runs in a field that has several classes of each frame, where two of one class may share frames."""

    @pytest.fixture
    def sent(self, dataset):
        sample = dataset.first()
        for number in range(15, 28):
            labels = ["walk"] * (number >= 17) + ["run"] * (number in (19, 20) or number < 17)
            found = [fo.Classification(label=label, confidence=number / 100) for label in labels]
            sample.frames[number]["acts"] = fo.Classifications(classifications=found)
        sample.save()
        return Sent(dataset, {"frames.acts": {**RUNS, "type": "classifications", **EXISTING}})

    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize("first", [1, 18, 22])
    def test_one_that_gets_the_class_of_another_takes_nothing_of_it(self, sent, place, first):
        before = self.labels(sent)

        def relabel(result):
            value = sorted(result, key=lambda region: region["value"]["ranges"][0]["start"])[place]["value"]
            value["timelinelabels"] = [{"run": "walk", "walk": "run"}[value["timelinelabels"][0]]]
            return result

        def move(result):
            result = relabel(result)
            region = max(result, key=lambda region: region["value"]["ranges"][0]["end"])
            region["value"]["ranges"] = [{"start": first, "end": 25}]
            return result

        for edit in (relabel, move, relabel):
            sent.answer(edit)
            sent.load()
            sent.load_again()
        assert list(sent.results.conflicts) == []
        now = self.labels(sent)
        assert {label_id: number for label_id, (number, _, _) in now.items()} == {
            label_id: number for label_id, (number, _, _) in before.items()
        }
        sent.answer()
        sent.load()
        assert self.labels(sent) == before
        sent.load_again()

    def labels(self, sent):
        """Id of a label -> its frame, class and confidence."""
        return {
            label.id: (number, label.label, label.confidence)
            for number, frame in sent.sample.frames.items()
            if frame["acts"]
            for label in frame["acts"].classifications
        }
