"""How a person authorises a mailbox at Microsoft
(learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and v2-admin-consent)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from connectors.base import Host, Unavailable
from connectors.oauth import Choice, Identity, OAuth, Scope
from connectors.outlook.graph import Graph, query
from connectors.outlook.oauth import LOGIN_URL, endpoint, has_scope, redeem, scope

SCOPES: Final = (
    Scope("offline_access", "to work while you are away"),
    Scope("openid", "to know who signed in"),
    Scope("User.Read", "to show whose account it is"),
    Scope("Contacts.ReadWrite", "to read and write contacts"),
    Scope("MailboxSettings.Read", "to show your list of categories", required=False),
    Scope("MailboxSettings.ReadWrite", "to add a category to that list", required=False),
    Scope("Contacts.ReadWrite.Shared", "for mailboxes shared with you; work accounts only", required=False),
)


def sign_in(login_url: str, settings: Mapping[str, str]) -> str:
    return endpoint(login_url, "authorize", settings.get("tenant", ""))


def identify(host: Host) -> Identity:
    """The id of a user stays through every change of name and address."""
    graph = Graph(host)
    try:
        me = graph.get("/me" + query(select="id"), "its name")
    finally:
        graph.http.close()
    if not me.get("id"):
        raise Unavailable("Microsoft did not say whose account this is. Try again.")
    return Identity(str(me["id"]))


def is_granted(secrets: Mapping[str, str], name: str) -> bool:
    """`offline_access` shows in the refresh token and `openid` nowhere; an answer without a list grants what was
    asked for."""
    if name == "offline_access":
        return bool(secrets.get("refresh_token"))
    return name == "openid" or not secrets.get("scope") or has_scope(secrets["scope"], name)


def admin_consent(login_url: str, settings: Mapping[str, str], redirect_uri: str) -> str:
    """Where an administrator agrees for the whole organisation; `common` and `consumers` are not taken there."""
    tenant = settings.get("tenant", "")
    directory = "organizations" if tenant in ("", "common", "consumers") else tenant
    wanted = scope([one.name for one in SCOPES if one.required], settings.get("base_url", ""))
    asked = {"client_id": settings.get("client_id", ""), "redirect_uri": redirect_uri, "scope": wanted}
    return f"{(login_url or LOGIN_URL).rstrip('/')}/{directory}/v2.0/adminconsent?{urlencode(asked)}"


OAUTH: Final = OAuth(
    vendor="Microsoft",
    console="https://entra.microsoft.com",
    endpoint=sign_in,
    scopes=SCOPES,
    redeem=redeem,
    identify=identify,
    spelled=scope,
    is_granted=is_granted,
    extra={"response_mode": "query", "prompt": "select_account"},
    withdraw="https://myapps.microsoft.com",
    account_types=(
        Choice("common", "work, school and personal accounts"),
        Choice("organizations", "work and school accounts"),
        Choice("consumers", "personal accounts (Outlook.com)"),
    ),
    admin_consent=admin_consent,
    needs_admin=frozenset({"consent_required", "65001", "90094", "90095"}),
)
