"""A week of a campaign on a real server: each day does something else to the run, and nothing is ever lost."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from tests.support import invited, stored

pytestmark = pytest.mark.server

ANN, BOB = "ann.week@example.org", "bob.week@example.org"
SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


def boxes(label="cat", **values):
    first = fo.Detection(label=label, bounding_box=[0.125, 0.25, 0.25, 0.5], confidence=0.75, tags=["mine"], **values)
    second = fo.Detection(label="cat", bounding_box=[0.5, 0.25, 0.25, 0.5], index=3, source="import")
    return fo.Detections(detections=[first, second])


class Week:
    """A campaign, the people who work on it, and what the dataset must hold."""

    def __init__(self, dataset, connection, people):
        self.dataset, self.connection, self.people = dataset, connection, people
        self.ids = dataset.values("id")
        options = {"backend": "labelstudio", "label_schema": SCHEMA, "skipped": "tag"}
        self.results = dataset[:5].annotate("week", **options, **connection)
        self.names = dataset.values("gt.detections.label")
        self.before = stored(dataset)

    def submit(self, place, edit=lambda result: result, who=ANN, model=None, **values):
        """Somebody submits what the label stream shows, or the prediction of a model that they choose."""
        call, task_id = self.people[who].call, self.results.tasks[self.ids[place]]
        shown = model or call("GET", f"/api/projects/{self.results.project_id}/")["model_version"]
        found = call("GET", f"/api/predictions/?task={task_id}")
        started = next((item for item in found if item["model_version"] == shown), {"id": None, "result": []})
        body = {"result": edit(started["result"]), "parent_prediction": started["id"], "lead_time": 3, **values}
        return call("POST", f"/api/tasks/{task_id}/annotations/", json=body)

    def load(self, **options):
        self.dataset.load_annotations("week", unexpected="ignore", **options, **self.connection)

    def check(self, *changed, new=0):
        """The labels are those that are expected, only some samples were changed, and all of them can be saved."""
        assert self.dataset.values("gt.detections.label") == self.names
        own = ("tags", "last_modified_at")
        after = stored(self.dataset)
        differing = [
            place
            for place, name in enumerate(self.ids)
            if {key: value for key, value in after[name].items() if key not in own}
            != {key: value for key, value in self.before[name].items() if key not in own}
        ]
        assert differing == sorted(changed)
        for sample in self.dataset.iter_samples(autosave=True):
            assert all(label.id for label in sample.gt.detections)
        assert self.results.get_status()["new"] == new
        self.before = stored(self.dataset)

    def tags(self):
        self.results.tag_samples()
        return [[tag.removeprefix("week:") for tag in sorted(tags)] for tags in self.dataset.values("tags")]


def relabelled(name):
    def edit(result):
        result[0]["value"]["rectanglelabels"] = [name]
        return result

    return edit


def moved(result):
    result[0]["value"]["x"] = 25
    return result


def without_second(result):
    return result[:1]


@pytest.fixture
def week(make_dataset, connection, server):
    dataset = make_dataset(*({"gt": boxes(), "new": boxes("dog", source="model")} for _ in range(8)))
    return Week(dataset, connection, {email: invited(server, email) for email in (ANN, BOB)})


def test_nothing_is_lost_in_a_week(week):
    dataset, results = week.dataset, week.results
    week.check()
    assert week.tags() == [["open"]] * 5 + [[]] * 3

    # Monday: some answers, one skipped task.
    week.submit(0, relabelled("dog"))
    week.submit(1, without_second)
    skipped = week.submit(2, was_cancelled=True)
    week.submit(3)
    week.check(new=3)
    week.load()
    week.names[0], week.names[1] = ["dog", "cat"], ["cat"]
    week.check(0, 1)
    assert week.tags() == [["answered", "edited"]] * 2 + [["skipped"], ["answered"], ["open"], [], [], []]

    # Tuesday: edits in FiftyOne, the skip is taken back, a better model for what is open.
    sample = dataset[week.ids[0]]
    sample.gt.detections[0].tags.append("checked")
    sample.save()
    sample = dataset[week.ids[4]]
    sample.gt.detections[0].label = "cow"
    sample.save()
    week.names[4][0] = "cow"
    week.people[ANN].call("DELETE", f"/api/annotations/{skipped['id']}/")
    report = results.upload_predictions(dataset, "new", "better")
    assert (report.added, report.answered) == (2, 3)
    week.check(0, 4)
    week.load()
    week.check()
    assert week.tags()[2] == ["open"]
    week.submit(2)
    week.load()
    week.names[2] = ["cat", "cat", "dog", "cat"]
    week.check(2)
    assert dataset[week.ids[2]].gt.detections[2].source == "model"
    assert week.tags()[2] == ["answered"]

    # Wednesday: more samples, and more is asked for, while somebody watches.
    with fo_labelstudio.watch(dataset, "week", interval=0.05, block=False, **week.connection) as watching:
        assert results.add_samples(dataset) == 3
        results.update_label_schema({"gt": {"classes": ["cat", "dog", "cow"]}})
        results.upload_predictions(dataset, "gt", "better", start_from=True)
        week.submit(5, relabelled("cow"))
        week.submit(6, moved, BOB)
        while results.saved().answered.keys() != {week.ids[place] for place in (0, 1, 2, 3, 5, 6)}:
            assert watching.is_running
    week.names[5] = ["cow", "cat"]
    week.check(5, 6)
    assert dataset[week.ids[6]].gt.detections[0].bounding_box == [0.25, 0.25, 0.25, 0.5]
    assert [label.tags for label in dataset[week.ids[5]].gt.detections] == [["mine"], []]

    # Thursday: both sides changed the same label, copies for each annotator, a load of everything.
    sample = dataset[week.ids[4]]
    sample.gt.detections[0].label = "bird"
    sample.save()
    week.submit(4, relabelled("dog"), BOB)
    week.load(on_conflict="keep_both")
    week.names[4] = ["bird", "cat", "dog"]
    week.check(4)
    (conflict,) = results.conflicts
    assert [conflict[key] for key in ("sent", "dataset", "annotator", "kept")] == ["cow", "bird", "dog", "both"]
    assert [label.tags for label in dataset[week.ids[4]].gt.detections] == [["mine"], [], ["mine"]]
    week.submit(0, relabelled("cow"), BOB, "FiftyOne")
    week.load(annotations="all", provenance="samples")
    assert dataset.values("gt_ann_week_example_org.detections.label")[0] == ["dog", "cat"]
    assert dataset.values("gt_bob_week_example_org.detections.label")[0] == ["cow", "cat"]
    assert dataset.values("gt.detections.label") == week.names
    fo_labelstudio.compute_agreement(dataset, "gt")
    week.before = stored(dataset)
    week.load(dest_field="copied")
    assert dataset.values("copied.detections.label")[0] == ["cow", "cat"]
    assert dataset.values("gt.detections.label") == week.names
    week.before = stored(dataset)
    week.load(full=True)
    week.names[0] = ["cow", "cat"]
    week.check(0)
    assert dataset[week.ids[0]].gt.detections[0].tags == ["mine", "checked"]

    # Friday: fewer samples, and the end.
    assert results.remove_samples(dataset[6:7]) == 1
    assert results.delete_tasks(results.tasks[week.ids[7]]) == 1
    week.load()
    week.check()
    assert week.tags() == [
        ["answered", "disagreed", "edited"],
        ["answered", "edited"],
        ["answered"],
        ["answered"],
        ["answered", "edited"],
        ["answered", "edited"],
        [],
        [],
    ]
    week.load(full=True, cleanup=True)
    after = stored(dataset)
    assert [after[name]["gt"] for name in week.ids] == [week.before[name]["gt"] for name in week.ids]
