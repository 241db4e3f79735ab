"""Three-way merging of lists as sets of elements, seen from the side that is to be written."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from connectors.base import Values
from syncrules.fitting import Refused
from syncrules.lenses import Element, ListLens


@dataclass(slots=True)
class Elements:
    """A list with its elements by normal form; of two that mean the same the first counts."""

    items: Sequence[Element]
    keys: list[Hashable]
    by_key: dict[Hashable, Element] = field(init=False)

    def __post_init__(self) -> None:
        self.by_key = {}
        for key, item in zip(self.keys, self.items, strict=True):
            self.by_key.setdefault(key, item)

    @classmethod
    def of(cls, lens: ListLens, items: Sequence[Element]) -> Elements:
        return cls(items, [lens.normal(item["value"]) for item in items])

    @property
    def first(self) -> Hashable | None:
        return self.keys[0] if self.keys else None


@dataclass(slots=True)
class Half:
    """One side of a list mapping: its elements now and when both agreed (None: never)."""

    lens: ListLens
    now: Elements
    base: Elements | None

    def added(self, key: Hashable) -> bool:
        return self.base is None or key not in self.base.by_key

    def removed(self, key: Hashable) -> bool:
        return self.base is not None and key in self.base.by_key and key not in self.now.by_key

    def edited(self, key: Hashable, attributes: frozenset[str]) -> bool:
        """Whether an attribute of an element that was there before is another one now."""
        if self.base is None:
            return False
        before, after = self.base.by_key.get(key), self.now.by_key.get(key)
        if before is None or after is None:
            return False
        return any(before.get(name) != after.get(name) for name in attributes)

    @property
    def was_full(self) -> bool:
        return self.base is not None and self.lens.capacity is not None and len(self.base.keys) >= self.lens.capacity

    def new_first(self) -> bool:
        """Whether a person preferred another element; that the first one went away says nothing."""
        if self.base is None or not self.now.keys or not self.lens.ordered:
            return False
        if not self.base.keys:
            return False
        return self.now.first != self.base.first and self.base.first in self.now.by_key

    def first_replaced(self) -> bool:
        return self.base is not None and bool(self.base.keys) and self.removed(self.base.first)


@dataclass(slots=True)
class Merged:
    items: list[Element]
    refused: list[str]  # why elements were not taken over
    left_out: int = 0  # elements for which there is no room


@dataclass(frozen=True, slots=True)
class Stance:
    """How the side that is to be written stands to the other one."""

    yields: bool  # the other side decides where both say something
    restores: bool  # edits made here are put back
    returns: bool  # what is displaced here finds a place on the other side
    refills: bool  # what once found no room moves up into a free slot


def merge_half(mine: Half, theirs: Half, stance: Stance) -> Merged:
    """The list that `mine` should show."""
    return _Merge(mine, theirs, stance).run()


class _Merge:
    def __init__(self, mine: Half, theirs: Half, stance: Stance) -> None:
        self.mine = mine
        self.theirs = theirs
        self.stance = stance
        self.based = mine.base is not None and theirs.base is not None
        self.attributes = mine.lens.attributes & theirs.lens.attributes
        self.out = Merged([], [])

    def run(self) -> Merged:
        slots = self._kept()
        replaced = self._replacements()
        adds, pinned = self._additions()
        items: list[tuple[Hashable, Element]] = []
        for key, item in slots:
            if item is not None:
                items.append((key, item))
            elif key in replaced and replaced[key] in adds:
                new, own = replaced[key], self.mine.now.by_key[key]
                adds.remove(new)
                if not self._append(items, new, own):
                    items.append((key, own))
        waiting = [*adds, *pinned]
        items = self._prefer(items, waiting)
        for key in waiting:
            if self._full(items):
                self.out.left_out += 1
            else:
                self._append(items, key, None)
        self.out.items = [item for _, item in items]
        return self.out

    def _kept(self) -> list[tuple[Hashable, Element | None]]:
        """What is here, in its order; None for what goes."""
        slots: list[tuple[Hashable, Element | None]] = []
        for key, item in zip(self.mine.now.keys, self.mine.now.items, strict=True):
            slots.append((key, None if self._goes(key) else self._updated(key, item)))
        return slots

    def _goes(self, key: Hashable) -> bool:
        if not self.based:
            return False
        if self.stance.restores and self.mine.added(key) and key not in self.theirs.now.by_key:
            return True
        return (
            self.theirs.removed(key)
            and not self.mine.added(key)
            and (self.stance.restores or not self.mine.edited(key, self.mine.lens.attributes))
        )

    def _updated(self, key: Hashable, item: Element) -> Element:
        """The element with the attributes that the other side set."""
        other = self.theirs.now.by_key.get(key)
        if other is None or not self.attributes:
            return item
        changed = dict(item)
        for name in self.attributes:
            own, new = item.get(name), other.get(name)
            if own == new or not self._takes(key, name, own, new):
                continue
            if new is None:
                changed.pop(name, None)
            else:
                changed[name] = new
        return changed

    def _takes(self, key: Hashable, name: str, own: object, new: object) -> bool:
        mine0 = self.mine.base.by_key.get(key) if self.mine.base else None
        theirs0 = self.theirs.base.by_key.get(key) if self.theirs.base else None
        if mine0 is None or theirs0 is None:
            return new is not None and (own is None or self.stance.yields)
        they, we = theirs0.get(name) != new, mine0.get(name) != own
        if they and we:
            return (self.stance.yields and new is not None) or own is None
        return they or (self.stance.restores and we)

    def _replacements(self) -> dict[Hashable, Hashable]:
        """What the other side put in the place of an element that it removed."""
        found: dict[Hashable, Hashable] = {}
        if not self.based or self.theirs.base is None:
            return found
        for before, after in zip(self.theirs.base.keys, self.theirs.now.keys, strict=False):
            if before != after and self.theirs.removed(before) and self.theirs.added(after):
                found[before] = after
        return found

    def _additions(self) -> tuple[list[Hashable], list[Hashable]]:
        """What the other side has and this one has not: to be added, and what once found no room here."""
        adds: list[Hashable] = []
        pinned: list[Hashable] = []
        for key in self.theirs.now.by_key:
            if key in self.mine.now.by_key:
                continue
            if not self.based or self.theirs.added(key):
                adds.append(key)
            elif self.mine.removed(key):
                if self.stance.restores or self.theirs.edited(key, self.theirs.lens.attributes):
                    adds.append(key)
            elif self.mine.was_full and self.stance.refills:
                pinned.append(key)
        return adds, pinned

    def _prefer(self, items: list[tuple[Hashable, Element]], waiting: list[Hashable]) -> list[tuple[Hashable, Element]]:
        """The element that the other side prefers comes first, in the place of another if there is no room."""
        first = self.theirs.now.first
        if (
            first is None
            or not self.theirs.lens.ordered
            or not self.mine.lens.ordered
            or not self._moves_first(first, waiting)
        ):
            return items
        if first in waiting:
            full = self._full(items)
            room = items[:] if full else items
            if full and not self._make_room(items):
                return items
            waiting.remove(first)
            if not self._append(items, first, None):
                return room
        chosen = [entry for entry in items if entry[0] == first]
        return chosen + [entry for entry in items if entry[0] != first]

    def _moves_first(self, first: Hashable, waiting: list[Hashable]) -> bool:
        if not self.based:
            return self.stance.yields and first in waiting
        if self.stance.yields and self.mine.lens.capacity == 1 and first in waiting and self.theirs.first_replaced():
            return True
        return self.theirs.new_first() and (self.stance.yields or not self.mine.new_first())

    def _make_room(self, items: list[tuple[Hashable, Element]]) -> bool:
        """Takes the last element away that the other side has too, or will have by this merge."""
        for index in range(len(items) - 1, -1, -1):
            key = items[index][0]
            spared = self.based and not self.mine.added(key)
            if (self.based and key in self.theirs.now.by_key) or (self.stance.returns and not spared):
                del items[index]
                return True
        return False

    def _append(self, items: list[tuple[Hashable, Element]], key: Hashable, own: Element | None) -> bool:
        try:
            items.append((key, self.mine.lens.take(self.theirs.now.by_key[key], own)))
        except Refused as refused:
            self.out.refused.append(str(refused))
            return False
        return True

    def _full(self, items: list[tuple[Hashable, Element]]) -> bool:
        capacity = self.mine.lens.capacity
        return capacity is not None and len(items) >= capacity


def rebased(
    here: ListLens,
    there: ListLens,
    before: Values,
    after: Values,
    source: Values,
    base_here: Values,
    base_there: Values,
) -> tuple[list[Element], list[Element]]:
    """Both bases moved by what one write added, changed and removed, and by nothing else."""
    was, now = Elements.of(here, here.get(before)).by_key, Elements.of(here, here.get(after)).by_key
    shown = Elements.of(there, there.get(source)).by_key
    written = {key for key, item in now.items() if was.get(key) != item}
    removed = was.keys() - now.keys()
    moved = []
    for lens, base, present, gone in (
        (here, base_here, now, removed),
        (there, base_there, shown, removed - shown.keys()),
    ):
        old = Elements.of(lens, lens.get(base)).by_key
        kept = {key: item for key, item in old.items() if key not in gone}
        kept.update({key: present[key] for key in written & present.keys()})
        moved.append([kept[key] for key in (*present, *(key for key in kept if key not in present)) if key in kept])
    return moved[0], moved[1]
