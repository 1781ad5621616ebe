"""Each kind of label in the real editor, in headless Chromium: seen, taken hold of, changed by a person, and loaded."""

from __future__ import annotations

import math

import fiftyone as fo
import numpy as np
import pytest

from tests.support import stored
from tests.test_editor import editor, screenshot  # noqa: F401
from tests.test_every_family import SKELETON, TARGETS

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.sampled]

SIZE = (640, 480)
CLASSES = ["cat", "dog"]
ATTRIBUTES = {
    "note": {"type": "text"},
    "colour": {"type": "select", "values": ["red", "green"]},
    "occluded": {"type": "checkbox"},
    "speed": {"type": "number"},
}


def disc(left, top, size, **values):
    """An instance whose mask is a disc; left, top and size in pixels."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    box = [left / SIZE[0], top / SIZE[1], size / SIZE[0], size / SIZE[1]]
    mask = rows**2 + columns**2 <= (size / 2) ** 2
    return fo.Detection(**{"label": "cat", "bounding_box": box, "mask": mask, "confidence": 0.5, **values})


def labels_of_every_kind():
    """One or two labels of each kind, none on top of another."""
    attributes = {"note": "as sent", "colour": "red", "occluded": False, "speed": 0.1 + 0.2, "tags": ["mine"]}
    segments = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    segments[300:360, 20:120], segments[400:460, 20:120] = 1, 2
    square = [[0.55, 0.05], [0.70, 0.05], [0.70, 0.25], [0.55, 0.25]]
    hole = [[0.60, 0.10], [0.65, 0.10], [0.65, 0.2], [0.60, 0.2]]
    return {
        "boxes": fo.Detections(
            detections=[fo.Detection(label="cat", bounding_box=[0.05, 0.05, 0.12, 0.2], **attributes)]
        ),
        "masks": fo.Detections(detections=[disc(160, 30, 70, **attributes), disc(260, 30, 70, label="dog")]),
        "polygons": fo.Polylines(polylines=[fo.Polyline(label="cat", points=[square, hole], closed=True, filled=True)]),
        "lines": fo.Polylines(
            polylines=[
                fo.Polyline(label="cat", points=[[[0.75, 0.1], [0.85, 0.2], [0.95, 0.1]]], **attributes),
                fo.Polyline(label="dog", points=[[[0.75, 0.3], [0.85, 0.4], [0.95, 0.3]]], closed=True),
            ]
        ),
        "people": fo.Keypoints(
            keypoints=[
                fo.Keypoint(
                    label="cat",
                    points=[[0.3, 0.4], [0.3, 0.5], [0.3, 0.6], [math.nan, math.nan]],
                    confidence=[0.1, 0.2, 0.3, 0.4],
                    **attributes,
                ),
                fo.Keypoint(label="dog", points=[[0.4, 0.4], [0.4, 0.5], [0.4, 0.6], [0.4, 0.7]]),
            ]
        ),
        "points": fo.Keypoints(
            keypoints=[fo.Keypoint(label="cat", points=[[0.5, 0.6], [0.55, 0.7]], confidence=[0.1, 0.9])]
        ),
        "segments": fo.Segmentation(mask=segments),
        "weather": fo.Classification(label="cat", confidence=0.5),
        "count": 3,
        "title": "as sent",
    }


SCHEMA = {
    "boxes": {"type": "detections", "classes": CLASSES, "attributes": ATTRIBUTES},
    "masks": {"type": "instances", "classes": CLASSES, "attributes": ATTRIBUTES},
    "polygons": {"type": "polygons", "classes": CLASSES, "attributes": ATTRIBUTES},
    "lines": {"type": "polylines", "classes": CLASSES, "attributes": ATTRIBUTES},
    "people": {"type": "keypoints", "classes": CLASSES, "attributes": ATTRIBUTES},
    "points": {"type": "keypoints", "classes": CLASSES},
    "segments": {"type": "segmentation", "mask_targets": TARGETS},
    "weather": {"type": "classification", "classes": CLASSES},
    "count": {"type": "scalar"},
    "title": {"type": "scalar"},
}


@pytest.fixture
def open_task(make_dataset, connection, editor):  # noqa: F811
    """Sends one sample with some of the fields, and opens its task."""

    def send(*names, **options):
        values = labels_of_every_kind()
        dataset = make_dataset({name: values[name] for name in names}, size=SIZE)
        dataset.skeletons["people"] = SKELETON
        dataset.save()
        before = next(iter(stored(dataset).values()))
        schema = {name: {**SCHEMA[name], **options.pop("field", {})} for name in names}
        results = dataset.annotate(
            "run", backend="labelstudio", label_schema=schema, attributes=False, **options, **connection
        )
        (task_id,) = results.tasks.values()
        return dataset, before, editor.open_task(results.project_id, task_id)

    return send


def load(dataset):
    dataset.load_annotations("run")
    (after,) = stored(dataset).values()
    dataset.load_annotations("run")
    (again,) = stored(dataset).values()
    assert again == after
    return {key: value for key, value in after.items() if key != "last_modified_at"}


def without_time(doc):
    return {key: value for key, value in doc.items() if key != "last_modified_at"}


def test_all_kinds_of_labels_share_one_page(open_task, screenshot):  # noqa: F811
    dataset, before, page = open_task(*SCHEMA)
    page.screenshot(screenshot)
    assert page.problems() == []
    page.submit()
    assert load(dataset) == without_time(before)


@pytest.mark.parametrize(
    ("names", "count"),
    [(("boxes", "masks", "polygons"), 5), (("lines", "people", "points"), 6), (("segments",), 2)],
)
def test_everything_that_is_sent_is_seen_and_can_be_selected(open_task, screenshot, names, count):  # noqa: F811
    dataset, before, page = open_task(*names)
    drawn = [region.id for region in page.regions()]
    assert len(drawn) == count
    for region_id in drawn:
        assert page.visible(region_id), region_id
    page.select(drawn[0])
    page.screenshot(screenshot.with_stem(f"{screenshot.stem}-selected"))
    assert page.problems() == []
    page.submit()
    assert load(dataset) == without_time(before)


def test_answers_about_one_region_and_about_the_image_arrive(open_task, screenshot):  # noqa: F811
    dataset, before, page = open_task("boxes", "lines", "count", "title", "weather")
    line = before["lines"]["polylines"][0]
    region_id = str(line["_id"])
    page.set_attribute(region_id, "lines%.note", "changed")
    page.set_attribute(region_id, "lines%.colour", ["green"])
    page.set_attribute(region_id, "lines%.occluded", ["true"])
    page.set_attribute(region_id, "lines%.speed", 7)
    page.screenshot(screenshot)
    page.set_value("count", 4)
    page.set_value("title", "another")
    page.choose("weather", "dog")
    page.submit()
    after = load(dataset)
    line.update(note="changed", colour="green", occluded=True, speed=7.0)
    before["weather"]["label"] = "dog"
    assert after == without_time({**before, "count": 4, "title": "another"})


@pytest.mark.parametrize("mask_tool", ["brush", "bitmask"])
def test_painting_and_erasing_change_one_mask_where_it_was_painted(open_task, screenshot, mask_tool):  # noqa: F811
    dataset, before, page = open_task("masks", mask_tool=mask_tool)
    first, second = before["masks"]["detections"]
    region_id = str(first["_id"])
    page.paint(region_id, (20, 30), (30, 40))
    page.erase(region_id, (30, 8), (32, 12))
    page.screenshot(screenshot)
    page.submit()
    after = load(dataset)
    one, two = after["masks"]["detections"]
    assert two == second
    assert {key: value for key, value in one.items() if key not in ("mask", "bounding_box")} == {
        key: value for key, value in first.items() if key not in ("mask", "bounding_box")
    }
    old, new = (frame(fo.Detection.from_dict(doc)) for doc in (first, one))
    painted, erased = new & ~old, old & ~new
    assert painted[int(0.35 * 480), int(0.25 * 640)] and erased.any() and (new & old).any()
    # Far from where the brush went, not a pixel differs.
    assert not (painted | erased)[:, 330:].any() and not erased[:, :150].any() and not painted[:20].any()
    x, y, width, height = one["bounding_box"]
    assert [x * 640, y * 480, width * 640, height * 480] == pytest.approx(
        [
            new.any(0).argmax(),
            new.any(1).argmax(),
            np.ptp(np.flatnonzero(new.any(0))) + 1,
            np.ptp(np.flatnonzero(new.any(1))) + 1,
        ]
    )


def frame(label):
    """The mask of an instance as an array of the image's size."""
    left, top = round(label.bounding_box[0] * SIZE[0]), round(label.bounding_box[1] * SIZE[1])
    pixels = np.zeros((SIZE[1], SIZE[0]), bool)
    height, width = label.mask.shape
    pixels[top : top + height, left : left + width] = label.mask
    return pixels


