"""Who is there already, when HubSpot refuses a create because of its email or its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.base import Write
from connectors.hubspot.api import Row
from connectors.hubspot.errors import Problem
from connectors.hubspot.fields import EMAIL, FURTHER_EMAILS, MARK
from connectors.hubspot.reading import Reader


@dataclass(slots=True)
class Existing:
    reader: Reader
    labels: dict[str, frozenset[str]] = field(default_factory=dict)  # of those that were found, by id

    def of(self, refused: Mapping[int, tuple[Problem, Write]]) -> dict[int, Row]:
        """By number, the contact in the way. An answer names one contact for all inputs that it refused, so the others
        are looked up by their address; a further address leads to its contact too."""
        named = {n: problem.existing for n, (problem, _) in refused.items() if len(problem.traces) <= 1}
        rows = self.reader.fetch(id for id in named.values() if id) if any(named.values()) else {}
        found = {n: rows[id] for n, id in named.items() if id in rows}
        self._by_mark(found, refused)
        self._by_email(found, refused)
        self.labels = self.reader.lists.of([str(row.get("id")) for row in found.values()], self.reader.carried)
        return found

    def _by_mark(self, found: dict[int, Row], refused: Mapping[int, tuple[Problem, Write]]) -> None:
        open = {write.marker: n for n, (_, write) in refused.items() if n not in found}
        if not open or not self.reader.portal.keeps_marks:
            return
        for row in self.reader.fetch(open, idProperty=MARK).values():
            number = open.get(str((row.get("properties") or {}).get(MARK)))
            if number is not None:
                found[number] = row

    def _by_email(self, found: dict[int, Row], refused: Mapping[int, tuple[Problem, Write]]) -> None:
        open = {
            str(write.values[EMAIL]).strip().lower(): n
            for n, (_, write) in refused.items()
            if n not in found and write.values.get(EMAIL)
        }
        for row in self._with_further(open) if open else []:
            for email in _addresses(row):
                if email in open:
                    found[open[email]] = row

    def _with_further(self, emails: Mapping[str, int]) -> list[Row]:
        names = [*self.reader.names, EMAIL, FURTHER_EMAILS]
        return self.reader.api.batch("contacts", list(emails), names, "contacts", idProperty=EMAIL)


def _addresses(row: Row) -> list[str]:
    held = row.get("properties") or {}
    return [one.strip().lower() for one in f"{held.get(EMAIL) or ''};{held.get(FURTHER_EMAILS) or ''}".split(";")]
