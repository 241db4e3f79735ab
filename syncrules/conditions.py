"""Conditions of rules, checked against the catalogue of their side and made ready to run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Any

from connectors.base import Field, FieldType, Value, Values
from syncrules import compare
from syncrules.catalogue import OPT_OUT, Catalogue
from syncrules.specs import ConditionKind, ConditionSpec, Operator


class RuleError(ValueError):
    """A part of a rule that cannot work; the text says why and what could be done instead."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule looks at: a record of its source side. `labels`: ids or names. `brought_in`: the record exists in the
    other app because this very rule brought it there."""

    values: Values
    labels: frozenset[str] = frozenset()
    exists_in_other: bool = False
    deleted: bool = False
    brought_in: bool = False


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """`fields`: keys of the fields that it looks at."""

    sentence: str
    holds: Callable[[Facts], bool]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What conditions of a side are checked against. `labels`: ids of the labels that the app listed last, None where
    it was not asked."""

    catalogue: Catalogue
    region: str
    labels: Collection[str] | None = None


def compile_condition(condition: ConditionSpec, ground: Ground) -> CompiledCondition:
    """Raises RuleError."""
    if condition.kind is ConditionKind.LABEL:
        return _label(condition, ground)
    wanted = bool(condition.value)
    if condition.kind is ConditionKind.EXISTS_IN_OTHER:
        sentence = "it already exists in the other app" if wanted else "it does not exist in the other app"
        if wanted:
            return CompiledCondition(sentence, lambda facts: facts.exists_in_other)
        return CompiledCondition(sentence, lambda facts: not facts.exists_in_other or facts.brought_in)
    if condition.kind is ConditionKind.WAS_DELETED:
        sentence = "it was deleted" if wanted else "it was not deleted"
        return CompiledCondition(sentence, lambda facts: facts.deleted is wanted)
    if condition.kind is ConditionKind.OPTED_OUT:
        return _opted_out(wanted, ground.catalogue)
    return _comparison(condition, field_of(condition.subject, ground.catalogue), ground.region)


def field_of(key: str, catalogue: Catalogue) -> Field:
    found = catalogue.by_key.get(key)
    if found is None:
        near = difflib.get_close_matches(key, catalogue.by_key, n=1, cutoff=0.5)
        hint = f"; did you mean “{near[0]}”?" if near else ""
        raise RuleError(f"the app has no field “{key}”{hint}")
    return found


def label_of(name: str, label_id: str, labels: Collection[str] | None) -> str:
    """What finds the label on records. Raises RuleError for one that was deleted; a label whose name is its id exists
    by being used, so it cannot be."""
    if label_id and label_id != name and labels is not None and label_id not in labels:
        raise RuleError(f"the label “{name}” does not exist in the app any more; choose another one")
    return label_id or name


def _label(condition: ConditionSpec, ground: Ground) -> CompiledCondition:
    label = compare.folded(label_of(condition.subject, condition.label_id, ground.labels))
    wanted = bool(condition.value)

    def holds(facts: Facts) -> bool:
        return any(compare.folded(held) == label for held in facts.labels) is wanted

    return CompiledCondition(f"it is {'in' if wanted else 'not in'} “{condition.subject}”", holds)


def opt_out_fields(catalogue: Catalogue) -> list[Field]:
    return [field for field in catalogue if field.meaning.startswith(OPT_OUT) and not field.reason]


def _opted_out(wanted: bool, catalogue: Catalogue) -> CompiledCondition:
    fields = opt_out_fields(catalogue)
    if not fields:
        raise RuleError("the app has no field that says whether somebody has opted out")
    keys = tuple(field.key for field in fields)
    names = ", ".join(field.label for field in fields)
    sentence = f"it has opted out ({names})" if wanted else f"it has not opted out ({names})"

    def holds(facts: Facts) -> bool:
        return any(compare.boolean(facts.values.get(key)) is True for key in keys) is wanted

    return CompiledCondition(sentence, holds, keys)


def plain_values(value: Value) -> tuple[Any, ...]:
    """The plain values in a field's value."""
    if value is None or value == "":
        return ()
    if isinstance(value, list | tuple):
        return tuple(plain_value(part) for part in value)
    return (value,)


