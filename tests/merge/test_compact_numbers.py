"""Sets of numbers survive as text, and the ids of very many tasks take little of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.merge.compact_numbers import packed, unpacked


@given(st.sets(st.integers(0, 2**62)))
def test_what_is_packed_is_unpacked(numbers):
    assert unpacked(packed(numbers)) == numbers


def test_a_hundred_thousand_ids_in_a_row_take_less_than_a_kilobyte():
    assert len(packed(range(123_456, 223_456))) < 1000


def test_every_other_id_takes_no_more():
    assert len(packed(range(0, 100_000, 2))) < 1000
