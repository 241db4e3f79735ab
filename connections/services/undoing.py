"""Taking back what was done: a run, a contact, one change, or everything since a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext

from connections.engine.runner import Progress, quiet
from connections.models import Change, ChangeState, Connection, Pair, Run, RunKind, User
from connections.models.changes import UNDOABLE
from connections.services import looking, syncing

AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LEFT_SHOWN = 500


class NothingToUndo(Exception):
    """The text says why."""


def undo_run(run: Run, *, preview: bool = False, by: User | None = None, progress: Progress = quiet) -> Run:
    """Takes back what the run wrote. For the preview of an undo: does what it proposed and a person approved."""
    if run.kind == RunKind.UNDO and run.preview:
        return _carry_out(run, by, progress)
    return _undo(run.connection, written(run), f"Run {run.pk}", preview, by, progress)


def undo_pair(pair: Pair, *, preview: bool = False, by: User | None = None, progress: Progress = quiet) -> Run:
    return _undo(pair.connection, written(pair), f"“{pair}”", preview, by, progress)


def undo_change(change: Change, *, preview: bool = False, by: User | None = None, progress: Progress = quiet) -> Run:
    return _undo(change.connection, written(change), f"Change {change.pk}", preview, by, progress)


def undo_since(
    connection: Connection,
    moment: datetime,
    *,
    preview: bool = False,
    by: User | None = None,
    progress: Progress = quiet,
) -> Run:
    """Takes back everything that the connection has written since then, in whatever runs."""
    return _undo(connection, written_since(connection, moment), f"Since {moment:%Y-%m-%d %H:%M}", preview, by, progress)


def written(what: Run | Change | Pair) -> QuerySet[Change]:
    """What was really done, without pairings, which wrote nothing."""
    rows = Change.objects.filter(state=ChangeState.DONE, kind__in=UNDOABLE)
    if isinstance(what, Change):
        return rows.filter(pk=what.pk)
    return rows.filter(run=what) if isinstance(what, Run) else rows.filter(pair=what)


def written_since(connection: Connection, moment: datetime) -> QuerySet[Change]:
    rows = Change.objects.filter(connection=connection, state=ChangeState.DONE, done_at__gte=moment.timestamp())
    return rows.filter(kind__in=UNDOABLE)


def moment_of(text: str) -> datetime:
    """A moment as people write it: `2026-05-01`, `2026-05-01 14:30`, `3h` or `2d` ago. Raises ValueError."""
    text = text.strip()
    found: datetime | None = None
    if ago := AGO.fullmatch(text):
        return timezone.now() - timedelta(seconds=int(ago[1]) * SECONDS[ago[2]])
    day = parse_date(text)
    found = datetime.combine(day, time.min) if day is not None else parse_datetime(text)
    if found is None:
        raise ValueError(
            gettext("%(text)s is no moment; write for example 2026-05-01, 2026-05-01 14:30, or 3h for hours ago.")
            % {"text": repr(text)}
        )
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _undo(
    connection: Connection,
    changes: QuerySet[Change],
    what: str,
    preview: bool,
    by: User | None,
    progress: Progress,
) -> Run:
    found = list(changes)
    if not found:
        raise NothingToUndo(gettext("%(what)s wrote nothing that could still be taken back.") % {"what": what})
    if not preview:
        refuse_look_only(connection)
    approvals = {change.pk: by.pk for change in found} if by is not None else {}
    return syncing.runner(connection, progress).undo(found, preview, approvals)


def _carry_out(plan: Run, by: User | None, progress: Progress) -> Run:
    """Does the approved lines of an undo's preview. What changed since the preview is left alone."""
    lines = Change.objects.filter(run=plan, state=ChangeState.APPROVED).exclude(undo_of=None)
    approvals: dict[int, int] = {}
    wanted: set[int] = set()
    for line in lines:
        undoes = line.why.get("undoes") or [line.undo_of_id]
        wanted.update(undoes)
        approver = line.decided_by_id or (by.pk if by is not None else None)
        if approver is not None:
            approvals.update(dict.fromkeys(undoes, approver))
    changes = list(Change.objects.filter(id__among=wanted))
    if not changes:
        raise NothingToUndo(f"No line of run {plan.pk} is approved, or what they take back is not known any more.")
    refuse_look_only(plan.connection)
    made = syncing.runner(plan.connection, progress).undo(changes, False, approvals)
    lines.update(state=ChangeState.SUPERSEDED, reason=f"done by run {made.pk}")
    return made


def refuse_look_only(connection: Connection) -> None:
    """Raises NothingToUndo."""
    if connection.look_only:
        raise NothingToUndo(
            gettext("%(connection)s only looks and never writes; switch that off to take something back.")
            % {"connection": connection}
        )


# ---- what an undo leaves alone


@dataclass(frozen=True, slots=True)
class Left:
    """One field, or a whole record, that shows something else than what we wrote."""

    change: Change
    title: str
    side: str
    field: str
    ours: Any
    now: Any


def left_alone(run: Run) -> Iterator[Left]:
    """What people changed since, as it is now."""
    names = looking.side_names(run.connection)
    entries = run.left[:LEFT_SHOWN]
    rows = Change.objects.filter(id__in=[entry["change"] for entry in entries])
    changes = {change.pk: change for change in rows.select_related("target_item", "target_folder", "pair")}
    for entry in entries:
        change = changes.get(entry["change"])
        if change is not None:
            yield from _left(change, entry["fields"], names)


def _left(change: Change, fields: Sequence[str], names: dict[str, str]) -> Iterator[Left]:
    labels = looking.field_labels(change.target_folder)
    after = orjson.loads(change.after)
    item = change.target_item
    now = item.record if item is not None and not item.departed else {}
    for key in fields:
        yield Left(change, change.title, names[change.side], labels.get(key, key), after.get(key), now.get(key))
    if not fields:
        yield Left(change, change.title, names[change.side], "the contact, which was created there", None, None)
