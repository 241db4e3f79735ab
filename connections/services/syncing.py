"""Running connections: at once, as a plan, in slices of the queue; approving, pausing, trying again."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_noop

from connections import host, scheduling
from connections.engine.halts import Busy, Stopped, refuse_stopped
from connections.engine.leases import Fence, revoke
from connections.engine.runner import Progress, Runner, quiet
from connections.models import (
    Account,
    AccountState,
    Change,
    ChangeState,
    Connection,
    Deed,
    Health,
    Pair,
    Run,
    RunKind,
    RunState,
    User,
)
from connections.services import audit, losses
from connectors.base import AuthLost, FenceLost, chunked

log = logging.getLogger(__name__)

SLICE = 45.0  # seconds of work after which a task gives its place to others
WAIT = 600.0  # seconds that a foreground run waits for another worker's
RETRY = 60.0  # seconds until a connection is tried again whose app failed
SOON = 2.0  # seconds until a connection looks again that left a folder to another worker
HALTED = gettext_noop("It stands still, and goes on from here when it may.")
EMPTY = "empty"  # the key in Run.held of a run that stopped at a suddenly empty side


def runner(connection: Connection, progress: Progress = quiet) -> Runner:
    """A runner on the real connectors of both accounts. Raises ConnectorError where an account cannot be used."""
    fence = Fence()
    connectors = {
        "a": host.connect(connection.folder_a.account, fence=fence),
        "b": host.connect(connection.folder_b.account, fence=fence),
    }
    return Runner(connection, connectors, host.SystemClock(), fence, progress)


def sync(connection: Connection, *, full: bool = False, progress: Progress = quiet, wait: bool = True) -> Run:
    """Runs the connection here and now. If another worker is at it, waits for that run and returns it."""
    _refuse_to_run(connection)
    kind = RunKind.FULL if full else RunKind.INCREMENTAL
    return _run(connection, kind, False, progress, wait)


def preview(connection: Connection, *, progress: Progress = quiet, wait: bool = True) -> Run:
    """Observes for real and plans; writes nothing to an app."""
    run = _run(connection, RunKind.INCREMENTAL, True, progress, wait)
    note_losses(run)
    return run


def note_losses(run: Run) -> None:
    """Keeps with a plan what the other side cannot hold."""
    if run.state == RunState.PLANNED:
        run.losses = [asdict(loss) for loss in losses.report(run.connection)]
        run.save(update_fields=["losses"])


def run_slice(connection_id: int, full: bool = False) -> str:
    """One bounded piece of work for the queue; says what became of it. `full`: a new run looks at everything again, and
    Busy is raised where another worker is at it."""
    connection = Connection.objects.select_related("tenant", "folder_a__account", "folder_b__account").get(
        pk=connection_id
    )
    began = datetime.now(UTC)
    Connection.objects.filter(pk=connection_id).update(queued_at=None)
    try:
        _refuse_to_run(connection)
        kind = RunKind.FULL if full else RunKind.INCREMENTAL
        work = runner(connection)
        run = work.run(kind, budget=SLICE, accept_empty=emptiness_accepted(connection))
    except (Busy, Stopped, FenceLost) as reason:
        if full and isinstance(reason, Busy):
            raise
        return str(reason)
    except Exception as error:  # noqa: BLE001 - a fault of ours in one connection must not start it again every second
        return _failed_inside(connection, error)
    _after(connection, run, began, SOON if work.overlooked else connection.interval)
    return run.state


def _failed_inside(connection: Connection, error: Exception) -> str:
    """The log names the fault and its place, but not its text: that may quote contact data."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("connection %s: %s\n%s", connection.pk, type(error).__name__, trace)
    now = datetime.now(UTC)
    text = (
        f"An error inside Pairwise ({type(error).__name__}); nothing is lost, and it is tried again. Tell operations."
    )
    open_runs = Run.objects.filter(connection=connection, state=RunState.RUNNING)
    open_runs.update(state=RunState.FAILED, message=text, ended_at=now)
    Connection.objects.filter(pk=connection.pk).update(due_at=now + timedelta(seconds=connection.interval + RETRY))
    return RunState.FAILED


