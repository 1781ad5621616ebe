from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.task.origin import HIDDEN, aspects_in, hidden_in, is_sent, to_hidden


@given(st.sets(st.integers(1, 10**6), min_size=1))
def test_hidden_frames_are_read_as_they_were_written(numbers):
    text = to_hidden(numbers)
    assert hidden_in(text) == numbers
    assert is_sent({"f": {"key": {"label": "digest", HIDDEN: text}}})


def test_hidden_frames_are_told_by_their_ranges():
    assert to_hidden([7, 5, 6, 12]) == "5-7 12-12"


@pytest.mark.parametrize("text", ["", "5", "5-", "a-b", "5-7,8-9", "5-7 ", "٣-٣", "1-" + "9" * 10, ["5-7"], None])
def test_what_says_no_frames_is_a_record_that_was_changed(text):
    assert not is_sent({"f": {"key": {HIDDEN: text}}})


def test_neither_ids_nor_hidden_frames_are_aspects():
    assert aspects_in({"ids": ["a"], HIDDEN: "1-2", "label": "digest"}) == {"label": "digest"}
