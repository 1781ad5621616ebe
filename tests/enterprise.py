"""What Label Studio Enterprise does otherwise, in front of a real community server that does all else.

No real one was at hand. Each answer of its own is checked against the models of label-studio-sdk's client, and so is
what it is asked.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from label_studio_sdk.projects.types.import_tasks_projects_response import ImportTasksProjectsResponse
from label_studio_sdk.types.annotation_review import AnnotationReview
from label_studio_sdk.types.export import Export
from label_studio_sdk.types.lse_annotation_filter_options_request import LseAnnotationFilterOptionsRequest
from label_studio_sdk.types.lse_export_create import LseExportCreate
from label_studio_sdk.types.lse_task_filter_options_request import LseTaskFilterOptionsRequest
from label_studio_sdk.types.project_import import ProjectImport
from label_studio_sdk.types.serialization_options_request import SerializationOptionsRequest
from label_studio_sdk.types.version_response import VersionResponse
from label_studio_sdk.types.view_request_request import ViewRequestRequest
from label_studio_sdk.types.who_am_i_user import WhoAmIUser
from label_studio_sdk.types.workspace import Workspace
from pydantic import BaseModel

from tests.web import LoopbackServer

RELEASE = "2.31.0"
"""Editions count their releases in numbers of their own."""

Headers = Mapping[str, str]


def as_model(model: type[BaseModel], value: dict[str, Any]) -> dict[str, Any]:
    """A value that a model of the SDK takes, and all keys of which it knows.

    Raises:
        AssertionError: it has other keys
        pydantic.ValidationError: one of them has another type
    """
    known = {field.alias or name for name, field in model.model_fields.items()}
    assert set(value) <= known, f"{model.__name__} has no {set(value) - known}"
    model.model_validate(value)
    return value


class EnterpriseServer(LoopbackServer):
    """Hands requests on to a community server, and answers what an Enterprise server answers otherwise.

    Args:
        target: address of the community server

    Attributes:
        looks: how often an import or a snapshot is looked at before it is done
        failures: why the next imports fail, after they have made as many of their tasks
        half: how many tasks a failing import has made
        held: while it is not set, no import of tasks is begun, nor any behind it
        sent: how many tasks each import was to make
        workspaces: id -> title
        projects: id of a project -> the workspace that it was made in
        reviews: what reviewers have said
        asked: method and path of each request
        untrue: what the models have refused
        elsewhere: where downloads of snapshots redirect to, if they do
    """

    def __init__(self, target: str):
        self.target = target
        self.looks = 1
        self.failures: list[str] = []
        self.failed_snapshots = 0
        self.half = 0
        self.held = threading.Event()
        self.held.set()
        self.sent: list[int] = []
        self.workspaces = {3: "Vision", 4: "Audio", 5: "Twice", 6: "Twice"}
        self.projects: dict[int, int | None] = {}
        self.reviews: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.elsewhere: str | None = None
        self.untrue: list[Exception] = []
        self._imports: dict[int, dict[str, Any]] = {}
        self._looks: dict[tuple[str, int], int] = {}
        self._ids = count(100)
        self._worker = ThreadPoolExecutor(1)
        super().__init__(_handler(self))

    def __exit__(self, *error: Any) -> None:
        self.held.set()
        self._worker.shutdown()
        super().__exit__(*error)
        assert self.untrue == []

    def review(self, annotation_id: int, accepted: bool, time: str, is_fixed: bool = False) -> None:
        """A reviewer says something of an annotation."""
        review = {"id": len(self.reviews) + 1, "annotation": annotation_id, "accepted": accepted, "created_at": time}
        review |= {"created_by": 1, "fixed_annotation_history": 9 if is_fixed else None, "result": []}
        self.reviews.append(as_model(AnnotationReview, review))

    def has_looked(self, kind: str, number: int) -> bool:
        """Whether something was looked at often enough to be done."""
        self._looks[kind, number] = self._looks.get((kind, number), 0) + 1
        return self._looks[kind, number] > self.looks

    def hand_on(self, method: str, path: str, headers: Headers, body: bytes) -> requests.Response:
        """What the community server answers."""
        sent = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        return requests.request(method, self.target + path, data=body, headers=sent, allow_redirects=False, timeout=120)

    def take_import(self, project_id: int, path: str, headers: Headers, body: bytes) -> dict[str, Any]:
        """Puts an import into the queue."""
        number = next(self._ids)
        is_kept = "commit_to_project=false" not in path
        state = {"id": number, "project": project_id, "status": "created", "commit_to_project": is_kept}
        self._imports[number] = {**state, "return_task_ids": "return_task_ids=true" in path, "error": None}
        is_file = headers.get("Content-Type", "").startswith("multipart")
        if is_file:
            # Files are taken at once, and looked at later.
            answer = self.hand_on("POST", path, headers, body)
            made = answer.json()
            failed = {"status": "failed", "error": json.dumps(made)}
            update = {"file_upload_ids": made["file_upload_ids"]} if answer.ok else failed
            self._imports[number].update(update)
        if is_kept and not is_file:
            self.sent.append(len(json.loads(body)))
        self._worker.submit(self._run_import, number, path, headers, None if is_file else body)
        return as_model(ImportTasksProjectsResponse, {"import": number})

    def _run_import(self, number: int, path: str, headers: Headers, body: bytes | None) -> None:
        state = self._imports[number]
        if state["commit_to_project"]:
            self.held.wait()
        if state["status"] == "failed":
            return
        state["status"] = "in_progress"
        update: dict[str, Any] = {}
        if body is not None and state["commit_to_project"]:
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None:
                tasks = json.loads(body)[: self.half]
                if tasks:
                    self.hand_on("POST", path, headers, json.dumps(tasks).encode())
                state.update(status="failed", error=failure)
                return
            answer = self.hand_on("POST", path, headers, body)
            if not answer.ok:
                state.update(status="failed", error=answer.text)
                return
            made = answer.json()
            update = {key: made[key] for key in ("task_count", "annotation_count", "prediction_count", "task_ids")}
        state.update(update, status="completed")

    def import_state(self, number: int) -> dict[str, Any] | None:
        """How far an import is."""
        state = self._imports.get(number)
        if state is None:
            return None
        shown = dict(state)
        if not self.has_looked("import", number) and shown["status"] == "completed":
            shown.update(status="in_progress", task_ids=[])
        return as_model(ProjectImport, shown)


Answer = tuple[int, Any]
Route = Callable[[EnterpriseServer, "re.Match[str]", str, Headers, bytes], Answer | None]


def _version(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    found = server.hand_on("GET", path, headers, body).json()
    names = {field.alias or name for name, field in VersionResponse.model_fields.items()}
    shown = {name: found.get(name, {}) for name in names}
    return 200, as_model(VersionResponse, {**shown, "release": RELEASE, "edition": "Enterprise"})


def _whoami(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer | None:
    answer = server.hand_on("GET", path, headers, body)
    if not answer.ok:
        return answer.status_code, answer.json()
    names = {field.alias or name for name, field in WhoAmIUser.model_fields.items()}
    return 200, as_model(WhoAmIUser, {name: value for name, value in answer.json().items() if name in names})


def _import(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    return 201, server.take_import(int(match[1]), path, headers, body)


def _import_state(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    state = server.import_state(int(match[2]))
    is_there = state is not None and state["project"] == int(match[1])
    return (200, state) if is_there else (404, {"detail": "Not found."})


def _export(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    return 404, {"detail": "This endpoint is not available in Enterprise; use the async export API"}


def _make_tab(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> None:
    as_model(ViewRequestRequest, json.loads(body))


def _make_snapshot(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    asked = json.loads(body)
    as_model(LseExportCreate, asked)
    as_model(LseTaskFilterOptionsRequest, asked["task_filter_options"])
    as_model(LseAnnotationFilterOptionsRequest, asked["annotation_filter_options"])
    as_model(SerializationOptionsRequest, asked["serialization_options"])
    made = _named(server.hand_on("POST", path, headers, body).json())
    return 201, as_model(LseExportCreate, {**made, "status": "created", "finished_at": None})


def _named(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot of the community server, which leaves out a name that the models have."""
    by = snapshot["created_by"]
    return {**snapshot, "created_by": {**by, "username": by["email"]}}


