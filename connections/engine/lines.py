"""Lines of the mapping that a live connection has yet to compare its contacts by: noticed, and forgotten when done.

What a new line finds in fields that were mapped otherwise before says nothing about when both sides agreed, so those
bases are dropped; the line then follows the rule of a first sync, and what it would write waits for a person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import orjson
from django.db import transaction

from connections.engine import store
from connections.engine.items import dumps
from connections.engine.leases import Lease
from connections.engine.pairing import RELEASED
from connections.engine.setup import Plant, catalogue_of
from connections.models import Connection, Folder, Pair
from syncrules.mapping import CompiledMapping
from syncrules.specs import Side
from syncrules.table import digest

WINDOW = 500  # pairs looked at per transaction

Place = tuple[Side, str]


def learn(plant: Plant, lease: Lease) -> None:
    """Notices lines that are new since the contacts were last decided."""
    connection = plant.connection
    known: dict[str, bool] = dict(connection.lines)
    present = {digest(mapping.spec): mapping for mapping in plant.setup.mappings}
    live = bool(known) and connection.first_run_done
    fresh = present.keys() - known.keys() if live else set()
    lines = {line: live and (line in fresh or known[line]) for line in present}
    if fresh:
        staying = [mapping for line, mapping in present.items() if line not in fresh]
        places, shaken = _to_forget([present[line] for line in fresh], staying)
        lines |= {digest(mapping.spec): True for mapping in shaken}
        _forget(connection, lease, places)
    if lines != known:
        _keep(plant, lines, lease)


def compared(plant: Plant, lease: Lease) -> None:
    """To be called when a run has written all there was: once no pair waits, no line is new any more."""
    if plant.setup.new and not Pair.objects.filter(connection=plant.connection, pending=True).exists():
        _keep(plant, dict.fromkeys(plant.connection.lines, False), lease)


def has_news(connection: Connection) -> bool:
    """Whether there is anything to decide."""
    seqs = dict(Folder.objects.filter(pk__in=(connection.folder_a_id, connection.folder_b_id)).values_list("pk", "seq"))
    worked = {connection.folder_a_id: connection.worked_a, connection.folder_b_id: connection.worked_b}
    return seqs != worked or Pair.objects.filter(connection=connection, pending=True).exists()


def catalogues_moved(plant: Plant) -> bool:
    """Asks the apps of which custom fields are mapped, or used by rules, for their fields; returns whether these are
    others now."""
    moved = False
    for side, part in plant.parts.items():
        known = part.catalogue.by_key
        used = [field for mapping in plant.setup.mappings for field in mapping.fields[side]]
        used += [known[key] for key in plant.setup.rules.fields(side) if key in known]
        if any(field.custom for field in used):
            before = part.folder.catalogue
            catalogue_of(part.folder, part.connector, refresh=True)
            moved = moved or part.folder.catalogue != before
    return moved


def _keep(plant: Plant, lines: dict[str, bool], lease: Lease) -> None:
    with transaction.atomic():
        lease.renew()
        plant.connection.lines = lines
        Connection.objects.filter(pk=plant.connection.pk).update(lines=lines)
    new = frozenset(mapping.name for mapping in plant.setup.mappings if lines.get(digest(mapping.spec)))
    plant.setup = replace(plant.setup, new=new)


def _to_forget(
    fresh: Collection[CompiledMapping], staying: Collection[CompiledMapping]
) -> tuple[set[Place], list[CompiledMapping]]:
    """The bases that would let a new line look compared, and the lines that must do without them as well. A line
    needs all its bases, so what no other line uses is enough to forget."""
    used = {place for mapping in staying for place in _places(mapping)}
    places: set[Place] = set()
    for mapping in fresh:
        own = set(_places(mapping)) - used
        places |= own or {(side, key) for side in Side if mapping.writes(side) for key in mapping.keys(side)}
    return places, [mapping for mapping in staying if places & set(_places(mapping))]


def _places(mapping: CompiledMapping) -> list[Place]:
    return [(side, key) for side in Side for key in mapping.keys(side)]


def _forget(connection: Connection, lease: Lease, places: Collection[Place]) -> None:
    """Drops these bases everywhere; all pairs are decided anew."""
    last = 0
    rows = Pair.objects.filter(connection=connection).exclude(base_a="{}", base_b="{}").order_by("id")
    while window := list(rows.filter(id__gt=last).values_list("base_a", "base_b", "id")[:WINDOW]):
        last = window[-1][2]
        changed = []
        for *texts, pk in window:
            bases = {side: orjson.loads(text) for side, text in zip(Side, texts, strict=True)}
            if [place for place in places if bases[place[0]].pop(place[1], places) is not places]:
                changed.append((dumps(bases[Side.A]), dumps(bases[Side.B]), pk))
        with transaction.atomic():
            lease.renew()
            store.update(Pair, ("base_a", "base_b"), changed)
    with transaction.atomic():
        lease.renew()
        Pair.objects.filter(connection=connection).update(**RELEASED)
