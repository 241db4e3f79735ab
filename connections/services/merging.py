"""Making one record of two in an app that can: decided by a person, carried out at once, kept in the history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from django.db import transaction
from django.db.models import Q

from connections import host, scheduling
from connections.engine.items import dumps
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
    """For the sides whose app can merge."""
    found = []
    for item in (pair.item_a, pair.item_b):
        if item is None or item.departed or not _can_merge(item):
            continue
        keys = list(ItemKey.objects.filter(item=item).values_list("value", flat=True))
        same = ItemKey.objects.filter(folder=item.folder_id, value__in=keys, item__departed="").exclude(item=item)
        ids = list(same.values_list("item", flat=True).distinct()[:MOST])
        others = list(Item.objects.filter(pk__in=ids).defer("body", "former", "evidence").order_by("title"))
        if others:
            found.append(Twins(item, others, host.declaration(item.folder.account).name))
    return found


def _can_merge(item: Item) -> bool:
    return not item.folder.read_only and host.declaration(item.folder.account).capabilities.merges


def merge(pair: Pair, winner: Item, loser: Item, by: User | None = None) -> None:
    """The winner's values count. Raises CannotMerge and ConnectorError; what is left to do the next run does, which is
    called."""
    connection = pair.connection
    if winner.folder_id != loser.folder_id or winner.folder_id not in (connection.folder_a_id, connection.folder_b_id):
        raise CannotMerge("Two contacts of one folder of this connection can be merged. Choose two such.")
    if winner == loser or winner.departed or loser.departed:
        raise CannotMerge("One of the two is not there any more. Look again.")
    if not _can_merge(winner):
        raise CannotMerge("This app cannot merge contacts for Pairwise. Merge them there by hand.")
    if connection.look_only:
        raise CannotMerge("This connection only looks; nothing is written through it.")
    connector = cast(Merges, host.connect(winner.folder.account))
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
