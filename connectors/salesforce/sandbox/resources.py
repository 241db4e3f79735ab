"""Queries, describe, records, deleted and updated ids, limits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.salesforce.sandbox.call import ROOT, Call, http_date
from connectors.salesforce.sandbox.errors import SalesforceError, no_such_column, not_found
from connectors.salesforce.sandbox.objects import OBJECTS, Data, ObjectInfo
from connectors.salesforce.sandbox.query import attributes
from connectors.salesforce.sandbox.soql import parse, seconds_of
from connectors.salesforce.sandbox.store import Record, moment
from connectors.sandboxkit.web import Response, json_response

LOCATOR_SECONDS = 2 * 24 * 3600
DELETED_DAYS, UPDATED_DAYS = 15, 30
DESCRIBED_AT = 1_767_225_600  # when the definitions of the objects last changed


def query(call: Call, rest: list[str]) -> Response:
    return _query(call, rest, everything=False)


def query_all(call: Call, rest: list[str]) -> Response:
    return _query(call, rest, everything=True)


def _query(call: Call, rest: list[str], everything: bool) -> Response:
    call.only("GET")
    if rest:
        return _more(call, rest[0])
    text = call.request.query.get("q")
    if text is None:
        raise SalesforceError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    asked = parse(text)
    total, rows = call.runner(everything).run(asked)
    if not asked.order and call.kit.faults.hit(call.request, "reorder"):
        rows.reverse()
    size = call.option("Sforce-Query-Options", "batchSize")
    return json_response(_page(call, rows, total, min(max(int(size or 2000), 200), 2000)))


def _page(call: Call, rows: list[Data], total: int, size: int) -> Data:
    page: Data = {"totalSize": total, "done": len(rows) <= size, "records": rows[:size]}
    if len(rows) > size:
        id = "01g" + uuid.uuid4().hex[:15]
        call.store.database.execute(
            "INSERT INTO salesforce_cursor VALUES (?, ?, ?, ?, ?, ?)",
            (id, call.org.id, total, size, call.kit.clock.now(), orjson.dumps(rows)),
        )
        page["nextRecordsUrl"] = f"{ROOT}/query/{id}-{size}"
    return page


def _more(call: Call, locator: str) -> Response:
    id, _, offset = locator.partition("-")
    sql = "SELECT * FROM salesforce_cursor WHERE id = ? AND org = ? AND made > ?"
    row = call.store.database.one(sql, (id, call.org.id, call.kit.clock.now() - LOCATOR_SECONDS))
    if row is None or not offset.isdecimal() or call.kit.faults.hit(call.request, "cursor_expired"):
        raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    start, rows = int(offset), orjson.loads(row["rows"])
    end = start + row["size"]
    page: Data = {"totalSize": row["total"], "done": end >= len(rows), "records": rows[start:end]}
    if end < len(rows):
        page["nextRecordsUrl"] = f"{ROOT}/query/{id}-{end}"
    return json_response(page)


def limits(call: Call, rest: list[str]) -> Response:
    call.only("GET")
    most = int(call.org.on("daily_limit"))
    found = {"DailyApiRequests": {"Max": most, "Remaining": max(0, most - call.store.used(call.org))}}
    found |= {"DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000}}
    return json_response(found)


# ---- /sobjects


def sobjects(call: Call, rest: list[str]) -> Response:
    if not rest:
        call.only("GET")
        summaries = [info.summary(ROOT) for name in OBJECTS if (info := call.org.info(name))]
        return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries})
    info = call.writes.info(rest[0])
    match rest[1:]:
        case []:
            return _object(call, info)
        case ["describe"]:
            return _describe(call, info)
        case ["deleted" | "updated" as which]:
            return _replicated(call, info, which)
        case [id]:
            return _record(call, info, id)
        case [field, value]:
            return _external(call, info, field, value)
    raise not_found()


def _object(call: Call, info: ObjectInfo) -> Response:
    if call.method == "POST":
        id = call.writes.create(info.name, call.body())
        where = {"Location": f"{ROOT}/sobjects/{info.name}/{id}"}
        return json_response({"id": id, "success": True, "errors": []}, 201, where)
    call.only("GET")
    return json_response({"objectDescribe": info.summary(ROOT), "recentItems": []})


def _describe(call: Call, info: ObjectInfo) -> Response:
    call.only("GET")
    if call.condition_fails(DESCRIBED_AT) and not call.org.switches:
        return Response(304)
    return json_response(info.describe(ROOT), headers={"Last-Modified": http_date(DESCRIBED_AT)})


def _record(call: Call, info: ObjectInfo, id: str) -> Response:
    call.only("GET", "HEAD", "PATCH", "DELETE")
    record = call.store.find(call.org, id)
    if record is None or record.object != info.name or (record.deleted and call.method == "GET"):
        raise not_found()
    if call.method == "DELETE":
        call.writes.delete(info.name, id)
        return Response(204)
    status = 0 if record.deleted else call.condition_fails(record.modified)
    if status == 304:
        return Response(304)
    if status:
        raise SalesforceError(412, "PRECONDITION_FAILED", "The resource has been modified since the given time")
    if call.method == "PATCH":
        call.writes.update(info.name, id, call.body())
        return Response(204)
    return _entity(call, info, record)


def _entity(call: Call, info: ObjectInfo, record: Record) -> Response:
    shown = record.shown(info)
    names = [one.strip() for one in call.request.query.get("fields", "").split(",") if one.strip()]
    unknown = [name for name in names if not info.field(name)]
    if unknown:
        raise no_such_column(unknown[0], info.name)
    wanted = {info.fields[name.lower()].name: True for name in [*names, *(["Id"] if names else [])]}
    body = {"attributes": attributes(info.name, record.id)}
    body |= {name: value for name, value in shown.items() if not wanted or name in wanted}
    return json_response(body, headers={"Last-Modified": http_date(record.modified)})


def _external(call: Call, info: ObjectInfo, field: str, value: str) -> Response:
    call.only("GET", "PATCH", "DELETE")
    writes = call.writes
    if call.method == "PATCH":
        may_create = call.request.query.get("updateOnly", "").lower() != "true"
        id, created = writes.upsert(info.name, field, value, call.body(), may_create=may_create)
        return json_response({"id": id, "success": True, "errors": [], "created": created}, 201 if created else 200)
    found = writes.by_external_id(info.name, field, value)
    if not found:
        raise not_found()
    if len(found) > 1:
        return json_response([f"{ROOT}/sobjects/{info.name}/{one.id}" for one in found], 300)
    if call.method == "DELETE":
        writes.delete(info.name, found[0].id)
        return Response(204)
    return _entity(call, info, found[0])


# ---- deleted and updated ids


def _replicated(call: Call, info: ObjectInfo, which: str) -> Response:
    call.only("GET")
    start, end = _when(call, "start"), _when(call, "end")
    days = DELETED_DAYS if which == "deleted" else UPDATED_DAYS
    if start < call.kit.clock.now() - days * 86400:
        raise SalesforceError(400, "INVALID_REPLICATION_DATE", f"startDate must be within the last {days} days")
    if end - start < 60:
        raise SalesforceError(
            400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate"
        )
    rows = call.store.records(call.org, info.name, deleted=True, since=int(start))
    rows = [one for one in rows if one.stamp < end]
    covered = {"latestDateCovered": moment(min(end, call.kit.clock.now()) // 60 * 60)}
    if which == "updated":
        return json_response({"ids": [one.id for one in rows if not one.deleted], **covered})
    gone = [{"id": one.id, "deletedDate": moment(one.stamp)} for one in rows if one.deleted]
    oldest = call.store.last_purge(call.org) or int(call.kit.clock.now()) - DELETED_DAYS * 86400
    return json_response({"deletedRecords": gone, "earliestDateAvailable": moment(oldest), **covered})


def _when(call: Call, name: str) -> float:
    text: Any = call.request.query.get(name, "")
    try:
        found = seconds_of(text.replace(" ", "+"))
    except ValueError:
        message = f"Parameter {name} is not a valid date-time"
        raise SalesforceError(400, "INVALID_REPLICATION_DATE", message) from None
    return datetime.fromtimestamp(found, UTC).replace(second=0, microsecond=0).timestamp()
