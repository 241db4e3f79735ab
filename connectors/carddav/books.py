"""Where the address books of an account are (RFC 6764, RFC 6352 section 7), and what each can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element  # noqa: S405 only the name; defusedxml parses

from connectors.base import AddressRefused, Forbidden, Unavailable
from connectors.carddav.dav import CS, C, D, Dav, Member, hrefs, multistatus
from connectors.http import Answer, host_of, same_host

_WANTED = ("D:resourcetype", "D:displayname", "D:current-user-principal", "C:addressbook-home-set")
_BOOK = (
    "D:resourcetype",
    "D:displayname",
    "D:supported-report-set",
    "D:sync-token",
    "CS:getctag",
    "D:current-user-privilege-set",
)


@dataclass(frozen=True, slots=True)
class Book:
    """An address book. `id` is its path, or its whole URL where it lives on another host than the account's address."""

    id: str
    url: str
    name: str
    read_only: bool
    can_sync: bool  # sync-collection
    token: str
    ctag: str


def same_site(one: str, other: str) -> bool:
    """Whether the password for `one` may go to `other`: the same host, or over TLS a host under the same domain, since
    some providers spread one account over several hosts (contacts.example.com, p42-contacts.example.com)."""
    if same_host(one, other):
        return True
    a, b = urlsplit(one), urlsplit(other)
    return a.scheme == b.scheme == "https" and bool(_site(a.hostname)) and _site(a.hostname) == _site(b.hostname)


def _site(host: str | None) -> str:
    """The domain that one owner is likely to hold; empty where that cannot be said."""
    labels = (host or "").rstrip(".").split(".")
    try:
        ip_address(host or "")
    except ValueError:
        country_code = len(labels[-1]) == 2 and len(labels) > 2 and len(labels[-2]) <= 3
        return ".".join(labels[-3:] if country_code else labels[-2:]) if len(labels) > 1 else ""
    return ""


class Discovery:
    """Finds the books from the address that a person typed: a server, a principal, a home or a single book."""

    def __init__(self, dav: Dav, base: str) -> None:
        self._dav = dav
        self._base = base

    def books(self) -> list[Book]:
        """Raises AddressRefused, with a sentence for the person who typed it, if no address book is found there."""
        start = self._start()
        resource = start.properties.get(D + "resourcetype")
        if resource is not None and resource.find(C + "addressbook") is not None:
            return [self.book(self._url)]
        homes = hrefs(start.properties.get(C + "addressbook-home-set"), self._url)
        for principal in [] if homes else hrefs(start.properties.get(D + "current-user-principal"), self._url):
            homes += self._homes_of(principal)
        found = {book.id: book for home in dict.fromkeys(homes or [self._url]) for book in self._listed(home)}
        if not found:
            raise AddressRefused(
                f"{host_of(self._base)} answers, but there is no address book at this address for this user. "
                "Enter the address of an address book, or create one there first."
            )
        return list(found.values())

    def book(self, url: str) -> Book:
        """One book by its URL, asked anew; raises LookupError if nothing that can be a book is there."""
        answer = self._dav.propfind(url, *_BOOK)
        if answer.status in {404, 410}:
            raise LookupError(url)
        if answer.status == 403:
            raise Forbidden(f"{host_of(url)} does not let this user see the address book. Ask its owner for access.")
        member = next((one for one in multistatus(answer).members), None)
        if member is None or member.status in {404, 410}:
            raise LookupError(url)
        return self._as_book(member, answer.url)

    def _start(self) -> Member:
        """What the typed address says about itself, or else the places where RFC 6764 tells servers to be."""
        self._url = self._base
        for place in dict.fromkeys((self._base, urljoin(self._base, "/.well-known/carddav"), urljoin(self._base, "/"))):
            member = self._look(self._dav.propfind(place, *_WANTED))
            if member is not None:
                return member
        raise AddressRefused(
            f"{host_of(self._base)} is no CardDAV server, or not at this address. "
            "Copy the CardDAV address from your provider's help pages."
        )

    def _look(self, answer: Answer) -> Member | None:
        if answer.status != 207:
            return None
        try:
            members = multistatus(answer).members
        except Unavailable:
            return None
        said = next((one for one in members if one.status == 200 and one.properties), None)
        if said is not None:
            self._url = answer.url
        return said

    def _homes_of(self, principal: str) -> list[str]:
        answer = self._dav.propfind(self._safe(principal), "C:addressbook-home-set")
        if answer.status != 207:
            return []
        found = [one.properties.get(C + "addressbook-home-set") for one in multistatus(answer).members]
        return [url for element in found for url in hrefs(element, answer.url)]

    def _listed(self, home: str) -> Iterator[Book]:
        answer = self._dav.propfind(self._safe(home), *_BOOK, depth=1)
        if answer.status != 207:
            return
        for member in multistatus(answer).members:
            resource = member.properties.get(D + "resourcetype")
            if resource is not None and resource.find(C + "addressbook") is not None:
                yield self._as_book(member, answer.url)

    def _safe(self, url: str) -> str:
        if not same_site(self._base, url):
            raise AddressRefused(
                f"{host_of(self._base)} sends to {host_of(url)}, which belongs to somebody else as far as can be seen. "
                "If that is right, enter that address in the account."
            )
        return url

    def _as_book(self, member: Member, base: str) -> Book:
        found = member.properties
        path = member.href if member.href.endswith("/") else member.href + "/"
        url = urljoin(base, path)
        reports = found.get(D + "supported-report-set")
        token = _text(found, D + "sync-token")
        can_sync = bool(token) or (reports is not None and reports.find(f".//{D}sync-collection") is not None)
        return Book(
            id=path if same_host(self._base, url) else url,
            url=url,
            name=_text(found, D + "displayname") or unquote(path.rstrip("/").rpartition("/")[2]),
            read_only=not _may_write(found.get(D + "current-user-privilege-set")),
            can_sync=can_sync,
            token=token,
            ctag=_text(found, CS + "getctag"),
        )


def _text(found: Mapping[str, Element], name: str) -> str:
    element = found.get(name)
    return (element.text or "").strip() if element is not None else ""


def _may_write(privileges: Element | None) -> bool:
    """A server that does not speak of privileges (RFC 3744) is taken at its word only when it refuses a write."""
    if privileges is None:
        return True
    return any(privileges.find(f".//{D}{name}") is not None for name in ("write", "write-content", "bind", "all"))
