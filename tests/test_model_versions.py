"""A file of predictions of several model versions keeps them apart."""

from __future__ import annotations

import json

import pytest

import fo_labelstudio

pytestmark = pytest.mark.database


def prediction(version, name):
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [name]}
    region = {"id": f"r{version}", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {"model_version": version, "score": 0.5, "result": [{**region, "original_width": 64, "original_height": 48}]}


def test_each_model_version_has_a_field_of_its_own(make_dataset, tmp_path):
    dataset = make_dataset({}, {})
    first, second = dataset.values("id")
    tasks = [
        {
            "data": {"image": "a.png", "sample_id": first},
            "predictions": [prediction("one", "cat"), prediction("two", "dog")],
        },
        {"data": {"image": "b.png", "sample_id": second}, "predictions": [prediction("two", "cat")]},
    ]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(tasks))
    fo_labelstudio.import_annotations(dataset, json_path=path, annotations=None, predictions="all")
    dataset.reload()
    found = {name: dataset.values(f"{name}.detections.label") for name in dataset.get_field_schema() if "box" in name}
    assert sorted(found.values(), key=str) == [[["cat"], None], [["dog"], ["cat"]]]
