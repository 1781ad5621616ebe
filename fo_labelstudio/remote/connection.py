"""One signed-in HTTP connection to a server: JSON in, JSON out, one error class for each way to fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from fo_labelstudio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotLabelStudioError,
    ServerError,
    TLSError,
    WrongUrlError,
)
from fo_labelstudio.remote.sign_in import sign_in
from fo_labelstudio.settings import ConnectionSettings, secrets_of

_CONNECT_TIMEOUT = 10.0
_SHOWN = 300
_LOOKED_AT = 10_000


class Connection:
    """A signed-in HTTP connection to a Label Studio server.

    Requests that change nothing are repeated after connection errors and 429, 502, 503 and 504 answers, with growing
    pauses; others are sent once. Redirects are refused, so that the key is never sent elsewhere.

    Args:
        settings: how to reach the server
    """

    def __init__(self, settings: ConnectionSettings):
        self.url = settings.url
        self._settings = settings
        self._session = requests.Session()
        self._session.headers.update(settings.http_headers.reveal())
        retry = Retry(
            total=settings.retries,
            allowed_methods=("GET",),
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=0.5,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))
        self._auth = sign_in(settings.api_key, self._access_token)

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    def get(self, path: str, params: Any = None) -> Any:
        """The JSON at a path."""
        return self._json("GET", path, params=params)

    def post(self, path: str, json: Any = None, params: Any = None, files: Any = None) -> Any:
        """The JSON answer to a POST of JSON or of files."""
        return self._json("POST", path, json=json, params=params, files=files)

    def post_encoded(self, path: str, body: bytes, params: Any = None) -> Any:
        """The JSON answer to a POST of JSON that is encoded already."""
        return self._json("POST", path, data=body, params=params, headers={"Content-Type": "application/json"})

    def post_unanswered(self, path: str, json: Any) -> None:
        """Sends a POST that is answered with nothing but its status."""
        self._send("POST", path, json=json)

    def patch(self, path: str, json: Any) -> Any:
        """The JSON answer to a PATCH."""
        return self._json("PATCH", path, json=json)

    def delete(self, path: str) -> None:
        """Deletes what is at a path."""
        self._send("DELETE", path)

    def size_of(self, path_on_host: str) -> int | None:
        """How many bytes there are at a path that begins at the root of the host, or None where nobody says."""
        path = path_on_host.removeprefix(urlsplit(self.url).path)
        with self._send("GET", path, stream=True) as response:
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isdecimal() else None

    def location_of(self, path: str, params: Any = None) -> str | None:
        """Where a path redirects to, which is not followed, or None where it answers itself."""
        with self._answer("GET", path, params=params, stream=True) as response:
            if response.status_code in (301, 302, 303, 307, 308):
                return response.headers.get("Location")
            self._raise_for_status(response, "GET", path)
            return None

    def get_unsigned(self, path: str) -> Any:
        """The JSON at a path, asked for without the key."""
        return self._decoded(self._request("GET", path, None), path)

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._decoded(self._send(method, path, **options), path)

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        response = self._answer(method, path, **options)
        self._raise_for_status(response, method, path)
        return response

    def _answer(self, method: str, path: str, **options: Any) -> requests.Response:
        response = self._request(method, path, self._auth, **options)
        if response.status_code == 401 and hasattr(self._auth, "forget"):
            self._auth.forget()
            response = self._request(method, path, self._auth, **options)
        return response

    def _request(self, method: str, path: str, auth: Any, **options: Any) -> requests.Response:
        try:
            return self._session.request(
                method,
                self.url + path,
                auth=auth or _unsigned,
                allow_redirects=False,
                # Given with each request, for the session's would lose against the environment's CA bundle.
                verify=self._settings.verify_ssl,
                proxies=self._settings.proxies.reveal() or None,
                timeout=(min(_CONNECT_TIMEOUT, self._settings.timeout), self._settings.timeout),
                **options,
            )
        except requests.exceptions.SSLError as error:
            raise TLSError(
                f"the certificate of {self.url} is not trusted ({self._clean(error)}); set verify_ssl to the path of "
                "the CA bundle that it was signed with, or to False where you trust the network",
                path=path,
            ) from None
        except requests.exceptions.RequestException as error:
            raise ConnectionFailedError(
                f"no connection to {self.url} ({type(error).__name__}: {self._clean(error)}); is the server running, "
                "and is it reachable from here?",
                path=path,
            ) from None

    def _raise_for_status(self, response: requests.Response, method: str, path: str) -> None:
        status = response.status_code
        if status < 300:
            return
        detail = self._clean(_detail(response))
        if 300 <= status < 400:
            raise WrongUrlError(
                f"{self.url} redirects to {self._clean(response.headers.get('Location', 'nowhere'))}; set url to the "
                "address at which Label Studio itself answers",
                status,
                path,
            )
        if status == 401:
            raise AuthenticationError(
                f"{self.url} refused the API key ({detail}); copy a personal access token from Account & Settings, or "
                "have legacy tokens enabled for the organization",
                status,
                path,
            )
        message = f"{method} {self.url}{path} failed with HTTP {status}: {detail}"
        raise ServerError(message, status, path, _retry_after(response))

    def _decoded(self, response: requests.Response, path: str) -> Any:
        self._raise_for_status(response, "GET", path)
        try:
            return response.json()
        except ValueError:
            raise NotLabelStudioError(
                f"{self.url}{path} answered with something else than JSON "
                f"({response.headers.get('Content-Type', 'no content type')}: {self._clean(_start(response))}); "
                "is url the address of Label Studio's start page?",
                response.status_code,
                path,
            ) from None

    def _access_token(self, refresh: str) -> str:
        path = "/api/token/refresh/"
        response = self._request("POST", path, None, json={"refresh": refresh})
        if response.status_code in (400, 401, 403, 404):
            raise AuthenticationError(
                f"{self.url} refused the personal access token ({self._clean(_detail(response))}); it may have "
                "expired or been revoked: make a new one in Account & Settings",
                response.status_code,
                path,
            )
        answer = self._decoded(response, path)
        if not isinstance(answer, dict) or not isinstance(answer.get("access"), str):
            raise NotLabelStudioError(f"{self.url}{path} answered without an access token", response.status_code, path)
        return answer["access"]

    def _clean(self, text: object) -> str:
        """Text for a message: on one line, short, without a secret."""
        clean = str(text)
        for secret in secrets_of(self._settings):
            clean = clean.replace(secret, "<secret>")
        clean = re.sub(r"\s+", " ", re.sub(r"//[^/\s@]*@", "//<secret>@", clean)).strip()
        return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "..."


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 6 else None


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without an auth of its own, requests would send the login of a .netrc file.
    return request


def _detail(response: requests.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return _start(response)
    if isinstance(answer, Mapping):
        detail = answer.get("validation_errors") or answer.get("detail")
        if detail:
            return str(detail)
    return _start(response)


def _start(response: requests.Response) -> str:
    text = response.text[:_LOOKED_AT]
    if "<html" in text.lower():
        title = re.search(r"<title>([^<]*)", text, re.IGNORECASE)
        return f"a web page, {title.group(1).strip()!r}" if title else "a web page"
    return text or "an empty answer"
