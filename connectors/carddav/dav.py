"""WebDAV as CardDAV needs it: requests with XML bodies, multistatus answers, hrefs in one spelling.

RFC 4918 (WebDAV), RFC 6352 (CardDAV), RFC 6578 (sync-collection).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError  # noqa: S405 only the names; defusedxml parses
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.base import Unavailable
from connectors.http import Answer, Http, host_of

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:carddav}"
CS = "{http://calendarserver.org/ns/}"

_NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
_ILLEGAL_BYTES = bytes([*range(9), 11, 12, *range(14, 32)])
_ILLEGAL_REFERENCE = re.compile(rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));")
_STATUS = re.compile(r"HTTP/\S+\s+(\d{3})")
UNREADABLE = "�"

Entry = tuple[str, str | None]  # href and etag; None for one that is gone


@dataclass(slots=True)
class Member:
    """One response of a multistatus: `status` of the resource itself (200 if it has properties) and what it told."""

    href: str  # in the spelling of `spell`
    status: int = 200
    etag: str = ""
    type: str = ""
    data: str | None = None
    modified: float | None = None
    properties: dict[str, Element] = field(default_factory=dict)


@dataclass(slots=True)
class Multistatus:
    members: list[Member]
    token: str = ""
    repaired: bool = False  # bytes that are no UTF-8 had to be replaced, by `UNREADABLE`

    def by_href(self) -> dict[str, Member]:
        return {member.href: member for member in self.members}


def spell(href: str) -> str:
    """The path of an href in one spelling: servers percent-encode the same name differently."""
    path = urlsplit(href).path if "://" in href[:9] else href.partition("?")[0].partition("#")[0]
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if "%" not in path and path.isascii() and re.fullmatch(r"[\w/.@~+!$'()*,=:-]*", path):
        return path
    return "/".join(quote(unquote(segment), safe="@~+!$'()*,=:-") for segment in path.split("/"))


def properties(*names: str) -> str:
    return "<D:prop>" + "".join(f"<{name}/>" for name in names) + "</D:prop>"


def propfind_body(*names: str) -> bytes:
    return f"<D:propfind {_NAMESPACES}>{properties(*names)}</D:propfind>".encode()


def multiget_body(hrefs: Iterable[str]) -> bytes:
    names = properties("D:getetag", "D:getlastmodified", "C:address-data")
    listed = "".join(f"<D:href>{escape(href)}</D:href>" for href in hrefs)
    return f"<C:addressbook-multiget {_NAMESPACES}>{names}{listed}</C:addressbook-multiget>".encode()


def sync_body(token: str) -> bytes:
    """No limit is ever asked for: a server was seen to cut the list short without saying so (Xandikos)."""
    inner = f"<D:sync-token>{escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
    names = properties("D:getetag", "D:getcontenttype")
    return f"<D:sync-collection {_NAMESPACES}>{inner}{names}</D:sync-collection>".encode()


def query_body(prop: str, text: str = "") -> bytes:
    """Cards that have a property, or have it with exactly this text; only that property if the server can do so."""
    match = f'<C:text-match collation="i;unicode-casemap" match-type="equals">{escape(text)}</C:text-match>'
    wanted = f'<D:prop><D:getetag/><C:address-data><C:prop name="{prop}"/></C:address-data></D:prop>'
    condition = f'<C:filter><C:prop-filter name="{prop}">{match if text else ""}</C:prop-filter></C:filter>'
    return f"<C:addressbook-query {_NAMESPACES}>{wanted}{condition}</C:addressbook-query>".encode()


class Dav:
    """Requests to one server. Addresses are whole URLs."""

    def __init__(self, http: Http) -> None:
        self.http = http

    def ask(self, method: str, url: str, body: bytes, depth: int, accept: Sequence[int] = ()) -> Answer:
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": str(depth)}
        return self.http.request(method, url, data=body, headers=headers, accept=accept)

    def propfind(self, url: str, *names: str, depth: int = 0) -> Answer:
        return self.ask("PROPFIND", url, propfind_body(*names), depth)

    def get(self, url: str) -> Answer:
        return self.http.request("GET", url, headers={"Accept": "text/vcard, */*;q=0.1"}, accept=(500, 501, 502, 504))


def multistatus(answer: Answer) -> Multistatus:
    """Raises Unavailable for anything that is no complete multistatus.

    A control character or a byte that is no UTF-8 inside one card would make the whole answer unreadable: the former
    are left out, the latter replaced.
    """
    root, repaired = _parse(answer)
    if root.tag != D + "multistatus":
        raise _unreadable(answer)
    members = [_member(answer.url, response) for response in root.iter(D + "response")]
    return Multistatus([one for one in members if one], (root.findtext(D + "sync-token") or "").strip(), repaired)


def entries(told: Multistatus, path: str, *, gone_too: bool = False) -> list[Entry]:
    """The members of the book at `path` in the order of their hrefs, without collections and what is no vCard."""
    found: dict[str, str | None] = {}
    for member in told.members:
        inside = member.href.startswith(path) and not member.href.endswith("/")
        if not inside or (member.type and "vcard" not in member.type and "directory" not in member.type):
            continue
        if member.status in {404, 410}:
            if gone_too:
                found[member.href] = None
        elif member.status == 200:
            found[member.href] = member.etag
    return sorted(found.items())


def conditions(answer: Answer) -> set[str]:
    """The local names of the preconditions that an error names (RFC 4918, section 16); empty if it says nothing."""
    try:
        root, _ = _parse(answer)
    except Unavailable:
        return set()
    errors = [root] if root.tag == D + "error" else list(root.iter(D + "error"))
    return {_local(child.tag) for error in errors for child in error}


def conflicting_href(answer: Answer) -> str:
    try:
        root, _ = _parse(answer)
    except Unavailable:
        return ""
    href = next((one.text for parent in root.iter(C + "no-uid-conflict") for one in parent.iter(D + "href")), "")
    return spell(urljoin(answer.url, href.strip())) if href else ""


def hrefs(element: Element | None, base: str) -> list[str]:
    """The whole URLs of the hrefs inside a property."""
    if element is None:
        return []
    return [urljoin(base, one.text.strip()) for one in element.iter(D + "href") if one.text and one.text.strip()]


def _parse(answer: Answer) -> tuple[Element, bool]:
    try:
        return fromstring(answer.content, forbid_dtd=True), False
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        pass
    content = _ILLEGAL_REFERENCE.sub(b"", answer.content.translate(None, _ILLEGAL_BYTES))
    text = content.decode("utf-8", "replace")
    repaired = text.encode()
    try:
        return fromstring(repaired, forbid_dtd=True), repaired != content
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise _unreadable(answer) from None


def _unreadable(answer: Answer) -> Unavailable:
    return Unavailable(
        f"{host_of(answer.url)} answered something that is no CardDAV answer, or only half of one (status "
        f"{answer.status}). It will be tried again; if it stays so, check the address and the server."
    )


def _member(base: str, response: Element) -> Member | None:
    href = _inside((response.findtext(D + "href") or "").strip(), base)
    if not href:
        return None
    member = Member(href, _status(response.findtext(D + "status"), 200))
    for propstat in response.iter(D + "propstat"):
        if _status(propstat.findtext(D + "status"), 200) == 200:
            for prop in _children(propstat.find(D + "prop")):
                member.properties[prop.tag] = prop
    found = member.properties
    member.etag = _text(found.get(D + "getetag"))
    member.type = _text(found.get(D + "getcontenttype")).lower()
    data = found.get(C + "address-data")
    member.data = data.text or "" if data is not None else None
    member.modified = _time(_text(found.get(D + "getlastmodified")))
    return member


def _inside(href: str, base: str) -> str:
    """The path of an href in one spelling; empty if it points to another host."""
    if href.startswith("/"):  # a doubled slash is a slip of some servers, not another host
        return spell(href)
    url = urljoin(base, href)
    return spell(url) if href and urlsplit(url).netloc == urlsplit(base).netloc else ""


def _children(element: Element | None) -> Iterator[Element]:
    return iter(element) if element is not None else iter(())


def _status(line: str | None, default: int) -> int:
    found = _STATUS.match((line or "").strip())
    return int(found[1]) if found else default


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError, OverflowError):
        return None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
