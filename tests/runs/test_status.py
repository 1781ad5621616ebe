"""How far a run is: the lists of the server tell what they can, and only the tasks that they leave open are read."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest

from fo_labelstudio.errors import RunError
from fo_labelstudio.runs import status_table
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.status import get_status
from tests.memory import MemoryOverview, annotate_in_memory

ANN, BOB = 3, 4
USERS = {1: "owner@example.org", ANN: "ann@example.org", BOB: "bob@example.org"}

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}


def box():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])])


class Campaign:
    """A run of some samples in memory, and the people who work on it."""

    def __init__(self, dataset):
        self.dataset = dataset
        self.results, self.project = annotate_in_memory(dataset, "run", SCHEMA)
        self.overview = MemoryOverview(self.project, USERS)
        self.tasks = [self.results.tasks[sample_id] for sample_id in dataset.values("id")]
        self._made = 0

    def submit(self, place, user=ANN, minute=0, edit=lambda result: result, **values):
        """Somebody submits an annotation of a sample, some minutes after ten o'clock."""
        self._made += 1
        time = f"2026-11-20T10:{minute:02}:00Z"
        made = {"id": self._made, "completed_by": user, "created_at": time, "updated_at": time, "lead_time": 10.0}
        self.project.submit(self.tasks[place], edit, **{**made, **values})

    def skip(self, place, user=ANN, minute=0):
        self.submit(place, user, minute, was_cancelled=True)

    def status(self):
        self.overview.asked.clear()
        self.project.pages.clear()
        return get_status(self.results, self.overview, self.project)

    @property
    def downloaded(self):
        return [task_id for page in self.project.pages for task_id in page]


@pytest.fixture
def campaign(make_dataset):
    return Campaign(make_dataset(*({"gt": box()} for _ in range(6))))


def test_a_run_that_nobody_has_touched_is_open(campaign):
    assert campaign.status() == {
        "anno_key": "run",
        "project_id": 1,
        "url": "http://memory/projects/1/data",
        "complete": True,
        "tasks": 6,
        "answered": 0,
        "skipped": 0,
        "open": 6,
        "drafts": 0,
        "deleted": 0,
        "new": 0,
        "reviews": {},
        "annotators": {},
        "predictions": {"FiftyOne": 6},
        "first_activity": None,
        "last_activity": None,
    }
    assert campaign.overview.asked == ["total", "count", "rows", "model versions"]
    assert campaign.downloaded == []


def test_what_people_did_is_counted(campaign):
    campaign.submit(0, ANN, 5)
    campaign.submit(1, ANN, 6)
    campaign.submit(1, BOB, 30, lambda result: [])
    campaign.skip(2, BOB, 7)
    campaign.project.by_id[campaign.tasks[3]]["drafts"] = [{"id": 1}]
    campaign.project.delete_tasks([campaign.tasks[4]])
    status = campaign.status()
    counts = {key: status[key] for key in ("tasks", "answered", "skipped", "open", "drafts", "deleted", "new")}
    assert counts == {"tasks": 6, "answered": 2, "skipped": 1, "open": 2, "drafts": 1, "deleted": 1, "new": 2}
    assert status["annotators"] == {
        "ann@example.org": {"answered": 2, "skipped": 0, "seconds": 20.0},
        "bob@example.org": {"answered": 1, "skipped": 1, "seconds": 20.0},
    }
    assert status["predictions"] == {"FiftyOne": 5}
    assert status["first_activity"] == "2026-11-20T10:05:00+00:00"
    assert status["last_activity"] == "2026-11-20T10:30:00+00:00"
    assert json.loads(json.dumps(status)) == status, "it is plain"


def test_the_first_activity_is_that_of_the_first_annotation(campaign):
    campaign.skip(0, minute=1)
    for place in range(1, 6):
        campaign.submit(place, minute=place + 10)
    assert campaign.status()["first_activity"] == "2026-11-20T10:01:00+00:00"


def test_people_who_left_are_counted_without_a_name(campaign):
    campaign.submit(0, None)
    campaign.submit(1, 77)
    assert set(campaign.status()["annotators"]) == {"unknown", "user 77"}


