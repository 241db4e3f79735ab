"""Which fields can be mapped to which, and what comes nearest where two cannot."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from connectors.base import Field, FieldType
from syncrules.translating import CHOICES

_DATES = frozenset({FieldType.DATE, FieldType.DATETIME})
_TEXTS = frozenset({FieldType.TEXT, FieldType.MULTILINE})
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.PHONE})
_COUNTED = frozenset({FieldType.NUMBER, FieldType.OPTION})

NAMES = {
    FieldType.TEXT: "text",
    FieldType.MULTILINE: "text of several lines",
    FieldType.EMAIL: "email",
    FieldType.PHONE: "phone number",
    FieldType.URL: "web address",
    FieldType.DATE: "date",
    FieldType.DATETIME: "date and time",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "checkbox",
    FieldType.OPTION: "dropdown",
    FieldType.OPTIONS: "multi-select",
}


def type_name(field: Field) -> str:
    name = NAMES[field.type]
    return f"several {name}s" if field.is_list and not name.startswith("text") else name


def is_set(field: Field) -> bool:
    return field.is_list or field.type is FieldType.OPTIONS


def fits(first: Field, second: Field) -> bool:
    """Whether a value of one can be a value of the other at all; single values may still be refused."""
    kinds = {_kind(first), _kind(second)}
    return (
        len(kinds) == 1
        or bool(kinds & _TEXTS)
        or any(kinds <= together for together in (_DATES, CHOICES, _NUMBERS, _COUNTED))
    )


def _kind(field: Field) -> FieldType:
    """A dropdown that takes anything is a text."""
    return FieldType.TEXT if field.type in (FieldType.OPTION, FieldType.OPTIONS) and not field.options else field.type


def refusal(first: Field, second: Field, firsts: Iterable[Field], seconds: Iterable[Field]) -> str:
    """Why two fields cannot be mapped, and what comes nearest; empty where they can."""
    if fits(first, second):
        return ""
    why = f"“{first.label}” holds a {NAMES[first.type]} and “{second.label}” a {NAMES[second.type]}"
    there, here = nearest(first, second, seconds), nearest(second, first, firsts)
    ways = [f"“{mine.label}” to {_named(other)}" for mine, other in ((first, there), (second, here)) if other]
    return f"{why}; map {' or '.join(ways)}" if ways else f"{why}; no field of the other side fits either of them"


def nearest(field: Field, like: Field, others: Iterable[Field]) -> Field | None:
    """The field that can be mapped to `field` and is most like the one that was asked for."""

    def score(other: Field) -> tuple[bool, bool, float]:
        alike = difflib.SequenceMatcher(None, other.label.casefold(), field.label.casefold()).ratio()
        return other.type is field.type, other.meaning == field.meaning != "", alike

    able = [other for other in others if not other.reason and other.key != like.key and fits(field, other)]
    return max(able, key=score, default=None)


def _named(field: Field) -> str:
    return f"“{field.label}” ({type_name(field)})"


def first_value_note(first: Field, second: Field) -> str:
    """What the first-value rule does between a field of several values and one of a single value; else empty."""
    if is_set(first) == is_set(second) or not (is_set(first) or is_set(second)):
        return ""
    many, one = (first, second) if is_set(first) else (second, first)
    return (
        f"“{one.label}” holds one value: the first of “{many.label}” goes there, and the others stay where they are; "
        f"a changed “{one.label}” takes the place of the first"
    )


def room_note(first: Field, second: Field) -> str:
    """Between two fields of several values of which one has less room."""
    if not (first.is_list and second.is_list) or first.multiple == second.multiple:
        return ""
    small = min(
        (field for field in (first, second) if field.multiple is not None), key=lambda field: field.multiple or 0
    )
    return f"“{small.label}” holds {small.multiple} values; what is more stays on the other side alone"
