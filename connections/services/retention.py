"""How long history is kept. What the next run needs is never purged: items, bases, decisions, and open lines."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from connections import host
from connections.engine.leases import claim, worker_name
from connections.models import Change, ChangeState, Item, Pair, Run, RunState, Tenant
from connections.services import ending, forgetting, handling, unmarking

log = logging.getLogger(__name__)

PIECE = 1_000  # rows that are deleted at a time
NEEDED = (
    ChangeState.PROPOSED,
    ChangeState.APPROVED,
    ChangeState.SENT,
    ChangeState.UNKNOWN,
    ChangeState.REJECTED,  # what a person does not want is not proposed again
)


@dataclass(slots=True)
class Purged:
    changes: int = 0
    runs: int = 0
    contacts: int = 0
    connections: int = 0

    def __str__(self) -> str:
        counts = {
            "changes": self.changes,
            "runs": self.runs,
            "contacts that are gone on both sides": self.contacts,
            "deleted connections": self.connections,
        }
        return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def purge(write: bool = True) -> Purged | None:
    """Removes what is older than each tenant keeps, in small transactions: may be stopped and started again. None while
    another worker is at it. Without `write` it only counts."""
    lease = claim("purge", worker_name(), host.SystemClock())
    if lease is None:
        return None
    purged = Purged()
    try:
        for days in Tenant.objects.exclude(history_days=0).values_list("history_days", flat=True).distinct():
            for count, name in _of_tenants(days, write):
                setattr(purged, name, getattr(purged, name) + count)
                lease.renew()
        if write:
            purged.connections = ending.remove_expired()
            handling.drop_settled()
            _finish_forgetting()
            for connection in unmarking.unfinished():
                unmarking.carry_out(connection)
    finally:
        lease.release()
    if write:
        log.info("purged: %s", purged)
    return purged


def _finish_forgetting() -> None:
    for asked in forgetting.unfinished():
        try:
            forgetting.carry_out(asked)
        except forgetting.NotYet:
            log.warning("Forgetting %s is not finished; its page says why.", asked.pk)


def _of_tenants(days: int, write: bool) -> Iterator[tuple[int, str]]:
    """Of all tenants that keep their history for so many days: together, since these tables have no index by time."""
    before = timezone.now() - timedelta(days=days)
    kinds: tuple[tuple[str, QuerySet[Any]], ...] = (
        ("changes", old_changes(days, before)),
        ("runs", old_runs(days, before)),
        ("contacts", gone_pairs(days, before)),
    )
    for name, rows in kinds:
        if not write:
            yield rows.count(), name
            continue
        while found := list(rows.order_by("id")[:PIECE]):
            items = [pk for row in found if isinstance(row, Pair) for pk in (row.item_a_id, row.item_b_id) if pk]
            rows.model._default_manager.filter(id__in=[row.pk for row in found]).delete()
            _drop_items(items)
            yield len(found), name


def old_changes(days: int, before: datetime) -> QuerySet[Any]:
    moment = before.timestamp()
    rows = Change.objects.filter(tenant__history_days=days, made_at__lt=moment, done_at__lt=moment)
    return rows.exclude(state__in=NEEDED).only("id")


def old_runs(days: int, before: datetime) -> QuerySet[Any]:
    """Neither the newest of a connection nor one that changes still speak of."""
    newest = Run.objects.filter(connection=OuterRef("connection"), id__gt=OuterRef("pk"))
    told = Change.objects.filter(run=OuterRef("pk"))
    rows = Run.objects.filter(tenant__history_days=days, started_at__lt=before).exclude(state=RunState.RUNNING)
    return rows.filter(Exists(newest)).exclude(Exists(told)).only("id")


def gone_pairs(days: int, before: datetime) -> QuerySet[Any]:
    """Of contacts that are gone on every side for so long, nothing is left to be kept the same."""
    a, b = ({f"item_{side}__departed": "deleted", f"item_{side}__observed_at__lt": before.timestamp()} for side in "ab")
    gone = Q(**a, **b) | Q(**a, item_b=None) | Q(**b, item_a=None)
    rows = Pair.objects.filter(gone, connection__tenant__history_days=days, pending=False)
    return rows.only("id", "item_a", "item_b")


def _drop_items(ids: Collection[int]) -> None:
    """Departed records that no other pair speaks of."""
    used = Pair.objects.filter(Q(item_a_id__in=ids) | Q(item_b_id__in=ids)).values_list("item_a_id", "item_b_id")
    kept = {pk for row in used for pk in row if pk}
    Item.objects.filter(id__in=set(ids) - kept).exclude(departed="").delete()
