"""Gives every item its place: half pairs for new items, and partners for half pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, Q

from connections.engine import followed, store, undecided
from connections.engine.decide import known
from connections.engine.followed import GONE, MERGED
from connections.engine.leases import Lease
from connections.engine.match import Card, Found, Index, Match, match
from connections.engine.setup import Plant
from connections.engine.work import PairWork
from connections.models import Connection, Decision, Folder, Health, Item, ItemKey, Pair, Verdict
from syncrules.specs import Side

WINDOW = 1000  # items taken in per transaction
RELEASED = {"pending": True, "next_at": 0, "blocked_a_until": 0, "blocked_b_until": 0}
FRESH = {
    "health": "waiting", "reason": "", "base_a": "{}", "base_b": "{}", "settled_a": 0, "settled_b": 0,
    "pending": True, "next_at": 0.0, "attempts_a": 0, "attempts_b": 0, "blocked_a_until": 0.0, "blocked_b_until": 0.0,
    "cause_a": "", "cause_b": "", "refused": "{}", "rounds": "[]", "warnings": "[]", "conflicts": "[]",
    "brought_by": "[]", "undone": False,
}  # fmt: skip


def take_in(plant: Plant, lease: Lease) -> None:
    """Marks the pairs of all items that really changed since we last looked, and opens half pairs for new ones."""
    connection = plant.connection
    folders = {side: plant.parts[side].folder for side in Side}
    seqs = dict(Folder.objects.filter(pk__in=[folder.pk for folder in folders.values()]).values_list("pk", "seq"))
    for side, folder in folders.items():
        folder.seq = end = seqs[folder.pk]
        while (start := getattr(connection, f"worked_{side}")) < end:
            with transaction.atomic():
                lease.renew()
                upto = _window_end(folder.pk, start, end)
                _take_in_window(connection, side, folder.pk, start, upto)
                undecided.reconsider_window(connection, folder.pk, start, upto)
                setattr(connection, f"worked_{side}", upto)
                Connection.every.filter(pk=connection.pk).update(**{f"worked_{side}": upto})
            if upto == end:
                undecided.forget_dropped(folder.pk)
    if connection.worked_version != connection.config_version:
        with transaction.atomic():
            lease.renew()
            Pair.objects.filter(connection=connection).update(**RELEASED)
            connection.worked_version = connection.config_version
            Connection.every.filter(pk=connection.pk).update(worked_version=connection.worked_version)


def _window_end(folder_id: int, start: int, end: int) -> int:
    seqs = Item.objects.filter(folder_id=folder_id, seq__gt=start, seq__lte=end).order_by("seq")
    last = list(seqs.values_list("seq", flat=True)[WINDOW - 1 : WINDOW])
    return last[0] if last else end


def _take_in_window(connection: Connection, side: Side, folder_id: int, start: int, upto: int) -> None:
    item = f"item_{side}"
    changed = Q(**{f"{item}__folder_id": folder_id, f"{item}__seq__gt": start, f"{item}__seq__lte": upto})
    unsettled = Pair.objects.filter(changed, connection=connection, **{f"{item}__seq__gt": F(f"settled_{side}")})
    ids = list(unsettled.values_list("id", flat=True))
    Pair.objects.filter(id__among=ids).update(**RELEASED)
    Pair.objects.filter(id__among=ids, undone=True).update(undone=False)
    living = Item.objects.filter(folder_id=folder_id, seq__gt=start, seq__lte=upto, departed="").order_by("seq")
    titles = dict(living.values_list("id", "title"))
    paired = {row[0] for row in store.select(Pair, (item,), item, titles, connection=connection.pk)}
    rows = [
        (connection.pk, *((pk, None) if side is Side.A else (None, pk)), title, *FRESH.values())
        for pk, title in titles.items()
        if pk not in paired
    ]
    store.insert(Pair, ("connection", "item_a", "item_b", "title", *FRESH), rows)


@dataclass
class Partners:
    """Finds partners for the half pairs of one page. What it handed out in this run is not handed out again."""

    plant: Plant
    held_since: Mapping[Side, float]  # half pairs first seen since then may be our own unanswered creates
    taken: set[int] = field(default_factory=set)
    neighbours: list[Side] | None = None
    merges: list[Side] | None = None
    decided: bool | None = None  # whether people have decided anything here

    def find(self, works: Sequence[PairWork]) -> dict[int, Match]:
        """Matches by pair id, for the living half pairs among `works`."""
        halves = [(work, side) for work in works if (side := open_side(work)) is not None]
        if not halves:
            return {}
        ids = {view.id for work, side in halves if (view := work.items[side]) is not None}
        index, cards = self._index(ids)
        apart, same, alone = self._decisions(set(cards))
        moved = followed.moved(self.plant, halves, self._sides_with_neighbours(), self._partners)
        merged = followed.merged(self.plant, halves, self._sides_with_merges(), self._partners)
        copies, returned = self._copies(halves, apart)
        matches: dict[int, Match] = {}
        for work, side in halves:
            view = known(work.items[side])
            card = cards[view.id]
            if view.id in self.taken:
                continue
            if self.plant.forgotten is not None and self.plant.forgotten.knows(card.keys):
                matches[work.id] = Match(Found.FORGOTTEN)
                continue
            found = self._decided(card, same, alone) or moved.get(view.id) or merged.get(view.id)
            found = found or copies.get(view.id)
            if found is None:
                found = match(card, index, self.plant.tiers, apart)
                if found.found is Found.PARTNER and alone.get(found.others[0]) == Verdict.EXCLUDE:
                    found = Match(Found.REVIEW, found.others, found.key)
                if found.found is Found.NOBODY and work.row["health"] == Health.REVIEW:
                    found = _still_asked(card, index, same) or found
                if view.id in returned and found.found in (Found.NOBODY, Found.NO_KEY):
                    found = Match(Found.RETURNED)
            if found.found is Found.PARTNER:
                if found.others[0] in self.taken:
                    continue
                self.taken |= {view.id, found.others[0]}
            matches[work.id] = found
        return matches

    def _index(self, ids: set[int]) -> tuple[dict[str, list[Card]], dict[int, Card]]:
        """All living cards that share a key with these items, or with those."""
        keys = self._keys_of(ids)
        nearby = self._holders({key for own in keys.values() for key in own})
        more = nearby - ids
        if more:
            keys.update(self._keys_of(more))
            nearby = self._holders({key for own in keys.values() for key in own})
            keys.update(self._keys_of(nearby - set(keys)))
        cards = self._cards(ids, nearby - ids, keys)
        index: dict[str, list[Card]] = {}
        for card in cards.values():
            for key in card.keys:
                index.setdefault(key, []).append(card)
        return index, cards

    def _keys_of(self, ids: Iterable[int]) -> dict[int, set[str]]:
        keys: dict[int, set[str]] = {pk: set() for pk in ids}
        for pk, value in store.select(ItemKey, ("item", "value"), "item", keys):
            keys[pk].add(value)
        return keys

    def _holders(self, values: set[str]) -> set[int]:
        used = [value for value in values if value[:2] in self.plant.tiers]
        folders = [part.folder.pk for part in self.plant.parts.values()]
        # Two lookups, not a join: a planner without fresh statistics walks through all keys for it.
        holders = {row[0] for pk in folders for row in store.select(ItemKey, ("item",), "value", used, folder=pk)}
        return {row[0] for row in store.select(Item, ("id",), "id", holders, departed="")}

    def _cards(self, halves: set[int], others: set[int], keys: Mapping[int, set[str]]) -> dict[int, Card]:
        partners = self._partners(others)
        side_of = {part.folder.pk: side for side, part in self.plant.parts.items()}
        rows = store.select(Item, ("id", "folder", "name_key", "values"), "id", halves | others)
        return {
            pk: Card(pk, side_of[folder], name, frozenset(keys.get(pk, ())), values.count('":'), partners.get(pk))
            for pk, folder, name, values in rows
        }

    def _partners(self, ids: Collection[int]) -> dict[int, int]:
        if not ids:
            return {}
        full = Pair.objects.filter(connection=self.plant.connection, item_a__isnull=False, item_b__isnull=False)
        found = {}
        for one, other in (("item_a", "item_b"), ("item_b", "item_a")):
            rows = full.filter(**{f"{one}_id__among": ids}).exclude(**{f"{other}__departed__in": GONE})
            found.update(dict(rows.values_list(f"{one}_id", f"{other}_id")))
        return found

    def _decisions(self, ids: set[int]) -> tuple[set[tuple[int, int]], dict[int, int], dict[int, str]]:
        apart: set[tuple[int, int]] = set()
        same: dict[int, int] = {}
        alone: dict[int, str] = {}
        rows = Decision.objects.filter(connection=self.plant.connection)
        if self.decided is None:
            self.decided = rows.exists()
        if not self.decided:
            return apart, same, alone
        rows = rows.filter(Q(item_a_id__among=ids) | Q(item_b_id__among=ids))
        rows = rows.exclude(item_a__departed__gt="").exclude(item_b__departed__gt="")
        for a, b, verdict in rows.values_list("item_a_id", "item_b_id", "verdict"):
            if a and b and verdict == Verdict.SAME:
                same[a], same[b] = b, a
            elif a and b and verdict == Verdict.APART:
                apart.add((a, b))
            elif verdict in (Verdict.EXCLUDE, Verdict.CREATE):
                alone |= {item: verdict for item in (a, b) if item}
        return apart, same, alone

    def _copies(
        self, halves: Sequence[tuple[PairWork, Side]], apart: set[tuple[int, int]]
    ) -> tuple[dict[int, Match], set[int]]:
        """Of records that connections copied round: the one of the same origin in the folder where each would now be
        brought. And those that are not brought, since the one that was there is deleted."""
        there = {known(work.items[side]).id: self.plant.parts[side.other].folder.pk for work, side in halves}
        origins = {pk: origin or pk for pk, origin in store.select(Item, ("id", "origin"), "id", there)}
        kin: dict[tuple[int, int], list[tuple[int, str]]] = {}
        for folder in set(there.values()):
            wanted = {origins[pk] for pk, other in there.items() if other == folder}
            rows = store.select(Item, ("id", "origin", "departed"), "origin", wanted, folder=folder)
            rows += store.select(Item, ("id", "id", "departed"), "id", wanted, folder=folder)
            for pk, origin, departed in rows:
                kin.setdefault((folder, origin), []).append((pk, departed))
        taken = self._partners({pk for copies in kin.values() for pk, _ in copies}).keys()
        parted = apart | {(b, a) for a, b in apart}
        found: dict[int, Match] = {}
        returned: set[int] = set()
        for pk, folder in there.items():
            copies = kin.get((folder, origins[pk]), [])
            living = [other for other, departed in copies if departed not in GONE]
            free = [other for other in living if other not in taken and (pk, other) not in parted]
            if free:
                found[pk] = Match(Found.PARTNER, (min(free),), "copy")
            elif copies and not living:
                returned.add(pk)
        return found, returned

    def _sides_with_neighbours(self) -> list[Side]:
        if self.neighbours is None:
            self.neighbours = followed.sides_with_neighbours(self.plant)
        return self.neighbours

    def _sides_with_merges(self) -> list[Side]:
        if self.merges is None:
            parts = self.plant.parts.items()
            self.merges = [side for side, part in parts if followed.with_successor(part.folder).exists()]
        return self.merges

    @staticmethod
    def _decided(card: Card, same: Mapping[int, int], alone: Mapping[int, str]) -> Match | None:
        if card.id in same:
            return Match(Found.PARTNER, (same[card.id],), "decided by a person")
        if alone.get(card.id) == Verdict.CREATE:
            return Match(Found.NOBODY)
        if alone.get(card.id) == Verdict.EXCLUDE:
            return Match(Found.EXCLUDED)
        return None

    def held(self, work: PairWork, side: Side) -> bool:
        view = work.items[side]
        return view is not None and view.first_seen_at >= self.held_since.get(side, float("inf"))


def _still_asked(card: Card, index: Index, same: Collection[int]) -> Match | None:
    """Who waited for a person to say which of several it is, and was not the one, is made on the other side only when
    a person says that, too."""
    others = {other.id for key in card.keys for other in index.get(key, ()) if other.side != card.side}
    decided = others & set(same)
    return Match(Found.REVIEW, tuple(sorted(decided))) if decided else None


def open_side(work: PairWork) -> Side | None:
    """The side whose record lives without a partner: the other side never had one, or it departed."""
    for side in Side:
        view, partner = work.items[side], work.items[side.other]
        if view is not None and not view.departed and not view.problem:
            return side if partner is None or partner.departed in GONE else None
    return None


def is_survivor(work: PairWork) -> bool:
    return work.row["item_a"] is not None and work.row["item_b"] is not None


def explain_match(found: Match, titles: Mapping[int, str]) -> tuple[str, str]:
    """Health and reason of a half pair that matching did not settle."""
    names = ", ".join(sorted({titles.get(other, "") or "a contact without a name" for other in found.others}))
    if found.key == MERGED:
        return (
            Health.REVIEW,
            f"its counterpart was merged into {names}, which has another one here: a person must decide",
        )
    if found.found is Found.DUPLICATE:
        return Health.DUPLICATE, f"the same as {names} in this folder"
    if found.found is Found.REVIEW:
        return Health.REVIEW, f"could be {names} on the other side: a person must decide"
    if found.found is Found.RETURNED:
        return Health.DELETED, "a copy of a contact that was deleted on the other side"
    if found.found is Found.EXCLUDED:
        return Health.EXCLUDED, "left out by a person"
    if found.found is Found.FORGOTTEN:
        return Health.EXCLUDED, "is known by something of a person who asked to be forgotten, so it is never created"
    return Health.EXCLUDED, "has none of the keys by which this connection knows people (such as an email)"
