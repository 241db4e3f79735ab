"""The search index: what an account's records were at some moment, behind the present (CRM search)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.hubspot.sandbox.store import COLUMNS, LIVE, Account, Record, Store, record_of

PRESENT = 2**62
#: Properties that have a column of their own, so that the database can filter and sort by them.
FAST = {
    "createdate": "created",
    "hs_createdate": "created",
    "hs_lastmodifieddate": "updated",
    "lastmodifieddate": "updated",
    "hs_object_id": "id",
}
SIGNS = {"EQ": "=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
Bound = tuple[str, str, int]  # column, sign, value


def _states(account: Account, type: str, until: int, bounds: Sequence[Bound]) -> tuple[str, list[Any]]:
    """The query for the live records of a moment that keep to the bounds."""
    within = "".join(f" AND {column} {sign} ?" for column, sign, _ in bounds)
    held = [account.portal, type, LIVE, until, *(value for *_, value in bounds)]
    sql = f"SELECT {COLUMNS} FROM hubspot_record WHERE portal = ? AND type = ? AND state = ? AND since <= ?{within}"
    if until >= PRESENT:
        return sql, held
    past = sql.replace("hubspot_record", "hubspot_past")
    return f"{sql} UNION ALL {past} AND until > ?", [*held, *held, until]


def records(store: Store, account: Account, type: str, until: int, bounds: Sequence[Bound] = ()) -> list[Record]:
    sql, values = _states(account, type, until, bounds)
    return [record_of(account, type, row) for row in store.database.all(sql, values)]


def page(
    store: Store,
    account: Account,
    type: str,
    until: int,
    bounds: Sequence[Bound],
    order: tuple[str, bool],
    place: tuple[int, int],
) -> tuple[int, list[Record]]:
    """How many there are, and those from `place` (start, end). `order`: a column, and whether backwards."""
    sql, values = _states(account, type, until, bounds)
    total = int(store.database.value(f"SELECT count(*) FROM ({sql})", values))
    way = "DESC" if order[1] else "ASC"
    rows = store.database.all(
        f"SELECT * FROM ({sql}) ORDER BY {order[0]} {way}, id {way} LIMIT ? OFFSET ?",
        [*values, max(place[1] - place[0], 0), place[0]],
    )
    return total, [record_of(account, type, row) for row in rows]
