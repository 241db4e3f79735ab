"""How the contacts of a connection are: each state with its count, its causes, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy

from connections.models import Connection, Health, Pair

CAUSES = 25  # shown of one state
ADVICE = {
    Health.IN_SYNC: gettext_lazy("Both sides agree."),
    Health.WAITING: gettext_lazy(
        "Nothing to do: the next run takes them, or a plan in which they stand waits for approval."
    ),
    Health.REVIEW: gettext_lazy("A person must decide; until then neither side is written."),
    Health.DUPLICATE: gettext_lazy(
        "The same person is in one folder more than once. Merge them there; only one of them is synced."
    ),
    Health.FAILED: (
        gettext_lazy(
            "They are tried again by themselves, ever less often, up to every six hours, and at once "
            "when one of their sides changes. If the cause is in the app, cure it there and try them "
            "again here."
        )
    ),
    Health.EXCLUDED: gettext_lazy("They stand outside by the rules, or have no key. They come in when that changes."),
    Health.DELETED: gettext_lazy(
        "They were deleted on one side; the other side's record is treated as the connection says."
    ),
}
NAMES_PEOPLE = (Health.REVIEW, Health.DUPLICATE)  # each has a reason of its own
ORDER = (
    Health.IN_SYNC,
    Health.WAITING,
    Health.REVIEW,
    Health.DUPLICATE,
    Health.FAILED,
    Health.EXCLUDED,
    Health.DELETED,
)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a bar that stands for a state: where it begins and how long it is, of 100."""

    health: str
    label: str
    count: int
    start: float
    share: float


def shares(counts: Mapping[str, int]) -> list[Share]:
    total = sum(counts.values()) or 1
    found, start = [], 0.0
    for health in ORDER:
        count = counts.get(health.value, 0)
        if count:
            share = 100 * count / total
            found.append(Share(health.value, str(health.label), count, start, share))
            start += share
    return found


@dataclass(frozen=True, slots=True)
class State:
    health: str
    label: str
    count: int
    advice: str
    causes: Sequence[tuple[str, int]]
    start: float  # where its part of the bar begins, and how long it is, of 100
    share: float


def states(connection: Connection) -> list[State]:
    """Every state that some contact is in."""
    rows = Pair.objects.filter(connection=connection).order_by()
    counts = dict(rows.values_list("health").annotate(count=Count("id")))
    found = []
    for one in shares(counts):
        health = Health(one.health)
        causes = [] if health in (*NAMES_PEOPLE, Health.IN_SYNC) else _causes(rows, health)
        found.append(State(one.health, one.label, one.count, str(ADVICE[health]), causes, one.start, one.share))
    return found


def _causes(rows: QuerySet[Pair], health: Health) -> list[tuple[str, int]]:
    causes = rows.filter(health=health).exclude(reason="").values_list("reason").annotate(count=Count("id"))
    return list(causes.order_by("-count", "reason")[:CAUSES])


def with_notes(connection: Connection) -> int:
    return Pair.objects.filter(connection=connection).exclude(warnings="[]").count()


def of_cause(connection: Connection, health: str, reason: str) -> list[int]:
    rows = Pair.objects.filter(connection=connection, health=health, reason=reason)
    return list(rows.values_list("pk", flat=True))
