"""Second thoughts about a plan."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from connections.models import Change, ChangeState, Pair
from connections.services import syncing


@transaction.atomic
def forget_rejections(change_ids: Collection[int]) -> int:
    """What was rejected may be proposed again; returns how many lines that were."""
    lines = Change.objects.filter(id__in=change_ids, state=ChangeState.REJECTED)
    found = list(lines.values_list("id", "pair_id", "connection_id"))
    lines.update(state=ChangeState.SUPERSEDED, for_good=False)
    Pair.objects.filter(id__in=[pair for _, pair, _ in found if pair]).update(pending=True, next_at=0)
    for connection in {connection for _, _, connection in found}:
        syncing.wake(connection)
    return len(found)
