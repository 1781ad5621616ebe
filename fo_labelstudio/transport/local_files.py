"""Media files stay where they are: the server reads the disk that it shares with this machine.

What is converted is not on the disk, and is uploaded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote, urlsplit

from fo_labelstudio.errors import ServerError, SettingsError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import is_transient
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.transport import Addresses, Inspection, Media, MediaSettings, Target, Transport
from fo_labelstudio.transport.upload import Uploads

_SETTINGS = "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"


def inspect(media: Sequence[Media], settings: MediaSettings) -> list[Inspection]:
    """Looks at files of the disk that the server shares."""
    below = _below(settings)
    return [_inspect(item.path, settings, below) for item in media]


def _inspect(path: str | None, settings: MediaSettings, below: str) -> Inspection:
    relative = _relative(path, below) if path else None
    if path and relative is None:
        return Inspection(problem=f"it {_not_below(settings)}")
    if relative and "/" not in relative:
        return Inspection(
            problem=f"it lies in local_files_root {settings.root!r} itself, which the server does not serve; move it "
            "below"
        )
    return FILES[settings.medium].inspect(path, settings.converts)


def is_below(path: str | None, root: str) -> bool:
    """Whether a server that shares a folder serves a file: below the folder, not in it."""
    relative = _relative(path, _below(MediaSettings(root=root))) if path else None
    return relative is not None and "/" in relative


class LocalFiles:
    """The files of its own disk that a server serves to one project.

    Args:
        client: the server
        project_id: the project that shows them
        settings: where the shared folder is, for us and for the server
    """

    def __init__(self, client: Client, project_id: int, settings: MediaSettings):
        self._client = client
        self._project_id = project_id
        self._settings = settings
        self._uploads = Uploads(client, project_id, settings)
        self._served: set[str] | None = None

    def send(self, paths: Sequence[str]) -> list[str]:
        """Has the server serve files; see :class:`Sender`.

        Raises:
            ServerError: the server does not serve them; says which of its settings is missing
        """
        files = FILES[self._settings.medium]
        is_made, converts = files.made is not None, self._settings.converts
        converted = [path for path in paths if is_made or (converts and files.inspect(path, False).problem)]
        uploaded = dict(zip(converted, self._uploads.send(converted))) if converted else {}
        served = self._serve_all([path for path in paths if path not in uploaded])
        return [uploaded.get(path) or served[path] for path in paths]

    def _serve_all(self, paths: Sequence[str]) -> dict[str, str]:
        """The urls of files of the shared disk, by path."""
        if self._served is None:
            self._served = set(self._client.local_storages(self._project_id))
        urls = {}
        folders: dict[str, str] = {}
        start, below, root = urlsplit(self._client.url).path, _below(self._settings), _on_server(self._settings)
        for path in paths:
            relative = _relative(path, below)
            if relative is None:
                raise SettingsError(f"{path!r} {_not_below(self._settings)}")
            url = address_of(relative, start)
            first = relative.partition("/")[0]
            if first not in folders:
                folders[first] = str(root / first)
            folder = folders[first]
            if folder not in self._served:
                self._serve(folder, url, path)
                self._served.add(folder)
            urls[path] = url
        return urls

    def _serve(self, folder: str, url: str, path: str) -> None:
        """Has the server serve a folder, and makes sure that it does before thousands of tasks rely on it."""
        try:
            self._client.make_local_storage(self._project_id, folder)
        except ServerError as error:
            if is_transient(error):
                # What has become of the request is looked up before it is repeated.
                self._served = None
                raise
            raise ServerError(
                f"the server does not serve its folder {folder!r} ({error}); start it with {_SETTINGS} set to the "
                "folder that local_files_root is on the server, and pass local_files_server_root if it has another "
                "path there; or pass media='upload' to copy the files",
                error.status,
                error.path,
            ) from None
        try:
            size = self._client.size_of_media(url)
        except ServerError as error:
            if is_transient(error):
                raise
            raise ServerError(
                f"the server does not serve {path!r} as {url} ({error}); does it see the same files in {folder!r}?",
                error.status,
                error.path,
            ) from None
        if size is not None and size != Path(path).stat().st_size:
            raise ServerError(
                f"the server serves another file than {path!r} as {url}; set local_files_root to the folder that is "
                "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT on the server's side"
            )


def _root(settings: MediaSettings) -> str:
    """The path of the shared folder on this machine."""
    if settings.root is None:
        raise SettingsError("media='local_files' needs local_files_root, the folder that the server shares; pass it")
    return os.path.abspath(settings.root)


def _below(settings: MediaSettings) -> str:
    """What the paths of all files in the shared folder begin with."""
    # Links stay as they are: the server may not be able to follow them to where they lead here.
    return os.path.join(_root(settings), "")


def _relative(path: str, below: str) -> str | None:
    """A path as seen from the shared folder, with slashes, or None where it is not below."""
    full = os.path.abspath(path)
    if not os.path.normcase(full).startswith(os.path.normcase(below)):
        return None
    return full[len(below) :].replace(os.sep, "/")


def _not_below(settings: MediaSettings) -> str:
    return f"is not below local_files_root {settings.root!r}, the folder that the server shares"


def _on_server(settings: MediaSettings) -> PurePath:
    root = settings.server_root or _root(settings)
    return PureWindowsPath(root) if "\\" in root or root[1:2] == ":" else PurePosixPath(root)


def address_of(relative: str, start: str = "") -> str:
    """The address at which a server serves a file of its disk.

    Args:
        relative: the path below the folder that it shares, with slashes
        start: the path of the server's start page
    """
    return f"{start}/data/local-files/?d={quote(relative)}"


def written(settings: MediaSettings, target: Target) -> Addresses:
    """Names files of the shared disk; see :class:`Writer`."""
    below = _below(settings)

    def named(path: str) -> str:
        relative = _relative(path, below)
        if relative is None:
            raise SettingsError(f"{path!r} {_not_below(settings)}")
        return address_of(relative, target.start)

    return Addresses(named)


TRANSPORT = Transport(inspect, LocalFiles, written)
