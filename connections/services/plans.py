"""A plan in a few lines: what a run would write on each side, why, and what it leaves to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db.models import Count
from django.utils.translation import gettext, gettext_lazy

from connections.engine.undo import WHY as TAKEN_BACK
from connections.models import Change, ChangeKind, ChangeState, Connection, Health, Pair, Run
from connections.services import causes, looking

SAMPLES = 5
REASONS = 8
WAITING = (ChangeState.PROPOSED, ChangeState.APPROVED)
LEFT_OUT = (Health.REVIEW, Health.DUPLICATE, Health.EXCLUDED, Health.FAILED)
TIERS = {
    "u": gettext_lazy("same card id"),
    "e": gettext_lazy("same email"),
    "p": gettext_lazy("same phone and name"),
    "c": gettext_lazy("same name and company"),
}
TITLES = {
    "pair": gettext_lazy("to pair"),
    "create": gettext_lazy("to create on"),
    "fill": gettext_lazy("to fill on"),
    "overwrite": gettext_lazy("to overwrite on"),
    "label": gettext_lazy("to label on"),
    "delete": gettext_lazy("to delete on"),
}


@dataclass(slots=True)
class Group:
    """Lines of one sort and side. `side` is the side that is written; "" for pairings and what is left to people."""

    sort: str  # create, pair, fill, overwrite, label, delete; or the health of what is left out
    side: str
    title: str
    count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)

    @property
    def names_people(self) -> bool:
        """Each reason is about one contact, and names others."""
        return self.sort in (Health.REVIEW, Health.DUPLICATE)

    def add(self, name: str, reasons: list[str]) -> None:
        self.count += 1
        self.reasons.update(reasons)
        if name and len(self.samples) < SAMPLES:
            self.samples.append(name)

    def as_dict(self) -> dict[str, Any]:
        return {
            "group": self.sort,
            "side": self.side,
            "title": self.title,
            "count": self.count,
            "reasons": dict(self.reasons.most_common(REASONS)),
            "samples": self.samples,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One intended write."""

    id: int
    sort: str
    side: str
    state: str
    title: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    run: Run
    groups: list[Group]
    left: list[Group]  # what needs a person, or stays outside

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run.pk,
            "lines": self.count,
            "groups": [group.as_dict() for group in self.groups],
            "left": [group.as_dict() for group in self.left],
        }


def lines(run: Run) -> Iterator[Line]:
    """What waits in the run to be approved or sent, in the order in which it was planned."""
    rows = Change.objects.filter(run=run, state__in=WAITING).order_by("id")
    columns = ("id", "kind", "sort", "side", "state", "title", "cause")
    names = looking.side_names(run.connection)
    for pk, kind, sort, side, state, title, cause in rows.values_list(*columns).iterator():
        yield Line(pk, sort, side, state, title, reasons(kind, orjson.loads(cause), names))


def reasons(kind: str, cause: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Why a change is made, in parts of a sentence. `names`: how people call the sides."""
    why = [str(part) for part in cause.get("mappings") or ()]
    if kind == ChangeKind.PAIR:
        return [str(TIERS.get(part.partition(":")[0]) or gettext("the same record, moved")) for part in why]
    said = [causes.in_words(part, names) for part in why]
    rules = [gettext("rule “%(name)s”") % {"name": name} for name in cause.get("rules") or ()]
    if kind == ChangeKind.UPDATE:
        return said or rules
    if why == [TAKEN_BACK]:
        return said
    return [*(text for part, text in zip(why, said, strict=True) if part != "new" or not rules), *rules]


def summary(run: Run) -> Plan:
    names = looking.side_names(run.connection)
    groups: dict[tuple[str, str], Group] = {}
    for line in lines(run):
        side = "" if line.sort == "pair" else line.side
        group = groups.get((line.sort, side))
        if group is None:
            title = f"{TITLES[line.sort]} {names.get(side, '')}".strip()
            group = groups[line.sort, side] = Group(line.sort, side, title)
        group.add(line.title, line.reasons)
    order = list(TITLES)
    found = sorted(groups.values(), key=lambda group: (order.index(group.sort), group.side))
    return Plan(run, found, left_out(run.connection))


def left_out(connection: Connection) -> list[Group]:
    """Contacts that are not written: those that need a person first."""
    counted = (
        Pair.objects.filter(connection=connection, health__in=LEFT_OUT)
        .order_by()
        .values_list("health", "reason")
        .annotate(count=Count("id"))
    )
    groups = {}
    for health in LEFT_OUT:
        reasons = Counter({reason: count for found, reason, count in counted if found == health})
        if reasons:
            pairs = Pair.objects.filter(connection=connection, health=health).order_by("id")
            samples = [title for title in pairs.values_list("title", flat=True)[:SAMPLES] if title]
            title = gettext("to review") if health == Health.REVIEW else str(health.label)
            groups[health] = Group(health.value, "", title, sum(reasons.values()), reasons, samples)
    return list(groups.values())
