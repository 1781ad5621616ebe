"""Media files are copied to the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from fo_labelstudio.errors import ServerError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.transport.transport import MediaSettings, Transport, extension_problem_of

_MAX_FILES = 100
"""Files a request; a stock server answers 500 to more (DATA_UPLOAD_MAX_NUMBER_FILES)."""

_MAX_BYTES = 32 * 2**20
"""Bytes a request, unless a single file has more; a stock server answers 500 above 250 MiB."""


def problem_of(path: str, settings: MediaSettings) -> str | None:
    """What keeps a file from being uploaded, or None."""
    return extension_problem_of(path)


def known(client: Client, project_id: int) -> dict[str, str]:
    """The files that a project has, as name -> url; names are those of :func:`send`."""
    return {
        PurePosixPath(path).stem.rpartition("-")[2]: _url(client, path) for path in sorted(client.uploads(project_id))
    }


def send(client: Client, project_id: int, paths: Mapping[str, str], settings: MediaSettings) -> dict[str, str]:
    """Uploads files.

    Args:
        client: the server
        project_id: the project that receives them
        paths: name of each file on the server, without extension and dash -> its path on this machine
        settings: nothing of them counts here

    Returns:
        name -> the url at which the server serves the file

    Raises:
        OSError: a file cannot be read
        ServerError: the server did not take all of them
    """
    urls = {}
    for names, files in _requests(paths):
        upload_ids = client.upload_files(project_id, files)
        paths_on_server = client.uploaded_paths(project_id, upload_ids)
        if len(upload_ids) != len(names) or set(upload_ids) != set(paths_on_server):
            raise ServerError(
                f"the server took {len(upload_ids)} of {len(names)} media files; does a proxy limit their size?"
            )
        urls.update(
            (name, _url(client, paths_on_server[upload])) for name, upload in zip(names, upload_ids, strict=True)
        )
    return urls


def _url(client: Client, path: str) -> str:
    # The server's own start page may lie under a path.
    return f"{urlsplit(client.url).path}/data/{path}"


def _requests(paths: Mapping[str, str]) -> Iterator[tuple[list[str], list[tuple[str, bytes]]]]:
    names: list[str] = []
    files: list[tuple[str, bytes]] = []
    size = 0
    for name, path in paths.items():
        content = Path(path).read_bytes()
        if files and (len(files) == _MAX_FILES or size + len(content) > _MAX_BYTES):
            yield names, files
            names, files, size = [], [], 0
        names.append(name)
        files.append((name + Path(path).suffix.lower(), content))
        size += len(content)
    if files:
        yield names, files


TRANSPORT = Transport(problem_of, known, send)
