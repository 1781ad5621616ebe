from __future__ import annotations

import json
import math
from dataclasses import replace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.frame_labels import frame_docs, label_id_at
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.convert.stored import label_of
from fo_labelstudio.errors import RegionError
from tests.convert import strategies
from tests.convert.families.frames import VIDEO, FramesTrip
from tests.convert.trip import Trip, new_labels
from tests.properties import examples

FIELD = strategies.field_of("frames.detections", "frames.boxes", control="box", classes=("car", "bus"))
MARKED = replace(FIELD, only_keyframes=True)
COLOUR = Attribute("colour", Question("select", "str", ("red", "blue")), "colour")


def box(x=0.1, label="car", index=1, **values):
    return fo.Detection(label=label, bounding_box=[x, 0.2, 0.3, 0.4], index=index, **values)


def a_track(numbers=range(1, 31), **values):
    """A box that moves to the right by a hundredth of the frame in each frame."""
    return {number: [box(number / 100, **values)] for number in numbers}


def trip_of(frames, field=FIELD):
    return FramesTrip(field, frames)


def keyframe(frame, x, is_enabled=True, **values):
    return {
        **{"frame": frame, "enabled": is_enabled, "x": x, "y": 20, "width": 30, "height": 40, "rotation": 0},
        **values,
    }


def a_region(*sequence, label="car", **values):
    value = {"sequence": [*sequence], "labels": [label], "framesCount": 60, "duration": 6, **values}
    return {"id": "n", "from_name": "box", "to_name": "video", "type": "videorectangle", "value": value}


def with_keyframes(*keyframes, without=()):
    """Sets keyframes of the first region, and takes those of some frames out."""

    def change(result):
        sequence = {one["frame"]: one for one in result[0]["value"]["sequence"]}
        sequence.update((one["frame"], one) for one in keyframes)
        result[0]["value"]["sequence"] = [sequence[frame] for frame in sorted(sequence) if frame not in without]

    return change


def lefts(frames):
    """The left sides of the first boxes, in hundredths."""
    return {number: round(100 * labels[0].bounding_box[0], 6) for number, labels in frames.items()}


class TestWhatIsSent:
    def test_a_track_is_a_region_with_few_keyframes_that_says_all_that_the_editor_needs(self):
        trip = trip_of(a_track(confidence=0.5))
        (region,) = trip.sent
        common = {"y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0.0}
        assert region == {
            **{"id": trip.trip.docs[0]["_id"].__str__(), "from_name": "box", "to_name": "video"},
            **{"type": "videorectangle", "score": 0.5},
            "value": {
                "framesCount": 60,
                "duration": 6.0,
                "labels": ["car"],
                "sequence": [
                    {"frame": 1, "enabled": True, "x": 1.0, **common, "time": 0.1},
                    {"frame": 30, "enabled": False, "x": 30.0, **common, "time": 3.0},
                ],
            },
        }

    def test_a_box_without_index_is_a_region_of_one_frame(self):
        (region,) = trip_of({7: [box(index=None)]}).sent
        assert [(one["frame"], one["enabled"]) for one in region["value"]["sequence"]] == [(7, False)]

    def test_what_is_outside_of_the_frame_is_clipped_and_stays(self):
        frames = {number: [box(-0.1)] for number in (1, 2)}
        trip = trip_of(frames)
        assert trip.sent[0]["value"]["sequence"][0]["x"] == 0
        assert trip.load() == frames

    def test_what_tasks_carry_of_a_track_does_not_grow_with_the_video(self):
        media = MediaInfo(640, 480, 9000, 30.0)
        frames = {number: [box(number % 7 / 10)] for number in range(1, 9001)}
        trip = FramesTrip(FIELD, frames, media)
        (entry,) = trip.trip._task["meta"]["fiftyone"]["sent"]["frames.boxes"].values()
        assert len(json.dumps(entry)) < 8000
        assert len(trip.sent[0]["value"]["sequence"]) > 2000

    def test_the_labeling_config_has_a_control_for_boxes_and_one_for_classes(self):
        config = to_labeling_config([FIELD])
        assert '<VideoRectangle name="box" toName="video"' in config
        assert '<Labels name="box%.labels" toName="video"' in config

    def test_the_filter_of_many_classes_is_that_of_the_control_that_has_them(self):
        config = to_labeling_config([replace(FIELD, classes=tuple(f"class {number}" for number in range(30)))])
        assert '<Filter name="box%filter" toName="box%.labels"' in config

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"mask": [[True]]}, "it has a mask"),
            ({"mask_path": "x.png"}, "it has a mask"),
            ({"bounding_box": [0.1, 0.1, -0.1, 0.1]}, "its bounding_box"),
            ({"bounding_box": [100, 100, 50, 50]}, "its bounding_box"),
            ({"bounding_box": None}, "its bounding_box"),
            ({"rotation": math.nan}, "its rotation is nan"),
            ({"rotation": [0, 0, 1]}, "its rotation is"),
            ({"label": "zebra"}, ""),
        ],
    )
    def test_what_cannot_be_sent_is_told_with_its_frame(self, values, problem):
        frames = {1: box().to_dict(), 2: {**box().to_dict(), **values}}
        (doc,) = family_of(FIELD).composed({number: [one] for number, one in frames.items()}, "5" * 24)
        found = family_of(FIELD).check(label_of(doc), FIELD)
        if problem:
            assert found.startswith(f"in frame 2, label {frames[2]['_id']}: {problem}")
            assert "mask" in found or found.endswith("; correct the label, or delete it")
        else:
            assert found is None

    def test_an_attribute_that_changes_along_a_track_is_refused_where_it_was_asked_for(self):
        field = replace(FIELD, attributes=(COLOUR,))
        (doc,) = family_of(FIELD).composed(
            {1: [box(colour="red").to_dict()], 2: [box(colour="blue").to_dict()]}, "5" * 24
        )
        problem = family_of(field).check(label_of(doc), field)
        assert "its attribute 'colour' is 'red' in frame 1 and 'blue' in frame 2" in problem
        found = replace(field, attributes=(COLOUR._replace(is_discovered=True),))
        assert family_of(found).check(label_of(doc), found) is None
        assert [item["type"] for item in Trip(found, label_of(doc), media=VIDEO).sent] == ["videorectangle"]


