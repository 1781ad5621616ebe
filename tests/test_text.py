"""Spans, classes and corrections of texts that samples hold, beside their images, against a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest
from fiftyone import ViewField as F
from PIL import Image

from fo_labelstudio.errors import SampleError
from tests.support import stored

pytestmark = pytest.mark.server

CAPTION = "A 👩‍👩‍👧 with a cafe\u0301\r\nin Zürich & <b>שלום</b>"
CLASSES = ["PER", "LOC"]
SCHEMA = {"entities": {"type": "spans", "text": "caption", "classes": CLASSES}}
TEXT = "caption%.text"
"""The name of the object tag that shows the captions."""


def a_span(words, label, text=CAPTION, **values):
    start = text.index(words)
    return fo.Classification(label=label, start=start, end=start + len(words), text=words, **values)


def a_region(start, end, label, region_id="drawn", text=CAPTION, control="entities", to_name=TEXT):
    value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
    return {"id": region_id, "from_name": control, "to_name": to_name, "type": "labels", "value": value}


@pytest.fixture
def captioned(dataset_of, tmp_path):
    image = str(tmp_path / "image.png")
    Image.new("RGB", (64, 48), "navy").save(image)
    spans = [a_span("👩‍👩‍👧", "PER", confidence=0.75, tags=["seen"]), a_span("Zürich", "LOC", source="model")]
    return dataset_of(
        [
            fo.Sample(filepath=image, caption=CAPTION, entities=fo.Classifications(classifications=spans)),
            fo.Sample(filepath=image, caption="Nothing here"),
            fo.Sample(filepath=image),
        ]
    )


def annotate(dataset, connection, label_schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=label_schema, **connection, **options)


def spans_of(dataset, place=0, field="entities"):
    value = dataset.values(field)[place]
    return value and [(span.label, span.start, span.end, span.text) for span in value.classifications]


def test_what_is_sent_is_the_text_and_the_characters_of_each_span(captioned, connection, annotator):
    results = annotate(captioned, connection)
    first, second, third = captioned.values("id")
    start = CAPTION.index("Zürich")
    sent = [region for region in annotator.preloaded(results.tasks[first]) if region["type"] == "labels"]
    assert [(region["to_name"], region["value"]) for region in sent] == [
        (TEXT, {"start": 2, "end": 7, "text": "👩‍👩‍👧", "labels": ["PER"]}),
        (TEXT, {"start": start, "end": start + 6, "text": "Zürich", "labels": ["LOC"]}),
    ]
    assert sent[0]["score"] == 0.75
    assert annotator.task(results.tasks[first])["data"]["caption"] == CAPTION
    assert annotator.task(results.tasks[second])["data"]["caption"] == "Nothing here"
    # The server takes no task that lacks what the labeling config shows.
    assert annotator.task(results.tasks[third])["data"]["caption"] == ""


@pytest.mark.parametrize("is_answered", [True, False])
def test_what_nobody_changed_stays_bit_identical(captioned, connection, annotator, is_answered):
    results = annotate(captioned, connection)
    before = stored(captioned)
    if is_answered:
        annotator.accept_all(results)
    captioned.load_annotations("run")
    assert stored(captioned) == before


def test_what_people_changed_comes_back_and_goes_again_once_it_is_taken_back(captioned, connection, annotator):
    results = annotate(captioned, connection)
    first, second, _ = captioned.values("id")
    before = stored(captioned)

    def edit(result):
        person, place = (region for region in result if region["type"] == "labels")
        person["value"].update(a_region(0, 7, "PER")["value"])
        place["value"]["labels"] = ["PER"]
        return [*result, a_region(len(CAPTION) - 8, len(CAPTION) - 4, "LOC")]

    annotation = annotator.submit(results.tasks[first], edit)
    annotator.submit(results.tasks[second], lambda result: [a_region(0, 7, "PER", "other", "Nothing here")])
    captioned.load_annotations("run")
    captioned.reload()
    start = CAPTION.index("Zürich")
    assert spans_of(captioned) == [
        ("PER", 0, 7, CAPTION[:7]),
        ("PER", start, start + 6, "Zürich"),
        ("LOC", len(CAPTION) - 8, len(CAPTION) - 4, "שלום"),
    ]
    assert spans_of(captioned, 1) == [("PER", 0, 7, "Nothing")]
    person, place, _ = captioned.first().entities.classifications
    assert (person.confidence, person.tags, place.source) == (0.75, ["seen"], "model")
    loaded = stored(captioned)
    captioned.load_annotations("run")
    assert stored(captioned) == loaded
    sent = annotator.preloaded(results.tasks[first])
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": sent})
    captioned.load_annotations("run")
    assert stored(captioned)[first]["entities"] == before[first]["entities"]
    view = captioned.filter_labels("entities", F("label") == "PER")
    assert view.values("entities.classifications.text") == [["👩‍👩‍👧"], ["Nothing"]]


def test_what_is_said_of_a_text_that_was_changed_since_is_reported_and_left(captioned, connection, annotator, caplog):
    schema = {
        **SCHEMA,
        "tone": {"type": "classification", "text": "caption", "classes": ["calm"]},
        "note": {"type": "scalar", "text": "caption"},
    }
    results = annotate(captioned, connection, schema, scalar_types={"note": "str"})
    first, second, third = captioned.values("id")
    captioned.set_values("caption", {first: CAPTION + "!", third: "New"}, key_field="id")
    before = stored(captioned)

    def answers(text):
        tone = {"from_name": "tone", "to_name": TEXT, "type": "choices", "value": {"choices": ["calm"]}, "id": "t"}
        note = {"from_name": "note", "to_name": TEXT, "type": "textarea", "value": {"text": ["seen"]}, "id": "n"}
        return [a_region(0, 2, "PER", text=text), tone, note]

    annotator.submit(results.tasks[first], lambda result: [*result[:1], *answers(CAPTION)])
    annotator.submit(results.tasks[second], lambda result: answers("Nothing here"))
    annotator.submit(results.tasks[third], lambda result: answers("")[1:])
    captioned.load_annotations("run")
    now = stored(captioned)
    for sample_id in (first, third):
        assert {name: value for name, value in now[sample_id].items() if value is not None} == before[sample_id]
    assert spans_of(captioned, 1) == [("PER", 0, 2, "No")]
    assert (captioned[second].tone.label, captioned[second].note) == ("calm", "seen")
    assert caplog.text.count(f"sample {first}: its 'caption' was changed after it was sent") == 3
    assert caplog.text.count(f"sample {third}: its 'caption' was changed after it was sent") == 2
    captioned.set_values("caption", {second: "Changed later"}, key_field="id")
    now = stored(captioned)
    captioned.load_annotations("run", full=True)
    assert stored(captioned) == now
    assert f"sample {second}:" not in caplog.text


def test_a_text_is_marked_classified_and_corrected_beside_its_image_which_is_annotated_too(
    captioned, connection, annotator
):
    schema = {
        "boxes": {"type": "detections", "classes": ["person"]},
        "scene": {"type": "classification", "classes": ["indoor"]},
        "tone": {"type": "classification", "text": "caption", "classes": ["calm"]},
        "caption": {"type": "scalar", "text": "caption"},
    }
    results = annotate(captioned, connection, schema)
    _, second, _ = captioned.values("id")

    def edit(result):
        (text,) = result
        assert (text["from_name"], text["to_name"], text["value"]) == ("caption", TEXT, {"text": ["Nothing here"]})
        text["value"]["text"] = ["Something there"]
        box = {"x": 0, "y": 0, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["person"]}
        size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
        drawn = {"id": "b", "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": box, **size}
        chosen = {"type": "choices", "value": {"choices": ["calm"]}, "id": "t"}
        seen = {"type": "choices", "value": {"choices": ["indoor"]}, "id": "s"}
        tone, scene = {"from_name": "tone", "to_name": TEXT}, {"from_name": "scene", "to_name": "image"}
        return [text, drawn, {**tone, **chosen}, {**scene, **seen}]

    annotator.submit(results.tasks[second], edit)
    for _ in range(2):
        captioned.load_annotations("run")
        captioned.reload()
        sample = captioned[second]
        assert [box.bounding_box for box in sample.boxes.detections] == [[0, 0, 0.5, 0.5]]
        assert (sample.tone.label, sample.scene.label, sample.caption) == ("calm", "indoor", "Something there")
        assert captioned.values("caption")[::2] == [CAPTION, None]


@pytest.fixture
def text_files(dataset_of, tmp_path):
    contents = {"a.txt": CAPTION.encode(), "b.md": b"\xef\xbb\xbfOne\r\nTwo", "c.TXT": b""}
    samples = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        samples.append(fo.Sample(filepath=str(tmp_path / name)))
    samples[0]["entities"] = fo.Classifications(classifications=[a_span("Zürich", "LOC")])
    return dataset_of(samples)


FILE_SCHEMA = {
    "entities": {"type": "spans", "classes": CLASSES},
    "tone": {"type": "classification", "classes": ["calm"]},
    "text": {"type": "scalar"},
}


def test_samples_that_are_text_files_are_annotated_as_texts(text_files, connection, annotator):
    assert text_files.media_type == "unknown"
    results = annotate(text_files, connection, FILE_SCHEMA, scalar_types={"text": "str"})
    ids = text_files.values("id")
    data = [annotator.task(results.tasks[sample_id])["data"] for sample_id in ids]
    assert [(item["text"], item["filename"]) for item in data] == [
        (CAPTION, "a.txt"),
        ("One\r\nTwo", "b.md"),
        ("", "c.TXT"),
    ]
    before = stored(text_files)
    annotator.accept_all(results)
    text_files.load_annotations("run")
    assert {key: value["entities"] for key, value in stored(text_files).items() if "entities" in value} == {
        key: value["entities"] for key, value in before.items() if "entities" in value
    }
    tone = {"from_name": "tone", "to_name": "text", "type": "choices", "value": {"choices": ["calm"]}, "id": "t"}
    note = {"from_name": "%74ext", "to_name": "text", "type": "textarea", "value": {"text": ["seen"]}, "id": "n"}
    marked = a_region(0, 5, "PER", "b", "One\r\nTwo", to_name="text")
    annotator.submit(results.tasks[ids[1]], lambda result: [marked, tone, note])
    text_files.load_annotations("run")
    assert spans_of(text_files, 1) == [("PER", 0, 5, "One\r\n")]
    assert (text_files[ids[1]].tone.label, text_files[ids[1]].text) == ("calm", "seen")


def test_texts_alone_are_shown_without_their_images_which_need_not_be_there(captioned, connection, annotator):
    captioned.set_values("filepath", [f"/gone/{number}.png" for number in range(3)])
    results = annotate(captioned, connection, show_media=False)
    ids = captioned.values("id")
    data = annotator.task(results.tasks[ids[0]])["data"]
    assert {*data} == {"caption", "sample_id", "filename"}
    annotator.submit(results.tasks[ids[1]], lambda result: [a_region(0, 7, "PER", "other", "Nothing here")])
    annotator.submit(results.tasks[ids[0]], lambda result: result[:1])
    captioned.load_annotations("run")
    assert spans_of(captioned, 1) == [("PER", 0, 7, "Nothing")]
    assert len(spans_of(captioned)) == 1


def test_spans_are_related_to_boxes_and_to_each_other(captioned, connection, annotator):
    results = annotate(captioned, connection, {**SCHEMA, "boxes": {"type": "detections", "classes": ["person"]}})
    first = captioned.first().id
    person, place = captioned.first().entities.classifications
    box = {"x": 0, "y": 0, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["person"]}
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    drawn = {"id": "b", "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": box, **size}
    links = [
        {"type": "relation", "from_id": person.id, "to_id": to_id, "direction": "right"} for to_id in ("b", place.id)
    ]
    annotator.submit(results.tasks[first], lambda result: [*result, drawn, *links])
    captioned.load_annotations("run", unexpected="keep")
    captioned.reload()
    found = captioned.first().boxes.detections[0]
    assert captioned.first().entities.classifications[0].related_to == [found.id, place.id]


def test_a_run_on_texts_gets_more_classes_samples_and_predictions(captioned, connection, annotator):
    results = annotate(captioned.limit(2), connection)
    first, second, third = captioned.values("id")
    results.update_label_schema({"entities": {"classes": [*CLASSES, "ORG"]}})
    captioned.set_values("caption", {third: "Ann came"}, key_field="id")
    results.add_samples(captioned.select(third))
    assert annotator.task(results.tasks[third])["data"]["caption"] == "Ann came"
    better = fo.Classifications(classifications=[a_span("Zürich", "ORG", confidence=0.9)])
    captioned.set_values("better", {first: better, second: None}, key_field="id")
    results.upload_predictions(captioned.select(first), "better", "v2")
    shown = next(
        prediction["result"]
        for prediction in annotator.task(results.tasks[first])["predictions"]
        if prediction["model_version"] == "v2"
    )
    assert [region["value"]["labels"] for region in shown] == [["ORG"]]
    captioned.set_values("caption", {second: "Other"}, key_field="id")
    other = fo.Classifications(classifications=[fo.Classification(label="ORG", start=0, end=3)])
    captioned.set_values("better", {second: other}, key_field="id")
    with pytest.raises(SampleError, match=f"sample {second}: its 'caption' was changed after its task was made"):
        results.upload_predictions(captioned.select(second), "better", "v3")
    captioned.set_values("caption", {second: "Nothing here"}, key_field="id")
    annotator.submit(results.tasks[third], lambda result: [a_region(0, 3, "ORG", "x", "Ann came")])
    body = {"result": shown, "was_cancelled": False}
    annotator.call("POST", f"/api/tasks/{results.tasks[first]}/annotations/", json=body)
    captioned.load_annotations("run")
    assert spans_of(captioned, 2) == [("ORG", 0, 3, "Ann")]
    assert [span[0] for span in spans_of(captioned)] == ["PER", "LOC", "ORG"]
    before = stored(captioned)
    annotator.submit(results.tasks[second], lambda result: [a_region(0, 7, "PER", "y", "Nothing here")])
    captioned.load_annotations("run")
    after = stored(captioned)
    assert {name: after[name] for name in (first, third)} == {name: before[name] for name in (first, third)}
    assert spans_of(captioned, 1) == [("PER", 0, 7, "Nothing")]


def test_both_sides_may_change_a_span(captioned, connection, annotator):
    results = annotate(captioned, connection)
    first = captioned.first().id
    sample = captioned.first()
    sample.entities.classifications[1].label = "PER"
    sample.save()

    def edit(result):
        place = next(region for region in result if region["value"].get("text") == "Zürich")
        place["value"].update(start=place["value"]["start"] - 3, text="in Zürich")
        return result

    annotator.submit(results.tasks[first], edit)
    captioned.load_annotations("run")
    start = CAPTION.index("in Zürich")
    assert spans_of(captioned)[1] == ("PER", start, start + 9, "in Zürich")


def test_a_labeling_config_of_ones_own_shows_texts_too(captioned, connection, annotator):
    xml = (
        '<View><Image name="img" value="$image"/><Text name="words" value="$caption"/>'
        '<Labels name="ner" toName="words"><Label value="PER"/><Label value="LOC"/></Labels>'
        '<RectangleLabels name="box" toName="img"><Label value="person"/></RectangleLabels></View>'
    )
    schema = {**SCHEMA, "boxes": {"type": "detections", "classes": ["person"]}}
    schema["entities"] = {**SCHEMA["entities"], "attributes": False}
    results = annotate(captioned, connection, schema, labeling_config=xml)
    first, second, _ = captioned.values("id")
    assert {(region["from_name"], region["to_name"]) for region in annotator.preloaded(results.tasks[first])} == {
        ("ner", "words")
    }
    marked = a_region(0, 7, "PER", "y", "Nothing here", "ner", "words")
    annotator.submit(results.tasks[second], lambda result: [marked])
    captioned.load_annotations("run")
    assert spans_of(captioned, 1) == [("PER", 0, 7, "Nothing")]
