"""CardDAV address books as the engine sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urljoin

from connectors.auth import Password
from connectors.base import (
    AddressRefused,
    Capabilities,
    ChangePage,
    Departure,
    DepartureKind,
    Field,
    Folder,
    Host,
    Known,
    Label,
    LabelKind,
    Record,
    Unavailable,
    Value,
    Write,
    WriteResult,
)
from connectors.carddav.books import Book, Discovery, same_site
from connectors.carddav.dav import Dav, entries, multistatus, query_body, spell
from connectors.carddav.feed import Feed
from connectors.carddav.fields import Catalogue
from connectors.carddav.lists import Categories
from connectors.carddav.records import BATCH, Reader, record_of
from connectors.carddav.vcard import Card, NotACard
from connectors.carddav.writing import Writer
from connectors.http import Http, host_of

CAPABILITIES: Final = Capabilities(
    label_kind=LabelKind.CATEGORY,
    creates_labels=True,
    labels_opt_out=True,
    custom_fields=True,
    declared_fields=True,
    conditional_updates=True,
    idempotent_creates=True,
    read_batch=100,
    write_batch=100,
)
LARGEST_ANSWER: Final = 48 * 1024 * 1024


class CardDav:
    """One account on one server. A folder's id is the path of the address book; a record's id the path of its card."""

    capabilities = CAPABILITIES

    def __init__(self, host: Host) -> None:
        if not host.base_url:
            raise AddressRefused("This account has no address. Enter the one from your provider's help pages.")
        self._host = host
        self.http = Http(host, Password(), trusts=same_site, max_bytes=LARGEST_ANSWER)
        self._dav = Dav(self.http)
        self._catalogue = Catalogue(host.declared)
        self._page_size = int(host.settings.get("page_size", BATCH))
        self._new_labels: dict[str, set[str]] = {}  # by folder: asked for, and not yet on any card

    def check(self) -> str:
        books = self._discovery().books()
        user = self._host.vault.current().values.get("username", "")
        count = "1 address book" if len(books) == 1 else f"{len(books)} address books"
        return f"{user} at {host_of(self._host.base_url)} ({count})"

    def folders(self) -> Sequence[Folder]:
        return [
            Folder(book.id, book.name, book.name, read_only=book.read_only, count=self._count(book))
            for book in self._discovery().books()
        ]

    def fields(self, folder: str) -> Sequence[Field]:
        return self._catalogue.fields

    def try_declared(self, folder: str, field: Field) -> Value | None:
        """The first value found; any property may stand in a card, so only an unreadable book speaks against it."""
        found = (Catalogue([field]).values(card, [field.key]) for card in self._cards_with(folder, field.key))
        return next((values[field.key] for values in found if values), None)

    def labels(self, folder: str) -> Sequence[Label]:
        """The categories in use. A category exists as long as a card has it, so only the cards know."""
        names = set(self._new_labels.get(folder, ()))
        for card in self._cards_with(folder, "CATEGORIES"):
            names.update(Categories().names(card))
        return [Label(name, name, LabelKind.CATEGORY) for name in sorted(names, key=str.casefold)]

    def label_id(self, folder: str, name: str) -> str:
        return name

    def create_label(self, folder: str, name: str) -> Label:
        """Nothing to do: a category comes into being with the first card that has it."""
        name = " ".join(name.split())
        self._new_labels.setdefault(folder, set()).add(name)
        return Label(name, name, LabelKind.CATEGORY)

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        url, path = self._place(folder)
        feed = Feed(self._dav, url, path, self._catalogue, fields, known, self._page_size)
        return feed.pages(cursor, self._discovery())

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        url, path = self._place(folder)
        found: dict[str, Record | Departure] = {}
        for href, stored in Reader(self._dav, url, path).all(ids).items():
            record = record_of(stored, self._catalogue, fields) if stored else None
            if record is not None:
                found[href] = record
            else:  # a card that became a group is not a contact any more, but nobody deleted it
                found[href] = Departure(href, DepartureKind.LEFT if stored else DepartureKind.DELETED)
        return found

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        return self._writer(folder, fields).write(writes)

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        url, path = self._place(folder)
        writer = self._writer(folder, fields)
        by_href = {writer.href(marker): marker for marker in markers}
        found: dict[str, Record] = {}
        for href, stored in Reader(self._dav, url, path).all(by_href).items():
            record = record_of(stored, self._catalogue, fields) if stored else None
            if record is not None and not record.problem:
                found[by_href[href]] = record
        return found

    def _count(self, book: Book) -> int | None:
        """How many cards are in it; None if the book does not let itself be listed now."""
        try:
            answer = self._dav.propfind(book.url, "D:getcontenttype", depth=1)
            return len(entries(multistatus(answer), spell(book.url))) if answer.status == 207 else None
        except Unavailable:
            return None

    def _cards_with(self, folder: str, name: str) -> Iterator[Card]:
        """The cards that have a property; at least its lines of them."""
        url, _ = self._place(folder)
        answer = self._dav.ask("REPORT", url, query_body(name), 1)
        for member in multistatus(answer).members if answer.status == 207 else ():
            with suppress(NotACard):
                yield Card(member.data or "")

    def _writer(self, folder: str, fields: Sequence[str]) -> Writer:
        url, path = self._place(folder)
        return Writer(self._dav, url, path, self._catalogue, fields, self._host.clock.now)

    def _discovery(self) -> Discovery:
        return Discovery(self._dav, self._host.base_url)

    def _place(self, folder: str) -> tuple[str, str]:
        """The URL of a book and its path in the spelling of hrefs. An id may be a whole URL, under the same domain."""
        url = urljoin(self._host.base_url, folder)
        url = url if url.endswith("/") else url + "/"
        if not same_site(self._host.base_url, url):
            raise AddressRefused(f"{host_of(url)} does not belong to this account. Choose the address book again.")
        return url, spell(url)
