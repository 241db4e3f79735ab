"""Pairs that a person took apart: two people after all, left out, or one of them is somebody else's counterpart.

Only the worker of a connection touches its pairs, so what was decided is carried out here, at the start of a run.
"""

from __future__ import annotations

from django.db import transaction

from connections.engine import store
from connections.engine.leases import Lease
from connections.engine.pairing import FRESH
from connections.models import Change, Connection, Decision, Item, Pair, Verdict
from connections.models.changes import OPEN

AGAINST = (Verdict.APART, Verdict.EXCLUDE)


def separate(connection: Connection, lease: Lease) -> None:
    """Splits the pairs that decisions speak against; nothing is written to an app. A pair with a write on its way
    waits for its answer."""
    both = Decision.objects.filter(connection=connection, item_a__departed="", item_b__departed="")
    decided = list(both.values_list("item_a_id", "item_b_id", "verdict"))
    if not decided:
        return
    with transaction.atomic():
        lease.renew()
        for pair_id, item_b in _parted(connection, decided):
            _split(connection, pair_id, item_b)


def _parted(connection: Connection, decided: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Pairs of two living records, and the one of side B, of which somebody said that they are none, or that one of
    them belongs to another."""
    against = {(a, b) for a, b, verdict in decided if verdict in AGAINST}
    same = [(a, b) for a, b, verdict in decided if verdict == Verdict.SAME]
    of_a, of_b = dict(same), {b: a for a, b in same}
    items = {a for a, _ in against} | of_a.keys()
    living = Pair.objects.filter(connection=connection, item_a__departed="", item_b__departed="")
    rows = {*living.filter(item_a_id__among=items).values_list("id", "item_a_id", "item_b_id")}
    rows |= {*living.filter(item_b_id__among=of_b).values_list("id", "item_a_id", "item_b_id")}
    parted = [
        (pk, b) for pk, a, b in rows if (a, b) in against or of_a.get(a, b) != b or of_b.get(b, a) != a
    ]  # fmt: skip
    busy = Change.objects.filter(pair_id__among=[pk for pk, _ in parted], state__in=OPEN)
    waiting = set(busy.values_list("pair_id", flat=True))
    return sorted((pk, b) for pk, b in parted if pk not in waiting)


def _split(connection: Connection, pair_id: int, item_b: int) -> None:
    """The history stays with side A."""
    Pair.objects.filter(pk=pair_id).update(item_b=None, **FRESH)
    title = Item.objects.values_list("title", flat=True).get(pk=item_b)
    row = (connection.pk, None, item_b, title, *FRESH.values())
    store.insert(Pair, ("connection", "item_a", "item_b", "title", *FRESH), [row])
