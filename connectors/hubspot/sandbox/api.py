"""The API: who calls, which handler answers, and the headers that every answer has."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

from connectors.hubspot.sandbox import associations, lists, objects, properties, settings, subscriptions
from connectors.hubspot.sandbox.call import Call
from connectors.hubspot.sandbox.errors import HubSpotError, by_status, expired, invalid, not_found, unauthenticated
from connectors.hubspot.sandbox.limits import Limits
from connectors.hubspot.sandbox.oauth import Identity
from connectors.hubspot.sandbox.store import Account, Store
from connectors.hubspot.sandbox.tokens import Tokens
from connectors.hubspot.sandbox.webhooks import Webhooks
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.faults import strike
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import BadJson, Dropped, Request, Response

LONGEST_ADDRESS = 16_384
DATES = ("2026-03", "2026-09")
Handler = Callable[[Call, list[str]], Response]
#: Areas below /crm, and the old versions in which they exist; the dated ones hold for all.
_CRM: dict[str, tuple[Handler, tuple[str, ...]]] = {
    "objects": (objects.handle, ("v3", "v4")),
    "properties": (properties.handle, ("v3",)),
    "property-validations": (properties.validations, ("v3",)),
    "associations": (associations.handle, ("v4",)),
    "owners": (settings.owners, ("v3",)),
    "lists": (lists.handle, ("v3",)),
    "limits": (settings.limits, ("v3",)),
}
_PLACES = (
    (re.compile(r"(/(?:access|refresh)-tokens)/[^/]+"), r"\1/{token}"),
    (re.compile(r"(/(?:statuses|email))/[^/]+"), r"\1/{address}"),
    (re.compile(r"(/name)/[^/]+"), r"\1/{name}"),
    (re.compile(r"/[^/]*@[^/]*"), "/{address}"),
    (re.compile(r"/\d+(?=/|$)"), "/{id}"),
)


class Api:
    def __init__(self, kit: Kit, store: Store, tokens: Tokens, webhooks: Webhooks) -> None:
        self.kit = kit
        self.store = store
        self.tokens = tokens
        self.webhooks = webhooks
        self.limits = Limits(store)
        self.identity = Identity(kit, store, tokens)

    def handle(self, request: Request) -> Response:
        """/hubspot/..., whatever the version."""
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
            place = request.prefix + "/" + "/".join(request.segments)
            for pattern, words in _PLACES:  # neither tokens nor addresses are logged
                place = pattern.sub(words, place)
            shown = re.sub(r"(tokens|statuses|email|name)/.*", r"\1/...", request.prefix + request.path)
            self.kit.journal.note(
                request.method,
                re.sub(r"/[^/]*@[^/]*", "/...", shown),
                place,
                status,
                account=request.account,
                inner=request.inner,
                began=began,
            )

    def _answered(self, request: Request) -> Response:
        row = self.tokens.peek(request)
        account = self.store.account(row["portal"]) if row else None
        request.account = account.email if account else ""
        search = request.segments[-1:] == ["search"]
        response = strike(
            self.kit.faults,
            request,
            lambda asked: self._guarded(asked, row, account),
            lambda status, wait: by_status(status, wait, search=search).response(),
        )
        response.headers.setdefault("X-HubSpot-Correlation-Id", str(uuid.uuid4()))
        return response

    def _guarded(self, request: Request, row: Row | None, account: Account | None) -> Response:
        headers: dict[str, str] = {}
        try:
            response = self._run(request, row, account, headers)
        except HubSpotError as error:
            response = error.response()
        except BadJson as error:
            response = invalid(f"Invalid input JSON on line 1, column 1: {str(error)[:200]}").response()
        response.headers.update(headers)
        return response

    def _run(self, request: Request, row: Row | None, account: Account | None, headers: dict[str, str]) -> Response:
        segments = request.segments
        if segments[:1] == ["oauth"]:
            return self.identity.handle(request)
        if segments[:1] in (["webhooks"], ["app-webhooks"]):
            with self.store.database.transaction():
                return self.webhooks.handle(request)
        handler, version, rest = _route(segments)
        if row is None or account is None or row["kind"] not in ("access", "static") or row["spent"]:
            raise unauthenticated()
        if row["expires"] <= self.kit.clock.now():
            raise expired(self.kit.clock.now() - row["expires"])
        if len(request.path) + len(request.query_string) > LONGEST_ADDRESS:
            raise HubSpotError(414, "", "HTTP 414 URI Too Long")
        static = row["kind"] == "static"
        with self.store.database.transaction():
            told, refusal = self.limits.count(
                account, row["client"], static=static, search=segments[-1:] == ["search"] and "objects" in segments
            )
        headers.update(told)
        if refusal is not None:
            raise refusal
        source = f"INTEGRATION {self.identity.app_id(row['client'])}"
        call = Call(self.kit, self.store, request, account, version, frozenset(row["scopes"].split()), source)
        with self.store.database.transaction():  # a request that fails leaves nothing behind
            self.store.settle()
            return handler(call, rest)


def _route(segments: list[str]) -> tuple[Handler, str, list[str]]:
    """Handler, version and the rest of a path, by the map between v3 or v4 and the dated versions."""
    match segments:
        case ["crm", ("v3" | "v4") as version, area, *rest] if area in _CRM and version in _CRM[area][1]:
            return _CRM[area][0], version, rest
        case ["crm", area, version, *rest] if area in _CRM and version in DATES:
            return _CRM[area][0], version, rest
        case ["crm", "associations", "v4", *rest]:
            return associations.handle, "v4", rest
        case ["account-info", version, "details"] if version in ("v3", *DATES):
            return settings.account, version, []
        case ["communication-preferences", version, *rest] if version in ("v3", "v4", *DATES):
            return subscriptions.handle, version, rest
    raise not_found()
