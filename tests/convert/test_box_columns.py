"""The boxes of frames as columns make the tracks that their documents make, or say that they cannot."""

from __future__ import annotations

import fiftyone as fo
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert import box_columns
from fo_labelstudio.convert.box_columns import BoxColumns
from fo_labelstudio.convert.families import tracks
from fo_labelstudio.convert.frame_labels import tracks_of
from fo_labelstudio.convert.stored import StoredLabel
from tests.convert.families.frames import VIDEO
from tests.convert.families.test_tracks import FIELD
from tests.properties import examples

SAMPLE = "65f000000000000000000001"
INSTANCES = [fo.Instance(id=f"65f00000000000000000000{number}") for number in range(2, 4)]


def box(label="car", index=None, x=0.1, **attributes):
    return fo.Detection(label=label, bounding_box=[x, 0.2, 0.3, 0.4], index=index, **attributes).to_dict()


def rows_of(docs, names):
    """The boxes of a frame as the database makes rows of them."""
    found = [{**doc, "instance": (doc.get("instance") or {}).get("_id")} for doc in docs]
    return [[doc.get(name) for name in names] for doc in found]


def columns_of(frames, attributes=()):
    columns = BoxColumns(attributes)
    is_added = all(columns.add(number, rows_of(docs, columns.names)) for number, docs in frames.items())
    return columns if is_added else None


def composed(frames, attributes=()):
    columns = columns_of(frames, attributes)
    return None if columns is None else columns.tracks(SAMPLE)


def plain(tracks_found):
    """Tracks without what is left out of columns: the ids and the empty attributes of boxes."""
    left_out = ("_id", "attributes", "tags")
    return [
        {
            **{name: value for name, value in track.items() if name not in left_out[1:] and value is not None},
            "frames": {
                number: {name: it for name, it in doc.items() if name not in left_out and it is not None}
                for number, doc in track["frames"].items()
            },
        }
        for track in tracks_found
    ]


boxes = st.builds(
    box,
    st.sampled_from(["car", "bus", None]),
    st.sampled_from([1, 2, 3, None]),
    st.sampled_from([0.1, 0.2, 0.3]),
    instance=st.sampled_from([*INSTANCES, None]),
    confidence=st.sampled_from([0.5, 0.9, None]),
    keyframe=st.sampled_from([True, False, None]),
    rotation=st.sampled_from([0.1, None]),
    colour=st.sampled_from(["red", "blue"]),
)


@given(st.lists(st.lists(boxes, max_size=3), max_size=4))
@examples(300)
def test_columns_make_the_tracks_of_documents_or_none(frames):
    frames = dict(enumerate(frames, 1))
    found = composed(frames, ["colour"])
    if found is not None:
        assert plain(found) == plain(tracks_of(frames, SAMPLE))


@given(st.lists(st.sets(st.integers(1, 3)), max_size=12), st.sampled_from([None, "car"]))
@examples(100)
def test_columns_make_tracks_of_boxes_with_one_index_each(frames, label):
    frames = {
        number: [box(label, index, 0.01 * number) for index in sorted(found)] for number, found in enumerate(frames, 1)
    }
    assert plain(composed(frames)) == plain(tracks_of(frames, SAMPLE))


def test_columns_make_the_regions_of_documents():
    frames = {
        number: [
            box("car", 1, 0.01 * number, confidence=0.01 * number),
            box("bus", 2, 0.5 - 0.001 * number**2, rotation=0.01 * number, keyframe=number % 7 == 0),
        ]
        for number in (*range(1, 20), *range(25, 40))
    }
    by_columns, by_docs = (
        [StoredLabel(doc) for doc in found] for found in (composed(frames), tracks_of(frames, SAMPLE))
    )
    assert tracks.to_regions(by_columns, FIELD, VIDEO) == tracks.to_regions(by_docs, FIELD, VIDEO)
    assert [tracks.check(track, FIELD) for track in by_columns] == [None, None]


@pytest.mark.parametrize(
    "second",
    [
        [box("car")],
        [box("car", 1), box("car")],
        [box("car", 1), box("bus", 1)],
        [box("car", 1), {**box("car", 2), "bounding_box": None}],
        [box("car", 1), {**box("car", 2), "bounding_box": [0.1, 0.2, 0.3]}],
        [box("car", 1), {**box("car", 2), "bounding_box": ["0.1", "0.2", "0.3", "0.4"]}],
        [box("car", 1), {"_id": ObjectId(), "_cls": "Detection"}],
        [{**box("car", 1), "instance": {"_id": "x"}}],
    ],
    ids=[
        *("no track", "one without a track", "two of a track", "no box", "half a box", "a box of texts", "nothing"),
        "an instance that is none",
    ],
)
def test_what_columns_do_not_tell_is_left_to_documents(second):
    assert composed({1: [box("car", 1)], 2: second}) is None


def test_frames_out_of_order_are_left_to_documents():
    assert composed({2: [box("car", 1)], 1: [box("car", 1)]}) is None


def test_a_box_that_no_frame_can_show_is_left_to_its_document_which_tells_its_id():
    columns = columns_of({1: [box("car", 1)], 2: [box("car", 1, float("nan"))]})
    assert tracks.FAMILY.compose_columns(columns, SAMPLE) is None


def test_nothing_makes_no_tracks():
    assert composed({}) == composed({1: [], 2: []}) == []


def test_many_boxes_are_counted_and_kept_in_their_order(monkeypatch):
    monkeypatch.setattr(box_columns, "_CHUNK", 1000)
    frames = {number: [box("car", index, 1e-6 * number) for index in (2, 1)] for number in range(1, 3_000)}
    columns = columns_of(frames)
    found = columns.tracks(SAMPLE)
    assert len(columns) == 5_998
    assert [track["index"] for track in found] == [2, 1]
    assert found[1]["frames"].boxes[[0, -1], 0].tolist() == [1e-6, 1e-6 * 2_999]
