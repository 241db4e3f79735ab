"""What is in scope and what is done to it: rules checked against both catalogues and made ready to run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from connectors.base import Field, FieldType, Values
from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.conditions import (
    CompiledCondition,
    Facts,
    Ground,
    RuleError,
    compile_condition,
    field_of,
    label_of,
    plain_value,
    plain_values,
    shown_value,
)
from syncrules.fitting import Refused, fit
from syncrules.lenses import Patch
from syncrules.specs import ActionKind, ActionSpec, ConditionKind, Direction, RuleSpec, Side

MIRRORED = "~"  # ends the id of the other half of a mirrored rule


Listed = Mapping[Side, Collection[str] | None]  # ids of the labels that each app listed last; None: not asked
NOT_ASKED: Listed = MappingProxyType({Side.A: None, Side.B: None})


@dataclass(frozen=True, slots=True)
class CompiledAction:
    kind: ActionKind
    subject: str  # label id, or field key on the target
    value: Any = None
    field: Field | None = None
    normal: compare.Normal = compare.text


@dataclass(frozen=True, slots=True)
class CompiledRule:
    spec: RuleSpec
    id: str
    name: str
    conditions: tuple[CompiledCondition, ...]
    actions: tuple[CompiledAction, ...]

    @property
    def awaits_deletion(self) -> bool:
        """Whether it speaks of contacts that were deleted, and of no others."""
        return any(part.kind is ConditionKind.WAS_DELETED and part.value for part in self.spec.conditions)

    def matches(self, facts: Facts) -> bool:
        return all(condition.holds(facts) for condition in self.conditions)

    def explain(self, facts: Facts) -> tuple[tuple[str, bool], ...]:
        """Each condition as a sentence, and whether it holds."""
        if not self.conditions:
            return (("every contact", True),)
        return tuple((condition.sentence, condition.holds(facts)) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What of a rule cannot work, and why. With `whole` the rule rests as it cannot be judged; else the rest of it
    goes on."""

    rule: str
    reason: str
    whole: bool
    direction: Direction = Direction.A_TO_B

    def __str__(self) -> str:
        rests = "rests" if self.whole else "goes on without one of its actions"
        return f"Rule “{self.rule}” {rests}: {self.reason}"


class RuleSet:
    """The rules at work by side of their source, and `problems`: what of them cannot work."""

    __slots__ = ("_by_side", "_resting", "problems")

    def __init__(
        self,
        by_side: Mapping[Side, tuple[CompiledRule, ...]],
        problems: Sequence[RuleProblem] = (),
        resting: Collection[Side] = (),
    ) -> None:
        self._by_side = by_side
        self._resting = frozenset(resting)
        self.problems = tuple(problems)

    def for_source(self, side: Side) -> tuple[CompiledRule, ...]:
        return self._by_side[side]

    def keeps(self, side: Side) -> bool:
        """Whether pairs that were in scope stay there though no rule of this direction matches them: it has none, or
        one that cannot be judged now."""
        return side in self._resting or not self._by_side[side]

    def labels(self, side: Side) -> set[str]:
        """Ids of the labels of a side that rules look at."""
        return {part.label_id for rule in self._by_side[side] for part in rule.spec.conditions if part.label_id}

    def fields(self, side: Side) -> set[str]:
        """Keys of the fields of a side that rules look at or set."""
        looked_at = {key for rule in self._by_side[side] for condition in rule.conditions for key in condition.fields}
        acting = (action for rule in self._by_side[side.other] for action in rule.actions)
        return looked_at | {action.subject for action in acting if action.kind is ActionKind.SET}


@dataclass(frozen=True, slots=True)
class Effects:
    """What the actions still have to change on the target; all empty when it is already so."""

    values: Patch = field(default_factory=dict)
    add_labels: frozenset[str] = frozenset()
    remove_labels: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.values or self.add_labels or self.remove_labels)

    def without(self, subjects: Iterable[str]) -> Effects:
        """What is left where others decide about these fields and labels."""
        taken = {*subjects}
        folded = {compare.folded(subject) for subject in taken}
        return Effects(
            {key: value for key, value in self.values.items() if key not in taken},
            frozenset(label for label in self.add_labels if compare.folded(label) not in folded),
            frozenset(label for label in self.remove_labels if compare.folded(label) not in folded),
        )


# ---- running ------------------------------------------------------------------------------------------------------


def effects(rules: Sequence[CompiledRule], values: Values, labels: frozenset[str], undo: bool = False) -> Effects:
    """Of two rules that disagree the first one decides. With `undo`, the actions of rules that say so are taken back:
    labels as before, a field cleared if it still holds what the rule set."""
    patch: Patch = {}
    wanted: dict[str, bool] = {}
    names: dict[str, str] = {}
    decided: set[str] = set()
    for rule in rules:
        if undo and not rule.spec.undo:
            continue
        for action in rule.actions:
            if action.kind is not ActionKind.SET:
                key = compare.folded(action.subject)
                names.setdefault(key, action.subject)
                wanted.setdefault(key, (action.kind is ActionKind.ADD_LABEL) is not undo)
            elif action.subject not in decided:
                decided.add(action.subject)
                patch.update(_unset(action, values) if undo else _set(action, values))
    held = {compare.folded(label): label for label in labels}
    return Effects(
        patch,
        frozenset(names[key] for key, on in wanted.items() if on and key not in held),
        frozenset(held[key] for key, on in wanted.items() if not on and key in held),
    )


