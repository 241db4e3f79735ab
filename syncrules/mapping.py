"""A line of the mapping table, checked against both catalogues and made ready to run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import Field, FieldType, Value, Values
from syncrules import compare, names
from syncrules.catalogue import OPT_OUT, Catalogue
from syncrules.compatible import NAMES, is_set, refusal
from syncrules.lenses import FieldLens, Lens, LinesLens, ListLens, NameLens, Patch, PatternLens, StyledNameLens, refit
from syncrules.specs import MappingSpec, Side
from syncrules.translating import translation

Base = Mapping[str, Value | None]

LINES = ("po_box", "extended", "street")
_TEXTS = frozenset({FieldType.TEXT, FieldType.MULTILINE, FieldType.OPTION})


class MappingError(ValueError):
    """A mapping that cannot work: what is wrong with which field, and what could be done instead."""


def _says_opted_out(fields: Sequence[Field]) -> bool:
    return len(fields) == 1 and fields[0].meaning.startswith(OPT_OUT)


class CompiledMapping:
    """A pair of lenses. The shared value is a plain value, a list of elements for lists, None (or []) when unset."""

    __slots__ = (
        "a_keys",
        "b_keys",
        "enabled",
        "fields",
        "follows",
        "lens_a",
        "lens_b",
        "match_key",
        "name",
        "normal",
        "opts_out",
        "spec",
        "to_a",
        "to_b",
    )

    def __init__(self, spec: MappingSpec, lens_a: Lens, lens_b: Lens, normal: compare.Normal) -> None:
        self.spec = spec
        self.name = spec.name
        self.enabled = spec.enabled
        self.lens_a = lens_a
        self.lens_b = lens_b
        self.normal = normal
        self.a_keys = tuple(field.key for field in lens_a.fields)
        self.b_keys = tuple(field.key for field in lens_b.fields)
        self.to_b = spec.direction.carries(Side.A) and not any(field.read_only for field in lens_b.fields)
        self.to_a = spec.direction.carries(Side.B) and not any(field.read_only for field in lens_a.fields)
        fields = (*lens_a.fields, *lens_b.fields)
        self.match_key = any(field.meaning == "email" for field in fields)
        self.opts_out = all(_says_opted_out(lens.fields) for lens in (lens_a, lens_b))
        self.fields = {Side.A: lens_a.fields, Side.B: lens_b.fields}
        self.follows = False  # whether it carries on what another line writes; the table knows

    def get_a(self, values: Values) -> Any:
        return self.lens_a.get(values)

    def get_b(self, values: Values) -> Any:
        return self.lens_b.get(values)

    def put_a(self, shared: Any, values: Values) -> Patch:
        return self.lens_a.put(shared, values)

    def put_b(self, shared: Any, values: Values) -> Patch:
        return self.lens_b.put(shared, values)

    def lens(self, side: Side) -> Lens:
        return self.lens_a if side is Side.A else self.lens_b

    def doubt(self, side: Side, shared: Any, values: Values) -> str:
        """Why a person should look at what this side takes of a value; empty for no reason."""
        lens = self.lens(side)
        return names.UNTOLD if isinstance(lens, NameLens) and not lens.is_sure(shared, values) else ""

    def keys(self, side: Side) -> tuple[str, ...]:
        return self.a_keys if side is Side.A else self.b_keys

    def writes(self, side: Side) -> bool:
        """Whether the line lets values flow to this side."""
        return self.to_a if side is Side.A else self.to_b


class ScalarMapping(CompiledMapping):
    """One value on each side, possibly made of several fields."""

    __slots__ = ()


class ListMapping(CompiledMapping):
    """A set of elements on at least one side."""

    __slots__ = ("set_a", "set_b")

    def __init__(self, spec: MappingSpec, lens_a: ListLens, lens_b: ListLens, normal: compare.Normal) -> None:
        super().__init__(spec, lens_a, lens_b, normal)
        self.set_a = lens_a
        self.set_b = lens_b


class FullNameLens:
    """A full name beside its parts. A name that the parts explain is derived and counts as unset."""

    __slots__ = ("fields", "key", "parts")

    def __init__(self, field: Field, catalogue: Catalogue) -> None:
        self.fields: tuple[Field, ...] = (field,)
        self.key = field.key
        self.parts = {
            part: catalogue.by_meaning[f"name.{part}"].key
            for part in (*names.PARTS, "nickname")
            if f"name.{part}" in catalogue.by_meaning
        }

    def named(self, values: Values) -> dict[str, Any]:
        return {part: values[key] for part, key in self.parts.items() if values.get(key)}

    def derived(self, values: Values) -> bool:
        full = values.get(self.key)
        return full is not None and names.explains(self.named(values), full)

    def get(self, values: Values) -> Any:
        return None if self.derived(values) else values.get(self.key)

    def put(self, shared: Any, values: Values) -> Patch:
        """Nothing is done for an unset value: the name that the parts make is the app's own."""
        old = values.get(self.key)
        if shared is None or (old is not None and compare.text(old) == compare.text(shared)):
            return {}
        return {self.key: refit(shared, self.fields[0])}


