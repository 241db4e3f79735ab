"""Figures for Prometheus, read from the database when they are asked for: no worker counts anything, so nothing is lost
with a worker and every web process says the same. No label names a tenant or a person."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Min, Q
from django.utils import timezone
from django_q.brokers import get_broker
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connections import canary, scheduling
from connections.models import (
    Account,
    Budget,
    Change,
    Connection,
    Health,
    Lease,
    Notification,
    NotificationState,
    OutgoingWebhook,
    Pair,
    Stop,
)
from connections.models.changes import OPEN
from connections.services import looking

PREPARED = 300  # seconds for which the figures of the largest tables are kept


class DatabaseCollector(Collector):
    """The same number of queries however many rows there are."""

    def collect(self) -> Iterator[Metric]:
        began, now = time.perf_counter(), timezone.now()
        yield _connections()
        yield from _lag(now)
        yield _contacts()
        yield _plain("pairwise_changes_unanswered", "Writes that were sent and have no answer yet.", _unanswered())
        yield _accounts()
        yield _waiting_accounts(now)
        yield from _queue()
        held = Lease.objects.exclude(owner="").filter(expires_at__gt=now.timestamp()).count()
        yield _plain("pairwise_leases_held", "Connections and folders that a worker is at.", held)
        yield _plain("pairwise_stops", "Stop switches in force.", Stop.objects.in_force().count())
        yield _notifications()
        failing = OutgoingWebhook.objects.filter(enabled=True, last_ok=False).exclude(last_at=None).count()
        yield _plain("pairwise_outgoing_webhooks_failing", "Webhooks of tenants whose last call failed.", failing)
        yield _plain("pairwise_scrape_seconds", "How long reading these figures took.", time.perf_counter() - began)


def _plain(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _labelled(name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Metric:
    """`rows`: the labels' values, and the figure last."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for *values, figure in rows:
        family.add_metric([str(value) for value in values], figure)
    return family


def _connections() -> Metric:
    apps = {"app_a": F("folder_a__account__app"), "app_b": F("folder_b__account__app")}
    names = ("state", *apps)
    rows = looking.with_state(Connection.objects.all()).order_by().values("state", **apps).annotate(count=Count("pk"))
    text = "Connections by state and apps."
    return _labelled("pairwise_connections", text, names, rows.values_list(*names, "count"))


def _lag(now: datetime) -> Iterator[Metric]:
    found = scheduling.due(now).order_by().aggregate(count=Count("pk"), oldest=Min("due_at"))
    late = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    yield _plain("pairwise_due", "Connections that are due and not called yet.", found["count"])
    yield _plain("pairwise_due_seconds", "For how long the oldest of them has been due.", max(0.0, late))


def _contacts() -> Metric:
    """Counted at most every few minutes: it is the one figure that reads a large table."""
    counted = cache.get("metrics:contacts")
    if counted is None:
        rows = Pair.objects.order_by().values_list("health").annotate(Count("pk"))
        counted = dict.fromkeys(Health.values, 0) | dict(rows)
        cache.set("metrics:contacts", counted, PREPARED)
    text = "Contacts by health, counted every five minutes."
    return _labelled("pairwise_contacts", text, ("health",), sorted(counted.items()))


def _unanswered() -> int:
    return Change.objects.filter(state__in=OPEN).count()


def _accounts() -> Metric:
    rows = Account.objects.order_by().values_list("app", "state").annotate(Count("pk"))
    return _labelled("pairwise_accounts", "Connected accounts by app and state.", ("app", "state"), rows)


def _waiting_accounts(now: datetime) -> Metric:
    waiting = Budget.objects.filter(closed_until__gt=now.timestamp()).order_by()
    rows = waiting.values_list("account__app").annotate(Count("account", distinct=True))
    return _labelled("pairwise_accounts_waiting", "Accounts whose app asked us to wait.", ("app",), rows)


def _queue() -> Iterator[Metric]:
    yield _plain("pairwise_queue_tasks", "Tasks that wait for a worker.", get_broker().queue_size())
    age = canary.age()
    text = "Since when no worker gave a sign of life; -1 if none ever did."
    yield _plain("pairwise_canary_seconds", text, -1.0 if age is None else age)


def _notifications() -> Metric:
    states = (NotificationState.WAITING, NotificationState.FAILED)
    recent = Q(state=NotificationState.WAITING) | Q(created_at__gt=datetime.fromtimestamp(time.time() - 86_400, UTC))
    rows = Notification.objects.filter(recent, state__in=states).order_by().values_list("state").annotate(Count("pk"))
    counted = {state.value: 0 for state in states} | dict(rows)
    text = "Notifications that wait, and those of the last day that failed."
    return _labelled("pairwise_notifications", text, ("state",), sorted(counted.items()))
