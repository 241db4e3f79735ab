"""The review queue: who could be whom, with everything that speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from connections.models import Connection, Health, Item, ItemKey, Pair
from connections.services import looking

PAGE = 10
CANDIDATES = 6  # shown of one
HOLDERS = 2_000  # of the keys of one page, so that an address of thousands costs no more
EVIDENCE = {
    "u": gettext_lazy("the same card id"),
    "e": gettext_lazy("the same email"),
    "p": gettext_lazy("the same phone and name"),
    "c": gettext_lazy("the same name and company"),
}


@dataclass(frozen=True, slots=True)
class Card:
    item: Item
    side: str  # the name of the account
    fields: Sequence[tuple[str, Any]]
    evidence: Sequence[str] = ()  # what it has in common with the one in question


@dataclass(frozen=True, slots=True)
class Question:
    pair: Pair
    own: Card
    candidates: Sequence[Card]


def queue(connection: Connection, after: int = 0) -> tuple[list[Question], int]:
    """The next questions by the pairs' ids, and from where to go on; 0 at the end."""
    rows = Pair.objects.filter(connection=connection, health=Health.REVIEW, id__gt=after)
    pairs = list(rows.select_related("item_a", "item_b").order_by("id")[: PAGE + 1])
    onward = pairs[PAGE - 1].pk if len(pairs) > PAGE else 0
    owns = {pair: item for pair in pairs[:PAGE] if (item := pair.item_a or pair.item_b) is not None}
    names = looking.side_names(connection)
    labels = {
        connection.folder_a_id: (names["a"], looking.field_labels(connection.folder_a)),
        connection.folder_b_id: (names["b"], looking.field_labels(connection.folder_b)),
    }
    near = _near(connection, list(owns.values()))
    questions: list[Question] = []
    asked: set[tuple[int, int]] = set()
    for pair, own in owns.items():
        others = {item.pk for item, _ in near.get(own.pk, [])}
        if others and all((other, own.pk) in asked for other in others):
            continue  # the same question from the other side
        asked |= {(own.pk, other) for other in others}
        cards = [_card(item, labels, shared) for item, shared in near.get(own.pk, [])]
        questions.append(Question(pair, _card(own, labels), cards))
    return questions, onward


def _near(connection: Connection, owns: Sequence[Item]) -> dict[int, list[tuple[Item, list[str]]]]:
    """By record: the records of the other folder that have keys in common with it, and which."""
    folders = (connection.folder_a_id, connection.folder_b_id)
    keys: dict[int, set[str]] = {}
    for pk, value in ItemKey.objects.filter(item__in=owns).values_list("item", "value"):
        keys.setdefault(pk, set()).add(value)
    wanted = set().union(*keys.values())
    holders: dict[int, set[str]] = {}
    for folder in folders:
        rows = ItemKey.objects.filter(folder_id=folder, value__among=wanted, item__departed="")
        for pk, value in rows.values_list("item", "value")[:HOLDERS]:
            holders.setdefault(pk, set()).add(value)
    items = Item.objects.filter(pk__among=holders).defer("body", "former", "evidence").in_bulk()
    found: dict[int, list[tuple[Item, list[str]]]] = {}
    for own in owns:
        others = (item for item in items.values() if item.folder_id != own.folder_id)
        near = [(item, sorted(keys.get(own.pk, set()) & holders[item.pk])) for item in others]
        found[own.pk] = [(item, shared) for item, shared in near if shared][:CANDIDATES]
    return found


def _card(item: Item, labels: dict[int, tuple[str, dict[str, str]]], shared: Sequence[str] = ()) -> Card:
    side, names = labels[item.folder_id]
    fields = sorted((names.get(key, key), value) for key, value in item.record.items())
    evidence = [
        f"{EVIDENCE.get(key[:1]) or gettext('a key in common')}: {key[2:].replace('|', ', ')}" for key in shared
    ]
    return Card(item, side, fields, evidence)
