"""Leases with fencing: who may work on a folder, a connection or an account, as rows of one table.

A claim never waits, so two workers cannot lock each other out whatever the order. The number of the claim (the
fence) is compared and renewed in every writing transaction; just before bytes leave, the holder looks at its own
clock, since nobody else can hold a lease that has not expired.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from connections.models import Lease as Row
from connectors.base import Clock, FenceLost, chunked

RENEW = f"""UPDATE {Row._meta.db_table} SET expires_at = %s, heartbeat_at = %s
    WHERE "key" = %s AND owner = %s AND fence = %s AND expires_at > %s"""  # noqa: S608 - the name of our own table
SECONDS = 90.0
MARGIN = 5.0  # a request is not begun in the last moments of a lease


def worker_name() -> str:
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


@dataclass
class Lease:
    key: str
    owner: str
    fence: int
    clock: Clock
    seconds: float
    expires_at: float = field(default=0.0)

    def renew(self) -> None:
        """To be called first in every writing transaction. Raises FenceLost when another holder came after us."""
        now = self.clock.now()
        with connection.cursor() as cursor:  # every batch does this: the ORM would take ten times as long
            cursor.execute(RENEW, [now + self.seconds, now, self.key, self.owner, self.fence, now])
            renewed = cursor.rowcount
        if not renewed:
            raise FenceLost(f"Another worker has taken over {self.key}; this one stops.")
        self.expires_at = now + self.seconds

    def keep(self) -> None:
        """As `renew`, for last words: a lease that ran out will do as long as nobody else has taken it."""
        mine = Row.objects.filter(key=self.key, owner=self.owner, fence=self.fence)
        if not mine.update(heartbeat_at=self.clock.now()):
            raise FenceLost(f"Another worker has taken over {self.key}; this one stops.")

    def check(self) -> None:
        """Raises FenceLost when the lease may have passed to somebody else. Asks no database but where so much of it is
        used up that a long answer would outlast it."""
        left = self.expires_at - self.clock.now()
        if self.seconds / 4 < left < self.seconds * 0.8:
            self.renew()
        if self.clock.now() > self.expires_at - min(MARGIN, self.seconds / 4):
            raise FenceLost(f"The lease of {self.key} ran out; nothing was sent.")

    def release(self) -> None:
        Row.objects.filter(key=self.key, owner=self.owner, fence=self.fence).update(owner="", expires_at=0)


def claim(key: str, owner: str, clock: Clock, seconds: float = SECONDS) -> Lease | None:
    """None if somebody else holds it."""
    now = clock.now()
    free = Row.objects.filter(key=key).filter(Q(expires_at__lte=now) | Q(owner=""))
    with transaction.atomic():
        if free.update(owner=owner, fence=F("fence") + 1, expires_at=now + seconds, heartbeat_at=now):
            fence = Row.objects.values_list("fence", flat=True).get(key=key)
            return Lease(key, owner, fence, clock, seconds, now + seconds)
    if Row.objects.filter(key=key).exists():
        return None
    try:
        with transaction.atomic():
            Row.objects.create(key=key, owner=owner, fence=1, expires_at=now + seconds, heartbeat_at=now)
    except IntegrityError:
        return None
    return Lease(key, owner, 1, clock, seconds, now + seconds)


def revoke(keys: Iterable[str]) -> int:
    """Takes leases away from whoever holds them: a holder notices before it commits or sends the next batch. Returns
    how many were held."""
    count = 0
    for some in chunked(keys, 500):
        held = Row.objects.filter(key__in=some).exclude(owner="")
        count += held.update(owner="", fence=F("fence") + 1, expires_at=0)
    return count


class Fence:
    """What connectors call just before the bytes of a writing request leave; the runner puts its lease in."""

    def __init__(self, lease: Lease | None = None) -> None:
        self.lease = lease

    def __call__(self) -> None:
        if self.lease is not None:
            self.lease.check()
