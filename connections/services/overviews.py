"""The front page of the admin: states of all connections, what waits for somebody, and the last runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from connections.models import Account, AccountState, Connection, Health, Pair, Run
from connections.services.looking import State, with_state
from connections.services.registering import Reminder, reminders

ASKED = (Health.REVIEW, Health.DUPLICATE, Health.FAILED)  # healths that a person can do something about
URGENT = (State.AUTH, State.FAILED, State.HELD, State.PLANNED)


@dataclass(frozen=True, slots=True)
class Overview:
    """The front page of the admin."""

    states: Sequence[tuple[State, int]]
    urgent: Sequence[Any]  # connections with `state`
    asking: Sequence[Any]  # connections some of whose contacts need a person
    accounts: Sequence[Account]
    runs: Sequence[Run]
    reminders: Sequence[Reminder]

    @property
    def calm(self) -> bool:
        return not (self.urgent or self.asking or self.accounts or self.reminders)


Narrow = Callable[[QuerySet[Any]], QuerySet[Any]]


def everything(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows


def overview(narrow: Narrow = everything, most: int = 12) -> Overview:
    """`narrow` leaves of connections, accounts and runs those that the reader may see."""
    rows = with_state(narrow(Connection.objects.all()))
    counted = Counter(rows.values_list("state", flat=True))
    states = [(state, counted[state.value]) for state in State if counted[state.value]]
    urgent = rows.filter(state__in=URGENT).select_related("tenant").order_by("name")[:most]
    here = Pair.objects.filter(connection=OuterRef("pk"))
    asking = narrow(Connection.objects.filter(enabled=True)).annotate(
        **{health.value: Exists(here.filter(health=health)) for health in ASKED}
    )
    asking = asking.filter(Q(review=True) | Q(duplicate=True) | Q(failed=True)).select_related("tenant")
    accounts = (
        narrow(Account.objects.all()).exclude(state=AccountState.ACTIVE).select_related("tenant").defer("secrets")
    )
    runs = narrow(Run.objects.all()).select_related("connection__tenant").defer("held").order_by("-id")
    return Overview(
        states,
        list(urgent),
        list(asking.order_by("name")[:most]),
        list(accounts.order_by("name")[:most]),
        list(runs[:most]),
        list(reminders()),
    )
