"""A small address book server in memory, each of whose quirks a real server was seen to have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

from tests.connectors.server import Reply, Request

D, C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
BOOK = "/books/anna/main/"
_XMLNS = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"'


@dataclass
class StandIn:
    """The book at `BOOK`; `cards` by file name. Change the attributes to change what kind of server it is."""

    cards: dict[str, str] = field(default_factory=dict)
    syncs: bool = True  # sync-collection
    syncs_from_nothing: bool = True
    tags: bool = True  # getctag
    page: int = 0  # so many changes at most in one answer (507), 0 for all
    forgets: bool = False  # no token is valid any more
    refusal: int = 403  # for such a token
    names_refusal: bool = True
    answers_etag: bool = True  # to a PUT
    weak_etag: bool = False
    rewrites: Callable[[str], str] = lambda text: text  # what it stores of what is sent
    privileges: str = "<privilege><all/></privilege>"
    override: Callable[[Request], Reply | None | bool] = lambda request: False  # a reply, None to cut, False to go on
    requests: list[Request] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # names in the order of their changes

    def put(self, name: str, text: str) -> None:
        self.cards[name] = text
        self.log.append(name)

    def remove(self, name: str) -> None:
        del self.cards[name]
        self.log.append(name)

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def __call__(self, request: Request) -> Reply | None:
        self.requests.append(request)
        told = self.override(request)
        if not isinstance(told, bool):
            return told
        return getattr(self, f"_{request.method.lower()}", self._unknown)(request)

    def _unknown(self, request: Request) -> Reply:
        return Reply(405)

    def _propfind(self, request: Request) -> Reply:
        if request.path != BOOK:
            return Reply(404)
        responses = [self._book()]
        if request.headers["Depth"] == "1":
            responses += [self._member(name) for name in self.cards]
        return _multistatus(*responses)

    def _report(self, request: Request) -> Reply:
        root = fromstring(request.body)  # noqa: S314 our own request
        if root.tag == C + "addressbook-multiget":
            names = [str(one.text).removeprefix(BOOK) for one in root.iter(D + "href")]
            return _multistatus(*(self._member(name, data=True) for name in names))
        if root.tag == D + "sync-collection" and self.syncs:
            return self._sync(root.findtext(D + "sync-token") or "")
        if root.tag == C + "addressbook-query":
            return _multistatus(*(self._member(name, data=True) for name in self.cards))
        return Reply(403, f"<error {_XMLNS}><supported-report/></error>".encode())

    def _sync(self, token: str) -> Reply:
        if (token and self.forgets) or (not token and not self.syncs_from_nothing):
            body = f"<error {_XMLNS}><valid-sync-token/></error>" if self.names_refusal else "<html>"
            return Reply(self.refusal if token else 400, body.encode())
        start = int(token.rpartition("/")[2]) if token else 0
        names = list(dict.fromkeys(self.log[start:]))
        end = len(self.log)
        responses = []
        if self.page and len(names) > self.page:
            end = start + self.page
            names = list(dict.fromkeys(self.log[start:end]))
            full = "<status>HTTP/1.1 507 Full</status><error><number-of-matches-within-limits/></error>"
            responses.append(f"<response><href>{BOOK}</href>{full}</response>")
        responses += [self._member(name) for name in names if token or name in self.cards]
        return _multistatus(*responses, token=f"data:,{end}".replace(",", ",/"))

    def _get(self, request: Request) -> Reply:
        name = request.path.removeprefix(BOOK)
        if name not in self.cards:
            return Reply(404)
        return Reply(200, self.cards[name].encode("utf-8", "surrogateescape"), {"ETag": self._etag(name)})

    def _put(self, request: Request) -> Reply:
        name = request.path.removeprefix(BOOK)
        if not self._met(request, name):
            return Reply(412)
        created = name not in self.cards
        self.put(name, self.rewrites(request.body.decode().replace("\r\n", "\n")))
        etag = ("W/" if self.weak_etag else "") + self._etag(name)
        return Reply(201 if created else 204, b"", {"ETag": etag} if self.answers_etag else {})

    def _delete(self, request: Request) -> Reply:
        name = request.path.removeprefix(BOOK)
        if not self._met(request, name):
            return Reply(412)
        if name not in self.cards:
            return Reply(404)
        self.remove(name)
        return Reply(204)

    def _met(self, request: Request, name: str) -> bool:
        if request.headers.get("If-None-Match") == "*":
            return name not in self.cards
        wanted = request.headers.get("If-Match")
        return wanted is None or (name in self.cards and wanted in {"*", self._etag(name)})

    def _etag(self, name: str) -> str:
        return f'"{sha256(self.cards[name].encode("utf-8", "surrogateescape")).hexdigest()[:12]}"'

    def _book(self) -> str:
        tag = f"<S:getctag>{len(self.log)}</S:getctag>" if self.tags else ""
        report = "<supported-report><report><sync-collection/></report></supported-report>" if self.syncs else ""
        token = f"<sync-token>data:,/{len(self.log)}</sync-token>" if self.syncs else ""
        return (
            f"<response><href>{BOOK}</href><propstat><prop><resourcetype><collection/><C:addressbook/></resourcetype>"
            f"<displayname>Main</displayname>{tag}{token}<supported-report-set>{report}</supported-report-set>"
            f"<current-user-privilege-set>{self.privileges}</current-user-privilege-set></prop>"
            "<status>HTTP/1.1 200 OK</status></propstat></response>"
        )

    def _member(self, name: str, *, data: bool = False) -> str:
        if name not in self.cards:
            return f"<response><href>{BOOK}{name}</href><status>HTTP/1.1 404 Not Found</status></response>"
        text = f"<C:address-data>{escape(self.cards[name])}</C:address-data>" if data else ""
        prop = f"<prop><getetag>{escape(self._etag(name))}</getetag>{text}</prop>"
        return (
            f"<response><href>{BOOK}{name}</href><propstat>{prop}<status>HTTP/1.1 200 OK</status></propstat></response>"
        )


def _multistatus(*responses: str, token: str = "") -> Reply:
    end = f"<sync-token>{token}</sync-token>" if token else ""
    body = f'<?xml version="1.0" encoding="utf-8"?><multistatus {_XMLNS}>{"".join(responses)}{end}</multistatus>'
    return Reply(207, body.encode("utf-8", "surrogateescape"), {"Content-Type": "application/xml"})
