from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from tests.convert.spanned import SPANNED
from tests.properties import examples


@pytest.mark.parametrize("scope", SPAN_KINDS)
@given(data=st.data())
@examples(200)
def test_a_span_is_the_same_on_its_way_through_a_region(scope, data):
    kind, media = SPAN_KINDS[scope], data.draw(SPANNED[scope].media)
    where = data.draw(SPANNED[scope].ends(media))
    assert kind.problem_of(*where) is None
    value = kind.to_value(*where, media)
    span = kind.parse(json.loads(json.dumps(value)), media)
    assert (span.at(kind.more), span.notes) == (where, ())
    assert kind.to_value(*where, media) == value


@pytest.mark.parametrize("scope", SPAN_KINDS)
@pytest.mark.parametrize("ends", [(None, None), ("0", "1"), (True, 2), ([0], [1]), (float("nan"), 1), (2, 1)])
def test_what_is_no_span_is_told(scope, ends):
    kind = SPAN_KINDS[scope]
    assert kind.problem_of(*ends, *(0 for _ in kind.more))
