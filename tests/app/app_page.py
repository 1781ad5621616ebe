"""FiftyOne's real App in headless Chromium, driven as a person would.

Reading and clicking go by what is on the screen; waiting is always for something to be seen there::

    with App(tmp_path) as app, AppPage(app, dataset) as page:
        page.select(0, 1)
        page.open_panel("Label Studio")
        page.click("Send for annotation")
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fiftyone as fo
import requests
from playwright.sync_api import Locator, Page

from fo_labelstudio.local.process import HOST, LocalProcess, free_port
from tests.editor import CHROMIUM, sign_in

_TIMEOUT_S = 120
"""A machine may be ten times slower than this one."""

# What a field of a form is: the first input behind its label.
_INPUT_OF = "xpath=.//*[normalize-space(text())='{}']/following::input[1]"

_OVERFLOW = """button => {
  let over = 0;
  for (let box = button; box; box = box.parentElement) over = Math.max(over, box.scrollWidth - box.clientWidth);
  return over;
}"""


class App:
    """The server of FiftyOne's App, in a process of its own, which reads the environment as it is when it starts.

    Args:
        folder: where its log goes
        plugins_dir: the plugins folder
    """

    def __init__(self, folder: Path, plugins_dir: Path):
        self.log_path = folder / "app.log"
        self._plugins_dir = plugins_dir
        self._port = free_port()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> App:
        command = [sys.executable, "-m", "fiftyone.server.main", "--address", HOST, "--port", str(self._port)]
        environment = {**os.environ, "FIFTYONE_PLUGINS_DIR": str(self._plugins_dir)}
        self._process = LocalProcess(command, self.log_path, env=environment)
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.stop()

    def wait(self) -> None:
        """Waits until it answers."""
        end = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                requests.get(f"{self.url}/fiftyone", timeout=_TIMEOUT_S).raise_for_status()
                return
            except requests.ConnectionError:
                assert self._process.running and time.monotonic() < end, self._process.log_tail()
                time.sleep(0.1)


class AppPage:
    """A dataset in the App.

    Args:
        app: the server of the App
        dataset: the dataset
        pictures: the folder that screenshots go to
        login: url, e-mail and password of a Label Studio server, to which the browser is signed in
    """

    def __init__(self, app: App, dataset: fo.Dataset, pictures: Path, login: tuple[str, str, str]):
        self._app = app
        self._dataset = dataset
        self._pictures = pictures
        self._login = login
        self._taken = 0
        self.errors: list[str] = []

    def __enter__(self) -> AppPage:
        with ExitStack() as stack:
            browser = stack.enter_context(CHROMIUM.used())
            context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
            stack.callback(context.close)
            context.set_default_timeout(1000 * _TIMEOUT_S)
            self.page: Page = context.new_page()
            sign_in(self.page, *self._login)
            self._app.wait()
            self.page.on("pageerror", lambda error: self.errors.append(str(error)))
            self.page.goto(f"{self._app.url}/datasets/{self._dataset.name}")
            self.page.get_by_text("Dismiss", exact=True).click()
            self.tiles.first.wait_for()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    @property
    def tiles(self) -> Locator:
        """The samples in the grid."""
        return self.page.locator("[data-cy=looker]")

    @property
    def dialog(self) -> Locator:
        """The form of an operator, or what it shows in its place."""
        return self.page.get_by_role("dialog")

    def select(self, *places: int) -> None:
        """Selects samples in the grid, by their places."""
        for place in places:
            self.tiles.nth(place).hover()
            self.tiles.nth(place).locator("[data-cy^=looker-checkbox-]").first.click()
        self.until(lambda: self.selected() == sorted(places), f"samples {places} to be selected")

    def selected(self) -> list[int]:
        """The places of the samples that are selected in the grid."""
        boxes = self.page.locator("[data-cy^=looker-checkbox-input-]")
        checked: list[bool] = boxes.evaluate_all("boxes => boxes.map(box => box.checked)")
        return [place for place, is_checked in enumerate(checked) if is_checked]

    def open_panel(self, label: str) -> None:
        """Opens a panel beside the grid."""
        self.page.get_by_title("New panel").click()
        self.page.get_by_text(label, exact=True).click()

    def button(self, label: str) -> Locator:
        """A button of the page, or of the form if one is open."""
        return self.page.get_by_role("button", name=label, exact=True)

    def row(self, *cells: str) -> Locator:
        """A row of a table, by its first cells."""
        first, *others = cells
        row = self.page.get_by_role("row").filter(has=self.page.get_by_role("cell", name=first, exact=True))
        for cell in others:
            row = row.filter(has=self.page.get_by_role("cell", name=cell, exact=True))
        return row

    def fill(self, label: str, text: str) -> None:
        """Types into a field of a form."""
        self.dialog.locator(_INPUT_OF.format(label)).fill(text)

    def choose(self, label: str, *options: str) -> None:
        """Chooses from the list of a field of a form, which takes several."""
        for option in options:
            self.dialog.locator(_INPUT_OF.format(label)).click()
            self.page.get_by_role("option").filter(has_text=option).first.click()
            self.dialog.get_by_text(option, exact=True).first.wait_for()

    def submit(self, label: str) -> None:
        """Presses the button of a form, once everything in it is in order."""
        button = self.dialog.get_by_role("button", name=label, exact=True)
        self.until(button.is_enabled, f"the form to be in order: {self.dialog.inner_text()!r}")
        button.click()

    def until(self, condition: Any, what: str) -> None:
        """Waits for something that no locator tells."""
        end = time.monotonic() + _TIMEOUT_S
        while not condition():
            assert time.monotonic() < end, f"waited {_TIMEOUT_S} s for {what}; errors of the page: {self.errors}"
            self.page.wait_for_timeout(50)

    def see(self, text: str) -> None:
        """Waits until a text is to be seen."""
        self.page.get_by_text(text).first.wait_for()

    def use_theme(self, theme: str) -> None:
        """Changes between ``dark`` and ``light``."""
        button = self.page.get_by_title(f"{theme.capitalize()} mode", exact=True)
        if button.count():
            button.click()
            self.page.get_by_title(f"{'Light' if theme == 'dark' else 'Dark'} mode", exact=True).wait_for()

    def resize(self, width: int) -> None:
        """Changes the width of the window, in pixels, and waits until nothing moves."""
        self.page.set_viewport_size({"width": width, "height": 900})
        places: list[object] = []

        def is_at_rest() -> bool:
            places.append([self.tiles.last.bounding_box(), self.button("Refresh").bounding_box()])
            return places[-1] in places[-3:-1]

        self.until(is_at_rest, "the page to come to rest")

    def overflow(self) -> int:
        """How many pixels of the panel, whose *Refresh* button is on the screen, are hidden to its right."""
        return int(self.button("Refresh").evaluate(_OVERFLOW))

    def follow(self, link: str) -> Page:
        """Clicks a link, which opens a page of its own."""
        with self.page.expect_popup() as popup:
            self.page.get_by_role("link", name=link, exact=True).click()
        return popup.value

    def picture(self, name: str, page: Page | None = None) -> None:
        """Takes a screenshot, of another page if one is given."""
        page = page or self.page
        self._taken += 1
        # The mouse would have something light up.
        page.mouse.move(0, 0)
        page.screenshot(path=str(self._pictures / f"{self._taken:02} {name}.png"))
