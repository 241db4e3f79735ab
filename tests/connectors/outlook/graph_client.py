"""Asks the Outlook sandbox directly, without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import orjson

from connectors.outlook.sandbox.control import OutlookSandbox
from connectors.sandbox import Sandbox
from connectors.sandboxkit.web import Request, Response

ORIGIN = "http://sandbox"
EMAIL = "anna@example.com"
CONTACTS = "/me/contacts"
DELTA = "/me/contactFolders/contacts/contacts/delta"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class GraphClient:
    """One mailbox's caller. Paths are relative to Graph's version root, or whole links that the sandbox gave."""

    def __init__(self, sandbox: Sandbox, email: str = EMAIL, **account: Any) -> None:
        self.sandbox = sandbox
        self.api: OutlookSandbox = sandbox.part("outlook")
        self.email = email
        self.tokens = self.api.add_account(email, **account)
        self.token: str = self.tokens["access_token"]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> Response:
        parts = urlsplit(path.removeprefix(f"{ORIGIN}/graph/v1.0"))
        sent = {"authorization": f"Bearer {self.token}", "host": "sandbox"}
        if body is not None:
            sent["content-type"] = "application/json"
            content = orjson.dumps(body)
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        return self.sandbox.handle(
            Request(
                method=method,
                path=f"/graph/v1.0{unquote(parts.path)}",
                query={**dict(parse_qsl(parts.query, keep_blank_values=True)), **(query or {})},
                headers=sent,
                body=content,
                origin=ORIGIN,
            )
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: str) -> Any:
        """The answer's JSON; option names without their dollar sign."""
        answer = self.ask("GET", path, query={f"${name}": text for name, text in query.items()}, headers=headers)
        assert answer.status == 200, answer.body
        return answer.json()

    def create(self, path: str = CONTACTS, headers: Mapping[str, str] | None = None, /, **body: Any) -> Any:
        answer = self.ask("POST", path, body, headers=headers)
        assert answer.status == 201, answer.body
        return answer.json()

    def patch(self, contact: Mapping[str, Any], headers: Mapping[str, str] | None = None, **body: Any) -> Any:
        answer = self.ask("PATCH", f"{CONTACTS}/{contact['id']}", body, headers=headers)
        assert answer.status == 200, answer.body
        return answer.json()

    def refusal(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str, str]:
        """Status, code and message of an error."""
        answer = self.ask(method, path, body, **options)
        error = answer.json()["error"]
        return answer.status, error["code"], error["message"]


def form(values: Mapping[str, str]) -> bytes:
    return urlencode(values).encode()
