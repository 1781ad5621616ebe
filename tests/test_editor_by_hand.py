"""Acceptance: a project that a person sets up by hand, as docs/without_a_server.md says, in headless Chromium."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlparse

import fiftyone as fo
import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

import fo_labelstudio
from tests.editor import Editor
from tests.support import Annotator, stored
from tests.test_editor import SIZE, box, screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

_PATIENCE_MS = 40_000
"""After which the page is reloaded."""


class ProjectPages:
    """The pages on which a person makes a project and fills it (Label Studio 1.23.2).

    Args:
        editor: the browser
    """

    def __init__(self, editor: Editor):
        self._editor = editor
        for last in (False, False, False, True):
            page = editor.open_page("/projects")
            try:
                page.get_by_label("Create new project").click()
                _press(page, "Save", timeout=_PATIENCE_MS)
                page.wait_for_url("**/data*", timeout=_PATIENCE_MS, wait_until="commit")
                break
            except PlaywrightTimeoutError:
                # On a busy machine, the dialog stays half open now and then (1.23.2); a person reloads the page.
                if last:
                    raise
        self.project_id = int(re.findall(r"/projects/(\d+)/", page.url)[0])

    def paste_labeling_config(self, text: str) -> None:
        """*Settings > Labeling Interface > Code*: pastes the text over what is there, and saves."""
        page = self._open("settings/labeling")
        page.get_by_text("Code", exact=True).click()
        page.locator(".CodeMirror").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)
        with page.expect_response(_is("PATCH", f"/api/projects/{self.project_id}")):
            page.get_by_label("Save configuration").click()

    def add_local_files(self, path: Path) -> None:
        """*Settings > Cloud Storage > Add Source Storage > Local Files*, which is not synchronized."""
        page = self._open("settings/storage")
        _press(page, "Add Source Storage")
        _press(page, "Local Files")
        _press(page, "Next")
        page.fill("input[name=title]", "Images")
        page.fill("input[name=path]", str(path))
        _press(page, "Test Connection")
        _press(page, "Next")
        page.get_by_text("Import Method").wait_for()
        _press(page, "Next")
        with page.expect_response(_is("POST", "/api/storages/localfiles")):
            _press(page, "Save")

    def import_file(self, path: Path) -> None:
        """*Import*: chooses the file, and presses *Import*."""
        page = self._open("data/import")
        page.set_input_files("input[type=file]", str(path))
        try:
            page.get_by_text("1 files uploaded").wait_for(timeout=_PATIENCE_MS)
        except PlaywrightTimeoutError:
            # Where a machine is slow, the page may not listen yet when the file is chosen.
            page.reload()
            page.set_input_files("input[type=file]", str(path))
            page.get_by_text("1 files uploaded").wait_for()
        with page.expect_response(_is("POST", f"/api/projects/{self.project_id}/reimport")):
            page.get_by_label("Finish import").click()

    def _open(self, path: str) -> Page:
        return self._editor.open_page(f"/projects/{self.project_id}/{path}")


def _press(page: Page, text: str, timeout: float | None = None) -> None:
    """Presses the button with exactly this text; the storage page has some twice, of which one is hidden in the end."""
    # While that page loads, the one that is to be hidden is seen, and cannot be pressed.
    page.locator("button:enabled:visible", has_text=re.compile(f"^{text}$")).click(timeout=timeout)


def _is(method: str, path: str):
    return lambda response: response.request.method == method and urlparse(response.url).path.rstrip("/") == path


@pytest.fixture(scope="module")
def editor(sharing):
    with Editor(sharing.url, sharing.username, sharing.password) as editor:
        yield editor


@pytest.fixture
def folder(shared, request):
    """A folder to export to, in the server's document root."""
    return shared / request.node.name


def test_a_person_imports_the_files_and_works_on_them(make_dataset, sharing, editor, folder, tmp_path, screenshot):  # noqa: F811
    labels = [box("cat", 0.1, 0.1, 1 / 3, 0.25), box("dog", 0.5, 0.5, 0.2, 0.3, rotation=0.5)]
    values = {"labels": fo.Detections(detections=labels), "weather": fo.Classification(label="sun", confidence=0.5)}
    others = {"labels": fo.Detections(detections=[box("dog", 0.2, 0.2, 0.1, 0.1)]), "weather": None}
    dataset = make_dataset(values, others, size=SIZE)
    before = stored(dataset)
    schema = {"labels": {"classes": ["cat", "dog"]}, "weather": {"type": "classification", "classes": ["sun", "rain"]}}
    fo_labelstudio.export_tasks(dataset, "run", folder, schema, attributes=False, media="copy")

    pages = ProjectPages(editor)
    config = (folder / "labeling_config.xml").read_text()
    pages.paste_labeling_config(config)
    pages.add_local_files(folder / "images")
    pages.import_file(folder / "tasks.json")

    annotator = Annotator(sharing.url, sharing.legacy_token)
    assert annotator.call("GET", f"/api/projects/{pages.project_id}/")["label_config"] == config
    found = annotator.call("GET", f"/api/tasks?project={pages.project_id}&fields=all&page_size=100")["tasks"]
    tasks = {task["data"]["sample_id"]: task["id"] for task in found}
    assert len(found) == 2 and tasks.keys() == before.keys(), "a storage that is not synchronized makes no tasks"
    first, second = before
    page = editor.open_task(pages.project_id, tasks[first])
    page.screenshot(screenshot)
    assert page.natural_size() == SIZE
    assert {region.id: region.labels for region in page.regions()} == {label.id: [label.label] for label in labels}
    assert page.chosen("weather") == ["sun"]
    assert page.problems() == []
    page.submit()
    page = editor.open_task(pages.project_id, tasks[second])
    (region,) = page.regions()
    moved = page.move(region.id, 20, 10)
    page.submit()

    path = tmp_path / "export.json"
    path.write_text(json.dumps(annotator.call("GET", f"/api/projects/{pages.project_id}/export?exportType=JSON")))
    fo_labelstudio.load_annotations(dataset, "run", json_path=path)
    after = stored(dataset)
    assert after[first] == before[first], "what nobody touched is bit-identical"
    (label,) = dataset[second].labels.detections
    assert label.id == others["labels"].detections[0].id and label.tags == ["mine"]
    assert label.bounding_box == [pytest.approx(moved.x / 100), pytest.approx(moved.y / 100), 0.1, 0.1]
    assert moved.x == pytest.approx(40, abs=0.5) and moved.y == pytest.approx(30, abs=0.5)
