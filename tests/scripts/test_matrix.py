"""The matrix of versions: its rows cover both ends of what is supported, and what they run is there."""

from __future__ import annotations

import ast
import re
import stat
from pathlib import Path

import pytest

from scripts.matrix import main, rows
from scripts.matrix.rows import NEWEST, OLDEST, QUICK, ROUND_TRIPS, ROWS, Row
from scripts.set_up.locks import PYPROJECT, ROOT


def test_each_end_of_a_range_is_tried_with_each_end_of_another() -> None:
    ends = [(row.python == "3.10", row.fiftyone == OLDEST, row.label_studio == OLDEST) for row in ROWS]
    pairs = [(True, True), (True, False), (False, True), (False, False)]
    assert {(python, fiftyone) for python, fiftyone, _ in ends} == set(pairs)
    assert {(python, label_studio) for python, _, label_studio in ends} == set(pairs)
    assert {(fiftyone, label_studio) for _, fiftyone, label_studio in ends} == set(pairs)


def test_the_oldest_python_is_the_one_that_the_package_requires() -> None:
    (oldest,) = re.findall(r'^requires-python = ">=(.*)"', PYPROJECT.read_text(encoding="utf-8"), re.MULTILINE)
    assert oldest in {row.python for row in ROWS}


def test_the_newest_python_is_the_last_that_the_classifiers_name() -> None:
    named = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', PYPROJECT.read_text(encoding="utf-8"))
    assert max(int(row.python.partition(".")[2]) for row in ROWS) == max(map(int, named))


def test_a_row_with_everything_old_takes_the_lowest_of_all_that_is_required() -> None:
    assert [row.name for row in ROWS if row.is_lowest] == ["oldest"]
    assert {"fiftyone", "label-studio", "label-studio-sdk", "requests", "pillow"} <= rows.required()
    assert "pytest" not in rows.required()


@pytest.mark.parametrize(
    ("row", "pins"),
    [
        (Row("", "3.10", NEWEST, NEWEST), []),
        (Row("", "3.10", OLDEST, NEWEST), ["fiftyone==1.17.*", "graphql-core<3.3"]),
        (Row("", "3.10", NEWEST, OLDEST), ["label-studio==1.20.*"]),
    ],
)
def test_the_lowest_versions_are_those_of_pyproject(row: Row, pins: list[str]) -> None:
    assert rows.pins(row) == pins


def test_a_package_without_a_lowest_version_is_told() -> None:
    with pytest.raises(ValueError, match="no lowest version of nothing"):
        rows.oldest_of("nothing")


@pytest.mark.parametrize("test", ROUND_TRIPS)
def test_each_round_trip_is_there(test: str) -> None:
    file, _, function = test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not function or function in names


def test_the_quick_tests_are_those_of_make_check() -> None:
    (services,) = re.findall(r"^SERVICES := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    *chosen, ignored = QUICK
    assert chosen == ["-m", f"not ({services})"]
    text = (ROOT / ignored.removeprefix("--ignore=")).read_text(encoding="utf-8")
    assert "\npytestmark = pytest.mark.server\n" in text, "a quick test must not be left out"


def _uv(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that does what a script of the shell says."""
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("sys.executable", str(folder / "python"))


def test_a_row_that_cannot_be_installed_is_told_and_the_others_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _uv(tmp_path, "echo no such version; exit 1", monkeypatch)
    assert main.main(["oldest", "newest", "--environments", str(tmp_path / "rows")]) == 1
    printed = capsys.readouterr().out
    assert "| oldest | 3.10 | not tried" in printed and "| newest | 3.13 | not tried" in printed
    log = tmp_path / "rows" / "oldest" / "logs" / "venv.log"
    assert f"oldest: venv failed; see {log}, which ends with: no such version" in printed
    assert log.read_text() == "no such version\n"


def test_a_row_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["newset"])
    assert ended.value.code == 2
    assert "no such row: newset; there are oldest, newest," in capsys.readouterr().err


def test_without_uv_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert main.main([]) == 1
    assert "pip install uv" in capsys.readouterr().err


def test_what_failed_is_counted_and_named() -> None:
    assert str(main.Outcome(3, [])) == "3 passed"
    assert str(main.Outcome(3, ["a", "b"])) == "3 passed, 2 failed"
    assert str(main.Outcome(3, ["a"], 4)) == "3 passed, 1 failed, 4 skipped"
