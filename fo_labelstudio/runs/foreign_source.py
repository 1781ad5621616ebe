"""Where the tasks of somebody else's project come from: a server, or files that Label Studio wrote."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from fo_labelstudio.convert.annotation.review import Review, reviews_of
from fo_labelstudio.convert.labeling_config.read import LabelingConfig, read
from fo_labelstudio.errors import AnswerTooLargeError, RunError, ServerError, SettingsError
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.messages import quoted
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import snapshots
from fo_labelstudio.runs.editions import edition_of
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.project import project_of
from fo_labelstudio.runs.streams import side_by_side
from fo_labelstudio.settings import ConnectionSettings, parse_labeling_config

PAGE_TASKS = 200
"""Tasks a request, at first; their ids stand in its address, which some proxies cut at 4,096 characters."""

LARGE_PAGE_TASKS = 400
"""The same where the server is quick; their address is below the 8,192 characters at which most cut."""

REQUESTS = 2
"""Requests at once, where the server works at several; a server of one process takes longer for two than one by one."""

_SIDE_BY_SIDE = 1.3
"""Where a task of two requests at once takes less than so many times as long as one of a single request, the server
works at both; with one after the other, it takes twice as long."""

_QUICK_SECONDS = 5.0
"""An answer that takes less may be twice as long; many servers give up after 120 s."""

_ADDRESS_TOO_LONG = (400, 414, 431)
"""What servers and proxies answer to an address that is too long for them."""


class ForeignSource(Protocol):
    """Somebody else's tasks."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def place(self) -> str:
        """The address of its server, or the path of its file."""
        ...

    @property
    def labeling_config(self) -> LabelingConfig | None:
        """Its labeling config, where it is known."""
        ...

    @property
    def client(self) -> Client | None:
        """The server that serves its media, or None."""
        ...

    @property
    def project_id(self) -> int | None:
        """The project on that server, or None."""
        ...

    @property
    def made_at(self) -> str | None:
        """When the project was made, or None where that is not known."""
        ...

    def people(self) -> Mapping[int, str]:
        """Id of an annotator -> e-mail, as far as it is known."""
        ...

    def reviews(self) -> Mapping[int, Review]:
        """Id of an annotation -> the newest review of it, where annotations do not list them themselves.

        Raises:
            SettingsError: nobody can review annotations
        """
        ...

    def tasks(self, with_predictions: bool) -> Iterator[Task]:
        """The tasks, with all of their annotations.

        Args:
            with_predictions: whether predictions are needed, and tasks without annotations
        """
        ...


