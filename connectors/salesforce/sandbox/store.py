"""Organisations, their users and records in the sandbox's database. Times are whole seconds, as the service keeps them.

A deleted record stays, marked, until the recycle bin is emptied. `visible` is when a row's transaction commits: until
then nobody sees it, though its stamps are older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.salesforce.sandbox import ids
from connectors.salesforce.sandbox.errors import is_deleted, not_found
from connectors.salesforce.sandbox.objects import OBJECTS, Data, ObjectInfo, object_of
from connectors.sandboxkit.database import Database, Row
from connectors.sandboxkit.kit import SandboxClock

SCHEMA = """
CREATE TABLE IF NOT EXISTS salesforce_org (
    id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, user TEXT NOT NULL, switches TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS salesforce_record (
    id TEXT PRIMARY KEY, org TEXT NOT NULL, object TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
    stamp INTEGER NOT NULL, created_by TEXT NOT NULL, modified_by TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
    master TEXT NOT NULL DEFAULT '', visible REAL NOT NULL DEFAULT 0, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS salesforce_record_stamp ON salesforce_record (org, object, stamp);
CREATE TABLE IF NOT EXISTS salesforce_purged (org TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS salesforce_number (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS salesforce_token (
    token TEXT PRIMARY KEY, org TEXT NOT NULL, kind TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL,
    expires REAL NOT NULL, spent INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS salesforce_app (client TEXT PRIMARY KEY, secret TEXT NOT NULL, redirects BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS salesforce_cursor (
    id TEXT PRIMARY KEY, org TEXT NOT NULL, total INTEGER NOT NULL, size INTEGER NOT NULL, made REAL NOT NULL,
    rows BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS salesforce_job (
    id TEXT PRIMARY KEY, org TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, made INTEGER NOT NULL,
    data BLOB NOT NULL, upload BLOB NOT NULL DEFAULT '', results BLOB NOT NULL DEFAULT '');
"""
TABLES = ("org", "record", "purged", "number", "token", "app", "cursor", "job")
#: Switches of an organisation, with what they are by default.
SWITCHES: Mapping[str, Any] = {
    "name": "Acme",
    "middle_name": False,  # True: contacts and leads have MiddleName and Suffix
    "state_country_picklists": False,  # True: states and countries only from the lists
    "hidden": [],  # "Contact.DoNotCall": hidden from the user by field-level security
    "custom": [],  # custom fields: {object, name, type, label, length, external_id, unique, picklist, required}
    "validation_rules": [],  # {object, field, forbidden or required: true, message}
    "duplicate_rule": "",  # "alert" or "block": contacts and leads with an email that is there already
    "daily_limit": 15000,
    "rotates_refresh_tokens": False,
    "instance_url": "",  # another than the sandbox's own
    "api_enabled": True,
    "read_only": False,  # True: the user may look but not write
    "bulk_jobs": 15_000,  # ingest jobs that may be opened in 24 hours
    "bulk_seconds": 0,  # until a closed bulk job is worked off
    "locked": [],  # ids whose rows another transaction holds
}


@dataclass(frozen=True, slots=True)
class Org:
    id: str
    username: str
    user: str  # the id of its one user
    switches: Mapping[str, Any]

    def on(self, name: str) -> Any:
        return self.switches.get(name, SWITCHES[name])

    def info(self, name: str) -> ObjectInfo | None:
        if name.lower() not in {one.lower() for one in OBJECTS}:
            return None
        features = [one for one in ("middle_name", "state_country_picklists") if self.on(one)]
        return object_of(name, self.on("custom"), self.on("hidden"), features)


@dataclass(frozen=True, slots=True)
class Record:
    id: str
    object: str
    created: int
    modified: int
    stamp: int
    created_by: str
    modified_by: str
    deleted: bool
    master: str
    data: Data

    def shown(self, info: ObjectInfo) -> Data:
        """All fields as the API shows them."""
        system = {
            "Id": self.id,
            "IsDeleted": self.deleted,
            "MasterRecordId": self.master or None,
            "CreatedDate": moment(self.created),
            "CreatedById": self.created_by,
            "LastModifiedDate": moment(self.modified),
            "LastModifiedById": self.modified_by,
            "SystemModstamp": moment(self.stamp),
        }
        values = {**self.data, **system}
        if self.object in ("Contact", "Lead", "User"):
            parts = ("FirstName", "MiddleName", "LastName", "Suffix")
            values["Name"] = " ".join(str(self.data[part]) for part in parts if self.data.get(part))
        if self.object == "CampaignMember":
            values["HasResponded"] = self.data.get("Status") == "Responded"
        return {one.name: _shown(one.name, one.type, values) for one in info.fields.values()}


def _shown(name: str, kind: str, values: Data) -> Any:
    if kind == "address":
        return _address(name.removesuffix("Address"), values)
    value = values.get(name)
    return False if kind == "boolean" and value is None else 0 if name.startswith("NumberOf") and not value else value


def _address(prefix: str, values: Data) -> Data | None:
    names = ("city", "country", "countryCode", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state")
    found = {name: values.get(prefix + name[0].upper() + name[1:]) for name in (*names, "stateCode", "street")}
    return found if any(value is not None for value in found.values()) else None


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class Store:
    def __init__(self, database: Database, clock: SandboxClock) -> None:
        self.database = database
        self.clock = clock
        database.script(SCHEMA)

    def reset(self) -> None:
        with self.database.transaction():
            for table in TABLES:
                self.database.execute(f"DELETE FROM salesforce_{table}")

    def now(self) -> int:
        return int(self.clock.now())

    def new_id(self, prefix: str) -> str:
        return ids.make(prefix, self.database.execute("INSERT INTO salesforce_number DEFAULT VALUES") + 100)

    # ---- organisations

    def orgs(self) -> list[Org]:
        return [_org(row) for row in self.database.all("SELECT * FROM salesforce_org ORDER BY rowid")]

    def org(self, key: str) -> Org | None:
        """By the user's name or the organisation's id."""
        row = self.database.one("SELECT * FROM salesforce_org WHERE username = ? OR id = ?", (key, key))
        return _org(row) if row else None

    def add_org(self, username: str, switches: Mapping[str, Any]) -> Org:
        id, user = self.new_id("00D"), self.new_id("005")
        self.database.execute(
            "INSERT INTO salesforce_org (id, username, user, switches) VALUES (?, ?, ?, ?)",
            (id, username, user, orjson.dumps(dict(switches))),
        )
        org = Org(id, username, user, dict(switches))
        self.add_user(org, username, id=user)
        named = {"Name": org.on("name"), "IsSandbox": False, "OrganizationType": "Developer Edition"}
        self.insert(org, "Organization", named, id=id)
        return org

    def add_user(self, org: Org, username: str, id: str, active: bool = True) -> None:
        first, _, last = username.partition("@")[0].replace(".", " ").title().rpartition(" ")
        name = {"FirstName": first or None, "LastName": last}
        self.insert(org, "User", {"Username": username, "Email": username, **name, "IsActive": active}, id=id)

    def set_switches(self, org: Org, switches: Mapping[str, Any]) -> Org:
        every = {**org.switches, **switches}
        self.database.execute("UPDATE salesforce_org SET switches = ? WHERE id = ?", (orjson.dumps(every), org.id))
        return replace(org, switches=every)

    def count_call(self, org: Org, calls: int = 1) -> int:
        """Counts API calls; returns how many were used so far."""
        self.database.execute("UPDATE salesforce_org SET used = used + ? WHERE id = ?", (calls, org.id))
        return self.used(org)

    def used(self, org: Org) -> int:
        return int(self.database.value("SELECT used FROM salesforce_org WHERE id = ?", (org.id,)))

    # ---- records

    def records(
        self, org: Org, object: str, *, deleted: bool = False, since: int = 0, among: Sequence[str] | None = None
    ) -> list[Record]:
        """In the order of their ids. `among`: only these ids."""
        return list(self.scan(org, object, deleted=deleted, since=since, among=among))

    def scan(
        self,
        org: Org,
        object: str,
        *,
        deleted: bool = False,
        since: int = 0,
        among: Sequence[str] | None = None,
        after: str = "",
        by_stamp: bool = False,
    ) -> Iterator[Record]:
        """One by one, for who may stop early. `after`: only larger ids; `by_stamp`: by stamp and id."""
        sql = "SELECT * FROM salesforce_record WHERE org = ? AND object = ? AND stamp >= ? AND visible <= ? AND id > ?"
        values: list[Any] = [org.id, object, since, self.clock.now(), ids.long(after)]
        if not deleted:
            sql += " AND deleted = 0"
        if among is not None:
            sql += " AND id IN (SELECT value FROM json_each(?))"
            values.append(orjson.dumps([ids.long(one) for one in among]))
        sql += " ORDER BY stamp, id" if by_stamp else " ORDER BY id"
        return (_record(row) for row in self.database.all(sql, values))

    def find(self, org: Org, id: str) -> Record | None:
        sql = "SELECT * FROM salesforce_record WHERE org = ? AND id = ? AND visible <= ?"
        row = self.database.one(sql, (org.id, ids.long(id), self.clock.now()))
        return _record(row) if row else None

    def record(self, org: Org, object: str, id: str) -> Record:
        """Raises what the service answers for one that is not there, or not any more."""
        found = self.find(org, id) if ids.is_id(id) else None
        if found is None or found.object != object:
            raise not_found()
        if found.deleted:
            raise is_deleted()
        return found

    def insert(self, org: Org, object: str, data: Data, *, id: str = "", visible_in: float = 0.0) -> str:
        id = id or self.new_id(OBJECTS[object][0])
        now = self.now()
        self.database.execute(
            "INSERT INTO salesforce_record VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?)",
            (id, org.id, object, now, now, now, org.user, org.user, self.clock.now() + visible_in if visible_in else 0)
            + (orjson.dumps(data),),
        )
        return id

    def update(self, org: Org, record: Record, changes: Data, *, by: str = "", quietly: bool = False) -> None:
        """`quietly`: by Salesforce's own processes, which move SystemModstamp alone."""
        data = {**record.data, **changes}
        now = self.now()
        modified = record.modified if quietly else now
        self.database.execute(
            "UPDATE salesforce_record SET data = ?, modified = ?, stamp = ?, modified_by = ? WHERE id = ?",
            (orjson.dumps(data), modified, now, by or org.user, record.id),
        )

    def delete(self, org: Org, record: Record, master: str = "") -> None:
        """Into the recycle bin, with what goes down with it."""
        now = self.now()
        self.database.execute(
            "UPDATE salesforce_record SET deleted = 1, master = ?, stamp = ?, modified = ? WHERE id = ?",
            (master, now, now, record.id),
        )
        if master:
            return
        parents = {"Contact": "ContactId", "Lead": "LeadId", "Campaign": "CampaignId", "Account": "AccountId"}
        name = parents.get(record.object, "")
        child = "Contact" if record.object == "Account" else "CampaignMember"
        for one in self.records(org, child) if name else ():
            if one.data.get(name) == record.id:
                self.delete(org, one)

    def undelete(self, record: Record) -> None:
        self.database.execute(
            "UPDATE salesforce_record SET deleted = 0, master = '', stamp = ? WHERE id = ?", (self.now(), record.id)
        )

    def purge(self, org: Org, wanted: Iterable[str] | None = None) -> None:
        """Empties the recycle bin, or takes some out of it for good."""
        self.database.execute("INSERT INTO salesforce_purged VALUES (?, ?)", (org.id, self.now()))
        if wanted is None:
            self.database.execute("DELETE FROM salesforce_record WHERE org = ? AND deleted = 1", (org.id,))
        for id in wanted or ():
            self.database.execute("DELETE FROM salesforce_record WHERE org = ? AND id = ?", (org.id, ids.long(id)))

    def last_purge(self, org: Org) -> int:
        sql = "SELECT max(at) FROM salesforce_purged WHERE org = ?"
        return int(self.database.value(sql, (org.id,)) or 0)


def _org(row: Row) -> Org:
    return Org(row["id"], row["username"], row["user"], orjson.loads(row["switches"]))


def _record(row: Row) -> Record:
    return Record(
        id=row["id"],
        object=row["object"],
        created=row["created"],
        modified=row["modified"],
        stamp=row["stamp"],
        created_by=row["created_by"],
        modified_by=row["modified_by"],
        deleted=bool(row["deleted"]),
        master=row["master"],
        data=orjson.loads(row["data"]),
    )
