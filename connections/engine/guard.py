"""The guard: counts what a run is about to do before its first write, and holds a kind that is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from connections.engine.planned import Planned
from connections.models import Change, ChangeState, Connection, Item, Pair, Run, RunKind
from connections.models.changes import OPEN

NAMES = {"deletes": "deleted", "blanks": "emptied", "creates": "created"}
Counts = Counter[tuple[str, str]]  # by kind and written side
SUDDENLY_EMPTY = 2  # so many contacts must have been there before an empty folder is called sudden


@dataclass(frozen=True, slots=True)
class Limit:
    share: int  # percent of the larger side
    least: int

    def trips(self, count: int, size: int) -> bool:
        return count > self.least and count * 100 > self.share * size


def limits(connection: Connection) -> dict[str, Limit]:
    return {
        kind: Limit(getattr(connection, f"guard_{kind}_share"), getattr(connection, f"guard_{kind}_least"))
        for kind in NAMES
    }


def kinds(planned: Planned) -> set[str]:
    """What the guard counts in one planned write."""
    found = set()
    if planned.kind == "create":
        found.add("creates")
    if planned.kind == "delete":
        found.add("deletes")
    if planned.kind == "update" and any(value in (None, "", []) for value in planned.patch.values()):
        found.add("blanks")
    return found


def sizes(connection: Connection) -> int:
    """Contacts of the larger side, counting those that just departed: the share is of what was there."""
    counted = []
    for folder_id, item in ((connection.folder_a_id, "item_a"), (connection.folder_b_id, "item_b")):
        live = Item.objects.filter(folder_id=folder_id, departed="").count()
        leaving = Pair.objects.filter(connection=connection, pending=True, **{f"{item}__departed": "deleted"}).count()
        counted.append(live + leaving)
    return max(counted)


def written(run: Run) -> Counts:
    """What a run has written so far, as the guard counts it."""
    rows = Change.objects.filter(run=run, state__in=(ChangeState.DONE, *OPEN))
    kinds_of = {
        "creates": rows.filter(kind="create"),
        "deletes": rows.filter(kind="delete"),
        "blanks": rows.filter(kind="update", patch__contains=":null"),
    }
    counts: Counts = Counter()
    for kind, some in kinds_of.items():
        counts.update({(kind, side): count for side, count in some.values_list("side").annotate(Count("id"))})
    return counts


def may_trip(connection: Connection, done: Counts, clears: bool) -> bool:
    """Cheap upper bounds from the pending pairs; only when one is above its limit is the whole plan worth counting.
    `clears` says that a mapping may empty fields at a first sync already."""
    pending = Pair.objects.filter(connection=connection, pending=True)
    synced = pending.filter(item_a__isnull=False, item_b__isnull=False).exclude(base_a="{}")
    bounds = [("blanks", side, pending if clears else synced) for side in ("a", "b")]
    for side, item, other in (("a", "item_a", "item_b"), ("b", "item_b", "item_a")):
        bounds.append(("deletes", side, pending.filter(**{f"{other}__departed": "deleted"})))
        absent = Q(**{f"{item}__isnull": True}) | Q(**{f"{item}__departed": "deleted"})
        bounds.append(("creates", side, pending.filter(absent)))
    allowed = limits(connection)
    counts = [(allowed[kind], query.count() + done[kind, side]) for kind, side, query in bounds]
    if all(count <= limit.least for limit, count in counts):
        return False
    size = sizes(connection)
    return any(limit.trips(count, size) for limit, count in counts)


def still_held(connection: Connection) -> dict[str, str]:
    """Kinds that the guard held and of which lines wait. Deciding about some of them lets none of the others go, though
    what is left may be few."""
    waiting = Change.objects.filter(connection=connection, state=ChangeState.PROPOSED)
    runs = Run.objects.filter(id__in=waiting.values("run_id")).exclude(kind=RunKind.UNDO).order_by("id")
    held = runs.values_list("held", flat=True)
    return {kind: why for kinds_held in held for kind, why in kinds_held.items() if kind in NAMES}


def verdict(connection: Connection, planned: Iterable[Planned], done: Counts, still: Collection[str]) -> dict[str, str]:
    """Kinds to hold, each with the sentence for people; `still` are those held before."""
    left: Counts = Counter()
    for write in planned:
        left.update((kind, str(write.side)) for kind in kinds(write))
    size = sizes(connection)
    allowed = limits(connection)
    held = {}
    for (kind, side), count in (left + done).items():
        told = f"{count} of {size} contacts would be {NAMES[kind]} on side {side.upper()}"
        if allowed[kind].trips(count, size):
            more = f"more than {allowed[kind].share}% and more than {allowed[kind].least}"
            held[kind] = f"{told}, {more}: waiting for approval"
        elif kind in still and left[kind, side]:
            held.setdefault(kind, f"{told}, held before together with more: waiting for approval")
    return held


def suddenly_empty(connection: Connection) -> str:
    """The sentence if a side that held contacts lists none any more, else empty."""
    if not Pair.objects.filter(connection=connection, pending=True).exists():
        return ""
    for folder, item in ((connection.folder_a, "item_a"), (connection.folder_b, "item_b")):
        leaving = Pair.objects.filter(connection=connection, pending=True, **{f"{item}__departed": "deleted"})
        if not leaving.exclude(health="deleted").exists():
            continue
        if Item.objects.filter(folder=folder, departed="").exists():
            continue
        count = leaving.count()
        if count >= SUDDENLY_EMPTY:
            return (
                f"“{folder}” suddenly lists no contact, where {count} or more were before. Nothing is deleted. "
                "If it was emptied on purpose, approve this run; otherwise look at the account."
            )
    return ""
