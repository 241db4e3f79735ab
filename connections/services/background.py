"""Long work that a page starts and a worker does: plans and taking back. Names and arguments are stored in queues."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django_q.tasks import async_task

from connections.engine.runner import Busy
from connections.models import Change, ChangeKind, ChangeState, Connection, Pair, Run, RunKind, RunState
from connections.services import syncing, undoing

BUSY = 2.0  # seconds between two looks at a connection that another worker runs
PATIENCE = 60.0  # seconds after which the task gives its place to others and is called again


def start_plan(connection: Connection) -> None:
    """Lets a worker observe both sides and propose what it would write."""
    _call("plan", connection.pk)


def start_undo(what: Run | Change | Pair, *, preview: bool) -> None:
    """Lets a worker take back a run, a change or a pair. Raises NothingToUndo."""
    if not (isinstance(what, Run) and what.preview):
        written = _written(what).filter(state=ChangeState.DONE).exclude(kind=ChangeKind.PAIR)
        if not written.exists():
            raise undoing.NothingToUndo("Nothing was written that could be taken back.")
    _call("take_back", type(what).__name__.lower(), what.pk, preview)


def _written(what: Run | Change | Pair) -> QuerySet[Change]:
    if isinstance(what, Change):
        return Change.objects.filter(pk=what.pk)
    return Change.objects.filter(run=what) if isinstance(what, Run) else Change.objects.filter(pair=what)


def _call(task: str, *arguments: object) -> None:
    transaction.on_commit(partial(async_task, f"{__name__}.{task}", *arguments))


# ---- what the workers do


def plan(connection_id: int) -> str:
    """One slice of a plan; calls itself for the next."""
    connection = Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account").get(
        pk=connection_id
    )

    def work() -> Run:
        return syncing.runner(connection).run(RunKind.INCREMENTAL, preview=True, budget=syncing.SLICE)

    run = _when_free(work)
    if run is None or run.state == RunState.RUNNING:
        _call("plan", connection_id)
    return run.state if run is not None else "busy"


def take_back(kind: str, pk: int, preview: bool) -> str:
    def work() -> Run:
        if kind == "run":
            return undoing.undo_run(Run.objects.get(pk=pk), preview=preview)
        if kind == "change":
            return undoing.undo_change(Change.objects.get(pk=pk), preview=preview)
        return undoing.undo_pair(Pair.objects.get(pk=pk), preview=preview)

    try:
        run = _when_free(work)
    except undoing.NothingToUndo as reason:  # somebody else was faster
        return str(reason)
    if run is None:
        _call("take_back", kind, pk, preview)
    return run.state if run is not None else "busy"


def _when_free(work: Callable[[], Run]) -> Run | None:
    """None when another worker kept the connection all the time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return work()
        except Busy:
            time.sleep(BUSY)
    return None
