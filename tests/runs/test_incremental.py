"""A load looks at what has changed since the last one, and leaves the dataset as one that looks at everything would."""

from __future__ import annotations

import contextlib
import json
import logging
from datetime import datetime, timedelta

import fiftyone as fo
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fo_labelstudio.errors import ServerError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory
from tests.properties import examples
from tests.support import stored

pytestmark = [pytest.mark.database, pytest.mark.sampled]

SCHEMA = {
    "gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True},
    "note": {"type": "scalar", "classes": [], "existing_field": True},
}
PLACES = range(4)


@pytest.fixture
def base(make_dataset):
    """A dataset of four samples with two boxes and a text each."""

    def boxes():
        found = [("cat", [0.1, 0.1, 0.2, 0.2]), ("dog", [0.2, 0.1, 0.2, 0.2])]
        return fo.Detections(detections=[fo.Detection(label=label, bounding_box=box) for label, box in found])

    return make_dataset(*({"gt": boxes(), "note": "first"} for _ in PLACES))


@pytest.fixture
def campaign(base):
    return Campaign(base)


class Campaign:
    """A run in memory, its annotators, and somebody who works on the dataset meanwhile."""

    def __init__(self, dataset):
        self.dataset = dataset
        self.ids = dataset.values("id")
        self.results, self.project = annotate_in_memory(dataset, "run", SCHEMA)
        self.tasks = list(self.results.tasks.values())
        self._number = 0

    def load(self, **options):
        """Loads; returns the ids of the tasks that were downloaded."""
        self.project.pages.clear()
        load_run(self.results, LoadOptions(**{"unexpected": "ignore", **options}), self.project)
        self.results.save()
        return [task_id for page in self.project.pages for task_id in page]

    def _stamp(self):
        self._number += 1
        moment = datetime(2026, 11, 20, 10) + timedelta(minutes=self._number)
        return {"id": self._number, "updated_at": f"{moment.isoformat()}Z", "created_at": f"{moment.isoformat()}Z"}

    def _task(self, place):
        return self.project.by_id.get(self.tasks[place])

    def answer(self, place, kind="accept", who=1, **values):
        if self._task(place):
            self.project.submit(self.tasks[place], EDITS[kind], completed_by=who, **self._stamp(), **values)

    def correct(self, place, kind):
        for annotation in (self._task(place) or {"annotations": []})["annotations"][-1:]:
            annotation.update(self._stamp(), result=EDITS[kind](annotation["result"]))

    def delete(self, place):
        if self._task(place):
            del self._task(place)["annotations"][-1:]

    def skip(self, place):
        self.answer(place, was_cancelled=True)

    def restore(self, place):
        for annotation in (self._task(place) or {"annotations": []})["annotations"]:
            annotation["was_cancelled"] = False

    def delete_task(self, place):
        if self._task(place):
            self.project.delete_tasks([self.tasks[place]])

    def _sample(self, place):
        self.dataset.reload()
        found = self.dataset.select(self.ids[place])
        return found.first() if len(found) else None

    def edit_in_dataset(self, place, label):
        sample = self._sample(place)
        for detection in (sample.gt.detections if sample and sample.gt else [])[:1]:
            detection.label = label
        if sample:
            sample.note = label
            sample.save()

    def delete_in_dataset(self, place):
        sample = self._sample(place)
        if sample and sample.gt:
            sample.gt.detections = sample.gt.detections[1:]
            sample.save()

    def delete_sample(self, place):
        if self._sample(place):
            self.dataset.delete_samples([self.ids[place]])

    def state(self):
        results = self.results
        docs = stored(self.dataset)
        for doc in docs.values():
            for name in ("last_modified_at", "created_at", "_dataset_id"):
                doc.pop(name, None)
        done = [results.loaded, results.removed, results.edited, results.settled]
        ledger = json.loads(json.dumps(done, default=str, sort_keys=True))
        conflicts = sorted(map(repr, results.conflicts))
        return docs, [{name: one for name, one in row.items() if one} for row in ledger], results.left_behind, conflicts


def moved(result):
    boxes = [region for region in result if region["type"] == "rectanglelabels"]
    return [{**region, "value": {**region["value"], "x": 40}} if region in boxes[:1] else region for region in result]


