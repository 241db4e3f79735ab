"""For apps without a field for opt-outs: a label of a fixed name stands for one, as a field like any other.

So an opt-out maps, is planned, explained and taken back as other fields are, and who takes the label off is asked about
as one who unticks the box of a CRM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, cast

from connectors.base import (
    App,
    ChangePage,
    Connector,
    Departure,
    Field,
    FieldType,
    FindsSent,
    Known,
    Record,
    Sent,
    Values,
    Write,
    WriteResult,
)

KEY: Final = "opt_out_label"
NAME: Final = "Opted out"  # unless the setting `opt_out_label` of the app says otherwise


class LabelsByName(Protocol):
    def label_id(self, folder: str, name: str) -> str:
        """The id of the label of this name, upper or lower case; the name itself where there is none yet, or where the
        app knows labels by their names alone."""


def opt_out_field(name: str = NAME) -> Field:
    return Field(KEY, f"Label “{name}”", FieldType.BOOLEAN, "opt_out.email")


def standard_fields(app: App) -> dict[str, list[Field]]:
    """What every account of the app has, by kind of folder, with what this module adds."""
    added = [opt_out_field()] if app.capabilities.labels_opt_out else []
    return {kind: [*fields, *added] for kind, fields in app.standard().items()}


def with_opt_out_label(connector: Connector, settings: Mapping[str, str]) -> Connector:
    """The connector itself where its app needs no such label."""
    if not connector.capabilities.labels_opt_out:
        return connector
    return cast(Connector, OptOutLabel(connector, settings.get(KEY) or NAME))


class OptOutLabel:
    """A connector whose records show whether they carry the label, as the field `opt_out_label`."""

    def __init__(self, inner: Connector, name: str) -> None:
        self._inner = inner
        self._name = name
        self._ids: dict[str, str] = {}
        self._made: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fields(self, folder: str) -> Sequence[Field]:
        return [*self._inner.fields(folder), opt_out_field(self._name)]

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        for page in self._inner.changes(folder, cursor, _own(fields), known):
            yield replace(page, records=[self._shown(folder, record, fields) for record in page.records])

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record | Departure]:
        found = self._inner.read(folder, ids, _own(fields))
        return {id: self._shown(folder, one, fields) if isinstance(one, Record) else one for id, one in found.items()}

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> Mapping[str, Record]:
        found = self._inner.find(folder, markers, _own(fields))
        return {marker: self._shown(folder, one, fields) for marker, one in found.items()}

    def find_sent(self, folder: str, sent: Sequence[Sent], fields: Sequence[str]) -> Mapping[str, Record]:
        asked = [replace(one, values=_without(one.values)) for one in sent]
        found = cast(FindsSent, self._inner).find_sent(folder, asked, _own(fields))
        return {marker: self._shown(folder, one, fields) for marker, one in found.items()}

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        results = self._inner.write(folder, [self._sent(folder, write) for write in writes], _own(fields))
        return [
            replace(result, record=self._shown(folder, result.record, fields)) if result.record else result
            for result in results
        ]

    # ---- between the label and the field

    def _shown(self, folder: str, record: Record, fields: Sequence[str]) -> Record:
        if KEY not in fields or not record.labels:
            return record
        meant = (self._id(folder), self._name.casefold())
        if any(label == meant[0] or label.casefold() == meant[1] for label in record.labels):
            return replace(record, values={**record.values, KEY: True})
        return record

    def _id(self, folder: str) -> str:
        if folder not in self._ids:
            self._ids[folder] = cast(LabelsByName, self._inner).label_id(folder, self._name)
        return self._ids[folder]

    def _sent(self, folder: str, write: Write) -> Write:
        plain = replace(write, values=_without(write.values), current=_without(write.current))
        if KEY not in write.values:
            return plain
        if write.values[KEY]:
            self._make(folder)
            return replace(plain, add_labels=plain.add_labels | {self._id(folder)})
        return replace(plain, remove_labels=plain.remove_labels | {self._id(folder)})

    def _make(self, folder: str) -> None:
        """Once; a label that is there stays as it is."""
        if folder not in self._made:
            self._ids[folder] = self._inner.create_label(folder, self._name).id
            self._made.add(folder)


def _own(fields: Sequence[str]) -> list[str]:
    return [key for key in fields if key != KEY]


def _without(values: Values) -> Values:
    return {key: value for key, value in values.items() if key != KEY} if KEY in values else values