class TestAnEditedTrack:
    def test_one_moved_keyframe_changes_the_frames_between_those_beside_it(self):
        numbers = {number: min(number, 20 - number) for number in range(1, 20)}
        frames = {number: [box(0.1 + way / 100, confidence=way / 100)] for number, way in numbers.items()}
        trip = trip_of(frames)
        assert [one["frame"] for one in trip.sent[0]["value"]["sequence"]] == [1, 10, 19]
        after = trip.load(with_keyframes(keyframe(5, 50.0)))
        assert lefts(after) == {
            **{number: 10 + way for number, way in numbers.items()},
            **{2: 20.75, 3: 30.5, 4: 40.25, 5: 50, 6: 44, 7: 38, 8: 32, 9: 26},
        }
        assert {number: labels[0].id for number, labels in after.items()} == {
            number: labels[0].id for number, labels in frames.items()
        }
        assert all(labels[0].confidence == numbers[number] / 100 for number, labels in after.items())
        untouched = [1, *range(10, 20)]
        assert all(after[number] == frames[number] for number in untouched)

    def test_sides_that_were_not_moved_stay_as_they_are_stored(self):
        jitter = {number: 0.4 + (number % 3) / 10_000 for number in range(1, 31)}
        frames = {
            number: [fo.Detection(label="car", bounding_box=[number / 100, 0.2, 0.3, height], index=1)]
            for number, height in jitter.items()
        }
        trip = trip_of(frames)
        first, last = trip.sent[0]["value"]["sequence"]
        after = trip.load(with_keyframes({**first, "x": 11.0}, {**last, "x": 40.0}))
        assert lefts(after) == {number: number + 10 for number in frames}
        assert {number: labels[0].bounding_box[3] for number, labels in after.items()} == jitter

    def test_a_track_that_goes_on_for_longer_gets_labels_that_know_whose_they_are(self):
        trip = trip_of(a_track(colour="red", tags=["mine"], confidence=0.9))
        after = trip.load(with_keyframes(keyframe(33, 33.0, is_enabled=False), without=(30,)))
        assert [*after] == [*range(1, 34)]
        (new,) = after[33]
        assert (new.label, new.index, new.colour, new.tags, new.confidence) == ("car", 1, "red", ["mine"], None)
        assert new._id == label_id_at(trip.sent[0]["id"], 33)

    def test_a_track_without_an_end_goes_on_to_that_of_the_video(self):
        after = trip_of(a_track()).load(with_keyframes(keyframe(30, 30.0)))
        assert [*after] == [*range(1, 61)]

    def test_a_track_that_ends_before_loses_the_labels_of_the_frames_that_it_leaves(self):
        trip = trip_of(a_track())
        after = trip.load(with_keyframes(keyframe(20, 20.0, is_enabled=False), without=(30,)))
        assert [*after] == [*range(1, 21)]
        assert all(after[number] == a_box for number, a_box in trip_frames(trip).items() if number <= 20)

    def test_a_track_that_begins_later_is_still_the_same(self):
        trip = trip_of(a_track())
        after = trip.load(with_keyframes(keyframe(11, 11.0), without=(1,)))
        assert [*after] == [*range(11, 31)]

    def test_a_track_that_is_split_has_a_gap(self):
        trip = trip_of(a_track())
        after = trip.load(with_keyframes(keyframe(10, 10.0, is_enabled=False), keyframe(21, 21.0)))
        assert [*after] == [*range(1, 11), *range(21, 31)]
        assert lefts(after) == {number: number for number in after}

    def test_a_deleted_track_is_gone_from_its_frames_and_no_other(self):
        frames = {number: [*labels, box(0.5, index=2)] for number, labels in a_track().items()}
        after = trip_of(frames).load(lambda result: result[1:])
        assert {number: [label.index for label in labels] for number, labels in after.items()} == {
            number: [2] for number in frames
        }

    @pytest.mark.parametrize("is_allowed", [True, False])
    def test_a_track_that_was_moved_out_of_the_video_or_to_where_it_must_not_be_stays_and_is_told(self, is_allowed):
        field = replace(FIELD, allow_additions=is_allowed)
        trip = trip_of({number: [box()] for number in (3, 4)}, field)
        moved = [keyframe(61 if is_allowed else 31, 5.0), keyframe(70 if is_allowed else 32, 9.0, is_enabled=False)]
        after = trip.load(lambda result: result[0]["value"].update(sequence=moved))
        assert after == trip_frames(trip)
        reason = "in none of the 60 frames of the video" if is_allowed else r"do not get it (allow_additions=False)"
        assert len(trip.changes.notes) == 1 and reason in trip.changes.notes[0]
        assert trip.changes.notes[0].endswith("delete its region to delete it; left alone")

    def test_another_class_is_that_of_all_frames(self):
        trip = trip_of({1: [box()], 2: [box(label="bus")], 3: [box()]})
        after = trip.load(lambda result: result[0]["value"].update(labels=["bus"]))
        assert [labels[0].label for labels in after.values()] == ["bus"] * 3

    def test_classes_that_change_along_a_track_stay_where_it_is_only_moved(self):
        frames = {1: [box()], 2: [box(label="bus")], 3: [box()]}
        after = trip_of(frames).load(with_keyframes(keyframe(3, 40.0, is_enabled=False)))
        assert [labels[0].label for labels in after.values()] == ["car", "bus", "car"]

    def test_a_turned_track_turns_where_it_was_turned(self):
        frames = {number: [box(0.4, rotation=0.01 * number)] for number in range(1, 21)}
        trip = trip_of(frames)
        assert len(trip.sent[0]["value"]["sequence"]) <= 3
        after = trip.load(lambda result: result[0]["value"]["sequence"][-1].update(rotation=90))
        assert after[20][0].rotation == pytest.approx(math.pi / 2)
        assert after[1] == frames[1]

    def test_a_box_of_one_frame_that_goes_on_becomes_a_track_that_is_found_again(self):
        trip = trip_of({4: [box(0.1, index=None)], 9: [box(0.5, index=None)]})
        after = trip.load(with_keyframes(keyframe(4, 10.0), keyframe(6, 12.0, is_enabled=False)))
        assert [*after] == [4, 5, 6, 9]
        assert {labels[0].instance.id for number, labels in after.items() if number < 9} == {trip.sent[0]["id"]}

    def test_a_box_of_one_frame_that_is_moved_to_another_is_found_again(self):
        trip = trip_of({4: [box(0.1, index=None)]})
        after = trip.load(with_keyframes(keyframe(8, 10.0, is_enabled=False), without=(4,)))
        assert [*after] == [8]

    def test_a_track_that_was_changed_in_the_dataset_since_takes_what_the_annotator_moved(self):
        trip = trip_of(a_track())
        trip.docs[15] = [{**trip.docs[15][0], "bounding_box": [0.9, 0.2, 0.1, 0.4]}]
        answer, _ = trip.trip.answer(with_keyframes(keyframe(20, 20.0, is_enabled=False), without=(30,)))
        (stored,) = family_of(FIELD).composed(trip.docs, "6b01070a57a5240a9753b925")
        revised, _ = family_of(FIELD).revise(label_of(stored), answer.edited[0], FIELD)
        assert [*map(int, revised.frames)] == [*range(1, 21)]


