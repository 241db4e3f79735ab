"""Takes the answers to one batch in: its items, the bases, the pairs and `done` are one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from connections.engine import store
from connections.engine.decide import Decided, known, value_digest
from connections.engine.items import Ours, dumps
from connections.engine.setup import Part, Plant
from connections.engine.work import ItemView, Job, PairWork, load_items, save_pairs
from connections.models import Change, ChangeState, Decision, Item, Pair, Verdict
from connectors.base import Departure, DepartureKind, Outcome, Record, Value, Values, WriteResult
from syncrules.mapping import CompiledMapping
from syncrules.merge import SideState, bases_after, bases_after_write
from syncrules.specs import Side

FIRST_RETRY = 60.0
LONGEST_RETRY = 6 * 3600.0
BASES = ("base_a", "base_b")


def column(side: Side, name: str) -> str:
    """The pair's column for writes into a side: ``attempts`` -> ``attempts_a``."""
    return f"blocked_{side}_until" if name == "blocked_until" else f"{name}_{side}"


def backoff(attempts: int) -> float:
    """Seconds until the next try, from one minute doubling to six hours."""
    return float(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 12)))


@dataclass
class Answers:
    """Takes the answers to one batch in. Lives inside one transaction; `to_read` are records that must be read again,
    `again` says that some pairs must be decided anew."""

    plant: Plant
    part: Part
    jobs: Sequence[Job]
    results: Sequence[WriteResult]
    asked_at: float
    now: float
    counters: Counter[str]
    to_read: set[str] = field(default_factory=set)
    again: bool = False

    def take(self) -> None:
        self.side = self.part.side
        self.rows: list[tuple[object, ...]] = []
        self.done: list[tuple[Job, Record]] = []
        pairs = list(zip(self.jobs, self.results, strict=True))
        handlers: Mapping[Outcome, Callable[[Job, WriteResult], None]] = {
            Outcome.DONE: self._done,
            Outcome.STALE: self._stale,
            Outcome.GONE: self._stale,
            Outcome.REFUSED: self._refused,
            Outcome.LATER: self._later,
            Outcome.ELSEWHERE: self._elsewhere,
            Outcome.UNKNOWN: self._unknown,
        }
        for job, result in pairs:
            handlers[result.outcome](job, result)
        self._absorb()
        works = {job.work.id: job.work for job in self.jobs}
        for work in works.values():
            if work.open == 0 and not work.failed:
                settle(work, self.plant)
                if self._meets_rules(work):
                    work.row["pending"] = self.again = True
            else:
                self._keep_what_is_done(work)
        save_pairs(list(works.values()))
        names = ("state", "after", "target_item", "done_at", "field", "reason", "source")
        store.update(Change, names, self.rows, key="marker")

    def _row(
        self, job: Job, state: ChangeState, result: WriteResult, after: str = "{}", item: int | None = None
    ) -> None:
        target = job.work.items[self.side]
        if item is None and job.planned.kind != "create" and target is not None:
            item = target.id
        finished = self.now if state is ChangeState.DONE else 0
        source = source_of(job) if state is ChangeState.UNKNOWN else "{}"
        row = (state.value, after, item, finished, result.field[:255], result.reason[:500], source, job.marker)
        self.rows.append(row)
        self.counters[f"{job.planned.kind}_{self.side}" if state is ChangeState.DONE else state.value] += 1

    def _done(self, job: Job, result: WriteResult) -> None:
        job.work.open -= 1
        if result.record is not None:
            self.done.append((job, result.record))
        else:
            self._row(job, ChangeState.DONE, result)

    def _absorb(self) -> None:
        conditional = self.part.connector.capabilities.conditional_updates
        ours = {}
        for job, record in self.done:
            target = job.work.items[self.side] if job.planned.kind != "create" else None
            old = target.values if target else {}
            ours[record.id] = Ours({key: old.get(key) for key in job.planned.patch} if target else {})
            if target and not conditional:
                keys = (set(old) | set(record.values)) - set(job.planned.patch)
                job.work.foreign |= {key for key in keys if old.get(key) != record.values.get(key)}
        if self.done:
            self._take_records(ours)
        gone = [job for job, result in zip(self.jobs, self.results, strict=True) if _deleted(job, result)]
        if gone:
            self._take_departures(gone)

    def _take_records(self, ours: Mapping[str, Ours]) -> None:
        part = self.part
        ids = part.intake.absorb([record for _, record in self.done], self.asked_at, self.now, ours)
        start, end = part.intake.span
        made = [(job.work, ids[record.id]) for job, record in self.done if job.planned.kind == "create"]
        note_origins(made, self.side)
        if part.folder.seq == start:  # nobody but us has changed the folder since we matched
            part.folder.seq = end
        fresh = load_items(ids.values())
        for job, record in self.done:
            item = fresh[ids[record.id]]
            job.work.items[self.side] = item
            job.work.row[f"item_{self.side}"] = item.id
            after = dumps(shown_after(job.planned.kind, job.planned.patch, record.values))
            self._row(job, ChangeState.DONE, WriteResult(Outcome.DONE), after, item.id)
        self._drop_half_pairs([item.id for item in fresh.values() if item.remote_id not in part.intake.added])

    def _meets_rules(self, work: PairWork) -> bool:
        """What was written may be what rules look at that act on the other side; who was made is on both sides now."""
        kinds = {job.planned.kind for job, _ in self.done if job.work is work and not job.undoes}
        sides = Side if "create" in kinds else (self.side,) if "update" in kinds else ()
        return any(rule.actions for side in sides for rule in self.plant.setup.rules.for_source(side))

    def _keep_what_is_done(self, work: PairWork) -> None:
        """Another write of the pair is not done: the bases move with what this one wrote, and no further."""
        bases = {side: orjson.loads(work.row[f"base_{side}"]) for side in Side}
        for job, record in self.done:
            if job.work is work and job.planned.kind == "update":
                for mapping in self.plant.setup.mappings:
                    if job.planned.patch.keys() & set(mapping.keys(self.side)):
                        source = work.values(self.side.other)
                        move_bases(bases, mapping, self.side, job.planned.before, record.values, source)
        work.row.update({f"base_{side}": dumps(bases[side]) for side in Side})

    def _take_departures(self, gone: Sequence[Job]) -> None:
        departures = [Departure(_view(job, self.side).remote_id, DepartureKind.DELETED) for job in gone]
        self.part.intake.depart(departures, self.asked_at, self.now, by_us=True)
        fresh = load_items(_view(job, self.side).id for job in gone)
        for job in gone:
            job.work.items[self.side] = fresh[_view(job, self.side).id]

    def _drop_half_pairs(self, item_ids: Sequence[int]) -> None:
        """A record that we created may have been seen, and given a half pair, before its answer came."""
        if not item_ids or all(job.planned.kind != "create" for job in self.jobs):
            return
        mine = [job.work.id for job in self.jobs]
        name = f"item_{self.side}_id__among"
        rows = Pair.objects.filter(connection=self.plant.connection, **{name: item_ids})
        rows.exclude(id__among=mine).delete()

    def _stale(self, job: Job, result: WriteResult) -> None:
        self._row(job, ChangeState.STALE, result)
        self._fail(job, 0)
        target = job.work.items[self.side]
        if target is not None:
            self.to_read.add(target.remote_id)
        self.again = True

    def _later(self, job: Job, result: WriteResult) -> None:
        self._row(job, ChangeState.SUPERSEDED, result)
        self._fail(job, self.now + result.after)
        job.work.row.update(health="waiting", reason=result.reason or "the app asked us to wait")

    def _elsewhere(self, job: Job, result: WriteResult) -> None:
        """The contact stays out until something about it changes."""
        self._row(job, ChangeState.REFUSED, result)
        self._fail(job, 0)
        row = job.work.row
        for side, item in job.work.items.items():
            if item is not None:
                row[f"settled_{side}"] = item.seq
        row.update(pending=False, health="excluded", reason=result.reason[:500])

    def _unknown(self, job: Job, result: WriteResult) -> None:
        self._row(job, ChangeState.UNKNOWN, result)
        self._fail(job, self.now)
        reason = result.reason or "sent, but no answer came; it is looked up before anything else"
        job.work.row.update(health="waiting", reason=reason[:500])

    def _refused(self, job: Job, result: WriteResult) -> None:
        self._row(job, ChangeState.REFUSED, result)
        row = job.work.row
        if result.existing and self._pair_with_existing(job, result.existing):
            self._fail(job, 0)
            self.again = True
            return
        if result.field in job.planned.patch and job.planned.patch[result.field] is not None:
            refused = orjson.loads(row["refused"])
            refused.setdefault(self.side.value, {})[result.field] = value_digest(job.planned.patch[result.field])
            row["refused"] = dumps(refused)
            self._fail(job, 0)
            row.update(health="waiting", reason=f"{result.field}: {result.reason}"[:500])
            self.again = True
            return
        attempts = row[column(self.side, "attempts")] + 1
        until = self.now + backoff(attempts)
        row[column(self.side, "attempts")] = attempts
        row[column(self.side, "blocked_until")] = until
        row[column(self.side, "cause")] = result.reason[:500]
        self._fail(job, until)
        row.update(health="failed", reason=result.reason[:500])

    def _pair_with_existing(self, job: Job, remote_id: str) -> bool:
        """The app says that the person is there already: a match found late."""
        item = Item.objects.filter(folder=self.part.folder, remote_id=remote_id, departed="").first()
        source = job.work.items[self.side.other]
        if item is None or source is None:
            self.to_read.add(remote_id)
            return False
        a, b = (item.pk, source.id) if self.side is Side.A else (source.id, item.pk)
        Decision.objects.update_or_create(
            connection=self.plant.connection, item_a_id=a, item_b_id=b, defaults={"verdict": Verdict.SAME}
        )
        return True

    @staticmethod
    def _fail(job: Job, next_at: float) -> None:
        """Not done, so not a round of two sides that reset each other."""
        row = job.work.row
        rounds = orjson.loads(row["rounds"])
        if rounds and rounds[-1][1] == job.planned.mark:
            rounds.pop()
        job.work.open -= 1
        job.work.failed = True
        row.update(pending=True, next_at=next_at, rounds=dumps(rounds))


