"""read_tasks(): files that Label Studio wrote, or that its import page takes -> tasks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from fo_labelstudio.convert.labeling_config.read import LabelingConfig
from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports import flattened, json_items, table
from fo_labelstudio.exports.folder import merged
from fo_labelstudio.exports.json_items import Broken, Item
from fo_labelstudio.exports.kinds import Kind, layout_of
from fo_labelstudio.exports.left_out import LeftOut, Report
from fo_labelstudio.exports.sources import Source, sources_of
from fo_labelstudio.exports.tasks import NoTaskError, Task, is_annotation, to_task
from fo_labelstudio.log import logger
from fo_labelstudio.messages import MAX_LISTED, listed, quoted

_ADVICE = "export the project as JSON"


def read_tasks(
    path: str | os.PathLike[str], labeling_config: LabelingConfig | None = None, report: Report | None = None
) -> Iterator[Task]:
    """Reads tasks from a file, from all files of a folder, or from those of a zip file.

    What a file is, is told by its content: Label Studio's JSON, JSON-MIN, CSV and TSV; the lists of tasks and tables
    of its import page, also of servers before 1.0 (``completions``) and without ``data``; JSON lines; the files of a
    target storage. Each may be UTF-8 or, with a byte order mark, UTF-16, and packed with gzip. Files are streamed:
    memory holds one task, and of a folder the ids of all. Folders within the folder are not read.

    What JSON-MIN, CSV and TSV lack is said in :mod:`fo_labelstudio.exports.flattened`. Rows of the same task are one
    task where they follow each other, as Label Studio writes them. Of several files in a folder that name a task, the
    newest counts, and of files of a target storage the newest of each annotation.

    Values are those of ``json.loads``: the last of equal keys counts, ``NaN`` and ``Infinity`` are read.

    Args:
        path: the file or folder
        labeling_config: of the project; without it, types of results are told by their values, and texts in a CSV are
            data
        report: told of each broken task, of answers that are no answers, and of files that are none of these, while all
            else is read. Without it, one warning names them when all is read

    Returns:
        the tasks, in the form of ``GET /api/projects/{id}/export?exportType=JSON``

    Raises:
        ExportError: there is nothing at the path, or something else than tasks, or only broken ones. Raised while the
            tasks are read: a file is cut off or damaged. What came before it is to be dropped then

    Source: Label Studio 1.23.2, data_export/, data_import/, io_storages/; label_studio_sdk 2.1.2, converter/
    """
    place = Path(path).expanduser()
    sources = sources_of(place)
    if (layout := layout_of(_names(place, sources))) is not None:
        raise ExportError(f"{place}: it is {layout}, which holds no tasks; {_ADVICE}")
    kinds = [source.kind() for source in sources]
    files = [_File(source, kind) for source, kind in zip(sources, kinds) if kind.reader]
    if not files:
        raise ExportError(_no_tasks(place, sources, kinds))
    return _read(place, files, _others(place, sources, kinds), labeling_config, report)


class _File(NamedTuple):
    source: Source
    kind: Kind


class _Told:
    """Counts what was left out, and passes it on; if nobody listens, one warning says it in the end."""

    def __init__(self, report: Report | None):
        self.tasks = 0
        self.first: list[LeftOut] = []
        self._count = 0
        self._report = report

    def __call__(self, left_out: LeftOut) -> None:
        self._count += 1
        self.tasks += left_out.kind == "task"
        if len(self.first) < MAX_LISTED:
            self.first.append(left_out)
        if self._report is not None:
            self._report(left_out)

    def close(self) -> None:
        if self._count and self._report is None:
            more = f"\n  ... and {self._count - len(self.first)} more" * (self._count > len(self.first))
            logger.warning("%d thing(s) were not read:%s%s", self._count, listed(self.first), more)


def _read(
    path: Path, files: Sequence[_File], others: Iterable[LeftOut], config: LabelingConfig | None, report: Report | None
) -> Iterator[Task]:
    told = _Told(report)
    for left_out in others:
        told(left_out)
    count = 0
    for task in _tasks_of_all(files, config, told):
        count += 1
        yield task
    if told.tasks and not count:
        broken = next(left_out for left_out in told.first if left_out.kind == "task")
        raise ExportError(f"{path}: none of its {told.tasks} values is a task; {broken}. To get tasks, {_ADVICE}")
    told.close()


def _tasks_of_all(files: Sequence[_File], config: LabelingConfig | None, report: Report) -> Iterator[Task]:
    if len(files) == 1:
        return (task for task, _ in _tasks(files[0], config, report))
    return merged([partial(_tasks, file, config) for file in files], report)


def _tasks(file: _File, config: LabelingConfig | None, report: Report) -> Iterator[tuple[Task, bool]]:
    """The tasks of a file, each with whether it is there for one of its annotations."""
    source, kind = file
    read = json_items.items if kind.reader == "json" else table.rows
    with source.text(kind.encoding, "\n" if kind.reader == "json" else "") as text:
        for is_flat, items in groupby(_whole(read(text), source, report), lambda item: flattened.is_flat(item.value)):
            if is_flat:
                tasks = _unflattened(items, source, kind, config, report)
                yield from ((task, False) for task in tasks)
            else:
                yield from _plain(items, source, kind, report)


def _whole(items: Iterator[Item | Broken], source: Source, report: Report) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Item):
            yield item
        else:
            report(LeftOut("task", f"{source.name}, line {item.line}", item.reason))


def _unflattened(
    items: Iterable[Item], source: Source, kind: Kind, config: LabelingConfig | None, report: Report
) -> Iterator[Task]:
    def flats() -> Iterator[flattened.Flat]:
        for item in items:
            if kind.reader == "table":
                yield flattened.of_row(item.value, config)
            else:
                note = partial(_note, report, f"{source.name}, line {item.line}")
                yield flattened.of_record(item.value, config, note)

    def note(task: Task, reason: str) -> None:
        _note(report, f"{source.name}, {flattened.where(task)}", reason)

    return flattened.tasks(flats(), config, note)


def _plain(items: Iterable[Item], source: Source, kind: Kind, report: Report) -> Iterator[tuple[Task, bool]]:
    for item in items:
        where = f"{source.name}, line {item.line}{_id_in(item.value)}"
        value = item.value if kind.reader == "json" else {"data": flattened.data_of(item.value)}
        try:
            of_annotation = is_annotation(value)
            yield to_task(value, partial(_note, report, where)), of_annotation
        except NoTaskError as error:
            report(LeftOut("task", where, f"it {error}"))


def _id_in(value: Any) -> str:
    """The id of a task, as messages show it; an export is one line, which tells nothing."""
    task_id = value.get("id") if isinstance(value, dict) else None
    return f", task {quoted(task_id)}" if isinstance(task_id, (int, str)) else ""


def _names(path: Path, sources: Sequence[Source]) -> list[str]:
    """The paths of what is in a folder or zip file."""
    if path.is_dir():
        return [f"{child.name}/*" if child.is_dir() else child.name for child in path.iterdir()]
    return [source.name.removeprefix(f"{path}/") for source in sources if source.name != str(path)]


def _note(report: Report, where: str, reason: str) -> None:
    report(LeftOut("answers", where, reason))


def _others(path: Path, sources: Sequence[Source], kinds: Sequence[Kind]) -> list[LeftOut]:
    """What in a folder holds no tasks, a line for each kind."""
    names: dict[str, list[str]] = {}
    for source, kind in zip(sources, kinds):
        if kind.reader is None:
            names.setdefault(kind.what, []).append(Path(source.name).name)
    if path.is_dir() and (folders := [child.name for child in path.iterdir() if child.is_dir()]):
        names["a folder"] = sorted(folders)
    return [LeftOut("files", str(path), f"passed over as {what}: {_shown(found)}") for what, found in names.items()]


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _no_tasks(path: Path, sources: Sequence[Source], kinds: Sequence[Kind]) -> str:
    if len(sources) == 1 and sources[0].name == str(path):
        return f"{path}: it is {kinds[0].what}, which holds no tasks; {_ADVICE}"
    found = Counter(kind.what for kind in kinds)
    kinds_found = ", ".join(f"{what} ({count} x)" for what, count in found.most_common()) or "nothing"
    return f"{path}: it holds no tasks, but {kinds_found}; {_ADVICE}"
