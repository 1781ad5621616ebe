"""The heads of media files elsewhere: as much of a file as tells its size."""

from __future__ import annotations

import io
from collections.abc import Callable
from threading import Lock
from typing import Any, BinaryIO, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fo_labelstudio.errors import ConnectionFailedError, ServerError, TLSError
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.transport.address import Address
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.public_web import AT_ONCE, Web
from fo_labelstudio.transport.transport import Inspection, MediaSettings

_FIRST = 2**16
_MOST = 2**22


class RemoteFile(io.RawIOBase):
    """The beginning of a file elsewhere, fetched as it is read.

    Args:
        fetch: the bytes from one position to another, fewer at the end of the file
        remedy: what to do where its beginning does not tell its size
    """

    def __init__(self, fetch: Callable[[int, int], bytes], remedy: str):
        super().__init__()
        self._fetch = fetch
        self._remedy = remedy
        self._content = bytearray()
        self._position = 0
        self._is_whole = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._fill(None)
        self._position = offset + (0, self._position, len(self._content))[whence]
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        stop = None if size is None or size < 0 else self._position + size
        self._fill(stop)
        content = bytes(self._content[self._position : stop])
        self._position += len(content)
        return content

    def _fill(self, stop: int | None) -> None:
        """Fetches all up to a position, or the whole file."""
        while not self._is_whole and (stop is None or len(self._content) < stop):
            start = len(self._content)
            if start == _MOST:
                raise OSError(f"its first {_MOST >> 20} MiB do not contain its size; {self._remedy}")
            end = max(_FIRST, 4 * start)
            self._content += self._fetch(start, end)
            self._is_whole = len(self._content) < end


class _ClosedError(ServerError):
    """No file of a bucket can be read."""


class Heads:
    """Reads the heads of files on web servers and in S3.

    Args:
        settings: credentials, and how often a request is repeated
    """

    def __init__(self, settings: MediaSettings):
        self._settings = settings
        self._files = FILES[settings.medium]
        self._remedy = f"set {self._files.told_by}"
        self._web = Web(settings.retries)
        self._s3: Any = None
        self._lock = Lock()
        self._closed: dict[tuple[str, str], str] = {}
        """Why no file of a bucket or host can be read: that is not found out for each file anew."""

    def inspect(self, address: Address) -> Inspection:
        """Looks at the head of a file."""
        if address.kind not in ("web", "s3"):
            return Inspection(problem=f"its size is read from its metadata only, and there is none; {self._remedy}")
        place = (address.kind, address.place)
        if place in self._closed:
            return Inspection(problem=self._closed[place])
        fetch = self._fetch_from_web if address.kind == "web" else self._fetch_from_s3
        try:
            # It reads, seeks and tells, which is all that is asked of it.
            file = cast(BinaryIO, RemoteFile(lambda start, stop: fetch(address, start, stop), self._remedy))
            return self._files.inspect_file(file, is_whole=False)
        except (ConnectionFailedError, TLSError, _ClosedError) as error:
            self._closed[place] = f"{error}; where this machine cannot reach it, {self._remedy}"
            return Inspection(problem=self._closed[place])
        except (ServerError, OSError) as error:
            return Inspection(problem=f"its {self._settings.medium} cannot be read ({error})")

    def _fetch_from_web(self, address: Address, start: int, stop: int) -> bytes:
        return self._web.read(address.url, start, stop)

    def _fetch_from_s3(self, address: Address, start: int, stop: int) -> bytes:
        def fetch(_: int) -> bytes:
            body = self._open(address, start, stop)
            try:
                return b"" if body is None else body.read()
            except BotoCoreError as error:
                raise ConnectionFailedError(f"the connection to S3 broke ({type(error).__name__})") from None

        return repeated(fetch, self._settings.retries, f"reading from bucket {address.place!r}")

    def _open(self, address: Address, start: int, stop: int) -> Any:
        """A part of an object of S3, or None beyond its end."""
        try:
            part = f"bytes={start}-{stop - 1}"
            return self._client().get_object(Bucket=address.place, Key=address.key, Range=part)["Body"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "InvalidRange":
                return None
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            remedy = "; pass credentials that may read it as cloud_storage" if status in (401, 403) else ""
            raise ServerError(f"S3 answers {code}, HTTP {status}, to its address{remedy}") from None
        except (BotoCoreError, ValueError) as error:
            # Their texts may hold what was configured.
            raise _ClosedError(
                f"S3 cannot be asked for bucket {address.place!r} ({type(error).__name__}); pass credentials, and "
                "region_name or s3_endpoint where they are needed, as cloud_storage"
            ) from None

    def _client(self) -> Any:
        with self._lock:
            if self._s3 is None:
                storage = self._settings.storage.reveal()
                keys = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
                session = boto3.Session(**{key: storage[key] for key in keys if key in storage})
                retries = {"mode": "standard", "total_max_attempts": self._settings.retries + 1}
                self._s3 = session.client(
                    "s3",
                    region_name=storage.get("region_name"),
                    endpoint_url=storage.get("s3_endpoint"),
                    config=Config(signature_version="s3v4", retries=retries, max_pool_connections=AT_ONCE),
                )
            return self._s3
