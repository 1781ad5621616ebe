"""import_annotations() of projects that show texts and other values: spans, and the samples that they are of."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import SettingsError

pytestmark = pytest.mark.database

CONFIG = """
<View>
  <Labels name="label" toName="text">
    <Label value="Person"/><Label value="Date"/><Label value="Location"/><Label value="Language"/>
  </Labels>
  <Text name="text" value="$text"/>
</View>
"""

TEXTS = (
    "He was 31 when he came to Lisbon 😀, in the week of two feasts, and the city was full of people.",
    "The boy had told Ana Lopes in Portuguese that he wrote\r\nto nobody in Paris.",
)

FOUND = (
    {
        "one": [("31", "Date", 0.7), ("Lisbon", "Location", 0.65), ("week", "Date", 0.95)],
        "two": [("Lisbon 😀", "Location", 0.5), ("full of people", "Person", 0.3)],
    },
    {
        "one": [("Ana Lopes", "Person", None), ("Portuguese", "Language", None)],
        "two": [("Ana", "Person", None), ("nobody", "Person", None), ("Paris", "Location", None)],
    },
)
"""Task -> model version -> its words, classes and scores."""


def span(of, words, label, score=None, **value):
    """A span as Label Studio's docs of predictions have it: without an id, with its score in the value."""
    start = of.index(words)
    scored = {} if score is None else {"score": score}
    value = {"start": start, "end": start + len(words), **scored, "text": words, "labels": [label]} | value
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value}


def tasks_of_the_docs():
    """Two tasks with two model versions each, in the form of the example in Label Studio's docs of predictions."""
    return [
        {
            "data": {"text": text},
            "predictions": [
                {"model_version": version, "result": [span(text, *row) for row in rows]}
                for version, rows in versions.items()
            ],
        }
        for text, versions in zip(TEXTS, FOUND, strict=True)
    ]


def task(text, *result, config_key="text", **data):
    return {"data": {config_key: text, **data}, "annotations": [{"result": list(result)}]}


@pytest.fixture
def import_tasks(tmp_path):
    """Imports a JSON export of tasks."""

    def run(dataset, tasks, **options):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        return fo_labelstudio.import_annotations(dataset, json_path=path, **{"labeling_config": CONFIG, **options})

    return run


@pytest.fixture
def dataset():
    made = fo.Dataset()
    yield made
    made.delete()


@pytest.fixture
def captions(make_dataset):
    """Images with captions."""
    made = make_dataset({}, {}, {})
    made.set_values("caption", [*TEXTS, None])
    return made


def spans(dataset, field):
    """Of each sample: class, start, end, words and confidence of its spans."""
    labels = dataset.values(field)
    return [
        one and [(span.label, span.start, span.end, span.text, span.confidence) for span in one.classifications]
        for one in labels
    ]


def expected(version):
    return [
        [
            (label, text.index(words), text.index(words) + len(words), words, score)
            for words, label, score in versions[version]
        ]
        for text, versions in zip(TEXTS, FOUND, strict=True)
    ]


MODELS = {"annotations": None, "predictions": "all"}


def test_the_spans_of_each_model_version_have_their_own_field_and_scores(captions, import_tasks):
    import_tasks(captions, tasks_of_the_docs(), match={"text": "caption"}, **MODELS)
    assert spans(captions, "label_one") == [*expected("one"), None]
    assert spans(captions, "label_two") == [*expected("two"), None]
    assert len(captions) == 3


def test_one_model_version_is_imported_by_name(captions, import_tasks):
    import_tasks(captions, tasks_of_the_docs(), match={"text": "caption"}, annotations=None, predictions="two")
    assert spans(captions, "label_two") == [*expected("two"), None]
    assert "label_one" not in captions.get_field_schema()


def test_texts_of_which_there_is_no_sample_become_text_files_and_are_found_again(dataset, import_tasks, tmp_path):
    folder = tmp_path / "texts"
    new = {"download_media": True, "data_path": folder}
    import_tasks(dataset, tasks_of_the_docs(), **new, **MODELS)
    assert [open(path, encoding="utf-8", newline="").read() for path in dataset.values("filepath")] == list(TEXTS)
    assert spans(dataset, "label_one") == expected("one")
    assert spans(dataset, "label_two") == expected("two")
    import_tasks(dataset, tasks_of_the_docs(), **new, **MODELS)
    import_tasks(dataset, tasks_of_the_docs(), full=True, **MODELS)
    assert len(dataset) == 2
    assert spans(dataset, "label_one") == expected("one")


