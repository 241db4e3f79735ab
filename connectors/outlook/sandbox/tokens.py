"""Tokens, and who may do what with them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import GraphError, by_status, item_not_found
from connectors.outlook.sandbox.store import Mailbox, Store
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.web import Request

ACCESS_SECONDS = 3599
REFRESH_SECONDS = 90 * 24 * 3600.0
CODE_SECONDS = 600.0
SCOPES = (
    "openid profile offline_access User.Read Contacts.ReadWrite MailboxSettings.ReadWrite Contacts.ReadWrite.Shared"
)


@dataclass(frozen=True, slots=True)
class Grant:
    mailbox: Mailbox
    scopes: frozenset[str]  # lower-case, without the resource's address
    client: str


def plain_scopes(scope: str) -> list[str]:
    """Scopes without the address of Graph before them, in order."""
    return list(dict.fromkeys(name.rpartition("/")[2] for name in scope.split()))


class Tokens:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database

    def issue(
        self,
        mailbox: Mailbox,
        kind: str,
        scope: str,
        *,
        client: str = "",
        seconds: float = ACCESS_SECONDS,
        token: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> str:
        """Makes a token of a kind: access, refresh or code. `token`: a text of the caller's choice."""
        token = token or {"access": "EwB", "refresh": "M.C5", "code": "0.A"}[kind] + secrets.token_urlsafe(96)
        self.database.execute(
            "INSERT OR REPLACE INTO outlook_token (token, mailbox, kind, client, scope, expires, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (token, mailbox.number, kind, client, scope, self.store.clock.now() + seconds, orjson.dumps(data or {})),
        )
        return token

    def find(self, token: str, kind: str) -> Row | None:
        return self.database.one("SELECT * FROM outlook_token WHERE token = ? AND kind = ?", (token, kind))

    def spend(self, token: str) -> None:
        self.database.execute("UPDATE outlook_token SET spent = spent + 1 WHERE token = ?", (token,))

    def expire(self, mailbox: Mailbox, kinds: Iterable[str]) -> None:
        """Ends the mailbox's tokens of some kinds: access by time, refresh as if the grant had been withdrawn."""
        for kind in kinds:
            self.database.execute(
                "UPDATE outlook_token SET expires = 0 WHERE mailbox = ? AND kind = ?", (mailbox.number, kind)
            )

    def register_app(self, client: str, redirects: Iterable[str], secret: str) -> None:
        self.database.execute(
            "INSERT OR REPLACE INTO outlook_app VALUES (?, ?, ?)", (client, secret, orjson.dumps(list(redirects)))
        )

    # ---- at Graph's door

    def peek(self, request: Request) -> Mailbox | None:
        """Whose token a request carries, valid or not."""
        row = self.find(_bearer(request), "access")
        return None if row is None else self.store.mailbox(int(row["mailbox"]))

    def granted(self, request: Request) -> Grant:
        token = _bearer(request)
        if not token:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.", _challenge())
        row = self.find(token, "access")
        mailbox = self.store.mailbox(int(row["mailbox"])) if row is not None else None
        if row is None or mailbox is None:
            raise GraphError(401, "InvalidAuthenticationToken", "CompactToken parsing failed.", _challenge())
        if row["expires"] <= self.store.clock.now():
            error = by_status(401)
            error.headers.update(_challenge())
            raise error
        return Grant(mailbox, frozenset(name.lower() for name in plain_scopes(row["scope"])), row["client"])

    def opened(self, call: Call, key: str) -> Mailbox:
        """The mailbox that /users/{key} means to this caller."""
        mailbox = self.store.mailbox(key)
        if mailbox is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")
        allowed = [str(address).lower() for address in mailbox.on("shared_with")]
        if mailbox.number != call.caller.number and call.caller.email.lower() not in allowed:
            if not any(scope.endswith(".shared") for scope in call.scopes):
                raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
            raise item_not_found()
        return mailbox


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _challenge() -> dict[str, str]:
    return {
        "WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    }
