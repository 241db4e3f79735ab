"""Names in Chinese, Japanese and Korean script: the family name first, often without a space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from syncrules.commonnames import HAN_FAMILY, HANGUL_FAMILY, KANJI_FAMILY
from syncrules.namewords import COMPOUND_SURNAMES, EAST_HONORIFICS, EAST_NO_PERSON

EAST = re.compile(
    r"[\u1100-\u11ff\u3005\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_HAN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_KANA = re.compile(r"[\u3040-\u30fa\u30fc-\u30ff]+")
_HANGUL = re.compile(r"[\uac00-\ud7af]+")


class Reading(NamedTuple):
    """`labels`: the part of each word; empty where the text is no row of words. `cut`: where the family name of an
    unspaced name ends; the labels are then those of the words after it."""

    labels: tuple[str, ...] = ()
    sure: bool = False
    cut: int = 0


UNREAD = Reading()


def read(text: str, words: Sequence[str]) -> Reading:
    if not all(EAST.fullmatch(word) for word in words) or any(word in text for word in EAST_NO_PERSON):
        return UNREAD
    honorific = len(words) > 1 and words[-1] in EAST_HONORIFICS
    core = words[:-1] if honorific else words
    end = ("suffix",) if honorific else ()
    if len(core) > 2 or any("・" in word for word in core):
        return UNREAD
    if len(core) == 2:
        return Reading(("family", "given", *end), True)
    cut = _surname_length(core[0])
    if cut == len(core[0]):
        return Reading(("family", *end), True)
    if not cut and len(core[0]) == 1 or _KANA.fullmatch(core[0]):
        return Reading(("given", *end), True)
    return Reading(end, True, cut) if cut else Reading(end, False, _likely_surname_length(core[0]))


def _surname_length(text: str) -> int:
    """How many characters are the family name; 0 where that cannot be told."""
    count = len(text)
    if text[:2] in COMPOUND_SURNAMES and 2 < count < 5:
        return 2
    if _HANGUL.fullmatch(text):
        return 1 if count in (2, 3) and text[0] in HANGUL_FAMILY else 0
    for size in (3, 2):
        if text[:size] in KANJI_FAMILY and count < size + 4:
            return size
    if _HAN.fullmatch(text):
        return 1 if count in (2, 3) and text[0] in HAN_FAMILY else 0
    start = _HAN.match(text)
    if start and start.end() == 2 and _KANA.fullmatch(text[2:]):
        return 2
    return 0


def _likely_surname_length(text: str) -> int:
    if _HANGUL.fullmatch(text):
        return 1 if 2 <= len(text) <= 4 else 0
    if _HAN.fullmatch(text):
        return {2: 1, 3: 1, 4: 2}.get(len(text), 0)
    start = _HAN.match(text)
    return min(start.end(), 2) if start and _KANA.fullmatch(text[start.end() :]) else 0
