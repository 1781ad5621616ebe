"""Labels of a class that a user derived from one of FiftyOne's."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.fields as fof
import pytest

from fo_labelstudio.convert.stored import label_of
from fo_labelstudio.errors import RegionError
from tests.support import stored


class Vehicle(fo.Detection):
    """A label of a user's own."""

    plate = fof.StringField()


def annotate(dataset, connection, label_type):
    schema = {"gt": {"type": label_type, "classes": ["cat", "dog"]}}
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)


def move_first(result):
    """Moves the first box to x = 30 %."""
    result[0]["value"]["x"] = 30
    return result


def test_a_stored_label_is_read_as_its_own_class():
    label = Vehicle(label="cat", bounding_box=[0, 0, 1, 1], plate="B-1")
    read = label_of(label.to_dict())
    assert type(read) is Vehicle
    assert (read.id, read.plate) == (label.id, "B-1")


def test_a_stored_label_of_a_class_that_nobody_imported_is_refused():
    doc = {**fo.Detection(label="cat").to_dict(), "_cls": "NobodyKnowsIt"}
    with pytest.raises(RegionError, match="its class 'NobodyKnowsIt' is not known here; import the module that"):
        label_of(doc)


@pytest.mark.server
def test_labels_of_a_derived_class_are_edited_in_place_and_keep_their_class(make_dataset, connection, annotator):
    labels = [
        Vehicle(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], plate="B-1", confidence=0.9),
        Vehicle(label="dog", bounding_box=[0.5, 0.5, 0.25, 0.25], plate="B-2"),
    ]
    dataset = make_dataset({"gt": fo.Detections(detections=labels)})
    (before,) = (doc["gt"]["detections"] for doc in stored(dataset).values())
    (task_id,) = annotate(dataset, connection, "detections").tasks.values()
    annotator.submit(task_id, lambda result: [*move_first(result), {**result[1], "id": "drawn"}])
    dataset.load_annotations("run")
    (after,) = (doc["gt"]["detections"] for doc in stored(dataset).values())
    assert after[:2] == [{**before[0], "bounding_box": [0.3, *before[0]["bounding_box"][1:]]}, before[1]]
    dataset.reload()
    assert [type(label) for label in dataset.first().gt.detections] == [Vehicle, Vehicle, fo.Detection]


@pytest.mark.server
def test_labels_of_a_derived_class_are_edited_in_a_field_of_one(make_dataset, connection, annotator):
    label = Vehicle(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], plate="B-1")
    dataset = make_dataset({"gt": label})
    (before,) = (doc["gt"] for doc in stored(dataset).values())
    (task_id,) = annotate(dataset, connection, "detection").tasks.values()
    annotator.submit(task_id, move_first)
    dataset.load_annotations("run")
    (after,) = (doc["gt"] for doc in stored(dataset).values())
    assert after == {**before, "bounding_box": [0.3, *before["bounding_box"][1:]]}
