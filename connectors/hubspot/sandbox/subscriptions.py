"""Consent: the statuses of an address, version 4 and the older 3 (Subscription preferences)."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.sandbox import consent
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.consent import ALL, NOT_SPECIFIED, SUBSCRIBED, UNSUBSCRIBED
from connectors.hubspot.sandbox.errors import bad_method, invalid, not_found
from connectors.hubspot.sandbox.store import moment
from connectors.sandboxkit.web import Response, json_response

READ = ("communication_preferences.read", "communication_preferences.read_write")
WRITE = ("communication_preferences.write", "communication_preferences.read_write")
STATES = (SUBSCRIBED, UNSUBSCRIBED, NOT_SPECIFIED)


def handle(call: Call, rest: list[str]) -> Response:
    call.need(*(READ if call.method == "GET" else WRITE))
    old = call.version == "v3"
    match (call.method, *rest):
        case ("GET", "definitions"):
            return _definitions(call, old=old)
        case ("GET", "status", "email", address) if old:
            states = [_old(call, address, one) for one in call.account.on("subscription_types")]
            return json_response({"recipient": address, "subscriptionStatuses": states})
        case ("POST", ("subscribe" | "unsubscribe") as kind) if old:
            return _set_old(call, SUBSCRIBED if kind == "subscribe" else UNSUBSCRIBED)
        case ("GET", "statuses", address) if not old:
            _channel(call)
            return call.batch(
                [_status(call, address, one) for one in call.account.on("subscription_types")], shuffle=False
            )
        case ("POST", "statuses", address) if not old:
            return _set(call, address)
        case (("GET" | "POST") as method, "statuses", address, "unsubscribe-all") if not old:
            _channel(call)
            return _all(call, address, change=method == "POST")
    if call.method not in ("GET", "POST"):
        raise bad_method()
    raise not_found()


def _channel(call: Call) -> None:
    if call.request.query.get("channel") != "EMAIL":
        raise invalid("channel must be EMAIL")


def _definitions(call: Call, *, old: bool) -> Response:
    at = "2020-01-01T00:00:00.000Z"
    listed = [
        {
            "id": str(one["id"]),
            "name": one["name"],
            "description": one["name"],
            "purpose": "Marketing",
            "communicationMethod": "Email",
            "isActive": True,
            "isDefault": True,
            "isInternal": False,
            "createdAt": at,
            "updatedAt": at,
        }
        for one in call.account.on("subscription_types")
    ]
    return json_response({"subscriptionDefinitions": listed}) if old else call.batch(listed, shuffle=False)


def _row(call: Call, address: str, subscription: int) -> Any:
    return call.store.database.one(
        "SELECT * FROM hubspot_status WHERE portal = ? AND address = ? AND subscription = ?",
        (call.account.portal, address.strip().lower(), subscription),
    )


def _status(call: Call, address: str, known: dict[str, Any], reason: str = "") -> dict[str, Any]:
    row = _row(call, address, int(known["id"]))
    found = {
        "subscriberIdString": address,
        "subscriptionId": int(known["id"]),
        "subscriptionName": known["name"],
        "status": row["state"] if row else NOT_SPECIFIED,
        "source": "API" if row else "NONE",
        "channel": "EMAIL",
        "timestamp": moment(row["at"] if row else 0),
    }
    if row and row["basis"]:
        found |= {"legalBasis": row["basis"], "legalBasisExplanation": row["explanation"]}
    return {**found, "setStatusSuccessReason": reason} if reason else found


def _known(call: Call, id: Any) -> dict[str, Any]:
    found = next((one for one in call.account.on("subscription_types") if str(one["id"]) == str(id)), None)
    if found is None:
        raise invalid(f"There is no subscription type {id}")
    return dict(found)


def _check_basis(call: Call, body: dict[str, Any], state: str) -> None:
    wanted = call.account.on("legal_basis_required") and state == SUBSCRIBED
    if wanted and not (body.get("legalBasis") and body.get("legalBasisExplanation")):
        raise invalid("legalBasis and legalBasisExplanation are required for subscribing")


def _put(call: Call, address: str, subscription: int, state: str, body: dict[str, Any]) -> None:
    consent.set_status(
        call.store,
        call.account,
        address,
        subscription,
        state,
        basis=str(body.get("legalBasis") or ""),
        explanation=str(body.get("legalBasisExplanation") or ""),
        source=call.source,
    )


def _set(call: Call, address: str) -> Response:
    body = call.body()
    known, state = _known(call, body.get("subscriptionId")), body.get("statusState")
    if state not in STATES or body.get("channel") != "EMAIL":
        raise invalid("statusState and channel must be set")
    _check_basis(call, body, str(state))
    before = consent.status(call.store, call.account, address, int(known["id"]))
    reason = "NO_STATUS_CHANGE" if before == state else "REQUESTED_CHANGE_OCCURRED"
    if before == UNSUBSCRIBED and state == SUBSCRIBED:
        reason = "RESUBSCRIBE_OCCURRED"
    _put(call, address, int(known["id"]), str(state), body)
    return call.batch([_status(call, address, known, reason)], shuffle=False)


def _all(call: Call, address: str, *, change: bool) -> Response:
    if change:
        known = call.account.on("subscription_types")
        for id in (ALL, *(int(one["id"]) for one in known)):
            _put(call, address, id, UNSUBSCRIBED, {})
        reason = "UNSUBSCRIBE_FROM_ALL_OCCURRED"
        return call.batch([_status(call, address, one, reason) for one in known], shuffle=False)
    row = _row(call, address, ALL)
    found = {
        "subscriberIdString": address,
        "channel": "EMAIL",
        "status": row["state"] if row else NOT_SPECIFIED,
        "wideStatusType": "PORTAL_WIDE",
        "timestamp": moment(row["at"] if row else 0),
    }
    return call.batch([found], shuffle=False)


def _old(call: Call, address: str, known: dict[str, Any]) -> dict[str, Any]:
    wide = consent.status(call.store, call.account, address, ALL) == UNSUBSCRIBED
    row = _row(call, address, int(known["id"]))
    subscribed = not wide and row is not None and row["state"] == SUBSCRIBED
    found = {
        "id": str(known["id"]),
        "name": known["name"],
        "description": known["name"],
        "status": "SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
        "sourceOfStatus": "PORTAL_WIDE_STATUS" if wide else "SUBSCRIPTION_STATUS",
        "preferenceGroupName": known["name"],
    }
    if row and row["basis"]:
        found |= {"legalBasis": row["basis"], "legalBasisExplanation": row["explanation"]}
    return found


def _set_old(call: Call, state: str) -> Response:
    body = call.body()
    address, known = str(body.get("emailAddress") or ""), _known(call, body.get("subscriptionId"))
    if not address:
        raise invalid("emailAddress is missing")
    _check_basis(call, body, state)
    out = [consent.status(call.store, call.account, address, one) for one in (ALL, int(known["id"]))]
    if state == SUBSCRIBED and UNSUBSCRIBED in out:
        raise invalid(f"{known['name']}: this person has opted out and can only opt in again by themselves")
    _put(call, address, int(known["id"]), state, body)
    return json_response(_old(call, address, known))
