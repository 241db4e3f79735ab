"""What is wrong with rules before they are saved: what an app cannot do, and rules that speak against themselves or
each other. Pure, and the same for a form and for a file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from connectors.base import Capabilities
from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.conditions import CompiledCondition, Facts, Ground, RuleError, compile_condition
from syncrules.rules import adds, compile_rules, mirrored, source_of
from syncrules.specs import ActionKind, ActionSpec, ConditionKind, ConditionSpec, Direction, Operator, RuleSpec, Side
from syncrules.table import Table

NOTHING: Facts = Facts(MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Offered:
    """What one side offers. `labels`: id -> name; `locked`: ids of labels that contacts cannot be added to."""

    name: str
    catalogue: Catalogue
    capabilities: Capabilities
    labels: Mapping[str, str] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()

    def label(self, name: str, label_id: str) -> str | None:
        """The id of a label that the app has."""
        if label_id in self.labels:
            return label_id
        return next(
            (each for each, known in self.labels.items() if compare.folded(known) == compare.folded(name)), None
        )


@dataclass(frozen=True, slots=True)
class Flaw:
    rule: str
    direction: Direction
    reason: str

    def __str__(self) -> str:
        return f"Rule “{self.rule}”: {self.reason}"


def flaws(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered], region: str) -> list[Flaw]:
    """Why these rules must not be saved so; rules that are switched off may say what they like."""
    enabled = [spec for spec in specs if spec.enabled]
    a, b = sides[Side.A], sides[Side.B]
    listed = {side: set(sides[side].labels) for side in Side}
    compiled = compile_rules(enabled, a.catalogue, b.catalogue, region, listed)
    found = [Flaw(each.rule, each.direction, each.reason) for each in compiled.problems]
    broken = {flaw.rule for flaw in found}
    sound = [twin for spec in enabled if spec.name not in broken for twin in both_ways(spec, a.catalogue, b.catalogue)]
    for spec in sound:
        source = source_of(spec)
        here, there = sides[source], sides[source.other]
        reasons = [*_beyond(spec, here, there), *_against_itself(spec, Ground(here.catalogue, region), there)]
        found += [Flaw(spec.name, spec.direction, reason) for reason in reasons]
    return found + _against_each_other(sound, sides, region)


def both_ways(spec: RuleSpec, a: Catalogue, b: Catalogue) -> list[RuleSpec]:
    """The rule, and the other half of a mirrored one."""
    if not spec.mirror:
        return [spec]
    source, target = (a, b) if source_of(spec) is Side.A else (b, a)
    return [spec, mirrored(spec, source, target)]


# ---- what an app cannot do


def _beyond(spec: RuleSpec, here: Offered, there: Offered) -> Iterator[str]:
    for condition in spec.conditions:
        yield from _condition_beyond(condition, here)
    if spec.actions and not there.capabilities.two_way:
        yield f"{there.name} is read-only, so no action can be done there"
        return
    for action in spec.actions:
        yield from _action_beyond(action, there)


def _condition_beyond(condition: ConditionSpec, here: Offered) -> Iterator[str]:
    able, kind = here.capabilities, condition.kind
    if kind is ConditionKind.LABEL and able.label_kind is None:
        yield f"{here.name} has no labels, so nothing can be in one"
    elif kind is ConditionKind.WAS_DELETED and not able.sees_deletions:
        yield f"{here.name} does not say when a contact is deleted"
    elif kind is not ConditionKind.OPTED_OUT and kind not in able.conditions:
        yield f"{here.name} knows no condition “{kind.value}”"
    elif kind is ConditionKind.LABEL and not able.creates_labels:
        yield from _unknown(condition.subject, condition.label_id, here)


def _action_beyond(action: ActionSpec, there: Offered) -> Iterator[str]:
    able = there.capabilities
    if action.kind is ActionKind.SET:
        if action.kind not in able.actions:
            yield f"fields of {there.name} cannot be set by rules"
        return
    if able.label_kind is None or action.kind not in able.actions:
        yield f"{there.name} has no labels that a rule could add to or remove from"
        return
    known = there.label(action.subject, action.label_id)
    if known in there.locked:
        yield f"{there.name} fills the label “{action.subject}” by itself; choose another one"
    elif not able.creates_labels:
        yield from _unknown(action.subject, action.label_id, there)


def _unknown(name: str, label_id: str, side: Offered) -> Iterator[str]:
    if side.label(name, label_id) is None:
        near = difflib.get_close_matches(name, side.labels.values(), n=1, cutoff=0.5)
        yield f"{side.name} has no label “{name}”" + (f"; did you mean “{near[0]}”?" if near else "")


# ---- a rule against itself


def _against_itself(spec: RuleSpec, ground: Ground, there: Offered) -> Iterator[str]:
    compiled = [(part, compile_condition(part, ground)) for part in spec.conditions]
    for at, one in enumerate(compiled):
        for other in compiled[at + 1 :]:
            if _exclude(one, other, ground):
                yield f"nobody can match it: “{one[1].sentence}” and “{other[1].sentence}” never hold together"
    if spec.update_only and any(
        part.kind is ConditionKind.EXISTS_IN_OTHER and not part.value for part in spec.conditions
    ):
        yield "it changes only contacts that exist in the other app, and its condition leaves just those out"
    done: dict[str, tuple[ActionKind, Any]] = {}
    for action in spec.actions:
        subject, wanted = _wants(action, there)
        if subject and done.setdefault(subject, wanted) != wanted:
            yield f"two of its actions disagree about {_called(action, there)}; keep one of them"


Part = tuple[ConditionSpec, CompiledCondition]


def _exclude(one: Part, other: Part, ground: Ground) -> bool:
    """Whether two conditions surely never hold together."""
    (spec, condition), (other_spec, other_condition) = one, other
    if spec.kind is not other_spec.kind or not _same_subject(spec, other_spec):
        return False
    if spec.kind is not ConditionKind.FIELD:
        return bool(spec.value) is not bool(other_spec.value)
    return (
        _none_of(_witnesses(spec, ground), other_condition)
        or _none_of(_witnesses(other_spec, ground), condition)
        or _ranges_part(spec, other_spec)
    )


def _same_subject(one: ConditionSpec, other: ConditionSpec) -> bool:
    if one.kind is ConditionKind.LABEL and one.label_id and other.label_id:
        return one.label_id == other.label_id
    return compare.folded(one.subject) == compare.folded(other.subject)


def _witnesses(spec: ConditionSpec, ground: Ground) -> list[Facts] | None:
    """All there is to fulfil a condition, where that can be counted."""
    of = ground.catalogue.by_key[spec.subject]
    if (spec.operator is Operator.EMPTY and spec.value is True) or (spec.operator is Operator.IS and spec.value == ""):
        return [NOTHING]
    if spec.operator not in (Operator.IS, Operator.ONE_OF) or adds(of):
        return None
    values = spec.value if spec.operator is Operator.ONE_OF else (spec.value,)
    by_label = {compare.folded(label): option for option, label in of.options}
    return [Facts({spec.subject: by_label.get(compare.folded(value), value)}) for value in values]


def _none_of(witnesses: list[Facts] | None, condition: CompiledCondition) -> bool:
    return witnesses is not None and not any(condition.holds(facts) for facts in witnesses)


def _ranges_part(one: ConditionSpec, other: ConditionSpec) -> bool:
    for low, high in ((one, other), (other, one)):
        if low.operator is Operator.GREATER and high.operator is Operator.LESS:
            return float(low.value) >= float(high.value)
        if low.operator is Operator.AFTER and high.operator is Operator.BEFORE:
            return compare.date(str(low.value)) >= compare.date(str(high.value))
    return False


def _wants(action: ActionSpec, there: Offered) -> tuple[str, tuple[ActionKind, Any]]:
    """What an action decides about, and how; no subject where several may have their way."""
    if action.kind is not ActionKind.SET:
        label = there.label(action.subject, action.label_id) or action.subject
        return f"label {compare.folded(label)}", (action.kind, None)
    known = there.catalogue.by_key.get(action.subject)
    if known is None or adds(known):
        return "", (action.kind, None)
    return f"field {action.subject}", (action.kind, compare.folded(action.value))


def _called(action: ActionSpec, there: Offered) -> str:
    known = there.catalogue.by_key.get(action.subject) if action.kind is ActionKind.SET else None
    return f"“{known.label if known else action.subject}”"


# ---- rules against each other


def _against_each_other(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered], region: str) -> list[Flaw]:
    found = []
    for first, second, action in _disagreements(specs, sides, region):
        if _covers(first, second, Ground(sides[source_of(first)].catalogue, region)):
            called = _called(action, sides[source_of(first).other])
            reason = (
                f"it never decides about {called}: “{first.name}” stands before it and matches whoever it matches; "
                "put it first, or take one of the two actions out"
            )
            found.append(Flaw(second.name, second.direction, reason))
    return found


def order_notes(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered], region: str) -> list[str]:
    """Where two rules may want different things for one contact: the first one decides."""
    try:
        both = [
            twin
            for spec in specs
            if spec.enabled
            for twin in both_ways(spec, sides[Side.A].catalogue, sides[Side.B].catalogue)
        ]
        return [
            f"Where both match, “{first.name}” decides about {_called(action, sides[source_of(first).other])} "
            f"and not “{second.name}”, since it stands first."
            for first, second, action in _disagreements(both, sides, region)
        ]
    except RuleError:
        return []  # it is told as a flaw


def mapping_notes(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered], table: Table) -> list[str]:
    """Fields that a rule sets and that a line of the mapping writes as well: the rule decides."""
    found = []
    for spec in (spec for spec in specs if spec.enabled):
        side = source_of(spec).other
        for action in spec.actions:
            known = sides[side].catalogue.by_key.get(action.field)
            if known is None or adds(known):
                continue
            lines = [line.name for line in table.mappings if line.writes(side) and known.key in line.keys(side)]
            found += [
                f"“{spec.name}” sets “{known.label}”, which the line “{line}” of the mapping writes as well: "
                "for contacts that match, the rule decides."
                for line in lines
            ]
    return found


def forward_notes(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered]) -> list[str]:
    """Fields that a rule sets and that the app never takes back."""
    return [
        f"“{spec.name}” sets “{known.label}”, which {sides[side].name} moves only forward: a contact that is further "
        "already stays where it is, and says so."
        for spec in specs
        if spec.enabled
        for side in (source_of(spec).other,)
        for action in spec.actions
        if (known := sides[side].catalogue.by_key.get(action.field)) is not None and known.forward_only
    ]


def label_notes(specs: Sequence[RuleSpec], sides: Mapping[Side, Offered]) -> list[str]:
    """Labels of conditions that no contact can be in yet."""
    return [
        f"“{spec.name}” speaks of the label “{part.subject}”, which {sides[source_of(spec)].name} does not have yet."
        for spec in specs
        if spec.enabled
        for part in spec.conditions
        if part.kind is ConditionKind.LABEL
        and not part.label_id
        and sides[source_of(spec)].label(part.subject, "") is None
    ]


def _disagreements(
    specs: Sequence[RuleSpec], sides: Mapping[Side, Offered], region: str
) -> Iterator[tuple[RuleSpec, RuleSpec, ActionSpec]]:
    """Two rules of a direction, the first one first, and an action of the second that the first one does otherwise."""
    for at, first in enumerate(specs):
        for second in specs[at + 1 :]:
            if first.direction is not second.direction or not first.actions or not second.actions:
                continue
            there = sides[source_of(first).other]
            wanted = dict(_wants(action, there) for action in first.actions)
            for action in second.actions:
                subject, wants = _wants(action, there)
                if subject and wanted.get(subject, wants) != wants and not _part(first, second, sides, region):
                    yield first, second, action


def _part(first: RuleSpec, second: RuleSpec, sides: Mapping[Side, Offered], region: str) -> bool:
    """Whether the two surely never match the same contact."""
    ground = Ground(sides[source_of(first)].catalogue, region)
    ones, others = ([(part, compile_condition(part, ground)) for part in spec.conditions] for spec in (first, second))
    return any(_exclude(one, other, ground) for one in ones for other in others)


def _covers(first: RuleSpec, second: RuleSpec, ground: Ground) -> bool:
    """Whether the first one surely matches whoever the second one matches."""
    return all(any(_implies(given, wanted, ground) for given in second.conditions) for wanted in first.conditions)


def _implies(given: ConditionSpec, wanted: ConditionSpec, ground: Ground) -> bool:
    if given.kind is not wanted.kind or not _same_subject(given, wanted):
        return False
    if given.kind is not ConditionKind.FIELD:
        return bool(given.value) is bool(wanted.value)
    if replace(given, label_id="") == replace(wanted, label_id=""):
        return True
    witnesses = _witnesses(given, ground)
    condition = compile_condition(wanted, ground)
    return witnesses is not None and all(condition.holds(facts) for facts in witnesses)
