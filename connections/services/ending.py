"""The end of a connection: what stays where, taking back what it made, and the way back for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from connections.engine.rewind import rewind
from connections.engine.runner import Progress, quiet
from connections.engine.setup import load_fields
from connections.engine.work import PairWork, load_pairs
from connections.models import (
    Account,
    Change,
    ChangeKind,
    ChangeState,
    Connection,
    Decision,
    Deed,
    Folder,
    Item,
    Pair,
    Run,
    User,
)
from connections.models.changes import UNDOABLE
from connections.services import audit, syncing, undoing
from connectors.base import chunked
from syncrules.catalogue import Catalogue
from syncrules.specs import Side

KEPT = timedelta(days=30)
PIECE = 1_000  # rows that are deleted at a time
PAGE = 500  # pairs looked at together
SURVEYED = 5_000  # contacts up to which a page counts what could be taken back
RESTORED = "restored: look at a preview, then resume it"


class CannotRestore(Exception):
    """The text says why, and what to do."""


# ---- what it made and nobody touched since


@dataclass(frozen=True, slots=True)
class Made:
    """A contact that the connection created on a side, that still shows what was written, and is not the only one of
    its kind: the record that it was made from is still there, and no other connection keeps it in sync."""

    pair_id: int
    side: Side
    changes: Sequence[Change]


def untouched(connection: Connection, most: int | None = None) -> Iterator[Made]:
    """As last observed. `most`: how many created contacts are looked at."""
    folders = {Side.A: connection.folder_a, Side.B: connection.folder_b}
    catalogues = {side: Catalogue(load_fields(folder.catalogue or "[]")) for side, folder in folders.items()}
    created = Change.objects.filter(connection=connection, kind=ChangeKind.CREATE, state=ChangeState.DONE)
    ids = list(created.exclude(pair=None).order_by("pair_id").values_list("pair_id", flat=True).distinct()[:most])
    for page in chunked(ids, PAGE):
        works = {work.id: work for work in load_pairs(Pair.objects.filter(id__among=page)) if _is_whole(work)}
        shared = _kept_elsewhere(connection, works.values())
        rows = Change.objects.filter(pair_id__among=list(works), state=ChangeState.DONE)
        changes = list(rows.filter(kind__in=UNDOABLE).order_by("-id"))
        found, _ = rewind(changes, works, catalogues)
        gone = [past for past in found if past.kind == "delete"]
        twice = {past.work.id for past in gone if sum(other.work is past.work for other in gone) > 1}
        for past in gone:
            item = past.work.items[past.side]
            if past.work.id not in twice and item is not None and item.id not in shared:
                mine = [change for change in changes if change.pair_id == past.work.id and change.side == past.side]
                yield Made(past.work.id, past.side, mine)


def _is_whole(work: PairWork) -> bool:
    return all(item is not None and not item.departed for item in work.items.values())


def _kept_elsewhere(connection: Connection, works: Any) -> set[int]:
    items = {item.id for work in works for item in work.items.values() if item is not None}
    others = Pair.objects.exclude(connection=connection).filter(
        connection__deleted_at=None, item_a__departed="", item_b__departed=""
    )
    rows = others.filter(Q(item_a_id__among=items) | Q(item_b_id__among=items)).values_list("item_a_id", "item_b_id")
    return {pk for row in rows for pk in row}


# ---- what stays where


@dataclass(frozen=True, slots=True)
class SideSurvey:
    name: str
    folder: Folder
    contacts: int
    kept_the_same: int
    created: int
    untouched: int


@dataclass(frozen=True, slots=True)
class Survey:
    sides: Sequence[SideSurvey]
    more: bool  # more was created than was looked at

    @property
    def untouched(self) -> int:
        return sum(side.untouched for side in self.sides)


def survey(connection: Connection) -> Survey:
    """Reads what is stored and asks no app."""
    made = [one.side for one in untouched(connection, SURVEYED)]
    sides = [_side(connection, side, made.count(side)) for side in Side]
    return Survey(sides, sum(side.created for side in sides) > SURVEYED)


def _side(connection: Connection, side: Side, made: int) -> SideSurvey:
    folder: Folder = getattr(connection, f"folder_{side}")
    created = Change.objects.filter(
        connection=connection, kind=ChangeKind.CREATE, state=ChangeState.DONE, side=side, target_item__departed=""
    )
    both = Pair.objects.filter(connection=connection, item_a__departed="", item_b__departed="")
    here = Item.objects.filter(folder=folder, departed="").count()
    return SideSurvey(str(folder.account), folder, here, both.count(), created.count(), made)


# ---- deleting and restoring


def delete(connection: Connection, by: User | None = None) -> None:
    """Effective before the next slice begins. Contacts stay in both apps; what is known about them is kept for a while,
    so that the connection can be restored without making anybody twice."""
    Connection.objects.filter(pk=connection.pk).update(deleted_at=timezone.now(), deleted_by=by)
    audit.note(Deed.ENDED, connection=connection, detail="deleted", by=by)


def take_back(connection: Connection, by: User | None = None, progress: Progress = quiet) -> Run:
    """Deletes in both apps what the connection created and nobody touched since, after reading each record again.
    Raises NothingToUndo."""
    changes = [change for made in untouched(connection) for change in made.changes]
    if not changes:
        raise undoing.NothingToUndo(f"Nothing that {connection} created is still as it was created.")
    if connection.look_only:
        raise undoing.NothingToUndo(f"{connection} only looks and never writes.")
    approvals = {change.pk: by.pk for change in changes} if by is not None else {}
    return syncing.runner(connection, progress).undo(changes, False, approvals, creations=True)


def until(connection: Connection) -> datetime | None:
    """Up to when a deleted connection can be restored."""
    return connection.deleted_at + KEPT if connection.deleted_at else None


@transaction.atomic
def restore(connection: Connection) -> None:
    """Brings it back as it was, paused. Raises CannotRestore."""
    row = Connection.every.select_for_update().get(pk=connection.pk)
    end = until(row)
    if end is None:
        raise CannotRestore(f"{row} is not deleted.")
    if end < timezone.now():
        raise CannotRestore(f"{row} was deleted more than {KEPT.days} days ago. Set it up again.")
    living = Connection.objects.filter(tenant=row.tenant_id)
    if living.filter(name=row.name).exists():
        raise CannotRestore(f"There is another connection called {row} now. Give that one another name first.")
    ends = (row.folder_a_id, row.folder_b_id)
    twin = living.filter(Q(folder_a=ends[0], folder_b=ends[1]) | Q(folder_a=ends[1], folder_b=ends[0])).first()
    if twin is not None:
        raise CannotRestore(f"Connection {twin} connects the same two folders now. Delete that one first.")
    Connection.every.filter(pk=row.pk).update(
        deleted_at=None,
        deleted_by=None,
        due_at=None,
        queued_at=None,
        paused_reason=RESTORED,
        removing_markers=False,
        markers_note="",
    )
    audit.note(Deed.ENDED, connection=row, detail="restored")


def remove_for_good(connection: Connection) -> None:
    """Forgets the connection with its pairs, plan and history, piece by piece; contacts stay in both apps."""
    for model in (Change, Decision, Pair, Run):
        rows: Any = model._default_manager.filter(connection=connection)
        while ids := list(rows.values_list("id", flat=True)[:PIECE]):
            model._default_manager.filter(id__in=ids).delete()
    connection.delete()


def leave_account(account: Account) -> None:
    """Deleted connections of an account that goes as well cannot be restored any more."""
    sides = Q(folder_a__account=account) | Q(folder_b__account=account)
    for connection in Connection.every.filter(sides).exclude(deleted_at=None):
        remove_for_good(connection)


def remove_expired() -> int:
    """Connections that nobody restored in time."""
    expired = Connection.every.filter(deleted_at__lt=timezone.now() - KEPT)
    for connection in expired:
        remove_for_good(connection)
    return len(expired)
