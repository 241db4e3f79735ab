"""Telling people: what lasts is written into the outbox, once a day at most for each recipient and cause, and sent.

Whoever was told of something is reminded after a week if it still lasts. What ends before it was sent is not sent.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from connections import host
from connections.engine.leases import claim, worker_name
from connections.models import (
    Cause,
    Connection,
    Membership,
    Notification,
    NotificationState,
    OutgoingWebhook,
)
from connections.services import choosing, inviting, permits, sending
from connections.services.choosing import Choices
from connections.services.matters import Matter, cause_for, digest, digest_key, matters, silenced

log = logging.getLogger(__name__)

REMIND_AFTER = timedelta(days=7)
KEPT = timedelta(days=180)
LEASE = 300.0

Recipient = tuple[Cause, int | None, int | None]  # the id of a user or of a webhook


@dataclass
class Audience:
    """Everybody in some tenants who may be told."""

    members: Mapping[int, list[Membership]] = field(default_factory=dict)
    webhooks: Mapping[int, list[OutgoingWebhook]] = field(default_factory=dict)
    choices: Choices = field(default_factory=dict)

    @classmethod
    def of(cls, tenants: Iterable[int]) -> Audience:
        """No people where no mail is sent."""
        wanted = set(tenants)
        members: dict[int, list[Membership]] = defaultdict(list)
        if inviting.mail_is_set_up():
            for one in Membership.objects.filter(tenant__in=wanted, user__is_active=True).order_by("pk"):
                members[one.tenant_id].append(one)
        webhooks: dict[int, list[OutgoingWebhook]] = defaultdict(list)
        for hook in OutgoingWebhook.objects.filter(tenant__in=wanted, enabled=True).defer("secrets").order_by("pk"):
            webhooks[hook.tenant_id].append(hook)
        return cls(members, webhooks, choosing.choices(wanted))

    def about(self, matter: Matter) -> Iterator[Recipient]:
        for member in self.members.get(matter.tenant_id, ()):
            cause = cause_for(member, matter)
            if cause is not None and choosing.wants(member, cause, self.choices):
                yield cause, member.user_id, None
        for hook in self.webhooks.get(matter.tenant_id, ()):
            if matter.cause in hook.causes:
                yield matter.cause, None, hook.pk

    def of_digest(self, tenant: int) -> Iterator[tuple[Recipient, QuerySet[Connection]]]:
        """With the connections that each of them sees."""
        for member in self.members.get(tenant, ()):
            if choosing.wants(member, Cause.DIGEST, self.choices):
                yield (Cause.DIGEST, member.user_id, None), permits.connections_for(member)
        for hook in self.webhooks.get(tenant, ()):
            if Cause.DIGEST in hook.causes:
                yield (Cause.DIGEST, None, hook.pk), Connection.objects.filter(tenant=tenant)


def notify() -> str:
    """One look: notes what is to be told and sends what is due. One worker at a time does."""
    lease = claim("notifications", worker_name(), host.SystemClock(), LEASE)
    if lease is None:
        return "another worker is at it"
    try:
        now = timezone.now()
        noted = note(now) + note_digest(now)
        sent = sending.send_due(timezone.now(), is_wanted)
        Notification.objects.filter(day__lt=timezone.localdate(now) - KEPT).delete()
        return f"{noted} noted, {sent} sent"
    finally:
        lease.release()


def note(now: datetime) -> int:
    """Writes what is new, and marks as over what has ended. Returns how many are to be sent."""
    found = matters(now)
    _end({(matter.cause.value, matter.key) for matter in found}, now)
    audience = Audience.of({matter.tenant_id for matter in found})
    told = _told_lately(timezone.localdate(now))
    rows = [
        _row(recipient, matter.tenant_id, matter.key, matter.facts, now)
        for matter in found
        for recipient in audience.about(matter)
        if (recipient, matter.tenant_id, matter.key) not in told
    ]
    return _write(rows)


def note_digest(now: datetime) -> int:
    """Once a week for every tenant that has connections and is not stopped."""
    key = digest_key(now)
    if not key:
        return 0
    done = Notification.objects.filter(cause=Cause.DIGEST, key=key).values("tenant")
    begun = timezone.make_aware(datetime.fromisoformat(key.partition(":")[2]))
    rows = Connection.objects.exclude(tenant__in=done).filter(tenant__created_at__lt=begun)
    tenants = set(rows.order_by().values_list("tenant", flat=True).distinct())
    tenants -= silenced(tenants)
    audience = Audience.of(tenants)
    written = [
        _row(recipient, tenant, key, facts, now)
        for tenant in sorted(tenants)
        for recipient, seen in audience.of_digest(tenant)
        if (facts := digest(seen))["connections"]
    ]
    return _write(written)


def is_wanted(row: Notification) -> bool:
    """Whether its cause lasts and its recipient may and wants to be told, asked just before it leaves."""
    recipient = (Cause(row.cause), row.user_id, row.webhook_id)
    audience = Audience.of([row.tenant_id])
    if row.cause == Cause.DIGEST:
        open_ = row.tenant_id not in silenced({row.tenant_id})
        return open_ and any(recipient == one for one, _ in audience.of_digest(row.tenant_id))
    return any(
        recipient == one
        for matter in matters(timezone.now(), row.key)
        if matter.cause == _kind(row.cause)
        for one in audience.about(matter)
    )


def _kind(cause: str) -> str:
    """Whoever is told of it: the account is the same."""
    return Cause.ACCOUNT.value if cause == Cause.COLLEAGUE else cause


def _row(recipient: Recipient, tenant: int, key: str, facts: Mapping[str, Any], now: datetime) -> Notification:
    cause, user, webhook = recipient
    day = timezone.localdate(now)
    return Notification(
        tenant_id=tenant, cause=cause, user_id=user, webhook_id=webhook, key=key, day=day, facts=facts,
        created_at=now, next_at=now,
    )  # fmt: skip


def _told_lately(today: Any) -> set[tuple[Recipient, int, str]]:
    """What waits to be sent, or was sent since it last began and not so long ago that a reminder is due."""
    recent = Q(state=NotificationState.SENT, day__gt=today - REMIND_AFTER) | Q(state=NotificationState.WAITING)
    rows = Notification.objects.filter(recent, over_at=None).exclude(cause=Cause.DIGEST)
    columns = rows.values_list("cause", "user", "webhook", "tenant", "key")
    return {((Cause(cause), user, hook), tenant, key) for cause, user, hook, tenant, key in columns}


def _end(lasting: set[tuple[str, str]], now: datetime) -> None:
    rows = Notification.objects.filter(over_at=None).exclude(cause=Cause.DIGEST)
    ended = [pk for pk, cause, key in rows.values_list("pk", "cause", "key") if (_kind(cause), key) not in lasting]
    for start in range(0, len(ended), 500):
        some = Notification.objects.filter(pk__in=ended[start : start + 500])
        some.filter(state=NotificationState.WAITING, begun_at=None).update(state=NotificationState.UNNEEDED)
        some.update(over_at=now)


@transaction.atomic
def _write(rows: list[Notification]) -> int:
    """What is there already for this recipient, cause and day stays as it is; but what ended before it was sent, and
    came again on the same day, is to be sent after all."""
    count = 0
    for row in rows:
        same = Notification.objects.filter(
            tenant=row.tenant_id, user=row.user_id, webhook=row.webhook_id, cause=row.cause, key=row.key, day=row.day
        )
        again = same.filter(state=NotificationState.UNNEEDED)
        count += again.update(state=NotificationState.WAITING, over_at=None, next_at=row.next_at, facts=row.facts)
        if not same.exists():
            Notification.objects.bulk_create([row], ignore_conflicts=True)
            count += 1
    return count
