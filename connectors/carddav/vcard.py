"""vCards as lines that are edited in place: what is not edited stays as it came, byte for byte.

Reads vCard 4.0 (RFC 6350), 3.0 (RFC 2426) and what 2.1 left behind (bare parameters, quoted-printable); never converts
one into another. Parameters follow RFC 6868.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

LEFT_OUT = "X-PAIRWISE-LEFT-OUT"  # stands in a stored body for an embedded photo that was too large to store
FOLD_AT = 75  # octets, RFC 6350 section 3.2

_PHYSICAL = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")
_SOFT_BREAK = re.compile(r"=(?:\r\n|\r|\n)")
_CONTENT = re.compile(
    r'(?:([A-Za-z0-9_-]+)\.)?([A-Za-z0-9_-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.DOTALL
)  # group, name, parameters, value
_CARELESS = re.compile(r"(?:([A-Za-z0-9_-]+)\.)?([A-Za-z0-9_-]+)((?:;[^:]*)?):(.*)", re.DOTALL)  # an odd quote inside
_PARAMETER = re.compile(r';((?:"[^"]*"|[^";]|"(?=[^"]*\Z))*)')
_PARAMETER_VALUE = re.compile(r'"([^"]*)"|([^,]+)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TOKEN = re.compile(r"\\.|[^\\]|\\\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ANY_END = re.compile(r"\r\n|\r|\n")
_BUILT_IN_LABEL = re.compile(r"_\$!<(.*)>!\$_\Z")


class NotACard(ValueError):
    """The text cannot be edited as one vCard. The message is the rest of a sentence that begins with the record."""


def escape(text: str) -> str:
    """A text value as a vCard holds it; characters that XML cannot carry are left out."""
    text = _ANY_END.sub("\n", _CONTROL.sub("", text))
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def unescape(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def split(value: str, separator: str) -> list[str]:
    """The still escaped parts of a compound value."""
    if "\\" not in value:
        return value.split(separator)
    parts = [""]
    for token in _TOKEN.findall(value):
        if token == separator:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def fold(text: str, end: str) -> str:
    """A logical line in pieces of at most 75 octets, never cut inside a character."""
    if len(text) * 4 <= FOLD_AT or len(text.encode("utf-8", "surrogatepass")) <= FOLD_AT:
        return text + end
    pieces: list[str] = []
    piece: list[str] = []
    size = 0
    for character in text:
        width = len(character.encode("utf-8", "surrogatepass"))
        if size + width > FOLD_AT:
            pieces.append("".join(piece))
            piece, size = [], 1
        piece.append(character)
        size += width
    pieces.append("".join(piece))
    return (end + " ").join(pieces) + end


class Line:
    """One logical content line. `raw` is how it came, folds and line end included; a line is never changed, only
    replaced. `name` is upper case; a text that is no content line has an empty name and is kept."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        found = None
        whole = _SOFT_BREAK.sub("", raw) if _is_quoted_printable(raw) else raw  # what follows it is text, no fold
        logical = _FOLD.sub("", whole).rstrip("\r\n")
        if ":" in logical:
            found = _CONTENT.match(logical) or _CARELESS.match(logical)
        group, name, self.section, self._value = found.groups() if found else ("", "", "", "")
        self.group: str = group or ""
        self.spelling: str = name
        self.name: str = name.upper()

    @classmethod
    def make(cls, name: str, value: str, *parameters: tuple[str, str], group: str = "", end: str = "\n") -> Line:
        """`value` and parameter values are already escaped and quoted."""
        section = "".join(f";{key}={text}" for key, text in parameters)
        return cls(fold(f"{group}{'.' if group else ''}{name}{section}:{value}", end))

    @cached_property
    def parameters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found = []
        for text in _PARAMETER.findall(self.section):
            name, equals, values = text.partition("=")
            if not equals:
                name, values = ("ENCODING" if name.upper() in {"QUOTED-PRINTABLE", "BASE64", "8BIT"} else "TYPE"), name
            found.append(
                (name.upper(), tuple(_caret(quoted or bare) for quoted, bare in _PARAMETER_VALUE.findall(values)))
            )
        return tuple(found)

    def parameter(self, name: str) -> str:
        """The first value of a parameter, empty if it is not there."""
        if not self.section:
            return ""
        return next((values[0] for key, values in self.parameters if key == name and values), "")

    @cached_property
    def types(self) -> frozenset[str]:
        """What TYPE says, in lower case, in whichever of its spellings."""
        if not self.section:
            return frozenset()
        return frozenset(
            word.strip().lower()
            for name, values in self.parameters
            if name == "TYPE"
            for value in values
            for word in value.split(",")
            if word.strip()
        )

    @property
    def preference(self) -> int:
        """1 is best, 101 none (RFC 6350 section 5.3; TYPE=pref before that)."""
        number = self.parameter("PREF")
        if number.isascii() and number.isdigit():
            return min(int(number), 100)
        return 1 if "pref" in self.types else 101

    @cached_property
    def value(self) -> str:
        """The value without folds, still escaped; quoted-printable is decoded, and its line breaks escaped."""
        if "QUOTED-PRINTABLE" not in self.section.upper():
            return self._value
        decoded = quopri.decodestring(self._value.encode("utf-8", "surrogatepass"))
        try:
            text = decoded.decode(self.parameter("CHARSET") or "utf-8")
        except (LookupError, UnicodeDecodeError):
            text = decoded.decode("latin-1")
        return _ANY_END.sub(r"\\n", text)

    @property
    def text(self) -> str:
        return unescape(self.value).strip()

    def with_value(self, value: str, *, drop: Iterable[str] = (), add: Sequence[tuple[str, str]] = ()) -> Line:
        """The same line with another (escaped) value; parameters stay as they were written but those in `drop`."""
        dropped = {"ENCODING", "CHARSET", *drop} if "QUOTED-PRINTABLE" in self.section.upper() else set(drop)
        segments = [f";{segment}" for segment in _PARAMETER.findall(self.section)]
        if dropped:
            named = zip(segments, self.parameters, strict=True)
            segments = [segment for segment, (name, _) in named if name not in dropped]
        segments += [f";{name}={text}" for name, text in add]
        return self._rebuilt(self.group, "".join(segments), value)

    def with_types(self, *, remove: Iterable[str], add: Sequence[str] = ()) -> Line:
        """The same line with other TYPE words (and, with "pref" removed, without PREF)."""
        line = self._plain()
        gone = set(remove)
        kept: list[str] = []
        segments: list[str] = []
        for segment, (name, values) in zip(_PARAMETER.findall(line.section), line.parameters, strict=True):
            if name == "TYPE":
                kept += [word.strip() for value in values for word in value.split(",")]
            elif not (name == "PREF" and "pref" in gone):
                segments.append(f";{segment}")
        words = [word for word in kept if word and word.lower() not in gone]
        words += [word for word in add if word.lower() not in {one.lower() for one in words}]
        if words:
            segments.insert(0, ";TYPE=" + ",".join(words))
        return line._rebuilt(self.group, "".join(segments), line._value)

    def with_group(self, group: str) -> Line:
        line = self._plain()
        return line._rebuilt(group, line.section, line._value)

    def _plain(self) -> Line:
        if "QUOTED-PRINTABLE" not in self.section.upper():
            return self
        return self.with_value(self.value)

    def _rebuilt(self, group: str, section: str, value: str) -> Line:
        end = self.raw[len(self.raw.rstrip("\r\n")) :] or "\n"
        return Line(fold(f"{group}{'.' if group else ''}{self.spelling}{section}:{value}", end))


