"""What is in scope and what is done to it: rules checked against both catalogues and made ready to run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Field, FieldType, Value, Values
from syncrules import compare
from syncrules.catalogue import Catalogue
from syncrules.fitting import Refused, fit
from syncrules.lenses import Patch
from syncrules.specs import ActionKind, ActionSpec, ConditionKind, ConditionSpec, Direction, Operator, RuleSpec, Side

MIRRORED = "~"  # ends the id of the other half of a mirrored rule


class RuleError(ValueError):
    """A rule that cannot work: which entry of which rule, and what could be done instead."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule looks at: a record of its source side. `labels`: ids or names."""

    values: Values
    labels: frozenset[str] = frozenset()
    exists_in_other: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    sentence: str
    holds: Callable[[Facts], bool]


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

    def matches(self, facts: Facts) -> bool:
        return all(condition.holds(facts) for condition in self.conditions)

    def explain(self, facts: Facts) -> tuple[tuple[str, bool], ...]:
        """Each condition as a sentence, and whether it holds."""
        if not self.conditions:
            return (("every contact", True),)
        return tuple((condition.sentence, condition.holds(facts)) for condition in self.conditions)


class RuleSet:
    __slots__ = ("_by_side",)

    def __init__(self, by_side: dict[Side, tuple[CompiledRule, ...]]) -> None:
        self._by_side = by_side

    def for_source(self, side: Side) -> tuple[CompiledRule, ...]:
        return self._by_side[side]


@dataclass(frozen=True, slots=True)
class Effects:
    """What the actions still have to change on the target; all empty when it is already so."""

    values: Patch = field(default_factory=dict)
    add_labels: frozenset[str] = frozenset()
    remove_labels: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.values or self.add_labels or self.remove_labels)


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
    if any(action.normal(value) == wanted for value in _each(old)):
        return {}
    target = action.field
    if target is None or not (target.is_list or target.type is FieldType.OPTIONS):
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
    if not any(action.normal(value) == wanted for value in _each(old)):
        return {}
    if not isinstance(old, list | tuple):
        return {action.subject: None}
    rest = [part for part in old if action.normal(_plain(part)) != wanted]
    return {action.subject: rest or None}


def _each(value: Value) -> tuple[Any, ...]:
    """The plain values in a field's value."""
    if value is None or value == "":
        return ()
    if isinstance(value, list | tuple):
        return tuple(_plain(part) for part in value)
    return (value,)


def _plain(part: Any) -> Any:
    return part["value"] if isinstance(part, dict) else part


# ---- compiling ----------------------------------------------------------------------------------------------------


def compile_rules(specs: Sequence[RuleSpec], a: Catalogue, b: Catalogue, region: str) -> RuleSet:
    """The enabled rules by side of their source, mirrors expanded. Raises RuleError."""
    found: dict[Side, list[CompiledRule]] = {Side.A: [], Side.B: []}
    sides = {Side.A: a, Side.B: b}
    for spec in specs:
        if not spec.enabled:
            continue
        source = Side.A if spec.direction is Direction.A_TO_B else Side.B
        found[source].append(_compile(spec, spec.id, sides[source], sides[source.other], region))
        if spec.mirror:
            twin = _mirrored(spec, sides[source], sides[source.other])
            found[source.other].append(_compile(twin, spec.id + MIRRORED, sides[source.other], sides[source], region))
    return RuleSet({side: tuple(rules) for side, rules in found.items()})


def _compile(spec: RuleSpec, id: str, source: Catalogue, target: Catalogue, region: str) -> CompiledRule:
    return CompiledRule(
        spec,
        id,
        spec.name,
        tuple(_condition(spec, condition, source, region) for condition in spec.conditions),
        tuple(_action(spec, action, target, region) for action in spec.actions),
    )


