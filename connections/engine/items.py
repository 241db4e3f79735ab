"""Takes records into items: what the apps show becomes what we know, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from connections.engine import store
from connections.engine.forgotten import Forgotten
from connections.engine.match import key_texts
from connections.models import DroppedKey, Folder, Item, ItemKey
from connectors.base import Departure, Record, Value, Values
from syncrules.catalogue import Catalogue
from syncrules.keys import KeyReader

TITLE_MEANINGS = ("name.full", "name.given", "name.family", "org.name", "email", "phone.mobile", "phone.work")


def dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def digest(values: Values, labels: Iterable[str] = ()) -> str:
    """A short hash of what a record shows; equal values give equal digests, whatever the order of keys."""
    text = orjson.dumps([values, sorted(labels)], option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Ours:
    """What we wrote into a record: the fields' values from before, to know a read that is older than our write."""

    former: Mapping[str, Value]


@dataclass(slots=True)
class Known:
    id: int
    version: str
    order: int | None
    hash: str
    observed_at: float
    departed: str
    written_at: float
    former: str
    problem: str
    labels: str


KNOWN = ("id", "version", "order", "hash", "observed_at", "departed", "written_at", "former", "problem", "labels")
COLUMNS = (
    "version", "order", "values", "labels", "hash", "uid", "marker", "title", "name_key", "body", "problem",
    "evidence", "modified", "seq", "observed_at", "departed", "successor", "written_at", "former",
    "recheck_at",
)  # fmt: skip


