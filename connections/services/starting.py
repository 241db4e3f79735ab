"""From the plan of a new connection to its first run: all of it, a few contacts first, or looking only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext

from connections.models import (
    Change,
    ChangeKind,
    ChangeSort,
    ChangeState,
    Connection,
    ConnectionDraft,
    Folder,
    Item,
    ItemKey,
    Run,
    RunState,
    User,
)
from connections.services import background, drafting, looking, planlines, plans, syncing

FIRST = 10  # contacts to start with, for who wants to see a few before all
SAMPLES = 5
OFFERED = (ChangeKind.CREATE, ChangeKind.PAIR)


# ---- planning


def plan_all(draft: ConnectionDraft) -> None:
    """Brings the connections up to the answers and lets workers plan them anew. Raises CannotSetUp."""
    made = drafting.make(draft)
    draft.planned = {str(row.pk): looking.newest_run_id(row) for row in made}
    draft.save()
    for row in made:
        background.start_plan(row)


def look_ahead(draft: ConnectionDraft) -> None:
    """Both sides are read while the person goes on choosing, so that the plan is soon there."""
    plan_all(draft)
    draft.planned = {}
    draft.save()


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    count: int
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of one connection. Without a run it was not begun; `run` may be under way, or have failed."""

    connection: Connection
    run: Run | None
    groups: Sequence[Group] = ()
    left: Sequence[plans.Group] = ()

    @property
    def is_ready(self) -> bool:
        return self.run is not None and self.run.state == RunState.PLANNED

    @property
    def is_under_way(self) -> bool:
        return self.run is None or self.run.state == RunState.RUNNING

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)


def planned(draft: ConnectionDraft) -> list[Planned]:
    """In the order in which they were made; empty where no plan was asked for since the last change."""
    called = drafting.names(draft)
    asked = [row for row in drafting.made(draft) if str(row.pk) in draft.planned]
    return [_planned(row, draft.planned[str(row.pk)], called) for row in asked]


def _planned(connection: Connection, after: int, called: Mapping[str, str]) -> Planned:
    run = Run.objects.filter(connection=connection, preview=True, pk__gt=after).order_by("-id").first()
    if run is None or run.state != RunState.PLANNED:
        return Planned(connection, run)
    run.connection = connection
    samples = _samples(run)
    groups = [
        Group(_title(group, called), group.proposed + group.approved, samples.get((group.sort, group.side), []))
        for group in planlines.groups(run)
    ]
    return Planned(connection, run, groups, plans.left_out(connection))


def _title(group: planlines.Group, called: Mapping[str, str]) -> str:
    words = str(plans.TITLES[group.sort])
    return words if group.sort == ChangeSort.PAIR else f"{words} {called[group.side]}"


def _samples(run: Run) -> dict[tuple[str, str], list[str]]:
    """Names of the first contacts of each group."""
    number = Window(RowNumber(), partition_by=[F("sort"), F("side")], order_by="id")
    rows = Change.objects.filter(run=run, state=ChangeState.PROPOSED).order_by()
    found: dict[tuple[str, str], list[str]] = {}
    first = rows.annotate(number=number).filter(number__lte=SAMPLES)
    for sort, side, title in first.order_by("id").values_list("sort", "side", "title"):
        found.setdefault((sort, side), []).append(title or gettext("without a name"))
    return found


# ---- contacts without a key


@dataclass(frozen=True, slots=True)
class Keyless:
    """`count`: contacts without an email address; None as long as the folder was not read through."""

    folder: Folder
    total: int
    count: int | None


def keyless(draft: ConnectionDraft) -> list[Keyless]:
    return [_keyless(folder) for side in "ab" for folder in drafting.folders(draft, side)]


def _keyless(folder: Folder) -> Keyless:
    here = Item.objects.filter(folder=folder, departed="")
    total = here.count()
    if not folder.listed_at:
        return Keyless(folder, total, None)
    having = ItemKey.objects.filter(folder=folder, value__startswith="e:", item__departed="")
    return Keyless(folder, total, total - having.values("item").distinct().count())


# ---- starting


def start(draft: ConnectionDraft, by: User) -> list[Connection]:
    """All that is planned, and from then on whatever changes. The draft is done with."""
    return _begin(draft, by, _approve_all, approve_first_run=False)


def start_with_few(draft: ConnectionDraft, by: User) -> list[Connection]:
    """All that is planned for the first contacts; the rest of the plan goes on waiting."""
    return _begin(draft, by, _approve_first, approve_first_run=True)


def only_look(draft: ConnectionDraft, by: User) -> list[Connection]:
    """Nothing is ever written, until somebody starts it."""
    return _begin(draft, by, lambda run, by: 0, look_only=True)


@transaction.atomic
def _begin(draft: ConnectionDraft, by: User, approve: Any, **options: Any) -> list[Connection]:
    ready = [one for one in planned(draft) if one.is_ready]
    if len(ready) != len(draft.connections) or not ready:
        return []
    for one in ready:
        Connection.objects.filter(pk=one.connection.pk).update(**options)
        if one.run is not None:
            approve(one.run, by)
        syncing.resume(one.connection)
    draft.delete()
    return [one.connection for one in ready]


def _approve_all(run: Run, by: User) -> int:
    return syncing.approve(run, by=by)


def _approve_first(run: Run, by: User) -> int:
    return syncing.approve(run, among=first_lines(run), by=by)


def first_lines(run: Run) -> QuerySet[Change]:
    """All lines of the contacts that come first among those to create or to pair."""
    rows = Change.objects.filter(run=run, state=ChangeState.PROPOSED)
    ids = rows.filter(kind__in=OFFERED, pair__isnull=False).order_by("pair_id").values_list("pair_id", flat=True)
    return rows.filter(Q(pair_id__in=list(ids.distinct()[:FIRST])))


def has_more(one: Planned) -> bool:
    """Whether starting with a few is something else than starting."""
    return (
        one.run is not None
        and Change.objects.filter(run=one.run, state=ChangeState.PROPOSED)
        .exclude(pk__in=first_lines(one.run).values("pk"))
        .exists()
    )
