"""Tokens, and whose they are."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.salesforce.sandbox.store import Org, Store
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Request

ACCESS_SECONDS = 2 * 3600.0
REFRESH_SECONDS = 30 * 24 * 3600.0
CODE_SECONDS = 15 * 60.0
SCOPES = "refresh_token api"


class Tokens:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database

    def issue(
        self,
        org: Org,
        kind: str,
        scope: str = SCOPES,
        *,
        client: str = "",
        seconds: float = 0.0,
        token: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> str:
        """Makes a token of a kind: access, refresh or code. `token`: a text of the caller's choice."""
        starts = {"access": f"{org.id[:15]}!AQ", "refresh": "5Aep861", "code": "aPrx"}
        lives = {"access": ACCESS_SECONDS, "refresh": REFRESH_SECONDS, "code": CODE_SECONDS}
        token = token or starts[kind] + secrets.token_urlsafe(64)
        until = self.store.clock.now() + (seconds or lives[kind])
        self.database.execute(
            "INSERT OR REPLACE INTO salesforce_token (token, org, kind, client, scope, expires, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (token, org.id, kind, client, scope, until, orjson.dumps(dict(data or {}))),
        )
        return token

    def find(self, token: str, kind: str) -> Row | None:
        """One that is still good."""
        row = self.database.one("SELECT * FROM salesforce_token WHERE token = ? AND kind = ?", (token, kind))
        return None if row is None or row["spent"] or row["expires"] <= self.store.clock.now() else row

    def spend(self, token: str) -> None:
        self.database.execute("UPDATE salesforce_token SET spent = 1 WHERE token = ?", (token,))

    def expire(self, org: Org, kind: str) -> None:
        self.database.execute("UPDATE salesforce_token SET expires = 0 WHERE org = ? AND kind = ?", (org.id, kind))

    def peek(self, request: Request) -> Org | None:
        """Whose token a request carries, good or not."""
        row = self.database.one("SELECT org FROM salesforce_token WHERE token = ?", (_bearer(request),))
        return self.store.org(row["org"]) if row else None

    def granted(self, request: Request) -> Org | None:
        row = self.find(_bearer(request), "access")
        return self.store.org(row["org"]) if row else None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""