class ServerProject:
    """The tasks of a project on a server.

    Args:
        client: the server
        project_id: the project
        task_ids: the tasks that are wanted; all by default

    Raises:
        RunError: there is no such project
        LabelingConfigError: its labeling config cannot be read, or asks about nothing that is imported
    """

    def __init__(self, client: Client, project_id: int, task_ids: Collection[int] | None = None):
        found = project_of(client, project_id)
        if found is None:
            raise RunError(f"there is no project {project_id} on {client.url}; its address ends with its id")
        self.client: Client | None = client
        self.project_id: int | None = project_id
        self.name = f"project {project_id} ({found.get('title')})"
        self.place = client.url
        self.made_at: str | None = found.get("created_at")
        self.labeling_config: LabelingConfig | None = read(found.get("label_config") or "")
        self.labeling_config.check_media()
        self._remote = client
        self._id = project_id
        self._task_ids = None if task_ids is None else sorted(set(task_ids))
        self._number: int = found.get("task_number") or 0
        self._page_tasks = PAGE_TASKS
        self._may_grow = True
        self._at_once = 1
        self._seconds_alone: float | None = None
        """For a task, where one request was answered at a time."""
        self._is_settled = False
        """Whether it is known how many requests the server works at."""

    def people(self) -> Mapping[int, str]:
        """The users of the server."""
        return self._remote.users()

    def reviews(self) -> Mapping[int, Review]:
        """What reviewers have said of the annotations of the project."""
        if not edition_of(self._remote).has_reviews:
            raise SettingsError(
                f"annotations='accepted' asks for what reviewers have accepted, but {self._remote.url} has no reviews: "
                "they are of Label Studio Enterprise and Starter Cloud; pass 'latest' or 'ground_truth'"
            )
        return reviews_of(self._remote.reviews(self._id))

    def tasks(self, with_predictions: bool) -> Iterator[Task]:
        """The tasks; see :class:`ForeignSource`."""
        found: set[int] = set()
        if edition_of(self._remote).takes_snapshots:
            ids = self._task_ids or [task["id"] for task in self._remote.tasks(self._id)]
            read_all = snapshots.with_predictions if with_predictions else snapshots.annotated
            for task in read_all(self._remote, self._id, ids):
                found.add(task["id"])
                yield task
            self._check_found(found)
            return
        read = self._whole if with_predictions else self._exported

        def timed(ids: list[int]) -> list[Task]:
            begin = time.monotonic()
            page = read(ids)
            self._settle((time.monotonic() - begin) / max(len(page), 1))
            return page

        for page in side_by_side(timed, self._requests(), REQUESTS, lambda: self._at_once):
            found.update(task["id"] for task in page)
            yield from page
        self._check_found(found)

    def _check_found(self, found: Collection[int]) -> None:
        """Refuses tasks that were asked for and are not there; the export leaves out those without answers."""
        missing = set(self._task_ids or ()) - set(found)
        if missing:
            missing -= {task["id"] for task in self._remote.tasks(self._id)}
        if missing:
            numbers = ", ".join(map(str, sorted(missing)[:10])) + (" ..." if len(missing) > 10 else "")
            raise RunError(f"{self.name} has no task {numbers}; pass task_ids that are in it", self._id)

    def _whole(self, ids: list[int]) -> list[Task]:
        wanted = set(ids)
        return [task for task in self._remote.whole_tasks(self._id, ids[0], ids[-1]) if task["id"] in wanted]

    def _requests(self) -> Iterator[list[int]]:
        if self._task_ids is not None:
            ids: Any = self._task_ids
        else:
            # Ids of other projects lie between them; the server passes over those, and a list of ids takes it longer.
            span = self._remote.task_span(self._id)
            ids = () if span is None else self._all_ids(*span)
        start = 0
        while start < len(ids):
            page = list(ids[start : start + self._page_tasks])
            start += len(page)
            yield page

    def _all_ids(self, first: int, last: int) -> Any:
        if last - first < 4 * self._number:
            return range(first, last + 1)
        return [task["id"] for task in self._remote.tasks(self._id)]

    def _exported(self, ids: list[int]) -> list[Task]:
        begin = time.monotonic()
        try:
            tasks = self._remote.export_tasks(self._id, ids)
        except AnswerTooLargeError:
            self._stay_small()
            if len(ids) == 1:
                raise
        except ServerError as error:
            if error.status not in _ADDRESS_TOO_LONG or len(ids) <= PAGE_TASKS:
                raise
            self._stay_small()
        else:
            if time.monotonic() - begin > _QUICK_SECONDS:
                self._stay_small()
            elif self._may_grow:
                self._page_tasks = LARGE_PAGE_TASKS
            return tasks
        middle = len(ids) // 2
        return self._exported(ids[:middle]) + self._exported(ids[middle:])

    def _settle(self, seconds: float) -> None:
        """Tries two requests at once after the first, and stays with them where the server works at both.

        Args:
            seconds: what a task of a request took
        """
        if self._seconds_alone is None:
            self._seconds_alone, self._at_once = seconds, REQUESTS
        elif not self._is_settled:
            self._is_settled = True
            self._at_once = REQUESTS if seconds < _SIDE_BY_SIDE * self._seconds_alone else 1

    def _stay_small(self) -> None:
        self._page_tasks, self._may_grow = PAGE_TASKS, False


