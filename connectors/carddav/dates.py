"""Birthdays and anniversaries in the many forms that cards have for them (RFC 6350 section 4.3, Apple)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.carddav.texts import Single
from connectors.carddav.vcard import Card, Line

Parameters = tuple[tuple[str, str], ...]

_DATE = re.compile(
    r"(?P<year>\d{4}|--)-?(?P<month>0[1-9]|1[0-2])-?(?P<day>0[1-9]|[12]\d|3[01])(?:T.*)?\Z", re.IGNORECASE
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_date(line: Line, *, apple: bool = False) -> str:
    """The date part as `Field` wants it, empty for what is no whole date (a year alone, a text).

    A year that only says "no year" is left out: the one named by X-APPLE-OMIT-YEAR, 0000 and 0001, and 1604 in a card
    that Apple's software wrote.
    """
    found = _DATE.match(line.text)
    if not found:
        return ""
    year, month, day = found["year"], int(found["month"]), int(found["day"])
    if day > _DAYS[month - 1]:
        return ""
    omitted = {"--", "0000", "0001", line.parameter("X-APPLE-OMIT-YEAR")} | ({"1604"} if apple else set())
    if year in omitted:
        return f"--{month:02}-{day:02}"
    if (month, day) == (2, 29) and not _is_leap(int(year)):
        return ""
    return f"{year}-{month:02}-{day:02}"


def date_value(card: Card, value: str) -> tuple[str, Parameters]:
    """A date in the form of the card's version, with the parameters it needs."""
    if card.is_version_4:
        return value.replace("-", "") if not value.startswith("--") else "--" + value[2:].replace("-", ""), ()
    if value.startswith("--"):
        return f"1604-{value[2:]}", (("X-APPLE-OMIT-YEAR", "1604"),)
    return value, ()


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@dataclass(frozen=True)
class Date(Single):
    """A birthday or anniversary. `label`: the label of an Apple date (X-ABDATE) that means the same."""

    name: str
    others: tuple[str, ...] = ()
    old_name: str = ""
    label: str = ""

    def lines(self, card: Card) -> Sequence[Line]:
        found = card.all(self.name, *self.others)
        if self.label:
            dates = card.all("X-ABDATE")
            found = found + [line for line in dates if card.label(line).lower() == self.label.lower()]
        return found

    def read(self, card: Card, line: Line) -> str:
        return read_date(line, apple="apple" in card.text_of("PRODID").lower())

    def write(self, card: Card, line: Line, value: str) -> Line:
        text, parameters = date_value(card, value)
        return line.with_value(text, drop={"VALUE", "X-APPLE-OMIT-YEAR", "CALSCALE"}, add=parameters)

    def make(self, card: Card, value: str) -> None:
        text, parameters = date_value(card, value)
        name = self.old_name if self.old_name and not card.is_version_4 else self.name
        card.add(Line.make(name, text, *parameters, end=card.end))
        if self.label and not card.is_version_4:
            group = card.free_group()
            card.add(
                Line.make("X-ABDATE", text, *parameters, group=group, end=card.end),
                Line.make("X-ABLabel", f"_$!<{self.label}>!$_", group=group, end=card.end),
            )