def test_painting_a_class_changes_only_its_pixels(open_task, screenshot):  # noqa: F811
    dataset, before, page = open_task("segments")
    road = str(before["segments"]["_id"])
    page.paint(road, (40, 20), (60, 20))
    page.screenshot(screenshot)
    page.submit()
    after = load(dataset)
    old, new = (fo.Segmentation.from_dict(doc["segments"]).mask for doc in (before, after))
    changed = old != new
    assert set(np.unique(new[changed])) == {1} and changed[96, 320]
    assert not changed[200:].any()


def test_a_moved_vertex_of_a_line_leaves_all_others(open_task, screenshot):  # noqa: F811
    dataset, before, page = open_task("lines")
    first = before["lines"]["polylines"][0]
    page.move_vertex(str(first["_id"]), 1, 2, 10)
    page.screenshot(screenshot)
    page.submit()
    after = load(dataset)
    moved = after["lines"]["polylines"][0]["points"][0][1]
    assert moved == pytest.approx([0.87, 0.3], abs=0.01)
    first["points"][0][1] = moved
    assert after == without_time(before)


def test_a_vertex_added_to_one_shape_of_a_polygon_leaves_the_others(open_task):
    dataset, before, page = open_task("polygons")
    label = before["polygons"]["polylines"][0]
    page.insert_vertex(f"{label['_id']}.2", 62.5, 10)
    page.submit()
    after = load(dataset)
    square, hole = after["polygons"]["polylines"][0]["points"]
    assert square == label["points"][0]
    assert [point for point in hole if point in label["points"][1]] == label["points"][1] and len(hole) == 5


