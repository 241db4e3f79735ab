"""The default mappings between all pairs of apps, as a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from connectors.base import App, Field
from connectors.optoutlabel import standard_fields
from connectors.registry import apps
from syncrules.catalogue import Catalogue
from syncrules.defaults import default_mappings
from syncrules.specs import Direction

ARROWS = {Direction.BOTH: "↔", Direction.A_TO_B: "→", Direction.B_TO_A: "←"}
INTRODUCTION = """# Default mappings

What a new connection maps by itself: fields that mean the same in both apps. An account's own fields can add lines.
Made by `manage.py default_mappings`.
"""


def tables() -> str:
    """Markdown, one table for each two kinds of folder of different apps."""
    kinds = [(app.key, name, fields) for app in apps().values() for name, fields in standard_fields(app).items()]
    pairs = [(left, right) for left, right in combinations(kinds, 2) if left[0] != right[0]]
    return "\n".join([INTRODUCTION, *(_table(a, left, b, right) for (_, a, left), (_, b, right) in pairs)])


@dataclass(frozen=True, slots=True)
class Pairing:
    """What two kinds of folder map by themselves. `rows`: labels of one side, arrow, labels of the other side."""

    a: str
    b: str
    rows: Sequence[tuple[str, str, str]]


def between(app: App, other: App) -> list[Pairing]:
    """For each kind of folder of the one with each of the other."""
    return [
        Pairing(name_a, name_b, list(_rows(fields_a, fields_b, _labels)))
        for name_a, fields_a in standard_fields(app).items()
        for name_b, fields_b in standard_fields(other).items()
    ]


def _rows(
    fields_a: Iterable[Field], fields_b: Iterable[Field], named: Callable[[Catalogue, Iterable[str]], str]
) -> Iterator[tuple[str, str, str]]:
    a, b = Catalogue(tuple(fields_a)), Catalogue(tuple(fields_b))
    for line in default_mappings(a, b):
        yield named(a, line.a), ARROWS[line.direction], named(b, line.b)


def _table(name_a: str, fields_a: Iterable[Field], name_b: str, fields_b: Iterable[Field]) -> str:
    rows = [f"| {left} | {arrow} | {right} |" for left, arrow, right in _rows(fields_a, fields_b, _named)]
    return "\n".join([f"## {name_a} and {name_b}\n", f"| {name_a} | | {name_b} |", "| --- | --- | --- |", *rows, ""])


def _labels(catalogue: Catalogue, keys: Iterable[str]) -> str:
    return ", ".join(catalogue.by_key[key].label for key in keys)


def _named(catalogue: Catalogue, keys: Iterable[str]) -> str:
    return ", ".join(f"{catalogue.by_key[key].label} (`{key}`)".replace("|", "\\|") for key in keys)
