"""Classes and values of PDF documents, against a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.errors import LabelSchemaError, SampleError
from tests.support import stored

pytestmark = pytest.mark.server

SCHEMA = {"kind": {"type": "classification", "classes": ["bill", "letter"]}, "total": {"type": "scalar"}}


@pytest.fixture
def documents(dataset_of, tmp_path):
    samples = []
    for number in range(2):
        path = tmp_path / f"document{number}.pdf"
        Image.new("RGB", (64, 48), "white").save(path)
        samples.append(fo.Sample(filepath=str(path), kind=fo.Classification(label="bill", confidence=0.5)))
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
    assert {key: doc["kind"] for key, doc in stored(documents).items()} == {
        key: doc["kind"] for key, doc in before.items()
    }
    kind = {"id": "k", "from_name": "kind", "to_name": "pdf", "type": "choices", "value": {"choices": ["letter"]}}
    total = {"id": "t", "from_name": "total", "to_name": "pdf", "type": "number", "value": {"number": 12.5}}
    annotator.submit(results.tasks[second], lambda result: [kind, total])
    documents.load_annotations("run")
    documents.reload()
    assert documents.values("kind.label") == ["bill", "letter"]
    assert documents.values("total") == [None, 12.5]


def test_boxes_on_documents_are_refused(documents, connection):
    with pytest.raises(LabelSchemaError, match="labels of type 'detections'"):
        annotate(documents, connection, {"boxes": {"type": "detections", "classes": ["stamp"]}})


def test_what_is_no_document_is_refused_before_anything_is_made(documents, connection, tmp_path):
    path = tmp_path / "words.pdf"
    path.write_text("words")
    documents.add_sample(fo.Sample(filepath=str(path)))
    with pytest.raises(SampleError, match="its document cannot be read"):
        annotate(documents, connection)
