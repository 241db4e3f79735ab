"""Where connections stand, in numbers and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext, ngettext

from connections.models import AccountState, Connection, Health, Pair, Run, RunState, Stop
from connections.services import arranging, looking, stopping, subscribing, wellbeing
from connections.services.looking import State


@dataclass(frozen=True, slots=True)
class Status:
    """`pairs`: health -> how many. `problems`: sentences about what a person should do."""

    connection: Connection
    state: str
    run: Run | None
    pairs: dict[str, int]
    problems: list[str]
    stopped: str = ""  # why operations stopped it

    @property
    def words(self) -> str:
        return str(looking.State(self.state).label)

    @property
    def news(self) -> list[subscribing.Source]:
        return list(subscribing.sources(self.connection))

    @property
    def is_running(self) -> bool:
        return self.run is not None and self.run.state == RunState.RUNNING

    @property
    def is_new(self) -> bool:
        """Made by a set-up that was not finished."""
        return self.connection.paused_reason == arranging.DRAFTED

    @property
    def cannot(self) -> bool:
        return self.state in (State.AUTH, State.FAILED)

    @property
    def sentence(self) -> str:
        """Where it stands, for who looks after it."""
        row, first = self.connection, not self.connection.first_run_done
        if self.is_new:
            return gettext("Being set up, not started yet.")
        if self.stopped:
            return gettext("Stopped by those who run Pairwise: %(reason)s") % {"reason": self.stopped}
        if self.cannot:
            return self._cause()
        if self.state == State.PAUSED:
            return gettext("Paused: %(reason)s.") % {"reason": gettext(row.paused_reason)}
        if row.look_only and self.state in (State.PLANNED, State.RESTS, State.NEW):
            return gettext("Looks only: it shows what it would do, and writes nothing.")
        return {
            State.OFF: gettext("Switched off."),
            State.RUNNING: gettext("First scan: both sides are read and compared.") if first else gettext("Syncing."),
            State.HELD: gettext("Waits for your approval; everything else goes on."),
            State.PLANNED: gettext("Has a plan that nobody has decided about yet."),
            State.NEW: gettext("Started: its first run begins as soon as a worker is free."),
            State.RESTS: gettext("Listening: both sides are the same, and edits are carried over as they come."),
        }[State(self.state)]

    def _cause(self) -> str:
        accounts = dict.fromkeys((self.connection.folder_a.account, self.connection.folder_b.account))
        lost = [str(account) for account in accounts if account.state == AccountState.NEEDS_AUTHORISATION]
        if lost:
            named = gettext(" and ").join(lost)
            return ngettext(
                "Cannot sync because %(accounts)s must be connected again.",
                "Cannot sync because %(accounts)s must be connected again.",
                len(lost),
            ) % {"accounts": named}
        message = self.run.message if self.run else ""
        if not message:
            return gettext("Cannot sync because of an error that left no message")
        return gettext("Cannot sync because %(message)s") % {"message": gettext(message)}

    @property
    def shares(self) -> list[wellbeing.Share]:
        return wellbeing.shares(self.pairs)

    @property
    def asking(self) -> int:
        """Contacts that need a person."""
        return sum(self.pairs.get(health.value, 0) for health in (Health.REVIEW, Health.DUPLICATE, Health.FAILED))

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
            "stopped": self.stopped,
        }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def statuses(rows: QuerySet[Connection]) -> list[Status]:
    """Of these connections, in the order of tenants and names; it costs the same however many there are."""
    ordered = rows.select_related("tenant", "folder_a__account", "folder_b__account").order_by("tenant__slug", "name")
    found = list(looking.with_state(ordered))
    runs = Run.objects.in_bulk([row.run_id for row in found if row.run_id])
    counted: dict[int, dict[str, int]] = {}
    pairs = Pair.objects.filter(connection__in=[row.pk for row in found]).order_by()
    for pk, health, count in pairs.values_list("connection", "health").annotate(count=Count("id")):
        counted.setdefault(pk, {})[health] = count
    switches = stopping.in_force()
    return [status_of(row, runs.get(row.run_id), counted.get(row.pk, {}), switches) for row in found]


def status_of(row: Any, run: Run | None, counted: Mapping[str, int], switches: Sequence[Stop]) -> Status:
    """`row`: a connection with its state, as `looking.with_state` gives it; `switches`: stops that are in force."""
    pairs = {health.value: counted[health.value] for health in Health if counted.get(health.value)}
    return Status(row, row.state, run, pairs, _problems(row, run), stopping.reason_for(row, switches))


def _problems(row: Connection, run: Run | None) -> list[str]:
    found = []
    if row.paused_reason:
        found.append(gettext("Paused: %(reason)s.") % {"reason": gettext(row.paused_reason)})
    for account in dict.fromkeys((row.folder_a.account, row.folder_b.account)):
        if account.state != AccountState.ACTIVE:
            found.append(
                gettext("Account %(account)s %(state)s: %(reason)s")
                % {
                    "account": account,
                    "state": account.get_state_display(),
                    "reason": gettext(account.reason) if account.reason else gettext("no reason given"),
                }
            )
    if run is not None and run.message:
        found.append(gettext(run.message))
    return found
