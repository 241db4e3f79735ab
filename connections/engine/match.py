"""Who is who: a pure function over the cards of one page and all cards that share a key with them.

A key is text with its tier in front: ``u:`` shared UID, ``e:`` email, ``p:`` phone and name, ``c:`` name and company.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from syncrules.keys import MatchKeys, is_role_address
from syncrules.specs import Side

TIERS = {"email": "e:", "phone+name": "p:", "name+company": "c:"}


class Card(NamedTuple):
    """An item as matching sees it. `partner` is the id of the item it is already paired with, if any."""

    id: int
    side: Side
    name: str
    keys: frozenset[str]
    weight: int = 0  # how complete the record is
    partner: int | None = None


class Found(StrEnum):
    PARTNER = "partner"
    DUPLICATE = "duplicate"
    REVIEW = "review"
    NOBODY = "nobody"
    NO_KEY = "no_key"
    EXCLUDED = "excluded"  # a person said so
    FORGOTTEN = "forgotten"  # somebody who asked for it
    RETURNED = "returned"  # a copy of a copy, back where the original was deleted


@dataclass(frozen=True, slots=True)
class Match:
    found: Found
    others: tuple[int, ...] = ()  # the partner, the card it repeats, or the candidates
    key: str = ""


Index = Mapping[str, Sequence[Card]]


def tiers(match_keys: Sequence[str]) -> tuple[str, ...]:
    return ("u:", *(TIERS[key] for key in match_keys))


def key_texts(keys: MatchKeys, uid: str) -> list[str]:
    """All matching keys of a record as texts."""
    found = [f"e:{email}" for email in keys.emails]
    if keys.name:
        found += [f"p:{phone}|{keys.name}" for phone in keys.phones]
        if keys.company:
            found.append(f"c:{keys.name}|{keys.company}")
    if uid:
        found.append(f"u:{uid}")
    return list(dict.fromkeys(text[:500] for text in found))


def match(card: Card, index: Index, order: Sequence[str], apart: Collection[tuple[int, int]] = ()) -> Match:
    """Finds the partner of an unpaired card. `index` holds, for every key of the card and of its candidates, all
    living cards of both sides that have it; `order` the tiers, strongest first; `apart` pairs of ids that a person
    said are two people."""
    undecided: dict[int, str] = {}
    for tier in order:
        sure: dict[int, tuple[Card, str]] = {}
        for key in sorted(key for key in card.keys if key.startswith(tier)):
            free = [other for other in _across(card, key, index, apart) if other.partner is None]
            weak = _is_weak(card, key, index)
            for other in free:
                if not weak or (card.name and _same_name(card, other)):
                    sure.setdefault(other.id, (other, key))
                else:
                    undecided.setdefault(other.id, key)
        if len(sure) > 1:
            return Match(Found.REVIEW, tuple(sorted(sure)), next(iter(sure.values()))[1])
        if sure:
            ((other, key),) = sure.values()
            return _mutual(card, other, key, tier, index, apart)
    if undecided:
        return Match(Found.REVIEW, tuple(sorted(undecided)), next(iter(undecided.values())))
    if not any(key.startswith(tier) for key in card.keys for tier in order if tier != "u:"):
        return Match(Found.NO_KEY)
    return _alone(card, index, order)


def _mutual(card: Card, other: Card, key: str, tier: str, index: Index, apart: Collection[tuple[int, int]]) -> Match:
    """A partner must see nobody but this card; equal twins of the card are its duplicates."""
    rivals: dict[int, Card] = {}
    for back in (back for back in other.keys if back.startswith(tier)):
        weak = _is_weak(other, back, index)
        for rival in _across(other, back, index, apart):
            if rival.id != card.id and rival.partner is None and (not weak or _same_name(rival, other)):
                rivals[rival.id] = rival
    if not rivals:
        return Match(Found.PARTNER, (other.id,), key)
    if all(_same_name(card, rival) for rival in rivals.values()):
        best = max([card, *rivals.values()], key=lambda each: (each.weight, -each.id))
        if best.id == card.id:
            return Match(Found.PARTNER, (other.id,), key)
        return Match(Found.DUPLICATE, (best.id,), key)
    return Match(Found.REVIEW, (other.id,), key)


def _alone(card: Card, index: Index, order: Sequence[str]) -> Match:
    """Nobody on the other side: is the card the one to be created, or a repetition of another of its own side?"""
    twins: dict[int, tuple[Card, str]] = {}
    for key in sorted(card.keys):
        if key[:2] in order and key[:2] != "u:":
            for other in index.get(key, ()):
                if other.side == card.side and other.id != card.id and _same_name(card, other):
                    twins[other.id] = (other, key)
    if twins:
        cards = [card, *(twin for twin, _ in twins.values())]
        best = max(cards, key=lambda each: (each.partner is not None, each.weight, -each.id))
        if best.id != card.id:
            return Match(Found.DUPLICATE, (best.id,), twins[best.id][1])
    return Match(Found.NOBODY)


def _across(card: Card, key: str, index: Index, apart: Collection[tuple[int, int]]) -> list[Card]:
    return [
        other
        for other in index.get(key, ())
        if other.side != card.side
        and ((card.id, other.id) if card.side is Side.A else (other.id, card.id)) not in apart
    ]


def _is_weak(card: Card, key: str, index: Index) -> bool:
    """Shared by several records of one side, or a role address: it finds candidates but does not decide alone."""
    cards = index.get(key, ())
    here = sum(other.side == card.side for other in cards)
    return here > 1 or len(cards) - here > 1 or (key.startswith("e:") and is_role_address(key[2:]))


def _same_name(one: Card, other: Card) -> bool:
    return one.name == other.name
