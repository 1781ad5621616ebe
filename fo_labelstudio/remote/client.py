"""REST client: one method per endpoint, JSON in, JSON out.

This is the one door to the server. All calls go through requests; label-studio-sdk has no upload of files, asks for all
tasks where some are wanted, and repeats POSTs that may have been served (2.1.2).

Source: Label Studio 1.23.2, REST API
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple, TypeVar
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from fo_labelstudio.convert.amounts import FIRST, next_amount
from fo_labelstudio.errors import (
    AnswerTooLargeError,
    NotLabelStudioError,
    ServerError,
    ServerVersionError,
    WrongUrlError,
)
from fo_labelstudio.remote.body import Stream
from fo_labelstudio.remote.connection import Connection
from fo_labelstudio.remote.multipart import File
from fo_labelstudio.settings import ConnectionSettings

T = TypeVar("T")

_PAGE = 1024
"""Tasks a page; halved where their answer is too large."""

_LONGEST_VERSION = 100

_TITLE = "FiftyOne"
"""Title of the storages that are made."""

MIN_VERSION = Version("1.20.0")
"""The oldest server that is accepted."""

COMMUNITY = "Community"
"""The edition that makes what it is asked for while it is asked, and is the only one where a server names none."""

_BUILT_ON = ("label-studio-os-package", "version")
"""Where other editions say which version of the open source they are built on."""

_WHOAMI = "/api/current-user/whoami"
_OF_TASKS = "id,data,meta,total_predictions,total_annotations"
_OF_CHANGES = "id,updated_at"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""A time as the server writes it (1.23.2)."""

_OF_ROWS = (
    "id,total_annotations,cancelled_annotations,annotations_ids,annotators,avg_lead_time,draft_exists,created_at,"
    "updated_at,updated_by,predictions_model_versions,reviews_accepted,reviews_rejected"
)
"""The last two are of editions that have reviews; others leave out what they do not know."""

_COSTLY_COLUMNS = [
    f"tasks:{column}"
    for column in (
        "annotations_results",
        "predictions_results",
        "predictions_score",
        "completed_at",
        "file_upload",
        "storage_filename",
        "state",
    )
]
"""Columns of the Data Manager that the server computes for each task, unless a query hides them (1.23.2)."""


class Pending(NamedTuple):
    """An import that the server has taken, and makes later.

    Attributes:
        id: its number
    """

    id: int


class Job(NamedTuple):
    """How far something is that the server makes in the background.

    Attributes:
        status: ``created``, ``in_progress``, ``completed`` or ``failed``
        error: why it has failed, as far as the server says
        task_ids: the tasks that an import has made, in order
        upload_ids: the files that it has taken, in order
        number: the predictions and annotations that it has made
    """

    status: str
    error: str = ""
    task_ids: Sequence[int] = ()
    upload_ids: Sequence[int] = ()
    number: int = 0


