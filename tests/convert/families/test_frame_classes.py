from __future__ import annotations

from dataclasses import replace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.frame_labels import label_id_at
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.stored import label_of
from tests.convert import strategies
from tests.convert.families.frames import FramesTrip
from tests.convert.trip import SAMPLE
from tests.properties import examples

FIELD = strategies.field_of("frames.classifications", "frames.action", control="action", classes=("walk", "run"))


def said(label="walk", **attributes):
    return fo.Classification(label=label, **attributes)


def a_run(*numbers, **values):
    return {number: [said(**values)] for number in numbers}


def trip_of(frames, field=FIELD):
    return FramesTrip(field, frames)


def a_region(*ranges, label="walk"):
    value = {"ranges": [{"start": first, "end": last} for first, last in ranges], "timelinelabels": [label]}
    return {"id": "n", "from_name": "action", "to_name": "video", "type": "timelinelabels", "value": value}


def with_ranges(*ranges):
    return lambda result: result[0]["value"].update(ranges=a_region(*ranges)["value"]["ranges"])


def classes_of(frames):
    return {number: [label.label for label in labels] for number, labels in frames.items()}


def test_consecutive_frames_of_one_class_are_a_range_with_both_ends():
    frames = {**a_run(3, 4, 5, confidence=0.5), **a_run(6, 7, label="run"), **a_run(9)}
    regions = trip_of(frames).sent
    assert [region["value"] for region in regions] == [
        {"ranges": [{"start": 3, "end": 5}], "timelinelabels": ["walk"]},
        {"ranges": [{"start": 6, "end": 7}], "timelinelabels": ["run"]},
        {"ranges": [{"start": 9, "end": 9}], "timelinelabels": ["walk"]},
    ]
    assert [region.get("score") for region in regions] == [0.5, None, None]
    assert '<TimelineLabels name="action" toName="video"' in to_labeling_config([FIELD])


def test_an_edited_range_changes_the_frames_at_its_ends_only():
    frames = a_run(*range(10, 21), confidence=0.5)
    trip = trip_of(frames)
    after = trip.load(with_ranges((8, 18)))
    assert [*after] == [*range(8, 19)]
    assert all(after[number] == frames[number] for number in range(10, 19))
    assert [(label.label, label.confidence, label._id) for label in (after[8][0],)] == [
        ("walk", None, label_id_at(trip.sent[0]["id"], 8))
    ]


def test_a_range_that_begins_later_is_still_the_same():
    assert [*trip_of(a_run(*range(10, 21))).load(with_ranges((15, 25)))] == [*range(15, 26)]


def test_a_range_that_was_moved_away_is_still_the_same():
    assert [*trip_of(a_run(10, 11)).load(with_ranges((30, 31)))] == [30, 31]


@pytest.mark.parametrize(
    ("moved", "reason"),
    [((61, 70), "in none of the 60 frames of the video"), ((30, 31), "do not get it (allow_additions=False)")],
)
def test_a_range_that_was_moved_out_of_the_video_or_to_where_it_must_not_be_stays_and_is_told(moved, reason):
    trip = trip_of(a_run(10, 11), replace(FIELD, allow_additions=moved[0] > 60))
    assert [*trip.load(with_ranges(moved))] == [10, 11]
    assert reason in trip.changes.notes[0] and trip.changes.notes[0].endswith("; left alone")


def test_several_ranges_of_one_region_are_one_run_with_gaps():
    assert [*trip_of(a_run(*range(10, 21))).load(with_ranges((19, 20), (10, 12)))] == [10, 11, 12, 19, 20]


def test_another_class_is_that_of_all_its_frames_which_keep_all_else():
    frames = a_run(10, 11, confidence=0.5)
    after = trip_of(frames).load(lambda result: result[0]["value"].update(timelinelabels=["run"]))
    assert [(number, *labels[0].iter_attributes()) for number, labels in after.items()] == [(10,), (11,)]
    assert [(label.id, label.label, label.confidence) for (label,) in after.values()] == [
        (label.id, "run", 0.5) for (label,) in frames.values()
    ]


def test_a_range_that_was_drawn_is_a_class_of_each_of_its_frames():
    after = trip_of({}).load([a_region((3, 5), (9, 9))])
    assert classes_of(after) == {number: ["walk"] for number in (3, 4, 5, 9)}


def test_a_range_over_another_one_is_a_second_class_of_these_frames():
    after = trip_of(a_run(3, 4)).load(lambda result: [*result, a_region((4, 5), label="run")])
    assert classes_of(after) == {3: ["walk"], 4: ["walk", "run"], 5: ["run"]}


def test_a_deleted_range_is_gone_from_its_frames():
    frames = {**a_run(3, 4), **a_run(7, label="run")}
    assert classes_of(trip_of(frames).load(lambda result: result[1:])) == {7: ["run"]}


def test_labels_without_a_class_are_not_shown_and_stay():
    frames = {**a_run(3, 4), **a_run(5, label=None)}
    trip = trip_of(frames)
    assert len(trip.sent) == 1
    assert classes_of(trip.load(lambda result: result.clear())) == {5: [None]}


def test_what_is_behind_the_end_of_the_video_is_left_out():
    assert [*trip_of({}).load([a_region((59, 70))])] == [59, 60]
    answer, _ = trip_of({}).trip.answer([a_region((61, 70))])
    with pytest.raises(Exception, match="in none of the 60 frames"):
        family_of(FIELD).to_label(answer.added[0].parsed, FIELD)


@pytest.mark.parametrize(
    ("flag", "after", "note"),
    [
        ("allow_deletions", [*range(8, 21)], "2 frames that it has left keep it"),
        ("allow_additions", [*range(10, 19)], "2 frames do not get it"),
    ],
)
def test_what_is_forbidden_does_not_happen_to_single_frames(flag, after, note):
    trip = trip_of(a_run(*range(10, 21)), replace(FIELD, **{flag: False}))
    assert [*trip.load(with_ranges((8, 18)))] == after
    assert note in trip.changes.notes[0]


@pytest.mark.parametrize("ranges", [None, [], {}, [1], [{}], [{"start": 1}], [{"start": 1.5, "end": 2}]])
def test_what_is_no_range_is_told_and_the_labels_left_alone(ranges):
    trip = trip_of(a_run(3, 4))
    answer, problems = trip.trip.answer(lambda result: result[0]["value"].update(ranges=ranges))
    assert (len(problems), answer.kept) == (1, [trip.sent[0]["id"]])


def test_a_class_that_the_label_schema_lacks_is_refused():
    (doc,) = family_of(FIELD).composed({1: [said("fly").to_dict()]}, SAMPLE)
    assert "is not among the classes" in family_of(FIELD).check(label_of(doc), FIELD)


ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=3)


@given(st.sets(st.integers(1, 60), min_size=1, max_size=9), ranges)
@examples(60)
def test_any_edit_is_loaded_once_and_can_be_taken_back(numbers, edited):
    after = trip_of(a_run(*sorted(numbers))).load(
        lambda result: [*result[1:], {**result[0], "value": a_region(*edited)["value"]}]
    )
    assert {number for ends in edited for number in range(min(ends), max(ends) + 1)} <= after.keys()
