from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fo_labelstudio.local.process import LocalProcess

_SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]

_PARENT = """
import sys
from pathlib import Path
from fo_labelstudio.local.process import LocalProcess
process = LocalProcess(sys.argv[2:], Path(sys.argv[1]))
print("started", flush=True)
sys.stdin.read()
"""


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_stop_ends_the_program_and_its_guard(tmp_path: Path) -> None:
    before = set(_children())
    process = LocalProcess(_SLEEP, tmp_path / "log")
    assert process.running
    process.stop()
    assert not process.running
    assert set(_children()) <= before


def test_a_program_that_ends_gives_its_exit_status_and_what_it_printed(tmp_path: Path) -> None:
    process = LocalProcess([sys.executable, "-c", "print('no such table'); exit(3)"], tmp_path / "log")
    assert process.wait(60) == 3
    assert process.log_tail() == "no such table"
    process.stop()


def test_waiting_for_a_program_that_goes_on_is_a_time_out(tmp_path: Path) -> None:
    process = LocalProcess(_SLEEP, tmp_path / "log")
    with pytest.raises(TimeoutError):
        process.wait(0.01)
    process.stop()


def test_a_program_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "log"), *_SLEEP]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"started\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert family and not alive