@dataclass
class Intake:
    """The one way into a folder's items. Every method runs inside a transaction of the caller."""

    folder_id: int
    catalogue: Catalogue
    region: str
    visible_after: float = 0.0
    forgotten: Forgotten | None = None
    changed: int = 0
    labels: set[str] = field(default_factory=set)  # seen on records
    lost_labels: set[str] = field(default_factory=set)  # that records had before
    span: tuple[int, int] = (0, 0)  # the folder's number before and after what was last taken in
    added: frozenset[str] = frozenset()  # remote ids that were new to us in it
    reader: KeyReader = field(init=False)
    title_keys: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reader = KeyReader(self.catalogue, self.region)
        self.title_keys = [
            self.catalogue.by_meaning[meaning].key for meaning in TITLE_MEANINGS if meaning in self.catalogue.by_meaning
        ]
        self.full_name = self._key("name.full")
        self.name_parts = [key for key in (self._key("name.given"), self._key("name.family")) if key]

    def _key(self, meaning: str) -> str:
        known = self.catalogue.by_meaning.get(meaning)
        return known.key if known else ""

    def title(self, values: Values) -> str:
        """A name for people: full name, else its parts, else the first thing that tells who this is."""
        text = values.get(self.full_name) or " ".join(str(values[key]) for key in self.name_parts if values.get(key))
        for key in self.title_keys:
            if text:
                break
            shown = values.get(key)
            text = shown[0]["value"] if isinstance(shown, list) and shown else shown
        return str(text or "")[:255]

    def absorb(
        self,
        records: Sequence[Record],
        asked_at: float,
        now: float,
        ours: Mapping[str, Ours] | None = None,
        trusted: bool = False,
    ) -> dict[str, int]:
        """Takes records in; returns item ids by remote id. `asked_at` is when the request that showed them began:
        what was observed later is not overwritten. `trusted` is for reads by id, which are believed at once."""
        seq = self._lock()
        known = self._known([record.id for record in records])
        ours = ours or {}
        fresh: list[tuple[Any, ...]] = []
        stale: list[tuple[Any, ...]] = []
        keys: dict[str, list[str]] = {}
        rechecks: list[tuple[Any, ...]] = []
        rekeyed: dict[int, int] = {}
        for record in {record.id: record for record in records}.values():
            old = known.get(record.id)
            if old is None and record.id not in ours and self._is_forgotten(record):
                continue
            if old is not None and record.id not in ours:
                if old.observed_at > asked_at or _is_older(record, old):
                    continue
                if not trusted and self._is_late(record, old, now):
                    rechecks.append((old.written_at + self.visible_after, old.id))
                    continue
            if record.problem and old is not None:
                if (old.problem, old.version, old.departed) != (record.problem, record.version, ""):
                    seq += 1
                    self._note_problem(record, old, seq, now)
                continue
            self.labels |= record.labels
            hashed = digest(record.values, record.labels)
            same = old is not None and not old.departed and old.hash == hashed and not old.problem
            if same and old is not None and old.version == record.version and record.id not in ours:
                if old.former and now > old.written_at + self.visible_after:
                    stale.append(self._row(record, hashed, None, now, old, ours))
                continue
            if not same:
                seq += 1
                if old is not None and old.labels != "[]":
                    self.lost_labels |= set(orjson.loads(old.labels)) - record.labels
                match_keys = self.reader.read(record.values)
                keys[record.id] = key_texts(match_keys, record.uid)
                name_key = match_keys.name
            else:
                name_key = None
            row = self._row(record, hashed, None if same else seq, now, old, ours, name_key)
            if old is None:
                fresh.append((*row, self.folder_id, record.id, now))
            else:
                stale.append(row)
                if not same:
                    rekeyed[old.id] = seq
        self._write(fresh, stale, rechecks)
        ids = {remote_id: old.id for remote_id, old in known.items()}
        new = [row[len(COLUMNS) + 1] for row in fresh]
        self.added = frozenset(new)
        if new:
            rows = store.select(Item, ("remote_id", "id"), "remote_id", new, folder=self.folder_id)
            ids.update((remote_id, pk) for remote_id, pk in rows)
        self._write_keys({ids[remote_id]: texts for remote_id, texts in keys.items()}, rekeyed)
        self._unlock(seq)
        return ids

    def depart(self, departures: Sequence[Departure], asked_at: float, now: float, by_us: bool = False) -> None:
        """Marks items as departed; one that was observed later than the request began is left alone."""
        seq = self._lock()
        known = self._known([departure.id for departure in departures])
        rows = []
        for departure in departures:
            old = known.get(departure.id)
            if old is None or old.departed == departure.kind or (old.observed_at > asked_at and not by_us):
                continue
            if old.departed == "deleted":
                continue
            seq += 1
            written_at = now if by_us else old.written_at
            rows.append((departure.kind.value, departure.successor, seq, now, written_at, None, old.id))
        store.update(Item, ("departed", "successor", "seq", "observed_at", "written_at", "recheck_at"), rows)
        self._unlock(seq)

    # ---- the steps of absorb

    def _lock(self) -> int:
        """The folder's row is taken first in every transaction that changes items, so numbers are in commit order."""
        start = Folder.objects.select_for_update().values_list("seq", flat=True).get(pk=self.folder_id)
        self.span = start, start
        return start

    def _unlock(self, seq: int) -> None:
        start, _ = self.span
        if seq > start:
            self.span = start, seq
            self.changed += seq - start
            Folder.objects.filter(pk=self.folder_id).update(seq=seq)

    def _known(self, remote_ids: Sequence[str]) -> dict[str, Known]:
        rows = store.select(Item, ("remote_id", *KNOWN), "remote_id", remote_ids, folder=self.folder_id)
        return {row[0]: Known(*row[1:]) for row in rows}

    def _is_forgotten(self, record: Record) -> bool:
        """Of a person who asked to be forgotten we do not even note that they are there again."""
        if self.forgotten is None:
            return False
        return self.forgotten.knows(key_texts(self.reader.read(record.values), record.uid))

    def _is_late(self, record: Record, old: Known, now: float) -> bool:
        """Within the app's visibility time after our own write, values from before it are not believed."""
        if not self.visible_after or now > old.written_at + self.visible_after:
            return False
        if old.departed:
            return True
        if not old.former or (record.order is not None and old.order is not None):
            return False
        former = orjson.loads(old.former)
        return bool(former) and all(record.values.get(key) == value for key, value in former.items())

    def _row(
        self,
        record: Record,
        hashed: str,
        seq: int | None,
        now: float,
        old: Known | None,
        ours: Mapping[str, Ours],
        name_key: str | None = None,
    ) -> tuple[Any, ...]:
        mine = ours.get(record.id)
        written_at = now if mine else old.written_at if old else 0
        former = dumps(dict(mine.former)) if mine and self.visible_after else ""
        if not mine and old and self.visible_after and now <= old.written_at + self.visible_after:
            former = old.former
        row: tuple[Any, ...] = (
            record.version, record.order, dumps(record.values), dumps(sorted(record.labels)), hashed, record.uid[:500],
            record.marker, self.title(record.values), (name_key or "")[:255], record.body, record.problem[:500],
            dumps(dict(record.evidence)), record.modified, seq or 0, now, "", "", written_at, former, None,
        )  # fmt: skip
        return row if old is None else (*row, old.id) if seq else _without(row, "seq", "name_key") + (old.id,)

    def _note_problem(self, record: Record, old: Known, seq: int, now: float) -> None:
        names = ("version", "problem", "body", "seq", "observed_at", "departed")
        store.update(Item, names, [(record.version, record.problem[:500], record.body, seq, now, "", old.id)])

    def _write(
        self,
        fresh: list[tuple[Any, ...]],
        stale: list[tuple[Any, ...]],
        rechecks: list[tuple[Any, ...]],
    ) -> None:
        touched = tuple(name for name in COLUMNS if name not in ("seq", "name_key"))
        store.insert(Item, (*COLUMNS, "folder", "remote_id", "first_seen_at"), fresh)
        store.update(Item, COLUMNS, [row for row in stale if len(row) == len(COLUMNS) + 1])
        store.update(Item, touched, [row for row in stale if len(row) == len(touched) + 1])
        store.update(Item, ("recheck_at",), rechecks)

    def _write_keys(self, keys: Mapping[int, Sequence[str]], rekeyed: Mapping[int, int]) -> None:
        """`rekeyed`: the items that had keys before, with the numbers of their changes."""
        held: dict[int, dict[str, int]] = {pk: {} for pk in rekeyed}
        for key, pk, text in store.select(ItemKey, ("id", "item", "value"), "item", rekeyed):
            held[pk][text] = key
        dropped = [(pk, text) for pk, texts in held.items() for text in texts if text not in keys[pk]]
        if dropped:
            ItemKey.objects.filter(id__among=[held[pk][text] for pk, text in dropped]).delete()
        rows = [(self.folder_id, text, rekeyed[pk]) for pk, text in dropped]
        store.insert(DroppedKey, ("folder", "value", "seq"), rows)
        new = [(pk, text) for pk, texts in keys.items() for text in texts if text not in held.get(pk, ())]
        store.insert(ItemKey, ("folder", "item", "value"), [(self.folder_id, pk, text) for pk, text in new])


def _without(row: tuple[Any, ...], *names: str) -> tuple[Any, ...]:
    return tuple(value for name, value in zip(COLUMNS, row, strict=True) if name not in names)


def _is_older(record: Record, old: Known) -> bool:
    return record.order is not None and old.order is not None and record.order < old.order
