"""Hook: receives the calls of Label Studio's webhooks, to learn at once that something was changed."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from fo_labelstudio.errors import SettingsError

SECRET_HEADER = "X-Fo-Labelstudio-Secret"
"""The header of a call that holds the secret of the webhook."""

ACTIONS = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_DELETED")
"""What the server calls about (Label Studio 1.23.2, ``WebhookAction``)."""

_MOST_BYTES = 2**20
"""Of a call, which is not asked to hold more than the name of an action."""


class Hook:
    """Listens for the calls of one webhook; those without its secret are refused.

    Args:
        url: the address that the server calls, such as ``http://this-machine:8765/``
        on_call: called at each call that has the secret, from another thread

    Raises:
        SettingsError: the address is none, or its port cannot be listened at
    """

    def __init__(self, url: str, on_call: Callable[[], None]):
        parts = urlsplit(url)
        try:
            usual = {"http": 80, "https": 443}[parts.scheme]
            port = usual if parts.port is None else parts.port
        except (KeyError, ValueError):
            raise SettingsError(
                f"webhook: {url!r} is no address; pass one such as 'http://this-machine:8765'"
            ) from None
        self.url = url
        self.secret = secrets.token_urlsafe(32)
        try:
            # Behind a proxy that ends TLS, the port here may be any; what listens is always plain HTTP.
            self._server = ThreadingHTTPServer(("", port), _handler(self.secret, on_call))
        except OSError as error:
            raise SettingsError(
                f"webhook: port {port} cannot be listened at ({error.strerror}); pass an address with a free port"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def headers(self) -> dict[str, str]:
        """What the server is to send with each call."""
        return {SECRET_HEADER: self.secret}

    def close(self) -> None:
        """Listens no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(secret: str, on_call: Callable[[], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            self.rfile.read(min(int(length) if length.isdigit() else 0, _MOST_BYTES))
            given = self.headers.get(SECRET_HEADER, "")
            is_known = hmac.compare_digest(given.encode(), secret.encode())
            self.send_response(HTTPStatus.NO_CONTENT if is_known else HTTPStatus.FORBIDDEN)
            self.end_headers()
            if is_known:
                on_call()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the calls are no messages to people."""

    return Handler
