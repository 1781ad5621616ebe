"""Classes and values of PDF documents, against a real server and in the real editor."""

from __future__ import annotations

import fiftyone as fo
import pytest
from PIL import Image, ImageDraw

from fo_labelstudio.errors import LabelSchemaError, SampleError
from tests.support import stored
from tests.test_editor import editor, screenshot  # noqa: F401

pytestmark = pytest.mark.server

SCHEMA = {"kind": {"type": "classification", "classes": ["bill", "letter"]}, "total": {"type": "scalar"}}


@pytest.fixture
def documents(dataset_of, tmp_path):
    samples = []
    for number in range(2):
        path = tmp_path / f"document{number}.pdf"
        page = Image.new("RGB", (300, 200), "white")
        ImageDraw.Draw(page).text((40, 60), f"Bill {number}", fill="black", font_size=60)
        page.save(path)
        kind = fo.Classification(label="bill", confidence=0.5)
        samples.append(fo.Sample(filepath=str(path), kind=kind, total=7.25 + number))
    return dataset_of(samples)


def annotate(dataset, connection, schema=SCHEMA):
    options = {"scalar_types": {"total": "float"}} if "total" in schema else {}
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **options, **connection)


def test_documents_get_classes_and_values(documents, connection, annotator):
    results = annotate(documents, connection)
    first, second = documents.values("id")
    before = stored(documents)
    assert annotator.task(results.tasks[first])["data"]["pdf"].endswith(".pdf")
    annotator.accept_all(results)
    documents.load_annotations("run")
    assert stored(documents) == before
    kind = {"id": "k", "from_name": "kind", "to_name": "pdf", "type": "choices", "value": {"choices": ["letter"]}}
    total = {"id": "t", "from_name": "total", "to_name": "pdf", "type": "number", "value": {"number": 12.5}}
    annotator.submit(results.tasks[second], lambda result: [kind, total])
    documents.load_annotations("run")
    documents.reload()
    assert documents.values("kind.label") == ["bill", "letter"]
    assert documents.values("total") == [7.25, 12.5]


@pytest.mark.browser
def test_a_person_corrects_the_class_and_the_value_of_a_document(
    documents,
    connection,
    editor,  # noqa: F811
    screenshot,  # noqa: F811
):
    results = annotate(documents, connection)
    first, second = documents.values("id")
    before = stored(documents)
    task = editor.open_task(results.project_id, results.tasks[first])
    task.page.locator("embed[type='application/pdf']").wait_for()
    assert (task.chosen("kind"), task.entered("total"), task.problems()) == (["bill"], 7.25, [])
    task.choose("kind", "letter")
    task.screenshot(screenshot)
    task.submit()
    task = editor.open_task(results.project_id, results.tasks[second])
    task.set_value("total", 1200.5)
    task.submit()
    documents.load_annotations("run")
    documents.reload()
    after = stored(documents)
    assert documents.values("kind.label") == ["letter", "bill"]
    assert documents.values("total") == [7.25, 1200.5]
    assert after[second] == {**before[second], "total": 1200.5, "last_modified_at": after[second]["last_modified_at"]}


def test_boxes_on_documents_are_refused(documents, connection):
    with pytest.raises(LabelSchemaError, match="labels of type 'detections'"):
        annotate(documents, connection, {"boxes": {"type": "detections", "classes": ["stamp"]}})


def test_what_is_no_document_is_refused_before_anything_is_made(documents, connection, tmp_path):
    path = tmp_path / "words.pdf"
    path.write_text("words")
    documents.add_sample(fo.Sample(filepath=str(path)))
    with pytest.raises(SampleError, match="its document cannot be read"):
        annotate(documents, connection)
