"""Predictions of a better model on the tasks of a run: what is sent, what stays, and what comes home."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId

from fo_labelstudio.errors import LabelSchemaError, RunError, SampleError, ServerError, SettingsError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.upload_predictions import Asked, refresh
from tests.memory import MemoryPredictions, annotate_in_memory
from tests.support import comparable, stored

pytestmark = [pytest.mark.database, pytest.mark.sampled]

BOXES = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}


def box(label="cat", x=0.1, **values):
    return fo.Detection(label=label, bounding_box=[x, 0.2, 0.3, 0.4], **values)


def boxes(*labels):
    return fo.Detections(detections=list(labels))


def send(dataset, schema=BOXES):
    results, project = annotate_in_memory(dataset, "run", schema)
    return results, MemoryPredictions(project)


def ask(results, samples, sink, label_field, model_version="better", **options):
    return refresh(results, samples, Asked(label_field, model_version, **options), sink)


def load(results, project, **options):
    load_run(results, LoadOptions(**options), project)
    results.save()


def moved(result):
    result[0]["value"]["x"] += 10
    return result


@pytest.fixture
def sent(make_dataset):
    """Two samples whose run's field and another field hold a box each; the run is sent."""
    dataset = make_dataset(
        *({"gt": boxes(box(confidence=0.3)), "new": boxes(box("dog", 0.15, confidence=0.9))} for _ in range(2))
    )
    return dataset, *send(dataset)


