"""The way to the server: its address, the key, proxy and certificate, whom the key belongs to, the clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from fo_labelstudio.doctor.finding import FAILED, OK, SKIPPED, WARNING, Case, Check, Finding, failed
from fo_labelstudio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ServerError,
    ServerVersionError,
    SettingsError,
    TLSError,
)
from fo_labelstudio.remote.client import COMMUNITY, Client
from fo_labelstudio.remote.sign_in import ACCESS, PERSONAL, Key, key_of
from fo_labelstudio.settings import ConnectionSettings, Secret, resolve, variable, without_login

_PATIENCE = 30.0
"""Seconds; who asks what is wrong does not want to wait for long."""

_SKEW = 30.0
"""Seconds by which clocks may differ."""

_LOCAL = ("localhost", "127.0.0.1", "::1")
_NEW_KEY = "make a new personal access token on the page Account & Settings, and set {}"

NOT_REACHED = "not looked at, for there is no connection"


def judge_key(key: Key, now: datetime, name: str) -> Finding:
    """Which kind of key it is, and whether it is one that lasts.

    Args:
        key: what can be told of it without the server
        now: the time
        name: the variable that holds it
    """
    until = f", until {key.expires:%Y-%m-%d}" if key.expires is not None else ""
    if key.expires is not None and key.expires <= now:
        return Finding("API key", FAILED, f"{key.kind}, expired on {key.expires:%Y-%m-%d}", _NEW_KEY.format(name))
    if key.kind == ACCESS:
        return Finding("API key", WARNING, f"{key.kind}, which lasts for minutes", _NEW_KEY.format(name))
    return Finding("API key", OK, f"{key.kind}{until}")


def judge_refusal(error: AuthenticationError, key: Key, name: str) -> Finding:
    """Why the server does not take the key.

    Args:
        error: what the server has said
        key: what can be told of the key without the server
        name: the variable that holds it
    """
    if "legacy token authentication has been disabled" in str(error):
        return Finding(
            "account",
            FAILED,
            "the organization does not allow legacy tokens, and the API key is one",
            f"{_NEW_KEY.format(name)}; or have an administrator allow legacy tokens on the page Organization",
        )
    if key.kind == PERSONAL:
        found = "the server refuses the personal access token: it has expired, was revoked, or is another server's"
        return Finding("account", FAILED, found, _NEW_KEY.format(name))
    return Finding("account", FAILED, f"the server does not know the API key, a {key.kind}", _NEW_KEY.format(name))


def judge_tls(url: str, verify: bool | str) -> Finding:
    """How the connection that was made is protected.

    Args:
        url: the address
        verify: the setting ``verify_ssl``
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        if parts.hostname in _LOCAL:
            return Finding("TLS", OK, "none, and none is needed on this machine")
        return Finding("TLS", WARNING, "none: the API key and all media travel unencrypted", "use an https:// address")
    if verify is False:
        return Finding("TLS", WARNING, "the certificate is not checked", "set verify_ssl to the path of a CA bundle")
    return Finding("TLS", OK, "the certificate is trusted")


def judge_clock(ahead: float) -> Finding:
    """Whether the clocks agree.

    Args:
        ahead: seconds that this machine's clock is ahead of the server's
    """
    if abs(ahead) <= _SKEW:
        return Finding("clock", OK, f"within {_SKEW:.0f} s of the server's")
    return Finding(
        "clock",
        WARNING,
        f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's",
        "set both by NTP: with a wrong clock, tokens are refreshed too late, and signed addresses are refused",
    )


def judge_proxy(proxy: str | None, is_setting: bool) -> Finding:
    """Which proxy is asked.

    Args:
        proxy: its address, or None
        is_setting: whether the setting ``proxies`` names it, not the environment
    """
    if proxy is None:
        return Finding("proxy", OK, "none")
    return Finding(
        "proxy", OK, f"{without_login(proxy)}, from the {'setting proxies' if is_setting else 'environment'}"
    )


def _settings(case: Case) -> Iterator[Finding]:
    import fiftyone as fo

    url, key = variable(case.name, "url"), variable(case.name, "api_key")
    try:
        found = resolve(case.given, None, case.name, fo.annotation_config.backends.get(case.name, {}))
    except SettingsError as error:
        yield failed("settings", error)
        return
    if "url" not in found:
        yield Finding("url", FAILED, "not set", f"set {url}, or start a server with: fo-labelstudio server")
        return
    yield Finding("url", OK, found["url"])
    if "api_key" not in found:
        yield Finding("API key", FAILED, "not set", _NEW_KEY.format(key))
    else:
        yield judge_key(key_of(found["api_key"]), datetime.now(timezone.utc), key)
    settings = ConnectionSettings(**{"api_key": Secret(""), **found})
    case.settings = replace(settings, retries=0, timeout=min(settings.timeout, _PATIENCE))


def _proxy(case: Case) -> Iterator[Finding]:
    if case.settings is not None:
        yield judge_proxy(*_proxy_of(case.settings))


def _proxy_of(settings: ConnectionSettings) -> tuple[str | None, bool]:
    own = settings.proxies.reveal()
    return select_proxy(settings.url, own or get_environ_proxies(settings.url)), bool(own)


def _server(case: Case) -> Iterator[Finding]:
    settings = case.settings
    if settings is None:
        yield Finding("Label Studio", SKIPPED, NOT_REACHED)
        return
    client = Client(settings)
    case.leftovers.callback(client.close)
    try:
        release = client.release()
    except TLSError as error:
        yield failed("TLS", error)
        return
    except ConnectionFailedError as error:
        remedy = f"start it, or correct {variable(case.name, 'url')}; fo-labelstudio server starts one of your own"
        if _proxy_of(settings)[0] is not None:
            remedy += "; if the proxy is not to be asked, name the host in NO_PROXY"
        yield failed("Label Studio", error, remedy)
        return
    except ServerVersionError as error:
        yield failed("Label Studio", error)
        return
    except ServerError as error:
        remedy = f"set {variable(case.name, 'url')} to the address of Label Studio's start page"
        yield failed("Label Studio", error, remedy)
        return
    yield judge_tls(settings.url, settings.verify_ssl)
    shown = release if client.edition == COMMUNITY else f"{client.edition}, built on {release},"
    yield Finding("Label Studio", OK, f"{shown} at {settings.url}")
    case.client = client


def _account(case: Case) -> Iterator[Finding]:
    client, settings = case.client, case.settings
    if client is None or settings is None:
        yield Finding("account", SKIPPED, NOT_REACHED)
        return
    if not settings.api_key.reveal():
        yield Finding("account", SKIPPED, "not looked at, for there is no API key")
        return
    try:
        yield Finding("account", OK, client.me())
        case.is_signed_in = True
    except AuthenticationError as error:
        yield judge_refusal(error, key_of(settings.api_key), variable(case.name, "api_key"))
    except ServerError as error:
        yield failed("account", error)


def _clock(case: Case) -> Iterator[Finding]:
    if case.client is None:
        yield Finding("clock", SKIPPED, NOT_REACHED)
        return
    before = datetime.now(timezone.utc)
    try:
        theirs = case.client.time()
    except ServerError as error:
        yield failed("clock", error)
        return
    if theirs is None:
        yield Finding("clock", SKIPPED, "the server does not say its time")
        return
    now = before + (datetime.now(timezone.utc) - before) / 2
    yield judge_clock((now - theirs).total_seconds())


CHECKS = (
    Check("settings", _settings),
    Check("proxy", _proxy),
    Check("Label Studio", _server),
    Check("account", _account),
    Check("clock", _clock),
)
