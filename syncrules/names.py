"""Names as apps hold them: in parts, or as one text.

A text is taken apart by giving each of its words to a part. The words' order and what stands between them is kept as
the name's form, so `join(split(text)) == text` for every text (white space folded). Where the old parts are known,
words that they explain stay where they are and only the rest is placed anew. A name whose parts cannot be told stays
whole: all of it is the given name, and it is not `sure`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from syncrules import compare, nameediting, namereading
from syncrules.eastnames import EAST
from syncrules.namereading import WORD, bare

UNTOLD = (
    "it cannot be told which words of the full name are the first and which the last name; "
    "look at the parts of the name and put them right"
)

PARTS = nameediting.PARTS

_SAID = re.compile(r"[^\s,،，]+")
_IN_ORDER = ("prefix", "given", "middle", "nickname", "family", "suffix")
_UNSPACED = ("", "family", "", "given", "")


class Name(NamedTuple):
    """`form`: literal, part, literal, part, ..., literal; empty for the usual order of the parts. `nickname` is what
    stands in quotation marks or brackets, with them. `sure`: whether the parts are more than a guess."""

    prefix: str = ""
    given: str = ""
    middle: str = ""
    family: str = ""
    suffix: str = ""
    nickname: str = ""
    form: tuple[str, ...] = ()
    sure: bool = True

    @property
    def texts(self) -> dict[str, str]:
        return {part: getattr(self, part) for part in _FIELDS}

    @property
    def bearer(self) -> str:
        """The part after which the nickname stands."""
        return self.form[self.form.index("nickname") - 2]


_FIELDS = (*PARTS, "nickname")
NAMELESS = Name()


def of_parts(parts: Mapping[str, Any]) -> Name:
    """The name of these parts in the usual order; what is no part is left out."""
    prefix, given, middle, family, suffix = (compare.text(parts.get(part) or "") for part in PARTS)
    return Name(prefix, given, middle, family, suffix)


def whole(text: str) -> Name:
    return Name(given=text, form=("", "given", ""), sure=False)


def join(name: Name) -> str:
    if name.form:
        texts = name.texts
        return "".join(texts[piece] if index % 2 else piece for index, piece in enumerate(name.form))
    return usual(name)


def usual(name: Name) -> str:
    """The parts in the order that is usual in their script: family name first and unspaced in East Asian ones."""
    prefix, given, middle, family, suffix, nickname, *_ = name
    if given and family and not nickname and not family.isascii():
        core = family + middle + given
        if is_east_asian(core):
            return " ".join(part for part in (prefix, core, suffix) if part)
    return " ".join(part for part in (prefix, given, middle, nickname, family, suffix) if part)


def is_east_asian(text: str) -> bool:
    return EAST.fullmatch(text.replace(" ", "")) is not None


@lru_cache(compare.CACHED)
def plain(full: str) -> str:
    """The comparing form of a full name: comma forms and orders that can be told are brought into the usual one."""
    text = compare.text(full)
    for _ in range(3):  # a name brought into the usual order may look like one in another order, but not for long
        last, text = text, usual(_fresh(text))
        if text == last:
            break
    return text


def split(full: str, old: Name = NAMELESS) -> Name:
    """The parts of a full name; what the old parts explain stays as it is."""
    text = compare.text(full)
    if not text:
        return NAMELESS
    if any(old[: len(PARTS)]):
        old = of_parts(old.texts)
        if text == usual(old):
            return old
        known = _east_kept(text, old) or _along(text, old)
        if known:
            return known
    return _fresh(text)


def guess(full: str) -> Name:
    """As `split`, with the likeliest parts where they cannot be told. For finding people, never for writing."""
    text = compare.text(full)
    if not text:
        return NAMELESS
    read = namereading.read(text)
    return _unspaced(text, read.cut, read.labels) if read.cut else _named(text, read.labels) or whole(text)


def revised(full: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A full name in its own style after its parts changed: what did not change stays as it is written."""
    before, after = of_parts(old), of_parts(new)
    styled = split(full, before)
    after = after._replace(nickname=styled.nickname)
    if not styled.form or not styled.sure:
        return usual(after)
    texts = {part: getattr(styled if getattr(before, part) == getattr(after, part) else after, part) for part in PARTS}
    return _restyled(styled.form, {**texts, "nickname": styled.nickname}) or usual(after)


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


