"""One call, as the handlers see it: who calls, for which account, in which version of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import orjson

from connectors.hubspot.sandbox.definitions import NAMES, TYPES, Property
from connectors.hubspot.sandbox.errors import HubSpotError, bad_method, invalid, missing_scopes, not_found
from connectors.hubspot.sandbox.links import Links
from connectors.hubspot.sandbox.store import Account, Record, Store, moment
from connectors.hubspot.sandbox.writes import Writes
from connectors.sandboxkit.faults import Fault
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request, Response, json_response

STRICT_FROM = "2026-09"


@dataclass(frozen=True, slots=True)
class Call:
    kit: Kit
    store: Store
    request: Request
    account: Account
    version: str
    scopes: frozenset[str]
    source: str

    @property
    def method(self) -> str:
        return self.request.method

    def only(self, *methods: str) -> None:
        if self.method not in methods:
            raise bad_method()

    def need(self, *scopes: str) -> None:
        """One of these must have been granted, by an account that has it."""
        if not self.scopes.intersection(scopes).intersection(self.account.on("scopes")):
            raise missing_scopes(scopes[:1])

    def need_records(self, type: str, action: str) -> None:
        self.need(f"crm.objects.{NAMES[type][1]}.{action}")

    # ---- what was sent

    def json(self) -> Any:
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", ""):
            raise HubSpotError(415, "", "HTTP 415 Unsupported Media Type")
        try:
            return orjson.loads(self.request.body)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}") from None

    def body(self) -> dict[str, Any]:
        found = self.json()
        if not isinstance(found, dict):
            raise invalid("Invalid input JSON on line 1, column 1: an object is expected")
        return found

    def inputs(self, most: int = 100) -> list[dict[str, Any]]:
        """The inputs of a batch."""
        listed = self.body().get("inputs")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise invalid("Invalid input JSON on line 1, column 1: inputs is missing")
        if len(listed) > most:
            raise invalid(f"The maximum number of inputs supported in a batch request is {most}")
        return listed

    def listed(self, name: str) -> list[str]:
        """A query option that holds several values, with commas between or repeated."""
        every = parse_qs(self.request.query_string, keep_blank_values=True).get(name, [])
        return [one.strip() for value in every for one in value.split(",") if one.strip()]

    def flag(self, name: str) -> bool:
        return self.request.query.get(name, "").lower() == "true"

    def whole(self, name: str, default: int, most: int) -> int:
        text = self.request.query.get(name, "") or str(default)
        if not text.isdecimal() or not 0 < int(text) <= most:
            raise invalid(f"{name} must be a number from 1 to {most}")
        return int(text)

    def after(self) -> int:
        """The cursor of a list."""
        text = self.request.query.get("after", "")
        fault = self.fault("cursor_expired") if text else None
        if fault is not None or (text and not text.isdecimal()):
            status = int(fault.options.get("status", 400)) if fault else 400
            raise HubSpotError(status, "VALIDATION_ERROR", "The after parameter is no valid cursor.")
        return int(text or 0)

    # ---- what is answered

    def next(self, after: int | str) -> dict[str, Any]:
        """The paging member that leads on."""
        options = parse_qsl(self.request.query_string, keep_blank_values=True)
        query = urlencode([*(one for one in options if one[0] != "after"), ("after", after)])
        link = f"{self.request.origin}{self.request.prefix}{self.request.path}?{query}"
        return {"next": {"after": str(after), "link": link}}

    def batch(
        self, results: Sequence[Any], errors: Sequence[Any] = (), status: int = 200, *, shuffle: bool = True
    ) -> Response:
        listed = list(results)
        if shuffle and self.account.on("shuffles"):
            listed = [*listed[1::2], *listed[0::2]]
        now = moment(self.store.now())
        body: dict[str, Any] = {"status": "COMPLETE", "results": listed, "startedAt": now, "completedAt": now}
        if errors:
            body |= {"numErrors": len(errors), "errors": list(errors)}
        return json_response(body, 207 if errors else status)

    def shown(self, items: Sequence[Any]) -> list[Any]:
        """A page as the faults would have it."""
        listed = list(items)
        if self.kit.faults.hit(self.request, "reorder"):
            listed.reverse()
        if listed and self.kit.faults.hit(self.request, "duplicate"):
            listed = [listed[0], *listed]
        return listed

    def fault(self, *kinds: str) -> Fault | None:
        return self.kit.faults.hit(self.request, *kinds)

    # ---- what is there

    def type(self, name: str) -> str:
        lower = name.lower()
        found = TYPES.get(lower) or next((type for type, names in NAMES.items() if lower in names), None)
        if found is None:
            raise not_found(f"Unable to infer object type from: {name}")
        return found

    def properties(self, type: str, *, archived: bool = False) -> Mapping[str, Property]:
        return self.store.properties(self.account, type, archived=archived)

    def record(self, type: str, id: int) -> Record | None:
        return self.store.record(self.account, type, id)

    @property
    def links(self) -> Links:
        return Links(self.store, self.account, self.source)

    @property
    def writes(self) -> Writes:
        fault = self.fault("rewrite")
        form = (str(fault.options.get("phones", "")), str(fault.options.get("case", ""))) if fault else ("", "")
        return Writes(self.store, self.account, self.source, self.version >= STRICT_FROM and "-" in self.version, form)
