"""The lines of a plan: chosen by group or search, shown field by field, decided, and exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext, gettext_lazy

from connections.models import PLANNED, Change, ChangeKind, ChangeSort, ChangeState, Connection, Folder, Label, Run
from connections.services import looking, plans

PAGE = 50
LONGEST = 300  # characters of a value in a cell of the export
COLUMNS = (
    gettext_lazy("line"),
    gettext_lazy("state"),
    gettext_lazy("group"),
    gettext_lazy("written to"),
    gettext_lazy("contact"),
    gettext_lazy("field"),
    gettext_lazy("before"),
    gettext_lazy("after"),
    gettext_lazy("why"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which lines of the plans of some runs; left out: all that wait."""

    runs: tuple[Run, ...]
    sort: str = ""
    side: str = ""
    text: str = ""
    state: str = ChangeState.PROPOSED.value

    def rows(self) -> QuerySet[Change]:
        rows = Change.objects.filter(run__in=self.runs, state=self.state)
        if self.sort in ChangeSort.values:
            rows = rows.filter(sort=self.sort)
        if self.side in ("a", "b"):
            rows = rows.filter(side=self.side)
        if self.text:
            rows = rows.filter(
                Q(title__icontains=self.text) | Q(patch__icontains=self.text) | Q(before__icontains=self.text)
            )
        return rows


@dataclass(frozen=True, slots=True)
class Group:
    sort: str
    side: str
    title: str
    proposed: int = 0
    approved: int = 0
    rejected: int = 0


def groups(run: Run) -> list[Group]:
    """The groups of the run's plan in the order of the plan, with their counts by state."""
    names = looking.side_names(run.connection)
    rows = Change.objects.filter(run=run, state__in=PLANNED).order_by()
    found: dict[tuple[str, str], Group] = {}
    for sort, side, state, count in rows.values_list("sort", "side", "state").annotate(count=Count("id")):
        group = found.get((sort, side)) or Group(sort, side, _title(sort, names[side]))
        found[sort, side] = replace(group, **{state: count})
    order = list(plans.TITLES)
    return sorted(found.values(), key=lambda group: (order.index(group.sort), group.side))


def _title(sort: str, side: str) -> str:
    return str(plans.TITLES[sort]) if sort == ChangeSort.PAIR else f"{plans.TITLES[sort]} {side}"


@dataclass(frozen=True, slots=True)
class Together:
    """The same group in the open plans of several connections."""

    sort: str
    side: str
    title: str
    count: int
    plans: Sequence[tuple[Run, int]]


def open_plans(connections: Iterable[int] = ()) -> list[Run]:
    """The run with the open plan of each connection, or of those named; not of undoing."""
    waiting = Change.objects.filter(state=ChangeState.PROPOSED, undo_of=None, run__isnull=False)
    wanted = list(connections)
    rows = waiting.filter(connection__in=wanted) if wanted else waiting
    newest = rows.order_by().values("connection").annotate(newest=Max("run")).values_list("newest", flat=True)
    living = Run.objects.filter(pk__in=list(newest), connection__deleted_at=None)
    sides = ("connection__folder_a__account", "connection__folder_b__account", "connection__tenant")
    return list(living.select_related(*sides).order_by("connection__tenant__name", "connection__name"))


def together(runs: Sequence[Run]) -> list[Together]:
    """What waits in several plans, group by group."""
    by_id = {run.pk: run for run in runs}
    rows = Change.objects.filter(run__in=by_id, state=ChangeState.PROPOSED).order_by()
    found: dict[tuple[str, str], list[tuple[Run, int]]] = {}
    for run, sort, side, count in rows.values_list("run", "sort", "side").annotate(count=Count("id")):
        found.setdefault((sort, side), []).append((by_id[run], count))
    order = list(plans.TITLES)
    return [
        Together(sort, side, _title(sort, f"side {side.upper()}"), sum(count for _, count in counts), counts)
        for (sort, side), counts in sorted(found.items(), key=lambda entry: (order.index(entry[0][0]), entry[0][1]))
    ]


