"""Fields that hold one text: how each is read from a card and put into it.

The laws, held by tests: putting a value and getting it gives the value back, getting a
value and putting it changes no byte, and lines that a field does not speak of stay as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.base import Value
from connectors.carddav.vcard import Card, Line, escape, split, unescape


class Accessor(Protocol):
    def get(self, card: Card) -> Value | None: ...

    def put(self, card: Card, value: Value | None) -> None: ...


class Single:
    """One value that several lines may hold. The first readable one counts; an edit reaches all that held the same,
    a clearing all that hold one."""

    def lines(self, card: Card) -> Sequence[Line]:
        raise LookupError("each kind says where its lines are")

    def read(self, card: Card, line: Line) -> str:
        return line.text

    def write(self, card: Card, line: Line, value: str) -> Line:
        return line.with_value(escape(value))

    def make(self, card: Card, value: str) -> None:
        raise LookupError("each kind says how a new line looks")

    def get(self, card: Card) -> Value | None:
        return next((value for line in self.lines(card) if (value := self.read(card, line))), None)

    def put(self, card: Card, value: Value | None) -> None:
        lines = list(self.lines(card))
        before = self.get(card)
        if value == before:
            return
        if not value:
            for line in lines:
                if self.read(card, line):
                    card.remove(line)
            return
        holding = [line for line in lines if self.read(card, line) == (before or "")]
        for line in holding:
            card.replace(line, self.write(card, line, value))
        if not holding:
            self.make(card, value)


@dataclass(frozen=True)
class Text(Single):
    """A property of its own. `others`: names under which it is met as well; the first name is written."""

    name: str
    others: tuple[str, ...] = ()
    old_name: str = ""  # written in a card before 4.0

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all(self.name.upper(), *(name.upper() for name in self.others))

    def make(self, card: Card, value: str) -> None:
        name = self.old_name if self.old_name and not card.is_version_4 else self.name
        card.add(Line.make(name, escape(value), end=card.end))


@dataclass(frozen=True)
class Component:
    """A part of a compound value such as ORG: its own text, parts beside it untouched."""

    name: str
    index: int
    count: int

    def _parts(self, card: Card) -> tuple[Line | None, list[str]]:
        line = next(iter(card.all(self.name)), None)
        return line, split(line.value, ";") if line else []

    def read(self, part: str) -> str:
        return unescape(part).strip()

    def get(self, card: Card) -> Value | None:
        _, parts = self._parts(card)
        return self.read(parts[self.index]) or None if self.index < len(parts) else None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        line, parts = self._parts(card)
        parts += [""] * (self.count - len(parts))
        self.edit(parts, value or "")
        if line is None:
            card.add(Line.make(self.name, ";".join(parts), end=card.end))
        elif any(parts) or self.name == "N":
            card.replace(line, line.with_value(";".join(parts)))
        else:
            card.remove(line)

    def edit(self, parts: list[str], value: str) -> None:
        parts[self.index] = escape(value)


@dataclass(frozen=True)
class NamePart(Component):
    """A part of N. Its values, which an unescaped comma separates, are shown with spaces between; an edit leaves those
    that it does not touch. `finer`: the place of a part that only says anew what stands in this one too (RFC 9554: the
    second surname, the generation); it goes when this one does not say it any more.
    """

    finer: int = 0

    def read(self, part: str) -> str:
        return " ".join(_values(part))

    def edit(self, parts: list[str], value: str) -> None:
        said, rest = _values(parts[self.index]), value
        first: list[str] = []
        last: list[str] = []
        while said and (rest == said[0] or rest.startswith(said[0] + " ")):
            first.append(said.pop(0))
            rest = rest[len(first[-1]) :].lstrip()
        while said and (rest == said[-1] or rest.endswith(" " + said[-1])):
            last.insert(0, said.pop())
            rest = rest[: len(rest) - len(last[0])].rstrip()
        finer = _values(parts[self.finer]) if 0 < self.finer < len(parts) else []
        if finer and " ".join(finer) in self.read(parts[self.index]) and " ".join(finer) not in value:
            parts[self.finer] = ""
        parts[self.index] = ",".join(escape(text) for text in (*first, rest, *last) if text)


def _values(part: str) -> list[str]:
    return [text for one in split(part, ",") if (text := unescape(one).strip())]


@dataclass(frozen=True)
class Units:
    """The department: all parts of ORG after the first, shown joined."""

    def get(self, card: Card) -> Value | None:
        line = next(iter(card.all("ORG")), None)
        units = split(line.value, ";")[1:] if line else []
        return "; ".join(text for unit in units if (text := unescape(unit).strip())) or None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        line = next(iter(card.all("ORG")), None)
        name = split(line.value, ";")[0] if line else ""
        units = [escape(unit.strip()) for unit in (value or "").split("; ") if unit.strip()]
        if line is None:
            card.add(Line.make("ORG", ";".join([name, *units]), end=card.end))
        elif name or units:
            card.replace(line, line.with_value(";".join([name, *units])))
        else:
            card.remove(line)


@dataclass(frozen=True)
class Notes:
    """All notes as one text, a blank line between them. An edit changes the notes it touches and keeps the others as
    lines of their own; nothing but what the edit itself left out is lost."""

    def get(self, card: Card) -> Value | None:
        return "\n\n".join(self._text(line) for line in card.all("NOTE") if self._text(line)) or None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        lines = [line for line in card.all("NOTE") if self._text(line)]
        rest = value or ""
        while len(lines) > 1 and rest.endswith(tail := "\n\n" + self._text(lines[-1])):
            rest = rest.removesuffix(tail)
            lines.pop()
        while len(lines) > 1 and rest.startswith(head := self._text(lines[0]) + "\n\n"):
            rest = rest.removeprefix(head)
            lines.pop(0)
        if not rest.strip():
            gone = lines
        elif lines:
            if self._text(lines[0]) != rest:
                card.replace(lines[0], lines[0].with_value(escape(rest)))
            gone = lines[1:]
        else:
            card.add(Line.make("NOTE", escape(rest), end=card.end))
            gone = []
        for line in gone:
            card.remove(line)

    @staticmethod
    def _text(line: Line) -> str:
        text = unescape(line.value)
        return text if text.strip() else ""


@dataclass(frozen=True)
class Nicknames:
    """All nicknames as one text, separated by commas; written one to a line, since some servers keep only the first of
    a list (Radicale 3)."""

    def get(self, card: Card) -> Value | None:
        return ", ".join(name for line in self._lines(card) for name in self._names(line)) or None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        names = [name.strip() for name in (value or "").split(", ") if name.strip()]
        lines = self._lines(card)
        for line, name in zip(lines, names, strict=False):
            if self._names(line) != [name]:
                card.replace(line, line.with_value(escape(name)))
        for line in lines[len(names) :]:
            card.remove(line)
        card.add(*(Line.make("NICKNAME", escape(name), end=card.end) for name in names[len(lines) :]))

    @staticmethod
    def _lines(card: Card) -> list[Line]:
        return [line for line in card.all("NICKNAME") if not line.types & {"x-initials", "x-maiden-name"}]

    @staticmethod
    def _names(line: Line) -> list[str]:
        return [text for part in split(line.value, ",") if (text := unescape(part).strip())]


@dataclass(frozen=True)
class TypedNickname(Single):
    """Initials and the maiden name, which vCard only has as kinds of nicknames (and Apple as an own property)."""

    type: str
    other: str = ""

    def lines(self, card: Card) -> Sequence[Line]:
        typed = [line for line in card.all("NICKNAME") if self.type in line.types]
        return (card.all(self.other) if self.other else []) + typed

    def make(self, card: Card, value: str) -> None:
        if self.other:
            card.add(Line.make(self.other, escape(value), end=card.end))
        else:
            card.add(Line.make("NICKNAME", escape(value), ("TYPE", self.type), end=card.end))


@dataclass(frozen=True)
class Gender(Single):
    """GENDER of 4.0 (a letter, a text or both) and X-GENDER before that."""

    words = (("M", "male"), ("F", "female"), ("O", "other"), ("N", "none"), ("U", "unknown"))

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all("GENDER", "X-GENDER")

    def read(self, card: Card, line: Line) -> str:
        if line.name != "GENDER":
            return line.text
        letter, _, text = line.text.partition(";")  # after unescaping: a server escapes the separator (Radicale 3)
        return text.strip() or dict(self.words).get(letter.strip().upper(), letter.strip())

    def write(self, card: Card, line: Line, value: str) -> Line:
        return line.with_value(self._value(value) if line.name == "GENDER" else escape(value))

    def make(self, card: Card, value: str) -> None:
        new = card.is_version_4
        name, text = ("GENDER", self._value(value)) if new else ("X-GENDER", escape(value))
        card.add(Line.make(name, text, end=card.end))

    def _value(self, value: str) -> str:
        letters = {word: letter for letter, word in self.words}
        return letters.get(value.strip(), ";" + escape(value))


@dataclass(frozen=True)
class SortAs:
    """SORT-STRING before 4.0, the parameter SORT-AS of N since (RFC 6350 section 5.9)."""

    def get(self, card: Card) -> Value | None:
        if card.is_version_4:
            line = next(iter(card.all("N")), None)
            return ", ".join(self._values(line)) or None if line else None
        return card.text_of("SORT-STRING") or None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        if not card.is_version_4:
            Text("SORT-STRING").put(card, value)
            return
        line = next(iter(card.all("N")), None)
        if line is None:
            card.add(line := Line.make("N", ";;;;", end=card.end))
        texts = (value or "").replace('"', "'").split(", ")
        add = [("SORT-AS", ",".join(f'"{text.strip()}"' for text in texts))] if value else []
        card.replace(line, line.with_value(line.value, drop={"SORT-AS"}, add=add))

    def follow(self, card: Card, before: Sequence[Value | None], after: Sequence[Value | None]) -> None:
        """Each text that repeated a part of the name before an edit (family name, given name) repeats it after."""
        texts = str(self.get(card) or "").split(", ")
        renewed = [
            str(new) if new and old and text.casefold() == str(old).casefold() else text
            for text, old, new in itertools.zip_longest(texts, before[: len(texts)], after[: len(texts)])
        ]
        if texts != [""] and renewed != texts:
            self.put(card, ", ".join(renewed))

    @staticmethod
    def _values(line: Line) -> list[str]:
        """Also where a client put the comma inside the quotation marks."""
        texts = [text for name, values in line.parameters if name == "SORT-AS" for text in values]
        return [part.strip() for text in texts for part in text.split(",") if part.strip()]


@dataclass(frozen=True)
class Computed:
    """A field that is only shown."""

    read: Callable[[Card], str]

    def get(self, card: Card) -> Value | None:
        return self.read(card) or None

    def put(self, card: Card, value: Value | None) -> None:
        raise LookupError("a read-only field is never written")
