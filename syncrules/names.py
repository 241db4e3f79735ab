"""Names as apps hold them: in parts, or as one text.

A text is taken apart by giving each of its words to a part. The words' order and what stands between them is kept as
the name's form, so `join(split(text)) == text` for every text (white space folded). Where the old parts are known,
words that they explain stay where they are and only the rest is placed anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from syncrules import compare
from syncrules.namewords import (
    COMPOUND_SURNAMES,
    CONJUNCTIONS,
    EAST_HONORIFICS,
    FAMILY_FIRST_SURNAMES,
    GIVEN_TITLES,
    PARTICLES,
    PREFIXES,
    SUFFIXES,
    UNSURE_SUFFIXES,
)

PARTS = ("prefix", "given", "middle", "family", "suffix")

_WORD = re.compile(r"[^\s,،，]+")
_COMMAS = frozenset(",،，")
_PATRONYMIC = re.compile(r".+(?:ович|евич|ьич|овна|евна|ична|инична|івна|ївна|йович)$", re.IGNORECASE)
_EAST = re.compile(
    r"[\u1100-\u11ff\u3005\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_HAN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_KANA = re.compile(r"[\u3040-\u30ff]+")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+")


class Name(NamedTuple):
    """`form`: literal, part, literal, part, ..., literal; empty for the usual order of the parts."""

    prefix: str = ""
    given: str = ""
    middle: str = ""
    family: str = ""
    suffix: str = ""
    form: tuple[str, ...] = ()


NAMELESS = Name()


def of_parts(parts: Mapping[str, Any]) -> Name:
    """The name of these parts in the usual order; what is no part is left out."""
    prefix, given, middle, family, suffix = (compare.text(parts.get(part) or "") for part in PARTS)
    return Name(prefix, given, middle, family, suffix)


def join(name: Name) -> str:
    if name.form:
        texts = name._asdict()
        return "".join(texts[piece] if index % 2 else piece for index, piece in enumerate(name.form))
    return usual(name)


def usual(name: Name) -> str:
    """The parts in the order that is usual in their script: family name first and unspaced in East Asian ones."""
    core = [part for part in (name.family, name.middle, name.given) if part]
    if name.given and name.family and all(_EAST.fullmatch(part.replace(" ", "")) for part in core):
        return " ".join(part for part in (name.prefix, "".join(core).replace(" ", ""), name.suffix) if part)
    return " ".join(part for part in (name.prefix, name.given, name.middle, name.family, name.suffix) if part)


@lru_cache(compare.CACHED)
def plain(full: str) -> str:
    """The comparing form of a full name: comma forms and orders that can be told are brought into the usual one."""
    text = compare.text(full)
    for _ in range(3):  # a name brought into the usual order may look like one in another order, but not for long
        last, text = text, usual(split(text))
        if text == last:
            break
    return text


def split(full: str, old: Name = NAMELESS) -> Name:
    """The parts of a full name; what the old parts explain stays as it is."""
    text = compare.text(full)
    if not text:
        return NAMELESS
    old = of_parts(old._asdict())
    if old != NAMELESS:
        if text == usual(old):
            return old
        known = _east_kept(text, old) or _named(text, _aligned(text, old))
        if known:
            return known
    return _named(text, _parsed(text)) or _east_split(text) or Name(given=text, form=("", "given", ""))


def explains(parts: Mapping[str, Any], full: str) -> bool:
    """Whether a full name is nothing but these parts, in whatever order apps put them together.

    Given and family name must both be said as far as there are any; the others may be left out or abbreviated.
    """
    said = _bare_words(full)
    own = {part: _bare_words(str(value)) for part, value in parts.items() if value}
    core = [word for part in ("given", "family") for word in own.get(part, ())]
    if not said or not core:
        return bool(said) and any(said == words for words in own.values())
    every = {word for words in own.values() for word in words}
    initials = {word[0] for part in ("middle", "given") for word in own.get(part, ())}
    if set(core) <= set(said) and all(word in every or word in initials for word in said):
        return True
    given, family = "".join(own.get("given", ())), "".join(own.get("family", ()))
    return "".join(said) in (family + given, given + family)


def _bare(word: str) -> str:
    return word.casefold().replace(".", "").replace("’", "'").strip("'\"()")


def _bare_words(text: str) -> list[str]:
    return [bare for word in _WORD.findall(compare.text(text)) if (bare := _bare(word))]


# ---- from labelled words to a name --------------------------------------------------------------------------------


def _named(text: str, labels: Sequence[str] | None) -> Name | None:
    """The name in which each word of the text belongs to the part it is labelled with; None if a part is torn."""
    if not labels:
        return None
    form: list[str] = []
    parts: dict[str, str] = {}
    end = 0
    for match, label in zip(_WORD.finditer(text), labels, strict=True):
        between = text[end : match.start()]
        if form and form[-1] == label and (between == " " or label == "suffix"):
            parts[label] += between + match.group()
        elif label in parts:
            return None
        else:
            form += [between, label]
            parts[label] = match.group()
        end = match.end()
    form.append(text[end:])
    return of_parts(parts)._replace(form=tuple(form))


# ---- a name of which nothing is known -----------------------------------------------------------------------------


def _parsed(text: str) -> list[str] | None:
    segments = _segments(text)
    if not segments or (len(segments) == 1 and _EAST.fullmatch("".join(segments[0]))):
        return None
    trailing = 0
    while trailing < len(segments) - 1 and all(_is_suffix(word, True) for word in segments[-1 - trailing]):
        trailing += 1
    kept = segments[: len(segments) - trailing]
    after = [["suffix"] * len(words) for words in segments[len(kept) :]]
    if len(kept) == 1:
        labels = [_in_a_row(kept[0])]
    elif len(kept) == 2:
        labels = _by_comma(*kept)
    else:
        return None
    return [label for words in (*labels, *after) for label in words]


def _segments(text: str) -> list[list[str]]:
    """The words between commas."""
    segments: list[list[str]] = [[]]
    end = 0
    for match in _WORD.finditer(text):
        if segments[-1] and not _COMMAS.isdisjoint(text[end : match.start()]):
            segments.append([])
        segments[-1].append(match.group())
        end = match.end()
    return segments if segments[0] else []


def _by_comma(family: list[str], rest: list[str]) -> list[list[str]]:
    """Family, Given Middle."""
    labels = ["family"] * len(family)
    if len(family) > 1 and _is_suffix(family[-1], True):
        labels[-1] = "suffix"
    start, end = _inner(rest)
    middle = ["given", *["middle"] * (end - start - 1)]
    return [labels, ["prefix"] * start + middle + ["suffix"] * (len(rest) - end)]


def _inner(words: list[str]) -> tuple[int, int]:
    """Where titles end and suffixes begin; at least one word is left between."""
    start, end = 0, len(words)
    while start < end - 1 and _bare(words[start]) in PREFIXES:
        start += 1
    while end - 1 > start and _is_suffix(words[end - 1], end - start > 2):
        end -= 1
    return start, end


def _is_suffix(word: str, sure: bool) -> bool:
    bare = _bare(word)
    if bare in SUFFIXES:
        return True
    return sure and bare in UNSURE_SUFFIXES and ("." in word or word.isupper())


def _in_a_row(words: list[str]) -> list[str]:
    start, end = _inner(words)
    return ["prefix"] * start + _core(words[start:end], words[:start]) + ["suffix"] * (len(words) - end)


def _core(words: list[str], titles: list[str]) -> list[str]:
    count = len(words)
    if count == 1:
        addressed_by_family = titles and _bare(titles[-1]) not in GIVEN_TITLES
        return ["family" if addressed_by_family else "given"]
    if words[0].islower() and _bare(words[0]) in PARTICLES:
        return ["family"] * count
    if count == 3 and _PATRONYMIC.match(words[2]) and not _PATRONYMIC.match(words[1]):
        return ["family", "given", "middle"]
    if words[0].casefold() in FAMILY_FIRST_SURNAMES and words[-1].casefold() not in FAMILY_FIRST_SURNAMES:
        return ["family", *["middle"] * (count - 2), "given"]
    family = _family_start(words)
    return ["given", *["middle"] * (family - 1), *["family"] * (count - family)]


def _family_start(words: list[str]) -> int:
    """Where the family name begins: its last word with the particles and conjunctions before it."""
    start = len(words) - 1
    while start > 1:
        before = _bare(words[start - 1])
        if before in PARTICLES:
            start -= 1
        elif before in CONJUNCTIONS and start > 2:
            start -= 2
        else:
            break
    return start


# ---- East Asian names without spaces ------------------------------------------------------------------------------


def _east_split(text: str) -> Name | None:
    words = text.split(" ")
    if not all(_EAST.fullmatch(word) for word in words):
        return None
    if len(words) > 1 and words[-1] in EAST_HONORIFICS:
        rest = _east_split(" ".join(words[:-1])) or Name(given=words[0], form=("", "given", ""))
        return rest._replace(suffix=words[-1], form=(*rest.form[:-1], " ", "suffix", ""))
    if len(words) > 1:
        return _named(text, ["family", *["given"] * (len(words) - 1)])
    size = _surname_length(text)
    if not size:
        return None
    return Name(family=text[:size], given=text[size:], form=("", "family", "", "given", ""))


def _surname_length(text: str) -> int:
    """How many characters are the family name; 0 where that cannot be told."""
    count = len(text)
    if text[:2] in COMPOUND_SURNAMES and count > 2:
        return 2
    if _HANGUL.fullmatch(text):
        return 1 if 2 <= count <= 4 else 0
    if _HAN.fullmatch(text):
        return {2: 1, 3: 1, 4: 2}.get(count, 0)
    start = _HAN.match(text)
    if start and _KANA.fullmatch(text[start.end() :]):
        return min(start.end(), 2)
    return 0


def _east_kept(text: str, old: Name) -> Name | None:
    """An unspaced name that begins with the old family name or ends with the old given name."""
    if not _EAST.fullmatch(text) or old.prefix or old.middle or old.suffix:
        return None
    form = ("", "family", "", "given", "")
    if old.family and text.startswith(old.family) and text != old.family:
        return Name(family=old.family, given=text[len(old.family) :], form=form)
    if old.given and text.endswith(old.given) and text != old.given:
        return Name(family=text[: -len(old.given)], given=old.given, form=form)
    return None


# ---- a name of which the old parts are known ----------------------------------------------------------------------


def _aligned(text: str, old: Name) -> list[str] | None:
    """Labels by the old parts; None where neither the old given nor the old family name is said any more."""
    words = _WORD.findall(text)
    labels = _found(words, old)
    if "given" not in labels and "family" not in labels:
        return None
    for start, end in _gaps(labels):
        labels[start:end] = _placed(words[start:end], labels, start, end, old)
    return labels


def _found(words: Sequence[str], old: Name) -> list[str]:
    """The words that say an old part as it was; the others stay without label."""
    bare = [_bare(word) for word in words]
    labels = [""] * len(words)
    values = old._asdict()
    for part in sorted(PARTS, key=lambda part: -len(values[part].split())):
        wanted = _bare_words(values[part])
        if not wanted:
            continue
        for at in _places(bare, wanted, part):
            if not any(labels[at : at + len(wanted)]):
                labels[at : at + len(wanted)] = [part] * len(wanted)
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


def _placed(words: list[str], labels: Sequence[str], start: int, end: int, old: Name) -> list[str]:
    """The parts of words that are new, from what they are and what stands around them."""
    count = len(words)
    before = labels[start - 1] if start else ""
    after = labels[end] if end < len(labels) else ""
    if "prefix" not in labels and not before and all(_bare(word) in PREFIXES for word in words):
        return ["prefix"] * count
    if "suffix" not in labels and not after and before and all(_is_suffix(word, True) for word in words):
        return ["suffix"] * count
    missing = [part for part in ("given", "family") if part not in labels]
    if missing:
        return _renewed(words, missing[0], before, after, old, "middle" not in labels)
    if before == "given" and after == "family":
        if all(_bare(word) in PARTICLES for word in words):
            return ["family"] * count
        return ["middle"] * count if "middle" not in labels else ["given"] * count
    return [before or after] * count


def _renewed(words: list[str], part: str, before: str, after: str, old: Name, free: bool) -> list[str]:
    """Words that took the place of the old given or family name, perhaps with a middle name beside it."""
    count = len(words)
    inside = (part == "family" and before == "given" and not after) or (part == "given" and after == "family")
    if count == 1 or not free or not inside or count == len(getattr(old, part).split()):
        return [part] * count
    if part == "family":
        family = _family_start(["", *words]) - 1
        return ["middle"] * family + ["family"] * (count - family)
    return ["given", *["middle"] * (count - 1)]
