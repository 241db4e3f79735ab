"""The news of a book, page by page, with cursors that resume in the middle.

A cursor is JSON. `way` is how changes are seen: "sync" by sync-collection, "ctag" by the book's tag, "list" only by
listing. `token` is the state up to which all was delivered. In the middle of news, `next` is the token that holds
after the last page and `after` the last href delivered: the same question is asked again, hrefs up to there are passed
over, and what changed meanwhile comes after `next`, so nothing is lost. `listing` says that the pages belong to a full
listing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

import orjson

from connectors.base import (
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    FolderGone,
    Forbidden,
    Known,
    Record,
    Unavailable,
    chunked,
)
from connectors.carddav.books import Book, Discovery
from connectors.carddav.dav import Dav, Entry, Multistatus, conditions, entries, multistatus, sync_body
from connectors.carddav.fields import Catalogue
from connectors.carddav.records import BATCH, Reader, record_of
from connectors.http import Answer, host_of

ASKED_AT_ONCE: Final = 500  # versions per question to the engine
PAGE_IDS: Final = 1000  # unchanged and departed ids at most on a page
_REFUSALS: Final = frozenset({400, 403, 404, 409, 410, 412, 415, 422, 500, 501})

Way = Literal["sync", "ctag", "list"]


@dataclass(frozen=True, slots=True)
class Cursor:
    way: Way = "sync"
    token: str = ""
    next: str = ""
    after: str = ""
    listing: bool = False

    def __str__(self) -> str:
        return orjson.dumps({key: value for key, value in asdict(self).items() if value}).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises CursorExpired for a text that is no cursor of ours."""
        try:
            return cls(**orjson.loads(text))
        except (ValueError, TypeError):
            raise CursorExpired("The stored position in the address book cannot be read; it is listed anew.") from None


@dataclass(slots=True)
class _Page:
    wanted: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    after: str = ""

    def is_full(self, size: int) -> bool:
        return len(self.wanted) >= size or len(self.unchanged) + len(self.departures) >= PAGE_IDS


