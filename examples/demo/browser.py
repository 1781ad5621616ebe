"""A picture of a task in the editor, taken by a browser without a window. Needs playwright and Chromium."""

from __future__ import annotations

import importlib.util
import io
import shutil
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT_MS = 180_000
_REST_MS = 500
_EDITOR = ".lsf-editor"

# The annotation is shown before all of its prediction is in it, and before the image or the video is loaded.
_READY = """
() => {
  const annotation = window.Htx?.annotationStore?.selected;
  if (annotation?.type !== "annotation" || !annotation.results.length || window.Htx.isLoading) return false;
  const video = document.querySelector("video");
  if (video) return video.readyState >= 2;
  const image = [...annotation.names.values()].find(tag => tag.type === "image");
  return Boolean(image?.currentImageEntity.imageLoaded && image.stageRef?.width() > 1);
}
"""


def is_there() -> bool:
    """Whether pictures can be taken here."""
    return importlib.util.find_spec("playwright") is not None and _chromium() is not None


def screenshot(
    url: str,
    username: str,
    password: str,
    project_id: int,
    task_id: int,
    row: int | None = None,
    window: tuple[int, int] = (1450, 1720),
    width: int = 1000,
) -> Image.Image:
    """What somebody sees who opens a task.

    Args:
        url: address of the Label Studio server
        username: email address to sign in with
        password: password to sign in with
        project_id: the project
        task_id: the task
        row: which row of the list of regions to click first, from 0 on
        window: size of the browser's window, in pixels
        width: of the picture, in pixels
    """
    # In the thread of a notebook runs a loop of events, in which playwright refuses to start.
    with ThreadPoolExecutor(1) as thread:
        address = f"{url}/projects/{project_id}/data?task={task_id}"
        png = thread.submit(_take, f"{url}/user/login/", username, password, address, row, window).result()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def _take(login: str, username: str, password: str, address: str, row: int | None, window: tuple[int, int]) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            page = browser.new_page(viewport={"width": window[0], "height": window[1]})
            page.set_default_timeout(_TIMEOUT_MS)
            page.goto(login)
            page.fill("input[name=email]", username)
            page.fill("input[name=password]", password)
            with page.expect_navigation():
                page.click("button[type=submit]")
            page.goto(address)
            page.wait_for_function(_READY)
            page.wait_for_timeout(_REST_MS)
            if row is not None:
                page.locator(".lsf-outliner-item").nth(row).click()
                page.wait_for_timeout(_REST_MS)
            return page.locator(_EDITOR).screenshot()
        finally:
            browser.close()


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)