def move_bases(
    bases: Mapping[Side, dict[str, Value]],
    mapping: CompiledMapping,
    target: Side,
    before: Values,
    after: Values,
    source: Values,
) -> None:
    """Moves both bases of one mapping as far as the write to `target` goes."""
    theirs = SideState(source, bases[target.other])
    mine, others = bases_after_write(mapping, target, before, after, theirs, bases[target])
    bases[target].update(mine)
    bases[target.other].update(others)


def shown_after(kind: str, patch: Values, shown: Values) -> Values:
    """What the history keeps of an answer: of an update the fields that were written, of a create all."""
    return shown if kind == "create" else {key: shown.get(key) for key in patch}


def source_of(job: Job) -> str:
    """What the other side showed when the write was decided, kept until its answer is there."""
    return dumps(job.work.values(job.planned.side.other)) if job.planned.kind != "delete" else "{}"


def settle(work: PairWork, plant: Plant) -> None:
    """Everything that was decided is so on both sides: the bases move, and the pair rests until something changes."""
    decided = known(work.decided)
    row = work.row
    _outcome(row, decided)
    a, b = work.items[Side.A], work.items[Side.B]
    if decided.forget_bases:
        row.update(base_a="{}", base_b="{}")
    elif decided.settles and a is not None and b is not None:
        keep = frozenset(work.foreign)
        for name, new in zip(BASES, bases_after(plant.setup.mappings, a.values, b.values, decided.held), strict=True):
            row[name] = dumps(settled_base(orjson.loads(row[name]), new, keep))
    row["settled_a"] = a.seq if a is not None else row["settled_a"]
    row["settled_b"] = b.seq if b is not None else row["settled_b"]
    row.update(pending=bool(work.foreign), next_at=0, title=work.title)
    row.update(attempts_a=0, attempts_b=0, cause_a="", cause_b="", blocked_a_until=0, blocked_b_until=0)


