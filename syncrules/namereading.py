"""Reading a name of which nothing is known: which of its words belong to which part, and whether that is sure.

Sure is what its shape tells (a comma, an initial, a particle, a title, a patronymic, a script) or what the words
themselves tell because they are well known. Everything else is a guess, and a guess is never written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from syncrules import eastnames
from syncrules.commonnames import (
    CYRILLIC_GIVEN,
    EAST_ASIAN_FAMILY,
    EUROPEAN_GIVEN,
    GIVEN,
    HUNGARIAN_FAMILY,
    HUNGARIAN_GIVEN,
    IBERIAN_FAMILY,
    KOREAN_FAMILY,
    VIETNAMESE_FAMILY,
)
from syncrules.eastnames import UNREAD, Reading
from syncrules.namewords import (
    BOUND,
    CONJUNCTIONS,
    COUPLES,
    GIVEN_TITLES,
    LEGAL_FORMS,
    LOWER_PARTICLES,
    MARIAN,
    NO_PERSON,
    PARTICLES,
    PREFIXES,
    SUFFIXES,
    UNSURE_PREFIXES,
    UNSURE_SUFFIXES,
)

# A word; what stands in quotation marks or brackets is one.
WORD = re.compile(
    r"""["“”„][^"“”„]+["“”](?=[\s,،，]|$)|«[^»]+»(?=[\s,،，]|$)|['‘][^'‘’\s]+(?:\ [^'‘’\s]+)*['’](?=[\s,،，]|$)"""
    r"""|\([^()]+\)(?=[\s,،，]|$)|（[^（）]+）|[^\s,،，]+""",
    re.VERBOSE,
)
_COMMAS = frozenset(",،，")
_QUOTED = re.compile(r"""["“”„«'‘].+["“”»'’]$|\(.+\)$|（.+）$""")
_NO_NAME = re.compile(r"""[\d@/\\|&+*#_=<>{}\[\]:;!?%$€£~^"()“”„«»（）・\u2600-\u27bf\U0001f000-\U0001faff]""")
_INITIAL = re.compile(r"(?:[^\W\d_]\.?|(?:[^\W\d_]\.-?)+)$")
_PATRONYMIC = re.compile(
    r".+(?:ович|евич|ьич|овна|евна|ична|инична|івна|ївна|йович|ovich|evich|ovych|ovna|evna|ivna"
    r"|szoon|szn\.?|sz\.|oğlu|oglu|ogly|qızı|qizi|kyzy)$",
    re.IGNORECASE,
)
_WOMANS_PATRONYMIC = re.compile(r".+(?:овна|евна|ична|инична|івна|ївна)$", re.IGNORECASE)
_SON_OF = frozenset({"oğlu", "oglu", "ogly", "qızı", "kyzy"})  # after the father's name
_CHILD_OF = frozenset({"bin", "ibn", "bint", "binti", "ben", "بن", "بنت", "ابن", "בן", "בת"})  # before it
_NORDIC = re.compile(r".+(?:sson|dóttir|dottir)$", re.IGNORECASE)
_CYRILLIC_FAMILY = re.compile(
    r".+(?:ов|ев|ёв|ин|ын|ова|ева|ёва|ина|ына|ский|ская|цкий|цкая|енко|ук|юк)$", re.IGNORECASE
)
_KOREAN_GIVEN = re.compile(r"[A-Z][a-z]+-[a-z]+$")


def bare(word: str) -> str:
    return word.casefold().replace(".", "").replace("’", "'").strip("'\"()“”„«»‘（）")


def words_of(text: str) -> list[str]:
    return WORD.findall(text)


def is_particle(word: str) -> bool:
    plain = bare(word) or word.casefold()
    known = plain in PARTICLES or word.casefold() in PARTICLES
    return known and (word.islower() or plain not in LOWER_PARTICLES)


def is_initial(word: str) -> bool:
    return _INITIAL.match(word) is not None and word.upper() == word


def is_nickname(word: str) -> bool:
    return _QUOTED.match(word) is not None


def is_suffix(word: str, sure: bool) -> bool:
    """`sure`: whether it stands where a suffix may well stand."""
    plain = bare(word)
    if plain in SUFFIXES:
        return True
    return sure and plain in UNSURE_SUFFIXES and ("." in word or word.isupper())


def is_prefix(word: str) -> bool:
    return bare(word) in PREFIXES


def read(text: str) -> Reading:
    """The reading of a text that is trimmed and has single spaces only."""
    segments = _segments(text)
    if not segments:
        return UNREAD
    if len(segments) == 1 and any(eastnames.EAST.search(word) for word in segments[0]):
        return eastnames.read(text, segments[0])
    trailing = 0
    while trailing < len(segments) - 1 and all(is_suffix(word, True) for word in segments[-1 - trailing]):
        trailing += 1
    kept = segments[: len(segments) - trailing]
    after = tuple("suffix" for words in segments[len(kept) :] for _ in words)
    if len(kept) > 2:
        return UNREAD
    labels, sure = _in_a_row(kept[0]) if len(kept) == 1 else _by_comma(*kept)
    return Reading((*labels, *after), sure and not _no_person(segments))


