"""Labels of single frames are read as tracks, boxes and runs, and written back frame by frame."""

from __future__ import annotations

import fiftyone as fo
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.frame_labels import (
    FrameLabel,
    anchors,
    changed_frames,
    frame_docs,
    label_id_at,
    needs_index,
    own_doc,
    runs_of,
    told,
    tracks_of,
    without_own,
)
from fo_labelstudio.convert.stored import copy_of, label_of
from tests.properties import examples

SAMPLE = "65f000000000000000000001"


def box(label="car", index=None, x=0.1, **attributes):
    return fo.Detection(label=label, bounding_box=[x, 0.2, 0.3, 0.4], index=index, **attributes).to_dict()


def numbers_of(doc):
    return [int(number) for number in doc["frames"]]


def composed(frames):
    return tracks_of(frames, SAMPLE)


def test_documents_of_frames_stay_what_they_are_when_they_are_set():
    (track,) = composed({1: [box(index=3)], 2: [box(index=3)]})
    frames = {"1": dict(track["frames"]["1"])}
    label = copy_of(label_of(track))
    label.frames = frames
    for one in (label, copy_of(label), FrameLabel(label="car", frames=frames)):
        assert one.frames == frames
        assert type(one.frames["1"]) is type(one.to_dict()["frames"]["1"]) is dict


def test_a_copy_is_of_the_same_instance():
    instance = fo.Instance()
    (track,) = composed({1: [box(instance=instance)], 2: [box(instance=instance)]})
    assert str(copy_of(label_of(track)).to_dict()["instance"]["_id"]) == instance.id


class TestTracks:
    def test_boxes_of_one_index_are_one_track(self):
        (track,) = composed({1: [box(index=3)], 2: [box(index=3)], 7: [box(index=3)]})
        assert numbers_of(track) == [1, 2, 7]
        assert (track["label"], track["index"], track["_cls"]) == ("car", 3, "FrameLabel")

    def test_an_instance_tells_more_than_an_index(self):
        one, other = fo.Instance(), fo.Instance()
        tracks = composed({1: [box(index=3, instance=one), box(index=3, instance=other)], 2: [box(instance=other)]})
        assert [(str(track["_id"]), numbers_of(track)) for track in tracks] == [(one.id, [1]), (other.id, [1, 2])]

    def test_boxes_without_index_are_each_for_itself(self):
        first, second = box(), box()
        assert [track["_id"] for track in composed({4: [first], 5: [second]})] == [first["_id"], second["_id"]]

    def test_an_index_that_is_there_twice_in_a_frame_is_told_apart_by_class(self):
        tracks = composed({1: [box("car", 1), box("bus", 1)], 2: [box("bus", 1)]})
        assert [(track["label"], numbers_of(track)) for track in tracks] == [("car", [1]), ("bus", [1, 2])]

    def test_what_still_shares_a_frame_is_a_box_for_itself(self):
        docs = [box(index=1), box(index=1), box(index=1)]
        tracks = composed({1: docs[:2], 2: docs[2:]})
        assert [track["_id"] for track in tracks] == [doc["_id"] for doc in docs]

    def test_a_label_that_is_there_twice_is_two_of_one_id(self):
        doc = box()
        tracks = composed({1: [doc, dict(doc)]})
        assert [track["_id"] for track in tracks] == [doc["_id"]] * 2

    def test_a_track_is_known_by_its_index_whichever_frames_it_has(self):
        early, late = composed({1: [box(index=3)], 2: [box(index=3)]}), composed({2: [box(index=3)]})
        assert early[0]["_id"] == late[0]["_id"]
        assert tracks_of({2: [box(index=3)]}, "65f000000000000000000002")[0]["_id"] != late[0]["_id"]

    def test_only_what_is_the_same_in_all_frames_is_an_attribute_of_the_track(self):
        frames = {1: [box(index=1, colour="red", lost=False)], 2: [box(index=1, colour="red", lost=True)]}
        (track,) = composed(frames)
        assert track["colour"] == "red"
        assert "lost" not in track
        assert "bounding_box" not in track

    @pytest.mark.parametrize("values", [(True, 1), (1, 1.0), (None, 1)])
    def test_values_of_other_types_are_not_the_same(self, values):
        docs = [{**box(index=1), "size": value} for value in values]
        assert "size" not in composed({1: docs[:1], 2: docs[1:]})[0]

    def test_a_change_of_class_is_kept(self):
        frames = {number: [box(label, 1)] for number, label in enumerate(("car", "car", "bus", "car"), 1)}
        (track,) = composed(frames)
        assert (track["label"], track["labels"]) == ("car", {"3": "bus", "4": "car"})


