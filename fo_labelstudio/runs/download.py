"""download(): the media of tasks -> files of this machine, also from behind the server's login."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import fiftyone.core.utils as fou

from fo_labelstudio.convert.media_address import CLOUD, DATA, LOCAL_FILES, UPLOAD, MediaAddress, local_name
from fo_labelstudio.convert.media_match import Matching, Place
from fo_labelstudio.errors import ConnectionFailedError, LabelStudioError, ServerError, TLSError
from fo_labelstudio.messages import listed
from fo_labelstudio.remote.body import BodyError, Stream
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.runs.match import TEMPORARY, DataPath
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.transport.private_hosts import PublicHosts
from fo_labelstudio.transport.public_web import Web, origin_of

_AT_ONCE = 10
"""Most requests at the same time; as many connections are kept open."""

_WAITING = 1_000
"""Most files that wait for their turn."""

_LARGEST = 4 * 2**30
"""Bytes of the largest media file that is fetched."""

_RETRIES = 4

_LOGIN = "no server was given; pass url and api_key of the Label Studio that it is from, or data_path with the files"


_IF_PRIVATE = "pass allow_private_hosts=True if you trust whoever made the tasks, or data_path with the files"


class Downloaded(NamedTuple):
    """What became of the media of tasks.

    Attributes:
        paths: image of a task -> path of its file
        failures: image of a task -> why it could not be fetched
        fetched: how many files were fetched
        kept: how many were there already
    """

    paths: dict[Place, str]
    failures: dict[Place, str]
    fetched: int
    kept: int

    def report(self) -> str:
        """What could not be fetched, for a message; "" where all was."""
        lines = [f"task {task}, {slot}: {reason}" for (task, slot), reason in self.failures.items()]
        return f"{len(lines)} image(s) of tasks could not be fetched:{listed(lines)}" if lines else ""


class _Outcome(NamedTuple):
    path: str | None
    problem: str | None = None
    is_fetched: bool = False


class _Target(NamedTuple):
    """Where a file goes.

    Attributes:
        path: its path, or None where there is no folder
        is_named: whether the user has named this very path, so that it may be anywhere
    """

    path: str | None
    is_named: bool = False


def download_missing(
    found: Matching,
    data_path: DataPath,
    client: Client | None = None,
    project_id: int | None = None,
    *,
    num_workers: int | None = None,
    progress: bool | None = None,
    allow_private_hosts: bool = False,
) -> Downloaded:
    """Fetches the media that are neither samples nor files: into ``data_path``, or to the path that a manifest names.

    Args:
        found: which sample each image of the tasks is
        data_path: what was passed to :func:`match_tasks`
        client, project_id, num_workers, progress, allow_private_hosts: see :func:`download`
    """
    absent = {place: path for place, path in found.files.items() if not os.path.lexists(path)}
    images = {**found.left, **{place: found.addresses[place] for place in absent}}
    folder = None if isinstance(data_path, Mapping) or os.path.isfile(data_path) else data_path
    return download(
        images,
        folder,
        client,
        project_id,
        paths=absent,
        num_workers=num_workers,
        progress=progress,
        allow_private_hosts=allow_private_hosts,
    )


def download(
    images: Mapping[Place, MediaAddress],
    folder: str | os.PathLike[str] | None,
    client: Client | None = None,
    project_id: int | None = None,
    *,
    paths: Mapping[Place, str] | None = None,
    num_workers: int | None = None,
    progress: bool | None = None,
    allow_private_hosts: bool = False,
) -> Downloaded:
    """Fetches the media of tasks, several at once.

    A file has the name that :func:`local_name` gives it, so that it is found by its address later. It is written under
    a temporary name, and renamed when it is whole; what is there already, as large as the server says, is not fetched
    again. So the same call continues one that was interrupted.

    The API key is sent to the server itself only, never to where it redirects; everything else is asked for as anybody
    could. Tasks may name any address, so that only hosts of the internet are asked, and the server's own.

    Args:
        images: image of a task -> what the task calls it
        folder: where the files go; made where it is missing. Without one, only what ``paths`` names is fetched
        client: the server, if there is one
        project_id: the project, through which the server hands out what is in cloud storages
        paths: image of a task -> path of its file, where that is known
        num_workers: how many files are fetched at once, at most 10
        progress: whether to show a progress bar; FiftyOne's setting if None
        allow_private_hosts: whether hosts of private networks, and this machine, are asked, too

    Returns:
        the paths; what failed is told, and stops nothing
    """
    places: dict[str, list[Place]] = defaultdict(list)
    addresses: dict[str, MediaAddress] = {}
    named: dict[str, str] = {}
    for place, address in images.items():
        places[address.identity].append(place)
        addresses.setdefault(address.identity, address)
        if paths and place in paths:
            named[address.identity] = paths[place]
    root = None if folder is None else os.path.abspath(os.path.expanduser(os.fspath(folder)))
    targets = _targets(addresses, root, named)
    hosts = None if allow_private_hosts else PublicHosts(None if client is None else client.url, _IF_PRIVATE)
    fetcher = _Fetcher(root, client, project_id, hosts)
    workers = max(1, min(fou.recommend_thread_pool_workers(num_workers), _AT_ONCE))
    found = Downloaded({}, {}, 0, 0)
    with progress_bar("Fetching media", len(addresses), progress=progress) as bar:
        outcomes = _outcomes(lambda identity: fetcher.fetch(addresses[identity], targets[identity]), addresses, workers)
        for identity, outcome in zip(addresses, bar(outcomes)):
            found = _with(found, places[identity], outcome)
    return found


def write_value(text: str, folder: str | os.PathLike[str], name: str) -> str:
    """Writes what a task holds itself into a file, unless it is there.

    Args:
        text: what is to be in the file
        folder: where the file goes; made where it is missing
        name: the name of the file, the same for the same value

    Returns:
        the path of the file
    """
    root = os.path.abspath(os.path.expanduser(os.fspath(folder)))
    os.makedirs(root, exist_ok=True)
    path = os.path.join(root, name)
    # Who reads the file takes the first mark of the byte order for none of its characters.
    content = text.encode("utf-8-sig" if text.startswith("\ufeff") else "utf-8")
    if not os.path.isfile(path):
        _write(path, iter((content,)), is_empty=not content)
    return path


def _outcomes(fetch: Callable[[str], _Outcome], identities: Iterable[str], workers: int) -> Iterator[_Outcome]:
    """What becomes of each, in order; few wait at a time."""
    remaining = iter(identities)
    with ThreadPoolExecutor(workers) as executor:
        while block := list(islice(remaining, _WAITING)):
            yield from executor.map(fetch, block)


def _with(found: Downloaded, places: list[Place], outcome: _Outcome) -> Downloaded:
    if outcome.path is None:
        found.failures.update(dict.fromkeys(places, outcome.problem or ""))
        return found
    found.paths.update(dict.fromkeys(places, outcome.path))
    return found._replace(fetched=found.fetched + outcome.is_fetched, kept=found.kept + (not outcome.is_fetched))


def _targets(addresses: Mapping[str, MediaAddress], root: str | None, named: Mapping[str, str]) -> dict[str, _Target]:
    """Where each file goes; different paths also where a file system ignores case."""
    targets = {identity: _Target(path, True) for identity, path in named.items()}
    others = [identity for identity in addresses if identity not in targets]
    if root is None:
        return {**targets, **dict.fromkeys(others, _Target(None))}
    names = {identity: local_name(addresses[identity]) for identity in others}
    bearers: dict[str, list[str]] = defaultdict(list)
    for identity, name in names.items():
        bearers[unicodedata.normalize("NFC", name.casefold())].append(identity)
    for identities in bearers.values():
        if len(identities) > 1:
            names.update((identity, local_name(addresses[identity], with_digest=True)) for identity in identities)
    own = {identity: _Target(os.path.join(root, *name.split("/"))) for identity, name in names.items()}
    return {**targets, **own}


class _Fetcher:
    """Fetches files into one folder; may be used by several threads."""

    def __init__(self, root: str | None, client: Client | None, project_id: int | None, hosts: PublicHosts | None):
        self._root = root
        self._client = client
        self._project_id = project_id
        self._retries = _RETRIES if client is None else client.retries
        self._web = Web(self._retries, hosts)
        self._closed: dict[str, str] = {}
        """Origin -> why nothing can be fetched from it: that is not found out for each file anew."""

    def fetch(self, address: MediaAddress, target: _Target) -> _Outcome:
        """Fetches a file, unless it is there."""
        path = target.path
        if path is None:
            return _Outcome(None, "there is no path for it; name it in data_path, or pass a folder as data_path")
        try:
            if not target.is_named:
                self._check_inside(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if address.kind == DATA:
                return _Outcome(path, is_fetched=_write(path, iter([_content_of(address.text)])))
            return _Outcome(path, is_fetched=self._fetched(address, path))
        except (LabelStudioError, OSError, ValueError) as error:
            return _Outcome(None, str(error))

    def _check_inside(self, path: str) -> None:
        assert self._root is not None
        real_root = os.path.join(os.path.realpath(self._root), "")
        if not os.path.realpath(path).startswith(real_root):
            raise ValueError(f"{path} is or is below a link that leads out of data_path; remove the link")

    def _fetched(self, address: MediaAddress, path: str) -> bool:
        """Fetches a file from elsewhere; whether that was needed."""
        origin = self._origin(address)
        if origin in self._closed:
            raise ServerError(self._closed[origin])
        is_open = False

        def fetch(_: int) -> bool:
            nonlocal is_open
            with self._opened(address) as stream:
                is_open = True
                return _save(stream, path)

        try:
            return repeated(fetch, self._retries, f"fetching {address.shown}")
        except (ConnectionFailedError, TLSError) as error:
            if not is_open:
                self._closed[origin] = str(error)
            raise

    def _origin(self, address: MediaAddress) -> str:
        if _is_web(address.text):
            return origin_of(address.text)
        return "" if self._client is None else origin_of(self._client.url)

    @contextmanager
    def _opened(self, address: MediaAddress) -> Iterator[Stream]:
        """The bytes of a file, from where they are, in the end."""
        source = self._source(address)
        if isinstance(source, str):
            with self._web.media(source) as stream:
                yield stream
            return
        with source as answer:
            if not isinstance(answer, str):
                yield answer
                return
        # Where the server sends people is asked without its key.
        if not _is_web(answer):
            raise ServerError(
                f"{self._server()} redirects to {answer.partition('?')[0][:200]!r}, which is no address of the web"
            )
        with self._web.media(answer) as stream:
            yield stream

    def _source(self, address: MediaAddress) -> str | AbstractContextManager[Stream | str]:
        """The address at which anybody gets a file, or what the server hands out."""
        text = address.text
        if _is_web(text):
            if self._client is None or origin_of(text) != origin_of(self._client.url):
                return text
            return self._client.media(_path_of(text))
        if text.partition("://")[0].lower() in CLOUD:
            if self._client is None or self._project_id is None:
                raise ServerError(
                    f"{address.shown} is handed out by the project only whose storage holds it; pass project_id with "
                    "url and api_key, or data_path with the files"
                )
            return self._client.stored_media(self._project_id, address.keys[0])
        if self._client is None:
            raise ServerError(f"{address.shown} is behind a login, and {_LOGIN}")
        if address.kind == UPLOAD and not text.startswith("/"):
            text = f"/data/{text}"
        if not text.startswith("/") or text.startswith("//"):
            raise ServerError(f"{address.shown!r} is the path of another machine; pass data_path with the files")
        start = urlsplit(self._client.url).path
        if address.kind in (UPLOAD, LOCAL_FILES) and not text.startswith(f"{start}/"):
            text = start + text
        return self._client.media(text)

    def _server(self) -> str:
        return "" if self._client is None else self._client.url


def _is_web(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _path_of(url: str) -> str:
    """An address without its scheme and host; what people have not encoded stays as it is."""
    rest = re.sub(r"^[a-z]+://[^/?#]*", "", url, flags=re.IGNORECASE)
    return rest if rest.startswith("/") else f"/{rest}"


def _save(stream: Stream, path: str) -> bool:
    """Writes a body to a file, unless one as large is there; whether it was written."""
    if stream.content_type.lower().startswith("text/html"):
        raise ServerError("a web page is there, no media; can the API key see the project?")
    if stream.length is not None and stream.length > _LARGEST:
        raise ServerError(f"it has {stream.length} bytes, more than the {_LARGEST} that are fetched")
    if os.path.isfile(path) and stream.length in (None, os.path.getsize(path)):
        return False
    free = shutil.disk_usage(os.path.dirname(path)).free
    if stream.length is not None and stream.length > free:
        raise ServerError(
            f"it has {stream.length} bytes, and {os.path.dirname(path)} has room for {free}; make room, or pass "
            "another folder as data_path"
        )
    try:
        return _write(path, stream.pieces)
    except BodyError as error:
        raise ConnectionFailedError(f"its content broke off or was damaged on the way ({error})") from None


def _write(path: str, pieces: Iterator[bytes], is_empty: bool = False) -> bool:
    """Writes a file that is there as a whole, or not at all; one that is empty only where it is to be."""
    temporary = f"{path}.{secrets.token_hex(4)}{TEMPORARY}"
    size = 0
    try:
        with open(temporary, "xb") as file:
            for piece in pieces:
                size += len(piece)
                if size > _LARGEST:
                    raise ServerError(f"it has more than the {_LARGEST} bytes that are fetched")
                file.write(piece)
        if not size and not is_empty:
            raise ServerError("it is empty")
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    return True


def _content_of(text: str) -> bytes:
    """The content of a data: address.

    Source: RFC 2397
    """
    head, comma, content = text.partition(",")
    if not comma:
        raise ValueError("it is a data: address without content")
    raw = unquote_to_bytes(content)
    return base64.b64decode(raw, validate=True) if head.lower().endswith(";base64") else raw
