"""The conformance suite speaks of emails as a list; some apps hold one. This shows such a connector's one as a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import ChangePage, Connector, Departure, Field, Known, Record, Sent, Values, Write, WriteResult


class Listed:
    def __init__(self, inner: Connector, key: str) -> None:
        self.inner: Any = inner
        self.key = key
        self.capabilities = inner.capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def fields(self, folder: str) -> Sequence[Field]:
        return [replace(one, multiple=2) if one.key == self.key else one for one in self.inner.fields(folder)]

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        for page in self.inner.changes(folder, cursor, fields, known):
            yield replace(page, records=[self._listed(one) for one in page.records])

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        found = self.inner.read(folder, ids, fields)
        return {id: self._listed(one) if isinstance(one, Record) else one for id, one in found.items()}

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        sent = [replace(one, values=self._single(one.values), current=self._single(one.current)) for one in writes]
        results = self.inner.write(folder, sent, fields)
        return [replace(one, record=self._listed(one.record)) if one.record else one for one in results]

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        return {marker: self._listed(one) for marker, one in self.inner.find(folder, markers, fields).items()}

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        single = [replace(one, values=self._single(one.values)) for one in sent]
        return {marker: self._listed(one) for marker, one in self.inner.find_sent(folder, single, fields).items()}

    def _listed(self, record: Record) -> Record:
        values = dict(record.values)
        if self.key in values:
            values[self.key] = [{"value": values[self.key]}]
        return replace(record, values=values)

    def _single(self, values: Values) -> Values:
        return {key: value[0]["value"] if key == self.key and value else value for key, value in values.items()}
