"""Clips of videos, and frames that are asked for: what lies outside is neither sent nor changed."""

from __future__ import annotations

from types import SimpleNamespace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.dataset.frame_ranges import FrameRange, ranges_of
from fo_labelstudio.errors import LabelSchemaError, RunError, SettingsError
from fo_labelstudio.runs.add_samples import add_samples
from fo_labelstudio.runs.annotate import _refuse_other_clips, refuse_unsuited
from fo_labelstudio.runs.load import _apart
from fo_labelstudio.runs.remove_samples import remove_samples
from fo_labelstudio.runs.tag_samples import tag_samples
from fo_labelstudio.runs.upload_predictions import Asked, upload_predictions
from tests.frames import (
    EXISTING,
    FRAMES,
    RUNS,
    SIZE,
    TRACKS,
    boxes_of,
    classes_of,
    edited,
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
from tests.properties import examples
from tests.runs.test_frames import Sent
from tests.videos import write_video

pytestmark = [pytest.mark.database, pytest.mark.ffmpeg, pytest.mark.sampled]

MOMENTS = {"type": "temporal_detections", "classes": ["goal", "foul"]}
SCHEMA = {
    "frames.det": {**TRACKS, **EXISTING},
    "frames.act": {**RUNS, **EXISTING},
    "events": {**MOMENTS, **EXISTING},
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture
def dataset(dataset_of, video, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    events = {"goal": [2, 9], "foul": [15, 26]}
    moments = [fo.TemporalDetection(label=label, support=support) for label, support in events.items()]
    return dataset_of([video_sample(video, events=fo.TemporalDetections(detections=moments)), video_sample(other)])


class SentView(Sent):
    """A view of a dataset that was sent, each clip of it as a task."""

    def __init__(self, dataset, view, schema, **settings):
        self.dataset = dataset
        self.results, self.project = annotate_in_memory(view, "run", schema, **settings)
        self.ids = view.values("id")
        self.before = raw_frames(dataset)
        self.moments = self.stored_moments

    @property
    def sample(self):
        return self.dataset.first()

    @property
    def stored_moments(self):
        return [sample.events and sample.events.to_dict() for sample in self.dataset]

    def shown(self, place=0):
        """What the task of a clip shows."""
        predictions = self.project.by_id[self.results.tasks[self.ids[place]]]["predictions"]
        return predictions[0]["result"] if predictions else []


def spans(result):
    """The regions of a task: class -> its first and last frame; those of tracks as they are drawn."""
    found = {}
    for region in result:
        value = region["value"]
        if "sequence" in value:
            found[value["labels"][0]] = (value["sequence"][0]["frame"], value["sequence"][-1]["frame"])
        else:
            found[value["timelinelabels"][0]] = (value["ranges"][0]["start"], value["ranges"][-1]["end"])
    return found


def clips_of(dataset, *supports):
    return dataset.to_clips([list(supports), []])


def test_a_clip_shows_the_labels_within_it_with_the_frames_of_the_whole_video(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 10), (8, 18), (15, 30)), SCHEMA)
    assert spans(sent.shown(0)) == {"car": (1, 10), "person": (5, 10), "walk": (1, 10), "goal": (2, 9)}
    assert spans(sent.shown(1)) == {"car": (8, 18), "person": (8, 18), "walk": (8, 12), "run": (13, 18)}
    assert spans(sent.shown(2)) == {"car": (15, 20), "person": (15, 25), "run": (15, 24), "foul": (15, 26)}
    framed = [region["value"]["framesCount"] for region in sent.shown(1) if "sequence" in region["value"]]
    assert set(framed) == {FRAMES}


@pytest.mark.parametrize(
    "edit", [edited("car", moved(10, x=5.0)), without("car"), edited("car", relabelled("person")), with_track(9, 30)]
)
def test_an_edit_changes_frames_of_its_clip_only(dataset, edit):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    sent.answer(edit)
    sent.load()
    assert sent.changed and {*sent.changed} <= {*range(8, 19)}
    assert sent.stored_moments == sent.moments
    sent.load_again()


def test_what_goes_on_after_a_clip_ends_with_it(dataset):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    sent.answer(edited("person", extended(24)))
    sent.load()
    assert sent.changed == []
    sent.load_again()


def beyond(result):
    """Has the track of the car, and the range of those who walk, be behind the clip only."""
    result = with_range("walk", 20, 22)(result)
    for frame, key in enumerate(result[0]["value"]["sequence"], 20):
        key["frame"] = frame
    return result


def test_what_was_moved_out_of_a_clip_stays_and_is_told(dataset, caplog):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    sent.answer(beyond)
    sent.load()
    assert sent.changed == []
    assert caplog.text.count("nothing is left of it there; it stays as it is") == 2
    sent.load_again()
    sent.answer()
    sent.load()
    assert sent.changed == []


def test_ranges_of_a_clip_that_block_each_other_get_frames_of_it_as_they_are_free(dataset, caplog):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), {"frames.act": SCHEMA["frames.act"]})
    before, whole = classes_of(sent.sample), dict(raw_frames(dataset))
    walk = with_range("walk", 4, 22)
    for edit, walks, runs in (
        (walk, range(1, 13), range(13, 25)),
        (lambda result: with_range("run", 16, 18)(walk(result)), range(1, 16), range(16, 25)),
        (lambda result: with_drawn_range("walk", 12, 14)(with_range("run", 17, 20)(result)), None, None),
        (lambda result: without_range("run")(walk(result)), range(1, 19), range(19, 25)),
    ):
        sent.answer(edit)
        sent.load()
        if walks is not None:
            assert classes_of(sent.sample) == {**dict.fromkeys(walks, "walk"), **dict.fromkeys(runs, "run")}
        assert {*sent.changed} <= {*range(13, 19)}
        sent.load_again()
    assert "hold one label each, and have one already; left alone" in caplog.text
    assert "are not among those that the task is about; they stay as they are" in caplog.text
    assert list(sent.results.conflicts) == []
    sent.answer()
    sent.load()
    assert classes_of(sent.sample) == before
    assert {key: raw for key, raw in raw_frames(dataset).items() if not 8 <= key[1] <= 18} == {
        key: raw for key, raw in whole.items() if not 8 <= key[1] <= 18
    }
    sent.load_again()


