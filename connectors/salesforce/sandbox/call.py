"""One call, as the handlers see it: who calls, on which organisation, with which headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import orjson

from connectors.salesforce.sandbox.errors import SalesforceError, bad_method
from connectors.salesforce.sandbox.objects import API_VERSION
from connectors.salesforce.sandbox.query import Runner
from connectors.salesforce.sandbox.store import Org, Store
from connectors.salesforce.sandbox.writes import Writes
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request

ROOT = f"/services/data/v{API_VERSION}"
_PAIR = re.compile(r"(\w+)\s*=\s*([^;,\s]+)")


@dataclass(frozen=True, slots=True)
class Call:
    kit: Kit
    store: Store
    request: Request
    org: Org

    @property
    def method(self) -> str:
        return self.request.method

    def only(self, *methods: str) -> None:
        if self.method not in methods:
            raise bad_method(self.method)

    def json(self) -> Any:
        try:
            return orjson.loads(self.request.body)
        except orjson.JSONDecodeError as error:
            raise SalesforceError(400, "JSON_PARSER_ERROR", f"{error} at [line:1, column:1]") from None

    def body(self) -> dict[str, Any]:
        found = self.json()
        if not isinstance(found, dict):
            raise SalesforceError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be an object")
        return found

    def option(self, header: str, name: str) -> str:
        """A value inside one of the Sforce headers."""
        pairs = _PAIR.findall(self.request.headers.get(header.lower(), ""))
        return next((value for key, value in pairs if key.lower() == name.lower()), "")

    @property
    def writes(self) -> Writes:
        allowed = self.option("Sforce-Duplicate-Rule-Header", "allowSave").lower() == "true"
        return Writes(self.store, self.org, allowed)

    def runner(self, everything: bool = False) -> Runner:
        lag = self.kit.faults.hit(self.request, "lag")
        until = self.kit.clock.now() - float(lag.options.get("seconds", 60)) if lag else None
        return Runner(self.store, self.org, everything, until)

    def condition_fails(self, changed: int) -> int:
        """The status that If-Modified-Since or If-Unmodified-Since ask for; 0 where they let the request pass."""
        since = self._moment("if-modified-since")
        if since is not None and changed <= since and self.method == "GET":
            return 304
        until = self._moment("if-unmodified-since")
        return 412 if until is not None and changed > until else 0

    def _moment(self, header: str) -> float | None:
        text = self.request.headers.get(header)
        if not text:
            return None
        try:
            return parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError):
            return None


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)
