"""All that waits for a person, over all tenants: found anew at each look, so what is settled is gone by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, OuterRef, QuerySet, Subquery, TextChoices, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from connections.models import Account, Cause, Connection, Handling, Health, Pair, Run, RunState
from connections.services import matters
from connections.services.finding import Narrow
from connections.services.matters import Matter
from connections.services.syncing import EMPTY
from connectors import registry

REASONS = 2_000  # causes of failed contacts that are read to find the most frequent ones


class Kind(TextChoices):
    HELD = "held", "a run was held back"
    PLAN = "plan", "a plan waits"
    ACCOUNT = "account", "an account needs to be authorised again"
    REVIEW = "review", "contacts need a decision"
    FAILURES = "failures", "many contacts failed"
    RUNS = "runs", "runs fail again and again"


OF_CAUSE = {Cause.ACCOUNT: Kind.ACCOUNT, Cause.HELD: Kind.HELD, Cause.PLAN: Kind.PLAN}
HELD_WORDS = {
    EMPTY: "a side suddenly lists no contact",
    "deletes": "unusually many deletions",
    "blanks": "unusually many fields would be emptied",
    "creates": "unusually many new contacts",
    "lines": "new lines of the mapping",
    "configuration": "a new configuration",
}
ENDED = (RunState.DONE, RunState.PLANNED, RunState.HELD, RunState.FAILED, RunState.AUTH)
UNKNOWN = "no reason was given"
QUEUES = (Kind.REVIEW, Kind.FAILURES)
OLDEST = datetime.min.replace(tzinfo=UTC)  # of what nobody knows since when it waits: it is looked at first


@dataclass(slots=True)
class Line:
    """One matter. `key` is its identity for as long as it lasts, `text` what is wrong, `cause` the same without what is
    its own. `row` is what staff noted last, which may have been about an earlier one."""

    kind: Kind
    about: Account | Connection
    text: str
    since: datetime | None = None
    count: int = 0  # contacts or lines of a plan
    run_id: int | None = None
    row: Handling | None = None

    @property
    def cause(self) -> str:
        """Without the names and numbers by which members of one outage differ."""
        return re.sub(r"“[^”]*”|\d+(?:[.,]\d+)*", "…", self.text)

    @property
    def handling(self) -> Handling | None:
        """What was noted about this very matter; a queue of contacts is the same one for as long as it is not empty."""
        ours = self.row and (self.kind in QUEUES or self.since is None or self.row.changed_at >= self.since)
        return self.row if ours else None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{'account' if isinstance(self.about, Account) else 'connection'}:{self.about.pk}"

    @property
    def apps(self) -> frozenset[str]:
        if isinstance(self.about, Account):
            return frozenset([self.about.app])
        return frozenset([self.about.folder_a.account.app, self.about.folder_b.account.app])

    @property
    def group(self) -> str:
        """The same for all that have their cause in common."""
        return blake2b(f"{self.kind.value}\n{self.cause}".encode(), digest_size=8).hexdigest()

    @property
    def version(self) -> int:
        return self.row.version if self.row else 0


@dataclass(slots=True)
class Group:
    """Lines of one cause, the oldest first."""

    lines: list[Line] = field(default_factory=list)

    @property
    def first(self) -> Line:
        return self.lines[0]

    @property
    def text(self) -> str:
        return self.first.text if len({line.text for line in self.lines}) == 1 else self.first.cause

    @property
    def count(self) -> int:
        return sum(line.count for line in self.lines)

    @property
    def tenants(self) -> int:
        return len({line.about.tenant_id for line in self.lines})

    @property
    def assignees(self) -> list[str]:
        found = {str(line.handling.assignee) for line in self.lines if line.handling and line.handling.assignee}
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show; an empty text leaves a filter out. `who`: "mine" or "nobody"."""

    tenant: str = ""  # a part of its name or slug
    app: str = ""
    kind: str = ""
    who: str = ""
    snoozed: bool = False

    def fits(self, line: Line, user_id: int, today: date) -> bool:
        handling, tenant = line.handling, line.about.tenant
        until = handling.snoozed_until if handling else None
        assignee = handling.assignee_id if handling else None
        return (
            (until is not None and until > today) == self.snoozed
            and (not self.tenant or self.tenant.casefold() in f"{tenant.slug}\n{tenant.name}".casefold())
            and (not self.app or self.app in line.apps)
            and self.kind in ("", line.kind.value)
            and (self.who != "mine" or assignee == user_id)
            and (self.who != "nobody" or assignee is None)
        )


# ---- reading


def lines(narrow: Narrow, now: datetime | None = None) -> list[Line]:
    """All of those that the reader may see, the oldest first. It costs the same however many there are."""
    by_id = matters.running(narrow(Connection.objects.all()))
    told = [*matters.lost(narrow(Account.objects.all())), *matters.waiting(by_id, now or timezone.now())]
    found = [*_told(told), *_contacts(by_id), *_failing_runs(by_id)]
    silent = matters.silenced({line.about.tenant_id for line in found})
    found = [line for line in found if line.about.tenant_id not in silent]
    rows = Handling.objects.filter(key__in=[line.key for line in found]).select_related("assignee", "changed_by")
    handlings = {row.key: row for row in rows}
    for line in found:
        line.row = handlings.get(line.key)
    return sorted(found, key=lambda line: line.since or OLDEST)


