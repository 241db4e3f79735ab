"""Taking back what was done: a run, a pair, or one change."""

from __future__ import annotations

from connections.engine.runner import Progress, quiet
from connections.engine.undo import original_changes
from connections.models import Change, ChangeState, Connection, Pair, Run, RunKind
from connections.services import syncing


class NothingToUndo(Exception):
    """The text says why."""


def undo_run(run: Run, *, preview: bool = False, progress: Progress = quiet) -> Run:
    """Takes back what the run wrote. For the preview of an undo: does what it proposed and a person approved."""
    if run.kind == RunKind.UNDO and run.preview:
        approved = Change.objects.filter(run=run, state=ChangeState.APPROVED).exclude(undo_of=None)
        changes = list(Change.objects.filter(id__in=approved.values("undo_of")).order_by("-id"))
    else:
        changes = original_changes(run)
    return _undo(run.connection, changes, f"Run {run.pk}", preview, progress)


def undo_pair(pair: Pair, *, preview: bool = False, progress: Progress = quiet) -> Run:
    changes = list(Change.objects.filter(pair=pair, state=ChangeState.DONE).order_by("-id"))
    return _undo(pair.connection, changes, f"“{pair}”", preview, progress)


def undo_change(change: Change, *, preview: bool = False, progress: Progress = quiet) -> Run:
    changes = [change] if change.state == ChangeState.DONE else []
    return _undo(change.connection, changes, f"Change {change.pk}", preview, progress)


def _undo(connection: Connection, changes: list[Change], what: str, preview: bool, progress: Progress) -> Run:
    taken_back = set(
        Change.objects.filter(undo_of__in=changes, state=ChangeState.DONE).values_list("undo_of_id", flat=True)
    )
    left = [change for change in changes if change.kind != "pair" and change.pk not in taken_back]
    if not left:
        raise NothingToUndo(f"{what} wrote nothing that could still be taken back.")
    return syncing.runner(connection, progress).undo(left, preview)
