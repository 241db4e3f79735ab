"""Finding contacts in big tables, each way through an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from connections.models import Change, ChangeState, Folder, Item, ItemKey, Pair, Run, Tenant
from syncrules.keys import email_key, name_key, phone_key

FOUND = 500  # rows that a search hands to a list
SHOWN = 50  # contacts that one question over all tenants may mean
LONGEST = 1_000  # characters of a question: an app's own id may be that long
LAST_CHANGES = 3  # told of each contact
FEWEST_DIGITS = 5  # of a phone number
FEWEST_LETTERS = 3  # with which an email address begins
WORDS = 4  # of a name that are tried in any order that begins with another of them
Narrow = Callable[[QuerySet[Any]], QuerySet[Any]]


def find_pairs(rows: QuerySet[Pair], text: str) -> QuerySet[Pair]:
    """By a part of the name; by a whole email address."""
    if "@" in text:
        items = items_with_email(text)
        return rows.filter(Q(item_a__in=items) | Q(item_b__in=items))
    # The inner query reads the index of titles alone, not the rows with their bases.
    found = Pair.objects.filter(title__icontains=text).order_by().values("id")
    return rows.filter(id__in=found)


def find_changes(rows: QuerySet[Change], text: str) -> QuerySet[Change]:
    pairs = Pair.objects.filter(title__icontains=text).order_by().values_list("id", flat=True)[:FOUND]
    return rows.filter(pair_id__in=list(pairs))


def find_items(rows: QuerySet[Item], text: str) -> QuerySet[Item]:
    """By a whole email address, or by the app's own id."""
    if "@" in text:
        return rows.filter(id__in=items_with_email(text))
    return rows.filter(remote_id=text)


def items_with_email(text: str) -> list[int]:
    """An index seek per folder, since keys are indexed by folder."""
    folders = list(Folder.objects.values_list("id", flat=True))
    keys = ItemKey.objects.filter(folder_id__in=folders, value=f"e:{text.strip().lower()}")
    return list(keys.values_list("item_id", flat=True)[:FOUND])


# ---- one person, over all tenants


@dataclass(frozen=True, slots=True)
class Found:
    """Who may be meant. `strays` are records that no connection speaks of, `more` says that there are further ones."""

    pairs: Sequence[Pair] = ()  # each with `last`, its newest changes
    strays: Sequence[Item] = ()
    run: Run | None = None
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.pairs or self.strays or self.run)


def find_person(text: str, narrow: Narrow) -> Found:
    """By the beginning of a name or email address, a phone number, an app's own id; or a run by its number. `narrow`
    leaves of any rows those that the reader may see. Every character stands for itself."""
    wanted = "".join(char for char in text if char.isprintable()).strip()[:LONGEST]
    if not wanted:
        return Found()
    ids = _Ways(wanted, narrow).items()
    places = {pk: place for place, pk in enumerate(ids)}
    rows = narrow(Pair.objects.filter(Q(item_a_id__in=ids) | Q(item_b_id__in=ids)))
    pairs = list(_told(rows).order_by("-id")[: FOUND + 1])
    of_pair = {pair.pk: [pk for pk in (pair.item_a_id, pair.item_b_id) if pk in places] for pair in pairs}
    pairs.sort(key=lambda pair: min(places[pk] for pk in of_pair[pair.pk]))
    in_pairs = {pk for of_one in of_pair.values() for pk in of_one}
    strays = _strays([pk for pk in ids if pk not in in_pairs] if len(pairs) <= FOUND else [], narrow)
    more = len(pairs) > SHOWN or len(strays) > SHOWN or len(ids) >= FOUND
    shown = _with_changes(pairs[:SHOWN])
    return Found(shown, strays[: SHOWN - len(shown)], _run(wanted, narrow), more)


