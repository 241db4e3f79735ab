"""What the rules say about one contact, and exactly what would be written; nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from connections.engine.decide import PairState, Setup, decide
from connections.engine.planned import Planned
from connections.engine.scope import facts_of
from connections.engine.work import load_pairs
from connections.models import Connection, Health, Pair
from connections.services.arranging import Offer, offer
from connections.services.causes import in_words
from connections.services.scoping import stored_setup
from syncrules.specs import RuleSpec, Side


@dataclass(frozen=True, slots=True)
class TriedRule:
    name: str
    matches: bool
    conditions: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class TriedSide:
    """The rules that look at one app's record. `note` says why there are none to look at it."""

    name: str
    rules: Sequence[TriedRule]
    note: str = ""


@dataclass(frozen=True, slots=True)
class TriedWrite:
    """`fields`: label, value before, value after."""

    title: str
    fields: Sequence[tuple[str, Any, Any]]
    add_labels: Sequence[str]
    remove_labels: Sequence[str]
    why: str


@dataclass(frozen=True, slots=True)
class Tried:
    pair: Pair
    sides: Sequence[TriedSide]
    verdict: str
    writes: Sequence[TriedWrite]
    problems: Sequence[str]


KINDS = {
    "create": gettext_lazy("It would be created on %(there)s"),
    "update": gettext_lazy("It would be changed on %(there)s"),
}
UNDECIDED = (Health.REVIEW, Health.DUPLICATE)


def try_contact(connection: Connection, pair: Pair, rules: Sequence[RuleSpec] | None = None) -> Tried:
    """`rules`: others than those that are saved. Raises MappingError."""
    given = offer(connection)
    setup = stored_setup(connection, rules, given)
    (work,) = load_pairs(Pair.objects.filter(pk=pair.pk))
    state = work.state()
    decided = decide(state, setup)
    half = pair.item_a_id is None or pair.item_b_id is None
    waits_for_a_person = half and pair.health in UNDECIDED
    writes = () if waits_for_a_person else decided.writes
    return Tried(
        pair,
        [_side(state, side, setup) for side in Side],
        _verdict(pair, decided.health, decided.reason, waits_for_a_person, half and bool(writes)),
        [_write(write, setup, given) for write in writes],
        [str(problem) for problem in setup.rules.problems],
    )


def _verdict(pair: Pair, health: str, reason: str, waits_for_a_person: bool, is_new: bool) -> str:
    if waits_for_a_person:
        return gettext("%(state)s: %(reason)s. Nothing is written until a person decides.") % {
            "state": capfirst(Health(pair.health).label),
            "reason": gettext(pair.reason) if pair.reason else "",
        }
    if is_new:
        return gettext(
            "It would be brought over as shown below, or paired where the same contact is found in the other app."
        )
    return f"{capfirst(Health(health).label)}{f': {gettext(reason)}' if reason else ''}."


def _side(state: PairState, side: Side, setup: Setup) -> TriedSide:
    name, seen = setup.names[side], state.side(side)
    if not setup.direction.carries(side):
        return TriedSide(name, (), gettext("this connection brings nothing from here"))
    if seen is None:
        return TriedSide(name, (), gettext("it is not here, so no rule looks at it"))
    rules = setup.rules.for_source(side)
    if not rules:
        return TriedSide(
            name, (), gettext("no rule is at work: nobody new is brought over, and who is kept the same stays so")
        )
    other = state.side(side.other)
    facts = facts_of(state, side, seen, setup, other is not None and not other.departed)
    tried = []
    for rule in rules:
        looked_at = facts[rule.id in state.brought_by]
        tried.append(TriedRule(rule.name, rule.matches(looked_at), rule.explain(looked_at)))
    return TriedSide(name, tried)


def _write(write: Planned, setup: Setup, given: Offer) -> TriedWrite:
    side = given.side(write.side)
    known = side.catalogue.by_key
    names: Mapping[str, str] = setup.targets[write.side].label_names
    there = setup.names[write.side]
    called = {str(side): name for side, name in setup.names.items()}
    causes = [in_words(why, called) for why in write.why if why != "new"]
    return TriedWrite(
        str(KINDS.get(write.kind) or gettext("It would be deleted on %(there)s")) % {"there": there},
        [
            (known[key].label if key in known else key, write.before.get(key), value)
            for key, value in sorted(write.patch.items())
        ],
        sorted(names.get(label, label) for label in write.add_labels),
        sorted(names.get(label, label) for label in write.remove_labels),
        ", ".join([*causes, *(gettext("rule “%(name)s”") % {"name": name} for name in write.rules)]),
    )
