"""Names of related people: RELATED of vCard 4.0, Apple's labelled names, and older properties."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.carddav.lists import Element, Several
from connectors.carddav.texts import Single
from connectors.carddav.vcard import Card, Line, escape


@dataclass(frozen=True)
class Related(Single):
    """The name of a related person: RELATED of 4.0 with a text, Apple's labelled name, or an older property."""

    relation: str
    older: tuple[str, ...] = ()
    parent: str = ""  # the registered type that is written along (RFC 6350 section 6.6.6)

    def lines(self, card: Card) -> Sequence[Line]:
        return [
            *(line for line in card.all("RELATED") if self.relation in line.types and is_text(line)),
            *(line for line in card.all("X-ABRELATEDNAMES") if card.label(line).lower() == self.relation),
            *(card.all(*self.older) if self.older else ()),
        ]

    def make(self, card: Card, value: str) -> None:
        card.add(*related_lines(card, self.relation, self.parent, value))


def is_text(line: Line) -> bool:
    """Whether RELATED holds a name, not a reference to another card."""
    kind = line.parameter("VALUE").lower()
    return kind == "text" or (not kind and not re.match(r"[a-z][a-z0-9+.-]*:", line.value, re.IGNORECASE))


def related_lines(card: Card, relation: str, parent: str, value: str) -> list[Line]:
    if card.is_version_4:
        types = f"{parent},{relation}" if parent else relation
        return [Line.make("RELATED", escape(value), ("TYPE", types), ("VALUE", "text"), end=card.end)]
    group = card.free_group()
    return [
        Line.make("X-ABRELATEDNAMES", escape(value), group=group, end=card.end),
        Line.make("X-ABLabel", f"_$!<{relation.capitalize()}>!$_", group=group, end=card.end),
    ]


@dataclass(frozen=True)
class Children(Several):
    """The names of children (the list form of `texts.Related`)."""

    def lines(self, card: Card) -> Sequence[Line]:
        return [
            *(line for line in card.all("RELATED") if "child" in line.types and is_text(line)),
            *(line for line in card.all("X-ABRELATEDNAMES") if card.label(line).lower() == "child"),
        ]

    def make(self, card: Card, element: Element) -> None:
        card.add(*related_lines(card, "child", "", element["value"]))


_OWN_RELATIONS = {"spouse", "child", "manager", "assistant"}
_NO_RELATION = {"pref", "work", "home", "co-worker"}


@dataclass(frozen=True)
class OtherRelations(Several):
    """Everybody else who is related; the label says how."""

    def lines(self, card: Card) -> Sequence[Line]:
        return [
            *(line for line in card.all("RELATED") if is_text(line) and not line.types & _OWN_RELATIONS),
            *(line for line in card.all("X-ABRELATEDNAMES") if card.label(line).lower() not in _OWN_RELATIONS),
        ]

    def read(self, card: Card, line: Line) -> Element:
        element = {"value": line.text}
        label = card.label(line) or next(iter(sorted(line.types - _NO_RELATION)), "")
        return {**element, "label": label} if label else element

    def write(self, card: Card, line: Line, element: Element) -> None:
        before = self.read(card, line)
        if element["value"] != before["value"]:
            changed = line.with_value(escape(element["value"]))
            card.replace(line, changed)
            line = changed
        if element.get("label") != before.get("label"):
            changed = line.with_types(remove=line.types - _NO_RELATION)
            card.replace(line, changed)
            card.relabel(changed, element.get("label", ""))

    def make(self, card: Card, element: Element) -> None:
        name, parameters = ("RELATED", [("VALUE", "text")]) if card.is_version_4 else ("X-ABRELATEDNAMES", [])
        line = Line.make(name, escape(element["value"]), *parameters, end=card.end)
        card.add(line)
        card.relabel(line, element.get("label", ""))