def test_joints_are_moved_deleted_and_added_in_their_own_place(open_task, screenshot):  # noqa: F811
    dataset, before, page = open_task("people")
    first, second = before["people"]["keypoints"]
    page.move_vertex(str(second["_id"]), 3, 5, 5)
    page.delete_vertex(str(second["_id"]), 0)
    page.append_vertex(str(first["_id"]), 20, 80)
    page.screenshot(screenshot)
    page.submit()
    after = load(dataset)
    one, two = after["people"]["keypoints"]
    assert one["points"][:3] == first["points"][:3]
    assert one["points"][3] == pytest.approx([0.2, 0.8], abs=0.01)
    assert two["points"][0] == ["NaN", "NaN"] and two["points"][1:3] == second["points"][1:3]
    assert two["points"][3] == pytest.approx([0.45, 0.75], abs=0.01)
    assert [{**doc, "points": None} for doc in (one, two)] == [{**doc, "points": None} for doc in (first, second)]


def test_a_moved_point_leaves_the_other_points_of_its_label(open_task):
    dataset, before, page = open_task("points")
    label = before["points"]["keypoints"][0]
    page.move(f"{label['_id']}.2", 5, 5)
    page.submit()
    after = load(dataset)
    moved = after["points"]["keypoints"][0]["points"][1]
    assert moved == pytest.approx([0.6, 0.75], abs=0.01)
    label["points"][1] = moved
    assert after == without_time(before)


def test_a_class_outside_the_reach_of_a_restriction_cannot_be_drawn(open_task, screenshot):  # noqa: F811
    flags = ("allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits")
    dataset, before, page = open_task("boxes", field={**dict.fromkeys(flags, False), "attributes": {}})
    page.screenshot(screenshot)
    region_id = str(before["boxes"]["detections"][0]["_id"])
    page.select(region_id)
    page.page.keyboard.press("Backspace")
    for key in "12":
        page.unselect()
        page.page.keyboard.press(key)
        page.drag((50, 50), (70, 70))
    assert [region.id for region in page.regions()] == [region_id]
    page.submit()
    assert load(dataset) == without_time(before)
