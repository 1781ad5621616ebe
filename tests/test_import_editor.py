"""Acceptance: projects that people set up and answer in the real editor, imported from the server and from a file."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import fo_labelstudio
from tests.support import stored
from tests.test_editor import editor  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIZE = (640, 480)
LABELS = '<Label value="cat"/><Label value="dog"/>'
CONFIG = f"""
<View>
  <Image name="img" value="$image"/>
  <Choices name="occluded" toName="img" perRegion="true"><Choice value="yes"/><Choice value="no"/></Choices>
  <TextArea name="reading" toName="img" perRegion="true" maxSubmissions="1" rows="1"/>
  <Choices name="weather" toName="img"><Choice value="sun"/><Choice value="rain"/></Choices>
  <Choices name="seen" toName="img" choice="multiple">
    <Choice value="a"/><Choice value="b"/><Choice value="c"/>
  </Choices>
  <Number name="count" toName="img"/>
  <Number name="whole" toName="img" step="1"/>
  <Rating name="stars" toName="img"/>
  <DateTime name="day" toName="img" only="date"/>
  <TextArea name="title" toName="img" maxSubmissions="1" rows="1"/>
  <RectangleLabels name="boxes" toName="img">{LABELS}</RectangleLabels>
  <PolygonLabels name="polygons" toName="img">{LABELS}</PolygonLabels>
  <EllipseLabels name="ellipses" toName="img">{LABELS}</EllipseLabels>
  <KeyPointLabels name="points" toName="img">{LABELS}</KeyPointLabels>
  <VectorLabels name="lines" toName="img">{LABELS}</VectorLabels>
  <BrushLabels name="brushed" toName="img">{LABELS}</BrushLabels>
  <BitmaskLabels name="bitmasks" toName="img">{LABELS}</BitmaskLabels>
  <Choices name="nested" toName="img" allowNested="true">
    <Choice value="Animal"><Choice value="Cat"/><Choice value="Dog"/></Choice>
  </Choices>
  <Taxonomy name="kinds" toName="img"><Choice value="Animal"><Choice value="Cat"/></Choice></Taxonomy>
  <Relations><Relation value="eats"/></Relations>
</View>
"""


def values_of(dataset):
    """The samples as they are stored, without what a clone has of its own."""
    return [
        {key: value for key, value in doc.items() if "_at" not in key and key != "_dataset_id"}
        for doc in stored(dataset).values()
    ]


def relative(points):
    return [[pytest.approx([x / 100, y / 100], abs=1e-9) for x, y in points]]


def pixels(label):
    """The pixels of an instance, on an image of the whole size."""
    whole = np.zeros((SIZE[1], SIZE[0]), bool)
    x, y, width, height = label.bounding_box
    left, top = round(x * SIZE[0]), round(y * SIZE[1])
    assert label.mask.shape == (round(height * SIZE[1]), round(width * SIZE[0]))
    whole[top : top + label.mask.shape[0], left : left + label.mask.shape[1]] = label.mask.astype(bool)
    return whole


def brushed(rle):
    """The pixels of a brush, decoded by Label Studio's own converter."""
    from label_studio_sdk.converter.brush import decode_rle

    return np.reshape(decode_rle(rle), (SIZE[1], SIZE[0], 4))[:, :, 3] >= 128


