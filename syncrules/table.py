"""The mapping table of a connection as a whole: which lines are in force, which cannot work and why, and which fields
no line speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base import Field
from syncrules.catalogue import Catalogue
from syncrules.compatible import first_value_note, room_note
from syncrules.mapping import CompiledMapping, MappingError, compile_mapping
from syncrules.specs import Direction, MappingSpec, Side
from syncrules.translating import vanished

Place = tuple[Side, str]  # a field of a side


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that rests, and why. All the others go on."""

    line: str
    reason: str

    def __str__(self) -> str:
        return f"Mapping “{self.line}” rests: {self.reason}"


@dataclass(frozen=True, slots=True)
class Table:
    mappings: tuple[CompiledMapping, ...]
    problems: tuple[Problem, ...] = ()

    def problem(self, line: str) -> str:
        return next((problem.reason for problem in self.problems if problem.line == line), "")

    def named(self, line: str) -> CompiledMapping | None:
        return next((mapping for mapping in self.mappings if mapping.name == line), None)


def fields_of(spec: MappingSpec) -> str:
    """What identifies a line while it may be named and directed as one likes."""
    return f"{' + '.join(spec.a)} = {' + '.join(spec.b)}"


def digest(spec: MappingSpec) -> str:
    """Of what a line says about values: a line with another one has yet to be compared on all contacts."""
    said = json.dumps([spec.a, spec.b, spec.pattern, sorted(spec.values)])
    return hashlib.blake2b(said.encode(), digest_size=9).hexdigest()


# ---- default lines and own ones


def combined(defaults: Sequence[MappingSpec], own: Sequence[MappingSpec]) -> list[MappingSpec]:
    """Own lines beside the default ones, which give way where both would write the same field. A default line is
    switched off, or done another way, by an own line for the same fields."""
    taken = {fields_of(spec) for spec in own}
    written = {place for spec in own for place in _may_write(spec)}
    names = {spec.name for spec in own}
    left = [spec for spec in defaults if fields_of(spec) not in taken and written.isdisjoint(_may_write(spec))]
    return [*own, *(replace(spec, name=fields_of(spec)) if spec.name in names else spec for spec in left)]


def _may_write(spec: MappingSpec) -> Iterator[Place]:
    if spec.direction.carries(Side.A):
        yield from ((Side.B, key) for key in spec.b)
    if spec.direction.carries(Side.B):
        yield from ((Side.A, key) for key in spec.a)


# ---- compiling


def compile_table(
    specs: Sequence[MappingSpec], a: Catalogue, b: Catalogue, region: str, direction: Direction = Direction.BOTH
) -> Table:
    """The lines that can work, in the order in which they are merged; the others are named with the reason.
    `direction` is the connection's."""
    making = _Making(direction)
    for spec in specs:
        if not spec.enabled:
            continue
        try:
            making.take(compile_mapping(spec, a, b, region))
        except MappingError as error:
            making.problems.append(Problem(spec.name, str(error)))
    return Table(tuple(making.ordered()), tuple(making.problems))


class _Making:
    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.lines: list[CompiledMapping] = []
        self.problems: list[Problem] = []
        self.writers: dict[Place, CompiledMapping] = {}

    def take(self, mapping: CompiledMapping) -> None:
        self._refuse_idle(mapping)
        written = set(self._writes(mapping))
        for place in sorted(written):
            other = self.writers.get(place)
            if other is not None:
                label = next(field.label for field in mapping.fields[place[0]] if field.key == place[1])
                raise MappingError(
                    f"the line “{other.name}” writes “{label}” already; switch one of the two off, or let one of them "
                    "flow the other way only"
                )
        way = self._way_back(mapping, written)
        if way:
            names = " → ".join(f"“{line.name}”" for line in (mapping, *way))
            raise MappingError(
                f"it closes a circle: {names} → “{mapping.name}” would go round for ever; let one line carry the "
                "values both ways, or switch one of them off"
            )
        self.lines.append(mapping)
        self.writers.update(dict.fromkeys(written, mapping))

    def _refuse_idle(self, mapping: CompiledMapping) -> None:
        if mapping.to_a or mapping.to_b:
            return
        targets = [side for side in Side if mapping.spec.direction.carries(side.other)]
        locked = [field.label for side in targets for field in mapping.fields[side] if field.read_only]
        both = all(any(field.read_only for field in mapping.fields[side]) for side in Side)
        cure = "both sides are read-only, so nothing can flow" if both else "let it flow the other way"
        raise MappingError(f"“{locked[0]}” is read-only; {cure}")

    def _writes(self, mapping: CompiledMapping) -> Iterator[Place]:
        for side in Side:
            if mapping.writes(side) and self.direction.carries(side.other):
                yield from ((side, key) for key in mapping.keys(side))

    def _reads(self, mapping: CompiledMapping) -> Iterator[Place]:
        for side in Side:
            if mapping.writes(side.other) and self.direction.carries(side):
                yield from ((side, key) for key in mapping.keys(side))

    def _way_back(self, mapping: CompiledMapping, written: set[Place]) -> list[CompiledMapping]:
        """Lines that carry what this one writes back to what it reads."""
        sources = set(self._reads(mapping))
        waiting: list[tuple[CompiledMapping, list[CompiledMapping]]] = [
            (line, [line]) for line in self.lines if written & set(self._reads(line))
        ]
        seen: set[str] = set()
        while waiting:
            line, way = waiting.pop()
            if line.name in seen:
                continue
            seen.add(line.name)
            carried = set(self._writes(line))
            if carried & sources:
                return way
            waiting += [(after, [*way, after]) for after in self.lines if carried & set(self._reads(after))]
        return []

    def ordered(self) -> list[CompiledMapping]:
        """A line that carries on what another one writes is merged after it."""
        before = {
            line.name: [
                self.writers[place] for place in self._reads(line) if self.writers.get(place) not in (None, line)
            ]
            for line in self.lines
        }
        done: dict[str, CompiledMapping] = {line.name: line for line in self.lines if not before[line.name]}

        def visit(line: CompiledMapping) -> None:
            if line.name not in done:
                for writer in before[line.name]:
                    visit(writer)
                line.follows = True
                done[line.name] = line

        for line in self.lines:
            visit(line)
        return list(done.values())


