"""Who of the staff sees to what waits: noted beside the matter, never over what a colleague has just noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from connections.models import Handling, User
from connections.services import worklist
from connections.services.overviews import everything
from connections.services.worklist import Line

KEPT = timedelta(days=30)  # after a matter is settled: what is only paused or stopped comes back


class Overtaken(Exception):
    """Somebody else was faster; the text says who, and what to do."""


def handle(lines: Sequence[Line], seen: Mapping[str, int], values: Mapping[str, Any], by: User) -> None:
    """Notes `values` of the fields of a Handling for each of these. `seen`: by key the versions that the person looked
    at. Raises Overtaken, and then changed nothing."""
    try:
        with transaction.atomic():
            rows = Handling.objects.select_for_update(of=("self",)).filter(key__in=[line.key for line in lines])
            known = {row.key: row for row in rows.select_related("changed_by").order_by("key")}
            for line in lines:
                row = known.get(line.key)
                if (row.version if row else 0) != seen.get(line.key, 0):
                    raise Overtaken(_sentence(line, row))
                _note(row or Handling(tenant_id=line.about.tenant_id, key=line.key, version=0), line, values, by)
    except IntegrityError:
        raise Overtaken(_sentence(lines[0], None)) from None


def _note(row: Handling, line: Line, values: Mapping[str, Any], by: User) -> None:
    if line.handling is None:  # what stands there was about an earlier one
        row.assignee, row.note, row.ticket, row.snoozed_until = None, "", "", None
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.changed_at, row.changed_by = timezone.now(), by
    row.save()


def _sentence(line: Line, row: Handling | None) -> str:
    who = row.changed_by if row and row.changed_by else "Somebody else"
    return (
        f"{who} noted something about {line.about} while you had it open, so nothing of yours was saved. Look at what "
        "stands there now, and save once more if yours is still right."
    )


def drop_settled() -> int:
    """Removes what was noted about matters that have been gone for long. Returns how many."""
    old = Handling.objects.filter(changed_at__lt=timezone.now() - KEPT)
    if not old.exists():
        return 0
    waiting = [line.key for line in worklist.lines(everything)]
    return old.exclude(key__in=waiting).delete()[0]
