"""What changed in a folder: a listing from the database, then looks at the search index by lastmodifieddate.

The index lags, so each look begins `OVERLAP` before the last one began, and only names contacts: what they hold is read
from the database. A look goes from stamp to stamp instead of from page to page, because a page's place is lost when a
contact changes meanwhile, and no query reaches more than 10,000 (developers.hubspot.com, Search the CRM).

Neither sees what was deleted: each look also turns one page of the recycle bin. Neither sees lists: their members are
read whole, now and then.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from connectors.base import ChangePage, CursorExpired, Departure, DepartureKind, Known, Record
from connectors.hubspot.api import Row, after_of
from connectors.hubspot.fields import millis_of
from connectors.hubspot.reading import Reader, labels_of, merged_into

LISTED: Final = 100
SEARCHED: Final = 200
OVERLAP: Final = 300.0  # seconds; the index was seen to lag by up to one minute
LIST_INTERVAL: Final = 300.0
LONGEST_GAP: Final = 80 * 24 * 3600.0  # the recycle bin keeps what was deleted for 90 days
MOST_SEEN: Final = 5_000  # what changed beyond that within the overlap is read once more
LONGEST_QUERY: Final = 6_000  # characters of property names that an address takes without trouble
_WHAT: Final = "contacts"
_STAMP: Final = "lastmodifieddate"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Times in milliseconds by HubSpot's clock. `mark`: when the last finished look began; `onward`: when this one did
    (0: not yet). `since`, `tie`: the stamp it has come to and, among contacts with that stamp, the last id. `after`:
    the page of a listing; `bin`: of the recycle bin. `polled`, `lists`: when the members of which lists were read,
    each with what tells whether they are others now.
    `seen`: marks of what was read near the end."""

    listing: bool
    mark: int = 0
    onward: int = 0
    since: int = 0
    tie: str = ""
    after: str = ""
    bin: str = ""
    polled: float = 0.0
    lists: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    def __str__(self) -> str:
        return orjson.dumps([getattr(self, name) for name in self.__slots__]).decode()

    @classmethod
    def of(cls, text: str) -> Cursor:
        if not text:
            return cls(True)
        try:
            listing, mark, onward, since, tie, after, bin, polled, lists, seen = orjson.loads(text)
            places = int(mark), int(onward), int(since), str(tie), str(after), str(bin), float(polled)
            return cls(bool(listing), *places, tuple(map(str, lists)), tuple(map(str, seen)))
        except (ValueError, TypeError):
            raise CursorExpired("The place where reading stopped cannot be read; the folder is listed anew.") from None


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at a time, and how often; smaller in tests."""

    page_size: int = SEARCHED
    overlap: float = OVERLAP
    list_interval: float = LIST_INTERVAL

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Pace:
        return cls(
            min(int(settings.get("page_size", SEARCHED)), SEARCHED),
            float(settings.get("overlap", OVERLAP)),
            float(settings.get("list_interval", LIST_INTERVAL)),
        )


@dataclass(frozen=True, slots=True)
class Changes:
    reader: Reader
    pace: Pace = Pace()

    def pages(self, text: str, known: Known) -> Iterator[ChangePage]:
        cursor = Cursor.of(text)
        if not cursor.listing:
            return self.news(cursor, known)
        return self.list_members(cursor, known) if self.reader.list_id else self.listing(cursor, known)

    # ---- the whole folder

    def listing(self, cursor: Cursor, known: Known) -> Iterator[ChangePage]:
        members: Mapping[str, frozenset[str]] | None = None
        while True:
            rows, after = self._listed(cursor.after)
            cursor = self._begun(cursor, cursor.after)
            if members is None:
                members = self.reader.lists.everyone(self.reader.carried)
                cursor = replace(cursor, lists=_fingerprints(members))
            page = self._page(rows, _told_apart([str(row.get("id")) for row in rows], members), known)
            cursor = self._turned(cursor, rows, after)
            yield replace(page, cursor=str(cursor), last=not after, listing=True)
            if not after:
                return

    def _listed(self, after: str) -> tuple[list[Row], str]:
        """A page of contacts; where so many fields are wanted that no address can name them, read in a second step."""
        names = ",".join(self.reader.names)
        short = len(names) <= LONGEST_QUERY
        page = self.reader.api.get(
            self.reader.api.at.objects("contacts"),
            _WHAT,
            limit=min(self.pace.page_size, LISTED),
            after=after,
            properties=names if short else _STAMP,
        )
        rows: list[Row] = [one for one in page.get("results") or [] if isinstance(one, dict)]
        if not short:
            rows = list(self.reader.fetch(str(one.get("id")) for one in rows).values())
        following = after_of(page)
        return rows, "" if following == after else following

    def list_members(self, cursor: Cursor, known: Known) -> Iterator[ChangePage]:
        others: Mapping[str, frozenset[str]] | None = None
        for ids, after in self.reader.lists.members(self.reader.list_id, cursor.after):
            cursor = self._begun(cursor, cursor.after)
            if others is None:
                others = self.reader.lists.everyone(self.reader.watched - {self.reader.list_id})
            rows = list(self.reader.fetch(ids).values())
            page = self._page(rows, _told_apart(ids, {**others, self.reader.list_id: frozenset(ids)}), known)
            cursor = self._turned(cursor, rows, after)
            yield replace(page, cursor=str(cursor), last=not after, listing=True)

    def _begun(self, cursor: Cursor, after: str) -> Cursor:
        if cursor.mark:
            return cursor
        return replace(cursor, mark=self._now(), polled=self.reader.api.host.clock.now())

    def _turned(self, cursor: Cursor, rows: Sequence[Row], after: str) -> Cursor:
        """After a page of a listing. What changed just before it began is not read once more in the first look."""
        since = cursor.mark - self.pace.overlap * 1000
        marks = [_mark(row) for row in rows if millis_of(_stamp(row)) >= since]
        return replace(cursor, listing=bool(after), after=after, seen=_recent([*cursor.seen, *marks]))

    def _now(self) -> int:
        return int(self.reader.api.server_time) * 1000

    # ---- news

    def news(self, cursor: Cursor, known: Known) -> Iterator[ChangePage]:
        told = set(cursor.seen)
        while True:
            since = cursor.since or max(cursor.mark - int(self.pace.overlap * 1000), 0)
            found, more = self._searched(since, cursor.tie)
            cursor = replace(cursor, onward=cursor.onward or self._now())
            if cursor.onward - cursor.mark > LONGEST_GAP * 1000:
                raise CursorExpired(
                    "The folder was not read for almost three months; deletions may be lost, so it is listed anew."
                )
            fresh = [row for row in found if _mark(row) not in told]
            page, rows = self._read(fresh, known)
            marks = [_mark(row) for row in (*found, *rows)]
            told.update(marks)
            cursor = replace(cursor, seen=_recent([*cursor.seen, *marks]))
            if more:
                cursor = _onward(cursor, since, found)
            else:
                page, cursor = self._finished(page, cursor, known)
            yield replace(page, cursor=str(cursor), last=not more)
            if not more:
                return

    def _searched(self, since: int, tie: str) -> tuple[list[Row], bool]:
        """Contacts that changed at a time or later; with `tie` those of just that time, beyond an id."""
        at = {"propertyName": _STAMP, "operator": "EQ" if tie else "GTE", "value": str(since)}
        beyond = [{"propertyName": "hs_object_id", "operator": "GT", "value": tie}] if tie else []
        body = {
            "filterGroups": [{"filters": [at, *beyond]}],
            "sorts": [{"propertyName": "hs_object_id" if tie else _STAMP, "direction": "ASCENDING"}],
            "properties": [_STAMP],
            "limit": self.pace.page_size,
        }
        rows, after = self._found(body)
        while after and not rows:  # the index held a page of contacts that are not there any more
            rows, after = self._found({**body, "after": after})
        return rows, bool(after) or bool(tie)

    def _found(self, body: Mapping[str, Any]) -> tuple[list[Row], str]:
        page = self.reader.api.search("contacts", body, _WHAT)
        return [one for one in page["results"] if isinstance(one, dict)], after_of(page)

    def _read(self, named: Sequence[Row], known: Known) -> tuple[ChangePage, list[Row]]:
        """What the contacts hold that a search named, and what became of those that are not there."""
        ids = [str(row.get("id")) for row in named]
        versions = known.versions(ids) if ids else {}
        if self.reader.list_id:
            ids = [id for id in ids if id in versions]  # who is new comes with the members
        rows = self.reader.fetch(ids) if ids else {}
        held = {id: labels_of(versions[id]) for id in rows if id in versions}
        labels = {id: one & self.reader.carried for id, one in held.items() if one is not None}
        labels |= self.reader.lists.of([id for id in rows if id not in labels], self.reader.carried)
        page = self._page(list(rows.values()), labels, known)
        gone = [id for id in ids if id not in rows and id in versions]
        return self._and_departed(page, gone), list(rows.values())

    def _page(self, rows: Sequence[Row], labels: Mapping[str, frozenset[str]], known: Known) -> ChangePage:
        """The former ids of a merged contact have departed into it."""
        former = {old: str(row.get("id")) for row in rows for old in merged_into(row)}
        versions = known.versions([*(str(row.get("id")) for row in rows), *former]) if rows else {}
        records: list[Record] = []
        unchanged: list[str] = []
        for record in self.reader.records(rows, labels) if rows else []:
            if versions.get(record.id) == record.version:
                unchanged.append(record.id)
            else:
                records.append(record)
        departures = [Departure(old, DepartureKind.LEFT, new) for old, new in former.items() if old in versions]
        return ChangePage(records, departures, unchanged)

    def _and_departed(self, page: ChangePage, ids: Sequence[str]) -> ChangePage:
        told = {one.id for one in page.departures}
        gone = self.reader.departed([id for id in ids if id not in told]) if ids else {}
        departures = [one for one in gone.values() if isinstance(one, Departure)]
        return replace(page, departures=[*page.departures, *departures])

    # ---- what a search does not see

    def _finished(self, page: ChangePage, cursor: Cursor, known: Known) -> tuple[ChangePage, Cursor]:
        deleted, following = self._binned(cursor.bin, known)
        told = {one.id for one in page.departures}
        page = replace(page, departures=[*page.departures, *(one for one in deleted if one.id not in told)])
        now, carried = self.reader.api.host.clock.now(), self.reader.carried
        final = replace(cursor, mark=cursor.onward, onward=0, since=0, tie="", bin=following)
        before = {one.partition(" ")[0] for one in cursor.lists}
        due = self.reader.list_id or carried != before or now - cursor.polled >= self.pace.list_interval
        if not due or not (carried or before):
            return page, final
        members = self._members()
        final = replace(final, polled=now, lists=_fingerprints(members))
        same = {one.partition(" ")[0] for one in set(final.lists) & set(cursor.lists)}
        changed = {id: inside for id, inside in members.items() if id not in same}
        changed |= dict.fromkeys(before - carried, frozenset())
        return self._with_members(page, changed, members, known) if changed else page, final

    def _binned(self, after: str, known: Known) -> tuple[list[Departure], str]:
        path = self.reader.api.at.objects("contacts")
        page = self.reader.api.get(path, _WHAT, limit=LISTED, after=after, properties="hs_object_id", archived="true")
        ids = [str(one.get("id")) for one in page.get("results") or [] if isinstance(one, dict)]
        versions = known.versions(ids) if ids else {}
        return [Departure(id, DepartureKind.DELETED) for id in ids if id in versions], after_of(page)

    def _members(self) -> dict[str, frozenset[str]]:
        """Raises FolderGone where the list that is the folder is gone; another one is as good as empty then."""
        reader = self.reader
        members = reader.lists.everyone(reader.carried - {reader.list_id})
        if reader.list_id:
            members[reader.list_id] = frozenset(id for ids, _ in reader.lists.members(reader.list_id) for id in ids)
        return members

    def _with_members(
        self,
        page: ChangePage,
        changed: Mapping[str, frozenset[str]],
        members: Mapping[str, frozenset[str]],
        known: Known,
    ) -> ChangePage:
        """Those whose lists are others than we know of."""
        reader = self.reader
        touched: set[str] = set()
        for id, now in changed.items():
            touched |= now.symmetric_difference(known.labelled(id))
        versions = known.versions(sorted(touched)) if touched else {}
        inside = members.get(reader.list_id, frozenset())
        ids = sorted(id for id in touched if id in versions or id in inside)
        left = {id for id in ids if reader.list_id and id not in inside}
        rows = reader.fetch(ids) if ids else {}
        here = [row for id, row in rows.items() if id not in left]
        more = self._page(here, _told_apart(rows, members), known)
        gone = self._and_departed(more, [id for id in ids if id not in rows and id in versions])
        departed = [*gone.departures, *(Departure(id, DepartureKind.LEFT) for id in sorted(left) if id in rows)]
        told = {one.id for one in departed}
        return ChangePage(
            [*(one for one in page.records if one.id not in told), *gone.records],
            [*(one for one in page.departures if one.id not in told), *departed],
            [*(id for id in page.unchanged if id not in told), *gone.unchanged],
        )


def _onward(cursor: Cursor, since: int, found: Sequence[Row]) -> Cursor:
    """Where the next query of a look begins. Contacts that share one stamp may be more than a page."""
    if cursor.tie:
        if found:
            return replace(cursor, since=since, tie=str(found[-1].get("id")))
        return replace(cursor, since=since + 1, tie="")
    last = millis_of(_stamp(found[-1]))
    return replace(cursor, since=last, tie="0" if last <= since else "")


def _told_apart(ids: Iterable[str], members: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {id: frozenset(name for name, inside in members.items() if id in inside) for id in ids}


def _fingerprints(members: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """By list, its id and something that differs where its members do."""
    return tuple(
        f"{id} {hashlib.blake2b(','.join(sorted(inside)).encode(), digest_size=8).hexdigest()}"
        for id, inside in sorted(members.items())
    )


def _stamp(row: Row) -> Any:
    return (row.get("properties") or {}).get(_STAMP) or row.get("updatedAt")


def _mark(row: Row) -> str:
    digest = hashlib.blake2b(f"{row.get('id')} {millis_of(_stamp(row))}".encode(), digest_size=6).digest()
    return base64.b64encode(digest).decode()


def _recent(marks: Iterable[str]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(marks))[-MOST_SEEN:])