def test_what_a_person_draws_and_answers_in_the_editor_is_imported(
    make_dataset,
    connection,
    annotator,
    editor,  # noqa: F811
    make_project,
    upload,
    export,
):
    dataset = make_dataset({}, size=SIZE)
    clone = dataset.clone()
    project_id = make_project(CONFIG)
    task_id = upload(project_id, dataset.first().filepath)
    page = editor.open_task(project_id, task_id)
    box = page.draw_box("cat", 5, 5, 20, 25, "boxes")
    polygon = page.draw_path("dog", (35, 5), (50, 5), (45, 25), closed=True, field="polygons")
    ellipse = page.draw("cat", lambda: page.drag((70, 20), (78, 30)), "ellipses")
    point = page.draw_path("dog", (90, 10), field="points")
    line = page.draw_path("cat", (5, 45), (15, 55), (25, 45), field="lines")
    brush = page.draw_mask("dog", (40, 50), (50, 60), field="brushed")
    page.draw_mask("cat", (60, 50), (70, 60), field="bitmasks")
    page.set_attribute(box.id, "occluded", ["yes"])
    page.set_attribute(box.id, "reading", "TOTAL 12")
    page.choose("weather", "rain")
    page.choose("seen", "a")
    page.choose("seen", "c")
    page.set_value("count", 2.5)
    page.set_value("whole", 7)
    page.set_value("stars", 4)
    page.set_value("day", "2026-03-04")
    page.set_value("title", "A \N{CAT}")
    assert page.problems() == []
    drawn = page.submit()
    results = {item["id"]: item for item in drawn["result"]}
    # What takes many clicks is added as the editor writes it (Label Studio 1.23.2).
    about = {"to_name": "img", "origin": "manual"}
    more = [
        {**about, "id": "n", "from_name": "nested", "type": "choices", "value": {"choices": [["Animal", "Dog"]]}},
        {**about, "id": "t", "from_name": "kinds", "type": "taxonomy", "value": {"taxonomy": [["Animal", "Cat"]]}},
        {"type": "relation", "from_id": box.id, "to_id": polygon.id, "direction": "right", "labels": ["eats"]},
    ]
    result = [*drawn["result"], *more]
    annotator.call("PATCH", f"/api/annotations/{drawn['id']}/", json={"result": result})

    fo_labelstudio.import_annotations(dataset, project_id=project_id, **connection)

    sample = dataset.first()
    (one,) = sample.boxes.detections
    (polyline,) = sample.polygons.polylines
    assert (one.label, one.occluded, one.reading) == ("cat", "yes", "TOTAL 12")
    assert one.bounding_box == pytest.approx([box.x / 100, box.y / 100, box.width / 100, box.height / 100], abs=1e-9)
    assert one.bounding_box == pytest.approx([0.05, 0.05, 0.2, 0.25], abs=0.005)
    assert one.related_to == [polyline.id]
    assert (polyline.label, polyline.closed, polyline.filled) == ("dog", True, True)
    assert [list(map(list, shape)) for shape in polyline.points] == relative(polygon.points)
    (round_one,) = sample.ellipses.polylines
    (corners,) = np.asarray(round_one.points)
    value = ellipse.value
    assert (round_one.label, len(corners)) == ("cat", 128)
    centred = (100 * corners - [value["x"], value["y"]]) / [value["radiusX"], value["radiusY"]]
    assert np.allclose(np.hypot(*centred.T), 1, atol=1e-6)
    (dot,) = sample.points.keypoints
    assert (dot.label, list(map(list, dot.points))) == ("dog", relative(point.points)[0])
    (path,) = sample.lines.polylines
    assert (path.label, path.closed, path.filled) == ("cat", False, False)
    assert [list(map(list, shape)) for shape in path.points] == relative(line.points)
    (mask,) = sample.brushed.detections
    assert mask.label == "dog" and (pixels(mask) == brushed(results[brush.id]["value"]["rle"])).all()
    assert pixels(mask)[264, 288] and not pixels(mask)[:200].any()
    (bits,) = sample.bitmasks.detections
    assert bits.label == "cat" and pixels(bits)[264, 416] and not pixels(bits)[:, :350].any()
    assert 0 < pixels(bits).sum() < 20_000
    assert sample.weather.label == "rain"
    assert [one.label for one in sample.seen.classifications] == ["a", "c"]
    assert (sample.count, sample.whole, sample.stars, sample.title) == (2.5, 7, 4, "A \N{CAT}")
    assert str(sample.day) == "2026-03-04"
    assert (sample.nested.label, sample.nested.path) == ("Animal/Dog", ["Animal", "Dog"])
    (kind,) = sample.kinds.classifications
    assert (kind.label, kind.path) == ("Animal/Cat", ["Animal", "Cat"])

    path = export(project_id)
    try:
        fo_labelstudio.import_annotations(clone, json_path=path, labeling_config=CONFIG)
        assert values_of(clone) == values_of(dataset)
    finally:
        clone.delete()
    before = stored(dataset)
    fo_labelstudio.import_annotations(dataset, json_path=path, labeling_config=CONFIG)
    fo_labelstudio.import_annotations(dataset, json_path=path, labeling_config=CONFIG, full=True)
    fo_labelstudio.import_annotations(dataset, project_id=project_id, **connection)
    assert stored(dataset) == before and len(dataset.list_runs()) == 1


