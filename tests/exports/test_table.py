"""Tables are read as Label Studio writes them, quotes and all."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.json_items import Broken, Item
from fo_labelstudio.exports.table import rows

CELLS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)


def read(text):
    return list(rows(io.StringIO(text, newline="")))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5), st.sampled_from(",;\t"))
def test_what_python_writes_is_read_with_its_types(written, separator):
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, delimiter=separator)
    writer.writerows([["a", "b"], *written])
    read_rows = [list(item.value.values()) for item in read(file.getvalue())]
    assert repr(read_rows) == repr(written)


def test_a_text_of_digits_is_no_number():
    (row,) = read('"sample_id","n","old","is_new"\n"0123","7",007,True\n')
    assert row == Item({"sample_id": "0123", "n": "7", "old": "007", "is_new": True}, 2)


def test_a_cell_may_be_longer_than_python_s_own_reader_takes():
    (row,) = read('a,b\n"' + "x" * 1_000_000 + '",1\n')
    assert len(row.value["a"]) == 1_000_000


def test_broken_rows_are_told_with_their_line_and_the_rest_is_read():
    found = read('a,b\n"x\ny",1\n1,2,3\n"p"q,1\n\udcff,1\n5,6\n')
    assert found == [
        Item({"a": "x\ny", "b": 1}, 2),
        Broken("it has 3 cells, but the table has 2 columns", 4),
        Broken("its quotes are not in order", 5),
        Broken("it holds bytes that are not UTF-8", 6),
        Item({"a": 5, "b": 6}, 7),
    ]


def test_a_table_without_columns_of_their_own_or_with_an_open_cell_is_refused():
    with pytest.raises(ExportError, match=r"names no columns, or some twice: \['a'\]"):
        read("a,b,a\n1,2,3\n")
    with pytest.raises(ExportError, match="the row that begins on line 3 has no end"):
        read('a,b\n1,2\n"x,2\n3,4\n')
