"""Media files stay where they are: the server reads the disk that it shares with this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote, urlsplit

from fo_labelstudio.errors import ServerError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.transport.transport import MediaSettings, Transport, extension_problem_of

_SETTINGS = "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"


def problem_of(path: str, settings: MediaSettings) -> str | None:
    """What keeps the server from reading a file, or None."""
    relative = _relative(path, settings)
    if relative is None:
        return f"it is not below local_files_root {settings.root!r}, the folder that the server shares"
    if len(relative.parts) < 2:
        return f"it lies in local_files_root {settings.root!r} itself, which the server does not serve; move it below"
    return extension_problem_of(path)


def known(client: Client, project_id: int) -> dict[str, str]:
    """Nothing: an address is found without asking the server."""
    return {}


def send(client: Client, project_id: int, paths: Mapping[str, str], settings: MediaSettings) -> dict[str, str]:
    """Has the server serve files.

    Args:
        client: the server
        project_id: the project that shows them
        paths: name -> path on this machine
        settings: where the shared folder is, for us and for the server

    Returns:
        name -> the url at which the server serves the file

    Raises:
        ServerError: the server does not serve them; says which of its settings is missing
    """
    urls = {}
    served = set(client.local_storages(project_id)) if paths else set()
    for name, path in paths.items():
        relative = _relative(path, settings)
        urls[name] = f"{urlsplit(client.url).path}/data/local-files/?d={quote(relative.as_posix())}"
        folder = str(_on_server(settings) / relative.parts[0])
        if folder not in served:
            _serve(client, project_id, folder, urls[name], path)
            served.add(folder)
    return urls


def _serve(client: Client, project_id: int, folder: str, url: str, path: str) -> None:
    """Has the server serve a folder, and makes sure that it does before thousands of tasks rely on it."""
    try:
        client.make_local_storage(project_id, folder)
    except ServerError as error:
        raise ServerError(
            f"the server does not serve its folder {folder!r} ({error}); start it with {_SETTINGS} set to the folder "
            "that local_files_root is on its side, and pass local_files_server_root where it has another name there",
            error.status,
            error.path,
        ) from None
    try:
        size = client.size_of_media(url)
    except ServerError as error:
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


def _relative(path: str, settings: MediaSettings) -> PurePosixPath | None:
    """A path as seen from the shared folder, or None where it is not below."""
    try:
        # Links stay as they are: the server may not be able to follow them to where they lead here.
        return PurePosixPath(Path(path).absolute().relative_to(Path(settings.root).absolute()).as_posix())
    except ValueError:
        return None


def _on_server(settings: MediaSettings) -> PurePath:
    root = settings.server_root or str(Path(settings.root).absolute())
    return PureWindowsPath(root) if "\\" in root or root[1:2] == ":" else PurePosixPath(root)


TRANSPORT = Transport(problem_of, known, send)
