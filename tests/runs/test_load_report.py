"""What a load has done, as a table: in a terminal, and in a notebook."""

from __future__ import annotations

from collections import Counter

import fiftyone as fo
import pytest

from fo_labelstudio.dataset.field_merge import MergeReport
from fo_labelstudio.runs import load_report
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.load_report import FieldReport, LoadReport
from tests.memory import annotate_in_memory

REPORT = LoadReport("3 of 4 tasks have a submitted annotation", [FieldReport("gt", 1, 20, 3, 4, 5)])

TEXT = """\
3 of 4 tasks have a submitted annotation

    Field  Added  Edited  Deleted  Conflicts  Left
    gt         1      20        3          4     5"""


def test_a_terminal_gets_an_aligned_table():
    assert str(REPORT) == TEXT


def test_a_notebook_gets_an_html_table():
    html = REPORT._repr_html_()
    assert "<p><b>3 of 4 tasks have a submitted annotation</b></p>" in html
    assert "<th>Added</th><th>Edited</th><th>Deleted</th><th>Conflicts</th><th>Left</th>" in html
    assert "<tr><td>gt</td><td>1</td><td>20</td><td>3</td><td>4</td><td>5</td></tr>" in html


def test_names_are_text_in_html_whatever_they_hold():
    name = "<img src=x onerror=alert(1)>&\"'"
    html = LoadReport(name, [FieldReport(name, 0, 0, 0, 0, 0)])._repr_html_()
    assert html.count("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;") == 2
    assert "<img" not in html


def test_what_was_not_understood_and_what_is_gone_is_told_below_the_table():
    report = LoadReport("", problems=2, missing=1)
    notes = ("2 regions or tasks could not be understood; the log names them.", "1 tasks are gone from the server;")
    assert all(note in str(report) and note in report._repr_html_() for note in notes)


def test_all_that_was_left_is_counted_together():
    merged = MergeReport(Counter(added=1, edited=2), Counter({"allow_deletions=False": 3}), left=4)
    merged.departed.append(("sample", "label"))
    assert FieldReport.of("gt", merged, not_shown=10) == FieldReport("gt", 1, 2, 0, 0, 3 + 4 + 1 + 10)


@pytest.fixture
def shown(monkeypatch):
    """What the notebook shows."""
    shown = []
    monkeypatch.setattr(load_report.focx, "is_notebook_context", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
    return shown


def drawn(dataset):
    """A run of three samples; on the first one the box was deleted, and on the second one it was moved."""
    schema = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}
    results, project = annotate_in_memory(dataset, "run", schema)
    first, second, _ = (results.tasks[sample_id] for sample_id in dataset.values("id"))

    def moved(result):
        result[0]["value"]["x"] += 5
        return result

    made = {"completed_by": 1, "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z"}
    project.submit(first, lambda result: [], id=1, **made)
    project.submit(second, moved, id=2, **made)
    return results, project


def boxes():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])])


def load(results, project):
    load_run(results, LoadOptions.of({}, results.config, None, "ignore"), project, results.tasks)


def test_a_load_is_told_as_a_table_in_a_notebook(make_dataset, shown):
    results, project = drawn(make_dataset(*({"gt": boxes()} for _ in range(3))))
    assert results.load_report is None
    load(results, project)
    assert results.load_report == LoadReport(
        "2 of 3 tasks have a submitted annotation", [FieldReport("gt", 0, 1, 1, 0, 0)]
    )
    assert shown == [results.load_report._repr_html_()]


def test_a_table_is_of_the_last_load_only_and_is_not_saved(make_dataset):
    results, project = drawn(make_dataset(*({"gt": boxes()} for _ in range(3))))
    load(results, project)
    load(results, project)
    assert results.load_report.fields == [FieldReport("gt", 0, 0, 0, 0, 0)]
    assert "load_report" not in str(results.serialize())


def test_elsewhere_nothing_is_shown_besides_the_log(make_dataset, shown, monkeypatch, capsys):
    monkeypatch.setattr(load_report.focx, "is_notebook_context", lambda: False)
    load(*drawn(make_dataset(*({"gt": boxes()} for _ in range(3)))))
    assert not shown and "Deleted" not in capsys.readouterr().out
