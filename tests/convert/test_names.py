from __future__ import annotations

import functools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.names import base_name, control_name, inner_name, is_showable, without_references


@given(st.text(), st.text())
def test_two_fields_never_share_a_control(first, second):
    assert (control_name(first) == control_name(second)) == (first == second)


@given(st.text())
def test_no_control_has_a_name_that_breaks_the_editor(name):
    assert "@" not in control_name(name)
    assert control_name(name) not in ("image", "true", "false", "__proto__")


@pytest.mark.parametrize("name", ["1", "-2", "0.5", "1e3", "1_0", " 7", "٣", "true", "False"])
def test_no_control_has_a_name_that_the_server_reads_as_something_else(name):
    assert control_name(name) == f"%{ord(name[0]):02X}{name[1:]}"
    assert [control_name(text) for text in ("a1", "1a", "inf", "nan", "True1")] == ["a1", "1a", "inf", "nan", "True1"]


@given(st.text())
def test_the_editor_finds_no_reference_to_data_in_a_class(name):
    # The pattern is the editor's own (Label Studio 1.23.2), whose \\w is ASCII.
    assert not re.search(r"\$[\w[\].{}]+", without_references(name), re.ASCII)
    assert without_references(name).replace("\u2060", "") == name.replace("\u2060", "")


@pytest.mark.parametrize("name", ["", " ", "\x00", "a\x1fb", "\ud800", "\uffff", "\x85", "name=", "toName="])
def test_a_class_that_cannot_be_shown_is_told(name):
    assert not is_showable(name)


@pytest.mark.parametrize("name", ['a<b & "c"', "日本", "\N{FAMILY}\u200d", "a\nb\tc", " padded ", "name = x", "name=x"])
def test_a_class_that_can_be_shown_is_told(name):
    assert is_showable(name)


@given(st.lists(st.text(), min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=3))
def test_two_inner_controls_have_the_same_name_only_if_they_are_the_same(first, second):
    names = [functools.reduce(inner_name, path[1:], control_name(path[0])) for path in (first, second)]
    assert (names[0] == names[1]) == (first == second)
    assert "@" not in names[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/a b/n%41 #é.png", "n%41 #é.png"),
        ("https://host/a/n%41%20b.png?size=3&x=/y#top", "nA b.png"),
        ("http://host/", ""),
        ("s3://bucket/a/n%41#1.png", "n%41#1.png"),
        ("azure-blob://container/x.png", "x.png"),
    ],
)
def test_the_name_of_a_file_is_the_last_part_of_its_path_or_address(path, expected):
    assert base_name(path) == expected
