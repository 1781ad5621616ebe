"""Label Studio Enterprise and Starter Cloud: imports that are made later, snapshots, workspaces, reviews.

The server is a real community one behind ``tests/enterprise``, whose answers label-studio-sdk's models accept.
"""

from __future__ import annotations

import json
import re
import threading
import time
from types import SimpleNamespace

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.doctor import examine
from fo_labelstudio.doctor.finding import Case
from fo_labelstudio.errors import LabelStudioError, RunError, ServerError, SettingsError
from fo_labelstudio.remote import jobs
from fo_labelstudio.runs import snapshots
from tests.enterprise import EnterpriseServer
from tests.proxy import FaultyProxy
from tests.support import stored, tasks_of
from tests.web import web_server

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(jobs, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(jobs, "_SAME_SECONDS", 0.01)
    monkeypatch.setattr("fo_labelstudio.remote.retrying._FIRST_PAUSE", 0.01)


@pytest.fixture
def enterprise(server):
    with EnterpriseServer(server.url) as enterprise:
        yield enterprise


@pytest.fixture
def settings(enterprise, server):
    """What reaches the Enterprise server."""
    return {"url": enterprise.url, "api_key": server.legacy_token}


def boxes(*labels):
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4]) for label in labels])


@pytest.fixture
def dataset(make_dataset, monkeypatch):
    monkeypatch.setattr("fo_labelstudio.dataset.samples.SAMPLES_PER_BLOCK", 2)
    return make_dataset(
        {"labels": boxes("cat")}, {"labels": boxes("cat", "dog")}, {"labels": boxes()}, {"labels": None}
    )


ASKED = {"backend": "labelstudio", "label_field": "labels", "classes": ["cat", "dog"], "attributes": False}


def annotate(dataset, settings, **options):
    return dataset.annotate("run", **ASKED, **settings, max_tasks=2, **options)


def load(dataset, settings, **options):
    dataset.load_annotations("run", **settings, **options)


def labels_of(dataset):
    return [None if one is None else [box.label for box in one.detections] for one in dataset.values("labels")]


def as_dog(result):
    return [
        {**region, "value": {**region["value"], "rectanglelabels": ["dog"]}}
        if region["type"] == "rectanglelabels"
        else region
        for region in result
    ]


def left_behind(annotator, project_id):
    """The titles of the snapshots and tabs that there are."""
    exports = annotator.call("GET", f"/api/projects/{project_id}/exports/")
    tabs = annotator.call("GET", f"/api/dm/views/?project={project_id}")
    return [export["title"] for export in exports] + [tab["data"]["title"] for tab in tabs]


def test_a_run_goes_there_and_its_answers_come_back(dataset, enterprise, settings, annotator):
    results = annotate(dataset, settings)
    before = stored(dataset)
    assert len(results.tasks) == 4 and results.get_status()["open"] == 4
    first, second, *_ = results.tasks.values()
    annotator.submit(first, as_dog)
    annotator.submit(second)
    load(dataset, settings)
    assert labels_of(dataset) == [["dog"], ["cat", "dog"], [], None]
    changed = [sample_id for sample_id, doc in stored(dataset).items() if doc != before[sample_id]]
    assert changed == [dataset.first().id]
    assert left_behind(annotator, results.project_id) == []
    status = results.get_status()
    assert (status["answered"], status["open"], status["new"]) == (2, 2, 0)
    results.cleanup()
    assert ("GET", f"/api/projects/{results.project_id}/export") not in enterprise.asked


def test_a_personal_access_token_is_taken(dataset, enterprise, server):
    results = annotate(dataset, {"url": enterprise.url, "api_key": server.personal_access_token()})
    assert len(results.tasks) == 4
    results.cleanup()


def test_the_edition_is_asked_for_once_a_connection(dataset, enterprise, settings):
    results = annotate(dataset, settings)
    assert enterprise.asked.count(("GET", "/api/version")) == 1
    results.cleanup()


