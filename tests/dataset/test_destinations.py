from __future__ import annotations

import fiftyone as fo
import fiftyone.core.fields as fof
import pytest

from fo_labelstudio.dataset.destinations import check_destination, holder_of
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database


@pytest.fixture
def dataset(make_dataset):
    box = fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])
    dataset = make_dataset({"gt": fo.Detections(detections=[box]), "text": "words"})
    dataset.add_sample_field("empty", fof.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    return dataset


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "its name is blank"),
        ("_x", "Field names cannot start with '_'"),
        ("a$b", "Field names cannot contain"),
        ("id", "'id' is FiftyOne's own"),
        ("get_field", "FiftyOne uses the name 'get_field' itself"),
        ("text.b", "'text' is not a field of one embedded"),
        ("nothing.b", "'nothing' is not a field of one embedded"),
        ("gt.detections.b", "'gt.detections' is not a field of one"),
    ],
)
def test_a_destination_that_no_field_can_be_is_refused(dataset, path, message):
    with pytest.raises(LabelSchemaError, match=message):
        check_destination(Place(dataset, path), "gt")


def test_a_field_that_is_gone_with_what_was_around_it_may_come_back(dataset):
    assert check_destination(Place(dataset, "nothing.b"), "nothing.b") is None


def test_the_holder_of_labels_is_the_field_that_has_most_of_them(dataset):
    sample = dataset.first()
    ids = {sample.id: {sample.gt.detections[0].id}}
    assert holder_of(Place(dataset, "any"), ids, fo.Detections) == "gt"
    assert holder_of(Place(dataset, "any"), ids, fo.Detections, without=["gt"]) is None
    assert holder_of(Place(dataset, "any"), {sample.id: {"6b01070a57a5240a9753b925"}}, fo.Detections) is None
