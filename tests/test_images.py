"""Labels on the images that a field of each sample lists, against a real server."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.errors import LabelStudioError
from tests.support import stored, write_image

pytestmark = pytest.mark.server

SIZES = [(64, 48), (120, 40), (30, 90)]
SCHEMA = {
    "boxes": {"type": "detections", "images": "pages", "classes": ["title", "figure"]},
    "masks": {"type": "instances", "images": "pages", "classes": ["ink"]},
    "areas": {"type": "polygons", "images": "pages", "classes": ["table"]},
    "lines": {"type": "polylines", "images": "pages", "classes": ["rule"]},
    "points": {"type": "keypoints", "images": "pages", "classes": ["dot"]},
    "kind": {"type": "classification", "images": "pages", "classes": ["letter", "form"]},
    "notes": {"type": "scalar", "images": "pages"},
}


@pytest.fixture
def paged(dataset_of, tmp_path):
    """Three samples of an image each: one that lists three pages, one that lists one, and one that lists none."""
    pages = [str(write_image(tmp_path / "pages" / f"{place}.png", size)) for place, size in enumerate(SIZES)]
    cover = [str(write_image(tmp_path / "covers" / f"{place}.png", (80, 60))) for place in range(3)]
    first = fo.Sample(filepath=cover[0], pages=pages, notes="three pages")
    first["boxes"] = fo.Detections(
        detections=[
            fo.Detection(label="title", bounding_box=[0.1, 0.1, 0.30000000001, 0.2], source="model"),
            fo.Detection(label="figure", bounding_box=[0.2, 0.2, 0.5, 0.5], rotation=0.3, item_index=1, confidence=0.5),
            fo.Detection(label="title", bounding_box=[0.25, 0.5, 0.5, 0.25], item_index=2),
        ]
    )
    mask = np.eye(12, 20, dtype=bool)
    first["masks"] = fo.Detections(
        detections=[
            fo.Detection(label="ink", bounding_box=[0.5, 0.25, 20 / 120, 12 / 40], mask=mask, item_index=1),
            fo.Detection(label="ink", bounding_box=[1 / 3, 0.1, 20 / 30, 12 / 90], mask=mask, item_index=2),
        ]
    )
    triangle = [[(0.1, 0.1), (0.9, 0.2), (0.5, 0.8)]]
    first["areas"] = fo.Polylines(
        polylines=[fo.Polyline(label="table", points=triangle, closed=True, filled=True, item_index=1)]
    )
    first["lines"] = fo.Polylines(polylines=[fo.Polyline(label="rule", points=triangle, item_index=2)])
    first["points"] = fo.Keypoints(keypoints=[fo.Keypoint(label="dot", points=[(0.2, 0.3), (0.4, 0.5)], item_index=1)])
    first["kind"] = fo.Classification(label="letter")
    return dataset_of([first, fo.Sample(filepath=cover[1], pages=pages[1:2]), fo.Sample(filepath=cover[2])])


def annotate(dataset, connection, schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def test_each_label_is_on_its_own_image_and_comes_back_changed_only_where_it_was_changed(paged, connection, annotator):
    results = annotate(paged, connection)
    first, second, third = paged.values("id")
    data = annotator.task(results.tasks[first])["data"]
    assert [url.rpartition("/")[2].partition("-")[2][:1] for url in data["pages"]] == ["0", "1", "2"]
    assert annotator.task(results.tasks[second])["data"]["pages"] == data["pages"][1:2]
    (nothing,) = annotator.task(results.tasks[third])["data"]["pages"]
    assert nothing.startswith("data:image/png;base64,")
    result = annotator.preloaded(results.tasks[first])
    drawn = [region for region in result if "original_width" in region]
    assert {region["item_index"] for region in drawn} == {0, 1, 2} and len(drawn) == 9
    assert all((region["original_width"], region["original_height"]) == SIZES[region["item_index"]] for region in drawn)
    before = stored(paged)
    annotator.accept_all(results)
    paged.load_annotations("run")
    assert stored(paged) == before

    def edit(result):
        moved = next(region for region in result if region["value"].get("rectanglelabels") == ["figure"])
        moved["value"].update(x=moved["value"]["x"] + 10)
        deleted = next(region for region in result if region["item_index"] == 0)
        box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["title"]}
        drawn = {**moved, "id": "drawn", "item_index": 2, "original_width": 30, "original_height": 90, "value": box}
        beyond = {**drawn, "id": "beyond", "item_index": 3}
        return [*(region for region in result if region is not deleted), drawn, beyond]

    annotator.submit(results.tasks[first], edit)
    annotator.submit(results.tasks[second], lambda _: [{**drawn_on_first(annotator, results), "id": "only"}])
    paged.load_annotations("run")
    paged.reload()
    boxes = paged[first].boxes.detections
    assert [(box.label, box["item_index"]) for box in boxes] == [("figure", 1), ("title", 2), ("title", 2)]
    expected = [[0.3, 0.2, 0.5, 0.5], [0.25, 0.5, 0.5, 0.25], [0.1, 0.2, 0.3, 0.4]]
    assert np.allclose([box.bounding_box for box in boxes], expected, atol=1e-9)
    assert boxes[0].rotation == 0.3 and boxes[0].confidence == 0.5
    (box,) = paged[second].boxes.detections
    assert (box.label, box.item_index) == ("title", 0)
    assert paged.get_field_schema(flat=True).get("pages") is not None


def drawn_on_first(annotator, results):
    """A box as the editor writes it that is drawn on the only image of a list."""
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["title"]}
    region = next(
        region for region in annotator.preloaded(next(iter(results.tasks.values()))) if "item_index" in region
    )
    return {**region, "from_name": "boxes", "type": "rectanglelabels", "item_index": 0, "value": box}


def test_labels_on_a_list_that_was_changed_since_are_left_alone_and_told(paged, connection, annotator, caplog):
    results = annotate(paged, connection, {"boxes": SCHEMA["boxes"]}, show_media=False)
    sample = paged.first()
    task = annotator.task(results.tasks[sample.id])
    assert "image" not in task["data"] and len(task["data"]["pages"]) == 3
    sample.pages = sample.pages[::-1]
    sample.save()
    before = stored(paged)

    def edit(result):
        result[0]["value"]["x"] += 10
        return result

    annotator.submit(results.tasks[sample.id], edit)
    paged.load_annotations("run")
    assert stored(paged) == before
    assert "its 'pages' was changed after it was sent" in caplog.text


@pytest.mark.parametrize(
    ("item_index", "message"),
    [
        (3, "its item_index is 3, and 'pages' lists 3, counted from 0; correct it, or add the image to the list"),
        (-1, "its item_index is -1, expected a whole number, counted from 0; correct it"),
        (0.5, "its item_index is 0.5, expected a whole number, counted from 0; correct it"),
    ],
)
def test_a_label_on_an_image_that_is_not_listed_is_refused_before_anything_is_made(
    paged, connection, annotator, item_index, message
):
    sample = paged.first()
    sample.boxes.detections[1].item_index = item_index
    sample.save()
    projects = annotator.call("GET", "/api/projects/")["count"]
    with pytest.raises(LabelStudioError) as caught:
        annotate(paged, connection)
    label = sample.boxes.detections[1].id
    assert f"field 'boxes', sample {sample.id}, label {label}: {message}" in str(caught.value)
    assert annotator.call("GET", "/api/projects/")["count"] == projects