def relabelled(result):
    boxes = [region for region in result if region["type"] == "rectanglelabels"]
    return [
        {**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} if region in boxes[:1] else region
        for region in result
    ]


def added(result):
    value = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"id": "drawn", "from_name": "gt", "to_name": "image", "type": "rectanglelabels", "value": value}
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    return [*(one for one in result if one["id"] != "drawn"), {**region, **size}]


def not_understood(result):
    return [*result, {"id": "odd", "from_name": "gt", "to_name": "image", "type": "rectanglelabels", "value": {"x": 1}}]


EDITS = {
    "accept": lambda result: result,
    "move": moved,
    "relabel": relabelled,
    "add": added,
    "empty": lambda result: [],
    "odd": not_understood,
}


PLACE = st.integers(0, len(PLACES) - 1)
KIND = st.sampled_from(sorted(EDITS))
STEPS = st.one_of(
    st.tuples(st.just("answer"), PLACE, KIND, st.integers(1, 2)),
    st.tuples(st.just("correct"), PLACE, KIND),
    st.tuples(st.sampled_from(["delete", "skip", "restore", "delete_task"]), PLACE),
    st.tuples(st.sampled_from(["delete_in_dataset", "delete_sample"]), PLACE),
    st.tuples(st.just("edit_in_dataset"), PLACE, st.sampled_from(["cat", "dog", "bird"])),
    st.tuples(st.just("load")),
)


OPTIONS = [
    {},
    {"dest_field": {"gt": "loaded"}},
    {"on_conflict": "dataset"},
    {"on_conflict": "keep_both"},
    {"provenance": "labels", "skipped": "tag"},
    {"provenance": "labels", "on_conflict": "keep_both"},
    {"annotations": "all", "provenance": "samples"},
]


