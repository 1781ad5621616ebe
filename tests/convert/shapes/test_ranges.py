from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.shapes.ranges import joined, numbers_in, to_ranges

numbers = st.sets(st.integers(1, 60))


@given(numbers)
def test_the_numbers_in_ranges_come_back(found):
    ranges = to_ranges(found)
    assert numbers_in(ranges, 60) == sorted(found)
    assert all(before[1] + 1 < behind[0] for before, behind in pairwise(ranges))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60))))
def test_joined_ranges_hold_the_same_numbers_once(ranges):
    found = {number for ends in ranges for number in range(min(ends), max(ends) + 1)}
    assert joined(ranges) == to_ranges(found)


@pytest.mark.parametrize(("last", "found"), [(2, [1, 2]), (9, [1, 2, 3, 7, 8, 9])])
def test_numbers_behind_the_last_are_not_there(last, found):
    assert numbers_in([[1, 3], [7, 2**60]], last) == found