class TestNew:
    def load(self, campaign):
        load_run(campaign.results, LoadOptions(), campaign.project)
        campaign.results.save()

    def test_what_was_loaded_is_not_new(self, campaign):
        campaign.submit(0, minute=1)
        campaign.submit(1, minute=2)
        assert campaign.status()["new"] == 2
        self.load(campaign)
        assert campaign.status()["new"] == 0

    def test_what_was_submitted_since_is_new_also_where_an_answer_was_loaded(self, campaign):
        campaign.submit(0, minute=1)
        campaign.submit(1, minute=2)
        self.load(campaign)
        campaign.submit(1, minute=3)
        campaign.submit(2, minute=4)
        campaign.skip(3, minute=5)
        assert campaign.status()["new"] == 2

    def test_only_what_may_be_new_is_downloaded(self, make_dataset, monkeypatch):
        monkeypatch.setattr("fo_labelstudio.runs.status.NEWEST", 1)
        campaign = Campaign(make_dataset(*({"gt": box()} for _ in range(9))))
        for place in range(7):
            campaign.submit(place, minute=place)
        self.load(campaign)
        campaign.submit(7, minute=8)
        status = campaign.status()
        assert (status["answered"], status["new"]) == (8, 1)
        assert sorted(campaign.downloaded) == [campaign.tasks[0], campaign.tasks[7]], "the first, and the newest"


class TestWhatTheListsTell:
    def test_tasks_of_others_do_not_count(self, campaign):
        other = campaign.project.add({"predictions": [{"model_version": "theirs", "result": []}]})
        campaign.project.submit(other, id=90, completed_by=BOB)
        status = campaign.status()
        assert (status["tasks"], status["answered"], status["annotators"]) == (6, 0, {})
        assert status["predictions"] == {"FiftyOne": 6}

    def test_a_run_between_tasks_of_others_is_told_apart(self, campaign):
        other = campaign.project.add({})
        sample_id = campaign.dataset.last().id
        moved = campaign.project.by_id.pop(campaign.results.tasks[sample_id])
        campaign.results.tasks[sample_id] = campaign.tasks[-1] = campaign.project.add(moved)
        campaign.project.submit(other, id=90, completed_by=BOB)
        campaign.submit(5, ANN)
        campaign.project.delete_tasks([campaign.tasks[0]])
        campaign.results.save()
        status = campaign.status()
        assert (status["answered"], status["open"], status["deleted"]) == (1, 4, 1)
        assert status["annotators"] == {"ann@example.org": {"answered": 1, "skipped": 0, "seconds": 10.0}}

    def test_all_tasks_may_be_gone(self, campaign):
        campaign.project.delete_tasks(list(campaign.tasks))
        status = campaign.status()
        assert (status["open"], status["deleted"], status["predictions"]) == (0, 6, {})

    @pytest.mark.parametrize("gone", [[], [0], [3], [5], [0, 1, 4], [0, 1, 2, 3, 4, 5]])
    def test_the_few_that_are_gone_are_found_by_counting(self, campaign, gone, monkeypatch):
        monkeypatch.setattr("fo_labelstudio.runs.status._LISTED_IDS", 1)
        campaign.project.delete_tasks([campaign.tasks[place] for place in gone])
        assert campaign.status()["deleted"] == len(gone)

    def test_model_versions_are_told_apart_by_their_whole_names(self, campaign):
        campaign.project.add({"predictions": [{"model_version": "FiftyOne 2", "result": []}]})
        first, second = (campaign.project.by_id[task_id]["predictions"] for task_id in campaign.tasks[:2])
        first[0]["model_version"] = "FiftyOne 2"
        second.append({"model_version": "a, b", "result": []})
        assert campaign.status()["predictions"] == {"FiftyOne 2": 1, "FiftyOne": 5, "a, b": 1}


class TestFinishedAnnotations:
    """Labels that were sent as finished annotations are nobody's answers."""

    @pytest.fixture
    def reviewed(self, campaign):
        campaign.results.config.upload_as = "annotations"
        sent = {"import_id": 1, "completed_by": 1, "lead_time": None, "updated_by": None}
        times = {"created_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:00:00Z"}
        for place, task_id in enumerate(campaign.tasks):
            campaign.project.by_id[task_id]["meta"]["fiftyone"]["annotation"] = 1
            campaign.submit(place, **sent, **times)
        return campaign

    def test_they_are_not_counted(self, reviewed):
        status = reviewed.status()
        assert (status["answered"], status["open"], status["annotators"]) == (0, 6, {})
        assert status["first_activity"] is None

    def test_who_edits_one_has_answered(self, reviewed):
        edited = reviewed.project.by_id[reviewed.tasks[0]]["annotations"][0]
        edited.update(updated_by=BOB, updated_at="2026-11-20T11:00:00Z", lead_time=7)
        status = reviewed.status()
        assert (status["answered"], status["new"]) == (1, 1)
        assert status["annotators"] == {"bob@example.org": {"answered": 1, "skipped": 0, "seconds": 7.0}}
        assert status["first_activity"] == status["last_activity"] == "2026-11-20T11:00:00+00:00"


