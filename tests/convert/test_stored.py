from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.stored import StoredLabel, StoredLabels, labels_of
from fo_labelstudio.convert.task.write import problems_of, to_task
from tests.convert import strategies
from tests.convert.spanned import record_of


@pytest.mark.parametrize("label_type", [label_type for label_type in LABEL_TYPES if label_type != "scalar"])
@given(data=st.data())
def test_stored_labels_make_the_tasks_that_the_objects_make(label_type, data):
    field, labels, media = data.draw(strategies.cases(label_type))
    tasks = []
    for value in (StoredLabels(StoredLabel(label.to_dict()) for label in labels), StoredLabels(labels)):
        record = record_of("6b01070a57a5240a9753b925", field, value, media)
        assert list(problems_of(record, [field])) == []
        tasks.append(to_task(record, [field], "u", "run"))
    assert tasks[0] == tasks[1]


def test_the_labels_of_a_stored_value_are_those_of_the_object():
    box = fo.Detection(label="cat", bounding_box=[0, 0, 1, 1], mask=np.ones((2, 2), bool), colour="red")
    value = fo.Detections(detections=[box])
    (label,) = labels_of(StoredLabels.of(value.to_dict()))
    assert (label.id, label.label, label.colour, label.confidence) == (box.id, "cat", "red", None)
    assert label.mask.tolist() == box.mask.tolist()
    (alone,) = StoredLabels.of(box.to_dict())
    assert alone.bounding_box == [0, 0, 1, 1]
    assert StoredLabels.of(None) == [] and StoredLabels.of(fo.Detections().to_dict()) == []


def test_an_attribute_in_the_dict_of_attributes_is_found():
    box = fo.Detection(label="cat", attributes={"colour": fo.CategoricalAttribute(value="red")}, speed=3)
    label = StoredLabel(box.to_dict())
    assert label.get_attribute_value("colour") == "red"
    assert label.get_attribute_value("speed") == 3
    assert label.get_attribute_value("nothing", "default") == "default"
