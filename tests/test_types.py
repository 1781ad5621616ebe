"""The hints of the public names, as a type checker reads them in somebody else's code."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

# The second run of mypy takes what the first has found out about the package.
pytestmark = pytest.mark.xdist_group("mypy")

USE = """\
from fo_labelstudio import register, send_part
from fo_labelstudio.errors import LabelStudioError, RunError, SampleError, ServerError


def report(made: int, total: int) -> None:
    print(made, total)


def send(dataset: str, part: int) -> int:
    register("labelstudio")
    try:
        return send_part(dataset, "run", part, progress=report, url="http://localhost:8080", timeout=60)
    except SampleError as error:
        return len(error.problems)
    except RunError as error:
        return error.project_id or 0
    except ServerError as error:
        return error.status or 0
    except LabelStudioError:
        return -1
"""

MISUSE = """\
from fo_labelstudio import register, send_part
from fo_labelstudio.errors import RunError, ServerError

register(name=1)
send_part("dataset", "run", "1")
parts: str = send_part("dataset", "run", 1)
project: int = RunError("gone").project_id
status: int = ServerError("refused").status
"""


def complaints(tmp_path, code):
    """The lines of some code that mypy complains about, and the kinds of complaint."""
    (tmp_path / "use.py").write_text(code)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            str(tmp_path.parent / "mypy"),
            "use.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [
        (int(line), kind) for line, kind in re.findall(r"^use\.py:(\d+): error: .*\[(.+)\]$", done.stdout, re.MULTILINE)
    ]


def test_code_that_uses_the_public_names_is_well_typed(tmp_path):
    assert complaints(tmp_path, USE) == []


def test_code_that_misuses_them_is_not(tmp_path):
    assert complaints(tmp_path, MISUSE) == [
        (4, "arg-type"),
        (5, "arg-type"),
        (6, "assignment"),
        (7, "assignment"),
        (8, "assignment"),
    ]