class Feed:
    """The news of one book for one caller."""

    def __init__(
        self,
        dav: Dav,
        url: str,
        path: str,
        catalogue: Catalogue,
        fields: Sequence[str],
        known: Known,
        size: int = BATCH,
    ) -> None:
        """`size`: cards on a page at most."""
        self._dav = dav
        self._url = url
        self._path = path
        self._catalogue = catalogue
        self._fields = fields
        self._known = known
        self._size = min(size, BATCH)
        self._reader = Reader(dav, url, path)

    def pages(self, cursor: str, discovery: Discovery) -> Iterator[ChangePage]:
        """Raises CursorExpired if the server no longer knows the cursor's token."""
        at = Cursor.read(cursor) if cursor else None
        if at is None or (at.listing and not at.token and at.way == "sync"):
            yield from self._from_nothing(self._book(discovery), at)
        elif at.way == "sync":
            yield from self._synced(at)
        else:
            yield from self._compared(self._book(discovery), at)

    def _from_nothing(self, book: Book, at: Cursor | None) -> Iterator[ChangePage]:
        at = at or Cursor(listing=True)
        if book.can_sync:
            told = self._sync("")
            if told is not None and told.token:
                yield from self._synced(at, told)
                return
        # Some servers sync but never without a token (Google); theirs is a property of the book.
        way: Way = "sync" if book.can_sync and book.token else "ctag" if book.ctag else "list"
        state = book.token if way == "sync" else book.ctag
        at = at if at.next else Cursor(way, "", state, "", True)
        yield from self._emit(self._listed(), at, Cursor(at.way, at.next), last=True)

    def _synced(self, at: Cursor, told: Multistatus | None = None) -> Iterator[ChangePage]:
        """A server may cut its answer short (507, RFC 6578 section 3.6): then there is more after the token it gave."""
        while True:
            if told is None:
                told = self._sync(at.token)
                if told is None:
                    raise CursorExpired("The server no longer knows how far we had read; the book is listed anew.")
            cut = any(one.status == 507 for one in told.members if one.href.rstrip("/") == self._path.rstrip("/"))
            if not told.token or (cut and told.token == at.token):
                raise Unavailable(f"{host_of(self._url)} lists only a part of its changes and no way on to the rest.")
            found = entries(told, self._path, gone_too=True)
            at = at if at.next else Cursor("sync", at.token, told.token, at.after, at.listing)
            onward = Cursor("sync", at.next, listing=at.listing and cut)
            yield from self._emit(found, at, onward, last=not cut)
            if not cut:
                return
            at, told = onward, None

    def _compared(self, book: Book, at: Cursor) -> Iterator[ChangePage]:
        """Without sync-collection: the book's tag says whether anything changed, a listing of etags what."""
        if at.way == "ctag" and not at.after and at.token and book.ctag == at.token:
            yield ChangePage((), cursor=str(at))
            return
        start = at if at.after else Cursor(at.way, at.token, book.ctag, "", True)
        yield from self._emit(self._listed(), start, Cursor(start.way, start.next), last=True)

    def _emit(self, found: Sequence[Entry], at: Cursor, onward: Cursor, *, last: bool) -> Iterator[ChangePage]:
        """Pages of the entries after `at.after`; the last one carries `onward`."""
        page = _Page()
        rest = [entry for entry in found if entry[0] > at.after] if at.after else found
        for part in chunked(rest, ASKED_AT_ONCE):
            versions = self._known.versions([href for href, _ in part])
            for href, etag in part:
                if page.is_full(self._size):
                    middle = Cursor(at.way, at.token, at.next, page.after, at.listing)
                    yield self._filled(page, middle, last=False)
                    page = _Page()
                page.after = href
                if etag is None:
                    if href in versions or not at.listing:
                        page.departures.append(Departure(href, DepartureKind.DELETED))
                elif etag and versions.get(href) == etag:
                    page.unchanged.append(href)
                else:
                    page.wanted.append(href)
        yield self._filled(page, onward, last=last, listing=at.listing)

    def _filled(self, page: _Page, cursor: Cursor, *, last: bool, listing: bool | None = None) -> ChangePage:
        records: list[Record] = []
        for href, stored in self._reader.batch(page.wanted).items():
            if stored is None:
                page.departures.append(Departure(href, DepartureKind.DELETED))
            elif (record := record_of(stored, self._catalogue, self._fields)) is not None:
                records.append(record)
        belongs = cursor.listing if listing is None else listing
        return ChangePage(records, page.departures, page.unchanged, str(cursor), last, belongs)

    def _book(self, discovery: Discovery) -> Book:
        try:
            return discovery.book(self._url)
        except LookupError:
            raise self._gone() from None

    def _gone(self) -> FolderGone:
        return FolderGone(f"The address book is not there any more on {host_of(self._url)}. Choose another one.")

    def _sync(self, token: str) -> Multistatus | None:
        """None if the server refuses: the token (then the book itself can still be asked), or to list without one."""
        answer = self._dav.ask("REPORT", self._url, sync_body(token), 0, accept=(500,) if token else (500, 501))
        if answer.status == 207:
            return multistatus(answer)
        if answer.status in {404, 410} and not token:
            raise self._gone()
        if answer.status in _REFUSALS:
            if token and "valid-sync-token" not in conditions(answer):
                self._still_there(answer)
            return None
        raise Unavailable(f"{host_of(self._url)} does not list its changes (status {answer.status}).")

    def _still_there(self, answer: Answer) -> None:
        """A refusal that does not say why may be about the book, not the token."""
        look = self._dav.propfind(self._url, "D:resourcetype")
        if look.status in {404, 410}:
            raise self._gone()
        if look.status == 403:
            raise Forbidden(f"{host_of(self._url)} does not let this user read the address book any more.")
        if look.status != 207:
            raise Unavailable(f"{host_of(self._url)} does not list its changes (status {answer.status}).")

    def _listed(self) -> list[Entry]:
        answer = self._dav.propfind(self._url, "D:getetag", "D:getcontenttype", "D:resourcetype", depth=1)
        if answer.status in {404, 410}:
            raise self._gone()
        if answer.status == 403:
            raise Forbidden(f"{host_of(self._url)} does not let this user read the address book any more.")
        return entries(multistatus(answer), self._path)
