"""Samples of sweeps: others in each run, and the same ones again by seed and share."""

from __future__ import annotations

import pytest

from tests.sweeps import Sample, Sweep, sampled, sampled_share_of, share_of


@pytest.mark.parametrize(("share", "count"), [(1.0, 20), (0.25, 5), (0.001, 1)])
def test_a_sample_is_taken_again_by_its_seed_and_share(share, count):
    recorded = []

    def taken(seed, name="test"):
        sweep = Sweep(Sample(seed, share), name, lambda *values: recorded.append(values))
        return sweep.sample(range(20))

    first = taken(1)
    assert first == sorted(set(first)) == taken(1) and len(first) == count
    assert recorded[0] == ("sweep", f"{count} of 20 cases")
    if share < 1:
        assert len({tuple(taken(seed)) for seed in range(100)}) > 10
        assert len({tuple(taken(1, name)) for name in "abcdefghij"}) > 3
    else:
        assert first == list(range(20))


def test_every_case_is_in_some_sample():
    tried = [Sweep(Sample(seed, 0.1), "test", lambda *values: None).sample(range(20)) for seed in range(200)]
    assert {case for cases in tried for case in cases} == set(range(20))


def test_a_slower_machine_takes_a_smaller_sample_and_the_run_says_so():
    assert share_of(10) == share_of(1) / 10
    assert "10.0 times slower" in str(Sample(7, share_of(10)))
    assert "slower" not in str(Sample(7, share_of(1)))
    assert "--sweep-seed=7 --sweep-share=0.025" in str(Sample(7, share_of(10)))
    assert str(Sample(7, 1.0)).startswith("all cases")


CASES = [f"tests/a.py::test[{number}]" for number in range(6)] + ["tests/a.py::other[x]"]


def test_of_each_sampled_test_some_cases_are_tried_and_the_same_ones_by_seed():
    tried = sampled(Sample(1, 0.25, 0.5), CASES)
    assert len(tried) == 4 and CASES[-1] in tried and tried == sampled(Sample(1, 0.25, 0.5), CASES)
    assert {case for seed in range(50) for case in sampled(Sample(seed, 0.25, 0.01), CASES)} == set(CASES)
    assert sampled(Sample(1, 1.0), CASES) == set(CASES)


def test_more_of_their_cases_are_tried_than_of_sweeps():
    assert sampled_share_of(0.25) == 0.5 and sampled_share_of(1.0) == 1.0
