"""Time series and tables that samples hold, against a real server and in the real editor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import fiftyone as fo
import pytest
from fiftyone import ViewField as F
from PIL import Image

from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor, TaskPage
from tests.support import stored

pytestmark = pytest.mark.server

SIGNAL = {"time": [0, 0.5, 1.0, 1.5, 2], "speed": [0.5, 1, 1.5, 1, 0], "load": [0, 0, 1, 1, 0]}
SCHEMA = {
    "states": {"type": "spans", "series": "signal", "classes": ["run", "rest"]},
    "quality": {"type": "classification", "series": "signal", "classes": ["good", "bad"]},
    "kind": {"type": "classification", "table": "facts", "classes": ["car", "bus"]},
}


SPANS = (
    fo.Classification(label="run", start=0.1234567891, end=1, confidence=0.5),
    fo.Classification(label="rest", start=2, end=2, source="model"),
)

_PLOT = """() => {
  const box = document.querySelector(".lsf-main-view .new_brush .overlay").getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""
"""Where the first channel is drawn on the screen."""


@pytest.fixture
def editor(server: LocalServer) -> Iterator[Editor]:
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


@pytest.fixture
def image(tmp_path):
    path = str(tmp_path / "image.png")
    Image.new("RGB", (64, 48), "navy").save(path)
    return path


@pytest.fixture
def measured(dataset_of, image):
    facts = {"wheels": 4, "is_new": True, "maker": {"name": "A"}}
    whole = fo.Sample(
        filepath=image,
        signal=SIGNAL,
        facts=facts,
        states=fo.Classifications(classifications=[span.copy() for span in SPANS]),
    )
    return dataset_of([whole, fo.Sample(filepath=image, signal=SIGNAL), fo.Sample(filepath=image)])


def annotate(dataset, connection, schema=SCHEMA, **options):
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def test_what_people_see_of_series_and_tables_comes_back_changed_only_where_they_changed_it(
    measured, connection, annotator
):
    results = annotate(measured, connection)
    first, _, third = measured.values("id")
    data = annotator.task(results.tasks[first])["data"]
    assert (data["signal"], annotator.task(results.tasks[third])["data"]["signal"]) == (SIGNAL, {})
    assert data["facts"] == {"wheels": 4, "is_new": "true", "maker": {"name": "A"}}
    before = stored(measured)
    annotator.accept_all(results)
    measured.load_annotations("run")
    assert stored(measured) == before

    def edit(result):
        run = next(region for region in result if region["value"].get("timeserieslabels") == ["run"])
        run["value"]["end"] = 1.5
        value = {"start": 0.5, "end": 0.5, "instant": True, "timeserieslabels": ["rest"]}
        drawn = {**run, "id": "drawn", "value": value}
        choice = {"id": "c", "from_name": "kind", "to_name": "facts%.table", "type": "choices"}
        return [*result, drawn, {**choice, "value": {"choices": ["bus"]}}]

    annotator.submit(results.tasks[first], edit)
    measured.load_annotations("run")
    measured.reload()
    sample = measured.first()
    assert [(span.label, span.start, span.end) for span in sample.states.classifications] == [
        ("run", 0.1234567891, 1.5),
        ("rest", 2, 2),
        ("rest", 0.5, 0.5),
    ]
    assert sample.states.classifications[0].confidence == 0.5
    assert sample.states.classifications[1].source == "model"
    assert (sample.kind.label, sample.quality) == ("bus", None)


def drag(task: TaskPage, shown: tuple[float, float], *times: float) -> None:
    """Presses the mouse at the first time of the first channel, moves it to the others, and lets go.

    Args:
        task: the task in the editor
        shown: the first and the last time that the channel shows
        times: the times
    """
    task.page.locator(".lsf-main-view .new_brush .overlay").first.scroll_into_view_if_needed()
    left, top, width, height = task.page.evaluate(_PLOT)
    first, last = shown
    places = [left + width * (time - first) / (last - first) for time in times]
    task.page.mouse.move(places[0], top + height / 2)
    task.page.mouse.down()
    for place in places[1:]:
        task.page.mouse.move(place, top + height / 2, steps=5)
    task.page.wait_for_timeout(200)  # a shorter press draws nothing (1.23.2)
    task.page.mouse.up()


@pytest.mark.browser
def test_a_person_moves_a_range_draws_one_and_answers_about_a_table(measured, connection, editor, tmp_path):
    schema = {**SCHEMA, "wheels": {"type": "scalar", "table": "facts"}}
    results = annotate(measured, connection, schema, scalar_types={"wheels": "int"})
    first = measured.first().id
    before = stored(measured)
    task = editor.open_task(results.project_id, results.tasks[first])
    task.page.locator(".lsf-main-view .brush .selection").first.wait_for()
    run, _ = task.regions(at_least=2)
    assert [run.value[key] for key in ("start", "end")] == [SPANS[0].start, SPANS[0].end]
    table = task.page.locator(".lsf-main-view table")
    assert table.locator("tr").all_inner_texts()[1:] == ["is_new\ttrue", 'maker\t{"name":"A"}', "wheels\t4"]
    task.pick_label("rest")
    drag(task, (0, 2), 1.5, 1.75, 2)
    task.unselect()
    task.select(run.id)
    drag(task, (0, 2), 1.0, 1.2, 1.5)
    task.unselect()
    task.choose("kind", "bus")
    task.set_value("wheels", 6)
    task.screenshot(tmp_path / "series.png")
    task.submit()
    measured.load_annotations("run")
    measured.reload()
    sample = measured.first()
    # The editor puts both ends of a range on times of the series, whichever one was moved (1.23.2).
    assert [(span.label, span.start, span.end) for span in sample.states.classifications] == [
        ("run", 0, 1.5),
        ("rest", 2, 2),
        ("rest", 1.5, 2),
    ]
    moved, kept, _ = stored(measured)[first]["states"]["classifications"]
    sent, untouched = before[first]["states"]["classifications"]
    assert kept == untouched
    assert moved == {**sent, "start": 0, "end": 1.5}
    assert (sample.kind.label, sample.wheels, sample.quality) == ("bus", 6, None)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ({**SIGNAL, "time": [0, 1, 1, 2, 3]}, "its 'signal' has the time 1 behind 1; sort it by time"),
        ({"time": [0, 1], "speed": [1, 2]}, "its 'signal' has the columns 'time', 'speed', and the first one of the"),
        ({**SIGNAL, "load": [0, 0]}, "its 'signal' has columns of several lengths"),
        ({**SIGNAL, "load": ["a"] * 5}, "its 'signal' holds 'a' as 'load' in row 1, expected a finite number"),
    ],
)
def test_a_series_that_cannot_be_shown_is_refused_before_anything_is_made(
    measured, image, connection, annotator, signal, message
):
    measured.add_sample(fo.Sample(filepath=image, signal=signal))
    projects = annotator.call("GET", "/api/projects/")["count"]
    with pytest.raises(LabelStudioError) as caught:
        annotate(measured, connection)
    assert message in str(caught.value)
    assert annotator.call("GET", "/api/projects/")["count"] == projects