def groups(some: Iterable[Line]) -> list[Group]:
    """By cause, in the order of their oldest lines."""
    found: dict[str, Group] = {}
    for line in some:
        found.setdefault(line.group, Group()).lines.append(line)
    return list(found.values())


def _told(found: Sequence[Matter]) -> Iterator[Line]:
    begun = _waiting_since([matter.connection.pk for matter in found if matter.connection])
    for matter in found:
        kind, count = OF_CAUSE[matter.cause], int(matter.facts.get("count", 0))
        if matter.account is not None:
            account = matter.account
            since = account.last_ok_at or account.created_at
            yield Line(kind, account, f"{_app(account.app)}: {account.reason or UNKNOWN}", since)
        elif matter.connection is not None and matter.run is not None:
            since = begun.get(matter.connection.pk) or matter.run.started_at
            yield Line(kind, matter.connection, _held(kind, matter), since, count, matter.run.pk)


def _held(kind: Kind, matter: Matter) -> str:
    reasons = [HELD_WORDS[key] for key in HELD_WORDS if matter.run and key in matter.run.held]
    if kind is Kind.PLAN or not reasons:
        return "lines of a plan that nobody decided about"
    if EMPTY in (matter.run.held if matter.run else {}) and matter.connection is not None:
        sides = (matter.connection.folder_a.account.app, matter.connection.folder_b.account.app)
        return f"{' and '.join(sorted({_app(app) for app in sides}))}: {reasons[0]}"
    return ", ".join(reasons)


def _waiting_since(ids: Sequence[int]) -> Mapping[int, datetime | None]:
    """By connection: when the first run began that waits, or would still if no newer one had taken its place."""
    runs = Run.objects.filter(connection=OuterRef("pk"))
    done = runs.filter(state=RunState.DONE).order_by("-id").values("pk")[:1]
    waits = runs.filter(state__in=(RunState.HELD, RunState.PLANNED), pk__gt=OuterRef("done")).order_by("pk")
    rows = Connection.objects.filter(pk__in=ids).annotate(done=Coalesce(Subquery(done), Value(0)))
    return dict(rows.annotate(begun=Subquery(waits.values("started_at")[:1])).values_list("pk", "begun"))


def _contacts(by_id: Mapping[int, Connection]) -> Iterator[Line]:
    """Contacts to decide about, and more failed ones than go away by themselves."""
    asked = (Health.REVIEW, Health.FAILED)
    rows = Pair.objects.filter(connection__among=list(by_id), health__in=asked).order_by()
    counted = rows.values_list("connection", "health").annotate(count=Count("id"), first=Min("id"))
    wanted = [
        (pk, health, count, first)
        for pk, health, count, first in counted
        if health == Health.REVIEW or count > settings.FAILURES_TOLD_ABOVE
    ]
    begun = _seen_changing([first for *_, first in wanted])
    reasons = _frequent({pk for pk, health, *_ in wanted if health == Health.FAILED})
    for pk, health, count, first in wanted:
        if health == Health.REVIEW:
            yield Line(Kind.REVIEW, by_id[pk], "contacts that a person must decide about", begun.get(first), count)
        else:
            yield Line(Kind.FAILURES, by_id[pk], reasons.get(pk, "of several causes"), begun.get(first), count)


def _seen_changing(ids: Sequence[int]) -> dict[int, datetime]:
    """By pair: when we last saw one of its records change, which is what made it wait."""
    seen = Pair.objects.filter(pk__in=ids).values_list("pk", "item_a__observed_at", "item_b__observed_at")
    return {pk: datetime.fromtimestamp(max(a or 0, b or 0), UTC) for pk, a, b in seen if a or b}


def _frequent(ids: Iterable[int]) -> dict[int, str]:
    """By connection: of what most of its failed contacts failed."""
    rows = Pair.objects.filter(connection__among=list(ids), health=Health.FAILED).order_by()
    counted = rows.values_list("connection", "reason").annotate(count=Count("id")).order_by("-count")[:REASONS]
    found: dict[int, Counter[str]] = {}
    for pk, reason, count in counted:
        found.setdefault(pk, Counter())[reason or UNKNOWN] += count
    return {pk: causes.most_common(1)[0][0] for pk, causes in found.items()}


def _failing_runs(by_id: Mapping[int, Connection]) -> Iterator[Line]:
    """Connections whose last two runs failed: one alone is tried again before anybody looks."""
    ended = Run.objects.filter(connection=OuterRef("pk"), state__in=ENDED).order_by("-id")
    rows: QuerySet[Any] = Connection.objects.filter(pk__among=list(by_id)).annotate(
        newest=Subquery(ended.values("pk")[:1]),
        last=Subquery(ended.values("state")[:1]),
        before=Subquery(ended.values("state")[1:2]),
    )
    failing = dict(rows.filter(last=RunState.FAILED, before=RunState.FAILED).values_list("newest", "pk"))
    for run in Run.objects.filter(pk__in=failing).only("message", "started_at", "connection"):
        connection = by_id[run.connection_id]
        since = connection.last_ok_at or run.started_at
        yield Line(Kind.RUNS, connection, run.message or UNKNOWN, since, run_id=run.pk)


def _app(key: str) -> str:
    known = registry.apps().get(key)
    return known.name if known else key
