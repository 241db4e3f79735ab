"""How a person authorises an organisation at Salesforce
(help.salesforce.com, OAuth 2.0 Web Server Flow for Web App Integration; Revoke OAuth Tokens)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from connectors.base import AddressRefused, Host, Unavailable
from connectors.http import Http
from connectors.oauth import Choice, Identity, LoginPlaces, OAuth, Scope
from connectors.salesforce.oauth import SANDBOX_LOGIN_URL, endpoint, redeem

_IDENTITY: Final = re.compile(r"/id/(00D[A-Za-z0-9]{12})[A-Za-z0-9]*/(005[A-Za-z0-9]{12})")
_DOMAIN: Final = re.compile(r"([a-z0-9-]+\.)+my\.salesforce\.(com|mil)")
_NAME: Final = re.compile(r"[a-z0-9-]+")

SCOPES: Final = (
    Scope("api", "to read and write contacts, leads and campaigns"),
    Scope("refresh_token", "to work while you are away"),
)


def sign_in(login_url: str, settings: Mapping[str, str]) -> str:
    return endpoint(login_url, "authorize")


def login_address(wanted: str) -> str:
    """Empty for the registration's own, "sandbox", or a My Domain: its name or its address. Nothing outside Salesforce:
    whoever named another server would be handed the client secret. Raises AddressRefused."""
    text = wanted.strip().lower()
    if text in ("", "production"):
        return ""
    if text == "sandbox":
        return SANDBOX_LOGIN_URL
    host = (urlsplit(text).netloc if "://" in text else text).rstrip("/")
    host = f"{host}.my.salesforce.com" if _NAME.fullmatch(host) else host
    if not _DOMAIN.fullmatch(host):
        raise AddressRefused("This is no My Domain of Salesforce. Enter it as in acme.my.salesforce.com.")
    return f"https://{host}"


def identify(host: Host) -> Identity:
    """Organisation and user, in the 15 characters that both forms of an id begin with."""
    found = _IDENTITY.search(host.vault.current().values.get("id", ""))
    if found is None:
        raise Unavailable("Salesforce did not say which organisation this is. Try again.")
    return Identity(id=found[1], user=found[2])


def is_granted(secrets: Mapping[str, str], name: str) -> bool:
    if name == "refresh_token":
        return bool(secrets.get("refresh_token"))
    return not secrets.get("scope") or bool({name, "full"} & set(secrets["scope"].split()))


def revoke(host: Host) -> None:
    """A refresh token takes its access tokens along. One that is unknown there is as good as revoked."""
    secrets = host.vault.current().values
    token = secrets.get("refresh_token") or secrets.get("access_token")
    if not token:
        return
    http = Http(host)
    try:
        answer = http.request("POST", endpoint(host.login_url, "revoke"), data={"token": token}, auth=None)
    finally:
        http.close()
    if not answer.ok and answer.status != 400:
        raise Unavailable(f"Salesforce did not take the authorisation back (status {answer.status}).")


OAUTH: Final = OAuth(
    vendor="Salesforce",
    console="https://login.salesforce.com",
    endpoint=sign_in,
    scopes=SCOPES,
    redeem=redeem,
    identify=identify,
    is_granted=is_granted,
    extra={"prompt": "login consent"},
    revoke=revoke,
    places=LoginPlaces(
        choices=(Choice("", "Production or Developer Edition"), Choice("sandbox", "Sandbox")),
        own="My Domain",
        address=login_address,
    ),
)
