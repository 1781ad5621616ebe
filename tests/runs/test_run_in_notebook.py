"""How the results of a run look in a notebook."""

from __future__ import annotations

import pytest

from fo_labelstudio.dataset import prompt
from fo_labelstudio.runs.run_in_notebook import run_as_html
from fo_labelstudio.runs.tables import html_bar, html_link
from tests.memory import annotate_in_memory

SCHEMA = {"gt": {"type": "detections", "classes": ["cat"]}}


@pytest.fixture
def results(make_dataset):
    return annotate_in_memory(make_dataset({}, {}), "run", SCHEMA)[0]


def test_what_is_known_here_is_shown_where_the_server_cannot_be_reached(results):
    html = run_as_html(results)
    assert "<p><b>Annotation run &#x27;run&#x27;:</b></p>" in html
    assert "<tr><td>Tasks</td><td>2</td></tr><tr><td>Loaded</td><td>0</td></tr>" in html
    assert "The server could not be asked: " in html and "http://memory" in html


def test_nobody_is_asked_for_a_key_by_a_cell_that_only_shows_a_run(results, monkeypatch):
    monkeypatch.setattr(prompt.focx, "is_notebook_context", lambda: True)
    monkeypatch.setattr(prompt.getpass, "getpass", lambda question: pytest.fail("somebody was asked"))
    results.config._given.clear()
    results.config.url = "http://memory"
    assert "no api_key for the Label Studio server" in run_as_html(results)


def test_a_run_whose_project_is_gone_says_what_to_do(results):
    results.config.run_state["project_id"] = None
    html = run_as_html(results)
    assert "the run&#x27;s project was removed by cleanup()" in html
    assert "href" not in html


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,<script>", '"><script>'])
def test_only_addresses_of_the_web_become_links(url):
    assert "<a" not in html_link(url) and "<script" not in html_link(url)


def test_an_address_cannot_leave_its_link():
    link = '<a href="http://x/&quot;&gt;" target="_blank" rel="noopener">http://x/&quot;&gt;</a>'
    assert html_link('http://x/">') == link


def test_a_bar_has_a_part_for_each_count_and_says_them():
    bar = html_bar(200, {"Answered": 50, "Skipped": 3})
    assert "width: 25%" in bar and "width: 1.5%" in bar
    assert 'aria-label="answered: 50 of 200, skipped: 3 of 200"' in bar


def test_a_bar_of_nothing_is_empty():
    assert "width: 0%" in html_bar(0, {"Answered": 0})
