"""Label Studio's empty database: made once for each version, and kept for all servers that follow.

``python -m fo_labelstudio.local.make_tables`` makes it ahead of the first server.
"""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

DATABASE_FILE = "label_studio.sqlite3"

_CACHE = "fo-labelstudio"


def tables_dir() -> Path:
    """The folder that keeps empty databases: in the user's cache, or in the environment where that is no use."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _CACHE
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):
        pass
    folder = Path(sys.prefix) / _CACHE
    folder.mkdir(exist_ok=True)
    return folder


def kept_tables(folder: Path, kind: str = ".sqlite3") -> Path:
    """The file of a folder that keeps the empty database of the installed version, which need not exist.

    Args:
        folder: the folder
        kind: how the file's name ends
    """
    return folder / f"label-studio-{importlib.metadata.version('label-studio')}{kind}"


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Makes a file whole, or not at all, whoever else makes it at the same time.

    Args:
        path: the file
        write: writes it to the path that it is given
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def provide(template_dir: Path, data_dir: Path, make: Callable[[], object]) -> None:
    """Puts an empty database into the data folder of a server.

    Args:
        template_dir: folder that keeps one, or will
        data_dir: the data folder of a server
        make: makes one there
    """
    template = kept_tables(template_dir)
    database = data_dir / DATABASE_FILE
    if template.exists():
        shutil.copyfile(template, database)
        return
    make()
    keep(template, lambda partial: shutil.copyfile(database, partial))


def migrations_done(data_dir: Path) -> list[str]:
    """Names of the migrations that a database has behind it while it is being made."""
    path = data_dir / DATABASE_FILE
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return [name for (name,) in database.execute("SELECT name FROM django_migrations")]
    return []


def show_progress(names: Iterable[str]) -> None:
    """Prints how many migrations are done, for the set-up to read.

    Args:
        names: those that the database has behind it, with those that others have replaced since (Label Studio 1.23.2)
    """
    packages = Path(str(importlib.metadata.distribution("label-studio").locate_file("")))
    # There are a few more, of packages that Label Studio does not use.
    files = [path.stem for path in packages.glob("**/migrations/0*.py")]
    done = len([name for name in names if name in set(files)])
    print(f"{done} of about {len(files)} migrations", flush=True)


def end_tidily() -> None:
    """Has this process tidy up before it ends when the set-up stops it."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