class TestChangedFrames:
    def track(self, *labels, **attributes):
        frames = {number: [box(label, 1, **attributes)] for number, label in enumerate(labels, 1)}
        return composed(frames)[0]

    def test_a_track_that_is_as_it_was_changes_no_frame(self):
        track = self.track("car", "bus", "car", colour="red")
        assert changed_frames(track, track) == {}

    def test_another_class_is_that_of_all_frames(self):
        track = self.track("car", "bus")
        changed = changed_frames(track, {**track, "label": "van", "labels": None})
        assert {number: doc["label"] for number, doc in changed.items()} == {1: "van", 2: "van"}

    def test_another_attribute_is_that_of_all_frames(self):
        track = self.track("car", "bus", colour="red")
        changed = changed_frames(track, {**track, "colour": "blue"})
        assert [doc["colour"] for doc in changed.values()] == ["blue", "blue"]
        assert [doc["label"] for doc in changed.values()] == ["car", "bus"]

    def test_an_attribute_that_is_gone_is_gone_from_all_frames(self):
        track = self.track("car", "car", colour="red")
        changed = changed_frames(track, {name: value for name, value in track.items() if name != "colour"})
        assert all("colour" not in doc for doc in changed.values())
        assert len(changed) == 2

    def test_frames_that_it_leaves_lose_it(self):
        track = self.track("car", "car", "car")
        frames = dict(track["frames"])
        del frames["2"]
        assert changed_frames(track, {**track, "frames": frames}) == {2: None}

    def test_frames_that_it_comes_to_have_the_class_of_that_time(self):
        track = self.track("car", "bus")
        new = {**box("car", 1), "_id": label_id_at(str(track["_id"]), 3)}
        del new["label"]
        changed = changed_frames(track, {**track, "frames": {**track["frames"], "3": new}})
        assert changed == {3: {**new, "label": "bus"}}

    def test_what_a_frame_has_for_itself_counts_before_what_all_share(self):
        track, stored = {**self.track("car", "bus"), "colour": "red"}, box("van", 1)
        for doc in (stored, {**stored, "colour": "blue"}, {**stored, "colour": "red"}):
            own = own_doc(doc, track, "2")
            assert frame_docs({**track, "frames": {"2": own}}) == {2: doc}
            assert frame_docs({**track, "frames": {"2": without_own(own, ("label", "colour"))}}) == {
                2: {**doc, "label": "bus", "colour": "red"}
            }

    def test_another_class_and_other_frames_are_changes_of_their_own(self):
        track, moved = self.track("car", "car"), box("car", 1, 0.5)
        frames = {**track["frames"], "2": {**track["frames"]["2"], "bounding_box": moved["bounding_box"]}}
        changed = changed_frames(track, {**track, "label": "van", "frames": frames})
        assert {number: doc["label"] for number, doc in changed.items()} == {1: "van", 2: "van"}
        assert [doc["bounding_box"][0] for doc in changed.values()] == [0.1, 0.5]
        assert composed({number: [doc] for number, doc in changed.items()})[0]["frames"] == frames

    def test_a_new_one_is_new_in_each_frame(self):
        track = self.track("car", "car")
        assert changed_frames(None, track) == frame_docs(track)

    def test_frames_of_a_new_one_get_ids_and_an_instance_by_which_it_is_found_again(self):
        docs = {
            number: {name: doc[name] for name in doc if name != "_id"}
            for number, doc in frame_docs(self.track("car", "car")).items()
        }
        new = {"_id": ObjectId(), "label": "car", "frames": {str(number): doc for number, doc in docs.items()}}
        made = frame_docs(new)
        assert [doc["_id"] for doc in made.values()] == [new["_id"], label_id_at(str(new["_id"]), 2)]
        (found,) = composed({number: [doc] for number, doc in made.items()})
        assert found["_id"] == new["_id"]

    def test_a_new_box_of_one_frame_is_known_by_its_own_id(self):
        doc = {name: value for name, value in box().items() if name != "_id"}
        new = {"_id": ObjectId(), "label": "car", "frames": {"4": doc}}
        made = frame_docs(new)
        assert "instance" not in made[4]
        assert composed({4: [made[4]]})[0]["_id"] == made[4]["_id"] == new["_id"]

    def test_a_deleted_one_is_gone_from_each_frame(self):
        assert changed_frames(self.track("car", "car"), None) == {1: None, 2: None}


def test_a_track_without_an_index_needs_one():
    instance = fo.Instance()
    (track,) = composed({1: [box(instance=instance)], 2: [box(instance=instance)]})
    assert needs_index(track)
    assert not needs_index({**track, "index": 0})
    assert not needs_index(composed({1: [box()]})[0])


def said(label="walk", **attributes):
    return fo.Classification(label=label, **attributes).to_dict()


class TestRuns:
    def runs(self, *labels, known=None):
        frames = {number: [said(label)] for number, label in enumerate(labels, 1) if label}
        return frames, [(run["label"], numbers_of(run)) for run in runs_of(frames, known or {})]

    def test_equal_classes_of_consecutive_frames_are_one_run(self):
        _, runs = self.runs("walk", "walk", "run", "run", "walk")
        assert runs == [("walk", [1, 2]), ("run", [3, 4]), ("walk", [5])]

    def test_a_gap_ends_a_run(self):
        _, runs = self.runs("walk", None, "walk")
        assert runs == [("walk", [1]), ("walk", [3])]

    def test_several_classes_of_a_frame_have_runs_of_their_own(self):
        frames = {1: [said("walk"), said("talk")], 2: [said("talk"), said("walk")], 3: [said("talk"), said("talk")]}
        runs = {(run["label"], *numbers_of(run)) for run in runs_of(frames)}
        assert runs == {("walk", 1, 2), ("talk", 1, 2, 3), ("talk", 3)}

    def test_a_run_is_known_by_its_first_label(self):
        frames, _ = self.runs("walk", "walk")
        assert runs_of(frames)[0]["_id"] == frames[1][0]["_id"]

    def test_a_run_is_found_again_by_any_label_that_is_known(self):
        frames, _ = self.runs("walk", "walk", "walk")
        run = str(ObjectId())
        assert [str(found["_id"]) for found in runs_of(frames, {str(frames[2][0]["_id"]): run})] == [run]

    def test_pieces_that_have_one_name_are_one_run(self):
        frames, _ = self.runs("walk", None, "walk", "walk")
        run = str(ObjectId())
        known = {str(frames[1][0]["_id"]): run, str(frames[3][0]["_id"]): run}
        (found,) = runs_of(frames, known)
        assert (str(found["_id"]), numbers_of(found)) == (run, [1, 3, 4])

    def test_a_run_that_came_to_lie_over_another_one_stays_the_same(self):
        frames, _ = self.runs("walk", "walk", "walk")
        one, other = str(frames[1][0]["_id"]), str(frames[3][0]["_id"])
        frames[3].append(said("walk"))
        runs = runs_of(frames, {one: one, other: other})
        assert [(str(run["_id"]), numbers_of(run)) for run in runs] == [(one, [1, 2, 3]), (other, [3])]

    def test_runs_that_came_to_touch_stay_two(self):
        frames, _ = self.runs("walk", "walk", "walk")
        names = [str(ObjectId()), str(ObjectId())]
        known = {str(frames[1][0]["_id"]): names[0], str(frames[3][0]["_id"]): names[1]}
        assert [(str(run["_id"]), numbers_of(run)) for run in runs_of(frames, known)] == [
            (names[0], [1, 2]),
            (names[1], [3]),
        ]

    def test_a_run_takes_no_labels_beyond_the_frames_that_it_is_known_to_have(self):
        frames, _ = self.runs("walk", "walk", "walk", "walk")
        frames[2].append(said("walk"))
        one, other = str(frames[1][0]["_id"]), str(frames[2][1]["_id"])
        runs = runs_of(frames, {one: one, other: other}, {other: [[2, 2]]})
        assert [(str(run["_id"]), numbers_of(run)) for run in runs] == [(one, [1, 2, 3, 4]), (other, [2])]

    def test_a_run_that_is_known_to_have_a_frame_comes_before_one_that_may_have_it(self):
        frames, _ = self.runs("walk", "walk", "walk", "walk")
        frames[2].append(said("walk"))
        one, other = str(frames[1][0]["_id"]), str(frames[2][1]["_id"])
        runs = runs_of(frames, {one: one, other: other}, {one: [[1, 4]]})
        assert [(str(run["_id"]), numbers_of(run)) for run in runs] == [(one, [1, 2, 3, 4]), (other, [2])]

    def test_a_run_that_has_a_frame_of_another_one_takes_no_frame_behind_it(self):
        frames, _ = self.runs("walk", "walk", "walk", "walk")
        frames[2].append(said("walk"))
        one, other = str(frames[1][0]["_id"]), str(frames[2][1]["_id"])
        runs = runs_of(frames, {one: one, other: other})
        assert [(str(run["_id"]), numbers_of(run)) for run in runs] == [(one, [1, 2, 3, 4]), (other, [2])]

    @examples(200)
    @given(st.dictionaries(st.integers(1, 6), st.lists(st.sampled_from(["walk", "run"]), max_size=3)))
    def test_runs_that_are_known_have_the_labels_that_they_had_when_nobody_knew_them(self, classes):
        frames = {number: [*map(said, labels)] for number, labels in classes.items()}
        runs = runs_of(frames)
        known = {str(run["_id"]): str(run["_id"]) for run in runs}
        assert {str(run["_id"]): run for run in runs_of(frames, known)} == {str(run["_id"]): run for run in runs}

    def test_anchors_of_frames_that_runs_share_tell_them_apart(self):
        frames = {number: [said("walk"), said("walk")] for number in (1, 2, 3)}
        run = {"_id": ObjectId(SAMPLE), "frames": {"1": frames[1][1], "2": frames[2][0], "3": frames[3][1]}}
        known = dict.fromkeys(anchors(run, {"1", "2", "3"}), SAMPLE)
        (found,) = [one for one in runs_of(frames, known) if str(one["_id"]) == SAMPLE]
        assert [label["_id"] for label in found["frames"].values()] == [
            label["_id"] for label in run["frames"].values()
        ]

    def test_its_anchors_find_it_again(self):
        frames, _ = self.runs("walk", "walk", None, "walk", "run")
        (run, other) = runs_of(frames, {str(frames[number][0]["_id"]): SAMPLE for number in (1, 4)})
        assert anchors(run) == [str(frames[1][0]["_id"]), str(frames[4][0]["_id"])]
        assert runs_of(frames, dict.fromkeys(anchors(run), SAMPLE)) == [run, other]


