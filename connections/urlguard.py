"""Which addresses may be contacted: public ones over https, and what the operator allows by name and port.

Addresses of servers come from people, so without this anybody could make us ask the machines of our own network,
or the cloud provider's metadata service, and read the answer.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

from connectors.base import AddressRefused, Unavailable

Resolver = Callable[[str, int], Iterable[str]]

REMEMBERED = 60.0  # seconds for which a name that was found public is not resolved again
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
DEFAULT_PORTS = {"https": 443, "http": 80}


def resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also inside the forms in which IPv6 carries IPv4."""
    ip: IPv4Address | IPv6Address = ip_address(address.split("%", 1)[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip.sixtofour:
            ip = ip.sixtofour
        elif ip in NAT64:
            ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


def parse_allowed(entries: Iterable[str]) -> frozenset[tuple[str, int]]:
    """`host:port` entries; raises ValueError, naming the entry, for one without a port."""
    allowed = set()
    for entry in entries:
        parts = urlsplit(f"//{entry.strip()}")
        if not parts.hostname or parts.port is None or parts.path:
            raise ValueError(f"{entry!r} in ALLOWED_PRIVATE_HOSTS is not host:port, for example localhost:5232.")
        allowed.add((parts.hostname, parts.port))
    return frozenset(allowed)


class AddressGuard:
    """The guard of every request, redirects included (each of their hops is checked like a first request)."""

    def __init__(self, allowed: Iterable[str] | None = None, resolver: Resolver = resolve) -> None:
        self._allowed = parse_allowed(settings.ALLOWED_PRIVATE_HOSTS if allowed is None else allowed)
        self._resolver = resolver
        self._public: dict[tuple[str, int], float] = {}

    def check(self, url: str) -> None:
        """Raises AddressRefused, or Unavailable while the name cannot be resolved."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            host, port = None, None
        if not host or port is None:
            raise AddressRefused("The address is not complete. It has the form https://server.example/path.")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused(f"The address of {host} holds a user name or password. They have their own fields.")
        if (host, port) in self._allowed:
            return
        if settings.DEMO:
            raise AddressRefused(f"This is the demo; it talks to its own servers only, and {host} is none of them.")
        if parts.scheme != "https":
            raise AddressRefused(f"{host} would be contacted without encryption. Use an address with https.")
        self._check_name(host, port)

    def check_peer(self, host: str, port: int, address: str) -> None:
        if (host.strip("[]").lower(), port) not in self._allowed and not is_public(address):
            raise self._refusal(host)

    def _check_name(self, host: str, port: int) -> None:
        now = time.monotonic()
        if self._public.get((host, port), 0.0) > now:
            return
        try:
            addresses = list(self._resolver(host, port))
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise Unavailable(f"The name {host} cannot be resolved. It will be tried again; check its spelling.")
        if not all(is_public(address) for address in addresses):
            raise self._refusal(host)
        self._public[host, port] = now + REMEMBERED

    def _refusal(self, host: str) -> AddressRefused:
        return AddressRefused(
            f"{host} is an address inside a private network, which is not contacted. "
            "An operator can allow it with its port in ALLOWED_PRIVATE_HOSTS."
        )
