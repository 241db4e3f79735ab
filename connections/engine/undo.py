"""Takes done changes back: inverse writes of the same fields, each only while it still shows what we wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import transaction

from connections.engine import store
from connections.engine.apply import CHANGE_COLUMNS, Sender
from connections.engine.decide import Decided
from connections.engine.leases import Lease
from connections.engine.observe import Observer
from connections.engine.planned import Planned
from connections.engine.rewind import Past, rewind
from connections.engine.setup import Plant
from connections.engine.work import Job, PairWork, load_pairs
from connections.models import Change, ChangeState, Pair, Run
from connectors.base import Clock
from syncrules.specs import Side

WHY = "taken back"


@dataclass
class Undo:
    """`approvals`: change -> who approved that it is taken back. `creations`: only creations are taken back, each with
    all that was written to it later, or not at all."""

    plant: Plant
    lease: Lease
    clock: Clock
    senders: Mapping[Side, Sender]
    run_row: Run
    approvals: Mapping[int, int] = field(default_factory=dict)
    creations: bool = False
    forgotten: int = 0
    left: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def run(self, changes: Sequence[Change]) -> None:
        """Takes the changes back, or proposes to where the run is a preview."""
        done = [change for change in changes if change.state == ChangeState.DONE and change.kind != "pair"]
        done.sort(key=lambda change: -change.pk)
        self._look(done)
        catalogues = {side: part.catalogue for side, part in self.plant.parts.items()}
        pasts, self.forgotten = rewind(done, self._works(done), catalogues)
        self.left = [
            {"change": change, "fields": fields} for past in pasts for change, fields in sorted(past.left.items())
        ]
        jobs = [self._job(past) for past in pasts if self._has_effect(past)]
        self.count = len(jobs)
        if self.run_row.preview:
            self._propose(jobs)
            return
        self._send(jobs)

    def report(self) -> str:
        counters = self._failed()
        parts = [
            f"{len(self.left)} left as they are, because they changed since" if self.left else "",
            f"{self.forgotten} are not known any more" if self.forgotten else "",
            f"{counters} could not be written, undo again to try once more" if counters else "",
            "" if self.count or self.left or self.forgotten else "nothing is left to take back",
        ]
        text = "; ".join(part for part in parts if part)
        return text[:1].upper() + text[1:]

    def _failed(self) -> int:
        counters = next(iter(self.senders.values())).counters
        return sum(counters.get(state, 0) for state in ("stale", "refused", "unknown", "superseded"))

    def _look(self, changes: Sequence[Change]) -> None:
        """The present truth of every record concerned, read by id."""
        for side in Side:
            part = self.plant.parts[side]
            targets = {change.target_item_id for change in changes if change.side == side and change.target_item_id}
            ids = list(part.folder.items.filter(id__among=targets).values_list("remote_id", flat=True))
            if ids:
                Observer(part.folder, part.connector, part.intake, self.lease, self.clock, part.fields).refresh(ids)

    @staticmethod
    def _works(changes: Sequence[Change]) -> dict[int, PairWork]:
        ids = {change.pair_id for change in changes if change.pair_id}
        return {work.id: work for work in load_pairs(Pair.objects.filter(id__among=ids))}

    # ---- sending

    def _has_effect(self, past: Past) -> bool:
        if self.creations and past.kind != "delete":
            return False
        return bool(past.kind) and (past.kind != "update" or bool(past.patch or any(self._labels(past))))

    def _labels(self, past: Past) -> tuple[frozenset[str], frozenset[str]]:
        """To be added and to be removed; rules may hold names instead of ids."""
        item = past.work.items[past.side]
        there = set(item.labels) if item is not None and past.now is not None else set()
        names = self.plant.setup.targets[past.side].label_names
        there |= {names[label] for label in there if label in names}
        wanted = {label for label, has in past.labels.items() if has}
        return frozenset(wanted - there), frozenset((set(past.labels) - wanted) & there)

    def _job(self, past: Past) -> Job:
        patch = past.patch
        if past.kind == "create":
            patch = {key: value for key, value in patch.items() if value is not None}
        add, remove = self._labels(past) if past.kind != "delete" else (frozenset[str](), frozenset[str]())
        before = dict(past.now or {}) if past.kind == "delete" else {key: (past.now or {}).get(key) for key in patch}
        planned = Planned(past.kind, past.side, patch, before if past.now is not None else {}, add, remove, (WHY,))
        newest = max(past.undoes)
        return Job(past.work, planned, undoes=tuple(past.undoes), decided_by=self.approvals.get(newest))

    def _propose(self, jobs: Sequence[Job]) -> None:
        now = self.clock.now()
        rows = [self.senders[job.planned.side].change_row(job, ChangeState.PROPOSED, now) for job in jobs]
        with transaction.atomic():
            self.lease.renew()
            store.insert(Change, CHANGE_COLUMNS, rows)

    def _send(self, jobs: Sequence[Job]) -> None:
        written: dict[int, set[str]] = {}
        for job in jobs:
            written.setdefault(job.work.id, set()).update(job.planned.patch)
            job.work.open += 1
        for job in jobs:
            deleted = job.planned.kind == "delete"
            other = job.work.items[job.planned.side.other]
            alone = deleted or (other is not None and bool(other.departed))
            reason = f"created there and {WHY}" if deleted else f"{WHY} by an undo"
            job.work.decided = Decided("deleted" if alone else "in_sync", reason)
            job.work.row["undone"] = True
            job.work.foreign = self._unconcerned(job.work, written[job.work.id]) if not deleted else set()
        for sender in self.senders.values():
            for job in jobs:
                if job.planned.side is sender.part.side:
                    sender.add(job)
            sender.flush(deletes=True)

    def _unconcerned(self, work: PairWork, written: set[str]) -> set[str]:
        """Fields whose base stays as it was: their mappings have nothing to do with what is taken back."""
        kept: set[str] = set()
        for mapping in self.plant.setup.mappings:
            keys = {*mapping.a_keys, *mapping.b_keys}
            if not keys & written:
                kept |= keys
        bases = {*orjson.loads(work.row["base_a"]), *orjson.loads(work.row["base_b"])}
        return kept & bases
