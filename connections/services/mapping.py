"""The mapping table of a connection as people look at it and change it, line by line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext

from connections.engine import setup
from connections.models import Connection
from connections.services import arranging
from connections.services.arranging import Offer, labels_of
from syncrules.defaults import default_mappings
from syncrules.mapping import CompiledMapping, MappingError, compile_mapping
from syncrules.models import FieldMapping
from syncrules.specs import Direction, MappingSpec, Side
from syncrules.table import Table, Unmapped, combined, compile_table, fields_of, notes, unmapped

ARROWS = {(True, True): "⇄", (True, False): "→", (False, True): "←", (False, False): "–"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table. `id` is made of its fields; `own`: it was written by hand; `problem`: why it rests."""

    id: str
    spec: MappingSpec
    a: str
    b: str
    arrow: str
    own: bool
    problem: str
    notes: Sequence[str]

    @property
    def manner(self) -> str:
        said = {"fill": gettext("fill if blank"), "clear": gettext("clear if empty")}.get(self.spec.mode.value, "")
        extra = [f"{len(self.spec.values)} options translated"] if self.spec.values else []
        return ", ".join(filter(None, [said, self.spec.pattern, *extra]))


@dataclass(frozen=True, slots=True)
class Overview:
    lines: Sequence[Line]
    unmapped: Mapping[str, Sequence[Unmapped]]

    @property
    def at_work(self) -> int:
        return sum(line.spec.enabled and not line.problem for line in self.lines)


class Editor:
    """The table of one connection, with the catalogues as they are known now."""

    def __init__(
        self, connection: Connection, given: Offer | None = None, own: Sequence[MappingSpec] | None = None
    ) -> None:
        """`own`: lines of a connection that is not stored yet."""
        self.connection = connection
        self.given = given or arranging.offer(connection)
        self.a, self.b = self.given.a.catalogue, self.given.b.catalogue
        self.own = setup.own_specs(connection) if own is None else list(own)
        self.defaults = default_mappings(self.a, self.b) if connection.default_mappings else []
        self.specs = combined(self.defaults, self.own)

    def _table(self, own: Sequence[MappingSpec]) -> Table:
        direction = Direction(self.connection.direction)
        return compile_table(combined(self.defaults, own), self.a, self.b, self.given.region, direction)

    def overview(self) -> Overview:
        table = self._table(self.own)
        names = {Side.A: self.given.a.name, Side.B: self.given.b.name}
        fields = unmapped(self.a, self.b, self.specs, table, names)
        return Overview(
            [self._line(spec, table) for spec in self.specs],
            {side.value: [field for field in fields if field.side is side] for side in Side},
        )

    def _line(self, spec: MappingSpec, table: Table) -> Line:
        mapping = table.named(spec.name)
        return Line(
            fields_of(spec),
            spec,
            labels_of(self.a, spec.a),
            labels_of(self.b, spec.b),
            self._arrow(spec, mapping),
            spec in self.own,
            table.problem(spec.name) if spec.enabled else "",
            notes(mapping) if mapping else (),
        )

    def _arrow(self, spec: MappingSpec, mapping: CompiledMapping | None) -> str:
        if mapping is None:
            return ARROWS[spec.direction.carries(Side.A), spec.direction.carries(Side.B)]
        return ARROWS[mapping.to_b, mapping.to_a]

    def find(self, line: str) -> MappingSpec | None:
        return next((spec for spec in self.specs if fields_of(spec) == line), None)

    # ---- checking

    def check(self, spec: MappingSpec, instead_of: str = "") -> None:
        """Raises MappingError where the line cannot work, or would make another one rest."""
        if spec.enabled:
            own = self._with(spec, instead_of)
            before, after = self._table(self.own), self._table(own)
            problem = after.problem(spec.name)
            if problem:
                raise MappingError(problem)
            for other in after.problems:
                if not before.problem(other.line):
                    raise MappingError(
                        gettext("with it, the line “%(line)s” could not go on: %(reason)s")
                        % {"line": other.line, "reason": other.reason}
                    )
        else:
            compile_mapping(spec, self.a, self.b, self.given.region)

    def _with(self, spec: MappingSpec, instead_of: str) -> list[MappingSpec]:
        found = [spec if fields_of(old) == instead_of else old for old in self.own]
        return found if spec in found else [*found, spec]

    # ---- changing

    def save(self, spec: MappingSpec, instead_of: str = "") -> None:
        """A new line, or another one in the place of `instead_of`. Raises MappingError."""
        twins = [old for old in self.own if fields_of(old) != instead_of]
        if any(old.name == spec.name for old in twins):
            raise MappingError(
                gettext("another line is called “%(name)s” already; give it another name") % {"name": spec.name}
            )
        if any(fields_of(old) == fields_of(spec) for old in twins):
            raise MappingError(gettext("there is a line for these fields already; change that one"))
        self.check(spec, instead_of)
        own = self._with(spec, instead_of)
        left = next((old for old in combined(self.defaults, own) if fields_of(old) == instead_of), None)
        if left is not None and left not in own:  # the default line that this one takes the place of
            own.append(replace(left, name=instead_of, enabled=False))
        self._write(own, f"line “{spec.name}” of the mapping")

    def remove(self, line: str) -> None:
        """An own line goes; a default one that it stood for is at work again."""
        self._write([spec for spec in self.own if fields_of(spec) != line], "a line of the mapping removed")

    def switch(self, on: Collection[str]) -> int:
        """Switches these lines on and all others off; returns how many were switched. Raises MappingError."""
        own = list(self.own)
        changed = 0
        for spec in self.specs:
            line = fields_of(spec)
            if spec.enabled == (line in on):
                continue
            changed += 1
            switched = replace(spec, enabled=line in on)
            if spec not in own:
                own.append(switched)
            elif switched in self.defaults:
                own.remove(spec)
            else:
                own[own.index(spec)] = switched
        if changed:
            self._refuse_new_problems(own)
            self._write(own, f"{changed} lines of the mapping switched")
        return changed

    def _refuse_new_problems(self, own: Sequence[MappingSpec]) -> None:
        before = self._table(self.own)
        off = {spec.name for spec in self.specs if not spec.enabled}
        for problem in self._table(own).problems:
            if problem.line in off or not before.problem(problem.line):
                raise MappingError(
                    gettext("“%(line)s” cannot be switched on: %(reason)s")
                    % {"line": problem.line, "reason": problem.reason}
                )

    @transaction.atomic
    def _write(self, own: Sequence[MappingSpec], note: str) -> None:
        FieldMapping.objects.filter(connection=self.connection).delete()
        rows = [FieldMapping.from_spec(spec, connection=self.connection, position=at) for at, spec in enumerate(own)]
        FieldMapping.objects.bulk_create(rows)
        arranging.configured(self.connection, note)
