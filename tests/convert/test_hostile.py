"""Exported tasks as nobody should write them: reported, and nothing else is touched."""

from __future__ import annotations

import base64
import copy
import io
import json
import tracemalloc
import zlib
from struct import pack

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from PIL import Image

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.annotation.unexpected import pseudo_field
from fo_labelstudio.convert.families import LABEL_TYPES, has_masks
from fo_labelstudio.convert.frame_labels import FrameLabel
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import brush, masks
from fo_labelstudio.convert.stored import ScalarValue
from fo_labelstudio.convert.task.origin import META
from fo_labelstudio.errors import RegionError
from fo_labelstudio.merge.changes import label_changes
from fo_labelstudio.merge.unexpected import as_field_answers, attach_relations, file_returned
from tests.convert.strategies import FRAME_KINDS, KINDS, cases, field_of
from tests.convert.trip import RUN, SQUARE, Trip
from tests.properties import examples
from tests.support import as_exported

HOSTILE = (
    *(None, True, False, 0, -1, 1, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 10**30, -(10**30)),
    *("", "1", "NaN", "cat", "\ud800", "\x00", ".", "a.b", "x" * 10_000, "2026-11-20T10:00:00Z"),
    *([], {}, [None], [[]], [1, 2, 3], ["cat", "cat"], [float("nan")] * 4, {"x": {}}, [{"x": 1, "y": 2}] * 3),
    *([10**9, 10**9], [10**30, 1], [-5, 0], "0001-01-01T00:00:00+14:00", 10**400, "data:image/png;base64,AAAA"),
)
"""What may stand where something else is expected."""

DEEP = json.loads("[" * 500 + "]" * 500)

hostile = st.sampled_from(HOSTILE) | st.just(DEEP)
drawn_types = [name for name in LABEL_TYPES if name != "scalar"]


def exported(trip, result):
    """The task of a trip with a submitted result, as the server exports it."""
    return {"id": 7, **copy.deepcopy(trip._task), "annotations": [as_exported(result, trip.sent)]}


