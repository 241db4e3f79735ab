"""What a pair needs: a pure function of what both sides show, what they showed when they last agreed, and the setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import orjson

from connections.engine.newlymapped import described, newly_mapped
from connections.engine.planned import Planned
from connections.engine.scope import (
    Acting,
    actions_of,
    held_by,
    in_scope,
    labels_of,
    lapsed_rules,
    matching_rules,
    may_write,
)
from connectors.base import Value, Values
from syncrules.mapping import CompiledMapping
from syncrules.merge import MergeWarning, PairMerge, Policy, SideState, merge_pair
from syncrules.rules import CompiledRule, Effects, RuleSet, effects
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
        return Decided(FAILED, f"cannot be read: {broken[0]}", settles=False, brought_by=pair.brought_by)
    if len(here) == 2:
        return _both(pair, setup)
    (side,) = here
    if pair.side(side.other) is None:
        return _only(pair, side, setup)
    decided = _survivor(pair, side, setup)
    return decided if decided.brought_by else replace(decided, brought_by=pair.brought_by)


# ---- both sides are there


def _both(pair: PairState, setup: Setup) -> Decided:
    marks = _marks_of_deletion(pair, setup) if pair.health == DELETED else ()
    if marks:  # before anything is merged, else the mark would go round with the labels
        return Decided(
            WAITING, "it is there again, and its mark is taken off", marks, False, brought_by=pair.brought_by
        )
    a, b = known(pair.a), known(pair.b)
    matching = {side: matching_rules(pair, side, setup, other_exists=True) for side in Side}
    if not in_scope(pair, matching, setup):
        return _leave_scope(pair, setup)
    merged = merge_pair(
        setup.mappings,
        SideState(a.values, pair.base_a, a.evidence, a.modified),
        SideState(b.values, pair.base_b, b.evidence, b.modified),
        setup.policy,
    )
    acting = {side: actions_of(pair, side, merged, matching, setup) for side in Side}
    writes = tuple(write for side in Side for write in _updates(pair, side, merged, acting[side], setup))
    warnings = merged.warnings + _refusals(pair, merged) + _standing(pair, merged)
    brought_by = held_by(pair, matching, acting)
    health, reason = IN_SYNC, warnings[0].reason if warnings else ""
    if merged.conflicts:
        health, reason = REVIEW, _unsettled(merged.conflicts, setup)
    return Decided(health, reason, writes, True, merged.conflicts, warnings, brought_by)


def _unsettled(names: Sequence[str], setup: Setup) -> str:
    opt_outs = {mapping.name for mapping in setup.mappings if mapping.opts_out}
    texts = {
        "both sides changed": [name for name in names if name not in opt_outs],
        "opted in again on one side, which is passed on by a person only": [name for name in names if name in opt_outs],
    }
    return "; ".join(f"{text}: {', '.join(some)}" for text, some in texts.items() if some)


def _marks_of_deletion(pair: PairState, setup: Setup) -> tuple[Planned, ...]:
    found = []
    for side in Side:
        target = setup.targets[side]
        marked = target.deletions == "label" and target.deletion_label in labels_of(known(pair.side(side)), side, setup)
        if marked and target.writable:
            found.append(Planned("update", side, remove_labels=frozenset({target.deletion_label}), why=("came back",)))
    return tuple(found)


def _leave_scope(pair: PairState, setup: Setup) -> Decided:
    """Nothing is deleted and the bases stay; what `undo` rules did is taken back."""
    writes = []
    for side in Side:
        target, brought = pair.side(side), lapsed_rules(pair, side.other, (), setup)
        if target is None or not brought or not may_write(side, setup):
            continue
        taken_back = effects(brought, target.values, labels_of(target, side, setup), undo=True)
        names = tuple(rule.name for rule in brought)
        if taken_back:
            writes.append(_acting(side, target, taken_back, ("left the scope of the rule",), names))
    return Decided(EXCLUDED, "matches no rule any more", tuple(writes), settles=False, brought_by=())


def _acting(side: Side, target: Seen, acted: Effects, why: tuple[str, ...], rules: tuple[str, ...]) -> Planned:
    shown = _shown(target, acted.values)
    return Planned("update", side, acted.values, shown, acted.add_labels, acted.remove_labels, why, rules)


def _updates(pair: PairState, side: Side, merged: PairMerge, acting: Acting, setup: Setup) -> list[Planned]:
    """At most two: what new lines would write is apart, because it waits for approval while the rest flows."""
    target = pair.side(side)
    if target is None or not may_write(side, setup):
        return []
    patch = dict(merged.to_a if side is Side.A else merged.to_b)
    patch.update(acting.values)
    for key, refused in pair.refused.get(side, {}).items():
        if key in patch and value_digest(patch[key]) == refused:
            del patch[key]
    new = newly_mapped(pair, side, setup) - acting.values.keys()
    added = {key: value for key, value in patch.items() if key in new}
    rest = {key: value for key, value in patch.items() if key not in new}
    updates = []
    add_labels = acting.done.add_labels | acting.undone.add_labels
    remove_labels = acting.done.remove_labels | acting.undone.remove_labels
    if rest or add_labels or remove_labels:
        rules = tuple(rule.name for rule in (*(() if pair.undone else acting.rules), *acting.lapsed))
        update = described(Planned("update", side, rest, _shown(target, rest)), merged, setup)
        updates.append(replace(update, add_labels=add_labels, remove_labels=remove_labels, rules=rules))
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


# ---- one side only


def _only(pair: PairState, side: Side, setup: Setup) -> Decided:
    """A record that has no partner: it is brought over, or stands outside with the reason."""
    if not setup.direction.carries(side):
        return Decided(EXCLUDED, f"this connection brings nothing from {setup.names[side]}")
    enabled = setup.rules.for_source(side)
    matching = matching_rules(pair, side, setup, other_exists=False)
    if not matching:
        none = "matches no rule" if enabled else "this direction has no enabled rule"
        return Decided(EXCLUDED, "matches no rule, as long as one of them rests" if setup.rules.rests(side) else none)
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
    creating = tuple(
        rule for rule in matching_rules(pair, side, setup, other_exists=False) if not rule.spec.update_only
    )
    may_create = bool(creating) and may_write(side.other, setup)
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
    matching = {each: matching_rules(pair, each, setup, other_exists=True) for each in Side}
    about_deletion = tuple(rule for rule in matching[side.other] if rule.awaits_deletion)
    matching[side.other] = tuple(rule for rule in matching[side.other] if not rule.awaits_deletion)
    if not in_scope(pair, matching, setup):
        acted = _acted_on(pair, side, about_deletion, setup)
        return Decided(DELETED, kept if about_deletion else f"{kept}, since it matches no rule", acted)
    if _edited(pair, side, setup) and may_write(side.other, setup) and not setup.delete_beats_update:
        if not creating:
            return Decided(DELETED, f"{kept}, since it was edited")
        return _create(pair, side, setup, creating, f"deleted on {there} but edited here; the edit wins")
    return _delete(pair, side, setup, about_deletion)


def _edited(pair: PairState, side: Side, setup: Setup) -> bool:
    seen, base = known(pair.side(side)), (pair.base_a if side is Side.A else pair.base_b)
    return any(seen.values.get(key) != value for key, value in base.items())


def _acted_on(
    pair: PairState, side: Side, rules: Sequence[CompiledRule], setup: Setup, mark: frozenset[str] = frozenset()
) -> tuple[Planned, ...]:
    """What rules about deleted contacts do to the one that is left, and the mark of its deletion."""
    seen, there = known(pair.side(side)), setup.names[side.other]
    acted = effects(rules, seen.values, labels_of(seen, side, setup)) if may_write(side, setup) else Effects()
    acted = replace(acted, add_labels=acted.add_labels | mark)
    names = tuple(rule.name for rule in rules)
    return (_acting(side, seen, acted, (f"deleted on {there}",), names),) if acted else ()


def _delete(pair: PairState, side: Side, setup: Setup, about_deletion: Sequence[CompiledRule]) -> Decided:
    target, there = setup.targets[side], setup.names[side.other]
    seen = known(pair.side(side))
    if target.deletions == "label" and target.writable:
        missing = frozenset({target.deletion_label}) - labels_of(seen, side, setup)
        writes = _acted_on(pair, side, about_deletion, setup, missing)
        return Decided(DELETED, f"deleted on {there}, labelled here", writes)
    if target.deletions == "delete" and target.writable and target.can_delete:
        delete = Planned("delete", side, before=seen.values, why=(f"deleted on {there}",))
        return Decided(DELETED, f"deleted on {there}", (delete,), forget_bases=True)
    cannot = target.deletions == "delete"
    reason = f"deleted on {there}, kept here" + (" (this app allows no deletes)" if cannot else "")
    return Decided(DELETED, reason, _acted_on(pair, side, about_deletion, setup))
