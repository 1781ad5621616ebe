"""Samples of sweeps, which try a fault or a kill at every place there is: a few places in each run, others each time.

``make bench`` tries all of them. A run says which sample it took, and the same seed and share take it again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

PROPERTY = "sweep"
"""The property of a test's report that says how much of its sweep was tried."""

_SHARE = 0.25
"""Share of the cases that is tried on a machine as fast as _SECONDS says, or faster."""
_SAMPLED = 2.0
"""How many times more of the cases of a test that is marked ``sampled`` are tried than of those of a sweep."""
_SECONDS = 0.14
"""What :func:`_work` takes on a quiet core at 2.3 GHz."""


class Sample(NamedTuple):
    """The sample that a run takes of each sweep.

    Attributes:
        seed: what the choice follows from
        share: share of the cases of a sweep that is tried, (0, 1]
        sampled_share: the same of the cases of each parametrized test that is marked ``sampled``
    """

    seed: int
    share: float
    sampled_share: float = 1.0

    def __str__(self) -> str:
        """Which sample it is, and the options that take it again."""
        if self.share == 1:
            return f"all cases; --sweep-seed={self.seed} repeats what is left to chance"
        why = ""
        if self.share < _SHARE:
            why = f", as this machine is now {_SHARE / self.share:.1f} times slower than the reference"
        again = f"--sweep-seed={self.seed} --sweep-share={self.share}"
        of_tests = f"{self.sampled_share:.1%} of those of tests marked sampled"
        return f"{self.share:.1%} of the cases, and {of_tests}, at least one each{why}; {again} takes the same"


class Sweep:
    """Chooses the cases of one test.

    Args:
        sample: the sample of the run
        name: name of the test
        record: takes a name and a value that the report of the test is to hold
    """

    def __init__(self, sample: Sample, name: str, record: Callable[[str, object], None]) -> None:
        self.random = random.Random(f"{sample.seed} {name}")
        """For what else is left to chance."""
        self._share = sample.share
        self._record = record

    def sample(self, cases: Sequence[T]) -> list[T]:
        """Some of the cases, at least one, in their order."""
        count = max(1, round(self._share * len(cases)))
        chosen = sorted(self.random.sample(range(len(cases)), count))
        print(f"cases that are tried, of {len(cases)}: {[cases[number] for number in chosen]}")
        self._record(PROPERTY, f"{count} of {len(cases)} cases")
        return [cases[number] for number in chosen]


def sampled(sample: Sample, cases: Sequence[str]) -> set[str]:
    """The cases of parametrized tests that a run tries: of each test a share, at least one.

    Args:
        sample: the sample of the run
        cases: the ids of the cases, as pytest writes them
    """
    by_test: dict[str, list[str]] = {}
    for case in cases:
        by_test.setdefault(case.partition("[")[0], []).append(case)
    chosen: set[str] = set()
    for test, its_cases in by_test.items():
        count = max(1, round(sample.sampled_share * len(its_cases)))
        chosen.update(random.Random(f"{sample.seed} {test}").sample(its_cases, count))
    return chosen


def slowness() -> float:
    """How many times slower than the reference this machine is now; 1 where it is as fast or faster."""
    start = time.perf_counter()
    _work()
    return max(1.0, (time.perf_counter() - start) / _SECONDS)


def share_of(slowness: float) -> float:
    """The share of the cases that is tried on a machine so many times slower than the reference."""
    return round(_SHARE / slowness, 3)


def sampled_share_of(share: float) -> float:
    """The share of the cases of tests that are marked ``sampled``, by that of the cases of a sweep."""
    return min(1.0, _SAMPLED * share)


def _work() -> int:
    """Work that is the same on every machine."""
    total = 0
    for number in range(2_000_000):
        total = (total * 31 + number) % 1_000_003
    return total