class Client:
    """REST client of one Label Studio server.

    Args:
        settings: how to reach the server
    """

    def __init__(self, settings: ConnectionSettings):
        self.retries = settings.retries
        """How often a request that failed may be repeated."""
        self.max_tasks = settings.max_tasks
        """How many tasks a request may make."""
        self.max_bytes = settings.max_bytes
        """How many bytes a request may send, unless a single task or file has more."""
        self._connection = Connection(settings)
        self.version = ""
        """The server's version, once check() has seen it; of an edition, the one of the open source below it."""
        self._edition: str | None = None

    @property
    def edition(self) -> str:
        """The server's edition, such as ``Community`` or ``Enterprise``; asked for once."""
        if self._edition is None:
            self.release()
        return self._edition or COMMUNITY

    @property
    def url(self) -> str:
        """Address of the server, without a trailing slash."""
        return self._connection.url

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def check(self) -> str:
        """Makes sure that a Label Studio server answers that is recent enough and takes the key.

        Returns:
            the server's version

        Raises:
            ConnectionFailedError, TLSError, WrongUrlError, NotLabelStudioError, ServerVersionError,
            AuthenticationError
        """
        try:
            release = self.release()
            self._connection.get(_WHOAMI)
        except ServerError as error:
            if error.status == 404:
                raise WrongUrlError(
                    f"{self.url} has no {error.path}; set url to the address of Label Studio's start page, without "
                    "the path of a page, for example http://localhost:8080",
                    404,
                    error.path,
                ) from None
            raise
        self.version = release
        return release

    def release(self) -> str:
        """The server's version, asked for without the key.

        Raises:
            ConnectionFailedError, TLSError, WrongUrlError, NotLabelStudioError, ServerVersionError
        """
        path = "/api/version"
        answer = self._connection.get_unsigned(path)
        found = answer if isinstance(answer, Mapping) else {}
        edition = found.get("edition")
        self._edition = edition if isinstance(edition, str) and edition else COMMUNITY
        release = _release_of(found, self._edition)
        try:
            # Longer numbers than these are none to Python.
            version = Version(release[:_LONGEST_VERSION])
        except InvalidVersion:
            raise NotLabelStudioError(
                f"{self.url} answers, but is not Label Studio; set url to the address of Label Studio", path=path
            ) from None
        if version < MIN_VERSION:
            raise ServerVersionError(
                f"{self.url} runs Label Studio {release}, but at least {MIN_VERSION} is needed; upgrade the server",
                path=path,
            )
        return release

    def me(self) -> str:
        """The e-mail address of the user whose key it is.

        Raises:
            AuthenticationError: the server does not take the key
        """
        return _part(self._connection.get(_WHOAMI), "email", str)

    def time(self) -> datetime | None:
        """The server's time in UTC, to the second, or None where it does not say."""
        return self._connection.time_at("/api/version")

    def project_titles(self, part: str) -> list[str]:
        """The titles of the projects whose title contains a text."""
        params = {"title": part, "include": "id,title", "page_size": 10_000}
        projects = _part(self._connection.get("/api/projects/", params), "results", list)
        return [_part(project, "title", str) for project in projects]

    def projects(self) -> dict[int, str]:
        """The title of each project that the owner of the key may see, by id."""
        params = {"include": "id,title", "page_size": 10_000}
        projects = _part(self._connection.get("/api/projects/", params), "results", list)
        return {_part(project, "id", int): _part(project, "title", str) for project in projects}

    def find_project(self, part: str) -> int | None:
        """The id of the project whose description contains a text, or None."""
        params = {"include": "id,description", "page_size": 10_000}
        for project in _part(self._connection.get("/api/projects/", params), "results", list):
            project_id = _part(project, "id", int)
            description = project.get("description")
            if isinstance(description, str) and part in description:
                return project_id
        return None

    def projects_titled(self, title: str) -> list[int]:
        """The ids of the projects that have exactly a title."""
        params = {"title": title, "include": "id,title", "page_size": 10_000}
        projects = _part(self._connection.get("/api/projects/", params), "results", list)
        return [_part(project, "id", int) for project in projects if _part(project, "title", str) == title]

    def users(self) -> dict[int, str]:
        """The e-mail address of each user, by id."""
        users = _list(self._connection.get("/api/users/"))
        return {_part(user, "id", int): _part(user, "email", str) for user in users}

    def check_labeling_config(self, labeling_config: str) -> None:
        """Has the server check a labeling config.

        Raises:
            ServerError: it is refused
        """
        self._connection.post_again("/api/projects/validate/", {"label_config": labeling_config})

    def create_project(self, **settings: Any) -> int:
        """Makes a project.

        Args:
            **settings: ``title``, ``label_config``, ... as the API names them

        Returns:
            its id
        """
        return _part(self._connection.post("/api/projects/", settings), "id", int)

    def project(self, project_id: int, names: Sequence[str] = ()) -> dict[str, Any]:
        """A project's settings and counts.

        Args:
            project_id: the project
            names: those that are asked for, as the API names them; all by default
        """
        params = {"include": ",".join(("id", *names))} if names else None
        return _object(self._connection.get(f"/api/projects/{project_id}/", params))

    def update_project(self, project_id: int, **settings: Any) -> None:
        """Changes settings of a project."""
        self._connection.patch(f"/api/projects/{project_id}/", settings)

    def delete_project(self, project_id: int) -> None:
        """Deletes a project with its tasks and annotations."""
        self._connection.delete(f"/api/projects/{project_id}/")

    def upload_files(self, project_id: int, files: Sequence[File]) -> list[int] | Pending:
        """Uploads files without making tasks of them; they are read while they are sent.

        Args:
            project_id: the project
            files: at most 100, of less than 250 MiB in all on a stock server

        Returns:
            the id of each upload, in order; or the import that will tell them

        Raises:
            OSError: a file cannot be read
        """
        answer = self._connection.post_files(
            f"/api/projects/{project_id}/import", files, params={"commit_to_project": "false"}
        )
        return _pending(answer) or _ids(answer, "file_upload_ids")

    def uploaded_paths(self, project_id: int, upload_ids: Sequence[int]) -> dict[int, str]:
        """The path of uploaded files on the server, by id of the upload."""
        params = {"ids": str(list(upload_ids))}
        answer = self._connection.get(f"/api/projects/{project_id}/file-uploads", params)
        return {_part(upload, "id", int): _part(upload, "file", str) for upload in _list(answer)}

    def local_storages(self, project_id: int) -> list[str]:
        """The folders of its disk that the server serves to a project."""
        answer = self._connection.get("/api/storages/localfiles/", {"project": project_id})
        return [_part(storage, "path", str) for storage in _list(answer)]

    def make_local_storage(self, project_id: int, path: str) -> None:
        """Has the server serve a folder of its disk to a project."""
        storage = {"project": project_id, "path": path, "use_blob_urls": True, "title": _TITLE}
        self._connection.post("/api/storages/localfiles/", storage)

    def cloud_storages(self, kind: str, project_id: int) -> dict[str, int]:
        """The cloud storages that make_cloud_storage() has made for a project: bucket or container -> id.

        Args:
            kind: ``s3``, ``gcs`` or ``azure``
            project_id: the project
        """
        answer = self._connection.get(f"/api/storages/{kind}/", {"project": project_id})
        storages = [item for item in _list(answer) if isinstance(item, Mapping) and item.get("title") == _TITLE]
        return {_part(storage, _place(kind), str): _part(storage, "id", int) for storage in storages}

    def storages(self, kind: str, project_id: int) -> dict[int, str]:
        """The storages that this package has made for a project: id -> folder, bucket or container.

        Args:
            kind: ``localfiles``, ``s3``, ``gcs`` or ``azure``
            project_id: the project
        """
        answer = self._connection.get(f"/api/storages/{kind}/", {"project": project_id})
        storages = [item for item in _list(answer) if isinstance(item, Mapping) and item.get("title") == _TITLE]
        place = "path" if kind == "localfiles" else _place(kind)
        return {_part(storage, "id", int): _part(storage, place, str) for storage in storages}

    def delete_storage(self, kind: str, storage_id: int) -> None:
        """Has the server hand out the objects of a storage no longer."""
        self._connection.delete(f"/api/storages/{kind}/{storage_id}")

    def make_cloud_storage(
        self, kind: str, project_id: int, place: str, options: Mapping[str, Any], storage_id: int | None = None
    ) -> None:
        """Has the server hand out the objects of a cloud storage to a project, or changes how it does.

        Args:
            kind: ``s3``, ``gcs`` or ``azure``
            project_id: the project
            place: name of the bucket or container
            options: credentials and other options, as the API names them
            storage_id: the storage that is to be changed

        Raises:
            ServerError: the server cannot open the bucket
        """
        # Somebody who synchronizes it would make a second task of each object.
        fixed = {"project": project_id, "title": _TITLE, "use_blob_urls": True, "synchronizable": False}
        storage = {**options, **fixed, _place(kind): place}
        if storage_id is None:
            self._connection.post(f"/api/storages/{kind}/", storage)
        else:
            self._connection.patch(f"/api/storages/{kind}/{storage_id}", storage)

    def signed_url(self, project_id: int, address: str) -> str | None:
        """Where the server sends a browser that asks for an object of a cloud storage, or None if it serves it itself.

        Args:
            project_id: the project
            address: the object's address, as tasks carry it

        Raises:
            ServerError: the server does not hand it out
        """
        params = {"fileuri": base64.urlsafe_b64encode(address.encode()).decode()}
        return self._connection.location_of(f"/projects/{project_id}/resolve/", params)

    def size_of_media(self, url: str) -> int | None:
        """How many bytes the server serves at a url, or None where it does not say.

        Args:
            url: as tasks carry it, from the root of the host
        """
        return self._connection.size_of(url)

    def media(self, path_on_host: str) -> AbstractContextManager[Stream | str]:
        """A media file that the server hands out, piece by piece, or the address that it redirects to.

        Args:
            path_on_host: as tasks carry it, from the root of the host

        Raises:
            ServerError: the server does not hand it out; nothing is repeated
        """
        return self._connection.media(path_on_host)

    def stored_media(self, project_id: int, address: str) -> AbstractContextManager[Stream | str]:
        """The same of an object of a cloud storage that the server opens for a project.

        Args:
            project_id: the project
            address: the object's address, as ``s3://bucket/key``
        """
        encoded = base64.urlsafe_b64encode(address.encode()).decode()
        return self._connection.media(f"{urlsplit(self.url).path}/projects/{project_id}/resolve/?fileuri={encoded}")

    def uploads(self, project_id: int) -> list[str]:
        """The paths of all uploaded files of a project."""
        answer = self._connection.get(f"/api/projects/{project_id}/file-uploads", {"all": "true"})
        return [_part(upload, "file", str) for upload in _list(answer)]

    def upload_ids(self, project_id: int) -> dict[str, int]:
        """The ids of all uploaded files of a project, of the owner of the key, by their paths."""
        answer = self._connection.get(f"/api/projects/{project_id}/file-uploads", {"all": "true"})
        return {_part(upload, "file", str): _part(upload, "id", int) for upload in _list(answer)}

    def delete_uploads(self, project_id: int, upload_ids: Sequence[int]) -> None:
        """Has the server hand out uploaded files no longer; their files stay on its disk (1.23.2).

        Args:
            project_id: the project
            upload_ids: which ones; without any, nothing is asked, for the server would take that for all of them
        """
        if upload_ids:
            uploads = {"file_upload_ids": list(upload_ids)}
            self._connection.delete(f"/api/projects/{project_id}/file-uploads", uploads)

    def tasks(self, project_id: int, after: int = 0) -> Iterator[dict[str, Any]]:
        """The tasks of a project: ``id``, ``data``, ``meta``, ``total_predictions`` and ``total_annotations`` of each.

        Args:
            project_id: the project
            after: the task id after which they begin
        """
        params = {"project": project_id, "include": _OF_TASKS}
        if after:
            newer = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": after}
            params["query"] = json.dumps({"filters": {"conjunction": "and", "items": [newer]}})
        yield from map(_with_data, self._pages_of_tasks(params, holds_data=True))

    def _pages_of_tasks(self, params: Mapping[str, Any], holds_data: bool = False) -> Iterator[dict[str, Any]]:
        """The tasks that a query yields, each once.

        Args:
            params: the query
            holds_data: whether tasks are asked for with their data, which may be long texts
        """
        size, most, position, total = FIRST if holds_data else _PAGE, _PAGE, 0, 1
        seen: set[int] = set()
        while position < total:
            page = position // size + 1
            try:
                answer = self._connection.get("/api/tasks", {**params, "page": page, "page_size": size})
            except AnswerTooLargeError:
                if size == 1:
                    raise
                size //= 2
                continue
            found = list(map(_task, _part(answer, "tasks", list)))
            total = _part(answer, "total", int)
            yield from {task["id"]: task for task in found if task["id"] not in seen}.values()
            seen.update(task["id"] for task in found)
            end = (page - 1) * size + len(found)
            if end <= position:
                return
            if len(found) < size and end < total:
                # The server gives fewer at once than it is asked for.
                most = len(found)
            if holds_data:
                fitting = next_amount((task["data"] for task in found if isinstance(task.get("data"), dict)), _PAGE)
                # Growing later, a page could end before what was seen.
                size = fitting if position == 0 and size == FIRST else min(size, fitting)
            size, position = min(size, most), end

    def project_of_task(self, task_id: int) -> int:
        """The id of the project that a task is in."""
        params = {"fields": "task_only", "resolve_uri": "false"}
        return _part(self._connection.get(f"/api/tasks/{task_id}/", params), "project", int)

    def task_span(self, project_id: int) -> tuple[int, int] | None:
        """The ids of the first and the last task of a project, or None where it has none."""
        ends = []
        for order in ("tasks:id", "-tasks:id"):
            query = json.dumps({"ordering": [order]})
            params = {"project": project_id, "include": "id", "page": 1, "page_size": 1, "query": query}
            found = _part(self._connection.get("/api/tasks", params), "tasks", list)
            ends += [_part(task, "id", int) for task in found[:1]]
        return (ends[0], ends[1]) if len(ends) == 2 else None

    def count_tasks(self, project_id: int, after: int) -> int:
        """How many tasks of a project have an id above one."""
        newer = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": after}
        query = json.dumps({"filters": {"conjunction": "and", "items": [newer]}})
        params = {"project": project_id, "include": "id", "page": 1, "page_size": 1, "query": query}
        return _part(self._connection.get("/api/tasks", params), "total", int)

    def count_tasks_within(self, project_id: int, first: int, last: int) -> int:
        """How many tasks of a project have ids that lie in a range."""
        query = json.dumps({"filters": {"conjunction": "and", "items": [_within(first, last)]}})
        params = {"project": project_id, "include": "id", "page": 1, "page_size": 1, "query": query}
        return _part(self._connection.get("/api/tasks", params), "total", int)

    def task_ids_within(self, project_id: int, first: int, last: int) -> Iterator[int]:
        """The ids of the tasks of a project that lie in a range."""
        query = json.dumps({"filters": {"conjunction": "and", "items": [_within(first, last)]}})
        params = {"project": project_id, "include": "id", "query": query}
        return (task["id"] for task in self._pages_of_tasks(params))

    def task_rows(self, project_id: int, first: int, last: int, is_touched: bool) -> Iterator[dict[str, Any]]:
        """What the Data Manager shows of the tasks of a project whose ids lie in a range: counts, annotators, times.

        Args:
            project_id: the project
            first: the lowest id
            last: the highest id
            is_touched: whether only tasks are wanted that somebody has answered, skipped or begun
        """
        within = _within(first, last)
        items = [{**column, "child_filter": within} for column in _TOUCHED] if is_touched else [within]
        # Without hidden columns the server computes none; with them, all others.
        hidden = {"explore": _COSTLY_COLUMNS, "labeling": _COSTLY_COLUMNS}
        query = json.dumps({"filters": {"conjunction": "or", "items": items}, "hiddenColumns": hidden})
        return self._pages_of_tasks({"project": project_id, "include": _OF_ROWS, "query": query})

    def newest_change(self, project_id: int) -> str | None:
        """When a task of a project was changed last, as the server writes it; empty where there is none.

        Returns:
            None where the server does not say so
        """
        params = {"project": project_id, "include": _OF_CHANGES, "page": 1, "page_size": 1}
        params["query"] = json.dumps({"ordering": ["-tasks:updated_at"]})
        found = _part(self._connection.get("/api/tasks", params), "tasks", list)
        if not found:
            return ""
        time = _task(found[0]).get("updated_at")
        return time if isinstance(time, str) and _TIME.fullmatch(time) else None

    def changed_tasks(self, project_id: int, since: str, is_answered: bool) -> Iterator[dict[str, Any]]:
        """The tasks of a project that were changed at a time or later: ``id`` and ``updated_at`` of each.

        Args:
            project_id: the project
            since: the time, in UTC, as the server writes it
            is_answered: whether those are asked for that somebody has answered or skipped, or the others
        """
        for filters in _ANSWERED if is_answered else [_NOT_ANSWERED]:
            query = json.dumps({"filters": _changed(since, filters), "ordering": ["tasks:id"]})
            params = {"project": project_id, "include": _OF_CHANGES, "query": query}
            for task in self._pages_of_tasks(params):
                _part(task, "updated_at", str)
                yield task

    def miscounted_tasks(self, project_id: int, since: str) -> Iterator[dict[str, Any]]:
        """The tasks of a project that were changed at a time or later, and have annotations that are not counted.

        While somebody deletes another project, a server leaves annotations uncounted (1.23.2).

        Args:
            project_id: the project
            since: the time, in UTC, as the server writes it

        Returns:
            ``id`` and ``updated_at`` of each, once for each annotation
        """
        query = json.dumps({"filters": _changed(since, [*_NOT_ANSWERED, _ANNOTATED]), "ordering": ["tasks:id"]})
        for task in self._pages_of_tasks({"project": project_id, "include": _OF_CHANGES, "query": query}):
            _part(task, "updated_at", str)
            yield task

    def count_changed(self, project_id: int, since: str, is_answered: bool) -> int:
        """How many tasks of a project were changed at a time or later.

        Args:
            project_id: the project
            since: the time, in UTC, as the server writes it
            is_answered: whether those are counted that somebody has answered, or those that are neither answered nor
                skipped
        """
        query = json.dumps({"filters": _changed(since, _ANSWERED[0] if is_answered else _NOT_ANSWERED)})
        params = {"project": project_id, "include": "id", "page": 1, "page_size": 1, "query": query}
        return _part(self._connection.get("/api/tasks", params), "total", int)

    def whole_tasks(self, project_id: int, first: int, last: int) -> Iterator[dict[str, Any]]:
        """The tasks of a project whose ids lie in a range, with their annotations, predictions and drafts.

        They take the server longer than their export, which lacks predictions and tasks without annotations.

        Args:
            project_id: the project
            first: the lowest id
            last: the highest id
        """
        query = json.dumps({"filters": {"conjunction": "and", "items": [_within(first, last)]}})
        # What lies in a cloud storage keeps its own address.
        params = {"project": project_id, "fields": "all", "resolve_uri": "false", "query": query}
        return self._pages_of_tasks(params, holds_data=True)

    def delete_tasks(self, project_id: int, task_ids: Sequence[int]) -> None:
        """Deletes tasks."""
        params = {"id": "delete_tasks", "project": project_id}
        selected = {"selectedItems": {"all": False, "included": list(task_ids)}}
        self._connection.post_again("/api/dm/actions", selected, params)

    def delete_task(self, task_id: int) -> None:
        """Deletes one task, and nothing of its project with it, even where it is the last one."""
        self._connection.delete(f"/api/tasks/{task_id}/")

    def webhooks(self, project_id: int) -> dict[int, str]:
        """The webhooks of a project: id -> the address that is called."""
        hooks = _list(self._connection.get("/api/webhooks/", {"project": project_id}))
        return {_part(hook, "id", int): _part(hook, "url", str) for hook in hooks}

    def make_webhook(self, project_id: int, url: str, headers: Mapping[str, str], actions: Sequence[str]) -> int:
        """Has the server call an address whenever something is done in a project; only what was done is sent.

        Args:
            project_id: the project
            url: the address
            headers: what is sent with each call; the server shows it to whoever may see the project's settings
            actions: what is called about, as the API names it

        Returns:
            the id of the webhook
        """
        asked = {"project": project_id, "url": url, "headers": dict(headers), "actions": list(actions)}
        asked |= {"send_payload": False, "send_for_all_actions": False, "is_active": True}
        return _part(self._connection.post("/api/webhooks/", asked), "id", int)

    def delete_webhook(self, webhook_id: int) -> None:
        """Deletes a webhook, if it is there."""
        self._connection.delete(f"/api/webhooks/{webhook_id}/")

    def import_tasks(
        self, project_id: int, tasks: Sequence[bytes], is_kept: bool = True
    ) -> tuple[list[int], int] | Pending:
        """Makes tasks, with their predictions and annotations.

        Args:
            project_id: the project
            tasks: the JSON of each
            is_kept: whether the project gets them; otherwise they are only looked at

        Returns:
            the id of each task, in order, and the number of predictions and annotations that were made; or the import
            that will make them
        """
        path = f"/api/projects/{project_id}/import"
        params = {"return_task_ids": "true"} if is_kept else {"commit_to_project": "false"}
        answer = self._connection.post_encoded(path, b"[" + b",".join(tasks) + b"]", params)
        pending = _pending(answer)
        if pending is not None:
            return pending
        number = _part(answer, "prediction_count", int) if is_kept else 0
        if is_kept and "annotation_count" in answer:
            # Where it is missing, annotations that were sent count as not made.
            number += _part(answer, "annotation_count", int)
        return _ids(answer, "task_ids") if is_kept else [], number

    def import_job(self, project_id: int, import_id: int) -> Job:
        """How far an import is that the server makes later.

        Source: label-studio-sdk 2.1.2, ``tasks.create_many_status()``
        """
        answer = _object(self._connection.get(f"/api/projects/{project_id}/imports/{import_id}/"))
        counts = [answer.get(f"{kind}_count") for kind in ("prediction", "annotation")]
        return Job(
            _part(answer, "status", str),
            str(answer.get("error") or ""),
            _ids(answer, "task_ids") if answer.get("task_ids") else [],
            _ids(answer, "file_upload_ids") if answer.get("file_upload_ids") else [],
            sum(number for number in counts if type(number) is int),
        )

    def add_predictions(self, project_id: int, predictions: Sequence[bytes]) -> int:
        """Adds predictions to tasks that are there.

        Args:
            project_id: the project
            predictions: the JSON of each, with its ``task`` and ``model_version``

        Returns:
            how many were made; the server leaves out what it takes for invalid (1.23.2)
        """
        path = f"/api/projects/{project_id}/import/predictions"
        answer = self._connection.post_encoded(path, b"[" + b",".join(predictions) + b"]")
        return _part(answer, "created", int)

    def model_versions(self, project_id: int) -> dict[str, int]:
        """How many predictions of each model a project has."""
        answer = _object(self._connection.get(f"/api/projects/{project_id}/model-versions/"))
        return {model_version: _part(answer, model_version, int) for model_version in answer}

    def delete_predictions(self, project_id: int, model_version: str) -> None:
        """Deletes the predictions of a model from the tasks of a project."""
        self._connection.delete(f"/api/projects/{project_id}/model-versions/", {"model_version": model_version})

    def predictions(self, project_id: int, model_version: str) -> Iterator[dict[str, Any]]:
        """The predictions of a model: ``id``, ``task``, ``result`` and ``score`` of each."""
        named = {"filter": "filter:tasks:predictions_model_versions", "operator": "contains", "type": "List"}
        query = {"filters": {"conjunction": "and", "items": [{**named, "value": [model_version]}]}}
        params = {"project": project_id, "fields": "all", "include": "id,predictions", "query": json.dumps(query)}
        for task in self._pages_of_tasks({**params, "resolve_uri": "false"}):
            for prediction in _part(task, "predictions", list):
                _part(prediction, "id", int)
                if prediction.get("model_version") == model_version:
                    yield {**prediction, "task": task["id"]}

    def update_prediction(self, prediction_id: int, **values: Any) -> None:
        """Changes a prediction where it lies; annotations that began with it still name it."""
        self._connection.patch(f"/api/predictions/{prediction_id}/", values)

    def delete_prediction(self, prediction_id: int) -> None:
        """Deletes a prediction, unless it is gone already."""
        try:
            self._connection.delete(f"/api/predictions/{prediction_id}/")
        except ServerError as error:
            if error.status != 404:
                raise

    def answered_tasks(self, project_id: int) -> Iterator[int]:
        """The ids of the tasks of a project that have a submitted annotation."""
        answered = {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0}
        query = json.dumps({"filters": {"conjunction": "and", "items": [answered]}})
        for task in self._pages_of_tasks({"project": project_id, "include": "id", "query": query}):
            yield task["id"]

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A prediction with its result, or None where it is gone."""
        try:
            return _object(self._connection.get(f"/api/predictions/{prediction_id}/"))
        except ServerError as error:
            if error.status == 404:
                return None
            raise

    def predictions_of(self, task_id: int) -> list[dict[str, Any]]:
        """The predictions of a task, with their results."""
        return list(map(_task, _list(self._connection.get("/api/predictions/", {"task": task_id}))))

    def export_open_tasks(self, project_id: int, task_ids: Sequence[int]) -> list[Any]:
        """Some tasks, with annotations and drafts or without any.

        Args:
            project_id: the project
            task_ids: the tasks, at most 900
        """
        params = [("exportType", "JSON"), ("download_all_tasks", "true")]
        params += [("ids[]", str(task_id)) for task_id in task_ids]
        return list(map(_task, _list(self._connection.get(f"/api/projects/{project_id}/export", params))))

    def export_tasks(self, project_id: int, task_ids: Sequence[int]) -> list[Any]:
        """Those of some tasks that have any annotation, with their annotations.

        Args:
            project_id: the project
            task_ids: the tasks, at most 900
        """
        params = [("exportType", "JSON"), *(("ids[]", task_id) for task_id in task_ids)]
        return _list(self._connection.get(f"/api/projects/{project_id}/export", params))

    def make_tab(self, project_id: int, title: str, ranges: Sequence[tuple[int, int]]) -> int:
        """Makes a tab of the Data Manager that shows some tasks.

        Args:
            project_id: the project
            title: its title
            ranges: the first and the last id of tasks that it shows

        Returns:
            its id
        """
        items = [_within(first, last) for first, last in ranges]
        tab = {"project": project_id, "data": {"title": title, "filters": {"conjunction": "or", "items": items}}}
        return _part(self._connection.post("/api/dm/views/", tab), "id", int)

    def tabs(self, project_id: int) -> dict[int, str]:
        """The tabs of the Data Manager of a project: id -> title."""
        tabs = _list(self._connection.get("/api/dm/views/", {"project": project_id}))
        return {_part(tab, "id", int): str(_part(tab, "data", dict).get("title") or "") for tab in tabs}

    def delete_tab(self, tab_id: int) -> None:
        """Deletes a tab of the Data Manager."""
        self._connection.delete(f"/api/dm/views/{tab_id}/")

    def make_snapshot(self, project_id: int, title: str, tab_id: int, with_all: bool, with_predictions: bool) -> int:
        """Has the server write tasks to a file, in the background.

        Args:
            project_id: the project
            title: its title
            tab_id: the tab that shows the tasks
            with_all: whether tasks without annotations are wanted, too
            with_predictions: whether predictions are wanted, rather than their ids

        Returns:
            its id

        Source: label-studio-sdk 2.1.2, ``projects.exports.create()``
        """
        asked = {
            "title": title,
            "task_filter_options": {"view": tab_id, "only_with_annotations": not with_all},
            # By default, annotations of skipped tasks and ground truth may be left out.
            "annotation_filter_options": {"usual": True, "ground_truth": True, "skipped": True},
            "serialization_options": {
                "drafts": {"only_id": False},
                "predictions": {"only_id": not with_predictions},
                "annotations__completed_by": {"only_id": True},
                "include_annotation_history": False,
                "interpolate_key_frames": False,
            },
        }
        return _part(self._connection.post(f"/api/projects/{project_id}/exports/", asked), "id", int)

    def snapshots(self, project_id: int) -> dict[int, str]:
        """The snapshots of a project: id -> title."""
        found = _list(self._connection.get(f"/api/projects/{project_id}/exports/"))
        return {_part(snapshot, "id", int): str(snapshot.get("title") or "") for snapshot in found}

    def snapshot_job(self, project_id: int, snapshot_id: int) -> Job:
        """How far a snapshot is."""
        answer = self._connection.get(f"/api/projects/{project_id}/exports/{snapshot_id}")
        return Job(_part(answer, "status", str))

    def download_snapshot(self, project_id: int, snapshot_id: int, file: BinaryIO) -> None:
        """Downloads a snapshot that is completed, as JSON.

        Args:
            project_id: the project
            snapshot_id: the snapshot
            file: what it is written to, from its beginning
        """
        path = f"/api/projects/{project_id}/exports/{snapshot_id}/download"
        self._connection.download(path, {"exportType": "JSON"}, file)

    def delete_snapshot(self, project_id: int, snapshot_id: int) -> None:
        """Deletes a snapshot."""
        self._connection.delete(f"/api/projects/{project_id}/exports/{snapshot_id}")

    def workspaces(self) -> dict[int, str]:
        """The workspaces of the organization: id -> title."""
        found = _list(self._connection.get("/api/workspaces/"))
        return {_part(workspace, "id", int): _part(workspace, "title", str) for workspace in found}

    def reviews(self, project_id: int) -> list[dict[str, Any]]:
        """What reviewers have said of the annotations of a project: ``annotation``, ``accepted``, ... of each.

        Source: label-studio-sdk 2.1.2, ``annotation_reviews.list()``
        """
        params = {"annotation__task__project": project_id}
        found = list(map(_object, _list(self._connection.get("/api/annotation-reviews/", params))))
        for review in found:
            _part(review, "annotation", int)
        return found


_TOUCHED: list[dict[str, Any]] = [
    {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0},
    {"filter": "filter:tasks:cancelled_annotations", "operator": "greater", "type": "Number", "value": 0},
    {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True},
]
"""Filters of the Data Manager for tasks that somebody has answered, skipped or begun."""


def _within(first: int, last: int) -> dict[str, Any]:
    """The filter of the Data Manager for tasks whose ids lie in a range."""
    return {"filter": "filter:tasks:id", "operator": "in", "type": "Number", "value": {"min": first, "max": last}}


def _counted(name: str, operator: str) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{name}_annotations", "operator": operator, "type": "Number", "value": 0}


_NOT_ANSWERED = (_counted("total", "equal"), _counted("cancelled", "equal"))
"""Filters of the Data Manager for tasks that nobody has answered or skipped; all must hold."""

_ANNOTATED = {"filter": "filter:tasks:annotators", "operator": "empty", "type": "List", "value": False}
"""The filter of the Data Manager for tasks that have annotations, whatever is counted."""

_ANSWERED = (
    (_counted("total", "greater"),),
    (_counted("total", "equal"), _counted("cancelled", "greater")),
)
"""The same for the others: those that are answered, and those that are only skipped."""


def _changed(since: str, filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The filters of the Data Manager for tasks that were changed at a time or later, with further ones."""
    newer = {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime", "value": since}
    return {"conjunction": "and", "items": [newer, *filters]}


def _release_of(answer: Mapping[str, Any], edition: str) -> str:
    """The version of the open source that a server runs; empty where it does not say."""
    release = answer.get("release")
    if edition != COMMUNITY:
        # Other editions count their releases in numbers of their own.
        below = answer.get(_BUILT_ON[0])
        built_on = below.get(_BUILT_ON[1]) if isinstance(below, Mapping) else None
        release = built_on if isinstance(built_on, str) and built_on else release
    return release if isinstance(release, str) else ""


def _pending(answer: Any) -> Pending | None:
    """The import that an answer names, where the server makes later what was asked for."""
    is_named = isinstance(answer, Mapping) and type(answer.get("import")) is int
    return Pending(answer["import"]) if is_named else None


def _place(kind: str) -> str:
    return "container" if kind == "azure" else "bucket"


def _list(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise NotLabelStudioError(f"the server answered {type(answer).__name__}, expected a list")
    return answer


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise NotLabelStudioError(f"the server answered {type(answer).__name__}, expected an object")
    return answer


def _task(answer: Any) -> dict[str, Any]:
    _part(answer, "id", int)
    task: dict[str, Any] = answer
    return task


def _with_data(task: dict[str, Any]) -> dict[str, Any]:
    _part(task, "data", dict)
    return task


def _ids(answer: Any, key: str) -> list[int]:
    ids = _part(answer, key, list)
    if not all(type(number) is int for number in ids):
        raise NotLabelStudioError(f"the server answered with {key!r} that are not all whole numbers")
    return ids


def _part(answer: Any, key: str, kind: type[T]) -> T:
    value = answer.get(key) if isinstance(answer, Mapping) else None
    # A boolean is an int to Python.
    if type(value) is not kind:
        raise NotLabelStudioError(f"the server answered without {key!r} ({kind.__name__})")
    return value
