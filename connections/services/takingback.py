"""Taking back as people ask for it on pages: first the plan of it, then all of that or some lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.translation import gettext

from connections.engine.halts import refuse_stopped
from connections.models import Change, ChangeState, Connection, Pair, Run, RunKind, User
from connections.services import background, syncing, undoing
from connections.services.undoing import NothingToUndo

WHAT: Mapping[str, type[Run | Pair | Change]] = {"run": Run, "pair": Pair, "change": Change}


def plan(connection: Connection, values: Mapping[str, str]) -> None:
    """Lets a worker plan to take back a `run`, `pair` or `change` of the connection, or everything `since` a moment.
    Raises NothingToUndo, Stopped, or ValueError for what is no moment."""
    refuse_stopped(connection)
    name = next((name for name in WHAT if name in values), None)
    if name is None:
        background.start_undo_since(connection, undoing.moment_of(values.get("since", "")))
        return
    text = values[name]
    rows = WHAT[name]._default_manager.filter(connection=connection)
    found = rows.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None
    if found is None:
        raise NothingToUndo(gettext("That is not known any more: history is kept only for some time."))
    background.start_undo(found, preview=True)


def newest_plan(connection: Connection, after: int) -> Run | None:
    """The newest plan to take something back, of those made after a run."""
    rows = Run.objects.filter(connection=connection, kind=RunKind.UNDO, preview=True, pk__gt=after)
    return rows.order_by("-pk").first()


def open_lines(run: Run) -> int:
    return Change.objects.filter(run=run, state=ChangeState.PROPOSED).exclude(undo_of=None).count()


def carry_out(run: Run, by: User, lines: Collection[int] | None = None) -> int:
    """Lets a worker take back all that is planned, or some lines; returns how many. Raises NothingToUndo, Stopped."""
    refuse_stopped(run.connection)
    undoing.refuse_look_only(run.connection)
    if lines is not None and not lines:
        raise NothingToUndo(gettext("Tick at least one line first."))
    count = syncing.approve(run, change_ids=lines or (), by=by)
    if not count:
        raise NothingToUndo(gettext("Nothing of this plan is left to take back."))
    background.start_undo(run, preview=False)
    return count