class TestWhatIsSent:
    def test_each_task_gets_a_prediction_beside_its_own_and_people_start_from_it(self, sent):
        dataset, results, project = sent
        report = ask(results, dataset, project, "new")
        assert (report.added, report.replaced, report.unchanged) == (2, 0, 0)
        for task in project.by_id.values():
            old, new = task["predictions"]
            assert (old["model_version"], new["model_version"]) == ("FiftyOne", "better")
            assert new["result"][0]["value"]["rectanglelabels"] == ["dog"] and new["score"] == 0.9
        assert project.model_version == "better" and project.calls == ["add", "start from"]

    def test_the_same_call_again_changes_nothing(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        before, project.calls = str(project.by_id), []
        report = ask(results, dataset, project, "new")
        assert (report.added, report.replaced, report.unchanged) == (0, 0, 2)
        assert str(project.by_id) == before and project.calls == ["start from"]

    def test_labels_that_changed_take_the_place_of_those_of_the_same_model_in_the_same_prediction(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        numbers = [task["predictions"][1]["id"] for task in project.by_id.values()]
        dataset.set_values("new.detections.label", [["cat"], ["dog"]])
        report = ask(results, dataset, project, "new")
        assert (report.replaced, report.unchanged) == (1, 1)
        first, second = project.by_id.values()
        assert [task["predictions"][1]["id"] for task in (first, second)] == numbers
        assert first["predictions"][1]["result"][0]["value"]["rectanglelabels"] == ["cat"]

    def test_a_new_score_alone_is_sent_too(self, sent):
        dataset, results, project = sent
        dataset.set_values("uniqueness", [0.25, 0.5])
        ask(results, dataset, project, "new")
        report = ask(results, dataset, project, "new", score_field="uniqueness", score_order="highest")
        assert report.replaced == 2
        assert [task["predictions"][1]["score"] for task in project.by_id.values()] == [0.75, 0.5]

    def test_what_annotate_has_sent_can_be_replaced_as_well(self, sent):
        dataset, results, project = sent
        report = ask(results, dataset, project, "new", "FiftyOne")
        assert report.replaced == 2
        assert [len(task["predictions"]) for task in project.by_id.values()] == [1, 1]

    def test_answered_tasks_are_left_alone_unless_asked(self, sent):
        dataset, results, project = sent
        first, second = (results.tasks[sample_id] for sample_id in dataset.values("id"))
        project.answer(first)
        assert ask(results, dataset, project, "new").answered == 1
        assert [len(project.by_id[number]["predictions"]) for number in (first, second)] == [1, 2]
        assert ask(results, dataset, project, "new", answered=True).added == 1
        assert [len(project.by_id[number]["predictions"]) for number in (first, second)] == [2, 2]

    def test_skipped_tasks_are_not_answered(self, sent):
        dataset, results, project = sent
        project.answer(results.tasks[dataset.first().id], was_cancelled=True)
        assert ask(results, dataset, project, "new").added == 2

    def test_where_the_model_sees_nothing_people_start_from_nothing(self, sent):
        dataset, results, project = sent
        dataset.set_values("new.detections", [[], None])
        ask(results, dataset, project, "new")
        assert [project.opened(task_id)[1] for task_id in project.by_id] == [[], []]
        assert ask(results, dataset, project, "new").unchanged == 2

    def test_labels_of_the_other_fields_of_the_run_are_sent_along(self, make_dataset):
        weather = fo.Classification(label="sun")
        dataset = make_dataset({"gt": boxes(box()), "weather": weather, "new": boxes(box("dog"))})
        schema = {**BOXES, "weather": {"type": "classification", "classes": ["sun"], "existing_field": True}}
        results, project = send(dataset, schema)
        ask(results, dataset, project, "new")
        (task_id,) = project.by_id
        assert [region["from_name"] for region in project.opened(task_id)[1]] == ["gt", "weather"]

    def test_open_tasks_without_a_prediction_of_the_model_are_told(self, sent, caplog):
        dataset, results, project = sent
        ask(results, dataset.limit(1), project, "new")
        assert "1 open tasks have no prediction of 'better', such as task 2" in caplog.text

    def test_what_people_start_from_can_stay(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new", start_from=False)
        assert project.model_version == "FiftyOne"

    def test_predictions_are_sent_in_blocks(self, make_dataset):
        dataset = make_dataset(*({"gt": boxes(box())} for _ in range(5)))
        results, project = send(dataset)
        project.max_tasks = 2
        ask(results, dataset, project, "gt")
        assert project.calls == ["add"] * 3 + ["start from"]

    def test_samples_without_a_task_are_counted(self, sent, caplog):
        dataset, results, project = sent
        del results.tasks[dataset.last().id]
        assert ask(results, dataset, project, "new").without_task == 1
        assert "1 samples have no task in the run" in caplog.text


class TestWhatIsRefused:
    def test_labels_that_do_not_fit_are_named_with_field_class_and_sample_before_anything_is_sent(self, sent):
        dataset, results, project = sent
        dataset.set_values("new.detections.label", [["bird"], ["fish"]])
        with pytest.raises(SampleError) as error:
            ask(results, dataset, project, "new")
        first, second = dataset.values("id")
        for sample_id, name in ((first, "bird"), (second, "fish")):
            assert f"field 'new', sample {sample_id}, label " in str(error.value)
            assert f"its class {name!r} is not among the classes" in str(error.value)
        assert project.calls == []

    def test_a_class_that_the_project_no_longer_has_is_refused(self, sent):
        dataset, results, project = sent
        project.labeling_config = project.labeling_config.replace('<Label value="dog"', '<Label value="cow"')
        with pytest.raises(SampleError, match="its class 'dog' is not among the classes"):
            ask(results, dataset, project, "new")

    def test_a_control_tag_that_the_project_no_longer_has_is_refused(self, sent):
        dataset, results, project = sent
        project.labeling_config = "<View><Image name='image' value='$image'/></View>"
        with pytest.raises(LabelSchemaError, match=r"field 'new': the labeling config .* has no control tag 'gt'"):
            ask(results, dataset, project, "new")

    @pytest.mark.parametrize(
        ("label_field", "error", "message"),
        [
            ("nwe", LabelSchemaError, "has no field 'nwe'; did you mean 'new'"),
            ("tag", LabelSchemaError, "'tag' holds no labels of a type of the run's fields, which are 'gt'"),
            ({"gt": "tag"}, LabelSchemaError, "'tag' cannot stand for field 'gt'"),
            ({"boxes": "new"}, SettingsError, "names 'boxes', which is no field of the run"),
            (3, SettingsError, "label_field is 3, expected a field"),
        ],
    )
    def test_fields_that_make_no_sense_are_named(self, sent, label_field, error, message):
        dataset, results, project = sent
        dataset.set_values("tag", ["a", "b"])
        with pytest.raises(error, match=message):
            ask(results, dataset, project, label_field)

    def test_a_field_that_may_stand_for_several_is_a_question(self, make_dataset):
        dataset = make_dataset({"gt": boxes(box()), "more": boxes(), "new": boxes(box())})
        results, project = send(dataset, {**BOXES, "more": BOXES["gt"]})
        with pytest.raises(SettingsError, match=r"may stand for \['gt', 'more'\].*label_field=\{'gt': 'new'\}"):
            ask(results, dataset, project, "new")

    def test_the_name_of_predictions_of_others_is_refused(self, sent):
        dataset, results, project = sent
        project.add_predictions([b'{"task": 1, "model_version": "theirs", "result": []}'])
        with pytest.raises(
            RunError, match="'theirs' that annotation run 'run' has not made; pass another model_version"
        ):
            ask(results, dataset, project, "new", "theirs")

    def test_samples_of_another_run_are_refused(self, sent, make_dataset):
        dataset, results, project = sent
        results.tasks = {str(ObjectId()): 1}
        with pytest.raises(RunError, match="none of the 2 samples has a task"):
            ask(results, dataset, project, "new")

    @pytest.mark.parametrize("model_version", ["", " ", None, "FiftyOne " + "5e" * 12])
    def test_a_name_that_is_none_is_refused(self, sent, model_version):
        dataset, results, _ = sent
        with pytest.raises(SettingsError, match=r"model_version is .*, expected a name"):
            results.upload_predictions(dataset, "new", model_version)


class TestInterrupted:
    @pytest.mark.parametrize("is_lost", [False, True])
    def test_at_any_call_the_same_call_continues_and_no_task_is_ever_without_a_prediction(
        self, make_dataset, is_lost, monkeypatch
    ):
        dataset = make_dataset(*({"gt": boxes(box()), "new": boxes(box("dog"))} for _ in range(5)))
        results, project = send(dataset)
        project.max_tasks = 2
        ask(results, dataset.limit(3), project, "new")
        dataset.set_values("new.detections.label", [["cat"]] * 5)
        for number in range(1, 8):
            project.calls, project.fail_at, project.is_lost = [], number, is_lost
            try:
                ask(results, dataset, project, "new")
            except ServerError:
                for task in project.by_id.values():
                    versions = [prediction["model_version"] for prediction in task["predictions"]]
                    assert versions in (["FiftyOne"], ["FiftyOne", "better"])
                continue
            break
        assert number > 2
        project.calls, project.fail_at = [], 0
        assert ask(results, dataset, project, "new").unchanged == 5
        for task_id in project.by_id:
            assert project.opened(task_id)[1][0]["value"]["rectanglelabels"] == ["cat"]

    def test_what_is_there_twice_is_deleted(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        for task in project.by_id.values():
            task["predictions"].append({**task["predictions"][1], "id": task["predictions"][1]["id"] + 50})
        ask(results, dataset, project, "new")
        assert [len(task["predictions"]) for task in project.by_id.values()] == [2, 2]


SCHEMAS = {
    "detections": boxes(box("dog", confidence=0.123456789, tags=["a"], colour="red", index=3)),
    "polylines": fo.Polylines(
        polylines=[fo.Polyline(label="dog", points=[[[0.1, 0.2], [1 / 3, 0.4]]], confidence=0.7, colour="red")]
    ),
    "keypoints": fo.Keypoints(
        keypoints=[fo.Keypoint(label="dog", points=[[1 / 3, 0.2], [0.3, 0.4]], confidence=[0.5, 0.25])]
    ),
    "instances": boxes(
        fo.Detection(label="dog", bounding_box=[0.25, 0.25, 0.5, 0.5], mask=np.eye(24, 32) > 0, confidence=0.4)
    ),
    "classification": fo.Classification(label="dog", confidence=0.4, tags=["a"]),
    "classifications": fo.Classifications(
        classifications=[fo.Classification(label="dog", confidence=0.4), fo.Classification(label="cat", logits=[1.5])]
    ),
    "segmentation": fo.Segmentation(mask=np.tile(np.array([0, 1, 2, 1], np.uint8), (48, 16)), tags=["b"]),
}


@pytest.fixture(params=SCHEMAS)
def every_type(request, make_dataset):
    """A run whose field is empty, and another field with labels of its type."""
    value = SCHEMAS[request.param]
    dataset = make_dataset({"new": value.copy()}, {"new": value.copy()})
    dataset.add_sample_field("gt", fo.EmbeddedDocumentField, embedded_doc_type=type(value))
    info = {"type": request.param, "classes": ["cat", "dog"], "existing_field": True, "attributes": False}
    if request.param == "segmentation":
        info["mask_targets"] = {1: "cat", 2: "dog"}
    return dataset, *send(dataset, {"gt": info})


class TestWhatComesHome:
    def test_accepted_labels_of_another_field_arrive_with_all_that_they_have(self, every_type):
        dataset, results, project = every_type
        ask(results, dataset, project, "new")
        first, second = dataset.values("id")
        project.answer(results.tasks[first])
        before = stored(dataset)
        load(results, project)
        after = stored(dataset)
        assert after[first]["gt"] == before[first]["new"] == after[first]["new"]
        assert after[second] == before[second]

    def test_a_second_load_changes_nothing(self, every_type):
        dataset, results, project = every_type
        ask(results, dataset, project, "new")
        project.answer(results.tasks[dataset.first().id])
        load(results, project)
        before = stored(dataset)
        load(results, project)
        assert stored(dataset) == before

    def test_accepted_labels_of_the_runs_own_field_stay_bit_identical(self, every_type):
        dataset, results, project = every_type
        dataset.set_values("gt", dataset.values("new"))
        ask(results, dataset, project, "gt")
        project.answer(results.tasks[dataset.first().id])
        before = stored(dataset)
        load(results, project)
        assert stored(dataset) == before

    def test_labels_whose_field_is_gone_are_made_from_their_regions(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        label_id = dataset.first().new.detections[0].id
        project.answer(results.tasks[dataset.first().id])
        dataset.delete_sample_field("new")
        load(results, project)
        _, label = dataset.first().gt.detections
        assert (label.id, label.label, label.confidence) == (label_id, "dog", 0.9)

    def test_an_edit_keeps_what_the_label_had_besides(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        source = dataset.first().new.detections[0]
        project.answer(results.tasks[dataset.first().id], moved)
        load(results, project)
        label = dataset.first().gt.detections[-1]
        assert (label.id, label.confidence, label.label) == (source.id, 0.9, "dog")
        assert label.bounding_box == pytest.approx([0.25, 0.2, 0.3, 0.4])
        assert dataset.first().new.detections[0] == source

    def test_labels_that_the_annotator_deleted_do_not_come(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        before = stored(dataset)
        project.answer(results.tasks[dataset.first().id], lambda result: [])
        load(results, project)
        assert stored(dataset) == before

    def test_labels_of_the_run_that_were_not_shown_stay_and_are_told(self, sent, caplog):
        dataset, results, project = sent
        (kept,) = dataset.first().gt.detections
        ask(results, dataset, project, "new")
        project.answer(results.tasks[dataset.first().id])
        load(results, project)
        assert dataset.first().gt.detections[0] == kept and len(dataset.first().gt.detections) == 2
        assert "the annotation started from labels of field 'new'" in caplog.text

    def test_a_label_of_a_field_of_one_label_takes_the_place_of_the_other(self, make_dataset):
        dataset = make_dataset(
            {
                "gt": fo.Classification(label="cat", confidence=0.1),
                "new": fo.Classification(label="dog", confidence=0.9),
            }
        )
        schema = {"gt": {"type": "classification", "classes": ["cat", "dog"], "existing_field": True}}
        results, project = send(dataset, schema)
        ask(results, dataset, project, "new")
        project.answer(1)
        for _ in range(2):
            load(results, project)
            assert stored(dataset)[dataset.first().id]["gt"] == stored(dataset)[dataset.first().id]["new"]

    def test_a_value_of_another_scalar_field_takes_the_place_of_the_value(self, make_dataset):
        dataset = make_dataset({"count": 1.5, "new": 2.5}, {"count": None, "new": 3.5})
        results, project = send(dataset, {"count": {"type": "scalar", "existing_field": True}})
        ask(results, dataset, project, {"count": "new"})
        for task_id in project.by_id:
            project.answer(task_id)
        load(results, project)
        assert dataset.values("count") == [2.5, 3.5]
        dataset.set_values("count", [7.0, None])
        load(results, project)
        assert dataset.values("count") == [7.0, None]

    def test_labels_deleted_in_the_new_prediction_are_deleted_from_the_runs_field(self, sent):
        dataset, results, project = sent
        dataset.set_values("gt", dataset.values("new"))
        ask(results, dataset, project, "gt")
        project.answer(results.tasks[dataset.first().id], lambda result: [])
        load(results, project)
        assert dataset.values("gt.detections.label") == [[], ["dog"]]

    def test_labels_of_a_changed_copy_of_the_field_take_the_place_of_those_with_their_ids(self, sent):
        dataset, results, project = sent
        dataset.clone_sample_field("gt", "copy")
        dataset.set_values("copy.detections.label", [["dog"]] * 2)
        dataset.set_values("copy.detections.confidence", [[0.7]] * 2)
        ask(results, dataset, project, "copy")
        first, second = dataset.values("id")
        project.answer(results.tasks[first])
        project.answer(results.tasks[second], moved)
        load(results, project)
        after = stored(dataset)
        assert after[first]["gt"] == after[first]["copy"]
        (label,) = dataset[second].gt.detections
        assert (label.label, label.confidence) == ("dog", 0.7)
        assert label.bounding_box == pytest.approx([0.2, 0.2, 0.3, 0.4])

    def test_what_is_changed_in_fiftyone_after_a_load_stays_so(self, sent):
        dataset, results, project = sent
        dataset.clone_sample_field("gt", "copy")
        dataset.set_values("copy.detections.confidence", [[0.7]] * 2)
        ask(results, dataset, project, "copy")
        first, second = dataset.values("id")
        project.answer(results.tasks[first])
        ask(results, dataset, project, "new", "third")
        project.answer(results.tasks[second])
        load(results, project)
        assert dataset.values("gt.detections.label") == [["cat"], ["cat", "dog"]]
        for names in (["dog"], ["dog", "cat"]), (["cat"], ["cat", "dog"]):
            dataset.set_values("gt.detections.label", list(names))
            before = stored(dataset)
            load(results, project)
            assert stored(dataset) == before

    def test_an_edit_that_is_taken_back_leaves_what_was_accepted(self, sent):
        dataset, results, project = sent
        dataset.clone_sample_field("gt", "copy")
        dataset.set_values("copy.detections.confidence", [[0.7]] * 2)
        ask(results, dataset, project, "copy")
        first = dataset.first().id
        opened = project.opened(results.tasks[first])
        project.answer(results.tasks[first], moved)
        load(results, project)
        assert dataset.first().gt.detections[0].bounding_box[0] == pytest.approx(0.2)
        project.by_id[results.tasks[first]]["annotations"].clear()
        project.answer(results.tasks[first], opened=opened)
        load(results, project)
        after = stored(dataset)[first]
        assert after["gt"] == after["copy"]

    def test_a_load_into_another_field_has_them_too(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        project.answer(results.tasks[dataset.first().id])
        before = stored(dataset)
        load(results, project, dest_field="loaded")
        first = stored(dataset)[dataset.first().id]
        assert comparable(first["gt"]) == before[dataset.first().id]["gt"]
        assert before[dataset.first().id]["new"]["detections"][0] in first["loaded"]["detections"]

    def test_a_label_that_was_loaded_and_deleted_in_fiftyone_stays_deleted(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "new")
        project.answer(results.tasks[dataset.first().id])
        load(results, project)
        sample = dataset.first()
        sample.gt.detections.pop()
        sample.save()
        load(results, project)
        assert len(dataset.first().gt.detections) == 1


class TestStartedFromAnOlderPrediction:
    """Somebody has a task open, the predictions are refreshed, and then it is submitted."""

    def test_what_was_deleted_is_what_was_shown_and_no_label_of_the_new_prediction(self, sent):
        dataset, results, project = sent
        first = dataset.first().id
        opened = project.opened(results.tasks[first])
        dataset.set_values("gt.detections", [[*labels, box("dog", 0.5)] for labels in dataset.values("gt.detections")])
        ask(results, dataset, project, "gt")
        project.answer(results.tasks[first], lambda result: [], opened)
        load(results, project)
        assert dataset.values("gt.detections.label") == [["dog"], ["cat", "dog"]]

    def test_what_was_accepted_is_no_edit_of_the_new_prediction(self, sent):
        dataset, results, project = sent
        first = dataset.first().id
        opened = project.opened(results.tasks[first])
        dataset.set_values("gt.detections.bounding_box", [[[0.5, 0.5, 0.1, 0.1]]] * 2)
        ask(results, dataset, project, "gt")
        before = stored(dataset)
        project.answer(results.tasks[first], opened=opened)
        load(results, project)
        assert stored(dataset) == before

    @pytest.mark.parametrize("has_parent", [True, False])
    def test_the_regions_tell_where_the_prediction_was_replaced_meanwhile(self, sent, has_parent):
        dataset, results, project = sent
        first = dataset.first().id
        ask(results, dataset, project, "gt")
        opened = project.opened(results.tasks[first])
        dataset.set_values("gt.detections", [[*labels, box("dog", 0.5)] for labels in dataset.values("gt.detections")])
        assert ask(results, dataset, project, "gt").replaced == 2
        before = stored(dataset)
        # A draft that is opened again does not know what it began with.
        values = {} if has_parent else {"parent_prediction": None}
        project.answer(results.tasks[first], opened=opened, **values)
        load(results, project)
        assert stored(dataset) == before

    def test_nothing_is_deleted_where_nothing_tells_what_was_shown(self, sent):
        dataset, results, project = sent
        first = dataset.first().id
        ask(results, dataset, project, "gt")
        opened = project.opened(results.tasks[first])
        dataset.set_values("gt.detections.label", [["dog"]] * 2)
        ask(results, dataset, project, "gt")
        before = stored(dataset)
        project.answer(results.tasks[first], lambda result: [], opened)
        load(results, project)
        assert stored(dataset) == before

    @pytest.mark.parametrize("has_parent", [True, False])
    def test_one_of_two_later_sets_is_found_where_people_start_from_the_other(self, sent, has_parent):
        dataset, results, project = sent
        first = dataset.first().id
        ask(results, dataset, project, "new", "second")
        opened = project.opened(results.tasks[first])
        ask(results, dataset, project, "gt", "third")
        values = {} if has_parent else {"parent_prediction": None}
        project.answer(results.tasks[first], opened=opened, **values)
        load(results, project)
        after = stored(dataset)[first]
        assert after["gt"]["detections"][1:] == after["new"]["detections"]

    def test_a_blank_annotation_deletes_nothing(self, sent):
        dataset, results, project = sent
        ask(results, dataset, project, "gt")
        before = stored(dataset)
        project.answer(results.tasks[dataset.first().id], opened=(None, []))
        load(results, project)
        assert stored(dataset) == before

    def test_a_later_answer_to_another_prediction_deletes_no_label_that_it_did_not_show(self, sent):
        dataset, results, project = sent
        first = dataset.first().id
        ask(results, dataset, project, "new", "second")
        project.answer(results.tasks[first])
        load(results, project)
        assert len(dataset[first].gt.detections) == 2
        dataset.set_values("third", [boxes(box("cat", 0.6)), None])
        ask(results, dataset, project, "third", "third", answered=True)
        project.answer(results.tasks[first], id=2, updated_at="2026-11-21T10:00:00Z")
        load(results, project)
        assert [label.label for label in dataset[first].gt.detections] == ["cat", "dog", "cat"]
