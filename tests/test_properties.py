"""How many examples property tests try."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import properties
from tests.conftest import _SAMPLE, pytest_collection_modifyitems
from tests.sweeps import Sample


@pytest.fixture(autouse=True)
def _chosen_again():
    now = settings.get_current_profile_name()
    yield
    settings.load_profile(now)


def test_a_run_tries_a_part_of_the_examples_and_make_bench_all():
    properties.choose(is_whole=True)
    assert [properties.examples(number).max_examples for number in (8, 20, 300)] == [8, 20, 300]
    assert settings.default.max_examples == 50
    properties.choose(is_whole=False)
    assert [properties.examples(number).max_examples for number in (8, 20, 300)] == [8, 10, 90]
    assert [properties.examples(number, fewest=3).max_examples for number in (2, 8, 20)] == [2, 3, 6]
    assert settings.default.max_examples == 15


@pytest.mark.parametrize("is_whole", [True, False])
def test_the_examples_are_the_same_each_time_however_long_they_take(is_whole):
    properties.choose(is_whole)
    assert settings.default.derandomize and settings.default.deadline is None


class Item:
    """A test without fixtures, as pytest has collected it."""

    def __init__(self, obj, nodeid="tests/a.py::test", markers=()):
        self.obj = obj
        self.nodeid = nodeid
        self._markers = markers

    def get_closest_marker(self, name):
        return name if name in self._markers else None


def config_of(is_nightly, deselected):
    """What pytest knows of a run that tries half of the cases of tests marked sampled."""
    stash = pytest.Stash()
    stash[_SAMPLE] = Sample(1, 0.25, 1.0 if is_nightly else 0.5)
    hook = SimpleNamespace(pytest_deselected=lambda items: deselected.extend(items))
    return SimpleNamespace(getoption=lambda name: is_nightly, hook=hook, stash=stash)


@pytest.mark.parametrize(("is_nightly", "count"), [(True, 6), (False, 3)])
def test_make_bench_tries_all_cases_of_which_other_runs_try_half(is_nightly, count):
    items = [Item(lambda: None, f"tests/a.py::test[{number}]", ("sampled",)) for number in range(6)]
    left, deselected = [*items], []
    pytest_collection_modifyitems(config_of(is_nightly, deselected), left)
    assert len(left) == count
    assert deselected == [item for item in items if item not in left]


@pytest.mark.parametrize(("is_nightly", "chosen"), [(True, ["property"]), (False, ["property", "other"])])
def test_make_bench_runs_them_beside_what_takes_long(is_nightly, chosen):
    items = {"property": Item(given(st.booleans())(lambda value: None)), "other": Item(lambda: None)}
    left, deselected = list(items.values()), []
    pytest_collection_modifyitems(config_of(is_nightly, deselected), left)
    assert left == [items[name] for name in chosen]
    assert deselected == [item for item in items.values() if item not in left]