def places(value, path=()):
    """The path of everything in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        # A code of thousands of numbers must not crowd out all else.
        if not (path and path[-1] == "rle" and key > 3):
            yield from places(item, (*path, key))


def with_value(whole, path, value):
    """A JSON value with another one at a path; it shares with the whole what is not on the way there."""
    if not path:
        return value
    changed = copy.copy(whole)
    changed[path[0]] = with_value(whole[path[0]], path[1:], value)
    return changed


def trip_of(case):
    labels = [label.value if isinstance(label, ScalarValue) else label for label in case.labels]
    return Trip(case.field, *labels, media=case.media)


@st.composite
def mutations(draw, value, within=()):
    """A JSON value with something hostile in some places, all of them within a path."""
    value = copy.deepcopy(value)
    inside = value
    for key in within:
        inside = inside[key]
    for path in draw(st.lists(st.sampled_from(list(places(inside))), min_size=1, max_size=3)):
        if not path:
            return with_value(value, within, draw(hostile))
        kind = draw(st.sampled_from(("replaced", "replaced", "replaced", "deleted", "repeated")))
        parent = inside
        try:
            for key in path[:-1]:
                parent = parent[key]
            if kind == "deleted":
                del parent[path[-1]]
            elif kind == "repeated" and isinstance(parent, list):
                parent.extend([copy.deepcopy(parent[path[-1]])] * 3)
            else:
                parent[path[-1]] = copy.deepcopy(draw(hostile))
        except (KeyError, IndexError, TypeError):
            # What lay there is gone already.
            continue
    return value


def is_finite(value):
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_finite, value))
    return not isinstance(value, float) or abs(value) < 1e6


def load(trip, task):
    """What a task changes in the stored labels of a trip, and the problems."""
    problems = []
    answer = parse_task(task, [trip.field], RUN, problems)
    assert all(str(problem) and len(str(problem)) < 2000 for problem in problems)
    if answer is None:
        return FieldAnswer(), None, problems
    attach_relations([answer])
    changes = None
    if trip.field.label_type != "scalar":
        changes = label_changes(trip.docs, answer.fields[trip.field.name], trip.field, {}, ())
        assert is_finite([doc.get("bounding_box") for doc in changes.added])
        assert is_finite([[doc.get("points"), doc.get("confidence")] for doc in changes.added if "Poly" in doc["_cls"]])
    else:
        for edit in (*answer.fields[trip.field.name].edited, *answer.fields[trip.field.name].added):
            assert is_finite(trip.field.question.from_json(edit.parsed.values["value"]))
    for label_type in answer.unexpected:
        file_returned({}, [answer], label_type, [trip.field])
        for kept in as_field_answers([answer], label_type, [], True):
            field = pseudo_field(label_type)
            added = label_changes([], kept.fields[field.name], field, {}, ()).added
            assert is_finite([[doc.get("bounding_box"), doc.get("points")] for doc in added])
            assert len({doc["_id"] for doc in added}) == len(added)
    return answer.fields[trip.field.name], changes, problems


many = examples(25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


SPAN = fo.Classification(label="cat", start=0, end=4, text="some")

LABELS = {
    "classification": fo.Classification(label="cat"),
    "detection": fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.5, 0.5], rotation=1.0, confidence=0.5),
    "instance": fo.Detection(label="cat", bounding_box=[0, 0, 0.04, 0.04], mask=np.eye(4, dtype=bool)),
    "polygon": fo.Polyline(label="cat", points=[[[0.1, 0.1], [0.2, 0.2], [0.3, 0.1]]], closed=True, filled=True),
    "polyline": fo.Polyline(label="cat", points=[[[0.1, 0.1], [0.2, 0.2]]]),
    "keypoint": fo.Keypoint(label="cat", points=[[0.1, 0.1], [0.2, 0.2]]),
    "segmentation": fo.Segmentation(mask=np.eye(100, dtype=np.uint8)),
    "spans": SPAN,
    "hypertext.spans": SPAN,
    "paragraphs.spans": fo.Classification(label="cat", start=0, end=7, turn=1, text="words\nm"),
    "audio.spans": fo.Classification(label="cat", start=0, end=4.5),
    "timeseries.spans": fo.Classification(label="cat", start=0, end=4),
    "scalar": "text",
    "temporal_detection": fo.TemporalDetection(label="cat", support=[2, 5]),
    "frames.detection": FrameLabel(
        label="cat",
        frames={
            str(number): fo.Detection(bounding_box=[number / 100, 0.1, 0.2, 0.2]).to_dict() for number in (1, 2, 3, 7)
        },
    ),
    "frames.classification": FrameLabel(
        label="cat", frames={str(number): fo.Classification().to_dict() for number in (1, 2, 3, 7)}
    ),
}

VIDEO = MediaInfo(100, 100, 60, 10.0)
WORDS = MediaInfo(text="some words", turns=("some", "words", "more"))


def media_for(field):
    if field.shows is not None:
        return WORDS
    return VIDEO if field.medium.frame_scope else SQUARE


@pytest.mark.parametrize("label_type", LABELS)
def test_each_hostile_value_at_each_place_breaks_nothing(label_type, sweep):
    trip = Trip(field_of(label_type), LABELS[label_type], media=media_for(field_of(label_type)))
    drawn = {**copy.deepcopy(trip.sent[0]), "id": "drawn"}
    elsewhere = {**copy.deepcopy(trip.sent[0]), "id": "else", "from_name": "elsewhere"}
    task = exported(trip, [*trip.sent, drawn, elsewhere])
    before = copy.deepcopy(task)
    for path in sweep.sample([*filter(None, places(task))]):
        for value in (*HOSTILE, DEEP):
            load(trip, with_value(task, path, value))
    assert task == before


@pytest.mark.parametrize("label_type", KINDS)
@many
@given(data=st.data())
def test_whatever_stands_in_a_task_nothing_breaks(label_type, data):
    case = data.draw(cases(label_type))
    trip = trip_of(case)
    task = exported(trip, copy.deepcopy(trip.sent))
    task = data.draw(mutations(task))
    load(trip, task)


@pytest.mark.parametrize("label_type", KINDS)
@many
@given(data=st.data())
def test_whatever_stands_in_one_region_the_labels_of_the_others_are_kept(label_type, data):
    case = data.draw(cases(label_type))
    trip = trip_of(case)
    if not trip.sent:
        return
    number = data.draw(st.integers(0, len(trip.sent) - 1))
    task = exported(trip, copy.deepcopy(trip.sent))
    task = data.draw(mutations(task, ("annotations", 0, "result", number)))
    untouched, _ = trip.answer()
    _, changes, _ = load(trip, task)
    touched_id = trip.sent[number]["id"]
    named = {region["id"].partition(".")[0] for region in trip.sent if region["id"] != touched_id}
    named.discard(touched_id.partition(".")[0])
    if changes is None or label_type in ("segmentation", "classification", "classifications"):
        return
    for label_id in named & set(untouched.kept):
        assert label_id not in changes.deleted and label_id not in changes.values


class TestSizes:
    """What is huge is refused before it is held."""

    @pytest.mark.parametrize("frames", [10**9, 10**30, 10**400])
    @pytest.mark.parametrize("label_type", FRAME_KINDS)
    def test_a_number_of_frames_that_was_tampered_with_makes_no_room(self, label_type, frames):
        trip = Trip(field_of(label_type), LABELS[label_type.removesuffix("s")], media=VIDEO)
        moved = copy.deepcopy(trip.sent)
        if "sequence" in moved[0]["value"]:
            moved[0]["value"]["sequence"][0]["enabled"] = True
        else:
            moved[0]["value"]["ranges"] = [{"start": 1, "end": 2**52}]
        for result in (moved, [{**moved[0], "id": "drawn"}]):
            task = exported(trip, result)
            task["meta"][META]["frames"] = frames
            assert self.peak(lambda task=task: load(trip, task)) < 2**20

    def peak(self, run):
        tracemalloc.start()
        try:
            run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("size", [[10**9, 10**9], [10**30, 1], [2**31 - 1, 2**31 - 1], [10**400, 10**400]])
    @pytest.mark.parametrize("label_type", drawn_types)
    def test_a_size_that_was_tampered_with_makes_no_room(self, label_type, size):
        for field in {field_of(label_type).tool, *([masks.BRUSH, masks.BITMASK] if has_masks(label_type) else [])}:
            field = field_of(label_type, tool=field)
            trip = Trip(field, LABELS.get(label_type) or LABELS[label_type.removesuffix("s")], media=media_for(field))
            for result in (trip.sent, [], trip.sent[1:]):
                task = exported(trip, copy.deepcopy(result))
                task["meta"][META]["size"] = size
                assert self.peak(lambda task=task, trip=trip: load(trip, task)) < 2**20

    def bitmask(self, width, height):
        def chunk(kind, content):
            return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

        pixels = zlib.compressobj(9)
        row = bytes(min(width // 8, 2**16) + 1)
        data = b"".join(pixels.compress(row) for _ in range(min(height, 9))) + pixels.flush()
        header = pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        png = masks._PNG + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        return masks._URL + base64.b64encode(png).decode()

    @pytest.mark.parametrize("size", [(50_000, 50_000), (100_000_000, 1), (2**31 - 1, 2**31 - 1), (5_000, 5_000)])
    @pytest.mark.parametrize("label_type", ["instances", "segmentation"])
    def test_a_tiny_png_of_many_pixels_is_a_problem_of_its_region(self, label_type, size):
        trip = Trip(field_of(label_type, tool=masks.BITMASK))
        value = {"imageDataURL": self.bitmask(*size), "bitmasklabels": ["cat"]}
        region = {"id": "a", "from_name": "ground truth", "to_name": "image", "type": "bitmasklabels", "value": value}
        problems = []
        task = exported(trip, [region])
        assert self.peak(lambda: problems.extend(load(trip, task)[2])) < 2**22
        assert [problem.region_id for problem in problems] == ["a"]
        assert "its PNG has" in str(problems[0]) or "its PNG cannot be read" in str(problems[0])

    def test_a_png_may_have_more_pixels_than_its_image(self):
        buffer = io.BytesIO()
        Image.new("RGBA", (400, 200), (0, 0, 0, 255)).save(buffer, "PNG")
        assert masks.decode(buffer.getvalue(), MediaInfo(4, 2)).pixels.all()

    @pytest.mark.parametrize("size", [(2**15, 2**15), (10**9, 1)])
    def test_a_code_that_claims_more_pixels_than_the_image_has_makes_no_room(self, size):
        code = (size[0] * size[1] * 4 % 2**32).to_bytes(4, "big") + bytes.fromhex("3a31dfe0ff") + bytes(64)
        for media in (MediaInfo(100, 100), MediaInfo(*size)):

            def run(media=media):
                with pytest.raises(RegionError):
                    brush.decode(code, media.width, media.height)

            assert self.peak(run) < 2**20


class TestMany:
    """What is repeated thousands of times takes no longer than what is long."""

    def region(self, region_id, kind, value):
        value = {**value, kind: ["cat"]}
        return {"id": region_id, "from_name": "ground truth", "to_name": "image", "type": kind, "value": value}

    def test_a_polygon_of_100_000_points_is_read(self):
        points = [[x % 100, x % 97] for x in range(100_000)]
        trip = Trip(field_of("polygons"))
        _, changes, problems = load(trip, exported(trip, [self.region("a", "polygonlabels", {"points": points})]))
        assert problems == [] and len(changes.added[0]["points"][0]) == 100_000

    @pytest.mark.sampled
    @pytest.mark.parametrize("before", [lambda n: n - 1, lambda n: 99_999])
    def test_a_path_of_100_000_vertices_is_read_however_they_are_connected(self, before):
        vertices = [
            {"id": f"v{n}", "prevPointId": f"v{before(n)}", "x": n % 100, "y": n % 97, "isBezier": False}
            for n in range(100_000)
        ]
        trip = Trip(field_of("polylines"))
        _, changes, _ = load(trip, exported(trip, [self.region("a", "vectorlabels", {"vertices": vertices})]))
        assert len(changes.added[0]["points"][0]) == 100_000

    def test_parents_of_parents_are_followed_once(self):
        points = {"points": [[0, 0], [1, 0], [1, 1]]}
        chain = [{**self.region(f"r{n}", "polygonlabels", points), "parentID": f"r{n + 1}"} for n in range(5_000)]
        trip = Trip(field_of("polygons"))
        _, changes, problems = load(trip, exported(trip, chain))
        assert len(changes.added) == 1 and len(changes.added[0]["points"]) == 5_000 and problems == []

    def test_regions_that_are_each_others_parents_are_one_label(self):
        points = {"points": [[0, 0], [1, 0], [1, 1]]}
        ring = [{**self.region(f"r{n}", "polygonlabels", points), "parentID": f"r{(n + 1) % 3}"} for n in range(3)]
        trip = Trip(field_of("polygons"))
        _, changes, problems = load(trip, exported(trip, ring))
        assert len(changes.added) == 1 and problems == []

    def test_a_thousand_regions_of_one_id_are_one_problem(self):
        box = {"x": 1, "y": 1, "width": 1, "height": 1}
        trip = Trip(field_of("detections"))
        _, changes, problems = load(trip, exported(trip, [self.region("a", "rectanglelabels", box)] * 1000))
        assert changes.is_empty and [problem.region_id for problem in problems] == ["a"]
        assert "1000 results share its id" in str(problems[0])

    def test_choices_without_end_are_told_shortly(self):
        trip = Trip(field_of("classification"))
        region = {**self.region("a", "choices", {}), "value": {"choices": ["x" * 100] * 10_000}}
        _, changes, problems = load(trip, exported(trip, [region]))
        assert changes.is_empty and len(problems) == 1 and len(str(problems[0])) < 1000


class TestAnnotations:
    """What surrounds the regions."""

    @pytest.mark.parametrize("annotations", [None, {}, "x", 3, DEEP])
    def test_that_are_no_list(self, annotations):
        trip = Trip(field_of("detections"))
        task = {**exported(trip, []), "annotations": annotations}
        _, changes, problems = load(trip, task)
        assert changes is None and problems

    @pytest.mark.parametrize("value", [None, 0, 1, "false", [], DEEP])
    def test_that_do_not_say_whether_they_were_cancelled(self, value):
        trip = Trip(field_of("detections"))
        task = exported(trip, [])
        task["annotations"][0]["was_cancelled"] = value
        _, changes, problems = load(trip, task)
        assert changes is None
        assert [str(problem) for problem in problems] == [
            "task 7: one of its annotations does not say whether it was submitted"
        ]

    @pytest.mark.parametrize("value", [None, 5, float("nan"), [], DEEP])
    def test_without_a_time_the_one_that_has_one_is_the_newest(self, value):
        trip = Trip(field_of("classification"))
        task = exported(trip, [])
        odd = {**task["annotations"][0], "updated_at": value, "result": "none"}
        task["annotations"].append(odd)
        _, changes, problems = load(trip, task)
        assert changes is not None and problems == []

    @pytest.mark.parametrize("task_id", [None, True, 7.0, "7", [], DEEP])
    def test_of_a_task_whose_id_is_no_number(self, task_id):
        trip = Trip(field_of("detections"))
        _, changes, problems = load(trip, {**exported(trip, []), "id": task_id})
        assert changes is None and "its id is no whole number" in str(problems[0])
