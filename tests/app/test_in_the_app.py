"""From a selection in FiftyOne's real App to changed labels in its grid, by clicks alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from examples.demo.dataset import make_dataset, photographs_of
from examples.demo.person import Person
from tests.app.app_page import App, AppPage
from tests.editor import TaskPage

pytestmark = [pytest.mark.server, pytest.mark.browser]


@pytest.fixture
def pictures(tmp_path):
    """Where screenshots go; kept if SCREENSHOTS names a folder."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def dataset(tmp_path):
    media = tmp_path / "photographs"
    media.mkdir()
    dataset = make_dataset(media, "photographs")
    dataset.persistent = True
    yield dataset
    dataset.delete()


@pytest.fixture
def page(dataset, assigned, plugins_dir, server, tmp_path, pictures):
    login = (server.url, server.username, server.password)
    with App(tmp_path, plugins_dir) as app, AppPage(app, dataset, pictures, login) as page:
        yield page


def test_samples_go_to_label_studio_and_come_back_by_clicks_alone(page, dataset, assigned):
    names = [Path(path).stem for path in dataset.values("filepath")]
    before = dataset.values("scene.label")
    page.open_panel("Label Studio")
    page.see("no annotation runs yet")
    page.select(0, 1, 2, 3)
    page.picture("selected")

    page.button("Send for annotation").click()
    page.fill("Name of the annotation run", "round_1")
    page.choose("Fields to annotate", "predictions", "scene")
    page.picture("form")
    page.submit("Send")
    page.see("Open the project in Label Studio")
    page.picture("sent")
    page.button("Done").click()
    page.row("round_1", "0 of 4").wait_for()
    page.see("0 answered, 0 skipped, 4 open")
    page.picture("nothing answered")

    person = Person(assigned["url"], assigned["api_key"])
    dataset.reload()
    results = dataset.load_annotation_results("round_1")
    person.answer(results.project_id, photographs_of(dataset), leave_out=names[1:])
    page.row("round_1", "1 of 4").wait_for()
    page.picture("one answered")
    person.answer(results.project_id, photographs_of(dataset), leave_out=names[3:])
    page.see("3 answered, 0 skipped, 1 open, 3 not loaded yet")
    page.row("demo@localhost", "3").wait_for()
    page.picture("three answered")

    page.button("Load 3 answers").click()
    page.see("Options of the load")
    page.picture("load")
    page.submit("Load")
    page.see("Samples with an answer")
    page.button("Done").click()
    page.see("has changed 2 samples")
    dataset.reload()
    after = dataset.values("scene.label")
    assert after != before
    page.until(lambda: page.page.locator("[data-cy=tag-scene]").all_inner_texts() == after, "the new labels")
    for theme in ("dark", "light"):
        page.use_theme(theme)
        for width in (1280, 1920):
            page.resize(width)
            assert page.overflow() <= 0
            page.picture(f"loaded {theme} {width}")

    page.row("camera.png", "predictions").click()
    page.until(lambda: page.selected() == [1], "the sample to be selected")
    page.button("Open selected tasks").click()
    task_id = results.tasks[dataset.values("id")[1]]
    task = page.follow(f"Task {task_id} of run round_1")
    assert task.url == f"{assigned['url']}/projects/{results.project_id}/data?task={task_id}"
    editor = TaskPage(task)
    editor.wait_until_ready()
    assert editor.task_id == task_id
    page.picture("task", task)
    page.button("Close").click()

    page.button("Show them all in the grid").click()
    page.until(lambda: page.tiles.count() == 2, "the changed samples to be shown alone")
    page.picture("changed")
    assert page.errors == []
