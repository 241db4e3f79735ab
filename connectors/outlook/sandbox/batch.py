"""JSON batching: up to 20 requests in one (learn.microsoft.com/graph/json-batching). No transaction spans them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from connectors.outlook.sandbox.errors import GraphError, bad_request, error_body
from connectors.sandboxkit.web import BadJson, Request, Response, json_response

MOST = 20
Entry = Mapping[str, Any]


def handle(request: Request, run: Callable[[Request], Response], now: float) -> Response:
    """`run` answers one inner request. Answers come back in another order than asked for, as the service may do."""
    entries = _entries(request)
    answers: dict[str, Response] = {}
    for entry in entries:
        failed = [key for key in entry.get("dependsOn") or () if answers[key].status >= 400]
        answers[entry["id"]] = _failed_dependency(failed[0], now) if failed else run(_inner(request, entry))
    value = [_rendered(key, answer) for key, answer in reversed(answers.items())]
    return json_response({"responses": value})


def _entries(request: Request) -> list[Entry]:
    if request.method != "POST":
        raise GraphError(405, "BadRequest", "The batch endpoint takes POST requests only.")
    try:
        entries = request.json().get("requests")
    except BadJson:
        raise bad_request("Invalid batch payload format.") from None
    if not isinstance(entries, list) or not entries:
        raise bad_request("Invalid batch payload format.")
    if len(entries) > MOST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    seen: set[str] = set()
    for entry in entries:
        _check(entry, seen)
        seen.add(entry["id"])
    return entries


def _check(entry: Any, earlier: set[str]) -> None:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("id", "method", "url")):
        raise bad_request("A batch request step needs id, method and url.")
    if entry["id"] in earlier:
        raise bad_request(f"Request Id {entry['id']} has to be unique in a batch.")
    if "://" in entry["url"].partition("?")[0]:
        raise bad_request("The url of a batch request step must be relative.")
    if entry.get("body") is not None and not any(name.lower() == "content-type" for name in entry.get("headers") or {}):
        raise bad_request(f"The Content-Type header is missing for the request with id {entry['id']}.")
    for key in entry.get("dependsOn") or ():
        if key not in earlier:
            raise bad_request(f"Request Id {key} in dependsOn does not exist before {entry['id']}.")


def _inner(outer: Request, entry: Entry) -> Request:
    path, _, query = entry["url"].partition("?")
    headers = {name.lower(): str(value) for name, value in (entry.get("headers") or {}).items()}
    for name in ("authorization", "host", "client-request-id"):
        if name in outer.headers:
            headers.setdefault(name, outer.headers[name])
    return Request(
        method=entry["method"].upper(),
        path=unquote("/" + path.lstrip("/")),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=_body(entry.get("body"), headers),
        origin=outer.origin,
        prefix=outer.prefix,
        account=outer.account,
        inner=True,
    )


def _body(body: Any, headers: Mapping[str, str]) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str) and not headers.get("content-type", "").lower().startswith("application/json"):
        try:
            return base64.urlsafe_b64decode(body)
        except (binascii.Error, ValueError):
            raise bad_request("A binary body must be base64url text.") from None
    return orjson.dumps(body)


def _rendered(key: str, answer: Response) -> dict[str, Any]:
    kind = answer.headers.get("Content-Type", "")
    body: Any = None
    if answer.body and kind.startswith("application/json"):
        try:
            body = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            body = answer.body.decode("utf-8", "replace")
    elif answer.body:
        body = answer.body.decode("utf-8", "replace") if kind.startswith("text/") else _packed(answer.body)
    return {"id": key, "status": answer.status, "headers": answer.headers, "body": body}


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


def _failed_dependency(key: str, now: float) -> Response:
    message = f"Request depends on request with id {key}, which failed."
    return json_response(error_body("FailedDependency", message, now), 424)