def test_an_answer_without_regions_deletes_what_the_clip_has_shown(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 10)), SCHEMA)
    sent.answer(lambda result: [])
    sent.load()
    assert sent.changed == list(range(1, 11))
    assert [*boxes_of(sent.sample, "car")] == [*range(11, 21)] and [*classes_of(sent.sample)] == [*range(11, 25)]
    assert [moment.label for moment in sent.sample.events.detections] == ["foul"]
    sent.load_again()


def test_moments_within_a_clip_are_moved_drawn_and_deleted(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 10), (14, 30)), {"events": {**MOMENTS, **EXISTING}})
    sent.answer(with_range("goal", 3, 6))
    sent.answer(lambda result: without_range("foul")(with_drawn_range("goal", 20, 22)(result)), 1)
    sent.load()
    assert [(one.label, one.support) for one in sent.sample.events.detections] == [("goal", [3, 6]), ("goal", [20, 22])]
    assert sent.changed == []
    sent.load_again()


def test_two_clips_of_one_sample_are_merged_one_after_the_other(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 10), (11, 20)), SCHEMA)
    for place, first in ((0, 2), (1, 12)):
        sent.answer(with_track(first, first + 5), place)
    sent.load()
    drawn = {box.index for frame in sent.sample.frames.values() for box in (frame.det or fo.Detections()).detections}
    assert drawn == {1, 2, 3, 4, None}
    sent.load_again()


def test_two_clips_that_overlap_and_say_different_things_are_settled_once(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 12), (8, 20)), SCHEMA)
    sent.answer(edited("car", moved(10, x=5.0)), 0)
    sent.answer(edited("car", moved(10, x=10.0)), 1)
    sent.load()
    assert boxes_of(sent.sample, "car", 1)[10] == [0.3, 0.25, 0.25, 0.25]
    owner, _ = sent.dataset.values("id")
    assert {row["sample_id"] for row in sent.results.conflicts} == {owner}
    sent.load_again()


def test_a_moment_that_one_clip_deletes_and_another_leaves_is_gone(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 12), (2, 20)), {"events": SCHEMA["events"]})
    sent.answer(without_range("goal"), 0)
    sent.answer(place=1)
    sent.load()
    assert [moment.label for moment in sent.sample.events.detections] == ["foul"]
    sent.load_again()


def test_new_moments_of_two_clips_of_one_sample_are_both_there(dataset):
    schema = {"new": {**MOMENTS, "existing_field": False}, "frames.act": {**RUNS, **EXISTING}}
    sent = SentView(dataset, clips_of(dataset, (1, 10), (11, 20)), schema)

    def draw(first):
        def apply(result):
            like = next(iter(ranges(result).values()))
            value = {"ranges": [{"start": first, "end": first + 2}], "timelinelabels": ["goal"]}
            return [*result, {**like, "id": f"at{first}", "from_name": "new", "value": value}]

        return apply

    sent.answer(draw(3))
    sent.answer(draw(13), 1)
    sent.load()
    assert [one.support for one in sent.sample.new.detections] == [[3, 5], [13, 15]]
    sent.load_again()