# ---- shown


@dataclass(frozen=True, slots=True)
class ShownLine:
    id: int
    sort: str
    state: str
    title: str
    partner: str  # of a pairing: the record on the side named `there`
    there: str
    fields: Sequence[looking.FieldChange]
    added: Sequence[str]
    removed: Sequence[str]
    why: Sequence[str]
    pair_id: int | None
    for_good: bool

    @property
    def what(self) -> str:
        return str(ChangeSort(self.sort).label) if self.sort else ""

    @property
    def rows(self) -> list[looking.FieldChange]:
        """At least one: what is written, field by field, then labels; of a pairing with whom."""
        found = [*self.fields]
        found += [looking.FieldChange(gettext("label"), None, tag) for tag in self.added]
        found += [looking.FieldChange(gettext("label"), tag, None) for tag in self.removed]
        if self.partner:
            found.append(looking.FieldChange(gettext("the same person"), None, self.partner))
        return found or [looking.FieldChange(gettext("the contact"), None, None)]


def page(rows: QuerySet[Change], after: int = 0, size: int = PAGE) -> tuple[list[Change], int]:
    """The next lines by id, and from where to go on; 0 at the end."""
    found = list(rows.filter(id__gt=after).select_related("target_item").order_by("id")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else 0


class Shower:
    """Puts lines of one connection into words; what it needs for that is read once."""

    def __init__(self, connection: Connection) -> None:
        self.names = looking.side_names(connection)
        folders: dict[str, Folder] = {"a": connection.folder_a, "b": connection.folder_b}
        self.labels = {side: looking.field_labels(folder) for side, folder in folders.items()}
        known = Label.objects.filter(account__in={folder.account_id for folder in folders.values()})
        self.tags: Mapping[str, str] = dict(known.values_list("remote_id", "name"))

    def show(self, change: Change) -> ShownLine:
        cause = change.why
        return ShownLine(
            change.pk,
            change.sort,
            change.state,
            change.title or gettext("a contact without a name"),
            str(change.target_item) if change.kind == ChangeKind.PAIR and change.target_item else "",
            self.names[change.side],
            self._fields(change, cause.get("lost") or {}),
            self._tags(change.add_labels),
            self._tags(change.remove_labels),
            plans.reasons(change.kind, cause, self.names),
            change.pair_id,
            change.for_good,
        )

    def _fields(self, change: Change, lost: Mapping[str, Any]) -> list[looking.FieldChange]:
        labels = self.labels[change.side]
        patch, before = orjson.loads(change.patch), orjson.loads(change.before)
        deleted = change.kind == ChangeKind.DELETE
        keys = sorted(before if deleted else patch, key=lambda key: labels.get(key, key))
        return [
            looking.FieldChange(
                labels.get(key, key), before.get(key), None if deleted else patch.get(key), lost.get(key)
            )
            for key in keys
        ]

    def _tags(self, stored: str) -> list[str]:
        return [self.tags.get(label, label) for label in orjson.loads(stored)]


# ---- exported


def table(rows: QuerySet[Change], connection: Connection) -> Iterator[Iterable[Any]]:
    """One row per field that is written, under a row of headings."""
    yield tuple(map(str, COLUMNS))
    shower = Shower(connection)
    for change in rows.select_related("target_item").order_by("id").iterator(500):
        yield from _cells(shower.show(change))


def _cells(line: ShownLine) -> Iterator[Iterable[Any]]:
    for row in line.rows:
        texts = _text(row.before), _text(row.after)
        yield line.id, line.state, line.sort, line.there, line.title, row.label, *texts, "; ".join(line.why)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(element.get("value") if isinstance(element, dict) else element) for element in value)
    return "" if value is None else str(value)[:LONGEST]
