"""When connections run: what is due is put into the queue, fairly over tenants and never much at a time.

The queue knows no fairness and, with some brokers, forgets what a killed worker held. So it only ever holds
wake-up calls; what is due, waiting or at work stands in our own rows, and a call that got lost is repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import Cast, Concat, RowNumber
from django.utils import timezone
from django_q.tasks import async_task

from connections.models import AccountState, Connection, Lease, stopped

PATIENCE = timedelta(seconds=120)  # after which a wake-up call counts as lost
LOOKED_AT = 500  # due connections per round, of which the fairest are taken


def wake(connection_id: int) -> None:
    """Makes the connection due now and calls a worker, unless a call is on its way already. Effective on commit.

    A run that is at work may have looked already: that it was woken since shows in `due_at`."""
    now = timezone.now()
    row = Connection.objects.filter(pk=connection_id)
    if row.filter(_uncalled(now)).update(due_at=now, queued_at=now):
        transaction.on_commit(partial(call, connection_id))
    else:
        row.filter(Q(due_at=None) | Q(due_at__gt=now)).update(due_at=now)


def call(connection_id: int) -> None:
    async_task("connections.tasks.run", connection_id)


def call_purge() -> None:
    async_task("connections.tasks.purge")


def call_subscriptions() -> None:
    async_task("connections.tasks.subscribe")


def call_notifications() -> None:
    async_task("connections.tasks.notify")


def forget_calls() -> None:
    """After a cluster died: whatever it had taken out of the queue is called again."""
    Connection.objects.exclude(queued_at=None).update(queued_at=None)


def due(now: datetime) -> QuerySet[Connection]:
    """Connections that should run and neither wait in the queue nor are at work."""
    key = Concat(Value("connection:"), Cast(OuterRef("pk"), CharField()))
    at_work = Lease.objects.filter(key=key, expires_at__gt=now.timestamp())
    return Connection.objects.filter(
        Q(due_at=None) | Q(due_at__lte=now),
        _uncalled(now),
        ~Exists(at_work),
        ~stopped(),
        enabled=True,
        paused_reason="",
        folder_a__account__state=AccountState.ACTIVE,
        folder_b__account__state=AccountState.ACTIVE,
    )


def _uncalled(now: datetime) -> Q:
    return Q(queued_at=None) | Q(queued_at__lt=now - PATIENCE)


class Dispatcher:
    """Puts due connections into the queue, of which at most `most` wait there at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._served: dict[int, int] = {}  # tenant -> the turn in which it was served last
        self._turn = 0

    def dispatch(self) -> int:
        """Returns how many connections were called."""
        now = timezone.now()
        waiting = Connection.objects.filter(queued_at__gte=now - PATIENCE).count()
        room = self._most - waiting
        return sum(self._claim(pk, now) for pk in self._fairest(now, room)) if room > 0 else 0

    def _fairest(self, now: datetime, room: int) -> list[int]:
        """Each tenant's oldest first, then each one's second; among equals the tenant that waited longest."""
        number = Window(RowNumber(), partition_by="tenant_id", order_by=F("due_at").asc(nulls_first=True))
        rows = due(now).annotate(number=number).order_by("number", "due_at", "pk")
        found = list(rows.values_list("number", "tenant_id", "pk")[:LOOKED_AT])
        found.sort(key=lambda row: (row[0], self._served.get(row[1], 0)))
        for _, tenant, _ in found[:room]:
            self._turn += 1
            self._served[tenant] = self._turn
        return [pk for _, _, pk in found[:room]]

    def _claim(self, pk: int, now: datetime) -> bool:
        """Two supervisors may see the same connection; one of them calls it."""
        with transaction.atomic():
            claimed = Connection.objects.filter(_uncalled(now), pk=pk).update(queued_at=now)
            if claimed:
                transaction.on_commit(partial(call, pk))
        return bool(claimed)
