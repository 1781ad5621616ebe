"""Servers on loopback that hold media: a real S3 API, and a web server."""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import requests

from tests.web import LoopbackServer

# Moto would allow every page everything; read when it is imported.
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from moto.server import ThreadedMotoServer

_REGION = "us-east-1"


class S3Server:
    """Moto's server, which speaks the API of S3."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)

    def __enter__(self) -> S3Server:
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        # All of moto's servers in a process hold the same.
        requests.post(f"{self.url}/moto-api/reset", timeout=60).raise_for_status()
        login = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
        iam = boto3.client("iam", endpoint_url=self.url, region_name=_REGION, **login)
        iam.create_user(UserName="user")
        key = iam.create_access_key(UserName="user")["AccessKey"]
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="user", PolicyName="policy", PolicyDocument=policy)
        self.storage = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "region_name": _REGION,
            "s3_endpoint": self.url,
        }
        """The setting cloud_storage that opens it."""
        login = {name: self.storage[name] for name in login}
        self.client = boto3.client("s3", endpoint_url=self.url, region_name=_REGION, **login)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def ask_for_logins(self, is_on: bool) -> None:
        """Whether credentials are checked; moto then takes no signed addresses."""
        requests.post(f"{self.url}/moto-api/reset-auth", data="0" if is_on else "inf", timeout=60).raise_for_status()

    def put(self, bucket: str, key: str, path: Path) -> str:
        """Puts a file into a bucket; returns its address."""
        self.client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        return f"s3://{bucket}/{key}"

    def allow(self, bucket: str, origin: str) -> None:
        """Has pages of an origin show the objects of a bucket."""
        rule = {"AllowedMethods": ["GET"], "AllowedOrigins": [origin]}
        self.client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


class WebServer(LoopbackServer):
    """Serves the files of a folder, and records what it is asked for.

    Args:
        folder: the folder
        origin: whose pages may show the files, as it says
        knows_ranges: whether it serves parts of files
        certificate: a certificate of trustme, for https
    """

    def __init__(self, folder: Path, origin: str | None = None, knows_ranges: bool = True, certificate: Any = None):
        self.folder, self.origin, self.knows_ranges = folder, origin, knows_ranges
        self.content_type: str | None = "image/png"
        """What the server says that files are."""
        self.failures = 0
        """How many requests from now on are answered with 503."""
        self.redirects: dict[str, str] = {}
        """Path -> where it redirects to."""
        self.requests: list[dict[str, str]] = []
        """The headers of each request."""
        self.sent = 0
        """How many bytes of files were asked for."""
        self._barrier: threading.Barrier | None = None
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
        super().__init__(_handler(self), context)

    def gather(self, number: int) -> None:
        """From now on requests are answered only when so many of them are there at once."""
        self._barrier = threading.Barrier(number)

    def wait(self) -> None:
        """Waits for the other requests that are to be answered at once."""
        if self._barrier is not None:
            self._barrier.wait()


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.requests.append(dict(self.headers))
            server.wait()
            path = unquote(urlsplit(self.path).path)
            file = server.folder / path.lstrip("/")
            if path in server.redirects:
                self._answer(302, b"", {"Location": server.redirects[path]})
            elif server.failures:
                server.failures -= 1
                self._answer(503, b"")
            elif path.startswith("/private/"):
                self._answer(403, b"no")
            elif not file.is_file():
                self._answer(404, b"none")
            else:
                self._send_file(file.read_bytes())

        def _send_file(self, content: bytes) -> None:
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if not (part and server.knows_ranges):
                self._answer(200, content)
                return
            start, end = int(part.group(1)), min(int(part.group(2)), len(content) - 1)
            if start >= len(content):
                self._answer(416, b"")
                return
            self._answer(206, content[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(content)}"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            if server.origin:
                self.send_header("Access-Control-Allow-Origin", server.origin)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if server.content_type:
                self.send_header("Content-Type", server.content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            server.sent += len(content)
            try:
                self.wfile.write(content)
            except (ConnectionError, ssl.SSLError):
                # Whoever asked has read enough.
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    return Handler