def _set(action: CompiledAction, values: Values) -> Patch:
    old = values.get(action.subject)
    wanted = action.normal(action.value)
    if any(action.normal(value) == wanted for value in plain_values(old)):
        return {}
    target = action.field
    if target is None or not adds(target):
        return {action.subject: action.value}
    if not target.is_list:
        return {action.subject: sorted({*(old or ()), action.value})}
    elements = list(old or ())
    if target.multiple is not None and len(elements) >= target.multiple:
        return {}  # no room: nobody's value is pushed out by a rule
    return {action.subject: [*elements, {"value": action.value}]}


def _unset(action: CompiledAction, values: Values) -> Patch:
    old = values.get(action.subject)
    wanted = action.normal(action.value)
    if not any(action.normal(value) == wanted for value in plain_values(old)):
        return {}
    if not isinstance(old, list | tuple):
        return {action.subject: None}
    rest = [part for part in old if action.normal(plain_value(part)) != wanted]
    return {action.subject: rest or None}


# ---- compiling ----------------------------------------------------------------------------------------------------


def compile_rules(
    specs: Sequence[RuleSpec],
    a: Catalogue,
    b: Catalogue,
    region: str,
    listed: Listed = NOT_ASKED,
) -> RuleSet:
    """The enabled rules by side of their source, mirrors expanded. A rule with a condition that cannot be judged rests;
    an action that cannot be done is left out."""
    making = _Making({side: Ground(each, region, listed[side]) for side, each in ((Side.A, a), (Side.B, b))})
    for spec in specs:
        if spec.enabled:
            making.take(spec)
    rules = {side: tuple(rules) for side, rules in making.rules.items()}
    return RuleSet(rules, making.problems, making.resting)


class _Making:
    def __init__(self, grounds: Mapping[Side, Ground]) -> None:
        self.grounds = grounds
        self.rules: dict[Side, list[CompiledRule]] = {Side.A: [], Side.B: []}
        self.problems: list[RuleProblem] = []
        self.resting: set[Side] = set()

    def take(self, spec: RuleSpec) -> None:
        source = source_of(spec)
        self._add(spec, spec.id, source)
        if spec.mirror:
            try:
                twin = mirrored(spec, self.grounds[source].catalogue, self.grounds[source.other].catalogue)
            except RuleError as error:
                self._rests(spec, source.other, str(error))
            else:
                self._add(twin, spec.id + MIRRORED, source.other)

    def _rests(self, spec: RuleSpec, source: Side, reason: str) -> None:
        self.problems.append(RuleProblem(spec.name, reason, True, Direction.away_from(source)))
        self.resting.add(source)

    def _add(self, spec: RuleSpec, id: str, source: Side) -> None:
        try:
            conditions = tuple(compile_condition(part, self.grounds[source]) for part in spec.conditions)
        except RuleError as error:
            self._rests(spec, source, str(error))
            return
        actions = []
        for part in spec.actions:
            try:
                actions.append(_action(part, self.grounds[source.other]))
            except RuleError as error:
                self.problems.append(RuleProblem(spec.name, str(error), False, spec.direction))
        self.rules[source].append(CompiledRule(spec, id, spec.name, conditions, tuple(actions)))


def source_of(spec: RuleSpec) -> Side:
    return Side.A if spec.direction is Direction.A_TO_B else Side.B


def mirrored(spec: RuleSpec, source: Catalogue, target: Catalogue) -> RuleSpec:
    """The same rule the other way round: fields by their meaning, labels by their name."""

    def turn(key: str, here: Catalogue, there: Catalogue) -> str:
        found = here.by_key.get(key)
        twin = there.by_meaning.get(found.meaning) if found and found.meaning else None
        if twin is None:
            raise RuleError(
                f"it cannot be mirrored: the other app has no field that means “{key}”; "
                "make a second rule for the other direction instead"
            )
        return twin.key

    conditions = tuple(
        replace(part, subject=turn(part.subject, source, target), label_id="")
        if part.kind is ConditionKind.FIELD
        else replace(part, label_id="")
        for part in spec.conditions
    )
    actions = tuple(
        replace(part, subject=turn(part.subject, target, source), label_id="")
        if part.kind is ActionKind.SET
        else replace(part, label_id="")
        for part in spec.actions
    )
    away = Direction.B_TO_A if spec.direction is Direction.A_TO_B else Direction.A_TO_B
    return replace(spec, direction=away, conditions=conditions, actions=actions)


def sentence_of(action: ActionSpec, target: Catalogue) -> str:
    if action.kind is not ActionKind.SET:
        verb = "add it to" if action.kind is ActionKind.ADD_LABEL else "remove it from"
        return f"{verb} “{action.subject}”"
    found = target.by_key.get(action.subject)
    value = action.value if found is None else shown_value(action.value, found)
    return f"set {found.label if found else action.subject} to “{value}”"


def _action(action: ActionSpec, target: Ground) -> CompiledAction:
    if action.kind is not ActionKind.SET:
        return CompiledAction(action.kind, label_of(action.subject, action.label_id, target.labels))
    found = field_of(action.subject, target.catalogue)
    if found.read_only:
        raise RuleError(f"“{found.label}” cannot be set, the app keeps it read-only")
    if found.reason:
        raise RuleError(f"“{found.label}” cannot be set: {found.reason}")
    try:
        value = fit(action.value, found)
    except Refused as refused:
        raise RuleError(f"“{found.label}” cannot be set to this value: {refused}") from None
    return CompiledAction(action.kind, found.key, value, found, compare.normal_form(target.region, found))


def adds(field: Field) -> bool:
    """Whether setting the field adds to what it holds, so that several may do it."""
    return field.is_list or field.type is FieldType.OPTIONS