def test_messages_name_what_is_found_in_the_dataset():
    thing = fo.Instance()
    frames = {1: [box(index=7), box(instance=thing), box()], 2: [box(index=7)]}
    names = [told(label_of(doc)) for doc in composed(frames)]
    assert names == ["the track with index 7", f"the track of instance {thing.id}", f"label {frames[1][2]['_id']}"]
    runs = {number: [said("walk")] for number in (3, 4)}
    assert [told(label_of(doc)) for doc in runs_of(runs)] == [f"label {runs[3][0]['_id']}, from frame 3 on"]


class TestFrameLabel:
    doc = composed({1: [box(index=1, colour="red")], 2: [box("bus", index=1, colour="red")]})[0]

    def test_it_is_read_and_stored_as_any_label(self):
        label = label_of(self.doc)
        assert isinstance(label, FrameLabel)
        assert (label.label, label.index, label.get_attribute_value("colour")) == ("car", 1, "red")
        assert label.frames == self.doc["frames"]
        assert label.to_dict() == {**self.doc, "tags": []}

    def test_a_copy_is_one_of_its_own(self):
        label = label_of(self.doc)
        copy = copy_of(label)
        copy.label = "van"
        assert (label.label, copy.label, copy.id) == ("car", "van", label.id)
        assert copy.frames == label.frames


labels = st.lists(
    st.builds(
        box,
        label=st.sampled_from(("car", "bus")),
        index=st.none() | st.integers(0, 2),
        colour=st.sampled_from((None, "red", 1, True)),
    ),
    max_size=3,
)


@given(st.dictionaries(st.integers(1, 12), labels, max_size=6))
@examples(100)
def test_what_frames_store_comes_back_from_what_people_see_and_nothing_changes(frames):
    tracks = composed(frames)
    back = {}
    for track in tracks:
        assert changed_frames(track, track) == {}
        for number, doc in frame_docs(track).items():
            back.setdefault(number, []).append(doc)
    as_sets = [
        {number: sorted(docs, key=lambda doc: str(doc["_id"])) for number, docs in one.items() if docs}
        for one in (frames, back)
    ]
    assert as_sets[0] == as_sets[1]
    assert len({track["_id"] for track in tracks}) == len(tracks)
