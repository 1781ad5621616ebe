"""Media files stay where they are: in a bucket whose objects the server hands out, or on a web server."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import PurePosixPath

from fo_labelstudio.errors import ConnectionFailedError, ServerError, TLSError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import is_transient
from fo_labelstudio.settings import CLOUD_STORAGES
from fo_labelstudio.transport.address import Address, parse_address
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.heads import Heads
from fo_labelstudio.transport.public_web import AT_ONCE, FOR_EVERYBODY, Web
from fo_labelstudio.transport.transport import Addresses, Inspection, Media, MediaSettings, Target, Transport

_NAMES = {"s3": "S3 bucket", "gcs": "Google bucket", "azure": "Azure container"}


def inspect(media: Sequence[Media], settings: MediaSettings) -> list[Inspection]:
    """Looks at addresses, and reads the heads of the files of which nobody knows the size, several at once."""
    heads = _heads(settings)
    with ThreadPoolExecutor(AT_ONCE) as executor:
        return list(executor.map(lambda item: _inspect(item, settings, heads), media))


def _inspect(media: Media, settings: MediaSettings, heads: Heads) -> Inspection:
    try:
        address = parse_address(media.path)
    except ValueError as error:
        return Inspection(problem=str(error))
    extension = PurePosixPath(address.key).suffix.lower()
    is_media = (mimetypes.guess_type(f"_{extension}")[0] or "").startswith(("image/", "video/", "audio/"))
    # What is no file's extension, such as .php, tells nothing.
    shown = FILES[settings.medium].extensions
    if is_media and extension not in shown:
        return Inspection(
            problem=f"browsers do not show {extension}; convert it to one of "
            f"{', '.join(shown)} and pass the field of the new address as media_field"
        )
    if address.kind == "azure" and _presigns(settings) and ("#" in address.key or "%" in address.key):
        return Inspection(
            problem="Label Studio signs no address of a name with # or %; pass cloud_storage={'presign': False}, which "
            "has it hand the files out itself, or rename it"
        )
    return Inspection(media.info) if media.info else heads.inspect(address)


@lru_cache(maxsize=2)
def _heads(settings: MediaSettings) -> Heads:
    """What reads heads, kept from block to block; of two media, where samples list files of another one."""
    return Heads(settings)


class Cloud:
    """The buckets and web servers that hold the media of one project.

    Args:
        client: the server
        project_id: the project that shows the media
        settings: what the server is told about the buckets
    """

    def __init__(self, client: Client, project_id: int, settings: MediaSettings):
        self._client = client
        self._project_id = project_id
        self._settings = settings
        self._web = Web(settings.retries)
        self._opened: set[tuple[str, str]] = set()

    def send(self, paths: Sequence[str]) -> list[str]:
        """Has the server hand out objects; see :class:`Sender`.

        Raises:
            ServerError: people could not see them; says what is missing
        """
        addresses = [parse_address(path) for path in paths]
        for address in addresses:
            place = (address.kind, address.place)
            if place not in self._opened:
                # Before thousands of tasks rely on it.
                if address.kind == "web":
                    self._check_web(address)
                else:
                    self._open(address)
                self._opened.add(place)
        return [address.url for address in addresses]

    def _check_web(self, address: Address) -> None:
        self._check_shown(address, address.url, FOR_EVERYBODY, "have it do so, or use media='upload'")

    def _open(self, address: Address) -> None:
        """Has the server hand out the objects of a bucket, and looks whether one arrives."""
        name = f"{_NAMES[address.kind]} {address.place!r}"
        storage = self._settings.storage.reveal()
        options = {key: storage[key] for key in CLOUD_STORAGES[address.kind] if key in storage}
        if self._settings.keeps_storages and self._is_handed_out(address):
            return
        # An earlier call may have made it, with other credentials.
        made = {} if self._settings.keeps_storages else self._client.cloud_storages(address.kind, self._project_id)
        try:
            self._client.make_cloud_storage(
                address.kind, self._project_id, address.place, options, made.get(address.place)
            )
        except ServerError as error:
            endpoint = (
                ", and does it reach the s3_endpoint? One in a private network needs a server that was started with "
                "SSRF_PROTECTION_ENABLED=false"
                if "s3_endpoint" in options
                else "?"
            )
            raise _about(
                error,
                f"the server cannot open {name} ({error}); does the bucket exist, and may the credentials (those of "
                f"cloud_storage, otherwise the server's own) read and list it{endpoint}",
            ) from None
        try:
            signed = self._client.signed_url(self._project_id, address.url)
        except ServerError as error:
            raise _about(
                error, f"the server does not serve {address.url} of {name} ({error}); does this object exist?"
            ) from None
        if signed is not None:
            self._check_shown(
                address,
                signed,
                "does this object exist, and may the credentials read it?",
                "allow GET from there in the CORS rules of the bucket, or pass cloud_storage={'presign': False}, so "
                "that Label Studio serves the files itself",
            )

    def _is_handed_out(self, address: Address) -> bool:
        """Whether a storage that the project has hands an object out."""
        try:
            self._client.signed_url(self._project_id, address.url)
        except ServerError as error:
            if is_transient(error):
                raise
            return False
        return True

    def _check_shown(self, address: Address, url: str, if_refused: str, if_not_allowed: str) -> None:
        files = FILES[self._settings.medium]
        try:
            self._web.check_shown(url, self._client.url, files.content_types, if_refused, if_not_allowed)
            if files.is_read_in_parts:
                self._web.check_serves_parts(url)
        except (ConnectionFailedError, TLSError) as error:
            logger.warning("Cannot check from here whether browsers show %s: %s", address.url, error)
        except ServerError as error:
            raise _about(error, f"people would not see {address.url}: {error}") from None


def _presigns(settings: MediaSettings) -> bool:
    return str(settings.storage.reveal().get("presign", True)).lower() not in ("false", "0")


def _about(error: ServerError, message: str) -> ServerError:
    """An error of another message, which is repeated where the first one would be."""
    kind = ConnectionFailedError if isinstance(error, ConnectionFailedError) else ServerError
    return kind(message, error.status, error.path, error.retry_after)


def written(settings: MediaSettings, target: Target) -> Addresses:
    """Names media by their addresses; see :class:`Writer`."""
    return Addresses(lambda path: parse_address(path).url)


TRANSPORT = Transport(inspect, Cloud, written, reads_metadata=True, converts=False)
