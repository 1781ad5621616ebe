"""Web servers on loopback, such as one that answers as a test wants."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeVar

S = TypeVar("S", bound="LoopbackServer")

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


class LoopbackServer:
    """A web server on this machine, as long as its context lasts.

    Args:
        handler: what answers a request
        context: what it proves itself with, where it speaks https
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None):
        # What is sent piece by piece would else wait for the other side to acknowledge each piece.
        handler.disable_nagle_algorithm = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            # A browser that opens a connection ahead of its need would else keep all others waiting.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        """Its address."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self: S) -> S:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def web_server(handle: Callable[..., Answer], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A web server on this machine; its address.

    Args:
        handle: a request -> status, headers and body of its answer
        context: what it proves itself with, where it speaks https
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = handle(self)
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                # Who has read enough hangs up.
                self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with LoopbackServer(Handler, context) as server:
        yield f"{'https' if context else 'http'}://localhost:{server.port}"