def _run(connection: Connection, kind: str, plan: bool, progress: Progress, wait: bool) -> Run:
    deadline = time.monotonic() + WAIT
    while True:
        began = datetime.now(UTC)
        try:
            run = runner(connection, progress).run(kind, plan, accept_empty=emptiness_accepted(connection))
        except Busy:
            if not wait or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
            theirs = Run.objects.filter(connection=connection, preview=False).order_by("-id").first()
            if kind == RunKind.INCREMENTAL and not plan and theirs and theirs.state != RunState.RUNNING:
                return theirs
            continue
        _after(connection, run, began, connection.interval)
        return run


def _after(connection: Connection, run: Run, began: datetime, pause: float) -> None:
    """Says when the connection is due again, and what its accounts need. `began`: before this slice looked at anything,
    so that whoever woke the connection since then is heard; `pause`: seconds until the next look."""
    if run.state == RunState.RUNNING:
        scheduling.wake(connection.pk)
        return
    now = datetime.now(UTC)
    if run.state == RunState.FAILED:
        pause = max(connection.interval, RETRY)
    woken_meanwhile = Q(due_at__gt=began, due_at__lte=now)
    Connection.objects.filter(~woken_meanwhile, pk=connection.pk).update(due_at=now + timedelta(seconds=pause))
    if run.state == RunState.AUTH:
        _mark_lost_accounts(connection)
    elif run.state == RunState.DONE:
        ids = (connection.folder_a.account_id, connection.folder_b.account_id)
        Account.objects.filter(id__in=ids).update(last_ok_at=now)


def _mark_lost_accounts(connection: Connection) -> None:
    """Asks each account itself which of the two lost its grant."""
    for account in {connection.folder_a.account, connection.folder_b.account}:
        try:
            host.connect(account).check()
        except AuthLost as error:
            Account.objects.filter(pk=account.pk).update(
                state=AccountState.NEEDS_AUTHORISATION, reason=str(error)[:500]
            )
        except Exception as error:  # noqa: BLE001 - whatever else is wrong will be told by the next run
            Account.objects.filter(pk=account.pk).update(reason=type(error).__name__)


def _refuse_to_run(connection: Connection) -> None:
    if connection.deleted_at is not None:
        raise Stopped(gettext("%(connection)s is deleted. Restore it to go on.") % {"connection": connection})
    if not connection.enabled:
        raise Stopped(gettext("%(connection)s is switched off.") % {"connection": connection})
    if connection.paused_reason:
        raise Stopped(
            gettext("%(connection)s is paused: %(reason)s. Resume it to go on.")
            % {"connection": connection, "reason": connection.paused_reason}
        )
    for account in (connection.folder_a.account, connection.folder_b.account):
        if account.state == AccountState.PAUSED:
            raise Stopped(
                gettext("The account %(account)s is paused: %(reason)s")
                % {"account": account, "reason": account.reason}
            )


# ---- the plan


def approve(
    run: Run,
    *,
    kinds: Collection[str] = (),
    change_ids: Collection[int] = (),
    among: QuerySet[Change] | None = None,
    by: User | None = None,
) -> int:
    """Marks lines of the plan as approved (all, or those named or `among` some) and wakes the connection. Returns how
    many."""
    if EMPTY in run.held:
        Run.objects.filter(pk=run.pk).update(held={**run.held, "accepted": True})
        audit.note(Deed.DECIDED, connection=run.connection, detail=f"run {run.pk}: a side may be empty")
        wake(run.connection_id)
        return 1
    lines = _lines(run, kinds, change_ids, among)
    count = lines.update(state=ChangeState.APPROVED, decided_by=by)
    if count:
        audit.note(Deed.DECIDED, connection=run.connection, detail=f"run {run.pk}: {count} lines approved", by=by)
    if run.kind != RunKind.UNDO:
        ids = Change.objects.filter(run=run, state=ChangeState.APPROVED).values("pair_id")
        Pair.objects.filter(id__in=ids).update(pending=True, next_at=0)
        wake(run.connection_id)
    return count


