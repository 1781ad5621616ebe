"""How long texts and recordings may be in the editor: seconds and memory in headless Chromium.

Each text has some hundred spans, of which one is selected and one is made with the mouse; so has each recording.
Seconds begin with the address of the task, and end when all of it is shown, about two of them for the scripts
of the editor. Memory is that of the process of the page.

    python benchmarks/editor_limits.py [--texts 100000 1000000] [--spans 300] [--minutes 60 180] [--forms wav mp3 flac]
"""

from __future__ import annotations

import argparse
import math
import re
import struct
import subprocess
import time
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import requests
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor, EditorError, TaskPage

WORDS = "The river runs past Zürich and the old mill to the sea where Ann sells fish and Bob mends nets "
RATE = 8000
_MB = 2**20

_HIGHLIGHTS = "() => new Set([...document.querySelectorAll('.htx-highlight')].map(it => it.className)).size"

# Waits until what was changed is painted.
_PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"

# Where the first words are that are in sight and in no region.
_PLACE = """() => {
  const text = document.querySelector(".lsf-htx-richtext"), frame = text.getBoundingClientRect();
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const start = node.data.indexOf("old mill");
    if (start < 0 || node.parentElement.closest(".htx-highlight")) continue;
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, start + 8);
    const box = range.getBoundingClientRect();
    if (box.top < 0 || box.height > 40) continue;
    return [box.left + 1, box.right - 1, box.top + box.height / 2];
  }
}"""

_IS_LOADED = "return Boolean(tags.find(tag => tag.type === 'audio')?._ws?.loaded)"


