"""Which rules hold a pair in scope, and what they do to it. Pure, a part of the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from connectors.base import Values
from syncrules.conditions import Facts
from syncrules.rules import CompiledRule, Effects, effects
from syncrules.specs import Side

if TYPE_CHECKING:
    from connections.engine.decide import PairState, Seen, Setup
    from syncrules.merge import PairMerge


def labels_of(seen: Seen, side: Side, setup: Setup) -> frozenset[str]:
    """Ids and names: rules may hold either."""
    names = setup.targets[side].label_names
    return seen.labels | {names[label] for label in seen.labels if label in names}


def may_write(side: Side, setup: Setup) -> bool:
    if not setup.targets[side].writable:
        return False
    return setup.direction.carries(side.other)


def matching_rules(pair: PairState, side: Side, setup: Setup, other_exists: bool) -> tuple[CompiledRule, ...]:
    """The rules for which the record of this side is in scope."""
    seen = pair.side(side)
    if seen is None or not setup.direction.carries(side):
        return ()
    rules = setup.rules.for_source(side)
    facts = facts_of(pair, side, seen, setup, other_exists)
    return tuple(rule for rule in rules if rule.matches(facts[rule.id in pair.brought_by]))


def facts_of(pair: PairState, side: Side, seen: Seen, setup: Setup, other_exists: bool) -> tuple[Facts, Facts]:
    """What rules of a side look at: those that did not bring the pair in, and those that did."""
    labels, deleted = labels_of(seen, side, setup), bool(seen.departed)
    plain = Facts(seen.values, labels, other_exists, deleted)
    return plain, Facts(seen.values, labels, other_exists, deleted, True) if pair.brought_by else plain


def in_scope(pair: PairState, matching: Mapping[Side, Sequence[CompiledRule]], setup: Setup) -> bool:
    """Where no rule can speak, a pair stays what it was: nothing new comes in, and nothing goes."""
    if any(matching.values()):
        return True
    return bool(pair.brought_by) and any(setup.direction.carries(side) and setup.rules.keeps(side) for side in Side)


def stands_inside(pair: PairState, setup: Setup) -> bool:
    """Whether a pair is kept the same, or a record without partner is brought over, as far as rules say. What was
    deleted on a side is neither in nor out."""
    here = [side for side in Side if (seen := pair.side(side)) is not None and not seen.departed]
    if len(here) == 2:
        matching = {side: matching_rules(pair, side, setup, other_exists=True) for side in Side}
        return in_scope(pair, matching, setup)
    if len(here) != 1 or pair.side(here[0].other) is not None or not may_write(here[0].other, setup):
        return False
    return any(not rule.spec.update_only for rule in matching_rules(pair, here[0], setup, other_exists=False))


def lapsed_rules(
    pair: PairState, source: Side, matching: Sequence[CompiledRule], setup: Setup
) -> tuple[CompiledRule, ...]:
    """Rules with `undo` that brought the pair in, or acted on it, and match no longer."""
    rules = setup.rules.for_source(source)
    return tuple(rule for rule in rules if rule.spec.undo and rule.id in pair.brought_by and rule not in matching)


class Acting(NamedTuple):
    """What rules do on a side, beside what the mappings write: `lapsed` rules take back what they did, `to_undo` are
    ids of those that will have to."""

    rules: tuple[CompiledRule, ...] = ()
    to_undo: tuple[str, ...] = ()
    lapsed: tuple[CompiledRule, ...] = ()
    done: Effects = Effects()
    undone: Effects = Effects()

    @property
    def values(self) -> Values:
        return {**self.undone.values, **self.done.values}


def actions_of(
    pair: PairState, side: Side, merged: PairMerge, matching: Mapping[Side, tuple[CompiledRule, ...]], setup: Setup
) -> Acting:
    target = pair.side(side)
    if target is None or not may_write(side, setup):
        return Acting()
    rules = matching[side.other]
    shown = {**target.values, **(merged.to_a if side is Side.A else merged.to_b)}
    labels = labels_of(target, side, setup)
    done = Effects() if pair.undone else effects(rules, shown, labels)
    to_undo = tuple(rule.id for rule in rules if done and rule.spec.undo and effects([rule], shown, labels))
    lapsed = lapsed_rules(pair, side.other, rules, setup)
    if not lapsed:
        return Acting(rules, to_undo, (), done)
    undone = effects(lapsed, {**shown, **done.values}, labels, undo=True)
    standing = (action.subject for rule in rules for action in rule.actions)
    return Acting(rules, to_undo, lapsed, done, undone.without(standing))


def held_by(
    pair: PairState, matching: Mapping[Side, Sequence[CompiledRule]], acting: Mapping[Side, Acting]
) -> tuple[str, ...]:
    """The rules that brought the pair in, and those with `undo` that did something to it since; without those that have
    taken back what they did."""
    lapsed = {rule.id for each in acting.values() for rule in each.lapsed}
    held = [rule for rule in pair.brought_by if rule not in lapsed]
    if not held:
        return tuple(rule.id for side in Side for rule in matching[side])
    return tuple(dict.fromkeys([*held, *(rule for each in acting.values() for rule in each.to_undo)]))
