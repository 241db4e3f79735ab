"""Finds creates whose answer was lost by what was sent, where the account keeps no marks: contacts that were made in
the time in which the request can have taken effect, with the email that was sent or, without one, the name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.base import Record, Sent, chunked
from connectors.hubspot.api import Row
from connectors.hubspot.fields import EMAIL, seconds_of
from connectors.hubspot.reading import Reader

SLACK: Final = 60.0  # seconds by which two clocks that were compared may still differ
GROUPS: Final = 5  # that one search may join
_NAMES: Final = ("firstname", "lastname")
_KEYS: Final = (*_NAMES, EMAIL, "company")
_WHAT: Final = "contacts"


@dataclass(frozen=True, slots=True)
class Search:
    reader: Reader
    settle_after: float

    def find(self, sent: Sequence[Sent]) -> dict[str, Record]:
        if not sent:
            return {}
        rows = self._candidates(sent)
        ahead = self.reader.api.server_time - self.reader.api.host.clock.now()
        chosen: dict[str, Row] = {}
        for one in sorted(sent, key=lambda one: one.at):
            row = next((row for row in rows if self._is_of(row, one, ahead)), None)
            if row is not None:
                rows.remove(row)
                chosen[one.marker] = row
        labels = self.reader.lists.of([str(row.get("id")) for row in chosen.values()], self.reader.carried)
        records = self.reader.records(list(chosen.values()), labels)
        return dict(zip(chosen, records, strict=True))

    def _candidates(self, sent: Sequence[Sent]) -> list[Row]:
        """In the order in which they were made."""
        emails = [_folded(one.values[EMAIL]) for one in sent if one.values.get(EMAIL)]
        rows = self.reader.fetch(emails, idProperty=EMAIL) if emails else {}
        nameless = [one for one in sent if not one.values.get(EMAIL)]
        if nameless:
            rows |= self.reader.fetch(id for id in self._searched(nameless) if id not in rows)
        return sorted(rows.values(), key=lambda row: _made(row))

    def _searched(self, sent: Sequence[Sent]) -> list[str]:
        """By name, which HubSpot compares without regard to case."""
        found: list[str] = []
        for some in chunked(sent, GROUPS):
            groups = [{"filters": [_after(one), *(_is(name, one.values.get(name)) for name in _NAMES)]} for one in some]
            body = {
                "filterGroups": groups,
                "sorts": [{"propertyName": "createdate", "direction": "ASCENDING"}],
                "properties": ["createdate"],
                "limit": 200,
            }
            page = self.reader.api.search("contacts", body, _WHAT)
            found += [str(one.get("id")) for one in page["results"] if isinstance(one, dict)]
        return found

    def _is_of(self, row: Row, one: Sent, ahead: float) -> bool:
        made = _made(row) - ahead
        if not one.at - SLACK <= made <= one.at + self.settle_after + SLACK:
            return False
        held: Mapping[str, Any] = row.get("properties") or {}
        return all(_folded(held.get(key)) == _folded(one.values.get(key)) for key in _KEYS if key in held)


def _after(one: Sent) -> dict[str, str]:
    """Wide enough for clocks that differ; the exact time is compared later."""
    return {"propertyName": "createdate", "operator": "GTE", "value": str(int((one.at - 3600) * 1000))}


def _is(name: str, value: Any) -> dict[str, str]:
    if not value:
        return {"propertyName": name, "operator": "NOT_HAS_PROPERTY"}
    return {"propertyName": name, "operator": "EQ", "value": str(value)}


def _made(row: Row) -> float:
    held = row.get("properties") or {}
    return seconds_of(held.get("createdate") or row.get("createdAt"))


def _folded(value: Any) -> str:
    return " ".join(str(value or "").split()).casefold()
