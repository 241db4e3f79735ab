"""An app that lives in memory and answers at once, for measuring the engine alone and for testing it.

It is as awkward as real ones: it pages, reports our own writes back, changes the version with every write, writes
emails in lower case and phone numbers without spaces, and a repeated create makes a second record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from connections.benchmark.catalogues import RICH
from connectors.base import (
    Capabilities,
    ChangePage,
    CursorExpired,
    Departure,
    DepartureKind,
    Field,
    FieldType,
    Folder,
    FolderGone,
    Known,
    Label,
    LabelKind,
    Outcome,
    Record,
    Value,
    Values,
    Write,
    WriteKind,
    WriteResult,
)

R = TypeVar("R")

CAPABILITIES = Capabilities(label_kind=LabelKind.CATEGORY, creates_labels=True)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record at rest. It is replaced, never changed, so that a reference to it is a memory of how it was."""

    id: str
    version: int
    values: Values
    labels: frozenset[str] = frozenset()
    marker: str = ""
    uid: str = ""
    changed: dict[str, float] = field(default_factory=dict)  # field key -> when it changed, POSIX seconds
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a folder's log of changes. `state` is None where the record departed."""

    time: float
    id: str
    state: Stored | None
    why: DepartureKind = DepartureKind.DELETED


@dataclass
class Shelf:
    """The contents of one folder. `order` holds every id ever, in the order of arrival, for listings."""

    rows: dict[str, Stored] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    markers: dict[str, str] = field(default_factory=dict)
    gone: dict[str, DepartureKind] = field(default_factory=dict)
    name: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A cursor: a place in the log; or, in a listing, how many ids were named and where the log stood at its start."""

    epoch: int
    listing: bool
    at: int
    mark: int

    @classmethod
    def parse(cls, text: str) -> Position:
        try:
            epoch, kind, at, mark = text.split(".")
            return cls(int(epoch), kind == "list", int(at), int(mark))
        except ValueError as error:
            raise CursorExpired("The position in the change feed is not readable; a full listing is needed.") from error

    def __str__(self) -> str:
        return f"{self.epoch}.{'list' if self.listing else 'log'}.{self.at}.{self.mark}"


class InstantRemote:
    """A connector and the app behind it in one object. People use add, edit, delete, move and tag."""

    shows_markers = False
    shows_uids = False

    def __init__(
        self,
        fields: Sequence[Field] = RICH,
        *,
        page: int = 200,
        capabilities: Capabilities = CAPABILITIES,
        folders: Sequence[str] = ("contacts",),
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.catalogue = {field.key: field for field in fields}
        self.page = page
        self.capabilities = capabilities
        self.shelves = {name: Shelf(name=name) for name in folders}
        self.tags: dict[str, str] = {}
        self.clock = clock
        self.epoch = 1
        self.made = 0
        self.versions = 0
        self.requests: Counter[str] = Counter()
        self.written: Counter[str] = Counter()

    # ---- what people do in the app

    def add(self, values: Values, labels: Sequence[str] = (), folder: str = "", marker: str = "", uid: str = "") -> str:
        shelf = self.shelf(folder)
        self.made += 1
        record_id = f"r{self.made:07d}"
        now = self.clock()
        shown = self.normal({key: value for key, value in values.items() if value is not None})
        state = Stored(
            record_id, self._version(), shown, frozenset(labels), marker, uid, dict.fromkeys(shown, now), now
        )
        shelf.order.append(record_id)
        self._store(shelf, state)
        return record_id

    def edit(self, record_id: str, folder: str = "", **values: Value) -> None:
        """Sets fields; None clears one."""
        shelf = self.shelf(folder)
        self._store(shelf, self._patched(shelf.rows[record_id], values))

    def touch(self, record_id: str, folder: str = "") -> None:
        """A new version without any change of content."""
        shelf = self.shelf(folder)
        self._store(shelf, replace(shelf.rows[record_id], version=self._version()))

    def tag(self, record_id: str, *names: str, remove: Sequence[str] = (), folder: str = "") -> None:
        """Adds and removes labels by name; a label that is not there is made."""
        shelf = self.shelf(folder)
        old = shelf.rows[record_id]
        labels = (old.labels | {self.label_id(name) for name in names}) - {self.label_id(name) for name in remove}
        self._store(shelf, replace(old, version=self._version(), labels=labels, modified=self.clock()))

    def delete(self, record_id: str, folder: str = "") -> None:
        self._drop(self.shelf(folder), record_id, DepartureKind.DELETED)

    def move(self, record_id: str, target: str, folder: str = "", new_id: bool = False) -> str:
        """Into another folder of the account; with `new_id` the app gives it another id there."""
        state = self.shelf(folder).rows[record_id]
        self._drop(self.shelf(folder), record_id, DepartureKind.LEFT)
        if new_id:
            self.made += 1
            state = replace(state, id=f"r{self.made:07d}")
        shelf = self.shelf(target)
        shelf.order.append(state.id)
        self._store(shelf, replace(state, version=self._version()))
        return state.id

    def restore(self, state: Stored, folder: str = "") -> None:
        """Out of the bin: the same id as before."""
        shelf = self.shelf(folder)
        shelf.order.append(state.id)
        self._store(shelf, replace(state, version=self._version()))

    def expire_cursors(self) -> None:
        self.epoch += 1

    def label_id(self, name: str) -> str:
        for label_id, known in self.tags.items():
            if known.casefold() == name.casefold():
                return label_id
        label_id = f"l{len(self.tags) + 1}"
        self.tags[label_id] = name
        return label_id

    def values(self, record_id: str, folder: str = "") -> dict[str, Value]:
        return dict(self.shelf(folder).rows[record_id].values)

    def rows(self, folder: str = "") -> dict[str, Stored]:
        return self.shelf(folder).rows

    def shelf(self, folder: str = "") -> Shelf:
        try:
            return self.shelves[folder or next(iter(self.shelves))]
        except KeyError as error:
            raise FolderGone("This folder does not exist any more; choose another one.") from error

    # ---- the connector

    def check(self) -> str:
        return "somebody"

    def folders(self) -> Sequence[Folder]:
        def effect() -> Sequence[Folder]:
            return [
                Folder(key, shelf.name, shelf.name, read_only=shelf.read_only, count=len(shelf.rows))
                for key, shelf in self.shelves.items()
            ]

        return self._request("folders", effect)

    def fields(self, folder: str) -> Sequence[Field]:
        return self._request("fields", lambda: tuple(self.catalogue.values()))

    def labels(self, folder: str) -> Sequence[Label]:
        kind = self.capabilities.label_kind or LabelKind.TAG
        return self._request("labels", lambda: [Label(key, name, kind) for key, name in self.tags.items()])

    def create_label(self, folder: str, name: str) -> Label:
        kind = self.capabilities.label_kind or LabelKind.TAG
        return self._request("create_label", lambda: Label(self.label_id(name), name, kind))

    def changes(self, folder: str, cursor: str, fields: Sequence[str], known: Known) -> Iterator[ChangePage]:
        shelf = self.shelf(folder)
        position = Position.parse(cursor) if cursor else Position(self.epoch, True, 0, len(shelf.log))
        last = False
        while not last:
            page, position = self._request("changes", self._turn(shelf, position, fields, known))
            last = page.last
            yield page

    def read(self, folder: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record | Departure]:
        shelf = self.shelf(folder)
        if len(ids) > self.capabilities.read_batch:
            raise ValueError("more ids than one reading request takes")

        def effect() -> dict[str, Record | Departure]:
            return {
                key: self.show(shelf.rows[key], fields) if key in shelf.rows else self._departure(shelf, key)
                for key in ids
            }

        return self._request("read", effect) if ids else {}

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        shelf = self.shelf(folder)
        self.capabilities.check_batch(writes)
        return self._request("write", lambda: [self.apply(shelf, write, fields) for write in writes]) if writes else []

    def find(self, folder: str, markers: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        shelf = self.shelf(folder)

        def effect() -> dict[str, Record]:
            return {
                marker: self.show(shelf.rows[shelf.markers[marker]], fields)
                for marker in markers
                if shelf.markers.get(marker) in shelf.rows
            }

        return self._request("find", effect) if markers else {}

    # ---- inside

    def _request(self, kind: str, effect: Callable[[], R]) -> R:
        self.requests[kind] += 1
        return effect()

    def _turn(
        self, shelf: Shelf, position: Position, fields: Sequence[str], known: Known
    ) -> Callable[[], tuple[ChangePage, Position]]:
        def effect() -> tuple[ChangePage, Position]:
            if position.epoch != self.epoch:
                raise CursorExpired("The app has forgotten this position; a full listing is needed.")
            make = self._listing_page if position.listing else self._log_page
            return make(shelf, position, fields, known)

        return effect

    def _listing_page(
        self, shelf: Shelf, position: Position, fields: Sequence[str], known: Known
    ) -> tuple[ChangePage, Position]:
        end = min(len(shelf.order), position.at + self.page)
        rows = self._now(shelf, list(dict.fromkeys(shelf.order[position.at : end])))
        stored = known.versions([row.id for row in rows])
        fresh = [row for row in rows if not self._token(row) or stored.get(row.id) != self._token(row)]
        read = {row.id for row in fresh}
        last = end >= len(shelf.order)
        here = replace(position, listing=False, at=position.mark) if last else replace(position, at=end)
        same = [row.id for row in rows if row.id not in read]
        records = [self.show(row, fields) for row in fresh]
        return ChangePage(records, (), same, str(here), last, listing=True), here

    def _log_page(
        self, shelf: Shelf, position: Position, fields: Sequence[str], known: Known
    ) -> tuple[ChangePage, Position]:
        end = min(self._log_end(shelf), position.at + self.page)
        entries = {entry.id: entry for entry in shelf.log[position.at : end]}
        shown = {row.id: row for row in self._now(shelf, list(entries))}
        departures = [self._departure(shelf, key) for key in entries if key not in shown]
        here = replace(position, at=max(end, position.at))
        last = here.at >= self._log_end(shelf)
        return ChangePage([self.show(row, fields) for row in shown.values()], departures, (), str(here), last), here

    def _log_end(self, shelf: Shelf) -> int:
        return len(shelf.log)

    def _now(self, shelf: Shelf, ids: Sequence[str]) -> list[Stored]:
        return [shelf.rows[key] for key in ids if key in shelf.rows]

    def _departure(self, shelf: Shelf, record_id: str) -> Departure:
        return Departure(record_id, shelf.gone.get(record_id, DepartureKind.UNKNOWN))

    def show(self, row: Stored, fields: Sequence[str]) -> Record:
        values = row.values
        if len(fields) < len(self.catalogue):
            wanted = set(fields)
            values = {key: value for key, value in values.items() if key in wanted}
        marker = row.marker if self.shows_markers else ""
        uid = row.uid if self.shows_uids else ""
        return Record(row.id, self._token(row), values, row.labels, uid, marker, modified=row.modified or None)

    def _token(self, row: Stored) -> str:
        return str(row.version)

    def _holds(self, version: str, row: Stored) -> bool:
        return version == str(row.version)

    def apply(self, shelf: Shelf, write: Write, fields: Sequence[str]) -> WriteResult:
        if shelf.read_only:
            return WriteResult(Outcome.REFUSED, reason="This folder can only be read.")
        if write.kind == WriteKind.CREATE:
            return self._create(shelf, write, fields)
        old = shelf.rows.get(write.id)
        if old is None:
            return WriteResult(Outcome.GONE)
        if self.capabilities.conditional_updates and write.version and not self._holds(write.version, old):
            return WriteResult(Outcome.STALE)
        if write.kind == WriteKind.DELETE:
            if not self.capabilities.can_delete:
                return WriteResult(Outcome.REFUSED, reason="Nothing can be deleted here.")
            self.written["delete"] += 1
            self._drop(shelf, write.id, DepartureKind.DELETED)
            return WriteResult(Outcome.DONE)
        return self.objection(write) or self._update(shelf, old, write, fields)

    def _create(self, shelf: Shelf, write: Write, fields: Sequence[str]) -> WriteResult:
        known = shelf.rows.get(shelf.markers.get(write.marker, ""))
        if known and self.capabilities.idempotent_creates:
            return WriteResult(Outcome.DONE, self.show(known, fields))
        objection = self.objection(write)
        if objection:
            return objection
        self.written["create"] += 1
        values = {key: value for key, value in write.values.items() if value is not None}
        labels = sorted(write.add_labels)
        new = self.add(values, labels, self._key(shelf), write.marker, write.marker)
        return WriteResult(Outcome.DONE, self.show(shelf.rows[new], fields))

    def _update(self, shelf: Shelf, old: Stored, write: Write, fields: Sequence[str]) -> WriteResult:
        self.written["update"] += 1
        labels = (old.labels | write.add_labels) - write.remove_labels
        new = replace(self._patched(old, write.values), labels=labels)
        self._store(shelf, new)
        return WriteResult(Outcome.DONE, self.show(new, fields))

    def objection(self, write: Write) -> WriteResult | None:
        """What the app will never take, with the field that is to blame."""
        for key, value in write.values.items():
            reason = _objection(self.catalogue.get(key), value)
            if reason:
                return WriteResult(Outcome.REFUSED, field=key, reason=reason)
        if not write.add_labels <= set(self.tags):
            return WriteResult(Outcome.REFUSED, field="labels", reason="There is no such label.")
        return None

    def _patched(self, old: Stored, patch: Values) -> Stored:
        now = self.clock()
        values = self.normal({**old.values, **patch})
        values = {key: value for key, value in values.items() if value is not None}
        changed = dict(old.changed)
        changed.update({key: now for key in patch if values.get(key) != old.values.get(key)})
        return replace(old, version=self._version(), values=values, changed=changed, modified=now)

    def normal(self, values: Values) -> dict[str, Value]:
        """Values as the app keeps them: emails in lower case, phone numbers without spaces, empty lists not at all."""
        out: dict[str, Value] = {}
        for key, value in values.items():
            known = self.catalogue.get(key)
            if known and known.type in (FieldType.EMAIL, FieldType.PHONE):
                value = _each(value, str.lower if known.type == FieldType.EMAIL else _without_spaces)
            out[key] = None if value in ("", []) else value
        return {key: value for key, value in out.items() if value is not None or key in values}

    def _version(self) -> int:
        self.versions += 1
        return self.versions

    def _store(self, shelf: Shelf, state: Stored) -> None:
        state = replace(state, values={key: value for key, value in state.values.items() if value is not None})
        shelf.rows[state.id] = state
        if state.marker:
            shelf.markers[state.marker] = state.id
        shelf.log.append(Entry(self.clock(), state.id, state))

    def _drop(self, shelf: Shelf, record_id: str, why: DepartureKind) -> None:
        del shelf.rows[record_id]
        shelf.gone[record_id] = why
        shelf.log.append(Entry(self.clock(), record_id, None, why))

    def _key(self, shelf: Shelf) -> str:
        return next(key for key, known in self.shelves.items() if known is shelf)


def _each(value: Value, change: Callable[[str], str]) -> Value:
    if isinstance(value, list):
        return [{**element, "value": change(element["value"])} for element in value]
    return change(value) if isinstance(value, str) else value


def _without_spaces(text: str) -> str:
    return text.replace(" ", "")


def _objection(known: Field | None, value: Any) -> str:
    if known is None:
        return "There is no such field."
    if known.read_only:
        return "This field can only be read."
    if value is None:
        return ""
    elements = value if known.is_list else [{"value": value}]
    if not isinstance(elements, list):
        return "A list is expected."
    if known.multiple is not None and len(elements) > known.multiple:
        return f"At most {known.multiple} values are allowed."
    texts = [element["value"] for element in elements]
    if known.max_length and any(len(str(text)) > known.max_length for text in texts):
        return f"At most {known.max_length} characters are allowed."
    if known.type == FieldType.EMAIL and not all("@" in text for text in texts):
        return "This is no email address."
    return ""
