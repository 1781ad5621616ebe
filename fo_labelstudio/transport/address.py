"""Addresses of media elsewhere: which kind of storage holds them, and what the server makes of them."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_KINDS = {"https": "web", "http": "web", "s3": "s3", "gs": "gcs", "azure-blob": "azure", "az": "azure"}

_AS_PATH = re.compile(rf"(?:^|[/\\])(?:{'|'.join(_KINDS)}):[/\\]")
"""What FiftyOne leaves of an address that it takes for a path (1.22.1)."""


class Address(NamedTuple):
    """Where a media file is.

    Attributes:
        kind: ``web``, or what the server calls this kind of storage: ``s3``, ``gcs`` or ``azure``
        place: the bucket or container, or scheme and host of a web server
        key: the name of the object in it
        url: the address as tasks carry it
    """

    kind: str
    place: str
    key: str
    url: str


def parse_address(text: str | None) -> Address:
    """The parts of an address.

    Raises:
        ValueError: it is none that people can be shown; says what to do

    Source: label_studio.io_storages (1.23.2), which takes the key out of an address with urlparse()
    """
    if not text:
        raise ValueError("there is no address")
    scheme, separator, rest = text.partition("://")
    kind = _KINDS.get(scheme.lower()) if separator else None
    if kind is None:
        if _AS_PATH.search(text):
            raise ValueError(
                "FiftyOne has changed the address into a path; keep addresses in a separate field, and pass that "
                "field as media_field"
            )
        raise ValueError(
            f"it does not begin with one of {', '.join(f'{name}://' for name in _KINDS)}; pass the field "
            "that holds the addresses as media_field"
        )
    return _web_address(text) if kind == "web" else _stored_address(kind, *rest.partition("/")[::2])


def looks_like_address(path: str) -> bool:
    """Whether a path was meant to be an address."""
    return "://" in path or bool(_AS_PATH.search(path))


def _web_address(url: str) -> Address:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port or True)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("the address is not complete")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address has a login, which browsers do not send; put the file where no login is needed")
    return Address("web", f"{parts.scheme}://{parts.netloc.lower()}", parts.path, url)


def _stored_address(kind: str, place: str, key: str) -> Address:
    scheme = next(name for name in _KINDS if _KINDS[name] == kind)
    if not place or not key:
        raise ValueError(f"the address is not complete; expected {scheme}://<bucket or container>/<name of the object>")
    lost = re.search(r"^/|\?|[\t\r\n]|\s$", key)
    if lost:
        raise ValueError(
            f"Label Studio does not find objects with {lost.group()!r} at this place of their name; rename the object"
        )
    return Address(kind, place, key, f"{scheme}://{place}/{key}")
