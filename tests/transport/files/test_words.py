"""Files of HTML, of conversations, of tables and of time series, which are read like those of texts."""

from __future__ import annotations

import json

import pytest

from fo_labelstudio.convert.media.hypertext import MEDIUM as HYPERTEXT
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.media.paragraphs import MEDIUM as PARAGRAPHS
from fo_labelstudio.convert.media.table import MEDIUM as TABLE
from fo_labelstudio.convert.media.timeseries import MEDIUM as TIMESERIES
from fo_labelstudio.transport.files import FILES

HTML = "<html><head><title>No</title></head><body><p>Ann &amp; 👩‍🚀<br>Bob\r\n</body></html>"
TURNS = [{"author": "Ann", "text": "Hi 👩‍🚀\r\n"}, {"text": "", "start": 1.5}]


@pytest.fixture
def look_at(tmp_path):
    def look(content, name, medium=None):
        path = tmp_path / name
        path.write_bytes(content)
        named = (files for files in FILES.values() if path.suffix in files.extensions)
        return (FILES[medium] if medium else next(named)).inspect(str(path))

    return look


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_task_holds_the_html_of_a_file_and_its_spans_are_in_the_text_of_that(look_at, name, mark):
    found = look_at(mark + HTML.encode(), name).info
    assert found.text == "Ann & 👩‍🚀\nBob\n"
    assert HYPERTEXT.content(found) == HTML
    assert HYPERTEXT.shown_value.parse(HTML) == MediaInfo(text=found.text)


def test_a_task_holds_the_turns_of_a_file(look_at):
    found = look_at(json.dumps(TURNS).encode(), "a.json").info
    assert found.turns == ("Hi 👩‍🚀\r\n", "")
    data = PARAGRAPHS.content(found)
    assert data == [{"author": "Ann", "text": "Hi 👩‍🚀\r\n"}, {"author": "", "text": "", "start": 1.5}]
    assert PARAGRAPHS.shown_value.parse(data) == MediaInfo(turns=found.turns)


@pytest.mark.parametrize("content", [b'{"a": [1, true]}', b'\xef\xbb\xbf[{"a": 1}, {"a": null}]'])
def test_a_task_holds_the_table_of_a_file(look_at, content):
    found = look_at(content, "a.json", "table").info
    assert TABLE.content(found) == json.loads(content.decode("utf-8-sig").replace("true", '"true"'))
    assert not PARAGRAPHS.is_content(found.source) and TABLE.is_content(found.source)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"7", "its content is 7, expected a dict, or a list"),
        (b"{", "its content is '{', expected JSON, or a dict"),
        (b'{"a": NaN}', "its content holds nan, expected texts and finite numbers"),
        (json.dumps(TURNS).encode(), "its content is a conversation, and others are tables; annotate a view of files"),
        (b"[" * 100_000, "its content has values nested more than 100 deep; flatten it"),
        (b"[" * 700 + b"]" * 700, "its content has values nested more than 100 deep; flatten it"),
    ],
)
def test_what_is_no_table_is_not_sent(look_at, content, problem):
    found = look_at(content, "a.json", "table")
    assert found.info is None
    assert found.problem.startswith(problem)
    assert not TABLE.is_content(content.decode())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_task_holds_the_columns_of_a_file(look_at, mark, name):
    found = look_at(mark + b"time\tgr\xc3\xb6\xc3\x9fe\r\n0\t1.5\r\n", name).info
    assert TIMESERIES.content(found) == {"time": [0], "größe": [1.5]}


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        ("é".encode("latin-1"), "a.csv", "its text is not in UTF-8 (byte 0 of it); write it in UTF-8"),
        (b"time,a\n0,walk\n", "a.csv", "it holds 'walk' as 'a' in row 1, expected a finite number, or nothing"),
        (b"0,1\n2,3\n", "a.tsv", "it has no header row, for its first one is ['0', '1']; write the names"),
        ("é".encode("latin-1"), "a.html", "its text is not in UTF-8 (byte 0 of it); write it in UTF-8"),
        (b"{", "a.json", "it is no JSON (Expecting property name"),
        (b"[" * 100_000, "a.json", "it is no JSON ("),
        (b'{"turns": []}', "a.json", "its content is {'turns': []}, expected a list of turns"),
        (b'[{"author": "Ann"}]', "a.json", "its content has {'author': 'Ann'} as its turn 0, expected one with"),
    ],
)
def test_what_cannot_be_shown_is_not_sent(look_at, content, name, problem):
    found = look_at(content, name)
    assert found.info is None
    assert found.problem.startswith(problem)


def test_addresses_are_not_read():
    assert (
        FILES["hypertext"].inspect("https://a.example/a.html").problem.startswith("it is an address, and the HTML of")
    )
    assert FILES["paragraphs"].inspect("s3://a/a.json").problem.startswith("it is an address, and the conversation of")
