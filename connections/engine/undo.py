"""Takes done changes back: inverse writes of the same fields, each only while it still shows what we wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from django.db import transaction

from connections.engine import store
from connections.engine.apply import CHANGE_COLUMNS, Sender
from connections.engine.decide import Decided, Planned
from connections.engine.leases import Lease
from connections.engine.observe import Observer
from connections.engine.setup import Plant
from connections.engine.work import ItemView, Job, PairWork, load_pairs
from connections.models import Change, ChangeState, Pair, Run
from connectors.base import Clock, Value, Values
from syncrules.specs import Side

WHY = "taken back"


@dataclass
class Inverse:
    """What takes the changes of one record back, newest first."""

    work: PairWork
    side: Side
    kind: str
    patch: dict[str, Value] = field(default_factory=dict)
    add_labels: set[str] = field(default_factory=set)
    remove_labels: set[str] = field(default_factory=set)
    undo_of: int | None = None


@dataclass
class Undo:
    plant: Plant
    lease: Lease
    clock: Clock
    senders: Mapping[Side, Sender]
    run_row: Run
    changed_since: list[str] = field(default_factory=list)

    def run(self, changes: Sequence[Change]) -> None:
        """Takes the changes back, or proposes to where the run is a preview."""
        done = [change for change in changes if change.state == ChangeState.DONE and change.kind != "pair"]
        done.sort(key=lambda change: -change.pk)
        self._look(done)
        works = self._works(done)
        inverses: dict[tuple[int, Side], Inverse] = {}
        for change in done:
            work = works.get(change.pair_id or 0)
            if work is not None:
                self._invert(change, work, inverses)
        jobs = [self._job(inverse) for inverse in inverses.values() if self._has_effect(inverse)]
        if self.run_row.preview:
            self._propose(jobs)
            return
        self._send(jobs)

    def report(self) -> str:
        if not self.changed_since:
            return ""
        names = ", ".join(sorted(set(self.changed_since))[:5])
        return f"{len(self.changed_since)} left as they are, because they changed since: {names}"

    def _look(self, changes: Sequence[Change]) -> None:
        """The present truth of every record concerned, read by id."""
        for side in Side:
            part = self.plant.parts[side]
            targets = {change.target_item_id for change in changes if change.side == side and change.target_item_id}
            ids = list(part.folder.items.filter(id__among=targets).values_list("remote_id", flat=True))
            if ids:
                Observer(part.folder, part.connector, part.intake, self.lease, self.clock, part.fields).refresh(ids)

    def _works(self, changes: Sequence[Change]) -> dict[int, PairWork]:
        ids = {change.pair_id for change in changes if change.pair_id}
        return {work.id: work for work in load_pairs(Pair.objects.filter(id__among=ids))}

    # ---- the inverse of each change

    def _invert(self, change: Change, work: PairWork, inverses: dict[tuple[int, Side], Inverse]) -> None:
        side = Side(change.side)
        item = work.items[side]
        known = inverses.get((work.id, side))
        if item is None or (item.departed and change.kind != "delete"):
            self.changed_since.append(change.title)
            return
        if change.kind == "delete":
            if item.departed:
                inverses[work.id, side] = self._recreation(change, work, side)
            return
        if known is not None and known.kind == "create":
            return
        if change.kind == "create":
            if self._still_ours(change, item, known):
                inverses[work.id, side] = Inverse(work, side, "delete", undo_of=change.pk)
            else:
                self.changed_since.append(change.title)
            return
        self._invert_update(change, work, side, item, inverses)

    def _recreation(self, change: Change, work: PairWork, side: Side) -> Inverse:
        before = orjson.loads(change.before)
        catalogue = self.plant.parts[side].catalogue.by_key
        patch = {
            key: value
            for key, value in before.items()
            if value is not None and key in catalogue and not catalogue[key].read_only
        }
        labels = set(change.why.get("labels", ()))
        return Inverse(work, side, "create", patch, labels, undo_of=change.pk)

    def _still_ours(self, change: Change, item: ItemView, known: Inverse | None) -> bool:
        """A created record shows what it showed then, as it is or once the later changes of the same undo are taken
        back; what a person added to it would be lost with it."""
        shown = {**item.values, **(known.patch if known else {})}
        after = orjson.loads(change.after)
        catalogue = self.plant.parts[Side(change.side)].catalogue.by_key
        concerned = {key for key in {*shown, *after} if key in catalogue and not catalogue[key].read_only}
        return all(shown.get(key) == after.get(key) for key in concerned)

    def _invert_update(
        self, change: Change, work: PairWork, side: Side, item: ItemView, inverses: dict[tuple[int, Side], Inverse]
    ) -> None:
        inverse = inverses.setdefault((work.id, side), Inverse(work, side, "update", undo_of=change.pk))
        before, after = orjson.loads(change.before), orjson.loads(change.after)
        for key, value in after.items():
            shown = inverse.patch[key] if key in inverse.patch else item.values.get(key)
            if shown == value:
                inverse.patch[key] = before.get(key)
            elif change.title not in self.changed_since:
                self.changed_since.append(change.title)
        inverse.remove_labels |= set(orjson.loads(change.add_labels))
        inverse.add_labels |= set(orjson.loads(change.remove_labels))

    def _has_effect(self, inverse: Inverse) -> bool:
        item = inverse.work.items[inverse.side]
        if inverse.kind != "update" or item is None:
            return True
        inverse.patch = {key: value for key, value in inverse.patch.items() if item.values.get(key) != value}
        return bool(inverse.patch or inverse.add_labels or inverse.remove_labels)

    # ---- sending

    def _job(self, inverse: Inverse) -> Job:
        planned = Planned(
            inverse.kind,
            inverse.side,
            inverse.patch,
            self._shown(inverse),
            frozenset(inverse.add_labels - inverse.remove_labels),
            frozenset(inverse.remove_labels - inverse.add_labels),
            (WHY,),
        )
        return Job(inverse.work, planned, undo_of=inverse.undo_of)

    @staticmethod
    def _shown(inverse: Inverse) -> Values:
        if inverse.kind == "create":
            return {}
        values = inverse.work.values(inverse.side)
        return values if inverse.kind == "delete" else {key: values.get(key) for key in inverse.patch}

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


def original_changes(run: Run) -> list[Change]:
    return list(Change.objects.filter(run=run, state=ChangeState.DONE).order_by("-id"))
