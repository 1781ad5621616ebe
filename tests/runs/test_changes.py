"""What is kept of the changes of the last load, from a dataset through a project in memory and back."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.dataset import field_merge
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory

pytestmark = pytest.mark.database

BOXES = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}
WEATHER = {"weather": {"type": "scalar", "classes": ["sun", "rain"], "existing_field": False}}


def boxes(*labels):
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=[0.125, 0.125, 0.25, 0.25]) for label in labels]
    )


def load(results, project, **options):
    load_run(results, LoadOptions.of(options, results.config), project)
    return results.saved().changes


def submit(results, project, sample_id, edit):
    task_id = results.tasks[sample_id]
    project.by_id[task_id]["annotations"].clear()
    project.submit(task_id, edit)


def relabelled(region, label):
    return {**region, "value": {**region["value"], "rectanglelabels": [label]}}


def test_of_each_changed_sample_it_says_how_many_labels_were_added_edited_and_deleted(make_dataset):
    dataset = make_dataset(*({"gt": boxes("cat", "cat", "cat")} for _ in range(3)))
    results, project = annotate_in_memory(dataset, "run", BOXES)
    assert results.changes == {}
    first, second, third = dataset.values("id")

    def edit(result):
        return [relabelled(result[0], "dog"), result[1], {**result[2], "id": "new"}]

    submit(results, project, first, edit)
    submit(results, project, second, lambda result: [relabelled(region, "dog") for region in result])
    submit(results, project, third, lambda result: result)
    changes = load(results, project)
    assert changes["fields"] == {"gt": {first: [1, 1, 1], second: [0, 3, 0]}}
    assert changes["not_listed"] == 0


def test_it_is_of_the_last_load_alone(make_dataset):
    dataset = make_dataset({"gt": boxes("cat")}, {"gt": boxes("cat")})
    results, project = annotate_in_memory(dataset, "run", BOXES)
    first, second = dataset.values("id")
    submit(results, project, first, lambda result: [])
    assert load(results, project)["fields"] == {"gt": {first: [0, 0, 1]}}
    submit(results, project, second, lambda result: [])
    assert load(results, project)["fields"] == {"gt": {second: [0, 0, 1]}}
    assert load(results, project)["fields"] == {"gt": {}}


def test_values_are_among_it_and_fields_of_single_annotators(make_dataset):
    dataset = make_dataset({})
    results, project = annotate_in_memory(dataset, "run", WEATHER)
    (sample_id,) = dataset.values("id")
    answer = {"id": "w", "type": "choices", "from_name": "weather", "to_name": "image", "value": {"choices": ["rain"]}}
    submit(results, project, sample_id, lambda result: [answer])
    assert load(results, project, annotations="all")["fields"] == {"weather_unknown": {sample_id: [1, 0, 0]}}


def test_of_very_many_samples_some_are_only_counted(make_dataset, monkeypatch):
    monkeypatch.setattr(field_merge, "MAX_CHANGED", 2)
    dataset = make_dataset(*({"gt": boxes("cat")} for _ in range(5)))
    results, project = annotate_in_memory(dataset, "run", BOXES)
    for sample_id in dataset.values("id"):
        submit(results, project, sample_id, lambda result: [])
    changes = load(results, project)
    assert len(changes["fields"]["gt"]) == 2
    assert changes["not_listed"] == 3