def _segments(text: str) -> list[list[str]]:
    """The words between commas."""
    segments: list[list[str]] = [[]]
    end = 0
    for match in WORD.finditer(text):
        if segments[-1] and not _COMMAS.isdisjoint(text[end : match.start()]):
            segments.append([])
        segments[-1].append(match.group())
        end = match.end()
    return segments if segments[0] else []


def is_no_person(text: str) -> bool:
    return _no_person(_segments(text))


def _no_person(segments: Sequence[Sequence[str]]) -> bool:
    """Whether this looks like a company, a household, several people, or no name at all."""
    for words in segments:
        last = words[-1]
        if bare(last) in LEGAL_FORMS and len(words) > 1 and (last.isupper() or "." in last):
            return True
        for index, word in enumerate(words):
            plain = bare(word)
            if plain in NO_PERSON or word in NO_PERSON:
                return True
            if _is_couple(word) and not _is_joint(words, index):
                return True
            if not (is_nickname(word) or plain in SUFFIXES) and (
                _NO_NAME.search(word) or not any(char.isalpha() for char in word)
            ):
                return True
    return False


def _is_couple(word: str) -> bool:
    return word.casefold() in COUPLES and (word.islower() or len(word) > 1 or not word.isalpha())


def _is_joint(words: Sequence[str], index: int) -> bool:
    """Whether this word stands between particles: von und zu."""
    around = [*words[max(index - 1, 0) : index], *words[index + 1 : index + 2]]
    return words[index] in COUPLES and len(around) == 2 and all(is_particle(word) for word in around)


# ---- rows of words ------------------------------------------------------------------------------------------------


def _by_comma(family: Sequence[str], rest: Sequence[str]) -> tuple[list[str], bool]:
    """Family, Given Middle."""
    labels = ["family"] * len(family)
    if len(family) > 1 and is_suffix(family[-1], True):
        labels[-1] = "suffix"
    start, end = _inner(rest)
    inner = rest[start:end]
    middle = [
        "given" if index == 0 else "nickname" if is_nickname(word) else "middle" for index, word in enumerate(inner)
    ]
    words = [word for word, label in zip(family, labels, strict=True) if label == "family"]
    sure = _is_family(words, inner) and not any(is_nickname(word) for word in (*words, inner[0]))
    return [*labels, *["prefix"] * start, *middle, *["suffix"] * (len(rest) - end)], sure and len(inner) < 5


def _is_family(words: Sequence[str], given: Sequence[str]) -> bool:
    """Whether the words before a comma are a family name: one word beside particles, or clearly no given name."""
    named = [word.casefold() for word in words if not is_particle(word) and bare(word) not in CONJUNCTIONS]
    if len(named) < 2:
        return True
    if named[0] in GIVEN or any(is_prefix(word) for word in words):
        return False
    return named[0] in IBERIAN_FAMILY or given[0].casefold() in GIVEN


def _inner(words: Sequence[str]) -> tuple[int, int]:
    """Where titles end and suffixes begin; at least one word is left between."""
    start, end = 0, len(words)
    while start < end - 1 and (is_prefix(words[start]) or (bare(words[start]) == "tan" and bare(words[1]) == "sri")):
        start += 1
    while end - 1 > start and is_suffix(words[end - 1], end - start > 2):
        end -= 1
    return start, end


def _in_a_row(words: Sequence[str]) -> tuple[list[str], bool]:
    start, end = _inner(words)
    core = [word for word in words[start:end] if not is_nickname(word)]
    labels, sure = _core(core, words[:start]) if core else (["given"], False)
    if len(core) < end - start:
        kinds = iter(labels)
        labels = ["nickname" if is_nickname(word) else next(kinds) for word in words[start:end]]
        sure = sure and len(core) > 1 and labels[0] == "given" and labels[-1] != "nickname"
    return ["prefix"] * start + labels + ["suffix"] * (len(words) - end), sure


def _core(words: Sequence[str], titles: Sequence[str]) -> tuple[list[str], bool]:
    """The labels of given, middle and family name, and whether they are sure."""
    count = len(words)
    if count == 1:
        addressed_by_family = titles and bare(titles[-1]) not in GIVEN_TITLES
        return ["family" if addressed_by_family else "given"], not is_initial(words[0]) or len(words[0]) > 3
    if words[0].islower() and is_particle(words[0]):
        return ["family"] * count, all(is_particle(word) for word in words[:-1])
    return _family_first(words) or _given_first(words)


