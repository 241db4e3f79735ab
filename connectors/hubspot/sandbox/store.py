"""Accounts (HubSpot says portals) and their records in the sandbox's database. Times are whole milliseconds.

Every state that a record had is kept, since the search index shows the past and histories of properties can be asked.
A record that was archived, merged away or erased stays as a row in that state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from connectors.hubspot.sandbox.definitions import STAMPS, Property, standard
from connectors.hubspot.sandbox.schema import SCHEMA, SWITCHES, TABLES
from connectors.sandboxkit.database import Database, Row
from connectors.sandboxkit.kit import SandboxClock

Data = dict[str, Any]
LIVE, ARCHIVED, MERGED, ERASED = "live", "archived", "merged", "erased"
COLUMNS = "id, created, updated, since, state, archived, source, data"


@dataclass(frozen=True, slots=True)
class Account:
    portal: int
    email: str  # of its one user
    user: int
    switches: Mapping[str, Any]

    def on(self, name: str) -> Any:
        return self.switches.get(name, SWITCHES[name])


@dataclass(frozen=True, slots=True)
class Record:
    portal: int
    type: str
    id: int
    created: int
    updated: int
    since: int  # when this state came about
    state: str
    archived: int
    source: str  # "INTEGRATION 123", "CRM_UI userId:9"
    data: Data

    def value(self, name: str) -> str | None:
        """None: never set; "": cleared."""
        match name:
            case "hs_object_id":
                return str(self.id)
            case "createdate" | "hs_createdate":
                return moment(self.created)
            case "lastmodifieddate" | "hs_lastmodifieddate":
                return moment(self.updated)
            case "hs_all_contact_vids":
                former = str(self.data.get("hs_merged_object_ids") or "").split(";")
                return ";".join([str(self.id), *filter(None, former)])
        found = self.data.get(name)
        return None if found is None else str(found)


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a record. `changes`: property names and their new values."""

    account: Account
    type: str
    id: int
    kind: str  # creation, propertyChange, deletion, merge, restore, privacyDeletion, associationChange
    source: str
    at: int
    changes: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