class FullNameMapping(CompiledMapping):
    """Full names of two sides that both hold the parts too."""

    __slots__ = ("full_a", "full_b")

    def __init__(self, spec: MappingSpec, a: FullNameLens, b: FullNameLens) -> None:
        super().__init__(spec, a, b, compare.text)
        self.full_a = a
        self.full_b = b


# ---- compiling ----------------------------------------------------------------------------------------------------


def compile_mapping(spec: MappingSpec, a: Catalogue, b: Catalogue, region: str) -> CompiledMapping:
    """Raises MappingError. `region`: ISO 3166, for phone numbers without a country."""
    left = [_find(spec, key, a, "a") for key in spec.a]
    right = [_find(spec, key, b, "b") for key in spec.b]
    if len(left) > 1 or len(right) > 1:
        return _compile_joined(spec, left, right)
    first, second = left[0], right[0]
    if spec.pattern:
        raise MappingError("A pattern joins several fields; name two or more on one side")
    if reason := refusal(first, second, a, b):
        raise MappingError(reason)
    if first.meaning == second.meaning == "name.full" and _has_parts(a) and _has_parts(b):
        return FullNameMapping(spec, FullNameLens(first, a), FullNameLens(second, b))
    normal = compare.normal_form(region, first, second)
    try:
        table = translation(spec, first, second, normal)
    except ValueError as error:
        raise MappingError(str(error)) from None
    if table is not None:
        normal = table.normal
    here, there = (table.a, table.b) if table else (None, None)
    if is_set(first) or is_set(second):
        return ListMapping(spec, ListLens(first, normal, here), ListLens(second, normal, there), normal)
    return ScalarMapping(spec, FieldLens(first, normal, here), FieldLens(second, normal, there), normal)


def _find(spec: MappingSpec, key: str, catalogue: Catalogue, side: str) -> Field:
    field = catalogue.by_key.get(key)
    if field is None:
        near = difflib.get_close_matches(key, catalogue.by_key, n=1, cutoff=0.5)
        hint = f"; did you mean “{near[0]}”?" if near else "; choose one of the fields of this side"
        raise MappingError(f"Side {side} has no field “{key}”{hint}")
    if field.reason:
        raise MappingError(f"“{field.label}” on side {side} cannot be mapped: {field.reason}")
    return field


def _has_parts(catalogue: Catalogue) -> bool:
    return "name.given" in catalogue.by_meaning or "name.family" in catalogue.by_meaning


def _compile_joined(spec: MappingSpec, left: Sequence[Field], right: Sequence[Field]) -> CompiledMapping:
    if several := [field for field in (*left, *right) if is_set(field)]:
        raise MappingError(
            f"A field with several values cannot be joined; map “{several[0].label}” on a line of its own"
        )
    if len(left) > 1 and len(right) > 1:
        raise MappingError("Several fields can be joined on one side only; map the parts one to one")
    if spec.values:
        raise MappingError("A value table belongs to one field on each side; joined fields have none")
    (whole,) = left if len(left) == 1 else right
    if whole.type not in _TEXTS:
        raise MappingError(
            f"Joined fields make a text, and “{whole.label}” holds a {NAMES[whole.type]}; choose a text field for them"
        )
    named = any(field.meaning.startswith("name.") for field in (*left, *right)) and not spec.pattern
    normal = names.plain if named else compare.text
    return ScalarMapping(spec, _joined_lens(spec, left, normal), _joined_lens(spec, right, normal), normal)


def _joined_lens(spec: MappingSpec, fields: Sequence[Field], normal: compare.Normal) -> Lens:
    if len(fields) == 1:
        return (StyledNameLens if normal is names.plain else FieldLens)(fields[0], normal)
    if spec.pattern:
        try:
            return PatternLens(fields, spec.pattern)
        except ValueError as error:
            raise MappingError(str(error)) from None
    meanings = [field.meaning for field in fields]
    if all(meaning.removeprefix("name.") in names.PARTS for meaning in meanings):
        return NameLens(fields)
    parts = [meaning.rpartition(".")[2] for meaning in meanings]
    if all(meaning.startswith("address.") for meaning in meanings) and set(parts) <= set(LINES):
        return LinesLens(sorted(fields, key=lambda field: LINES.index(field.meaning.rpartition(".")[2])))
    return PatternLens(fields, " ".join(f"{{{number}}}" for number in range(len(fields))))
