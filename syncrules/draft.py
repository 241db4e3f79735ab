"""What the merge of a pair has decided so far, and what all kinds of mappings share."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from connectors.base import Values
from syncrules.fitting import Refused, is_shortened
from syncrules.lenses import Patch
from syncrules.mapping import CompiledMapping
from syncrules.specs import Direction, Side
from syncrules.states import MergeWarning, Note, PairMerge, Policy, SideState

A, B = Side.A, Side.B


class Verdict(NamedTuple):
    source: Side
    why: str
    winner: Side | None = None  # set where the other side's value gives way


class Draft:
    """What the merge of a pair has decided so far."""

    def __init__(self, a: SideState, b: SideState, policy: Policy) -> None:
        self.state = {A: a, B: b}
        self.policy = policy
        self.has_bases = bool(a.base) and bool(b.base)
        self.into = {side: policy.direction.carries(side.other) for side in (A, B)}
        self.patch: dict[Side, Patch] = {A: {}, B: {}}
        self.notes: list[Note] = []
        self.conflicts: list[str] = []
        self.warnings: list[MergeWarning] = []
        self.judged: set[str] = set()

    def result(self) -> PairMerge:
        return PairMerge(
            self.patch[A],
            self.patch[B],
            tuple(self.notes),
            tuple(self.conflicts),
            tuple(self.warnings),
            frozenset(self.judged),
        )

    def flows(self, mapping: CompiledMapping, target: Side) -> bool:
        return self.into[target] and mapping.writes(target)

    def winner(self, mapping: CompiledMapping) -> Side:
        """Of a line that flows one way its source wins, unless the line itself says otherwise."""
        if mapping.spec.winner:
            return mapping.spec.winner
        if not self.flows(mapping, A):
            return A
        return self.policy.winner if self.flows(mapping, B) else B

    def based(self, mapping: CompiledMapping) -> bool:
        if not self.has_bases:
            return False
        base_a, base_b = self.state[A].base, self.state[B].base
        return all(key in base_a for key in mapping.a_keys) and all(key in base_b for key in mapping.b_keys)

    def restores(self, mapping: CompiledMapping, target: Side) -> bool:
        """Whether edits made on the target are put back: only where the whole connection has one direction."""
        return self.policy.restore_target and self.policy.direction is Direction.away_from(target.other)

    def warn(self, mapping: CompiledMapping, key: str, side: Side, reason: str) -> None:
        self.warnings.append(MergeWarning(mapping.name, key, side, reason))

    def lost(self, mapping: CompiledMapping, side: Side) -> Values:
        values = self.state[side].values
        return {key: values[key] for key in mapping.keys(side) if values.get(key) is not None}

    def write(self, mapping: CompiledMapping, target: Side, patch: Patch, why: str, winner: Side | None) -> None:
        if not patch:
            return
        self.patch[target].update(patch)
        lost = self.lost(mapping, target) if winner else {}
        self.notes.append(Note(mapping.name, why, winner, lost))

    def put(self, mapping: CompiledMapping, target: Side, value: Any, verdict: Verdict) -> None:
        try:
            patch = mapping.lens(target).put(value, self.state[target].values)
        except Refused as refused:
            self.warn(mapping, refused.field, target, str(refused))
            return
        self.write(mapping, target, patch, verdict.why, verdict.winner)
        if patch and (doubt := mapping.doubt(target, value, self.state[target].values)):
            self.warn(mapping, mapping.keys(target)[0], target, doubt)
        for key, written in patch.items():
            if is_shortened(written) and not is_shortened(value):
                self.warn(mapping, key, target, "longer than the field holds: only its beginning is written")

    def clear(self, mapping: CompiledMapping, target: Side, verdict: Verdict) -> None:
        required = [item for item in mapping.lens(target).fields if item.required]
        if mapping.match_key:
            self.keep_key(mapping, target)
        elif required:
            self.warn(mapping, required[0].key, target, "the field must not be empty")
        else:
            patch = mapping.lens(target).put(None, self.state[target].values)
            self.write(mapping, target, patch, verdict.why, verdict.winner)

    def keep_key(self, mapping: CompiledMapping, target: Side) -> None:
        reason = f"the last mail address was cleared on {target.other}; it is kept here because pairs are found by it"
        self.warn(mapping, mapping.keys(target)[0], target, reason)

    def both_changed(self, mapping: CompiledMapping, forms: Mapping[Side, Hashable]) -> Verdict | None:
        for side in (A, B):
            if forms[side] is None:
                return Verdict(side.other, f"changed on {side.other}, cleared on {side}")
        two_way = self.flows(mapping, A) and self.flows(mapping, B)
        if two_way and mapping.spec.winner is None:
            if self.policy.conflicts == "ask":
                self.conflicts.append(mapping.name)
                return None
            newer = self.newer(mapping) if self.policy.conflicts == "newest" else None
            if newer:
                return Verdict(newer, f"both changed, {newer} is newer", newer)
        winner = self.winner(mapping)
        return Verdict(winner, f"both changed, {winner} wins", winner)

    def newer(self, mapping: CompiledMapping) -> Side | None:
        times: dict[Side, float] = {}
        for side in (A, B):
            state = self.state[side]
            known = [state.evidence[key] for key in mapping.keys(side) if key in state.evidence]
            time = max(known) if known else state.modified
            if time is None:
                return None
            times[side] = time
        if abs(times[A] - times[B]) <= self.policy.skew:
            return None
        return A if times[A] > times[B] else B


def form(mapping: CompiledMapping, shared: Any) -> Hashable:
    """The normal form; None for unset."""
    return None if shared is None or shared == "" else mapping.normal(shared)
