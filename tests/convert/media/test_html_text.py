"""The texts beside the HTML are what the browser of the real editor had in its document (1.23.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio import text_of_html
from fo_labelstudio.convert.media.html_text import text_of
from tests.properties import examples

PAGE = """<!DOCTYPE html>
<html>
<head><title>T</title><style>p{color:red}</style></head>
<body>
<h1>Head</h1>
<!-- c --><p>Paris in <span>e\u0301</span></p>
<script>var a=1;</script><ul><li>x</li>
<li>Rome</li></ul></body>
</html>
"""
TABLE = "<table>\n<tr><td>Paris</td> <td>Rome</td></tr> stray\n</table>"
REST = "<pre>\nfirst\n second 😀</pre><p>Oslo<p>unclosed &copy &#x1F600; &bogus;"
FORM = (
    '<p>a</p><iframe src="x"></iframe><textarea>\nTT</textarea><select><option>o</option></select><style>s{}</style>'
    "<noscript>ns</noscript><template>tt</template><svg><text>st</text></svg> Paris"
)
SHOWN = {
    "just text Paris\nline2 Rome": "just text Paris\nline2 Rome",
    "<p>Ada 😀</p>\n<p>Next&nbsp;one &lt;x&gt;<br>after <i>Oslo</i></p>": "Ada 😀\nNext\xa0one <x>\nafter Oslo",
    "\n  <div>\n   <p>  a   b </p>\r\n\r\n<p>Paris</p>\n</div> \n": "\n     a   b \n\nParis\n \n",
    PAGE: "\nHead\nParis in e\u0301\nx\nRome\n\n",
    TABLE + REST: " stray\n\nParis Romefirst\n second 😀Oslounclosed © 😀 &bogus;",
    FORM: "aTTos{}nsst Paris",
    "<table><tr><td>1<table><tr><td>2</table>3</table>": "123",
    "<table><caption>c</caption><colgroup><col></colgroup>\n<tr><th>h<td>d<tr><td>e</table>": "c\nhde",
    "<table><tr><td>1</td></tr><p>moved</p><tr><td>2</td></tr></table>after": "moved12after",
    "<table><hr> <br></b>&amp;<tr>&amp;<th></table>": "\n&& ",
    "</br>a<br/>b": "\na\nb",
    "": "",
}


@pytest.mark.parametrize(("html", "text"), SHOWN.items())
def test_offsets_count_in_the_text_of_the_body_and_in_line_breaks(html, text):
    assert text_of(html) == text == text_of_html(html)


@pytest.mark.parametrize(
    "html", ["<", "<table", "</", "<!", "<!--", "&", "&#", "<p a='", "<script>", "<![CDATA[", "<?"]
)
def test_what_ends_too_early_breaks_nothing(html):
    assert isinstance(text_of(html), str)
    assert text_of("a" + html).startswith("a")


TAGS = [
    f"{slash}{tag}" for tag in ("table", "tr", "td", "tbody", "colgroup", "caption", "p", "body") for slash in ("", "/")
]


@given(parts=st.lists(st.sampled_from([*(f"<{tag}>" for tag in TAGS), "a", "bc ", " ", "\n", "<br>"])))
@examples(200)
def test_no_word_is_lost_however_elements_are_nested(parts):
    words = [part.strip() for part in parts if not part.startswith("<")]
    assert sorted("".join(text_of("".join(parts)).split())) == sorted("".join(words))


@pytest.mark.parametrize(
    "html",
    ["<div>" * 3000 + "x" + "</div>" * 3000, "<p>" * 3_000 + "x" + "</b>" * 3_000, "<table><tr><td>" * 300 + "x"],
)
def test_what_is_deep_or_never_ends_is_read(html):
    assert text_of(html) == "x"
