"""What a person does with control tags that somebody added to the project, in the real editor."""

from __future__ import annotations

import logging

import fiftyone as fo
import pytest

from tests.support import stored
from tests.test_editor import SIZE, box, editor  # noqa: F401
from tests.test_regions import add_to_config, is_usable

pytestmark = [pytest.mark.server, pytest.mark.browser]

ADDED = """
<Choices name="quality" toName="image" perRegion="true"><Choice value="good"/><Choice value="broken"/></Choices>
<Rating name="stars" toName="image" perRegion="true"/>
<Number name="speed" toName="image" perRegion="true"/>
<TextArea name="note" toName="image" perRegion="true"/>
<DateTime name="day" toName="image" perRegion="true" only="date"/>
<Image name="second" value="$image"/>
<Choices name="sharp" toName="second"><Choice value="yes"/><Choice value="no"/></Choices>
"""


@pytest.fixture
def page_of(editor):  # noqa: F811
    """Opens a task in the editor."""
    return editor.open_task


def test_a_person_answers_about_regions_and_takes_an_added_class(make_dataset, connection, annotator, page_of, caplog):
    label = box("cat", 0.1, 0.1, 0.2, 0.2)
    dataset = make_dataset({"labels": fo.Detections(detections=[label])}, size=SIZE)
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="labels", classes=["cat", "dog"], attributes=False, **connection
    )
    (task_id,) = results.tasks.values()
    add_to_config(annotator, results, ADDED)
    path = f"/api/projects/{results.project_id}/"
    config = annotator.call("GET", path)["label_config"]
    annotator.call("PATCH", path, json={"label_config": config.replace("<Label ", '<Label value="truck"/><Label ', 1)})

    page = page_of(results.project_id, task_id)
    new = page.draw_box("truck", 50, 10, 20, 20)
    said = {}
    for region_id, quality, stars, speed in ((label.id, "broken", 2, 3), (new.id, "good", 4, 5)):
        page.set_attribute(region_id, "quality", quality)
        page.set_attribute(region_id, "stars", stars)
        page.set_attribute(region_id, "speed", speed)
        page.set_attribute(region_id, "note", f"it is {quality}")
        page.set_attribute(region_id, "day", "2024-02-29")
        said[region_id] = (quality, stars, float(speed), f"it is {quality}")
    page.relabel(label.id, "truck")
    page.choose("sharp", "no")
    assert page.problems() == []
    page.submit()

    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("run", unexpected="keep")
    assert is_usable(dataset)
    old, drawn = dataset.first().labels.detections
    assert (old.id, old.label, old.confidence, old.tags) == (label.id, "truck", 0.5, ["mine"])
    assert old.bounding_box == [0.1, 0.1, 0.2, 0.2]
    assert (drawn.label, drawn.bounding_box) == (
        "truck",
        pytest.approx([new.x / 100, new.y / 100, new.width / 100, new.height / 100]),
    )
    for found, region_id in ((old, label.id), (drawn, new.id)):
        assert (found.quality, found.stars, found.speed, found.note) == said[region_id]
        assert (found.day.year, found.day.month, found.day.day) == (2024, 2, 29)
    assert "it is about 'second', not the image of the sample" in caplog.text
    assert not {"classifications", "detections"} & set(dataset.get_field_schema())
    once = stored(dataset)

    page = page_of(results.project_id, task_id)
    page.set_attribute(label.id, "quality", None)
    page.submit()
    dataset.load_annotations("run", unexpected="keep")
    (after,) = stored(dataset).values()
    (before,) = once.values()
    first, second = after["labels"]["detections"]
    assert "quality" not in first
    expected = before["labels"]["detections"][0]
    assert expected.pop("quality") == "broken"
    assert (first, second) == (expected, before["labels"]["detections"][1])