def test_the_doctor_names_the_edition_and_sees_an_uploaded_image(enterprise, settings):
    lines = {finding.check: finding for finding in examine(Case(given=settings))}
    assert re.fullmatch(rf"Enterprise, built on 1\.\d+\.\S+, at {enterprise.url}", lines["Label Studio"].found)
    assert lines["media='upload'"].found == "an image of 16 x 16 pixels is shown"


def test_an_import_that_fails_half_way_is_completed_without_a_second_task_of_any_sample(
    dataset, enterprise, settings, annotator
):
    enterprise.failures, enterprise.half = ["the worker was restarted"], 1
    results = annotate(dataset, settings)
    found = tasks_of(annotator, results.project_id)
    assert len(found) == 4 and all(len(copies) == 1 for copies in found.values())
    results.cleanup()


def test_an_import_that_keeps_failing_is_named_with_its_reason_and_the_run_can_go_on(
    dataset, enterprise, settings, annotator
):
    enterprise.failures = ["disk full", "disk full"]
    with pytest.raises(RunError, match=r"import \d+ into project \d+ failed on the server: disk full"):
        annotate(dataset, settings, retries=1)
    results = annotate(dataset, settings)
    found = tasks_of(annotator, results.project_id)
    assert len(found) == 4 and all(len(copies) == 1 for copies in found.values())
    results.cleanup()


def test_a_run_that_was_interrupted_while_it_waited_waits_for_what_it_had_sent_and_makes_no_task_twice(
    dataset, enterprise, settings, annotator, monkeypatch
):
    def interrupted(seconds):
        if enterprise.sent:
            raise KeyboardInterrupt
        time.sleep(seconds)

    enterprise.held.clear()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(jobs, "time", SimpleNamespace(sleep=interrupted, monotonic=time.monotonic))
        annotate(dataset, settings)
    threading.Timer(0.5, enterprise.held.set).start()
    results = annotate(dataset, settings)
    found = tasks_of(annotator, results.project_id)
    assert len(found) == 4 and all(len(copies) == 1 for copies in found.values())
    assert enterprise.sent == [2, 2]
    results.cleanup()


@pytest.mark.parametrize("fault", ["503", "dropped after"])
def test_a_fault_at_any_request_leaves_the_tasks_that_one_without_makes(
    dataset, enterprise, settings, annotator, sweep, fault
):
    with FaultyProxy(enterprise.url) as proxy:
        through = {**settings, "url": proxy.url}
        results = annotate(dataset, through, retries=2)
        expected, requests = tasks_of(annotator, results.project_id), proxy.count
        results.cleanup()
        for number in sweep.sample(range(1, requests + 1)):
            dataset.delete_annotation_run("run")
            proxy.fault, proxy.number, proxy.count = fault, number, 0
            try:
                results = annotate(dataset, through, retries=2)
            except (LabelStudioError, ValueError) as error:
                assert str(error)
                proxy.number = 0
                results = annotate(dataset, through, retries=2)
            assert tasks_of(annotator, results.project_id) == expected, f"request {number}"
            results.cleanup()


@pytest.mark.parametrize("fault", ["503", "dropped after"])
def test_a_fault_at_any_request_of_a_load_leaves_nothing_behind(dataset, enterprise, settings, annotator, sweep, fault):
    results = annotate(dataset, settings)
    first = next(iter(results.tasks.values()))
    annotator.submit(first, as_dog)
    with FaultyProxy(enterprise.url) as proxy:
        through = {**settings, "url": proxy.url}
        load(dataset, through, full=True)
        for number in sweep.sample(range(1, proxy.count + 1)):
            proxy.fault, proxy.number, proxy.count = fault, number, 0
            load(dataset, through, full=True, retries=2)
            assert labels_of(dataset)[0] == ["dog"]
            assert left_behind(annotator, results.project_id) == [], f"request {number}"
        proxy.number = 0
        results.cleanup()


