"""Settles writes whose answer is missing, before anything else is done: by marker, or by reading the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from django.db import transaction

from connections.engine import store
from connections.engine.answers import backoff, column, move_bases, note_origins, shown_after
from connections.engine.items import Ours, dumps
from connections.engine.leases import Lease
from connections.engine.setup import Part, Plant
from connections.engine.work import ItemView, PairWork, load_items, load_pairs, save_pairs
from connections.models import Change, ChangeState, Pair
from connections.models.changes import OPEN
from connectors.base import (
    Clock,
    Departure,
    DepartureKind,
    FindsSent,
    Outcome,
    Record,
    Sent,
    Value,
    Values,
    WorksOff,
    Write,
    WriteKind,
    chunked,
)
from syncrules.specs import Side

PATIENCE = 2  # how often in a row a write may be lost before the next one waits
COLUMNS = (
    "id", "kind", "side", "pair_id", "target_item_id", "marker", "patch", "add_labels", "remove_labels", "before",
    "source", "sent_at", "state", "undo_of_id", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Open:
    """A change that was sent and has no answer yet."""

    id: int
    kind: str
    side: Side
    pair_id: int | None
    target_item_id: int | None
    marker: str
    patch: Values
    add_labels: frozenset[str]
    remove_labels: frozenset[str]
    before: Values
    source: Values
    sent_at: float
    state: str
    undo_of_id: int | None
    reason: str


def open_changes(plant: Plant) -> list[Open]:
    # Sorted here: asked to sort, SQLite walks through the whole history instead of the few open rows.
    rows = sorted(Change.objects.filter(connection=plant.connection, state__in=OPEN).values_list(*COLUMNS))
    found = []
    for row in rows:
        columns = dict(zip(COLUMNS, row, strict=True))
        for name in ("patch", "before", "source"):
            columns[name] = orjson.loads(columns[name])
        for name in ("add_labels", "remove_labels"):
            columns[name] = frozenset(orjson.loads(columns[name]))
        found.append(Open(**{**columns, "side": Side(columns["side"])}))
    return found


@dataclass
class Recovery:
    plant: Plant
    lease: Lease
    clock: Clock
    under_way: set[str] = field(default_factory=set)  # what apps are still at, for people

    def run(self) -> int:
        """Returns how many writes cannot be settled yet."""
        waiting = 0
        changes = open_changes(self.plant)
        for side in Side:
            part = self.plant.parts[side]
            mine = [change for change in changes if change.side is side]
            creates = [change for change in mine if change.kind == "create"]
            due = [change for change in creates if self._is_due(change, part)]
            if self._is_at_work(part, due):
                due = []
            waiting += len(creates) - len(due)
            for batch in chunked(due, part.connector.capabilities.write_batch):
                waiting += self._settle_creates(part, batch)
            others = [change for change in mine if change.kind != "create"]
            for batch in chunked(others, part.connector.capabilities.read_batch):
                waiting += self._settle_writes(part, batch)
        return waiting

    def _is_at_work(self, part: Part, creates: Sequence[Open]) -> bool:
        """Asked before creates are looked for: what the app is still to make is not found yet."""
        if not creates or part.connector.capabilities.bulk_creates is None:
            return False
        since = min(change.sent_at for change in creates)
        said = cast(WorksOff, part.connector).under_way(part.folder.remote_id, since)
        if said:
            self.under_way.add(said)
        return bool(said)

    def _is_due(self, change: Open, part: Part) -> bool:
        return part.connector.capabilities.idempotent_creates or self._has_arrived(change, part)

    def _has_arrived(self, change: Open, part: Part) -> bool:
        """What has not taken effect by now never will."""
        return self.clock.now() >= change.sent_at + part.settle_after

    # ---- creates: looked up by marker; repeated with the same marker only where that cannot make a second record

    def _settle_creates(self, part: Part, changes: Sequence[Open]) -> int:
        """Returns how many cannot be settled yet."""
        asked_at = self.clock.now()
        markers = [change.marker for change in changes]
        if part.connector.capabilities.keeps_markers:
            found = dict(part.connector.find(part.folder.remote_id, markers, part.fields))
        else:
            found = self._found_by_content(part, changes)
        absent = [change for change in changes if change.marker not in found]
        waiting = 0
        if absent and part.connector.capabilities.idempotent_creates:
            made, waiting = self._repeat(part, absent)
            found.update(made)
            absent = []
        with transaction.atomic():
            self.lease.renew()
            known = [(change, found[change.marker]) for change in changes if change.marker in found]
            self._acknowledge_creates(part, known, asked_at)
            self._give_up(part.side, absent, "never arrived; decided again")
        return waiting

    def _found_by_content(self, part: Part, changes: Sequence[Open]) -> dict[str, Record]:
        """A record that has a partner was made by another create, whose answer came."""
        sent = [Sent(change.marker, change.patch, change.sent_at) for change in changes]
        found = cast(FindsSent, part.connector).find_sent(part.folder.remote_id, sent, part.fields)
        here, there = f"item_{part.side}", f"item_{part.side.other}"
        ids = [record.id for record in found.values()]
        pairs = Pair.objects.filter(connection=self.plant.connection, **{f"{there}__isnull": False})
        of_others = {f"{here}__folder": part.folder, f"{here}__remote_id__in": ids}
        taken = set(pairs.filter(**of_others).values_list(f"{here}__remote_id", flat=True))
        return {marker: record for marker, record in found.items() if record.id not in taken}

    def _repeat(self, part: Part, changes: Sequence[Open]) -> tuple[dict[str, Record], int]:
        """What was made, and how many have no answer again. Where the app puts a repeat off, what was sent first may
        still take effect: decided again it would get another marker, and become a second record."""
        with transaction.atomic():
            self.lease.renew()
            now = self.clock.now()
            rows = [("sent", now, self.lease.fence, change.id) for change in changes]
            store.update(Change, ("state", "sent_at", "fence"), rows)
        self.lease.check()
        writes = [
            Write(WriteKind.CREATE, change.marker, values=change.patch, add_labels=change.add_labels)
            for change in changes
        ]
        results = part.connector.write(part.folder.remote_id, writes, part.fields)
        made = {}
        refused = []
        for change, result in zip(changes, results, strict=True):
            put_off = result.outcome is Outcome.LATER and self._has_arrived(change, part)
            if result.outcome is Outcome.DONE and result.record is not None:
                made[change.marker] = result.record
            elif put_off or result.outcome in (Outcome.REFUSED, Outcome.ELSEWHERE):
                refused.append(change)
        with transaction.atomic():
            self.lease.renew()
            self._give_up(part.side, refused, "not taken; decided again")
        return made, len(changes) - len(made) - len(refused)

    def _acknowledge_creates(self, part: Part, found: Sequence[tuple[Open, Record]], asked_at: float) -> None:
        now = self.clock.now()
        ours = {record.id: Ours({}) for _, record in found}
        ids = part.intake.absorb([record for _, record in found], asked_at, now, ours, trusted=True)
        items = load_items(ids.values())
        pairs = self._pairs(found_change.pair_id for found_change, _ in found)
        rows = []
        made = [(pairs[change.pair_id], ids[record.id]) for change, record in found if change.pair_id in pairs]
        note_origins(made, part.side)
        for change, record in found:
            item = items[ids[record.id]]
            after = dumps(shown_after(change.kind, change.patch, record.values))
            rows.append((ChangeState.DONE.value, after, item.id, now, "{}", change.id))
            work = pairs.get(change.pair_id or 0)
            if work is None:
                continue
            work.items[part.side] = item
            work.row[f"item_{part.side}"] = item.id
            self._move_bases(work, part.side, change, record.values, None)
        self._drop_half_pairs(part.side, [item.id for item in items.values()], list(pairs))
        save_pairs(list(pairs.values()))
        store.update(Change, ("state", "after", "target_item", "done_at", "source"), rows)

    def _drop_half_pairs(self, side: Side, item_ids: list[int], keep: list[int]) -> None:
        rows = Pair.objects.filter(connection=self.plant.connection, **{f"item_{side}_id__among": item_ids})
        rows.exclude(id__among=keep).delete()

    # ---- updates and deletes: the target tells

    def _settle_writes(self, part: Part, changes: Sequence[Open]) -> int:
        """Returns how many cannot be settled yet."""
        items = load_items(change.target_item_id for change in changes if change.target_item_id)
        ids = {item.remote_id: item for item in items.values()}
        asked_at = self.clock.now()
        answers = part.connector.read(part.folder.remote_id, list(ids), part.fields)
        with transaction.atomic():
            self.lease.renew()
            now = self.clock.now()
            return self._acknowledge_writes(part, changes, items, answers, asked_at, now)

    def _acknowledge_writes(
        self,
        part: Part,
        changes: Sequence[Open],
        items: Mapping[int, Any],
        answers: Mapping[str, Record | Departure],
        asked_at: float,
        now: float,
    ) -> int:
        by_target = {change.target_item_id: change for change in changes}
        ours: dict[str, Ours] = {}
        records: list[Record] = []
        gone: list[Departure] = []
        done: list[Open] = []
        lost: list[Open] = []
        waiting = 0
        pairs = self._pairs(change.pair_id for change in changes)
        for target_id, change in by_target.items():
            item = items.get(target_id or 0)
            answer = answers.get(item.remote_id) if item is not None else None
            if isinstance(answer, Record):
                records.append(answer)
                shown = answer.values
                took = change.kind == "update" and _took_effect(change, shown)
                if took:
                    done.append(change)
                elif self._may_still_arrive(part, change, item):
                    waiting += 1
                else:
                    lost.append(change)
                work = pairs.get(change.pair_id or 0)
                if took:
                    ours[answer.id] = Ours({key: change.before.get(key) for key in change.patch})
                    if work is not None:
                        self._move_bases(work, part.side, change, shown, set(change.patch))
            else:
                if isinstance(answer, Departure):
                    gone.append(answer)
                (done if change.kind == "delete" else lost).append(change)
        part.intake.absorb(records, asked_at, now, ours, trusted=True)
        deleted = {items[change.target_item_id or 0].remote_id for change in done if change.kind == "delete"}
        mine = [Departure(remote_id, DepartureKind.DELETED) for remote_id in deleted]
        part.intake.depart(mine, asked_at, now, by_us=True)
        part.intake.depart([each for each in gone if each.id not in deleted], asked_at, now)
        for work in pairs.values():
            work.row.update(pending=True, next_at=0)
        self._rest_after_undo(part.side, done, pairs)
        save_pairs(list(pairs.values()))
        rows = [(ChangeState.DONE.value, dumps(dict(change.patch)), now, "{}", change.id) for change in done]
        store.update(Change, ("state", "after", "done_at", "source"), rows)
        self._give_up(part.side, lost, "did not take effect; decided again")
        return waiting

    def _may_still_arrive(self, part: Part, change: Open, item: ItemView | None) -> bool:
        """An update that names the version it found is refused once another one came before it. A deletion that takes
        back a creation would look like a person's if it arrived after we had given it up."""
        if self._has_arrived(change, part):
            return False
        conditional = part.connector.capabilities.conditional_updates and item is not None and bool(item.version)
        return not conditional or (change.kind == "delete" and change.undo_of_id is not None)

    def _rest_after_undo(self, side: Side, done: Sequence[Open], pairs: Mapping[int, PairWork]) -> None:
        """What an undo wrote is no news of a person's: the pair rests, as it would if the answer had come."""
        undoing = {change.pair_id for change in done if change.undo_of_id}
        works = [work for work in pairs.values() if work.id in undoing]
        items = load_items(work.row[f"item_{side}"] for work in works if work.row[f"item_{side}"])
        for work in works:
            work.row["undone"] = True
            item = items.get(work.row[f"item_{side}"])
            if item is not None:
                work.row[f"settled_{side}"] = item.seq

    def _give_up(self, side: Side, changes: Sequence[Open], reason: str) -> None:
        """Decided again at once; after a few times in a row less and less often."""
        rows = [(ChangeState.SUPERSEDED.value, change.reason or reason, "{}", change.id) for change in changes]
        store.update(Change, ("state", "reason", "source"), rows)
        causes = {change.pair_id: change.reason or "no answer comes to it" for change in changes if change.pair_id}
        attempts = column(side, "attempts")
        now = self.clock.now()
        tried = []
        for pair_id, before in store.select(Pair, ("id", attempts), "id", causes):
            count = before + 1
            until = now + backoff(count - PATIENCE) if count > PATIENCE else 0.0
            tried.append((count, until, causes[pair_id], True, 0, pair_id))
        names = (attempts, column(side, "blocked_until"), column(side, "cause"), "pending", "next_at")
        store.update(Pair, names, tried)

    def _pairs(self, ids: Any) -> dict[int, PairWork]:
        wanted = [pk for pk in ids if pk]
        return {work.id: work for work in load_pairs(Pair.objects.filter(id__among=wanted))}

    def _move_bases(self, work: PairWork, side: Side, change: Open, shown: Values, keys: set[str] | None) -> None:
        """The base takes what the source showed when the write was decided and what the target shows now; an edit of
        the source since then stays an edit. `keys`: the target's fields concerned, None for all."""
        bases = {each: orjson.loads(work.row[f"base_{each}"]) for each in Side}
        shown = {key: _as_sent(change.patch.get(key), shown.get(key)) for key in {*shown, *change.patch}}
        for mapping in self.plant.setup.mappings:
            if keys is None:
                mine, theirs = mapping.keys(side), mapping.keys(side.other)
                bases[side].update({key: shown.get(key) for key in mine})
                bases[side.other].update({key: change.source.get(key) for key in theirs})
            elif keys & set(mapping.keys(side)):
                move_bases(bases, mapping, side, change.before, shown, change.source)
        work.row.update({f"base_{each}": dumps(bases[each]) for each in Side}, pending=True, next_at=0)


def _as_sent(sent: Value, shown: Value) -> Value:
    """What the target showed right after our write, as far as that can still be known: what was sent, so that a
    person's edit since then counts as one; but what the app does not hold, it never held."""
    if sent is None or shown is None or sent == shown:
        return shown
    if isinstance(sent, list) and isinstance(shown, list):
        ours = {_folded(element) for element in sent}
        return [element for element in shown if _folded(element) in ours]
    return sent


def _folded(element: Value) -> str:
    text = element.get("value", "") if isinstance(element, dict) else element
    return str(text).replace(" ", "").casefold()


def _took_effect(change: Open, shown: Values) -> bool:
    """Some field that we wrote shows something else than before our write; a write of labels alone is decided again."""
    return any(shown.get(key) != change.before.get(key) for key in change.patch)