def text_of(length: int) -> str:
    """Lines of about 500 characters."""
    line = (WORDS * 5).rstrip() + "\n"
    return (line * (length // len(line) + 1))[:length]


def write_sound(path: Path, minutes: float) -> None:
    """A recording of one channel, as telephones make: a tone that swells."""
    second = [
        struct.pack("<h", int(9000 * math.sin(place / 3) * math.sin(math.pi * place / RATE))) for place in range(RATE)
    ]
    with wave.open(str(path.with_suffix(".wav")), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(RATE)
        sound.writeframes(b"".join(second) * round(60 * minutes))
    if path.suffix != ".wav":
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path.with_suffix(".wav"), path], check=True)


def spans_in(end: float, count: int, text: str | None = None) -> list[dict[str, Any]]:
    """Spans at even distances."""
    if text is None:
        return [{"start": end * number / count, "end": end * (number + 0.5) / count} for number in range(count)]
    found = list(re.finditer("Zürich|Ann|Bob", text))
    some = (found[len(found) * number // count] for number in range(count))
    return [{"start": one.start(), "end": one.end(), "text": one.group()} for one in some]


class Watch:
    """Tells how long steps of work in the page take."""

    def __init__(self, task: TaskPage):
        self._task = task

    def seconds(self, work: Callable[[], object], is_done: Callable[[], object]) -> float:
        """Of some work, until something is so, and painted."""
        start = time.perf_counter()
        work()
        self._task._until(is_done, "the page to answer")
        self._task.page.evaluate(_PAINTED)
        return time.perf_counter() - start


def memory() -> float:
    """Of the largest page, in MB."""
    sizes = [0]
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_info().rss)
    return max(sizes) / _MB


def try_text(editor: Editor, project_id: int, task_id: int, spans: int) -> list[float]:
    """Seconds until a text is shown, until a span is selected, until one is made; memory in MB."""
    start = time.perf_counter()
    task = editor.open_task(project_id, task_id)
    task._until(lambda: task.page.evaluate(_HIGHLIGHTS) >= spans, "all spans to be shown")
    task.page.evaluate(_PAINTED)
    shown = time.perf_counter() - start
    watch = Watch(task)
    chosen = task.page.locator(".htx-highlight").first
    selected = watch.seconds(lambda: chosen.click(), lambda: task._selected())
    task.unselect()
    task.pick_label("LOC")
    count = len(task.regions())
    left, right, y = task.page.evaluate(_PLACE)

    def mark() -> None:
        task.page.mouse.move(left, y)
        task.page.mouse.down()
        task.page.mouse.move(right, y, steps=3)
        task.page.mouse.up()

    return [shown, selected, watch.seconds(mark, lambda: len(task.regions()) > count), memory()]


def try_sound(editor: Editor, project_id: int, task_id: int, spans: int) -> list[float]:
    """The same of a recording."""
    start = time.perf_counter()
    task = editor.open_task(project_id, task_id)
    task._until(lambda: task._read(_IS_LOADED), "the sound to be there")
    task.page.evaluate(_PAINTED)
    shown = time.perf_counter() - start
    watch = Watch(task)
    row = task.page.locator(".lsf-outliner-item").first
    selected = watch.seconds(lambda: row.click(), lambda: task._selected())
    task.unselect()
    task.pick_label("LOC")
    count = len(task.regions())
    box = task.page.locator(".lsf-main-view canvas").first.bounding_box()
    assert box is not None

    def mark() -> None:
        y = box["y"] + box["height"] / 2
        task.page.mouse.move(box["x"] + box["width"] * 0.9, y)
        task.page.mouse.down()
        task.page.mouse.move(box["x"] + box["width"] * 0.95, y, steps=5)
        task.page.mouse.up()

    return [shown, selected, watch.seconds(mark, lambda: len(task.regions()) > count), memory()]


def report(what: str, editor: Callable[[], Editor], try_it: Callable[[Editor], list[float]]) -> None:
    """Prints what one task takes, in a browser of its own."""
    with editor() as opened:
        # The login leads to another page first.
        opened._context.pages[0].wait_for_load_state("networkidle")
        try:
            shown, selected, made, size = try_it(opened)
        except EditorError as error:
            print(f"{what:32} {error}")
            return
        print(f"{what:32} shown {shown:6.1f} s  selected {selected:5.2f} s  made {made:5.2f} s  {size:6.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--spans", type=int, nargs="*", default=[300])
    parser.add_argument("--minutes", type=float, nargs="*", default=[60])
    parser.add_argument("--forms", nargs="*", default=["wav", "mp3", "flac"])
    parser.add_argument("--decoder", default="ffmpeg", help="that of the editor: ffmpeg, which is ours, or webaudio")
    options = parser.parse_args()
    with fiftyone_of_its_own() as home, LocalServer() as server:
        import fiftyone as fo

        import fo_labelstudio

        fo_labelstudio.register()

        def editor() -> Editor:
            return Editor(server.url, server.username, server.password)

        def sent(path: Path, spans: list[dict[str, Any]]) -> tuple[int, int]:
            labels = [fo.Classification(label="PER", **span) for span in spans]
            dataset = fo.Dataset()
            dataset.add_sample(fo.Sample(str(path), spans=fo.Classifications(classifications=labels)))
            results = dataset.annotate(
                f"run_{dataset.name}".replace("-", "_").replace(".", "_"),
                backend="labelstudio",
                label_schema={"spans": {"type": "spans", "classes": ["PER", "LOC"]}},
                url=server.url,
                api_key=server.legacy_token,
            )
            project = f"{server.url}/api/projects/{results.project_id}/"
            login = {"Authorization": f"Token {server.legacy_token}"}
            labeling_config = requests.get(project, headers=login, timeout=60).json()["label_config"]
            changed = {"label_config": labeling_config.replace('"ffmpeg"', f'"{options.decoder}"')}
            requests.patch(project, headers=login, json=changed, timeout=60).raise_for_status()
            (task_id,) = results.tasks.values()
            return results.project_id, task_id

        for length in options.texts:
            text = text_of(length)
            path = home / f"{length}.txt"
            path.write_text(text, encoding="utf-8")
            for count in options.spans:
                spans = spans_in(length, count, text)
                task = sent(path, spans)
                what = f"{length:,} characters, {len(spans)} spans"
                report(what, editor, lambda it, task=task, spans=spans: try_text(it, *task, len(spans)))
        for minutes in options.minutes:
            for form in options.forms:
                path = home / f"{minutes:g}.{form}"
                write_sound(path, minutes)
                for count in options.spans:
                    # Where there are none, one is made.
                    task = sent(path, spans_in(0.8 * 60 * minutes, count))
                    what = f"{minutes:g} min of {form}, {path.stat().st_size / 1e6:.1f} MB, {count} spans"
                    report(what, editor, lambda it, task=task, count=count: try_sound(it, *task, count))


if __name__ == "__main__":
    main()
