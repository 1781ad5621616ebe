"""Digests do not depend on which way a value was written as JSON."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.digests import digest_of
from tests.properties import examples

NUMBERS = st.one_of(st.booleans(), st.integers(), st.floats())
VALUES = st.one_of(
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(st.lists(NUMBERS)),
    st.lists(st.one_of(NUMBERS, st.text(), st.lists(st.one_of(NUMBERS, st.text(), st.none())))),
)


KEYFRAMES = st.lists(
    st.tuples(st.integers(), st.booleans(), *[st.floats(allow_nan=False)] * 5).map(list), min_size=1, max_size=3
)


@examples(100)
@given(KEYFRAMES, KEYFRAMES)
def test_keyframes_have_equal_digests_where_they_are_written_alike(one, other):
    assert (digest_of(one) == digest_of(other)) == (json.dumps(one) == json.dumps(other))
    assert digest_of(one) == digest_of(json.loads(json.dumps(one)))


def test_a_keyframe_has_another_digest_once_any_of_its_numbers_is_another():
    row = [1, True, 10.0, 20.0, 30.0, 40.0, 0.0]
    others = [
        [*row[:place], other, *row[place + 1 :]] for place, other in enumerate([2, False, 10.5, 20.5, 30.5, 40.5, 1.0])
    ]
    found = [
        digest_of(rows) for rows in ([row], [row, row], *([other] for other in others), [[*row[:2], 10, *row[3:]]])
    ]
    assert len({*found}) == len(found)


@examples(300)
@given(VALUES)
def test_the_digest_of_lists_is_that_of_their_json(value):
    assert digest_of(value) == hashlib.blake2b(json.dumps(value).encode(), digest_size=8).hexdigest()
