"""Second thoughts about a plan."""

from __future__ import annotations

from collections.abc import Collection

import orjson
from django.db import transaction

from connections.engine.items import dumps
from connections.models import Change, ChangeKind, ChangeState, Health, Pair
from connections.services import syncing
from syncrules.specs import Side


@transaction.atomic
def forget_rejections(change_ids: Collection[int]) -> int:
    """What was rejected is proposed again, if it still is to be done; returns how many lines that were."""
    lines = Change.objects.filter(id__in=change_ids, state=ChangeState.REJECTED)
    found = list(lines.order_by("-id").values("id", "pair_id", "connection_id", "kind", "source"))
    lines.update(state=ChangeState.SUPERSEDED, for_good=False, source="{}")
    pairs = Pair.objects.select_for_update().in_bulk({line["pair_id"] for line in found if line["pair_id"]})
    for line in found:
        if line["pair_id"] in pairs:
            _as_before(pairs[line["pair_id"]], line["kind"], line["source"])
    Pair.objects.bulk_update(pairs.values(), ["base_a", "base_b", "health", "pending", "next_at"], batch_size=500)
    for connection in {line["connection_id"] for line in found}:
        syncing.wake(connection)
    return len(found)


def _as_before(pair: Pair, kind: str, kept: str) -> None:
    """As if the pair had not been settled over the rejection."""
    pair.pending, pair.next_at = True, 0
    if kind == ChangeKind.DELETE and pair.health == Health.DELETED:
        pair.health = Health.WAITING
    bases = {side: orjson.loads(getattr(pair, f"base_{side}")) for side in Side}
    for side, key, agreed, value in orjson.loads(kept):
        bases[Side(side)].pop(key, None)
        if agreed:
            bases[Side(side)][key] = value
    pair.base_a, pair.base_b = dumps(bases[Side.A]), dumps(bases[Side.B])
