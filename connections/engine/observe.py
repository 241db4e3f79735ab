"""Pulls the news of a folder into items, page by page; the page and the cursor commit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from django.db import transaction

from connections.engine import store
from connections.engine.items import Intake, dumps
from connections.engine.leases import Lease
from connections.models import Folder, Item, Seen, ToldRecord
from connectors.base import (
    ChangePage,
    Clock,
    Connector,
    CursorExpired,
    Departure,
    DepartureKind,
    NothingKnown,
    Record,
    chunked,
)

PAGE = 200
PORTION = 2_000


@dataclass(frozen=True, slots=True)
class StoredVersions:
    folder_id: int

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        rows = Item.objects.filter(folder_id=self.folder_id, remote_id__among=ids, departed="", problem="")
        return dict(rows.values_list("remote_id", "version"))

    def labelled(self, label: str) -> Sequence[str]:
        rows = Item.objects.filter(folder_id=self.folder_id, departed="", labels__contains=dumps(label))
        return list(rows.values_list("remote_id", flat=True))


@dataclass
class Observer:
    """Observes one folder under its lease. `progress` hears the number of records of each page."""

    folder: Folder
    connector: Connector
    intake: Intake
    lease: Lease
    clock: Clock
    fields: Sequence[str]
    progress: Callable[[int], None] = lambda count: None

    def run(self, full: bool = False) -> None:
        """Raises ConnectorError as the app fails; what was committed by then stays."""
        missing = set(self.fields) - set(orjson.loads(self.folder.fields))
        reread = bool(missing)
        if (full or missing) and not self.folder.listing:
            self._begin_listing()
        self._recheck()
        self._read_told()
        try:
            self._pull(reread)
        except CursorExpired:
            self._begin_listing()
            self._pull(reread)
        self._recheck()

    def refresh(self, remote_ids: Sequence[str]) -> None:
        """Reads records by id and believes what it sees."""
        for ids in chunked(remote_ids, self.connector.capabilities.read_batch):
            asked_at = self.clock.now()
            answers = self.connector.read(self.folder.remote_id, ids, self.fields)
            with transaction.atomic():
                self.lease.renew()
                now = self.clock.now()
                records = [answer for answer in answers.values() if isinstance(answer, Record)]
                self.intake.absorb(records, asked_at, now, trusted=True)
                gone = [answer for answer in answers.values() if isinstance(answer, Departure)]
                self.intake.depart(gone, asked_at, now)
                Item.objects.filter(folder=self.folder, remote_id__among=ids).update(recheck_at=None)

    def _begin_listing(self) -> None:
        with transaction.atomic():
            self.lease.renew()
            Seen.objects.filter(folder=self.folder).delete()
            self.folder.cursor = ""
            self.folder.listing = True
            self.folder.listing_started_at = self.clock.now()
            self.folder.save(update_fields=["cursor", "listing", "listing_started_at"])

    def _recheck(self) -> None:
        due = Item.objects.filter(folder=self.folder, recheck_at__lte=self.clock.now())
        ids = list(due.values_list("remote_id", flat=True))
        if ids:
            self.refresh(ids)

    def _read_told(self) -> None:
        """What the app told us of is read by id: its change feed may show it later."""
        told = dict(ToldRecord.objects.filter(folder=self.folder).values_list("remote_id", "pk"))
        if told:
            self.refresh(list(told))
            ToldRecord.objects.filter(pk__in=told.values()).delete()

    def _pull(self, reread: bool) -> None:
        if not self.folder.cursor and not self.folder.listing:
            self._begin_listing()
        known = NothingKnown() if reread else StoredVersions(self.folder.pk)
        asked_at = self.clock.now()
        for page in self.connector.changes(self.folder.remote_id, self.folder.cursor, self.fields, known):
            self._take(page, asked_at)
            asked_at = self.clock.now()

    def _take(self, page: ChangePage, asked_at: float) -> None:
        now = self.clock.now()
        with transaction.atomic():
            self.lease.renew()
            if page.records:
                self.intake.absorb(page.records, asked_at, now)
            if page.departures:
                self.intake.depart(page.departures, asked_at, now)
            if page.listing:
                self._mark_seen(page)
            if page.last and self.folder.listing and page.listing:
                self._end_listing(now)
            if page.last:
                self.folder.fields = dumps(sorted(self.fields))
                self.folder.observed_at = now
            self.folder.cursor = page.cursor
            self.folder.save(update_fields=["cursor", "listing", "listed_at", "fields", "observed_at"])
        self.progress(len(page.records) + len(page.unchanged))

    def _mark_seen(self, page: ChangePage) -> None:
        ids = {record.id for record in page.records} | set(page.unchanged)
        store.insert(Seen, ("folder", "remote_id"), [(self.folder.pk, remote_id) for remote_id in ids])

    def _end_listing(self, now: float) -> None:
        """What a completed listing never named has departed, unless we saw it ourselves since the listing began.
        Whether it was deleted or moved is then asked by id; until that is known nothing follows from it."""
        for ids in self._never_named():
            self.intake.depart([Departure(remote_id, DepartureKind.UNKNOWN) for remote_id in ids], now, now)
            Item.objects.filter(folder=self.folder, remote_id__among=ids).update(recheck_at=now)
        Seen.objects.filter(folder=self.folder).delete()
        self.folder.listing = False
        self.folder.listed_at = self.folder.listing_started_at

    def _never_named(self) -> Iterator[list[str]]:
        """Looked up in portions: whether one query over both tables is fast hangs on statistics that no database has
        yet of rows written a moment ago."""
        started = self.folder.listing_started_at
        older = Item.objects.filter(
            folder=self.folder, departed="", observed_at__lt=started, written_at__lt=started - self.intake.visible_after
        ).order_by("id")
        last = 0
        while portion := list(older.filter(id__gt=last).values_list("id", "remote_id")[:PORTION]):
            last = portion[-1][0]
            asked = [remote_id for _, remote_id in portion]
            named = {row[0] for row in store.select(Seen, ("remote_id",), "remote_id", asked, folder=self.folder.pk)}
            absent = [remote_id for remote_id in asked if remote_id not in named]
            yield from chunked(absent, PAGE)
