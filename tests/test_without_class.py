"""Labels without a class, against a real server and in the real editor."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from tests.support import stored
from tests.test_editor import SIZE, box, editor  # noqa: F401

SHAPE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.5]]


@pytest.fixture
def labelled(make_dataset):
    """Two samples with labels of every kind that can be without a class; of boxes, one has one."""

    def values():
        mask = np.ones((24, 32), bool)
        return {
            "boxes": fo.Detections(detections=[box(None, 0.1, 0.1, 0.2, 0.2), box("cat", 0.5, 0.5, 0.2, 0.2)]),
            "masks": fo.Detections(detections=[fo.Detection(bounding_box=[0.25, 0.25, 0.5, 0.5], mask=mask)]),
            "areas": fo.Polylines(polylines=[fo.Polyline(points=[SHAPE, SHAPE[::-1]], closed=True, filled=True)]),
            "paths": fo.Polylines(polylines=[fo.Polyline(points=[SHAPE])]),
            "points": fo.Keypoints(keypoints=[fo.Keypoint(points=SHAPE)]),
        }

    return make_dataset(values(), values())


SCHEMA = {
    "boxes": {"type": "detections"},
    "masks": {"type": "instances"},
    "areas": {"type": "polygons"},
    "paths": {"type": "polylines"},
    "points": {"type": "keypoints"},
}
SHAPES = {"boxes": "rectanglelabels", "masks": "brush", "areas": "polygon", "paths": "vector", "points": "keypoint"}


@pytest.mark.server
class TestOnAServer:
    def annotate(self, dataset, connection):
        return dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, attributes=False, **connection)

    def test_they_are_sent_without_one_and_stay_bit_identical(self, labelled, connection, annotator):
        before = stored(labelled)
        results = self.annotate(labelled, connection)
        for task_id in results.tasks.values():
            sent = annotator.preloaded(task_id)
            assert {region["from_name"]: region["type"] for region in sent} == SHAPES
        annotator.accept_all(results)
        labelled.load_annotations("run")
        assert stored(labelled) == before

    def test_what_is_moved_relabelled_deleted_and_drawn_is_loaded_once(self, labelled, connection, annotator):
        before = stored(labelled)
        results = self.annotate(labelled, connection)
        first, second = labelled.values("id")

        def edit(result):
            named = {region["from_name"]: region for region in result}
            (blank, cat) = (region for region in result if region["from_name"] == "boxes")
            blank["value"]["rectanglelabels"], cat["value"]["rectanglelabels"] = ["cat"], []
            named["paths"]["value"]["vertices"][0]["x"] = 10
            drawn = {**named["points"], "id": "drawn", "value": {"x": 5, "y": 5, "width": 1}}
            drawn.pop("parentID", None)
            return [*(region for region in result if region["from_name"] != "masks"), drawn]

        annotator.submit(results.tasks[first], edit)
        annotator.submit(results.tasks[second])
        labelled.load_annotations("run")
        once = stored(labelled)
        assert once[second] == before[second]
        blank, cat = once[first]["boxes"]["detections"]
        assert (blank["label"], cat["label"]) == ("cat", None)
        assert blank["bounding_box"] == [0.1, 0.1, 0.2, 0.2] and cat["confidence"] == 0.5
        assert once[first]["masks"]["detections"] == []
        (path,) = once[first]["paths"]["polylines"]
        assert path["points"] == [[[0.1, 0.25], *SHAPE[1:]]] and path.get("label") is None
        old, new = labelled[first].points.keypoints
        assert (old.label, old.points, new.label, new.points) == (None, SHAPE, None, [[0.05, 0.05]])
        assert once[first]["areas"] == before[first]["areas"]
        labelled.load_annotations("run")
        assert stored(labelled) == once


@pytest.mark.server
@pytest.mark.browser
def test_a_person_names_unnames_moves_and_draws_shapes_without_a_class(make_dataset, connection, editor):  # noqa: F811
    labels = [box(None, 0.1, 0.1, 0.2, 0.2), box("cat", 0.1, 0.6, 0.2, 0.2), box(None, 0.4, 0.1, 0.1, 0.1)]
    shape = box(None, 0.6, 0.1, 0.2, 0.2)
    dataset = make_dataset(
        {"labels": fo.Detections(detections=labels), "shapes": fo.Detections(detections=[shape])}, size=SIZE
    )
    before = stored(dataset)
    schema = {"labels": {"classes": ["cat", "dog"]}, "shapes": {}}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    page = editor.open_task(results.project_id, task_id)
    assert page.problems() == []
    shown = {region.id: (region.from_name, region.labels) for region in page.regions()}
    assert shown == {
        labels[0].id: ("labels", []),
        labels[1].id: ("labels", ["cat"]),
        labels[2].id: ("labels", []),
        shape.id: ("shapes", []),
    }
    page.relabel(labels[0].id, "dog")
    page.relabel(labels[1].id, None)
    moved = page.move(shape.id, 5, 20)
    drawn = page.draw_shape("rectangle-tool", lambda: page.drag((60, 60), (80, 80)), "shapes")
    page.submit()
    dataset.load_annotations("run")
    sample = dataset.first()
    assert [(label.id, label.label) for label in sample.labels.detections] == [
        (labels[0].id, "dog"),
        (labels[1].id, None),
        (labels[2].id, None),
    ]
    assert [label.bounding_box for label in sample.labels.detections] == [label.bounding_box for label in labels]
    old, new = sample.shapes.detections
    assert (old.id, old.label, old.confidence) == (shape.id, None, 0.5)
    assert old.bounding_box == pytest.approx([moved.x / 100, moved.y / 100, 0.2, 0.2])
    assert new.label is None
    assert new.bounding_box == pytest.approx([drawn.x / 100, drawn.y / 100, drawn.width / 100, drawn.height / 100])
    after = stored(dataset)[sample.id]["labels"]["detections"][2]
    assert after == before[sample.id]["labels"]["detections"][2]