def test_a_snapshot_that_fails_is_made_again_and_named_where_it_keeps_failing(dataset, enterprise, settings, annotator):
    results = annotate(dataset, settings)
    annotator.submit(next(iter(results.tasks.values())), as_dog)
    enterprise.failed_snapshots = 1
    load(dataset, settings, retries=1)
    assert labels_of(dataset)[0] == ["dog"]
    enterprise.failed_snapshots = 2
    with pytest.raises(ServerError, match=r"export snapshot \d+ of project \d+ failed on the server"):
        load(dataset, settings, full=True, retries=1)
    assert left_behind(annotator, results.project_id) == []
    results.cleanup()


def test_a_load_asks_for_the_changed_tasks_only(dataset, enterprise, settings, annotator, monkeypatch):
    results = annotate(dataset, settings)
    tasks = list(results.tasks.values())
    annotator.submit(tasks[0], as_dog)
    # The first one looks at everything, the second at what was changed shortly before it, too.
    load(dataset, settings)
    load(dataset, settings)
    asked = []
    ranges_of = snapshots.ranges_of
    monkeypatch.setattr(snapshots, "ranges_of", lambda task_ids: asked.append(list(task_ids)) or ranges_of(task_ids))
    annotator.submit(tasks[1], as_dog)
    load(dataset, settings)
    assert asked == [[tasks[1]]]
    assert labels_of(dataset)[:2] == [["dog"], ["dog", "dog"]]
    enterprise.asked.clear()
    load(dataset, settings)
    assert not [path for _, path in enterprise.asked if "/exports/" in path]
    results.cleanup()


def test_tasks_come_in_several_snapshots_where_they_are_many(dataset, settings, annotator, monkeypatch):
    monkeypatch.setattr(snapshots, "SNAPSHOT_TASKS", 2)
    results = annotate(dataset, settings)
    for task_id in results.tasks.values():
        annotator.submit(task_id, as_dog)
    load(dataset, settings)
    assert labels_of(dataset) == [["dog"], ["dog", "dog"], [], None]
    assert left_behind(annotator, results.project_id) == []
    results.cleanup()


class TestReviews:
    """``annotations="accepted"``."""

    def test_only_what_a_reviewer_has_accepted_is_loaded(self, dataset, enterprise, settings, annotator):
        results = annotate(dataset, settings)
        first, second, *_ = results.tasks.values()
        made = [annotator.submit(task_id, as_dog)["id"] for task_id in (first, second)]
        enterprise.review(made[0], False, "2126-11-20T10:00:00Z")
        enterprise.review(made[1], True, "2126-11-20T10:00:00Z")
        load(dataset, settings, annotations="accepted")
        assert labels_of(dataset) == [["cat"], ["dog", "dog"], [], None]
        assert results.get_status()["reviews"] == {"accepted": 1, "rejected": 1}
        enterprise.review(made[0], True, "2126-11-20T11:00:00Z", is_fixed=True)
        load(dataset, settings, annotations="accepted")
        assert labels_of(dataset) == [["dog"], ["dog", "dog"], [], None]
        results.cleanup()

    def test_without_it_no_review_is_asked_for_and_all_answers_count(self, dataset, enterprise, settings, annotator):
        results = annotate(dataset, settings)
        made = annotator.submit(next(iter(results.tasks.values())), as_dog)["id"]
        enterprise.review(made, False, "2126-11-20T10:00:00Z")
        load(dataset, settings)
        assert labels_of(dataset)[0] == ["dog"]
        assert ("GET", "/api/annotation-reviews/") not in enterprise.asked
        results.cleanup()

    def test_a_community_server_has_none(self, dataset, connection):
        results = annotate(dataset, connection)
        with pytest.raises(
            SettingsError,
            match="annotations='accepted' asks for what reviewers have accepted, but the server has no reviews",
        ):
            load(dataset, connection, annotations="accepted")
        assert results.get_status()["reviews"] == {}
        results.cleanup()


