"""Contacts of one HubSpot account."""

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
    Sent,
    Write,
    WriteResult,
)
from connectors.http import NoAnswer
from connectors.hubspot import markers
from connectors.hubspot.api import Api
from connectors.hubspot.changes import Changes, Pace
from connectors.hubspot.errors import error_for
from connectors.hubspot.lists import PREFIX, Lists
from connectors.hubspot.portal import Portal
from connectors.hubspot.reading import CONTACTS, Reader
from connectors.hubspot.sent import Search
from connectors.hubspot.signin import WRITE_CONTACTS
from connectors.hubspot.writing import LIMIT, Writer

CAPABILITIES: Final = Capabilities(
    label_kind=LabelKind.LIST,
    creates_labels=True,
    custom_fields=True,
    opt_out=True,
    conditional_updates=False,
    merges=True,
    shows_latest=True,
    removes_markers=True,
    idempotent_creates=True,
    read_batch=LIMIT,
    write_batch=LIMIT,
    rate=(100, 10.0),  # of the least of the plans
    settle_after=300.0,  # our own time-out, and three minutes that a request may run on there
)


def connect(host: Host) -> HubSpot:
    return HubSpot(host)


class HubSpot:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.api = Api(host)
        self.portal = Portal(self.api)
        self.lists = Lists(self.api)
        self._watched: frozenset[str] | None = None
        self.capabilities = replace(
            CAPABILITIES,
            settle_after=float(host.settings.get("settle_after", CAPABILITIES.settle_after)),
            visible_after=float(host.settings.get("visible_after", CAPABILITIES.visible_after)),
            idempotent_creates=self.portal.keeps_marks,
            keeps_markers=self.portal.keeps_marks,
            removes_markers=self.portal.keeps_marks,
        )

    def check(self) -> str:
        """Raises Forbidden where contacts, or what they consist of, may not be read."""
        self.api.get(self.api.at.objects("contacts"), "contacts", limit=1)
        self.portal.fields()
        try:
            account = self.api.get(self.api.at.account(), "its name")
        except Forbidden:  # a token that may read contacts and nothing else will do
            return "HubSpot account"
        return f"HubSpot {account.get('portalId') or 'account'}"

    def folders(self) -> Sequence[Folder]:
        """All contacts, and the lists that people fill."""
        everyone = Folder(CONTACTS, "Contacts", "Contacts", read_only=not self.api.may(WRITE_CONTACTS))
        return [everyone, *self.lists.folders()]

    def fields(self, folder: str) -> Sequence[Field]:
        self._list_of(folder)
        return self.portal.fields()

    def labels(self, folder: str) -> Sequence[Label]:
        """None where the account may not use lists; everything else works without them."""
        self._list_of(folder)
        return self.lists.labels()

    def create_label(self, folder: str, name: str) -> Label:
        self._list_of(folder)
        self._watched = None
        return self.lists.create(name)

    def _list_of(self, folder: str) -> str:
        """The id of the list; empty for all contacts."""
        id = folder.removeprefix(PREFIX)
        if folder != CONTACTS and (id == folder or not (id.isascii() and id.isdecimal())):
            raise FolderGone("HubSpot has the folder Contacts, and one for each list that people fill. Choose one.")
        return "" if folder == CONTACTS else id

    def _reader(self, folder: str, fields: Sequence[str]) -> Reader:
        if self._watched is None:
            self._watched = self.host.watched() if self.lists.readable else frozenset()
        return Reader(self.portal, fields, self._list_of(folder), self._watched)

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        return Changes(self._reader(folder, fields), Pace.of(self.host.settings)).pages(cursor, known)

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        return self._reader(folder, fields).read(ids) if ids else {}

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        return Writer(self._reader(folder, fields)).write(writes) if writes else []

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        return self._reader(folder, fields).find(markers) if markers else {}

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        return Search(self._reader(folder, fields), self.capabilities.settle_after).find(sent)

    def latest(self, folder: str, most: int) -> Latest | None:
        """By the search index, which knows nothing of lists."""
        if self._list_of(folder):
            return None
        by_stamp = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]
        body = {"filterGroups": [], "sorts": by_stamp, "properties": ["hs_object_id"], "limit": most}
        page = self.api.search("contacts", body, "contacts")
        ids = [str(row.get("id")) for row in page["results"] if isinstance(row, dict)]
        return Latest(int(page.get("total") or len(ids)), ids)

    def remove_markers(self, folder: str, ids: Sequence[str], keep: Collection[str]) -> int:
        return markers.remove(self._reader(folder, ()), ids, keep)

    def remove_helpers(self) -> Sequence[str]:
        return self.portal.remove_marks()

    def merge(self, folder: str, winner: str, loser: str) -> str:
        """Of two contacts HubSpot makes a third with a new id (CRM API, Contacts, Merge)."""
        what = "to merge contacts"
        body = {"primaryObjectId": winner, "objectIdToMerge": loser}
        status, answer = self.api.send("POST", self.api.at.objects("contacts", "/merge"), body, what)
        if not 200 <= status < 300:
            raise error_for(status, answer, what)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise NoAnswer("HubSpot answered something unknown. Whether it merged the two shows at the next look.")
        return str(answer["id"])
