"""The panel without a browser: what it knows, what it costs, and what its events have the App do."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.utils.labelstudio as foul
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

import fo_labelstudio
from fo_labelstudio.app.panel_layout import layout
from fo_labelstudio.app.panel_state import read_all, read_chosen

pytestmark = pytest.mark.server

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"]}}
STATUS = {"tasks": 4, "answered": 1, "skipped": 1, "open": 1, "drafts": 0, "deleted": 1, "new": 1, "complete": True}
ANNOTATORS = {"ann@example.org": {"answered": 1, "skipped": 1, "seconds": 90.0}}


def boxes(*names):
    return fo.Detections(detections=[fo.Detection(label=name, bounding_box=[0.1, 0.1, 0.3, 0.3]) for name in names])


@pytest.fixture
def dataset(make_dataset, assigned):
    dataset = make_dataset(*({"gt": boxes("cat")} for _ in range(3)))
    dataset.annotate("first", backend="labelstudio", label_schema=SCHEMA, attributes=False)
    return dataset


@pytest.fixture
def event(plugins_dir):
    """What an event of the panel has the App do: name of an operator -> its parameters."""

    def happen(method, dataset, state=None, selected=(), **params):
        params = {"panel_id": "panel", "panel_state": {"shown": state or {}}, "__method__": method, **params}
        request = {"dataset_name": dataset.name, "params": params, "selected": list(selected)}
        executor = Executor()
        foo.get_operator("fo-labelstudio/labelstudio_panel").execute(ExecutionContext(request, executor=executor))
        return {asked["operator_uri"]: asked["params"] for asked in executor.to_json()["requests"]}

    return happen


def rows_of(state):
    return [
        (run["key"], run["state"], run["status"] and (run["status"]["answered"], run["status"]["new"]))
        for run in state["runs"]
    ]


def relabel(result):
    return [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result]


def test_it_knows_each_run_the_newest_first_and_how_far_it_is(dataset, annotator):
    dataset.annotate("second", backend="labelstudio", label_schema=SCHEMA, attributes=False)
    dataset.load_annotation_results("second").cleanup()
    first = dataset.load_annotation_results("first")
    annotator.submit(next(iter(first.tasks.values())))
    state = read_all(dataset, None, {})
    assert rows_of(state) == [("second", "cleaned_up", None), ("first", "on_server", (1, 1))]
    assert state["chosen"] == "second"
    assert state["runs"][1]["url"] == f"{annotator.url}/projects/{first.project_id}/data"


def test_a_run_of_the_integration_inside_fiftyone_can_be_adopted(dataset):
    config = foul.LabelStudioBackendConfig("labelstudio", SCHEMA, url="http://localhost")
    config.build().register_run(dataset, "theirs")
    assert rows_of(read_all(dataset, None, {}))[0] == ("theirs", "adoptable", None)


def test_a_tick_costs_one_request_unless_something_was_changed(dataset, annotator, sent_requests):
    state = read_all(dataset, "first", {})
    sent_requests.clear()
    for _ in range(3):
        assert read_chosen(dataset, state, {}) is None
    assert [(method, path.partition("?")[0]) for method, path in sent_requests] == [("GET", "/api/tasks")] * 3
    annotator.submit(next(iter(dataset.load_annotation_results("first").tasks.values())))
    changed = read_chosen(dataset, state, {})
    assert rows_of(changed) == [("first", "on_server", (1, 1))]
    assert read_chosen(dataset, changed, {}) is None


def test_what_another_session_sends_and_loads_is_news(dataset, annotator):
    state = read_all(dataset, "first", {})
    results = dataset.load_annotation_results("first")
    sample_id, task_id = next(iter(results.tasks.items()))
    annotator.submit(task_id, relabel)
    state = read_chosen(dataset, state, {})
    assert state["changes"] == {"at": None, "samples": 0, "rows": [], "ids": []}
    fo_labelstudio.load_annotations(dataset, "first")
    state = read_chosen(dataset, state, {})
    assert rows_of(state) == [("first", "on_server", (1, 0))]
    assert state["changes"]["ids"] == [sample_id]
    assert state["changes"]["rows"] == [["image 0.png", "gt", 0, 1, 0]]
    dataset.annotate("second", backend="labelstudio", label_schema=SCHEMA, attributes=False)
    assert [row[0] for row in rows_of(read_chosen(dataset, state, {}))] == ["second", "first"]


def test_a_server_that_is_away_is_told_of_until_it_is_back(dataset, monkeypatch, sent_requests):
    good = read_all(dataset, "first", {})
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", "0" * 40)
    bad = read_chosen(dataset, good, {})
    assert "0000" not in str(bad)
    assert "key" in bad["runs"][0]["error"]
    assert bad["runs"][0]["status"] is None
    sent_requests.clear()
    assert read_chosen(dataset, bad, {}) is None
    assert len(sent_requests) == 1
    monkeypatch.undo()
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", "")
    assert "api_key" in read_chosen(dataset, bad, {})["runs"][0]["error"]


def test_a_project_that_is_gone_is_told_of(dataset, annotator):
    state = read_all(dataset, "first", {})
    project_id = dataset.load_annotation_results("first").project_id
    annotator.call("DELETE", f"/api/projects/{project_id}/")
    assert (
        f"project {project_id} of annotation run 'first' is gone" in read_chosen(dataset, state, {})["runs"][0]["error"]
    )


def test_its_buttons_open_the_forms_of_the_chosen_run(dataset, event):
    state = read_all(dataset, "first", {})
    asked = {
        "load": "load_annotations",
        "open_tasks": "open_in_labelstudio",
        "refresh_predictions": "refresh_predictions",
        "clean_up": "clean_up",
        "adopt": "adopt",
    }
    for method, operator in asked.items():
        prompt = event(method, dataset, state)["prompt_user_for_operation"]
        assert (prompt["operator_uri"], prompt["params"]) == (f"fo-labelstudio/{operator}", {"anno_key": "first"})
    for method, operator in {"send": "send_for_annotation", "import_project": "import_project"}.items():
        prompt = event(method, dataset, state)["prompt_user_for_operation"]
        assert (prompt["operator_uri"], prompt["params"]) == (f"fo-labelstudio/{operator}", {})


def test_a_row_of_what_was_changed_selects_its_sample_and_the_button_shows_all(dataset, annotator, event):
    results = dataset.load_annotation_results("first")
    for task_id in results.tasks.values():
        annotator.submit(task_id, relabel)
    fo_labelstudio.load_annotations(dataset, "first")
    state = event("on_load", dataset)["patch_panel_state"]["state"]["shown"]
    ids = dataset.values("id")
    selected = event("select", dataset, state, row=1)["set_selected_samples"]["samples"]
    # FiftyOne before 1.22 has the ids alone.
    assert [sample["id"] if isinstance(sample, dict) else sample for sample in selected] == [ids[1]]
    assert "set_selected_samples" not in event("select", dataset, state, row=-1)
    (stage,) = event("show_changed", dataset, state)["set_view"]["view"]
    assert stage["kwargs"][0] == ["sample_ids", ids]


def test_disagreements_that_cannot_be_computed_are_a_message(dataset, event):
    state = read_all(dataset, "first", {})
    told = event("show_disagreements", dataset, state)
    assert "annotations='all'" in told["notify"]["message"]
    assert "set_view" not in told


def test_another_run_is_chosen_by_its_row(dataset, event):
    dataset.annotate("second", backend="labelstudio", label_schema=SCHEMA, attributes=False)
    state = read_all(dataset, None, {})
    assert state["chosen"] == "second"
    chosen = event("choose", dataset, state, row=1)["patch_panel_state"]["state"]["shown"]
    assert chosen["chosen"] == "first"


def names_in(schema):
    """Each name in a layout, with what it shows."""
    found = {}
    for name, shown in schema.get("properties", {}).items():
        found |= {name: shown, **names_in(shown["type"])}
    return found


@pytest.mark.parametrize(
    ("state", "shown", "missing"),
    [
        ("on_server", {"progress", "annotators", "load", "open", "predictions", "clean_up"}, {"adopt", "hint"}),
        ("in_files", {"hint", "load"}, {"clean_up", "predictions", "adopt"}),
        ("cleaned_up", {"hint"}, {"load", "clean_up", "adopt"}),
        ("adoptable", {"hint", "adopt"}, {"load", "clean_up"}),
    ],
)
def test_what_can_be_done_with_a_run_is_shown_and_nothing_else(state, shown, missing):
    status = {**STATUS, "annotators": ANNOTATORS} if state == "on_server" else None
    run = {"key": "a_run", "state": state, "url": None, "version": "", "fields": ["gt"], "newest": None}
    known = {"runs": [{**run, "status": status, "error": None}], "chosen": "a_run", "changes": None}
    names = names_in(layout(known, False, dict.fromkeys(EVENTS, "an/operator")).type.to_json())
    assert shown <= names.keys()
    assert not missing & names.keys()
    if status:
        assert names["progress"]["default"] == 2 / 3
        assert names["progress"]["view"]["label"] == (
            "1 answered, 1 skipped, 1 open, 1 deleted from the server, 1 not loaded yet"
        )
        assert names["annotators"]["default"]["rows"] == [["ann@example.org", 1, 1, "2 min"]]


EVENTS = (
    *("tick", "refresh", "choose", "send", "import_project", "adopt", "load", "open", "predict", "clean_up"),
    *("disagreements", "select", "show"),
)
