"""Garbage collection while large runs are loaded."""

from __future__ import annotations

import gc

import pytest

from fo_labelstudio.runs.garbage import no_collection, only_new_garbage


def test_what_was_there_before_is_passed_over_until_the_end():
    before = gc.get_freeze_count()
    with only_new_garbage():
        assert gc.get_freeze_count() > before + 1000
    assert gc.get_freeze_count() <= before


def test_it_ends_with_an_error_too():
    before = gc.get_freeze_count()
    with pytest.raises(KeyError), only_new_garbage():
        raise KeyError
    assert gc.get_freeze_count() <= before


def test_the_few_objects_that_python_itself_has_frozen_make_no_difference():
    gc.unfreeze()
    gc.collect()
    before = gc.get_freeze_count()
    with only_new_garbage(), only_new_garbage():
        assert gc.get_freeze_count() > before + 1000
    assert gc.get_freeze_count() <= before


def test_what_somebody_else_has_frozen_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with only_new_garbage():
            assert gc.get_freeze_count() <= frozen
        assert 0 < gc.get_freeze_count() <= frozen
    finally:
        gc.unfreeze()


def test_it_waits_until_much_was_made_and_goes_on_then():
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
