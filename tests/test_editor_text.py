"""A person's work on texts beside an image, in the real editor, and what arrives of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor, TaskPage
from tests.support import stored

pytestmark = [pytest.mark.server, pytest.mark.browser]

CAPTION = "A 👩‍👩‍👧 with a cafe\u0301\r\nin Zürich & <b>שלום</b>, in Århus"
SCHEMA = {
    "entities": {"type": "spans", "text": "caption", "classes": ["PER", "LOC"]},
    "tone": {"type": "classification", "text": "caption", "classes": ["calm", "loud"]},
    "corrected": {"type": "scalar", "text": "caption"},
    "boxes": {"type": "detections", "classes": ["person"]},
}

# Where the characters are on the screen: those of one line, as JavaScript counts them.
_PLACE = """([words, last]) => {
  const walker = document.createTreeWalker(document.querySelector(".lsf-htx-richtext"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const start = node.data.indexOf(words);
    if (start < 0) continue;
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, start + words.length);
    const box = range.getBoundingClientRect();
    return [last ? box.right - 1 : box.left + 1, box.top + box.height / 2];
  }
}"""


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


def mark(task: TaskPage, label: str, words: str) -> None:
    """Marks words of one line of the text as a person does: a class, then the mouse over them."""
    task.page.get_by_text(label, exact=True).first.click()
    start, end = (task.page.evaluate(_PLACE, [words, last]) for last in (False, True))
    task.page.mouse.move(*start)
    task.page.mouse.down()
    task.page.mouse.move(*end, steps=10)
    task.page.mouse.up()


def test_words_are_marked_and_a_class_is_chosen_beside_an_image(dataset_of, connection, editor, tmp_path):
    Image.new("RGB", (320, 240), "navy").save(tmp_path / "image.png")
    start = CAPTION.index("Zürich")
    span = fo.Classification(label="LOC", start=start, end=start + 6, text="Zürich", confidence=0.75)
    samples = [
        fo.Sample(
            filepath=str(tmp_path / "image.png"),
            caption=CAPTION,
            entities=fo.Classifications(classifications=[span]),
        ),
        fo.Sample(filepath=str(tmp_path / "image.png")),
    ]
    dataset = dataset_of(samples)
    before = stored(dataset)
    results = dataset.annotate(
        "run", backend="labelstudio", label_schema=SCHEMA, scalar_types={"corrected": "str"}, **connection
    )
    first, second = dataset.values("id")
    task = editor.open_task(results.project_id, results.tasks[first])
    task.page.locator(".lsf-htx-richtext").wait_for()
    if os.environ.get("SHOTS"):
        task.page.screenshot(path=os.environ["SHOTS"] + "/text1.png")
    task.submit()
    dataset.load_annotations("run")
    assert stored(dataset)[first]["entities"] == before[first]["entities"]
    task = editor.open_task(results.project_id, results.tasks[first])
    task.page.locator(".lsf-htx-richtext").wait_for()
    mark(task, "LOC", "Århus")
    mark(task, "PER", "שלום")
    task.choose("tone", "calm")
    if os.environ.get("SHOTS"):
        task.page.screenshot(path=os.environ["SHOTS"] + "/text2.png")
    task.submit()
    task = editor.open_task(results.project_id, results.tasks[second])
    if os.environ.get("SHOTS"):
        task.page.screenshot(path=os.environ["SHOTS"] + "/text3.png")
    task.choose("tone", "loud")
    task.submit()
    dataset.load_annotations("run")
    dataset.reload()
    sample = dataset[first]
    found = [(span.label, CAPTION[span.start : span.end], span.text) for span in sample.entities.classifications]
    assert found == [("LOC", "Zürich", "Zürich"), ("LOC", "Århus", "Århus"), ("PER", "שלום", "שלום")]
    assert stored(dataset)[first]["entities"]["classifications"][0] == before[first]["entities"]["classifications"][0]
    assert (sample.tone.label, dataset[second].tone.label, dataset[second].entities) == ("calm", "loud", None)
