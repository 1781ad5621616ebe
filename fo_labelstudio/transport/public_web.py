"""Requests for media that anybody could make: without a key, a login or a cookie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from fo_labelstudio.errors import ConnectionFailedError, ServerError, TLSError
from fo_labelstudio.remote.body import Stream, stream_of
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.remote.sign_in import unsigned
from fo_labelstudio.transport.private_hosts import PublicHosts

AT_ONCE = 16
"""Requests that are made at the same time."""

_TIMEOUT = (10.0, 60.0)
"""Seconds until there is a connection, and without an answer."""

_CHUNK = 2**16
_PART = 206
_NOT_IN_RANGE = 416
_LOCAL = ("localhost", "127.0.0.1", "::1")


FOR_EVERYBODY = (
    "is it there, and does everybody get it? Files in a bucket that is not public need addresses that begin with "
    "s3://, gs:// or azure-blob://"
)


class Web:
    """Web servers that hold media.

    Args:
        retries: how often a request that failed for a passing reason is repeated
        hosts: the hosts that may be asked, also where others redirect to them; None where all may be
    """

    def __init__(self, retries: int, hosts: PublicHosts | None = None):
        self._retries = retries
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(hosts))

    def read(self, url: str, start: int, stop: int) -> bytes:
        """The bytes of a file from one position to another, fewer at its end.

        Raises:
            ServerError: the file cannot be read
        """
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}

        def read(_: int) -> bytes:
            with self._get(url, headers) as response:
                if response.status_code == _NOT_IN_RANGE:
                    return b""
                _raise_for_status(response, FOR_EVERYBODY)
                # A server that does not know ranges sends the file from its beginning.
                skipped = 0 if response.status_code == _PART else start
                return _beginning(response, skipped + stop - start)[skipped:]

        return repeated(read, self._retries, f"reading from {urlsplit(url).netloc}")

    @contextmanager
    def media(self, url: str) -> Iterator[Stream]:
        """A file, piece by piece; nothing is repeated.

        Raises:
            ServerError: the file cannot be read
        """
        with self._get(url, {"Accept-Encoding": "identity"}) as response:
            _raise_for_status(response, FOR_EVERYBODY)
            yield stream_of(response)

    def check_shown(
        self, url: str, page: str, content_types: tuple[str, str], if_refused: str, if_not_allowed: str
    ) -> None:
        """Makes sure that a browser shows an image or a video in a page from elsewhere.

        Args:
            url: the image or video
            page: address of the page
            content_types: those that the editor shows, as ``MediaFiles`` says them
            if_refused: what to do where it is not handed out
            if_not_allowed: what to do where its server does not allow other servers' pages to show it

        Raises:
            ConnectionFailedError, TLSError: this machine cannot find out
            ServerError: a browser would not show it
        """
        origin = origin_of(page)
        if origin_of(url) == origin:
            return
        if origin.startswith("https:") and url.startswith("http:") and urlsplit(url).hostname not in _LOCAL:
            raise ServerError(f"browsers do not load http:// media into pages of {origin}; use https:// addresses")

        def check(_: int) -> None:
            with self._get(url, {"Origin": origin}) as response:
                _raise_for_status(response, if_refused)
                for answer in (*response.history, response):
                    if answer.headers.get("Access-Control-Allow-Origin") not in ("*", origin):
                        raise ServerError(
                            f"{origin_of(answer.url)} does not send Access-Control-Allow-Origin to pages of {origin}, "
                            f"so browsers do not show its media there; {if_not_allowed}"
                        )
                kind = response.headers.get("Content-Type", "")
                if not re.match(content_types[0], kind, re.IGNORECASE):
                    raise ServerError(
                        f"{origin_of(response.url)} sends it as {kind or 'nothing'!r}, so Label Studio does not show "
                        f"it; make the web server send a Content-Type that Label Studio shows, {content_types[1]}"
                    )

        repeated(check, self._retries, f"asking {urlsplit(url).netloc}")

    def check_serves_parts(self, url: str) -> None:
        """Makes sure that a web server serves parts of a file: browsers go to no frame of a video otherwise.

        Raises:
            ConnectionFailedError, TLSError: this machine cannot find out
            ServerError: it does not
        """

        def check(_: int) -> None:
            with self._get(url, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as response:
                _raise_for_status(response, FOR_EVERYBODY)
                # Without, Chromium finds nothing in a video to go to, however small it is (150).
                if response.status_code != _PART:
                    raise ServerError(
                        f"{origin_of(response.url)} serves no parts of files (HTTP range requests), so the editor "
                        "cannot go to a frame; use a web server that does, or media='upload'"
                    )

        repeated(check, self._retries, f"asking {urlsplit(url).netloc}")

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        try:
            return self._session.get(url, headers=headers, stream=True, timeout=_TIMEOUT, auth=unsigned)
        except requests.exceptions.SSLError:
            raise TLSError(
                f"the certificate of {origin_of(url)} is not trusted; set the environment variable REQUESTS_CA_BUNDLE "
                "to the path of the CA bundle that it was signed with"
            ) from None
        except requests.exceptions.RequestException as error:
            raise ConnectionFailedError(f"no connection to {origin_of(url)} ({type(error).__name__})") from None


class _Adapter(HTTPAdapter):
    """Sends each request, also those that a redirect asks for, to hosts that may be asked only."""

    def __init__(self, hosts: PublicHosts | None):
        super().__init__(pool_maxsize=AT_ONCE)
        self._hosts = hosts

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Sends a request.

        Raises:
            ServerError: its host may not be asked
        """
        if self._hosts is not None:
            self._hosts.check(request.url or "")
        return super().send(request, *args, **options)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write them."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    is_usual = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{parts.port}"


def _raise_for_status(response: requests.Response, remedy: str) -> None:
    status = response.status_code
    if status >= 400:
        raise ServerError(f"{origin_of(response.url)} answers HTTP {status} to its address; {remedy}", status)


def _beginning(response: requests.Response, size: int) -> bytes:
    content = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) >= size:
                break
    except requests.exceptions.RequestException as error:
        origin = origin_of(response.url)
        raise ConnectionFailedError(f"the connection to {origin} broke ({type(error).__name__})") from None
    return bytes(content[:size])
