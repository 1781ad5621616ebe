"""The project of a run is deleted, unless the last load left something in it."""

from __future__ import annotations

from fo_labelstudio.runs.cleanup import clean_up
from tests.memory import MemoryState


def test_the_project_is_deleted_and_forgotten():
    results = MemoryState(project_id=7)
    clean_up(results)
    assert results.deleted == [7] and results.project_id is None
    assert results.tasks == {} and results.saves == ["config"]


def test_what_was_left_behind_keeps_the_project_and_is_named(caplog):
    results = MemoryState(left_behind=["2 changes of field 'gt'"])
    clean_up(results)
    assert results.deleted == [] and results.project_id == 1 and results.tasks == {"sample": 1}
    assert "Project 1 is kept, because the last load left something behind: 2 changes of field 'gt'" in caplog.text


def test_force_deletes_it_all_the_same():
    results = MemoryState(left_behind=["2 changes of field 'gt'"])
    clean_up(results, force=True)
    assert results.deleted == [1] and results.left_behind == []


def test_a_run_without_a_project_needs_no_server():
    results = MemoryState(project_id=None)
    clean_up(results)
    assert results.deleted == [] and results.saves == [] and results.tasks == {}