def test_an_edit_that_is_taken_back_restores_every_frame(dataset):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    before = [frame.to_dict() for frame in sent.sample.frames.values()]
    sent.answer(without("car"))
    sent.load()
    sent.answer()
    sent.load()
    after = [frame.to_dict() for frame in sent.sample.frames.values()]
    for frame in (*before, *after):
        del frame["last_modified_at"]
    key = lambda box: str(box["_id"])  # noqa: E731
    for frame in (*before, *after):
        if frame["det"]:
            frame["det"]["detections"].sort(key=key)
    assert after == before


def test_an_edit_is_taken_back_after_one_that_went_beyond_the_clip(dataset):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    before = {name: boxes_of(sent.sample, name) for name in ("car", "person")}
    move, go_on = edited("person", moved(12, x=5.0)), edited("person", extended(24))
    for edit in (go_on, move, lambda result: go_on(move(result)), move, go_on):
        sent.answer(edit)
        sent.load()
        assert {*sent.changed} <= {*range(8, 19)}
    sent.answer()
    sent.load()
    assert {name: boxes_of(sent.sample, name) for name in before} == before


def test_a_track_that_is_drawn_beyond_its_clip_is_edited_and_deleted_again(dataset):
    sent = SentView(dataset, clips_of(dataset, (8, 18)), SCHEMA)
    draw = with_track(12, 25)

    def move(result):
        return [*result[:-1], edited("car", moved(12, x=2.0), 2)(result[-1:])[0]]

    sent.answer(draw)
    sent.load()
    assert sent.changed == [*range(12, 19)]
    sent.answer(lambda result: move(draw(result)))
    sent.load()
    assert sent.changed == [*range(12, 19)] and sent.results.conflicts == []
    sent.answer()
    sent.load()
    assert {name: boxes_of(sent.sample, name) for name in ("car", "person")} == {
        name: boxes_of(video_sample("x.mp4"), name) for name in ("car", "person")
    }


def test_a_track_drawn_in_a_clip_gets_an_index_that_no_frame_of_the_video_has(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 4)), SCHEMA)
    sent.answer(with_track(1, 4, "car"))
    sent.load()
    assert {box.index for box in sent.sample.frames[1].det.detections} == {1, 3}


def test_clips_are_loaded_by_another_session(dataset):
    sent = SentView(dataset, dataset.to_clips("events"), SCHEMA)
    sent.answer(edited("car", moved(5, x=5.0)))
    dataset.clear_cache()
    sent.results = dataset.load_annotation_results("run", cache=False)
    assert not sent.results.samples._is_clips and len(sent.results.ranges) == 2
    sent.load()
    assert sent.changed and {*sent.changed} <= {*range(2, 10)}


def test_a_trajectory_is_a_clip(dataset):
    view = dataset.to_trajectories("frames.det")
    sent = SentView(dataset, view, {"frames.det": {**TRACKS, **EXISTING}})
    labels = view.values("det.label")
    place = labels.index("person")
    assert [*spans(sent.shown(place))] == ["person"]
    sent.answer(lambda result: [], place)
    sent.load()
    assert not {1, 2} & {*sent.changed}
    sent.load_again()


def test_labels_go_to_another_field(dataset):
    sent = SentView(dataset, clips_of(dataset, (1, 10)), {"frames.det": {**TRACKS, **EXISTING}})
    sent.answer(without("person", 2))
    sent.load(dest_field="frames.corrected")
    assert [*boxes_of(sent.sample, "car", field="corrected")] == [*range(1, 11)]
    assert boxes_of(sent.sample, "car") == {n: box for n, box in boxes_of(video_sample("x.mp4"), "car").items()}


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("tag_samples", lambda sent: tag_samples(sent.results)),
        ("add_samples", lambda sent: add_samples(sent.results.backend, sent.results, sent.dataset)),
        ("remove_samples", lambda sent: remove_samples(sent.results.backend, sent.results, sent.dataset)),
        (
            "upload_predictions",
            lambda sent: upload_predictions(sent.results, sent.dataset, Asked(None, "m", False, None)),
        ),
        ("provenance='samples'", lambda sent: sent.load(provenance="samples")),
        ("skipped='tag'", lambda sent: sent.load(skipped="tag")),
    ],
)
def test_what_asks_for_samples_is_refused_for_clips(dataset, name, call):
    sent = SentView(dataset, clips_of(dataset, (1, 10)), SCHEMA)
    with pytest.raises(RunError, match=rf"{name}.*clip.*dataset.select"):
        call(sent)


