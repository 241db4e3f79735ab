"""Steps that the tests on the sandbox share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import (
    ChangePage,
    NothingKnown,
    Record,
    Write,
    WriteKind,
    WriteResult,
)
from connectors.outlook.connector import Outlook
from connectors.outlook.fields import CATALOGUE

KEYS = [field.key for field in CATALOGUE]
ANNA = {"givenName": "Anna", "surname": "Maes", "displayName": "Anna Maes"}


class Known(NothingKnown):
    def __init__(self, *records: Record) -> None:
        self.known = {record.id: record.version for record in records}

    def versions(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {id: self.known[id] for id in ids if id in self.known}


def listed(connector: Outlook, folder: str, fields: Sequence[str] = KEYS) -> tuple[dict[str, Record], str]:
    pages = list(connector.changes(folder, "", fields, NothingKnown()))
    return {record.id: record for page in pages for record in page.records}, pages[-1].cursor


def news(
    connector: Outlook, folder: str, cursor: str, *known: Record, fields: Sequence[str] = KEYS
) -> list[ChangePage]:
    return list(connector.changes(folder, cursor, fields, Known(*known)))


def creates(count: int, **values: Any) -> list[Write]:
    return [Write(WriteKind.CREATE, f"marker-{n}", values={"givenName": f"P{n}", **values}) for n in range(count)]


def update(record: Record, **values: Any) -> Write:
    return Write(
        WriteKind.UPDATE, "u", record.id, record.version, values=values, current=record.values, body=record.body
    )


def record_of(result: WriteResult) -> Record:
    assert result.record is not None, (result.outcome, result.reason)
    return result.record


def read_one(connector: Outlook, folder: str, id: str, fields: Sequence[str] = KEYS) -> Record:
    found = connector.read(folder, [id], fields)[id]
    assert isinstance(found, Record)
    return found