NOON = datetime(2026, 1, 31, 12)
FILE_SCHEMA = {
    "states": {"type": "spans", "classes": ["run", "rest"]},
    "quality": {"type": "classification", "classes": ["good", "bad"]},
}


def seconds(*numbers):
    """Times of the files: so many seconds after noon."""
    return [NOON + timedelta(seconds=number) for number in numbers]


@pytest.fixture
def files(dataset_of, tmp_path):
    """Two CSV files, whose spans are at and between their times."""
    paths = []
    for number in range(2):
        path = tmp_path / f"signal{number}.csv"
        rows = (
            f"{time},{place % 3},{'' if place == 3 else place / 4}" for place, time in enumerate(seconds(*range(9)))
        )
        path.write_text("\n".join(["Timestamp,Speed (m/s),load", *rows]))
        paths.append(str(path))
    start, end = seconds(0.123, 4)
    spans = [
        fo.Classification(label="run", start=start, end=end, confidence=0.5),
        fo.Classification(label="rest", start=NOON, end=NOON, source="model"),
    ]
    return dataset_of(
        [fo.Sample(filepath=paths[0], states=fo.Classifications(classifications=spans)), fo.Sample(filepath=paths[1])]
    )


@pytest.mark.browser
def test_spans_of_csv_files_with_dates_are_datetimes(files, connection, annotator, editor, tmp_path):
    results = annotate(files, connection, FILE_SCHEMA)
    first, second = files.values("id")
    data = annotator.task(results.tasks[first])["data"]["timeseries"]
    noon = 1769860800000
    assert data == {
        "time (utc)": [noon + 1000 * place for place in range(9)],
        "speed (m/s)": [place % 3 for place in range(9)],
        "load": [None if place == 3 else place / 4 for place in range(9)],
    }
    before = stored(files)
    annotator.accept_all(results)
    files.load_annotations("run")
    assert stored(files) == before

    task = editor.open_task(results.project_id, results.tasks[second])
    task.page.locator(".lsf-main-view .new_brush .overlay").first.wait_for()
    task.pick_label("rest")
    drag(task, (0, 8), 2, 3, 5.1)
    task.unselect()
    task.choose("quality", "good")
    task.screenshot(tmp_path / "csv.png")
    task.submit()

    def edit(result):
        (run,) = (region for region in result if "score" in region)
        run["value"]["end"] = noon + 3000
        return [run]

    annotator.submit(results.tasks[first], edit)
    for _ in range(2):
        files.load_annotations("run")
        files.reload()
        drawn = files[second].states.classifications
        assert [(span.label, span.start, span.end) for span in drawn] == [("rest", *seconds(2, 5))]
        assert files.values("quality.label") == [None, "good"]
        (moved,) = stored(files)[first]["states"]["classifications"]
        assert moved == {**before[first]["states"]["classifications"][0], "end": seconds(3)[0]}
    late = files.filter_labels("states", F("start") > seconds(1)[0])
    assert late.values("id") == [second]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"2026-01-31,1,2\n", "it has no header row, for its first one is"),
        (b"Timestamp,load\n2026-01-31,1\n", "has the columns 'time (utc)', 'load', and the first one of the run"),
        (b"Timestamp,Speed (m/s),load\n1,1,1\n", "has the columns 'time', 'Speed (m/s)', 'load', and the first one"),
        (b"Timestamp,load\n2026-01-31\n", "it has 1 cells in line 2, and 2 in its header row"),
        ("Timestamp,größe\n".encode("latin-1"), "its text is not in UTF-8"),
    ],
)
def test_files_that_cannot_be_shown_with_the_others_are_refused(files, connection, tmp_path, text, message):
    path = tmp_path / "other.csv"
    path.write_bytes(text)
    files.add_sample(fo.Sample(filepath=str(path)))
    with pytest.raises(LabelStudioError) as caught:
        annotate(files, connection, FILE_SCHEMA)
    assert message in str(caught.value)
    assert str(path) in str(caught.value) and files.last().id in str(caught.value)


