from __future__ import annotations

import pytest

from fo_labelstudio.convert.amounts import CHARACTERS, next_amount


@pytest.mark.parametrize(
    ("rows", "amount"),
    [
        ([], 200),
        ([{"a": 7, "b": None, "c": "short"}] * 3, 200),
        ([{"a": "x" * 1_000_000}, {}], 15),
        ([{}, {"a": "x" * 500_000, "b": "x" * 500_000}], 15),
        ([{"a": "x" * (CHARACTERS + 1)}], 1),
    ],
)
def test_the_longer_texts_are_the_fewer_are_held_at_once(rows, amount):
    assert next_amount(rows, 200) == amount
