"""Media files are copied to the server, those that are alike once; or what they are converted to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from fo_labelstudio.errors import ServerError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import sent_in_parts
from fo_labelstudio.remote.transport import image
from fo_labelstudio.remote.transport.transport import Inspection, Media, MediaSettings, Transport

_MAX_FILES = 100
"""Files a request; a stock server answers 500 to more (DATA_UPLOAD_MAX_NUMBER_FILES)."""


def inspect(media: Sequence[Media], settings: MediaSettings) -> list[Inspection]:
    """Looks at files."""
    return [image.inspect(item.path, settings.converts) for item in media]


class Uploads:
    """The files of one project.

    Args:
        client: the server
        project_id: the project that receives them
        settings: whether images are converted that cannot be sent as they are
    """

    def __init__(self, client: Client, project_id: int, settings: MediaSettings):
        self._client = client
        self._project_id = project_id
        self._converts = settings.converts
        self._urls: dict[str, str] = {}
        self._is_known = False
        """Whether all files that the server has are in _urls."""

    def send(self, paths: Sequence[str]) -> list[str]:
        """Uploads files that the project does not have yet; see :class:`Sender`."""
        if not self._is_known:
            # Files that came with a request whose answer was lost are used, not sent again.
            for path in sorted(self._client.uploads(self._project_id)):
                self._urls[PurePosixPath(path).stem.rpartition("-")[2]] = self._url(path)
        self._is_known = False
        names: list[str] = []
        request: dict[str, tuple[str, bytes]] = {}
        size = 0
        for path in paths:
            content, extension = image.read(path, self._converts)
            name = hashlib.blake2b(content, digest_size=16).hexdigest()
            names.append(name)
            if name in self._urls or name in request:
                continue
            if request and (len(request) == _MAX_FILES or size + len(content) > self._client.max_bytes):
                self._upload(request)
                request, size = {}, 0
            request[name] = (name + extension, content)
            size += len(content)
        if request:
            self._upload(request)
        self._is_known = True
        return [self._urls[name] for name in names]

    def _upload(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        def upload(names: Sequence[str]) -> None:
            upload_ids = self._client.upload_files(self._project_id, [files[name] for name in names])
            paths = self._client.uploaded_paths(self._project_id, upload_ids)
            if len(upload_ids) != len(names) or set(upload_ids) != set(paths):
                raise ServerError(
                    f"the server took {len(upload_ids)} of {len(names)} media files; does a proxy limit their size?"
                )
            self._urls.update(
                (name, self._url(paths[upload_id])) for name, upload_id in zip(names, upload_ids, strict=True)
            )

        sent_in_parts(list(files), upload)

    def _url(self, path: str) -> str:
        # The server's own start page may lie under a path.
        return f"{urlsplit(self._client.url).path}/data/{path}"


TRANSPORT = Transport(inspect, Uploads)
