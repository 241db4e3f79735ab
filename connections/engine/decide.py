"""What a pair needs: a pure function of what both sides show, what they showed when they last agreed, and the setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import orjson

from connections.engine.newlymapped import described, newly_mapped
from connectors.base import Value, Values
from syncrules.mapping import CompiledMapping
from syncrules.merge import MergeWarning, PairMerge, Policy, SideState, merge_pair
from syncrules.rules import CompiledRule, Facts, RuleSet, effects
from syncrules.specs import Direction, Side
from syncrules.states import NO_TIMES

T = TypeVar("T")
NOTHING: Values = MappingProxyType({})

IN_SYNC, EXCLUDED, WAITING, DUPLICATE, REVIEW, FAILED, DELETED = (
    "in_sync",
    "excluded",
    "waiting",
    "duplicate",
    "review",
    "failed",
    "deleted",
)  # the values of models.Health, which the pure core does not import


class Seen(NamedTuple):
    """One side's record as we know it. `departed` is empty while it is there; `new` says that it changed since the
    pair was last settled."""

    values: Values = NOTHING
    labels: frozenset[str] = frozenset()
    departed: str = ""
    problem: str = ""
    new: bool = True
    evidence: Mapping[str, float] = NO_TIMES
    modified: float | None = None
    goes_on: bool = False  # departed, but the contact goes on as another record of its account


@dataclass(frozen=True, slots=True)
class Target:
    """What one side lets us do."""

    writable: bool = True
    can_delete: bool = True
    deletions: str = "keep"  # what a deletion on the other side does here: keep, delete, label
    deletion_label: str = ""
    label_names: Mapping[str, str] = field(default_factory=dict)  # id -> name


@dataclass(frozen=True, slots=True)
class Setup:
    """A connection, compiled."""

    mappings: Sequence[CompiledMapping]
    rules: RuleSet
    policy: Policy
    direction: Direction
    delete_beats_update: bool
    targets: Mapping[Side, Target]
    names: Mapping[Side, str]  # how people call the sides
    new: frozenset[str] = frozenset()  # lines that contacts already in sync have yet to be compared by


@dataclass(frozen=True, slots=True)
class PairState:
    """A pair as the decision sees it. `refused`: side -> field -> digest of the value that the app would not take."""

    a: Seen | None
    b: Seen | None
    base_a: Mapping[str, Value] = field(default_factory=dict)
    base_b: Mapping[str, Value] = field(default_factory=dict)
    health: str = WAITING
    undone: bool = False
    brought_by: tuple[str, ...] = ()
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[MergeWarning, ...] = ()

    def side(self, side: Side) -> Seen | None:
        return self.a if side is Side.A else self.b


@dataclass(frozen=True, slots=True)
class Planned:
    """One intended write, or a pairing. `kind` is create, update, delete or pair; `side` is the side that is written;
    `before` what it shows there; `partner` the id of the item that is paired."""

    kind: str
    side: Side
    patch: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    add_labels: frozenset[str] = frozenset()
    remove_labels: frozenset[str] = frozenset()
    why: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    winner: str = ""
    lost: Values = field(default_factory=dict)
    partner: int | None = None
    new: bool = False  # what a new line of the mapping would write on a contact that is in sync already

    @property
    def fingerprint(self) -> str:
        """The same write over the same values: what a person decided about it holds as long as this stays."""
        labels = sorted(self.add_labels), sorted(self.remove_labels)
        text = orjson.dumps(
            [self.kind, self.side, self.partner, self.patch, self.before, labels], option=orjson.OPT_SORT_KEYS
        )
        return blake2b(text, digest_size=12).hexdigest()

    @property
    def mark(self) -> str:
        """The write among the rounds of its pair, whichever side it goes to."""
        return f"{self.side}{self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Decided:
    """`settles`: once the writes (if any) are done, both bases take what the sides show, but for `held` mappings."""

    health: str
    reason: str = ""
    writes: tuple[Planned, ...] = ()
    settles: bool = True
    held: tuple[str, ...] = ()
    warnings: tuple[MergeWarning, ...] = ()
    brought_by: tuple[str, ...] = ()
    forget_bases: bool = False


def known(value: T | None) -> T:
    """What the caller has made sure is there."""
    if value is None:
        raise LookupError("a record that must be there is missing")
    return value


def value_digest(value: Value) -> str:
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def decide(pair: PairState, setup: Setup) -> Decided:
    here = [side for side in Side if (seen := pair.side(side)) is not None and not seen.departed]
    if not here:
        return Decided(DELETED, "deleted on both sides", forget_bases=True)
    broken = [seen.problem for side in here if (seen := pair.side(side)) is not None and seen.problem]
    if broken:
        return Decided(FAILED, f"cannot be read: {broken[0]}", settles=False)
    if len(here) == 2:
        return _both(pair, setup)
    (side,) = here
    if pair.side(side.other) is None:
        return _only(pair, side, setup)
    return _survivor(pair, side, setup)


# ---- both sides are there


def _both(pair: PairState, setup: Setup) -> Decided:
    marks = _marks_of_deletion(pair, setup) if pair.health == DELETED else ()
    if marks:  # before anything is merged, else the mark would go round with the labels
        return Decided(WAITING, "it is there again, and its mark is taken off", marks, settles=False)
    a, b = known(pair.a), known(pair.b)
    matching = {side: _matching(pair, side, setup, other_exists=True) for side in Side}
    if not _in_scope(matching, setup):
        return _leave_scope(pair, setup)
    merged = merge_pair(
        setup.mappings,
        SideState(a.values, pair.base_a, a.evidence, a.modified),
        SideState(b.values, pair.base_b, b.evidence, b.modified),
        setup.policy,
    )
    writes = tuple(write for side in Side for write in _updates(pair, side, merged, matching[side.other], setup))
    warnings = merged.warnings + _refusals(pair, merged) + _standing(pair, merged)
    brought_by = pair.brought_by or tuple(rule.id for side in Side for rule in matching[side])
    health, reason = (
        (REVIEW, f"both sides changed: {', '.join(merged.conflicts)}") if merged.conflicts else (IN_SYNC, "")
    )
    if warnings and not reason:
        reason = warnings[0].reason
    return Decided(health, reason, writes, True, merged.conflicts, warnings, brought_by)


def _marks_of_deletion(pair: PairState, setup: Setup) -> tuple[Planned, ...]:
    found = []
    for side in Side:
        target = setup.targets[side]
        marked = target.deletions == "label" and target.deletion_label in _labels(known(pair.side(side)), side, setup)
        if marked and target.writable:
            found.append(Planned("update", side, remove_labels=frozenset({target.deletion_label}), why=("came back",)))
    return tuple(found)


def _matching(pair: PairState, side: Side, setup: Setup, other_exists: bool) -> tuple[CompiledRule, ...]:
    """The rules for which the record of this side is in scope."""
    seen = pair.side(side)
    if seen is None or not setup.direction.carries(side):
        return ()
    facts = Facts(seen.values, _labels(seen, side, setup), exists_in_other=other_exists, deleted=bool(seen.departed))
    return tuple(rule for rule in setup.rules.for_source(side) if rule.matches(facts))


def _in_scope(matching: Mapping[Side, Sequence[CompiledRule]], setup: Setup) -> bool:
    """A direction without an enabled rule keeps the pairs there are."""
    if any(matching.values()):
        return True
    return any(setup.direction.carries(side) and not setup.rules.for_source(side) for side in Side)


def _leave_scope(pair: PairState, setup: Setup) -> Decided:
    """Nothing is deleted and the bases stay; what `undo` rules did is taken back."""
    reason = "matches no rule any more"
    writes = []
    for side in Side:
        target = pair.side(side)
        brought = [rule for rule in setup.rules.for_source(side.other) if rule.spec.undo and rule.id in pair.brought_by]
        if target is None or not brought or not _may_write(side, setup):
            continue
        taken_back = effects(brought, target.values, _labels(target, side, setup), undo=True)
        write = Planned(
            "update",
            side,
            taken_back.values,
            _shown(target, taken_back.values),
            taken_back.add_labels,
            taken_back.remove_labels,
            ("left the scope of the rule",),
            tuple(rule.name for rule in brought),
        )
        if write.patch or write.add_labels or write.remove_labels:
            writes.append(write)
    return Decided(EXCLUDED, reason, tuple(writes), settles=False, brought_by=())


def _updates(
    pair: PairState, side: Side, merged: PairMerge, rules: Sequence[CompiledRule], setup: Setup
) -> list[Planned]:
    """At most two: what new lines would write is apart, because it waits for approval while the rest flows."""
    target = pair.side(side)
    if target is None or not _may_write(side, setup):
        return []
    patch = dict(merged.to_a if side is Side.A else merged.to_b)
    active = () if pair.undone else rules
    acted = effects(active, {**target.values, **patch}, _labels(target, side, setup))
    patch.update(acted.values)
    for key, refused in pair.refused.get(side, {}).items():
        if key in patch and value_digest(patch[key]) == refused:
            del patch[key]
    new = newly_mapped(pair, side, setup) - acted.values.keys()
    added = {key: value for key, value in patch.items() if key in new}
    rest = {key: value for key, value in patch.items() if key not in new}
    updates = []
    if rest or acted.add_labels or acted.remove_labels:
        by_rules = tuple(rule.name for rule in active)
        update = described(Planned("update", side, rest, _shown(target, rest)), merged, setup)
        updates.append(replace(update, add_labels=acted.add_labels, remove_labels=acted.remove_labels, rules=by_rules))
    if added:
        update = Planned("update", side, added, _shown(target, added), new=True)
        updates.append(described(update, merged, setup))
    return updates


def _shown(target: Seen, patch: Values) -> Values:
    return {key: target.values.get(key) for key in patch}


def _refusals(pair: PairState, merged: PairMerge) -> tuple[MergeWarning, ...]:
    found = []
    for side, patch in ((Side.A, merged.to_a), (Side.B, merged.to_b)):
        for key, refused in pair.refused.get(side, {}).items():
            if key in patch and value_digest(patch[key]) == refused:
                found.append(MergeWarning(key, key, side, f"the value of {key} was refused and is left out"))
    return tuple(found)


def _standing(pair: PairState, merged: PairMerge) -> tuple[MergeWarning, ...]:
    """Warnings from before about fields that nobody touched since: the merge had no reason to look at them again."""
    return tuple(warning for warning in pair.warnings if warning.mapping not in merged.judged)


def _may_write(side: Side, setup: Setup) -> bool:
    if not setup.targets[side].writable:
        return False
    return setup.direction.carries(side.other)


# ---- one side only


def _only(pair: PairState, side: Side, setup: Setup) -> Decided:
    """A record that has no partner: it is brought over, or stands outside with the reason."""
    if not setup.direction.carries(side):
        return Decided(EXCLUDED, f"this connection brings nothing from {setup.names[side]}")
    enabled = setup.rules.for_source(side)
    matching = _matching(pair, side, setup, other_exists=False)
    if not matching:
        return Decided(EXCLUDED, "matches no rule" if enabled else "this direction has no enabled rule")
    if all(rule.spec.update_only for rule in matching):
        return Decided(EXCLUDED, "its rules only update contacts that are on both sides")
    if not setup.targets[side.other].writable:
        return Decided(EXCLUDED, f"{setup.names[side.other]} is read-only")
    return _create(pair, side, setup, matching, "new")


def _create(pair: PairState, side: Side, setup: Setup, matching: Sequence[CompiledRule], why: str) -> Decided:
    """Creates on the other side what this side shows."""
    seen = known(pair.side(side))
    full, empty = SideState(seen.values, {}), SideState({}, {})
    a, b = (full, empty) if side is Side.A else (empty, full)
    merged = merge_pair(setup.mappings, a, b, setup.policy)
    patch = dict(merged.to_b if side is Side.A else merged.to_a)
    for key, refused in pair.refused.get(side.other, {}).items():
        if key in patch and value_digest(patch[key]) == refused:
            del patch[key]
    acted = effects(matching, patch, frozenset())
    patch.update(acted.values)
    patch = {key: value for key, value in patch.items() if value is not None and value != ""}
    if not patch:
        return Decided(EXCLUDED, "holds nothing that the other side could take")
    write = Planned(
        "create",
        side.other,
        patch,
        {},
        acted.add_labels,
        frozenset(),
        (why,),
        tuple(rule.name for rule in matching),
    )
    reason = merged.warnings[0].reason if merged.warnings else ""
    brought_by = tuple(rule.id for rule in matching)
    return Decided(IN_SYNC, reason, (write,), True, (), merged.warnings, brought_by)


def _survivor(pair: PairState, side: Side, setup: Setup) -> Decided:
    """The other side's record departed; what follows depends on how, and on the connection's policy."""
    gone = known(pair.side(side.other))
    there = setup.names[side.other]
    if gone.goes_on:
        return Decided(
            EXCLUDED, f"merged or converted on {there}, where it goes on outside this connection", settles=False
        )
    if gone.departed != "deleted":
        return Decided(EXCLUDED, f"moved out of {there}", settles=False)
    if pair.undone:
        return Decided(DELETED, f"taken back on {there} by an undo")
    creating = tuple(rule for rule in _matching(pair, side, setup, other_exists=False) if not rule.spec.update_only)
    may_create = bool(creating) and _may_write(side.other, setup)
    kept = f"deleted on {there}, kept here"
    restored = pair.health == DELETED and not pair.base_a and not pair.base_b
    if restored and may_create:
        return _create(pair, side, setup, creating, "it came back")
    if pair.health == DELETED:
        return Decided(DELETED, kept)
    if not setup.direction.carries(side.other):
        if setup.policy.restore_target and may_create:
            return _create(pair, side, setup, creating, f"deleted on {there}, put back")
        return Decided(DELETED, kept)
    if not _in_scope({each: _matching(pair, each, setup, other_exists=True) for each in Side}, setup):
        return Decided(DELETED, f"{kept}, since it matches no rule")
    if _edited(pair, side, setup) and _may_write(side.other, setup) and not setup.delete_beats_update:
        if not creating:
            return Decided(DELETED, f"{kept}, since it was edited")
        return _create(pair, side, setup, creating, f"deleted on {there} but edited here; the edit wins")
    return _delete(pair, side, setup)


def _edited(pair: PairState, side: Side, setup: Setup) -> bool:
    seen, base = known(pair.side(side)), (pair.base_a if side is Side.A else pair.base_b)
    return any(seen.values.get(key) != value for key, value in base.items())


def _delete(pair: PairState, side: Side, setup: Setup) -> Decided:
    target, there = setup.targets[side], setup.names[side.other]
    seen = known(pair.side(side))
    why = (f"deleted on {there}",)
    if target.deletions == "label" and target.writable:
        missing = frozenset({target.deletion_label}) - _labels(seen, side, setup)
        writes = (Planned("update", side, add_labels=missing, why=why),) if missing else ()
        return Decided(DELETED, f"deleted on {there}, labelled here", writes)
    if target.deletions == "delete" and target.writable and target.can_delete:
        delete = Planned("delete", side, before=seen.values, why=why)
        return Decided(DELETED, f"deleted on {there}", (delete,), forget_bases=True)
    cannot = target.deletions == "delete"
    return Decided(DELETED, f"deleted on {there}, kept here" + (" (this app allows no deletes)" if cannot else ""))


def _labels(seen: Seen, side: Side, setup: Setup) -> frozenset[str]:
    """Ids and names: rules may hold either."""
    names = setup.targets[side].label_names
    return seen.labels | {names[label] for label in seen.labels if label in names}