# ---- what people should know


def notes(mapping: CompiledMapping) -> list[str]:
    """What a line does that its fields do not show at first sight."""
    found = []
    if mapping.spec.direction is Direction.BOTH and not (mapping.to_a and mapping.to_b):
        locked = next(field for side in Side for field in mapping.fields[side] if field.read_only)
        found.append(f"“{locked.label}” is read-only, so values flow one way")
    if len(mapping.a_keys) == len(mapping.b_keys) == 1:
        (first,), (second,) = mapping.fields[Side.A], mapping.fields[Side.B]
        found += [note for note in (first_value_note(first, second), room_note(first, second)) if note]
        if lost := vanished(mapping.spec, first, second):
            shown = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
            found.append(f"not offered any more: {shown}; contacts with such a value keep it, and nothing is written")
    return found


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A field that no line in force speaks of. `mappable`: whether a line for it can be made."""

    side: Side
    field: Field
    reason: str
    mappable: bool


def unmapped(
    a: Catalogue, b: Catalogue, specs: Sequence[MappingSpec], table: Table, names: Mapping[Side, str]
) -> list[Unmapped]:
    """All of them, of both sides in the order of their catalogues. `names`: how people call the sides."""
    carried = {(side, key): mapping.name for mapping in table.mappings for side in Side for key in mapping.keys(side)}
    resting = {
        (side, key): (spec.name, table.problem(spec.name) if spec.enabled else "it is switched off")
        for spec in specs
        if not spec.enabled or table.problem(spec.name)
        for side, keys in ((Side.A, spec.a), (Side.B, spec.b))
        for key in keys
    }
    found = []
    for side, mine, theirs in ((Side.A, a, b), (Side.B, b, a)):
        for field in mine:
            if (side, field.key) not in carried:
                twin = theirs.by_meaning.get(field.meaning) if field.meaning else None
                taken = carried.get((side.other, twin.key), "") if twin else ""
                line = resting.get((side, field.key))
                found.append(_unmapped(side, field, theirs, twin, taken, line, names[side.other]))
    return found


def _unmapped(
    side: Side,
    field: Field,
    theirs: Catalogue,
    twin: Field | None,
    taken: str,
    line: tuple[str, str] | None,
    there: str,
) -> Unmapped:
    """`twin` means the same in the other app; `taken` is the line that carries it, `line` one that rests, and why."""
    if field.reason:
        return Unmapped(side, field, f"not offered by the app: {field.reason}", False)
    if line is not None:
        return Unmapped(side, field, f"its line “{line[0]}” rests: {line[1]}", True)
    open_there = any(not (other.reason or other.read_only) for other in theirs)
    if field.read_only:
        return Unmapped(side, field, f"read-only: it can be carried to {there}, not changed here", open_there)
    if twin is not None and twin.reason:
        return Unmapped(side, field, f"“{twin.label}” of {there} is not offered: {twin.reason}", open_there)
    if twin is not None and taken:
        return Unmapped(side, field, f"“{twin.label}” of {there} means the same; the line “{taken}” has it", True)
    if twin is not None:
        return Unmapped(side, field, f"not on the default mapping; “{twin.label}” of {there} means the same", True)
    return Unmapped(side, field, f"no counterpart: no field of {there} means the same", bool(len(theirs)))
