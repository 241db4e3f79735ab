"""Value tables: which option of one side means which of the other. The shared value is that of side A.

An option may stand in several lines of a table, as long as its partners stand in no other: then the first line says
what is written, and what has the same meaning is never rewritten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import Field, FieldType
from syncrules import compare
from syncrules.fitting import Refused, as_text
from syncrules.specs import MappingSpec

CHOICES = frozenset({FieldType.OPTION, FieldType.OPTIONS, FieldType.BOOLEAN})
OWNER = "owner"  # a field of this meaning offers people: (id, a text that holds their email)
_EMAIL = re.compile(r"[^\s<>()\[\],;:]+@[^\s<>()\[\],;:]+")
_BOOLEANS = (("true", "yes"), ("false", "no"))

Couples = list[tuple[str, str]]


def option_key(value: Any) -> str:
    return compare.folded(as_text(value))


@dataclass(frozen=True, slots=True)
class Reading:
    """How one side's values become the shared ones and back. `only`: nothing but what stands in the table crosses."""

    inward: Mapping[str, Any]
    outward: Mapping[str, Any]
    only: bool = False
    doubtful: frozenset[str] = frozenset()  # keys of shared values that could mean several options here

    def shared(self, value: Any) -> Any:
        key = option_key(value)
        return self.inward.get(key, f"unknown:{key}" if self.only else value)

    def own(self, shared: Any) -> Any:
        if option_key(shared) in self.doubtful:
            raise Refused("several people there have the email of this owner")
        found = self.outward.get(option_key(shared))
        if found is None and self.only:
            raise Refused("nobody there has the email of this owner")
        return shared if found is None else found


@dataclass(frozen=True, slots=True)
class Translation:
    a: Reading
    b: Reading
    same: Mapping[str, str]  # key of a shared value -> the one that stands for all with its meaning
    plain: compare.Normal  # of values that the table does not name

    def normal(self, value: Any) -> Hashable:
        found = self.same.get(option_key(value))
        return self.plain(value) if found is None else found


def translation(spec: MappingSpec, first: Field, second: Field, plain: compare.Normal) -> Translation | None:
    """None where values cross as they are. Raises ValueError with what is wrong with the table."""
    lefts, rights = Options(first), Options(second)
    couples = [(lefts.meant(left), rights.meant(right)) for left, right in spec.values]
    _check(couples)
    owners = first.meaning == second.meaning == OWNER and not couples
    if not couples:
        couples = _twins(first, second)
        if not couples and not owners:
            return None
    inward: dict[str, Any] = {}
    outward: dict[str, Any] = {}
    same: dict[str, str] = {}
    for mine, theirs in couples:
        inward.setdefault(option_key(theirs), mine)
        outward.setdefault(option_key(mine), theirs)
        same.setdefault(option_key(mine), option_key(inward[option_key(theirs)]))
    if not owners:
        return Translation(Reading({}, {}), Reading(inward, outward), same, plain)
    own = {option_key(mine): mine for mine, _ in couples}
    several_here, several_there = _shared(theirs for _, theirs in couples), _shared(mine for mine, _ in couples)
    here = frozenset(option_key(mine) for mine, theirs in couples if option_key(theirs) in several_here)
    return Translation(
        Reading(own, own, True, here), Reading(inward, outward, True, frozenset(several_there)), same, plain
    )


def _shared(partners: Iterable[str]) -> set[str]:
    """Keys of options that stand beside several of the other side."""
    return {key for key, count in Counter(map(option_key, partners)).items() if count > 1}


class Options:
    """What a field offers, found by value or by label."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.values = {value for value, _ in _offered(field)}
        self.by_text: dict[str, str] = {}
        for text, value in [
            *((value, value) for value, _ in _offered(field)),
            *((label, value) for value, label in _offered(field)),
        ]:
            self.by_text.setdefault(compare.folded(text), value)

    def meant(self, said: str) -> str:
        """The option's value, where its value or its label was said; else what was said: an option may have gone."""
        if said in self.values:
            return said
        if self.field.type is FieldType.BOOLEAN:
            truth = compare.boolean(said)
            return as_text(truth) if isinstance(truth, bool) else said
        return self.by_text.get(compare.folded(said), said)

    def offers(self, said: str) -> bool:
        """A text takes everything."""
        return not self.values or self.meant(said) in self.values


def vanished(spec: MappingSpec, first: Field, second: Field) -> list[str]:
    """Options of the table that their field does not offer (any more)."""
    sides = ((first, [left for left, _ in spec.values]), (second, [right for _, right in spec.values]))
    return [
        f"“{said}” of “{field.label}”"
        for field, texts in sides
        for options in [Options(field)]
        for said in dict.fromkeys(texts)
        if not options.offers(said)
    ]


def _check(couples: Couples) -> None:
    keys = [(option_key(left), option_key(right)) for left, right in couples]
    lefts, rights = Counter(left for left, _ in set(keys)), Counter(right for _, right in set(keys))
    seen: set[tuple[str, str]] = set()
    for (mine, theirs), (left, right) in zip(couples, keys, strict=True):
        if (left, right) in seen:
            raise ValueError(f"“{mine}” = “{theirs}” stands twice in the value table; leave it once")
        seen.add((left, right))
        if lefts[left] > 1 and rights[right] > 1:
            raise ValueError(
                f"In the value table “{mine}” and “{theirs}” both stand in several lines, so it cannot be told what "
                "goes with what; let one of them stand once"
            )


def _twins(first: Field, second: Field) -> Couples:
    """Without a table, options of equal value or label belong together; owners by their email alone."""
    options = {1: _offered(first), 2: _offered(second)}
    if not (options[1] and options[2]) or not {first.type, second.type} & CHOICES:
        return []
    if first.meaning == second.meaning == OWNER:
        theirs: dict[str, list[str]] = {}
        for value, label in options[2]:
            theirs.setdefault(_email(value, label), []).append(value)
        theirs.pop("", None)
        return [(value, each) for value, label in options[1] for each in theirs.get(_email(value, label), ())]
    if FieldType.BOOLEAN in (first.type, second.type):
        means = {_truth(value, label): value for value, label in reversed(options[2])}
        return [(value, means[truth]) for value, label in options[1] if (truth := _truth(value, label)) in means]
    by_label = {compare.folded(label): value for value, label in reversed(options[2])}
    by_value = {compare.folded(value): value for value, _ in reversed(options[2])}
    found = []
    for value, label in options[1]:
        twin = by_value.get(compare.folded(value)) or by_label.get(compare.folded(label))
        if twin is not None:
            found.append((value, twin))
    return found


def _offered(field: Field) -> tuple[tuple[str, str], ...]:
    return _BOOLEANS if field.type is FieldType.BOOLEAN else field.options


def _email(value: str, label: str) -> str:
    found = _EMAIL.search(label) or _EMAIL.search(value)
    return compare.email(found[0]) if found else ""


def _truth(value: str, label: str) -> bool | str:
    for text in (label, value):
        meant = compare.boolean(text)
        if isinstance(meant, bool):
            return meant
    return f"none:{value}"
