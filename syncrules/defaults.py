"""The mapping table of a new connection, from the meanings of both catalogues alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from connectors.base import Field
from syncrules import names
from syncrules.catalogue import Catalogue
from syncrules.mapping import LINES
from syncrules.specs import Direction, MappingSpec

# Apps make the one themselves, each in another form; a CRM gives every contact the other, be it the user who connected.
_NEVER = frozenset({"name.file_as", "owner"})


def default_mappings(a: Catalogue, b: Catalogue) -> list[MappingSpec]:
    """One line per meaning that both hold; names and streets are joined where only one side has the parts."""
    joined = [spec for spec in (_name(a, b), *_streets(a, b)) if spec]
    taken_a = {key for spec in joined for key in spec.a}
    taken_b = {key for spec in joined for key in spec.b}
    lines = []
    for meaning, left in a.by_meaning.items():
        right = b.by_meaning.get(meaning)
        if right is None or meaning in _NEVER or left.key in taken_a or right.key in taken_b:
            continue
        spec = _line((left,), (right,), left.label)
        if spec and not (left.reason or right.reason):
            lines.append(spec)
    place = {field.key: index for index, field in enumerate(a)}
    return _told_apart(sorted(joined + lines, key=lambda spec: min(place[key] for key in spec.a)))


def _told_apart(lines: list[MappingSpec]) -> list[MappingSpec]:
    """Names identify lines, so where two fields are called the same the keys are added."""
    count = Counter(spec.name for spec in lines)
    return [
        spec if count[spec.name] == 1 else replace(spec, name=f"{spec.name} ({', '.join(spec.a)})") for spec in lines
    ]


def _line(left: tuple[Field, ...], right: tuple[Field, ...], name: str) -> MappingSpec | None:
    locked_a = any(field.read_only for field in left)
    locked_b = any(field.read_only for field in right)
    if locked_a and locked_b:
        return None
    direction = Direction.A_TO_B if locked_a else Direction.B_TO_A if locked_b else Direction.BOTH
    return MappingSpec(
        name, tuple(field.key for field in left), tuple(field.key for field in right), direction=direction
    )


def _name(a: Catalogue, b: Catalogue) -> MappingSpec | None:
    parts = {"a": _parts(a), "b": _parts(b)}
    full = {"a": a.by_meaning.get("name.full"), "b": b.by_meaning.get("name.full")}
    if parts["a"] and not parts["b"] and full["b"]:
        return _line(parts["a"], (full["b"],), full["b"].label)
    if parts["b"] and not parts["a"] and full["a"]:
        return _line((full["a"],), parts["b"], full["a"].label)
    return None


def _parts(catalogue: Catalogue) -> tuple[Field, ...]:
    found = [catalogue.by_meaning.get(f"name.{part}") for part in names.PARTS]
    fields = tuple(field for field in found if field)
    return fields if any(field.meaning in ("name.given", "name.family") for field in fields) else ()


def _streets(a: Catalogue, b: Catalogue) -> list[MappingSpec | None]:
    places = [meaning.split(".")[1] for meaning in a.by_meaning if meaning.startswith("address.")]
    return [_street(a, b, place) for place in dict.fromkeys(places)]


def _street(a: Catalogue, b: Catalogue, place: str) -> MappingSpec | None:
    """What only one side keeps apart goes into the other's street."""
    left, right = _lines(a, place), _lines(b, place)
    more_a = tuple(field for part, field in left.items() if part not in right)
    more_b = tuple(field for part, field in right.items() if part not in left)
    if "street" not in left or "street" not in right or bool(more_a) == bool(more_b):
        return None
    return _line((*more_a, left["street"]), (*more_b, right["street"]), left["street"].label)


def _lines(catalogue: Catalogue, place: str) -> dict[str, Field]:
    found = {part: catalogue.by_meaning.get(f"address.{place}.{part}") for part in LINES}
    return {part: field for part, field in found.items() if field}
