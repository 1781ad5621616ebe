from __future__ import annotations

import pytest

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.files.text import MAX_BYTES


@pytest.fixture
def look_at(tmp_path):
    def look(content, name="a.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        return FILES["text"].inspect(str(path), False)

    return look


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.md", "a.text"])
@pytest.mark.parametrize("text", ["", "one\r\ntwo\rthree\n", "👩‍🚀 שלום e\u0301\t  \u2028\x0c", "a" * 10_000])
def test_a_text_is_what_is_in_the_file_and_nothing_else(look_at, name, text):
    assert look_at(text.encode(), name).info == MediaInfo(text=text)


def test_a_byte_order_mark_is_no_part_of_the_text(look_at):
    assert look_at(b"\xef\xbb\xbfA").info == MediaInfo(text="A")
    assert look_at("A\ufeff".encode()).info == MediaInfo(text="A\ufeff")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("café".encode("latin-1"), "its text is not in UTF-8 (byte 3 of it); write it in UTF-8"),
        ("café".encode("utf-16"), "its text is in UTF-16; write it in UTF-8"),
        (b"\xed\xa0\x80", "its text is not in UTF-8 (byte 0 of it); write it in UTF-8"),
        (b"RIFF\0\0", "it is no text: character 4 is a zero"),
        (b"a" * (MAX_BYTES + 1), "it has more than 20,971,520 bytes, which no browser shows as one text"),
    ],
)
def test_what_is_no_text_in_utf_8_is_not_sent(look_at, content, problem):
    found = look_at(content)
    assert (found.info, found.problem) == (None, problem)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (None, "its text cannot be read (there is no path)"),
        ("/gone/a.txt", "its text cannot be read ("),
        ("https://a.example/a.txt", "it is an address, and the text of a task is read from a file of this machine"),
    ],
)
def test_what_cannot_be_read_is_told(path, problem):
    assert FILES["text"].inspect(path, False).problem.startswith(problem)