def test_spans_that_are_no_dates_are_refused_on_dates(files, connection):
    files.set_values("states.classifications.start", [[1, 2], None])
    files.set_values("states.classifications.end", [[1, 2], None])
    with pytest.raises(LabelStudioError, match="its start is 1, and the times of its series are dates; make both"):
        annotate(files, connection, FILE_SCHEMA)


def test_json_files_that_are_no_conversations_are_tables(dataset_of, connection, annotator, tmp_path):
    paths = [tmp_path / f"facts{number}.json" for number in range(2)]
    for path, facts in zip(paths, ({"wheels": 4, "is_new": True}, [{"wheels": 2}, {"wheels": 3}]), strict=True):
        path.write_text(json.dumps(facts))
    dataset = dataset_of([fo.Sample(filepath=str(path)) for path in paths])
    schema = {"kind": {"type": "classification", "classes": ["car", "bus"]}, "wheels": {"type": "scalar"}}
    results = annotate(dataset, connection, schema, scalar_types={"wheels": "int"})
    first, second = dataset.values("id")
    shown = [annotator.task(results.tasks[sample_id])["data"]["table"] for sample_id in (first, second)]
    assert shown == [{"wheels": 4, "is_new": "true"}, [{"wheels": 2}, {"wheels": 3}]]
    kind = {"id": "k", "from_name": "kind", "to_name": "table", "type": "choices", "value": {"choices": ["bus"]}}
    wheels = {"id": "w", "from_name": "wheels", "to_name": "table", "type": "number", "value": {"number": 3}}
    annotator.submit(results.tasks[second], lambda result: [kind, wheels])
    dataset.load_annotations("run")
    dataset.reload()
    assert (dataset.values("kind.label"), dataset.values("wheels")) == ([None, "bus"], [None, 3])
    with pytest.raises(
        LabelStudioError,
        match="field 'states': the samples are tables, for the first of their files holds no conversation",
    ):
        dataset.annotate("other", backend="labelstudio", label_schema=FILE_SCHEMA, **connection)
