"""Acceptance: several model versions of one text's predictions, imported and sent, in the real editor."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import pytest
from PIL import Image

import fo_labelstudio
from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.runs.test_import_texts import CONFIG, FOUND, TEXTS, expected, span, spans, tasks_of_the_docs
from tests.test_editor import screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

# Words of the same highlight may stand in several nodes of the page.
_HIGHLIGHTED = """() => {
  const found = {};
  for (const part of document.querySelectorAll(".lsf-htx-richtext .htx-highlight")) {
    const id = [...part.classList].find(name => name.startsWith("htx-highlight-"));
    found[id] = (found[id] ?? "") + part.textContent;
  }
  return Object.values(found);
}"""


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


@pytest.fixture
def captions(dataset_of, tmp_path):
    Image.new("RGB", (320, 60), "navy").save(tmp_path / "image.png")
    return dataset_of([fo.Sample(filepath=str(tmp_path / "image.png"), caption=text) for text in TEXTS])


def shown(editor, project_id, task_id):
    """Opens a task; its page, once all of its words are highlighted."""
    task = editor.open_task(project_id, task_id)
    task._until(lambda: len(task.page.evaluate(_HIGHLIGHTED)) == len(task.regions()) > 0, "all highlights")
    assert task.problems() == []
    return task, sorted(task.page.evaluate(_HIGHLIGHTED))


def test_the_example_of_the_docs_is_shown_in_the_editor_and_comes_back_exact(
    captions,
    connection,
    annotator,
    make_project,
    editor,
    screenshot,  # noqa: F811
):
    project_id = make_project(CONFIG)
    path = f"/api/projects/{project_id}/import?return_task_ids=true"
    ids = annotator.call("POST", path, json=tasks_of_the_docs())["task_ids"]
    annotator.call("PATCH", f"/api/projects/{project_id}/", json={"model_version": "one"})
    task, words = shown(editor, project_id, ids[0])
    assert words == sorted(row[0] for row in FOUND[0]["one"])
    task.screenshot(screenshot)
    task.submit()
    options = {"project_id": project_id, "match": {"text": "caption"}, **connection}
    fo_labelstudio.import_annotations(captions, predictions="all", **options)
    assert (spans(captions, "label_one"), spans(captions, "label_two")) == (expected("one"), expected("two"))
    untouched = [(label, start, end, words, None) for label, start, end, words, _ in expected("one")[0]]
    assert spans(captions, "label") == [untouched, None]


def a_span(row):
    label, start, end, words, score = row
    return fo.Classification(label=label, start=start, end=end, text=words, confidence=score)


def test_model_versions_that_a_dataset_sends_stay_apart_and_people_start_from_the_one_that_is_chosen(
    captions,
    connection,
    annotator,
    editor,
    screenshot,  # noqa: F811
):
    for version in ("one", "two"):
        labels = [fo.Classifications(classifications=list(map(a_span, rows))) for rows in expected(version)]
        captions.set_values(f"entities_{version}", labels)
    schema = {"type": "spans", "text": "caption", "classes": ["Person", "Date", "Location", "Language"]}
    results = captions.annotate("run", backend="labelstudio", label_schema={"entities": schema}, **connection)
    results.upload_predictions(captions, "entities_one", model_version="one", start_from=True)
    results.upload_predictions(captions, "entities_two", model_version="two", start_from=False)
    first = results.tasks[captions.first().id]
    said = {one["model_version"]: one["result"] for one in annotator.task(first)["predictions"]}
    for version in ("one", "two"):
        rows = sorted((item["value"]["start"], item["value"]["end"], item.get("score")) for item in said[version])
        assert rows == sorted((start, end, score) for _, start, end, _, score in expected(version)[0])
    task, words = shown(editor, results.project_id, first)
    assert words == sorted(row[0] for row in FOUND[0]["one"])
    task.screenshot(screenshot)
    results.upload_predictions(captions, "entities_two", model_version="two", start_from=True)
    task, words = shown(editor, results.project_id, first)
    assert words == sorted(row[0] for row in FOUND[0]["two"])
    task.submit()
    captions.load_annotations("run")
    assert [row[:4] for row in spans(captions, "entities")[0]] == [row[:4] for row in expected("two")[0]]
    assert spans(captions, "entities")[1] is None
    assert (spans(captions, "entities_one"), spans(captions, "entities_two")) == (expected("one"), expected("two"))


def test_a_project_of_others_that_marks_words_tells_the_label_schema_of_text_files(
    dataset_of, connection, annotator, make_project, tmp_path
):
    for place, text in enumerate(TEXTS):
        (tmp_path / f"{place}.txt").write_text(text, encoding="utf-8", newline="")
    dataset = dataset_of([fo.Sample(filepath=str(tmp_path / f"{place}.txt")) for place in range(len(TEXTS))])
    dataset.set_values(
        "label", [fo.Classifications(classifications=list(map(a_span, rows))) for rows in expected("one")]
    )
    project_id = make_project(CONFIG)
    results = dataset.annotate("run", backend="labelstudio", project_id=project_id, **connection)
    second = results.tasks[dataset.last().id]
    assert annotator.task(second)["data"]["text"] == TEXTS[1]
    drawn = span(TEXTS[1], "Paris", "Location") | {"id": "drawn"}
    annotator.submit(second, lambda result: [*result, drawn])
    dataset.load_annotations("run")
    assert spans(dataset, "label") == [
        expected("one")[0],
        [*expected("one")[1], ("Location", TEXTS[1].index("Paris"), TEXTS[1].index("Paris") + 5, "Paris", None)],
    ]
