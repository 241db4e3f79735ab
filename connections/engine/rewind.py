"""Walks back through our changes to a record: what it would show if none of them had been made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from connections.engine.work import PairWork
from connections.models import Change
from connectors.base import Value, Values
from syncrules.catalogue import Catalogue
from syncrules.specs import Side


@dataclass
class Past:
    """One record on its way back through our changes, newest first. `then` is what it will show, None for not there."""

    work: PairWork
    side: Side
    now: Values | None
    then: dict[str, Value] | None
    labels: dict[str, bool] = field(default_factory=dict)  # label -> whether the record is to have it
    undoes: list[int] = field(default_factory=list)
    left: dict[int, list[str]] = field(default_factory=dict)  # change -> fields that show something else since

    @property
    def kind(self) -> str:
        if self.then is None:
            return "" if self.now is None else "delete"
        return "create" if self.now is None else "update"

    @property
    def patch(self) -> dict[str, Value]:
        if self.then is None:
            return {}
        now = self.now or {}
        return {key: value for key, value in self.then.items() if now.get(key) != value}


def rewind(
    changes: Sequence[Change], works: Mapping[int, PairWork], catalogues: Mapping[Side, Catalogue]
) -> tuple[list[Past], int]:
    """`changes`: done ones, newest first. Also counts those of contacts that are not known any more."""
    pasts: dict[tuple[int, Side], Past] = {}
    unknown = 0
    for change in changes:
        work, side = works.get(change.pair_id or 0), Side(change.side)
        if work is None:
            unknown += 1
            continue
        past = pasts.get((work.id, side))
        if past is None:
            item = work.items[side]
            now = item.values if item is not None and not item.departed else None
            past = pasts[work.id, side] = Past(work, side, now, None if now is None else dict(now))
        _step_back(change, past, catalogues[side])
    return list(pasts.values()), unknown


def _step_back(change: Change, past: Past, catalogue: Catalogue) -> None:
    if change.kind == "delete":
        if past.then is None:
            past.then = _writable(catalogue, orjson.loads(change.before))
            past.labels = dict.fromkeys(change.why.get("labels", ()), True)
            past.undoes.append(change.pk)
    elif change.kind == "create":
        if past.then is None:
            past.left.clear()  # it is gone already, with whatever was written to it
        elif _still_ours(change, past, catalogue):
            past.then = None
            past.labels = {}
            past.undoes.append(change.pk)
        else:
            past.left[change.pk] = []
    else:
        _step_back_update(change, past)


def _step_back_update(change: Change, past: Past) -> None:
    before, after = orjson.loads(change.before), orjson.loads(change.after)
    if past.then is None:
        past.left[change.pk] = sorted(after)
        return
    for key, value in after.items():
        shown = past.then.get(key)
        if shown == value:
            past.then[key] = before.get(key)
        elif shown != before.get(key):
            past.left.setdefault(change.pk, []).append(key)
    past.labels.update(dict.fromkeys(orjson.loads(change.add_labels), False))
    past.labels.update(dict.fromkeys(orjson.loads(change.remove_labels), True))
    past.undoes.append(change.pk)


def _writable(catalogue: Catalogue, values: Values) -> dict[str, Value]:
    known = catalogue.by_key
    return {key: value for key, value in values.items() if key in known and not known[key].read_only}


def _still_ours(change: Change, past: Past, catalogue: Catalogue) -> bool:
    """A created record shows what it showed then, as it is or once the later changes of the same undo are taken back;
    what a person added to it would be lost with it."""
    shown, after = _writable(catalogue, past.then or {}), _writable(catalogue, orjson.loads(change.after))
    return all(shown.get(key) == after.get(key) for key in {*shown, *after})
