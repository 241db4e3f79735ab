"""Sign-in at Salesforce: the OAuth 2.0 web server flow with PKCE
(help.salesforce.com, OAuth 2.0 Web Server Flow for Web App Integration).

There is no expiry in the answer: an access token works until a 401. Which host signs in depends on the organisation:
production, a sandbox, or its own My Domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.base import AddressRefused, AuthLost, Forbidden, Host, Throttled, Unavailable
from connectors.http import Answer, Http

LOGIN_URL: Final = "https://login.salesforce.com"
SANDBOX_LOGIN_URL: Final = "https://test.salesforce.com"
_SIGN_IN: Final = {"invalid_grant", "inactive_user", "inactive_org", "access_denied"}
_KEPT: Final = ("access_token", "refresh_token", "instance_url", "id", "scope", "issued_at")
_ORGANISATION: Final = re.compile(r"/id/(00D[A-Za-z0-9]{12})")
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*", re.IGNORECASE)


def login_host(wanted: str) -> str:
    """The address to sign in at: empty or "production", "sandbox", a My Domain's name ("acme"), or an address."""
    text = wanted.strip().rstrip("/")
    if text in ("", "production"):
        return LOGIN_URL
    if text == "sandbox":
        return SANDBOX_LOGIN_URL
    if "://" in text:
        return text
    if not _DOMAIN.fullmatch(text):
        raise AddressRefused(f"{text!r} is no name of a Salesforce domain. Enter it as in acme.my.salesforce.com.")
    return f"https://{text}" if "." in text else f"https://{text}.my.salesforce.com"


def endpoint(login_url: str, name: str) -> str:
    """`name`: token, authorize or revoke."""
    return f"{login_host(login_url)}/services/oauth2/{name}"


def organisation_of(identity: str) -> str:
    """The organisation's id in an identity address, 15 characters; empty if there is none."""
    found = _ORGANISATION.search(identity)
    return found[1] if found else ""


def refresher(host: Host) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    """What the vault calls to renew the account's secrets."""

    def refresh(old: Mapping[str, str]) -> Mapping[str, str]:
        if not old.get("refresh_token"):
            raise AuthLost("The access of this account has run out and cannot be renewed. Connect the account again.")
        form = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
        new = _tokens(_ask(host, form))
        before, after = organisation_of(old.get("id", "")), organisation_of(new.get("id", ""))
        if before and after and before != after:
            raise AuthLost("Salesforce gave access to another organisation than before. Connect the account again.")
        return new

    return refresh


def redeem(host: Host, code: str, redirect_uri: str, verifier: str) -> Mapping[str, str]:
    """The first secrets of an account, for the code that came back from the sign-in."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return _tokens(_ask(host, form))


def _ask(host: Host, form: Mapping[str, str]) -> Mapping[str, Any]:
    client = {name: host.settings[name] for name in ("client_id", "client_secret") if host.settings.get(name)}
    if "client_id" not in client:
        raise Forbidden("This installation is not registered at Salesforce. Ask whoever runs Pairwise for a client id.")
    http = Http(host)
    try:
        answer = http.request("POST", endpoint(host.login_url, "token"), data={**client, **form}, auth=None)
    finally:
        http.close()
    body = answer.json()
    if not isinstance(body, dict):
        raise Unavailable("Salesforce's sign-in answered something unknown. It will be tried again.")
    if answer.ok and isinstance(body.get("access_token"), str):
        return body
    raise _error(answer, body)


def _error(answer: Answer, body: Mapping[str, Any]) -> Exception:
    error = str(body.get("error") or f"status {answer.status}")
    if error in _SIGN_IN:
        return AuthLost(f"Salesforce asks for a new sign-in of this account ({error}). Connect the account again.")
    if error == "rate_limit_exceeded":
        return Throttled("Salesforce asks to wait before the account signs in again. It goes on by itself then.", 600.0)
    if answer.ok or answer.status >= 500 or error == "unknown_error":
        return Unavailable(f"Salesforce's sign-in is not available ({error}). It will be tried again.")
    return Forbidden(
        f"Salesforce does not accept this installation's registration ({error}). "
        "Ask whoever runs Pairwise to check the client id and its secret."
    )


def _tokens(body: Mapping[str, Any]) -> dict[str, str]:
    """The secrets that change. A refresh token comes only if a new one replaces the old."""
    secrets = {name: str(body[name]) for name in _KEPT if body.get(name)}
    address = urlsplit(secrets.get("instance_url", ""))
    if secrets.get("instance_url") and (address.scheme not in ("http", "https") or not address.hostname):
        raise AddressRefused("Salesforce named no usable address for the organisation. Connect the account again.")
    return secrets