class Card:
    """One vCard. Raises `NotACard` for text that is none, is cut off, or holds several."""

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        self.lines = [Line(raw) for raw in _logical(text)]
        names = self._index()
        begins = [line for line in names.get("BEGIN", []) if line.value.strip().upper() == "VCARD"]
        ends = [line for line in names.get("END", []) if line.value.strip().upper() == "VCARD"]
        if not begins:
            raise NotACard("is not a vCard")
        if len(begins) > 1:
            raise NotACard("holds several vCards in one place")
        if not ends:
            raise NotACard("is cut off: its end is missing")
        self.end = _ANY_END.search(text)[0] if _ANY_END.search(text) else "\n"  # type: ignore[index]

    @property
    def text(self) -> str:
        return "".join(line.raw for line in self.lines)

    @property
    def wire(self) -> bytes:
        """As it is sent: UTF-8 with CRLF (RFC 6350 section 3)."""
        return _ANY_END.sub("\r\n", self.text).encode("utf-8", "replace")

    @property
    def body(self) -> str:
        """The text to store: embedded photos over 64 KB are only named."""
        return "".join(
            f"{LEFT_OUT}:{line.name}{self.end}" if len(line.raw) > 65536 and _is_embedded(line) else line.raw
            for line in self.lines
        )

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left out, so that it may be written back."""
        return not self.all(LEFT_OUT)

    @property
    def version(self) -> str:
        return self.text_of("VERSION") or "3.0"

    @property
    def is_version_4(self) -> bool:
        return self.version.startswith("4")

    @property
    def is_group(self) -> bool:
        """A group or distribution list that is stored like a contact (RFC 6350 section 6.1.4, and Apple's form)."""
        return "group" in {self.text_of("KIND").lower(), self.text_of("X-ADDRESSBOOKSERVER-KIND").lower()}

    def all(self, *names: str) -> list[Line]:
        index = self._names
        if len(names) == 1:
            return index.get(names[0], [])
        return [line for name in names for line in index.get(name, [])]

    def text_of(self, name: str) -> str:
        return next((line.text for line in self.all(name)), "")

    def label(self, line: Line) -> str:
        """The custom label that Apple's clients tie to a line by its group; built-in ones without their wrapping."""
        if not line.group:
            return ""
        label = self._label_line(line.group)
        if label is None:
            return ""
        found = _BUILT_IN_LABEL.match(label.text)
        return found[1] if found else label.text

    def add(self, *lines: Line) -> None:
        place = max(index for index, line in enumerate(self.lines) if line.name == "END")
        self.lines[place:place] = lines
        self._changed()

    def insert_after(self, name: str, line: Line) -> None:
        place = next((index for index, one in enumerate(self.lines) if one.name == name), 0)
        self.lines.insert(place + 1, line)
        self._changed()

    def replace(self, old: Line, new: Line) -> None:
        self.lines[self._place(old)] = new
        self._changed()

    def remove(self, line: Line) -> None:
        """Removes a line, and what only describes it (label, country format) if nothing else is in its group."""
        del self.lines[self._place(line)]
        if line.group:
            company = [one for one in self.lines if one.group.lower() == line.group.lower()]
            if all(one.name in {"X-ABLABEL", "X-ABADR"} for one in company):
                self.lines = [one for one in self.lines if one not in company]
        self._changed()

    def relabel(self, line: Line, label: str) -> Line:
        """Ties another label to a line (none if empty); returns the line as it then is."""
        present = self._label_line(line.group) if line.group else None
        if present is not None:
            if label:
                self.replace(present, present.with_value(escape(label)))
            else:
                self.lines.remove(present)
                self._changed()
            return line
        if not label:
            return line
        if not line.group:
            grouped = line.with_group(self.free_group())
            self.replace(line, grouped)
            line = grouped
        self.lines.insert(self._place(line) + 1, Line.make("X-ABLabel", escape(label), group=line.group, end=self.end))
        self._changed()
        return line

    def free_group(self) -> str:
        taken = {line.group.lower() for line in self.lines}
        number = 1
        while f"item{number}" in taken:
            number += 1
        return f"item{number}"

    def reorder(self, lines: Sequence[Line]) -> None:
        """Puts lines of the card into this order, in the places that they have together."""
        places = sorted(self._place(line) for line in lines)
        for place, line in zip(places, lines, strict=True):
            self.lines[place] = line
        self._changed()

    def _label_line(self, group: str) -> Line | None:
        wanted = group.lower()
        return next((one for one in self.all("X-ABLABEL") if one.group.lower() == wanted), None)

    def _place(self, line: Line) -> int:
        return next(index for index, one in enumerate(self.lines) if one is line)

    @cached_property
    def _names(self) -> dict[str, list[Line]]:
        return self._index()

    def _index(self) -> dict[str, list[Line]]:
        index: dict[str, list[Line]] = {}
        for line in self.lines:
            index.setdefault(line.name, []).append(line)
        return index

    def _changed(self) -> None:
        self.__dict__.pop("_names", None)


def _logical(text: str) -> list[str]:
    """The text in logical lines, each with its folds and ends, so that joining them gives the text back."""
    lines: list[list[str]] = []
    soft = False  # inside quoted-printable, where "=" at the end goes on without white space
    for physical in _PHYSICAL.findall(text):
        if lines and (soft or physical[0] in " \t"):
            lines[-1].append(physical)
        else:
            lines.append([physical])
        soft = physical.rstrip("\r\n").endswith("=") and _is_quoted_printable(lines[-1][0])
    return ["".join(pieces) for pieces in lines]


def _is_quoted_printable(raw: str) -> bool:
    return "QUOTED-PRINTABLE" in raw.partition(":")[0].upper()


def _caret(value: str) -> str:
    """RFC 6868."""
    if "^" not in value:
        return value
    return re.sub(r"\^([n'^])", lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], value)


def _is_embedded(line: Line) -> bool:
    return line.name in {"PHOTO", "LOGO", "SOUND", "KEY"}