class Store:
    def __init__(self, database: Database, clock: SandboxClock) -> None:
        self.database = database
        self.clock = clock
        self.listeners: list[Callable[[News], None]] = []
        self._known: dict[tuple[int, str, bool], tuple[tuple[Any, ...], Mapping[str, Property]]] = {}
        database.script(SCHEMA)

    def reset(self) -> None:
        with self.database.transaction():
            for table in TABLES:
                self.database.execute(f"DELETE FROM hubspot_{table}")

    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def number(self) -> int:
        return self.database.execute("INSERT INTO hubspot_number DEFAULT VALUES")

    def tell(self, news: News) -> None:
        """Listeners hear of it once it is stored."""
        for listener in self.listeners:
            self.database.after_commit(partial(listener, news))

    # ---- accounts

    def account(self, key: str | int) -> Account | None:
        """By the portal's id or its user's address."""
        sql = "SELECT * FROM hubspot_account WHERE portal = ? OR email = ?"
        row = self.database.one(sql, (int(key) if str(key).isdecimal() else -1, str(key)))
        return _account(row) if row else None

    def accounts(self) -> list[Account]:
        return [_account(row) for row in self.database.all("SELECT * FROM hubspot_account ORDER BY portal")]

    def add_account(self, email: str, portal: int = 0) -> Account:
        number = self.number()
        portal = portal or 62_500_000 + 17 * number
        self.database.execute(
            "INSERT INTO hubspot_account (portal, email, user, switches) VALUES (?, ?, ?, '{}')",
            (portal, email, 9_580_000 + number),
        )
        made = self.account(portal)
        assert made is not None  # noqa: S101 - it was just made
        return made

    def set_switches(self, account: Account, switches: Mapping[str, Any]) -> Account:
        every = {**account.switches, **switches}
        self.database.execute(
            "UPDATE hubspot_account SET switches = ? WHERE portal = ?", (orjson.dumps(every), account.portal)
        )
        return replace(account, switches=every)

    # ---- definitions

    def properties(self, account: Account, type: str, *, archived: bool = False) -> Mapping[str, Property]:
        return self._properties(account.portal, type, archived=archived)

    def _properties(self, portal: int, type: str, *, archived: bool) -> Mapping[str, Property]:
        """Kept at hand as long as the rows are the same; a definition that is written anew has another row id."""
        key, where = (portal, type, archived), "FROM hubspot_property WHERE portal = ? AND type = ?"
        row = self.database.one(f"SELECT count(*), max(rowid) {where}", key[:2])
        mark = tuple(row or ())
        if key not in self._known or self._known[key][0] != mark:
            rows = self.database.all(f"SELECT name, data {where} ORDER BY name", key[:2])
            every = {**standard(type), **{row["name"]: _property(row["data"]) for row in rows}}
            found = {name: one for name, one in every.items() if bool(one.archived) == archived}
            self._known[key] = (mark, found)
        return self._known[key][1]

    def define(self, account: Account, type: str, made: Property) -> None:
        fields = {name: getattr(made, name) for name in Property.__slots__}
        self.database.execute(
            "INSERT OR REPLACE INTO hubspot_property VALUES (?, ?, ?, ?)",
            (account.portal, type, made.name, orjson.dumps(fields)),
        )

    # ---- records

    def record(self, account: Account, type: str, id: int, *, state: str = LIVE) -> Record | None:
        row = self.database.one(
            f"SELECT {COLUMNS} FROM hubspot_record WHERE portal = ? AND type = ? AND id = ? AND state = ?",
            (account.portal, type, id, state),
        )
        return record_of(account, type, row) if row else None

    def records(
        self, account: Account, type: str, *, state: str = LIVE, after: int = 0, most: int = -1
    ) -> list[Record]:
        """By id, those from id `after` on."""
        rows = self.database.all(
            f"SELECT {COLUMNS} FROM hubspot_record WHERE portal = ? AND type = ? AND state = ? AND id >= ? "
            "ORDER BY id LIMIT ?",
            (account.portal, type, state, after, most),
        )
        return [record_of(account, type, row) for row in rows]

    def among(self, account: Account, type: str, ids: Sequence[int], *, state: str = LIVE) -> dict[int, Record]:
        rows = self.database.all(
            f"SELECT {COLUMNS} FROM hubspot_record WHERE portal = ? AND type = ? AND state = ? "
            "AND id IN (SELECT value FROM json_each(?))",
            (account.portal, type, state, orjson.dumps(list(ids)).decode()),
        )
        return {row["id"]: record_of(account, type, row) for row in rows}

    def past(self, record: Record) -> list[Record]:
        """Earlier states, oldest first."""
        rows = self.database.all(
            f"SELECT {COLUMNS} FROM hubspot_past WHERE portal = ? AND type = ? AND id = ? ORDER BY since, rowid",
            (record.portal, record.type, record.id),
        )
        account = self.account(record.portal)
        return [record_of(account, record.type, row) for row in rows] if account else []

    def insert(self, account: Account, type: str, data: Data, source: str, *, settles: float = 0.0) -> Record:
        id, now = self.new_id(), self.now()
        settle = now + int(settles * 1000) if settles else 0
        self.database.execute(
            "INSERT INTO hubspot_record VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            (account.portal, type, id, now, now, now, settle, LIVE, source, orjson.dumps(data)),
        )
        made = Record(account.portal, type, id, now, now, now, LIVE, 0, source, data)
        self._index(made)
        return made

    def update(self, record: Record, data: Data, source: str, *, state: str = "") -> Record:
        """Puts a new state in the place of the old one. A record's stamp always grows."""
        self._remember("portal = ? AND type = ? AND id = ?", (record.portal, record.type, record.id), self.now())
        now = max(self.now(), record.updated + 1)
        state = state or record.state
        archived = (record.archived or now) if state != LIVE else 0
        self.database.execute(
            "UPDATE hubspot_record SET data = ?, updated = ?, since = ?, source = ?, state = ?, archived = ? "
            "WHERE portal = ? AND type = ? AND id = ?",
            (orjson.dumps(data), now, self.now(), source, state, archived, record.portal, record.type, record.id),
        )
        made = replace(record, data=data, updated=now, since=self.now(), source=source, state=state, archived=archived)
        self._index(made)
        return made

    def erase(self, record: Record) -> None:
        self.update(record, {}, record.source, state=ERASED)
        key = (record.portal, record.type, record.id)
        self.database.execute("DELETE FROM hubspot_past WHERE portal = ? AND type = ? AND id = ?", key)

    def settle(self) -> None:
        """Background calculations move the stamps of new records some seconds after they were made."""
        now = self.now()
        if not self.database.value(
            "SELECT 1 FROM hubspot_record WHERE settle > 0 AND settle <= ? AND state = 'live' LIMIT 1", (now,)
        ):
            return
        self._remember("settle > 0 AND settle <= ? AND state = 'live'", (now,), now)
        self.database.execute(
            "UPDATE hubspot_record SET updated = max(settle, updated + 1), since = ?, settle = 0 "
            "WHERE settle > 0 AND settle <= ? AND state = 'live'",
            (now, now),
        )

    def _remember(self, which: str, values: Sequence[Any], until: int) -> None:
        self.database.execute(
            f"INSERT INTO hubspot_past SELECT portal, type, id, created, updated, since, ?, state, archived, source, "
            f"data FROM hubspot_record WHERE {which}",
            (until, *values),
        )

    def new_id(self) -> int:
        """Not in the order of time: neighbours come from shuffled places of a block."""
        number = self.number()
        return 290_001 + 51 * (number // 16 * 16 + (number * 7 + 5) % 16)

    # ---- what finds records

    def _index(self, record: Record) -> None:
        """Keeps addresses and unique values findable, of live records alone."""
        key = (record.portal, record.id)
        if record.type == "0-1":
            self.database.execute("DELETE FROM hubspot_address WHERE portal = ? AND id = ?", key)
        self.database.execute(
            "DELETE FROM hubspot_unique WHERE portal = ? AND type = ? AND id = ?",
            (record.portal, record.type, record.id),
        )
        if record.state != LIVE:
            return
        if record.type == "0-1":
            for address in addresses(record.data):
                self.database.execute(
                    "INSERT OR REPLACE INTO hubspot_address VALUES (?, ?, ?)", (record.portal, address, record.id)
                )
        for name in self.unique_names(record.portal, record.type):
            if record.data.get(name):
                self.database.execute(
                    "INSERT OR REPLACE INTO hubspot_unique VALUES (?, ?, ?, ?, ?)",
                    (record.portal, record.type, name, record.data[name], record.id),
                )

    def unique_names(self, portal: int, type: str) -> list[str]:
        """Of the account's own properties."""
        known = self._properties(portal, type, archived=False)
        return [name for name, one in known.items() if one.unique and "b" not in one.flags]

    def by_address(self, account: Account, address: str) -> int | None:
        """The contact that has an address, as its first or as a further one."""
        found: int | None = self.database.value(
            "SELECT id FROM hubspot_address WHERE portal = ? AND address = ?", (account.portal, address.strip().lower())
        )
        return found

    def by_unique(self, account: Account, type: str, name: str, value: str) -> int | None:
        found: int | None = self.database.value(
            "SELECT id FROM hubspot_unique WHERE portal = ? AND type = ? AND name = ? AND value = ?",
            (account.portal, type, name, value),
        )
        return found

    def successor(self, account: Account, type: str, id: int) -> int:
        """Where a merged record's id leads; any other id leads to itself."""
        sql = "SELECT new FROM hubspot_alias WHERE portal = ? AND type = ? AND old = ?"
        while (found := self.database.value(sql, (account.portal, type, id))) is not None:
            id = found
        return id


def addresses(data: Mapping[str, Any]) -> list[str]:
    further = str(data.get("hs_additional_emails") or "").split(";")
    return [one for one in (str(data.get("email") or ""), *further) if one]


def moment(milliseconds: int) -> str:
    made = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return made.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def stamp(type: str) -> str:
    return STAMPS[type]


def _account(row: Row) -> Account:
    return Account(row["portal"], row["email"], row["user"], orjson.loads(row["switches"]))


def record_of(account: Account, type: str, row: Row) -> Record:
    return Record(
        account.portal,
        type,
        row["id"],
        row["created"],
        row["updated"],
        row["since"],
        row["state"],
        row["archived"],
        row["source"],
        orjson.loads(row["data"]),
    )


def _property(data: bytes) -> Property:
    fields = orjson.loads(data)
    return Property(**{**fields, "options": tuple((value, label) for value, label in fields["options"])})