def _family_first(words: Sequence[str]) -> tuple[list[str], bool] | None:
    """Where something tells that the family name stands first."""
    count, low = len(words), [word.casefold() for word in words]
    if count == 3 and _PATRONYMIC.match(words[2]) and not _PATRONYMIC.match(words[1]):
        return ["family", "given", "middle"], True
    if count == 4 and low[3] in _SON_OF:
        return ["family", "given", "middle", "middle"], True
    tail = ["family", *["middle"] * (count - 2), "given"]
    if low[0] in VIETNAMESE_FAMILY and low[-1] not in VIETNAMESE_FAMILY:
        return tail, True
    if low[0] in KOREAN_FAMILY and count == 2 and _KOREAN_GIVEN.match(words[1]) and low[1] not in GIVEN:
        return ["family", "given"], True
    if _is_hungarian(low):
        born = count == 3 and low[0].endswith("né")  # Nagyné Kiss Éva
        return (["family", "family", "given"] if born else ["family", "given", *["middle"] * (count - 2)]), True
    if count == 2 and low[1] in CYRILLIC_GIVEN and low[0] not in CYRILLIC_GIVEN and _CYRILLIC_FAMILY.match(low[0]):
        return ["family", "given"], True
    if _is_shouted(words) and low[0] not in GIVEN:
        return ["family", "given", *["middle"] * (count - 2)], low[1] in GIVEN or low[0] in EAST_ASIAN_FAMILY
    return None


def _is_shouted(words: Sequence[str]) -> bool:
    """DUPONT Jean"""
    first = words[0]
    return len(first) > 2 and first.isupper() and not is_initial(first) and not any(map(str.isupper, words[1:]))


def _is_hungarian(low: Sequence[str]) -> bool:
    if len(low) > 3 or low[0] in HUNGARIAN_GIVEN:
        return False
    if low[0].removesuffix("né") in HUNGARIAN_FAMILY:
        return low[-1].removesuffix("né") in GIVEN
    return low[-1].removesuffix("né") in HUNGARIAN_GIVEN - EUROPEAN_GIVEN and low[0] not in GIVEN


def _given_first(words: Sequence[str]) -> tuple[list[str], bool]:
    count, low = len(words), [word.casefold() for word in words]
    given = _given_end(words)
    if given == count:
        return ["given"] * count, True
    if count == 2 and _PATRONYMIC.match(words[1]) and words[0].casefold() in CYRILLIC_GIVEN:
        return ["given", "middle"], _WOMANS_PATRONYMIC.match(words[1]) is not None
    family = max(family_start(words, given), given)
    labels = ["given"] * given + ["middle"] * (family - given) + ["family"] * (count - family)
    return labels, _sure(words, low, given, family)


def _given_end(words: Sequence[str]) -> int:
    """How many words the first given name has: Abdul Aziz, María del Carmen."""
    if bare(words[0]) in BOUND:
        return min(2 + (len(words) > 2 and is_particle(words[1])), len(words))
    if words[0].casefold() in ("maría", "maria"):
        end = 1
        while end < len(words) and is_particle(words[end]):
            end += 1
        if 1 < end < len(words) and words[end].casefold() in MARIAN:
            return end + 1
    return 1


def family_start(words: Sequence[str], given: int = 1) -> int:
    """Where the family name begins: its last word with the particles and conjunctions before it, and a family name
    before that where two are usual."""
    start = len(words) - 1
    while start > given:
        before = bare(words[start - 1])
        if is_particle(words[start - 1]) or before in BOUND or _is_joint(words, start - 1):
            start -= 1
        elif before in CONJUNCTIONS and start > given + 1:
            start -= 2
        elif before in IBERIAN_FAMILY and before not in GIVEN and _is_iberian(words[start:]):
            start -= 1
        else:
            break
    return start


def _is_iberian(words: Sequence[str]) -> bool:
    return any(word.casefold() in IBERIAN_FAMILY or bare(word) in ("de", "del", "dos", "da", "y") for word in words)


def _sure(words: Sequence[str], low: Sequence[str], given: int, family: int) -> bool:
    """Whether a name that is read in the Western order is one."""
    if bare(words[0]) in UNSURE_PREFIXES or is_particle(words[0]) and words[0].islower():
        return False
    if any(bare(word) in CONJUNCTIONS and index < family for index, word in enumerate(words)):
        return False
    last, told = low[-1], family < len(words) - 1
    if is_initial(words[-1]) or (bare(words[-2]) in CONJUNCTIONS and last in EUROPEAN_GIVEN):
        return False
    first_known = low[0] in GIVEN or is_initial(words[0]) or given > 1
    if not told and not first_known:
        if last in EUROPEAN_GIVEN or last in CYRILLIC_GIVEN:
            return False
        if low[0] in EAST_ASIAN_FAMILY or low[0] in IBERIAN_FAMILY:
            return False
    if family == given:
        return True
    middle = words[given:family]
    return len(middle) < 4 and (_NORDIC.match(words[-1]) is not None or are_middle(middle))


def are_middle(words: Sequence[str]) -> bool:
    """Whether these can be nothing but further given names, initials and patronymics."""
    if len(words) == 2 and words[1].casefold() in _SON_OF:
        return True
    before = ""
    for word in words:
        if is_particle(word):
            if bare(word) not in _CHILD_OF:
                return False
        elif bare(before) not in _CHILD_OF and not _may_be_middle(word):
            return False
        before = word
    return bare(before) not in _CHILD_OF


def _may_be_middle(word: str) -> bool:
    return is_initial(word) or word.casefold() in GIVEN or _PATRONYMIC.match(word) is not None
