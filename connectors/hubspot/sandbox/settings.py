"""What an account tells about itself: its details, its owners, its limits (Account information, Owners)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import CONTACTS
from connectors.hubspot.sandbox.errors import not_found
from connectors.hubspot.sandbox.store import Account, Store, moment
from connectors.sandboxkit.web import Response, json_response

PAGE, MOST_RECORDS = 100, 15_000_000


def account(call: Call, rest: list[str]) -> Response:
    """/account-info/v3/details"""
    call.only("GET")
    call.need("oauth")
    zone = ZoneInfo(call.account.on("time_zone"))
    offset = datetime.fromtimestamp(call.kit.clock.now(), zone).utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    found = {
        "portalId": call.account.portal,
        "accountType": call.account.on("account_type"),
        "timeZone": call.account.on("time_zone"),
        "companyCurrency": call.account.on("currency"),
        "additionalCurrencies": [],
        "utcOffset": f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": "app-eu1.hubspot.com",
        "dataHostingLocation": "eu1",
    }
    return json_response(found)


def limits(call: Call, rest: list[str]) -> Response:
    """/crm/v3/limits/records"""
    call.only("GET")
    if rest != ["records"]:
        raise not_found()
    used = len(call.store.records(call.account, CONTACTS))
    shown = {"limit": MOST_RECORDS, "usage": used, "percentage": 100 * used / MOST_RECORDS}
    return json_response({"hubspotDefinedObjectTypes": [{"objectTypeId": CONTACTS, **shown}]})


# ---- owners


def owners(call: Call, rest: list[str]) -> Response:
    call.only("GET")
    call.need("crm.objects.owners.read")
    archived = call.flag("archived")
    every = [one for one in all_owners(call.store, call.account) if one["archived"] == archived]
    if rest:
        key = "userIdIncludingInactive" if call.request.query.get("idProperty") == "userId" else "id"
        found = next((one for one in every if str(one[key]) == rest[0]), None)
        if found is None:
            raise not_found(f"No owner with the id {rest[0]} was found")
        return json_response(found)
    email = call.request.query.get("email", "").lower()
    start, size = call.after(), call.whole("limit", PAGE, PAGE)
    every = [one for one in every if int(one["id"]) >= start and email in ("", one["email"].lower())]
    body: dict[str, Any] = {"results": call.shown(every[:size])}
    if len(every) > size:
        body["paging"] = call.next(every[size]["id"])
    return json_response(body)


def all_owners(store: Store, account: Account) -> list[dict[str, Any]]:
    rows = store.database.all("SELECT data FROM hubspot_owner WHERE portal = ? ORDER BY id", (account.portal,))
    return [orjson.loads(row["data"]) for row in rows]


def put_owner(store: Store, account: Account, email: str, **details: Any) -> dict[str, Any]:
    """Makes or changes an owner, known by its address. Details: firstName, lastName, archived, teams, type."""
    before = next((one for one in all_owners(store, account) if one["email"] == email), None)
    now, number = moment(store.now()), 41_629_700 + store.number()
    made = before or {
        "id": str(number),
        "email": email,
        "type": "PERSON",
        "firstName": "",
        "lastName": "",
        "userId": 9_586_000 + number % 1000,
        "userIdIncludingInactive": 9_586_000 + number % 1000,
        "createdAt": now,
        "archived": False,
    }
    made = {**made, **details, "updatedAt": now}
    if made["archived"]:
        made.pop("userId", None)
    store.database.execute(
        "INSERT OR REPLACE INTO hubspot_owner VALUES (?, ?, ?)", (account.portal, int(made["id"]), orjson.dumps(made))
    )
    return made