def test_a_text_of_which_there_is_no_sample_is_told(dataset, import_tasks, caplog):
    import_tasks(dataset, tasks_of_the_docs(), **MODELS)
    assert len(dataset) == 0
    assert "without an id, text: there is no sample of" in caplog.text
    assert "download_media=True" in caplog.text


def test_a_span_that_cannot_be_is_told_and_all_others_are_imported(captions, import_tasks, caplog):
    text = TEXTS[0]
    wrong = span(text, "31", "Date", start=5000, end=5002)
    import_tasks(captions, [task(text, wrong, span(text, "Lisbon", "Location"))], match={"text": "caption"})
    assert [[row[3] for row in one] for one in spans(captions, "label")[:1]] == [["Lisbon"]]
    assert "5000" in caplog.text


def test_words_that_differ_from_the_characters_are_told(captions, import_tasks, caplog):
    import_tasks(captions, [task(TEXTS[0], span(TEXTS[0], "31", "Date", text="32"))], match={"text": "caption"})
    assert spans(captions, "label")[0] == [("Date", 7, 9, "31", None)]
    assert "it says that its text is '32', but its characters are '31'" in caplog.text


BESIDE = """
<View>
  <Image name="img" value="$photo"/>
  <RectangleLabels name="animals" toName="img"><Label value="cat"/></RectangleLabels>
  <Text name="caption" value="$words"/>
  <Labels name="entities" toName="caption"><Label value="cat"/><Label value="place"/></Labels>
  <Choices name="tone" toName="caption" perRegion="true"><Choice value="kind"/><Choice value="harsh"/></Choices>
  <Choices name="quality" toName="caption"><Choice value="good"/><Choice value="bad"/></Choices>
</View>
"""


def test_spans_of_a_text_beside_an_image_are_on_the_sample_of_the_image(make_dataset, import_tasks):
    made = make_dataset({}, {})
    name = made.values("filepath")[1].rsplit("/", 1)[1]
    text = "A cat in Rome"
    value = {"start": 2, "end": 5, "text": "cat"}
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    result = [
        {"id": "b", "from_name": "animals", "to_name": "img", "type": "rectanglelabels", "value": box, **size},
        {"id": "s", "from_name": "entities", "to_name": "caption", "type": "labels"}
        | {"value": {**value, "labels": ["cat"]}},
        {"id": "s", "from_name": "tone", "to_name": "caption", "type": "choices"}
        | {"value": {**value, "choices": ["kind"]}},
        {"id": "q", "from_name": "quality", "to_name": "caption", "type": "choices", "value": {"choices": ["good"]}},
        {"type": "relation", "from_id": "s", "to_id": "b", "direction": "right"},
    ]
    tasks = [{"data": {"photo": name, "words": text}, "annotations": [{"result": result}]}]
    import_tasks(made, tasks, labeling_config=BESIDE)
    assert spans(made, "entities") == [None, [("cat", 2, 5, "cat", None)]]
    assert made.last()["entities"].classifications[0].tone == "kind"
    assert made.last()["animals"].detections[0].bounding_box == [0.1, 0.2, 0.3, 0.4]
    assert made.last()["quality"].label == "good"
    assert made.last()["entities"].classifications[0].related_to == [made.last()["animals"].detections[0].id]


AUDIO = """
<View>
  <Audio name="audio" value="$sound"/>
  <Labels name="speaker" toName="audio"><Label value="A"/><Label value="B"/></Labels>
  <TextArea name="words" toName="audio" perRegion="true"/>
</View>
"""


