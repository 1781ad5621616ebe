"""The wheel and the sdist: what is in them, and that the wheel works by itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path

import pytest

import fo_labelstudio

pytestmark = pytest.mark.process

_ROOT = Path(__file__).parents[1]


def _run(command: Sequence[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source."""
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], _ROOT)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with nothing but the wheel, that sees the packages that are installed here.

    It sees the folder of these packages, but not the source of this one, which a ``.pth`` file in that folder leads to:
    such files are read in an environment's own folder alone.
    """
    folder = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    python = folder / "bin" / "python"
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
    install = [uv, "pip", "install", "--offline", "--python", python] if uv is not None else pip
    _run([*install, "--no-deps", wheel], folder)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "installed_here.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_the_wheel_holds_the_modules_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = {path for path in (_ROOT / "fo_labelstudio").rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(_ROOT)) for path in source if "__pycache__" not in path.parts}
    assert {Path(name).suffix for name in names} == {".py", ".typed", ".yml"}


def test_the_wheel_brings_its_license_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        assert {"licenses/LICENSE", "entry_points.txt", "METADATA"} <= set(about)
        metadata = archive.read(about["METADATA"]).decode()
    assert f"Version: {fo_labelstudio.__version__}\n" in metadata
    assert set(re.findall(r"^Provides-Extra: (\S+)", metadata, re.MULTILINE)) == {"local", "demo", "pdf", "test"}


def test_the_metadata_say_what_an_index_shows(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(archive.read(name).decode())
    assert (about["Name"], about["License-Expression"]) == ("fo-labelstudio", "Apache-2.0")
    assert (about["Requires-Python"], about["Description-Content-Type"]) == (">=3.10", "text/markdown")
    assert about["Summary"] and "fo_labelstudio" in about.get_payload()
    classifiers = about.get_all("Classifier")
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (10, 11, 12, 13)} <= set(classifiers)
    assert {"Typing :: Typed", "Development Status :: 5 - Production/Stable"} <= set(classifiers)


def test_the_sdist_holds_what_tests_and_docs_need_and_nothing_that_is_made(tmp_path: Path) -> None:
    _run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], _ROOT)
    (sdist,) = tmp_path.iterdir()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("README.md", "LICENSE", "PKG-INFO", "pyproject.toml", "Makefile", "CHANGELOG.md", "CONTRIBUTING.md"):
        assert name in names
    for folder in ("fo_labelstudio", "tests", "docs", "examples", "notebooks", "scripts", "locks", "benchmarks"):
        tracked = _run(["git", "ls-files", folder], _ROOT).splitlines() if (_ROOT / ".git").exists() else []
        assert set(tracked) <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "dist", "docs/_build"))]


def test_every_module_of_the_wheel_is_imported_from_where_it_was_installed(programs: Path) -> None:
    code = (
        "import importlib, pkgutil, fo_labelstudio as package\n"
        "for module in pkgutil.walk_packages(package.__path__, 'fo_labelstudio.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(package.__file__)"
    )
    place = _run([programs / "python", "-c", code], programs).splitlines()[-1]
    assert Path(place).is_relative_to(programs.parent)


def test_the_command_of_the_wheel_says_what_it_can_do(programs: Path) -> None:
    assert _run([programs / "fo-labelstudio", "--help"], programs).startswith("Usage: fo-labelstudio [OPTIONS] COMMAND")
