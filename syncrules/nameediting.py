"""Reading a name of which the old parts are known: words that say an old part belong to it, the rest is placed anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from syncrules import namereading as reading
from syncrules.namereading import bare, is_nickname, is_particle, is_prefix, is_suffix

PARTS = ("prefix", "given", "middle", "family", "suffix")


class Placed(NamedTuple):
    labels: Sequence[str]
    sure: bool = True


def align(text: str, old: Mapping[str, str]) -> Placed | None:
    """Labels by the old parts; None where neither the old given nor the old family name is said any more."""
    words = reading.words_of(text)
    labels = _found(words, old)
    if "given" not in labels and "family" not in labels:
        return None
    for index, word in enumerate(words):
        if not labels[index] and is_nickname(word):
            labels[index] = "nickname"
    gaps = _gaps(labels)
    sure = not gaps or not reading.is_no_person(text)
    for start, end in gaps:
        placed = _place(words[start:end], labels, start, end, old)
        labels[start:end] = placed.labels
        sure = sure and placed.sure
    return Placed(labels, sure)


def _found(words: Sequence[str], old: Mapping[str, str]) -> list[str]:
    """The words that say an old part as it was; the others stay without label."""
    plain = [bare(word) for word in words]
    labels = [""] * len(words)
    wanted = {part: [bare(word) for word in reading.words_of(old[part])] for part in PARTS if old[part]}
    for part in sorted(wanted, key=lambda part: -len(wanted[part])):
        size = len(wanted[part])
        for at in _places(plain, wanted[part], part):
            if not any(labels[at : at + size]):
                labels[at : at + size] = [part] * size
                break
    return labels


def _places(words: Sequence[str], wanted: Sequence[str], part: str) -> Iterator[int]:
    """Where a part may stand, the likelier place first: the last ones for what usually stands at the end."""
    places = [at for at in range(len(words) - len(wanted) + 1) if list(words[at : at + len(wanted)]) == list(wanted)]
    return reversed(places) if part in ("family", "suffix") else iter(places)


def _gaps(labels: Sequence[str]) -> list[tuple[int, int]]:
    gaps: list[tuple[int, int]] = []
    for index, label in enumerate(labels):
        if label:
            continue
        if gaps and gaps[-1][1] == index:
            gaps[-1] = (gaps[-1][0], index + 1)
        else:
            gaps.append((index, index + 1))
    return gaps


def _place(words: list[str], labels: Sequence[str], start: int, end: int, old: Mapping[str, str]) -> Placed:
    """The parts of words that are new, from what they are and what stands around them."""
    count = len(words)
    before = labels[start - 1] if start else ""
    after = labels[end] if end < len(labels) else ""
    if "prefix" not in labels and not before and all(is_prefix(word) for word in words):
        return Placed(["prefix"] * count)
    if "suffix" not in labels and not after and before and all(is_suffix(word, True) for word in words):
        return Placed(["suffix"] * count)
    missing = [part for part in ("given", "family") if part not in labels]
    if missing:
        return _renewed(words, missing[0], before, after, old, "middle" not in labels)
    if before == "given" and after == "family":
        if all(is_particle(word) for word in words):
            return Placed(["family"] * count)
        free = "middle" not in labels
        sure = not free or bool(old["middle"]) or reading.are_middle(words)
        return Placed(["middle" if free else "given"] * count, sure)
    return Placed([_neighbour(before, after)] * count)


def _neighbour(before: str, after: str) -> str:
    return next((part for part in (before, after) if part and part != "nickname"), "given")


def _renewed(words: list[str], part: str, before: str, after: str, old: Mapping[str, str], free: bool) -> Placed:
    """Words that took the place of the old given or family name, perhaps with a middle name beside it."""
    count = len(words)
    inside = (part == "family" and before == "given" and not after) or (part == "given" and after == "family")
    if count == 1 or not free or not inside or count == len(old[part].split()):
        return Placed([part] * count)
    if part == "given":
        return Placed(["given", *["middle"] * (count - 1)])
    family = reading.family_start(["", *words]) - 1
    if not reading.are_middle(words[:family]):
        return Placed(["family"] * count, sure=False)
    return Placed(["middle"] * family + ["family"] * (count - family))