def test_ranges_of_audio_files_are_imported_with_their_transcripts(dataset, import_tasks, tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(b"RIFF")
    dataset.add_sample(fo.Sample(filepath=str(path)))
    value = {"start": 1.25, "end": 3.5, "channel": 0}
    result = [
        {"id": "a", "from_name": "speaker", "to_name": "audio", "type": "labels", "value": {**value, "labels": ["B"]}},
        {
            "id": "a",
            "from_name": "words",
            "to_name": "audio",
            "type": "textarea",
            "value": {**value, "text": ["hello"]},
        },
    ]
    task = {"data": {"sound": "/data/upload/1/0123abcd-talk.wav"}, "annotations": [{"result": result}]}
    import_tasks(dataset, [task], labeling_config=AUDIO)
    (found,) = dataset.first()["speaker"].classifications
    assert (found.label, found.start, found.end, found.words) == ("B", 1.25, 3.5, ["hello"])


SERIES = """
<View>
  <TimeSeries name="ts" valueType="json" value="$series" timeColumn="time"><Channel column="a"/></TimeSeries>
  <TimeSeriesLabels name="events" toName="ts"><Label value="rise"/></TimeSeriesLabels>
</View>
"""


def test_ranges_of_time_series_are_imported(captions, import_tasks):
    captions.set_values("number", [1, 2, 3])
    result = {"id": "a", "from_name": "events", "to_name": "ts", "type": "timeserieslabels"}
    result["value"] = {"start": 5, "end": 10.5, "instant": False, "timeserieslabels": ["rise"]}
    series = {"time": [0, 5, 10.5], "a": [1, 2, 3]}
    tasks = [task(series, result, config_key="series", number=2)]
    import_tasks(captions, tasks, labeling_config=SERIES, match={"number": "number"})
    assert [one and [(span.start, span.end) for span in one.classifications] for one in captions.values("events")] == [
        None,
        [(5, 10.5)],
        None,
    ]


def test_time_series_that_tasks_hold_become_csv_files(dataset, import_tasks, tmp_path):
    config = SERIES.replace('timeColumn="time"', 'timeColumn="at" timeFormat="%Y-%m-%d %H:%M:%S"')
    result = {"id": "a", "from_name": "events", "to_name": "ts", "type": "timeserieslabels"}
    value = {"start": "2026-01-31 12:00:00", "end": "2026-01-31 12:00:01", "instant": False}
    result["value"] = {**value, "timeserieslabels": ["rise"]}
    series = {"at": ["2026-01-31 12:00:00", "2026-01-31 12:00:01"], "a": [1, None]}
    options = {"labeling_config": config, "data_path": str(tmp_path / "series"), "download_media": True}
    tasks = [{"data": {"series": series}, "annotations": [{"result": [result]}]}]
    for _ in range(2):
        import_tasks(dataset, tasks, **options)
        (span,) = dataset.first().events.classifications
        assert (span.start, span.end) == (datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 12, 0, 1))
    path = Path(dataset.first().filepath)
    assert path.suffix == ".csv" and len(dataset) == 1
    assert path.read_text() == '"time","a"\n"2026-01-31 12:00:00",1\n"2026-01-31 12:00:01",""\n'


def test_spans_of_a_text_that_a_task_only_has_the_address_of_are_told(captions, import_tasks, caplog):
    config = CONFIG.replace('value="$text"', 'value="$text" valueType="url"')
    text = "/data/upload/1/a.txt"
    captions.set_values("caption", [text, None, None])
    import_tasks(captions, [task(text, span(text, "data", "Date"))], labeling_config=config, match={"text": "caption"})
    assert "the task does not hold the text that it marks, or only its address, or" in caplog.text


def test_spans_of_one_control_tag_on_two_texts_are_not_mixed(dataset, import_tasks, tmp_path, caplog):
    config = (
        '<View><Text name="one" value="$one"/><Text name="two" value="$two"/>'
        '<Labels name="label" toName="one,two"><Label value="Person"/></Labels></View>'
    )
    first, second = "Ann asks", "Bob answers"
    on_two = {**span(second, "Bob", "Person"), "to_name": "two", "id": "b"}
    result = [{**span(first, "Ann", "Person"), "to_name": "one", "id": "a"}, on_two]
    tasks = [{"data": {"one": first, "two": second}, "annotations": [{"result": result}]}]
    import_tasks(dataset, tasks, labeling_config=config, data_path=str(tmp_path / "texts"), download_media=True)
    assert spans(dataset, "label") == [[("Person", 0, 3, "Ann", None)]]
    assert "region 'b': field 'label': it is on 'two', and its control tag asks about 'one' first" in caplog.text


