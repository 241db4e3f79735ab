"""sObject Collections: up to 200 records in one call, each answered in its place (resources composite/sobjects)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.salesforce.sandbox import ids
from connectors.salesforce.sandbox.call import Call
from connectors.salesforce.sandbox.errors import SalesforceError, no_such_column, not_found
from connectors.salesforce.sandbox.objects import Data
from connectors.salesforce.sandbox.query import attributes
from connectors.salesforce.sandbox.writes import SeveralFound
from connectors.sandboxkit.web import Response, json_response

MOST, MOST_READ = 200, 2000
_ROLLED_BACK = SalesforceError(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


def handle(call: Call, rest: list[str]) -> Response:
    match (call.method, *rest[1:]):
        case ("POST",):
            return _write(call, _create)
        case ("PATCH",):
            return _write(call, _update)
        case ("PATCH", name, field):
            return _write(call, lambda call, body: _upsert(call, body, name, field))
        case ("DELETE",):
            wanted = call.request.query.get("ids", "").split(",")
            return json_response(_each(call, wanted, _delete, call.request.query.get("allOrNone") == "true"))
        case ("GET" | "POST", name):
            return _read(call, name)
    raise not_found()


def _write(call: Call, one: Callable[[Call, Mapping[str, Any]], Data]) -> Response:
    body = call.body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The records element is required")
    return json_response(_each(call, records, one, bool(body.get("allOrNone"))))


def _each(call: Call, items: Sequence[Any], one: Callable[[Call, Any], Data], all_or_none: bool) -> list[Data]:
    if len(items) > MOST:
        raise SalesforceError(400, "INVALID_INPUT", f"record limit reached. cannot submit more than {MOST} records")
    database = call.store.database
    results: list[Data] = []
    database.execute("SAVEPOINT collection")
    seen: set[str] = set()
    for item in items:
        database.execute("SAVEPOINT record")
        try:
            _refuse_twin(item, seen)
            results.append(one(call, item))
        except SalesforceError as error:
            database.execute("ROLLBACK TO record")
            results.append({"success": False, "errors": [error.in_collection()]})
        except SeveralFound:
            database.execute("ROLLBACK TO record")
            several = SalesforceError(300, "DUPLICATE_EXTERNAL_ID", "more than one record found for external id")
            results.append({"success": False, "errors": [several.in_collection()]})
        database.execute("RELEASE record")
    if all_or_none and not all(result["success"] for result in results):
        database.execute("ROLLBACK TO collection")
        undone = {"success": False, "errors": [_ROLLED_BACK.in_collection()]}
        results = [undone if result["success"] else result for result in results]
    database.execute("RELEASE collection")
    return results


def _refuse_twin(item: Any, seen: set[str]) -> None:
    id = item.get("id") or item.get("Id") if isinstance(item, dict) else item
    if id and ids.long(str(id)) in seen:
        raise SalesforceError(400, "DUPLICATE_VALUE", f"duplicate id specified: {id}")
    seen.add(ids.long(str(id))) if id else None


def _type_of(body: Mapping[str, Any]) -> str:
    name = (body.get("attributes") or {}).get("type")
    if not name:
        raise SalesforceError(400, "INVALID_INPUT", "The attributes of a record must name its type")
    return str(name)


def _create(call: Call, body: Mapping[str, Any]) -> Data:
    return {"id": call.writes.create(_type_of(body), body), "success": True, "errors": []}


def _update(call: Call, body: Mapping[str, Any]) -> Data:
    id = body.get("id") or body.get("Id")
    if not ids.is_id(id):
        raise SalesforceError(400, "MISSING_ARGUMENT", "Id not specified in an update call")
    rest = {name: value for name, value in body.items() if name.lower() != "id"}
    try:
        call.writes.update(_type_of(body), str(id), rest)
    except SalesforceError as error:
        if error.code == "NOT_FOUND":
            raise SalesforceError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from None
        raise
    return {"id": ids.long(str(id)), "success": True, "errors": []}


def _upsert(call: Call, body: Mapping[str, Any], name: str, field: str) -> Data:
    value = next((value for key, value in body.items() if key.lower() == field.lower()), None)
    if value is None:
        raise SalesforceError(400, "MISSING_ARGUMENT", f"{field} not specified")
    rest = {key: each for key, each in body.items() if key.lower() != field.lower()}
    id, created = call.writes.upsert(name, field, str(value), rest)
    return {"id": id, "success": True, "errors": [], "created": created}


def _delete(call: Call, id: str) -> Data:
    call.writes.delete_any(id)
    return {"id": ids.long(id), "success": True, "errors": []}


def _read(call: Call, name: str) -> Response:
    info = call.writes.info(name)
    if call.method == "POST":
        body = call.body()
        wanted, names = body.get("ids") or [], body.get("fields") or []
    else:
        wanted = call.request.query.get("ids", "").split(",")
        names = call.request.query.get("fields", "").split(",")
    if len(wanted) > MOST_READ:
        raise SalesforceError(400, "INVALID_INPUT", f"cannot retrieve more than {MOST_READ} records")
    unknown = [one for one in names if not info.field(one)]
    if unknown:
        raise no_such_column(unknown[0], info.name)
    fields = list(dict.fromkeys([*(info.fields[one.lower()].name for one in names), "Id"]))
    found = {one.id: one for one in call.store.records(call.org, info.name, among=wanted)}
    answer: list[Data | None] = []
    for id in wanted:
        record = found.get(ids.long(id))
        shown = record.shown(info) if record else {}
        answer.append(
            {"attributes": attributes(name, record.id), **{one: shown[one] for one in fields}} if record else None
        )
    return json_response(answer)
