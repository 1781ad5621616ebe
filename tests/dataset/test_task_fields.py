from __future__ import annotations

import math
from datetime import date, datetime

import fiftyone as fo
import pytest

from fo_labelstudio.dataset.task_fields import check_task_fields, date_fields, to_data
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database

VALUES = {
    "tags": ["train", "hard"],
    "uniqueness": 0.25,
    "count": 3,
    "good": True,
    "title": "it's <b> 日本",
    "day": date(2020, 2, 29),
    "at": datetime(2020, 2, 29, 1, 2, 3, 4000),
    "scores": [0.5, 1.0],
    "metadata": fo.ImageMetadata(width=640, height=480),
    "weather": fo.Classification(label="sunny"),
    "boxes": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])]),
    "a__b": "c",
}


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(VALUES, {"uniqueness": math.nan})


def shown(dataset, *names):
    check_task_fields(dataset, names)
    columns = dataset.values(list(names), _raw=True)
    dates = date_fields(dataset, names)
    return [to_data(dict(zip(names, row, strict=True)), dates) for row in zip(*columns, strict=True)]


def test_values_are_what_the_data_manager_shows_and_finds(dataset):
    names = ("tags", "uniqueness", "count", "good", "title", "day", "at", "scores", "metadata.width", "weather.label")
    assert shown(dataset, *names, "a__b") == [
        {
            "tags": "train, hard",
            "uniqueness": 0.25,
            "count": 3,
            "good": "true",
            "title": "it's <b> 日本",
            "day": "2020-02-29",
            "at": "2020-02-29T01:02:03.004Z",
            "scores": "0.5, 1.0",
            "metadata_width": 640,
            "weather_label": "sunny",
            "a_b": "c",
        },
        {},
    ]


def test_a_zero_byte_which_no_postgresql_stores_is_shown_as_an_unknown_character(make_dataset):
    assert shown(make_dataset({"title": "a\0b"}), "title") == [{"title": "a\ufffdb"}]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["uniquenes"], "the samples have no field 'uniquenes'; did you mean 'uniqueness'?"),
        (["zzz"], "the samples have no field 'zzz'; see dataset.get_field_schema"),
        (["id"], "'id' is a name that each task uses itself"),
        (["weather"], "'weather' holds labels, which are annotated with label_field=; pass 'weather.label'"),
        (["boxes"], "'boxes' holds labels, which are annotated with label_field=, or leave it out"),
        (["boxes.detections.label"], "'boxes.detections.label' is inside a list"),
        (["metadata"], "'metadata' holds several fields; pass one of them, such as 'metadata.size_bytes'"),
        (["metadata.width", "metadata_width"], "would both be 'metadata_width'"),
    ],
)
def test_fields_that_tasks_cannot_carry_are_refused_with_the_remedy(dataset, names, message):
    dataset.add_sample_field("metadata_width", fo.IntField)
    with pytest.raises(LabelSchemaError, match="task_fields cannot be shown") as caught:
        check_task_fields(dataset, names)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["image", "sample_id", "filename"])
def test_fields_named_like_what_each_task_carries_are_refused(dataset, name):
    dataset.add_sample_field(name, fo.StringField)
    with pytest.raises(LabelSchemaError, match=f"'{name}' is a name that each task uses itself"):
        check_task_fields(dataset, [name])
