"""The notebooks, as committed and as executed now."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fo_labelstudio.demo.server import LocalServer

_QUICKSTART = Path(__file__).parent.parent / "notebooks" / "quickstart.ipynb"


def _text(notebook: nbformat.NotebookNode) -> str:
    """What the cells of a notebook print, but for warnings."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = [output.text for output in outputs if output.get("name") == "stdout"]
    return "".join(printed + [output.data.get("text/plain", "") for output in outputs if "data" in output])


def _pictures(notebook: nbformat.NotebookNode) -> int:
    return sum("image/jpeg" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


def _rows(text: str) -> list[list[str]]:
    """The rows of the table of changes, without the ids of labels, which are new each time."""
    lines = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    return [[*row[:2], *row[2:3] * ("label" in row[2]), *row[3:]] for row in lines if row[0].endswith(".png")]


def _projects(server: LocalServer) -> set[int]:
    answer = server.sign_in().get(f"{server.url}/api/projects/", params={"page_size": 10_000}, timeout=60)
    return {project["id"] for project in answer.json()["results"]}


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(_QUICKSTART, as_version=4)


@pytest.mark.server
@pytest.mark.database
def test_the_quickstart_does_now_what_it_did_when_it_was_committed(
    committed: nbformat.NotebookNode, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", server.url)
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", server.personal_access_token())
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    projects = _projects(server)
    notebook = nbformat.read(_QUICKSTART, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=str(tmp_path))
    text = _text(notebook)
    rows = _rows(text)
    assert ["camera.png", "predictions", "moved", "face 66×66 at 204,122", "face 76×71 at 179,126"] in rows
    assert ["coins.png", "predictions", "24 labels", "unchanged"] in rows
    assert "5 of 6 photographs have false positives" in text
    recalls = re.findall(r"micro avg +(\S+) +(\S+)", text)
    assert recalls == [("0.76", "0.83"), ("1.00", "0.97")]
    assert rows == _rows(_text(committed))
    assert _pictures(notebook) == 2
    assert _projects(server) == projects


def test_the_quickstart_is_committed_with_its_pictures(committed: nbformat.NotebookNode) -> None:
    assert _pictures(committed) == 2
    assert _QUICKSTART.stat().st_size < 1_000_000


def test_the_quickstart_was_executed_in_order_and_without_errors(committed: nbformat.NotebookNode) -> None:
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)


def test_the_quickstart_shows_nothing_of_the_machine_that_executed_it(committed: nbformat.NotebookNode) -> None:
    text = _text(committed)
    for private in (tempfile.gettempdir(), str(Path.home()), "site-packages", "eyJ", "127.0.0.1"):
        assert private not in text
    outputs = [output for cell in committed.cells for output in cell.get("outputs", [])]
    assert not any(output.get("name") == "stderr" for output in outputs)
