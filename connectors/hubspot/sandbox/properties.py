"""/crm/v3/properties: definitions and groups of properties; validation rules, to be read (CRM API, Properties)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.definitions import GROUPS, NAMES, Property, changed, custom, order_of
from connectors.hubspot.sandbox.errors import HubSpotError, bad_method, conflict, invalid, not_found
from connectors.hubspot.sandbox.store import Account, Store, moment
from connectors.sandboxkit.web import Response, json_response

MOST_UNIQUE = 10
FITTING: Mapping[str, tuple[str, ...]] = {
    "string": ("text", "textarea", "html", "file", "phonenumber", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")
_NEEDED = ("groupName", "name", "label", "type", "fieldType")


def handle(call: Call, rest: list[str]) -> Response:
    if not rest:
        raise not_found()
    type, rest = call.type(rest[0]), rest[1:]
    objects = NAMES[type][1]
    if call.method == "GET" or rest == ["batch", "read"]:
        call.need(f"crm.schemas.{objects}.read", f"crm.objects.{objects}.read")
    else:
        call.need(f"crm.schemas.{objects}.write")
    match (call.method, *rest):
        case (_, "groups", *more):
            return _groups(call, type, more)
        case ("GET",):
            found = call.properties(type, archived=call.flag("archived"))
            return json_response({"results": [one.as_json() for one in found.values()]})
        case ("POST",):
            return json_response(create(call.store, call.account, type, call.body()).as_json(), 201)
        case ("POST", "batch", kind):
            return _batch(call, type, kind)
        case ("GET", name):
            return json_response(_known(call, type, name, archived=call.flag("archived")).as_json())
        case ("PATCH", name):
            return _change(call, type, name)
        case ("DELETE", name):
            _archive(call, type, name)
            return Response(204)
    raise bad_method()


def _known(call: Call, type: str, name: str, *, archived: bool = False) -> Property:
    found = call.properties(type, archived=archived).get(name)
    if found is None:
        raise not_found(f"Property {name} of {NAMES[type][1]} does not exist")
    return found


def create(store: Store, account: Account, type: str, body: Mapping[str, Any]) -> Property:
    """Makes a property as the API does. Raises what the API answers."""
    missing = [key for key in _NEEDED if not body.get(key)]
    if missing:
        raise invalid(f"Invalid input JSON on line 1, column 1: {', '.join(missing)} is missing")
    name = str(body["name"])
    if not _NAME.match(name):
        raise invalid(f"Property name {name} may have lower case letters, digits and underscores only")
    if body["fieldType"] not in FITTING.get(body["type"], ()):
        raise invalid(f"Property type {body['type']} does not fit the field type {body['fieldType']}")
    if body["groupName"] not in group_names(store, account, type):
        raise invalid(f"Property group {body['groupName']} does not exist")
    present = store.properties(account, type)
    if name in present:
        raise conflict(f"A property named {name} already exists.")
    if body.get("hasUniqueValue") and sum(one.unique for one in present.values()) >= MOST_UNIQUE:
        raise invalid(f"There can be {MOST_UNIQUE} properties with unique values")
    values = [str(one.get("value")) for one in body.get("options") or ()]
    if len(set(values)) != len(values):
        raise invalid("Property options must have distinct values")
    made = custom(name, body, moment(store.now()))
    store.define(account, type, made)
    return made


def _change(call: Call, type: str, name: str) -> Response:
    before, body = _known(call, type, name), call.body()
    grown = set(body) <= {"options"} and "o" not in before.flags
    if "d" in before.flags and not (grown and before.options):
        raise invalid(f"Property {name} cannot be changed")
    made = changed(before, body, moment(call.store.now()))
    if made.field_type not in FITTING.get(made.type, (made.field_type,)):
        raise invalid(f"Property type {made.type} does not fit the field type {made.field_type}")
    if made.group not in group_names(call.store, call.account, type):
        raise invalid(f"Property group {made.group} does not exist")
    call.store.define(call.account, type, made)
    return json_response(made.as_json())


def _archive(call: Call, type: str, name: str) -> None:
    _known(call, type, name)
    archive(call.store, call.account, type, name)


def archive(store: Store, account: Account, type: str, name: str) -> None:
    before = store.properties(account, type)[name]
    if "b" in before.flags:
        raise invalid(f"Property {name} is one of HubSpot's own and cannot be archived")
    store.define(account, type, replace(before, archived=moment(store.now())))


def _batch(call: Call, type: str, kind: str) -> Response:
    items = call.inputs()
    if kind == "archive":
        for item in items:
            if str(item.get("name")) in call.properties(type):
                _archive(call, type, str(item.get("name")))
        return Response(204)
    results, errors = [], []
    for item in items:
        try:
            if kind == "create":
                found = create(call.store, call.account, type, item)
            elif kind == "read":
                found = _known(call, type, str(item.get("name")), archived=bool(call.body().get("archived")))
            else:
                raise not_found()
            results.append(found.as_json())
        except HubSpotError as error:
            if kind not in ("create", "read"):
                raise
            errors.append(error.in_batch(name=[str(item.get("name"))]))
    return call.batch(results, errors, 201 if kind == "create" else 200, shuffle=False)


# ---- groups


def _group_rows(store: Store, account: Account, type: str) -> dict[str, dict[str, Any]]:
    found = {
        name: {"name": name, "label": label, "displayOrder": place, "archived": False}
        for place, (name, label) in enumerate(GROUPS[type].items())
    }
    sql = "SELECT * FROM hubspot_group WHERE portal = ? AND type = ? ORDER BY place, name"
    for row in store.database.all(sql, (account.portal, type)):
        found[row["name"]] = {
            "name": row["name"],
            "label": row["label"],
            "displayOrder": row["place"],
            "archived": bool(row["archived"]),
        }
    return {name: one for name, one in found.items() if not one["archived"]}


def group_names(store: Store, account: Account, type: str) -> set[str]:
    return set(_group_rows(store, account, type))


def put_group(store: Store, account: Account, type: str, group: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        "name": str(group["name"]),
        "label": str(group.get("label") or group["name"]),
        "displayOrder": order_of(group),
        "archived": bool(group.get("archived")),
    }
    store.database.execute(
        "INSERT OR REPLACE INTO hubspot_group VALUES (?, ?, ?, ?, ?, ?)",
        (account.portal, type, made["name"], made["label"], made["displayOrder"], made["archived"]),
    )
    return made


def _groups(call: Call, type: str, rest: list[str]) -> Response:
    present = _group_rows(call.store, call.account, type)
    if not rest and call.method == "GET":
        return json_response({"results": list(present.values())})
    if not rest and call.method == "POST":
        body = call.body()
        if not body.get("name") or not body.get("label"):
            raise invalid("Invalid input JSON on line 1, column 1: name or label is missing")
        if body["name"] in present:
            raise conflict(f"A property group named {body['name']} already exists.")
        return json_response(put_group(call.store, call.account, type, body), 201)
    if not rest or len(rest) > 1:
        raise bad_method()
    if rest[0] not in present:
        raise not_found(f"Property group {rest[0]} does not exist")
    match call.method:
        case "GET":
            return json_response(present[rest[0]])
        case "PATCH":
            made = {**present[rest[0]], **call.body(), "name": rest[0]}
            return json_response(put_group(call.store, call.account, type, made))
        case "DELETE":
            put_group(call.store, call.account, type, {**present[rest[0]], "archived": True})
            return Response(204)
    raise bad_method()


# ---- validation rules


def validations(call: Call, rest: list[str]) -> Response:
    call.only("GET")
    if not rest:
        raise not_found()
    type = call.type(rest[0])
    call.need(f"crm.schemas.{NAMES[type][1]}.read", f"crm.objects.{NAMES[type][1]}.read")
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in call.account.on("validation_rules"):
        shown = {"ruleType": rule["rule"], "ruleArguments": [str(rule.get("value", ""))]}
        found.setdefault(rule["property"], []).append(shown)
    listed = [{"propertyName": name, "propertyValidationRules": rules} for name, rules in found.items()]
    return json_response({"results": [one for one in listed if rest[1:] in ([], [one["propertyName"]])]})
