"""Composite and batch requests: up to 25 requests in one call (resources composite and composite/batch)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from connectors.salesforce.sandbox.call import Call
from connectors.salesforce.sandbox.errors import SalesforceError, not_found
from connectors.salesforce.sandbox.objects import Data
from connectors.sandboxkit.web import Request, Response, json_response

MOST, MOST_QUERIES = 25, 5
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_OWN = {"accept", "authorization", "content-type"}
Run = Callable[[Request], Response]


class _Undo(Exception):  # noqa: N818 - takes a transaction back
    pass


def handle(call: Call, rest: list[str], run: Run) -> Response:
    call.only("POST")
    if not rest:
        return _composite(call, run)
    if rest == ["batch"]:
        return _batch(call, run)
    raise not_found()


def _composite(call: Call, run: Run) -> Response:
    body = call.body()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise SalesforceError(400, "JSON_PARSER_ERROR", "compositeRequest is required")
    if len(parts) > MOST:
        raise SalesforceError(400, "LIMIT_EXCEEDED", f"The composite request may have at most {MOST} subrequests.")
    costly = [one for one in parts if re.search(r"/(query|queryAll|composite/sobjects)(/|\?|$)", str(one.get("url")))]
    if len(costly) > MOST_QUERIES:
        raise SalesforceError(400, "LIMIT_EXCEEDED", f"At most {MOST_QUERIES} may be queries or collections.")
    names = [one.get("referenceId") for one in parts]
    if len(set(names)) < len(names) or not all(isinstance(one, str) and re.fullmatch(r"\w+", one) for one in names):
        raise SalesforceError(400, "INVALID_INPUT", "Each referenceId must be unique and made of letters and digits.")
    if not body.get("allOrNone"):
        return json_response({"compositeResponse": _all(call, parts, run)})
    try:
        with call.store.database.transaction():
            answers = _all(call, parts, run)
            if any(one["httpStatusCode"] >= 400 for one in answers):
                raise _Undo
    except _Undo:
        halted = SalesforceError(400, "PROCESSING_HALTED", "The transaction was rolled back since another operation in "
                                 "the same transaction failed.")  # fmt: skip
        answers = [
            one if one["httpStatusCode"] >= 400 else {**one, "body": halted.body(), "httpStatusCode": 400}
            for one in answers
        ]
    return json_response({"compositeResponse": answers})


def _all(call: Call, parts: list[Mapping[str, Any]], run: Run) -> list[Data]:
    answers: dict[str, Data] = {}
    for part in parts:
        try:
            request = _inner(call, _resolved(part, answers))
            response = run(request)
        except SalesforceError as error:
            response = error.response()
        headers = {name: value for name, value in response.headers.items() if name in ("Location", "Last-Modified")}
        body = orjson.loads(response.body) if response.body else None
        answers[part["referenceId"]] = {
            "body": body,
            "httpHeaders": headers,
            "httpStatusCode": response.status,
            "referenceId": part["referenceId"],
        }
    return list(answers.values())


def _resolved(part: Mapping[str, Any], answers: Mapping[str, Data]) -> dict[str, Any]:
    """With what earlier answers gave in place of references to them."""

    def looked_up(match: re.Match[str]) -> str:
        found: Any = answers.get(match[1], {}).get("body")
        for step in re.findall(r"\w+", match[2]):
            found = found[int(step)] if isinstance(found, list) and step.isdecimal() else (found or {}).get(step)
        if not isinstance(found, str | int | float):
            raise SalesforceError(400, "PROCESSING_HALTED", f"Invalid reference specified: {match[0]}")
        return str(found)

    found: dict[str, Any] = orjson.loads(_REFERENCE.sub(looked_up, orjson.dumps(dict(part)).decode()))
    return found


def _inner(call: Call, part: Mapping[str, Any]) -> Request:
    outer = call.request
    path, _, query = str(part.get("url", "")).partition("?")
    if not path.startswith("/services/data/"):
        path = f"/services/data/{path.lstrip('/')}"
    named = part.get("httpHeaders") or {}
    headers = {key.lower(): str(value) for key, value in named.items() if key.lower() not in _OWN}
    headers["authorization"] = outer.headers.get("authorization", "")
    content = part.get("body", part.get("richInput"))
    return Request(
        method=str(part.get("method", "GET")).upper(),
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=b"" if content is None else orjson.dumps(content),
        origin=outer.origin,
        prefix=outer.prefix,
        account=outer.account,
        inner=True,
    )


def _batch(call: Call, run: Run) -> Response:
    body = call.body()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST:
        raise SalesforceError(400, "INVALID_INPUT", f"The batch request needs 1 to {MOST} subrequests.")
    results: list[Data] = []
    halted = False
    for part in parts:
        if halted:
            error = SalesforceError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": error.body()})
            continue
        call.store.count_call(call.org)
        response = run(_inner(call, part))
        results.append(
            {"statusCode": response.status, "result": orjson.loads(response.body) if response.body else None}
        )
        halted = bool(body.get("haltOnError")) and response.status >= 400
    return json_response({"hasErrors": any(one["statusCode"] >= 400 for one in results), "results": results})
