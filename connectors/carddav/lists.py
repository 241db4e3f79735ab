"""Fields that hold several values, one to a line: email addresses, telephone numbers, web addresses and their like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors.base import Value
from connectors.carddav.vcard import Card, Line, escape, split, unescape

Element = Mapping[str, Any]


class Several:
    """A list of elements, the preferred ones first.

    Putting a list keeps the lines whose value is still in it, edits what differs on the others and removes the rest. A
    value that stands on several lines is shown once; its further lines live as long as the value does.
    """

    def lines(self, card: Card) -> Sequence[Line]:
        raise LookupError("each kind says where its lines are")

    def read(self, card: Card, line: Line) -> Element:
        """The element of a line; an empty value hides the line."""
        return {"value": line.text}

    def write(self, card: Card, line: Line, element: Element) -> None:
        """Replaces the line by one that reads as the element."""
        card.replace(line, line.with_value(escape(element["value"])))

    def make(self, card: Card, element: Element) -> None:
        raise LookupError("each kind says how a new line looks")

    def _shown(self, card: Card) -> tuple[list[tuple[Line, Element]], dict[str, list[Line]]]:
        """What is shown, in order, and per value the further lines that hold it."""
        shown: list[tuple[Line, Element]] = []
        further: dict[str, list[Line]] = {}
        lines = self.lines(card)
        if len(lines) > 1:
            places = {id(line): place for place, line in enumerate(card.lines)}
            lines = sorted(lines, key=lambda one: (one.preference, places[id(one)]))
        for line in lines:
            element = self.read(card, line)
            value = element["value"]
            if not value:
                continue
            if value in further:
                further[value].append(line)
            else:
                shown.append((line, element))
                further[value] = []
        return shown, further

    def get(self, card: Card) -> Value | None:
        return [dict(element) for _, element in self._shown(card)[0]] or None

    def put(self, card: Card, value: Value | None) -> None:
        wanted = _unique(value or [])
        if wanted == (self.get(card) or []):
            return
        shown, further = self._shown(card)
        partners = _partners([element["value"] for element in wanted], [element["value"] for _, element in shown])
        kept = {index for index in partners if index is not None}
        for index, (line, element) in enumerate(shown):
            changed = index not in kept or wanted[partners.index(index)]["value"] != element["value"]
            for gone in ([] if index in kept else [line]) + (further[element["value"]] if changed else []):
                card.remove(gone)
        for element, partner in zip(wanted, partners, strict=True):
            if partner is None:
                self.make(card, element)
            elif element != shown[partner][1]:
                self.write(card, shown[partner][0], element)
        self._order(card, wanted)

    def _order(self, card: Card, wanted: Sequence[Element]) -> None:
        """Makes the order of the lines, and what prefers one, say what the list says."""
        shown, _ = self._shown(card)
        values = [element["value"] for element in wanted]
        if [element["value"] for _, element in shown] == values:
            return
        for line, _ in shown:
            if line.preference <= 100:
                card.replace(line, line.with_types(remove={"pref"}))
        by_value = {element["value"]: line for line, element in self._shown(card)[0]}
        if set(by_value) == set(values):
            card.reorder([by_value[value] for value in values])


def _unique(elements: Sequence[Element]) -> list[Element]:
    found: dict[str, Element] = {}
    for element in elements:
        value = str(element.get("value", "")).strip()
        if value and value not in found:
            found[value] = {**{key: text for key, text in element.items() if text}, "value": value}
    return list(found.values())


def _partners(wanted: Sequence[str], present: Sequence[str]) -> list[int | None]:
    """For each wanted value the index of the present one that becomes it: the same value, the same but for case, and
    for the rest the one left over in its turn, so that an edited value keeps what belongs to its line."""
    partners: list[int | None] = [None] * len(wanted)
    free = dict.fromkeys(range(len(present)))
    for fold in (str, str.casefold):
        for index, value in enumerate(wanted):
            if partners[index] is None:
                found = next((one for one in free if fold(present[one]) == fold(value)), None)
                if found is not None:
                    partners[index] = found
                    del free[found]
    for index in range(len(wanted)):
        if partners[index] is None and free:
            left_over = next(iter(free))
            partners[index] = left_over
            del free[left_over]
    return partners


@dataclass(frozen=True)
class Typed(Several):
    """EMAIL and URL: a type, work or home, and a label of the person's own."""

    name: str
    format_type: str = ""  # what says nothing about the place, written before 4.0 (RFC 2426 section 3.3.2)
    is_uri: bool = False

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all(self.name)

    def read(self, card: Card, line: Line) -> Element:
        element = {"value": line.text}
        for type_ in ("work", "home"):
            if type_ in line.types:
                element["type"] = type_
                break
        label = card.label(line)
        if label.lower() in {"work", "home"}:
            element.setdefault("type", label.lower())
        elif label:
            element["label"] = label
        return element

    def write(self, card: Card, line: Line, element: Element) -> None:
        before = self.read(card, line)
        if element["value"] != before["value"]:
            changed = line.with_value(self._value(element["value"]))
            card.replace(line, changed)
            line = changed
        if element.get("type") != before.get("type"):
            type_ = element.get("type", "")
            changed = line.with_types(remove={"work", "home"}, add=[type_.upper()] if type_ in {"work", "home"} else [])
            card.replace(line, changed)
            line = changed
        if element.get("label", "") != before.get("label", "") or self.read(card, line).get("type") != element.get(
            "type"
        ):
            card.relabel(line, element.get("label", ""))

    def make(self, card: Card, element: Element) -> None:
        types = [self.format_type] if self.format_type and not card.is_version_4 else []
        if element.get("type") in {"work", "home"}:
            types.append(element["type"].upper())
        parameters = [("TYPE", ",".join(types))] if types else []
        line = Line.make(self.name, self._value(element["value"]), *parameters, end=card.end)
        card.add(line)
        card.relabel(line, element.get("label", ""))

    def _value(self, value: str) -> str:
        return uri(value) if self.is_uri else escape(value)


