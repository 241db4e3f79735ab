"""Tokens, and whose they are."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connectors.hubspot.sandbox.store import Account, Store
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Request

ACCESS_SECONDS = 1800.0
CODE_SECONDS = 60.0
FOREVER = 100 * 365 * 86_400.0
STATIC = "pat-"
_STARTS = {"access": "CMek", "refresh": "na1-", "code": "", "static": f"{STATIC}eu1-", "app": "CApp"}
_LIVES = {"access": ACCESS_SECONDS, "app": ACCESS_SECONDS, "code": CODE_SECONDS}


class Tokens:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database

    def issue(
        self,
        portal: int,
        kind: str,
        scopes: Iterable[str],
        *,
        client: str = "",
        token: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> str:
        """Makes a token of a kind: access, refresh, static (for one account), code or app (for no account)."""
        token = token or _STARTS[kind] + secrets.token_urlsafe(48)
        until = self.store.clock.now() + _LIVES.get(kind, FOREVER)
        self.database.execute(
            "INSERT OR REPLACE INTO hubspot_token (token, portal, kind, client, scopes, expires, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (token, portal, kind, client, " ".join(scopes), until, orjson.dumps(dict(data or {}))),
        )
        return token

    def row(self, token: str) -> Row | None:
        return self.database.one("SELECT * FROM hubspot_token WHERE token = ?", (token,))

    def find(self, token: str, kind: str) -> Row | None:
        """One that is still good."""
        row = self.row(token)
        good = row is not None and row["kind"] == kind and not row["spent"]
        return row if row is not None and good and row["expires"] > self.store.clock.now() else None

    def spend(self, token: str) -> None:
        self.database.execute("UPDATE hubspot_token SET spent = 1 WHERE token = ?", (token,))

    def expire(self, account: Account, kind: str) -> None:
        now = self.store.clock.now()
        sql = "UPDATE hubspot_token SET expires = min(expires, ?) WHERE portal = ? AND kind = ?"
        self.database.execute(sql, (now, account.portal, kind))

    def peek(self, request: Request) -> Row | None:
        """What a request carries, good or not."""
        return self.row(bearer(request))


def bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