def _mirrored(spec: RuleSpec, source: Catalogue, target: Catalogue) -> RuleSpec:
    """The same rule the other way round: fields by their meaning, labels by their name."""

    def turn(key: str, here: Catalogue, there: Catalogue) -> str:
        found = here.by_key.get(key)
        twin = there.by_meaning.get(found.meaning) if found and found.meaning else None
        if twin is None:
            raise RuleError(
                f"Rule “{spec.name}” cannot be mirrored: the other app has no field that means “{key}”; "
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


def _field(spec: RuleSpec, key: str, catalogue: Catalogue) -> Field:
    found = catalogue.by_key.get(key)
    if found is None:
        near = difflib.get_close_matches(key, catalogue.by_key, n=1, cutoff=0.5)
        hint = f"; did you mean “{near[0]}”?" if near else ""
        raise RuleError(f"Rule “{spec.name}”: the app has no field “{key}”{hint}")
    return found


def _action(spec: RuleSpec, action: ActionSpec, target: Catalogue, region: str) -> CompiledAction:
    if action.kind is not ActionKind.SET:
        return CompiledAction(action.kind, action.label_id or action.subject)
    found = _field(spec, action.subject, target)
    if found.read_only:
        raise RuleError(f"Rule “{spec.name}”: “{found.label}” cannot be set, the app keeps it read-only")
    try:
        value = fit(action.value, found)
    except Refused as refused:
        raise RuleError(f"Rule “{spec.name}”: “{found.label}” cannot be set to this value: {refused}") from None
    return CompiledAction(action.kind, found.key, value, found, compare.normal_form(region, found))


def _condition(spec: RuleSpec, condition: ConditionSpec, source: Catalogue, region: str) -> CompiledCondition:
    if condition.kind is ConditionKind.LABEL:
        return _label(condition)
    if condition.kind is ConditionKind.EXISTS_IN_OTHER:
        wanted = bool(condition.value)
        sentence = "it already exists in the other app" if wanted else "it does not exist in the other app"
        return CompiledCondition(sentence, lambda facts: facts.exists_in_other is wanted)
    if condition.kind is ConditionKind.WAS_DELETED:
        wanted = bool(condition.value)
        sentence = "it was deleted" if wanted else "it was not deleted"
        return CompiledCondition(sentence, lambda facts: facts.deleted is wanted)
    return _comparison(spec, condition, _field(spec, condition.subject, source), region)


def _label(condition: ConditionSpec) -> CompiledCondition:
    label = compare.folded(condition.label_id or condition.subject)
    wanted = bool(condition.value)

    def holds(facts: Facts) -> bool:
        return any(compare.folded(held) == label for held in facts.labels) is wanted

    return CompiledCondition(f"it is {'in' if wanted else 'not in'} “{condition.subject}”", holds)


_WORDS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.CONTAINS: "contains",
    Operator.STARTS: "starts with",
    Operator.BEFORE: "is before",
    Operator.AFTER: "is after",
    Operator.GREATER: "is greater than",
    Operator.LESS: "is less than",
    Operator.ONE_OF: "is one of",
}


def _comparison(spec: RuleSpec, condition: ConditionSpec, of: Field, region: str) -> CompiledCondition:
    test = _test(spec, condition, of, region)
    key = of.key
    return CompiledCondition(_sentence(condition, of), lambda facts: test(_each(facts.values.get(key))))


def _sentence(condition: ConditionSpec, of: Field) -> str:
    operator, value = condition.operator, condition.value
    if operator is Operator.EMPTY or value == "":
        empty = value is True or (value == "" and operator is Operator.IS)
        return f"{of.label} is {'empty' if empty else 'not empty'}"
    shown = ", ".join(f"“{part}”" for part in value) if operator is Operator.ONE_OF else f"“{value}”"
    return f"{of.label} {_WORDS[operator]} {shown}"


Test = Callable[[tuple[Any, ...]], bool]


def _test(spec: RuleSpec, condition: ConditionSpec, of: Field, region: str) -> Test:
    """A test over the plain values of the field; of a list any element may fulfil it."""
    operator, wanted = condition.operator, condition.value
    if operator is Operator.EMPTY:
        return lambda values: (not values) is wanted
    if wanted == "" and operator in (Operator.IS, Operator.IS_NOT):
        return lambda values: (not values) is (operator is Operator.IS)
    normal = _normal(of, region)
    if operator in (Operator.IS, Operator.IS_NOT, Operator.ONE_OF):
        parts = wanted if operator is Operator.ONE_OF else (wanted,)
        forms = frozenset(form for part in parts for form in _meant(part, of, normal))
        inside = operator is not Operator.IS_NOT
        return lambda values: any(normal(value) in forms for value in values) is inside
    if operator in (Operator.CONTAINS, Operator.STARTS):
        part = compare.folded(wanted)
        if operator is Operator.CONTAINS:
            return lambda values: any(part in compare.folded(value) for value in values)
        return lambda values: any(compare.folded(value).startswith(part) for value in values)
    if operator in (Operator.BEFORE, Operator.AFTER):
        return _dated(spec, of, str(wanted), operator is Operator.BEFORE)
    return _counted(float(wanted), operator is Operator.LESS)


def _normal(of: Field, region: str) -> compare.Normal:
    """As for mappings, but people who write rules do not mind the case."""
    normal = compare.normal_form(region, of)
    return compare.folded if normal in (compare.text, compare.lines) else normal


def _meant(wanted: Any, of: Field, normal: compare.Normal) -> list[Hashable]:
    """The forms a person may mean: an option by its value or by its label."""
    form = normal(wanted)
    return [form, *(normal(option) for option, label in of.options if normal(label) == form)]


def _dated(spec: RuleSpec, of: Field, wanted: str, before: bool) -> Test:
    if of.type not in (FieldType.DATE, FieldType.DATETIME):
        raise RuleError(f"Rule “{spec.name}”: “{of.label}” is no date; before and after compare dates only")
    limit = compare.date(wanted)
    if len(limit) != 10 or limit[4] != "-":
        raise RuleError(f"Rule “{spec.name}”: “{of.label}” is compared with a date such as 2024-12-31")

    def test(values: tuple[Any, ...]) -> bool:
        days = [compare.date(value) for value in values]
        return any(not day.startswith("-") and (day < limit if before else day > limit) for day in days)

    return test


def _counted(limit: float, less: bool) -> Test:
    def test(values: tuple[Any, ...]) -> bool:
        numbers = [number for value in values if isinstance(number := compare.number(value), float)]
        return any(number < limit if less else number > limit for number in numbers)

    return test
