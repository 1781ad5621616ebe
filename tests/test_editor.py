"""A person's work in the real editor, in headless Chromium, and what arrives of it."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import pytest

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.support import stored

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIZE = (640, 480)


@pytest.fixture(scope="module")
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


@pytest.fixture
def screenshot(tmp_path, request):
    """Where a picture of the page goes; kept if SCREENSHOTS names a folder."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{request.node.name}.png"


def box(label, *bounding_box, **values):
    return fo.Detection(
        **{"label": label, "bounding_box": list(bounding_box), "confidence": 0.5, "tags": ["mine"], **values}
    )


def test_moving_one_box_and_turning_another_changes_exactly_that(make_dataset, connection, editor, screenshot):
    labels = [
        box("cat", 0.1, 0.1, 1 / 3, 0.25),
        box("dog", 0.5, 0.5, 0.2, 0.3),
        box("cat", 0.65, 0.05, 0.2, 0.2, rotation=0.5),
    ]
    untouched = fo.Detections(detections=[box("dog", 0.2, 0.2, 0.1, 0.1)])
    dataset = make_dataset({"labels": fo.Detections(detections=labels)}, {"labels": untouched}, size=SIZE)
    before = stored(dataset)
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="labels", classes=["cat", "dog"], attributes=False, **connection
    )
    first, second = results.tasks.values()

    page = editor.open_task(results.project_id, first)
    shown = {region.id: region for region in page.regions()}
    page.screenshot(screenshot)
    assert screenshot.stat().st_size > 10_000
    assert {id: region.labels for id, region in shown.items()} == {label.id: [label.label] for label in labels}
    moved = page.move(labels[0].id, 10, 5)
    turned = page.rotate(labels[1].id, 30)
    assert page.problems() == []
    page.submit()
    page = editor.open_task(results.project_id, second)
    page.submit()

    dataset.load_annotations("run")
    after = stored(dataset)
    expected = copy.deepcopy(before)
    docs = expected[dataset.first().id]["labels"]["detections"]
    docs[0]["bounding_box"] = [pytest.approx(moved.x / 100), pytest.approx(moved.y / 100), 1 / 3, 0.25]
    docs[1]["rotation"] = pytest.approx(math.radians(turned.rotation), abs=1e-9)
    expected[dataset.first().id]["last_modified_at"] = after[dataset.first().id]["last_modified_at"]
    assert after == expected
    assert moved.x == pytest.approx(20, abs=0.5) and moved.y == pytest.approx(15, abs=0.5)
    assert turned.rotation == pytest.approx(30, abs=3)


def test_a_person_relabels_deletes_draws_and_chooses(make_dataset, connection, editor, screenshot):
    labels = [box("cat", 0.1, 0.1, 0.3, 0.3), box("$5 bill", 0.6, 0.6, 0.2, 0.2)]
    weather = fo.Classification(label="sun & rain", confidence=0.25)
    dataset = make_dataset({"labels": fo.Detections(detections=labels), "weather @ noon": weather}, size=SIZE)
    schema = {
        "labels": {"classes": ["cat", "dog", "$5 bill"]},
        "weather @ noon": {"classes": ["sun & rain", "snow"]},
        "image": {"type": "classifications", "classes": ["a<b", "日本", "true"]},
    }
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    page = editor.open_task(results.project_id, task_id)
    page.relabel(labels[0].id, "dog")
    page.delete(labels[1].id)
    drawn = page.draw_box("$5 bill", 50, 10, 20, 30)
    page.choose("weather %40 noon", "snow")
    page.choose("%69mage", "日本")
    page.choose("%69mage", "true")
    page.screenshot(screenshot)
    page.submit()
    dataset.load_annotations("run")
    sample = dataset.first()
    relabelled, new = sample.labels.detections
    assert (relabelled.id, relabelled.label, relabelled.bounding_box) == (labels[0].id, "dog", [0.1, 0.1, 0.3, 0.3])
    assert (new.label, new.confidence) == ("$5 bill", None)
    assert new.bounding_box == pytest.approx([drawn.x / 100, drawn.y / 100, drawn.width / 100, drawn.height / 100])
    assert (sample["weather @ noon"].id, sample["weather @ noon"].label) == (weather.id, "snow")
    assert sample["weather @ noon"].confidence == 0.25
    assert sorted(label.label for label in sample["image"].classifications) == ["true", "日本"]


def test_the_label_stream_starts_from_the_prediction_and_takes_an_empty_answer(
    make_dataset, connection, editor, screenshot
):
    labels = fo.Detections(detections=[box("cat", 0.1, 0.1, 0.3, 0.3)])
    dataset = make_dataset({"labels": labels}, {"labels": None}, size=SIZE)
    before = stored(dataset)
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="labels", classes=["cat"], attributes=False, **connection
    )
    page = editor.open_label_stream(results.project_id)
    seen = {}
    for _ in range(2):
        seen[page.task_id] = [region.id for region in page.regions()]
        page.screenshot(screenshot)
        page.submit()
    first, second = results.tasks.values()
    assert seen == {first: [labels.detections[0].id], second: []}
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_what_a_person_skips_stays_as_it_was(make_dataset, connection, editor):
    dataset = make_dataset({"labels": fo.Detections(detections=[box("cat", 0.1, 0.1, 0.3, 0.3)])}, size=SIZE)
    before = stored(dataset)
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="labels", classes=["cat"], attributes=False, **connection
    )
    page = editor.open_label_stream(results.project_id)
    page.delete(dataset.first().labels.detections[0].id)
    page.skip()
    dataset.load_annotations("run")
    assert stored(dataset) == before
