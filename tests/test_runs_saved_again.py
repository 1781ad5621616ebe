"""Runs that are saved and loaded again, and labels that are made anew, when the dataset has moved on."""

from __future__ import annotations

import fiftyone as fo
import pytest

from tests.support import stored

pytestmark = pytest.mark.server

LOGGER = "fiftyone.fo_labelstudio"


def box():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.9)])


def annotate(dataset, connection, schema):
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = results.tasks.values()
    return results, task_id


BOXES = {"gt": {"type": "detections", "classes": ["cat"]}}
CAPTION = {"caption": {"type": "scalar"}}


def write(text):
    """An edit that writes a text."""

    def edit(result):
        result[0]["value"]["text"] = [text]
        return result

    return edit


def test_a_run_whose_results_are_saved_after_a_load_is_loaded_again(make_dataset, connection, annotator):
    dataset = make_dataset({"gt": box()})
    results, task_id = annotate(dataset, connection, BOXES)
    annotator.submit(task_id)
    for _ in range(2):
        dataset.load_annotations("run", **connection)
        results.save()
        results.save()
    before = stored(dataset)
    dataset.reload()
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before


def test_a_run_is_loaded_once_more_after_its_field_and_then_the_destination_left(make_dataset, connection, annotator):
    dataset = make_dataset({"gt": box()})
    annotator.submit(annotate(dataset, connection, BOXES)[1])
    label = dataset.first().gt.detections[0]
    dataset.load_annotations("run", dest_field="new", **connection)
    dataset.delete_sample_field("gt")
    dataset.load_annotations("run", dest_field="new", **connection)
    dataset.delete_sample_field("new")
    dataset.load_annotations("run", dest_field="new", **connection)
    dataset.reload()
    (remade,) = dataset.first().new.detections
    assert (remade.id, remade.bounding_box, remade.confidence) == (label.id, [0.1, 0.1, 0.2, 0.2], 0.9)


def test_values_made_anew_elsewhere_follow_an_edit_that_is_taken_back(make_dataset, connection, annotator, caplog):
    dataset = make_dataset({"caption": "hello"})
    _, task_id = annotate(dataset, connection, CAPTION)
    sent = annotator.preloaded(task_id)
    made = annotator.submit(task_id, write("changed"))
    dataset.delete_sample_field("caption")
    dataset.load_annotations("run", dest_field={"caption": "new"}, **connection)
    dataset.reload()
    assert dataset.values("new") == ["changed"]
    annotator.call("PATCH", f"/api/annotations/{made['id']}/", json={"result": sent})
    caplog.clear()
    with caplog.at_level("WARNING", LOGGER):
        dataset.load_annotations("run", dest_field={"caption": "new"}, **connection)
    dataset.reload()
    assert dataset.values("new") == ["hello"]
    assert "loading into 'new'" not in caplog.text


@pytest.mark.parametrize("edit", [lambda result: result, write("changed")], ids=["accepted", "edited"])
def test_values_made_anew_are_counted_as_added(make_dataset, connection, annotator, caplog, edit):
    dataset = make_dataset({"caption": "hello"})
    annotator.submit(annotate(dataset, connection, CAPTION)[1], edit)
    dataset.delete_sample_field("caption")
    with caplog.at_level("INFO", LOGGER):
        dataset.load_annotations("run", **connection)
    assert "Field 'caption': 1 labels added, 0 edited, 0 deleted" in caplog.text
    assert "made 1 labels of answered tasks again" in caplog.text


@pytest.mark.parametrize("is_gone", [True, False])
def test_labels_that_nobody_may_delete_are_made_anew_and_copied_too(
    make_dataset, connection, annotator, caplog, is_gone
):
    dataset = make_dataset({"gt": box()})
    label = dataset.first().gt.detections[0]
    restricted = {"gt": {**BOXES["gt"], "allow_deletions": False}}
    annotator.submit(annotate(dataset, connection, restricted)[1], lambda result: [])
    if is_gone:
        dataset.delete_sample_field("gt")
    with caplog.at_level("INFO", LOGGER):
        dataset.load_annotations("run", dest_field="new", **connection)
    dataset.reload()
    (there,) = dataset.first().new.detections
    assert (there.id, there.bounding_box, there.confidence) == (label.id, [0.1, 0.1, 0.2, 0.2], 0.9)
    assert "ignored 1 changes because of allow_deletions=False" in caplog.text
    before = stored(dataset)
    dataset.load_annotations("run", dest_field="new", **connection)
    assert stored(dataset) == before
