"""A run: recover, observe, take in, guard, decide and apply; in slices that resume from the last commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Min, QuerySet

from connections.engine import configuration, guard, lines, setup
from connections.engine.apply import Sender
from connections.engine.followed import learn_origins
from connections.engine.gate import Gate, Mode, mode_of
from connections.engine.halts import Busy, refuse_stopped
from connections.engine.labels import Labels
from connections.engine.leases import Fence, claim, worker_name
from connections.engine.observe import Observer
from connections.engine.pages import Pages
from connections.engine.pairing import Partners, take_in
from connections.engine.recover import Recovery
from connections.engine.separating import separate
from connections.engine.undo import Undo
from connections.models import Change, ChangeState, Connection, Pair, Run, RunKind, RunState
from connections.models.changes import OPEN
from connectors.base import AuthLost, Clock, Connector, ConnectorError
from syncrules.mapping import MappingError
from syncrules.specs import Mode as MappingMode
from syncrules.specs import Side

PASSES = 4  # over what had to be read again or was refused in part
INTERRUPTED = "It was interrupted. What it had done by then stands in its changes."
RELATED = ("tenant", "folder_a__account", "folder_b__account")
OBSERVED = ("seq", "cursor", "listing", "listing_started_at", "listed_at", "fields", "observed_at")
AUDIT_AFTER = 7 * 86_400.0  # seconds between full listings, which find what deltas lost

Progress = Callable[[str, int, int], None]


def quiet(phase: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass
class Runner:
    """Runs one connection. `connectors` are keyed by side ("a", "b"); `fence` is what they call before they send."""

    connection: Connection
    connectors: Mapping[str, Connector]
    clock: Clock
    fence: Fence = field(default_factory=Fence)
    progress: Progress = quiet
    lease_seconds: float = 90.0
    overlooked: bool = field(default=False, init=False)  # another worker was observing a folder: look again soon

    def run(
        self,
        kind: str = RunKind.INCREMENTAL,
        preview: bool = False,
        budget: float | None = None,
        accept_empty: bool = False,
    ) -> Run:
        """One run, or one slice of it: with a `budget` in seconds the run may come back in state running.

        Raises Busy, FenceLost when another worker took the run over meanwhile, and lets programming errors through;
        what goes wrong with an app stands in the run."""
        with self._leased():
            self.budget = budget
            self.run_row = self._open_run(kind, preview)
            self._guarded(lambda: self._work(accept_empty))
            return self.run_row

    def undo(
        self,
        changes: Sequence[Change],
        preview: bool = False,
        approvals: Mapping[int, int] | None = None,
        creations: bool = False,
    ) -> Run:
        """Takes done changes back, in a run of its own. Raises Busy and FenceLost. `approvals` and `creations` as the
        engine's `Undo` has them."""
        with self._leased():
            self._interrupt(self._open_runs().filter(kind=RunKind.UNDO))
            self.run_row = self._new_run(RunKind.UNDO, preview)
            self._guarded(lambda: self._undo(changes, approvals or {}, creations))
            return self.run_row

    @contextmanager
    def _leased(self) -> Iterator[None]:
        self.owner = worker_name()
        lease = claim(f"connection:{self.connection.pk}", self.owner, self.clock, self.lease_seconds)
        if lease is None:
            raise Busy(f"{self.connection} is being run by another worker.")
        self.lease = self.fence.lease = lease
        try:
            self.connection = Connection.every.select_related(*RELATED).get(pk=self.connection.pk)
            refuse_stopped(self.connection)
            self.labels = Labels()
            yield
        finally:
            lease.release()
            self.fence.lease = None

    # ---- the run's row

    def _open_run(self, kind: str, preview: bool) -> Run:
        open_runs = self._open_runs().filter(preview=preview).exclude(kind=RunKind.UNDO)
        self._interrupt(self._open_runs().filter(kind=RunKind.UNDO))
        row = open_runs.order_by("-id").first()
        if row is None or (kind == RunKind.FULL and row.kind != kind):
            self._interrupt(open_runs)
            if kind == RunKind.INCREMENTAL and not self.connection.first_run_done:
                kind = RunKind.INITIAL
            return self._new_run(kind, preview)
        row.slices += 1
        row.message = ""
        row.save()
        return row

    def _open_runs(self) -> QuerySet[Run]:
        return Run.objects.filter(connection=self.connection, state=RunState.RUNNING)

    def _interrupt(self, runs: QuerySet[Run]) -> None:
        """Closes runs whose worker is gone, as the lease in our hands shows."""
        runs.update(state=RunState.FAILED, message=INTERRUPTED, ended_at=self._moment())

    def _new_run(self, kind: str, preview: bool) -> Run:
        tenant_id, connection = self.connection.tenant_id, self.connection
        return Run.objects.create(
            tenant_id=tenant_id, connection=connection, kind=kind, preview=preview, started_at=self._moment(), slices=1
        )

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def _guarded(self, work: Callable[[], bool]) -> None:
        try:
            finished = work()
        except AuthLost as error:
            self._close(RunState.AUTH, str(error))
        except (ConnectorError, MappingError) as error:
            self._close(RunState.FAILED, str(error))
        else:
            if not finished:
                self._save()

    def _close(self, state: RunState, message: str = "") -> None:
        self.run_row.state = state
        self.run_row.message = message
        self.run_row.ended_at = self._moment()
        self._save()

    def _save(self) -> None:
        """The row belongs to whoever resumed the run, if somebody did."""
        with transaction.atomic():
            self.lease.keep()
            self.run_row.save()

    def _drop_quiet_runs(self) -> None:
        """Of runs in a row that found nothing to do only the last is worth keeping."""
        quiet_runs = Run.objects.filter(
            connection=self.connection, kind=RunKind.INCREMENTAL, state=RunState.DONE, preview=False, counters={}
        )
        if not self.run_row.counters and self.run_row.kind == RunKind.INCREMENTAL:
            quiet_runs.filter(pk__lt=self.run_row.pk).delete()

    # ---- the steps

    def _work(self, accept_empty: bool) -> bool:
        """Returns whether the run is finished."""
        full = self.run_row.kind == RunKind.FULL
        changed = self.connection.worked_version != self.connection.config_version
        self.plant = setup.build(self.connection, self.connectors, refresh=full or changed)
        recovery = Recovery(self.plant, self.lease, self.clock)
        waiting = recovery.run()
        self.under_way = recovery.under_way
        for side in Side:
            self._observe(side, full and self.run_row.slices == 1)
        if not (full or changed):
            self._notice_lost_fields()
        self.labels.keep_up(self.plant, self.clock.now(), fresh=full or changed)
        take_in(self.plant, self.lease)
        learn_origins(self.plant, self.clock.now())
        separate(self.connection, self.lease)
        lines.learn(self.plant, self.lease)
        empty = "" if accept_empty else guard.suddenly_empty(self.connection)
        if empty:
            self.run_row.held = {"empty": empty}
            self._close(RunState.HELD, empty)
            return True
        return self._decide_and_apply(waiting)

    def _notice_lost_fields(self) -> None:
        """A custom field that was deleted looks as if everybody had cleared it: before that is believed, the app is
        asked which fields there are."""
        if lines.has_news(self.connection) and lines.catalogues_moved(self.plant):
            seen = self.plant
            self.plant = setup.build(self.connection, self.connectors)
            for side, part in self.plant.parts.items():
                part.intake = seen.parts[side].intake

    def _observe(self, side: Side, full: bool) -> None:
        """A folder that another worker is just observing is left to it; what it finds is taken in next time."""
        part = self.plant.parts[side]
        lease = claim(f"folder:{part.folder.pk}", self.owner, self.clock, self.lease_seconds)
        if lease is None:
            self.overlooked = True
            return
        try:
            part.folder.refresh_from_db(fields=OBSERVED)
            audit = part.folder.listed_at and self.clock.now() - part.folder.listed_at > AUDIT_AFTER
            heard = self._observed(side)
            observer = Observer(part.folder, part.connector, part.intake, lease, self.clock, part.fields, heard)
            observer.run(full=full or bool(audit))
            self.lease.renew()
        finally:
            lease.release()

    def _observed(self, side: Side) -> Callable[[int], None]:
        seen = 0

        def heard(count: int) -> None:
            nonlocal seen
            seen += count
            self.lease.renew()
            self.progress(f"reading {self.plant.setup.names[side]}", seen, 0)

        return heard

    def _decide_and_apply(self, waiting: int) -> bool:
        pending = Pair.objects.filter(connection=self.connection, pending=True)
        counters: Counter[str] = Counter(self.run_row.counters)
        self._open_senders(counters)
        gate = Gate(self.connection, mode_of(self.connection, self.run_row.preview))
        if not pending.exists():
            return self._finish(gate, counters, 0, waiting)
        self.run_row.total_items = max(self.run_row.total_items, self.run_row.done_items + pending.count())
        self._guard(gate, counters)
        configuration.weigh(self.connection, gate, self._pages, self.lease)
        self.began = self.clock.now()
        start, paired = self.run_row.position, 0
        for _ in range(PASSES):
            pages = self._pages(gate)
            done = self._pass(pages, start)
            paired += pages.paired
            if not done:
                counters["paired"] += paired
                self.run_row.counters = dict(counters)
                return False
            if not any(sender.again for sender in self.senders.values()):
                break
            for side, sender in self.senders.items():
                sender.again = False
                self._read_again(side, sender)
            self._guard(gate, counters)
            start = 0
        return self._finish(gate, counters, paired, waiting)

    def _guard(self, gate: Gate, counters: Counter[str]) -> None:
        """To be asked before each pass: what was read again may have brought more. What this run has written counts."""
        still = guard.still_held(self.connection) if gate.has_lines else {}
        if gate.mode is not Mode.FREE:
            self.run_row.held = still
            return
        done = guard.written(self.run_row) if counters or self.run_row.slices > 1 else Counter()
        clears = any(mapping.spec.mode is MappingMode.CLEAR for mapping in self.plant.setup.mappings)
        if still or guard.may_trip(self.connection, done, clears):
            gate.held = {**gate.held, **guard.verdict(self.connection, self._whole_plan(gate), done, still)}
        self.run_row.held = dict(gate.held)

    def _open_senders(self, counters: Counter[str]) -> None:
        self.senders = {
            side: Sender(self.plant, part, self.lease, self.clock, self.run_row.pk, self.labels, counters)
            for side, part in self.plant.parts.items()
        }

    def _undo(self, changes: Sequence[Change], approvals: Mapping[int, int], creations: bool) -> bool:
        """Returns True: an undo is one slice."""
        self.plant = setup.build(self.connection, self.connectors)
        Recovery(self.plant, self.lease, self.clock).run()
        counters: Counter[str] = Counter()
        self._open_senders(counters)
        undoing = Undo(self.plant, self.lease, self.clock, self.senders, self.run_row, approvals, creations)
        undoing.run(changes)
        self.run_row.left = undoing.left
        for part in self.plant.parts.values():
            part.folder.refresh_from_db()
        take_in(self.plant, self.lease)
        self.run_row.counters = dict(counters)
        self._close(RunState.PLANNED if self.run_row.preview else RunState.DONE, undoing.report())
        return True

    def _pages(self, gate: Gate) -> Pages:
        partners = Partners(self.plant, self._held_since())
        unsettled = Change.objects.filter(connection=self.connection, state__in=OPEN, pair__isnull=False)
        pairs = frozenset(unsettled.values_list("pair_id", flat=True))
        return Pages(self.plant, self.lease, self.clock, gate, partners, self.senders, self.run_row.pk, pairs)

    def _held_since(self) -> dict[Side, float]:
        held = {}
        for side, part in self.plant.parts.items():
            creates = Change.objects.filter(target_folder=part.folder, kind="create", state__in=OPEN)
            if (since := creates.aggregate(since=Min("sent_at"))["since"]) is not None:
                held[side] = float(since)
        return held

    def _whole_plan(self, gate: Gate) -> Any:
        pages, after = self._pages(Gate(self.connection, Mode.PLAN)), 0
        while works := pages.load(after):
            after = works[-1].id
            yield from pages.plan(works)
            self.lease.renew()

    def _pass(self, pages: Pages, after: int) -> bool:
        done = True
        while works := pages.load(after):
            after = works[-1].id
            pages.take(works)
            self.run_row.done_items += len(works)
            self.progress("syncing", self.run_row.done_items, self.run_row.total_items)
            Run.objects.filter(pk=self.run_row.pk).update(
                done_items=self.run_row.done_items, total_items=self.run_row.total_items
            )
            if self.budget is not None and self.clock.now() - self.began >= self.budget:
                self.run_row.position = max(self.run_row.position, after)
                done = False
                break
        for sender in self.senders.values():
            sender.flush()
        for sender in self.senders.values():
            sender.flush(deletes=True)
        return done

    def _read_again(self, side: Side, sender: Sender) -> None:
        part = self.plant.parts[side]
        if sender.to_read:
            ids, sender.to_read = sorted(sender.to_read), set()
            Observer(part.folder, part.connector, part.intake, self.lease, self.clock, part.fields).refresh(ids)
        take_in(self.plant, self.lease)

    def _finish(self, gate: Gate, counters: Counter[str], paired: int, waiting: int) -> bool:
        row, connection = self.run_row, self.connection
        waiting_lines = Change.objects.filter(run=row, state=ChangeState.PROPOSED)
        if row.done_items:
            take_in(self.plant, self.lease)
        with transaction.atomic():
            self.lease.renew()
            if gate.has_lines:
                old = Change.objects.filter(
                    connection=connection, state__in=(ChangeState.PROPOSED, ChangeState.APPROVED), undo_of=None
                )
                old.exclude(run=row).update(state=ChangeState.SUPERSEDED)
            if paired:
                counters["paired"] += paired
            if waiting:
                counters["waiting"] = waiting
            if gate.newly_mapped:
                names = ", ".join(f"“{name}”" for name in sorted(self.plant.setup.new))
                row.held["lines"] = f"what new lines of the mapping would change waits for approval: {names}"
            if gate.configured:
                row.held["configuration"] = "what the new configuration would change waits for approval"
            row.counters = dict(counters)
            row.total_items = row.done_items
            if gate.mode is Mode.PLAN:
                state = RunState.PLANNED
            elif gate.waiting or (row.slices > 1 and waiting_lines.exists()):
                state = RunState.HELD
            else:
                state = RunState.DONE
            if state is RunState.DONE:
                connection.first_run_done = True
                configuration.settled(connection)
            connection.last_ok_at = self._moment()
            Connection.every.filter(pk=connection.pk).update(
                first_run_done=connection.first_run_done, last_ok_at=connection.last_ok_at
            )
            if state is RunState.DONE:
                lines.compared(self.plant, self.lease)
            gone = [f"the label “{name}” of a rule does not exist any more" for name in sorted(self.labels.deleted)]
            late = self.under_way.union(*(sender.under_way for sender in self.senders.values()))
            self._close(state, "; ".join([*row.held.values(), *map(str, self.plant.problems), *gone, *sorted(late)]))
            self._drop_quiet_runs()
        return True
