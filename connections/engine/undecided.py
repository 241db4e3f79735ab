"""Half pairs that repeat another or wait for a person: decided again when who they were compared with changes.

Matching looks at all who share a key with a record, and at all who share a key with those. Nobody further away can
make an undecided one clear, so a change costs what it touches, however many duplicates a folder holds.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from connections.engine import store
from connections.engine.match import tiers
from connections.models import Connection, DroppedKey, Health, Item, ItemKey, Pair

UNDECIDED = (Health.REVIEW.value, Health.DUPLICATE.value)
WORKED = ("worked_a", "worked_b")


def reconsider_window(connection: Connection, folder_id: int, start: int, upto: int) -> None:
    """After the changes of a folder from `start` to `upto`: by the keys that the changed items have, and had."""
    if not _is_any(connection):
        return
    changed = Item.objects.filter(folder_id=folder_id, seq__gt=start, seq__lte=upto).values_list("id", flat=True)
    dropped = DroppedKey.objects.filter(folder_id=folder_id, seq__gt=start, seq__lte=upto)
    _reconsider(connection, _keys_of(list(changed)) | set(dropped.values_list("value", flat=True)))


def reconsider_around(connection: Connection, item_ids: Collection[int]) -> None:
    """After something else became of these items: they were paired, or a person decided about them."""
    if item_ids and _is_any(connection):
        _reconsider(connection, _keys_of(item_ids))


def forget_dropped(folder_id: int) -> None:
    """What all connections of the folder have worked off is not needed any more."""
    dropped = DroppedKey.objects.filter(folder_id=folder_id)
    if dropped.exists():
        users = Connection.objects.filter(Q(folder_a=folder_id) | Q(folder_b=folder_id))
        worked = [a if folder_a == folder_id else b for folder_a, a, b in users.values_list("folder_a", *WORKED)]
        dropped.filter(seq__lte=min(worked, default=0)).delete()


def _is_any(connection: Connection) -> bool:
    return Pair.objects.filter(connection=connection, health__in=UNDECIDED).exists()


def _reconsider(connection: Connection, keys: set[str]) -> None:
    near = _holders(connection, keys)
    near |= _holders(connection, _keys_of(near) - keys)
    touched = [
        pk
        for item, partner in (("item_a", "item_b"), ("item_b", "item_a"))
        for pk, health, other in store.select(Pair, ("id", "health", partner), item, near, connection=connection.pk)
        if other is None and health in UNDECIDED
    ]
    Pair.objects.filter(id__among=touched).update(pending=True, next_at=0)


def _keys_of(item_ids: Collection[int]) -> set[str]:
    return {row[0] for row in store.select(ItemKey, ("value",), "item", item_ids)}


def _holders(connection: Connection, keys: Collection[str]) -> set[int]:
    order = tiers(connection.match_keys or ["email"])
    used = [key for key in keys if key[:2] in order]
    folders = (connection.folder_a_id, connection.folder_b_id)
    return {row[0] for pk in folders for row in store.select(ItemKey, ("item",), "value", used, folder=pk)}
