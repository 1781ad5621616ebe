"""Which web addresses that somebody else names may be asked: those of the internet, not of one's own network."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from urllib.parse import urlsplit

from fo_labelstudio.errors import ServerError

_MAPPED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones.

Source: RFC 6052
"""


class PublicHosts:
    """The hosts of the internet, and one's own server.

    Args:
        own_url: address of the Label Studio server, which may be anywhere; None where there is none
        remedy: what the caller does to have others asked
    """

    def __init__(self, own_url: str | None, remedy: str):
        self._own = own_url
        self._remedy = remedy

    def check(self, url: str) -> None:
        """Refuses the address of a host in a private network.

        Names that this machine cannot resolve are for a proxy to resolve, or fail later.

        Args:
            url: an address that begins with ``http://`` or ``https://``

        Raises:
            ServerError: its host is this machine, or in a private or local network, and is not the server's own
        """
        host = urlsplit(url).hostname or ""
        addresses = _addresses_of(host)
        private = sorted(address for address in addresses if not _is_public(address))
        if private and not addresses <= _addresses_of(urlsplit(self._own or "").hostname or ""):
            where = host if private == [host] else f"{host} ({private[0]})"
            raise ServerError(
                f"{where} is this machine or in a private network, which a project of somebody else may not have "
                f"asked; {self._remedy}"
            )


def _addresses_of(host: str) -> frozenset[str]:
    """The IP addresses of a host; none where they are not known."""
    try:
        return _resolved(host) if host else frozenset()
    except (OSError, UnicodeError):
        return frozenset()


@lru_cache(1024)
def _resolved(host: str) -> frozenset[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return frozenset(str(address[0]).partition("%")[0] for *_, address in found)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _MAPPED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast
