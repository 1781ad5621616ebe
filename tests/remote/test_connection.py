"""How each way to fail is told, and what is repeated."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time

import pytest
import responses
import trustme

from fo_labelstudio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotLabelStudioError,
    ServerError,
    ServerVersionError,
    TLSError,
    WrongUrlError,
)
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.web import web_server

URL = "http://studio"
KEY = "0123456789abcdef0123456789abcdef01234567"


def client(url=URL, key=KEY, **settings):
    return Client(ConnectionSettings(url, Secret(key), **{"retries": 0, **settings}))


def token(kind, lifetime=300.0):
    claims = {"token_type": kind, "iat": 1000, "exp": 1000 + lifetime}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{part}.signature-{time.monotonic_ns()}"


def version_only(request):
    return (200, {"Content-Type": "application/json"}, b'{"release": "1.23.2"}')


class TestSixWaysToFail:
    def test_nothing_listens(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(
            ConnectionFailedError, match=rf"no connection to http://127.0.0.1:{port}.*is the server run"
        ):
            client(f"http://127.0.0.1:{port}").check()

    @pytest.mark.server
    @pytest.mark.parametrize("path", ["/projects/1", "/user/login", "/no/such"])
    def test_another_path_of_the_server(self, server, path):
        with pytest.raises(WrongUrlError, match=r"has no /api/.*; set url to the address of Label Studio's start page"):
            client(f"{server.url}{path}", server.legacy_token).check()

    def test_a_redirect_is_not_followed(self):
        asked = []

        def redirect(request):
            asked.append(request.path)
            return 301, {"Location": "https://elsewhere/api/version"}, b""

        with web_server(redirect) as url, pytest.raises(WrongUrlError, match="redirects to https://elsewhere"):
            client(url).check()
        assert asked == ["/api/version"]

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        ("kind", "call"),
        [
            ("legacy", lambda client: client.project(1)),
            ("legacy", lambda client: client.create_project(title="x")),
            ("legacy", lambda client: client.delete_project(1)),
            ("legacy", lambda client: client.size_of_media("/data/x.png")),
            ("refresh", lambda client: client.project(1)),
        ],
    )
    def test_the_key_does_not_follow_a_redirect_to_another_host(self, status, kind, call):
        key = KEY if kind == "legacy" else token(kind)
        elsewhere = []
        with web_server(lambda request: elsewhere.append(request.path) or (200, {}, b"{}")) as other:
            headers = {"Location": f"{other}/x", "Refresh": f"0; url={other}"}
            with web_server(lambda request: (status, headers, b"")) as url, pytest.raises(WrongUrlError) as error:
                call(client(url, key))
        assert elsewhere == [] and key not in str(error.value)

    @pytest.mark.parametrize("location", ["", "//", "http://[", "http://\xff", "a" * 60_000])
    def test_a_redirect_to_nowhere_is_told_as_such(self, location):
        headers = {"Location": location}
        with web_server(lambda request: (302, headers, b"")) as url, pytest.raises(WrongUrlError) as error:
            client(url).check()
        assert len(str(error.value)) < 600

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"<html><title>Router</title></html>", "answered with something else than JSON .*a web page, 'Router'"),
            (b'{"release": "rolling"}', "answers, but is not Label Studio"),
            (b"[]", "answers, but is not Label Studio"),
        ],
    )
    def test_something_else_answers(self, body, message):
        with web_server(lambda request: (200, {}, body)) as url, pytest.raises(NotLabelStudioError, match=message):
            client(url).check()

    @pytest.mark.server
    @pytest.mark.parametrize("key", [KEY, "no-such-key", token("refresh"), token("access")])
    def test_the_key_is_refused(self, server, key):
        with pytest.raises(AuthenticationError, match=r"refused the (API key|personal access token)") as error:
            client(server.url, key).check()
        assert key not in str(error.value)

    @responses.activate
    def test_the_server_is_too_old(self):
        responses.get(f"{URL}/api/version", json={"release": "1.5.0"})
        with pytest.raises(ServerVersionError, match=r"runs Label Studio 1\.5\.0, but at least 1\.\d+\.0 is needed"):
            client().check()

    def test_the_certificate_is_not_trusted_until_its_bundle_is_given(self, tmp_path):
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        with web_server(version_only, context) as url:
            with pytest.raises(TLSError, match=r"is not trusted .*set verify_ssl to the path of the CA bundle"):
                client(url).check()
            assert client(url, verify_ssl=str(bundle)).check() == "1.23.2"
            assert client(url, verify_ssl=False).check() == "1.23.2"

    def test_a_connection_that_ends_in_its_handshake_says_nothing_about_the_certificate(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def hang_up():
                with listening.accept()[0] as peer:
                    peer.recv(1)
                    peer.shutdown(socket.SHUT_WR)
                    peer.recv(2**16)

            threading.Thread(target=hang_up, daemon=True).start()
            with pytest.raises(ConnectionFailedError, match="no connection to"):
                client(f"https://127.0.0.1:{listening.getsockname()[1]}").check()

    def test_the_environments_bundle_does_not_undo_verify_ssl(self, tmp_path, monkeypatch):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
        with web_server(version_only, context) as url:
            assert client(url, verify_ssl=False).check() == "1.23.2"


class TestKeys:
    @pytest.mark.server
    def test_a_legacy_token_and_a_personal_access_token_are_taken(self, server):
        assert client(server.url, server.legacy_token).check()
        assert client(server.url, server.personal_access_token()).check()

    @responses.activate
    @pytest.mark.parametrize(
        ("key", "header"),
        [(KEY, f"Token {KEY}"), ("a.b", "Token a.b"), ("a.b.c", "Token a.b.c"), (token("access"), "Bearer ")],
    )
    def test_each_kind_is_sent_in_its_own_header(self, key, header):
        responses.get(f"{URL}/api/projects/1/", json={})
        client(key=key).project(1)
        assert responses.calls[0].request.headers["Authorization"].startswith(header)

    @responses.activate
    def test_a_personal_access_token_is_refreshed_when_it_is_about_to_expire(self):
        key, first, second = token("refresh"), token("access", lifetime=20), token("access")
        responses.post(f"{URL}/api/token/refresh/", json={"access": first})
        responses.post(f"{URL}/api/token/refresh/", json={"access": second})
        responses.get(f"{URL}/api/projects/1/", json={})
        studio = client(key=key)
        for _ in range(3):
            studio.project(1)
        sent = [call.request.headers.get("Authorization") for call in responses.calls]
        assert sent == [None, f"Bearer {first}", None, f"Bearer {second}", f"Bearer {second}"]
        assert json.loads(responses.calls[0].request.body) == {"refresh": key}

    @responses.activate
    def test_an_access_token_that_is_refused_in_the_middle_of_a_run_is_refreshed_once(self):
        responses.post(f"{URL}/api/token/refresh/", json={"access": token("access")})
        refused = responses.get(f"{URL}/api/projects/1/", json={"detail": "Token is invalid"}, status=401)
        taken = responses.get(f"{URL}/api/projects/1/", json={"id": 1})
        studio = client(key=token("refresh"))
        assert studio.project(1) == {"id": 1}
        assert (refused.call_count, taken.call_count) == (1, 1)
        responses.replace(responses.GET, f"{URL}/api/projects/1/", json={"detail": "no"}, status=401)
        with pytest.raises(AuthenticationError):
            studio.project(1)

    def test_a_netrc_file_is_not_used(self, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine localhost login me password from-netrc\n")
        monkeypatch.setenv("NETRC", str(netrc))
        seen = []

        def remember(request):
            seen.append(request.headers.get("Authorization"))
            return version_only(request)

        with web_server(remember) as url:
            client(url).check()
        assert seen == [None, f"Token {KEY}"]


class TestRepeating:
    @pytest.fixture(autouse=True)
    def no_pauses(self, monkeypatch):
        monkeypatch.setattr("fo_labelstudio.remote.retrying._FIRST_PAUSE", 0.01)

    def failing(self, times, status=503):
        asked = []

        def handle(request):
            asked.append(request.command)
            if len(asked) <= times:
                return status, {"Content-Type": "application/json", "Retry-After": "0"}, b'{"detail": "busy"}'
            return 200, {}, b'{"id": 1}'

        return asked, handle

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_get_is_repeated(self, status):
        asked, handle = self.failing(2, status)
        with web_server(handle) as url:
            assert client(url, retries=3).project(1) == {"id": 1}
        assert len(asked) == 3

    def test_a_get_is_not_repeated_for_ever(self):
        asked, handle = self.failing(99)
        with web_server(handle) as url, pytest.raises(ServerError, match="failed with HTTP 503: busy"):
            client(url, retries=2).project(1)
        assert len(asked) == 3

    def test_what_makes_something_is_sent_once(self):
        asked, handle = self.failing(1)
        with web_server(handle) as url, pytest.raises(ServerError, match="HTTP 503"):
            client(url, retries=3).create_project(title="x")
        assert asked == ["POST"]


class TestMessages:
    @responses.activate
    def test_an_error_tells_what_the_server_found_wrong(self):
        errors = {"detail": "Validation error", "validation_errors": {"label_config": ["no such tag"]}}
        responses.post(f"{URL}/api/projects/", json=errors, status=400)
        with pytest.raises(ServerError, match=r"POST http://studio/api/projects/ failed with HTTP 400: .*no such tag"):
            client().create_project(title="x")

    @responses.activate
    def test_no_secret_and_no_page_of_html_gets_into_a_message(self):
        body = f"<p>{KEY} and do-not-tell</p>" + "x" * 10_000
        responses.get(f"{URL}/api/projects/1/", body=body, status=500)
        with pytest.raises(ServerError) as error:
            client(http_headers=Secret({"X": "do-not-tell"})).project(1)
        assert KEY not in str(error.value) and "do-not-tell" not in str(error.value)
        assert len(str(error.value)) < 500

    @responses.activate
    def test_headers_are_sent(self):
        responses.get(f"{URL}/api/projects/1/", json={})
        client(http_headers=Secret({"X-Team": "vision"})).project(1)
        assert responses.calls[0].request.headers["X-Team"] == "vision"

    def test_a_proxy_is_used_and_its_login_not_told(self):
        asked = []

        def handle(request):
            asked.append(request.path)
            return 200, {}, b'{"id": 1}'

        with web_server(handle) as proxy:
            proxies = Secret({"http": proxy.replace("http://", "http://me:hidden@")})
            assert client("http://studio.invalid", proxies=proxies).project(1) == {"id": 1}
        assert asked == ["http://studio.invalid/api/projects/1/"]
        with pytest.raises(ConnectionFailedError) as error:
            client("http://studio.invalid", proxies=proxies).project(1)
        assert "hidden" not in str(error.value)


@pytest.mark.parametrize("path", ["@evil.org/a.png", ".evil.org/a.png", "a.png", ""])
def test_media_are_asked_for_at_a_path_of_the_server_only(path):
    with pytest.raises(ServerError, match=r"is no path of http://studio"), client().media(path):
        pass
