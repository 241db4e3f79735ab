"""Who would come in and who would leave with other rules, counted from what is stored, portion by portion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db.models import Q
from django.utils.translation import gettext

from connections.engine import setup
from connections.engine.decide import PairState, Seen, Setup
from connections.engine.match import tiers
from connections.engine.scope import stands_inside
from connections.languages import number
from connections.models import Connection, Health, ItemKey, Pair
from connections.services.arranging import Offer, offer
from syncrules.specs import RuleSpec, Side

PORTION = 2000  # contacts looked at between two answers
SAMPLES = 10
SEEN = ("values", "labels", "departed")
COLUMNS = ("id", "title", "health", "brought_by", *(f"item_{side}__{name}" for side in Side for name in ("id", *SEEN)))


@dataclass(slots=True)
class Scope:
    """So far. `new_samples` came with the last portion: (whether it comes in, name)."""

    total: int
    looked_at: int = 0
    entering: int = 0
    leaving: int = 0
    new_samples: list[tuple[bool, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        return gettext("Of %(looked_at)s contacts %(entering)s would come in and %(leaving)s would leave.") % {
            "looked_at": number(self.looked_at),
            "entering": number(self.entering),
            "leaving": number(self.leaving),
        }

    def take(self, moves: Sequence[tuple[bool, str]], looked_at: int) -> None:
        self.looked_at += looked_at
        self.new_samples = []
        for enters, name in moves:
            if (self.entering if enters else self.leaving) < SAMPLES:
                self.new_samples.append((enters, name))
            self.entering += enters
            self.leaving += not enters


def told(connection: Connection, wanted: Sequence[RuleSpec]) -> str:
    """The whole count in a sentence. `wanted`: rules that are told apart by direction and name."""
    known = {(spec.direction, spec.name): spec.id for spec in setup.rule_specs(connection)}
    *_, scope = preview(connection, [replace(spec, id=known.get((spec.direction, spec.name), "")) for spec in wanted])
    return scope.sentence


def preview(connection: Connection, wanted: Sequence[RuleSpec]) -> Iterator[Scope]:
    """Yields the same object after each portion of contacts, at least once."""
    before, after = stored_setup(connection), stored_setup(connection, wanted)
    rows = Pair.objects.filter(connection=connection).order_by("id")
    scope = Scope(rows.count())
    last = 0
    while portion := list(rows.filter(id__gt=last).values_list(*COLUMNS)[:PORTION]):
        last = portion[-1][0]
        moves = [(row[1], moved) for row in portion if (moved := _moves(row, before, after)) is not None]
        if connection.avoid_duplicates:
            keyed = _keyed(connection, [alone for _, (enters, alone) in moves if enters and alone])
            moves = [move for move in moves if not (move[1][0] and move[1][1]) or move[1][1] in keyed]
        scope.take([(enters, name) for name, (enters, _) in moves], len(portion))
        yield scope
    if not scope.looked_at:
        yield scope


def stored_setup(connection: Connection, rules: Sequence[RuleSpec] | None = None, given: Offer | None = None) -> Setup:
    """What decisions are made by, without asking an app. Raises MappingError."""
    given = given or offer(connection)
    catalogues = {Side.A: given.a.catalogue, Side.B: given.b.catalogue}
    able = {Side.A: given.a.capabilities, Side.B: given.b.capabilities}
    return setup.compiled(connection, catalogues, able, rules)[0]


def _moves(row: Sequence[Any], before: Setup, after: Setup) -> tuple[bool, int | None] | None:
    """Whether the contact comes in, and its item where it has no partner; None for who stays what it is."""
    _, _, health, brought_by, *items = row
    a, b = _seen(items[:4]), _seen(items[4:])
    pair = PairState(a, b, brought_by=tuple(orjson.loads(brought_by)))
    was, will = stands_inside(pair, before), stands_inside(pair, after)
    alone = None if a and b else items[0] or items[4]
    if was == will or (was and alone is not None and health == Health.EXCLUDED):
        return None  # what rules would let in and is out already is out for another reason
    return will, alone


def _keyed(connection: Connection, items: Sequence[int]) -> set[int]:
    """Those that something tells apart, so that they are brought over."""
    keys = Q()
    for tier in tiers(connection.match_keys or ["email"])[1:]:
        keys |= Q(value__startswith=tier)
    return set(ItemKey.objects.filter(keys, item_id__in=items).values_list("item_id", flat=True)) if items else set()


def _seen(item: Sequence[Any]) -> Seen | None:
    pk, values, labels, departed = item
    if pk is None:
        return None
    held = frozenset(orjson.loads(labels)) if labels != "[]" else frozenset[str]()
    return Seen(orjson.loads(values), held, departed)