@pytest.mark.parametrize("options", OPTIONS)
@given(histories=st.data())
@examples(15, fewest=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_load_of_what_changed_leaves_what_a_load_of_everything_leaves(base, options, histories):
    history = histories.draw(st.lists(STEPS, min_size=3, max_size=14))
    with contextlib.ExitStack() as stack:
        pair = []
        for _ in range(2):
            copy = base.clone()
            stack.callback(copy.delete)
            pair.append(Campaign(copy))
        for step, *arguments in [*history, ("load",)]:
            for campaign, is_full in zip(pair, (False, True), strict=True):
                if step == "load":
                    campaign.load(full=is_full, **options)
                else:
                    getattr(campaign, step)(*arguments)
            if step == "load":
                assert pair[0].state() == pair[1].state()


def test_what_was_not_changed_is_not_downloaded_again(campaign):
    campaign.answer(0, "move")
    campaign.answer(1)
    assert campaign.load() == campaign.tasks
    campaign.answer(2)
    # A load looks once more at what was changed shortly before the one that looked at everything.
    campaign.load()
    campaign.answer(3, "relabel")
    assert campaign.load() == campaign.tasks[3:]
    assert campaign.load() == []


@pytest.mark.parametrize("change", ["correct", "delete", "skip", "restore"])
def test_whatever_becomes_of_an_answer_is_seen(campaign, change):
    campaign.answer(0, "move")
    campaign.skip(0)
    campaign.load()
    campaign.answer(1)
    campaign.load()
    getattr(campaign, change)(*([0, "relabel"] if change == "correct" else [0]))
    assert campaign.tasks[0] in campaign.load()


def test_tasks_of_a_new_run_that_nobody_has_answered_are_not_looked_at(campaign):
    campaign.project.lists_all = False
    campaign.load()
    assert campaign.load() == []
    campaign.answer(1, "empty")
    assert campaign.load() == [campaign.tasks[1]]


def test_full_looks_at_everything(campaign):
    campaign.answer(0)
    campaign.load()
    assert campaign.load(full=True) == campaign.tasks


def test_where_most_was_changed_everything_is_looked_at_for_that_takes_less(campaign, monkeypatch, caplog):
    monkeypatch.setattr("fo_labelstudio.runs.changed._FEW", 1)
    campaign.answer(3)
    campaign.load()
    campaign.load()
    campaign.answer(0, "move")
    assert campaign.load() == campaign.tasks[:1]
    for place in PLACES:
        campaign.answer(place, "add")
    with caplog.at_level(logging.INFO):
        assert campaign.load() == campaign.tasks
    assert "Loading all tasks of the run again: most of them were changed since the last load" in caplog.text
    campaign.dataset.reload()
    assert [len(labels) for labels in campaign.dataset.values("gt.detections")] == [3] * 4


def settled(campaign):
    """A run of which the next load looks at nothing."""
    campaign.answer(0, "move")
    campaign.answer(1, "add")
    campaign.load()
    campaign.load()
    assert campaign.load() == []


def test_an_answered_sample_that_was_changed_in_fiftyone_is_looked_at_again(campaign):
    settled(campaign)
    campaign.edit_in_dataset(0, "bird")
    campaign.edit_in_dataset(3, "bird")
    assert campaign.load() == [campaign.tasks[0]]
    assert campaign.load() == []


def test_an_answered_sample_that_has_left_the_dataset_is_told_of_again(campaign):
    settled(campaign)
    campaign.delete_sample(0)
    for _ in range(2):
        assert campaign.load() == [campaign.tasks[0]]
        assert campaign.results.left_behind == ["the answers to 1 samples that are no longer in the dataset"]


def test_what_a_load_left_behind_is_looked_at_until_it_is_not(campaign):
    campaign.answer(0, "odd")
    campaign.load()
    campaign.load()
    for _ in range(2):
        assert campaign.load() == [campaign.tasks[0]]
        assert campaign.results.left_behind == ["1 region(s) or task(s) that could not be understood"]
    campaign.correct(0, "empty")
    campaign.load()
    assert campaign.results.left_behind == []


def test_what_the_datasets_version_beat_is_left_behind_by_that_load_alone(campaign):
    campaign.answer(1)
    for _ in range(2):
        campaign.load(on_conflict="dataset")
    campaign.answer(0, "relabel")
    campaign.edit_in_dataset(0, "bird")
    campaign.load(on_conflict="dataset")
    assert [conflict["aspect"] for conflict in campaign.results.conflicts] == ["class"]
    assert campaign.results.left_behind == ["1 changes of field 'gt' in whose place the dataset's were kept"]
    assert campaign.load(on_conflict="dataset") == [campaign.tasks[0]]
    assert campaign.results.left_behind == campaign.results.conflicts == []
    assert campaign.load(on_conflict="dataset") == []


WHY = {
    "dest_field= is not what it was": lambda campaign: campaign.load(dest_field={"gt": "other"}),
    "on_conflict= is not what it was": lambda campaign: campaign.load(on_conflict="dataset"),
    "unexpected= is not what it was": lambda campaign: campaign.load(unexpected="keep"),
    "annotations= is not what it was": lambda campaign: campaign.load(annotations="ground_truth"),
    "provenance= is not what it was": lambda campaign: campaign.load(provenance="labels"),
    "skipped= is not what it was": lambda campaign: campaign.load(skipped="tag"),
    "full=True": lambda campaign: campaign.load(full=True),
}


@pytest.mark.parametrize("why", WHY)
def test_other_options_have_everything_loaded_and_the_log_says_why(campaign, why, caplog):
    settled(campaign)
    with caplog.at_level(logging.INFO):
        assert WHY[why](campaign) == campaign.tasks
    assert f"Loading all tasks of the run again: {why}" in caplog.text


def test_what_was_accepted_since_is_found_although_no_task_was_changed(campaign, caplog):
    campaign.project.reviewed = {}
    for _ in range(2):
        campaign.load(annotations="accepted")
    with caplog.at_level(logging.INFO):
        assert campaign.load(annotations="accepted") == campaign.tasks
    assert "again: with annotations='accepted', a review tells more than the time of a change" in caplog.text


def test_another_labeling_config_has_everything_loaded(campaign, caplog):
    settled(campaign)
    campaign.project.labeling_config = campaign.project.labeling_config.replace("cat", "tomcat")
    with caplog.at_level(logging.INFO):
        assert campaign.load() == campaign.tasks
    assert "the labeling config is not what it was at the last load" in caplog.text
    assert campaign.load() == []


def test_another_label_schema_has_everything_loaded(campaign):
    settled(campaign)
    campaign.results.config.label_schema["gt"]["allow_deletions"] = False
    campaign.results.save_config()
    assert campaign.load() == campaign.tasks


def test_a_field_that_is_gone_has_everything_loaded(campaign, caplog):
    settled(campaign)
    campaign.dataset.delete_sample_field("note")
    with caplog.at_level(logging.INFO):
        assert campaign.load() == campaign.tasks
    assert "field 'note' of the last load is gone" in caplog.text


def test_a_destination_that_is_gone_has_everything_loaded(campaign):
    campaign.answer(0, "move")
    campaign.load(dest_field={"gt": "other"})
    campaign.load(dest_field={"gt": "other"})
    campaign.dataset.delete_sample_field("other")
    assert campaign.load(dest_field={"gt": "other"}) == campaign.tasks
    assert campaign.dataset.count("other.detections") == 2


def test_what_is_returned_is_what_all_tasks_hold(campaign):
    settled(campaign)
    campaign.load(unexpected="return")
    assert campaign.load(unexpected="return") == campaign.tasks


def test_a_server_that_was_put_back_to_an_earlier_time_has_everything_loaded(campaign, caplog):
    settled(campaign)
    campaign.project._seen = {
        task_id: (text, "2026-11-01T00:00:00Z") for task_id, (text, _) in campaign.project._seen.items()
    }
    with caplog.at_level(logging.INFO):
        assert campaign.load() == campaign.tasks
    assert "was it restored?" in caplog.text


def test_tasks_that_the_run_got_since_are_looked_at(campaign):
    first = campaign.ids[0]
    task_id = campaign.results.tasks.pop(first)
    campaign.results.save()
    campaign.answer(0, "empty")
    campaign.answer(1)
    campaign.load()
    campaign.answer(2)
    campaign.load()
    campaign.results.tasks = {first: task_id, **campaign.results.tasks}
    campaign.results.save()
    assert task_id in campaign.load()
    assert campaign.dataset[first].gt.detections == []


def test_a_load_that_fails_is_made_up_for(campaign, monkeypatch):
    settled(campaign)
    campaign.answer(2, "empty")
    exported = campaign.project.exported

    def fail(*arguments):
        raise ServerError("failed with HTTP 500", 500)
        yield

    monkeypatch.setattr(campaign.project, "exported", fail)
    with pytest.raises(ServerError):
        campaign.load()
    monkeypatch.setattr(campaign.project, "exported", exported)
    assert campaign.load() == [campaign.tasks[2]]
    assert campaign.dataset[campaign.ids[2]].gt.detections == []


def test_a_load_that_was_interrupted_half_way_has_everything_loaded(campaign, monkeypatch, caplog):
    settled(campaign)
    campaign.answer(2, "empty")
    with monkeypatch.context() as patched:
        patched.setattr("fo_labelstudio.runs.load._log", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            campaign.load()
    with caplog.at_level(logging.INFO):
        assert campaign.load() == campaign.tasks
    assert "the last load was interrupted" in caplog.text


def test_a_load_of_what_another_source_has_lets_the_next_one_look_at_everything(campaign):
    settled(campaign)
    load_run(campaign.results, LoadOptions(), campaign.project, campaign.results.tasks)
    campaign.results.save()
    assert campaign.load() == campaign.tasks


def test_another_session_knows_what_the_last_load_has_seen(campaign):
    settled(campaign)
    dataset = campaign.dataset
    dataset._annotation_cache.clear()
    campaign.results = dataset.load_annotation_results("run", url="http://memory", api_key="none")
    assert campaign.load() == []
    campaign.answer(3, "empty")
    assert campaign.load() == [campaign.tasks[3]]


def test_a_source_that_cannot_tell_is_asked_for_everything(campaign, monkeypatch):
    settled(campaign)
    monkeypatch.setattr(campaign.project, "changes", lambda since, most: None)
    for _ in range(2):
        assert campaign.load() == campaign.tasks


def test_what_is_kept_of_the_last_load_is_small(campaign):
    settled(campaign)
    kept = campaign.results.last_load
    assert kept["known"] and len(json.dumps(kept, default=str)) < 1500


def test_the_summary_counts_what_was_not_looked_at(campaign, caplog):
    settled(campaign)
    campaign.answer(2)
    with caplog.at_level(logging.INFO):
        campaign.load()
    assert "3 of 4 tasks have a submitted annotation" in caplog.text
