"""Predictions of better models on the tasks of a run, and which task comes first, against a real server."""

from __future__ import annotations

import json
import uuid

import fiftyone as fo
import pytest

from fo_labelstudio.errors import LabelStudioError, SettingsError
from tests.proxy import FaultyProxy
from tests.support import stored
from tests.test_editor import SIZE, box, editor  # noqa: F401
from tests.test_status import BOB, people  # noqa: F401

pytestmark = pytest.mark.server


def boxes(label="cat", confidence=0.5):
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 1 / 3, 0.4], confidence=confidence, tags=["t"])]
    )


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(
        *({"gt": boxes(confidence=score), "new": boxes("dog", 1 - score)} for score in (0.9, 0.2, 0.6, 0.4))
    )


def annotate(dataset, connection, **options):
    asked = {"label_field": "gt", "classes": ["cat", "dog"], "attributes": False}
    return dataset.annotate("run", backend="labelstudio", **asked, **connection, **options)


class Answers:
    """What the editor does, over the API."""

    def __init__(self, annotator, results):
        self._call = annotator.call
        self._results = results

    def versions(self, sample_id):
        """Model version -> the predictions of the task of a sample."""
        task = self._call("GET", f"/api/tasks/{self._results.tasks[sample_id]}/")
        found = {}
        for prediction in task["predictions"]:
            found.setdefault(prediction["model_version"], []).append(prediction)
        return found

    def open(self, sample_id):
        """The prediction that people start from."""
        project = self._call("GET", f"/api/projects/{self._results.project_id}/")
        (prediction,) = self.versions(sample_id)[project["model_version"]]
        return prediction

    def submit(self, sample_id, prediction, edit=lambda result: result):
        """Submits what was opened, after an edit; the editor keeps no key of a region that it does not know."""
        known = [{key: value for key, value in region.items() if key != "fiftyone"} for region in prediction["result"]]
        body = {"result": edit(known), "parent_prediction": prediction["id"]}
        self._call("POST", f"/api/tasks/{self._results.tasks[sample_id]}/annotations/", json=body)

    def next(self):
        """The sample that the label stream serves next."""
        return self._call("GET", f"/api/projects/{self._results.project_id}/next")["data"]["sample_id"]


def test_refreshed_twice_accepted_edited_and_loaded(dataset, connection, annotator):
    results = annotate(dataset, connection)
    answers = Answers(annotator, results)
    first, second, third, fourth = dataset.values("id")
    began_before = answers.open(first)
    results.upload_predictions(dataset, "new", "one")
    replaced_meanwhile = answers.open(second)
    dataset.set_values("new.detections.bounding_box", [[[0.5, 0.5, 0.25, 0.25]]] * 4)
    results.upload_predictions(dataset, "new", "one")
    results.upload_predictions(dataset[[third, fourth]], "new", "two", start_from=False)
    assert [len(found) for found in answers.versions(fourth).values()] == [1, 1, 1]
    before = stored(dataset)
    answers.submit(first, began_before)
    answers.submit(second, replaced_meanwhile)
    answers.submit(third, answers.open(third))
    answers.submit(fourth, answers.versions(fourth)["two"][0], lambda result: [])
    for _ in range(2):
        dataset.load_annotations("run")
        after = stored(dataset)
        assert after[first] == before[first] and after[fourth] == before[fourth]
        for sample_id in (second, third):
            assert after[sample_id]["gt"]["detections"][1:] == before[sample_id]["new"]["detections"]
            assert after[sample_id]["gt"]["detections"][:1] == before[sample_id]["gt"]["detections"]


def test_accepted_by_the_servers_own_action(dataset, connection, annotator):
    results = annotate(dataset, connection)
    results.upload_predictions(dataset, "new", "better")
    action = {"model_version": "better", "selectedItems": {"all": True, "excluded": []}}
    annotator.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}", json=action)
    before = stored(dataset)
    dataset.load_annotations("run")
    for sample_id, sample in stored(dataset).items():
        assert sample["gt"]["detections"][1:] == before[sample_id]["new"]["detections"]


@pytest.mark.parametrize("fault", ["500", "dropped after"])
def test_a_refresh_with_a_fault_at_any_request_leaves_a_prediction_and_is_continued(
    dataset, connection, annotator, sweep, fault
):
    answers = Answers(annotator, annotate(dataset, connection))
    with FaultyProxy(connection["url"]) as proxy:
        dataset._annotation_cache.clear()
        results = dataset.load_annotation_results(
            "run", **{**connection, "url": proxy.url, "retries": 0, "max_tasks": 2}
        )

        def refresh(version):
            results.upload_predictions(dataset, "new", version)

        def names(version):
            found = [answers.versions(sample_id).get(version, []) for sample_id in dataset.values("id")]
            return [[item["result"][0]["value"]["rectanglelabels"] for item in items] for items in found]

        refresh("undisturbed")
        dataset.set_values("new.detections.label", [["cat"]] * 4)
        proxy.count = 0
        refresh("undisturbed")
        for number in sweep.sample(range(1, proxy.count + 1)):
            version = f"version {number}"
            for label in ("dog", "cat"):
                dataset.set_values("new.detections.label", [[label]] * 4)
                proxy.fault, proxy.number, proxy.count = fault, number, 0
                try:
                    refresh(version)
                except LabelStudioError as error:
                    assert str(error)
                    assert all(len(items) <= 1 for items in names(version))
                    assert label == "dog" or all(len(items) == 1 for items in names(version))
                proxy.number = 0
                refresh(version)
                assert names(version) == [[[label]]] * 4, f"request {number}"


