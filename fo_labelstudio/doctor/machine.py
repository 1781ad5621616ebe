"""This machine: whether its disks have room."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fo_labelstudio.doctor.finding import FAILED, OK, WARNING, Case, Check, Finding

_MIB = 2**20
_LITTLE, _TOO_LITTLE = 1024 * _MIB, 100 * _MIB


def judge_space(what: str, path: str, free: int) -> Finding:
    """Whether a disk has room.

    Args:
        what: what is on it
        path: where that is
        free: bytes that are free
    """
    found = f"{path}: {free / 2**30:.1f} GiB free" if free >= _LITTLE else f"{path}: {free // _MIB} MiB free"
    state = OK if free >= _LITTLE else WARNING if free >= _TOO_LITTLE else FAILED
    return Finding(f"disk: {what}", state, found, "" if state == OK else "make room on that disk")


def _space(case: Case) -> Iterator[Finding]:
    import fiftyone as fo

    places = {"temporary files": tempfile.gettempdir()}
    if fo.config.database_uri is None:
        places["the database"] = fo.config.database_dir
    for what, path in places.items():
        there = next(folder for folder in (Path(path), *Path(path).resolve().parents) if folder.exists())
        yield judge_space(what, path, shutil.disk_usage(there).free)


CHECKS = (Check("disk", _space),)