def uri(value: str) -> str:
    """Commas and semicolons as percent escapes: a URI knows no others, and servers cut it at them (Radicale 3)."""
    return re.sub(r"[,;\\\s\x00-\x1f]", lambda found: quote(found[0], safe=""), value)


PHONE_KINDS = {
    "mobile": ("CELL",),
    "work": ("WORK", "VOICE"),
    "home": ("HOME", "VOICE"),
    "work_fax": ("WORK", "FAX"),
    "home_fax": ("HOME", "FAX"),
    "other_fax": ("FAX",),
    "pager": ("PAGER",),
    "assistant": ("X-ASSISTANT",),
    "car": ("CAR",),
    "main": ("MAIN",),
    "other": ("VOICE",),
}
_PLACELESS = (
    ("pager", {"pager"}),
    ("mobile", {"cell", "mobile", "iphone"}),
    ("assistant", {"x-assistant", "assistant"}),
    ("car", {"car", "x-car"}),
    ("main", {"main", "x-company_main", "x-main"}),
    ("work", {"work"}),
    ("home", {"home"}),
)


def phone_kind(card: Card, line: Line) -> str:
    words = set(line.types)
    if line.group and (label := card.label(line)):
        words.add(label.lower())
    if "fax" in words:
        return "work_fax" if "work" in words else "home_fax" if "home" in words else "other_fax"
    return next((kind for kind, names in _PLACELESS if words & names), "other")


@dataclass(frozen=True)
class Phones(Several):
    """The numbers of one kind; those of other kinds are not touched."""

    kind: str

    def lines(self, card: Card) -> Sequence[Line]:
        return [line for line in card.all("TEL") if phone_kind(card, line) == self.kind]

    def read(self, card: Card, line: Line) -> Element:
        return {"value": line.text[4:] if line.text[:4].lower() == "tel:" else line.text}

    def write(self, card: Card, line: Line, element: Element) -> None:
        value = element["value"]
        if line.text[:4].lower() != "tel:":
            card.replace(line, line.with_value(escape(value)))
        elif re.fullmatch(r"[+\d().;=A-Za-z-]+", value):
            card.replace(line, line.with_value(f"tel:{value}"))
        else:  # a number that is no URI as it stands is kept as a person wrote it
            card.replace(line, line.with_value(escape(value), drop={"VALUE"}))

    def make(self, card: Card, element: Element) -> None:
        words = ("X-CAR",) if self.kind == "car" and card.is_version_4 else PHONE_KINDS[self.kind]
        card.add(Line.make("TEL", escape(element["value"]), ("TYPE", ",".join(words)), end=card.end))


