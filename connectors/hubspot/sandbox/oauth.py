"""Authorize with one click, tokens that do not rotate, introspection and revocation (Working with OAuth; Manage OAuth
tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from connectors.hubspot.sandbox.errors import bad_method, not_found
from connectors.hubspot.sandbox.store import Account, Store
from connectors.hubspot.sandbox.tokens import ACCESS_SECONDS, Tokens
from connectors.sandboxkit.database import Row
from connectors.sandboxkit.html import page, tag
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request, Response, json_response, redirect

VERSIONS = ("v1", "v3", "2026-03", "2026-09")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")
_IP = re.compile(r"[\d.]+\Z|.*:")


class Refused(Exception):  # noqa: N818 - an answer of the protocol
    def __init__(self, error: str, status: str, text: str) -> None:
        super().__init__(text)
        self.body = {"error": error, "error_description": text, "status": status, "message": text}


class Identity:
    def __init__(self, kit: Kit, store: Store, tokens: Tokens) -> None:
        self.kit = kit
        self.store = store
        self.tokens = tokens

    def app(self, client: str) -> Row | None:
        return self.store.database.one("SELECT * FROM hubspot_app WHERE client = ?", (client,))

    def app_id(self, client: str) -> int:
        row = self.app(client)
        return int(row["id"]) if row else 100_000 + zlib.crc32(client.encode()) % 900_000

    def handle(self, request: Request) -> Response:
        try:
            with self.store.database.transaction():
                return self._routed(request)
        except Refused as refused:
            return json_response(refused.body, 400)

    def _routed(self, request: Request) -> Response:
        match (request.method, *request.segments[1:]):
            case ("GET" | "POST", "authorize"):
                return self._authorize(request, "")
            case ("GET" | "POST", portal, "authorize") if portal.isdecimal():
                return self._authorize(request, portal)
            case ("POST", version, "token") if version in VERSIONS:
                return self._token(request, version)
            case ("POST", version, "token", "introspect") if version in VERSIONS[1:]:
                return self._introspect(request.form())
            case ("POST", version, "token", "revoke") if version in VERSIONS[1:]:
                return self._revoke(request.form())
            case ("GET", "v1", ("access-tokens" | "refresh-tokens") as kind, token):
                return self._about(kind, token)
            case ("DELETE", "v1", "refresh-tokens", token):
                self.tokens.spend(token)
                return Response(204)
            case (_, _, "token"):
                raise bad_method()
        raise not_found()

    # ---- authorize

    def _authorize(self, request: Request, portal: str) -> Response:
        asked = request.form() if request.method == "POST" else dict(request.query)
        uri, client = urlsplit(asked.get("redirect_uri", "")), asked.get("client_id", "")
        app = self.app(client)
        if not client or (app is None and self._registered()):
            return _problem("We couldn't find an app with this client ID.")
        strange = app is not None and asked.get("redirect_uri") not in orjson.loads(app["redirects"])
        if strange or not _may_return(uri.scheme, uri.hostname or ""):
            return _problem("The redirect URL does not match one that is registered, or is no https address.")
        account = self.store.account(portal or asked.get("account") or "")
        if asked.get("decision") == "deny":
            words = "The user has denied access to the scopes requested by the app"
            return _back(asked, error="access_denied", error_description=words)
        if request.method == "POST" and account is not None:
            return self._install(asked, account)
        return self._consent(asked, account)

    def _install(self, asked: Mapping[str, str], account: Account) -> Response:
        """Fails where the account lacks a scope that the app must have; an optional one is dropped instead."""
        needed = asked.get("scope", "").split() or ["oauth"]
        granted = set(account.on("scopes"))
        lacking = [scope for scope in needed if scope not in granted]
        if lacking:
            return _problem(f"This app needs what the account {account.portal} does not have: {', '.join(lacking)}.")
        scopes = [*needed, *(scope for scope in asked.get("optional_scope", "").split() if scope in granted)]
        data = {name: asked.get(name, "") for name in ("redirect_uri", "code_challenge")}
        every = dict.fromkeys(["oauth", *scopes])
        code = self.tokens.issue(account.portal, "code", every, client=asked["client_id"], data=data)
        return _back(asked, code=code)

    def _consent(self, asked: Mapping[str, str], account: Account | None) -> Response:
        hidden = [tag("input", type="hidden", name=key, value=value) for key, value in asked.items()]
        listed = [account] if account else self.store.accounts()
        choices = [tag("option", f"{one.on('name')} ({one.portal}), {one.email}", value=one.portal) for one in listed]
        form = tag(
            "form",
            *hidden,
            tag("label", "Choose an account ", tag("select", *choices, name="account")),
            tag("p", "Access: ", asked.get("scope") or "oauth", " ", asked.get("optional_scope", "")),
            tag("button", "Connect app", name="decision", value="allow", class_="main"),
            tag("button", "Cancel", name="decision", value="deny"),
            method="post",
        )
        parts = urlsplit(asked["redirect_uri"])
        forms = f"'self' {parts.scheme}://{parts.netloc}"
        return page("Connect app", tag("h1", "Connect app to HubSpot?"), form, forms=forms)

    def _registered(self) -> bool:
        return bool(self.store.database.value("SELECT count(*) FROM hubspot_app"))

    # ---- token

    def _client(self, form: Mapping[str, str]) -> str:
        client = form.get("client_id", "")
        app = self.app(client)
        if not client or (app is None and self._registered()):
            raise Refused("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if app is not None and not hmac.compare_digest(app["secret"], form.get("client_secret", "")):
            raise Refused("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
        return client

    def _token(self, request: Request, version: str) -> Response:
        """Version 1 takes its fields in the address, too."""
        form = {**request.query, **request.form()} if version == "v1" else request.form()
        client = self._client(form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem(form, client, version)
            case "refresh_token":
                row = self.tokens.find(form.get("refresh_token", ""), "refresh")
                if row is None or (row["client"] and row["client"] != client):
                    text = "refresh token is invalid, expired or revoked"
                    raise Refused("invalid_grant", "BAD_REFRESH_TOKEN", text)
                return self._grant(row, row["token"], client, version)
            case "client_credentials" if version != "v1":
                scopes = form.get("scope", "").split()
                token = self.tokens.issue(0, "app", scopes, client=client)
                body = {"access_token": token, "expires_in": int(ACCESS_SECONDS), "token_type": "bearer"}
                return json_response({**body, "token_use": "access_token", "scopes": scopes})
        raise Refused("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")

    def _redeem(self, form: Mapping[str, str], client: str, version: str) -> Response:
        row = self.tokens.find(form.get("code", ""), "code")
        if row is None or row["client"] != client:
            raise Refused("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
        data = orjson.loads(row["data"])
        if form.get("redirect_uri") != data["redirect_uri"]:
            text = "redirect URI does not match initial auth code URI"
            raise Refused("invalid_grant", "BAD_REDIRECT_URI", text)
        _check_verifier(data["code_challenge"], form.get("code_verifier", ""))
        self.tokens.spend(row["token"])
        refresh = self.tokens.issue(row["portal"], "refresh", row["scopes"].split(), client=client)
        return self._grant(row, refresh, client, version)

    def _grant(self, row: Row, refresh: str, client: str, version: str) -> Response:
        account = self.store.account(row["portal"])
        if account is None:
            raise Refused("invalid_grant", "BAD_HUB", "the account is gone")
        body = self.answer(account, row["scopes"].split(), client, refresh, version=version)
        return json_response(body, headers={"Cache-Control": "no-store"})

    def answer(
        self, account: Account, scopes: list[str], client: str, refresh: str = "", version: str = "v3"
    ) -> dict[str, Any]:
        """The token endpoint's answer; without a refresh token one is made."""
        found: dict[str, Any] = {
            "access_token": self.tokens.issue(account.portal, "access", scopes, client=client),
            "refresh_token": refresh or self.tokens.issue(account.portal, "refresh", scopes, client=client),
            "expires_in": int(ACCESS_SECONDS),
            "token_type": "bearer",
        }
        if version != "v1":
            about = {"hub_id": account.portal, "user_id": account.user, "scopes": scopes}
            found |= {"token_use": "access_token", **about}
        return found

    # ---- about tokens

    def _about(self, kind: str, token: str) -> Response:
        row = self.tokens.find(token, "access" if kind == "access-tokens" else "refresh")
        account = self.store.account(row["portal"]) if row else None
        if row is None or account is None:
            raise not_found("token not found")
        found = {
            "token": token,
            "user": account.email,
            "hub_domain": _domain(account),
            "scopes": row["scopes"].split(),
            "hub_id": account.portal,
            "user_id": account.user,
            "token_type": "access" if kind == "access-tokens" else "refresh",
        }
        if kind == "refresh-tokens":
            return json_response({**found, "client_id": row["client"]})
        left = int(row["expires"] - self.kit.clock.now())
        return json_response({**found, "app_id": self.app_id(row["client"]), "expires_in": left})

    def _introspect(self, form: Mapping[str, str]) -> Response:
        client = self._client(form)
        row = self.tokens.row(form.get("token", ""))
        account = self.store.account(row["portal"]) if row else None
        now = self.kit.clock.now()
        good = row is not None and not row["spent"] and row["expires"] > now and row["client"] in ("", client)
        if row is None or account is None or not good:
            return json_response({"active": False})
        use = "refresh_token" if row["kind"] == "refresh" else "access_token"
        found: dict[str, Any] = {
            "active": True,
            "token": row["token"],
            "token_type": "bearer",
            "token_use": use,
            "client_id": client,
            "app_id": self.app_id(client),
            "hub_id": account.portal,
            "hub_domain": _domain(account),
            "user_id": account.user,
            "user": account.email,
            "scopes": row["scopes"].split(),
            "is_private_distribution": False,
        }
        return json_response({**found, "expires_in": int(row["expires"] - now)} if use == "access_token" else found)

    def _revoke(self, form: Mapping[str, str]) -> Response:
        """Neither uninstalls the app nor ends the access tokens that were made of a refresh token."""
        self._client(form)
        self.tokens.spend(form.get("token", ""))
        return Response(200)


def _domain(account: Account) -> str:
    return f"{account.on('name').lower().replace(' ', '-')}-{account.portal}.example.com"


def _may_return(scheme: str, host: str) -> bool:
    """Https to a name; plain http to this machine alone."""
    return (scheme in ("http", "https") and host in LOOPBACK) or (
        scheme == "https" and bool(host) and not _IP.match(host)
    )


def _problem(words: str) -> Response:
    found = page("Error", tag("h1", "The app could not be connected"), tag("p", words))
    found.status = 400
    return found


def _back(asked: Mapping[str, str], **values: str) -> Response:
    if "state" in asked:
        values["state"] = asked["state"]
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect(f"{asked['redirect_uri']}{joint}{urlencode(values)}", 302)


def _check_verifier(challenge: str, verifier: str) -> None:
    if not challenge:
        return
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not _VERIFIER.match(verifier) or not hmac.compare_digest(made, challenge):
        raise Refused("invalid_grant", "BAD_CODE_VERIFIER", "the code verifier does not fit the challenge")