def shown_value(value: Any, of: Field) -> str:
    """An option by its label, a truth value by yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return next((label for option, label in of.options if option == value), str(value))


def plain_value(part: Any) -> Any:
    return part["value"] if isinstance(part, dict) else part


# ---- comparisons of fields ----------------------------------------------------------------------------------------


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


def _comparison(condition: ConditionSpec, of: Field, region: str) -> CompiledCondition:
    test = _test(condition, of, region)
    key = of.key
    return CompiledCondition(_sentence(condition, of), lambda facts: test(plain_values(facts.values.get(key))), (key,))


def _sentence(condition: ConditionSpec, of: Field) -> str:
    operator, value = condition.operator, condition.value
    if operator is Operator.EMPTY or value == "":
        empty = value is True or (value == "" and operator is Operator.IS)
        return f"{of.label} is {'empty' if empty else 'not empty'}"
    parts = value if operator is Operator.ONE_OF else (value,)
    shown = ", ".join(f"“{shown_value(part, of)}”" for part in parts)
    return f"{of.label} {_WORDS[operator]} {shown}"


Test = Callable[[tuple[Any, ...]], bool]


def _test(condition: ConditionSpec, of: Field, region: str) -> Test:
    """A test over the plain values of the field; of a list any element may fulfil it."""
    operator, wanted = condition.operator, condition.value
    if operator is Operator.EMPTY:
        return lambda values: (not values) is wanted
    if wanted == "" and operator in (Operator.IS, Operator.IS_NOT):
        return lambda values: (not values) is (operator is Operator.IS)
    normal = _normal(of, region)
    if operator in (Operator.IS, Operator.IS_NOT, Operator.ONE_OF):
        parts = wanted if operator is Operator.ONE_OF else (wanted,)
        _refuse_unknown_options(parts, of)
        forms = frozenset(form for part in parts for form in _meant(part, of, normal))
        inside = operator is not Operator.IS_NOT
        return lambda values: any(normal(value) in forms for value in values) is inside
    if operator in (Operator.CONTAINS, Operator.STARTS):
        part = compare.folded(wanted)
        if operator is Operator.CONTAINS:
            return lambda values: any(part in compare.folded(value) for value in values)
        return lambda values: any(compare.folded(value).startswith(part) for value in values)
    if operator in (Operator.BEFORE, Operator.AFTER):
        return _dated(of, str(wanted), operator is Operator.BEFORE)
    return _counted(float(wanted), operator is Operator.LESS)


def _normal(of: Field, region: str) -> compare.Normal:
    """As for mappings, but people who write rules do not mind the case."""
    normal = compare.normal_form(region, of)
    return compare.folded if normal in (compare.text, compare.lines) else normal


def _meant(wanted: Any, of: Field, normal: compare.Normal) -> list[Hashable]:
    """The forms a person may mean: an option by its value or by its label."""
    form = normal(wanted)
    return [form, *(normal(option) for option, label in of.options if normal(label) == form)]


def _refuse_unknown_options(parts: Collection[Any], of: Field) -> None:
    if not of.options:
        return
    offered = {compare.folded(text) for option in of.options for text in option}
    for part in parts:
        if compare.folded(part) not in offered:
            raise RuleError(f"“{of.label}” does not offer “{part}”; choose one of its options")


def _dated(of: Field, wanted: str, before: bool) -> Test:
    if of.type not in (FieldType.DATE, FieldType.DATETIME):
        raise RuleError(f"“{of.label}” is no date; before and after compare dates only")
    limit = compare.date(wanted)
    if len(limit) != 10 or limit[4] != "-":
        raise RuleError(f"“{of.label}” is compared with a date such as 2024-12-31")

    def test(values: tuple[Any, ...]) -> bool:
        days = [compare.date(value) for value in values]
        return any(not day.startswith("-") and (day < limit if before else day > limit) for day in days)

    return test


def _counted(limit: float, less: bool) -> Test:
    def test(values: tuple[Any, ...]) -> bool:
        numbers = [number for value in values if isinstance(number := compare.number(value), float)]
        return any(number < limit if less else number > limit for number in numbers)

    return test