def trip_frames(trip):
    return {number: [label_of(doc) for doc in labels] for number, labels in trip.docs.items()}


class TestWhatIsForbidden:
    def changed(self, change, **flags):
        trip = trip_of(a_track(), replace(FIELD, **flags))
        return trip, trip.load(change)

    def test_frames_do_not_lose_labels(self):
        trip, after = self.changed(
            with_keyframes(keyframe(20, 20.0, is_enabled=False), without=(30,)), allow_deletions=False
        )
        assert [*after] == [*range(1, 31)]
        assert "10 frames that it has left keep it" in trip.changes.notes[0]

    def test_frames_do_not_get_labels(self):
        trip, after = self.changed(
            with_keyframes(keyframe(33, 33.0, is_enabled=False), without=(30,)), allow_additions=False
        )
        assert [*after] == [*range(1, 31)]
        assert "3 frames do not get it" in trip.changes.notes[0]

    def test_boxes_do_not_move(self):
        trip, after = self.changed(with_keyframes(keyframe(15, 50.0)), allow_spatial_edits=False)
        assert after == trip_frames(trip)
        assert trip.changes.refused == {"allow_spatial_edits=False": 1}

    def test_classes_do_not_change(self):
        trip, after = self.changed(lambda result: result[0]["value"].update(labels=["bus"]), allow_label_edits=False)
        assert after == trip_frames(trip)


