"""A plain HTTP client of one account of the sandbox."""

from __future__ import annotations

from itertools import count
from typing import Any

import orjson
import requests

from connectors.hubspot.sandbox.control import HubSpotSandbox
from connectors.sandbox import Sandbox
from connectors.sandboxkit.faults import Fault

CONTACTS = "/crm/v3/objects/contacts"
_numbers = count(1)


class Caller:
    """Of a fresh account, whose search index has no lag and whose searches are not counted, unless asked for."""

    def __init__(self, sandbox: Sandbox, scopes: list[str] | None = None, **switches: Any) -> None:
        self.sandbox = sandbox
        self.api: HubSpotSandbox = sandbox.part("hubspot")
        self.user = f"person{next(_numbers)}@example.com"
        plain = {"search_lag": 0, "search_per_second": 0, "burst_limit": 0, "settles_after": 0}
        self.secrets = self.api.add_account(self.user, {**plain, **switches}, scopes)
        self.portal: int = self.secrets["hub_id"]
        self.session = requests.Session()
        self.use(self.secrets["access_token"])

    def use(self, token: str) -> None:
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, status: int, json: Any = None, **options: Any) -> requests.Response:
        answer = self.session.request(method, f"{self.sandbox.url}/hubspot{path}", json=json, timeout=5, **options)
        assert answer.status_code == status, answer.text
        return answer

    def create(self, **properties: Any) -> str:
        return str(self("POST", CONTACTS, 201, {"properties": properties}).json()["id"])

    def load(self, *records: dict[str, Any], object: str = "contacts") -> list[str]:
        return self.api.load(self.user, records, object)

    def shown(self, id: str, *names: str) -> dict[str, Any]:
        answer = self("GET", f"{CONTACTS}/{id}", 200, params={"properties": ",".join(names)})
        found: dict[str, Any] = answer.json()["properties"]
        return {name: found[name] for name in names} if names else found

    def problems(self, method: str, path: str, json: Any) -> dict[str, str]:
        """Of a refusal for the values of properties: code by name."""
        body = self(method, path, 400, json).json()
        assert body["category"] == "VALIDATION_ERROR"
        listed = orjson.loads(body["message"].removeprefix("Property values were not valid: "))
        return {one["name"]: one["error"] for one in listed}

    def found(self, *filters: dict[str, Any], **more: Any) -> list[str]:
        """Ids of the first page of a search."""
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
        return [one["id"] for one in self("POST", f"{CONTACTS}/search", 200, body).json()["results"]]

    def fault(self, kind: str, *, path: str = "", **options: Any) -> Fault:
        """Strikes this account's requests alone."""
        return self.sandbox.fault(kind, match={"account": self.user, "path": path}, **options)
