"""What is to be told: found anew at each look from what stands in the database, and never anything of a contact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from connections.checks import WEEK
from connections.models import (
    Account,
    AccountState,
    Cause,
    Change,
    ChangeState,
    Connection,
    Health,
    Membership,
    Pair,
    Role,
    Run,
    RunKind,
    RunState,
    Stop,
    stopped,
)
from connections.services import permits
from connections.services.status import statuses
from connections.services.syncing import EMPTY
from connectors import registry

PLAN_WAITS = timedelta(hours=1)  # whoever made it is probably looking at it
DIGEST_LATE = timedelta(days=2)  # after that nobody misses it any more


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to be told. `key` names the account or connection that it is about."""

    cause: Cause
    key: str
    tenant_id: int
    facts: Mapping[str, Any]
    account: Account | None = None
    connection: Connection | None = None
    run: Run | None = None  # the one that waits for a decision


# What of a connection and its folders nobody needs to say what is the matter with it; some of it is big.
UNNEEDED = ("lines", "applied", "markers_note") + tuple(
    f"folder_{side}__{name}"
    for side in "ab"
    for name in ("catalogue", "fields", "listed_labels", "cursor", "account__secrets", "account__applied")
)


def matters(now: datetime, key: str = "") -> list[Matter]:
    """All of them, or those about one account or connection."""
    kind, _, pk = key.partition(":")
    accounts, connections = Account.objects.all(), Connection.objects.all()
    if key:
        accounts = accounts.filter(pk=pk) if kind == "account" else accounts.none()
        connections = connections.filter(pk=pk) if kind == "connection" else connections.none()
    by_id = running(connections)
    found = [*lost(accounts), *waiting(by_id, now), *_failing(by_id)]
    silent = silenced({matter.tenant_id for matter in found})
    return [matter for matter in found if matter.tenant_id not in silent]


def running(connections: QuerySet[Connection]) -> dict[int, Connection]:
    """By id: those of them that nobody paused or stopped."""
    rows = connections.filter(~stopped(), enabled=True, paused_reason="").defer(*UNNEEDED)
    return {row.pk: row for row in rows.select_related("tenant", "folder_a__account", "folder_b__account")}


def silenced(tenants: set[int]) -> set[int]:
    """Those of whom operations stopped everything: they read why on their pages."""
    stops = Stop.objects.in_force().filter(app="", connection=None)
    about = set(stops.values_list("tenant_id", flat=True))
    return tenants if None in about else tenants & about


def lost(rows: QuerySet[Account]) -> Iterator[Matter]:
    """Accounts because of which a connection stands still."""
    apps = set(Stop.objects.in_force().exclude(app="").values_list("app", flat=True))
    found = rows.filter(state=AccountState.NEEDS_AUTHORISATION).exclude(app__in=apps).select_related("tenant")
    closed = list(found.defer("secrets", "applied"))
    sides = Q(folder_a__account__in=closed) | Q(folder_b__account__in=closed)
    used = Connection.objects.filter(sides, enabled=True)
    pairs = used.values_list("folder_a__account_id", "folder_b__account_id")
    counts = Counter(pk for pair in pairs for pk in set(pair))
    for account in closed:
        if counts[account.pk]:
            known = registry.apps().get(account.app)
            facts = {
                "account": {"id": account.pk, "name": account.name, "app": known.name if known else account.app},
                "connections": counts[account.pk],
            }
            yield Matter(Cause.ACCOUNT, f"account:{account.pk}", account.tenant_id, facts, account=account)


def waiting(connections: Mapping[int, Connection], now: datetime) -> Iterator[Matter]:
    """Runs that were held and plans, as long as something in them is not decided."""
    through = (RunState.DONE, RunState.PLANNED, RunState.HELD)
    newest = Run.objects.filter(connection=OuterRef("pk"), state__in=through).exclude(kind=RunKind.UNDO)
    ids = Connection.objects.filter(pk__in=connections).annotate(run=Subquery(newest.order_by("-id").values("pk")[:1]))
    rows = Run.objects.filter(pk__in=ids.values("run"), state__in=(RunState.PLANNED, RunState.HELD))
    runs = list(rows.only("connection_id", "state", "held", "started_at", "ended_at"))
    lines = Change.objects.filter(run__in=runs, state=ChangeState.PROPOSED, undo_of=None).order_by()
    counts = dict(lines.values_list("run").annotate(count=Count("id")))
    for run in runs:
        connection, count = connections[run.connection_id], counts.get(run.pk, 0)
        if run.state == RunState.HELD:
            if count or (run.held.get(EMPTY) and not run.held.get("accepted")):
                yield _about(Cause.HELD, connection, count, run)
        elif count and not connection.look_only and (run.ended_at or run.started_at) <= now - PLAN_WAITS:
            yield _about(Cause.PLAN, connection, count, run)


def _failing(connections: Mapping[int, Connection]) -> Iterator[Matter]:
    rows = Pair.objects.filter(connection__in=connections, health=Health.FAILED).order_by()
    counts = rows.values_list("connection").annotate(count=Count("id"))
    for pk, count in counts.filter(count__gt=settings.FAILURES_TOLD_ABOVE):
        yield _about(Cause.FAILURES, connections[pk], count)


def _about(cause: Cause, row: Connection, count: int, run: Run | None = None) -> Matter:
    facts = {"connection": {"id": row.pk, "name": row.name}, "count": count}
    return Matter(cause, f"connection:{row.pk}", row.tenant_id, facts, connection=row, run=run)


# ---- who may be told


def cause_for(membership: Membership, matter: Matter) -> Cause | None:
    """As what it concerns a member; None for what the member neither sees nor can do anything about."""
    if matter.connection is not None:
        return matter.cause if permits.may_see(membership, matter.connection) else None
    account = matter.account
    if account is None or not permits.may_authorise(membership, account):
        return None
    own = account.owner_id == membership.user_id or (account.owner_id is None and membership.role == Role.OWNER)
    return Cause.ACCOUNT if own else Cause.COLLEAGUE


# ---- once a week


def digest_key(now: datetime) -> str:
    """Of the digest that is due now; empty if none is."""
    local = timezone.localtime(now)
    begun = local.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    begun -= timedelta(days=(local.weekday() - WEEK.index(settings.DIGEST_DAY)) % 7)
    if begun > local:
        begun -= timedelta(days=7)
    return f"week:{begun:%Y-%m-%d}" if local - begun <= DIGEST_LATE else ""


def digest(rows: QuerySet[Connection]) -> dict[str, Any]:
    """Counts of these connections; of those that are still being set up nothing."""
    found = [
        {"id": one.connection.pk, "name": one.connection.name, "state": one.words, "contacts": one.pairs}
        for one in statuses(rows)
        if not one.is_new
    ]
    return {"connections": found}
