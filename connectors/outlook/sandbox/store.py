"""Mailboxes, folders and contacts in the sandbox's database, with the past that delta queries and lag faults need.

Every change takes the next number of `outlook_change`. A contact's row is its present; each earlier version lies in
`outlook_history` with the number that ended it, marked `departed` if it left the folder then. So what a folder held
at any number can be told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.outlook.sandbox import ids
from connectors.outlook.sandbox.errors import folder_not_found, item_not_found, malformed_id
from connectors.outlook.sandbox.shape import Data
from connectors.sandboxkit.database import Database, Row
from connectors.sandboxkit.kit import SandboxClock

SCHEMA = """
CREATE TABLE IF NOT EXISTS outlook_mailbox (
    id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    kind TEXT NOT NULL, switches TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, parent INTEGER, name TEXT NOT NULL,
    role TEXT NOT NULL, seq INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outlook_folder_parent ON outlook_folder (mailbox, parent);
CREATE TABLE IF NOT EXISTS outlook_change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_contact (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL, seq INTEGER NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS outlook_contact_folder ON outlook_contact (folder, id);
CREATE INDEX IF NOT EXISTS outlook_contact_seq ON outlook_contact (folder, seq);
CREATE INDEX IF NOT EXISTS outlook_contact_mailbox ON outlook_contact (mailbox);
CREATE TABLE IF NOT EXISTS outlook_history (
    contact INTEGER NOT NULL, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL, seq INTEGER NOT NULL,
    until INTEGER NOT NULL, departed INTEGER NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,
    data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS outlook_history_until ON outlook_history (folder, until);
CREATE TABLE IF NOT EXISTS outlook_address (contact INTEGER NOT NULL, address TEXT NOT NULL COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS outlook_address_address ON outlook_address (address);
CREATE INDEX IF NOT EXISTS outlook_address_contact ON outlook_address (contact);
CREATE TABLE IF NOT EXISTS outlook_extended (
    contact INTEGER NOT NULL, mailbox INTEGER NOT NULL, property TEXT NOT NULL, spelled TEXT NOT NULL,
    value TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, PRIMARY KEY (contact, property));
CREATE INDEX IF NOT EXISTS outlook_extended_value ON outlook_extended (mailbox, property, value);
CREATE TABLE IF NOT EXISTS outlook_extension (
    contact INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE, data BLOB NOT NULL, PRIMARY KEY (contact, name));
CREATE TABLE IF NOT EXISTS outlook_photo (contact INTEGER PRIMARY KEY, kind TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_category (
    id TEXT PRIMARY KEY, mailbox INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE, color TEXT NOT NULL,
    UNIQUE (mailbox, name));
CREATE TABLE IF NOT EXISTS outlook_subscription (
    id TEXT PRIMARY KEY, mailbox INTEGER NOT NULL, folder INTEGER, immutable INTEGER NOT NULL, expires REAL NOT NULL,
    data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_token (
    token TEXT PRIMARY KEY, mailbox INTEGER NOT NULL, kind TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL,
    expires REAL NOT NULL, spent INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_cursor (token TEXT PRIMARY KEY, state TEXT NOT NULL UNIQUE, made REAL NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_app (client TEXT PRIMARY KEY, secret TEXT NOT NULL, redirects BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outlook_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = (
    *("mailbox", "folder", "change", "contact", "history", "address", "extended", "extension", "photo"),
    *("category", "subscription", "token", "cursor", "app"),
)
FIRST_CATEGORIES = (
    *(("Red category", "preset0"), ("Orange category", "preset1"), ("Yellow category", "preset3")),
    *(("Green category", "preset4"), ("Blue category", "preset7"), ("Purple category", "preset8")),
)
#: Switches of a mailbox, with what they are by default. They choose between behaviours that the sources report both.
SWITCHES: Mapping[str, Any] = {
    "mailbox_enabled": True,  # False: no usable mailbox, 404 MailboxNotEnabledForRESTAPI
    "if_match": True,  # False: If-Match is ignored, as one source says of contacts
    "keeps_extended_properties": True,  # False: dropped silently
    "given_name_required": False,  # True: as in 2018
    "lists_default_folder": False,  # True: GET contactFolders names the default folder too
    "patch_returns_body": True,  # False: 204 unless the caller prefers a representation
    "max_string_length": 0,  # none is documented
    "request_limit": 0,  # requests per 10 minutes; the vendor's is 10,000
    "concurrency_limit": 0,  # requests at a time; the vendor's is 4
    "rotates_strictly": False,  # True: a refresh token works once; the vendor lets the old one live
    "refresh_error": "",  # AADSTS number with which each refresh is refused
    "admin_consent_required": False,
    "shared_with": [],  # addresses of those who may open this mailbox
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    number: int
    guid: str
    email: str
    name: str
    kind: str  # work or personal
    switches: Mapping[str, Any]

    def on(self, name: str) -> Any:
        return self.switches.get(name, SWITCHES[name])

    @property
    def user_id(self) -> str:
        return self.guid if self.kind == "work" else uuid.UUID(self.guid).hex[:16]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it is, or was: `seq` is the number of the change that made this version."""

    number: int
    folder: int
    seq: int
    created: float
    modified: float
    data: Data


@dataclass(frozen=True, slots=True)
class Changed:
    """News for subscribers: kind is created, updated or deleted."""

    mailbox: int
    kind: str
    contact: int
    folder: int
    seq: int


def contact_of(row: Row) -> Contact:
    return Contact(row["id"], row["folder"], row["seq"], row["created"], row["modified"], orjson.loads(row["data"]))


class Store:
    """All mailboxes. Callers hold a transaction of `database` around what belongs together."""

    def __init__(self, database: Database, clock: SandboxClock) -> None:
        self.database = database
        self.clock = clock
        self.listeners: list[Callable[[Changed], None]] = []
        database.script(SCHEMA)

    def reset(self) -> None:
        with self.database.transaction():
            for table in TABLES:
                self.database.execute(f"DELETE FROM outlook_{table}")

    # ---- mailboxes

    def add_mailbox(self, email: str, name: str, kind: str, switches: Mapping[str, Any]) -> Mailbox:
        guid = str(uuid.uuid4())
        number = self.database.execute(
            "INSERT INTO outlook_mailbox (guid, email, name, kind, switches) VALUES (?, ?, ?, ?, ?)",
            (guid, email, name, kind, orjson.dumps(dict(switches)).decode()),
        )
        root = self._insert_folder(number, None, "Top of Information Store", "root")
        self._insert_folder(number, root, "Contacts", "contacts")
        self._insert_folder(number, root, "Deleted Items", "deleteditems")
        for category, color in FIRST_CATEGORIES:
            self.add_category(number, category, color)
        return Mailbox(number, guid, email, name, kind, dict(switches))

    def set_switches(self, mailbox: Mailbox, switches: Mapping[str, Any]) -> Mailbox:
        merged = {**mailbox.switches, **switches}
        self.database.execute(
            "UPDATE outlook_mailbox SET switches = ? WHERE id = ?", (orjson.dumps(merged).decode(), mailbox.number)
        )
        return Mailbox(mailbox.number, mailbox.guid, mailbox.email, mailbox.name, mailbox.kind, merged)

    def mailbox(self, key: str | int) -> Mailbox | None:
        """By number, address, or user id."""
        columns = "id = ?" if isinstance(key, int) else "email = ? OR guid = ? OR substr(replace(guid,'-',''),1,16) = ?"
        values = (key,) if isinstance(key, int) else (key, key, key)
        row = self.database.one(f"SELECT * FROM outlook_mailbox WHERE {columns}", values)
        return None if row is None else self._mailbox_of(row)

    def mailboxes(self) -> list[Mailbox]:
        return [self._mailbox_of(row) for row in self.database.all("SELECT * FROM outlook_mailbox ORDER BY id")]

    @staticmethod
    def _mailbox_of(row: Row) -> Mailbox:
        switches = orjson.loads(row["switches"])
        return Mailbox(row["id"], row["guid"], row["email"], row["name"], row["kind"], switches)

    def add_category(self, mailbox: int, name: str, color: str) -> str:
        key = str(uuid.uuid4())
        self.database.execute("INSERT INTO outlook_category VALUES (?, ?, ?, ?)", (key, mailbox, name, color))
        return key

    # ---- numbers and times

    def next_seq(self, mailbox: int) -> int:
        return self.database.execute(
            "INSERT INTO outlook_change (mailbox, at) VALUES (?, ?)", (mailbox, self.clock.now())
        )

    def last_seq(self) -> int:
        return self.database.value("SELECT max(seq) FROM outlook_change") or 0

    def seq_at(self, moment: float) -> int:
        """The last change made at or before a moment."""
        return self.database.value("SELECT seq FROM outlook_change WHERE at <= ? ORDER BY seq DESC", (moment,)) or 0

    # ---- folders

    def _insert_folder(self, mailbox: int, parent: int | None, name: str, role: str) -> int:
        return self.database.execute(
            "INSERT INTO outlook_folder (mailbox, parent, name, role, seq) VALUES (?, ?, ?, ?, ?)",
            (mailbox, parent, name, role, self.next_seq(mailbox)),
        )

    def add_folder(self, mailbox: Mailbox, parent: int, name: str) -> Row:
        return self.folder(mailbox, self._insert_folder(mailbox.number, parent, name, ""))

    def folder(self, mailbox: Mailbox, number: int) -> Row:
        row = self.database.one(
            "SELECT * FROM outlook_folder WHERE id = ? AND mailbox = ? AND gone = 0 AND role <> 'root'",
            (number, mailbox.number),
        )
        if row is None:
            raise folder_not_found()
        return row

    def folder_by_role(self, mailbox: Mailbox, role: str) -> int:
        number: int = self.database.value(
            "SELECT id FROM outlook_folder WHERE mailbox = ? AND role = ?", (mailbox.number, role)
        )
        return number

    def folder_by_key(self, mailbox: Mailbox, key: str) -> Row:
        """By id or well-known name."""
        if key.lower() in ("contacts", "deleteditems"):
            return self.folder(mailbox, self.folder_by_role(mailbox, key.lower()))
        try:
            return self.folder(mailbox, ids.decode(key, mailbox.guid, ids.FOLDER).number)
        except ids.MalformedId:
            raise malformed_id() from None

    def children(self, mailbox: Mailbox, parent: int) -> list[Row]:
        return self.database.all(
            "SELECT * FROM outlook_folder WHERE mailbox = ? AND parent = ? AND gone = 0 ORDER BY name, id",
            (mailbox.number, parent),
        )

    def update_folder(self, mailbox: Mailbox, folder: Row, parent: int, name: str) -> None:
        self.database.execute(
            "UPDATE outlook_folder SET parent = ?, name = ?, seq = ? WHERE id = ?",
            (parent, name, self.next_seq(mailbox.number), folder["id"]),
        )

    def ancestors(self, mailbox: Mailbox, number: int | None) -> set[int]:
        """A folder's own number and those of the folders around it."""
        found: set[int] = set()
        while number is not None and number not in found:
            found.add(number)
            number = self.database.value(
                "SELECT parent FROM outlook_folder WHERE id = ? AND mailbox = ?", (number, mailbox.number)
            )
        return found

    def delete_folder(self, mailbox: Mailbox, folder: Row) -> None:
        """With everything in it."""
        for child in self.children(mailbox, folder["id"]):
            self.delete_folder(mailbox, child)
        rows = self.database.all("SELECT * FROM outlook_contact WHERE folder = ?", (folder["id"],))
        for row in rows:
            self.delete_contact(mailbox, contact_of(row), for_good=True)
        self.database.execute(
            "UPDATE outlook_folder SET gone = 1, seq = ? WHERE id = ?", (self.next_seq(mailbox.number), folder["id"])
        )

    # ---- contacts

    def contact(self, mailbox: Mailbox, key: str, folder: int | None = None) -> Contact:
        try:
            named = ids.decode(key, mailbox.guid, ids.ORDINARY, ids.IMMUTABLE)
        except ids.MalformedId:
            raise malformed_id() from None
        row = self.database.one("SELECT * FROM outlook_contact WHERE id = ?", (named.number,))
        if row is None or (named.folder and named.folder != row["folder"]):
            raise item_not_found()
        if folder is not None and row["folder"] != folder:
            raise item_not_found()
        return contact_of(row)

    def by_number(self, number: int) -> Contact | None:
        row = self.database.one("SELECT * FROM outlook_contact WHERE id = ?", (number,))
        return None if row is None else contact_of(row)

    def add_contact(self, mailbox: Mailbox, folder: int, data: Data) -> Contact:
        now, seq = self.clock.now(), self.next_seq(mailbox.number)
        number = self.database.execute(
            "INSERT INTO outlook_contact (mailbox, folder, seq, created, modified, data) VALUES (?, ?, ?, ?, ?, ?)",
            (mailbox.number, folder, seq, now, now, orjson.dumps(data)),
        )
        self._index_addresses(number, data)
        self._tell(Changed(mailbox.number, "created", number, folder, seq))
        return Contact(number, folder, seq, now, now, data)

    def change_contact(self, mailbox: Mailbox, contact: Contact, data: Data) -> Contact:
        now, seq = self.clock.now(), self.next_seq(mailbox.number)
        self._keep(mailbox, contact, seq, departed=False)
        self.database.execute(
            "UPDATE outlook_contact SET seq = ?, modified = ?, data = ? WHERE id = ?",
            (seq, now, orjson.dumps(data), contact.number),
        )
        if data["emailAddresses"] != contact.data["emailAddresses"]:
            self.database.execute("DELETE FROM outlook_address WHERE contact = ?", (contact.number,))
            self._index_addresses(contact.number, data)
        self._tell(Changed(mailbox.number, "updated", contact.number, contact.folder, seq))
        return Contact(contact.number, contact.folder, seq, contact.created, now, data)

    def move_contact(self, mailbox: Mailbox, contact: Contact, folder: int) -> Contact:
        """Into another folder of the mailbox: the ordinary id and the change key become others."""
        now, seq = self.clock.now(), self.next_seq(mailbox.number)
        self._keep(mailbox, contact, seq, departed=True)
        self.database.execute(
            "UPDATE outlook_contact SET seq = ?, modified = ?, folder = ? WHERE id = ?",
            (seq, now, folder, contact.number),
        )
        self._tell(Changed(mailbox.number, "deleted", contact.number, contact.folder, seq))
        if folder != self.folder_by_role(mailbox, "deleteditems"):
            self._tell(Changed(mailbox.number, "created", contact.number, folder, seq))
        return Contact(contact.number, folder, seq, contact.created, now, contact.data)

    def delete_contact(self, mailbox: Mailbox, contact: Contact, *, for_good: bool = False) -> None:
        """To Deleted Items; from there, or `for_good`, out of the mailbox."""
        bin_ = self.folder_by_role(mailbox, "deleteditems")
        if not for_good and contact.folder != bin_:
            self.move_contact(mailbox, contact, bin_)
            return
        seq = self.next_seq(mailbox.number)
        self._keep(mailbox, contact, seq, departed=True)
        self.database.execute("DELETE FROM outlook_contact WHERE id = ?", (contact.number,))
        for table in ("address", "extended", "extension", "photo"):
            self.database.execute(f"DELETE FROM outlook_{table} WHERE contact = ?", (contact.number,))
        self._tell(Changed(mailbox.number, "deleted", contact.number, contact.folder, seq))

    def _index_addresses(self, number: int, data: Data) -> None:
        rows = [(number, email["address"]) for email in data["emailAddresses"]]
        if rows:
            self.database.execute_many("INSERT INTO outlook_address VALUES (?, ?)", rows)

    def _keep(self, mailbox: Mailbox, contact: Contact, until: int, *, departed: bool) -> None:
        self.database.execute(
            "INSERT INTO outlook_history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(contact.number, mailbox.number, contact.folder, contact.seq, until, int(departed)),
                *(contact.created, contact.modified, orjson.dumps(contact.data)),
            ),
        )

    def _tell(self, news: Changed) -> None:
        if self.listeners:
            self.database.after_commit(lambda: self._spread(news))

    def _spread(self, news: Changed) -> None:
        for listener in self.listeners:
            listener(news)
