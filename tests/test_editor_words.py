"""A person's work on HTML and on conversations in the real editor, and what arrives of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor, TaskPage
from tests.support import stored
from tests.test_editor import screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

PAGE = (
    "<!DOCTYPE html>\n<html><head><title>No</title><style>b {color: red}</style></head>\n<body>\n"
    "<h1>Ann 👩‍🚀 &amp; Bob</h1>\r\n<!-- not this --><p>They live in <b>Zürich</b>&nbsp;and<br>near   Århus.\n"
    "<table><tr><td>שלום</td>\n<td>cafe\u0301 😀 Paris</td></tr></table>\n</body></html>\n"
)
SHOWN = text_of(PAGE)
TURNS = [
    {"author": "Ann", "text": "Hi 👩‍🚀 Bob,\r\nhow is  Zürich?"},
    {"author": "Bob", "text": ""},
    {"author": "Bob", "text": "<b>Fine</b> &amp; cafe\u0301 😀 Paris"},
]
SCHEMA = {
    "entities": {"type": "spans", "html": "page", "classes": ["PER", "LOC"]},
    "topic": {"type": "classification", "html": "page", "classes": ["travel"]},
    "said": {"type": "spans", "turns": "talk", "classes": ["place", "question"]},
    "mood": {"type": "classification", "turns": "talk", "classes": ["calm"]},
}

# Where words are on the screen: in a frame, or in what a selector finds.
_PLACE = """([selector, words, last]) => {
  const found = document.querySelector(selector), frame = found.contentDocument;
  const origin = frame ? found.getBoundingClientRect() : { left: 0, top: 0 };
  const walker = (frame ?? document).createTreeWalker(frame?.body ?? found, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const start = node.data.indexOf(words);
    if (start < 0) continue;
    const range = (frame ?? document).createRange();
    range.setStart(node, start);
    range.setEnd(node, start + words.length);
    const box = range.getBoundingClientRect();
    return [origin.left + (last ? box.right - 0.5 : box.left + 0.5), origin.top + box.top + box.height / 2];
  }
}"""

_HIGHLIGHTED = """(selector) => {
  const found = document.querySelector(selector);
  return [...(found.contentDocument ?? found).querySelectorAll(".htx-highlight")].map(part => part.textContent);
}"""

FRAME = "iframe.lsf-htx-richtext"


def turn(number: int) -> str:
    return f"[data-testid='phrase:{number}'] [class*=dialoguetext]"


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


def opened(editor: Editor, results, sample_id: str) -> TaskPage:
    task = editor.open_task(results.project_id, results.tasks[sample_id])
    for selector in (FRAME, turn(0)):
        task.page.locator(selector).wait_for(state="attached")
    return task


def mark(task: TaskPage, label: str, first: tuple[str, str], last: tuple[str, str] | None = None) -> None:
    """Marks what is from some words to others, given where and which, as a person does: a class, then the mouse."""
    before = len(task.regions())
    task.unselect()
    task.pick_label(label)
    start, end = (task.page.evaluate(_PLACE, [*place, is_end]) for place, is_end in ((first, 0), (last or first, 1)))
    task.page.mouse.move(*start)
    task.page.mouse.down()
    task.page.mouse.move(*end, steps=10)
    task.page.mouse.up()
    task._until(lambda: len(task.regions()) == before + 1, f"{last or first} to be marked")
    task.unselect()


def a_span(words: str, label: str, text: str, **values) -> fo.Classification:
    start = text.index(words)
    return fo.Classification(label=label, start=start, end=start + len(words), text=words, **values)


def words_of(spans, text):
    return [(span.label, text[span.start : span.end], span.text) for span in spans.classifications]


@pytest.fixture
def dataset(dataset_of, tmp_path):
    Image.new("RGB", (320, 60), "navy").save(tmp_path / "image.png")
    entities = [a_span("👩‍🚀", "PER", SHOWN, confidence=0.75), a_span("Zürich\xa0and\nnear", "LOC", SHOWN, source="m")]
    said = [a_span("Bob", "place", TURNS[0]["text"], turn=0), a_span("😀 Paris", "place", TURNS[2]["text"], turn=2)]
    return dataset_of(
        [
            fo.Sample(
                filepath=str(tmp_path / "image.png"),
                page=PAGE,
                talk=TURNS,
                entities=fo.Classifications(classifications=entities),
                said=fo.Classifications(classifications=said),
            ),
            fo.Sample(filepath=str(tmp_path / "image.png")),
        ]
    )


def test_words_of_html_and_of_conversations_are_shown_and_marked(dataset, connection, editor, screenshot):  # noqa: F811
    before = stored(dataset)
    results = dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **connection)
    first, second = dataset.values("id")
    task = opened(editor, results, first)
    task._until(lambda: len(task.page.evaluate(_HIGHLIGHTED, FRAME)) == 4, "all highlights")
    assert task.page.evaluate(_HIGHLIGHTED, FRAME) == ["👩‍🚀", "Zürich", "\xa0and", "near"]
    assert [task.page.evaluate(_HIGHLIGHTED, turn(place)) for place in range(3)] == [["Bob"], [], ["😀 Paris"]]
    assert task.problems() == []
    task.screenshot(screenshot)
    task.submit()
    dataset.load_annotations("run")
    assert [{name: doc.get(name) for name in ("entities", "said")} for doc in stored(dataset).values()] == [
        {name: doc.get(name) for name in ("entities", "said")} for doc in before.values()
    ]

    task = opened(editor, results, first)
    mark(task, "LOC", (FRAME, "Århus"))
    mark(task, "LOC", (FRAME, "e\u0301 😀 Paris"))
    mark(task, "question", (turn(0), "is  Z"), (turn(2), "Fine"))
    mark(task, "place", (turn(0), "Zürich"))
    task.relabel(str(dataset[first].entities.classifications[0].id), "LOC")
    task.choose("mood", "calm")
    task.screenshot(screenshot.with_stem(f"{screenshot.stem}_edited"))
    task.submit()
    task = opened(editor, results, second)
    assert task.problems() == []
    task.choose("topic", "travel")
    task.submit()
    dataset.load_annotations("run")
    dataset.reload()
    sample = dataset[first]
    assert words_of(sample.entities, SHOWN) == [
        ("LOC", "👩‍🚀", "👩‍🚀"),
        ("LOC", "Zürich\xa0and\nnear", "Zürich\xa0and\nnear"),
        ("LOC", "Århus", "Århus"),
        ("LOC", "e\u0301 😀 Paris", "e\u0301 😀 Paris"),
    ]
    assert (sample.entities.classifications[0].confidence, sample.entities.classifications[1].source) == (0.75, "m")
    told = [(span.label, span.turn, span.start, span.end, span.text) for span in sample.said.classifications]
    start = TURNS[0]["text"].index("is  Z")
    question = "is  Zürich?\n\n<b>Fine"
    place = TURNS[0]["text"].index("Zürich")
    assert told[2:] == [
        ("question", 0, start, start + len(question), question),
        ("place", 0, place, place + 6, "Zürich"),
    ]
    assert stored(dataset)[first]["said"]["classifications"][:2] == before[first]["said"]["classifications"]
    assert (sample.mood.label, dataset[second].topic.label, dataset[second].entities) == ("calm", "travel", None)


def test_files_of_html_and_of_conversations_are_shown_alike(dataset_of, connection, annotator, tmp_path):
    (tmp_path / "a.html").write_text(PAGE, encoding="utf-8", newline="")
    (tmp_path / "a.json").write_text(json.dumps(TURNS), encoding="utf-8")
    sent = {
        "a.html": ("hypertext", PAGE, a_span("Zürich", "LOC", SHOWN)),
        "a.json": ("paragraphs", TURNS, a_span("Paris", "LOC", TURNS[2]["text"], turn=2)),
    }
    for name, (key, data, span) in sent.items():
        dataset = dataset_of(
            [fo.Sample(filepath=str(tmp_path / name), entities=fo.Classifications(classifications=[span]))]
        )
        results = dataset.annotate(
            "run",
            backend="labelstudio",
            label_schema={"entities": {"type": "spans", "classes": ["PER", "LOC"]}},
            **connection,
        )
        before = stored(dataset)
        (task_id,) = results.tasks.values()
        assert annotator.task(task_id)["data"][key] == data
        annotator.accept_all(results)
        dataset.load_annotations("run")
        assert stored(dataset) == before
        new = {**annotator.preloaded(task_id)[0], "id": "new"}
        annotator.submit(task_id, lambda result, new=new: [*result, new])
        dataset.load_annotations("run")
        dataset.reload()
        (one, other) = dataset.first().entities.classifications
        assert one.text == other.text == span.text and (one.start, one.end) == (other.start, other.end)