@pytest.mark.parametrize(("encoding", "bare"), [("base64", "latin-1"), ("base64unicode", "utf-8")])
def test_texts_in_base64_are_read_as_the_editor_does(dataset, import_tasks, tmp_path, caplog, encoding, bare):
    config = CONFIG.replace("<Text ", f'<Text encoding="{encoding}" ')
    text = "Zoë saw Ann"
    coded = base64.b64encode(text.encode(bare)).decode()
    tasks = [task(coded, span(text, "Ann", "Person")), task("no base64", span(text, "Ann", "Person"))]
    import_tasks(dataset, tasks, labeling_config=config, data_path=str(tmp_path / "texts"), download_media=True)
    assert spans(dataset, "label") == [[("Person", 8, 11, "Ann", None)]]
    assert Path(dataset.first().filepath).read_text() == text
    assert "what its data have for 'text' is None, expected a text; left alone" in caplog.text


TURNS = """
<View>
  <Paragraphs name="talk" value="$messages" layout="dialogue" namekey="role" textKey="content"/>
  <ParagraphLabels name="said" toName="talk"><Label value="A"/></ParagraphLabels>
</View>
"""


def test_turns_are_read_by_the_keys_that_the_labeling_config_names(dataset, import_tasks, tmp_path):
    messages = [{"role": "user", "content": "Hi 😀 all"}, {"role": "bot"}, {"role": None, "content": 7}]
    value = {"start": "0", "end": "2", "startOffset": 6, "endOffset": 1, "text": "all 7", "paragraphlabels": ["A"]}
    region = {"id": "a", "from_name": "said", "to_name": "talk", "type": "paragraphlabels", "value": value}
    tasks = [{"data": {"messages": messages}, "annotations": [{"result": [region]}]}]
    options = {"labeling_config": TURNS, "data_path": str(tmp_path / "talks"), "download_media": True}
    for _ in range(2):
        import_tasks(dataset, tasks, **options)
        (span,) = dataset.first().said.classifications
        assert (span.turn, span.start, span.end, span.text) == (0, 5, 11, "all\n\n7")
    # The file has them by our keys, so that it can be annotated.
    turns = json.loads(Path(dataset.first().filepath).read_text())
    assert [(turn["author"], turn["text"]) for turn in turns] == [("user", "Hi 😀 all"), ("bot", ""), ("", "7")]


@pytest.mark.parametrize(("page", "is_read"), [("<p>Ann</p>", True), ("\n<p>Ann</p>", False)])
def test_spans_are_left_where_a_page_is_shown_with_characters_before_its_body(
    dataset, import_tasks, tmp_path, caplog, page, is_read
):
    config = (
        '<View><HyperText name="page" value="$page" inline="true"/>'
        '<HyperTextLabels name="said" toName="page"><Label value="A"/></HyperTextLabels></View>'
    )
    value = {"globalOffsets": {"start": 0, "end": 3}, "start": "/p[1]/text()[1]", "hypertextlabels": ["A"]}
    region = {"id": "a", "from_name": "said", "to_name": "page", "type": "hypertextlabels", "value": value}
    tasks = [{"data": {"page": page}, "annotations": [{"result": [region]}]}]
    import_tasks(dataset, tasks, labeling_config=config, data_path=str(tmp_path / "pages"), download_media=True)
    said = dataset.first().said
    assert [span.text for span in said.classifications] == ["Ann"] if is_read else said is None
    assert ("or shows more of it than its body; left alone" in caplog.text) is not is_read


def test_an_empty_text_is_an_empty_file_and_what_is_no_text_costs_only_its_task(
    dataset, import_tasks, tmp_path, caplog
):
    config = CONFIG.replace("<Text ", '<Choices name="tone" toName="text"><Choice value="calm"/></Choices><Text ')
    calm = {"id": "a", "from_name": "tone", "to_name": "text", "type": "choices", "value": {"choices": ["calm"]}}
    tasks = [task(text, calm) for text in ("", 5, "a\ud800b", TEXTS[0])]
    import_tasks(dataset, tasks, labeling_config=config, data_path=str(tmp_path / "texts"), download_media=True)
    assert [Path(path).read_text() for path in dataset.values("filepath")] == ["", TEXTS[0]]
    assert dataset.values("tone.label") == ["calm", "calm"]
    assert "what its data have for 'text' is 5, expected a text; left alone" in caplog.text
    assert "what its data have for 'text' has half a character at 1, which no file holds" in caplog.text


