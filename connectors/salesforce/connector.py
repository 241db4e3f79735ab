"""Contacts and leads of one Salesforce organisation, through the REST API."""

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
    Host,
    Known,
    Label,
    LabelKind,
    Latest,
    Record,
    Sent,
    Unsupported,
    Write,
    WriteResult,
)
from connectors.salesforce import bulk, markers
from connectors.salesforce.api import Api
from connectors.salesforce.campaigns import Campaigns
from connectors.salesforce.changes import OVERLAP, PAGE_SIZE, Changes
from connectors.salesforce.customers import converted_from
from connectors.salesforce.owners import Owners
from connectors.salesforce.reading import FOLDERS, Reader, Source
from connectors.salesforce.sent import Search
from connectors.salesforce.writing import LIMIT, Writer

CAPABILITIES: Final = Capabilities(
    label_kind=LabelKind.LIST,
    creates_labels=True,
    custom_fields=True,
    opt_out=True,
    converts=True,
    shows_latest=True,
    removes_markers=True,
    sequential_writes=True,  # parallel writes to contacts of one account lock each other out
    read_batch=LIMIT,
    write_batch=LIMIT,
    settle_after=780.0,  # our own time-out, and the ten minutes that a request may run there
)


def connect(host: Host) -> Salesforce:
    return Salesforce(host)


class Salesforce:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.api = Api(host)
        many = int(host.settings.get("bulk_above", bulk.FROM))
        marks = bool(self.api.option("marker_field"))
        self.capabilities = replace(
            CAPABILITIES,
            settle_after=float(host.settings.get("settle_after", CAPABILITIES.settle_after)),
            idempotent_creates=marks,
            keeps_markers=marks,
            removes_markers=marks,
            bulk_creates=(many, bulk.MOST) if marks else None,
        )
        self._owners = Owners(self.api)
        self._sources = {object: Source(self.api, object) for object in FOLDERS}

    def check(self) -> str:
        """Raises Unsupported where neither contacts nor leads can be read, or the field for marks is none."""
        folders = self.folders()
        if not folders:
            raise Unsupported("This user may read neither contacts nor leads. Ask a Salesforce administrator.")
        writable = [self._sources[folder.id] for folder in folders if not folder.read_only]
        if writable and not any(source.catalogue().marks for source in writable):
            writable[0].check_mark()
        rows = list(self.api.query("SELECT Id, Name FROM Organization LIMIT 1", "the organisation"))
        return str(rows[0].get("Name") or rows[0].get("Id")) if rows else "Salesforce"

    def folders(self) -> Sequence[Folder]:
        """Those of the two that this user may read."""
        listed = self.api.get("/sobjects", "objects")
        shown = {one.get("name"): one for one in listed.get("sobjects") or []} if isinstance(listed, dict) else {}
        return [
            Folder(
                object, name, name, read_only=not (shown[object].get("createable") and shown[object].get("updateable"))
            )
            for object, name in FOLDERS.items()
            if object in shown and shown[object].get("queryable")
        ]

    def fields(self, folder: str) -> Sequence[Field]:
        return self._owners.offered(self._source(folder).catalogue().fields.values())

    def labels(self, folder: str) -> Sequence[Label]:
        source = self._source(folder)
        return Campaigns(self.api, source.object).labels() if source.catalogue().has_members else []

    def create_label(self, folder: str, name: str) -> Label:
        source = self._source(folder)
        if not source.catalogue().has_members:
            raise Unsupported("This user may not see campaigns in Salesforce, so it cannot use them as labels.")
        return Campaigns(self.api, source.object).create(name)

    def _source(self, folder: str) -> Source:
        if folder not in self._sources:
            raise FolderGone("Salesforce has two folders for Pairwise: Contacts and Leads. Choose one of them.")
        return self._sources[folder]

    def _reader(self, folder: str, fields: Sequence[str]) -> Reader:
        return Reader(self._source(folder), fields)

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        settings = self.host.settings
        page_size, overlap = int(settings.get("page_size", PAGE_SIZE)), float(settings.get("overlap", OVERLAP))
        return Changes(self._reader(folder, fields), page_size, overlap).pages(cursor, known)

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        return self._reader(folder, fields).read(ids)

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        source = self._source(folder)
        return Writer(self._reader(folder, fields), Campaigns(self.api, source.object)).write(writes)

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        return self._reader(folder, fields).find(markers)

    def origins(self, folder: str, ids: Sequence[str]) -> Mapping[str, str]:
        return converted_from(self.api, ids) if folder == "Contact" else {}

    def under_way(self, folder: str, since: float) -> str:
        source = self._source(folder)
        return bulk.under_way(self.api, source.object, since, self.capabilities.settle_after)

    def latest(self, folder: str, most: int) -> Latest:
        return self._reader(folder, ()).latest(most)

    def remove_markers(self, folder: str, ids: Sequence[str], keep: Collection[str]) -> int:
        return markers.remove(self._reader(folder, ()), ids, keep)

    def remove_helpers(self) -> Sequence[str]:
        """The field for marks was made by an administrator of the organisation and is theirs to remove."""
        return []

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        return Search(self._reader(folder, fields), self.capabilities.settle_after).find(sent)
