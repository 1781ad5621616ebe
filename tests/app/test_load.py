"""*Load answers*, headless, against a real server."""

from __future__ import annotations

import fiftyone.operators as foo
import pytest

from tests.test_parts import annotate, boxes

pytestmark = pytest.mark.server

LOAD = "fo-labelstudio/load_annotations"


def test_answers_are_loaded(make_dataset, assigned, annotator):
    dataset = make_dataset({"labels": boxes("cat")}, {"labels": boxes("cat")})
    results = annotate(dataset, assigned)
    sample_id = dataset.first().id
    annotator.submit(results.tasks[sample_id], lambda result: [])
    done = foo.execute_operator(LOAD, dataset=dataset, params={"anno_key": "run"}).result
    assert done == {"anno_key": "run", "answered": 1, "conflicts": 0, "left_behind": []}
    dataset.reload()
    assert [len(labels) for labels in dataset.values("labels.detections")] == [0, 1]