def test_a_dataset_of_files_of_several_kinds_is_refused(dataset, import_tasks, tmp_path):
    for name in ("a.txt", "a.wav"):
        (tmp_path / name).touch()
        dataset.add_sample(fo.Sample(filepath=str(tmp_path / name)))
    with pytest.raises(SettingsError, match="files of several kinds"):
        import_tasks(dataset, [task(TEXTS[0])], labeling_config=BESIDE)


HTML = """
<View>
  <HyperText name="page" value="$page"/>
  <HyperTextLabels name="ner" toName="page"><Label value="Place"/></HyperTextLabels>
</View>
"""


def test_spans_of_html_as_the_editor_writes_them_are_imported(captions, import_tasks):
    page = "<p>See Rome &amp; <b>Oslo</b></p>"
    value = {"start": "/p[1]/b[1]/text()[1]", "startOffset": 0, "end": "/p[1]/b[1]/text()[1]", "endOffset": 4}
    value |= {"globalOffsets": {"start": 11, "end": 15}, "text": "Oslo", "hypertextlabels": ["Place"]}
    result = {"id": "a", "from_name": "ner", "to_name": "page", "type": "hypertextlabels", "value": value}
    captions.set_values("caption", [None, page, None])
    tasks = [task(page, result, config_key="page")]
    import_tasks(captions, tasks, labeling_config=HTML, match={"page": "caption"})
    assert spans(captions, "ner") == [None, [("Place", 11, 15, "Oslo", None)], None]


CONVERSATION = """
<View>
  <Paragraphs name="chat" value="$turns" layout="dialogue"/>
  <ParagraphLabels name="ner" toName="chat"><Label value="Place"/></ParagraphLabels>
</View>
"""


def test_spans_of_conversations_are_imported_and_new_ones_become_files(dataset, import_tasks, tmp_path):
    turns = [{"author": "A", "text": "Hi 😀 Paris"}, {"author": "B", "text": "Rome"}]
    value = {"start": "0", "end": "0", "startOffset": 6, "endOffset": 11, "text": "wrong", "paragraphlabels": ["Place"]}
    result = {"id": "a", "from_name": "ner", "to_name": "chat", "type": "paragraphlabels", "value": value}
    tasks = [task(turns, result, config_key="turns")]
    import_tasks(dataset, tasks, labeling_config=CONVERSATION, download_media=True, data_path=tmp_path / "turns")
    (found,) = dataset.first()["ner"].classifications
    assert (found.label, found.text) == ("Place", "Paris")
    assert json.loads(open(dataset.first().filepath, encoding="utf-8").read()) == turns


def test_several_texts_of_a_task_are_one_sample(captions, import_tasks):
    config = CONFIG.replace("</View>", '<Text name="hint" value="$hint"/></View>')
    tasks = [task(TEXTS[0], span(TEXTS[0], "31", "Date"), hint="Look for dates")]
    import_tasks(captions, tasks, labeling_config=config, match={"text": "caption"})
    assert spans(captions, "label")[0] == [("Date", 7, 9, "31", None)]


def left_alone(caplog):
    return [line for line in caplog.text.splitlines() if "would be of other words; left alone" in line]