class TestKeyframes:
    def marked(self):
        return {number: [box(number / 100, keyframe=number in (1, 10, 20))] for number in range(1, 21)}

    def test_those_of_the_dataset_are_sent(self):
        assert [one["frame"] for one in trip_of(self.marked(), MARKED).sent[0]["value"]["sequence"]] == [1, 10, 20]

    def test_frames_say_which_they_are_where_an_edit_has_changed_it(self):
        after = trip_of(self.marked(), MARKED).load(with_keyframes(keyframe(5, 9.0)))
        assert [number for number, labels in after.items() if labels[0].keyframe] == [1, 5, 10, 20]

    def test_new_frames_say_it_too(self):
        after = trip_of(self.marked(), MARKED).load(with_keyframes(keyframe(23, 23.0, is_enabled=False), without=(20,)))
        assert [labels[0].keyframe for number, labels in after.items() if number > 18] == [False] * 4 + [True]

    def test_tracks_that_do_not_say_it_are_not_told(self):
        after = trip_of(a_track()).load(with_keyframes(keyframe(33, 33.0, is_enabled=False), without=(30,)))
        assert not any(label.has_attribute("keyframe") for labels in after.values() for label in labels)


class TestNewTracks:
    def test_one_that_was_drawn_is_seen_in_the_frames_between_its_keyframes(self):
        after = trip_of({}).load([a_region(keyframe(3, 10.0), keyframe(5, 20.0, is_enabled=False))])
        assert lefts(after) == {3: 10, 4: 15, 5: 20}
        assert {labels[0].label for labels in after.values()} == {"car"}
        assert len({labels[0].id for labels in after.values()}) == 3
        assert len({labels[0].instance.id for labels in after.values()}) == 1

    def test_a_new_field_says_which_frames_are_keyframes(self):
        field = replace(FIELD, existing=False)
        after = trip_of({}, field).load([a_region(keyframe(3, 10.0), keyframe(5, 20.0, is_enabled=False))])
        assert [labels[0].keyframe for labels in after.values()] == [True, False, True]

    def test_one_of_a_single_frame_is_a_box_without_a_track(self):
        ((made,),) = trip_of({}).load([a_region(keyframe(3, 10.0, is_enabled=False))]).values()
        assert (made.index, made.has_attribute("instance")) == (None, False)

    def test_answers_about_it_are_those_of_all_its_frames(self):
        field = replace(FIELD, attributes=(COLOUR,))
        region = a_region(keyframe(3, 10.0), keyframe(4, 20.0, is_enabled=False))
        answer = {**region, "from_name": "colour", "type": "choices", "value": {"choices": ["blue"]}}
        after = trip_of({}, field).load([region, answer])
        assert [labels[0].colour for labels in after.values()] == ["blue", "blue"]

    def test_a_class_of_the_timeline_that_was_chosen_as_well_is_none_of_the_boxes(self):
        region = a_region(keyframe(3, 10.0, is_enabled=False))
        region["value"]["labels"] = ["car", "walk"]
        assert trip_of({}).load([region])[3][0].label == "car"

    def test_one_behind_the_end_of_the_video_is_told(self):
        answer, _ = trip_of({}).trip.answer([a_region(keyframe(90, 10.0, is_enabled=False))])
        with pytest.raises(Exception, match="in none of the 60 frames"):
            family_of(FIELD).to_label(answer.added[0].parsed, FIELD)

    def test_those_of_label_studios_own_files_are_read(self, golden):
        task = golden("video_drawn")
        (edit,) = new_labels(replace(FIELD, control="box"), video_regions(task), VIDEO)
        label = family_of(FIELD).to_label(edit.parsed, FIELD)
        assert [*map(int, label.frames)] == [*range(1, 42)]
        assert label.frames["11"]["bounding_box"] == pytest.approx([0.3515625, 0.3125, 0.2, 0.3])

    def test_keyframes_that_say_less_than_ours_are_read(self):
        sequence = [{"frame": 2, "x": 1, "y": 2, "width": 3, "height": 4, "enabled": True}]
        region = a_region(*sequence, {**sequence[0], "frame": 1.0})
        del region["value"]["framesCount"], region["value"]["duration"]
        assert [*trip_of({}).load([region])] == [*range(1, 61)]

    def test_frames_that_were_filled_in_say_nothing_new(self):
        trip = trip_of(a_track())
        first, last = trip.sent[0]["value"]["sequence"]
        filled = [{**first, "frame": number, "x": float(number), "auto": True} for number in range(2, 30)]
        assert trip.load(lambda result: result[0]["value"].update(sequence=[last, *filled, first])) == trip_frames(trip)

    @pytest.mark.parametrize(
        "sequence",
        [None, [], {}, [1], [{}], [keyframe(0, 1)], [keyframe(1.5, 1)], [keyframe("1", 1)], [keyframe(1, None)]],
    )
    def test_what_is_no_track_is_told_and_the_labels_left_alone(self, sequence):
        trip = trip_of(a_track())
        answer, problems = trip.trip.answer(lambda result: result[0]["value"].update(sequence=sequence))
        assert (len(problems), answer.kept) == (1, [trip.sent[0]["id"]])


