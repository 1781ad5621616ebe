"""The environment: whether it is what a command needs, and what is in it."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.set_up import locks
from scripts.set_up.screen import Screen
from scripts.set_up.tools import runs

_RECORD = "set-up.json"
_LOCK = "set-up.lock"
_LOGS = "logs"

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What reading the record raises where it is missing, torn, or an older set-up's."""


class Environment:
    """A virtual environment that the set-up makes, and what the last set-up wrote down about it.

    Args:
        folder: where it is, or will be
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.log_dir = folder / _LOGS

    @property
    def site_packages(self) -> Path:
        """The folder of the installed packages; it need not exist."""
        return next(self.folder.glob("lib/python3*/site-packages"), self.folder / "lib")

    @property
    def mongod(self) -> Path:
        """FiftyOne's MongoDB; it need not exist."""
        return self.site_packages / "fiftyone" / "db" / "bin" / "mongod"

    def packages(self) -> list[str]:
        """Names and versions of the installed packages, as their folders are named."""
        return sorted(path.name for path in self.site_packages.glob("*.dist-info"))

    def works(self) -> bool:
        """Whether its Python runs."""
        return runs(self.python, "-c", "pass")

    def fits(self, extra: str, tables: Sequence[str]) -> bool:
        """Whether it holds what the locks say now, by what the set-up wrote down when it was complete.

        Args:
            extra: of the package
            tables: modules that made what is kept outside of it
        """
        try:
            record = self._read()
            return (
                record["place"] == str(self.folder)
                and record["extras"].get(extra) == digest(extra)
                and (record["mongodb"] or "FIFTYONE_DATABASE_URI" in os.environ)
                and set(record["packages"]) <= set(self.packages())
                and all(Path(record["kept"][name]).exists() for name in tables)
                and self.works()
            )
        except _UNREADABLE:
            return False

    def kept(self) -> dict[str, str]:
        """What was made outside of it for the Label Studio that it is to hold: module -> file."""
        try:
            record = self._read()
            return dict(record["kept"]) if record["label-studio"] == _digest_of(["label-studio"]) else {}
        except _UNREADABLE:
            return {}

    def write_down(self, extras: Sequence[str], kept: Mapping[str, str]) -> None:
        """Writes down that it is complete.

        Args:
            extras: those that it holds now
            kept: module -> the file outside of it that the module made
        """
        record = {
            "place": str(self.folder),
            "extras": {extra: digest(extra) for extra in extras},
            "label-studio": _digest_of(["label-studio"]),
            "mongodb": runs(self.mongod, "--version"),
            "packages": self.packages(),
            "kept": dict(kept),
        }
        partial = self.folder / f"{_RECORD}.partial"
        partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
        partial.replace(self.folder / _RECORD)

    def forget(self) -> None:
        """Forgets that it was complete, before something is changed, and what of it is torn."""
        (self.folder / _RECORD).unlink(missing_ok=True)
        for package in self.site_packages.glob("*.dist-info"):
            if not _is_whole(package):
                shutil.rmtree(package)

    def clear(self) -> None:
        """Removes all but the lock and the logs."""
        for path in self.folder.iterdir():
            if path.name in (_LOCK, _LOGS):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _read(self) -> dict[str, Any]:
        return json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def locked(self, screen: Screen) -> Iterator[int]:
        """Has only one set-up at a time work on it; yields the descriptor that holds the lock."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / _LOCK
            with path.open("a") as file:
                _wait(file.fileno(), screen)
                # Somebody may have removed the folder in the meantime.
                if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    yield file.fileno()
                    return


def digest(extra: str) -> str:
    """A digest of all that says what an environment with an extra holds."""
    code = sorted(Path(__file__).parent.glob("*.py"))
    return _digest_of(["build", "label-studio", "mongodb", extra], [locks.PYPROJECT, *code])


def _digest_of(names: Iterable[str], further: Iterable[Path] = ()) -> str:
    files = [*map(locks.path_of, names), *further]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def _wait(descriptor: int, screen: Screen) -> None:
    waits = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not waits:
                screen.say("Another set-up is at work in this clone; waiting for its end.")
                waits = True
            screen.show({"Waiting for the other set-up": ""})
            time.sleep(0.2)


def _is_whole(package: Path) -> bool:
    """Whether all files of an installed package are there, in the size that it was installed with.

    An interrupted installation leaves some; the file INSTALLER is among the last that are written.
    """
    if not (package / "INSTALLER").exists():
        return False
    try:
        with (package / "RECORD").open(encoding="utf-8", newline="") as record:
            rows = [row for row in csv.reader(record) if len(row) == 3 and row[2]]
        return all((package.parent / path).stat().st_size == int(size) for path, _, size in rows)
    except (OSError, ValueError):
        return False
