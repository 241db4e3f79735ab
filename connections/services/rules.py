"""The rules of a connection as people look at them and change them, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext

from connections.engine import setup
from connections.models import Connection
from connections.services import arranging
from connections.services.arranging import Offer
from syncrules.conditions import Ground, RuleError, compile_condition
from syncrules.models import Rule
from syncrules.rulecheck import Flaw, flaws, forward_notes, label_notes, mapping_notes, order_notes
from syncrules.rules import RuleProblem, sentence_of
from syncrules.specs import ConditionKind, Direction, RuleSpec, Side

DIRECTIONS = (Direction.A_TO_B, Direction.B_TO_A)
DRAFT = "draft"  # the id of a rule that is not saved yet


class CannotSave(Exception):
    """The rules would not work so; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A rule in words. `problems`: what of it rests now, or must be corrected."""

    spec: RuleSpec
    conditions: Sequence[str]
    actions: Sequence[str]
    more: Sequence[str]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class Way:
    """One direction. `note` says what holds for all of it."""

    direction: Direction
    source: str
    target: str
    lines: Sequence[Line]
    note: str


class Editor:
    """The rules of one connection, with what both apps offer as it is known now."""

    def __init__(self, connection: Connection, given: Offer | None = None) -> None:
        self.connection = connection
        self.given = given or arranging.offer(connection)
        self.sides = {Side.A: self.given.a.for_rules(), Side.B: self.given.b.for_rules()}
        self.specs = setup.rule_specs(connection)

    # ---- looking

    def overview(self) -> list[Way]:
        a, b = self.given.a.catalogue, self.given.b.catalogue
        problems = setup.rules_at_work(self.connection, a, b).problems
        return [self._way(direction, problems) for direction in DIRECTIONS]

    def notes(self) -> list[str]:
        """What is not wrong and good to know."""
        a, b = self.given.a.catalogue, self.given.b.catalogue
        table = setup.mapping_table(self.connection, a, b)
        return [
            *order_notes(self.specs, self.sides, self.given.region),
            *mapping_notes(self.specs, self.sides, table),
            *forward_notes(self.specs, self.sides),
            *label_notes(self.specs, self.sides),
        ]

    def _way(self, direction: Direction, problems: Sequence[RuleProblem]) -> Way:
        source = Side.A if direction is Direction.A_TO_B else Side.B
        lines = [self._line(spec, problems) for spec in self.specs if spec.direction is direction]
        here, there = self.sides[source].name, self.sides[source.other].name
        note = ""
        if not Direction(self.connection.direction).carries(source):
            note = gettext("This connection brings nothing from %(here)s, so these rules do nothing.") % {"here": here}
        elif not any(line.spec.enabled for line in lines):
            note = gettext(
                "No rule is at work here: nobody new comes from %(here)s to %(there)s, and the contacts "
                "that are kept the same now stay so."
            ) % {"here": here, "there": there}
        return Way(direction, here, there, lines, note)

    def _line(self, spec: RuleSpec, problems: Sequence[RuleProblem]) -> Line:
        source = Side.A if spec.direction is Direction.A_TO_B else Side.B
        found = [str(problem) for problem in problems if _is_about(problem, spec)]
        more = [
            text
            for flag, text in (
                (spec.update_only, gettext("changes only contacts that exist there already")),
                (spec.undo, gettext("takes its actions back when a contact stops matching")),
                (spec.mirror, gettext("also the other way round")),
            )
            if flag
        ]
        conditions = [self._condition(spec, at, source) for at in range(len(spec.conditions))]
        actions = [sentence_of(action, self.sides[source.other].catalogue) for action in spec.actions]
        return Line(self._with_names(spec), conditions, actions, more, found)

    def _condition(self, spec: RuleSpec, at: int, source: Side) -> str:
        condition = self._with_names(spec).conditions[at]
        try:
            return compile_condition(condition, Ground(self.sides[source].catalogue, self.given.region)).sentence
        except RuleError:
            return f"{condition.subject} {condition.operator.value.replace('_', ' ')} {condition.value}".strip()

    def _with_names(self, spec: RuleSpec) -> RuleSpec:
        """Labels by their present names."""
        source = Side.A if spec.direction is Direction.A_TO_B else Side.B
        here, there = self.sides[source].labels, self.sides[source.other].labels
        return replace(
            spec,
            conditions=tuple(
                replace(part, subject=here.get(part.label_id, part.subject))
                if part.kind is ConditionKind.LABEL
                else part
                for part in spec.conditions
            ),
            actions=tuple(
                replace(part, subject=there.get(part.label_id, part.subject)) if part.label_id else part
                for part in spec.actions
            ),
        )

    def find(self, rule: str) -> RuleSpec | None:
        return next((self._with_names(spec) for spec in self.specs if spec.id == rule), None)

    # ---- changing: first what the rules would be, then saving them

    def with_rule(self, spec: RuleSpec) -> list[RuleSpec]:
        """In the place of the rule with its id, else after all others. Raises CannotSave."""
        others = [old for old in self.specs if old.id != spec.id]
        if any(old.name == spec.name and old.direction is spec.direction for old in others):
            raise CannotSave(
                gettext("another rule of this direction is called “%(name)s”; give it another name")
                % {"name": spec.name}
            )
        if len(others) == len(self.specs):
            wanted = [*self.specs, spec]
        else:
            wanted = [spec if old.id == spec.id else old for old in self.specs]
        self._refuse_new_flaws(wanted, spec)
        return wanted

    def without(self, rule: str) -> list[RuleSpec]:
        return [spec for spec in self.specs if spec.id != rule]

    def switched(self, rule: str) -> list[RuleSpec]:
        """Raises CannotSave where a rule cannot be switched on."""
        wanted = [replace(spec, enabled=not spec.enabled) if spec.id == rule else spec for spec in self.specs]
        self._refuse_new_flaws(wanted)
        return wanted

    def moved_up(self, rule: str) -> list[RuleSpec]:
        """Before the one that stands before it in its direction. Raises CannotSave."""
        wanted = list(self.specs)
        at = next((at for at, spec in enumerate(wanted) if spec.id == rule), 0)
        before = [each for each in range(at) if wanted[each].direction is wanted[at].direction]
        if before:
            wanted.insert(before[-1], wanted.pop(at))
            self._refuse_new_flaws(wanted)
        return wanted

    def _refuse_new_flaws(self, wanted: Sequence[RuleSpec], saved: RuleSpec | None = None) -> None:
        """What was wrong with other rules before stands in nobody's way."""
        known = {str(flaw) for flaw in self._flaws(self.specs)}
        for flaw in self._flaws(wanted):
            if saved is not None and _is_about(flaw, saved):
                raise CannotSave(flaw.reason)
            if str(flaw) not in known:
                raise CannotSave(str(flaw))

    def _flaws(self, specs: Sequence[RuleSpec]) -> list[Flaw]:
        return flaws(specs, self.sides, self.given.region)

    @transaction.atomic
    def save(self, wanted: Sequence[RuleSpec], note: str) -> None:
        """A rule keeps its id: pairs remember which rule brought them in."""
        rows = []
        for position, spec in enumerate(wanted):
            row = Rule.from_spec(spec, connection=self.connection, position=position)
            row.pk = int(spec.id) if spec.id and spec.id != DRAFT else None
            rows.append(row)
        kept = [row.pk for row in rows if row.pk]
        Rule.objects.filter(connection=self.connection).exclude(pk__in=kept).delete()
        for row in rows:
            row.save()
        arranging.configured(self.connection, note)

    def moves_scope(self, wanted: Sequence[RuleSpec]) -> bool:
        """Whether who is in scope can be others with these rules."""
        return {_scope_of(spec) for spec in self.specs if spec.enabled} != {
            _scope_of(spec) for spec in wanted if spec.enabled
        }


def _is_about(told: Flaw | RuleProblem, spec: RuleSpec) -> bool:
    return told.rule == spec.name and (told.direction is spec.direction or spec.mirror)


def _scope_of(spec: RuleSpec) -> RuleSpec:
    """What of a rule decides about scope."""
    bare = tuple(replace(part, subject="") if part.label_id else part for part in spec.conditions)
    return replace(spec, id="", name="", conditions=bare, actions=(), undo=False)
