"""What holds for every label family of the table."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.edits import to_doc, to_label
from fo_labelstudio.convert.families import FAMILIES, family_of
from fo_labelstudio.convert.family import Grouping, shape_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer, Region
from fo_labelstudio.convert.regions import group_regions, whole_id
from fo_labelstudio.convert.shapes.geometry import to_fitting_box
from fo_labelstudio.convert.task.write import problems_of, to_task
from fo_labelstudio.errors import RegionError
from fo_labelstudio.merge.changes import label_changes
from tests.convert import strategies
from tests.convert.spanned import record_of
from tests.convert.trip import Trip, pixels_of, through_the_editor
from tests.properties import examples
from tests.support import comparable

label_types = pytest.mark.parametrize("label_type", strategies.KINDS)


def named(field):
    """What a field says of labels without a class."""
    return "some without class" if field.takes_none else None if field.classes else "no classes"


variants = pytest.mark.parametrize(
    "field",
    [
        found
        for label_type in strategies.KINDS
        for field in strategies.variants(label_type)
        for found in (field, *strategies.without_class(field))
    ],
    ids=lambda field: "-".join(
        filter(None, (field.scope, field.label_type, field.tool, field.question and field.question.kind, named(field)))
    ),
)


few = examples(30)
"""For tests that run over the whole table."""

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

EXPRESSED = {
    "detection": ("bounding_box", "rotation"),
    "polygon": ("points", "closed", "filled"),
    "polyline": ("points", "closed"),
    "keypoint": ("points",),
    "segmentation": ("mask",),
    "temporal_detection": ("support",),
    "span": ("start", "end", "text"),
}
"""Besides its class, what regions express of a label, given label types without their plural."""

JSON_TYPES = {
    "choices": list,
    "text": (list, str),
    "number": (int, float),
    "rating": int,
    "datetime": str,
    "x": (int, float),
    "y": (int, float),
    "width": (int, float),
    "height": (int, float),
    "rotation": (int, float),
    "points": list,
    "vertices": list,
    "ranges": list,
    "sequence": list,
    "labels": list,
    "framesCount": int,
    "duration": (int, float),
    "start": (int, float, str),
    "end": (int, float, str),
    "instant": bool,
    "channel": int,
    "startOffset": int,
    "endOffset": int,
    "closed": bool,
    "format": str,
    "rle": list,
    "imageDataURL": str,
    **{region_type: list for family in FAMILIES for region_type in family.region_types if "labels" in region_type},
}


def parse(field, regions, media):
    """The labels in regions, by key."""
    family = family_of(field)
    return {
        parsed.key: family.to_label(parsed, field)
        for group in group_regions(regions, family.grouping(field)).values()
        for parsed in family.parse_regions(group, field, media)
    }


def assert_alike(back, label, field, media):
    """Asserts that a label came back with all that regions express."""
    label_type = field.label_type if field.label_type == "classifications" else field.label_type.removesuffix("s")
    if field.is_of_frames:
        assert_frames_alike(back, label, field, media)
        return
    if label_type == "scalar":
        assert type(back) is type(label.value)
        assert (set(back) == set(label.value)) if isinstance(back, list) else (back == label.value)
        return
    assert type(back) is type(label)
    if label_type == "segmentation":
        np.testing.assert_array_equal(back.mask, label.mask)
        return
    assert back.label == label.label
    if label_type == "instance":
        np.testing.assert_array_equal(pixels_of(back, media), pixels_of(label, media))
        return
    magnified = max(1, media.width / media.height, media.height / media.width) if label_type == "detection" else 1
    if label_type == "detection" and is_described_otherwise(label, media):
        # The same box, from another corner.
        found, expected = (corners_of(box, media) for box in (back, label))
        tolerance = 1e-9 * magnified * max(media.size)
        assert len(found) == len(expected) == 4
        for one, others in (*((corner, expected) for corner in found), *((corner, found) for corner in expected)):
            assert min(math.dist(one, other) for other in others) <= tolerance
        return
    for name in EXPRESSED.get(label_type, ()):
        if name == "closed" and field.tool == "PolygonLabels":
            continue
        absent = 0.0 if name == "rotation" else None
        actual, expected = (one.get_attribute_value(name, absent) for one in (back, label))
        if isinstance(expected, datetime):
            assert actual == expected
            continue
        if name == "rotation" and abs(actual - expected) > math.pi:
            # A full turn is none.
            actual, expected = math.remainder(actual, math.tau), math.remainder(expected, math.tau)
        assert numbers(actual) == pytest.approx(numbers(expected), abs=1e-9 * magnified, nan_ok=True)


def assert_frames_alike(back, label, field, media):
    """Asserts that a label of frames came back in the same frames, with boxes within the tolerance."""
    assert (back.label, [*back.frames]) == (label.label, [*label.frames])
    if "classification" in field.label_type:
        return
    # A side that is off moves the corners of a turned box by as much of the longer side of the frame.
    allowed = 4 * field.keyframe_tolerance * max(media.size) + 1e-6
    for number, doc in back.frames.items():
        found, expected = (corners_of(fo.Detection.from_dict(dict(one)), media) for one in (doc, label.frames[number]))
        for one, others in (*((corner, expected) for corner in found), *((corner, found) for corner in expected)):
            assert min(math.dist(one, other) for other in others) <= allowed


def is_described_otherwise(detection, media):
    """Whether a turned box is sent from another corner than its own, as that lies too far outside of the image."""
    rotation = detection.get_attribute_value("rotation", None) or 0.0
    return to_fitting_box(detection.bounding_box, rotation, media)[0] != 0


def corners_of(detection, media):
    """The corners of a turned box, in pixels."""
    x, y, width, height = detection.bounding_box
    rotation = detection.get_attribute_value("rotation", None) or 0.0
    cos, sin = math.cos(rotation), math.sin(rotation)
    centre = ((x + width / 2) * media.width, (y + height / 2) * media.height)
    halves = [(a * width * media.width / 2, b * height * media.height / 2) for a in (-1, 1) for b in (-1, 1)]
    return [(centre[0] + dx * cos - dy * sin, centre[1] + dx * sin + dy * cos) for dx, dy in halves]


def numbers(value):
    """All numbers in lists of lists, with the lengths of the lists."""
    if isinstance(value, (list, tuple)):
        return [len(value), *(number for item in value for number in numbers(item))]
    return [value]


def test_one_family_serves_each_label_type():
    served = [(scope, name) for family in FAMILIES for scope in family.scopes for name in family.label_types]
    assert len(served) == len(set(served))


@label_types
@given(data=st.data())
@few
def test_labels_come_back_from_their_regions(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type, with_attributes=False))
    family = strategies.family_for(label_type)
    assert [family.check(label, field) for label in labels] == [None] * len(labels)
    regions = json.loads(json.dumps(family.to_regions(labels, field, media), allow_nan=False))
    back = parse(field, regions, media)
    shown = [label for label in labels if regions or label_type != "segmentation"]
    assert back.keys() == {family.key_of(label, field) for label in shown}
    for label in shown:
        assert_alike(back[family.key_of(label, field)], label, field, media)


@label_types
@given(data=st.data())
@few
def test_labels_made_of_regions_make_the_same_regions_again(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type, with_attributes=False))
    family = strategies.family_for(label_type)
    if label_type == "scalar":
        return
    regions = family.to_regions(labels, field, media)
    back = parse(field, regions, media)
    again = family.to_regions(list(back.values()), field, media)
    assert [region["value"] for region in again] == [region["value"] for region in regions]


@label_types
@given(data=st.data())
@few
def test_new_labels_are_stored_as_fiftyone_stores_them(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type, with_attributes=False))
    family = strategies.family_for(label_type)
    if label_type == "scalar":
        return
    asked = (
        Attribute("note", Question("text", "str"), "note"),
        Attribute("on", Question("date", "date"), "on"),
        Attribute("many", Question("text", "list"), "many"),
    )
    field = replace(
        field, attributes=data.draw(st.sampled_from([(), asked[:1], asked] if family.has_attributes else [()]))
    )
    groups = group_regions(family.to_regions(labels, field, media), family.grouping(field)).values()
    for parsed in (parsed for group in groups for parsed in family.parse_regions(group, field, media)):
        answers = dict(zip(map(aspect_name, asked), ("x", "2026-01-02", ["a", "b"])))
        values = {**parsed.values, **{name: answers[name] for name in map(aspect_name, field.attributes)}}
        edit = LabelAnswer("0123456789abcdef01234567", parsed._replace(values=values), tuple(values), {})
        stored, made = to_doc(edit, field), to_label(edit, field).to_dict()
        assert comparable(stored) == comparable(made) and list(stored) == list(made)


@label_types
@given(data=st.data())
@few
def test_what_the_editor_returns_untouched_is_kept_and_changes_nothing(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type))
    trip = Trip(field, *(label.value if label_type == "scalar" else label for label in labels), media=media)
    for result in (trip.sent, through_the_editor(trip.sent, media)):
        answer, problems = trip.answer(result)
        assert problems == []
        assert not (answer.edited or answer.deleted or answer.added or answer.deletions_unsafe)
        assert sorted(answer.kept) == sorted(label.id for label in labels)
        if label_type != "scalar":
            assert label_changes(trip.docs, answer, field, {}, ()).is_empty


@label_types
@given(data=st.data())
@few
def test_every_region_obeys_what_the_editor_asks_of_predictions(label_type, data):
    case = data.draw(strategies.cases(label_type))
    field = case.field
    record = record_of("5" * 24, field, case.value, case.media)
    assert list(problems_of(record, [field])) == []
    predictions = to_task(record, [field], "u", "run")["predictions"]
    result = predictions[0]["result"] if predictions else []
    json.dumps(result, allow_nan=False)
    controls = {field.control, *(attribute.control for attribute in field.attributes)}
    drawn = set()
    for item in result:
        assert isinstance(item["id"], str) and "#" not in item["id"]
        assert item["from_name"] in controls or item["from_name"].startswith(
            tuple(f"{attribute.control}%." for attribute in field.attributes)
        )
        assert item["to_name"] == field.to_name
        assert 0 <= item.get("score", 0) <= 1
        for key, value in item["value"].items():
            assert isinstance(value, JSON_TYPES[key]), f"{key} is {value!r}"
            assert JSON_TYPES[key] in (bool, list, str) or not isinstance(value, bool)
        for key in ("choices", "text", *(key for key in item["value"] if key.endswith("labels"))):
            assert all(isinstance(text, str) for text in item["value"].get(key, ()))
        if item["from_name"] == field.control:
            assert item["type"] in family_of(field).region_types_of(field)
            drawn.add(item["id"])
        if strategies.family_for(label_type).is_drawn:
            assert item["id"] in drawn, "its geometry comes before its attributes"
            if item["from_name"] == field.control:
                assert field.medium.marks(case.media).items() <= item.items()
                names = item["value"].get("labels" if item["type"] == "videorectangle" else item["type"])
                assert (len(names) == 1 or (field.takes_none and names == [])) if field.classes else names is None
        assert_geometry_is_valid(item)
    ids = [item["id"] for item in result if item["from_name"] == field.control]
    assert len(ids) == len(set(ids))
    assert all(item.get("parentID", item["id"]) in ids for item in result if item["from_name"] == field.control)


def assert_geometry_is_valid(item):
    value = item["value"]
    shape = shape_of(item["type"])
    if shape == "polygon":
        assert value["closed"] is True
    if shape == "rectangle" and value["rotation"] == 0:
        assert all(0 <= value[key] <= 100 for key in ("x", "y", "width", "height"))
    if shape == "keypoint":
        assert value["width"] > 0
    if shape == "brush":
        assert value["format"] == "rle" and all(type(byte) is int and 0 <= byte < 256 for byte in value["rle"])
    if shape == "videorectangle":
        for keyframe in value["sequence"]:
            assert [type(keyframe[key]) for key in ("frame", "enabled")] == [int, bool]
            assert all(type(keyframe[key]) is float for key in ("x", "y", "width", "height", "rotation", "time"))
        assert value["sequence"][-1]["enabled"] is False, "the editor goes on to the end of the video"
    if shape == "vector":
        vertices = value["vertices"]
        assert all(isinstance(vertex["prevPointId"], str) for vertex in vertices[1:])
        ids = [vertex["id"] for vertex in vertices]
        assert all(isinstance(vertex_id, str) for vertex_id in ids) and len(ids) == len(set(ids))
        assert all(vertex["isBezier"] is False for vertex in vertices)
        if value["closed"]:
            assert len(vertices) > 2


@variants
@given(value=st.data())
@few
def test_no_value_makes_a_label_outside_the_classes_or_raises_anything_but_a_region_error(field, value):
    family, media = family_of(field), MediaInfo(10, 10)
    keys = st.sampled_from([*JSON_TYPES, "vertices", "rle"])
    region: Region = {
        "id": "r",
        "type": value.draw(st.sampled_from(family.region_types_of(field))),
        "value": value.draw(st.dictionaries(keys, junk | vertices | classes(field) | st.just([[1, 2], [3, 4]]))),
    }
    if value.draw(st.booleans()):
        region["value"][region["type"]] = value.draw(classes(field))
    try:
        parsed = family.parse_regions([region], field, media)
        labels = [family.to_label(label, field) for label in parsed]
    except RegionError:
        return
    if field.label_type == "scalar":
        assert all(field.question.problem_of(label) is None for label in labels)
    elif field.label_type != "segmentation":
        assert all(
            label.label in field.classes or (label.label is None and field.takes_class(None)) for label in labels
        )


numbers_or_junk = (
    st.floats(-100, 200) | st.integers(-100, 200) | st.sampled_from([1e308, 10**400, math.nan, "1"]) | junk
)
vertices = st.lists(
    st.fixed_dictionaries(
        {"x": numbers_or_junk, "y": numbers_or_junk},
        optional={
            "id": st.sampled_from(["0", "1", "a", "b", "10", "٣", "9" * 5000]) | junk,
            "prevPointId": st.sampled_from(["0", "1", "a", "b"]) | junk,
            "isBezier": st.booleans() | junk,
            "controlPoint1": st.fixed_dictionaries({"x": numbers_or_junk, "y": numbers_or_junk}) | junk,
        },
    )
    | junk,
    max_size=4,
)


def classes(field):
    return st.lists(st.sampled_from([*field.classes, "zebra"]), max_size=2)


@variants
@pytest.mark.parametrize(
    "number", [10**400, -(10**400), 1e308, math.nan, math.inf, "9" * 5000, True, None], ids=lambda n: str(n)[:6]
)
def test_no_number_is_too_large_to_be_refused(field, number):
    family = family_of(field)
    value = {key: number for key in ("x", "y", "width", "height", "rotation", "number", "rating", "datetime")}
    keyframe = {"frame": number, "x": number, "y": number, "width": number, "height": number, "rotation": number}
    value.update(sequence=[keyframe, {**keyframe, "frame": 1}], labels=[*field.classes[:1]])
    value.update(ranges=[{"start": number, "end": number}])
    value.update(points=[[number, number]], vertices=[{"x": number, "y": number, "id": "0"}], rle=[number])
    value.update(text=[str(number) if isinstance(number, str) else number])
    for region_type in family.region_types_of(field):
        region = {"id": "r", "type": region_type, "value": {region_type: [*field.classes[:1]], **value}}
        if region_type in ("choices", "number", "datetime"):
            region["value"][region_type] = number
        try:
            family.parse_regions([region], field, MediaInfo(10, 10))
        except RegionError:
            continue


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "a.2", "a.3", "a.0", "a.x", "c", "c.2", "", ".", "a." + "9" * 5000]),
            st.sampled_from([None, "a", "b", "c", "c.2", "a.2", "other", "", 5, ["a"]]),
        )
    ),
    st.sampled_from(Grouping),
)
def test_every_region_is_read_exactly_once_whatever_its_parents(ids, grouping):
    regions = [
        {"id": region_id, "parentID": parent, "number": number} for number, (region_id, parent) in enumerate(ids)
    ]
    groups = group_regions(regions, grouping)
    assert sorted(region["number"] for group in groups.values() for region in group) == list(range(len(ids)))
    if grouping is Grouping.PARTS:
        homes = {}
        for key, group in groups.items():
            for region in group:
                assert homes.setdefault(whole_id(region["id"]), key) == key, "the parts of a label stay together"
