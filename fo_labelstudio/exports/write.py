"""write_tasks(): files for Label Studio's import page."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fo_labelstudio.errors import ExportError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import quoted

LABELING_CONFIG = "labeling_config.xml"
"""Name of the file with the labeling config."""

MAX_BYTES = 250 * 2**20
"""Size that the import page refuses in a file, unless the server sets DATA_UPLOAD_MAX_MEMORY_SIZE.

Source: Label Studio 1.23.2, core/settings/base.py (``TASKS_MAX_FILE_SIZE``), data_import/uploader.py
"""

MAX_TASKS = 1_000_000
"""Tasks that the import page takes in a file (``TASKS_MAX_NUMBER`` there)."""

_OURS = re.compile(r"tasks(_\d+)?\.json")

_BEGIN, _BETWEEN, _END = b"[\n", b",\n", b"\n]\n"


def write_tasks(
    tasks: Iterable[bytes | Mapping[str, Any]],
    export_dir: str | os.PathLike[str],
    labeling_config: str | None = None,
    *,
    overwrite: bool = False,
    max_bytes: int = MAX_BYTES,
    max_tasks: int = MAX_TASKS,
) -> list[Path]:
    """Writes tasks for Label Studio's import page: ``tasks.json``, and the labeling config beside it.

    Tasks are written as they come. What does not fit into a file that the import page takes is written to several,
    ``tasks_1.json`` and so on, to be imported one after another. Files get their names only when all of them are whole;
    of an export that fails, none is left.

    Args:
        tasks: each as its JSON, encoded as UTF-8, or as an object
        export_dir: the folder; made if it is not there
        labeling_config: XML, written to ``labeling_config.xml`` unless it is None
        overwrite: whether to replace files of these names that are there; without it, they are an error, as they may be
            what came back from Label Studio
        max_bytes: what a file is to stay below; a single task that is larger has a file of its own, and a warning
        max_tasks: how many tasks a file may have

    Returns:
        the files with tasks, in the order in which they are to be imported

    Raises:
        ExportError: the folder holds files of these names, or cannot be written; or a task is no JSON, as it holds NaN
    """
    folder = Path(export_dir).expanduser()
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not overwrite:
        refuse_overwriting(folder, "choose another folder, or pass overwrite=True")
    present = _present(folder)
    partial: list[Path] = []
    try:
        for part in _parts(_encoded(tasks), max_bytes, max_tasks):
            _write_part(folder, partial, part)
        names_of_tasks = _names(len(partial))
        if labeling_config is not None:
            _write_file(folder, partial, [labeling_config.encode()])
        with _writing(folder):
            return _put_in_place(folder, partial, names_of_tasks, present)
    finally:
        for path in partial:
            path.unlink(missing_ok=True)


def refuse_overwriting(folder: Path, remedy: str = "choose another folder") -> None:
    """Refuses a folder that holds files of the names that are to be written.

    Raises:
        ExportError: it does, or it is no folder
    """
    if present := _present(folder):
        names = ", ".join(path.name for path in present)
        raise ExportError(f"{folder} holds {names} already; {remedy}")


def _present(folder: Path) -> list[Path]:
    """The files of a folder that have names of ours; none where it is not there."""
    with _writing(folder):
        found = folder.iterdir() if folder.exists() else ()
        return sorted(path for path in found if _OURS.fullmatch(path.name) or path.name == LABELING_CONFIG)


def _put_in_place(folder: Path, partial: list[Path], names: list[str], present: list[Path]) -> list[Path]:
    paths = [folder / name for name in names]
    for path in present:
        # What is left of an export of more parts would be imported with this one.
        if path not in paths and path.name != LABELING_CONFIG:
            path.unlink()
    for begun, path in zip(partial, [*paths, folder / LABELING_CONFIG]):
        os.replace(begun, path)
    return paths


def _names(parts: int) -> list[str]:
    return ["tasks.json"] if parts == 1 else [f"tasks_{number}.json" for number in range(1, parts + 1)]


def _write_part(folder: Path, partial: list[Path], part: Iterator[bytes]) -> None:
    def pieces() -> Iterator[bytes]:
        first = next(part, None)
        if first is None:
            yield b"[]\n"
            return
        yield _BEGIN + first
        for task in part:
            yield _BETWEEN + task
        yield _END

    _write_file(folder, partial, pieces())


def _write_file(folder: Path, partial: list[Path], pieces: Iterable[bytes]) -> None:
    """Writes a file under a name of its own, which is added to the partial ones."""
    path = folder / f".tasks-{secrets.token_hex(8)}.partial"
    with _writing(folder):
        file = path.open("xb")
    partial.append(path)
    with file:
        for piece in pieces:
            with _writing(folder):
                file.write(piece)
        with _writing(folder):
            file.flush()
            # Its name is to be given only to what a power cut does not take.
            os.fsync(file.fileno())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"tasks cannot be written to {folder}: {error}") from error


def _parts(tasks: Iterator[bytes], max_bytes: int, max_tasks: int) -> Iterator[Iterator[bytes]]:
    """Tasks in as many parts as the import page needs, each to be read before the next; at least one."""
    held = next(tasks, None)

    def part() -> Iterator[bytes]:
        nonlocal held
        size, count = len(_BEGIN) + len(_END), 0
        while held is not None and (not count or (size + len(held) + len(_BETWEEN) < max_bytes and count < max_tasks)):
            size, count = size + len(held) + len(_BETWEEN), count + 1
            if size >= max_bytes:
                logger.warning(
                    "A task of %d bytes is larger than what the import page takes; it has a file of its own. Set "
                    "DATA_UPLOAD_MAX_MEMORY_SIZE of the server to more than that",
                    len(held),
                )
            yield held
            held = next(tasks, None)

    yield part()
    while held is not None:
        yield part()


def _encoded(tasks: Iterable[bytes | Mapping[str, Any]]) -> Iterator[bytes]:
    for number, task in enumerate(tasks, 1):
        if isinstance(task, bytes):
            yield task
            continue
        try:
            # Escaped, so that what is no character, as half of an emoji, stays what it is.
            yield json.dumps(task, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            shown = quoted(task.get("data") if isinstance(task, Mapping) else task)
            raise ExportError(f"task {number}, with the data {shown}, cannot be written as JSON: {error}") from None
