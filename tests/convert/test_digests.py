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


@examples(300)
@given(VALUES)
def test_the_digest_of_lists_is_that_of_their_json(value):
    assert digest_of(value) == hashlib.blake2b(json.dumps(value).encode(), digest_size=8).hexdigest()
