"""The demo as a user runs it, in a process of its own."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

pytestmark = [pytest.mark.server, pytest.mark.database]

_TIMEOUT = 900


@pytest.fixture
def demo(tmp_path: Path, template_dir: Path) -> Iterator[dict[str, object]]:
    """Arguments for ``subprocess.Popen``; checks in the end that the demo left no process and no temporary file."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    yield {
        "args": [sys.executable, "-m", "examples.demo", "--picture", "seen.png", "--template-dir", template_dir],
        "cwd": tmp_path,
        "env": {**env, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")},
        "text": True,
    }
    assert not _processes_in(tmp_path)
    assert not any((tmp_path / "tmp").iterdir())


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if any(str(folder) in text for text in [process.info["cwd"] or "", *(process.info["cmdline"] or [])]):
            found.append(process)
    return found


def test_without_a_terminal_the_demo_corrects_loads_and_draws(demo: dict[str, object], tmp_path: Path) -> None:
    done = subprocess.run(
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT,
        check=False,
        **demo,
    )
    assert done.returncode == 0, done.stdout
    rows = [re.split(r"  +", line.strip()) for line in done.stdout.splitlines() if line.startswith(tuple("acr"))]
    changed = {(row[0], row[1], row[3], *row[4:]) for row in rows if "label" not in row[2]}
    assert {
        ("astronaut.png", "scene", "relabelled", "outdoors", "indoors"),
        ("astronaut.png", "predictions", "added", "rocket 118×288 at 353,0"),
        ("camera.png", "predictions", "moved", "face 66×66 at 204,122", "face 76×71 at 179,126"),
        ("chelsea.png", "predictions", "relabelled and moved", "face 129×129 at 12,125", "cat 372×300 at 8,0"),
        ("rocket.png", "predictions", "deleted", "face 111×111 at 175,293"),
    } <= changed
    assert ["coins.png", "predictions", "24 labels", "unchanged"] in rows
    assert ["coffee.png", "scene", "1 label", "not answered"] in rows
    assert "Warning" not in done.stdout and "Traceback" not in done.stdout
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.width > 1000


def test_with_a_terminal_the_demo_waits_for_a_person(demo: dict[str, object]) -> None:
    screen, terminal = pty.openpty()
    with subprocess.Popen(stdin=terminal, stdout=terminal, stderr=terminal, **demo) as process:
        os.close(terminal)
        shown = ""
        while "press Enter here" not in shown:
            shown += os.read(screen, 4096).decode()
        assert re.search(r"in Label Studio: http://127\.0\.0\.1:\d+/projects/\d+", shown)
        assert re.search(r"email +\S+@\S+\s+password +\S{8,}", shown)
        os.write(screen, b"\n")
        with pytest.raises(OSError):
            while True:
                shown += os.read(screen, 4096).decode(errors="replace")
        assert process.wait(_TIMEOUT) == 0, shown
    os.close(screen)
    assert "not answered" in shown and "deleted" not in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupted_the_demo_stops_all_that_it_started(
    demo: dict[str, object], tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Where the tests run in the background of a shell, they ignore SIGINT, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **demo,
    ) as process:
        while not any("mongod" in process.name() for process in _processes_in(tmp_path)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        shown, _ = process.communicate(timeout=_TIMEOUT)
    assert process.returncode == 130, shown
    assert "Interrupted" in shown and "Traceback" not in shown
