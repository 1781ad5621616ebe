"""A list of images in the real editor, in headless Chromium: what a person does on one comes back on that one."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from tests.support import stored, write_image
from tests.test_editor import editor, screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIZES = [(640, 480), (800, 600), (400, 400)]
CLASSES = ["title", "figure"]
SCHEMA = {
    "boxes": {"type": "detections", "images": "pages", "classes": CLASSES},
    "masks": {"type": "instances", "images": "pages", "classes": ["ink"]},
    "areas": {"type": "polygons", "images": "pages", "classes": ["table"]},
    "lines": {"type": "polylines", "images": "pages", "classes": ["rule"]},
    "points": {"type": "keypoints", "images": "pages", "classes": ["dot"]},
    "looks": {"type": "classifications", "images": "pages", "classes": ["clean", "torn"], "per_item": True},
}


def on_each_page(**values):
    """A box on each page; the one on the first page does not say that it is there."""
    places = [{}, {"item_index": 1}, {"item_index": 2}]
    boxes = [fo.Detection(label="title", bounding_box=[0.1, 0.1, 0.2, 0.2], **place, **values) for place in places]
    return fo.Detections(detections=boxes)


def test_a_person_draws_on_the_second_image_and_moves_a_box_on_the_third(
    dataset_of,
    tmp_path,
    connection,
    editor,  # noqa: F811
    screenshot,  # noqa: F811
):
    pages = [str(write_image(tmp_path / f"{place}.png", size)) for place, size in enumerate(SIZES)]
    path = [[[0.3, 0.6], [0.5, 0.7], [0.7, 0.6]]]
    # Vectors would be stretched when one turns to an image of another size (1.23.2).
    mask = np.ones((60, 80), dtype=bool)
    listed = fo.Sample(
        filepath=pages[0],
        pages=pages,
        boxes=on_each_page(confidence=0.5),
        masks=fo.Detections(
            detections=[
                fo.Detection(label="ink", bounding_box=[0.5, 0.5, 80 / w, 60 / h], mask=mask, item_index=place)
                for place, (w, h) in enumerate(SIZES)
            ]
        ),
        areas=fo.Polylines(
            polylines=[fo.Polyline(label="table", points=path, closed=True, filled=True, item_index=n) for n in (1, 2)]
        ),
        lines=fo.Polylines(polylines=[fo.Polyline(label="rule", points=path, item_index=place) for place in (1, 2)]),
        looks=fo.Classifications(classifications=[fo.Classification(label="torn", item_index=1, note="kept")]),
        points=fo.Keypoints(keypoints=[fo.Keypoint(label="dot", points=[[0.8, 0.2], [0.9, 0.3]], item_index=2)]),
    )
    dataset = dataset_of([listed, fo.Sample(filepath=pages[0])])
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, show_media=False, **connection)
    of_list, of_none = results.tasks.values()
    before = stored(dataset)
    editor.open_task(results.project_id, of_list).submit()
    editor.open_task(results.project_id, of_none).submit()
    dataset.load_annotations("run")
    assert stored(dataset) == before

    page = editor.open_task(results.project_id, of_list)
    page.turn_to_next()
    drawn = page.draw_box("figure", 50, 20, 20, 20, field="boxes")
    page.turn_to_next()
    third = dataset.first().boxes.detections[2].id
    moved = page.move(third, 10, 5)
    page.choose("looks", "clean")
    page.screenshot(screenshot)
    annotation = page.submit()
    assert page.problems() == []
    looks = [region for region in annotation["result"] if region["from_name"] == "looks"]
    assert [(region["item_index"], region["value"]["choices"]) for region in looks] == [(1, ["torn"]), (2, ["clean"])]
    drawn_on = [region for region in annotation["result"] if region not in looks]
    sizes = {(region["item_index"], region["original_width"], region["original_height"]) for region in drawn_on}
    assert sizes == {(place, *size) for place, size in enumerate(SIZES)}
    dataset.load_annotations("run")
    after, was = (docs[dataset.first().id] for docs in (stored(dataset), before))
    *kept, third_box, new = after["boxes"]["detections"]
    assert kept == was["boxes"]["detections"][:2]
    assert third_box == {
        **was["boxes"]["detections"][2],
        "bounding_box": [pytest.approx(moved.x / 100), pytest.approx(moved.y / 100), 0.2, 0.2],
    }
    assert (new["label"], new["item_index"]) == ("figure", 1)
    assert new["bounding_box"] == pytest.approx([drawn.x / 100, drawn.y / 100, drawn.width / 100, drawn.height / 100])
    torn, clean = after["looks"]["classifications"]
    assert torn == was["looks"]["classifications"][0]
    assert (clean["label"], clean["item_index"]) == ("clean", 2)
    for name in ("masks", "areas", "lines", "points"):
        assert after[name] == was[name]
