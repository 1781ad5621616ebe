"""Classes and values of PDF documents, and boxes on their pages, against a real server and in the real editor."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest
from PIL import Image, ImageDraw

from fo_labelstudio.errors import LabelSchemaError, SampleError, SettingsError
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


def test_masks_of_whole_documents_are_refused(documents, connection):
    with pytest.raises(LabelSchemaError, match="labels of type 'segmentation' cannot be annotated on a PDF document"):
        annotate(documents, connection, {"ink": {"type": "segmentation", "mask_targets": {1: "ink"}}})


def test_what_is_no_document_is_refused_before_anything_is_made(documents, connection, tmp_path):
    path = tmp_path / "words.pdf"
    path.write_text("words")
    documents.add_sample(fo.Sample(filepath=str(path)))
    with pytest.raises(SampleError, match="its document cannot be read"):
        annotate(documents, connection)


PAGES = {"stamps": {"type": "detections", "classes": ["stamp", "sign"]}, **SCHEMA}
PIXELS = [(600, 800), (800, 600), (400, 400)]


def a_page(size, words):
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).text((40, 40), words, fill="black", font_size=60)
    return page


@pytest.fixture
def bills(dataset_of, tmp_path):
    """A document of three pages of different sizes, with a stamp on each, and one of a single page with none."""
    first, *others = (a_page(size, f"Page {number}") for number, size in enumerate(PIXELS))
    # A page has as many points as its image has pixels.
    first.save(tmp_path / "bill.v2.pdf", save_all=True, append_images=others)
    a_page((300, 200), "Letter").save(tmp_path / "letter.pdf")
    places = [{}, {"item_index": 1, "rotation": 0.25}, {"item_index": 2, "source": "model"}]
    stamps = [fo.Detection(label="stamp", bounding_box=[0.1, 0.4, 1 / 3, 0.2], confidence=0.5, **one) for one in places]
    bill = fo.Sample(filepath=str(tmp_path / "bill.v2.pdf"), stamps=fo.Detections(detections=stamps), total=7.25)
    bill["kind"] = fo.Classification(label="bill")
    return dataset_of([bill, fo.Sample(filepath=str(tmp_path / "letter.pdf"))])


def test_boxes_are_on_the_pages_of_a_document_which_are_sent_as_images(bills, connection, annotator):
    results = annotate(bills, connection, PAGES)
    first, second = bills.values("id")
    data = annotator.task(results.tasks[first])["data"]
    names = [address.rpartition("/")[2].split("-", 1)[1] for address in data["pdf_pages"]]
    assert [name[: len("bill.v2-1-")] for name in names] == ["bill.v2-1-", "bill.v2-2-", "bill.v2-3-"]
    assert data["filename"] == "bill.v2.pdf" and len(annotator.task(results.tasks[second])["data"]["pdf_pages"]) == 1
    drawn = [one for one in annotator.preloaded(results.tasks[first]) if one["type"] == "rectanglelabels"]
    shown = [(one["item_index"], one["original_width"], one["original_height"]) for one in drawn]
    assert shown == [(0, 1250, 1667), (1, 1667, 1250), (2, 834, 834)]
    before = stored(bills)
    annotator.accept_all(results)
    bills.load_annotations("run")
    assert stored(bills) == before

    def edit(result):
        by_place = {one.get("item_index"): one for one in result if one["type"] == "rectanglelabels"}
        by_place[2]["value"]["x"] += 10
        value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["sign"]}
        beyond = {**by_place[1], "id": "beyond", "item_index": 3, "value": value}
        return [
            *(one for one in result if one is not by_place[0]),
            {**by_place[1], "id": "new", "value": value},
            beyond,
        ]

    annotator.submit(results.tasks[first], edit)
    bills.load_annotations("run")
    bills.reload()
    found = [(box.label, box.item_index, box.bounding_box) for box in bills[first].stamps.detections]
    assert found == [
        ("stamp", 1, [0.1, 0.4, 1 / 3, 0.2]),
        ("stamp", 2, [pytest.approx(0.2), 0.4, 1 / 3, 0.2]),
        ("sign", 1, pytest.approx([0.1, 0.2, 0.3, 0.4])),
    ]
    assert (bills[first].kind.label, bills[first].total, bills[second].stamps) == ("bill", 7.25, None)


@pytest.mark.browser
def test_a_person_draws_a_box_on_the_second_page_of_a_document(
    bills,
    connection,
    editor,  # noqa: F811
    screenshot,  # noqa: F811
):
    results = annotate(bills, connection, PAGES)
    first, second = bills.values("id")
    before = stored(bills)
    task = editor.open_task(results.project_id, results.tasks[first])
    assert task.natural_size() == (1250, 1667)
    task.turn_to_next()
    drawn = task.draw_box("sign", 50, 60, 30, 20)
    task.set_value("total", 1200.5)
    task.screenshot(screenshot)
    task.submit()
    assert task.problems() == []
    task = editor.open_task(results.project_id, results.tasks[second])
    task.choose("kind", "letter")
    task.submit()
    bills.load_annotations("run")
    after = stored(bills)
    *kept, new = after[first]["stamps"]["detections"]
    assert kept == before[first]["stamps"]["detections"]
    assert (new["label"], new["item_index"]) == ("sign", 1)
    assert new["bounding_box"] == pytest.approx([drawn.x / 100, drawn.y / 100, drawn.width / 100, drawn.height / 100])
    assert (after[first]["total"], after[first]["kind"]) == (1200.5, before[first]["kind"])
    assert (after[second]["kind"]["label"], "stamps" in after[second]) == ("letter", False)


def test_pages_have_classes_of_their_own(bills, connection, annotator):
    looks = [
        fo.Classification(label="torn", item_index=1),
        fo.Classification(label="torn", item_index=2, confidence=0.5),
    ]
    sample = bills.first()
    sample["looks"] = fo.Classifications(classifications=looks)
    sample.save()
    schema = {"looks": {"type": "classifications", "classes": ["clean", "torn"], "per_item": True}}
    results = annotate(bills, connection, schema)
    first, second = bills.values("id")
    before = stored(bills)
    annotator.accept_all(results)
    bills.load_annotations("run")
    assert stored(bills) == before

    def edit(result):
        of_second = next(one for one in result if one["item_index"] == 1)
        of_first = {**of_second, "id": "new", "item_index": 0, "value": {"choices": ["clean"]}}
        return [of_first, *(one for one in result if one is not of_second)]

    annotator.submit(results.tasks[first], edit)
    bills.load_annotations("run")
    bills.reload()
    found = [(one.label, one.item_index, one.confidence) for one in bills[first].looks.classifications]
    assert found == [("torn", 2, 0.5), ("clean", 0, None)]
    assert bills[second].looks is None


def test_pages_are_made_only_where_made_images_can_be_sent(bills, connection):
    with pytest.raises(SettingsError, match=r"media='cloud' is not possible for labels .* pass media='upload'"):
        bills.annotate("run", backend="labelstudio", label_schema=PAGES, media="cloud", **connection)
    assert bills.list_annotation_runs() == []


def test_tasks_in_files_have_copies_of_the_pages(bills, tmp_path):
    folder = tmp_path / "out"
    bills.annotate("run", backend="labelstudio", label_schema={"stamps": PAGES["stamps"]}, export_dir=str(folder))
    (path,) = folder.glob("*tasks*.json")
    bill, letter = json.loads(path.read_text())
    start = "/data/local-files/?d=out/pdf_pages/"
    assert bill["data"]["pdf_pages"] == [f"{start}bill.v2-{number}.png" for number in (1, 2, 3)]
    assert letter["data"]["pdf_pages"] == [f"{start}letter-1.png"]
    sizes = [Image.open(folder / "pdf_pages" / f"bill.v2-{number}.png").size for number in (1, 2, 3)]
    assert sizes == [(1250, 1667), (1667, 1250), (834, 834)]
    with pytest.raises(SettingsError, match="pass media='copy'"):
        bills.annotate(
            "other",
            backend="labelstudio",
            label_schema={"stamps": PAGES["stamps"]},
            export_dir=str(tmp_path / "other"),
            media="local_files",
            local_files_root=str(tmp_path),
        )


@pytest.mark.parametrize("place", [3, -1, 0.5])
def test_a_box_on_a_page_that_is_not_there_is_refused_before_anything_is_made(bills, connection, place):
    sample = bills.first()
    sample.stamps.detections[1].item_index = place
    sample.save()
    with pytest.raises(SampleError, match=f"its item_index is {place}, ") as caught:
        annotate(bills, connection, PAGES)
    assert f"field 'stamps', sample {sample.id}, label {sample.stamps.detections[1].id}" in str(caught.value)


def test_a_document_without_pages_is_refused_before_anything_is_made(bills, connection, tmp_path):
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7")
    bills.add_sample(fo.Sample(filepath=str(path)))
    with pytest.raises(SampleError, match="its pages cannot be read") as caught:
        annotate(bills, connection, PAGES)
    assert f"sample {bills.last().id}, filepath {str(path)!r}" in str(caught.value)
