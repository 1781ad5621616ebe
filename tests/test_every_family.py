"""Every kind of label, in every situation of a round trip, against a real server."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import fiftyone as fo
import numpy as np
import pytest
from packaging.version import Version

from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.shapes.brush import Mask
from fo_labelstudio.errors import LabelSchemaError
from tests.convert.strategies import IMAGE_TYPES
from tests.support import Result, comparable, stored

pytestmark = [pytest.mark.server, pytest.mark.sampled]

SIZE = (64, 48)
MEDIA = MediaInfo(*SIZE)
CLASSES = ["cat", "dog", 'a<b & "c"', "日本"]
ATTRIBUTES = {
    "note": {"type": "text"},
    "colour": {"type": "select", "values": ["red", "green"]},
    "occluded": {"type": "checkbox"},
    "parts": {"type": "checkbox", "values": ["head", "tail"]},
    "speed": {"type": "number"},
    "stars": {"type": "rating"},
    "born": {"type": "date"},
    "index": {"type": "number"},
    "source": {"type": "text", "read_only": True},
}
ATTRIBUTE_VALUES = {
    "note": "it's <b>",
    "colour": "red",
    "occluded": False,
    "parts": ["tail"],
    "speed": 1 / 3,
    "stars": 2,
    "born": date(2020, 2, 29),
    "source": "model",
    "untouched": {"deep": [1, 2]},
    "tags": ["mine"],
}
SKELETON = fo.KeypointSkeleton(labels=["nose", "neck", "hip", "knee"], edges=[[0, 1, 2, 3]])
NAN = [math.nan, math.nan]


class Kind(NamedTuple):
    """One kind of label, and what a person does to it.

    Attributes:
        label: makes a label, the n-th of its sample
        region: the value of a region that a person draws
        move: changes the geometry of a value
        moved: the attributes of the label that then differ from what was stored
        region_type: the type of its regions
    """

    label: Callable[..., Any]
    region: Callable[[], dict[str, Any]]
    move: Callable[[dict[str, Any]], None]
    moved: Callable[[dict[str, Any]], dict[str, Any]]
    region_type: str


def blob(left=10, top=8, width=12, height=9):
    pixels = np.add.outer(np.arange(height), np.arange(width)) % 3 > 0
    pixels[0, 0] = pixels[-1, -1] = True
    return Mask(left, top, pixels)


def a_box(number=0, **values):
    return fo.Detection(**{"bounding_box": [1 / 3, 0.1 + number / 10, 0.3, 0.1 + 0.2], "confidence": 0.7, **values})


def an_instance(number=0, **values):
    left, top, pixels = blob(top=8 + 10 * number)
    height, width = pixels.shape
    box = [left / 64, top / 48, width / 64, height / 48]
    return fo.Detection(**{"bounding_box": box, "mask": pixels, "confidence": 0.7, **values})


def a_polyline(number=0, **values):
    shapes = [[[0.1, 0.1 + number / 10], [1 / 3, 0.2], [0.3, 0.4]], [[0.5, 0.5], [0.7, 2 / 3], [0.6, 0.9], [0.5, 0.8]]]
    return fo.Polyline(**{"points": shapes, "confidence": 0.7, **values})


def a_polygon(number=0, **values):
    return a_polyline(number, **{"closed": True, "filled": True, **values})


def a_keypoint(number=0, **values):
    points = [[0.1, 0.1 + number / 10], NAN, [1 / 3, 0.4], [0.6, 0.7]]
    return fo.Keypoint(**{"points": points, "confidence": [0.1, 0.2, 0.3, 0.4], **values})


def add_to_first(*path):
    def move(value):
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] += 5

    return move


def shift_box(doc):
    x, *rest = doc["bounding_box"]
    return {"bounding_box": [x + 0.05, *rest]}


def shift_first_vertex(doc):
    points = copy.deepcopy(doc["points"])
    points[0][0][0] += 0.05
    return {"points": points}


def shift_first_point(doc):
    points = copy.deepcopy(doc["points"])
    points[0][0] += 0.05
    return {"points": points}


def cover_corner(value):
    mask = masks.decode(masks.parse_value(value), MEDIA)
    painted = masks.union([mask, Mask(0, 0, np.ones((2, 2), bool))])
    tool = masks.BITMASK if "imageDataURL" in value else masks.BRUSH
    value.update(masks.to_value(painted, tool, MEDIA))


def covered_corner(doc):
    label = fo.Detection.from_dict(doc)
    left, top = round(label.bounding_box[0] * 64), round(label.bounding_box[1] * 48)
    painted = masks.union([Mask(left, top, label.mask), Mask(0, 0, np.ones((2, 2), bool))])
    height, width = painted.pixels.shape
    moved = fo.Detection(bounding_box=[0, 0, width / 64, height / 48], mask=painted.pixels).to_dict()
    return {"bounding_box": moved["bounding_box"], "mask": moved["mask"]}


def drawn_mask(tool):
    return lambda: masks.to_value(blob(30, 20), tool, MEDIA)


def drawn_points(key, **values):
    points = [[10.0, 10.0], [20.0, 10.0], [20.0, 30.0]]
    if key == "vertices":
        points = [{"id": f"new{n}", "x": x, "y": y, "isBezier": False} for n, (x, y) in enumerate(points)]
        for before, after in pairwise(points):
            after["prevPointId"] = before["id"]
    return lambda: {key: copy.deepcopy(points), **values}


BOX = Kind(
    a_box,
    lambda: {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0.0},
    add_to_first("x"),
    shift_box,
    "rectanglelabels",
)
BRUSH = Kind(an_instance, drawn_mask(masks.BRUSH), cover_corner, covered_corner, "brushlabels")
POLYGON = Kind(
    a_polygon,
    drawn_points("points", closed=True),
    add_to_first("points", 0, 0),
    shift_first_vertex,
    "polygonlabels",
)
POLYLINE = Kind(
    a_polyline,
    drawn_points("vertices", closed=False),
    add_to_first("vertices", 0, "x"),
    shift_first_vertex,
    "vectorlabels",
)
SKELETAL = Kind(
    a_keypoint,
    drawn_points("vertices", closed=False),
    add_to_first("vertices", 0, "x"),
    shift_first_point,
    "vectorlabels",
)
KINDS = {
    "detection": BOX,
    "detections": BOX,
    "instance": BRUSH,
    "instances": BRUSH,
    "polygon": POLYGON,
    "polygons": POLYGON,
    "polyline": POLYLINE,
    "polylines": POLYLINE,
    "keypoint": SKELETAL,
    "keypoints": SKELETAL,
}
OUTLINE = POLYGON._replace(label=a_polyline)
POINTS = Kind(
    a_keypoint,
    lambda: {"x": 10.0, "y": 20.0, "width": 0.6},
    add_to_first("x"),
    shift_first_point,
    "keypointlabels",
)
WITHOUT_VECTORS = {"polyline": OUTLINE, "polylines": OUTLINE, "keypoint": POINTS, "keypoints": POINTS}
"""What people do to them on servers that have no ``<VectorLabels>``."""
DRAWN = pytest.mark.parametrize("label_type", KINDS)
LISTS = [label_type for label_type in KINDS if label_type.endswith("s")]


def test_every_label_type_of_images_is_tried_here():
    assert {*KINDS, "classification", "classifications", "segmentation", "scalar"} == set(IMAGE_TYPES)


def value_of(label_type, *labels):
    cls = LABEL_TYPES[label_type]
    return cls(**{cls._LABEL_LIST_FIELD: list(labels)}) if label_type.endswith("s") else labels[0]


def labels_in(doc, label_type):
    value = doc["labels"]
    return value[LABEL_TYPES[label_type]._LABEL_LIST_FIELD] if label_type.endswith("s") else [value]


def a_value(label_type):
    first = KINDS[label_type].label(label="cat", index=4, **ATTRIBUTE_VALUES)
    others = [KINDS[label_type].label(1, label=CLASSES[2]), KINDS[label_type].label(2, label="日本", note="")]
    return value_of(label_type, first, *others)


def annotate(dataset, connection, schema, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def run_of(dataset, connection, label_type, **options):
    schema = {"labels": {"type": label_type, "classes": CLASSES, "attributes": ATTRIBUTES, **options.pop("field", {})}}
    return annotate(dataset, connection, schema, **options)


def first_region(result: Result) -> dict[str, Any]:
    """The first region that a person sees, without its attributes."""
    return next(region for region in result if region["from_name"] == "labels")


@pytest.fixture
def release(annotator):
    """The version of the server."""
    return Version(annotator.call("GET", "/api/version")["release"])


@pytest.fixture
def kind(label_type, release):
    """What a person does to labels of a type on this server."""
    return KINDS[label_type] if release >= Version("1.22") else {**KINDS, **WITHOUT_VECTORS}[label_type]


def send_masks(dataset, connection, schema, tool, release):
    """The run; None where the server has no such masks, which is said before anything is made."""
    if tool != "bitmask" or release >= Version("1.21"):
        return annotate(dataset, connection, schema, mask_tool=tool)
    with pytest.raises(LabelSchemaError, match=r"has no bitmasks; use mask_tool='brush', or upgrade the server"):
        annotate(dataset, connection, schema, mask_tool=tool)
    assert dataset.list_annotation_runs() == []
    return None


@pytest.fixture
def make_labelled(make_dataset):
    """Makes a dataset whose samples all hold the same kind of value."""

    def make(label_type, count):
        dataset = make_dataset(*({"labels": a_value(label_type)} for _ in range(count)), size=SIZE)
        if label_type.startswith("keypoint"):
            dataset.skeletons["labels"] = SKELETON
            dataset.save()
        return dataset

    return make


def without_time(docs):
    return {id: {key: value for key, value in doc.items() if key != "last_modified_at"} for id, doc in docs.items()}


@DRAWN
def test_each_edit_changes_what_was_edited_and_nothing_else(make_labelled, connection, annotator, label_type, kind):
    dataset = make_labelled(label_type, 8)
    before = stored(dataset)
    stored_labels = {str(doc["_id"]): labels_in(doc, label_type)[0] for doc in dataset._sample_collection.find()}
    results = run_of(dataset, connection, label_type)
    dataset.load_annotations("run")
    assert stored(dataset) == before, "nobody has answered"

    accepted, moved, relabelled, asked, cleared_one, deleted, cleared, unanswered = dataset.values("id")

    def relabel(result):
        label_id = first_region(result)["id"]
        for region in result:
            if region["id"].split(".")[0] == label_id and region["from_name"] == "labels":
                region["value"][region["type"]] = ["dog"]
        return result

    def move(result):
        kind.move(first_region(result)["value"])
        return result

    def answer(result):
        values = {
            "note": {"text": ["changed"]},
            "colour": {"choices": ["green"]},
            "occluded": {"choices": ["true"]},
            "parts": {"choices": ["tail", "head"]},
            "speed": {"number": 7},
            "stars": {"rating": 5},
            "born": {"datetime": "2021-03-01"},
            "index": {"number": 9},
            "source": {"text": ["not allowed"]},
        }
        label_id = first_region(result)["id"]
        for region in result:
            name = region["from_name"].partition("%.")[2]
            if region["id"].split(".")[0] == label_id and name:
                region["value"].update(values[name])
        return result

    def clear_answers(result):
        return [region for region in result if region["from_name"] == "labels"]

    def delete(result):
        label_id = first_region(result)["id"]
        return [region for region in result if region["id"].split(".")[0] != label_id]

    annotator.submit(results.tasks[accepted])
    annotator.submit(results.tasks[moved], move)
    annotator.submit(results.tasks[relabelled], relabel)
    annotator.submit(results.tasks[asked], answer)
    annotator.submit(results.tasks[cleared_one], clear_answers)
    annotator.submit(results.tasks[deleted], delete)
    annotator.submit(results.tasks[cleared], lambda result: [])
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {id for id in before if after[id] == before[id]} == {accepted, unanswered}

    def change(id, **values):
        labels_in(before[id], label_type)[0].update(values)

    doc = stored_labels[moved]
    for name, value in kind.moved(doc).items():
        value = comparable(value)
        actual = labels_in(after[moved], label_type)[0][name]
        assert flat(actual) == [x if isinstance(x, (str, bytes)) else pytest.approx(x, abs=1e-9) for x in flat(value)]
        change(moved, **{name: actual})
    change(relabelled, label="dog")
    born = labels_in(after[asked], label_type)[0]["born"]
    assert (born.year, born.month, born.day) == (2021, 3, 1)
    change(asked, note="changed", colour="green", occluded=True, parts=["tail", "head"], speed=7.0, stars=5, index=9)
    change(asked, born=born)
    asked_for = {name: None for name in ATTRIBUTES if name != "source"}
    change(cleared_one, **asked_for)
    if label_type.endswith("s"):
        labels_in(before[deleted], label_type).pop(0)
        labels_in(before[cleared], label_type).clear()
    else:
        before[deleted]["labels"] = before[cleared]["labels"] = None
    assert without_time(after) == without_time(before)
    dataset.load_annotations("run")
    assert stored(dataset) == after


def flat(value):
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, list) else [value]


@DRAWN
def test_what_is_drawn_in_a_new_field_arrives_once(make_dataset, connection, annotator, label_type, kind):
    dataset = make_dataset({}, {}, {}, size=SIZE)
    dataset.skeletons["labels"] = SKELETON
    dataset.save()
    results = run_of(dataset, connection, label_type)
    made, empty, unanswered = dataset.values("id")
    common = {"id": "W3l_-x0aBc", "to_name": "image", "original_width": 64, "original_height": 48}
    region = {**common, "from_name": "labels", "type": kind.region_type}
    region["value"] = {**kind.region(), kind.region_type: ["dog"]}
    note = {**common, "from_name": "labels%.note", "type": "textarea", "value": {"text": ["drawn"]}}
    annotator.submit(results.tasks[made], lambda result: [region, note])
    annotator.submit(results.tasks[empty])
    dataset.load_annotations("run")
    once = stored(dataset)
    is_list = label_type.endswith("s")
    (label,) = labels_in(once[made], label_type)
    assert (label["label"], label["note"]) == ("dog", "drawn")
    assert once[empty].get("labels") == (
        {"_cls": LABEL_TYPES[label_type].__name__, LABEL_TYPES[label_type]._LABEL_LIST_FIELD: []} if is_list else None
    )
    assert once[unanswered].get("labels") is None
    dataset.load_annotations("run")
    assert stored(dataset) == once


WEATHER = {"note": {"type": "text"}, "sure": {"type": "checkbox"}}


def weather(label, **values):
    return fo.Classification(**{"label": label, "confidence": 0.5, "tags": ["mine"], "source": "model", **values})


def test_attributes_of_one_choice_are_asked_below_it(make_dataset, connection, annotator):
    dataset = make_dataset(*({"labels": weather("cat", note="why", sure=False)} for _ in range(3)))
    before = stored(dataset)
    schema = {"labels": {"type": "classification", "classes": CLASSES, "attributes": WEATHER}}
    results = annotate(dataset, connection, schema)
    accepted, edited, cleared = dataset.values("id")

    def edit(result):
        return [
            {**region, "value": {"choices": ["true"]}} if "sure" in region["from_name"] else region for region in result
        ]

    annotator.submit(results.tasks[accepted])
    annotator.submit(results.tasks[edited], edit)
    annotator.submit(results.tasks[cleared], lambda result: [r for r in result if r["from_name"] == "labels"])
    dataset.load_annotations("run")
    after = stored(dataset)
    assert after[accepted] == before[accepted]
    assert after[edited]["labels"] == {**before[edited]["labels"], "sure": True}
    assert after[cleared]["labels"] == {**before[cleared]["labels"], "sure": None, "note": None}
    dataset.load_annotations("run")
    assert stored(dataset) == after


def test_each_of_several_choices_has_attributes_of_its_own(make_dataset, connection, annotator):
    labels = fo.Classifications(classifications=[weather("cat", note="a"), weather("dog", note="b")])
    dataset = make_dataset({"labels": labels})
    (before,) = stored(dataset).values()
    classes = [
        "cat",
        {"classes": ["dog", "日本"], "attributes": {"breed": {"type": "select", "values": ["pug", "lab"]}}},
    ]
    schema = {"labels": {"type": "classifications", "classes": classes, "attributes": {"note": {"type": "text"}}}}
    results = annotate(dataset, connection, schema)
    (task_id,) = results.tasks.values()

    def edit(result):
        for region in result:
            if region["value"].get("text") == ["b"]:
                region["value"]["text"] = ["c"]
        breed = {"id": "x", "from_name": "labels%.breed%.dog", "to_name": "image", "type": "choices"}
        return [*result, {**breed, "value": {"choices": ["pug"]}}]

    annotator.submit(task_id, edit)
    dataset.load_annotations("run")
    (after,) = stored(dataset).values()
    cat, dog = before["labels"]["classifications"]
    assert after["labels"]["classifications"] == [cat, {**dog, "note": "c", "breed": "pug"}]


def checkered(height, width):
    rows, columns = np.indices((height, width))
    return ((rows // 5 + columns // 7) % 3).astype(np.uint8)


TARGETS = {0: "background", 1: "road", 2: "sky"}
COLOURS = {"#000000": "background", "#ff0000": "road", "#00ff00": "sky"}


def coloured(mask):
    return np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)[mask]


@pytest.mark.parametrize("tool", ["brush", "bitmask"])
@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize(("targets", "paint"), [(TARGETS, lambda mask: mask), (COLOURS, coloured)])
def test_segmentation_changes_pixel_by_pixel(
    make_dataset, connection, annotator, release, tmp_path, tool, is_file, targets, paint
):
    masks_before = [paint(checkered(48, 64)) for _ in range(5)]
    values = []
    for number, mask in enumerate(masks_before):
        label = fo.Segmentation(mask=mask, tags=["mine"])
        if is_file:
            label.export_mask(str(tmp_path / f"{number}.png"), update=True)
        values.append({"labels": label})
    dataset = make_dataset(*values, {"labels": None}, size=SIZE)
    files = {path: path.read_bytes() for path in tmp_path.glob("?.png")}
    before = stored(dataset)
    schema = {"labels": {"type": "segmentation", "mask_targets": targets}}
    results = send_masks(dataset, connection, schema, tool, release)
    if results is None:
        return
    accepted, painted, gone, cleared, unanswered, new = dataset.values("id")
    control = {"brush": masks.BRUSH, "bitmask": masks.BITMASK}[tool]
    kind = masks.TYPES[control]

    def paint_sky(result):
        (sky,) = [region for region in result if region["value"][kind] == ["sky"]]
        mask = masks.decode(masks.parse_value(sky["value"]), MEDIA)
        square = Mask(0, 0, np.ones((10, 10), bool))
        sky["value"].update(masks.to_value(masks.union([mask, square]), control, MEDIA))
        return result

    drawn = {"id": "new", "from_name": "labels", "to_name": "image", "type": kind}
    drawn["value"] = {**masks.to_value(blob(), control, MEDIA), kind: ["road"]}
    annotator.submit(results.tasks[accepted])
    annotator.submit(results.tasks[painted], paint_sky)
    annotator.submit(results.tasks[gone], lambda result: [r for r in result if r["value"][kind] != ["road"]])
    annotator.submit(results.tasks[cleared], lambda result: [])
    annotator.submit(results.tasks[new], lambda result: [drawn])
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {id for id in before if after[id] == before[id]} == {accepted, unanswered}
    labels = {sample.id: sample.labels for sample in fo.load_dataset(dataset.name)}
    expected = checkered(48, 64)
    expected[:10, :10] = 2
    np.testing.assert_array_equal(labels[painted].mask, paint(expected))
    expected = checkered(48, 64)
    expected[expected == 1] = 0
    np.testing.assert_array_equal(labels[gone].mask, paint(expected))
    assert labels[painted].id == str(before[painted]["labels"]["_id"])
    assert labels[painted].tags == ["mine"] and labels[painted].mask_path is None
    assert labels[cleared] is None
    left, top, pixels = blob()
    expected = np.zeros((48, 64), np.uint8)
    expected[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    np.testing.assert_array_equal(labels[new].mask, paint(expected))
    assert {path: path.read_bytes() for path in files} == files
    dataset.load_annotations("run")
    assert stored(dataset) == after


@pytest.mark.parametrize("label_type", ["instance", "instances"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_instances_in_files_are_sent_and_a_file_is_overwritten_only_when_asked(
    make_dataset, connection, annotator, tmp_path, label_type, overwrite
):
    values = []
    for number in range(3):
        label = an_instance(label="cat", tags=["mine"])
        label.export_mask(str(tmp_path / f"{number}.png"), update=True)
        values.append({"labels": value_of(label_type, label)})
    dataset = make_dataset(*values, size=SIZE)
    before = stored(dataset)
    files = {path.stem: path.read_bytes() for path in tmp_path.glob("?.png")}
    schema = {"labels": {"type": label_type, "classes": CLASSES}}
    results = annotate(dataset, connection, schema, overwrite_masks=overwrite, attributes=False)
    accepted, painted, _ = dataset.values("id")

    def cover(result):
        cover_corner(result[0]["value"])
        return result

    annotator.submit(results.tasks[accepted])
    annotator.submit(results.tasks[painted], cover)
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {id for id in before if after[id] != before[id]} == {painted}
    (doc,) = labels_in(after[painted], label_type)
    (old,) = labels_in(before[painted], label_type)
    label = fo.Detection.from_dict({**doc, "_id": old["_id"]})
    left, top, pixels = blob()
    expected = masks.union([Mask(left, top, pixels), Mask(0, 0, np.ones((2, 2), bool))]).pixels
    np.testing.assert_array_equal(label.get_mask() > 0, expected)
    assert label.bounding_box == pytest.approx([0, 0, expected.shape[1] / 64, expected.shape[0] / 48])
    assert (label.mask_path == old["mask_path"]) is overwrite
    now = {path.stem: path.read_bytes() for path in tmp_path.glob("?.png")}
    assert {name for name in files if now[name] != files[name]} == ({"1"} if overwrite else set())
    dataset.load_annotations("run")
    assert stored(dataset) == after
    assert {path.stem: path.read_bytes() for path in tmp_path.glob("?.png")} == now


SCALARS = {
    "int": (3, {"number": 4}, 4),
    "float": (1 / 3, {"number": 2}, 2.0),
    "str": ("it's <b>", {"text": ["other"]}, "other"),
    "bool": (False, {"choices": ["true"]}, True),
    "date": (date(2020, 2, 29), {"datetime": "2021-03-01"}, date(2021, 3, 1)),
    "datetime": (datetime(2020, 2, 29, 1, 2, 3), {"datetime": "2021-03-01T04:05"}, datetime(2021, 3, 1, 4, 5)),
    "list": (["b", "a"], {"choices": ["c", "b"]}, ["b", "c"]),
}
RESULT_TYPES = {"number": "number", "text": "textarea", "choices": "choices", "datetime": "datetime"}
SCALAR_CLASSES = {"list": ["a", "b", "c"]}


def scalar_region(kind):
    value = SCALARS[kind][1]
    return {"id": "new", "from_name": kind, "to_name": "image", "type": RESULT_TYPES[next(iter(value))], "value": value}


def scalar_schema():
    return {kind: {"type": "scalar", "classes": SCALAR_CLASSES.get(kind, [])} for kind in SCALARS}


@pytest.mark.parametrize("is_grouped", [False, True])
def test_scalars_of_every_kind_arrive_in_their_own_type(make_dataset, connection, annotator, is_grouped):
    values = {kind: value for kind, (value, _, _) in SCALARS.items()}
    dataset = make_dataset(*(dict(values) for _ in range(5)), {})
    if is_grouped:
        paths = dataset.values("filepath")
        grouped = make_dataset()
        grouped.add_group_field("group", default="left")
        grouped.add_samples(
            [fo.Sample(paths[n], group=fo.Group().element("left")) for n in range(1)]
            + [
                fo.Sample(path, group=fo.Group().element("right"), **(values if n < 5 else {}))
                for n, path in enumerate(paths)
            ]
        )
        dataset, samples = grouped, grouped.select_group_slices("right")
    else:
        samples = dataset
    before = stored(dataset)
    results = annotate(samples, connection, scalar_schema())
    dataset.load_annotations("run")
    assert stored(dataset) == before
    accepted, edited, cleared, unanswered, other, new = samples.values("id")
    annotator.submit(results.tasks[accepted])
    annotator.submit(
        results.tasks[edited], lambda result: [{**scalar_region(r["from_name"]), "id": r["id"]} for r in result]
    )
    annotator.submit(results.tasks[cleared], lambda result: [])
    annotator.submit(results.tasks[new], lambda result: [scalar_region(kind) for kind in SCALARS])
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {id for id in before if after[id] == before[id]} >= {accepted, unanswered, other}
    dataset.reload()
    for kind, (value, _, changed) in SCALARS.items():
        assert dataset[edited][kind] == changed and isinstance(dataset[edited][kind], type(value)), kind
        assert dataset[new][kind] in (changed, ["c", "b"]), kind
        assert dataset[cleared][kind] == ([] if kind == "list" else None), kind
    dataset.load_annotations("run")
    assert stored(dataset) == after


def test_new_scalar_fields_have_the_type_that_was_asked_for(make_dataset, connection, annotator):
    dataset = make_dataset({}, {})
    types = {kind: kind for kind in SCALARS}
    results = annotate(dataset, connection, scalar_schema(), scalar_types=types)
    first, second = dataset.values("id")
    annotator.submit(results.tasks[first], lambda result: [scalar_region(kind) for kind in SCALARS])
    dataset.load_annotations("run")
    dataset.load_annotations("run", dest_field={"int": "copied"})
    dataset.reload()
    for kind, (value, _, changed) in SCALARS.items():
        assert dataset[first][kind] in (changed, ["c", "b"]) and isinstance(dataset[first][kind], type(value)), kind
        assert dataset[second][kind] is None
    assert dataset[first].copied == 4


def test_tags_of_samples_are_choices(make_dataset, connection, annotator):
    dataset = make_dataset({"tags": ["train", "checked"]}, {"tags": ["train"]}, {"tags": []})
    before = stored(dataset)
    results = annotate(dataset, connection, {"tags": {}})
    first, second, _ = dataset.values("id")
    annotator.submit(results.tasks[first])
    annotator.submit(results.tasks[second], lambda result: [{**result[0], "value": {"choices": ["checked", "train"]}}])
    dataset.load_annotations("run")
    assert {id for id, doc in stored(dataset).items() if doc != before[id]} == {second}
    assert dataset.values("tags") == [["train", "checked"], ["train", "checked"], []]


def test_points_without_a_skeleton_are_regions_of_their_own_and_never_merge(make_dataset, connection, annotator):
    labels = [
        fo.Keypoint(label="cat", points=[[0.1, 0.1], [0.2, 0.2], NAN, [0.3, 1 / 3]], confidence=[0.1, 0.2, 0.3, 0.4]),
        fo.Keypoint(label="cat", points=[[0.15, 0.1]]),
    ]
    dataset = make_dataset({"labels": fo.Keypoints(keypoints=labels)})
    results = annotate(dataset, connection, {"labels": {"type": "keypoints", "classes": CLASSES}})
    (task_id,) = results.tasks.values()
    assert [region["type"] for region in annotator.preloaded(task_id)] == ["keypointlabels"] * 4

    def edit(result):
        first, second, third, lone = result
        first["value"]["x"] += 5
        point = {"x": 50, "y": 60, "width": 0.6, "keypointlabels": ["cat"]}
        joined = {**second, "id": "joined", "value": point, "parentID": first["id"]}
        alone = {**second, "id": "alone", "value": point}
        alone.pop("parentID", None)
        return [first, third, lone, joined, alone]

    annotator.submit(task_id, edit)
    dataset.load_annotations("run")
    first, lone, alone = (fo.load_dataset(dataset.name)).first().labels.keypoints
    assert [first.id, lone.id] == [label.id for label in labels]
    assert comparable(first.points) == [[pytest.approx(0.15), 0.1], ["NaN", "NaN"], [0.3, 1 / 3], [0.5, 0.6]]
    assert comparable(first.confidence) == [0.1, 0.3, 0.4, "NaN"]
    assert lone.points == [[0.15, 0.1]] and alone.points == [[0.5, 0.6]]


def test_fields_of_every_kind_share_one_task(make_dataset, connection, annotator):
    values = {label_type: a_value(label_type) for label_type in KINDS}
    values["weather"] = weather("cat")
    values["tags_of_image"] = fo.Classifications(classifications=[weather("cat"), weather("日本")])
    values["mask"] = fo.Segmentation(mask=checkered(20, 30))
    values.update((kind, value) for kind, (value, _, _) in SCALARS.items())
    dataset = make_dataset(values, size=SIZE)
    dataset.default_skeleton = SKELETON
    dataset.save()
    before = stored(dataset)
    schema = {label_type: {"type": label_type, "classes": CLASSES, "attributes": ATTRIBUTES} for label_type in KINDS}
    schema |= {"weather": {"classes": CLASSES}, "tags_of_image": {"classes": CLASSES}}
    schema |= {"mask": {"mask_targets": TARGETS}, **scalar_schema()}
    results = annotate(dataset, connection, schema)
    (task_id,) = results.tasks.values()
    ids = [region["id"] for region in annotator.preloaded(task_id) if "%." not in region["from_name"]]
    assert len(ids) == len(set(ids))
    annotation = annotator.submit(task_id)
    dataset.load_annotations("run")
    assert stored(dataset) == before
    kept = [region for region in annotation["result"] if not region["from_name"].startswith("polylines")]
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": kept})
    dataset.load_annotations("run")
    (after,) = stored(dataset).values()
    (expected,) = before.values()
    assert {name for name in expected if after[name] != expected[name]} == {"polylines", "last_modified_at"}


@DRAWN
def test_an_edit_that_is_taken_back_after_a_load_leaves_the_label_as_it_was(
    make_labelled, connection, annotator, label_type, kind
):
    dataset = make_labelled(label_type, 1)
    before = without_time(stored(dataset))
    results = run_of(dataset, connection, label_type)
    (task_id,) = results.tasks.values()
    preloaded = annotator.preloaded(task_id)

    def edit(result):
        kind.move(first_region(result)["value"])
        for region in result:
            if region["from_name"] == "labels%.note":
                region["value"]["text"] = ["changed"]
        return result

    annotation = annotator.submit(task_id, edit)
    dataset.load_annotations("run")
    once = without_time(stored(dataset))
    assert once != before
    # As in another session, where the results come from the database.
    dataset._annotation_cache.clear()
    path = f"/api/annotations/{annotation['id']}/"
    annotator.call("PATCH", path, json={"result": preloaded})
    dataset.load_annotations("run", **connection)
    assert without_time(stored(dataset)) == before
    annotator.call("PATCH", path, json={"result": annotation["result"]})
    dataset.load_annotations("run")
    assert without_time(stored(dataset)) == once


def test_answers_that_are_taken_back_leave_scalars_as_they_were(make_dataset, connection, annotator):
    dataset = make_dataset({kind: value for kind, (value, _, _) in SCALARS.items()})
    before = without_time(stored(dataset))
    results = annotate(dataset, connection, scalar_schema())
    (task_id,) = results.tasks.values()
    preloaded = annotator.preloaded(task_id)
    annotation = annotator.submit(task_id, lambda result: [scalar_region(region["from_name"]) for region in result])
    dataset.load_annotations("run")
    assert without_time(stored(dataset)) != before
    dataset._annotation_cache.clear()
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": preloaded})
    dataset.load_annotations("run", **connection)
    assert without_time(stored(dataset)) == before


def test_an_edit_of_ones_own_since_a_load_is_not_undone(make_dataset, connection, annotator):
    dataset = make_dataset({"labels": fo.Detections(detections=[a_box(label="cat")])})
    results = annotate(dataset, connection, {"labels": {"type": "detections", "classes": CLASSES}}, attributes=False)
    (task_id,) = results.tasks.values()
    preloaded = annotator.preloaded(task_id)

    def relabel(result):
        result[0]["value"]["rectanglelabels"] = ["dog"]
        return result

    annotation = annotator.submit(task_id, relabel)
    dataset.load_annotations("run")
    dataset.reload()
    sample = dataset.first()
    sample.labels.detections[0].label = "日本"
    sample.save()
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": preloaded})
    dataset.load_annotations("run")
    dataset.reload()
    assert dataset.first().labels.detections[0].label == "日本"


def test_points_keep_their_places_over_several_edits(make_dataset, connection, annotator):
    label = fo.Keypoint(
        label="cat", points=[[0.1, 0.1], NAN, [0.2, 0.2], [0.3, 1 / 3]], confidence=[0.1, 0.2, 0.3, 0.4]
    )
    dataset = make_dataset({"labels": fo.Keypoints(keypoints=[label])})
    results = annotate(dataset, connection, {"labels": {"type": "keypoints", "classes": CLASSES}})
    (task_id,) = results.tasks.values()

    def move(result, number):
        result[number]["value"]["x"] += 5
        return result

    annotation = annotator.submit(task_id, lambda result: move(result, 0))
    dataset.load_annotations("run")
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": move(annotation["result"], 2)})
    dataset.load_annotations("run")
    dataset.reload()
    (back,) = dataset.first().labels.keypoints
    assert comparable(back.points) == [
        [pytest.approx(0.15), 0.1],
        ["NaN", "NaN"],
        [0.2, 0.2],
        [pytest.approx(0.35), 1 / 3],
    ]
    assert back.confidence == [0.1, 0.2, 0.3, 0.4]


def test_a_scalar_in_a_document_that_is_missing_is_written_with_it(make_dataset, connection, annotator):
    dataset = make_dataset({})
    dataset.add_sample_field("a", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    dataset.add_sample_field("a.b", fo.IntField)
    dataset._sample_collection.update_one({}, {"$set": {"a": None}})
    results = annotate(dataset, connection, {"a.b": {"type": "scalar"}})
    (task_id,) = results.tasks.values()
    region = {"id": "r", "from_name": "a.b", "to_name": "image", "type": "number", "value": {"number": 3}}
    annotator.submit(task_id, lambda result: [region])
    dataset.load_annotations("run")
    dataset.reload()
    assert dataset.first().a.b == 3


def test_values_to_choose_from_come_back_in_the_type_of_their_field(make_dataset, connection, annotator):
    box = a_box(label="cat", level=1, area=3)
    dataset = make_dataset({"labels": fo.Detections(detections=[box]), "stars": 1})
    dataset.add_dynamic_sample_fields()
    attributes = {"level": {"type": "select", "values": ["1", "2"]}, "area": {"type": "number"}}
    schema = {"labels": {"type": "detections", "classes": CLASSES, "attributes": attributes}}
    schema["stars"] = {"type": "scalar", "classes": ["1", "2"]}
    results = annotate(dataset, connection, schema)
    (task_id,) = results.tasks.values()
    answers = {"labels%.level": {"choices": ["2"]}, "labels%.area": {"number": 4}, "stars": {"choices": ["2"]}}

    def answer(result):
        return [{**region, "value": answers.get(region["from_name"], region["value"])} for region in result]

    annotator.submit(task_id, answer)
    dataset.load_annotations("run")
    dataset.reload()
    (label,) = dataset.first().labels.detections
    assert (label.level, label.area, dataset.first().stars) == (2, 4, 2)
    assert [type(value) for value in (label.level, label.area, dataset.first().stars)] == [int] * 3


def test_a_box_beyond_the_border_gets_the_size_that_was_seen_when_it_is_moved(make_dataset, connection, annotator):
    box = fo.Detection(label="cat", bounding_box=[-0.1, 0.1, 0.3, 0.2])
    dataset = make_dataset({"labels": fo.Detections(detections=[box])})
    results = annotate(dataset, connection, {"labels": {"type": "detections", "classes": CLASSES}}, attributes=False)
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, lambda result: [{**result[0], "value": {**result[0]["value"], "x": 5}}])
    dataset.load_annotations("run")
    dataset.reload()
    assert dataset.first().labels.detections[0].bounding_box == [0.05, 0.1, pytest.approx(0.2), 0.2]


def test_regions_of_no_known_shape_cost_only_themselves(make_dataset, connection, annotator):
    dataset = make_dataset({"labels": fo.Detections(detections=[a_box(label="cat")])})
    results = annotate(dataset, connection, {"labels": {"type": "detections", "classes": CLASSES}}, attributes=False)
    (task_id,) = results.tasks.values()
    common = {"from_name": "strange", "to_name": "image"}
    hostile = [
        {**common, "id": "a", "type": "rectanglelabels", "value": {"rectanglelabels": [["cat"]]}},
        {**common, "id": "b", "type": "rectanglelabels", "value": {"rectanglelabels": [{}]}},
        {**common, "id": "c", "type": "labels", "value": {"labels": 5}},
    ]

    def relabel(result):
        result[0]["value"]["rectanglelabels"] = ["dog"]
        return [*result, *hostile]

    annotator.submit(task_id, relabel)
    dataset.load_annotations("run")
    dataset.reload()
    assert [label.label for label in dataset.first().labels.detections] == ["dog"]


@pytest.mark.parametrize("tool", ["brush", "bitmask"])
def test_masks_drawn_in_new_fields_arrive_once(make_dataset, connection, annotator, release, tool):
    dataset = make_dataset({}, {}, {}, size=SIZE)
    schema = {
        "ground": {"type": "segmentation", "mask_targets": TARGETS},
        "things": {"type": "instances", "classes": CLASSES},
    }
    results = send_masks(dataset, connection, schema, tool, release)
    if results is None:
        return
    made, empty, unanswered = dataset.values("id")
    control = {"brush": masks.BRUSH, "bitmask": masks.BITMASK}[tool]
    kind = masks.TYPES[control]

    def region(name, label, mask):
        value = {**masks.to_value(mask, control, MEDIA), kind: [label]}
        return {"id": f"new-{name}-{label}", "from_name": name, "to_name": "image", "type": kind, "value": value}

    below, above = Mask(0, 0, np.ones((10, 10), bool)), Mask(5, 5, np.ones((10, 10), bool))
    drawn = [region("ground", "road", below), region("ground", "sky", above), region("things", "dog", blob())]
    annotator.submit(results.tasks[made], lambda result: drawn)
    annotator.submit(results.tasks[empty])
    dataset.load_annotations("run")
    once = stored(dataset)
    dataset.reload()
    expected = np.zeros((48, 64), np.uint8)
    expected[:10, :10], expected[5:15, 5:15] = 1, 2
    np.testing.assert_array_equal(dataset[made].ground.mask, expected)
    (thing,) = dataset[made].things.detections
    assert thing.label == "dog" and thing.mask.tolist() == blob().pixels.tolist()
    assert dataset[empty].ground is None and dataset[empty].things.detections == []
    assert dataset[unanswered].ground is None and dataset[unanswered].things is None
    dataset.load_annotations("run")
    assert stored(dataset) == once
