"""Postal addresses, a field for each part (RFC 6350 section 6.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Value
from connectors.carddav.vcard import Card, Line, escape, split, unescape


@dataclass(frozen=True)
class AddressPart:
    """A part of the first address of a type; further addresses of the type stay as they are."""

    type: str  # "work", "home", or empty for any other
    index: int  # in ADR, RFC 6350 section 6.3.1

    def get(self, card: Card) -> Value | None:
        line = self._line(card)
        parts = split(line.value, ";") if line else []
        return unescape(parts[self.index]).strip() or None if self.index < len(parts) else None

    def put(self, card: Card, value: Value | None) -> None:
        if (value or None) == self.get(card):
            return
        line = self._line(card)
        parts = split(line.value, ";") if line else []
        parts += [""] * (7 - len(parts))
        parts[self.index] = escape(value or "")
        text = ";".join(parts)
        if line is None:
            types = [self.type.upper()] if self.type else [] if card.is_version_4 else ["OTHER"]
            card.add(Line.make("ADR", text, *(("TYPE", type_) for type_ in types), end=card.end))
        elif any(part.strip() for part in parts):
            card.replace(line, line.with_value(text, drop={"LABEL"}))  # the formatted form would be the old address
        else:
            card.remove(line)

    def _line(self, card: Card) -> Line | None:
        return next((line for line in card.all("ADR") if address_type(card, line) == self.type), None)


def address_type(card: Card, line: Line) -> str:
    for type_ in ("work", "home"):
        if type_ in line.types:
            return type_
    label = card.label(line).lower() if line.group else ""
    return label if label in {"work", "home"} else ""
