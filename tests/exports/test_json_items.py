"""The values of a JSON text are those of json.loads, wherever the window ends; a broken one costs only itself."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports import json_items
from fo_labelstudio.exports.json_items import Broken, Item, items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(text):
    return list(items(io.StringIO(text)))


def values(text):
    found = read(text)
    assert not [item for item in found if isinstance(item, Broken)]
    return [item.value for item in found]


def same(first, second):
    """Equal with types, so that 1 is not 1.0, and 0.0 not -0.0."""
    return repr(first) == repr(second)


@given(st.lists(VALUES, max_size=5), st.integers(1, 40), st.sampled_from([None, 1, "\t"]), st.booleans(), st.booleans())
def test_items_of_a_list_are_those_of_json_loads(written, piece, indent, is_ascii, is_spaced):
    text = json.dumps(written, indent=indent, ensure_ascii=is_ascii)
    text = f" \r\n{text}\n " if is_spaced else text
    before, json_items._PIECE = json_items._PIECE, piece
    try:
        assert same(values(text), json.loads(text))
    finally:
        json_items._PIECE = before


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=5), st.integers(1, 40))
def test_json_lines_are_those_of_json_loads(written, piece):
    text = "\n".join(map(json.dumps, written))
    before, json_items._PIECE = json_items._PIECE, piece
    try:
        assert same(values(text), [json.loads(line) for line in text.split("\n")])
    finally:
        json_items._PIECE = before


def test_numbers_are_what_python_makes_of_them():
    numbers = "[0.1, 1e400, -Infinity, NaN, 10.0, 10, 12345678901234567890123, -0.0, 1E5]"
    assert same(
        values(numbers), [0.1, math.inf, -math.inf, math.nan, 10.0, 10, 12345678901234567890123, -0.0, 100000.0]
    )


def test_the_last_of_equal_keys_counts_and_lone_surrogates_stay():
    assert values('[{"a": 1, "a": 2}, "\\ud800"]') == [{"a": 2}, "\ud800"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('{"a": }', "Expecting value at line 2, column 7"),
        ("nonsense", "Expecting value at line 2, column 1"),
        ('{"a": "\n"}', "Invalid control character at"),
        ("[" * 100_000 + "]" * 100_000, "it is nested too deeply"),
        ('{"n": ' + "1" * 5000 + "}", "Exceeds the limit (4300"),
        ('{"n": "\udcff"}', "not UTF-8"),
    ],
)
def test_a_broken_item_costs_only_itself(broken, reason):
    first, lost, last = read(f'[{{"a": 1}},\n{broken},\n{{"b": 2}}]')
    assert last.value == {"b": 2}
    assert first == Item({"a": 1}, 1)
    assert isinstance(lost, Broken) and lost.line == 2 and reason in lost.reason


def test_of_an_item_whose_quotes_are_not_in_order_what_is_lost_is_said():
    text = '[{"data": {"image": "a}}, {"id": 2, "data": {}},\n{"id": 3, "data": {}}]'
    lost, *rest = read(text)
    reason = "Expecting ',' delimiter at line 1, column 29; all up to line 1, column 27 is left out with it"
    assert lost == Broken(reason, 1)
    assert [item.value["id"] for item in rest] == [2, 3]


def test_a_broken_line_costs_only_itself():
    found = read('{"a": 1}\n{"a": {\n{"a": 2}\n{"a": ]}\n{"a": 3}\n')
    assert [item.value if isinstance(item, Item) else item.line for item in found] == [
        {"a": 1},
        2,
        {"a": 2},
        4,
        {"a": 3},
    ]


@pytest.mark.parametrize("end", range(1, 50))
def test_a_list_that_is_cut_off_is_an_error_wherever_that_is(end):
    text = '[{"data": {"image": "a\\u00e9.png"}, "n": [1.5, true]}]'[:end]
    with pytest.raises(ExportError, match=rf"it is cut off at line 1, column {end + 1}, after [01] whole tasks"):
        read(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (" \n ", "it is empty"),
        ("hello", "it is no JSON: 'hello' at line 1, column 1"),
        ('[{"a": 1}]\n[{"b": 2}]', "after the end of the list, there is more at line 2, column 1"),
        ('[{"a": 1} "b"]', "after 1 tasks, it is no JSON: '\"b\"]' at line 1, column 11"),
        ('{"a": 1}\nhello', "after 1 tasks, it is no JSON: 'hello' at line 2, column 1"),
        ('{"a": 1}\n{"b": 2', "it is cut off at line 2, column 8, after 1 whole tasks"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text, reason):
    with pytest.raises(ExportError) as error:
        read(text)
    assert reason in str(error.value)


def test_items_are_given_out_as_they_are_read():
    class Endless(io.TextIOBase):
        def read(self, size=-1):
            return '{"data": {}},' * (size // 13 + 1)

    begun = io.StringIO("[")
    endless = Endless()
    endless.read = lambda size, read=endless.read: begun.read(1) or read(size)
    found = items(endless)
    assert [next(found).value for _ in range(1000)] == [{"data": {}}] * 1000