def _snapshot(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    answer = server.hand_on("GET", path, headers, body)
    if not answer.ok:
        return answer.status_code, {"detail": "Not found."}
    state = _named(answer.json())
    if not server.has_looked("export", state["id"]):
        state.update(status="in_progress", finished_at=None)
    elif server.failed_snapshots:
        server.failed_snapshots -= 1
        state.update(status="failed")
    return 200, as_model(Export, state)


def _workspaces(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    rows = [{"id": number, "title": title, "is_personal": False} for number, title in server.workspaces.items()]
    return 200, [as_model(Workspace, row) for row in rows]


def _make_project(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    asked = json.loads(body)
    workspace = asked.pop("workspace", None)
    answer = server.hand_on("POST", path, headers, json.dumps(asked).encode())
    made = answer.json()
    if answer.ok:
        server.projects[made["id"]] = workspace
    return answer.status_code, made


def _reviews(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    assert parse_qs(urlsplit(path).query)["annotation__task__project"]
    return 200, server.reviews


def _tasks(server: EnterpriseServer, match: re.Match[str], path: str, headers: Headers, body: bytes) -> Answer:
    answer = server.hand_on("GET", path, headers, body)
    found = answer.json()
    for task in found.get("tasks", ()):
        for annotation in task.get("annotations", ()):
            # Lists may hold stubs only.
            annotation.pop("result", None)
        if "annotators" in task:
            task["annotators"] = [{"user_id": user} for user in task["annotators"]]
        numbers = re.findall(r"\d+", str(task.get("annotations_ids") or ""))
        accepted = [row["accepted"] for row in server.reviews if str(row["annotation"]) in numbers]
        if "reviews_accepted" in path:
            task |= {"reviews_accepted": sum(accepted), "reviews_rejected": len(accepted) - sum(accepted)}
    return answer.status_code, found


_ROUTES: list[tuple[str, str, Route]] = [
    ("GET", r"/api/version/?", _version),
    ("GET", r"/api/current-user/whoami", _whoami),
    ("POST", r"/api/projects/(\d+)/import", _import),
    ("GET", r"/api/projects/(\d+)/imports/(\d+)/", _import_state),
    ("GET", r"/api/projects/(\d+)/export", _export),
    ("POST", r"/api/dm/views/", _make_tab),
    ("POST", r"/api/projects/(\d+)/exports/", _make_snapshot),
    ("GET", r"/api/projects/(\d+)/exports/(\d+)", _snapshot),
    ("GET", r"/api/workspaces/", _workspaces),
    ("POST", r"/api/projects/", _make_project),
    ("GET", r"/api/annotation-reviews/", _reviews),
    ("GET", r"/api/tasks", _tasks),
]


def _handler(server: EnterpriseServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length) if length else self._chunks()
            headers = {name: value for name, value in self.headers.items() if name != "Transfer-Encoding"}
            place = urlsplit(self.path).path
            server.asked.append((self.command, place))
            for method, pattern, route in _ROUTES:
                match = re.fullmatch(pattern, place)
                if method == self.command and match is not None:
                    try:
                        answer = route(server, match, self.path, headers, body)
                    except Exception as error:
                        server.untrue.append(error)
                        answer = 500, {"detail": str(error)}
                    if answer is not None:
                        self._answer(answer[0], {"Content-Type": "application/json"}, json.dumps(answer[1]).encode())
                        return
            if place.endswith("/download") and server.elsewhere is not None:
                self._answer(302, {"Location": server.elsewhere + self.path}, b"")
                return
            handed = server.hand_on(self.command, self.path, headers, body)
            names = ("Content-Type", "Location", "Date")
            kept = {name: handed.headers[name] for name in names if name in handed.headers}
            self._answer(handed.status_code, kept, handed.content)

        def _chunks(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return b""
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, status: int, headers: Headers, body: bytes) -> None:
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_request

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    return Handler
