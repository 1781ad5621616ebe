"""Ranges, transcripts and classes of audio files, against a real server and in the real editor."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterator

import fiftyone as fo
import pytest

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.support import stored

pytestmark = pytest.mark.server

SECONDS = 8
SCHEMA = {
    "speech": {
        "type": "spans",
        "classes": ["Ann", "Ben"],
        "attributes": {"words": {"type": "text"}, "clear": {"type": "radio", "values": [True, False]}},
    },
    "scene": {"type": "classification", "classes": ["street", "room"]},
}


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


@pytest.fixture
def recorded(dataset_of, tmp_path):
    samples = []
    for number in range(2):
        path = tmp_path / f"sound{number}.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
            tone = (int(20000 * math.sin(place / 9) * abs(math.sin(place / 4000))) for place in range(8000 * SECONDS))
            sound.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
        samples.append(fo.Sample(filepath=str(path)))
    spans = [
        fo.Classification(label="Ann", start=0.1234567891, end=2, words="good day", confidence=0.5, clear=True),
        fo.Classification(label="Ben", start=3, end=4.75, source="model"),
    ]
    samples[0]["speech"] = fo.Classifications(classifications=spans)
    return dataset_of(samples)


def annotate(dataset, connection, schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def spans_of(dataset):
    dataset.reload()
    found = dataset.first().speech.classifications
    return [(span.label, span.start, span.end, span.get_attribute_value("words", None)) for span in found]


def test_ranges_of_audio_come_back_changed_only_where_somebody_changed_them(recorded, connection, annotator):
    results = annotate(recorded, connection)
    first, second = recorded.values("id")
    before = stored(recorded)
    annotator.accept_all(results)
    recorded.load_annotations("run")
    assert stored(recorded) == before

    def edit(result):
        ben = next(region for region in result if region["value"].get("labels") == ["Ben"])
        ben["value"]["end"] = 5.5
        words = {"id": ben["id"], "from_name": "speech%.words", "to_name": "audio", "type": "textarea"}
        drawn = {
            "id": "drawn",
            "original_length": 8,
            "value": {"start": 6, "end": 7.25, "channel": 1, "labels": ["Ann"]},
        }
        return [
            *result,
            {**words, "original_length": 8, "value": {"start": 3, "end": 5.5, "channel": 0, "text": ["hello"]}},
            {"from_name": ben["from_name"], "to_name": ben["to_name"], "type": "labels", **drawn},
        ]

    annotator.submit(results.tasks[first], edit)
    scene = {"id": "s", "from_name": "scene", "to_name": "audio", "type": "choices", "value": {"choices": ["room"]}}
    annotator.submit(results.tasks[second], lambda result: [scene])
    recorded.load_annotations("run")
    assert spans_of(recorded) == [
        ("Ann", 0.1234567891, 2, "good day"),
        ("Ben", 3, 5.5, "hello"),
        ("Ann", 6, 7.25, None),
    ]
    ann, ben, drawn = recorded.first().speech.classifications
    assert drawn.channel == 1 and not (ann.has_attribute("channel") or ben.has_attribute("channel"))
    assert (ann.confidence, ann.clear, ben.source) == (0.5, True, "model")
    assert recorded.values("scene.label") == [None, "room"]


@pytest.mark.parametrize("ends", [(-1, 2), (2, 2), (3, 2), (0, math.inf), ("0", 2)])
def test_ranges_that_no_audio_has_are_refused_before_anything_is_made(recorded, connection, ends):
    sample = recorded.first()
    sample.speech.classifications[1].start, sample.speech.classifications[1].end = ends
    if isinstance(ends[0], str):
        sample.speech.classifications[1]["start"] = ends[0]
    sample.save()
    with pytest.raises(ValueError, match="expected two finite numbers, 0 <= start < end, in seconds") as caught:
        annotate(recorded, connection)
    assert sample.id in str(caught.value)


@pytest.mark.browser
def test_a_person_moves_a_range_draws_one_and_writes_down_what_is_said(recorded, connection, editor, tmp_path):
    results = annotate(recorded, connection)
    first, _ = recorded.values("id")
    task = editor.open_task(results.project_id, results.tasks[first])
    _, ben = task.regions(at_least=2)
    wave_form = task.page.locator(".lsf-main-view canvas").first
    wave_form.wait_for()
    box = wave_form.bounding_box()

    def at(second):
        return box["x"] + box["width"] * second / SECONDS, box["y"] + box["height"] / 2

    def drag(start, end):
        task.page.mouse.move(*at(start))
        task.page.mouse.down()
        task.page.mouse.move(*at((start + end) / 2), steps=5)
        task.page.mouse.move(*at(end), steps=5)
        task.page.mouse.up()

    task._until(lambda: task._read("return Boolean(annotation.names.get('audio')?._ws?.loaded)"), "the sound to load")
    task.pick_label("Ann")
    drag(6.0, 7.5)
    task.unselect()
    drag(4.0, 5.0)
    task.select(ben.id)
    task.set_attribute(ben.id, "speech%.words", "hello")
    task.screenshot(tmp_path / "audio.png")
    task.submit()
    recorded.load_annotations("run")
    found = spans_of(recorded)
    assert found[0] == ("Ann", 0.1234567891, 2, "good day")
    label, start, end, words = found[1]
    assert (label, words, end - start, start) == ("Ben", "hello", pytest.approx(1.75), pytest.approx(4, abs=0.05))
    label, start, end, words = found[2]
    assert (label, start, end) == ("Ann", pytest.approx(6, abs=0.05), pytest.approx(7.5, abs=0.05))
