"""Pairs at work: rows read by the page, decided in memory, written back by the batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from connections.engine import store
from connections.engine.decide import Decided, PairState, Seen
from connections.engine.planned import Planned
from connections.models import Item, Pair
from connectors.base import Values
from syncrules.merge import MergeWarning
from syncrules.specs import Side

PAIR_COLUMNS = (
    "item_a", "item_b", "health", "reason", "title", "base_a", "base_b", "settled_a", "settled_b", "pending", "next_at",
    "attempts_a", "attempts_b", "blocked_a_until", "blocked_b_until", "cause_a", "cause_b", "refused", "rounds",
    "warnings", "conflicts", "brought_by", "undone",
)  # fmt: skip
FETCHED = tuple(f"{name}_id" if name.startswith("item_") else name for name in PAIR_COLUMNS)
ITEM_COLUMNS = (
    "id", "remote_id", "version", "order", "values", "labels", "body", "title", "name_key", "uid", "departed",
    "problem", "seq", "evidence", "modified", "first_seen_at", "hash", "marker", "successor",
)  # fmt: skip
PACKED = tuple(ITEM_COLUMNS.index(name) for name in ("values", "labels", "evidence"))
EMPTY = ("{}", "[]")


@dataclass(slots=True)
class ItemView:
    """An item as loaded for a decision; its attributes are in the order of ITEM_COLUMNS."""

    id: int
    remote_id: str
    version: str
    order: int | None
    values: Values
    labels: frozenset[str]
    body: str
    title: str
    name_key: str
    uid: str
    departed: str
    problem: str
    seq: int
    evidence: Mapping[str, float]
    modified: float | None
    first_seen_at: float
    hash: str
    marker: str
    successor: str

    def seen(self, settled: int) -> Seen:
        return Seen(
            self.values, self.labels, self.departed, self.problem, self.seq > settled, self.evidence, self.modified,
            bool(self.successor),
        )  # fmt: skip


@dataclass
class PairWork:
    """A pair row in memory. `open` counts its writes that are planned or on their way in this pass."""

    id: int
    row: dict[str, Any]
    items: dict[Side, ItemView | None]
    decided: Decided | None = None
    open: int = 0
    failed: bool = False
    foreign: set[str] = field(default_factory=set)
    absorbs: int | None = None  # the half pair that this one takes in when it is written
    adopted: bool = False  # two half pairs become one with this decision
    anew: bool = False  # somebody else is there now: what the departed one showed says nothing

    def state(self) -> PairState:
        row = self.row
        a, b = self.items[Side.A], self.items[Side.B]
        return PairState(
            a.seen(row["settled_a"]) if a else None,
            b.seen(row["settled_b"]) if b else None,
            {} if self.anew else orjson.loads(row["base_a"]),
            {} if self.anew else orjson.loads(row["base_b"]),
            row["health"],
            row["undone"] and not self.anew,
            tuple(orjson.loads(row["brought_by"])),
            orjson.loads(row["refused"]),
            tuple(
                MergeWarning(mapping, key, Side(side), reason)
                for mapping, key, side, reason in orjson.loads(row["warnings"])
            ),
        )

    @property
    def has_news(self) -> bool:
        """A side changed since the pair was last settled."""
        sides = ((self.items[side], self.row[f"settled_{side}"]) for side in Side)
        return any(item is not None and item.seq > settled for item, settled in sides)

    def values(self, side: Side) -> Values:
        item = self.items[side]
        return item.values if item is not None else {}

    @property
    def title(self) -> str:
        return next((item.title for item in self.items.values() if item is not None and item.title), "")


def load_items(ids: Iterable[int]) -> dict[int, ItemView]:
    views = {}
    for row in store.select(Item, ITEM_COLUMNS, "id", list(ids)):
        values, labels, evidence = (orjson.loads(row[place]) if row[place] not in EMPTY else () for place in PACKED)
        view = ItemView(*row)
        view.values, view.labels, view.evidence = values or {}, frozenset(labels), evidence or {}
        views[view.id] = view
    return views


def load_pairs(query: Any) -> list[PairWork]:
    rows = [(pk, dict(zip(PAIR_COLUMNS, rest, strict=True))) for pk, *rest in query.values_list("id", *FETCHED)]
    wanted = {row[side] for _, row in rows for side in ("item_a", "item_b") if row[side]}
    items = load_items(wanted)
    return [PairWork(pk, row, {Side.A: items.get(row["item_a"]), Side.B: items.get(row["item_b"])}) for pk, row in rows]


def save_pairs(works: Sequence[PairWork]) -> None:
    if works:
        rows = [(*(work.row[name] for name in PAIR_COLUMNS), work.id) for work in works]
        store.update(Pair, PAIR_COLUMNS, rows)


@dataclass(slots=True)
class Job:
    """One planned write of one pair, on its way to a batch."""

    work: PairWork
    planned: Planned
    add_labels: frozenset[str] = frozenset()  # ids, once it is about to be sent; rules may hold names
    remove_labels: frozenset[str] = frozenset()
    change_id: int | None = None  # the row that was proposed and approved, if there is one
    undoes: tuple[int, ...] = ()  # changes that this one takes back
    decided_by: int | None = None
    marker: str = ""
