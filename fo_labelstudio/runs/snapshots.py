"""Tasks that the server writes to a file in the background: a snapshot of what a tab of its Data Manager shows.

Tab and snapshot are made for one download and deleted after it; their title begins with ``FiftyOne export``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from itertools import islice, pairwise
from secrets import token_hex
from typing import BinaryIO

from fo_labelstudio.errors import ExportError, NotLabelStudioError, ServerError
from fo_labelstudio.exports.json_items import Broken, items
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.jobs import awaited
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.runs.ports import Page, Task

SNAPSHOT_TASKS = 10_000
"""Tasks of a snapshot, at most; its file is on the disk of this machine while it is read."""

RANGES = 100
"""Filters of a tab, at most; with more, the server takes longer to find the tasks than to write others, too."""

TITLE = "FiftyOne export"


def exported(client: Client, project_id: int, task_ids: Sequence[int], page_tasks: int) -> Iterator[Page]:
    """The annotated ones of some tasks, in pages; see :class:`TaskSource`."""
    for block in _blocks(task_ids):
        tasks = annotated(client, project_id, block)
        seen = 0
        while page := list(islice(tasks, page_tasks)):
            seen += len(page)
            yield Page(len(page), page)
        # The others have no annotation.
        yield Page(len(block) - seen, [])


def whole(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Task]:
    """Some tasks with their annotations and drafts, whether there are any or not; see :class:`TaskKeeper`."""
    for block in _blocks(task_ids):
        yield from _snapshot(client, project_id, block, with_all=True)


def with_predictions(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Task]:
    """Some tasks with their annotations, drafts and predictions."""
    for block in _blocks(task_ids):
        yield from _snapshot(client, project_id, block, with_all=True, with_predictions=True)


def annotated(client: Client, project_id: int, task_ids: Sequence[int]) -> Iterator[Task]:
    """Those of some tasks that have any annotation, with their annotations and drafts."""
    for block in _blocks(task_ids):
        yield from _snapshot(client, project_id, block, with_all=False)


def ranges_of(task_ids: Sequence[int], most: int = RANGES) -> list[tuple[int, int]]:
    """The first and the last id of ranges that cover some tasks, with as few others between them as possible.

    Args:
        task_ids: the tasks, one or more
        most: how many ranges there may be
    """
    ordered = sorted(set(task_ids))
    gaps = [(after - before - 1, place) for place, (before, after) in enumerate(pairwise(ordered), 1)]
    widest = sorted((gap for gap in gaps if gap[0]), reverse=True)[: most - 1]
    starts = [0, *sorted(place for _, place in widest)]
    ends = [*starts[1:], len(ordered)]
    return [(ordered[start], ordered[end - 1]) for start, end in zip(starts, ends, strict=True)]


def _blocks(task_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    ordered = sorted(set(task_ids))
    for start in range(0, len(ordered), SNAPSHOT_TASKS):
        yield ordered[start : start + SNAPSHOT_TASKS]


def _snapshot(
    client: Client, project_id: int, task_ids: Sequence[int], with_all: bool, with_predictions: bool = False
) -> Iterator[Task]:
    """Some tasks out of one snapshot.

    Raises:
        ServerError: it could not be made or downloaded
        NotLabelStudioError: it holds something else than tasks
    """
    wanted = set(task_ids)
    with tempfile.TemporaryFile() as file:

        def download(_: int) -> str:
            return _download(client, project_id, task_ids, with_all, with_predictions, file)

        what = repeated(download, client.retries, "exporting tasks")
        file.seek(0)
        yield from _tasks(TextIOWrapper(file, encoding="utf-8", errors="surrogateescape"), wanted, what)


def _download(
    client: Client, project_id: int, task_ids: Sequence[int], with_all: bool, with_predictions: bool, file: BinaryIO
) -> str:
    """Has a snapshot made, writes it to a file, and deletes it; returns what messages call it."""
    # Tells it from those of other loads, also where the answer that names its id is lost.
    title = f"{TITLE} {token_hex(4)}"
    with ExitStack() as made:

        def make_tab() -> int:
            return client.make_tab(project_id, title, ranges_of(task_ids))

        def make_snapshot() -> int:
            return client.make_snapshot(project_id, title, tab_id, with_all, with_predictions)

        tab_id = _made(make_tab, lambda: client.tabs(project_id), title, client)
        made.callback(_clean_up, lambda: client.delete_tab(tab_id), f"tab {title!r}", project_id)
        snapshot_id = _made(make_snapshot, lambda: client.snapshots(project_id), title, client)
        made.callback(
            _clean_up, lambda: client.delete_snapshot(project_id, snapshot_id), f"snapshot {title!r}", project_id
        )
        what = f"export snapshot {snapshot_id} of project {project_id}"
        awaited(lambda: client.snapshot_job(project_id, snapshot_id), what)
        client.download_snapshot(project_id, snapshot_id, file)
        return what


def _tasks(text: TextIOWrapper, wanted: set[int], what: str) -> Iterator[Task]:
    try:
        for item in items(text):
            if isinstance(item, Broken):
                raise NotLabelStudioError(f"{what} is broken at line {item.line}: {item.reason}")
            task = item.value
            if not isinstance(task, dict) or type(task.get("id")) is not int:
                raise NotLabelStudioError(f"{what} holds something without an id at line {item.line}")
            if task["id"] in wanted:
                yield task
    except ExportError as error:
        raise NotLabelStudioError(f"{what} cannot be read: {error}") from error


def _made(make: Callable[[], int], there: Callable[[], dict[int, str]], title: str, client: Client) -> int:
    """The id of what is made under a title, which is looked for where the answer was lost."""

    def request(attempt: int) -> int:
        found = [number for number, other in there().items() if other == title] if attempt else []
        return found[0] if found else make()

    return repeated(request, client.retries, f"making {title!r}")


def _clean_up(delete: Callable[[], None], what: str, project_id: int) -> None:
    """Deletes what was made for a download; what stays behind is told, for the tasks are there."""
    try:
        delete()
    except ServerError as error:
        if error.status != 404:
            logger.warning("The %s stays in project %d (%s); delete it there", what, project_id, error)
