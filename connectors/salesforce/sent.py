"""Finds creates whose answer was lost by what was sent, where the organisation has no field for marks: records that
this user made in the time in which the request can have taken effect, with the name and the email that were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.base import Record, Sent, Values
from connectors.salesforce.api import Row, listed, literal, portions
from connectors.salesforce.fields import PLACEHOLDER, moment, seconds_of
from connectors.salesforce.reading import Reader

SLACK: Final = 60.0  # seconds by which two clocks that were compared may still differ
_KEYS: Final = ("LastName", "FirstName", "Email", "Company")
_ALWAYS: Final = ("LastName", "FirstName", "Email", "CreatedDate")


@dataclass(frozen=True, slots=True)
class Search:
    reader: Reader
    settle_after: float

    def find(self, sent: Sequence[Sent]) -> dict[str, Record]:
        if not sent:
            return {}
        catalogue = self.reader.source.catalogue()
        more = [name for name in (*_ALWAYS, "Company") if name in catalogue.names]
        rows = self._candidates(sent, more)
        ahead = self.reader.api.server_time - self.reader.api.host.clock.now()
        found: dict[str, Record] = {}
        for one in sorted(sent, key=lambda one: one.at):
            row = next((row for row in rows if self._is_of(row, one, ahead)), None)
            if row is not None:
                rows.remove(row)
                found[one.marker] = self.reader.record(row)
        return found

    def _candidates(self, sent: Sequence[Sent], more: Sequence[str]) -> list[Row]:
        """In the order in which they were made."""
        api = self.reader.api
        api.get("/limits", "the limits")  # compares the clocks
        ahead = api.server_time - api.host.clock.now()
        where = f"CreatedDate >= {moment(min(one.at for one in sent) + ahead - SLACK)}"
        if api.user:
            where += f" AND CreatedById = {literal(api.user)}"
        names = sorted({str(one.values.get("LastName") or PLACEHOLDER) for one in sent})
        rows: list[Row] = []
        for some in portions(f"{self.reader.select(self.reader.source.catalogue(), more)} {where}" + " " * 99, names):
            rows += self.reader.rows(f"{where} AND LastName IN {listed(some)}", "CreatedDate, Id", more=more)
        return rows

    def _is_of(self, row: Mapping[str, Any], one: Sent, ahead: float) -> bool:
        made = seconds_of(row["CreatedDate"]) - ahead
        if not one.at - SLACK <= made <= one.at + self.settle_after + SLACK:
            return False
        return all(_folded(row.get(key)) == _folded(_of(one.values, key)) for key in _KEYS if key in row)


def _of(values: Values, key: str) -> Any:
    return values.get(key) or (PLACEHOLDER if key in ("LastName", "Company") else "")


def _folded(value: Any) -> str:
    return " ".join(str(value or "").split()).casefold()
