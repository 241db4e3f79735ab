"""Associations between contacts and companies (CRM API, Associations v4): single, in batches, and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import COMPANIES, CONTACTS
from connectors.hubspot.sandbox.errors import HubSpotError, bad_method, invalid, not_found
from connectors.hubspot.sandbox.links import HUBSPOT, PLAIN, USER
from connectors.hubspot.sandbox.writes import label
from connectors.sandboxkit.web import Response, json_response

PAGE, MOST_READ, MOST_MADE = 500, 1_000, 2_000
Ends = tuple[str, str]
Kind = tuple[str, int]


def _need(call: Call, ends: Ends, action: str) -> None:
    for type in dict.fromkeys(ends):
        call.need_records(type, action)


def _check(call: Call, type: str, id: Any) -> int:
    number = int(str(id)) if str(id).isdecimal() and len(str(id)) < 19 else -1
    if call.record(type, number) is None:
        raise not_found(f"No {label(type)} with the id {id} exists or it is not accessible")
    return number


def _kinds(call: Call, ends: Ends, specs: Any) -> list[Kind]:
    if not isinstance(specs, list):
        raise invalid("Invalid input JSON on line 1, column 1: a list of types is expected")
    known = {(one["category"], one["typeId"]) for one in call.links.kinds(*ends)}
    found = [(str(one.get("associationCategory")), int(one.get("associationTypeId") or 0)) for one in specs]
    for category, number in found:
        if (category, number) not in known:
            raise invalid(f"The association type {number} is not one from {label(ends[0])} to {label(ends[1])}")
    return found


def wanted(call: Call, type: str, listed: Sequence[dict[str, Any]]) -> list[tuple[Ends, int, list[Kind]]]:
    """The associations that a new record is to have; their types tell what is at the other end."""
    found = []
    for one in listed:
        specs = one.get("types") or []
        numbers = {int(spec.get("associationTypeId") or 0) for spec in specs}
        for to_type in (COMPANIES, CONTACTS):
            ends = (type, to_type)
            if numbers and numbers <= {known["typeId"] for known in call.links.kinds(*ends)}:
                found.append((ends, _check(call, to_type, one.get("to", {}).get("id")), _kinds(call, ends, specs)))
                break
        else:
            raise invalid(f"One or more association types are not valid for {label(type)}")
    return found


def _shown(call: Call, ends: Ends, links: dict[int, set[Kind]]) -> list[dict[str, Any]]:
    """The id at the other end is a number here, unlike elsewhere."""
    names = {(one["category"], one["typeId"]): one["label"] for one in call.links.kinds(*ends)}
    return [
        {
            "toObjectId": id,
            "associationTypes": [
                {"category": category, "typeId": number, "label": names.get((category, number))}
                for category, number in sorted(kinds, reverse=True)
            ],
        }
        for id, kinds in links.items()
    ]


def _defaults(call: Call, ends: Ends, pairs: Iterable[tuple[int, int]]) -> Response:
    results = []
    for id, to_id in pairs:
        call.links.add(ends, id, to_id)
        for types, one, other in ((ends, id, to_id), (ends[::-1], to_id, id)):
            spec = {"associationCategory": HUBSPOT, "associationTypeId": PLAIN[types]}
            results.append({"from": {"id": str(one)}, "to": {"id": str(other)}, "associationSpec": spec})
    return call.batch(results, shuffle=False)


def _pair(call: Call, ends: Ends, id: int, to_id: int) -> dict[str, Any]:
    kinds = call.links.of(ends[0], id, ends[1]).get(to_id, set())
    names = {(one["category"], one["typeId"]): one["label"] for one in call.links.kinds(*ends)}
    return {
        "fromObjectTypeId": ends[0],
        "fromObjectId": str(id),
        "toObjectTypeId": ends[1],
        "toObjectId": str(to_id),
        "labels": [names[kind] for kind in sorted(kinds) if names.get(kind)],
    }


def of_record(call: Call, type: str, id: str, rest: list[str]) -> Response:
    """.../objects/{type}/{id}/associations/..."""
    if call.version == "v3":
        raise not_found()
    match (call.method, *rest):
        case ("PUT", "default", other, to_id):
            ends = (type, call.type(other))
            _need(call, ends, "write")
            return _defaults(call, ends, [(_check(call, type, id), _check(call, ends[1], to_id))])
        case ("GET", other):
            return _list(call, (type, call.type(other)), id)
        case ("PUT", other, to_id):
            ends = (type, call.type(other))
            _need(call, ends, "write")
            numbers = _check(call, type, id), _check(call, ends[1], to_id)
            call.links.add(ends, *numbers, _kinds(call, ends, call.json()))
            return json_response(_pair(call, ends, *numbers), 201)
        case ("DELETE", other, to_id):
            ends = (type, call.type(other))
            _need(call, ends, "write")
            call.links.remove(ends, _check(call, type, id), _check(call, ends[1], to_id))
            return Response(204)
    raise not_found()


def _list(call: Call, ends: Ends, id: str) -> Response:
    _need(call, ends, "read")
    number = _check(call, ends[0], id)
    size, start = call.whole("limit", PAGE, PAGE), call.after()
    links = {one: kinds for one, kinds in call.links.of(ends[0], number, ends[1]).items() if one >= start}
    shown = _shown(call, ends, links)
    body: dict[str, Any] = {"results": call.shown(shown[:size])}
    if len(shown) > size:
        body["paging"] = call.next(shown[size]["toObjectId"])
    return json_response(body)


# ---- in batches


def handle(call: Call, rest: list[str]) -> Response:
    """/crm/v4/associations/{from}/{to}/..."""
    if len(rest) < 3:
        raise not_found()
    ends = (call.type(rest[0]), call.type(rest[1]))
    match (call.method, *rest[2:]):
        case ("POST", "batch", "read"):
            return _batch_read(call, ends)
        case ("POST", "batch", "create"):
            return _batch_create(call, ends)
        case ("POST", "batch", "associate", "default"):
            _need(call, ends, "write")
            items = call.inputs(MOST_MADE)
            return _defaults(call, ends, [_numbers(call, ends, item) for item in items])
        case ("POST", "batch", "archive"):
            _need(call, ends, "write")
            for item in call.inputs(MOST_MADE):
                for to in item.get("to") or []:
                    call.links.remove(ends, int(item["from"]["id"]), int(to["id"]))
            return Response(204)
        case ("POST", "batch", "labels", "archive"):
            _need(call, ends, "write")
            for item in call.inputs(MOST_MADE):
                kinds = _kinds(call, ends, item.get("types"))
                call.links.remove(ends, int(item["from"]["id"]), int(item["to"]["id"]), kinds)
            return Response(204)
        case (_, "labels", *more):
            return _labels(call, ends, more)
    raise not_found()


def _numbers(call: Call, ends: Ends, item: dict[str, Any]) -> tuple[int, int]:
    try:
        return _check(call, ends[0], item["from"]["id"]), _check(call, ends[1], item["to"]["id"])
    except (KeyError, TypeError):
        raise invalid("Invalid input JSON on line 1, column 1: from and to need an id") from None


def _batch_read(call: Call, ends: Ends) -> Response:
    _need(call, ends, "read")
    results, errors = [], []
    for item in call.inputs(MOST_READ):
        id, start = str(item.get("id")), str(item.get("after") or "0")
        links = call.links.of(ends[0], int(id), ends[1]) if id.isdecimal() else {}
        if not links:
            context = {"fromObjectId": [id], "fromObjectType": [ends[0]], "toObjectType": [ends[1]]}
            error = HubSpotError(404, "OBJECT_NOT_FOUND", f"No {label(ends[1])} is associated with {id}.")
            errors.append({**error.in_batch(**context), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"})
            continue
        shown = _shown(call, ends, {one: kinds for one, kinds in links.items() if one >= int(start)})
        found: dict[str, Any] = {"from": {"id": id}, "to": shown[:PAGE]}
        if len(shown) > PAGE:
            found["paging"] = {"next": {"after": str(shown[PAGE]["toObjectId"])}}
        results.append(found)
    return call.batch(results, errors)


def _batch_create(call: Call, ends: Ends) -> Response:
    _need(call, ends, "write")
    results, errors = [], []
    for item in call.inputs(MOST_MADE):
        kinds = _kinds(call, ends, item.get("types"))
        try:
            numbers = _numbers(call, ends, item)
        except HubSpotError as error:
            if error.status != 404:
                raise
            errors.append(error.in_batch(ids=[str(item["from"]["id"]), str(item["to"]["id"])]))
            continue
        call.links.add(ends, *numbers, kinds)
        results.append(_pair(call, ends, *numbers))
    return call.batch(results, errors, 201)


# ---- labels


def _labels(call: Call, ends: Ends, rest: list[str]) -> Response:
    _need(call, ends, "read" if call.method == "GET" else "write")
    match (call.method, *rest):
        case ("GET",):
            return json_response({"results": call.links.kinds(*ends)})
        case ("POST",):
            return _new_label(call, ends)
        case ("PUT",):
            body = call.body()
            sql = "UPDATE hubspot_label SET label = ? WHERE portal = ? AND kind = ?"
            call.store.database.execute(sql, (body["label"], call.account.portal, body["associationTypeId"]))
            return Response(204)
        case ("DELETE", number):
            key = (call.account.portal, number, number)
            call.store.database.execute("DELETE FROM hubspot_label WHERE portal = ? AND (kind = ? OR inverse = ?)", key)
            call.store.database.execute(
                "DELETE FROM hubspot_link WHERE portal = ? AND category = ? AND kind = ?",
                (call.account.portal, USER, number),
            )
            return Response(204)
    raise bad_method()


def _new_label(call: Call, ends: Ends) -> Response:
    body = call.body()
    if not body.get("label") or not body.get("name"):
        raise invalid("A label needs label and name")
    numbers = [1 + call.store.number() % 100_000 for _ in range(2)]
    inverse = body.get("inverseLabel") or body["label"]
    if ends[0] == ends[1] and not body.get("inverseLabel"):
        numbers[1] = numbers[0]
    sql = "INSERT OR REPLACE INTO hubspot_label VALUES (?, ?, ?, ?, ?, ?, ?)"
    portal = call.account.portal
    call.store.database.execute(sql, (portal, numbers[1], *ends[::-1], inverse, numbers[0], body["name"]))
    call.store.database.execute(sql, (portal, numbers[0], *ends, body["label"], numbers[1], body["name"]))
    made = [{"category": USER, "typeId": numbers[0], "label": body["label"]}]
    if numbers[0] != numbers[1]:
        made.append({"category": USER, "typeId": numbers[1], "label": inverse})
    return json_response({"results": made})