@given(st.lists(st.sampled_from("abcdefgh")))
def test_answers_of_one_sample_are_never_merged_at_once_and_keep_their_order(names):
    places = {name: FrameRange("xyz"["abcdefgh".index(name) % 3], 1, 2) for name in "abcdef"}
    page = [SimpleNamespace(sample_id=name) for name in names]
    groups = list(_apart(page, places))
    owners = [
        [places[one.sample_id].sample_id if one.sample_id in places else one.sample_id for one in group]
        for group in groups
    ]
    assert all(len(set(group)) == len(group) for group in owners)
    assert sorted(one.sample_id for group in groups for one in group) == sorted(names)
    for name in {*names}:
        said = [one for group in groups for one in group if one.sample_id == name]
        assert [*map(id, said)] == [id(one) for one in page if one.sample_id == name]


EDITS = {
    "moved": lambda frame: edited("car", moved(frame, x=5.0)),
    "deleted": lambda frame: lambda result: [],
    "relabelled": lambda frame: edited("car", relabelled("person")),
    "extended": lambda frame: edited("car", extended(frame)),
    "drawn": lambda frame: with_track(frame, 30),
}


@examples(12, fewest=4)
@given(support=st.tuples(st.integers(1, 20), st.integers(0, 29)), edit=st.sampled_from([*EDITS]), by=st.integers(0, 9))
def test_whatever_is_edited_in_a_clip_no_other_frame_changes(video, support, edit, by):
    first, last = support[0], min(support[0] + support[1], FRAMES)
    dataset = fo.Dataset()
    try:
        dataset.add_samples([video_sample(video), video_sample(video)])
        dataset.add_sample_field("events", fo.EmbeddedDocumentField, embedded_doc_type=fo.TemporalDetections)
        sent = SentView(dataset, clips_of(dataset, (first, last)), {"frames.det": SCHEMA["frames.det"]})
        sent.answer(EDITS[edit](min(first + by, last)))
        sent.load()
        assert {*sent.changed} <= {*range(first, last + 1)}
        sent.load_again()
        sent.answer()
        sent.load()
        assert boxes_of(sent.sample, "car", 1) == boxes_of(video_sample("x.mp4"), "car", 1)
    finally:
        dataset.delete()


def test_clips_have_no_parts_and_add_no_predictions_to_tasks_of_others(dataset):
    clips = clips_of(dataset, (1, 10))
    for settings in ({"parts": 2}, {"existing_tasks": "predict", "project_id": 1}):
        with pytest.raises(SettingsError, match=next(iter(settings))):
            refuse_unsuited(LabelStudioBackendConfig("labelstudio", None, **settings), clips)


def test_a_run_of_clips_is_continued_with_the_same_clips_only(dataset):
    clips = clips_of(dataset, (1, 10))
    sent = SentView(dataset, clips, SCHEMA)
    backend = sent.results.backend
    _refuse_other_clips(backend, clips, "run")
    with pytest.raises(RunError, match="begun with other clips"):
        _refuse_other_clips(backend, clips_of(dataset, (1, 11)), "run")


def test_frames_are_asked_for_of_videos_only(make_dataset):
    config = LabelStudioBackendConfig("labelstudio", None, frame_start=3)
    with pytest.raises(SettingsError, match="frame_start and frame_stop are for videos"):
        refuse_unsuited(config, make_dataset({}))


def test_frames_that_are_not_asked_for_are_neither_sent_nor_changed(dataset):
    sent = SentView(dataset, dataset, SCHEMA, frame_start=7, frame_stop=17)
    assert spans(sent.shown()) == {"car": (8, 18), "person": (8, 18), "walk": (8, 12), "run": (13, 18)}
    sent.answer(lambda result: [])
    sent.load()
    assert sent.changed == list(range(8, 19))
    assert sent.stored_moments == sent.moments
    sent.load_again()


def test_frames_are_asked_for_of_each_video(dataset):
    first, second = dataset.values("filepath")
    ids = dataset.values("id")
    assert ranges_of(dataset, [0, 5], {second: 9}) == {
        ids[0]: FrameRange(ids[0], 1, 2**31 - 1),
        ids[1]: FrameRange(ids[1], 6, 10),
    }
    assert ranges_of(dataset, None, {first: 3}) == {ids[0]: FrameRange(ids[0], 1, 4)}
    assert ranges_of(dataset, None, None) == {}


def test_frames_of_clips_count_from_their_beginning(dataset):
    clips = clips_of(dataset, (8, 18))
    (found,) = ranges_of(clips, 2, 100).values()
    assert found == FrameRange(dataset.first().id, 10, 18)


def test_a_range_without_frames_is_refused(dataset):
    with pytest.raises(LabelSchemaError, match="frame_start=5 and frame_stop=4 leave none of its frames"):
        ranges_of(dataset, 5, 4)
