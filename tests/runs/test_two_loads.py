"""Two loads of one run at once: one waits for the other, and neither undoes what the other has noted."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from functools import partial

import fiftyone as fo
import fiftyone.core.annotation as foan
import pytest
from fiftyone.core.runs import BaseRun

from fo_labelstudio.dataset.run_lock import sole_loader
from fo_labelstudio.runs import load as loading
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.ongoing import ongoing
from fo_labelstudio.runs.status import get_status
from fo_labelstudio.runs.tag_samples import tag_samples
from tests.memory import MemoryOverview, annotate_in_memory

pytestmark = pytest.mark.database

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}


_not_patched_yet = BaseRun.load_run_results.__func__
"""What FiftyOne runs where nobody has imported this package before."""


def drawn(result):
    (region,) = result
    return [region, {**region, "id": "drawn", "value": {**region["value"], "x": 50}}]


class Waiting(logging.Handler):
    """Knows when somebody waits for a load."""

    def __init__(self):
        super().__init__()
        self.seen = threading.Event()

    def emit(self, record):
        if "Waiting until" in record.getMessage():
            self.seen.set()


@pytest.fixture
def waiting():
    handler, logger = Waiting(), logging.getLogger("fiftyone.fo_labelstudio")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def sent(make_dataset):
    box = [0.1, 0.1, 0.2, 0.2]
    dataset = make_dataset(
        *({"gt": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box)])} for _ in range(2))
    )
    results, project = annotate_in_memory(dataset, "run", SCHEMA)
    for number, task_id in enumerate(results.tasks.values(), 1):
        time = f"2026-11-20T10:00:0{number}Z"
        project.submit(task_id, drawn, id=number, completed_by=1, created_at=time, updated_at=time)
    return dataset, results, project


@contextmanager
def during_the_merge(monkeypatch, action):
    """Has something done while a load merges, once."""
    merge, todo = loading._Merges.merge, [action]

    def and_act(self, answers, returned):
        while todo:
            todo.pop()()
        return merge(self, answers, returned)

    with monkeypatch.context() as patching:
        patching.setattr(loading._Merges, "merge", and_act)
        yield
    assert not todo


@pytest.mark.parametrize("is_same", [True, False], ids=["the same results", "results of their own"])
def test_the_second_waits_and_loads_nothing_again(sent, waiting, monkeypatch, is_same):
    dataset, results, project = sent
    others, order, failed = results if is_same else results.saved(), [], []

    def second():
        try:
            load_run(others, LoadOptions(), project)
        except BaseException as error:
            failed.append(error)
        order.append("second")

    thread = threading.Thread(target=second)

    def meanwhile():
        thread.start()
        assert waiting.seen.wait(60)
        order.append("first")

    with during_the_merge(monkeypatch, meanwhile):
        load_run(results, LoadOptions(), project)
    thread.join()
    assert (order, failed) == (["first", "second"], [])
    dataset.reload()
    assert dataset.values("gt.detections.label") == [["cat", "cat"]] * 2
    saved = results.saved()
    assert set(saved.answered) == set(saved.loaded["gt"]) == set(saved.settled["gt"]) == set(results.tasks)


def test_a_load_is_saved_before_another_one_begins(sent):
    _, results, project = sent
    load_run(results, LoadOptions(), project)
    assert set(results.saved().loaded["gt"]) == set(results.tasks)


def test_the_status_takes_nothing_away_from_a_load_that_runs(sent, monkeypatch):
    _, results, project = sent
    found = []
    with during_the_merge(monkeypatch, lambda: found.append(get_status(results, MemoryOverview(project), project))):
        load_run(results, LoadOptions(), project)
    results.save()
    assert (found[0]["answered"], found[0]["new"]) == (2, 2)
    assert set(results.saved().loaded["gt"]) == set(results.tasks)
    assert get_status(results, MemoryOverview(project), project)["new"] == 0


def begin_to_change(results, project):
    with ongoing(results):
        pass


CHANGES = {
    "tag_samples": lambda results, project: tag_samples(results, overview=MemoryOverview(project), source=project),
    "what changes a run that is going on": begin_to_change,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_run_waits_for_a_load(sent, waiting, monkeypatch, change):
    _, results, project = sent
    order = []

    def second():
        CHANGES[change](results, project)
        order.append("second")

    thread = threading.Thread(target=second)

    def meanwhile():
        thread.start()
        assert waiting.seen.wait(60)
        order.append("first")

    with during_the_merge(monkeypatch, meanwhile):
        load_run(results, LoadOptions(), project)
    thread.join()
    assert order == ["first", "second"]
    assert set(results.saved().loaded["gt"]) == set(results.tasks)


def test_a_load_that_failed_is_in_nobodys_way(sent, monkeypatch):
    _, results, project = sent
    project.is_gone = True
    with pytest.raises(Exception, match="the project is gone"):
        load_run(results, LoadOptions(), project)
    project.is_gone = False
    load_run(results, LoadOptions(), project)
    assert set(results.saved().loaded["gt"]) == set(results.tasks)


def test_whoever_loads_may_do_what_needs_the_same(sent):
    dataset, *_ = sent
    with sole_loader(dataset, "run"), sole_loader(dataset, "run"), sole_loader(dataset, "other"):
        pass


def test_results_that_another_session_has_replaced_are_read_as_they_are_now(sent):
    dataset, results, _ = sent
    document = results.backend._get_run_doc(dataset, "run")
    known = document.results.grid_id
    results.left_behind = ["something"]
    results.save()
    assert document.results.grid_id != known
    for load in (foan.AnnotationMethod.load_run_results, partial(_not_patched_yet, foan.AnnotationMethod)):
        # As a session has it that read the dataset before.
        document.results.grid_id, document.results.gridout = known, None
        dataset.clear_cache()
        assert load(dataset, "run").left_behind == ["something"]


def test_results_are_there_whenever_somebody_reads_them(sent):
    _, results, _ = sent
    failed, is_over = [], threading.Event()

    def read():
        while not is_over.is_set():
            try:
                assert results.saved().tasks == results.tasks
            except BaseException as error:
                failed.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(50):
        results.save()
        results.save_config()
    is_over.set()
    for reader in readers:
        reader.join()
    assert failed == []


def test_a_save_that_is_killed_leaves_the_results_of_before(sent, monkeypatch):
    dataset, results, _ = sent
    document = results.backend._get_run_doc(dataset, "run")
    with monkeypatch.context() as patching:
        patching.setattr(type(document), "save", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        results.left_behind = ["something"]
        with pytest.raises(KeyboardInterrupt):
            results.save()
    assert (results.saved().left_behind, results.saved().tasks) == ([], results.tasks)
    results.save()
    assert results.saved().left_behind == ["something"]