def reject(
    run: Run,
    *,
    kinds: Collection[str] = (),
    change_ids: Collection[int] = (),
    among: QuerySet[Change] | None = None,
    for_good: bool = False,
    by: User | None = None,
) -> int:
    """Rejected for now: not proposed again until a side changes; for good: until a person reverts it."""
    lines = _lines(run, kinds, change_ids, among)
    count = lines.update(state=ChangeState.REJECTED, for_good=for_good, decided_by=by)
    if count:
        how = "for good" if for_good else "for now"
        audit.note(Deed.DECIDED, connection=run.connection, detail=f"run {run.pk}: {count} lines rejected {how}", by=by)
    return count


def _lines(
    run: Run, kinds: Collection[str], change_ids: Collection[int], among: QuerySet[Change] | None
) -> QuerySet[Change]:
    lines = (Change.objects.all() if among is None else among).filter(run=run, state=ChangeState.PROPOSED)
    if kinds:
        lines = lines.filter(kind__in=kinds)
    if change_ids:
        lines = lines.filter(id__in=change_ids)
    return lines


def emptiness_accepted(connection: Connection) -> bool:
    """As long as the run that it was accepted for is not through: it may take several slices, or be interrupted."""
    through = (RunState.DONE, RunState.PLANNED, RunState.HELD)
    runs = Run.objects.filter(connection=connection, state__in=through).exclude(kind=RunKind.UNDO)
    last = runs.order_by("-id").first()
    return last is not None and bool(last.held.get(EMPTY) and last.held.get("accepted"))


# ---- stopping and starting


def why_not(connection: Connection) -> str:
    """Why a connection would not run now; empty if it would."""
    if not connection.enabled:
        return gettext("Connection %(connection)s is switched off. Switch it on first.") % {"connection": connection}
    if connection.paused_reason:
        return gettext("Connection %(connection)s is paused: %(reason)s. Resume it first.") % {
            "connection": connection,
            "reason": connection.paused_reason,
        }
    try:
        refuse_stopped(connection)
    except Stopped as reason:
        return str(reason)
    return ""


def pause(connection: Connection, reason: str, by: User | None = None) -> None:
    """Effective before the next batch is committed or sent."""
    text = f"{reason} ({by})" if by is not None else reason
    Connection.objects.filter(pk=connection.pk).update(paused_reason=text[:255] or "paused")
    audit.note(Deed.RAN, connection=connection, detail=f"paused: {reason}", by=by)
    halt([connection.pk])


def halt(ids: Sequence[int]) -> None:
    """Ends what is under way before it commits or sends its next batch; it goes on from there when it may run again."""
    revoke(f"connection:{pk}" for pk in ids)
    for some in chunked(ids, 500):
        Run.objects.filter(connection__in=some, state=RunState.RUNNING).update(message=HALTED)


def resume(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(paused_reason="")
    audit.note(Deed.RAN, connection=connection, detail="resumed")
    wake(connection.pk)


def retry(connection: Connection, pair_ids: Collection[int] | None = None) -> int:
    """Decides failed and resting pairs again now; returns how many."""
    pairs = Pair.objects.filter(connection=connection)
    if pair_ids is None:
        pairs = pairs.filter(Q(health=Health.FAILED) | ~Q(refused="{}"))
    else:
        pairs = pairs.filter(id__in=pair_ids)
    count = pairs.update(
        pending=True,
        next_at=0,
        blocked_a_until=0,
        blocked_b_until=0,
        refused="{}",
        rounds="[]",
        attempts_a=0,
        attempts_b=0,
    )
    wake(connection.pk)
    return count


def wake(connection_id: int) -> None:
    """Makes the connection due at once, when the transaction has committed."""
    transaction.on_commit(lambda: scheduling.wake(connection_id))
