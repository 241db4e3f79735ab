"""What a folder showed at some number of the log of changes: for delta rounds and for views that lag behind."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.outlook.sandbox.store import Contact, Store, contact_of

_COLUMNS = "folder, seq, created, modified, data"
PRESENT = 2**62


@dataclass(frozen=True, slots=True)
class News:
    """A line of a delta page: the contact as it was then, or, without one, its departure from the folder."""

    number: int
    seq: int
    contact: Contact | None


def horizon(store: Store, lag: float) -> int:
    """The last change that a view lagging by so many seconds shows."""
    return store.seq_at(store.clock.now() - lag) if lag > 0 else PRESENT


def members(store: Store, folder: int, until: int, after: int = 0, most: int = -1) -> list[Contact]:
    """The folder's contacts as of change `until`, by number, those beyond number `after`."""
    if until >= PRESENT:
        rows = store.database.all(
            f"SELECT id, {_COLUMNS} FROM outlook_contact WHERE folder = ? AND id > ? ORDER BY id LIMIT ?",
            (folder, after, most),
        )
    else:
        rows = store.database.all(
            f"SELECT id, {_COLUMNS} FROM outlook_contact WHERE folder = ? AND id > ? AND seq <= ? "
            f"UNION ALL SELECT contact AS id, {_COLUMNS} FROM outlook_history "
            "WHERE folder = ? AND contact > ? AND seq <= ? AND until > ? ORDER BY id LIMIT ?",
            (folder, after, until, folder, after, until, until, most),
        )
    return [contact_of(row) for row in rows]


def member_slice(store: Store, folder: int, order: str, skip: int, most: int) -> list[Contact]:
    """A page of the folder's present; `order` is a trusted SQL expression."""
    rows = store.database.all(
        f"SELECT id, {_COLUMNS} FROM outlook_contact WHERE folder = ? ORDER BY {order} LIMIT ? OFFSET ?",
        (folder, most, skip),
    )
    return [contact_of(row) for row in rows]


def news(store: Store, folder: int, since: int, until: int, most: int) -> list[News]:
    """Up to `most` changes of the folder after number `since` and not beyond `until`, oldest first."""
    rows = store.database.all(
        f"SELECT 0 AS gone, seq AS at, id, {_COLUMNS} FROM outlook_contact "
        "WHERE folder = ? AND seq > ? AND seq <= ? "
        f"UNION ALL SELECT 0, seq, contact, {_COLUMNS} FROM outlook_history "
        "WHERE folder = ? AND seq > ? AND seq <= ? AND until > ? "
        f"UNION ALL SELECT 1, until, contact, {_COLUMNS} FROM outlook_history "
        "WHERE folder = ? AND departed = 1 AND until > ? AND until <= ? ORDER BY at, gone DESC LIMIT ?",
        (folder, since, until, folder, since, until, until, folder, since, until, most),
    )
    return [News(row["id"], row["at"], None if row["gone"] else contact_of(row)) for row in rows]
