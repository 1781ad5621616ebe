from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.convert.shapes.spans.kind import Span
from tests.convert.spanned import SPANNED
from tests.properties import examples


@pytest.mark.parametrize("scope", SPAN_KINDS)
@given(data=st.data())
@examples(200)
def test_a_span_is_the_same_on_its_way_through_a_region(scope, data):
    kind, media = SPAN_KINDS[scope], data.draw(SPANNED[scope].media)
    start, end = data.draw(SPANNED[scope].ends(media))
    assert kind.problem_of(start, end) is None
    value = kind.to_value(start, end, media)
    assert kind.parse(json.loads(json.dumps(value)), media) == Span(start, end)
    assert kind.to_value(start, end, media) == value


@pytest.mark.parametrize("scope", SPAN_KINDS)
@pytest.mark.parametrize("ends", [(None, None), ("0", "1"), (True, 2), ([0], [1]), (float("nan"), 1), (2, 1)])
def test_what_is_no_span_is_told(scope, ends):
    assert SPAN_KINDS[scope].problem_of(*ends)
