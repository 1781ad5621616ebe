"""What builds and tries a release stops where a step fails, and leaves nothing but what it built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.release import main

_BUILDS = """
case "$*" in
  *pyproject-build*) mkdir -p "$DIST"; touch "$DIST/x-1.tar.gz" "$DIST/x-1-py3-none-any.whl";;
  venv*) for last; do :; done; mkdir -p "$last/bin"
    for program in python fo-labelstudio; do
      printf '#!/bin/sh\\n' > "$last/bin/$program"; chmod +x "$last/bin/$program"
    done;;
esac
echo "$@" >> "$DIST.log"
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that does what a script of the shell says; nothing at first."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    monkeypatch.setenv("DIST", str(tmp_path / "dist"))
    uv.write_text("#!/bin/sh\nexit 3\n")
    uv.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(uv.parent / "python"))
    return uv


def test_a_step_that_fails_ends_it(tmp_path: Path, uv: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--dist", str(tmp_path / "dist")]) == 1
    out, err = capfd.readouterr()
    assert out == "== build\n" and err == "It ended with status 3.\n"


def test_wheel_and_sdist_are_checked_and_tried(tmp_path: Path, uv: Path, capfd: pytest.CaptureFixture[str]) -> None:
    uv.write_text(f"#!/bin/sh\n{_BUILDS}")
    dist = tmp_path / "dist"
    assert main.main(["--dist", str(dist)]) == 0
    steps = [line for line in capfd.readouterr().out.splitlines() if line.startswith("==")]
    tried = ["== try the command", "== try the package"]
    assert steps == [
        *("== build", "== check the metadata"),
        *("== make an empty environment", "== install x-1-py3-none-any.whl", *tried),
        *("== make an empty environment", "== install x-1.tar.gz", *tried),
    ]
    called = (tmp_path / "dist.log").read_text()
    assert f"twine check --strict {dist}/x-1-py3-none-any.whl {dist}/x-1.tar.gz" in called


def test_without_uv_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert main.main([]) == 1
    assert "pip install uv" in capsys.readouterr().err
