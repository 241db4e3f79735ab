"""What a connection cannot carry over, from the real contacts of both sides: counted, with samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import gettext_noop

from connections.engine import setup
from connections.models import Change, ChangeKind, ChangeState, Connection, Folder, Item, Pair
from connections.services import looking
from syncrules.catalogue import Catalogue
from syncrules.specs import Direction, Side

SAMPLES = 5
EMPTY: tuple[Any, ...] = (None, "", [])
UNMAPPED = gettext_noop("no line of the mapping carries it")
WANTED = gettext_noop("the app wants it of every contact, and these have none: it may refuse them")
MADE_BY_APPS = {"name.file_as", "owner"}  # nobody would miss them on the other side


@dataclass(slots=True)
class Loss:
    """Values of one kind that stay where they are. `side` is the side that does not get them."""

    side: str
    there: str  # the name of that side
    what: str
    reason: str
    count: int = 0
    samples: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if name and len(self.samples) < SAMPLES:
            self.samples.append(name)


def report(connection: Connection) -> list[Loss]:
    """Largest first. Looks at the contacts as they were last observed; a preview or a run looks at the apps."""
    found = [*_values(connection), *_fields(connection), *_lacking(connection)]
    return sorted(found, key=lambda loss: (-loss.count, loss.side, loss.what))


def _values(connection: Connection) -> list[Loss]:
    """Values that a field would not take, as the last decision about each pair said."""
    names = looking.side_names(connection)
    labels = {
        "a": looking.field_labels(connection.folder_a),
        "b": looking.field_labels(connection.folder_b),
    }
    losses: dict[tuple[str, str, str], Loss] = {}
    pairs = Pair.objects.filter(connection=connection).exclude(warnings="[]").order_by("id")
    for title, warnings in pairs.values_list("title", "warnings").iterator():
        for mapping, key, side, reason in orjson.loads(warnings):
            what = labels[side].get(key, mapping)
            loss = losses.setdefault((side, what, reason), Loss(side, names[side], what, reason))
            loss.add(title)
    return list(losses.values())


def _fields(connection: Connection) -> Iterator[Loss]:
    """Fields that hold something of people and that no line of the mapping carries to the other side."""
    names = looking.side_names(connection)
    folders = {Side.A: connection.folder_a, Side.B: connection.folder_b}
    catalogues = {side: Catalogue(setup.load_fields(folder.catalogue or "[]")) for side, folder in folders.items()}
    mappings = setup.mapping_table(connection, catalogues[Side.A], catalogues[Side.B]).mappings
    for side, folder in folders.items():
        if not Direction(connection.direction).carries(side):
            continue
        carried = {key for mapping in mappings if mapping.writes(side.other) for key in mapping.keys(side)}
        losses = {
            key: Loss(side.other.value, names[side.other], known.label, known.reason or UNMAPPED)
            for key, known in catalogues[side].by_key.items()
            if key not in carried and not (known.read_only or known.meaning in MADE_BY_APPS)
        }
        for title, values in _held(folder):
            for key in losses.keys() & values.keys():
                if values[key] not in EMPTY:
                    losses[key].add(title)
        yield from (loss for loss in losses.values() if loss.count)


def _lacking(connection: Connection) -> Iterator[Loss]:
    """Contacts that would be created without something that the app wants of each."""
    names = looking.side_names(connection)
    for side, folder in (("a", connection.folder_a), ("b", connection.folder_b)):
        fields = setup.load_fields(folder.catalogue or "[]")
        wanted = {known.key: known.label for known in fields if known.required and not known.read_only}
        if not wanted:
            continue
        losses = {key: Loss(side, names[side], label, WANTED) for key, label in wanted.items()}
        planned = Change.objects.filter(connection=connection, state=ChangeState.PROPOSED, kind=ChangeKind.CREATE)
        for title, patch in planned.filter(side=side).order_by("id").values_list("title", "patch").iterator():
            for key in losses.keys() - orjson.loads(patch).keys():
                losses[key].add(title)
        yield from (loss for loss in losses.values() if loss.count)


def _held(folder: Folder) -> Iterator[tuple[str, dict[str, Any]]]:
    items = Item.objects.filter(folder=folder, departed="", problem="").order_by("id")
    for title, values in items.values_list("title", "values").iterator():
        yield title, orjson.loads(values)