OLD_MESSENGERS = {
    "X-JABBER": "xmpp",
    "X-GOOGLE-TALK": "xmpp",
    "X-SKYPE": "skype",
    "X-SKYPE-USERNAME": "skype",
    "X-AIM": "aim",
    "X-ICQ": "icq",
    "X-MSN": "msnim",
    "X-YAHOO": "ymsgr",
    "X-QQ": "qq",
    "X-GADUGADU": "gg",
    "X-SIP": "sip",
}


@dataclass(frozen=True)
class Messengers(Several):
    """IMPP (RFC 4770, RFC 6350) and the older property per service; shown as `service:name`."""

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all("IMPP", *OLD_MESSENGERS)

    def read(self, card: Card, line: Line) -> Element:
        scheme = OLD_MESSENGERS.get(line.name)
        text = line.text
        return {"value": f"{scheme}:{text}" if scheme and text and not text.startswith(f"{scheme}:") else text}

    def write(self, card: Card, line: Line, element: Element) -> None:
        scheme = OLD_MESSENGERS.get(line.name)
        value = element["value"]
        if scheme is None:
            card.replace(line, line.with_value(uri(value)))
        elif value.startswith(f"{scheme}:") and value != f"{scheme}:":
            card.replace(line, line.with_value(escape(value.removeprefix(f"{scheme}:"))))
        else:
            card.replace(line, Line.make("IMPP", uri(value), end=card.end))

    def make(self, card: Card, element: Element) -> None:
        card.add(Line.make("IMPP", uri(element["value"]), end=card.end))


@dataclass(frozen=True)
class Profiles(Several):
    """Social profiles: X-SOCIALPROFILE (Apple), SOCIALPROFILE since RFC 9554; the type is the service."""

    def lines(self, card: Card) -> Sequence[Line]:
        return card.all("X-SOCIALPROFILE", "SOCIALPROFILE")

    def read(self, card: Card, line: Line) -> Element:
        element = {"value": line.text}
        services = [line.parameter("SERVICE-TYPE"), *sorted(line.types - {"pref", "work", "home"})]
        if service := next((one.lower() for one in services if one), ""):
            element["type"] = service
        return element

    def write(self, card: Card, line: Line, element: Element) -> None:
        before = self.read(card, line)
        changed = line.with_value(uri(element["value"])) if element["value"] != before["value"] else line
        if element.get("type") != before.get("type"):
            if line.parameter("SERVICE-TYPE"):
                changed = changed.with_value(changed.value, drop={"SERVICE-TYPE"})
            changed = changed.with_types(
                remove=line.types - {"pref", "work", "home"}, add=[_word(element["type"])] if "type" in element else []
            )
        card.replace(line, changed)

    def make(self, card: Card, element: Element) -> None:
        parameters = [("TYPE", _word(element["type"]))] if "type" in element else []
        card.add(Line.make("X-SOCIALPROFILE", uri(element["value"]), *parameters, end=card.end))


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-").lower() or "x-other"


@dataclass(frozen=True)
class Categories:
    """CATEGORIES: a list of names on one line or several."""

    def get(self, card: Card) -> Value | None:
        return [{"value": name} for name in self.names(card)] or None

    def names(self, card: Card) -> list[str]:
        return list(dict.fromkeys(name for line in card.all("CATEGORIES") for name in _names(line)))

    def put(self, card: Card, value: Value | None) -> None:
        wanted = [element["value"] for element in _unique(value or [])]
        present = self.names(card)
        if set(wanted) == set(present):
            return
        for line in list(card.all("CATEGORIES")):
            kept = [part for part in split(line.value, ",") if unescape(part).strip() in wanted]
            if len(kept) == len(_names(line)):
                continue
            if kept:
                card.replace(line, line.with_value(",".join(kept)))
            else:
                card.remove(line)
        added = [escape(name) for name in wanted if name not in present]
        lines = card.all("CATEGORIES")
        if added and lines:
            card.replace(lines[0], lines[0].with_value(",".join([lines[0].value.rstrip(","), *added]).lstrip(",")))
        elif added:
            card.add(Line.make("CATEGORIES", ",".join(added), end=card.end))


def _names(line: Line) -> list[str]:
    return [name for part in split(line.value, ",") if (name := unescape(part).strip())]
