"""Boxes in frames -> keyframes -> the same boxes, as the editor of 1.23.2 finds them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk._extensions.label_studio_tools.postprocessing.video import extract_key_frames

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.boxes import to_percent_boxes, to_relative_boxes
from fo_labelstudio.convert.shapes.geometry import PercentBox, to_fitting_box, to_relative_box
from fo_labelstudio.convert.shapes.tracks import Keyframes, Track, boxes_of, short_way, to_keyframes, without_filled_in
from tests.properties import examples

LAST = 40
SIDES = ("x", "y", "width", "height", "rotation")


def keyframes_of(*rows):
    """Keyframes of rows ``(frame, is_enabled, box)``."""
    frames, is_enabled, boxes = zip(*rows, strict=True)
    return Keyframes(np.array(frames), np.array(is_enabled), np.array(boxes, float))


def rows_of(keyframes):
    return [*zip(keyframes.frames.tolist(), keyframes.is_enabled.tolist(), keyframes.boxes.tolist(), strict=True)]


def track_of(boxes, marked=()):
    """A track of frame number -> box."""
    return Track(
        np.array([*boxes]), np.array([*boxes.values()], float), np.array([number in marked for number in boxes])
    )


def reduced(track, tolerance=0.0):
    (keyframes,) = to_keyframes([track], tolerance)
    return keyframes


class Editor:
    """What the editor shows, line by line as its source has it (``VideoRegionModel``, 1.23.2)."""

    def __init__(self, keyframes):
        self.sequence = rows_of(keyframes)

    def box_at(self, number):
        return self.shape_at(number) if self.is_in_lifespan(number) else None

    def is_in_lifespan(self, number):
        before = [row for row in self.sequence if row[0] <= number]
        frame, is_enabled, _ = before[-1] if before else self.sequence[0]
        return (frame == number and not is_enabled) or is_enabled

    def shape_at(self, number):
        start = end = None
        for row in self.sequence:
            if row[0] == number:
                return row[2]
            if row[0] > number:
                end = row
                break
            start = row
        if start is None or end is None:
            return None if start is None else start[2]
        share = (number - start[0]) / (end[0] - start[0])
        *sides, turn = (one + (other - one) * share for one, other in zip(start[2], end[2], strict=True))
        turn = self.folded(start[2][4] + self.folded(end[2][4] - start[2][4]) * share)
        return [*sides, turn]

    @staticmethod
    def folded(angle):
        while angle > 0:
            angle -= 360
        return math.fmod(angle - 180, 360) + 180


sides = st.floats(0, 100).map(lambda number: round(number, 10))
turns = st.floats(0, 360, exclude_max=True).map(lambda number: round(number, 10))
boxes = st.tuples(sides, sides, sides, sides, st.just(0.0) | turns).map(list)


@st.composite
def sequences(draw):
    """Keyframes in ascending order, as anybody may have set them."""
    numbers = sorted(draw(st.sets(st.integers(1, LAST), min_size=1, max_size=8)))
    return keyframes_of(*((number, draw(st.booleans()), draw(boxes)) for number in numbers))


@st.composite
def tracks(draw):
    """Boxes in some frames: still, on straight lines, or anywhere; with gaps, single frames and turns."""
    found = {}
    number = draw(st.integers(1, 4))
    for _ in range(draw(st.integers(1, 4))):
        ends = np.array([draw(boxes), draw(boxes)])
        length, shake = draw(st.integers(1, 30)), draw(st.sampled_from((0, 0.05, 5)))
        noise = np.random.default_rng(draw(st.integers(0, 99))).normal(0, shake, (length, 5))
        share = np.linspace(0, 1, length)[:, None]
        for box in ends[0] + (ends[1] - ends[0]) * share + noise:
            found[number] = [*np.round(box[:4], 10), round(box[4] % 360, 10)]
            number += 1
        number += draw(st.integers(1, 5))
    marked = draw(st.sets(st.sampled_from([*found])))
    return track_of(found, marked)


def assert_within(found, expected, tolerance):
    assert np.abs(found[:, :4] - expected[:, :4]).max() <= 100 * tolerance + 1e-6
    assert np.abs(np.radians(short_way(found[:, 4] - expected[:, 4]))).max() <= tolerance + 1e-6


class TestTheLaw:
    @given(st.lists(tracks(), min_size=1, max_size=4), st.sampled_from((0, 0.001, 0.05)))
    @examples(200)
    def test_keyframes_have_every_box_in_its_frame_and_none_in_another(self, many, tolerance):
        for track, keyframes in zip(many, to_keyframes(many, tolerance), strict=True):
            numbers, found = boxes_of(keyframes, int(track.frames[-1]) + 10)
            assert numbers.tolist() == track.frames.tolist()
            assert_within(found, track.boxes, tolerance)

    @given(st.lists(tracks(), min_size=1, max_size=4))
    @examples(50)
    def test_each_keyframe_is_a_box_of_the_track_as_it_is(self, many):
        for track, keyframes in zip(many, to_keyframes(many, 0.01), strict=True):
            places = np.searchsorted(track.frames, keyframes.frames)
            assert (track.frames[places] == keyframes.frames).all()
            assert (track.boxes[places] == keyframes.boxes).all()

    @given(st.lists(tracks(), min_size=2, max_size=4))
    @examples(50)
    def test_tracks_say_nothing_of_each_other(self, many):
        together = to_keyframes(many, 0.01)
        assert [rows_of(reduced(track, 0.01)) for track in many] == [rows_of(keyframes) for keyframes in together]

    @given(sequences())
    @examples(200)
    def test_boxes_are_found_where_the_editor_shows_them(self, keyframes):
        numbers, found = boxes_of(keyframes, LAST)
        shown = {number: box for number in range(1, LAST + 1) if (box := Editor(keyframes).box_at(number))}
        assert numbers.tolist() == [*shown]
        if shown:
            assert_within(found, np.array([*shown.values()]), 0)

    @given(sequences())
    @examples(200)
    def test_label_studios_own_tool_fills_the_same_frames(self, keyframes):
        sequence = [
            {"frame": frame, "enabled": is_enabled, "time": frame / 10, **dict(zip(SIDES, box, strict=True))}
            for frame, is_enabled, box in rows_of(keyframes)
        ]
        value = {"sequence": sequence, "framesCount": LAST, "duration": LAST / 10, "labels": ["car"]}
        (filled,) = extract_key_frames([{"type": "videorectangle", "value": value}])
        theirs = {one["frame"]: [one[side] for side in SIDES] for one in filled["value"]["sequence"]}
        numbers, found = boxes_of(keyframes, LAST)
        assert numbers.tolist() == [*theirs]
        # It turns the long way where the editor turns the short way; the editor counts (label-studio-sdk 2.1.2).
        assert np.abs(found[:, :4] - np.array([*theirs.values()])[:, :4]).max() <= 1e-9

    @given(sequences())
    @examples(100)
    def test_what_label_studios_tool_fills_in_is_taken_out_again(self, keyframes):
        numbers, found = boxes_of(keyframes, LAST)
        given_boxes = {frame: (is_enabled, box) for frame, is_enabled, box in rows_of(keyframes)}
        rows = [
            (number, *given_boxes.get(number, (True, box)))
            for number, box in zip(numbers.tolist(), found.tolist(), strict=True)
        ]
        is_filled = np.array([number not in given_boxes for number in numbers.tolist()])
        assert rows_of(without_filled_in(keyframes_of(*rows), is_filled)) == rows_of(keyframes)


STILL = [10, 10, 5, 5, 0]


class TestFewKeyframes:
    def test_a_straight_line_has_two(self):
        track = track_of({number: [number, 10, 5, 5, 0] for number in range(1, 31)})
        assert [row[:2] for row in rows_of(reduced(track))] == [(1, True), (30, False)]

    def test_a_box_of_one_frame_ends_on_that_frame(self):
        assert rows_of(reduced(track_of({7: STILL}))) == [(7, False, STILL)]

    def test_a_gap_ends_and_begins_again(self):
        track = track_of({number: STILL for number in (1, 2, 3, 8, 9)})
        assert [row[:2] for row in rows_of(reduced(track))] == [(1, True), (3, False), (8, True), (9, False)]

    def test_a_line_that_bends_has_one_at_each_bend(self):
        bends = {1: 0, 11: 50, 21: 20, 41: 80}
        numbers = np.arange(1, 42)
        xs = np.interp(numbers, [*bends], [*bends.values()])
        track = track_of({int(number): [x, 10, 5, 5, 0] for number, x in zip(numbers, xs, strict=True)})
        assert reduced(track).frames.tolist() == [*bends]

    def test_what_shakes_less_than_the_tolerance_needs_none(self):
        noise = np.random.default_rng(0).uniform(-0.04, 0.04, (100, 4))
        track = track_of({number: [*(20 + shake), 0] for number, shake in enumerate(noise, 1)})
        assert len(reduced(track, 0.001).frames) == 2
        assert len(reduced(track, 0.0).frames) > 90

    def test_a_turn_goes_the_short_way_past_zero(self):
        track = track_of({number: [10, 10, 5, 5, (350 + 2 * number) % 360] for number in range(1, 11)})
        assert reduced(track).frames.tolist() == [1, 10]

    def test_a_turn_of_more_than_half_has_one_on_the_way(self):
        track = track_of({number: [10, 10, 5, 5, 10 * number] for number in range(1, 31)})
        keyframes = reduced(track)
        assert len(keyframes.frames) == 3
        assert np.abs(np.diff(keyframes.boxes[:, 4])).max() < 180

    def test_marked_ones_are_taken_where_they_do(self):
        track = track_of({number: [number, 10, 5, 5, 0] for number in range(1, 31)}, marked=(5, 20))
        assert reduced(track).frames.tolist() == [1, 5, 20, 30]

    def test_marked_ones_are_not_taken_where_they_do_not(self):
        boxes = {number: [min(number, 15), 10, 5, 5, 0] for number in range(1, 31)}
        assert reduced(track_of(boxes, marked=(5, 20))).frames.tolist() == [1, 15, 30]

    def test_each_part_between_gaps_is_asked_for_itself(self):
        boxes = {number: [min(number, 15), 10, 5, 5, 0] for number in range(1, 31)}
        boxes.update({number: STILL for number in range(40, 51)})
        assert reduced(track_of(boxes, marked=(5, 45))).frames.tolist() == [1, 15, 30, 40, 45, 50]

    def test_no_track_has_none(self):
        assert to_keyframes([], 0.1) == []


class TestBoxesOf:
    def test_a_last_keyframe_that_is_enabled_goes_on_to_the_end(self):
        numbers, found = boxes_of(keyframes_of((3, True, STILL)), 6)
        assert numbers.tolist() == [3, 4, 5, 6]
        assert (found == STILL).all()

    def test_nothing_is_seen_behind_the_last_frame(self):
        keyframes = keyframes_of((1, True, [0, 0, 5, 5, 0]), (2**53, False, STILL), (2**53 + 2, True, STILL))
        assert boxes_of(keyframes, 3)[0].tolist() == [1, 2, 3]
        assert boxes_of(keyframes_of((9, True, STILL)), 3)[0].tolist() == []

    @pytest.mark.parametrize(("start", "end", "middle"), [(350, 10, 0), (10, 350, 0), (0, 180, 90), (180, 0, 270)])
    def test_it_turns_the_short_way_and_forward_where_it_is_half_a_turn(self, start, end, middle):
        rows = [(1, True, [10, 10, 5, 5, start]), (3, False, [10, 10, 5, 5, end])]
        _, found = boxes_of(keyframes_of(*rows), 9)
        assert found[1, 4] % 360 == middle


class TestManyBoxesAtOnce:
    @given(
        st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 2), st.floats(0, 2), st.floats(0, 7))),
        st.tuples(st.integers(1, 4000), st.integers(1, 4000)).map(lambda size: MediaInfo(*size)),
    )
    @examples(100)
    def test_they_are_what_they_are_one_by_one(self, rows, media):
        for row in rows:
            for radians in (0.0, row[4]):
                quarters, box = to_fitting_box(row[:4], radians, media)
                their_quarters, found = to_percent_boxes(np.array([row[:4]]), np.array([radians]), media)
                assert their_quarters == quarters
                assert found[0].tolist() == pytest.approx([*box], abs=1e-6)
                relative, back = to_relative_boxes(found, media, quarters)
                one_by_one, turn = to_relative_box(PercentBox(*found[0].tolist()), media, quarters)
                assert relative[0].tolist() == pytest.approx(one_by_one, abs=1e-9)
                assert math.remainder(float(back[0]) - turn, math.tau) == pytest.approx(0, abs=1e-9)

    def test_all_boxes_of_a_track_are_described_alike(self):
        media = MediaInfo(100, 400)
        boxes = np.array([[0.0, 0.4, 1.0, 0.2], [0.1, 0.4, 0.3, 0.2]])
        quarters, found = to_percent_boxes(boxes, np.array([1.6, 1.6]), media)
        assert abs(short_way(found[0, 4] - found[1, 4])) < 1e-9
        assert quarters == to_fitting_box(boxes[0], 1.6, media)[0]