def video_regions(task):
    return [item for item in task["annotations"][0]["result"] if item["type"] == "videorectangle"]


def test_a_track_that_label_studio_accepted_is_as_it_was(golden):
    task = golden("video_accepted")
    sent, accepted = task["predictions"][0]["result"], task["annotations"][0]["result"]
    field = replace(FIELD, classes=("car", "person"))
    for region_id in ("t1", "t2"):
        before, after = (
            family_of(field).parse_regions(
                [item for item in result if item["id"] == region_id and item["from_name"] == "box"], field, VIDEO
            )
            for result in (sent, accepted)
        )
        assert before == after


edits = st.lists(st.tuples(st.integers(1, 60), st.floats(0, 70), st.booleans()), min_size=1, max_size=3)


@given(strategies.tracks(VIDEO), edits, st.sets(st.integers(0, 20)))
@examples(60)
def test_any_edit_is_loaded_once_and_can_be_taken_back(track, moved, taken_out):
    field = replace(FIELD, classes=strategies.CLASSES)
    docs = frame_docs(track.to_dict())
    frames = {number: [label_of({**doc, "index": 3, "attributes": {}})] for number, doc in docs.items()}
    trip = FramesTrip(field, frames)

    def change(result):
        with_keyframes(*(keyframe(number, x, is_enabled) for number, x, is_enabled in moved))(result)
        sequence = result[0]["value"]["sequence"]
        result[0]["value"]["sequence"] = [
            one for place, one in enumerate(sequence) if place not in taken_out
        ] or sequence

    trip.load(change)