class ExportFiles:
    """The tasks in a file that Label Studio wrote, or in a folder of them.

    Args:
        path: the file or folder
        labeling_config: XML, or the path of a file; where it is not known, results tell as much as they do
        client: the server that serves its media, where one is given

    Raises:
        ExportError: nothing at the path can be read
        LabelingConfigError: the labeling config cannot be read, or asks about nothing that is imported
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        labeling_config: str | os.PathLike[str] | None = None,
        client: Client | None = None,
    ):
        self._path = Path(path).expanduser()
        self.name = str(self._path)
        self.place = str(self._path.resolve())
        self.client = client
        self.project_id: int | None = None
        self.made_at: str | None = None
        xml = parse_labeling_config(labeling_config)
        self.labeling_config = None if xml is None else read(xml)
        if self.labeling_config is not None:
            self.labeling_config.check_media()

    def people(self) -> Mapping[int, str]:
        """Nobody: a file names annotators by their ids, or by their e-mail."""
        return {}

    def reviews(self) -> Mapping[int, Review]:
        """None besides those that the annotations of the file list."""
        return {}

    def tasks(self, with_predictions: bool) -> Iterator[Task]:
        """The tasks; see :class:`ForeignSource`."""
        for task in read_tasks(self._path, self.labeling_config):
            if with_predictions or task.get("annotations"):
                yield task


class ConnectionConfig(Protocol):
    """Knows how to reach a server; FiftyOne's config of the backend does."""

    def connection_settings(self) -> ConnectionSettings:
        """How to reach the server.

        Raises:
            SettingsError: the url or the API key is missing
        """
        ...


def open_source(
    config: ConnectionConfig,
    project_name: str | None,
    project_id: int | None,
    task_ids: int | Collection[int] | None,
    json_path: str | os.PathLike[str] | None,
    labeling_config: str | os.PathLike[str] | None,
    needs_server: bool,
) -> ForeignSource:
    """The tasks that :func:`fo_labelstudio.import_annotations` names; see there.

    Args:
        config: how to reach the server
        project_name: the title of the project
        project_id: its id
        task_ids: the tasks that are wanted
        json_path: a file, or a folder of files, in place of a project
        labeling_config: of the file: XML, or a path
        needs_server: whether the media of the file's tasks may be on a server

    Raises:
        SettingsError: what is named is not one thing
        RunError: there is no such project, or more than one
    """
    if json_path is not None:
        if project_name is not None or project_id is not None or task_ids is not None:
            raise SettingsError("pass json_path, or project_name, project_id or task_ids, not both")
        client = None
        if needs_server:
            with suppress(SettingsError):
                # Media that lie elsewhere need none.
                client = Client(config.connection_settings())
        return ExportFiles(json_path, labeling_config, client)
    if labeling_config is not None:
        raise SettingsError("labeling_config belongs to json_path; a project on a server has its own")
    if project_name is None and project_id is None and task_ids is None:
        raise SettingsError("pass project_id, project_name, task_ids or json_path")
    _check_project(project_name, project_id)
    chosen = _task_ids(task_ids)
    client = Client(config.connection_settings())
    client.check()
    if project_name is not None:
        found = client.projects_titled(project_name)
        if project_id is not None and project_id not in found:
            raise SettingsError(f"project {project_id} is not called {project_name!r}; pass one of the two")
        if project_id is None and len(found) != 1:
            several = f"{len(found)} projects are called {project_name!r} ({', '.join(map(str, sorted(found)))})"
            raise RunError(f"{several if found else f'no project is called {project_name!r}'}; pass project_id")
        project_id = found[0] if project_id is None else project_id
    if project_id is None:
        assert chosen
        project_id = _project_of_task(client, chosen[0])
    return ServerProject(client, project_id, chosen)


def _check_project(project_name: Any, project_id: Any) -> None:
    if project_name is not None and not isinstance(project_name, str):
        raise SettingsError(f"project_name is {quoted(project_name)}, expected the title of a project")
    if project_id is not None and type(project_id) is not int:
        raise SettingsError(f"project_id is {quoted(project_id)}, expected a number, such as project_id=42")


def _task_ids(task_ids: Any) -> list[int] | None:
    if task_ids is None:
        return None
    chosen: list[Any] = [task_ids] if isinstance(task_ids, (int, str)) else list(task_ids)
    strange = [task_id for task_id in chosen if type(task_id) is not int]
    if strange or not chosen:
        what = f"holds {quoted(strange[0])}" if strange else "is empty"
        raise SettingsError(f"task_ids {what}; pass the ids of tasks, such as task_ids=[7, 8], or a project")
    return chosen


def _project_of_task(client: Client, task_id: int) -> int:
    try:
        return client.project_of_task(task_id)
    except ServerError as error:
        if error.status != 404:
            raise
        raise RunError(
            f"there is no task {task_id} on {client.url}; the id of a task stands beside it in its project"
        ) from None