def _outcome(row: dict[str, object], decided: Decided) -> None:
    row.update(
        health=decided.health,
        reason=decided.reason[:500],
        conflicts=dumps(list(decided.held)),
        warnings=warnings_text(decided),
        brought_by=dumps(list(decided.brought_by)),
    )


def warnings_text(decided: Decided) -> str:
    return dumps([[one.mapping, one.field, str(one.side), one.reason] for one in decided.warnings])


def _deleted(job: Job, result: WriteResult) -> bool:
    return job.planned.kind == "delete" and result.outcome is Outcome.DONE


def _view(job: Job, side: Side) -> ItemView:
    return known(job.work.items[side])


def note_origins(made: Sequence[tuple[PairWork, int]], target: Side) -> None:
    """`made`: pairs whose record was just created in `target`, and its item. One that was there before and is brought
    back begins anew."""
    sources = {
        item: source.id for work, item in made if not work.items[target] and (source := work.items[target.other])
    }
    above = dict(store.select(Item, ("id", "origin"), "id", set(sources.values())))
    store.update(Item, ("origin",), [(above[source] or source, item) for item, source in sources.items()])


def settled_base(old: Values, new: Values, keep: frozenset[str]) -> Values:
    """A side's base after the writes: what it shows now, except the fields in `keep` (foreign edits in our answer),
    which keep the base they had, if any, and those that `new` leaves out, such as held mappings."""
    if not old and not keep:
        return new
    base = {key: value for key, value in new.items() if key not in keep}
    base.update({key: value for key, value in old.items() if key in keep or key not in new})
    return base