class TestRunsWithoutAnAnswer:
    def test_a_run_that_was_not_sent_says_so(self, campaign):
        campaign.results.config.run_state = None
        with pytest.raises(RunError, match="annotation run 'run' was not sent"):
            get_status(campaign.results)

    def test_a_run_that_was_written_to_files_says_how_to_load_it(self, campaign):
        campaign.results.config.run_state = {"token": "t", "project_id": None, "complete": True, "owner": "files"}
        with pytest.raises(RunError, match=r"was written to files.*json_path"):
            get_status(campaign.results)

    def test_a_run_whose_project_was_cleaned_up_says_so(self, campaign):
        campaign.results.config.run_state["project_id"] = None
        with pytest.raises(RunError, match="project was removed by cleanup"):
            get_status(campaign.results)

    def test_a_project_that_is_gone_says_so(self, campaign):
        campaign.project.is_gone = True
        with pytest.raises(RunError, match="the project is gone"):
            campaign.status()

    def test_a_run_that_is_not_complete_tells_of_the_tasks_that_it_has(self, campaign):
        campaign.project.delete_tasks(campaign.tasks[4:])
        campaign.submit(0)
        campaign.results.config.run_state["complete"], campaign.results.tasks = False, {}
        status = campaign.status()
        assert (status["complete"], status["tasks"], status["answered"], status["deleted"]) == (False, 4, 1, 0)
        assert campaign.results.tasks == {}, "the results stay as they are"


STATUS = {
    "anno_key": "boxes",
    "project_id": 3,
    "url": "http://localhost:8080/projects/3/data",
    "complete": True,
    "tasks": 200,
    "answered": 120,
    "skipped": 3,
    "open": 75,
    "drafts": 4,
    "deleted": 2,
    "new": 20,
    "reviews": {},
    "annotators": {
        "ann@example.org": {"answered": 100, "skipped": 1, "seconds": 5400.0},
        "<b>@example.org": {"answered": 20, "skipped": 2, "seconds": 44.6},
    },
    "predictions": {"FiftyOne": 198},
    "first_activity": "2026-11-20T10:05:00+00:00",
    "last_activity": None,
}

TEXT = """\
Status for annotation run 'boxes':

    Status          Tasks
    Tasks             200
    Answered          120  60%
    Skipped             3   2%
    Open               75  38%
    Drafts              4
    Deleted             2   1%
    Not yet loaded     20

    Annotator        Answered  Skipped      Time
    ann@example.org       100        1  1 h 30 min
    <b>@example.org        20        2      45 s

    Model version  Predictions
    FiftyOne               198

First activity: 2026-11-20T10:05:00+00:00
Last activity: none
URL: http://localhost:8080/projects/3/data"""


class TestHowItLooks:
    @pytest.fixture(autouse=True)
    def status(self, monkeypatch):
        monkeypatch.setattr(status_table, "get_status", lambda results: STATUS)

    def test_a_terminal_gets_tables(self, campaign, capsys):
        campaign.results.print_status()
        printed = capsys.readouterr().out
        assert [line.split() for line in printed.splitlines()] == [line.split() for line in TEXT.splitlines()]

    def test_columns_are_aligned(self):
        lines = status_table.as_text(STATUS).splitlines()
        assert "    ann@example.org       100        1  1 h 30 min" in lines
        assert "    <b>@example.org        20        2        45 s" in lines

    def test_reviews_are_counted_where_there_are_any(self):
        lines = status_table.as_text({**STATUS, "reviews": {"accepted": 12, "rejected": 3}}).splitlines()
        assert lines[9:12] == ["    Not yet loaded     20", "    Accepted           12", "    Rejected            3"]

    def test_a_notebook_gets_html_in_which_names_are_text(self, campaign, monkeypatch, capsys):
        shown = []
        monkeypatch.setattr(status_table.focx, "is_notebook_context", lambda: True)
        monkeypatch.setattr("IPython.display.display", shown.append)
        campaign.results.print_status()
        (html,) = (item.data for item in shown)
        assert "<tr><td>Answered</td><td>120</td><td>60%</td></tr>" in html
        assert "<td>&lt;b&gt;@example.org</td>" in html and "<b>@" not in html
        assert '<a href="http://localhost:8080/projects/3/data" target="_blank" rel="noopener">' in html
        assert 'aria-label="answered: 120 of 200, skipped: 3 of 200"' in html
        assert capsys.readouterr().out == ""

    def test_a_run_that_is_not_complete_says_what_to_do(self):
        for text in (
            status_table.as_text({**STATUS, "complete": False}),
            status_table.as_html({**STATUS, "complete": False}),
        ):
            assert "The run is not complete; call annotate() with the same anno_key once more." in text
