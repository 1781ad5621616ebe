"""A proxy on loopback, in front of a real server, that fails at a chosen request."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler

import requests

from tests.web import LoopbackServer

FAULTS = ("500", "503", "dropped before", "dropped after")
"""What can happen to a request: an error of the server's, a busy server, a connection that ends before the request was
served, and one that ends after it was served, so that nobody gets to know the answer."""


class FaultyProxy(LoopbackServer):
    """Hands requests on to a server, but for one.

    Args:
        target: address of the server
        fault: one of FAULTS
        number: the request that it happens to, from 1; none where 0
    """

    def __init__(self, target: str, fault: str = "", number: int = 0):
        self.target, self.fault, self.number = target, fault, number
        self.count = 0
        self._lock = threading.Lock()
        super().__init__(_handler(self))

    def fault_of_next(self) -> str:
        """The fault of the request that has just come, empty where it is handed on."""
        with self._lock:
            self.count += 1
            return self.fault if self.count == self.number else ""


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            fault = proxy.fault_of_next()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault in ("500", "503"):
                self.send_response(int(fault))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if fault == "dropped before":
                self.close_connection = True
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = requests.request(
                self.command, proxy.target + self.path, data=body, headers=headers, allow_redirects=False, timeout=120
            )
            if fault == "dropped after":
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Location", "Retry-After"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_request

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    return Handler
