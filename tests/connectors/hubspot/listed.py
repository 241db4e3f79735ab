"""The conformance suite speaks of emails as a list; HubSpot holds one that can be written. This shows it as a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connectors.base import (
    ChangePage,
    Departure,
    Field,
    Folder,
    Known,
    Label,
    Record,
    Sent,
    Value,
    Values,
    Write,
    WriteResult,
)
from connectors.hubspot.connector import HubSpot

KEY = "email"


class Listed:
    def __init__(self, inner: HubSpot) -> None:
        self.inner = inner
        self.capabilities = inner.capabilities

    def check(self) -> str:
        return self.inner.check()

    def folders(self) -> Sequence[Folder]:
        return self.inner.folders()

    def fields(self, folder: str) -> Sequence[Field]:
        return [replace(one, multiple=2) if one.key == KEY else one for one in self.inner.fields(folder)]

    def labels(self, folder: str) -> Sequence[Label]:
        return self.inner.labels(folder)

    def create_label(self, folder: str, name: str) -> Label:
        return self.inner.create_label(folder, name)

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        for page in self.inner.changes(folder, cursor, fields, known):
            yield replace(page, records=[_record(one) for one in page.records])

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        found = self.inner.read(folder, ids, fields)
        return {id: _record(one) if isinstance(one, Record) else one for id, one in found.items()}

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        sent = [replace(one, values=_single(one.values), current=_single(one.current)) for one in writes]
        results = self.inner.write(folder, sent, fields)
        return [replace(one, record=_record(one.record)) if one.record else one for one in results]

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        return {marker: _record(one) for marker, one in self.inner.find(folder, markers, fields).items()}

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        single = [replace(one, values=_single(one.values)) for one in sent]
        return {marker: _record(one) for marker, one in self.inner.find_sent(folder, single, fields).items()}


def _record(record: Record) -> Record:
    values: dict[str, Value] = dict(record.values)
    if KEY in values:
        values[KEY] = [{"value": values[KEY]}]
    return replace(record, values=values)


def _single(values: Values) -> Values:
    return {key: value[0]["value"] if key == KEY and value else value for key, value in values.items()}
