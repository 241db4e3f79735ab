"""The web server flow with PKCE, refresh with and without rotation, revoke, introspect, user info and the identity URL
(help.salesforce.com, OAuth 2.0 Web Server Flow for Web App Integration)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import orjson

from connectors.salesforce.sandbox.errors import expired_session, not_found
from connectors.salesforce.sandbox.query import ROOT
from connectors.salesforce.sandbox.store import Org, Store, moment
from connectors.salesforce.sandbox.tokens import SCOPES, Tokens
from connectors.sandboxkit.faults import strike
from connectors.sandboxkit.html import page, tag
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request, Response, json_response, redirect

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")


class Refused(Exception):  # noqa: N818 - an answer of the protocol
    def __init__(self, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.text = text
        self.status = status


class Identity:
    def __init__(self, kit: Kit, store: Store, tokens: Tokens) -> None:
        self.kit = kit
        self.store = store
        self.tokens = tokens

    def handle(self, request: Request) -> Response:
        began = time.perf_counter()
        response = strike(self.kit.faults, request, self._guarded, lambda status, wait: _error(Refused(
            "unknown_error" if status >= 500 else "invalid_grant", "retry your request", status)))  # fmt: skip
        path = request.prefix + request.path
        route = re.sub(r"/id/.*", "/id", path)
        self.kit.journal.note(request.method, path, route, response.status, account="", inner=False, began=began)
        return response

    def _guarded(self, request: Request) -> Response:
        try:
            with self.store.database.transaction():
                return self._routed(request)
        except Refused as refused:
            return _error(refused)

    def _routed(self, request: Request) -> Response:
        if request.segments[0] == "id":
            return self._identity(request)
        match (request.method, request.segments[2] if len(request.segments) == 3 else ""):
            case ("GET" | "POST", "authorize"):
                return self._authorize(request)
            case ("POST", "token"):
                return self._token(request)
            case ("POST" | "GET", "revoke"):
                return self._revoke(request.form().get("token") or request.query.get("token", ""))
            case ("POST", "introspect"):
                return self._introspect(request)
            case ("GET" | "POST", "userinfo"):
                org = self.tokens.granted(request)
                if org is None:
                    return Response(403, b"Bad_OAuth_Token")
                body = self._person(org)
                names = {"sub": body["id"], "name": body["display_name"], "preferred_username": org.username}
                return json_response({**names, "email": org.username, "user_id": org.user, "organization_id": org.id})
        return not_found().response()

    # ---- authorize

    def _authorize(self, request: Request) -> Response:
        asked = request.form() if request.method == "POST" else dict(request.query)
        uri = urlsplit(asked.get("redirect_uri", ""))
        app = self._app(asked.get("client_id", ""))
        if not asked.get("client_id") or app is False:
            return _problem("invalid_client_id", "client identifier invalid")
        strange = isinstance(app, tuple) and asked.get("redirect_uri") not in app[1]
        if uri.scheme not in ("http", "https") or not uri.netloc or strange:
            return _problem("redirect_uri_mismatch", "redirect_uri must match configuration")
        if asked.get("response_type") != "code":
            return _back(asked, error="unsupported_response_type", error_description="response type not supported")
        challenge = asked.get("code_challenge", "")
        if challenge and not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge):
            return _back(asked, error="invalid_request", error_description="invalid code challenge")
        org = self.store.org(asked.get("account") or asked.get("login_hint") or "")
        if asked.get("decision") == "deny":
            return _back(asked, error="access_denied", error_description="end-user denied authorization")
        if request.method == "POST" and org is not None:
            names = ("redirect_uri", "code_challenge")
            data = {name: asked.get(name, "") for name in names}
            scope = asked.get("scope") or SCOPES
            code = self.tokens.issue(org, "code", scope, client=asked["client_id"], data=data)
            return _back(asked, code=code)
        return self._consent(asked, org)

    def _consent(self, asked: Mapping[str, str], org: Org | None) -> Response:
        hidden = [tag("input", type="hidden", name=key, value=value) for key, value in asked.items()]
        names = [org] if org else self.store.orgs()
        choices = [tag("option", one.username, value=one.username) for one in names]
        form = tag(
            "form",
            *hidden,
            tag("label", "Sign in as ", tag("select", *choices, name="account")),
            tag("p", "Access: ", asked.get("scope") or SCOPES),
            tag("button", "Allow", name="decision", value="allow", class_="main"),
            tag("button", "Deny", name="decision", value="deny"),
            method="post",
        )
        parts = urlsplit(asked["redirect_uri"])
        forms = f"'self' {parts.scheme}://{parts.netloc}"
        return page("Allow access?", tag("h1", "Allow access?"), form, forms=forms)

    def _app(self, client: str) -> tuple[str, tuple[str, ...]] | None | bool:
        """A client's secret and redirects; None where no client is registered at all, False for an unknown one."""
        row = self.store.database.one("SELECT * FROM salesforce_app WHERE client = ?", (client,))
        if row is not None:
            return row["secret"], tuple(orjson.loads(row["redirects"]))
        return False if self.store.database.value("SELECT count(*) FROM salesforce_app") else None

    # ---- token

    def _token(self, request: Request) -> Response:
        form = request.form()
        basic = request.headers.get("authorization", "")
        if basic.lower().startswith("basic "):
            name, _, secret = base64.b64decode(basic[6:] + "==").decode("utf-8", "replace").partition(":")
            form = {"client_id": unquote(name), "client_secret": unquote(secret), **form}
        app = self._app(form.get("client_id", ""))
        if not form.get("client_id") or app is False:
            raise Refused("invalid_client_id", "client identifier invalid")
        if isinstance(app, tuple) and app[0] and not hmac.compare_digest(app[0], form.get("client_secret", "")):
            raise Refused("invalid_client", "invalid client credentials")
        if form.get("grant_type") == "authorization_code":
            return self._redeem(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        raise Refused("unsupported_grant_type", "grant type not supported")

    def _redeem(self, form: Mapping[str, str]) -> Response:
        row = self.tokens.find(form.get("code", ""), "code")
        if row is None or row["client"] != form["client_id"]:
            raise Refused("invalid_grant", "expired authorization code")
        data = orjson.loads(row["data"])
        if form.get("redirect_uri") != data["redirect_uri"]:
            raise Refused("redirect_uri_mismatch", "redirect_uri must match configuration")
        _check_verifier(data["code_challenge"], form.get("code_verifier", ""))
        self.tokens.spend(row["token"])
        return self._grant(row["org"], row["scope"], form["client_id"], refresh=True)

    def _refresh(self, form: Mapping[str, str]) -> Response:
        row = self.tokens.find(form.get("refresh_token", ""), "refresh")
        if row is None or (row["client"] and row["client"] != form["client_id"]):
            raise Refused("invalid_grant", "expired access/refresh token")
        org = self.store.org(row["org"])
        rotates = bool(org and org.on("rotates_refresh_tokens"))
        if rotates:
            self.tokens.spend(row["token"])
        return self._grant(row["org"], row["scope"], form["client_id"], refresh=rotates)

    def _grant(self, key: str, scope: str, client: str, *, refresh: bool) -> Response:
        org = self.store.org(key)
        if org is None:
            raise Refused("inactive_org", "the organization is locked, closed, or suspended")
        answer = self.answer(org, scope, client, refresh=refresh)
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def answer(self, org: Org, scope: str, client: str, *, refresh: bool) -> dict[str, Any]:
        origin = f"{self.kit.origin()}/salesforce"
        found = {
            "access_token": self.tokens.issue(org, "access", scope, client=client),
            "instance_url": org.on("instance_url") or origin,
            "id": f"{origin}/id/{org.id}/{org.user}",
            "token_type": "Bearer",
            "issued_at": str(int(self.kit.clock.now() * 1000)),
            "scope": scope,
        }
        if refresh and "refresh_token" in scope.replace("offline_access", "refresh_token").split():
            found["refresh_token"] = self.tokens.issue(org, "refresh", scope, client=client)
        signed = (found["id"] + found["issued_at"]).encode()
        app = self._app(client)
        secret = app[0] if isinstance(app, tuple) else ""
        found["signature"] = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
        return found

    def _introspect(self, request: Request) -> Response:
        row = self.store.database.one(
            "SELECT * FROM salesforce_token WHERE token = ?", (request.form().get("token", ""),)
        )
        org = self.store.org(row["org"]) if row else None
        if row is None or org is None or row["spent"] or row["expires"] <= self.kit.clock.now():
            return json_response({"active": False})
        return json_response(
            {
                "active": True,
                "scope": row["scope"],
                "client_id": row["client"],
                "username": org.username,
                "sub": f"{self.kit.origin()}/salesforce/id/{org.id}/{org.user}",
                "token_type": f"{row['kind']}_token",
                "exp": int(row["expires"]),
            }
        )

    def _revoke(self, token: str) -> Response:
        """A refresh token takes along the access tokens that were made of it, those of the same user and client."""
        database = self.store.database
        row = database.one("SELECT * FROM salesforce_token WHERE token = ?", (token,))
        if row is None or not database.changed("UPDATE salesforce_token SET expires = 0 WHERE token = ?", (token,)):
            raise Refused("invalid_token", "invalid token: <token>")
        if row["kind"] == "refresh":
            made = "UPDATE salesforce_token SET expires = 0 WHERE kind = 'access' AND org = ? AND client = ?"
            database.execute(made, (row["org"], row["client"]))
        return Response(200)

    # ---- who it is

    def _identity(self, request: Request) -> Response:
        org = self.tokens.granted(request)
        if org is None:
            return Response(403, b"Missing_OAuth_Token")
        if request.segments[1:] != [org.id, org.user]:
            return expired_session().response()
        return json_response(self._person(org))

    def _person(self, org: Org) -> dict[str, Any]:
        user = self.store.record(org, "User", org.user)
        info = org.info("User")
        shown = user.shown(info) if info else {}
        origin = f"{self.kit.origin()}/salesforce"
        return {
            "id": f"{origin}/id/{org.id}/{org.user}",
            "asserted_user": True,
            "user_id": org.user,
            "organization_id": org.id,
            "username": org.username,
            "display_name": shown.get("Name"),
            "email": org.username,
            "active": True,
            "user_type": "STANDARD",
            "urls": {"rest": f"{origin}{ROOT.replace('v67.0', 'v{version}')}/"},
            "last_modified_date": moment(user.modified),
        }


def _error(refused: Refused) -> Response:
    return json_response({"error": refused.error, "error_description": refused.text}, refused.status)


def _problem(error: str, text: str) -> Response:
    found = page("Error", tag("h1", "OAuth error"), tag("p", f"error={error} error_description={text}"))
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
        raise Refused("invalid_grant", "invalid code verifier")
