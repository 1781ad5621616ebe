"""A prediction that is sent later says itself what was sent with it."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.task.origin import META
from fo_labelstudio.convert.task.refreshed import Shown, shown_in, to_refreshed, with_history
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from tests.convert import strategies
from tests.memory import SIZE

SAMPLE = "6b01070a57a5240a9753b925"
BOXES = strategies.field_of("detections", "boxes")
TAG = strategies.field_of("classification", "tag")


def labels(x=0.1):
    box = fo.Detection(label="cat", bounding_box=[x, 0.2, 0.3, 0.4], id="6b01070a57a5240a9753b926")
    return {"boxes": fo.Detections(detections=[box]), "tag": fo.Classification(label="dog", id=SAMPLE)}


def refreshed(values, sources=(), model_version="better", run="run"):
    task = to_task(SampleRecord(SAMPLE, "x.png", SIZE, values), [BOXES, TAG], "u", run)
    (prediction,) = json.loads(json.dumps(task["predictions"]))
    sent = task["meta"][META]["sent"]
    return to_refreshed(prediction["result"], sent, [BOXES, TAG], dict(sources), run, model_version)


def test_it_is_read_as_it_was_written():
    result, shown = refreshed(labels(), {"boxes": "new"})
    assert shown_in(json.loads(json.dumps(result)), "run") == [shown]
    assert shown.sources == {"boxes": "new"}
    ((key, entry),) = shown.sent["boxes"].items()
    assert key == f"6b01070a57a5240a9753b926-{shown.generation}" == result[0]["id"]
    assert entry["ids"] == ["6b01070a57a5240a9753b926"]
    assert list(shown.sent["tag"]) == ["choice"] and result[1]["id"] == f"{SAMPLE}-{shown.generation}"


def test_the_same_labels_make_the_same_and_others_another_one():
    assert refreshed(labels()) == refreshed(labels())
    others = [refreshed(labels(0.2)), refreshed(labels(), {"boxes": "new"}), refreshed(labels(), (), "other")]
    assert len({shown.generation for _, shown in (refreshed(labels()), *others)}) == 4


def test_the_parts_of_a_label_keep_their_places_and_their_parents():
    points = fo.Keypoint(label="cat", points=[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    field = strategies.field_of("keypoints", "points", tool="KeyPointLabels", skeleton=None)
    record = SampleRecord(SAMPLE, "x.png", SIZE, {"points": fo.Keypoints(keypoints=[points])})
    task = to_task(record, [field], "u", "run")
    plain = task["predictions"][0]["result"]
    result, shown = to_refreshed(plain, task["meta"][META]["sent"], [field], {}, "run", "better")
    name = f"{points.id}-{shown.generation}"
    assert [region["id"] for region in result] == [name, f"{name}.2", f"{name}.3"]
    assert [region.get("parentID") for region in result] == [
        region.get("parentID") and region["parentID"].replace(points.id, name) for region in plain
    ]


def test_it_remembers_the_last_two_in_whose_place_it_was_put():
    result, shown = refreshed(labels())
    older = [refreshed(labels(x))[1] for x in (0.2, 0.3, 0.4)]
    assert shown_in(with_history(result, older), "run") == [shown, *older[:2]]
    assert with_history([], older) == []


@pytest.mark.parametrize(
    "record",
    [
        None,
        "text",
        {},
        {"version": 1, "run": "other", "sent": {}, "from": {}, "generation": ""},
        {"version": 2, "run": "run", "sent": {}, "from": {}, "generation": ""},
        {"version": 1, "run": "run", "sent": [], "from": {}, "generation": ""},
        {"version": 1, "run": "run", "sent": {"a": {"b": {"ids": [1]}}}, "from": {}, "generation": ""},
        {"version": 1, "run": "run", "sent": {}, "from": [], "generation": ""},
        {"version": 1, "run": "run", "sent": {}, "from": {}, "generation": 3},
    ],
)
def test_a_record_of_another_run_or_format_or_that_was_damaged_says_nothing(record):
    assert shown_in([{"id": "a", META: record}], "run") == []


def test_what_is_damaged_before_it_does_not_hide_it():
    record = {"version": 1, "run": "run", **Shown({}).to_json(), "before": [3, {"sent": 1}]}
    assert shown_in([{META: record}], "run") == [Shown({})]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda items: st.lists(items) | st.dictionaries(st.text(), items),
    )
)
def test_whatever_a_result_is_nothing_breaks(result):
    assert shown_in(result, "run") == [] == shown_in([{META: result}], "run")
