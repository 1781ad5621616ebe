"""The kinds of API key, and the header that each is sent in."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NamedTuple

import requests
from requests.auth import AuthBase

from fo_labelstudio.settings import Secret

_EARLY = 30.0
"""Seconds before its end at which an access token is refreshed; Label Studio gives it 300 s (1.23.2)."""


LEGACY, PERSONAL, ACCESS = "legacy token", "personal access token", "access token"
"""The kinds of API key."""


class Key(NamedTuple):
    """What can be told of an API key without the server.

    Attributes:
        kind: LEGACY, PERSONAL or ACCESS
        expires: when it expires, in UTC; None where it does not say
    """

    kind: str
    expires: datetime | None


def key_of(api_key: Secret) -> Key:
    """What can be told of an API key without the server; all that is no token of Label Studio's counts as legacy."""
    claims = _claims(api_key.reveal())
    kind = {"refresh": PERSONAL, "access": ACCESS}.get(str(claims.get("token_type")), LEGACY)
    try:
        return Key(kind, datetime.fromtimestamp(float(claims["exp"]), timezone.utc))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return Key(kind, None)


def sign_in(api_key: Secret, refresh: Callable[[str], str]) -> AuthBase:
    """What signs each request with an API key.

    Args:
        api_key: a legacy token, a personal access token or an access token
        refresh: trades a personal access token for an access token

    Source: Label Studio 1.23.2, ``jwt_auth``: a personal access token is a JWT of type ``refresh`` and is never sent as
    such; an access token is a JWT sent as ``Bearer``; all else is sent as ``Token``
    """
    kind = key_of(api_key).kind
    if kind == PERSONAL:
        return _PersonalAccessToken(api_key, refresh)
    return _Fixed("Bearer" if kind == ACCESS else "Token", api_key)


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The auth of requests that nothing signs; without one, requests would send the login of a .netrc file."""
    return request


class _Fixed(AuthBase):
    """A key that is sent as it is."""

    def __init__(self, scheme: str, api_key: Secret):
        self._scheme = scheme
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"{self._scheme} {self._api_key.reveal()}"
        return request


class _PersonalAccessToken(AuthBase):
    """A key that is traded for an access token again and again."""

    def __init__(self, api_key: Secret, refresh: Callable[[str], str]):
        self._api_key = api_key
        self._refresh = refresh
        self._access = Secret("")
        self._expires = 0.0
        self._lock = threading.Lock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with self._lock:
            if time.time() >= self._expires - _EARLY:
                access = self._refresh(self._api_key.reveal())
                self._access = Secret(access)
                self._expires = _lifetime(access) + time.time()
        request.headers["Authorization"] = f"Bearer {self._access.reveal()}"
        return request

    def forget(self) -> None:
        """Makes the next request fetch a new access token."""
        with self._lock:
            self._expires = 0.0


def _lifetime(access: str) -> float:
    # From issue to expiry, so that a wrong clock on this machine does not matter.
    claims = _claims(access)
    try:
        return float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return 2 * _EARLY


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
