"""Looking after a connection: what its people press, and what they settle."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext, gettext_lazy

from connections.languages import number
from connections.models import Change, ChangeState, Connection, Health, Run, RunKind, RunState, User
from connections.services import arranging, background, planlines, syncing, wellbeing

INTERVALS = {
    60: gettext_lazy("every minute"),
    300: gettext_lazy("every 5 minutes"),
    900: gettext_lazy("every 15 minutes"),
    3600: gettext_lazy("every hour"),
    86400: gettext_lazy("every day"),
}


class CannotDo(Exception):
    """The text says why, and what to do."""


def do(connection: Connection, what: str, by: User, values: dict[str, str]) -> str:
    """One press of a button; returns what to tell. Raises CannotDo."""
    if what in ("sync", "recheck") and (reason := syncing.why_not(connection)):
        raise CannotDo(reason)
    match what:
        case "sync":
            syncing.wake(connection.pk)
            return gettext("It runs as soon as a worker is free.")
        case "recheck":
            background.start_recheck(connection)
            return gettext("Every contact of both sides is looked at again as soon as a worker is free.")
        case "plan":
            background.start_plan(connection)
            return gettext("The plan is made as soon as a worker is free. Nothing is written by that.")
        case "pause":
            syncing.pause(connection, values.get("reason", "").strip()[:200] or "paused", by=by)
            return gettext("It is paused. A run that is under way ends with what it is doing.")
        case "resume":
            if connection.paused_reason == arranging.DRAFTED:
                raise CannotDo(gettext("It is still being set up: finish that, and start it from its plan."))
            syncing.resume(connection)
            return gettext("It goes on from where it stood.")
        case "write":
            Connection.objects.filter(pk=connection.pk).update(look_only=False)
            arranging.configured(connection, "may write from now on")
            return "It may write from now on. What its first run would write waits for your approval."
        case "retry":
            ids = wellbeing.of_cause(connection, Health.FAILED, values.get("reason", ""))
            count = syncing.retry(connection, ids) if ids else 0
            return gettext("%(count)s are tried again as soon as a worker is free.") % {"count": number(count)}
    raise CannotDo(gettext("Nothing was done."))


@transaction.atomic
def settle(connection: Connection, values: dict[str, Any]) -> str:
    """Takes new settings over, by the names of the row's columns; returns what follows from them."""
    changed = {name: value for name, value in values.items() if getattr(connection, name) != value}
    if not changed:
        return gettext("Nothing was changed.")
    Connection.objects.filter(pk=connection.pk).update(**changed)
    arranging.configured(connection)
    decides = changed.keys() & {"direction", "winner"}
    follows = arranging.goes_live(connection) if decides and connection.first_run_done else ""
    return f"{gettext('Saved.')} {follows}".strip()


# ---- what waits for a person


def open_plan(connection: Connection) -> Run | None:
    """The run whose lines wait, or else the newest whose lines were decided and not written yet."""
    waiting = planlines.open_plans([connection.pk])
    if waiting:
        return waiting[0]
    decided = Change.objects.filter(connection=connection, state=ChangeState.APPROVED, undo_of=None, run__isnull=False)
    newest = decided.order_by("-run").values_list("run", flat=True).first()
    return Run.objects.filter(pk=newest).first() if newest else None


def waiting_lines(connection: Connection) -> int:
    """What waits to be approved or rejected; not of undoing."""
    return Change.objects.filter(connection=connection, state=ChangeState.PROPOSED, undo_of=None).count()


def held_as_empty(connection: Connection) -> Run | None:
    """The newest run, if it stopped because a side was suddenly empty and nobody said yet that this is right."""
    run = Run.objects.filter(connection=connection).exclude(kind=RunKind.UNDO).order_by("-id").first()
    stopped = run is not None and run.state == RunState.HELD and syncing.EMPTY in run.held
    return run if run is not None and stopped and not run.held.get("accepted") else None
