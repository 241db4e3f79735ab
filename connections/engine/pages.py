"""Decides pending pairs page by page: matched, decided, settled where nothing is to be written, else handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q

from connections.engine import store, undecided
from connections.engine.answers import column, settle, warnings_text
from connections.engine.apply import CHANGE_COLUMNS, Sender
from connections.engine.decide import Decided, decide, known
from connections.engine.followed import GONE, MERGED, MOVED
from connections.engine.gate import Gate, Leave
from connections.engine.items import dumps
from connections.engine.leases import Lease
from connections.engine.match import Found, Match
from connections.engine.pairing import Partners, explain_match, is_survivor, open_side
from connections.engine.planned import Planned
from connections.engine.setup import Plant
from connections.engine.work import Job, PairWork, load_pairs, save_pairs
from connections.models import Change, ChangeState, Health, Item, Pair
from connectors.base import Clock
from syncrules.specs import Side

PAGE = 200
ROUNDS = 3  # so often may the same write be repeated before the sides are called oscillating
ROUNDS_KEPT = 12
Base = tuple[Side, str, bool, Any]  # side, field, whether both sides ever agreed about it, and what it showed then

APART = "it was rejected to pair it with its counterpart: a person must decide"
TAKEN = "its counterpart is already paired with another contact: a person must decide"


@dataclass
class Pages:
    """One pass over the pending pairs of a connection."""

    plant: Plant
    lease: Lease
    clock: Clock
    gate: Gate
    partners: Partners
    senders: dict[Side, Sender]
    run_id: int | None
    unsettled: frozenset[int] = frozenset()  # pairs with a write that was sent and has no answer
    paired: int = 0
    proposals: list[tuple[Any, ...]] = field(default_factory=list)
    kept_lines: list[int] = field(default_factory=list)
    history: list[tuple[Any, ...]] = field(default_factory=list)
    proposed: set[int] = field(default_factory=set)
    rejected: dict[int, list[Base]] = field(default_factory=dict)  # line -> bases that its rejection leaves behind
    inherited: list[tuple[int, int]] = field(default_factory=list)  # pairs whose history goes on in another
    left: list[int] = field(default_factory=list)  # pairs of other connections whose record moved here

    def load(self, after: int) -> list[PairWork]:
        pending = Pair.objects.filter(
            connection=self.plant.connection, pending=True, next_at__lte=self.clock.now(), id__gt=after
        )
        return load_pairs(pending.order_by("id")[:PAGE])

    def take(self, works: Sequence[PairWork]) -> None:
        """Decides one page, commits what is settled, and hands the writes to the senders."""
        self.proposals, self.kept_lines, self.history, self.proposed, self.rejected = [], [], [], set(), {}
        jobs: list[Job] = []
        saved: list[PairWork] = []
        absorbed: list[int] = []
        for work, decided in self._decide(works):
            work.decided = decided
            mine = self._jobs(work, decided)
            if work.absorbs is not None and work.adopted:
                absorbed.append(work.absorbs)
            jobs += mine
            if mine:
                work.open = len(mine)
                if self._waits(work):
                    work.failed = True
                    work.row.update(health="waiting", reason="waits for approval")
                if work.adopted:
                    work.row.update(pending=True, title=work.title)
                    saved.append(work)
            elif not work.failed:
                if self._waits(work):
                    work.row.update(health="waiting", reason="waits for approval", pending=True)
                    work.row["warnings"] = warnings_text(decided)
                else:
                    settle(work, self.plant)
                saved.append(work)
            else:
                saved.append(work)
        with transaction.atomic():
            self.lease.renew()
            for before, after in self.inherited:
                Change.objects.filter(pair_id=before).update(pair_id=after)
            Pair.objects.filter(id__among=absorbed + self.left).delete()
            self.left, self.inherited = [], []
            save_pairs(saved)
            self._reconsider_around(saved)
            store.insert(Change, CHANGE_COLUMNS, self.proposals + self.history)
            store.update(Change, ("source",), [(dumps(bases), line) for line, bases in self.rejected.items()])
            if self.kept_lines:
                Change.objects.filter(id__among=self.kept_lines).update(run_id=self.run_id)
        for job in jobs:
            self.senders[job.planned.side].add(job)

    def _reconsider_around(self, works: Sequence[PairWork]) -> None:
        paired = [view.id for work in works if work.adopted for view in work.items.values() if view is not None]
        undecided.reconsider_around(self.plant.connection, paired)

    def plan(self, works: Sequence[PairWork]) -> list[Planned]:
        """What would be written, without writing anything anywhere."""
        self.proposals, self.kept_lines, self.history = [], [], []
        return [write for _, decided in self._decide(works) for write in decided.writes]

    def caused_by_configuration(self, works: Sequence[PairWork]) -> int:
        """How much would be written, and is neither approved nor rejected, though no side of its pair changed."""
        self.proposals, self.kept_lines, self.history = [], [], []
        return sum(
            self.gate.is_undecided(work.id, write)
            for work, decided in self._decide(works)
            for write in decided.writes
            if write.kind != "pair" and (write.new or not work.has_news)
        )

    # ---- deciding

    def _decide(self, works: Sequence[PairWork]) -> list[tuple[PairWork, Decided]]:
        halves = [work for work in works if not self._held(work)]
        matches = self.partners.find(halves)
        partners = self._load_partners(halves, matches)
        self.gate.load([work.id for work in (*works, *partners.values())])
        titles = self._titles(matches)
        decided = []
        swallowed: set[int] = set()
        written: set[int] = set()
        for work in halves:
            if work.id in swallowed:
                continue
            found = matches.get(work.id)
            if open_side(work) is not None:
                if found is None:
                    continue
                if found.found is Found.PARTNER:
                    other = partners.get(found.others[0])
                    if other is None:
                        decided.append((work, Decided(Health.REVIEW, TAKEN, settles=False)))
                        continue
                    if other.id in written or (other.id < works[0].id and self._is_due(other)):
                        continue
                    swallowed.add(other.id)
                    if self._are_kept_apart(work, other):
                        decided += [(each, self._apart(each)) for each in (work, other)]
                        continue
                    self._adopt(work, other, found)
            decided.append((work, verdict := self._verdict(work, found, titles)))
            if verdict.writes:
                written.add(work.id)
        return [(work, self._permitted(work, verdict)) for work, verdict in decided]

    def _permitted(self, work: PairWork, decided: Decided) -> Decided:
        """Without the fields and labels that a person rejected for good. The bases that a rejection leaves behind are
        kept with it: taken back, it is as if the pair had not been settled since."""
        if not self.gate.has_lines or not decided.writes:
            return decided
        for planned in decided.writes:
            for line in self.gate.rejections(work.id, planned) if planned.kind == "update" else ():
                if not line.kept:
                    self.rejected.setdefault(line.id, []).extend(self._bases_under(work, planned))
        writes = (self.gate.allowed(work.id, planned) for planned in decided.writes)
        return replace(decided, writes=tuple(planned for planned in writes if planned is not None))

    def _bases_under(self, work: PairWork, planned: Planned) -> list[Base]:
        """Of all fields of the mappings by which an update was decided."""
        touching = [each for each in self.plant.setup.mappings if planned.patch.keys() & set(each.keys(planned.side))]
        bases = {side: orjson.loads(work.row[f"base_{side}"]) for side in Side}
        places = {(side, key): None for mapping in touching for side in Side for key in mapping.keys(side)}
        return [(side, key, key in bases[side], bases[side].get(key)) for side, key in places]

    def _is_due(self, work: PairWork) -> bool:
        """A half pair of an earlier page that is due takes its partner in itself, so that a plan names both once."""
        return bool(work.row["pending"]) and work.row["next_at"] <= self.clock.now()

    def _held(self, work: PairWork) -> bool:
        """A write of the pair has no answer yet; or one of our own creates in its folder, and this may be it."""
        if work.id in self.unsettled:
            return True
        side = open_side(work)
        return side is not None and self.partners.held(work, side)

    def _verdict(self, work: PairWork, found: Match | None, titles: dict[int, str]) -> Decided:
        decided = decide(work.state(), self.plant.setup)
        if found is None or found.found in (Found.PARTNER, Found.NOBODY):
            return decided
        if is_survivor(work) and found.key != MERGED:
            return decided
        if decided.health == Health.EXCLUDED and found.key != MERGED:
            return decided
        if found.found is Found.NO_KEY and not self.plant.connection.avoid_duplicates:
            return decided
        return Decided(*explain_match(found, titles), settles=False)

    def _titles(self, matches: dict[int, Match]) -> dict[int, str]:
        named = (Found.REVIEW, Found.DUPLICATE)
        ids = {other for found in matches.values() if found.found in named for other in found.others}
        return dict(Item.objects.filter(id__among=ids).values_list("id", "title")) if ids else {}

    def _load_partners(self, works: Sequence[PairWork], matches: dict[int, Match]) -> dict[int, PairWork]:
        """The half pairs of the partners that were found, by item id."""
        found = {}
        for side in Side:
            wanted = [
                match.others[0]
                for work in works
                if (match := matches.get(work.id)) is not None
                and match.found is Found.PARTNER
                and open_side(work) is side
            ]
            if wanted:
                name = f"item_{side.other}_id"
                rows = Pair.objects.filter(connection=self.plant.connection, **{f"{name}__among": wanted})
                alone = Q(**{f"item_{side}__isnull": True}) | Q(**{f"item_{side}__departed__in": GONE})
                for work in load_pairs(rows.filter(alone)):
                    found[work.row[f"item_{side.other}"]] = work
        return found

    def _are_kept_apart(self, work: PairWork, other: PairWork) -> bool:
        """A person rejected that these two become one, whichever of them it was proposed for."""
        side = known(open_side(work))
        here, there = known(work.items[side]), known(other.items[side.other])
        rejected = (
            (work.id, Planned("pair", side.other, partner=there.id)),
            (other.id, Planned("pair", side, partner=here.id)),
        )
        return any(self.gate.rejects(pair_id, pairing) for pair_id, pairing in rejected)

    def _apart(self, work: PairWork) -> Decided:
        if is_survivor(work):
            return decide(work.state(), self.plant.setup)
        return Decided(Health.REVIEW, APART, settles=False)

    def _adopt(self, work: PairWork, other: PairWork, found: Match) -> None:
        """Two half pairs become one, if the gate lets them; else as if, for the plan."""
        side = known(open_side(work))
        work.anew = is_survivor(work)
        work.items[side.other] = other.items[side.other]
        work.absorbs = other.id
        pairing = Planned("pair", side.other, why=(found.key,), partner=found.others[0])
        leave, line = self.gate.judge(work.id, pairing)
        work.adopted = leave is Leave.SEND
        if work.adopted:
            if work.anew:
                work.row.update(base_a="{}", base_b="{}", undone=False)
            work.row[f"item_{side.other}"] = other.row[f"item_{side.other}"]
            if is_survivor(other):
                self.inherited.append((other.id, work.id))
                work.row["health"] = other.row["health"]
            self._bring_along(work, found.key)
            self.paired += 1
            self.history.append(self._pair_row(work, pairing, ChangeState.DONE))
            if line is not None:
                Change.objects.filter(id=line).update(state=ChangeState.SUPERSEDED)
        else:
            self._propose(work, pairing, line)

    def _bring_along(self, work: PairWork, key: str) -> None:
        """A record that moved here from another folder keeps what its sides last agreed on."""
        if not key.startswith(MOVED):
            return
        left = Pair.objects.filter(pk=int(key.removeprefix(MOVED))).first()
        if left is not None:
            self.left.append(left.pk)
            work.row.update(base_a=left.base_a, base_b=left.base_b, brought_by=left.brought_by)

    def _waits(self, work: PairWork) -> bool:
        return (work.absorbs is not None and not work.adopted) or work.id in self.proposed

    # ---- from decisions to jobs

    def _jobs(self, work: PairWork, decided: Decided) -> list[Job]:
        jobs: list[Job] = []
        news = work.has_news
        for planned in decided.writes:
            leave, line = self.gate.judge(work.id, planned, news)
            if leave is Leave.SKIP:
                work.decided = _without(known(work.decided), planned, work)
                continue
            if leave is Leave.PROPOSE or (work.absorbs is not None and not work.adopted):
                self._propose(work, planned, line)
                self.proposed.add(work.id)
                continue
            if planned.new and any(job.planned.side is planned.side for job in jobs):
                self._after_the_rest(work, planned)
                continue
            if self._is_blocked(work, planned) or self._oscillates(work, planned):
                continue
            jobs.append(Job(work, planned, change_id=line))
        return jobs

    def _after_the_rest(self, work: PairWork, planned: Planned) -> None:
        """A record takes one write at a time: this one is decided again once the other one is done."""
        work.failed = True
        work.row.update(pending=True, next_at=0)
        self.senders[planned.side].again = True

    def _is_blocked(self, work: PairWork, planned: Planned) -> bool:
        until = work.row[column(planned.side, "blocked_until")]
        if until <= self.clock.now():
            return False
        work.failed = True
        reason = work.row[column(planned.side, "cause")]
        work.row.update(pending=True, next_at=until, health="failed", reason=reason)
        return True

    def _oscillates(self, work: PairWork, planned: Planned) -> bool:
        """Notes the write; the same one for the fourth time in a short while is not sent."""
        now = self.clock.now()
        window = max(600.0, 6.0 * self.plant.connection.interval)
        mark = planned.mark
        rounds = [entry for entry in orjson.loads(work.row["rounds"]) if entry[0] > now - window]
        if sum(entry[1] == mark for entry in rounds) >= ROUNDS:
            work.failed = True
            a, b = work.items[Side.A], work.items[Side.B]
            work.row.update(settled_a=a.seq if a else 0, settled_b=b.seq if b else 0)
            names = ", ".join(sorted(planned.patch)) or "its labels"
            reason = f"both sides keep resetting {names}: stopped after {ROUNDS} rounds until a person changes it"
            work.row.update(pending=False, health="failed", reason=reason, rounds=dumps(rounds))
            return True
        work.row["rounds"] = dumps([*rounds, [now, mark]][-ROUNDS_KEPT:])
        return False

    # ---- lines of the plan

    def _propose(self, work: PairWork, planned: Planned, line: int | None) -> None:
        if line is not None:
            self.kept_lines.append(line)
            return
        if planned.kind == "pair":
            self.proposals.append(self._pair_row(work, planned, ChangeState.PROPOSED))
            return
        sender = self.senders[planned.side]
        self.proposals.append(sender.change_row(Job(work, planned), ChangeState.PROPOSED, self.clock.now()))

    def _pair_row(self, work: PairWork, planned: Planned, state: ChangeState) -> tuple[Any, ...]:
        sender = self.senders[planned.side]
        row = sender.change_row(Job(work, planned), state, self.clock.now())
        columns = dict(zip(CHANGE_COLUMNS, row, strict=True))
        columns["target_item"] = planned.partner
        if state is ChangeState.DONE:
            columns["done_at"] = self.clock.now()
        return tuple(columns.values())


def _without(decided: Decided, planned: Planned, work: PairWork) -> Decided:
    """What stands when a person has rejected one of the writes."""
    if planned.kind == "delete":
        return replace(decided, reason="its deletion was rejected by a person, kept here", forget_bases=False)
    if planned.kind == "create":
        health = Health.EXCLUDED if work.items[planned.side] is None else Health.DELETED
        return replace(decided, health=health, reason="making it there was rejected by a person", brought_by=())
    return decided
