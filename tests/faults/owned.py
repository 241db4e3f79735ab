"""A real app with the face that scenarios know from the in-memory ones: its owner works in it through a connector of
their own, and what the engine does to it is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from connections import host
from connections.models import Folder, Tenant
from connectors.base import (
    Connector,
    Field,
    Label,
    NothingKnown,
    Outcome,
    Record,
    Value,
    Write,
    WriteKind,
    WriteResult,
)
from tests.engine.remotes import Journal, Manners
from tests.engine.world import World
from tests.faults.stores import Store

MEANINGS = {
    "full": "name.full", "first": "name.given", "last": "name.family", "middle": "name.middle",
    "nickname": "name.nickname", "company": "org.name", "department": "org.department", "title": "org.title",
    "emails": "email", "mobile": "phone.mobile", "work phones": "phone.work", "home phones": "phone.home",
    "website": "url", "birthday": "birthday", "note": "note", "street": "address.work.street",
    "city": "address.work.city", "zip": "address.work.postal_code", "country": "address.work.country",
}  # fmt: skip


class Owned:
    def __init__(self, name: str, store: Store, tenant: Tenant, world: World) -> None:
        self.name, self.world = name, world
        self.manners, self.journal = Manners(), Journal()
        self.requests: Counter[str] = Counter()
        self.folder: Folder = store.folder(tenant)
        self.catalogue: dict[str, Field] = {field.key: field for field in self.own.fields(self.place)}
        found = {field.meaning: field.key for field in self.catalogue.values() if not field.read_only}
        self.words = {word: found[meaning] for word, meaning in MEANINGS.items() if meaning in found}
        self._labels: dict[str, str] = {}  # name -> id

    @property
    def own(self) -> Connector:
        """Knows nothing from before."""
        return host.connect(self.folder.account, clock=self.world)

    @property
    def place(self) -> str:
        return str(self.folder.remote_id)

    @property
    def total_writes(self) -> int:
        return len(self.journal.writes)

    @property
    def total_requests(self) -> int:
        return sum(self.requests.values())

    # ---- what the owner does

    def add(self, values: Mapping[str, Value], labels: Sequence[str] = (), uid: str = "") -> str:
        set_ones = {key: value for key, value in values.items() if value is not None}
        record = self._write(
            Write(WriteKind.CREATE, str(uuid4()), values=set_ones, add_labels=frozenset(labels))
        ).record
        assert record is not None
        return record.id

    def edit(self, record_id: str, folder: str = "", **values: Value) -> None:
        self._update(record_id, values=values)

    def tag(self, record_id: str, *names: str, remove: Sequence[str] = ()) -> None:
        added, removed = (frozenset(map(self.label_id, some)) for some in (names, remove))
        self._update(record_id, add_labels=added, remove_labels=removed)

    def delete(self, record_id: str) -> None:
        self._write(Write(WriteKind.DELETE, "", record_id, self._record(record_id).version))

    @property
    def asks_for_labels(self) -> bool:
        """Whether the app tells who has a label only of labels that it is asked about."""
        return self.folder.account.app == "hubspot"

    def all_labels(self) -> list[str]:
        return [label.name for label in self.own.labels(self.place)]

    def label_id(self, name: str) -> str:
        if name not in self._labels:
            self._labels = {label.name: label.id for label in self.own.labels(self.place)}
        if name not in self._labels:
            self._labels[name] = self.own.create_label(self.place, name).id
        return self._labels[name]

    def _update(self, record_id: str, **patch: Any) -> None:
        now = self._record(record_id)
        self._write(Write(WriteKind.UPDATE, "", record_id, now.version, current=now.values, body=now.body, **patch))

    def _write(self, write: Write) -> WriteResult:
        (result,) = self.own.write(self.place, [write], list(self.catalogue))
        assert result.outcome == Outcome.DONE, result
        return result

    # ---- what is there

    def rows(self) -> dict[str, Record]:
        pages = self.own.changes(self.place, "", list(self.catalogue), NothingKnown())
        return {record.id: record for page in pages for record in page.records}

    def contents(self) -> list[dict[str, Value]]:
        return [dict(record.values) for record in self.rows().values()]

    def values(self, record_id: str) -> dict[str, Value]:
        return dict(self._record(record_id).values)

    def label_names(self, record_id: str) -> set[str]:
        names = {label.id: label.name for label in self.own.labels(self.place)}
        return {names.get(one, one) for one in self._record(record_id).labels}

    def id_where(self, **values: Value) -> str:
        rows = self.rows().values()
        found = [row.id for row in rows if all(row.values.get(key) == value for key, value in values.items())]
        assert len(found) == 1, f"{len(found)} records show {values}"
        return found[0]

    def _record(self, record_id: str) -> Record:
        found = self.own.read(self.place, [record_id], list(self.catalogue))[record_id]
        assert isinstance(found, Record), found
        return found


class Watched:
    """The engine's connector on an app: what it writes is written down, and somebody may act just before."""

    def __init__(self, remote: Owned, fence: Callable[[], None]) -> None:
        self.remote = remote
        self.connector: Connector = host.connect(remote.folder.account, fence, remote.world)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connector, name)

    def create_label(self, folder: str, name: str) -> Label:
        self.remote.requests["create_label"] += 1
        return self.connector.create_label(folder, name)

    def write(self, folder: str, writes: Sequence[Write], fields: Sequence[str]) -> Sequence[WriteResult]:
        self.remote.world.request(f"{self.remote.name} write")
        results = self.connector.write(folder, writes, fields)
        self._note(zip(writes, results, strict=True))
        return results

    def _note(self, done: Iterable[tuple[Write, WriteResult]]) -> None:
        journal = self.remote.journal
        for write, result in done:
            if result.outcome == Outcome.DONE:
                record_id = result.record.id if result.record else write.id
                journal.writes.append((write.kind.value, record_id, dict(write.values)))
