"""Who wants which email: statuses per address, and what contacts show of them (Subscription preferences)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.hubspot.sandbox.definitions import CONTACTS
from connectors.hubspot.sandbox.store import Account, News, Store

ALL = 0  # in the place of a subscription's id: all email
SUBSCRIBED, UNSUBSCRIBED, NOT_SPECIFIED = "SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED"


def is_blocked(store: Store, account: Account, address: str) -> bool:
    sql = "SELECT 1 FROM hubspot_blocked WHERE portal = ? AND address = ?"
    return bool(store.database.value(sql, (account.portal, address)))


def block(store: Store, account: Account, address: str) -> None:
    store.database.execute("INSERT OR IGNORE INTO hubspot_blocked VALUES (?, ?)", (account.portal, address))


def status(store: Store, account: Account, address: str, subscription: int) -> str:
    sql = "SELECT state FROM hubspot_status WHERE portal = ? AND address = ? AND subscription = ?"
    return str(store.database.value(sql, (account.portal, address.lower(), subscription)) or NOT_SPECIFIED)


def shown(store: Store, account: Account, address: str, before: Mapping[str, str]) -> dict[str, str]:
    """The properties of a contact with this address; those that never held anything stay out while they say no."""
    wanted = {"hs_email_optout": status(store, account, address, ALL)}
    for known in account.on("subscription_types"):
        wanted[f"hs_email_optout_{known['id']}"] = status(store, account, address, int(known["id"]))
    found = {name: "true" if state == UNSUBSCRIBED else "false" for name, state in wanted.items()}
    return {name: value for name, value in found.items() if value == "true" or before.get(name)}


def set_status(
    store: Store,
    account: Account,
    address: str,
    subscription: int,
    state: str,
    *,
    basis: str = "",
    explanation: str = "",
    source: str = "CRM_UI userId:1",
) -> None:
    """Keeps a status and writes it through to the contact that has the address as its first."""
    address = address.strip().lower()
    store.database.execute(
        "INSERT OR REPLACE INTO hubspot_status VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account.portal, address, subscription, state, store.now(), basis, explanation),
    )
    holder = store.by_address(account, address)
    record = store.record(account, CONTACTS, holder) if holder is not None else None
    if record is None or record.data.get("email") != address:
        return
    found = shown(store, account, address, record.data)
    changes = {name: value for name, value in found.items() if record.data.get(name) != value}
    if changes:
        made = store.update(record, {**record.data, **changes}, source)
        store.tell(News(account, CONTACTS, record.id, "propertyChange", source, made.updated, changes))
