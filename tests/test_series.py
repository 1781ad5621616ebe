"""Spans of time series, and classes of time series and tables, that samples hold, against a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.errors import LabelStudioError
from tests.support import stored

pytestmark = pytest.mark.server

SIGNAL = {"time": [0, 0.5, 1.0, 1.5, 2], "speed": [0.5, 1, 1.5, 1, 0], "load": [0, 0, 1, 1, 0]}
SCHEMA = {
    "states": {"type": "spans", "series": "signal", "classes": ["run", "rest"]},
    "quality": {"type": "classification", "series": "signal", "classes": ["good", "bad"]},
    "kind": {"type": "classification", "table": "facts", "classes": ["car", "bus"]},
}


@pytest.fixture
def image(tmp_path):
    path = str(tmp_path / "image.png")
    Image.new("RGB", (64, 48), "navy").save(path)
    return path


@pytest.fixture
def measured(dataset_of, image):
    spans = [
        fo.Classification(label="run", start=0.1234567891, end=1, confidence=0.5),
        fo.Classification(label="rest", start=2, end=2, source="model"),
    ]
    facts = {"wheels": 4, "is_new": True, "maker": {"name": "A"}}
    whole = fo.Sample(filepath=image, signal=SIGNAL, facts=facts, states=fo.Classifications(classifications=spans))
    return dataset_of([whole, fo.Sample(filepath=image, signal=SIGNAL), fo.Sample(filepath=image)])


def annotate(dataset, connection, schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def test_what_people_see_of_series_and_tables_comes_back_changed_only_where_they_changed_it(
    measured, connection, annotator
):
    results = annotate(measured, connection)
    first, _, third = measured.values("id")
    data = annotator.task(results.tasks[first])["data"]
    assert (data["signal"], annotator.task(results.tasks[third])["data"]["signal"]) == (SIGNAL, {})
    assert data["facts"] == {"wheels": 4, "is_new": "true", "maker": {"name": "A"}}
    before = stored(measured)
    annotator.accept_all(results)
    measured.load_annotations("run")
    assert stored(measured) == before

    def edit(result):
        run = next(region for region in result if region["value"].get("timeserieslabels") == ["run"])
        run["value"]["end"] = 1.5
        value = {"start": 0.5, "end": 0.5, "instant": True, "timeserieslabels": ["rest"]}
        drawn = {**run, "id": "drawn", "value": value}
        choice = {"id": "c", "from_name": "kind", "to_name": "facts%.table", "type": "choices"}
        return [*result, drawn, {**choice, "value": {"choices": ["bus"]}}]

    annotator.submit(results.tasks[first], edit)
    measured.load_annotations("run")
    measured.reload()
    sample = measured.first()
    assert [(span.label, span.start, span.end) for span in sample.states.classifications] == [
        ("run", 0.1234567891, 1.5),
        ("rest", 2, 2),
        ("rest", 0.5, 0.5),
    ]
    assert sample.states.classifications[0].confidence == 0.5
    assert sample.states.classifications[1].source == "model"
    assert (sample.kind.label, sample.quality) == ("bus", None)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ({**SIGNAL, "time": [0, 1, 1, 2, 3]}, "its 'signal' has the time 1 behind 1; sort it by time"),
        ({"time": [0, 1], "speed": [1, 2]}, "its 'signal' has the columns 'time', 'speed', and the first one of the"),
        ({**SIGNAL, "load": [0, 0]}, "its 'signal' has columns of several lengths"),
        ({**SIGNAL, "load": ["a"] * 5}, "its 'signal' holds ['a', 'a', 'a', 'a', 'a'] as 'load', expected a list of"),
    ],
)
def test_a_series_that_cannot_be_shown_is_refused_before_anything_is_made(
    measured, image, connection, annotator, signal, message
):
    measured.add_sample(fo.Sample(filepath=image, signal=signal))
    projects = annotator.call("GET", "/api/projects/")["count"]
    with pytest.raises(LabelStudioError) as caught:
        annotate(measured, connection)
    assert message in str(caught.value)
    assert annotator.call("GET", "/api/projects/")["count"] == projects
