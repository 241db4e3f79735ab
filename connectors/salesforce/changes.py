"""What changed in a folder: a listing by id, then windows on SystemModstamp.

A row carries the time at which it was written inside its transaction and is seen only after the commit, so each window
begins `OVERLAP` before the last one ended. What it shows again is told apart by the version that the engine knows, and
by the marks of the last rows, which the cursor carries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from connectors.base import ChangePage, CursorExpired, Departure, Known, Record
from connectors.salesforce.api import Row
from connectors.salesforce.fields import moment, seconds_of
from connectors.salesforce.reading import Reader, departure_of

PAGE_SIZE: Final = 500
OVERLAP: Final = 600.0
LONGEST_GAP: Final = 14 * 24 * 3600.0  # the recycle bin keeps what was deleted for 15 days
MOST_SEEN: Final = 400


@dataclass(frozen=True, slots=True)
class Cursor:
    """`mark`: where the window began, in seconds; `onward`: where the next one begins (0: not known yet). `after`: the
    last row that was read: the id in a listing, stamp and id in a window. `seen`: marks of rows near the end."""

    listing: bool
    mark: int = 0
    onward: int = 0
    after: tuple[str, ...] = ()
    seen: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return orjson.dumps([self.listing, self.mark, self.onward, self.after, self.seen]).decode()

    @classmethod
    def of(cls, text: str) -> Cursor:
        if not text:
            return cls(True)
        try:
            listing, mark, onward, after, seen = orjson.loads(text)
            return cls(bool(listing), int(mark), int(onward), tuple(map(str, after)), tuple(map(str, seen)))
        except (ValueError, TypeError):
            raise CursorExpired("The place where reading stopped cannot be read; the folder is listed anew.") from None


@dataclass(frozen=True, slots=True)
class Changes:
    reader: Reader
    page_size: int = PAGE_SIZE
    overlap: float = OVERLAP

    def pages(self, text: str, known: Known) -> Iterator[ChangePage]:
        cursor = Cursor.of(text)
        return self.listing(cursor) if cursor.listing else self.news(cursor, known)

    # ---- the whole folder

    def listing(self, cursor: Cursor) -> Iterator[ChangePage]:
        while True:
            parts = [f"Id > '{cursor.after[0]}'"] if cursor.after else ["Id != null"]
            rows = self.reader.rows(
                " AND ".join(filter(None, [*parts, self.reader.present_only])), "Id", self.page_size
            )
            mark = cursor.mark or int(self.reader.api.server_time)
            last = len(rows) < self.page_size
            cursor = Cursor(False, mark) if last else Cursor(True, mark, after=(str(rows[-1]["Id"]),))
            yield ChangePage([self.reader.record(row) for row in rows], cursor=str(cursor), last=last, listing=True)
            if last:
                return

    # ---- news

    def news(self, cursor: Cursor, known: Known) -> Iterator[ChangePage]:
        told: set[str] = set()
        since = cursor.mark - self.overlap
        while True:
            rows = self.reader.rows(_window(since, cursor.after), "SystemModstamp, Id", self.page_size, everything=True)
            onward = cursor.onward or int(self.reader.api.server_time)
            if onward - cursor.mark > LONGEST_GAP:
                raise CursorExpired(
                    "The folder was not read for two weeks; deletions may be lost, so it is listed anew."
                )
            last = len(rows) < self.page_size
            page, seen = self._page(rows, cursor.seen, known)
            told.update(str(row["Id"]) for row in rows)
            recent = _recent([*cursor.seen, *seen])
            after = (moment(seconds_of(rows[-1]["SystemModstamp"])), str(rows[-1]["Id"])) if rows else cursor.after
            cursor = replace(cursor, onward=onward, after=after, seen=recent)
            if last:
                page, cursor = self._with_members(page, cursor, since, told, known)
            yield replace(page, cursor=str(cursor), last=last)
            if last:
                return

    def _page(self, rows: Sequence[Row], seen: Iterable[str], known: Known) -> tuple[ChangePage, list[str]]:
        """The page, and the marks of what it shows."""
        before = set(seen)
        versions = known.versions([str(row["Id"]) for row in rows]) if rows else {}
        records: list[Record] = []
        departures: list[Departure] = []
        unchanged: list[str] = []
        marks: list[str] = []
        for row in rows:
            departed = departure_of(row)
            if departed is not None:
                departures += [departed] if departed.id in versions else []
                continue
            record = self.reader.record(row)
            marks.append(_mark(record.id, record.version))
            if versions.get(record.id) == record.version:
                unchanged.append(record.id)
            elif record.id in versions or marks[-1] not in before:
                records.append(record)
        return ChangePage(records, departures, unchanged), marks

    # ---- campaigns: a member's coming and going leaves the stamp of its contact as it is

    def _with_members(
        self, page: ChangePage, cursor: Cursor, since: float, told: set[str], known: Known
    ) -> tuple[ChangePage, Cursor]:
        final = Cursor(False, cursor.onward, seen=cursor.seen)
        if not self.reader.source.catalogue().has_members:
            return page, final
        name = f"{self.reader.source.object}Id"
        soql = f"SELECT Id, {name}, SystemModstamp FROM CampaignMember WHERE SystemModstamp >= {moment(since)}"  # noqa: S608
        soql += f" AND {name} != null ORDER BY SystemModstamp, Id"
        members = list(self.reader.api.query(soql, "campaign members", everything=True))
        marks = {_mark(str(one["Id"]), str(one["SystemModstamp"])): str(one[name]) for one in members}
        touched = {id for mark, id in marks.items() if mark not in cursor.seen} - told
        rows = list(self.reader.among("Id", sorted(touched)))
        more, seen = self._page(rows, cursor.seen, known)
        page = ChangePage(
            [*page.records, *more.records], [*page.departures, *more.departures], [*page.unchanged, *more.unchanged]
        )
        return page, replace(final, seen=_recent([*cursor.seen, *seen, *marks]))


def _window(since: float, after: tuple[str, ...]) -> str:
    if not after:
        return f"SystemModstamp >= {moment(since)}"
    stamp, id = after
    return f"SystemModstamp >= {stamp} AND (SystemModstamp > {stamp} OR Id > '{id}')"


def _mark(id: str, version: Any) -> str:
    return hashlib.blake2b(f"{id} {version}".encode(), digest_size=6).hexdigest()


def _recent(marks: Iterable[str]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(marks))[-MOST_SEEN:])
