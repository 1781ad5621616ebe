"""One signed-in HTTP connection to a server: JSON in, JSON out, one error class for each way to fail."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

from fo_labelstudio.errors import (
    AnswerTooLargeError,
    AuthenticationError,
    ConnectionFailedError,
    NotLabelStudioError,
    ServerError,
    TLSError,
    WrongUrlError,
)
from fo_labelstudio.remote import body
from fo_labelstudio.remote.multipart import File, Multipart, UnreadableError
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.remote.sign_in import sign_in, unsigned
from fo_labelstudio.settings import ConnectionSettings, secrets_of

T = TypeVar("T")

_CONNECT_TIMEOUT = 10.0
_SHOWN = 300

LARGEST_ANSWER = 256 * 2**20
"""Bytes of the largest answer that is read, inflated; who asks for a list asks for less of it at a time then."""

_LENGTHS = ("Content-Length", "Transfer-Encoding")
"""Headers that tell where an answer ends."""

_LOOKED_AT = 64 * 2**10
"""Bytes of an answer that are looked at to tell what was wrong."""

_REDIRECTS = (301, 302, 303, 307, 308)

_CUT = 12
"""Characters before the end within which JSON that was cut short fails; no token but strings is longer."""


class _Session(requests.Session):
    """A session that follows no redirect; requests looks at where they lead, and reads their bodies whole."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Connection:
    """A signed-in HTTP connection to a Label Studio server.

    Requests that may be served twice are repeated after connection errors and 429, 502, 503 and 504 answers, with
    growing pauses; others are sent once. Redirects are refused, so that the key is never sent elsewhere. Of what the
    server sends, no more is held than LARGEST_ANSWER.

    Args:
        settings: how to reach the server
    """

    def __init__(self, settings: ConnectionSettings):
        self.url = settings.url
        self._settings = settings
        self._session = _Session()
        self._session.headers.update({"Accept-Encoding": body.ENCODING, **settings.http_headers.reveal()})
        self._auth = sign_in(settings.api_key, self._access_token)

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    def get(self, path: str, params: Any = None) -> Any:
        """The JSON at a path."""
        return self._repeated("GET", path, lambda: self._json("GET", path, params=params))

    def get_unsigned(self, path: str) -> Any:
        """The JSON at a path, asked for without the key."""

        def request() -> Any:
            with self._asked("GET", path, None) as response:
                return self._decoded(response, "GET", path)

        return self._repeated("GET", path, request)

    def time_at(self, path: str) -> datetime | None:
        """When a path was answered, in UTC, by the clock of who answers; None where it does not say."""

        def request() -> datetime | None:
            with self._asked("GET", path, None) as response:
                body.start_of(response, _LOOKED_AT)
                try:
                    return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(timezone.utc)
                except (TypeError, ValueError):
                    return None

        return self._repeated("GET", path, request)

    def post(self, path: str, json: Any = None, params: Any = None) -> Any:
        """The JSON answer to a POST of JSON; sent once."""
        return self._json("POST", path, json=json, params=params)

    def post_files(self, path: str, files: Sequence[File], params: Any = None) -> Any:
        """The JSON answer to a POST of files, which are read while they are sent; sent once.

        Raises:
            OSError: a file cannot be read
        """
        content = Multipart(files)
        try:
            return self._json("POST", path, data=content, params=params, headers={"Content-Type": content.content_type})
        except UnreadableError as error:
            assert isinstance(error.__cause__, OSError)
            raise error.__cause__ from None

    def post_encoded(self, path: str, content: bytes, params: Any = None) -> Any:
        """The JSON answer to a POST of JSON that is encoded already; sent once."""
        return self._json("POST", path, data=content, params=params, headers={"Content-Type": "application/json"})

    def post_again(self, path: str, json: Any, params: Any = None) -> None:
        """Sends a POST that may be served twice, and of whose answer only the status counts."""
        self._repeated("POST", path, lambda: self._done("POST", path, json=json, params=params))

    def patch(self, path: str, json: Any) -> Any:
        """The JSON answer to a PATCH."""
        return self._repeated("PATCH", path, lambda: self._json("PATCH", path, json=json))

    def delete(self, path: str, json: Any = None) -> None:
        """Deletes what is at a path.

        Raises:
            ServerError: there is nothing (404), or the request failed
        """

        def request(attempt: int) -> None:
            try:
                self._done("DELETE", path, json=json)
            except ServerError as error:
                # The answer to an earlier one was lost.
                if not (attempt and error.status == 404):
                    raise

        repeated(request, self._settings.retries, f"DELETE {path}")

    def size_of(self, path_on_host: str) -> int | None:
        """How many bytes there are at a path that begins at the root of the host, or None where nobody says."""
        path = path_on_host.removeprefix(urlsplit(self.url).path)

        def request() -> int | None:
            # The length of what a proxy compresses would not be that of the file.
            with self._signed("GET", path, headers={"Accept-Encoding": "identity"}) as response:
                return body.length_of(response)

        return self._repeated("GET", path, request)

    @contextmanager
    def media(self, path_on_host: str) -> Iterator[body.Stream | str]:
        """A file at a path that begins at the root of the host, piece by piece, or where it redirects to.

        A redirect is not followed, and the key is sent to this host only.

        Raises:
            ServerError: the server does not hand it out; nothing is repeated
        """
        start = urlsplit(self.url).path
        path = path_on_host.removeprefix(start) if path_on_host.startswith(f"{start}/") else path_on_host
        if not path.startswith("/"):
            # It would become a part of the host's name.
            raise ServerError(f"{self._clean(path)!r} is no path of {self.url}", path=path)
        # The length of what a proxy compresses would not be that of the file.
        with self._signed("GET", path, may_redirect=True, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code in _REDIRECTS:
                yield urljoin(response.url, response.headers.get("Location", ""))
            else:
                yield body.stream_of(response)

    def download(self, path: str, params: Any, file: BinaryIO) -> None:
        """Writes what is at a path to a file, from its beginning, or what is where the path redirects to.

        The key, and the headers of the settings, are sent to this server only.
        """

        def request() -> None:
            with self._signed("GET", path, may_redirect=True, params=params) as response:
                if response.status_code not in _REDIRECTS:
                    self._write(response, path, file)
                    return
                elsewhere = urljoin(response.url, response.headers.get("Location", ""))
            with _Session() as session, self._asked_elsewhere(session, elsewhere, path) as response:
                self._raise_for_status(response, "GET", path)
                self._write(response, path, file)

        self._repeated("GET", path, request)

    def _asked_elsewhere(self, session: requests.Session, url: str, path: str) -> requests.Response:
        headers = {"Accept-Encoding": body.ENCODING}
        return self._sent(session, "GET", url, path, unsigned, headers=headers)

    def _write(self, response: requests.Response, path: str, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        try:
            for piece in body.stream_of(response).pieces:
                file.write(piece)
        except body.BodyError as error:
            raise self._broken_off("GET", path, str(error)) from None

    def location_of(self, path: str, params: Any = None) -> str | None:
        """Where a path redirects to, which is not followed, or None where it answers itself."""

        def request() -> str | None:
            with self._signed("GET", path, may_redirect=True, params=params) as response:
                return response.headers.get("Location") if response.status_code in _REDIRECTS else None

        return self._repeated("GET", path, request)

    def _repeated(self, method: str, path: str, request: Callable[[], T]) -> T:
        return repeated(lambda _: request(), self._settings.retries, f"{method} {path}")

    def _json(self, method: str, path: str, **options: Any) -> Any:
        with self._signed(method, path, **options) as response:
            return self._decoded(response, method, path)

    def _done(self, method: str, path: str, **options: Any) -> None:
        with self._signed(method, path, **options) as response:
            # A connection is used again only where nothing is left to be read.
            body.start_of(response, _LOOKED_AT)

    @contextmanager
    def _signed(
        self, method: str, path: str, may_redirect: bool = False, **options: Any
    ) -> Iterator[requests.Response]:
        """A good answer to a signed request, or one that redirects, where it may; its body was not read yet."""
        response = self._asked(method, path, self._auth, **options)
        if response.status_code == 401 and hasattr(self._auth, "forget"):
            response.close()
            self._auth.forget()
            response = self._asked(method, path, self._auth, **options)
        with response:
            if not (may_redirect and response.status_code in _REDIRECTS):
                self._raise_for_status(response, method, path)
            yield response

    def _asked(self, method: str, path: str, auth: Any, **options: Any) -> requests.Response:
        return self._sent(self._session, method, self.url + path, path, auth or unsigned, **options)

    def _sent(
        self, session: requests.Session, method: str, url: str, path: str, auth: Any, **options: Any
    ) -> requests.Response:
        try:
            return session.request(
                method,
                url,
                auth=auth,
                allow_redirects=False,
                stream=True,
                # Given with each request, for the session's would lose against the environment's CA bundle.
                verify=self._settings.verify_ssl,
                proxies=self._settings.proxies.reveal() or None,
                timeout=(min(_CONNECT_TIMEOUT, self._settings.timeout), self._settings.timeout),
                **options,
            )
        except requests.exceptions.RequestException as error:
            if isinstance(error, requests.exceptions.SSLError) and not _is_broken_off(error):
                raise TLSError(
                    f"the certificate of {self.url} is not trusted ({self._clean(error)}); set verify_ssl to the path "
                    "of the CA bundle that it was signed with, or to False if you trust the network",
                    path=path,
                ) from None
            if not isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
                raise ServerError(
                    f"{method} {self.url}{path} cannot be sent ({type(error).__name__}: {self._clean(error)}); check "
                    "url, proxies and http_headers",
                    path=path,
                ) from None
            raise ConnectionFailedError(
                f"no connection to {self.url} ({type(error).__name__}: {self._clean(error)}); is the server running, "
                "and is it reachable from here?",
                path=path,
            ) from None

    def _raise_for_status(self, response: requests.Response, method: str, path: str) -> None:
        status = response.status_code
        if status < 300:
            return
        if 300 <= status < 400:
            raise WrongUrlError(
                f"{self.url} redirects to {self._clean(response.headers.get('Location', 'nowhere'))}; set url to the "
                "address at which Label Studio itself answers",
                status,
                path,
            )
        detail = self._clean(_detail(body.start_of(response, _LOOKED_AT)))
        if status == 401:
            raise AuthenticationError(
                f"{self.url} refused the API key ({detail}); copy a personal access token from Account & Settings, "
                "or ask your administrator to allow legacy tokens",
                status,
                path,
            )
        message = f"{method} {self.url}{path} failed with HTTP {status}: {detail}"
        raise ServerError(message, status, path, _retry_after(response))

    def _decoded(self, response: requests.Response, method: str, path: str) -> Any:
        self._raise_for_status(response, method, path)
        try:
            content = body.read(response, LARGEST_ANSWER)
        except body.TooLargeError:
            raise AnswerTooLargeError(
                f"{method} {self.url}{path} was answered with more than {LARGEST_ANSWER // 2**20} MiB, which is too "
                "much to read; check that Label Studio answers at this address, and why its masks or answers are so "
                "large",
                response.status_code,
                path,
            ) from None
        except body.BodyError as error:
            raise self._broken_off(method, path, str(error)) from None
        if not content and not any(map(response.headers.get, _LENGTHS)):
            # A server that is stopped while it answers may end within the headers.
            raise self._broken_off(method, path, "nothing came after its status")
        start = bytes(content[:_LOOKED_AT])
        try:
            text = content.decode()
            del content
            return json.loads(text)
        except RecursionError:
            reason = "JSON that is nested too deeply"
        except ValueError as error:
            if _is_cut(error):
                raise self._broken_off(method, path, f"its JSON is cut short: {error}") from None
            reason = "something else than JSON"
        kind = self._clean(response.headers.get("Content-Type", "no content type"))
        raise NotLabelStudioError(
            f"{self.url}{path} answered with {reason} ({kind}: {self._clean(_start(start))}); is url the address of "
            "Label Studio's start page?",
            response.status_code,
            path,
        )

    def _broken_off(self, method: str, path: str, reason: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"the answer to {method} {self.url}{path} broke off or was damaged on the way ({self._clean(reason)}); is "
            "the connection stable, and is there a proxy that limits answers?",
            path=path,
        )

    def _access_token(self, refresh: str) -> str:
        path = "/api/token/refresh/"

        def request() -> Any:
            with self._asked("POST", path, None, json={"refresh": refresh}) as response:
                if response.status_code in (400, 401, 403, 404):
                    detail = _detail(body.start_of(response, _LOOKED_AT))
                    raise AuthenticationError(
                        f"{self.url} refused the personal access token ({self._clean(detail)}); it may have expired or "
                        "been revoked: make a new one in Account & Settings",
                        response.status_code,
                        path,
                    )
                return self._decoded(response, "POST", path)

        answer = self._repeated("POST", path, request)
        access = answer.get("access") if isinstance(answer, Mapping) else None
        # What could not stand in a header would be told in an error of another library's.
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise NotLabelStudioError(f"{self.url}{path} answered without an access token", path=path)
        return access

    def _clean(self, text: object) -> str:
        """Text for a message: on one line, short, without a secret."""
        clean = str(text)
        for secret in secrets_of(self._settings):
            clean = clean.replace(secret, "<secret>")
        clean = re.sub(r"\s+", " ", re.sub(r"//[^/\s@]*@", "//<secret>@", clean)).strip()
        return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "..."


def _is_broken_off(error: requests.exceptions.SSLError) -> bool:
    """Whether a connection ended in the middle of its handshake, which says nothing about the certificate."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    causes = getattr(reason, "args", ())
    return any(isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for cause in causes)


def _is_cut(error: ValueError) -> bool:
    """Whether JSON could not be read because its end is missing."""
    if isinstance(error, UnicodeDecodeError):
        return error.reason == "unexpected end of data"
    if not isinstance(error, json.JSONDecodeError) or not error.doc.lstrip().startswith(("{", "[")):
        return False
    is_at_end = len(error.doc.rstrip()) - error.pos < _CUT and error.msg != "Extra data"
    return is_at_end or error.msg.startswith("Unterminated string")


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that an answer asks to wait, given as such or as the time at which the wait is over."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:10])
    end, now = (_seconds(text) for text in (value, response.headers.get("Date", "")))
    # By the server's own clock where it says it, for ours may be wrong.
    return None if end is None else max(end - (time.time() if now is None else now), 0.0)


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _detail(start: bytes) -> str:
    try:
        answer = json.loads(start)
        detail = isinstance(answer, Mapping) and (answer.get("validation_errors") or answer.get("detail"))
        return str(detail) if detail else _start(start)
    except (ValueError, RecursionError):
        return _start(start)


def _start(start: bytes) -> str:
    text = start.decode(errors="replace")
    if "<html" in text.lower():
        title = re.search(r"<title>([^<]*)", text, re.IGNORECASE)
        return f"a web page, {title.group(1).strip()!r}" if title else "a web page"
    return text or "an empty answer"
