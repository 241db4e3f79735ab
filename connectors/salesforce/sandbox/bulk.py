"""Bulk API 2.0: ingest and query jobs over CSV (Bulk API 2.0 and Bulk API Developer Guide).

A closed ingest job waits for the organisation's switch `bulk_seconds`, and is worked off before the next request after
that; query jobs are done at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from connectors.salesforce.sandbox.call import Call
from connectors.salesforce.sandbox.errors import SalesforceError, not_found
from connectors.salesforce.sandbox.objects import API_VERSION, Data, FieldInfo, ObjectInfo
from connectors.salesforce.sandbox.soql import Query, parse
from connectors.salesforce.sandbox.store import moment
from connectors.salesforce.sandbox.writes import SeveralFound
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Response, json_response

DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
LARGEST = 100_000_000  # bytes of one upload before they are encoded
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")


def handle(call: Call, rest: list[str]) -> Response:
    kind = rest[0] if rest else ""
    if kind not in ("ingest", "query"):
        raise not_found()
    if len(rest) == 1:
        if call.method == "GET":
            sql = "SELECT * FROM salesforce_job WHERE org = ? AND kind = ? ORDER BY id"
            rows = call.store.database.all(sql, (call.org.id, kind))
            return json_response({"done": True, "records": [_shown(row) for row in rows], "nextRecordsUrl": None})
        call.only("POST")
        return _create(call, kind)
    sql = "SELECT * FROM salesforce_job WHERE id = ? AND org = ? AND kind = ?"
    row = call.store.database.one(sql, (rest[1], call.org.id, kind))
    if row is None:
        raise not_found("Unable to find job")
    match (call.method, *(name.replace("unprocessedRecords", "unprocessedrecords") for name in rest[2:])):
        case ("GET",):
            return json_response(_shown(_looked_at(call, row)))
        case ("PATCH",):
            return _change(call, row)
        case ("DELETE",):
            if row["state"] in ("Open", "InProgress"):
                raise SalesforceError(400, "INVALIDJOBSTATE", "Only a closed, ended or aborted job can be deleted")
            call.store.database.execute("DELETE FROM salesforce_job WHERE id = ?", (row["id"],))
            return Response(204)
        case ("PUT", "batches") if kind == "ingest":
            return _upload(call, row)
        case ("GET", "results") if kind == "query":
            return _results(call, row)
        case ("GET", "successfulResults" | "failedResults" | "unprocessedrecords" as which) if kind == "ingest":
            return _outcome(row, which)
    raise not_found()


def _shown(row: Row | Mapping[str, Any]) -> Data:
    data: Data = orjson.loads(row["data"])
    common = {
        "id": row["id"],
        "state": row["state"],
        "createdDate": moment(row["made"]),
        "systemModstamp": moment(row["made"]),
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(API_VERSION),
        "jobType": "V2Ingest" if row["kind"] == "ingest" else "V2Query",
    }
    return {**common, **{name: value for name, value in data.items() if name != "due"}}


def _create(call: Call, kind: str) -> Response:
    body = call.body()
    operation = body.get("operation")
    data: Data = {"operation": operation, "createdById": call.org.user}
    data["lineEnding"] = body.get("lineEnding") or "LF"
    data["columnDelimiter"] = body.get("columnDelimiter") or "COMMA"
    if data["columnDelimiter"] not in DELIMITERS or body.get("contentType", "CSV") != "CSV":
        raise SalesforceError(400, "INVALIDJOB", "Unsupported columnDelimiter or contentType")
    id = call.store.new_id("750")
    state = "Open"
    if kind == "query":
        if operation not in ("query", "queryAll"):
            raise SalesforceError(400, "INVALIDJOB", "Unsupported operation")
        query = parse(str(body.get("query", "")))
        if query.children or query.count:
            raise SalesforceError(400, "API_ERROR", "Subqueries and aggregates are not supported")
        data |= {"object": call.runner().info(query.object).name, "query": body["query"]}
        rows = _queried(call, query, operation == "queryAll")
        data["numberRecordsProcessed"] = len(rows) - 1
        state = "JobComplete"
        _save(call, id, kind, state, data, results=rows)
    else:
        if operation not in OPERATIONS:
            raise SalesforceError(400, "INVALIDJOB", f"Unsupported operation: {operation}")
        if _opened_today(call) >= int(call.org.on("bulk_jobs")):
            raise SalesforceError(
                400, "EXCEEDEDQUOTA", "The organisation has opened as many jobs as it may in 24 hours"
            )
        data["object"] = call.writes.info(str(body.get("object"))).name
        if operation == "upsert":
            if not body.get("externalIdFieldName"):
                raise SalesforceError(400, "INVALIDJOB", "externalIdFieldName is required for upsert")
            data["externalIdFieldName"] = body["externalIdFieldName"]
        data["contentUrl"] = f"services/data/v{API_VERSION}/jobs/ingest/{id}/batches"
        _save(call, id, kind, state, data)
    row = call.store.database.one("SELECT * FROM salesforce_job WHERE id = ?", (id,))
    assert row is not None  # noqa: S101 made above
    return json_response(_shown(row))


def _opened_today(call: Call) -> int:
    sql = "SELECT count(*) AS found FROM salesforce_job WHERE org = ? AND kind = 'ingest' AND made > ?"
    row = call.store.database.one(sql, (call.org.id, call.store.now() - 86_400))
    return int(row["found"]) if row else 0


def _save(call: Call, id: str, kind: str, state: str, data: Data, results: Sequence[Any] = ()) -> None:
    call.store.database.execute(
        "INSERT INTO salesforce_job (id, org, kind, state, made, data, results) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (id, call.org.id, kind, state, call.store.now(), orjson.dumps(data), orjson.dumps(list(results))),
    )


def _upload(call: Call, row: Row) -> Response:
    if row["state"] != "Open" or row["upload"]:
        raise SalesforceError(400, "INVALIDJOBSTATE", "Data was uploaded to this job already, or it is closed")
    if len(call.request.body) > LARGEST:
        raise SalesforceError(413, "REQUEST_ENTITY_TOO_LARGE", "The upload is larger than 100 MB")
    call.store.database.execute("UPDATE salesforce_job SET upload = ? WHERE id = ?", (call.request.body, row["id"]))
    return Response(201)


def _change(call: Call, row: Row) -> Response:
    state = call.body().get("state")
    if state not in ("UploadComplete", "Aborted") or row["state"] not in ("Open", "UploadComplete", "InProgress"):
        raise SalesforceError(400, "INVALIDJOBSTATE", f"Cannot change the state of the job to {state}")
    if state == "UploadComplete" and row["state"] != "Open":
        raise SalesforceError(400, "INVALIDJOBSTATE", "The job is closed already")
    data = {**orjson.loads(row["data"]), "due": call.store.now() + int(call.org.on("bulk_seconds"))}
    results = _unprocessed(_lines(data, row)) if state == "Aborted" and row["upload"] else []
    _put(call, row["id"], state, data, results)
    return json_response(_shown({**dict(row), "state": state, "data": orjson.dumps(data)}))


def _looked_at(call: Call, row: Row) -> Mapping[str, Any]:
    """A job that waited when it was looked at before is in progress."""
    if row["state"] != "UploadComplete":
        return dict(row)
    _put(call, row["id"], "InProgress", orjson.loads(row["data"]), [])
    return dict(row)


def work_off(call: Call) -> None:
    """The ingest jobs of the organisation whose time has come."""
    sql = "SELECT * FROM salesforce_job WHERE org = ? AND kind = 'ingest' AND state IN ('UploadComplete', 'InProgress')"
    for row in call.store.database.all(sql, (call.org.id,)):
        data = orjson.loads(row["data"])
        if data["due"] > call.store.now():
            continue
        state, lines = "JobComplete", _lines(data, row)
        unknown = _unknown_name(call, data, lines)
        if unknown:
            state, data["errorMessage"] = "Failed", f"InvalidBatch : Field name not found : {unknown}"
            results = _unprocessed(lines)
        else:
            results = _processed(call, data, lines)
        failed = sum(1 for one in results if one["sf__Error"])
        data |= {"numberRecordsProcessed": 0 if unknown else len(results), "numberRecordsFailed": failed, "retries": 0}
        data |= {"totalProcessingTime": 1, "apiActiveProcessingTime": 1, "apexProcessingTime": 0}
        _put(call, row["id"], state, data, results)


def _put(call: Call, id: str, state: str, data: Data, results: Sequence[Any]) -> None:
    sql = "UPDATE salesforce_job SET state = ?, data = ?, results = ? WHERE id = ?"
    call.store.database.execute(sql, (state, orjson.dumps(data), orjson.dumps(list(results)), id))


def _lines(data: Data, row: Row) -> list[dict[str, str]]:
    text = io.StringIO(bytes(row["upload"]).decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=DELIMITERS[data["columnDelimiter"]]))


def _unprocessed(lines: Iterable[Data]) -> list[Data]:
    return [{"sf__Id": "", "sf__Error": "", "unprocessed": True, "line": line} for line in lines]


def _unknown_name(call: Call, data: Data, lines: Sequence[Mapping[str, str]]) -> str:
    info = call.writes.info(data["object"])
    names = (name.partition(".")[0] for name in lines[0]) if lines else ()
    parents = {field.relationship.lower() for field in info.fields.values() if field.relationship}
    return next((name for name in names if not info.field(name) and name.lower() not in {"id", *parents}), "")


# ---- ingest


def _processed(call: Call, job: Data, lines: Iterable[Mapping[str, str]]) -> list[Data]:
    info = call.writes.info(job["object"])
    results = []
    for line in lines:
        call.store.database.execute("SAVEPOINT line")
        try:
            id, created = _one(call, job, info, line)
            results.append({"sf__Id": id, "sf__Created": str(created).lower(), "sf__Error": "", "line": line})
        except (SalesforceError, SeveralFound) as error:
            call.store.database.execute("ROLLBACK TO line")
            results.append({"sf__Id": line.get("Id") or "", "sf__Error": _words_of(error), "line": line})
        call.store.database.execute("RELEASE line")
    return results


def _words_of(error: SalesforceError | SeveralFound) -> str:
    if isinstance(error, SeveralFound):
        return "DUPLICATE_EXTERNAL_ID:--"
    fields = f"{','.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


def _one(call: Call, job: Data, info: ObjectInfo, line: Mapping[str, str]) -> tuple[str, bool]:
    id = next((value for name, value in line.items() if name.lower() == "id"), "")
    operation = job["operation"]
    if operation in ("delete", "hardDelete"):
        call.writes.delete(info.name, id)
        if operation == "hardDelete":
            call.store.purge(call.org, [id])
        return id, False
    body: dict[str, Any] = {}
    for name, value in line.items():
        if value == "" or name.lower() == "id":
            continue
        head, _, rest = name.partition(".")
        known = info.field(name)
        body[head if rest else name] = {rest: value} if rest else None if value == "#N/A" else _typed(known, value)
    if operation == "insert":
        return call.writes.create(info.name, body), True
    if operation == "update":
        call.writes.update(info.name, id, body)
        return id, False
    field = job["externalIdFieldName"]
    value = id if field.lower() == "id" else body.pop(field, None)
    return call.writes.upsert(info.name, field, str(value), body)


def _typed(known: FieldInfo | None, value: str) -> Any:
    if known is None:
        return value
    if known.type == "boolean":
        return value.lower() in ("true", "1")
    if known.type in ("int", "double", "currency", "percent"):
        return float(value) if "." in value else int(value)
    return value


def _outcome(row: Row, which: str) -> Response:
    results = orjson.loads(row["results"] or b"[]")
    names = list(results[0]["line"]) if results else []
    own = {"successfulResults": ["sf__Id", "sf__Created"], "failedResults": ["sf__Id", "sf__Error"]}.get(which, [])
    wanted = [one for one in results if _kind_of(one) == which]
    rows = [own + names, *([*(one[name] for name in own), *one["line"].values()] for one in wanted)]
    return Response(200, _csv(rows), {"Content-Type": "text/csv"})


def _kind_of(result: Data) -> str:
    if result.get("unprocessed"):
        return "unprocessedrecords"
    return "failedResults" if result["sf__Error"] else "successfulResults"


# ---- query


def _queried(call: Call, query: Query, everything: bool) -> list[list[str]]:
    _, found = call.runner(everything).run(query)
    rows = [list(query.fields)]
    for one in found:
        rows.append([_cell(_looked_up(one, path)) for path in query.fields])
    return rows


def _looked_up(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = next((value for name, value in row.items() if name.lower() == step.lower()), None) if row else None
    return row


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _results(call: Call, row: Row) -> Response:
    rows = orjson.loads(row["results"])
    start = int(call.request.query.get("locator") or 0)
    most = int(call.request.query.get("maxRecords") or 50_000)
    part = rows[1:][start : start + most]
    more = start + most < len(rows) - 1
    headers = {"Content-Type": "text/csv", "Sforce-NumberOfRecords": str(len(part))}
    headers["Sforce-Locator"] = str(start + most) if more else "null"
    return Response(200, _csv([rows[0], *part]), headers)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