class TestSeveralFields:
    """The editor draws with the first control tag of the kind, whichever field the class is of (1.23.2)."""

    OTHER = strategies.field_of("frames.detections", "frames.others", control="other", classes=("tree", "car"))

    def added(self, region, *fields):
        task = {"data": {"sample_id": "5" * 24}, "meta": {"fiftyone": {**META, "run": "run"}}, "id": 7}
        annotation = {"id": 1, "result": [region], "was_cancelled": False}
        problems = []
        answer = parse_task({**task, "annotations": [annotation], "predictions": []}, fields, "run", problems)
        assert problems == []
        return [field.name for field in fields if answer.fields[field.name].added]

    def test_a_box_of_a_class_that_only_another_field_has_is_of_that_field(self):
        region = a_region(keyframe(1, 2), label="tree")
        assert self.added(region, FIELD, self.OTHER) == ["frames.others"]

    def test_a_box_of_a_class_that_both_have_is_of_the_first_that_takes_it(self):
        region = a_region(keyframe(1, 2), label="car")
        assert self.added(region, FIELD, self.OTHER) == ["frames.boxes"]
        assert self.added(region, replace(FIELD, allow_additions=False), self.OTHER) == ["frames.others"]

    def test_ranges_are_told_apart_as_well(self):
        moments = strategies.field_of("temporal_detections", "events", classes=("jump",))
        runs = strategies.field_of("frames.classifications", "frames.action", classes=("walk",))
        region = a_region()
        region.update(from_name="events", type="timelinelabels")
        region["value"] = {"ranges": [{"start": 1, "end": 2}], "timelinelabels": ["walk"]}
        assert self.added(region, moments, runs) == ["frames.action"]


SIDES = st.one_of(st.integers(-50, 150), st.floats(-50, 150), st.floats(0, 1e6))
ENTRIES = st.fixed_dictionaries(
    {
        "frame": st.one_of(st.integers(0, 60), st.integers(1, 60).map(float)),
        "enabled": st.one_of(st.booleans(), st.none()),
        **dict.fromkeys(("x", "y", "width", "height"), SIDES),
        "rotation": st.one_of(st.floats(-400, 400), st.booleans(), st.just(math.nan)),
    },
    optional={"time": st.floats(0, 9)},
)
PLAIN = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        **dict.fromkeys(("x", "y", "width", "height"), st.one_of(st.integers(0, 90), st.floats(0, 90))),
        "rotation": st.floats(-400, 400),
    }
)
SEQUENCES = st.one_of(
    st.lists(ENTRIES, min_size=1, max_size=5),
    st.lists(PLAIN, min_size=1).map(lambda rows: [{"frame": n, **row} for n, row in enumerate(rows, 1)]),
)


@examples(300)
@given(SEQUENCES)
def test_keyframes_are_understood_together_as_each_by_itself(sequence):
    # Keyframes that say whether somebody filled them in are looked at one by one.
    each = [{**entry, "auto": False} for entry in sequence]
    assert understood(sequence) == understood(each)


def understood(sequence):
    try:
        return repr(family_of(FIELD).parse_regions([a_region(*sequence)], FIELD, VIDEO))
    except RegionError as error:
        return str(error)


@pytest.mark.parametrize("said", ["false", "true", [], {}, 0.5])
def test_a_keyframe_that_says_neither_yes_nor_no_is_not_understood(said):
    with pytest.raises(RegionError, match=r"enabled is .*, expected true or false"):
        family_of(FIELD).parse_regions([a_region(keyframe(3, 10.0, is_enabled=said))], FIELD, VIDEO)


META = {"version": 1, "size": [640, 480], "frames": 60, "frame_rate": 10.0, "sent": {}}
