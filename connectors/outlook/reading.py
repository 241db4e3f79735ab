"""Contacts as records: by delta, by id, by marker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.base import (
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    Known,
    Latest,
    Record,
    Unavailable,
)
from connectors.outlook import extended
from connectors.outlook.batch import Inner, Request
from connectors.outlook.errors import MALFORMED, codes_in, error_for
from connectors.outlook.fields import PROPERTIES, SELECT, body_of, values_of, version_of
from connectors.outlook.graph import Graph, Place, entries_of, query
from connectors.outlook.labels import Categories

PAGE_SIZE: Final = 200  # the service gives no more
_CUT_NOTE: Final = range(250, 257)  # a note that begins with a line break is cut to this length in lists
_ALWAYS_THERE: Final = ("createdDateTime", "parentFolderId")  # in every whole item, never in one of changes alone


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one folder. `fields`: the keys that records show."""

    graph: Graph
    place: Place
    categories: Categories
    fields: Sequence[str]

    @property
    def page_size(self) -> int:
        return int(self.graph.host.settings.get("page_size", PAGE_SIZE))

    @property
    def extended(self) -> list[str]:
        return [key for key in self.fields if extended.is_extended(key)]

    # ---- by id

    def url(self, id: str) -> str:
        options = query(select=",".join(SELECT), expand=extended.expand(self.extended))
        return self.place.anywhere(id) + options

    def read(self, ids: Sequence[str]) -> dict[str, Record | Departure]:
        """A contact that Outlook does not find is gone for an unknown reason: a personal mailbox may not find for a
        while what it lists (so only the delta's word counts as a deletion)."""
        inners = self.graph.read_all([Request("GET", self.url(id)) for id in ids])
        found: dict[str, Record | Departure] = {}
        for id, inner in zip(ids, inners, strict=True):
            found[id] = self._seen(id, inner)
        return found

    def _seen(self, id: str, inner: Inner) -> Record | Departure:
        contact = inner.contact
        if contact is None:
            if inner.status == 404 or MALFORMED in codes_in(inner.body):
                return Departure(id, DepartureKind.UNKNOWN)
            raise error_for(inner.status, inner.body, "a contact")
        if self.is_here(contact):
            return self.record(contact)
        in_trash = contact.get("parentFolderId") == self.graph.around(self.place).trash
        return Departure(id, DepartureKind.DELETED if in_trash else DepartureKind.LEFT)

    def is_here(self, contact: Mapping[str, Any]) -> bool:
        parent = contact.get("parentFolderId")
        return parent in {self.place.folder, None} or parent == self.graph.around(self.place).here

    # ---- by time

    def latest(self, most: int) -> Latest:
        options = query(select="id", orderby="lastModifiedDateTime desc", top=most, count="true")
        body = self.graph.get(self.place.contacts + options, "the folder")
        ids = [str(entry["id"]) for entry in entries_of(body) if entry.get("id")]
        return Latest(int(body.get("@odata.count") or len(ids)), ids)

    # ---- by delta

    def changes(self, cursor: str, known: Known) -> Iterator[ChangePage]:
        listing, link = self._start(cursor)
        while True:
            body = self.graph.get(link, "the folder", f"odata.maxpagesize={self.page_size}")
            following, done = body.get("@odata.nextLink"), body.get("@odata.deltaLink")
            last = not following
            onward = self.graph.own(following or done)
            if onward == link and not last:
                raise Unavailable("Outlook gives the same page again and again. It will be tried again.")
            yield self._page(entries_of(body), listing, known, _cursor(listing and not last, onward), last)
            if last:
                return
            link = onward

    def _start(self, cursor: str) -> tuple[bool, str]:
        if not cursor:
            return True, f"{self.place.contacts}/delta{query(select=','.join(SELECT))}"
        mode, _, link = cursor.partition(" ")
        if mode not in {"list", "news"} or not self.graph.is_own(link):
            raise CursorExpired(
                "The place where reading stopped belongs to another address; the folder is listed anew."
            )
        return mode == "list", link

    def _page(
        self, entries: Sequence[Mapping[str, Any]], listing: bool, known: Known, cursor: str, last: bool
    ) -> ChangePage:
        """An item can come several times, its last form counts; a removal of what nobody knows is no news."""
        latest = {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), str)}
        versions = known.versions(list(latest)) if latest else {}
        records: list[Record] = []
        unchanged: list[str] = []
        again: list[str] = []
        for id, entry in latest.items():
            if "@removed" in entry:
                again += [id] if id in versions else []
            elif not listing and versions.get(id) == version_of(entry) != "":
                unchanged.append(id)
            elif self.extended or not _is_whole(entry, listing) or _may_be_cut(entry):
                again.append(id)
            else:
                records.append(self.record(entry))
        departures: list[Departure] = []
        for id, seen in self.read(again).items() if again else ():
            judged = self._judge(latest[id], seen, listing)
            if isinstance(judged, Record):
                records.append(judged)
            else:
                departures.append(judged)
        return ChangePage(records, departures, unchanged, cursor, last, listing)

    def _judge(self, entry: Mapping[str, Any], seen: Record | Departure, listing: bool) -> Record | Departure:
        """What the delta and the contact itself say together.

        The delta calls a move to another folder a deletion too, so a removal is believed only of what is nowhere else.
        """
        if isinstance(seen, Record) or seen.kind is not DepartureKind.UNKNOWN:
            return seen
        if "@removed" in entry:
            reason = entry["@removed"].get("reason") if isinstance(entry["@removed"], dict) else ""
            return Departure(seen.id, DepartureKind.DELETED) if reason == "deleted" else seen
        if not self.extended and _is_whole(entry, listing):
            return self.record(entry)
        problem = "Outlook lists this contact but does not hand it out yet. It is read again when it changes."
        return Record(seen.id, version_of(entry), {}, problem=problem)

    # ---- by marker

    def find(self, markers: Sequence[str]) -> dict[str, Record]:
        """The filter may look at the whole mailbox: the folder's own contact is ours before a moved or copied one, and
        what lies in Deleted Items does not exist any more."""
        requests = [Request("GET", self.place.contacts + self._having(marker)) for marker in markers]
        found: dict[str, Record] = {}
        for marker, inner in zip(markers, self.graph.read_all(requests), strict=True):
            if not inner.ok or not isinstance(inner.body, dict):
                raise error_for(inner.status, inner.body, "the folder")
            contact = self._ours(entries_of(inner.body))
            if contact is not None:
                found[marker] = self.record(contact, marker)
        return found

    def _having(self, marker: str) -> str:
        select = ",".join(SELECT)
        return query(filter=extended.having(marker), select=select, expand=extended.expand(self.extended))

    def _ours(self, contacts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        oldest = sorted(contacts, key=lambda one: str(one.get("createdDateTime") or ""))
        here = [one for one in oldest if self.is_here(one)]
        if here or not oldest:
            return here[0] if here else None
        trash = self.graph.around(self.place).trash
        return next((one for one in oldest if one.get("parentFolderId") != trash), None)

    # ---- as a record

    def record(self, contact: Mapping[str, Any], marker: str = "") -> Record:
        id, version = contact["id"], version_of(contact)
        try:
            values = values_of(contact, self.fields)
            values |= extended.values_of(contact, self.fields, self.graph.host.declared)
            names = values_of(contact, ["categories"]).get("categories", [])
            body = body_of(contact)
            marker = marker or extended.marker_of(contact)
        except (ValueError, TypeError) as error:
            problem = f"Outlook shows this contact in a form that cannot be read ({_property(error)})."
            return Record(id, version, {}, problem=problem)
        labels = self.categories.ids(element["value"] for element in names)
        return Record(id, version, values, labels, marker=marker, modified=_modified(contact), body=body)


def _cursor(listing: bool, link: str) -> str:
    """`list {link}` within a full listing, `news {link}` after it."""
    return f"{'list' if listing else 'news'} {link}"


def _is_whole(entry: Mapping[str, Any], listing: bool) -> bool:
    """Whether a delta's item shows all that was selected: Graph promises the changed properties only. In a listing a
    property that is left out is empty, unless the item was changed meanwhile and comes in part."""
    if not version_of(entry) or any(name not in entry for name in _ALWAYS_THERE):
        return False
    return listing or all(name in entry for name in PROPERTIES)


def _may_be_cut(entry: Mapping[str, Any]) -> bool:
    note = entry.get("personalNotes")
    return isinstance(note, str) and len(note) in _CUT_NOTE and "\n" not in note


def _modified(contact: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(contact.get("lastModifiedDateTime"))).timestamp()
    except ValueError:
        return None


def _property(error: Exception) -> str:
    """The name of the property; other errors may quote a value."""
    words = str(error).split(" ", 1)
    return words[0] if words[0] in {*PROPERTIES, "singleValueExtendedProperties"} else "a custom field"
