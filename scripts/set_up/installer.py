"""What installs packages: uv from the PATH, or else brought into the environment with pip, or else pip."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.set_up import locks
from scripts.set_up.environment import Environment
from scripts.set_up.errors import SetUpError
from scripts.set_up.tools import Tools, runs

_BRING_UV = ("--retries", "2", "--timeout", "15")
_UP_TO = 3
"""How many packages are named that are being fetched."""


def uv_on_path() -> str | None:
    """The uv on the PATH, if it runs."""
    uv = shutil.which("uv")
    return uv if uv is not None and runs(uv, "--version") else None


def make_environment(environment: Environment, tools: Tools, uv: str | None) -> None:
    """Makes an environment with nothing in it.

    Args:
        environment: which
        tools: runs uv or Python
        uv: where uv is, if there is one
    """
    folder = str(environment.folder)
    if uv is not None:
        tools.run("environment", [uv, "venv", "--allow-existing", "--python", sys.executable, folder])
    else:
        tools.run("environment", [sys.executable, "-m", "venv", folder])


class Installer:
    """Installs locks into an environment.

    Args:
        environment: the environment
        tools: runs uv or pip
        uv: where uv is; None if it is to be brought in
        name: ``uv`` or ``pip``; which one to use at best
    """

    def __init__(self, environment: Environment, tools: Tools, uv: str | None, name: str):
        self._environment = environment
        self._tools = tools
        self._uv = uv
        self.description = "uv from the PATH" if uv is not None else ""
        if uv is None:
            self._provide_pip()
            if name == "uv":
                self._bring_uv()
            else:
                self.description = "pip, as asked for"

    def install(self, names: Sequence[str], further: Sequence[str], show: Callable[[str], None]) -> None:
        """Installs the packages of some locks.

        Args:
            names: the locks
            further: further arguments of the installer
            show: told how far it is

        Raises:
            SetUpError: it failed
        """
        packages = {locks.name_of(line) for name in names for line in locks.lines_of(name)}
        # A package that is built must not fetch what it is built with, in any version that there is.
        options = ["--no-deps", *(["--no-build-isolation"] if names != ["build"] else []), *further]
        for name in names:
            options += ["-r", str(locks.path_of(name))]
        if self._uv is not None:
            command = [self._uv, "pip", "install", "--python", str(self._environment.python), "--no-progress"]
            on_line: Callable[[str], None] = _UvLines(show)
        else:
            # Byte code is made when a module is first imported, of those few that are.
            command = [*self._pip(), "--no-compile"]
            on_line = _PipLines(show, len(packages), self._environment)
        show(f"{len(packages)} packages")
        self._tools.run("packages", [*command, *options], on_line)

    def _pip(self) -> list[str]:
        return [str(self._environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]

    def _provide_pip(self) -> None:
        python = str(self._environment.python)
        if not runs(python, "-m", "pip", "--version"):
            self._tools.run("environment", [python, "-m", "ensurepip", "--upgrade", "--default-pip"])

    def _bring_uv(self) -> None:
        uv = self._environment.folder / "bin" / "uv"
        try:
            self._tools.run("uv", [*self._pip(), *_BRING_UV, "--no-deps", "-r", str(locks.path_of("uv"))])
        except SetUpError as error:
            if str(error) == "stopped":
                raise
        if runs(uv, "--version"):
            self._uv = str(uv)
            self.description = "uv, brought in with pip"
        else:
            log = self._environment.log_dir / "uv.log"
            self.description = f"pip, which takes longer: it could not bring in uv ({_shown(log)} says why)"


class _UvLines:
    """Reads how far uv is."""

    def __init__(self, show: Callable[[str], None]):
        self._show = show
        self._total = ""
        self._fetching: list[str] = []

    def __call__(self, line: str) -> None:
        if found := re.match(r"Resolved (\d+) packages?", line):
            self._total = found[1]
        elif found := re.match(r"(?:Downloading|Building) (\S+)", line):
            self._fetching.append(found[1].partition("==")[0])
        elif (found := re.match(r"(?:Downloaded|Built) (\S+)", line)) and found[1].partition("==")[0] in self._fetching:
            self._fetching.remove(found[1].partition("==")[0])
        elif not line.startswith(("Prepared", "Uninstalled", "Installed")):
            return
        if line.startswith("Prepared"):
            self._fetching.clear()
        names = ", ".join(self._fetching[:_UP_TO])
        more = f" and {len(self._fetching) - _UP_TO} more" if len(self._fetching) > _UP_TO else ""
        waiting = f", fetching {names}{more}" if names else ""
        self._show(f"{self._total} packages{waiting}" if self._total else "reading the registry")


class _PipLines:
    """Reads how far pip is."""

    def __init__(self, show: Callable[[str], None], total: int, environment: Environment):
        self._show = show
        self._total = total
        self._environment = environment
        self._seen = 0

    def __call__(self, line: str) -> None:
        if found := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
            self._seen += 1
            self._show(f"{self._seen} of {self._total}, fetching {found[1]}")
        elif line.startswith("Installing collected packages"):
            self._show(f"installing {line.count(',') + 1}")


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
