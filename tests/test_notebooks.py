"""The notebooks, as committed and as executed now."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fo_labelstudio.local.server import LocalServer

_FOLDER = Path(__file__).parent.parent / "notebooks"
_PICTURES = {"quickstart": 2, "label_types": 5, "existing_projects": 4, "model_in_the_loop": 1, "video": 4}
_PICTURES |= {"captions": 3}
"""Notebook -> how many pictures it shows."""

_LABEL_FIELDS = (
    *("boxes", "masks", "polygons", "lines", "joints", "points", "surfaces"),
    *("scene", "contents", "caption", "people", "is_portrait", "taken", "tags"),
)
"""The fields of the notebook of every kind of label; each is corrected."""


def _text(notebook: nbformat.NotebookNode) -> str:
    """What the cells of a notebook print, but for warnings."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = [output.text for output in outputs if output.get("name") == "stdout"]
    return "".join(printed + [output.data.get("text/plain", "") for output in outputs if "data" in output])


def _pictures(notebook: nbformat.NotebookNode) -> int:
    return sum("image/jpeg" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


def _rows(text: str) -> list[list[str]]:
    """The rows of the table of changes, without the ids of labels and of uploads, which are new each time."""
    names = re.sub(r"^[0-9a-f]{8}-", "", text, flags=re.MULTILINE)
    lines = [re.split(r"  +", line.strip()) for line in names.splitlines()]
    return [[*row[:2], *row[2:3] * ("label" in row[2]), *row[3:]] for row in lines if row[0].endswith(".png")]


def _projects(server: LocalServer) -> set[int]:
    answer = server.sign_in().get(f"{server.url}/api/projects/", params={"page_size": 10_000}, timeout=60)
    return {project["id"] for project in answer.json()["results"]}


def _differences(text: str) -> list[str]:
    """The rows of the table of differences, which has no ids."""
    return [line.rstrip() for line in text.splitlines() if line.split(" ")[0] in _LABEL_FIELDS]


def _read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(_FOLDER / f"{name}.ipynb", as_version=4)


@pytest.fixture(params=_PICTURES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def execute(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Executes a notebook on the server of the tests; what it prints."""

    def run(name: str) -> str:
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", server.url)
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", server.personal_access_token())
        monkeypatch.setenv("LABEL_STUDIO_USERNAME", server.username)
        monkeypatch.setenv("LABEL_STUDIO_PASSWORD", server.password)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
        projects = _projects(server)
        notebook = _read(name)
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=str(tmp_path))
        assert _pictures(notebook) == _PICTURES[name]
        assert _projects(server) == projects
        return _text(notebook)

    return run


@pytest.mark.server
@pytest.mark.database
def test_the_quickstart_does_now_what_it_did_when_it_was_committed(execute: Callable[[str], str]) -> None:
    text = execute("quickstart")
    rows = _rows(text)
    assert ["camera.png", "predictions", "moved", "face 66×66 at 204,122", "face 76×71 at 179,126"] in rows
    assert ["coins.png", "predictions", "24 labels", "unchanged"] in rows
    assert "5 of 6 photographs have false positives" in text
    recalls = re.findall(r"micro avg +(\S+) +(\S+)", text)
    assert recalls == [("0.76", "0.83"), ("1.00", "0.97")]
    assert rows == _rows(_text(_read("quickstart")))


@pytest.mark.server
@pytest.mark.database
@pytest.mark.browser
def test_every_kind_of_label_comes_back_now_as_it_did_when_it_was_committed(execute: Callable[[str], str]) -> None:
    rows = _differences(execute("label_types"))
    assert {row.split()[0] for row in rows} == {*_LABEL_FIELDS}
    assert rows == _differences(_text(_read("label_types")))


@pytest.mark.server
@pytest.mark.database
@pytest.mark.browser
def test_a_project_of_somebody_else_is_imported_now_as_it_was_when_it_was_committed(
    execute: Callable[[str], str],
) -> None:
    text = execute("existing_projects")
    rows = _rows(text)
    assert ["camera.png", "objects", "moved", "face 76×71 at 220,126", "face 76×71 at 179,126"] in rows
    assert ["astronaut.png", "objects", "deleted", "cup 236×169 at 276,343"] in rows
    assert ["chelsea.png", "objects", "2 labels", "unchanged"] in rows
    assert ["rocket.png", "predictions", "added", "rocket 34×283 at 306,126"] in rows
    assert "those of 2 have not changed since the last import" in text
    assert re.search(r"^coins +24 boxes, quality 2$", text, re.MULTILINE)
    assert sorted(rows) == sorted(_rows(_text(_read("existing_projects"))))


@pytest.mark.server
@pytest.mark.database
def test_a_model_in_the_loop_does_now_what_it_did_when_it_was_committed(execute: Callable[[str], str]) -> None:
    text = execute("model_in_the_loop")
    assert re.findall(r"^next: (\w+)$", text, re.MULTILINE) == ["chelsea", "rocket", "camera", "coffee"]
    assert "Predictions of 'detector 2': 4 added, 0 replaced, 0 as they were; 0 answered tasks left alone" in text
    assert "Predictions of 'detector 2': 0 added, 0 replaced, 4 as they were; 0 answered tasks left alone" in text
    rows = _rows(text)
    assert ["camera.png", "predictions", "moved", "face 57×53 at 179,126", "face 76×71 at 179,126"] in rows
    assert rows == _rows(_text(_read("model_in_the_loop")))


@pytest.mark.server
@pytest.mark.database
@pytest.mark.browser
@pytest.mark.ffmpeg
def test_a_tracker_is_corrected_now_as_it_was_when_it_was_committed(execute: Callable[[str], str]) -> None:
    text = execute("video")
    rows = re.findall(r"^(?:track|moment|place) .*$", text, re.MULTILINE)
    assert rows == [
        *("track 1  ball, frames 1-45", "track 2  ball, frames 1-100", "track 3  ball, frames 57-100"),
        *("moment   hidden, frames 30-40", "place    indoors"),
        *("track 1  ball, frames 1-45 and 57-100", "track 2  cart, frames 1-100"),
        *("moment   hidden, frames 46-56", "place    outdoors"),
        "track 1: the boxes of frames 1-45 are the same, bit for bit",
    ]
    assert rows == re.findall(r"^(?:track|moment|place) .*$", _text(_read("video")), re.MULTILINE)


@pytest.mark.server
@pytest.mark.database
@pytest.mark.browser
def test_captions_are_corrected_and_marked_now_as_they_were_when_it_was_committed(
    execute: Callable[[str], str],
) -> None:
    text = execute("captions")
    rows = re.findall(r"^(?:astronaut|camera|chelsea|coffee|animals:) .*$", text, re.MULTILINE)
    assert rows[4:] == [
        *("astronaut  A pilot 😀 smiles in front of a flag and a model of a shuttle.",),
        *("camera     A man takes a picture with a camera on a tripod.", "chelsea    A cat looks to the left."),
        *("coffee     A cup of coffee and a spoon on a table.", "astronaut   2- 9 person  pilot 😀"),
        *("astronaut  31-35 thing   flag", "astronaut  42-60 thing   model of a shuttle"),
        *("camera      2- 5 person  man", "camera     29-35 thing   camera", "chelsea     2- 5 animal  cat"),
        *("coffee      2- 5 thing   cup", "animals: ['A cat looks to the left.']"),
    ]
    assert rows == re.findall(
        r"^(?:astronaut|camera|chelsea|coffee|animals:) .*$", _text(_read("captions")), re.MULTILINE
    )


def test_a_notebook_is_committed_with_its_pictures(name: str) -> None:
    assert _pictures(_read(name)) == _PICTURES[name]
    assert (_FOLDER / f"{name}.ipynb").stat().st_size < 1_500_000


def test_a_notebook_was_executed_in_order_and_without_errors(name: str) -> None:
    code = [cell for cell in _read(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)


def test_a_notebook_shows_nothing_of_the_machine_that_executed_it(name: str) -> None:
    notebook = _read(name)
    text = _text(notebook)
    for private in (tempfile.gettempdir(), str(Path.home()), "site-packages", "eyJ", "127.0.0.1"):
        assert private not in text
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not any(output.get("name") == "stderr" for output in outputs)


def test_every_notebook_is_tried_here() -> None:
    assert {path.stem for path in _FOLDER.glob("*.ipynb")} == set(_PICTURES)
