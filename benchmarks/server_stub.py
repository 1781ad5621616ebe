"""A stand-in for a Label Studio server that costs next to nothing, to see what the client alone takes.

It keeps tasks in a file, accepts every one of them unchanged, and answers only what a run asks for.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PAGE = 1000


class Stub:
    """A stub in a process of its own, so that its memory and time are not the client's."""

    def __enter__(self) -> Stub:
        ours, theirs = multiprocessing.Pipe()
        # Spawned, for FiftyOne's database connections must not be carried over a fork.
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{ours.recv()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()


class _Tasks:
    """The tasks of the one project, in a file; their ids count from 1."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._places: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, tasks: list[dict[str, Any]]) -> list[int]:
        with self._lock:
            ids = []
            for task in tasks:
                body = json.dumps(task).encode()
                self._places.append((self._file.seek(0, 2), len(body)))
                self._file.write(body)
                ids.append(len(self._places))
            return ids

    def get(self, task_id: int) -> dict[str, Any]:
        with self._lock:
            start, size = self._places[task_id - 1]
            self._file.seek(start)
            return {"id": task_id, **json.loads(self._file.read(size))}

    def exported(self, task_id: int) -> dict[str, Any]:
        """A task whose prediction was submitted as it is, as the export endpoint answers it."""
        task = self.get(task_id)
        annotations = [
            {
                "id": task_id,
                "was_cancelled": False,
                "updated_at": "2026-01-01T00:00:00.000000Z",
                "result": prediction["result"],
                "prediction": prediction,
            }
            for prediction in task["predictions"]
        ]
        return {**task, "annotations": annotations, "predictions": [task_id]}


def _serve(pipe: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_Tasks()))
    pipe.send(server.server_port)
    server.serve_forever()


def _handler(tasks: _Tasks) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_POST = do_PATCH = do_GET

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if parts.path.startswith("/data/"):
                # Without a length, the client does not compare it with the file's.
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                return
            answer = json.dumps(self._of(parts.path, parse_qs(parts.query), body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _of(self, path: str, query: dict[str, list[str]], body: bytes) -> Any:
            if path == "/api/version":
                return {"release": "1.23.2"}
            if path == "/api/projects/" and self.command == "GET":
                return {"results": []}
            if path == "/api/tasks":
                size = int(query.get("page_size", [str(_PAGE)])[0])
                start = size * (int(query["page"][0]) - 1)
                found = (tasks.get(number) for number in range(start + 1, min(start + size, len(tasks)) + 1))
                listed = [{**task, "total_predictions": len(task["predictions"])} for task in found]
                return {"total": len(tasks), "tasks": listed}
            if path.endswith("/import"):
                sent = json.loads(body)
                predictions = sum(len(task["predictions"]) for task in sent)
                return {"task_ids": tasks.add(sent), "prediction_count": predictions}
            if path.endswith("/export"):
                return [tasks.exported(int(number)) for number in query["ids[]"]]
            if path == "/api/storages/localfiles/" and self.command == "GET":
                return []
            return {"id": 1, "task_number": len(tasks)}

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    return Handler
