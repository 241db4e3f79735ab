"""The identity platform's v2.0 endpoints: authorize with PKCE, token, refresh, discovery
(learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import orjson

from connectors.outlook.sandbox import signin
from connectors.outlook.sandbox.errors import GraphError
from connectors.outlook.sandbox.idtoken import IdTokens
from connectors.outlook.sandbox.store import Mailbox, Store
from connectors.outlook.sandbox.tokens import ACCESS_SECONDS, CODE_SECONDS, REFRESH_SECONDS, Tokens, plain_scopes
from connectors.sandboxkit.faults import strike
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Request, Response, json_response, redirect

PREFIX = "/microsoft"
USER_INFO = "/graph/oidc/userinfo"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
WORK_TENANT = "5d1c2b6e-7a0f-4c1e-9f6a-3a1f0d1c7b21"
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")
_UNLISTED = frozenset({"offline_access"})


class Refused(Exception):  # noqa: N818 - an answer of the protocol
    """An error of the token endpoint: RFC 6749 section 5.2 plus the vendor's number."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class App:
    """A registered application."""

    secret: str
    redirects: tuple[str, ...]
    missing: bool = False


class Identity:
    def __init__(self, kit: Kit, store: Store, tokens: Tokens) -> None:
        self.kit = kit
        self.store = store
        self.tokens = tokens
        self.id_tokens = IdTokens(store)

    def handle(self, request: Request) -> Response:
        def words(status: int, wait: float | None) -> Response:
            answer = self._error(Refused("temporarily_unavailable", 90033, "A transient error has occurred.", status))
            if wait is not None:
                answer.headers["Retry-After"] = f"{wait:g}"
            return answer

        return strike(self.kit.faults, request, self._routed, words)

    def _routed(self, request: Request) -> Response:
        segments = request.segments
        if len(segments) < 2:
            return Response(404)
        tenant, rest = segments[0], "/".join(segments[1:])
        if rest == "oauth2/v2.0/authorize":
            return self._authorize(request)
        if rest == "oauth2/v2.0/token" and request.method == "POST":
            try:
                with self.store.database.transaction():
                    return self._token(request)
            except Refused as refused:
                return self._error(refused)
        if rest == "v2.0/.well-known/openid-configuration":
            return self._discovery(tenant)
        if rest == "discovery/v2.0/keys":
            return json_response({"keys": [self.id_tokens.public_key()]})
        if rest == "v2.0/adminconsent":
            return self._admin_consent(request)
        return Response(404)

    # ---- authorize

    def _authorize(self, request: Request) -> Response:
        asked = request.form() if request.method == "POST" else dict(request.query)
        problem = self._bad_request(asked)
        if problem:
            return signin.problem_page(problem)
        if asked.get("response_type") != "code":
            return self._back(asked, error="unsupported_response_type", error_description="Only code is supported.")
        mailbox = self.store.mailbox(asked.get("account") or asked.get("login_hint") or "")
        if asked.get("decision") == "decline":
            text = "AADSTS65004: The resource owner or authorization server denied the request."
            return self._back(asked, error="access_denied", error_description=text)
        if request.method == "POST" and asked.get("decision") == "accept" and mailbox is not None:
            return self._consented(asked, mailbox)
        if asked.get("prompt") == "none":
            if mailbox is None:
                text = "AADSTS50058: A silent sign-in request was sent but no user is signed in."
                return self._back(asked, error="login_required", error_description=text)
            return self._consented(asked, mailbox)
        return signin.page(asked, self.store.mailboxes(), mailbox, plain_scopes(asked.get("scope", "")))

    def _bad_request(self, asked: Mapping[str, str]) -> str:
        """Faults that are shown on the page, since the way back itself cannot be trusted."""
        if not asked.get("client_id"):
            return "AADSTS900144: The request body must contain the following parameter: 'client_id'."
        uri = urlsplit(asked.get("redirect_uri", ""))
        if uri.scheme not in ("http", "https") or not uri.netloc:
            return "AADSTS50011: The redirect URI specified in the request is not valid."
        app = self._app(asked["client_id"])
        if app is not None and asked["redirect_uri"] not in app.redirects:
            return "AADSTS50011: The redirect URI does not match the redirect URIs configured for the application."
        return ""

    def _app(self, client: str) -> App | None:
        """A registered application; None where no application is registered at all: then any client is taken."""
        row = self.store.database.one("SELECT * FROM outlook_app WHERE client = ?", (client,))
        if row is not None:
            return App(row["secret"], tuple(orjson.loads(row["redirects"])))
        return App("", (), missing=True) if self.store.database.value("SELECT count(*) FROM outlook_app") else None

    def _consented(self, asked: Mapping[str, str], mailbox: Mailbox) -> Response:
        if mailbox.on("admin_consent_required"):
            text = "AADSTS65001: The user or administrator has not consented to use the application."
            return self._back(asked, error="consent_required", error_description=text)
        with self.store.database.transaction():
            code = self.tokens.issue(
                mailbox,
                "code",
                " ".join(plain_scopes(asked.get("scope", ""))),
                client=asked["client_id"],
                seconds=CODE_SECONDS,
                data={
                    "redirect_uri": asked["redirect_uri"],
                    "challenge": asked.get("code_challenge", ""),
                    "method": asked.get("code_challenge_method", "plain"),
                    "nonce": asked.get("nonce", ""),
                },
            )
        return self._back(asked, code=code, session_state=str(uuid.uuid4()))

    @staticmethod
    def _back(asked: Mapping[str, str], **values: str) -> Response:
        if "state" in asked:
            values["state"] = asked["state"]
        mark = "#" if asked.get("response_mode") == "fragment" else "?"
        joint = "&" if mark in asked["redirect_uri"] else mark
        return redirect(f"{asked['redirect_uri']}{joint}{urlencode(values)}", 302)

    def _admin_consent(self, request: Request) -> Response:
        asked = dict(request.query)
        problem = self._bad_request(asked)
        if problem:
            return signin.problem_page(problem)
        return self._back(asked, admin_consent="True", tenant=WORK_TENANT, scope=asked.get("scope", ""))

    # ---- token

    def _token(self, request: Request) -> Response:
        form = request.form()
        basic = request.headers.get("authorization", "")
        if basic.lower().startswith("basic "):
            name, _, secret = base64.b64decode(basic[6:] + "==").decode("utf-8", "replace").partition(":")
            form = {"client_id": unquote(name), "client_secret": unquote(secret), **form}
        for name in ("client_id", "grant_type"):
            if not form.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                raise Refused("invalid_request", 900144, text)
        self._check_client(form)
        if form["grant_type"] == "authorization_code":
            return self._redeem(form)
        if form["grant_type"] == "refresh_token":
            return self._refresh(form)
        raise Refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")

    def _check_client(self, form: Mapping[str, str]) -> None:
        app = self._app(form["client_id"])
        if app is not None and app.missing:
            text = f"Application with identifier '{form['client_id']}' was not found in the directory."
            raise Refused("unauthorized_client", 700016, text)
        if app is not None and app.secret and not hmac.compare_digest(app.secret, form.get("client_secret", "")):
            raise Refused("invalid_client", 7000215, "Invalid client secret provided.", 401)

    def _redeem(self, form: Mapping[str, str]) -> Response:
        row = self.tokens.find(form.get("code", ""), "code")
        if row is None or row["client"] != form["client_id"]:
            raise Refused("invalid_grant", 70000, "The provided value for the 'code' parameter is not valid.")
        if row["spent"]:
            text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code."
            raise Refused("invalid_grant", 54005, text)
        if row["expires"] <= self.kit.clock.now():
            raise Refused("invalid_grant", 70008, "The provided authorization code has expired.")
        data = orjson.loads(row["data"])
        if form.get("redirect_uri") != data["redirect_uri"]:
            raise Refused("invalid_grant", 50011, "The redirect URI does not match the one the code was made for.")
        _check_verifier(data, form.get("code_verifier", ""))
        self.tokens.spend(row["token"])
        mailbox = self.store.mailbox(int(row["mailbox"]))
        if mailbox is None:
            raise Refused("invalid_grant", 50034, "The user account does not exist.")
        return self._grant(mailbox, row["scope"], form["client_id"], data.get("nonce", ""))

    def _refresh(self, form: Mapping[str, str]) -> Response:
        row = self.tokens.find(form.get("refresh_token", ""), "refresh")
        mailbox = self.store.mailbox(int(row["mailbox"])) if row is not None else None
        if row is None or mailbox is None or (row["client"] and row["client"] != form["client_id"]):
            raise Refused("invalid_grant", 70000, "The provided value for the 'refresh_token' parameter is not valid.")
        if mailbox.on("refresh_error"):
            raise _forced(str(mailbox.on("refresh_error")))
        if row["expires"] <= self.kit.clock.now() or (row["spent"] and mailbox.on("rotates_strictly")):
            raise Refused("invalid_grant", 700082, "The refresh token has expired or was revoked.")
        had = plain_scopes(row["scope"])
        wanted = plain_scopes(form.get("scope", "")) or had
        if not {scope.lower() for scope in wanted} <= {scope.lower() for scope in (*had, ".default")}:
            raise Refused("invalid_grant", 65001, "The user or administrator has not consented to these scopes.")
        self.tokens.spend(row["token"])
        return self._grant(mailbox, " ".join(had), form["client_id"], "")

    def _grant(self, mailbox: Mailbox, scope: str, client: str, nonce: str) -> Response:
        scopes = plain_scopes(scope)
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(name for name in scopes if name not in _UNLISTED),
            "expires_in": ACCESS_SECONDS,
            "ext_expires_in": ACCESS_SECONDS,
            "access_token": self.tokens.issue(mailbox, "access", scope, client=client),
        }
        if "offline_access" in scopes:
            answer["refresh_token"] = self.tokens.issue(
                mailbox, "refresh", scope, client=client, seconds=REFRESH_SECONDS
            )
        if "openid" in scopes:
            tenant = WORK_TENANT if mailbox.kind == "work" else PERSONAL_TENANT
            issuer = f"{self.kit.origin()}{PREFIX}/{tenant}/v2.0"
            answer["id_token"] = self.id_tokens.make(mailbox, tenant, issuer, client, nonce)
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def _error(self, refused: Refused) -> Response:
        moment = datetime.fromtimestamp(self.kit.clock.now(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        text = (
            f"AADSTS{refused.number}: {refused.text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\n"
            f"Timestamp: {moment}"
        )
        body = {
            "error": refused.error,
            "error_description": text,
            "error_codes": [refused.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refused.number}",
        }
        return json_response(body, refused.status)

    def user_info(self, request: Request) -> Response:
        """Who signed in (OpenID Connect Core 1.0 section 5.3)."""
        try:
            mailbox = self.tokens.granted(request).mailbox
        except GraphError as error:
            return Response(error.status, headers=error.headers)
        return json_response({"sub": mailbox.guid.replace("-", ""), "name": mailbox.name, "email": mailbox.email})

    def _discovery(self, tenant: str) -> Response:
        base = f"{self.kit.origin()}{PREFIX}/{tenant}"
        named = {"common": "{tenantid}", "organizations": "{tenantid}", "consumers": PERSONAL_TENANT}
        issuer_tenant = named.get(tenant) or (tenant if _GUID.fullmatch(tenant) else WORK_TENANT)
        return json_response(
            {
                "issuer": f"{self.kit.origin()}{PREFIX}/{issuer_tenant}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "userinfo_endpoint": f"{self.kit.origin()}{USER_INFO}",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
                "code_challenge_methods_supported": ["S256", "plain"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "oid", "name", "preferred_username"],
            }
        )


def _check_verifier(data: Mapping[str, str], verifier: str) -> None:
    if not data["challenge"]:
        return
    if not _VERIFIER.match(verifier):
        raise Refused("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied.")
    made = verifier
    if data["method"] == "S256":
        made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not hmac.compare_digest(made, data["challenge"]):
        raise Refused("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied.")


def _forced(number: str) -> Refused:
    """A refusal that a mailbox's switch asks for, with the pairing of error and number that is usual."""
    interactive = number in ("50076", "50079", "50078", "50074", "50158", "53003", "53000")
    clients = number in ("7000215", "70002", "7000222")
    error = "interaction_required" if interactive else "invalid_client" if clients else "invalid_grant"
    return Refused(error, int(number), "The grant can no longer be used.", 401 if clients else 400)
