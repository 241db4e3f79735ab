"""Outlook contacts through Microsoft Graph v1.0, for work, school and personal accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from connectors.base import (
    Capabilities,
    ChangePage,
    Departure,
    Field,
    Folder,
    FolderGone,
    Forbidden,
    Host,
    Known,
    Label,
    LabelKind,
    Latest,
    Record,
    Unsupported,
    Value,
    Write,
    WriteResult,
)
from connectors.news import Subscribed
from connectors.outlook import extended, markers
from connectors.outlook.batch import LIMIT, Request
from connectors.outlook.errors import error_for, mailbox_error
from connectors.outlook.fields import CATALOGUE
from connectors.outlook.folders import folders_of
from connectors.outlook.graph import Graph, Place, entries_of, query
from connectors.outlook.labels import Categories
from connectors.outlook.oauth import has_scope
from connectors.outlook.reading import Reader
from connectors.outlook.webhooks import Subscriptions
from connectors.outlook.writing import Writer

CAPABILITIES: Final = Capabilities(
    label_kind=LabelKind.CATEGORY,
    creates_labels=True,
    labels_opt_out=True,
    removes_markers=True,
    shows_latest=True,
    declared_fields=True,
    sequential_writes=True,  # one batch already uses the four requests that a mailbox serves at a time
    rate=(10_000, 600.0),
    read_batch=LIMIT,
    write_batch=LIMIT,
    settle_after=420.0,  # our own time-out, five minutes for a late effect, and the time below
    visible_after=120.0,
)


def connect(host: Host) -> Outlook:
    return Outlook(host)


class Outlook:
    def __init__(self, host: Host) -> None:
        self.host = host = replace(host, declared=[extended.declared(field) for field in host.declared])
        self.graph = Graph(host)
        self.capabilities = replace(
            CAPABILITIES,
            settle_after=float(host.settings.get("settle_after", CAPABILITIES.settle_after)),
            visible_after=float(host.settings.get("visible_after", CAPABILITIES.visible_after)),
        )
        self._categories: dict[str, Categories] = {}

    def check(self) -> str:
        """Raises Unsupported for an account without a mailbox, and for shared mailboxes that do not open."""
        try:
            me = self.graph.get("/me", "its name")
        except Forbidden:  # contacts can be granted without User.Read
            me = {}
        mailboxes = ["", *self._shared()]
        look = query(top=1, select="id,parentFolderId")
        inners = self.graph.read_all([Request("GET", f"{Place('', one).owner}/contacts{look}") for one in mailboxes])
        for mailbox, inner in zip(mailboxes, inners, strict=True):
            if not inner.ok:
                raise mailbox_error(inner.status, inner.body, mailbox)
        return str(me.get("mail") or me.get("userPrincipalName") or me.get("displayName") or me.get("id") or "Outlook")

    def folders(self) -> Sequence[Folder]:
        """A shared mailbox that does not open is left out here; `check` says why."""
        found = self._as_granted(folders_of(self.graph), "Contacts.ReadWrite")
        for mailbox in self._shared():
            try:
                found += self._as_granted(folders_of(self.graph, mailbox), "Contacts.ReadWrite.Shared")
            except (FolderGone, Forbidden, Unsupported):
                continue
        return found

    def _as_granted(self, folders: list[Folder], scope: str) -> list[Folder]:
        """Without the scope to write they are read only. What was granted is known only after a sign-in of ours."""
        granted = self.host.vault.current().values.get("scope", "")
        if not granted or has_scope(granted, scope):
            return folders
        return [replace(folder, read_only=True) for folder in folders]

    def _shared(self) -> list[str]:
        """Graph cannot list what is shared with an account: a person names the mailboxes."""
        named = self.host.vault.current().values.get("shared_mailboxes", "")
        addresses = named.replace(",", " ").replace(";", " ").split()
        return list(dict.fromkeys(one for one in addresses if "@" in one and "/" not in one))

    def fields(self, folder: str) -> Sequence[Field]:
        return [*CATALOGUE, *self.host.declared]

    def try_declared(self, folder: str, field: Field) -> Value | None:
        """Asks Outlook for the field of one contact: the value there, if any. Raises Unsupported if it knows no such
        property, or shows one that is not of the field's type."""
        place = Place.of(folder)
        options = query(top=1, select="id", expand=extended.expand([field.key]))
        [inner] = self.graph.read_all([Request("GET", place.contacts + options)])
        if inner.status == 400:
            raise Unsupported(f"Outlook does not take {field.label!r} as the name of a field. Check its name and type.")
        if not inner.ok or not isinstance(inner.body, dict):
            raise error_for(inner.status, inner.body, "the folder")
        try:
            values = [extended.values_of(one, [field.key], [field]) for one in entries_of(inner.body)]
        except ValueError:
            raise Unsupported(f"Outlook holds something in {field.label!r} that is no {field.type.value}.") from None
        return values[0].get(field.key) if values else None

    def labels(self, folder: str) -> Sequence[Label]:
        return self._categories_of(Place.of(folder)).labels()

    def label_id(self, folder: str, name: str) -> str:
        [found] = self._categories_of(Place.of(folder)).ids([name])
        return found

    def create_label(self, folder: str, name: str) -> Label:
        return self._categories_of(Place.of(folder)).create(name)

    def _categories_of(self, place: Place) -> Categories:
        return self._categories.setdefault(place.id, Categories(self.graph, place))

    def _reader(self, folder: str, fields: Sequence[str]) -> Reader:
        place = Place.of(folder)
        return Reader(self.graph, place, self._categories_of(place), fields)

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        return self._reader(folder, fields).changes(cursor, known)

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        return self._reader(folder, fields).read(ids)

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        return Writer(self._reader(folder, fields)).write(writes)

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        return self._reader(folder, fields).find(markers)

    def latest(self, folder: str, most: int) -> Latest:
        return self._reader(folder, ()).latest(most)

    def remove_markers(self, folder: str, ids: Sequence[str], keep: Collection[str]) -> int:
        return markers.remove(self._reader(folder, ()), ids, keep)

    def remove_helpers(self) -> Sequence[str]:
        return []

    def subscribe(self, folder: str, url: str, state: str) -> Subscribed:
        return Subscriptions(self.graph).make(Place.of(folder), url, state)

    def renew_subscription(self, id: str) -> Subscribed:
        return Subscriptions(self.graph).renew(id)

    def unsubscribe(self, id: str) -> None:
        Subscriptions(self.graph).end(id)