def contradicts(parts: Mapping[str, Any], full: str) -> bool:
    """Whether a full name says a part of the given or family name and something else in place of the rest."""
    core = {word for part in ("given", "family") for word in _bare_words(str(parts.get(part) or ""))}
    said = _bare_words(full)
    if core.isdisjoint(said) or core.issubset(said) or explains(parts, full):
        return False
    every = {word for value in parts.values() if value for word in _bare_words(str(value))}
    initials = {word[0] for word in every}
    titles = {bare(word) for word in WORD.findall(full) if namereading.is_prefix(word)}
    return any(word not in every and word not in initials and word not in titles for word in said)


def _bare_words(text: str) -> list[str]:
    return [plain for word in _SAID.findall(compare.text(text)) if (plain := bare(word))]


# ---- from words to a name -----------------------------------------------------------------------------------------


@lru_cache(compare.CACHED)
def _fresh(text: str) -> Name:
    """The name in a text of which nothing is known."""
    if not text:
        return NAMELESS
    read = namereading.read(text)
    if not read.sure:
        return whole(text)
    if read.cut:
        return _unspaced(text, read.cut, read.labels)
    return _named(text, read.labels) or whole(text)


def _unspaced(text: str, cut: int, after: Sequence[str]) -> Name:
    name, _, suffix = text.partition(" ")
    if not after:
        return Name(family=name[:cut], given=name[cut:], form=_UNSPACED)
    return Name(family=name[:cut], given=name[cut:], suffix=suffix, form=(*_UNSPACED[:-1], " ", "suffix", ""))


def _along(text: str, old: Name) -> Name | None:
    placed = nameediting.align(text, old.texts)
    named = _named(text, placed.labels) if placed else None
    return named._replace(sure=placed.sure) if named and placed else None


def _named(text: str, labels: Sequence[str]) -> Name | None:
    """The name in which each word of the text belongs to the part it is labelled with; None if a part is torn."""
    if not labels:
        return None
    form: list[str] = []
    parts: dict[str, str] = {}
    end = 0
    for match, label in zip(WORD.finditer(text), labels, strict=True):
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
    return of_parts(parts)._replace(nickname=parts.get("nickname", ""), form=tuple(form))


def _east_kept(text: str, old: Name) -> Name | None:
    """An unspaced name that begins with the old family name or ends with the old given name."""
    if not EAST.fullmatch(text) or old.prefix or old.middle or old.suffix:
        return None
    if old.family and text.startswith(old.family) and text != old.family:
        return Name(family=old.family, given=text[len(old.family) :], form=_UNSPACED)
    if old.given and text.endswith(old.given) and text != old.given:
        return Name(family=text[: -len(old.given)], given=old.given, form=_UNSPACED)
    return None


# ---- the same form for other parts --------------------------------------------------------------------------------


def _restyled(form: Sequence[str], texts: Mapping[str, str]) -> str:
    """Parts that the form does not have are put where they usually stand; empty if that cannot be said."""
    pieces = [[before, part] for before, part in zip(form[::2], form[1::2], strict=False)]
    for part in _IN_ORDER:
        if texts[part] and not any(part == own for _, own in pieces) and not _inserted(pieces, part):
            return ""
    said = []
    for (before, part), follower in itertools.zip_longest(pieces, pieces[1:]):
        if texts[part]:
            said += [before, texts[part]]
        elif follower and (not said or follower[0] == " "):
            follower[0] = before
    return "".join(said) + form[-1]


def _inserted(pieces: list[list[str]], part: str) -> bool:
    order = [own for _, own in pieces]
    if part == "suffix":
        pieces.append([" ", part])
    elif "given" not in order or part not in ("prefix", "middle"):
        return False
    elif part == "prefix":
        at = order.index("given")
        pieces.insert(at, [pieces[at][0], part])
        pieces[at + 1][0] = " "
    else:
        pieces.insert(order.index("given") + 1, [" ", part])
    return True
