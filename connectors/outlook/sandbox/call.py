"""One call to Graph, as the handlers see it: who calls, with which preferences, on which mailbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from connectors.outlook.sandbox.errors import access_denied, bad_request, unreadable
from connectors.outlook.sandbox.store import Mailbox, Store
from connectors.sandboxkit.faults import Fault
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import BadJson, Request, Response

CONTENT_TYPE = "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"
DEFAULT_PAGE = 10
LARGEST_PAGE = 1000
OPTIONS = frozenset(
    {"select", "top", "skip", "filter", "orderby", "expand", "count", "search", "skiptoken", "deltatoken"}
)
_ID_TYPE = re.compile(r'IdType\s*=\s*"?ImmutableId"?', re.IGNORECASE)
_PAGE_SIZE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Call:
    kit: Kit
    store: Store
    request: Request
    mailbox: Mailbox  # the one that is looked at
    caller: Mailbox
    scopes: frozenset[str]
    client: str
    applied: list[str] = field(default_factory=list)  # preferences honoured

    @property
    def root(self) -> str:
        return f"{self.request.origin}{self.request.prefix}"

    @property
    def owner(self) -> str:
        return f"users('{self.mailbox.user_id}')"

    def context(self, what: str) -> str:
        return f"{self.root}/$metadata#{what}"

    @property
    def immutable(self) -> bool:
        return _ID_TYPE.search(self.request.headers.get("prefer", "")) is not None

    @property
    def page_size(self) -> int | None:
        match = _PAGE_SIZE.search(self.request.headers.get("prefer", ""))
        return int(match[1]) if match and int(match[1]) > 0 else None

    @property
    def options(self) -> dict[str, str]:
        """System query options, with or without their dollar sign, by bare name."""
        found = {}
        for name, value in self.request.query.items():
            bare = name.removeprefix("$").lower()
            if bare in OPTIONS:
                found[bare] = value
            elif name.startswith("$"):
                raise bad_request(f"The query parameter '{name}' is not supported.")
        return found

    def number(self, name: str, default: int) -> int:
        text = self.options.get(name)
        if text is None:
            return default
        if not text.isdecimal() or (name == "top" and int(text) == 0):
            raise bad_request(f"Invalid value '{text}' for ${name} query option found.")
        return int(text)

    def flag(self, name: str) -> bool:
        return self.options.get(name, "false").lower() == "true"

    def body(self) -> dict[str, Any]:
        if not self.request.headers.get("content-type", "").lower().startswith("application/json"):
            raise unreadable()
        try:
            return self.request.json()
        except BadJson:
            raise unreadable() from None

    def need(self, *scopes: str) -> None:
        """The token must carry one of these; another's mailbox needs the shared form and the owner's leave."""
        if self.mailbox.number != self.caller.number:
            scopes = tuple(f"{scope}.Shared" for scope in scopes if scope.startswith("Contacts"))
        if not self.scopes & {scope.lower() for scope in scopes}:
            raise access_denied()

    def fault(self, *kinds: str) -> Fault | None:
        return self.kit.faults.hit(self.request, *kinds)

    def answer(self, value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return Response(status, orjson.dumps(value), {"Content-Type": CONTENT_TYPE, **(headers or {})})

    def next_link(self, changed: Mapping[str, str]) -> str:
        """The same address with other options, dollar signs percent-encoded as the service does."""
        query = {**self.request.query, **changed}
        pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
        return f"{self.root}{quote(self.request.path, safe='/()$=' + chr(39))}?{pairs}"


def timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
