"""Long work that a page starts and a worker does: plans and taking back. Names and arguments are stored in queues."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, transaction
from django.utils.translation import gettext
from django_q.tasks import async_task

from connections.engine.halts import Busy, Stopped
from connections.engine.runner import RELATED
from connections.models import Change, Connection, Deed, Forgetting, Pair, Run, RunKind, RunState, User
from connections.services import audit, ending, forgetting, syncing, undoing, unmarking

T = TypeVar("T")
BUSY = 2.0  # seconds between two looks at a connection that another worker runs
PATIENCE = 60.0  # seconds after which the task gives its place to others and is called again


def start_plan(connection: Connection) -> None:
    """Lets a worker observe both sides and propose what it would write."""
    _call("plan", connection.pk)


def start_recheck(connection: Connection) -> None:
    """Lets a worker look at every contact of both sides again."""
    _call("recheck", connection.pk)


def start_undo(what: Run | Change | Pair, *, preview: bool) -> None:
    """Lets a worker take back a run, a change or a pair. Raises NothingToUndo."""
    if not (isinstance(what, Run) and what.preview) and not undoing.written(what).exists():
        raise undoing.NothingToUndo(gettext("Nothing was written that could be taken back."))
    if not preview:
        audit.note(Deed.UNDONE, connection=what.connection, detail=f"{type(what).__name__.lower()} {what.pk}")
    _call("take_back", type(what).__name__.lower(), what.pk, preview)


def start_undo_since(connection: Connection, moment: datetime) -> None:
    """Lets a worker plan to take back all that was written since then. Raises NothingToUndo."""
    if not undoing.written_since(connection, moment).exists():
        raise undoing.NothingToUndo(
            gettext("%(connection)s has written nothing since then.") % {"connection": connection}
        )
    _call("take_back_since", connection.pk, moment.timestamp())


def _call(task: str, *arguments: object) -> None:
    transaction.on_commit(partial(async_task, f"{__name__}.{task}", *arguments))


def start_ending(connection: Connection, by: User) -> None:
    """Lets a worker delete in both apps what a deleted connection created and nobody touched since."""
    _call("end", connection.pk, by.pk)


def start_removing_markers(connection: Connection) -> None:
    """Lets a worker take our markers off the contacts of a deleted connection, as was asked for."""
    _call("remove_markers", connection.pk)


def start_forgetting(asked: Forgetting) -> None:
    """Lets a worker erase a person in the apps and here."""
    _call("forget", asked.pk)


# ---- what the workers do


def plan(connection_id: int) -> str:
    """One slice of a plan; calls itself for the next."""
    connection = Connection.objects.select_related(*RELATED).filter(pk=connection_id).first()
    if connection is None:
        return "deleted"

    def work() -> Run:
        run = syncing.runner(connection).run(RunKind.INCREMENTAL, preview=True, budget=syncing.SLICE)
        syncing.note_losses(run)
        return run

    try:
        run = _when_free(work)
    except Stopped as reason:
        return str(reason)
    except (DatabaseError, ObjectDoesNotExist):
        if Connection.every.filter(pk=connection_id).exists():
            raise
        return "deleted"  # somebody threw its set-up away meanwhile
    if run is None or run.state == RunState.RUNNING:
        _call("plan", connection_id)
    return run.state if run is not None else "busy"


def recheck(connection_id: int) -> str:
    """The first slice; the next ones are called as those of any run are."""
    if not Connection.objects.filter(pk=connection_id).exists():
        return "deleted"
    told = _when_free(lambda: syncing.run_slice(connection_id, full=True))
    if told is None:
        _call("recheck", connection_id)
    return told or "busy"


def take_back_since(connection_id: int, moment: float) -> str:
    connection = Connection.objects.select_related(*RELATED).get(pk=connection_id)
    since = datetime.fromtimestamp(moment, UTC)
    return _taken_back(
        lambda: undoing.undo_since(connection, since, preview=True), "take_back_since", connection_id, moment
    )


def end(connection_id: int, by_id: int) -> str:
    """Does nothing for a connection that was restored meanwhile."""
    connection = Connection.every.select_related(*RELATED).filter(pk=connection_id).exclude(deleted_at=None).first()
    if connection is None:
        return "restored"
    by = User.objects.filter(pk=by_id).first()
    told = _taken_back(lambda: ending.take_back(connection, by), "end", connection_id, by_id)
    if told != "busy" and connection.removing_markers:
        start_removing_markers(connection)
    return told


def remove_markers(connection_id: int) -> str:
    """Does nothing for a connection that was restored meanwhile."""
    asked = next((one for one in unmarking.unfinished() if one.pk == connection_id), None)
    return unmarking.carry_out(asked) if asked is not None else "restored"


def forget(pk: int) -> str:
    """What cannot be finished now is tried again with the next purge."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return forgetting.carry_out(Forgetting.objects.get(pk=pk))
        except forgetting.NotYet as reason:
            if time.monotonic() > until:
                return str(reason)
            time.sleep(BUSY)


def take_back(kind: str, pk: int, preview: bool) -> str:
    def work() -> Run:
        if kind == "run":
            return undoing.undo_run(Run.objects.get(pk=pk), preview=preview)
        if kind == "change":
            return undoing.undo_change(Change.objects.get(pk=pk), preview=preview)
        return undoing.undo_pair(Pair.objects.get(pk=pk), preview=preview)

    return _taken_back(work, "take_back", kind, pk, preview)


def _taken_back(work: Callable[[], Run], task: str, *arguments: object) -> str:
    try:
        run = _when_free(work)
    except (undoing.NothingToUndo, Stopped) as reason:  # somebody else was faster, or stops it
        return str(reason)
    if run is None:
        _call(task, *arguments)
    return run.state if run is not None else "busy"


def _when_free(work: Callable[[], T]) -> T | None:
    """None when another worker kept the connection all the time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return work()
        except Busy:
            time.sleep(BUSY)
    return None
