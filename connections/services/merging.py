"""Making one record of two in an app that can: decided by a person, carried out at once, kept in the history."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from django.db import transaction
from django.db.models import Q

from connections import host, scheduling
from connections.engine.halts import Stopped, refuse_stopped
from connections.engine.items import dumps
from connections.engine.leases import Fence, claim, worker_name
from connections.models import (
    Change,
    ChangeKind,
    ChangeState,
    Connection,
    Item,
    ItemKey,
    Pair,
    SideChoice,
    ToldRecord,
    User,
)
from connectors.base import Merges
from connectors.http import NoAnswer
from syncrules.specs import Direction, Side

MOST = 20


class CannotMerge(Exception):
    """The text says why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class Twins:
    """A record of a pair, and others of its folder that have a key in common with it. `app`: its name."""

    item: Item
    others: Sequence[Item]
    app: str


def twins(pair: Pair) -> list[Twins]:
    """For the sides whose app can merge, and that the connection writes to."""
    found = []
    for side, item in ((Side.A, pair.item_a), (Side.B, pair.item_b)):
        if item is None or item.departed or not _can_merge(pair.connection, side, item):
            continue
        keys = list(ItemKey.objects.filter(item=item).values_list("value", flat=True))
        same = ItemKey.objects.filter(folder=item.folder_id, value__in=keys, item__departed="").exclude(item=item)
        ids = list(same.values_list("item", flat=True).distinct()[:MOST])
        others = list(Item.objects.filter(pk__in=ids).defer("body", "former", "evidence").order_by("title"))
        if others:
            found.append(Twins(item, others, host.declaration(item.folder.account).name))
    return found


def _can_merge(connection: Connection, side: Side, item: Item) -> bool:
    written = not connection.look_only and Direction(connection.direction).carries(side.other)
    return written and not item.folder.read_only and host.declaration(item.folder.account).capabilities.merges


def merge(pair: Pair, winner: Item, loser: Item, by: User | None = None) -> None:
    """The winner's values count. Raises CannotMerge and ConnectorError; what is left to do the next run does, which is
    called."""
    groups = [{found.item, *found.others} for found in twins(pair)]
    if winner == loser or not any({winner, loser} <= group for group in groups):
        raise CannotMerge("These two cannot be merged here. The page of the contact names those that can.")
    with _alone(pair.connection) as fence:
        _merge(pair, winner, loser, fence, by)


@contextmanager
def _alone(connection: Connection) -> Iterator[Fence]:
    lease = claim(f"connection:{connection.pk}", worker_name(), host.SystemClock())
    if lease is None:
        raise CannotMerge("A run of this connection is under way. Try again when it has ended.")
    try:
        refuse_stopped(connection)
        yield Fence(lease)
    except Stopped as reason:
        raise CannotMerge(str(reason)) from None
    finally:
        lease.release()


def _merge(pair: Pair, winner: Item, loser: Item, fence: Fence, by: User | None) -> None:
    connector = cast(Merges, host.connect(winner.folder.account, fence=fence))
    try:
        goes_on = connector.merge(winner.folder.remote_id, winner.remote_id, loser.remote_id)
    except NoAnswer:
        _look_again(winner, loser)
        raise
    with transaction.atomic():
        _keep(pair, winner, loser, by)
        _look_again(winner, loser, goes_on)


def _keep(pair: Pair, winner: Item, loser: Item, by: User | None) -> None:
    now = time.time()
    side = SideChoice.A if loser.folder_id == pair.connection.folder_a_id else SideChoice.B
    Change.objects.create(
        tenant_id=pair.connection.tenant_id,
        connection=pair.connection,
        pair=pair,
        kind=ChangeKind.MERGE,
        side=side,
        target_folder=loser.folder,
        source_item=winner,
        target_item=loser,
        title=str(loser)[:255],
        marker=str(uuid4()),
        state=ChangeState.DONE,
        before=loser.values,
        cause=dumps({"mappings": [f"merged into {winner}"], "rules": [], "winner": ""}),
        made_at=now,
        sent_at=now,
        done_at=now,
        decided_by=by,
    )


def _look_again(winner: Item, loser: Item, goes_on: str = "") -> None:
    """What became of all of them is read by id."""
    ids = {winner.remote_id, loser.remote_id, goes_on} - {""}
    rows = [ToldRecord(folder=winner.folder, remote_id=id) for id in ids]
    ToldRecord.objects.bulk_create(rows, ignore_conflicts=True)
    folder = winner.folder_id
    for connection in Connection.objects.filter(
        Q(folder_a=folder) | Q(folder_b=folder), enabled=True, paused_reason=""
    ):
        scheduling.wake(connection.pk)
