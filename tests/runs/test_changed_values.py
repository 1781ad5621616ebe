"""Answers about values of samples that are others, or gone, by the time that they are loaded."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory

pytestmark = pytest.mark.database

VALUES = {
    "text": ("Ann sits", "Ann stood"),
    "html": ("<p>Ann</p>", "<b>Ann"),
    "turns": ([{"author": "Ann", "text": "Hi"}], ["Hi"]),
    "table": ('{"kind": "a"}', "no JSON"),
    "series": ({"a": [1]}, {"a": ["1"]}),
}
"""The key of the label schema -> a value, and another one; which may be none that can be shown."""


@pytest.fixture(params=VALUES)
def key(request):
    return request.param


@pytest.fixture
def answered(make_dataset, key):
    """A dataset of one sample, its run, and a project in which somebody has chosen a class of what is shown."""
    dataset = make_dataset({"shown": VALUES[key][0]})
    schema = {"kind": {"type": "classification", key: "shown", "classes": ["a", "b"]}}
    results, project = annotate_in_memory(dataset, "run", schema)
    to_name = f"shown%.{SHOWN_AS[key].name}"
    chosen = {"id": "a", "from_name": "kind", "to_name": to_name, "type": "choices", "value": {"choices": ["a"]}}
    project.submit(1, lambda result: [chosen])
    return dataset, results, project


def load(dataset, results, project):
    load_run(results, LoadOptions(), project)
    results.save()
    dataset.reload()
    return dataset.first().kind if dataset.has_field("kind") else None


def set_value(dataset, value):
    dataset._sample_collection.update_many({}, {"$set": {"shown": value}})
    dataset.reload()


def test_what_was_answered_about_another_value_is_loaded_once_the_sample_has_that_again(answered, key, caplog):
    dataset, results, project = answered
    set_value(dataset, VALUES[key][1])
    assert load(dataset, results, project) is None
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "its 'shown' was changed after it was sent, so what was answered about it for 'kind' is of another" in told
    assert "give it the value that its task has, and load again" in told
    set_value(dataset, VALUES[key][0])
    assert load(dataset, results, project).label == "a"


def test_a_field_that_is_gone_is_told_as_such(answered, caplog):
    dataset, results, project = answered
    dataset.rename_sample_field("shown", "renamed")
    assert load(dataset, results, project) is None
    assert "the dataset has no field 'shown' any more, which the labels of 'kind' are on; left alone" in caplog.text
    dataset.rename_sample_field("renamed", "shown")
    assert load(dataset, results, project).label == "a"
