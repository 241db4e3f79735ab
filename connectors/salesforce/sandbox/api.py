"""The REST API: who calls, which handler answers, and the headers that every answer has."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from connectors.salesforce.sandbox import bulk, collections, composite, resources
from connectors.salesforce.sandbox.call import Call
from connectors.salesforce.sandbox.errors import SalesforceError, by_status, expired_session, not_found
from connectors.salesforce.sandbox.oauth import Identity
from connectors.salesforce.sandbox.objects import API_VERSION
from connectors.salesforce.sandbox.store import Store
from connectors.salesforce.sandbox.tokens import Tokens
from connectors.salesforce.sandbox.writes import SeveralFound
from connectors.sandboxkit.faults import strike
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import BadJson, Dropped, Request, Response, json_response

LONGEST_ADDRESS = 16_384
_IDS = re.compile(r"/(?:[a-zA-Z0-9]{15}|[a-zA-Z0-9]{18})(?=/|$|-)")
_VERSION = re.compile(r"/services/data/v\d+\.\d+")


class Api:
    def __init__(self, kit: Kit, store: Store, tokens: Tokens) -> None:
        self.kit = kit
        self.store = store
        self.tokens = tokens
        self.identity = Identity(kit, store, tokens)

    def handle(self, request: Request) -> Response:
        """/salesforce/services/..., /salesforce/id/...; a composite's parts come here too."""
        if request.segments[:2] == ["services", "oauth2"] or request.segments[:1] == ["id"]:
            return self.identity.handle(request)
        began = time.perf_counter()
        status = 0
        try:
            response = self._answered(request)
            status = response.status
            return response
        except Dropped:
            status = 0
            raise
        finally:
            route = request.prefix + _IDS.sub("/{id}", _VERSION.sub("/services/data", request.path))
            self.kit.journal.note(
                request.method,
                request.prefix + request.path,
                route,
                status,
                account=request.account,
                inner=request.inner,
                began=began,
            )

    def _answered(self, request: Request) -> Response:
        org = self.tokens.peek(request)
        request.account = org.username if org else ""
        return strike(self.kit.faults, request, self._guarded, lambda status, wait: by_status(status, wait).response())

    def _guarded(self, request: Request) -> Response:
        try:
            return self._run(request)
        except SalesforceError as error:
            return error.response()
        except SeveralFound as several:
            return json_response(several.urls, 300)
        except BadJson as error:
            return SalesforceError(400, "JSON_PARSER_ERROR", str(error)[:200]).response()

    def _run(self, request: Request) -> Response:
        segments = request.segments
        if segments == ["services", "data"]:
            label = {"version": API_VERSION, "url": f"/services/data/v{API_VERSION}", "label": "Summer '26"}
            return json_response([label])
        if segments[:2] != ["services", "data"] or len(segments) < 3 or not re.fullmatch(r"v\d\d\.0", segments[2]):
            raise not_found()
        org = self.tokens.granted(request)
        if org is None:
            raise expired_session()
        if len(request.path) + sum(len(key) + len(value) + 2 for key, value in request.query.items()) > LONGEST_ADDRESS:
            raise SalesforceError(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384-byte limit.")
        if not org.on("api_enabled"):
            raise SalesforceError(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
        with self.store.database.transaction():
            most = int(org.on("daily_limit"))
            if not request.inner and self.store.used(org) >= most:
                raise by_status(429)
            used = self.store.used(org) if request.inner else self.store.count_call(org)
        call = Call(self.kit, self.store, request, org)
        response = self._in_transaction(call, segments[3:])
        response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{most}"
        return response

    def _in_transaction(self, call: Call, rest: list[str]) -> Response:
        """A request that fails leaves nothing behind; a composite's parts are transactions of their own."""
        if rest[:1] == ["composite"] and rest[1:2] != ["sobjects"]:
            return composite.handle(call, rest[1:], self.handle)
        with self.store.database.transaction():
            bulk.work_off(call)
        with self.store.database.transaction():
            return self._routed(call, rest)

    def _routed(self, call: Call, rest: list[str]) -> Response:
        handlers: dict[str, Callable[[Call, list[str]], Response]] = {
            "sobjects": resources.sobjects,
            "query": resources.query,
            "queryAll": resources.query_all,
            "limits": resources.limits,
            "composite": collections.handle,
            "jobs": bulk.handle,
        }
        if not rest:
            root = f"/services/data/v{API_VERSION}"
            return json_response({name: f"{root}/{name}" for name in handlers})
        if rest[0] not in handlers:
            raise not_found()
        return handlers[rest[0]](call, rest[1:])