def test_uncertainty_sampling_serves_each_person_the_least_certain_that_is_free(
    dataset,
    connection,
    annotator,
    people,  # noqa: F811
):
    first, second, third, fourth = dataset.values("id")
    results = annotate(dataset, connection, sampling="uncertainty")
    answers = Answers(annotator, results)
    assert annotator.call("GET", f"/api/projects/{results.project_id}/")["sampling"] == "Uncertainty sampling"
    assert answers.next() == second
    answers.submit(second, answers.open(second))
    # The better model is least certain where the first one was most.
    results.upload_predictions(dataset, "new", "better")
    assert answers.next() == first
    answers.submit(first, answers.open(first))
    dataset.set_values("uniqueness", [3.0, 1.0, None, 2.0])
    results.upload_predictions(dataset, "new", "better", score_field="uniqueness", score_order="highest")
    assert answers.next() == fourth
    assert Answers(people[BOB], results).next() == third


def test_a_field_of_the_samples_says_which_comes_first_and_nothing_to_see_has_its_place(
    make_dataset, connection, annotator
):
    dataset = make_dataset(
        {"gt": boxes(confidence=0.1), "uniqueness": 0.2},
        {"gt": fo.Detections(), "uniqueness": 0.9},
        {"gt": boxes(confidence=0.1), "uniqueness": float("nan")},
    )
    options = {"sampling": "uncertainty", "score_field": "uniqueness", "score_order": "highest"}
    answers = Answers(annotator, annotate(dataset, connection, **options))
    served = []
    for _ in range(3):
        served.append(answers.next())
        answers.submit(served[-1], answers.open(served[-1]))
    first, second, third = dataset.values("id")
    assert served == [second, first, third]
    before = stored(dataset)
    dataset.load_annotations("run")
    assert stored(dataset) == before


CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="gt" toName="image"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""


def test_in_a_project_of_others_predictions_are_added_accepted_and_taken_away_again(dataset, connection, annotator):
    project = annotator.call(
        "POST", "/api/projects/", json={"title": f"Theirs {uuid.uuid4().hex[:8]}", "label_config": CONFIG}
    )["id"]
    first, *others = dataset.values("id")
    tasks = [{"data": {"image": "https://example.com/a.jpg", "sample_id": sample_id}} for sample_id in others]
    theirs = {"model_version": "theirs", "result": []}
    annotator.call(
        "POST", f"/api/projects/{project}/import", json=[{**task, "predictions": [theirs]} for task in tasks]
    )
    annotator.call("PATCH", f"/api/projects/{project}/", json={"model_version": ""})

    def everything():
        path = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
        tasks = annotator.call("GET", path)
        return [(task["id"], task["data"], task["meta"], task["predictions"]) for task in tasks]

    before = everything()
    with pytest.raises(SettingsError, match="project_id and sampling are both given"):
        annotate(dataset, connection, project_id=project, sampling="uniform")
    results = annotate(dataset, connection, project_id=project, existing_tasks="predict")
    with pytest.raises(LabelStudioError, match="'theirs' that annotation run 'run' has not made"):
        results.upload_predictions(dataset, "new", "theirs")
    results.upload_predictions(dataset, "new", "better")
    assert annotator.call("GET", f"/api/projects/{project}/")["model_version"] == ""
    answers = Answers(annotator, results)
    for sample_id in (first, others[0]):
        answers.submit(sample_id, answers.versions(sample_id)["better"][0])
    sent = stored(dataset)
    dataset.load_annotations("run")
    for sample_id in (first, others[0]):
        assert stored(dataset)[sample_id]["gt"]["detections"][1:] == sent[sample_id]["new"]["detections"]
    results.cleanup()
    after = everything()
    assert json.dumps(after) == json.dumps(before)


@pytest.mark.browser
def test_a_person_submits_in_the_editor_what_was_replaced_meanwhile(
    make_dataset,
    connection,
    editor,  # noqa: F811
):
    new = [box("dog", 0.1, 0.1, 1 / 3, 0.25, colour="red"), box("cat", 0.6, 0.6, 0.2, 0.2)]
    dataset = make_dataset(
        {
            "gt": fo.Detections(detections=[box("cat", 0.3, 0.3, 0.1, 0.1)]),
            "weather": fo.Classification(label="sun", confidence=0.5),
            "new": fo.Detections(detections=new),
        },
        size=SIZE,
    )
    schema = {
        "gt": {"classes": ["cat", "dog"], "attributes": {"colour": {"type": "text"}}},
        "weather": {"classes": ["sun", "rain"], "attributes": False},
    }
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = results.tasks.values()
    results.upload_predictions(dataset, {"gt": "new"}, "better")
    page = editor.open_task(results.project_id, task_id)
    _, cat = (region.id for region in page.regions() if region.labels)
    moved = page.move(cat, 5, 5)
    assert page.chosen("weather") == ["sun"] and page.problems() == []
    dataset.set_values("weather.label", ["rain"])
    assert results.upload_predictions(dataset, {"gt": "new"}, "better").replaced == 1
    page.submit()
    before = stored(dataset)
    dataset.load_annotations("run")
    (sample,) = stored(dataset).values()
    (sent,) = before.values()
    assert sample["weather"] == sent["weather"]
    _, accepted, edited = sample["gt"]["detections"]
    assert accepted == sent["new"]["detections"][0]
    assert edited["bounding_box"][:2] == [pytest.approx(moved.x / 100), pytest.approx(moved.y / 100)]
    assert {**edited, "bounding_box": None} == {**sent["new"]["detections"][1], "bounding_box": None}