def test_spans_of_a_text_that_the_sample_has_otherwise_are_told_until_it_is_the_same(
    make_dataset, import_tasks, caplog
):
    made = make_dataset({}, {}, {})
    names = [path.rsplit("/", 1)[1] for path in made.values("filepath")]
    text = "A cat in Rome"
    made.set_values("words", [text, "Two cats", None])
    made.set_values("other", [text, text, text])
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    result = [
        {"id": "b", "from_name": "animals", "to_name": "img", "type": "rectanglelabels", "value": box, **size},
        {"id": "s", "from_name": "entities", "to_name": "caption", "type": "labels"}
        | {"value": {"start": 2, "end": 5, "text": "cat", "labels": ["cat"]}},
        {"id": "q", "from_name": "quality", "to_name": "caption", "type": "choices", "value": {"choices": ["good"]}},
    ]
    tasks = [
        {"id": number, "data": {"photo": name, "words": text}, "annotations": [{"result": result}]}
        for number, name in enumerate(names, 1)
    ]
    import_tasks(made, tasks, labeling_config=BESIDE)
    cat = [("cat", 2, 5, "cat", None)]
    assert spans(made, "entities") == [cat, None, None]
    assert made.values("quality.label") == ["good", None, None]
    assert [len(boxes) for boxes in made.values("animals.detections")] == [1, 1, 1]
    assert [line.partition(" shows ")[0].strip("- ") for line in left_alone(caplog)] == [
        "task 2: what object tag 'caption'",
        "task 3: what object tag 'caption'",
    ]
    assert f"sample {made.values('id')[1]} has in its field 'words'" in caplog.text

    caplog.clear()
    made.set_values("words", [text, text, None])
    import_tasks(made, tasks, labeling_config=BESIDE)
    assert spans(made, "entities") == [cat, cat, None]
    assert [line.strip("- ").partition(":")[0] for line in left_alone(caplog)] == ["task 3"]

    # A sample without a text was sent with an empty one.
    caplog.clear()
    tasks[2]["data"]["words"], tasks[2]["annotations"][0]["result"] = "", result[2:]
    import_tasks(made, tasks, labeling_config=BESIDE)
    assert made.values("quality.label") == ["good"] * 3 and left_alone(caplog) == []
    tasks[2]["data"]["words"], tasks[2]["annotations"][0]["result"] = text, result

    caplog.clear()
    made.rename_sample_field("words", "own_words")
    import_tasks(made, tasks, labeling_config=BESIDE)
    assert spans(made, "entities") == [cat, cat, cat]
    assert left_alone(caplog) == []


def test_spans_of_a_text_file_that_was_changed_are_told(dataset, import_tasks, tmp_path, caplog):
    import_tasks(dataset, tasks_of_the_docs(), download_media=True, data_path=tmp_path / "texts", **MODELS)
    before = spans(dataset, "label_one"), spans(dataset, "label_two")
    with open(dataset.first().filepath, "a", encoding="utf-8") as file:
        file.write("More.")
    tasks = tasks_of_the_docs()
    for one in tasks:
        one["predictions"][0]["result"].pop()
    caplog.clear()
    import_tasks(dataset, tasks, **MODELS)
    assert len(left_alone(caplog)) == 1 and "has in its file, so" in caplog.text
    assert (spans(dataset, "label_one")[0], spans(dataset, "label_two")) == (before[0][0], before[1])
    assert len(spans(dataset, "label_one")[1]) == len(before[0][1]) - 1


def test_labels_of_another_text_are_not_returned_either(make_dataset, import_tasks):
    made = make_dataset({})
    made.set_values("words", ["Two cats"])
    marked = {"id": "s", "from_name": "entities", "to_name": "caption", "type": "labels"}
    marked["value"] = {"start": 2, "end": 5, "text": "cat", "labels": ["cat"]}
    photo = made.first().filepath.rsplit("/", 1)[1]
    tasks = [{"data": {"photo": photo, "words": "A cat"}, "annotations": [{"result": [marked]}]}]
    options = {"labeling_config": BESIDE, "label_types": ["detections"], "unexpected": "return"}
    assert import_tasks(made, tasks, **options) is None
    made.set_values("words", ["A cat"])
    assert list(import_tasks(made, tasks, **options)) == ["entities"]


def test_a_text_that_the_import_itself_corrects_is_not_compared(make_dataset, import_tasks):
    config = """<View><Image name="img" value="$photo"/><Text name="shown" value="$caption"/>
      <TextArea name="caption" toName="shown" maxSubmissions="1"/>
      <RectangleLabels name="boxes" toName="img"><Label value="cat"/></RectangleLabels></View>"""
    made = make_dataset({})
    photo = made.first().filepath.rsplit("/", 1)[1]
    said = {"id": "c", "from_name": "caption", "to_name": "shown", "type": "textarea", "value": {"text": ["Two cats"]}}
    tasks = [{"id": 1, "data": {"photo": photo, "caption": "Too cats"}, "annotations": [{"result": [said]}]}]
    import_tasks(made, tasks, labeling_config=config)
    assert made.values("caption") == ["Two cats"]
    said["value"] = {"text": ["Three cats"]}
    import_tasks(made, tasks, labeling_config=config)
    assert made.values("caption") == ["Three cats"]