WANTED = """
<View>
  <Image name="img" value="$image"/>
  <Labels name="areas" toName="img"><Label value="sky"/><Label value="sea"/></Labels>
  <MagicWand name="wand" toName="img"/>
  <List name="found" value="$found" title="Found"/>
  <Ranker name="rank" toName="found"/>
  <List name="shops" value="$found" title="Shops"/>
  <Ranker name="sorted" toName="shops"><Bucket name="best" title="Best"/><Bucket name="paid" title="Paid"/></Ranker>
</View>
"""


def test_the_magic_wand_is_imported_and_a_ranker_is_reported_as_what_it_is(
    make_dataset,
    connection,
    annotator,
    editor,  # noqa: F811
    make_project,
    upload,
    export,
    caplog,
):
    dataset = make_dataset({}, size=SIZE)
    picture = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    picture[120:360, 160:480] = (200, 30, 30)
    Image.fromarray(picture).save(dataset.first().filepath)
    clone = dataset.clone()
    project_id = make_project('<View><Image name="img" value="$image"/></View>')
    task_id = upload(project_id, dataset.first().filepath)
    data = annotator.call("GET", f"/api/tasks/{task_id}/?resolve_uri=false")["data"]
    items = [{"id": name, "title": name.title()} for name in ("first", "second", "third")]
    annotator.call("PATCH", f"/api/tasks/{task_id}/", json={"data": {**data, "found": items}})
    annotator.call("PATCH", f"/api/projects/{project_id}/", json={"label_config": WANTED})
    page = editor.open_task(project_id, task_id)
    area = page.draw_wand("sea", (50, 50), (52, 50), "areas")
    assert page.rank("rank", "first", 2) == {"rank": ["second", "third", "first"]}
    assert page.rank("sorted", "second", 0, columns=1)["best"] == ["second"]
    assert page.problems() == []
    drawn = page.submit()
    by_type = {item["type"]: item for item in drawn["result"] if item["from_name"] != "sorted"}
    assert by_type.keys() == {"magicwand", "labels", "ranker"}
    assert by_type["ranker"]["value"] == {"ranker": {"rank": ["second", "third", "first"]}}
    rankings = {item["from_name"]: item["value"] for item in drawn["result"] if item["type"] == "ranker"}
    assert rankings["sorted"] == {"ranker": {"_": ["first", "third"], "best": ["second"], "paid": []}}

    fo_labelstudio.import_annotations(dataset, project_id=project_id, **connection)

    (mask,) = dataset.first().wand.detections
    assert mask.label == "sea"
    decoded = brushed(by_type["magicwand"]["value"]["rle"])
    assert (pixels(mask) == decoded).all() and by_type["magicwand"]["id"] == area.id
    # The tool blurs what it selects, by five pixels of what the screen shows.
    assert decoded[150:330, 190:450].all() and not decoded[:90].any() and not decoded[:, 510:].any()
    assert not {"rank", "sorted", "found"} & set(dataset.get_field_schema())
    for name in ("rank", "sorted"):
        assert f"control tag '{name}' (<Ranker>) compares objects, for which FiftyOne has no label" in caplog.text

    try:
        fo_labelstudio.import_annotations(clone, json_path=export(project_id), labeling_config=WANTED)
        assert values_of(clone) == values_of(dataset)
    finally:
        clone.delete()
