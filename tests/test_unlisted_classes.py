"""Existing labels and values outside of ``classes``: left alone and counted, or refused."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.errors import SampleError, SettingsError
from tests.support import stored

pytestmark = [pytest.mark.database, pytest.mark.server]


def box(label, **values):
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2], **values)


def annotate(dataset, connection, **arguments):
    return dataset.annotate("key", **{"backend": "labelstudio", "attributes": False, **arguments, **connection})


def test_labels_of_other_classes_are_not_sent_never_touched_and_counted_in_one_line(
    make_dataset, connection, annotator, caplog
):
    labels = [box("cat", confidence=0.9), box("car"), box("bus", mask_path="/no/such.png"), box(None)]
    dataset = make_dataset(
        {"gt": fo.Detections(detections=labels), "kind": fo.Classification(label="indoors")},
        {"gt": fo.Detections(detections=[box("car")]), "kind": fo.Classification(label="day")},
    )
    before = stored(dataset)
    schema = {"gt": {"type": "detections", "classes": ["cat", "dog"]}, "kind": {"classes": ["day", "night"]}}
    results = annotate(dataset, connection, label_schema=schema)
    first, second = dataset.values("id")
    # One without a class is of no other class.
    assert [region["id"] for region in annotator.preloaded(results.tasks[first])] == [labels[0].id, labels[3].id]
    lines = [record.getMessage() for record in caplog.records if "are not sent" in record.getMessage()]
    assert lines == [
        "Field 'gt': 2 labels are not sent and stay as they are, because `classes` does not have their class: 'car'; "
        "unlisted_classes='refuse' refuses them",
        "Field 'kind': 1 labels are not sent and stay as they are, because `classes` does not have their class: "
        "'indoors'; "
        "unlisted_classes='refuse' refuses them",
    ]

    def edit(result):
        choice = {"id": "new", "from_name": "kind", "to_name": "image", "type": "choices"}
        return [*result[1:], {**choice, "value": {"choices": ["night"]}}]

    annotator.submit(results.tasks[first], edit)
    annotator.submit(results.tasks[second])
    dataset.load_annotations("key", **connection)
    after = stored(dataset)
    assert after[second] == before[second]
    # The only label that was sent was deleted; an answer does not take the place of what nobody was shown.
    assert after[first]["gt"]["detections"] == before[first]["gt"]["detections"][1:]
    assert after[first]["kind"] == before[first]["kind"]


@pytest.mark.parametrize("setting", ["Leave", True, "drop"])
def test_the_setting_is_one_of_two(make_dataset, setting):
    with pytest.raises(SettingsError, match=r"unlisted_classes is .*, expected 'leave' or 'refuse'"):
        annotate(make_dataset({"gt": box("cat")}), {}, label_field="gt", unlisted_classes=setting)


def test_they_can_be_refused(make_dataset, connection):
    dataset = make_dataset({"gt": fo.Detections(detections=[box("cat"), box("car")])})
    with pytest.raises(SampleError, match="its class 'car' is not among the classes of the label schema") as error:
        annotate(dataset, connection, label_field="gt", classes=["cat"], unlisted_classes="refuse")
    assert len(error.value.problems) == 1
    assert dataset.list_annotation_runs() == []


def test_values_that_cannot_be_chosen_stay_too(make_dataset, connection, annotator):
    dataset = make_dataset({"weather": "hail", "tags": ["b", "mine", "a"]}, {"weather": "sun", "tags": ["mine"]})
    schema = {"weather": {"classes": ["sun", "rain"]}, "tags": {"classes": ["a", "b", "c"]}}
    results = annotate(dataset, connection, label_schema=schema)
    first, second = dataset.values("id")
    sent = {region["from_name"]: region["value"] for region in annotator.preloaded(results.tasks[first])}
    assert sent == {"tags": {"choices": ["a", "b"]}}

    def answer(result):
        region = {"id": "r", "from_name": "weather", "to_name": "image", "type": "choices"}
        others = [{**item, "value": {"choices": ["c", "b"]}} for item in result if item["from_name"] == "tags"]
        return [*others, {**region, "value": {"choices": ["rain"]}}]

    annotator.submit(results.tasks[first], answer)
    annotator.submit(results.tasks[second], answer)
    dataset.load_annotations("key", **connection)
    dataset.reload()
    assert dataset[first].tags == ["b", "mine", "c"]
    assert dataset[first].weather == "hail"
    assert dataset[second].tags == ["mine"]
    assert dataset[second].weather == "rain"