class TestWorkspaces:
    """The setting ``workspace``."""

    @pytest.mark.parametrize("asked", ["Vision", 3, "3"])
    def test_a_new_project_goes_into_the_one_that_is_named(self, dataset, enterprise, settings, asked):
        results = annotate(dataset, settings, workspace=asked)
        assert enterprise.projects == {results.project_id: 3}
        results.cleanup()

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ("Visoin", "sees no workspace 'Visoin' on http.*; did you mean 'Vision'"),
            ("Twice", r"2 workspaces are called 'Twice' \(5, 6\); pass the id of one"),
            (77, "sees no workspace 77 on http.*; there are 'Audio', 'Twice', 'Twice', 'Vision'"),
            ("", "workspace is '', expected the title or the id of a workspace"),
        ],
    )
    def test_one_that_cannot_be_told_is_refused_before_anything_is_made(
        self, dataset, enterprise, settings, asked, message
    ):
        with pytest.raises(SettingsError, match=message):
            annotate(dataset, settings, workspace=asked)
        assert enterprise.projects == {} and dataset.list_annotation_runs() == []

    def test_a_community_server_has_none(self, dataset, connection):
        with pytest.raises(SettingsError, match="is Label Studio Community, which has no workspaces; leave workspace"):
            annotate(dataset, connection, workspace="Vision")


def test_a_project_of_others_is_imported_with_its_predictions(
    make_dataset, enterprise, settings, annotator, make_project
):
    dataset = make_dataset({}, {})
    names = [path.rpartition("/")[2] for path in dataset.values("filepath")]
    choices = '<Choices name="sky" toName="image"><Choice value="sun"/></Choices>'
    config = f'<View><Image name="image" value="$photo"/>{choices}</View>'
    project_id = make_project(config)
    sun = {"from_name": "sky", "to_name": "image", "type": "choices", "value": {"choices": ["sun"]}}
    answered = {"data": {"photo": f"https://example.org/{names[0]}"}, "annotations": [{"result": [sun]}]}
    predicted = {"data": {"photo": f"https://example.org/{names[1]}"}}
    predicted["predictions"] = [{"model_version": "v1", "result": [sun]}]
    annotator.call("POST", f"/api/projects/{project_id}/import", json=[answered, predicted])
    fo_labelstudio.import_annotations(dataset, project_id=project_id, predictions="all", **settings)
    assert dataset.first().sky.label == "sun"
    assert dataset.last().sky_v1.label == "sun"
    assert left_behind(annotator, project_id) == []


def test_a_project_that_is_there_gets_tasks_and_keeps_its_own(dataset, enterprise, settings, annotator, make_project):
    config = (
        '<View><Image name="image" value="$photo"/><RectangleLabels name="labels" toName="image">'
        '<Label value="cat"/><Label value="dog"/></RectangleLabels></View>'
    )
    project_id = make_project(config)
    annotator.call(
        "POST", f"/api/projects/{project_id}/import", json=[{"data": {"photo": "https://example.org/x.jpg"}}]
    )
    results = annotate(dataset, settings, project_id=project_id)
    annotator.submit(next(iter(results.tasks.values())), as_dog)
    load(dataset, settings)
    assert labels_of(dataset)[0] == ["dog"]
    results.cleanup()
    (left,) = annotator.call("GET", f"/api/tasks?project={project_id}")["tasks"]
    assert left["data"] == {"photo": "https://example.org/x.jpg"}


def test_a_snapshot_that_lies_elsewhere_is_fetched_without_the_key(dataset, enterprise, settings, annotator, server):
    results = annotate(dataset, settings)
    annotator.submit(next(iter(results.tasks.values())), as_dog)
    seen = []

    def handle(request):
        seen.append(dict(request.headers))
        found = annotator.call("GET", request.path)
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    with web_server(handle) as elsewhere:
        enterprise.elsewhere = elsewhere
        load(dataset, {**settings, "http_headers": {"X-Team": "secret"}})
    assert labels_of(dataset)[0] == ["dog"]
    assert len(seen) == 1 and not {"Authorization", "X-Team"} & set(seen[0])
    results.cleanup()
