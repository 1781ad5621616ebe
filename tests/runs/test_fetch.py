"""What people submitted becomes answers, page by page, whatever it comes from."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.errors import RunError, ServerError
from fo_labelstudio.runs.fetch import fetch_answers
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import MemoryTasks, annotate_in_memory, sent_run
from tests.support import stored

RUN = "token"
FIELD = LabelField("gt", "detections", ("cat", "dog"), "gt")
IDS = [f"{number:024x}" for number in range(5)]


def boxes():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])])


@pytest.fixture
def project():
    return sent_run([FIELD], {sample_id: {"gt": boxes()} for sample_id in IDS}, RUN)


@pytest.fixture
def tasks(project):
    return {task["data"]["sample_id"]: task_id for task_id, task in project.by_id.items()}


def fetch(*given):
    """The newest annotation of each task."""
    return fetch_answers(*given).answers[None]


def answers_of(answers):
    return {answer.sample_id: answer for page in answers for answer in page}


def test_each_submitted_task_is_an_answer(project, tasks):
    project.submit(1)
    project.submit(3, lambda result: [])
    answers = fetch(RUN, [FIELD], project, tasks)
    assert answers.count == 2 and answers.problems == [] and answers.missing == 0
    found = answers_of(answers)
    assert set(found) == {IDS[0], IDS[2]}
    assert len(found[IDS[0]].fields["gt"].kept) == 1
    assert len(found[IDS[2]].fields["gt"].deleted) == 1


def test_tasks_are_asked_for_in_pages(project, tasks, monkeypatch):
    monkeypatch.setattr("fo_labelstudio.runs.fetch.PAGE_TASKS", 2)
    project.submit(5)
    assert set(answers_of(fetch(RUN, [FIELD], project, tasks))) == {IDS[4]}
    assert project.pages == [[1, 2], [3, 4], [5]]


def test_pages_of_tasks_with_masks_are_smaller(tasks):
    masks = LabelField("gt", "instances", ("cat",), "gt", tool="BrushLabels")
    project = sent_run([masks], {}, RUN)
    fetch(RUN, [masks], project, {f"{number:024x}": number for number in range(30)})
    assert list(map(len, project.pages)) == [20, 10]


def test_a_copy_of_a_task_is_left_alone(project, tasks):
    copy = {**project.by_id[1], "annotations": [], "data": dict(project.by_id[1]["data"])}
    copied = project.add(copy)
    project.submit(copied, lambda result: [])
    answers = fetch(RUN, [FIELD], project, {**tasks, "elsewhere": copied})
    assert answers.count == 0
    assert [str(problem) for problem in answers.problems] == [
        f"task {copied}: it names sample {IDS[0]}, for which it was not made; left alone"
    ]


def test_tasks_that_are_gone_are_counted(project, tasks):
    project.delete_tasks([2, 4])
    assert fetch(RUN, [FIELD], project, tasks).missing == 2


def test_a_control_tag_that_is_gone_deletes_nothing_and_is_remembered(project, tasks):
    project.set_labeling_config('<View><Image name="image" value="$image"/></View>')
    project.submit(1, lambda result: [])
    answers = fetch(RUN, [FIELD], project, tasks)
    assert answers_of(answers)[IDS[0]].fields["gt"].deleted == []
    assert [sighting.missing.controls for sighting in answers.configs] == [{"gt"}]


def test_a_labeling_config_that_changes_meanwhile_has_all_downloaded_again(project, tasks):
    exported, configs = project.exported, iter(["<View/>"])

    def change_once(*arguments):
        project.labeling_config = next(configs, project.labeling_config)
        return exported(*arguments)

    project.exported = change_once
    fetch(RUN, [FIELD], project, tasks)
    assert len(project.pages) == 2


def test_a_project_that_is_gone_is_an_error(project, tasks):
    project.is_gone = True
    with pytest.raises(RunError, match="the project is gone"):
        fetch(RUN, [FIELD], project, tasks)


class FailingTasks(MemoryTasks):
    """Fails at the second page."""

    def exported(self, task_ids, page_tasks):
        for number, page in enumerate(super().exported(task_ids, page_tasks), 1):
            if number == 2:
                raise ServerError("failed with HTTP 500", 500)
            yield page


def test_a_failing_page_leaves_the_dataset_as_it_was(make_dataset, monkeypatch):
    dataset = make_dataset(*({"gt": boxes()} for _ in range(3)))
    schema = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}
    results, project = annotate_in_memory(dataset, "run", schema)
    for task_id in results.tasks.values():
        project.submit(task_id, lambda result: [])
    before = stored(dataset)
    monkeypatch.setattr("fo_labelstudio.runs.fetch.PAGE_TASKS", 2)
    failing = FailingTasks()
    failing.by_id, failing.labeling_config = project.by_id, project.labeling_config
    with pytest.raises(ServerError):
        load_run(results, LoadOptions(), failing)
    assert stored(dataset) == before
    load_run(results, LoadOptions(), project)
    assert dataset.count("gt.detections") == 0
