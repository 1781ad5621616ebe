"""Media files are copied to the server, those that are alike once; or what they are converted to.

Their names there begin with their own, so that whatever Label Studio exports leads back to a sample.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from fo_labelstudio.errors import HalfMadeError, ServerError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.jobs import upload_files
from fo_labelstudio.remote.multipart import File
from fo_labelstudio.remote.retrying import sent_in_parts
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.files.files import Content
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings, Transport

_MAX_FILES = 100
"""Files a request; a stock server answers 500 to more (DATA_UPLOAD_MAX_NUMBER_FILES)."""

_DIGITS = 20
"""Of the digest of its content, in a file's name."""

_MAX_PATH = 100
"""Characters of ``upload/<project>/<8 digits>-<name>``; the server cuts off the end of longer names (1.23.2)."""

_MAX_BYTES = 143
"""Of a file's name; that many are taken by every file system, encrypting ones included."""

_LOST = re.compile(r"[^-\w.]")
"""What the server leaves out of names (1.23.2, ``get_valid_filename()`` of Django's)."""


def upload_name(path: str, digest: str, extension: str, project_id: int) -> str:
    """The name under which a file is uploaded: its own base name, as far as the server keeps it, and its digest.

    The digest stands last, where the files that a project has already are known by it.

    Args:
        path: its path on this machine
        digest: the first digits of the digest of what is sent
        extension: the one of what is sent
        project_id: the project that receives it
    """
    end = f"-{digest}{extension}"
    base = unicodedata.normalize("NFC", os.path.splitext(os.path.basename(path))[0])
    base = _LOST.sub("", base.strip().replace(" ", "_"))
    base = base[: _MAX_PATH - len(f"upload/{project_id}/12345678-{end}")]
    base = base.encode()[: _MAX_BYTES - len(f"12345678-{end}")].decode(errors="ignore")
    return base + end if base else end[1:]


def inspect(media: Sequence[Media], settings: MediaSettings) -> list[Inspection]:
    """Looks at files, and whether the server takes files of their sizes."""
    return [_inspect(item.path, settings) for item in media]


def _inspect(path: str | None, settings: MediaSettings) -> Inspection:
    inspect_one = FILES[settings.medium].inspect
    found = inspect_one(path, settings.converts)
    # What is made of a file has another size.
    if path is None or found.info is None or FILES[settings.medium].made is not None:
        return found
    try:
        size = os.path.getsize(path)
    except OSError as error:
        return Inspection(problem=f"its {settings.medium} cannot be read ({error})")
    # What is made of a file that is converted has another size.
    if size <= settings.max_file_bytes or (settings.converts and inspect_one(path, False).problem):
        return found
    return Inspection(
        problem=f"it has {size:,} bytes, and the server takes files of at most {settings.max_file_bytes:,}; use "
        "media='local_files' or media='cloud', or have the server started with "
        f"DATA_UPLOAD_MAX_MEMORY_SIZE={2 * size} and pass max_file_bytes={size}"
    )


class Uploads:
    """The files of one project.

    Args:
        client: the server
        project_id: the project that receives them
        settings: whether media are converted that cannot be sent as they are
    """

    def __init__(self, client: Client, project_id: int, settings: MediaSettings):
        self._client = client
        self._project_id = project_id
        self._converts = settings.converts
        self._files = FILES[settings.medium]
        self._urls: dict[str, str] = {}
        self._is_known = False
        """Whether all files that the server has are in _urls."""
        self._latest: dict[tuple[str, int, int], str] = {}
        """Path, size and time of each file that was sent last -> its digest; clips of a video follow each other."""

    def send(self, paths: Sequence[str]) -> list[str]:
        """Uploads files that the project does not have yet; see :class:`Sender`."""
        if not self._is_known:
            # Files that came with a request whose answer was lost are used, not sent again.
            self._look_up()
        self._is_known = False
        digests: list[str] = []
        latest: dict[tuple[str, int, int], str] = {}
        with ExitStack() as opened:
            request: dict[str, File] = {}
            size = 0
            for path in paths:
                there = os.stat(self._files.source_of(path))
                known = path, there.st_size, there.st_mtime_ns
                if known in self._latest:
                    latest[known] = self._latest[known]
                    digests.append(latest[known])
                    continue
                with ExitStack() as kept:
                    content = kept.enter_context(self._files.read(path, self._converts))
                    digest, length = _digest_of(content)
                    latest[known] = digest
                    digests.append(digest)
                    if digest in self._urls or digest in request:
                        continue
                    if request and (len(request) == _MAX_FILES or size + length > self._client.max_bytes):
                        self._upload(request)
                        opened.close()
                        request, size = {}, 0
                    # What was converted is there until it is sent.
                    opened.push(kept.pop_all())
                name = upload_name(path, digest, content.extension, self._project_id)
                request[digest] = File(name, length, content.open)
                size += length
            if request:
                self._upload(request)
        self._is_known, self._latest = True, latest
        return [self._urls[digest] for digest in digests]

    def _upload(self, files: Mapping[str, File]) -> None:
        def upload(digests: Sequence[str]) -> None:
            try:
                upload_ids = upload_files(self._client, self._project_id, [files[digest] for digest in digests])
            except ServerError as error:
                # The latter of a server that looks at them later.
                if error.status != 400 and not isinstance(error, HalfMadeError):
                    raise
                # A project that shows more than one thing of a task refuses files, and keeps them (1.23.2).
                self._look_up()
                if any(digest not in self._urls for digest in digests):
                    raise
                return
            paths = self._client.uploaded_paths(self._project_id, upload_ids)
            if len(upload_ids) != len(digests) or set(upload_ids) != set(paths):
                raise ServerError(
                    f"the server took {len(upload_ids)} of {len(digests)} media files; does a proxy limit their size?"
                )
            self._urls.update(
                (digest, self._url(paths[upload_id])) for digest, upload_id in zip(digests, upload_ids, strict=True)
            )

        sent_in_parts(list(files), upload)

    def _look_up(self) -> None:
        """Finds the files that the server has already."""
        for path in sorted(self._client.uploads(self._project_id)):
            # Earlier versions wrote more digits.
            self._urls[PurePosixPath(path).stem.rpartition("-")[2][:_DIGITS]] = self._url(path)

    def _url(self, path: str) -> str:
        # The server's own start page may lie under a path.
        return f"{urlsplit(self._client.url).path}/data/{path}"


def _digest_of(content: Content) -> tuple[str, int]:
    """The digest of what is sent, and how many bytes it has."""
    digest, length = hashlib.blake2b(digest_size=16), 0
    for piece in content.pieces():
        digest.update(piece)
        length += len(piece)
    return digest.hexdigest()[:_DIGITS], length


TRANSPORT = Transport(inspect, Uploads)
