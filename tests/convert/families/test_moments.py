from __future__ import annotations

import copy

import fiftyone as fo
import pytest

from fo_labelstudio.convert.families import family_of, family_of_type
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels

FIELD = strategies.field_of("temporal_detections", "events")
SINGLE = strategies.field_of("temporal_detection", "event")
VIDEO = MediaInfo(640, 480, 60, 10.0)


def a_moment(first=11, last=20, **values):
    return fo.TemporalDetection(**{"label": "cat", "support": [first, last], **values})


def trip_of(*moments, field=FIELD):
    return Trip(field, *moments, media=VIDEO)


def a_region(*ranges, region_id="n", classes=("cat",)):
    """A region as the editor writes it; ranges as ``(start, end)``."""
    value = {"ranges": [{"start": start, "end": end} for start, end in ranges], "timelinelabels": [*classes]}
    return {"id": region_id, "from_name": "events", "to_name": "video", "type": "timelinelabels", "value": value}


def supports_of(moments):
    return [list(moment.support) for moment in moments]


def with_ranges(*ranges):
    """Gives the first region other ranges."""
    return lambda result: result[0]["value"].update(a_region(*ranges)["value"])


def problems_of(trip, result):
    return trip.answer(result)[1]


class TestWhatIsSent:
    def test_a_moment_is_a_range_with_both_ends_and_a_score(self):
        moment = a_moment(confidence=0.4)
        (region,) = trip_of(moment).sent
        assert region == {**a_region((11, 20), region_id=moment.id), "score": 0.4}

    def test_a_moment_that_goes_on_after_the_video_is_shown_to_its_last_frame_and_stays_as_it_is(self):
        trip = trip_of(a_moment(50, 90), a_moment(70, 80))
        assert [region["value"]["ranges"] for region in trip.sent] == [
            [{"start": 50, "end": 60}],
            [{"start": 60, "end": 60}],
        ]
        assert trip.changes().is_empty

    def test_a_class_that_the_label_schema_lacks_is_refused(self):
        assert "is not among the classes" in family_of(FIELD).check(a_moment(label="zebra"), FIELD)


class TestWhatIsLoaded:
    def test_one_end_that_was_dragged_changes_and_nothing_else(self):
        moment = a_moment(50, 90, confidence=0.9, tags=["seen"])
        (back,) = trip_of(moment).load(with_ranges((40, 60)))
        assert (back.id, back.support, back.confidence, back.tags) == (moment.id, [40, 90], 0.9, ["seen"])
        assert trip_of(moment).changes(with_ranges((40, 60))).values == {moment.id: {"support": [40, 90]}}

    def test_another_class_leaves_the_frames(self):
        moment = a_moment()
        changes = trip_of(moment).changes(lambda result: result[0]["value"].update(timelinelabels=["dog"]))
        assert changes.values == {moment.id: {"label": "dog"}}

    def test_a_range_that_was_drawn_is_a_new_moment(self):
        (made,) = new_labels(FIELD, [a_region((5, 5))], VIDEO)
        assert made.parsed.values == {"label": "cat", "support": [5, 5]}

    def test_a_range_that_was_deleted_is_a_moment_less(self):
        one, other = a_moment(1, 2), a_moment(3, 4)
        (left,) = trip_of(one, other).load(lambda result: result[1:])
        assert left.id == other.id

    def test_each_of_several_ranges_in_one_region_becomes_a_moment_and_the_first_keeps_the_id(self):
        moment = a_moment()
        split = trip_of(moment).load(with_ranges((11, 14), (16, 20), (30, 31)))
        assert supports_of(split) == [[11, 14], [16, 20], [30, 31]]
        assert split[0].id == moment.id and len({one.id for one in split}) == 3
        again = trip_of(moment).load(with_ranges((11, 14), (16, 20), (30, 31)))
        assert [one.id for one in again] == [one.id for one in split]

    def test_a_field_of_one_moment_takes_the_first_range(self):
        trip = trip_of(a_moment(), field=SINGLE)
        answer, problems = trip.answer(with_ranges((11, 14), (16, 20)))
        assert (len(answer.edited), answer.added) == (1, [])
        assert "one label too many for a field of type temporal_detection" in problems[0]

    @pytest.mark.parametrize(
        ("given", "taken"), [((0, 5), [1, 5]), ((55, 61), [55, 60]), ((70, 80), [60, 60]), ((-4, -2), [1, 1])]
    )
    def test_frames_that_the_video_does_not_have_are_clipped_and_told(self, given, taken):
        trip = trip_of()
        answer, (problem,) = trip.answer([a_region(given)])
        assert answer.added[0].parsed.values["support"] == taken
        assert f"its range {list(given)} is not within the video; took {taken}" in problem

    def test_a_range_that_was_drawn_backwards_is_the_same(self):
        (made,) = new_labels(FIELD, [a_region((20, 11))], VIDEO)
        assert made.parsed.values["support"] == [11, 20]

    def test_whole_numbers_may_be_written_as_floats(self):
        (made,) = new_labels(FIELD, [a_region((11.0, 20.0))], VIDEO)
        assert made.parsed.values["support"] == [11, 20]

    @pytest.mark.parametrize("ranges", [None, [], {}, [[1, 2]], [{"start": 1}], [{"start": 1.5, "end": 2}]])
    def test_what_is_no_range_is_told_and_the_label_left_alone(self, ranges):
        moment = a_moment()
        trip = trip_of(moment)
        result = copy.deepcopy(trip.sent)
        result[0]["value"]["ranges"] = ranges
        assert len(problems_of(trip, result)) == 1
        assert trip.changes(result).is_empty


def test_the_control_tag_is_a_timeline_of_the_video():
    config = to_labeling_config([FIELD])
    assert '<TimelineLabels name="events" toName="video">' in config
    assert '<Video name="video" value="$video" framerate="$frame_rate"' in config


def test_ranges_that_no_field_expects_become_moments():
    assert family_of_type("temporal_detections").claims == {"timelinelabels": "temporal_detections"}
