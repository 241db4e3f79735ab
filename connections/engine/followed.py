"""Contacts that go on under another id: merged into another record of their folder, or, as a converted lead, in another
folder of their account. Whoever was paired with them meets the record in which they go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import cast

from django.db.models import QuerySet

from connections.engine import store
from connections.engine.match import Found, Match
from connections.engine.setup import Plant
from connections.engine.work import ItemView, PairWork
from connections.models import Connection, Departed, Folder, Item, Pair
from connectors.base import Converts, chunked
from syncrules.specs import Side

GONE = (Departed.DELETED.value, Departed.LEFT.value)
MERGED = "merged"  # as the key of a match
MOVED = "moved:"  # a key of matching that names the pair which the record left
HOPS = 5  # of one record merged into another, which was merged in its turn

Halves = Sequence[tuple[PairWork, Side]]
Partners = Callable[[Collection[int]], Mapping[int, int]]


def merged(plant: Plant, halves: Halves, sides: Sequence[Side], partners: Partners) -> dict[int, Match]:
    """By item: the record that a merge left, or, where that one has a partner already, the question what becomes of the
    surplus. `sides`: where something was merged at all; `partners`: of items, those that have a living one, and
    which."""
    found: dict[int, Match] = {}
    for side in sides:
        folder = plant.parts[side].folder
        found |= _to_winners(folder, _left_behind(halves, side), partners)
        found |= _to_left_behind(plant, folder, {view.remote_id: view.id for view in _alive(halves, side)}, side)
    return found


def _alive(halves: Halves, side: Side) -> list[ItemView]:
    return [view for work, own in halves if own is side and (view := work.items[side]) is not None]


def _left_behind(halves: Halves, side: Side) -> dict[int, str]:
    """By item: the successor of its departed partner on `side`."""
    return {
        view.id: gone.successor
        for work, own in halves
        if own is side.other
        and (view := work.items[own]) is not None
        and (gone := work.items[side]) is not None
        and gone.successor
    }


def _to_winners(folder: Folder, left: Mapping[int, str], partners: Partners) -> dict[int, Match]:
    if not left:
        return {}
    winners = _winners(folder, set(left.values()))
    taken = partners(set(winners.values()))
    found = {}
    for item, successor in left.items():
        winner = winners.get(successor)
        if winner is not None and taken.get(winner) != item:
            found[item] = Match(Found.REVIEW if winner in taken else Found.PARTNER, (winner,), MERGED)
    return found


def _winners(folder: Folder, successors: Collection[str]) -> dict[str, int]:
    """By successor: the living item in which it goes on."""
    found: dict[str, int] = {}
    asked = {successor: successor for successor in successors}  # where the way has led so far -> where it began
    for _ in range(HOPS):
        rows = store.select(Item, ("id", "remote_id", "departed", "successor"), "remote_id", asked, folder=folder.pk)
        onward = {}
        for pk, remote_id, departed, successor in rows:
            if not departed:
                found[asked[remote_id]] = pk
            elif successor:
                onward[successor] = asked[remote_id]
        asked = onward
    return found


def _to_left_behind(plant: Plant, folder: Folder, arrivals: Mapping[str, int], side: Side) -> dict[int, Match]:
    losers = dict(with_successor(folder).filter(successor__among=list(arrivals)).values_list("id", "successor"))
    if not losers:
        return {}
    here, there = f"item_{side}_id", f"item_{side.other}"
    pairs = Pair.objects.filter(connection=plant.connection, **{f"{here}__among": losers, f"{there}__departed": ""})
    return {
        arrivals[losers[loser]]: Match(Found.PARTNER, (partner,), MERGED)
        for loser, partner in pairs.order_by("-id").values_list(here, f"{there}_id")
    }


def with_successor(folder: Folder) -> QuerySet[Item]:
    return Item.objects.filter(folder=folder).exclude(successor="")


def sides_with_neighbours(plant: Plant) -> list[Side]:
    """Sides whose account has other folders that are connected to the other side's folder."""
    found = []
    for side in Side:
        here, there = plant.parts[side].folder, plant.parts[side.other].folder
        near = {f"folder_{side}__account": here.account_id, f"folder_{side.other}": there}
        if Connection.objects.filter(**near).exclude(pk=plant.connection.pk).exists():
            found.append(side)
    return found


def learn_origins(plant: Plant, now: float) -> None:
    """Where an app converts contacts: of which record of a neighbouring folder each new one is the successor. That
    folder may not have been looked at since. Raises ConnectorError."""
    for side in sides_with_neighbours(plant):
        part, item = plant.parts[side], f"item_{side}"
        if part.connector.capabilities.converts:
            pending = Pair.objects.filter(connection=plant.connection, pending=True, next_at__lte=now)
            alone = pending.filter(**{f"{item}__departed": "", f"item_{side.other}": None})
            ids = alone.values_list(f"{item}__remote_id", flat=True)
            for some in chunked(ids.iterator(), part.connector.capabilities.read_batch):
                origins = cast(Converts, part.connector).origins(part.folder.remote_id, some)
                for arrived, origin in origins.items():
                    Item.objects.filter(folder__account=part.folder.account_id, remote_id=origin).update(
                        successor=arrived
                    )


def moved(plant: Plant, halves: Halves, sides: Sequence[Side], partners: Partners) -> dict[int, Match]:
    """Records that came here from another folder of their account, by an id that survives the move or by what they were
    converted from, and the partners that they bring along if those are in our folder of the other side. `sides`: where
    such a folder is connected."""
    found: dict[int, Match] = {}
    for side in sides:
        here, there = plant.parts[side].folder, plant.parts[side.other].folder
        item, other = f"item_{side}", f"item_{side.other}"
        left = Pair.objects.exclude(connection=plant.connection).filter(
            **{f"{item}__folder__account": here.account_id, f"{other}__folder": there, f"{other}__departed": ""}
        )
        arrived = {view.remote_id: view.id for view in _alive(halves, side)}
        waiting = [view.id for view in _alive(halves, side.other)]
        for name in ("successor", "remote_id"):
            columns = ("id", f"{item}__{name}", f"{other}_id")
            came = left.filter(**{f"{item}__{name}__gt": "", f"{item}__{name}__among": list(arrived)})
            for pk, remote_id, partner in came.values_list(*columns):
                found[arrived[remote_id]] = Match(Found.PARTNER, (partner,), f"{MOVED}{pk}")
            rows = left.filter(**{f"{item}__{name}__gt": "", f"{other}_id__among": waiting}).exclude(
                **{f"{item}__folder": here}
            )
            gone = {remote_id: (pk, partner) for pk, remote_id, partner in rows.values_list(*columns)}
            living = store.select(Item, ("id", "remote_id"), "remote_id", gone, folder=here.pk, departed="")
            taken = partners([pk for pk, _ in living])
            for arrival, remote_id in living:
                pk, partner = gone[remote_id]
                if arrival not in taken:
                    found[partner] = Match(Found.PARTNER, (arrival,), f"{MOVED}{pk}")
    return found
