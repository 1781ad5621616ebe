"""The samples of a run on which annotators do not say the same."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.runs.disagreements import disagreements
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory

pytestmark = pytest.mark.database

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}
PEOPLE = {1: "ann@example.org", 2: "bob@example.org"}


def boxes(*names):
    return fo.Detections(detections=[fo.Detection(label=name, bounding_box=[0.1, 0.1, 0.3, 0.3]) for name in names])


def relabelled(number):
    def edit(result):
        changed = [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result[:number]]
        return [*changed, *result[number:]]

    return edit


def test_they_are_a_view_the_worst_first_of_those_that_two_have_answered(make_dataset):
    dataset = make_dataset(*({"gt": boxes("cat", "cat")} for _ in range(4)))
    results, project = annotate_in_memory(dataset, "run", SCHEMA)
    project.users = PEOPLE
    same, half, all_of_it, alone = dataset.values("id")
    for sample_id, number in ((same, 0), (half, 1), (all_of_it, 2)):
        project.submit(results.tasks[sample_id], completed_by=1)
        project.submit(results.tasks[sample_id], relabelled(number), completed_by=2)
    project.submit(results.tasks[alone], completed_by=1)
    load_run(results, LoadOptions.of({"annotations": "all"}, results.config), project)
    dataset.reload()
    assert disagreements(dataset, "run").values("id") == [all_of_it, half]


def test_without_answers_of_two_annotators_it_says_how_to_load(make_dataset):
    dataset = make_dataset({"gt": boxes("cat")})
    annotate_in_memory(dataset, "run", SCHEMA)
    with pytest.raises(SettingsError, match="annotations='all'"):
        disagreements(dataset, "run")