@dataclass
class _Ways:
    """All ways in which records answer to a text; the surest come first."""

    text: str
    narrow: Narrow
    folders: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.folders = list(self.narrow(Folder.objects.all()).values_list("id", flat=True))

    def items(self) -> list[int]:
        found: dict[int, None] = {}
        for way in (self._by_id, self._by_email, self._by_phone, self._by_name, self._by_beginning_of_email):
            if len(found) < FOUND:
                found.update(dict.fromkeys(way()))
        return list(found)[:FOUND]

    def _by_id(self) -> Iterator[int]:
        yield from self._of_items(remote_id=self.text)

    def _by_email(self) -> Iterator[int]:
        if "@" not in self.text:
            return
        yield from self._of_keys(value=f"e:{email_key(self.text) or self.text.casefold()}")

    def _by_beginning_of_email(self) -> Iterator[int]:
        if len(self.text) >= FEWEST_LETTERS and " " not in self.text:
            yield from self._of_keys(value__begins=f"e:{self.text.casefold()}")

    def _by_phone(self) -> Iterator[int]:
        if sum(map(str.isdigit, self.text)) < FEWEST_DIGITS or any(map(str.isalpha, self.text)):
            return
        regions = {"", *Tenant.objects.exclude(region="").values_list("region", flat=True).distinct()}
        for number in sorted({phone_key(self.text, region) for region in regions} - {""}):
            yield from self._of_keys(value__begins=f"p:{number}|")

    def _by_name(self) -> Iterator[int]:
        words = name_key(self.text).split() if "@" not in self.text else []
        turned = [" ".join([*words[first:], *words[:first]]) for first in range(min(len(words), WORDS))]
        for name in turned:
            yield from self._of_items(name_key=name)
        for name in turned:
            yield from self._of_items(name_key__begins=name)

    def _of_items(self, **wanted: str) -> Iterator[int]:
        rows = self.narrow(Item.objects.filter(**wanted))
        yield from rows.values_list("id", flat=True)[:FOUND]

    def _of_keys(self, **wanted: str) -> Iterator[int]:
        rows = ItemKey.objects.filter(folder__among=self.folders, **wanted)
        yield from rows.values_list("item_id", flat=True)[:FOUND]


def _told(rows: QuerySet[Pair]) -> QuerySet[Pair]:
    """With what a line says of a contact, and without anything big."""
    names = ("name", "deleted_at", "tenant__name", "tenant__slug")
    sides = ("folder_a__account__name", "folder_b__account__name")
    return rows.select_related(
        "connection__tenant", "connection__folder_a__account", "connection__folder_b__account"
    ).only("title", "health", "reason", "item_a", "item_b", *(f"connection__{name}" for name in (*names, *sides)))


def _with_changes(pairs: list[Pair]) -> list[Pair]:
    rows = Change.objects.filter(pair__in=pairs).exclude(state=ChangeState.SUPERSEDED)
    place = Window(RowNumber(), partition_by=F("pair_id"), order_by=F("id").desc())
    newest = rows.annotate(place=place).filter(place__lte=LAST_CHANGES).order_by("-id")
    last: dict[int | None, list[Change]] = {}
    for change in newest.only("pair", "kind", "side", "state", "made_at", "sent_at", "done_at", "reason"):
        last.setdefault(change.pair_id, []).append(change)
    for pair in pairs:
        pair.last = last.get(pair.pk, [])  # type: ignore[attr-defined]
    return pairs


def _strays(ids: Sequence[int], narrow: Narrow) -> list[Item]:
    rows = narrow(Item.objects.filter(id__in=ids)).select_related("folder__account__tenant")
    named = ("title", "remote_id", "departed", "folder__name", "folder__path")
    return list(rows.only(*named, "folder__account__name", "folder__account__tenant__name")[: SHOWN + 1])


def _run(text: str, narrow: Narrow) -> Run | None:
    number = text.lower().removeprefix("run").strip(" #")
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        return None
    rows = narrow(Run.objects.filter(pk=int(number))).select_related("connection__tenant")
    return rows.defer("held", "losses", "left", "connection__lines", "connection__applied").first()
