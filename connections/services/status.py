"""Where connections stand, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from connections.models import AccountState, Connection, Health, Pair, Run
from connections.services import looking, subscribing


@dataclass(frozen=True, slots=True)
class Status:
    """`pairs`: health -> how many. `problems`: sentences about what a person should do."""

    connection: Connection
    state: str
    run: Run | None
    pairs: dict[str, int]
    problems: list[str]
    news: list[subscribing.Source]

    @property
    def words(self) -> str:
        return str(looking.State(self.state).label)

    @property
    def named_pairs(self) -> list[tuple[str, int]]:
        return [(str(Health(health).label), count) for health, count in self.pairs.items()]

    def as_dict(self) -> dict[str, Any]:
        row = self.connection
        return {
            "connection": f"{row.tenant.slug}/{row.name}",
            "state": self.state,
            "a": {"account": str(row.folder_a.account), "folder": str(row.folder_a)},
            "b": {"account": str(row.folder_b.account), "folder": str(row.folder_b)},
            "direction": row.direction,
            "pairs": self.pairs,
            "run": self.run.pk if self.run else None,
            "run_state": self.run.state if self.run else None,
            "counters": self.run.counters if self.run else {},
            "last_ok": _iso(row.last_ok_at),
            "due": _iso(row.due_at),
            "news": {source.side: {"live": source.live, "text": source.text} for source in self.news},
            "problems": self.problems,
        }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def statuses(rows: QuerySet[Connection]) -> list[Status]:
    """Of these connections, in the order of tenants and names."""
    ordered = rows.select_related("tenant", "folder_a__account", "folder_b__account").order_by("tenant__slug", "name")
    return [_status(row) for row in looking.with_state(ordered)]


def _status(row: Any) -> Status:
    run = Run.objects.filter(pk=row.run_id).first() if row.run_id else None
    counted = Pair.objects.filter(connection=row).order_by().values_list("health").annotate(count=Count("id"))
    found = dict(counted)
    pairs = {health.value: found[health.value] for health in Health if found.get(health.value)}
    return Status(row, row.state, run, pairs, _problems(row, run), list(subscribing.sources(row)))


def _problems(row: Connection, run: Run | None) -> list[str]:
    found = []
    if row.paused_reason:
        found.append(f"Paused: {row.paused_reason}.")
    for account in dict.fromkeys((row.folder_a.account, row.folder_b.account)):
        if account.state != AccountState.ACTIVE:
            found.append(f"Account {account} {account.get_state_display()}: {account.reason or 'no reason given'}")
    if run is not None and run.message:
        found.append(run.message)
    return found
